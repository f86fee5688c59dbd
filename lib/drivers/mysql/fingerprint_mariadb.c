/* SPDX-License-Identifier: Apache-2.0 */

/* MariaDB 10.6 upwards; run on 10.11 and 11.8. */

#include "drivers/mysql/fingerprint.h"

#include <migrate/driver.h>

static const struct mig_my_part table_parts[] = {
    { "information_schema.tables", "table_schema=:db AND table_name=:name",
      "table_type,engine,row_format,table_collation,create_options,table_comment",
      "MAX(engine<>'InnoDB') h,MAX(create_options LIKE '%partitioned%') pt,"
      "COALESCE(MAX(UNIX_TIMESTAMP(create_time)),0) ct,MAX(create_time>=NOW()) young", NULL, 0 },
    { "information_schema.columns", "table_schema=:db AND table_name=:name",
      "ordinal_position,column_name,!column_default,is_nullable,column_type,character_set_name,"
      "collation_name,extra,column_comment,!generation_expression",
      NULL, NULL, 0 },
    { "information_schema.statistics", "table_schema=:db AND table_name=:name",
      "index_name,seq_in_index,non_unique,column_name,collation,sub_part,index_type,"
      "index_comment,ignored",
      NULL, NULL, 0 },
    { "information_schema.table_constraints", "table_schema=:db AND table_name=:name",
      "constraint_name,constraint_type",
      "SUM(constraint_type='FOREIGN KEY') fk,SUM(constraint_type='CHECK') ck", NULL, 0 },
    { "information_schema.key_column_usage", "table_schema=:db AND table_name=:name",
      "constraint_name,ordinal_position,column_name,position_in_unique_constraint,"
      "referenced_table_schema,referenced_table_name,referenced_column_name",
      NULL, "k.fk", 0 },
    { "information_schema.referential_constraints", "constraint_schema=:db AND table_name=:name",
      "constraint_name,unique_constraint_schema,unique_constraint_name,match_option,"
      "update_rule,delete_rule,referenced_table_name",
      NULL, "k.fk", 0 },
    { "information_schema.check_constraints", "constraint_schema=:db AND table_name=:name",
      "constraint_name,level,!check_clause",
      NULL, "k.ck", 0 },
    { "information_schema.partitions", "table_schema=:db AND table_name=:name",
      "partition_name,partition_ordinal_position,partition_method,!partition_expression,"
      "partition_description,partition_comment,subpartition_name,subpartition_ordinal_position,"
      "subpartition_method,!subpartition_expression,tablespace_name",
      NULL, "b.pt", 0 },
};

static const struct mig_my_part view_parts[] = {
    { "information_schema.views", "table_schema=:db AND table_name=:name",
      "!view_definition,check_option,security_type,definer,character_set_client,"
      "collation_connection,algorithm",
      "MAX(COALESCE(view_definition,'')='') h", NULL, 0 },
    { "information_schema.columns", "table_schema=:db AND table_name=:name",
      "ordinal_position,column_name,column_type,collation_name",
      NULL, NULL, 0 },
};

static const struct mig_my_part routine_parts[] = {
    { "information_schema.routines", "routine_schema=:db AND routine_name=:name",
      "routine_type,routine_definition,dtd_identifier,is_deterministic,sql_data_access,"
      "security_type,sql_mode,routine_comment,definer,routine_body,character_set_client,"
      "collation_connection,database_collation",
      "MAX(routine_definition IS NULL) h", NULL, 0 },
    { "information_schema.parameters", "specific_schema=:db AND specific_name=:name",
      "routine_type,ordinal_position,parameter_mode,parameter_name,dtd_identifier",
      NULL, NULL, 0 },
};

static const struct mig_my_part trigger_parts[] = {
    { "information_schema.triggers", "trigger_schema=:db AND trigger_name=:name",
      "event_object_table,event_manipulation,action_timing,action_order,action_statement,"
      "sql_mode,definer,character_set_client,collation_connection,database_collation",
      "0 h", NULL, 0 },
};

static const struct mig_my_part event_parts[] = {
    { "information_schema.events", "event_schema=:db AND event_name=:name",
      "event_definition,event_type,execute_at,interval_value,interval_field,starts,ends,status,"
      "on_completion,sql_mode,event_comment,definer,time_zone",
      "0 h", NULL, 0 },
};

static const struct mig_my_part database_parts[] = {
    { "information_schema.schemata", "schema_name=:name",
      "default_character_set_name,default_collation_name,schema_comment",
      "0 h", NULL, 0 },
};

static const struct mig_my_part sequence_parts[] = {
    { "information_schema.tables", "table_schema=:db AND table_name=:name",
      "table_type,engine,table_comment",
      "0 h", NULL, 0 },
    { "information_schema.sequences", "sequence_schema=:db AND sequence_name=:name",
      "minimum_value,maximum_value,start_value,increment,cycle_option",
      NULL, NULL, 110500 },
};

#define PARTS(a) a, sizeof a / sizeof *a

const struct mig_my_kind mig_my_kinds_mariadb[] = {
    { MIGRATE_OBJECT_TABLE, PARTS(table_parts) },
    { MIGRATE_OBJECT_VIEW, PARTS(view_parts) },
    { MIGRATE_OBJECT_ROUTINE, PARTS(routine_parts) },
    { MIGRATE_OBJECT_TRIGGER, PARTS(trigger_parts) },
    { MIGRATE_OBJECT_EVENT, PARTS(event_parts) },
    { MIGRATE_OBJECT_DATABASE, PARTS(database_parts) },
    { MIGRATE_OBJECT_SEQUENCE, PARTS(sequence_parts) },
};

const size_t mig_my_n_kinds_mariadb = sizeof mig_my_kinds_mariadb / sizeof *mig_my_kinds_mariadb;
