/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SQL_ALTER_H
#define MIG_SQL_ALTER_H

/* The clauses of a MySQL or MariaDB ALTER TABLE, one by one. */

#include "sql/cursor.h"

enum mig_alter_kind {
    MIG_ALTER_OTHER, /* a clause or option not named here */
    MIG_ALTER_ADD_COLUMN,
    MIG_ALTER_DROP_COLUMN,
    MIG_ALTER_MODIFY_COLUMN,
    MIG_ALTER_CHANGE_COLUMN,
    MIG_ALTER_RENAME_COLUMN,
    MIG_ALTER_DEFAULT,    /* ALTER c SET DEFAULT, DROP DEFAULT */
    MIG_ALTER_VISIBILITY, /* ALTER c SET INVISIBLE */
    MIG_ALTER_ADD_INDEX,
    MIG_ALTER_ADD_FULLTEXT,
    MIG_ALTER_ADD_SPATIAL,
    MIG_ALTER_ADD_PRIMARY,
    MIG_ALTER_DROP_INDEX,
    MIG_ALTER_DROP_PRIMARY,
    MIG_ALTER_RENAME_INDEX,
    MIG_ALTER_INDEX_VISIBILITY,
    MIG_ALTER_ADD_FOREIGN,
    MIG_ALTER_DROP_FOREIGN,
    MIG_ALTER_ADD_CHECK,
    MIG_ALTER_DROP_CHECK,
    MIG_ALTER_DROP_CONSTRAINT,
    MIG_ALTER_ENFORCE, /* ALTER CHECK … [NOT] ENFORCED */
    MIG_ALTER_RENAME_TABLE,
    MIG_ALTER_COMMENT,
    MIG_ALTER_AUTO_INCREMENT,
    MIG_ALTER_ENGINE, /* InnoDB */
    MIG_ALTER_ENGINE_FOREIGN,
    MIG_ALTER_ROW_FORMAT,
    MIG_ALTER_STATS,
    MIG_ALTER_CHARSET, /* DEFAULT CHARACTER SET, COLLATE */
    MIG_ALTER_CONVERT,
    MIG_ALTER_FORCE,
    MIG_ALTER_ORDER_BY,
    MIG_ALTER_KEYS,       /* ENABLE KEYS, DISABLE KEYS */
    MIG_ALTER_TABLESPACE, /* DISCARD or IMPORT TABLESPACE */
    MIG_ALTER_VERSIONING, /* ADD or DROP SYSTEM VERSIONING, PERIOD */
    MIG_ALTER_ADD_PARTITION,
    MIG_ALTER_ADD_HASH_PARTITION, /* ADD PARTITION PARTITIONS n */
    MIG_ALTER_DROP_PARTITION,
    MIG_ALTER_TRUNCATE_PARTITION,
    MIG_ALTER_COALESCE_PARTITION,
    MIG_ALTER_REORGANIZE_PARTITION,
    MIG_ALTER_REBUILD_PARTITION,
    MIG_ALTER_EXCHANGE_PARTITION,
    MIG_ALTER_CONVERT_PARTITION, /* MariaDB: CONVERT PARTITION … TO TABLE and back */
    MIG_ALTER_CHECK_PARTITION,   /* ANALYZE, CHECK, OPTIMIZE, REPAIR PARTITION */
    MIG_ALTER_PARTITION_BY,
    MIG_ALTER_REMOVE_PARTITIONING,
    MIG_ALTER_ALGORITHM,
    MIG_ALTER_LOCK,
};

/* What a column definition says, and a few facts of other clauses. */
#define MIG_ALTER_IF (1u << 0) /* IF EXISTS, IF NOT EXISTS in the clause */
#define MIG_ALTER_NOT_NULL (1u << 1)
#define MIG_ALTER_NULL (1u << 2)
#define MIG_ALTER_HAS_DEFAULT (1u << 3)
#define MIG_ALTER_EXPRESSION (1u << 4) /* DEFAULT (expression), index on an expression */
#define MIG_ALTER_IS_AUTO (1u << 5)    /* AUTO_INCREMENT */
#define MIG_ALTER_UNIQUE (1u << 6)
#define MIG_ALTER_IS_PRIMARY (1u << 7)
#define MIG_ALTER_CHECKED (1u << 8)
#define MIG_ALTER_REFERENCES (1u << 9)
#define MIG_ALTER_VIRTUAL (1u << 10)
#define MIG_ALTER_STORED (1u << 11)
#define MIG_ALTER_PLACED (1u << 12)     /* FIRST, AFTER */
#define MIG_ALTER_CHARACTERS (1u << 13) /* CHARACTER SET or COLLATE */
#define MIG_ALTER_SEVERAL (1u << 14)    /* ADD (a …, b …) */
#define MIG_ALTER_NEGATED (1u << 15)    /* NOT ENFORCED */

struct mig_alter_clause {
    enum mig_alter_kind kind;
    uint32_t flags;
    struct mig_token name; /* column, index, constraint; kind END where there is none */
    struct mig_token to;   /* new name of what is renamed, value of an option */
    struct mig_token type; /* first word of a column's type */
    const char *begin;     /* its text */
    const char *end;
};

/* Reads one clause and what separates it from the next; false at the end. The cursor stands behind the
 * table's name at first. */
bool mig_alter_next(struct mig_cursor *c, struct mig_alter_clause *out);

/* Takes ALTER [ONLINE] [IGNORE] TABLE up to where the name begins. */
bool mig_alter_take_head(struct mig_cursor *c);
/* Behind the name: WAIT n, NOWAIT. */
void mig_alter_take_wait(struct mig_cursor *c);

/* Behind the name of an index: sets MIG_ALTER_EXPRESSION where a part of it is an expression. */
void mig_alter_index_parts(struct mig_cursor *c, struct mig_alter_clause *out);

/* Do two name tokens name the same column or index (ASCII case folded)? */
bool mig_alter_same_name(const struct mig_token *a, const struct mig_token *b);

/* The name by which an index is the primary key. */
bool mig_alter_is_primary(const struct mig_token *name);

#endif
