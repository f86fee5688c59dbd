/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/online_table.h"

/* The best algorithm and the weakest lock that each server accepted, tried clause by clause with ALGORITHM=
 * and LOCK= on tables with rows: Oracle MySQL 9.7.4, MariaDB 10.11.19 and 11.8.6. The two MariaDBs differed
 * in one thing only: a copy of 11.8 lets writers go on. */

enum form {
    FORM_ADD_COLUMN,
    FORM_ADD_PLACED,
    FORM_ADD_EXPRESSION,
    FORM_ADD_AUTO,
    FORM_ADD_VIRTUAL,
    FORM_ADD_STORED,
    FORM_ADD_CHECKED,
    FORM_ADD_UNIQUE,
    FORM_ADD_REFERENCES,
    FORM_ADD_KEY_COLUMN,
    FORM_DROP_COLUMN,
    FORM_RENAME_COLUMN,
    FORM_DEFAULT,
    FORM_VISIBILITY,
    FORM_MODIFY,
    FORM_MODIFY_PLACED,
    FORM_MODIFY_AUTO,
    FORM_ADD_INDEX,
    FORM_ADD_FUNCTIONAL,
    FORM_ADD_FULLTEXT,
    FORM_ADD_SPATIAL,
    FORM_DROP_INDEX,
    FORM_RENAME_INDEX,
    FORM_INDEX_VISIBILITY,
    FORM_ADD_PRIMARY,
    FORM_DROP_PRIMARY,
    FORM_ADD_FOREIGN,
    FORM_DROP_FOREIGN,
    FORM_ADD_CHECK,
    FORM_DROP_CHECK,
    FORM_DROP_CONSTRAINT,
    FORM_NOT_ENFORCED,
    FORM_ENFORCED,
    FORM_COMMENT,
    FORM_AUTO_INCREMENT,
    FORM_ROW_FORMAT,
    FORM_STATS,
    FORM_CHARSET,
    FORM_CONVERT,
    FORM_RENAME_TABLE,
    FORM_FORCE,
    FORM_ENGINE,
    FORM_ENGINE_FOREIGN,
    FORM_ORDER_BY,
    FORM_KEYS,
    FORM_VERSIONING,
    FORM_ADD_PARTITION,
    FORM_DROP_PARTITION,
    FORM_TRUNCATE_PARTITION,
    FORM_REORGANIZE_PARTITION,
    FORM_REBUILD_PARTITION,
    FORM_EXCHANGE_PARTITION,
    FORM_ADD_HASH_PARTITION,
    FORM_COALESCE_PARTITION,
    FORM_PARTITION_BY,
    FORM_REMOVE_PARTITIONING,
    FORM_CONVERT_PARTITION,
    FORM_CHECK_PARTITION,
    FORM_TABLESPACE,
    FORM_UNKNOWN,
};

enum cost {
    INSTANT,    /* no lock */
    NOCOPY,     /* no lock */
    NOCOPY_S,   /* LOCK=SHARED */
    INPLACE,    /* no lock */
    INPLACE_S,  /* LOCK=SHARED */
    COPY,       /* LOCK=SHARED, on MariaDB 11.2 and later no lock */
    COPY_S,     /* LOCK=SHARED on all */
    PLAIN,      /* no ALGORITHM clause accepted; in place, nobody else beside it */
    PLAIN_COPY, /* no ALGORITHM clause accepted; a copy of the table or the partition, readers beside it */
    VARIES,     /* hangs on the table as it is now: INSTANT at best, COPY at worst */
    VARIES_IN,  /* INPLACE at best, COPY at worst */
};

struct form_row {
    enum cost mysql;
    enum cost mariadb;
    const char *reason;
};

static const struct form_row forms[] = {
    [FORM_ADD_COLUMN] = { INSTANT, INSTANT, "adding a column" },
    [FORM_ADD_PLACED] = { INSTANT, INSTANT,
                          "adding a column between others; MariaDB copies a table that has virtual columns" },
    [FORM_ADD_EXPRESSION] = { COPY, INSTANT, "adding a column whose default is an expression" },
    [FORM_ADD_AUTO] = { INPLACE_S, INPLACE_S, "adding an AUTO_INCREMENT column" },
    [FORM_ADD_VIRTUAL] = { INSTANT, INSTANT, "adding a virtual column" },
    [FORM_ADD_STORED] = { COPY, COPY, "adding a stored generated column" },
    [FORM_ADD_CHECKED] = { COPY, INSTANT, "adding a column with a CHECK" },
    [FORM_ADD_UNIQUE] = { INPLACE, INPLACE, "adding a UNIQUE column" },
    [FORM_ADD_REFERENCES] = { COPY, COPY, "adding a column with a foreign key" },
    [FORM_ADD_KEY_COLUMN] = { INPLACE, INPLACE, "adding a column as primary key" },
    [FORM_DROP_COLUMN] = { INSTANT, INSTANT,
                           "dropping a column; no copy either, but not instant, if an index uses it" },
    [FORM_RENAME_COLUMN] = { INSTANT, INSTANT, "renaming a column" },
    [FORM_DEFAULT] = { INSTANT, INSTANT, "changing a default" },
    [FORM_VISIBILITY] = { INSTANT, INSTANT, "hiding or showing a column" },
    [FORM_MODIFY] = { VARIES, VARIES,
                      "what it costs hangs on the column as it is now: another type, a smaller one or "
                      "another "
                      "character set is a copy" },
    [FORM_MODIFY_PLACED] = { VARIES_IN, VARIES,
                             "what it costs hangs on the column as it is now: another type, a smaller one or "
                             "another "
                             "character set is a copy" },
    [FORM_MODIFY_AUTO] = { COPY_S, COPY_S, "making a column AUTO_INCREMENT" },
    [FORM_ADD_INDEX] = { INPLACE, NOCOPY, "building an index" },
    [FORM_ADD_FUNCTIONAL] = { INPLACE_S, INPLACE_S, "building an index on an expression" },
    [FORM_ADD_FULLTEXT] = { INPLACE_S, INPLACE_S, "building a FULLTEXT index" },
    [FORM_ADD_SPATIAL] = { INPLACE_S, NOCOPY_S, "building a SPATIAL index" },
    [FORM_DROP_INDEX] = { INPLACE, NOCOPY, "dropping an index" },
    [FORM_RENAME_INDEX] = { INPLACE, INSTANT, "renaming an index" },
    [FORM_INDEX_VISIBILITY] = { INPLACE, INSTANT, "hiding or showing an index" },
    [FORM_ADD_PRIMARY] = { INPLACE, INPLACE, "building the primary key" },
    [FORM_DROP_PRIMARY] = { COPY, VARIES_IN,
                            "dropping the primary key; MariaDB copies unless another UNIQUE NOT NULL key "
                            "takes its place" },
    [FORM_ADD_FOREIGN] = { COPY, COPY, "adding a foreign key; with foreign_key_checks=0 it is no copy" },
    [FORM_DROP_FOREIGN] = { INPLACE, INSTANT, "dropping a foreign key" },
    [FORM_ADD_CHECK] = { COPY, COPY, "adding a CHECK constraint" },
    [FORM_DROP_CHECK] = { INSTANT, INSTANT, "dropping a CHECK" },
    [FORM_DROP_CONSTRAINT] = { INSTANT, INSTANT,
                               "dropping a constraint; no copy either, but not instant, if it is a key" },
    [FORM_NOT_ENFORCED] = { INSTANT, INSTANT, "a CHECK no longer enforced" },
    [FORM_ENFORCED] = { COPY, COPY, "enforcing a CHECK" },
    [FORM_COMMENT] = { INPLACE, INSTANT, "changing the table's comment" },
    [FORM_AUTO_INCREMENT] = { INPLACE, INSTANT, "setting AUTO_INCREMENT" },
    [FORM_ROW_FORMAT] = { INPLACE, INPLACE, "changing how rows are stored" },
    [FORM_STATS] = { INPLACE, INSTANT, "changing an option for statistics" },
    [FORM_CHARSET] = { INPLACE, INSTANT, "changing the default character set" },
    [FORM_CONVERT] = { COPY, COPY, "converting the character set" },
    [FORM_RENAME_TABLE] = { INSTANT, INSTANT, "renaming the table" },
    [FORM_FORCE] = { INPLACE, INPLACE, "rebuilding the table" },
    [FORM_ENGINE] = { INPLACE, INPLACE, "rebuilding the table" },
    [FORM_ENGINE_FOREIGN] = { PLAIN_COPY, PLAIN_COPY, "changing the engine" },
    [FORM_ORDER_BY] = { PLAIN_COPY, PLAIN_COPY, "ordering the rows" },
    [FORM_KEYS] = { INSTANT, INSTANT, "ENABLE KEYS and DISABLE KEYS" },
    [FORM_VERSIONING] = { COPY, COPY, "system versioning" },
    [FORM_ADD_PARTITION] = { INPLACE, PLAIN, "adding a partition" },
    [FORM_DROP_PARTITION] = { INPLACE, PLAIN, "dropping a partition" },
    [FORM_TRUNCATE_PARTITION] = { INSTANT, PLAIN, "emptying a partition" },
    [FORM_REORGANIZE_PARTITION] = { INPLACE_S, PLAIN_COPY, "reorganizing partitions" },
    [FORM_REBUILD_PARTITION] = { INPLACE_S, PLAIN_COPY, "rebuilding a partition" },
    [FORM_EXCHANGE_PARTITION] = { INSTANT, PLAIN, "exchanging a partition" },
    [FORM_ADD_HASH_PARTITION] = { INPLACE_S, PLAIN_COPY, "adding partitions by hash" },
    [FORM_COALESCE_PARTITION] = { INPLACE_S, PLAIN_COPY, "removing partitions by hash" },
    [FORM_PARTITION_BY] = { PLAIN_COPY, PLAIN_COPY, "partitioning the table" },
    [FORM_REMOVE_PARTITIONING] = { PLAIN_COPY, PLAIN_COPY, "removing the partitioning" },
    [FORM_CONVERT_PARTITION] = { PLAIN, PLAIN, "making a partition a table, or a table a partition" },
    [FORM_CHECK_PARTITION] = { PLAIN, PLAIN, "maintaining a partition" },
    [FORM_TABLESPACE] = { PLAIN, PLAIN, "discarding or importing the table's file" },
    [FORM_UNKNOWN] = { VARIES, VARIES, "nothing is known of this clause" },
};

static const struct {
    enum mig_alter_kind kind;
    enum form form;
} by_kind[] = {
    { MIG_ALTER_DROP_COLUMN, FORM_DROP_COLUMN },
    { MIG_ALTER_RENAME_COLUMN, FORM_RENAME_COLUMN },
    { MIG_ALTER_DEFAULT, FORM_DEFAULT },
    { MIG_ALTER_VISIBILITY, FORM_VISIBILITY },
    { MIG_ALTER_ADD_INDEX, FORM_ADD_INDEX },
    { MIG_ALTER_ADD_FULLTEXT, FORM_ADD_FULLTEXT },
    { MIG_ALTER_ADD_SPATIAL, FORM_ADD_SPATIAL },
    { MIG_ALTER_ADD_PRIMARY, FORM_ADD_PRIMARY },
    { MIG_ALTER_DROP_INDEX, FORM_DROP_INDEX },
    { MIG_ALTER_DROP_PRIMARY, FORM_DROP_PRIMARY },
    { MIG_ALTER_RENAME_INDEX, FORM_RENAME_INDEX },
    { MIG_ALTER_INDEX_VISIBILITY, FORM_INDEX_VISIBILITY },
    { MIG_ALTER_ADD_FOREIGN, FORM_ADD_FOREIGN },
    { MIG_ALTER_DROP_FOREIGN, FORM_DROP_FOREIGN },
    { MIG_ALTER_ADD_CHECK, FORM_ADD_CHECK },
    { MIG_ALTER_DROP_CHECK, FORM_DROP_CHECK },
    { MIG_ALTER_DROP_CONSTRAINT, FORM_DROP_CONSTRAINT },
    { MIG_ALTER_RENAME_TABLE, FORM_RENAME_TABLE },
    { MIG_ALTER_COMMENT, FORM_COMMENT },
    { MIG_ALTER_AUTO_INCREMENT, FORM_AUTO_INCREMENT },
    { MIG_ALTER_ENGINE, FORM_ENGINE },
    { MIG_ALTER_ENGINE_FOREIGN, FORM_ENGINE_FOREIGN },
    { MIG_ALTER_ROW_FORMAT, FORM_ROW_FORMAT },
    { MIG_ALTER_STATS, FORM_STATS },
    { MIG_ALTER_CHARSET, FORM_CHARSET },
    { MIG_ALTER_CONVERT, FORM_CONVERT },
    { MIG_ALTER_FORCE, FORM_FORCE },
    { MIG_ALTER_ORDER_BY, FORM_ORDER_BY },
    { MIG_ALTER_KEYS, FORM_KEYS },
    { MIG_ALTER_VERSIONING, FORM_VERSIONING },
    { MIG_ALTER_ADD_PARTITION, FORM_ADD_PARTITION },
    { MIG_ALTER_ADD_HASH_PARTITION, FORM_ADD_HASH_PARTITION },
    { MIG_ALTER_DROP_PARTITION, FORM_DROP_PARTITION },
    { MIG_ALTER_TRUNCATE_PARTITION, FORM_TRUNCATE_PARTITION },
    { MIG_ALTER_COALESCE_PARTITION, FORM_COALESCE_PARTITION },
    { MIG_ALTER_REORGANIZE_PARTITION, FORM_REORGANIZE_PARTITION },
    { MIG_ALTER_REBUILD_PARTITION, FORM_REBUILD_PARTITION },
    { MIG_ALTER_EXCHANGE_PARTITION, FORM_EXCHANGE_PARTITION },
    { MIG_ALTER_CONVERT_PARTITION, FORM_CONVERT_PARTITION },
    { MIG_ALTER_CHECK_PARTITION, FORM_CHECK_PARTITION },
    { MIG_ALTER_TABLESPACE, FORM_TABLESPACE },
    { MIG_ALTER_PARTITION_BY, FORM_PARTITION_BY },
    { MIG_ALTER_REMOVE_PARTITIONING, FORM_REMOVE_PARTITIONING },
};

/* ------------------------------------------------------------------ which form a clause is */

static enum form add_column_form(const struct mig_sql_dialect_info *di, uint32_t flags)
{
    /* MySQL before 9.0 reads REFERENCES in a column and forgets it. */
    bool references = di->mariadb || di->version == 0 || di->version >= 90000;

    if ((flags & MIG_ALTER_STORED) != 0) {
        return FORM_ADD_STORED;
    }
    if ((flags & MIG_ALTER_REFERENCES) != 0 && references) {
        return FORM_ADD_REFERENCES;
    }
    if ((flags & MIG_ALTER_CHECKED) != 0) {
        return FORM_ADD_CHECKED;
    }
    if ((flags & MIG_ALTER_EXPRESSION) != 0) {
        return FORM_ADD_EXPRESSION;
    }
    if ((flags & MIG_ALTER_IS_AUTO) != 0) {
        return FORM_ADD_AUTO;
    }
    if ((flags & MIG_ALTER_IS_PRIMARY) != 0) {
        return FORM_ADD_KEY_COLUMN;
    }
    if ((flags & MIG_ALTER_UNIQUE) != 0) {
        return FORM_ADD_UNIQUE;
    }
    if ((flags & MIG_ALTER_VIRTUAL) != 0) {
        return FORM_ADD_VIRTUAL;
    }
    return (flags & MIG_ALTER_PLACED) != 0 ? FORM_ADD_PLACED : FORM_ADD_COLUMN;
}

static enum form form_of(const struct mig_sql_dialect_info *di, const struct mig_alter_clause *clause)
{
    uint32_t flags = clause->flags;

    switch (clause->kind) {
    case MIG_ALTER_ADD_COLUMN:
        return add_column_form(di, flags);
    case MIG_ALTER_MODIFY_COLUMN:
    case MIG_ALTER_CHANGE_COLUMN:
        if ((flags & MIG_ALTER_IS_AUTO) != 0) {
            return FORM_MODIFY_AUTO;
        }
        return (flags & MIG_ALTER_PLACED) != 0 ? FORM_MODIFY_PLACED : FORM_MODIFY;
    case MIG_ALTER_ENFORCE:
        return (flags & MIG_ALTER_NEGATED) != 0 ? FORM_NOT_ENFORCED : FORM_ENFORCED;
    case MIG_ALTER_ADD_INDEX:
        return (flags & MIG_ALTER_EXPRESSION) != 0 ? FORM_ADD_FUNCTIONAL : FORM_ADD_INDEX;
    default:
        break;
    }
    for (size_t i = 0; i < sizeof by_kind / sizeof *by_kind; i++) {
        if (by_kind[i].kind == clause->kind) {
            return by_kind[i].form;
        }
    }
    return FORM_UNKNOWN;
}

/* ------------------------------------------------------------------ what it costs */

static struct mig_online_cost cost_of(const struct mig_sql_dialect_info *di, enum cost cost)
{
    struct mig_online_cost c = { .known = true, .lock = MIG_SQL_LOCK_NONE };

    switch (cost) {
    case INSTANT:
        c.algorithm = MIG_SQL_ALGORITHM_INSTANT;
        break;
    case NOCOPY_S:
        c.lock = MIG_SQL_LOCK_SHARED;
        /* fall through */
    case NOCOPY:
        c.algorithm = MIG_SQL_ALGORITHM_NOCOPY;
        break;
    case INPLACE_S:
        c.lock = MIG_SQL_LOCK_SHARED;
        /* fall through */
    case INPLACE:
        c.algorithm = MIG_SQL_ALGORITHM_INPLACE;
        break;
    case PLAIN:
        c.algorithm = MIG_SQL_ALGORITHM_INPLACE;
        c.lock = MIG_SQL_LOCK_EXCLUSIVE;
        c.refused = true;
        break;
    case PLAIN_COPY:
        c.refused = true;
        /* fall through */
    case COPY_S:
        c.algorithm = MIG_SQL_ALGORITHM_COPY;
        c.lock = MIG_SQL_LOCK_SHARED;
        break;
    case VARIES:
    case VARIES_IN:
        c.known = false;
        /* fall through */
    case COPY:
        c.algorithm = MIG_SQL_ALGORITHM_COPY;
        c.lock = di->mariadb && (di->version == 0 || di->version >= 110200) ? MIG_SQL_LOCK_NONE
                                                                            : MIG_SQL_LOCK_SHARED;
        break;
    }
    c.best = cost == VARIES      ? MIG_SQL_ALGORITHM_INSTANT
             : cost == VARIES_IN ? MIG_SQL_ALGORITHM_INPLACE
                                 : c.algorithm;
    return c;
}

/* Oracle's servers learned INSTANT bit by bit. */
static bool too_old_for_instant(const struct mig_sql_dialect_info *di, enum form form)
{
    uint32_t v = di->version;

    if (di->mariadb || v == 0) {
        return false;
    }
    if (v < 80012) {
        return form == FORM_ADD_COLUMN || form == FORM_ADD_PLACED || form == FORM_DROP_COLUMN ||
               form == FORM_RENAME_COLUMN;
    }
    return (form == FORM_RENAME_COLUMN && v < 80028) ||
           (v < 80029 && (form == FORM_DROP_COLUMN || form == FORM_ADD_PLACED));
}

/* What to ask for: never a copy, and what the clause needs on the tables that are not the usual ones. MariaDB
 * takes a heavier word for "at most this"; on Oracle's servers it would make an instant change a rebuild. */
static enum mig_sql_algorithm asks(const struct mig_sql_dialect_info *di, enum form form,
                                   const struct mig_online_cost *c)
{
    if (!c->known || c->algorithm == MIG_SQL_ALGORITHM_COPY) {
        return MIG_SQL_ALGORITHM_INPLACE;
    }
    if (di->mariadb && (form == FORM_DROP_COLUMN || form == FORM_DROP_CONSTRAINT)) {
        return MIG_SQL_ALGORITHM_NOCOPY;
    }
    return form == FORM_DROP_CONSTRAINT ? MIG_SQL_ALGORITHM_INPLACE : c->algorithm;
}

struct mig_online_cost mig_online_clause_cost(const struct mig_sql_dialect_info *di,
                                              const struct mig_alter_clause *clause)
{
    enum form form = form_of(di, clause);
    struct mig_online_cost c = cost_of(di, di->mariadb ? forms[form].mariadb : forms[form].mysql);

    if (c.algorithm == MIG_SQL_ALGORITHM_INSTANT && too_old_for_instant(di, form)) {
        c.algorithm = MIG_SQL_ALGORITHM_INPLACE;
        c.best = c.algorithm;
    }
    c.asks = asks(di, form, &c);
    c.reason = forms[form].reason;
    c.new_rows = form <= FORM_ADD_CHECKED && form != FORM_ADD_VIRTUAL && form != FORM_ADD_STORED;
    c.new_rows = c.new_rows || form == FORM_DROP_COLUMN;
    c.adds_virtual = form == FORM_ADD_VIRTUAL;
    c.builds = form == FORM_ADD_INDEX || form == FORM_ADD_SPATIAL;
    return c;
}

struct mig_online_cost mig_online_copy_cost(const struct mig_sql_dialect_info *di)
{
    struct mig_online_cost c = cost_of(di, COPY);

    c.asks = MIG_SQL_ALGORITHM_INPLACE;
    return c;
}
