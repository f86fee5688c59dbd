/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "core/plan.h"

static struct migrate_plan *one_step(void)
{
    static struct mig_remark drops[] = { { 2, 14, "DROP TABLE \"t\": drops the table" } };
    static struct mig_remark copies[] = { { 0, 0, "copies the table" }, { 3, 0, "x" } };
    static const char *sql[] = { "CREATE TABLE t (a)", "DROP TABLE \"t\";cut" };
    static size_t sql_len[] = { 18, 14 };
    struct migrate_plan *plan = mig_plan_new(NULL);
    struct mig_step *step = mig_plan_add(plan);
    step->item.version = "7";
    step->item.name = "x";
    step->item.path = "7_x.sql";
    step->item.kind = MIGRATE_KIND_VERSIONED;
    step->item.state = MIGRATE_STATE_PENDING;
    step->item.direction = MIGRATE_DIRECTION_UP;
    step->item.flags = MIGRATE_ITEM_TRANSACTION;
    step->item.statements = 2;
    step->destructive = drops;
    step->n_destructive = 1;
    step->online = copies;
    step->n_online = 2;
    step->sql = sql;
    step->sql_len = sql_len;
    step->n_sql = 2;
    plan->state = MIGRATE_STATE_PENDING;
    return plan;
}

#define STEP                                                                                                 \
    "{\"schema\":1,\"state\":\"pending\",\"steps\":[{\"version\":\"7\",\"name\":\"x\",\"direction\":\"up\"," \
    "\"transaction\":true,"                                                                                  \
    "\"statements\":2,\"destructive\":[\"statement 2, line 14: DROP TABLE \\\"t\\\": drops the "             \
    "table\"],\"may_doubt\":[],"                                                                             \
    "\"kind\":\"V\",\"state\":\"pending\",\"path\":\"7_x.sql\",\"checksum\":null,\"online\":[\"copies the "  \
    "table\","                                                                                               \
    "\"statement 3: x\"]"

START_TEST(json)
{
    struct migrate_plan *plan = one_step();
    ck_assert_str_eq(migrate_plan_json(plan), STEP "}]}");
    ck_assert_ptr_eq(migrate_plan_json(plan), migrate_plan_json(plan));
    migrate_plan_free(plan);
    plan = one_step();
    plan->options.flags = MIGRATE_RUN_SQL;
    ck_assert_str_eq(migrate_plan_json(plan),
                     STEP ",\"sql\":[\"CREATE TABLE t (a)\",\"DROP TABLE \\\"t\\\"\"]}]}");
    migrate_plan_free(plan);
}
END_TEST

START_TEST(accessors)
{
    struct migrate_plan *plan = one_step();
    ck_assert_uint_eq(migrate_plan_count(plan), 1);
    ck_assert_str_eq(migrate_item_version(migrate_plan_step(plan, 0)), "7");
    ck_assert_ptr_null(migrate_plan_step(plan, 1));
    migrate_plan_free(plan);
    migrate_plan_free(NULL);
    ck_assert_uint_eq(migrate_plan_count(NULL), 0);
    ck_assert_str_eq(migrate_plan_json(NULL), "");
    struct migrate_statement statement = { "SELECT 1;", 8, 3, MIGRATE_STATEMENT_ALONE, "why" };
    size_t len = 0;
    ck_assert_str_eq(migrate_statement_text(&statement, &len), "SELECT 1;");
    ck_assert_uint_eq(len, 8);
    ck_assert_uint_eq(migrate_statement_line(&statement), 3);
    ck_assert_uint_eq(migrate_statement_flags(&statement), MIGRATE_STATEMENT_ALONE);
    ck_assert_str_eq(migrate_statement_note(&statement), "why");
    ck_assert_str_eq(migrate_statement_text(NULL, &len), "");
    ck_assert_uint_eq(len, 0);
    ck_assert_str_eq(migrate_statement_text(NULL, NULL), "");
    ck_assert_ptr_null(migrate_statement_note(NULL));
}
END_TEST

UNIT_MAIN("plan_view", json, accessors)
