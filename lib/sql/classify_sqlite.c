/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/classifier.h"
#include "util/text.h"

/* SQLite: all of DDL rolls back; VACUUM and a few PRAGMAs do not belong in a transaction. */

static const struct mig_kind kinds[] = {
    { "TABLE", MIGRATE_OBJECT_TABLE }, { "VIRTUAL TABLE", MIGRATE_OBJECT_TABLE },
    { "INDEX", MIGRATE_OBJECT_INDEX }, { "UNIQUE INDEX", MIGRATE_OBJECT_INDEX },
    { "VIEW", MIGRATE_OBJECT_VIEW },   { "TRIGGER", MIGRATE_OBJECT_TRIGGER },
};

static void lite_create(struct mig_classifier *k)
{
    const struct mig_kind *kind;
    struct mig_sql_object *o;
    char schema[MIG_SQL_NAME_MAX];

    k->f->flags |= MIG_SQL_DDL | MIG_SQL_CREATE;
    if (mig_cur_take_any(&k->c, "TEMP TEMPORARY")) {
        k->f->flags |= MIG_SQL_SESSION | MIG_SQL_TEMPORARY;
    }
    kind = mig_take_kind(k, kinds, MIG_COUNT(kinds));
    if (kind == NULL) {
        return;
    }
    mig_facts_verb2(k->f, "CREATE", kind->words);
    mig_take_if(k);
    o = mig_take_object(k, kind->object);
    if (o == NULL) {
        return;
    }
    if (mig_ieq(o->schema, "temp")) {
        k->f->flags |= MIG_SQL_SESSION | MIG_SQL_TEMPORARY;
    }
    if ((kind->object == MIGRATE_OBJECT_INDEX || kind->object == MIGRATE_OBJECT_TRIGGER) &&
        mig_cur_find(&k->c, "ON", 0)) {
        mig_cur_next(&k->c);
        mig_cur_name(&k->c, schema, o->parent, sizeof o->parent);
    }
}

static void lite_drop(struct mig_classifier *k)
{
    const struct mig_kind *kind = mig_take_kind(k, kinds, MIG_COUNT(kinds));

    k->f->flags |= MIG_SQL_DDL | MIG_SQL_DROP;
    if (kind == NULL) {
        return;
    }
    mig_facts_verb2(k->f, "DROP", kind->words);
    mig_take_if(k);
    mig_take_object(k, kind->object);
    if (kind->object == MIGRATE_OBJECT_TABLE) {
        mig_facts_destroys(k->f, "DROP TABLE removes the table and its rows");
    }
}

static void lite_alter(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_DDL;
    if (!mig_cur_take(&k->c, "TABLE")) {
        return;
    }
    mig_facts_verb(k->f, "ALTER TABLE");
    mig_take_object(k, MIGRATE_OBJECT_TABLE);
    if (mig_cur_take(&k->c, "RENAME TO")) {
        mig_take_object(k, MIGRATE_OBJECT_TABLE);
    } else if (mig_cur_take(&k->c, "DROP")) {
        mig_facts_destroys(k->f, "DROP COLUMN removes the column and its values");
    }
}

static void lite_vacuum(struct mig_classifier *k)
{
    mig_facts_alone(k->f, MIG_SQL_SETTLE_REPEATABLE, "VACUUM refuses a transaction");
    while (!mig_cur_end(&k->c)) {
        if (mig_cur_at(&k->c, "INTO")) {
            mig_facts_doubt(k->f, MIG_SQL_SETTLE_DOUBT, "VACUUM INTO refuses a file that is there already");
        }
        mig_cur_next(&k->c);
    }
}

static bool among(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (mig_ieq(name, names[i])) {
            return true;
        }
    }
    return false;
}

static void lite_session(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_SESSION;
    k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
}

/* With these a process that is killed leaves a damaged file; inside of a transaction SQLite passes over them. */
static bool no_journal(struct mig_classifier *k, const char *name)
{
    struct mig_cursor c = k->c;
    char value[MIG_SQL_NAME_MAX];
    mig_cur_next(&c);
    return mig_ieq(name, "journal_mode") && mig_cur_part(&c, value, sizeof value) &&
           (mig_ieq(value, "off") || mig_ieq(value, "memory"));
}

/* Behind the name of a PRAGMA that is given a value. */
static void pragma_set(struct mig_classifier *k, const char *name)
{
    /* Ignored or refused inside of a transaction. */
    static const char *const outside[] = {
        "journal_mode", "synchronous", "page_size", "auto_vacuum", "encoding", "wal_checkpoint", "temp_store",
    };
    /* Written to the file, or gone at COMMIT: they belong to the transaction. */
    static const char *const inside[] = {
        "user_version",       "application_id",     "schema_version",
        "default_cache_size", "defer_foreign_keys", "incremental_vacuum",
    };

    if (among(name, inside, MIG_COUNT(inside))) {
        return;
    }
    lite_session(k);
    if (mig_ieq(name, "foreign_keys")) {
        k->f->flags |= MIG_SQL_FOREIGN_KEYS;
    } else if (among(name, outside, MIG_COUNT(outside)) && !no_journal(k, name)) {
        k->f->flags |= MIG_SQL_PRAGMA_OUTSIDE;
    }
}

static void lite_pragma(struct mig_classifier *k)
{
    /* Their argument says what to look at. */
    static const char *const looks[] = {
        "table_info",      "table_xinfo", "table_list",       "index_info",
        "index_xinfo",     "index_list",  "foreign_key_list", "foreign_key_check",
        "integrity_check", "quick_check", "database_list",    "collation_list",
    };
    char schema[MIG_SQL_NAME_MAX];
    char name[MIG_SQL_NAME_MAX];
    bool value;

    if (!mig_cur_name(&k->c, schema, name, sizeof name)) {
        return;
    }
    value = mig_cur_at_punct(&k->c, '=') || mig_cur_at_punct(&k->c, '(');
    value = value && !among(name, looks, MIG_COUNT(looks));
    if (value) {
        pragma_set(k, name);
    } else if (mig_ieq(name, "wal_checkpoint")) {
        k->f->flags |= MIG_SQL_PRAGMA_OUTSIDE;
        k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
    } else if (!mig_ieq(name, "optimize") && !mig_ieq(name, "incremental_vacuum")) {
        k->f->flags |= MIG_SQL_READ_ONLY;
    }
}

static void lite_plain(struct mig_classifier *k)
{
    (void)k;
}

static void lite_reads(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_READ_ONLY;
}

void mig_classify_sqlite(struct mig_classifier *k)
{
    static const struct mig_verb verbs[] = {
        { "INSERT", lite_plain },          { "REPLACE", lite_plain },  { "UPDATE", mig_classify_update },
        { "DELETE", mig_classify_delete }, { "CREATE", lite_create },  { "DROP", lite_drop },
        { "ALTER", lite_alter },           { "PRAGMA", lite_pragma },  { "VACUUM", lite_vacuum },
        { "ATTACH", lite_session },        { "DETACH", lite_session }, { "EXPLAIN", lite_reads },
        { "ANALYZE", lite_plain },         { "REINDEX", lite_plain },
    };

    if (mig_classify_tx(k)) {
        return;
    }
    if (mig_cur_at_any(&k->c, "SELECT WITH VALUES")) {
        mig_classify_query(k);
    } else {
        mig_classify_verbs(k, verbs, MIG_COUNT(verbs));
    }
}
