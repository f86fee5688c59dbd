/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/alter.h"

#include <migrate/driver.h>

#include "util/text.h"

/* A clause that begins with fixed words. Longer sequences stand before their beginnings. */
struct clause_row {
    const char *words;
    enum mig_alter_kind kind;
    bool named; /* a name follows, perhaps behind IF [NOT] EXISTS */
};

static const struct clause_row rows[] = {
    { "ADD SYSTEM VERSIONING", MIG_ALTER_VERSIONING, false },
    { "DROP SYSTEM VERSIONING", MIG_ALTER_VERSIONING, false },
    { "ADD PERIOD", MIG_ALTER_VERSIONING, false },
    { "DROP PERIOD", MIG_ALTER_VERSIONING, false },
    { "ADD PARTITION", MIG_ALTER_ADD_PARTITION, false },
    { "ADD PRIMARY KEY", MIG_ALTER_ADD_PRIMARY, false },
    { "ADD UNIQUE INDEX", MIG_ALTER_ADD_INDEX, true },
    { "ADD UNIQUE KEY", MIG_ALTER_ADD_INDEX, true },
    { "ADD UNIQUE", MIG_ALTER_ADD_INDEX, true },
    { "ADD FULLTEXT INDEX", MIG_ALTER_ADD_FULLTEXT, true },
    { "ADD FULLTEXT KEY", MIG_ALTER_ADD_FULLTEXT, true },
    { "ADD FULLTEXT", MIG_ALTER_ADD_FULLTEXT, true },
    { "ADD SPATIAL INDEX", MIG_ALTER_ADD_SPATIAL, true },
    { "ADD SPATIAL KEY", MIG_ALTER_ADD_SPATIAL, true },
    { "ADD SPATIAL", MIG_ALTER_ADD_SPATIAL, true },
    { "ADD VECTOR INDEX", MIG_ALTER_ADD_SPATIAL, true },
    { "ADD VECTOR KEY", MIG_ALTER_ADD_SPATIAL, true },
    { "ADD INDEX", MIG_ALTER_ADD_INDEX, true },
    { "ADD KEY", MIG_ALTER_ADD_INDEX, true },
    { "ADD FOREIGN KEY", MIG_ALTER_ADD_FOREIGN, true },
    { "ADD CHECK", MIG_ALTER_ADD_CHECK, false },
    { "DROP PARTITION", MIG_ALTER_DROP_PARTITION, true },
    { "DROP PRIMARY KEY", MIG_ALTER_DROP_PRIMARY, false },
    { "DROP INDEX", MIG_ALTER_DROP_INDEX, true },
    { "DROP KEY", MIG_ALTER_DROP_INDEX, true },
    { "DROP FOREIGN KEY", MIG_ALTER_DROP_FOREIGN, true },
    { "DROP CHECK", MIG_ALTER_DROP_CHECK, true },
    { "DROP CONSTRAINT", MIG_ALTER_DROP_CONSTRAINT, true },
    { "DROP COLUMN", MIG_ALTER_DROP_COLUMN, true },
    { "DROP", MIG_ALTER_DROP_COLUMN, true },
    { "RENAME INDEX", MIG_ALTER_RENAME_INDEX, true },
    { "RENAME KEY", MIG_ALTER_RENAME_INDEX, true },
    { "RENAME COLUMN", MIG_ALTER_RENAME_COLUMN, true },
    { "RENAME TO", MIG_ALTER_RENAME_TABLE, true },
    { "RENAME AS", MIG_ALTER_RENAME_TABLE, true },
    { "RENAME", MIG_ALTER_RENAME_TABLE, true },
    { "ALTER INDEX", MIG_ALTER_INDEX_VISIBILITY, true },
    { "ALTER KEY", MIG_ALTER_INDEX_VISIBILITY, true },
    { "ALTER CHECK", MIG_ALTER_ENFORCE, true },
    { "ALTER CONSTRAINT", MIG_ALTER_ENFORCE, true },
    { "DISCARD PARTITION", MIG_ALTER_TABLESPACE, true },
    { "IMPORT PARTITION", MIG_ALTER_TABLESPACE, true },
    { "DISCARD TABLESPACE", MIG_ALTER_TABLESPACE, false },
    { "IMPORT TABLESPACE", MIG_ALTER_TABLESPACE, false },
    { "TRUNCATE PARTITION", MIG_ALTER_TRUNCATE_PARTITION, true },
    { "COALESCE PARTITION", MIG_ALTER_COALESCE_PARTITION, false },
    { "REORGANIZE PARTITION", MIG_ALTER_REORGANIZE_PARTITION, false },
    { "REBUILD PARTITION", MIG_ALTER_REBUILD_PARTITION, true },
    { "EXCHANGE PARTITION", MIG_ALTER_EXCHANGE_PARTITION, true },
    { "CONVERT PARTITION", MIG_ALTER_CONVERT_PARTITION, true },
    { "CONVERT TABLE", MIG_ALTER_CONVERT_PARTITION, true },
    { "ANALYZE PARTITION", MIG_ALTER_CHECK_PARTITION, true },
    { "CHECK PARTITION", MIG_ALTER_CHECK_PARTITION, true },
    { "OPTIMIZE PARTITION", MIG_ALTER_CHECK_PARTITION, true },
    { "REPAIR PARTITION", MIG_ALTER_CHECK_PARTITION, true },
    { "REMOVE PARTITIONING", MIG_ALTER_REMOVE_PARTITIONING, false },
    { "PARTITION BY", MIG_ALTER_PARTITION_BY, false },
    { "CONVERT TO", MIG_ALTER_CONVERT, false },
    { "ORDER BY", MIG_ALTER_ORDER_BY, false },
    { "ENABLE KEYS", MIG_ALTER_KEYS, false },
    { "DISABLE KEYS", MIG_ALTER_KEYS, false },
};

/* Options of a table: [DEFAULT] words [=] value, separated by blanks or commas. */
static const struct clause_row options[] = {
    { "FORCE", MIG_ALTER_FORCE, false },
    { "CHARACTER SET", MIG_ALTER_CHARSET, true },
    { "CHARSET", MIG_ALTER_CHARSET, true },
    { "COLLATE", MIG_ALTER_CHARSET, true },
    { "COMMENT", MIG_ALTER_COMMENT, true },
    { "AUTO_INCREMENT", MIG_ALTER_AUTO_INCREMENT, true },
    { "ROW_FORMAT", MIG_ALTER_ROW_FORMAT, true },
    { "KEY_BLOCK_SIZE", MIG_ALTER_ROW_FORMAT, true },
    { "STATS_PERSISTENT", MIG_ALTER_STATS, true },
    { "STATS_AUTO_RECALC", MIG_ALTER_STATS, true },
    { "STATS_SAMPLE_PAGES", MIG_ALTER_STATS, true },
    { "ENGINE", MIG_ALTER_ENGINE, true },
    { "TYPE", MIG_ALTER_ENGINE, true },
    { "ALGORITHM", MIG_ALTER_ALGORITHM, true },
    { "LOCK", MIG_ALTER_LOCK, true },
    { "WITH VALIDATION", MIG_ALTER_OTHER, false },
    { "WITHOUT VALIDATION", MIG_ALTER_OTHER, false },
    { "DATA DIRECTORY", MIG_ALTER_OTHER, true },
    { "INDEX DIRECTORY", MIG_ALTER_OTHER, true },
};

/* ------------------------------------------------------------------ small parts */

bool mig_alter_same_name(const struct mig_token *a, const struct mig_token *b)
{
    char an[MIG_SQL_NAME_MAX];
    char bn[MIG_SQL_NAME_MAX];

    return mig_token_name(a, MIGRATE_DIALECT_MYSQL, an, sizeof an) &&
           mig_token_name(b, MIGRATE_DIALECT_MYSQL, bn, sizeof bn) && mig_ieq(an, bn);
}

bool mig_alter_is_primary(const struct mig_token *name)
{
    char text[MIG_SQL_NAME_MAX];

    return mig_token_name(name, MIGRATE_DIALECT_MYSQL, text, sizeof text) && mig_ieq(text, "primary");
}

bool mig_alter_take_head(struct mig_cursor *c)
{
    if (!mig_cur_take(c, "ALTER")) {
        return false;
    }
    while (mig_cur_take_any(c, "ONLINE OFFLINE IGNORE")) {
    }
    return mig_cur_take(c, "TABLE");
}

void mig_alter_take_wait(struct mig_cursor *c)
{
    if (mig_cur_take(c, "WAIT")) {
        mig_cur_next(c);
    }
    mig_cur_take(c, "NOWAIT");
}

static void take_if(struct mig_cursor *c, struct mig_alter_clause *out)
{
    if (mig_cur_take(c, "IF EXISTS") || mig_cur_take(c, "IF NOT EXISTS")) {
        out->flags |= MIG_ALTER_IF;
    }
}

static bool at_name(const struct mig_cursor *c)
{
    return c->tok.kind == MIG_TOKEN_WORD || c->tok.kind == MIG_TOKEN_QUOTED;
}

static void take_name(struct mig_cursor *c, struct mig_token *out)
{
    if (at_name(c)) {
        *out = c->tok;
        mig_cur_next(c);
    }
}

/* Partitioning may follow the last clause without a comma. */
static bool at_clause_end(const struct mig_cursor *c)
{
    return mig_cur_end(c) || mig_cur_at_punct(c, ',') || mig_cur_at_punct(c, ')') ||
           mig_cur_sees(c, "PARTITION BY") || mig_cur_sees(c, "REMOVE PARTITIONING");
}

static void skip_clause(struct mig_cursor *c)
{
    while (!at_clause_end(c)) {
        mig_cur_skip(c);
    }
}

/* ------------------------------------------------------------------ columns */

/* Behind DEFAULT. A literal or CURRENT_TIMESTAMP is no expression. */
static void column_default(struct mig_cursor *c, struct mig_alter_clause *out)
{
    bool plain = mig_cur_at_any(c, "CURRENT_TIMESTAMP NOW LOCALTIME LOCALTIMESTAMP NULL TRUE FALSE") ||
                 c->tok.kind != MIG_TOKEN_WORD;

    out->flags |= MIG_ALTER_HAS_DEFAULT;
    if (mig_cur_at_punct(c, '(')) {
        out->flags |= MIG_ALTER_EXPRESSION;
        mig_cur_skip(c);
        return;
    }
    mig_cur_next(c);
    if (mig_cur_at_punct(c, '(')) {
        if (!plain) {
            out->flags |= MIG_ALTER_EXPRESSION;
        }
        mig_cur_skip(c);
    }
}

/* Words of a column definition that set one flag. */
static const struct {
    const char *words;
    uint32_t flag;
} attributes[] = {
    { "NOT NULL", MIG_ALTER_NOT_NULL },
    { "NULL", MIG_ALTER_NULL },
    { "AUTO_INCREMENT", MIG_ALTER_IS_AUTO },
    { "UNIQUE KEY", MIG_ALTER_UNIQUE },
    { "UNIQUE", MIG_ALTER_UNIQUE },
    { "PRIMARY KEY", MIG_ALTER_IS_PRIMARY },
    { "KEY", MIG_ALTER_IS_PRIMARY },
    { "CHECK", MIG_ALTER_CHECKED },
    { "SERIAL", MIG_ALTER_IS_AUTO | MIG_ALTER_UNIQUE },
    { "REFERENCES", MIG_ALTER_REFERENCES },
    { "VIRTUAL", MIG_ALTER_VIRTUAL },
    { "STORED", MIG_ALTER_STORED },
    { "PERSISTENT", MIG_ALTER_STORED },
    { "FIRST", MIG_ALTER_PLACED },
    { "AFTER", MIG_ALTER_PLACED },
    { "CHARACTER SET", MIG_ALTER_CHARACTERS },
    { "CHARSET", MIG_ALTER_CHARACTERS },
    { "COLLATE", MIG_ALTER_CHARACTERS },
};

static bool column_attribute(struct mig_cursor *c, struct mig_alter_clause *out)
{
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        if (mig_cur_take(c, attributes[i].words)) {
            out->flags |= attributes[i].flag;
            return true;
        }
    }
    return false;
}

static void column_definition(struct mig_cursor *c, struct mig_alter_clause *out)
{
    if (at_name(c)) {
        out->type = c->tok;
    }
    while (!at_clause_end(c)) {
        if (mig_cur_take(c, "DEFAULT") || mig_cur_take(c, "ON UPDATE")) {
            column_default(c, out);
        } else if (mig_cur_take(c, "COMMENT")) {
            mig_cur_skip(c);
        } else if (mig_cur_take(c, "AS") || mig_cur_take(c, "GENERATED ALWAYS AS")) {
            out->flags |= mig_cur_at_punct(c, '(') ? MIG_ALTER_VIRTUAL : 0;
            mig_cur_skip(c);
        } else if (!column_attribute(c, out)) {
            mig_cur_skip(c);
        }
    }
    if ((out->flags & MIG_ALTER_STORED) != 0) {
        out->flags &= ~MIG_ALTER_VIRTUAL;
    }
}

static void add_column(struct mig_cursor *c, struct mig_alter_clause *out)
{
    out->kind = MIG_ALTER_ADD_COLUMN;
    take_if(c, out);
    if (mig_cur_take_punct(c, '(')) {
        out->flags |= MIG_ALTER_SEVERAL;
        do {
            take_name(c, &out->name);
            column_definition(c, out);
        } while (mig_cur_take_punct(c, ','));
        mig_cur_take_punct(c, ')');
        return;
    }
    take_name(c, &out->name);
    column_definition(c, out);
}

/* ------------------------------------------------------------------ constraints and indexes */

/* Behind ADD CONSTRAINT. */
static void add_constraint(struct mig_cursor *c, struct mig_alter_clause *out)
{
    take_if(c, out);
    if (!mig_cur_at_any(c, "PRIMARY UNIQUE FOREIGN CHECK")) {
        take_name(c, &out->name);
    }
    if (mig_cur_take(c, "PRIMARY KEY")) {
        out->kind = MIG_ALTER_ADD_PRIMARY;
    } else if (mig_cur_take(c, "UNIQUE")) {
        out->kind = MIG_ALTER_ADD_INDEX;
        out->flags |= MIG_ALTER_UNIQUE;
        mig_cur_take_any(c, "INDEX KEY");
        take_if(c, out);
        take_name(c, &out->name);
    } else if (mig_cur_take(c, "FOREIGN KEY")) {
        out->kind = MIG_ALTER_ADD_FOREIGN;
    } else if (mig_cur_take(c, "CHECK")) {
        out->kind = MIG_ALTER_ADD_CHECK;
    }
}

void mig_alter_index_parts(struct mig_cursor *c, struct mig_alter_clause *out)
{
    while (!at_clause_end(c)) {
        if (mig_cur_at_punct(c, '(')) {
            struct mig_cursor in = *c;
            mig_cur_next(&in);
            do {
                out->flags |= mig_cur_at_punct(&in, '(') ? MIG_ALTER_EXPRESSION : 0;
            } while (mig_cur_next_clause(&in, c->tok.depth + 1));
        }
        mig_cur_skip(c);
    }
}

/* ------------------------------------------------------------------ clauses */

/* Behind ALTER [COLUMN]. */
static void alter_column(struct mig_cursor *c, struct mig_alter_clause *out)
{
    mig_cur_take(c, "COLUMN");
    take_if(c, out);
    take_name(c, &out->name);
    out->kind = MIG_ALTER_DEFAULT;
    if (mig_cur_take(c, "SET DEFAULT")) {
        column_default(c, out);
    } else if (mig_cur_sees(c, "SET VISIBLE") || mig_cur_sees(c, "SET INVISIBLE")) {
        out->kind = MIG_ALTER_VISIBILITY;
    }
}

static bool take_row(struct mig_cursor *c, struct mig_alter_clause *out)
{
    out->flags |= mig_cur_sees(c, "ADD UNIQUE") ? MIG_ALTER_UNIQUE : 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (mig_cur_take(c, rows[i].words)) {
            out->kind = rows[i].kind;
            take_if(c, out);
            mig_cur_take_punct(c, '=');
            if (rows[i].named && !mig_cur_at(c, "USING")) {
                take_name(c, &out->name);
            }
            return true;
        }
    }
    return false;
}

/* RENAME x TO y; ADD PARTITION PARTITIONS n; index parts. */
static void finish_row(struct mig_cursor *c, struct mig_alter_clause *out)
{
    switch (out->kind) {
    case MIG_ALTER_RENAME_INDEX:
    case MIG_ALTER_RENAME_COLUMN:
        mig_cur_take(c, "TO");
        take_name(c, &out->to);
        break;
    case MIG_ALTER_ADD_INDEX:
        mig_alter_index_parts(c, out);
        break;
    case MIG_ALTER_ENFORCE:
        out->flags |= mig_cur_at(c, "NOT") ? MIG_ALTER_NEGATED : 0;
        break;
    case MIG_ALTER_DROP_INDEX:
        if (mig_alter_is_primary(&out->name)) {
            out->kind = MIG_ALTER_DROP_PRIMARY;
        }
        break;
    case MIG_ALTER_ADD_PARTITION:
        mig_cur_take_any(c, "NO_WRITE_TO_BINLOG LOCAL");
        if (mig_cur_at(c, "PARTITIONS")) {
            out->kind = MIG_ALTER_ADD_HASH_PARTITION;
        }
        break;
    case MIG_ALTER_DROP_PARTITION:
    case MIG_ALTER_ORDER_BY:
    case MIG_ALTER_TRUNCATE_PARTITION:
    case MIG_ALTER_REBUILD_PARTITION:
    case MIG_ALTER_CHECK_PARTITION:
    case MIG_ALTER_REORGANIZE_PARTITION:
    case MIG_ALTER_TABLESPACE:
        /* Their lists are separated by commas too, and nothing but partitions may follow. */
        while (mig_cur_next_clause(c, 0)) {
        }
        break;
    default:
        break;
    }
}

static bool is_innodb(const struct mig_token *engine)
{
    char name[MIG_SQL_NAME_MAX];

    return mig_token_name(engine, MIGRATE_DIALECT_MYSQL, name, sizeof name) && mig_ieq(name, "innodb");
}

static void option(struct mig_cursor *c, struct mig_alter_clause *out)
{
    bool value = true;

    mig_cur_take(c, "DEFAULT");
    out->kind = MIG_ALTER_OTHER;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (mig_cur_take(c, options[i].words)) {
            out->kind = options[i].kind;
            value = options[i].named;
            if (!value) {
                return;
            }
            break;
        }
        if (i + 1 == sizeof options / sizeof *options) {
            mig_cur_skip(c);
        }
    }
    mig_cur_take_punct(c, '=');
    out->to = c->tok;
    if (!at_clause_end(c)) {
        mig_cur_skip(c);
    }
    if (out->kind == MIG_ALTER_ENGINE) {
        out->kind = is_innodb(&out->to) ? MIG_ALTER_ENGINE : MIG_ALTER_ENGINE_FOREIGN;
    }
}

/* MODIFY [COLUMN] c definition, CHANGE [COLUMN] c new definition; behind the verb. */
static void modify_column(struct mig_cursor *c, struct mig_alter_clause *out)
{
    mig_cur_take(c, "COLUMN");
    take_if(c, out);
    take_name(c, &out->name);
    if (out->kind == MIG_ALTER_CHANGE_COLUMN) {
        take_name(c, &out->to);
    }
    column_definition(c, out);
}

static void read_clause(struct mig_cursor *c, struct mig_alter_clause *out)
{
    if (take_row(c, out)) {
        finish_row(c, out);
    } else if (mig_cur_take(c, "ADD CONSTRAINT")) {
        add_constraint(c, out);
    } else if (mig_cur_take(c, "ADD COLUMN") || mig_cur_take(c, "ADD")) {
        add_column(c, out);
    } else if (mig_cur_take(c, "MODIFY")) {
        out->kind = MIG_ALTER_MODIFY_COLUMN;
        modify_column(c, out);
    } else if (mig_cur_take(c, "CHANGE")) {
        out->kind = MIG_ALTER_CHANGE_COLUMN;
        modify_column(c, out);
    } else if (mig_cur_take(c, "ALTER")) {
        alter_column(c, out);
    } else {
        option(c, out); /* the next one may follow without a comma */
        return;
    }
    skip_clause(c);
}

bool mig_alter_next(struct mig_cursor *c, struct mig_alter_clause *out)
{
    *out = (struct mig_alter_clause){ .kind = MIG_ALTER_OTHER };
    mig_cur_take_punct(c, ',');
    if (mig_cur_end(c)) {
        return false;
    }
    out->begin = c->tok.text;
    read_clause(c, out);
    out->end = c->tok.text;
    mig_cur_take_punct(c, ')'); /* not SQL: never stand still */
    return true;
}
