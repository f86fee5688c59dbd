/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/classifier.h"

/* A dialect nobody has told us about: what SQL has in common. Where its DDL does not roll back, a driver with
 * fingerprints settles what changes a definition; the rest is doubt. */

static const struct mig_kind kinds[] = {
    { "TABLE", MIGRATE_OBJECT_TABLE },       { "INDEX", MIGRATE_OBJECT_INDEX },
    { "VIEW", MIGRATE_OBJECT_VIEW },         { "MATERIALIZED VIEW", MIGRATE_OBJECT_VIEW },
    { "SEQUENCE", MIGRATE_OBJECT_SEQUENCE }, { "FUNCTION", MIGRATE_OBJECT_ROUTINE },
    { "PROCEDURE", MIGRATE_OBJECT_ROUTINE }, { "TRIGGER", MIGRATE_OBJECT_TRIGGER },
    { "DATABASE", MIGRATE_OBJECT_DATABASE }, { "SCHEMA", MIGRATE_OBJECT_DATABASE },
};

static void settle(struct mig_classifier *k, bool again)
{
    if (again) {
        k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
    } else if (k->f->n_objects == 1 && !k->f->more_objects) {
        k->f->settle = MIG_SQL_SETTLE_CHANGING;
    } else {
        mig_facts_doubt(k->f, MIG_SQL_SETTLE_DOUBT,
                        "it does not name one object whose definition could be compared");
    }
}

static const struct mig_kind *read_ddl(struct mig_classifier *k, const char *verb, bool *again)
{
    const struct mig_kind *kind;

    k->f->flags |= MIG_SQL_DDL;
    *again = false;
    if (mig_cur_take(&k->c, "OR REPLACE")) {
        k->f->flags |= MIG_SQL_IF_EXISTS;
        *again = true;
    }
    while (mig_cur_at_any(&k->c, "GLOBAL LOCAL TEMP TEMPORARY UNIQUE EXTERNAL TRANSIENT")) {
        if (mig_cur_at_any(&k->c, "TEMP TEMPORARY")) {
            k->f->flags |= MIG_SQL_SESSION | MIG_SQL_TEMPORARY;
        }
        mig_cur_next(&k->c);
    }
    kind = mig_take_kind(k, kinds, MIG_COUNT(kinds));
    if (kind != NULL) {
        mig_facts_verb2(k->f, verb, kind->words);
        *again = mig_take_if(k) || *again;
        mig_take_objects(k, kind->object);
    }
    return kind;
}

static void other_create(struct mig_classifier *k)
{
    bool again;

    k->f->flags |= MIG_SQL_CREATE;
    read_ddl(k, "CREATE", &again);
    settle(k, again);
}

static void other_drop(struct mig_classifier *k)
{
    bool again;
    const struct mig_kind *kind;

    k->f->flags |= MIG_SQL_DROP;
    kind = read_ddl(k, "DROP", &again);
    if (kind != NULL && (kind->object == MIGRATE_OBJECT_TABLE || kind->object == MIGRATE_OBJECT_DATABASE)) {
        mig_facts_destroys(k->f, "DROP removes the object and its rows");
    }
    settle(k, again);
}

static void other_alter(struct mig_classifier *k)
{
    const struct mig_kind *kind;

    k->f->flags |= MIG_SQL_DDL;
    kind = mig_take_kind(k, kinds, MIG_COUNT(kinds));
    if (kind != NULL) {
        mig_facts_verb2(k->f, "ALTER", kind->words);
        mig_take_if(k);
        mig_take_object(k, kind->object);
    }
    settle(k, false);
    do {
        if (mig_cur_take(&k->c, "DROP") && !mig_cur_at_any(&k->c, "CONSTRAINT INDEX PRIMARY FOREIGN")) {
            mig_facts_destroys(k->f, "DROP COLUMN removes the column and its values");
        }
    } while (mig_cur_next_clause(&k->c, 0));
}

static void other_truncate(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_DDL;
    mig_cur_take(&k->c, "TABLE");
    mig_take_object(k, MIGRATE_OBJECT_TABLE);
    mig_facts_destroys(k->f, "TRUNCATE removes every row");
    mig_facts_doubt(k->f, MIG_SQL_SETTLE_NEUTRAL, "TRUNCATE leaves the definition of the table as it was");
}

static void other_unknown(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_DDL;
    mig_facts_doubt(k->f, MIG_SQL_SETTLE_DOUBT, "nothing tells whether it was done");
}

static void other_call(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_MAY_COMMIT;
    mig_facts_doubt(k->f, MIG_SQL_SETTLE_DOUBT, "what a procedure does is not seen from outside");
}

static void other_set(struct mig_classifier *k)
{
    if (mig_cur_at(&k->c, "TRANSACTION")) {
        k->f->tx = MIG_SQL_TX_SET_TRANSACTION;
    } else {
        k->f->flags |= MIG_SQL_SESSION;
        k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
    }
}

static void other_plain(struct mig_classifier *k)
{
    (void)k;
}

void mig_classify_other(struct mig_classifier *k)
{
    static const struct mig_verb verbs[] = {
        { "INSERT", other_plain },
        { "UPDATE", mig_classify_update },
        { "DELETE", mig_classify_delete },
        { "CREATE", other_create },
        { "DROP", other_drop },
        { "ALTER", other_alter },
        { "TRUNCATE", other_truncate },
        { "GRANT", other_unknown },
        { "REVOKE", other_unknown },
        { "COMMENT", other_unknown },
        { "RENAME", other_unknown },
        { "CALL", other_call },
        { "SET", other_set },
        { "USE", other_set },
    };

    if (mig_classify_tx(k)) {
        return;
    }
    if (mig_cur_at_any(&k->c, "SELECT WITH VALUES TABLE") || mig_cur_at_punct(&k->c, '(')) {
        mig_classify_query(k);
    } else {
        mig_classify_verbs(k, verbs, MIG_COUNT(verbs));
    }
}
