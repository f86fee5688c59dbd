/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/classifier.h"
#include "util/text.h"

/* PostgreSQL: CREATE, DROP, ALTER. What refuses a transaction block is what its source guards with
 * PreventInTransactionBlock(). */

static const struct mig_kind kinds[] = {
    { "TABLE", MIGRATE_OBJECT_TABLE },
    { "INDEX", MIGRATE_OBJECT_INDEX },
    { "VIEW", MIGRATE_OBJECT_VIEW },
    { "MATERIALIZED VIEW", MIGRATE_OBJECT_VIEW },
    { "FOREIGN TABLE", MIGRATE_OBJECT_TABLE },
    { "SEQUENCE", MIGRATE_OBJECT_SEQUENCE },
    { "FUNCTION", MIGRATE_OBJECT_ROUTINE },
    { "PROCEDURE", MIGRATE_OBJECT_ROUTINE },
    { "ROUTINE", MIGRATE_OBJECT_ROUTINE },
    { "AGGREGATE", MIGRATE_OBJECT_ROUTINE },
    { "TRIGGER", MIGRATE_OBJECT_TRIGGER },
    { "CONSTRAINT TRIGGER", MIGRATE_OBJECT_TRIGGER },
    { "DATABASE", MIGRATE_OBJECT_DATABASE },
    { "SCHEMA", 0 },
    { "TABLESPACE", MIGRATE_OBJECT_TABLESPACE },
    { "SUBSCRIPTION", MIGRATE_OBJECT_SUBSCRIPTION },
    { "PUBLICATION", 0 },
    { "TYPE", 0 },
    { "DOMAIN", 0 },
    { "EXTENSION", 0 },
    { "EVENT TRIGGER", MIGRATE_OBJECT_EVENT },
    { "RULE", 0 },
    { "POLICY", 0 },
    { "ROLE", 0 },
    { "USER MAPPING", 0, true },
    { "USER", 0 },
    { "GROUP", 0 },
    { "SERVER", 0 },
    { "FOREIGN DATA WRAPPER", 0 },
    { "STATISTICS", 0 },
    { "COLLATION", 0 },
    { "CONVERSION", 0 },
    { "LANGUAGE", 0 },
    { "TRANSFORM", 0, true },
    { "CAST", 0, true },
    { "OPERATOR CLASS", 0 },
    { "OPERATOR FAMILY", 0 },
    { "OPERATOR", 0, true },
    { "ACCESS METHOD", 0 },
    { "TEXT SEARCH CONFIGURATION", 0 },
    { "TEXT SEARCH DICTIONARY", 0 },
    { "TEXT SEARCH PARSER", 0 },
    { "TEXT SEARCH TEMPLATE", 0 },
    { "LARGE OBJECT", 0, true },
    { "DEFAULT PRIVILEGES", 0, true },
    { "SYSTEM", 0, true },
    { "OWNED", 0 },
};

static bool verb_is(const struct mig_classifier *k, const char *verb)
{
    return mig_ieq(k->f->verb, verb);
}

/* ------------------------------------------------------------------ CREATE */

/* Behind INDEX: [CONCURRENTLY] [[IF NOT EXISTS] name] ON [ONLY] table */
static void create_index(struct mig_classifier *k)
{
    bool conc = mig_cur_take(&k->c, "CONCURRENTLY");
    struct mig_sql_object *o = NULL;

    mig_take_if(k);
    if (!mig_cur_at(&k->c, "ON")) {
        o = mig_take_object(k, MIGRATE_OBJECT_INDEX);
    }
    if (mig_cur_find(&k->c, "ON", 0)) {
        mig_cur_next(&k->c);
        mig_cur_take(&k->c, "ONLY");
        if (o != NULL) {
            /* An index lives in its table's schema. */
            mig_cur_name(&k->c, o->schema, o->parent, sizeof o->parent);
        }
    }
    if (!conc) {
        return;
    }
    if (o != NULL) {
        mig_postgres_concurrently(k, MIG_SQL_SETTLE_PROBE, "CREATE INDEX CONCURRENTLY refuses a transaction");
    } else {
        mig_postgres_concurrently(k, MIG_SQL_SETTLE_DOUBT, "CREATE INDEX CONCURRENTLY refuses a transaction");
        k->f->doubt = "the concurrent index has no name, so that nothing tells whether it was built: name it";
    }
}

/* Behind the name of an option: [=] false, off, no, 0, in quotes or not. */
static bool option_is_off(struct mig_classifier *k)
{
    static const char *const off[] = { "false", "off",  "no",  "0", "'false'",
                                       "'off'", "'no'", "'0'", "f", "'f'" };

    mig_cur_take_punct(&k->c, '=');
    for (size_t i = 0; i < MIG_COUNT(off); i++) {
        if (mig_ieqn(k->c.tok.text, k->c.tok.len, off[i])) {
            return true;
        }
    }
    return false;
}

/* Behind SUBSCRIPTION name: a replication slot is made unless an option says not to. */
static void create_subscription(struct mig_classifier *k)
{
    while (!mig_cur_end(&k->c)) {
        if (mig_cur_take_any(&k->c, "CREATE_SLOT CONNECT")) {
            if (option_is_off(k)) {
                return;
            }
        } else {
            mig_cur_next(&k->c);
        }
    }
    mig_facts_alone(k->f, MIG_SQL_SETTLE_PROBE, "CREATE SUBSCRIPTION with a slot refuses a transaction");
}

/* Table of a trigger, rule or policy: the first ON outside of parentheses. */
static void take_parent(struct mig_classifier *k, struct mig_sql_object *o, const char *word)
{
    char schema[MIG_SQL_NAME_MAX];

    if (o != NULL && mig_cur_find(&k->c, word, 0)) {
        mig_cur_next(&k->c);
        if (mig_cur_name(&k->c, schema, o->parent, sizeof o->parent)) {
            for (size_t i = 0; i < sizeof schema; i++) {
                o->schema[i] = schema[i];
            }
        }
    }
}

static void create_named(struct mig_classifier *k, const struct mig_kind *kind)
{
    struct mig_sql_object *o;

    mig_take_if(k);
    if (kind->nameless) {
        return;
    }
    if (mig_ieq(kind->words, "SCHEMA")) {
        mig_cur_take(&k->c, "AUTHORIZATION");
    }
    o = mig_take_object(k, kind->object);
    if (kind->object == MIGRATE_OBJECT_TRIGGER || mig_ieq(kind->words, "POLICY")) {
        take_parent(k, o, "ON");
    } else if (verb_is(k, "CREATE RULE")) {
        take_parent(k, o, "TO");
    } else if (verb_is(k, "CREATE DATABASE")) {
        mig_facts_alone(k->f, MIG_SQL_SETTLE_PROBE, "CREATE DATABASE refuses a transaction");
    } else if (verb_is(k, "CREATE TABLESPACE")) {
        mig_facts_alone(k->f, MIG_SQL_SETTLE_PROBE, "CREATE TABLESPACE refuses a transaction");
    } else if (verb_is(k, "CREATE SUBSCRIPTION")) {
        create_subscription(k);
    }
    if (o != NULL && mig_ieq(o->schema, "pg_temp")) {
        k->f->flags |= MIG_SQL_SESSION | MIG_SQL_TEMPORARY;
    }
}

void mig_postgres_create(struct mig_classifier *k)
{
    const struct mig_kind *kind;

    k->f->flags |= MIG_SQL_DDL | MIG_SQL_CREATE;
    if (mig_cur_take(&k->c, "OR REPLACE")) {
        k->f->flags |= MIG_SQL_IF_EXISTS;
    }
    while (mig_cur_at_any(
        &k->c, "GLOBAL LOCAL TEMP TEMPORARY UNLOGGED RECURSIVE UNIQUE TRUSTED PROCEDURAL DEFAULT")) {
        if (mig_cur_at_any(&k->c, "TEMP TEMPORARY")) {
            k->f->flags |= MIG_SQL_SESSION | MIG_SQL_TEMPORARY;
        }
        mig_cur_next(&k->c);
    }
    kind = mig_take_kind(k, kinds, MIG_COUNT(kinds));
    if (kind == NULL) {
        return;
    }
    mig_facts_verb2(k->f, "CREATE", kind->words);
    if (kind->object == MIGRATE_OBJECT_INDEX) {
        create_index(k);
    } else {
        create_named(k, kind);
    }
}

/* ------------------------------------------------------------------ DROP */

static void drop_destroys(struct mig_classifier *k, const struct mig_kind *kind)
{
    static const char *const harmless[] = {
        "VIEW",        "MATERIALIZED VIEW", "INDEX",      "TRIGGER",       "RULE",
        "POLICY",      "EVENT TRIGGER",     "ROLE",       "USER",          "GROUP",
        "PUBLICATION", "SUBSCRIPTION",      "STATISTICS", "FOREIGN TABLE", "USER MAPPING",
    };

    if (mig_ieq(kind->words, "TABLE")) {
        mig_facts_destroys(k->f, "DROP TABLE removes the table and its rows");
    } else if (mig_ieq(kind->words, "SCHEMA") && mig_cur_find(&k->c, "CASCADE", 0)) {
        mig_facts_destroys(k->f, "DROP SCHEMA CASCADE removes all that is in the schema");
    } else if (mig_ieq(kind->words, "SCHEMA")) {
        mig_facts_destroys(k->f, "DROP SCHEMA removes the schema");
    } else if (mig_ieq(kind->words, "DATABASE")) {
        mig_facts_destroys(k->f, "DROP DATABASE removes the database and all that is in it");
    } else if (mig_ieq(kind->words, "SEQUENCE")) {
        mig_facts_destroys(k->f, "DROP SEQUENCE removes the sequence and where it stands");
    } else if (mig_ieq(kind->words, "OWNED")) {
        mig_facts_destroys(k->f, "DROP OWNED removes all that the role owns");
    } else {
        for (size_t i = 0; i < MIG_COUNT(harmless); i++) {
            if (mig_ieq(kind->words, harmless[i])) {
                return;
            }
        }
        if (mig_cur_find(&k->c, "CASCADE", 0)) {
            mig_facts_destroys(k->f, "DROP … CASCADE removes all that depends on it, columns too");
        }
    }
}

static void drop_alone(struct mig_classifier *k, bool conc)
{
    if (conc) {
        mig_postgres_concurrently(k, MIG_SQL_SETTLE_PROBE, "DROP INDEX CONCURRENTLY refuses a transaction");
    } else if (verb_is(k, "DROP DATABASE")) {
        mig_facts_alone(k->f, MIG_SQL_SETTLE_PROBE, "DROP DATABASE refuses a transaction");
    } else if (verb_is(k, "DROP TABLESPACE")) {
        mig_facts_alone(k->f, MIG_SQL_SETTLE_PROBE, "DROP TABLESPACE refuses a transaction");
    } else if (verb_is(k, "DROP SUBSCRIPTION")) {
        mig_facts_alone(k->f, MIG_SQL_SETTLE_PROBE, "DROP SUBSCRIPTION with a slot refuses a transaction");
    }
}

void mig_postgres_drop(struct mig_classifier *k)
{
    const struct mig_kind *kind;
    bool conc;

    k->f->flags |= MIG_SQL_DDL | MIG_SQL_DROP;
    kind = mig_take_kind(k, kinds, MIG_COUNT(kinds));
    if (kind == NULL) {
        return;
    }
    mig_facts_verb2(k->f, "DROP", kind->words);
    conc = kind->object == MIGRATE_OBJECT_INDEX && mig_cur_take(&k->c, "CONCURRENTLY");
    mig_take_if(k);
    if (mig_ieq(kind->words, "OWNED")) {
        mig_cur_take(&k->c, "BY");
    }
    if (kind->object == MIGRATE_OBJECT_TRIGGER || mig_ieq(kind->words, "POLICY") ||
        mig_ieq(kind->words, "RULE")) {
        take_parent(k, mig_take_object(k, kind->object), "ON");
    } else if (!kind->nameless) {
        mig_take_objects(k, kind->object);
    }
    drop_alone(k, conc);
    drop_destroys(k, kind);
}

/* ------------------------------------------------------------------ ALTER */

/* Behind DETACH PARTITION: name [CONCURRENTLY | FINALIZE] */
static void detach(struct mig_classifier *k, const struct mig_sql_object *table)
{
    struct mig_sql_object part = { .kind = MIGRATE_OBJECT_TABLE };
    bool named = mig_cur_name(&k->c, part.schema, part.name, sizeof part.name);

    if (!mig_cur_take(&k->c, "CONCURRENTLY")) {
        return;
    }
    mig_facts_verb(k->f, "DETACH PARTITION");
    mig_postgres_concurrently(k, MIG_SQL_SETTLE_PROBE, "DETACH PARTITION CONCURRENTLY refuses a transaction");
    if (!named || table == NULL) {
        mig_facts_doubt(k->f, MIG_SQL_SETTLE_DOUBT, "the partition's name could not be read");
        return;
    }
    for (size_t i = 0; i < sizeof part.parent; i++) {
        part.parent[i] = table->name[i];
    }
    if (part.schema[0] == '\0') {
        for (size_t i = 0; i < sizeof part.schema; i++) {
            part.schema[i] = table->schema[i];
        }
    }
    k->f->objects[0] = part;
    k->f->n_objects = 1;
}

/* One clause of ALTER TABLE; true if it only validates a constraint. */
static bool alter_clause(struct mig_classifier *k, const struct mig_sql_object *table)
{
    if (mig_cur_take(&k->c, "DROP")) {
        if (!mig_cur_at(&k->c, "CONSTRAINT")) {
            mig_facts_destroys(k->f, "DROP COLUMN removes the column and its values");
        }
    } else if (mig_cur_take(&k->c, "DETACH PARTITION")) {
        detach(k, table);
    }
    return mig_cur_at(&k->c, "VALIDATE");
}

/* Behind TABLE. A view, a foreign table or an index is altered by the same words. */
static void alter_table(struct mig_classifier *k, uint32_t kind)
{
    struct mig_sql_object *o;
    bool validates = true;

    if (mig_cur_sees(&k->c, "ALL IN TABLESPACE")) {
        return;
    }
    mig_take_if(k);
    mig_cur_take(&k->c, "ONLY");
    o = mig_take_object(k, kind);
    mig_cur_take_punct(&k->c, '*');
    if (mig_cur_at(&k->c, "RENAME")) {
        if (mig_cur_take(&k->c, "RENAME TO")) {
            mig_take_object(k, kind);
        }
        return;
    }
    do {
        validates = alter_clause(k, o) && validates;
    } while (mig_cur_next_clause(&k->c, 0));
    /* Only waiting for old snapshots may take long; with other clauses a stronger lock is held. */
    if (validates) {
        k->f->flags |= MIG_SQL_NO_LOCK_TIMEOUT;
    }
}

/* Behind SUBSCRIPTION name. */
static void alter_subscription(struct mig_classifier *k)
{
    bool refresh = mig_cur_sees(&k->c, "REFRESH PUBLICATION");
    bool set = mig_cur_sees(&k->c, "SET PUBLICATION");
    bool list = mig_cur_sees(&k->c, "ADD PUBLICATION") || mig_cur_sees(&k->c, "DROP PUBLICATION");

    if (!refresh && !set && !list) {
        return;
    }
    if (!refresh && mig_cur_find(&k->c, "REFRESH", 1)) {
        mig_cur_next(&k->c);
        if (option_is_off(k)) {
            return;
        }
    }
    mig_facts_alone(k->f, list ? MIG_SQL_SETTLE_DOUBT : MIG_SQL_SETTLE_REPEATABLE,
                    "ALTER SUBSCRIPTION that refreshes refuses a transaction");
    if (list) {
        k->f->doubt = "ADD and DROP PUBLICATION fail when they are run again: SET PUBLICATION does not";
    }
}

/* Before PostgreSQL 12 ADD VALUE refused a transaction. */
static void alter_type(struct mig_classifier *k)
{
    if (mig_cur_take(&k->c, "DROP ATTRIBUTE")) {
        mig_facts_destroys(k->f, "DROP ATTRIBUTE removes the attribute's values");
    }
    if (k->di->version == 0 || k->di->version >= 120000 || !mig_cur_take(&k->c, "ADD VALUE")) {
        return;
    }
    if (mig_take_if(k)) {
        mig_facts_alone(k->f, MIG_SQL_SETTLE_REPEATABLE, "ALTER TYPE ADD VALUE refuses a transaction here");
    } else {
        mig_facts_alone(k->f, MIG_SQL_SETTLE_DOUBT, "ALTER TYPE ADD VALUE refuses a transaction here");
        k->f->doubt = "ADD VALUE fails when it is run again: say ADD VALUE IF NOT EXISTS";
    }
}

static void alter_named(struct mig_classifier *k, const struct mig_kind *kind)
{
    mig_take_if(k);
    mig_take_object(k, kind->object);
    if (verb_is(k, "ALTER SUBSCRIPTION")) {
        alter_subscription(k);
    } else if (verb_is(k, "ALTER TYPE")) {
        alter_type(k);
    } else if (verb_is(k, "ALTER DATABASE") && mig_cur_sees(&k->c, "SET TABLESPACE")) {
        mig_facts_alone(k->f, MIG_SQL_SETTLE_REPEATABLE,
                        "ALTER DATABASE SET TABLESPACE refuses a transaction");
    }
}

void mig_postgres_alter(struct mig_classifier *k)
{
    const struct mig_kind *kind;

    k->f->flags |= MIG_SQL_DDL;
    kind = mig_take_kind(k, kinds, MIG_COUNT(kinds));
    if (kind == NULL) {
        return;
    }
    mig_facts_verb2(k->f, "ALTER", kind->words);
    if (mig_ieq(kind->words, "SYSTEM")) {
        mig_facts_alone(k->f, MIG_SQL_SETTLE_REPEATABLE, "ALTER SYSTEM refuses a transaction");
    } else if (kind->object == MIGRATE_OBJECT_TABLE) {
        alter_table(k, kind->object);
    } else if (!kind->nameless) {
        alter_named(k, kind);
    }
}
