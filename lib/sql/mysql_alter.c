/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/alter.h"
#include "sql/classifier.h"
#include "util/text.h"

/* How a crash around ALTER TABLE is settled. A clause that surely changes the definition makes the whole
 * statement decidable, since a server with atomic DDL does all of it or nothing. */

/* Columns and indexes dropped and added, to be compared with each other; more than these are not kept. */
#define NAMES_MAX 64

struct named {
    struct mig_token name;
    bool column;      /* else an index or constraint */
    bool conditional; /* IF EXISTS, IF NOT EXISTS */
};

struct alter_facts {
    struct named dropped[NAMES_MAX];
    struct named added[NAMES_MAX];
    unsigned n_dropped;
    unsigned n_added;
    bool overflow;
    bool several; /* ADD (a …, b …): names not kept */
    bool sure;    /* a clause that changes the definition and fails when run again */
    bool maybe;   /* may change it, may be run again */
    bool neutral; /* leaves it, and must not be run again */
    const char *doubt;
};

static void keep(struct alter_facts *a, struct named *names, unsigned *n, const struct mig_alter_clause *cl,
                 bool column)
{
    if (*n < NAMES_MAX) {
        names[(*n)++] = (struct named){ cl->name, column, (cl->flags & MIG_ALTER_IF) != 0 };
    } else {
        a->overflow = true;
    }
}

static void partition_clause(struct mig_classifier *k, struct alter_facts *a,
                             const struct mig_alter_clause *cl)
{
    switch (cl->kind) {
    case MIG_ALTER_DROP_PARTITION:
        mig_facts_destroys(k->f, "DROP PARTITION removes the partition's rows");
        a->sure = a->sure || (cl->flags & MIG_ALTER_IF) == 0;
        break;
    case MIG_ALTER_TRUNCATE_PARTITION:
        mig_facts_destroys(k->f, "TRUNCATE PARTITION removes the partition's rows");
        a->neutral = true;
        break;
    case MIG_ALTER_EXCHANGE_PARTITION:
        a->neutral = true;
        break;
    case MIG_ALTER_ADD_PARTITION:
        a->sure = a->sure || (cl->flags & MIG_ALTER_IF) == 0;
        break;
    case MIG_ALTER_ADD_HASH_PARTITION:
    case MIG_ALTER_COALESCE_PARTITION:
    case MIG_ALTER_CONVERT_PARTITION:
    case MIG_ALTER_REMOVE_PARTITIONING:
        a->sure = true;
        break;
    case MIG_ALTER_REORGANIZE_PARTITION:
    case MIG_ALTER_PARTITION_BY:
        a->maybe = true;
        break;
    default:
        break;
    }
}

static void column_clause(struct mig_classifier *k, struct alter_facts *a, const struct mig_alter_clause *cl)
{
    bool conditional = (cl->flags & MIG_ALTER_IF) != 0;

    switch (cl->kind) {
    case MIG_ALTER_DROP_COLUMN:
        mig_facts_destroys(k->f, "DROP COLUMN removes the column and its values");
        keep(a, a->dropped, &a->n_dropped, cl, true);
        break;
    case MIG_ALTER_ADD_COLUMN:
        if ((cl->flags & MIG_ALTER_SEVERAL) != 0) {
            a->several = true;
        } else {
            keep(a, a->added, &a->n_added, cl, true);
        }
        break;
    case MIG_ALTER_CHANGE_COLUMN:
        if (mig_alter_same_name(&cl->name, &cl->to)) {
            a->maybe = true;
            break;
        }
        /* fall through */
    case MIG_ALTER_RENAME_COLUMN:
    case MIG_ALTER_RENAME_INDEX:
    case MIG_ALTER_RENAME_TABLE:
        a->sure = a->sure || !conditional;
        break;
    default:
        break;
    }
}

static void other_clause(struct alter_facts *a, const struct mig_alter_clause *cl)
{
    switch (cl->kind) {
    case MIG_ALTER_ADD_INDEX:
    case MIG_ALTER_ADD_FULLTEXT:
    case MIG_ALTER_ADD_SPATIAL:
    case MIG_ALTER_ADD_FOREIGN:
    case MIG_ALTER_ADD_CHECK:
        /* Without a name the server finds one, and another one the next time. */
        keep(a, a->added, &a->n_added, cl, false);
        break;
    case MIG_ALTER_DROP_INDEX:
    case MIG_ALTER_DROP_FOREIGN:
    case MIG_ALTER_DROP_CHECK:
    case MIG_ALTER_DROP_CONSTRAINT:
        keep(a, a->dropped, &a->n_dropped, cl, false);
        break;
    case MIG_ALTER_ADD_PRIMARY:
    case MIG_ALTER_DROP_PRIMARY:
    case MIG_ALTER_MODIFY_COLUMN:
    case MIG_ALTER_DEFAULT:
    case MIG_ALTER_VISIBILITY:
    case MIG_ALTER_INDEX_VISIBILITY:
    case MIG_ALTER_ENFORCE:
    case MIG_ALTER_COMMENT:
    case MIG_ALTER_ROW_FORMAT:
    case MIG_ALTER_STATS:
    case MIG_ALTER_CHARSET:
    case MIG_ALTER_CONVERT:
    case MIG_ALTER_OTHER:
        a->maybe = true;
        break;
    case MIG_ALTER_VERSIONING:
        a->sure = true;
        break;
    case MIG_ALTER_TABLESPACE:
        a->doubt = "DISCARD and IMPORT TABLESPACE leave no trace in the definition";
        break;
    case MIG_ALTER_ENGINE_FOREIGN:
        a->doubt = "an engine other than InnoDB has no atomic DDL";
        break;
    default: /* FORCE, AUTO_INCREMENT, ENGINE=InnoDB, ORDER BY, ENABLE KEYS: not seen, and harmless */
        break;
    }
}

static bool among(const struct named *one, const struct named *names, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (one->column == names[i].column && mig_alter_same_name(&one->name, &names[i].name)) {
            return true;
        }
    }
    return false;
}

/* Something dropped and not added again, or added and not dropped, is a change for sure. A column that is
 * both loses its values, each time again; an index does not mind. */
static void compare_names(struct alter_facts *a)
{
    for (unsigned i = 0; i < a->n_dropped; i++) {
        const struct named *one = &a->dropped[i];
        bool back = (one->column && a->several) || among(one, a->added, a->n_added);
        a->neutral = a->neutral || (back && one->column);
        a->maybe = a->maybe || (back && !one->column);
        a->sure = a->sure || (!back && !one->conditional);
    }
    for (unsigned i = 0; i < a->n_added; i++) {
        const struct named *one = &a->added[i];
        a->sure = a->sure || (!one->conditional && !among(one, a->dropped, a->n_dropped));
    }
    if (a->several && a->n_dropped == 0) {
        a->sure = true;
    }
}

static void settle(struct mig_classifier *k, struct alter_facts *a)
{
    struct mig_sql_facts *f = k->f;

    compare_names(a);
    if (a->doubt != NULL) {
        mig_facts_doubt(f, MIG_SQL_SETTLE_DOUBT, a->doubt);
    } else if (a->overflow && !a->sure) {
        mig_facts_doubt(f, MIG_SQL_SETTLE_DOUBT, "more columns and indexes than can be compared");
    } else if (a->sure) {
        f->settle = MIG_SQL_SETTLE_CHANGING;
    } else if (a->neutral) {
        mig_facts_doubt(f, MIG_SQL_SETTLE_NEUTRAL, "it leaves the definition of the table as it was");
    } else if (a->maybe) {
        f->settle = MIG_SQL_SETTLE_CHANGING;
    } else {
        f->settle = MIG_SQL_SETTLE_REPEATABLE;
    }
}

/* Behind TABLE. */
void mig_mysql_alter_table(struct mig_classifier *k)
{
    struct alter_facts a = { .n_dropped = 0 };
    struct mig_alter_clause clause;

    k->f->flags |= MIG_SQL_ALTER_TABLE;
    mig_take_if(k);
    mig_take_object(k, MIGRATE_OBJECT_TABLE);
    mig_alter_take_wait(&k->c);
    for (;;) {
        struct mig_cursor before = k->c;
        if (!mig_alter_next(&k->c, &clause)) {
            break;
        }
        if (clause.kind == MIG_ALTER_RENAME_TABLE || clause.kind == MIG_ALTER_EXCHANGE_PARTITION) {
            struct mig_classifier in = *k;
            in.c = before;
            mig_cur_take_punct(&in.c, ',');
            if (mig_cur_take(&in.c, "RENAME")) {
                mig_cur_take_any(&in.c, "TO AS");
                mig_cur_take_punct(&in.c, '=');
                mig_take_object(&in, MIGRATE_OBJECT_TABLE);
            } else if (mig_cur_find(&in.c, "TABLE", 0)) {
                mig_cur_next(&in.c);
                mig_take_object(&in, MIGRATE_OBJECT_TABLE);
            }
        }
        column_clause(k, &a, &clause);
        partition_clause(k, &a, &clause);
        other_clause(&a, &clause);
    }
    settle(k, &a);
}
