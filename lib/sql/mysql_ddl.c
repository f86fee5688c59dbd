/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/classifier.h"
#include "util/text.h"

/* MySQL and MariaDB: CREATE, DROP, ALTER, TRUNCATE. Every one commits before and after. */

static const struct mig_kind kinds[] = {
    { "TABLE", MIGRATE_OBJECT_TABLE },
    { "TABLES", MIGRATE_OBJECT_TABLE },
    { "INDEX", MIGRATE_OBJECT_INDEX },
    { "VIEW", MIGRATE_OBJECT_VIEW },
    { "PROCEDURE", MIGRATE_OBJECT_ROUTINE },
    { "FUNCTION", MIGRATE_OBJECT_ROUTINE },
    { "TRIGGER", MIGRATE_OBJECT_TRIGGER },
    { "EVENT", MIGRATE_OBJECT_EVENT },
    { "SEQUENCE", MIGRATE_OBJECT_SEQUENCE },
    { "DATABASE", MIGRATE_OBJECT_DATABASE },
    { "SCHEMA", MIGRATE_OBJECT_DATABASE },
    { "USER", 0 },
    { "ROLE", 0 },
    { "SERVER", 0 },
    { "TABLESPACE", 0 },
    { "LOGFILE GROUP", 0 },
    { "RESOURCE GROUP", 0 },
    { "SPATIAL REFERENCE SYSTEM", 0 },
    { "PACKAGE BODY", 0 },
    { "PACKAGE", 0 },
    { "LIBRARY", 0 },
    { "INSTANCE", 0 },
    { "CATALOG", 0 },
};

struct modifiers {
    bool replace;
    bool temporary;
    bool aggregate;
};

static void ddl(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_DDL | MIG_SQL_IMPLICIT_COMMIT;
}

/* name, 'name'@'host', CURRENT_USER() */
static void skip_account(struct mig_classifier *k)
{
    mig_cur_skip(&k->c);
    if (k->c.tok.kind == MIG_TOKEN_VAR) {
        mig_cur_next(&k->c);
    }
    if (mig_cur_at_punct(&k->c, '(')) {
        mig_cur_skip(&k->c);
    }
}

/* What may stand between CREATE or ALTER and the kind. */
static void take_modifiers(struct mig_classifier *k, struct modifiers *m)
{
    struct mig_cursor *c = &k->c;

    for (;;) {
        if (mig_cur_take(c, "OR REPLACE")) {
            m->replace = true;
            k->f->flags |= MIG_SQL_IF_EXISTS;
        } else if (mig_cur_take(c, "ALGORITHM")) {
            mig_cur_take_punct(c, '=');
            mig_cur_next(c);
        } else if (mig_cur_take(c, "DEFINER")) {
            mig_cur_take_punct(c, '=');
            skip_account(k);
        } else if (mig_cur_take(c, "SQL SECURITY")) {
            mig_cur_next(c);
        } else if (mig_cur_take(c, "TEMPORARY")) {
            m->temporary = true;
        } else if (mig_cur_take(c, "AGGREGATE")) {
            m->aggregate = true;
        } else if (mig_cur_sees(c, "SPATIAL REFERENCE") ||
                   !mig_cur_take_any(
                       c,
                       "ONLINE OFFLINE IGNORE UNIQUE FULLTEXT SPATIAL VECTOR UNDO JSON RELATIONAL DUALITY")) {
            return;
        }
    }
}

bool mig_mysql_foreign_engine(struct mig_classifier *k)
{
    char name[MIG_SQL_NAME_MAX];

    mig_cur_take_punct(&k->c, '=');
    if (!mig_token_name(&k->c.tok, MIGRATE_DIALECT_MYSQL, name, sizeof name)) {
        return false;
    }
    mig_cur_next(&k->c);
    return !mig_ieq(name, "innodb");
}

static void not_told(struct mig_classifier *k, const char *why)
{
    mig_facts_doubt(k->f, MIG_SQL_SETTLE_DOUBT, why);
}

static const char NO_TRACE[] = "nothing the server shows tells whether it was done";
static const char ACCOUNTS[] = "accounts and rights have no definition that could be compared";
static const char ENGINE[] = "an engine other than InnoDB has no atomic DDL";

/* ------------------------------------------------------------------ CREATE */

/* Options behind the columns, up to AS, SELECT or the end. */
static void create_table(struct mig_classifier *k, const struct modifiers *m)
{
    bool conditional = mig_take_if(k);
    bool foreign = false;

    mig_take_object(k, MIGRATE_OBJECT_TABLE);
    while (!mig_cur_end(&k->c) && !mig_cur_at_any(&k->c, "AS SELECT VALUES") &&
           !mig_cur_sees(&k->c, "WITH RECURSIVE")) {
        if (mig_cur_take_any(&k->c, "ENGINE TYPE")) {
            foreign = mig_mysql_foreign_engine(k);
        } else {
            mig_cur_skip(&k->c);
        }
    }
    if (m->temporary) {
        k->f->flags &= ~(uint32_t)MIG_SQL_IMPLICIT_COMMIT;
        k->f->flags |= MIG_SQL_SESSION | MIG_SQL_TEMPORARY;
        k->f->settle = MIG_SQL_SETTLE_TX;
    } else if (foreign) {
        not_told(k, ENGINE);
    } else if (m->replace) {
        mig_facts_doubt(k->f, MIG_SQL_SETTLE_NEUTRAL,
                        "it may make the table as it was before, without the rows");
    } else {
        k->f->settle = conditional ? MIG_SQL_SETTLE_REPEATABLE : MIG_SQL_SETTLE_CHANGING;
    }
    if (m->replace && !m->temporary) {
        mig_facts_destroys(k->f, "CREATE OR REPLACE TABLE removes the rows of the table that was there");
    }
}

/* Behind INDEX; also DROP INDEX. The table's name is the telling one. */
static void index_on(struct mig_classifier *k)
{
    struct mig_sql_object *o = mig_take_object(k, MIGRATE_OBJECT_INDEX);
    char schema[MIG_SQL_NAME_MAX];

    k->f->flags |= MIG_SQL_ALTER_TABLE;
    if (o == NULL || !mig_cur_find(&k->c, "ON", 0)) {
        return;
    }
    mig_cur_next(&k->c);
    if (mig_cur_name(&k->c, schema, o->parent, sizeof o->parent)) {
        for (size_t i = 0; i < sizeof schema; i++) {
            o->schema[i] = schema[i];
        }
    }
}

/* Behind TRIGGER [IF NOT EXISTS]. */
static void create_trigger(struct mig_classifier *k)
{
    struct mig_sql_object *o = mig_take_object(k, MIGRATE_OBJECT_TRIGGER);
    char schema[MIG_SQL_NAME_MAX];

    if (o != NULL && mig_cur_find(&k->c, "ON", 0)) {
        mig_cur_next(&k->c);
        mig_cur_name(&k->c, schema, o->parent, sizeof o->parent);
    }
}

/* An event for one moment goes when it is over, so that its absence tells nothing. */
static bool event_vanishes(struct mig_classifier *k)
{
    struct mig_cursor c = k->c;
    bool once = false;

    while (!mig_cur_end(&c) && !mig_cur_at(&c, "DO")) {
        if (mig_cur_take(&c, "SCHEDULE AT")) {
            once = true;
        } else if (mig_cur_take(&c, "ON COMPLETION PRESERVE")) {
            return false;
        } else {
            mig_cur_skip(&c);
        }
    }
    return once;
}

static void create_settle(struct mig_classifier *k, const struct mig_kind *kind, bool again, bool once)
{
    struct mig_cursor c = k->c;

    if (again && kind->object != MIGRATE_OBJECT_EVENT) {
        k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
    } else if (once) {
        not_told(k, "an event for one moment is gone when it has run");
    } else if (again) {
        k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
    } else if (mig_ieq(kind->words, "USER") || mig_ieq(kind->words, "ROLE")) {
        not_told(k, ACCOUNTS);
    } else if (kind->object == 0) {
        not_told(k, NO_TRACE);
    } else if (mig_ieq(kind->words, "FUNCTION") && mig_cur_take(&c, "RETURNS") &&
               (mig_cur_next(&c), mig_cur_at(&c, "SONAME"))) {
        not_told(k, NO_TRACE);
    } else {
        k->f->settle = MIG_SQL_SETTLE_CHANGING;
    }
}

/* OR REPLACE of what holds data: a second time it takes what came in between. */
static bool replaces_data(struct mig_classifier *k, const struct mig_kind *kind)
{
    if (kind->object == MIGRATE_OBJECT_DATABASE) {
        mig_facts_destroys(k->f, "CREATE OR REPLACE DATABASE removes the database that was there");
    } else if (kind->object == MIGRATE_OBJECT_SEQUENCE) {
        mig_facts_destroys(k->f, "CREATE OR REPLACE SEQUENCE removes where the sequence stood");
    } else {
        return false;
    }
    mig_facts_doubt(k->f, MIG_SQL_SETTLE_NEUTRAL, "it may make the object as it was before, empty");
    return true;
}

void mig_mysql_create(struct mig_classifier *k)
{
    struct modifiers m = { false, false, false };
    const struct mig_kind *kind;
    bool again;

    ddl(k);
    k->f->flags |= MIG_SQL_CREATE;
    take_modifiers(k, &m);
    kind = mig_take_kind(k, kinds, MIG_COUNT(kinds));
    if (kind == NULL) {
        not_told(k, NO_TRACE);
        return;
    }
    mig_facts_verb2(k->f, "CREATE", kind->words);
    if (kind->object == MIGRATE_OBJECT_TABLE) {
        create_table(k, &m);
        return;
    }
    again = mig_take_if(k) || m.replace;
    if (kind->object == MIGRATE_OBJECT_INDEX) {
        index_on(k);
    } else if (kind->object == MIGRATE_OBJECT_TRIGGER) {
        create_trigger(k);
    } else {
        mig_take_object(k, kind->object);
    }
    if (m.replace && replaces_data(k, kind)) {
        return;
    }
    create_settle(k, kind, again, kind->object == MIGRATE_OBJECT_EVENT && event_vanishes(k));
}

/* ------------------------------------------------------------------ DROP */

static void drop_destroys(struct mig_classifier *k, const struct mig_kind *kind)
{
    if (kind->object == MIGRATE_OBJECT_TABLE) {
        mig_facts_destroys(k->f, "DROP TABLE removes the table and its rows");
    } else if (kind->object == MIGRATE_OBJECT_DATABASE) {
        mig_facts_destroys(k->f, "DROP DATABASE removes the database and all that is in it");
    } else if (kind->object == MIGRATE_OBJECT_SEQUENCE) {
        mig_facts_destroys(k->f, "DROP SEQUENCE removes the sequence and where it stands");
    } else if (mig_ieq(kind->words, "TABLESPACE")) {
        mig_facts_destroys(k->f, "DROP TABLESPACE removes the tablespace");
    }
}

static void drop_settle(struct mig_classifier *k, const struct mig_kind *kind, bool conditional)
{
    if (conditional) {
        k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
    } else if (mig_ieq(kind->words, "USER") || mig_ieq(kind->words, "ROLE")) {
        not_told(k, ACCOUNTS);
    } else if (kind->object == 0) {
        not_told(k, NO_TRACE);
    } else if (k->di->mariadb && (k->f->n_objects > 1 || k->f->more_objects)) {
        not_told(k, "MariaDB drops several objects one by one, and may have dropped some of them: "
                    "say IF EXISTS or drop one at a time");
    } else {
        /* All or nothing: as many as are named tell of the rest. */
        k->f->more_objects = k->unread;
        k->f->settle = MIG_SQL_SETTLE_CHANGING;
    }
}

void mig_mysql_drop(struct mig_classifier *k)
{
    const struct mig_kind *kind;
    bool temporary = mig_cur_take(&k->c, "TEMPORARY");
    bool conditional;

    if (mig_cur_take(&k->c, "PREPARE")) {
        mig_facts_verb(k->f, "DROP PREPARE");
        k->f->flags |= MIG_SQL_SESSION;
        k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
        return;
    }
    ddl(k);
    k->f->flags |= MIG_SQL_DROP;
    while (mig_cur_take_any(&k->c, "ONLINE OFFLINE UNDO")) {
    }
    kind = mig_take_kind(k, kinds, MIG_COUNT(kinds));
    if (kind == NULL) {
        not_told(k, NO_TRACE);
        return;
    }
    mig_facts_verb2(k->f, "DROP", mig_ieq(kind->words, "TABLES") ? "TABLE" : kind->words);
    conditional = mig_take_if(k);
    if (kind->object == MIGRATE_OBJECT_INDEX) {
        index_on(k);
    } else {
        mig_take_objects(k, kind->object);
    }
    if (temporary) {
        k->f->flags &= ~(uint32_t)MIG_SQL_IMPLICIT_COMMIT;
        k->f->flags |= MIG_SQL_SESSION | MIG_SQL_TEMPORARY;
        return;
    }
    drop_destroys(k, kind);
    drop_settle(k, kind, conditional);
}

/* ------------------------------------------------------------------ ALTER */

static void alter_event(struct mig_classifier *k)
{
    struct mig_cursor c = k->c;

    /* All of its other clauses set what is to be, however often. */
    k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
    if (event_vanishes(k)) {
        not_told(k, "an event for one moment is gone when it has run");
        return;
    }
    while (!mig_cur_end(&c) && !mig_cur_at(&c, "DO")) {
        if (mig_cur_sees(&c, "RENAME TO")) {
            k->f->settle = MIG_SQL_SETTLE_CHANGING;
        }
        mig_cur_skip(&c);
    }
}

static void alter_database(struct mig_classifier *k)
{
    bool unnamed = mig_cur_at_any(&k->c, "CHARACTER CHARSET COLLATE DEFAULT COMMENT ENCRYPTION READ");

    if (unnamed) {
        k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
        return;
    }
    mig_take_object(k, MIGRATE_OBJECT_DATABASE);
    k->f->settle = MIG_SQL_SETTLE_CHANGING;
}

static void alter_named(struct mig_classifier *k, const struct mig_kind *kind)
{
    mig_take_if(k);
    mig_take_object(k, kind->object);
    switch (kind->object) {
    case MIGRATE_OBJECT_EVENT:
        alter_event(k);
        break;
    case MIGRATE_OBJECT_SEQUENCE:
        k->f->settle =
            mig_cur_find(&k->c, "RESTART", 0) ? MIG_SQL_SETTLE_REPEATABLE : MIG_SQL_SETTLE_CHANGING;
        break;
    case MIGRATE_OBJECT_VIEW:
    case MIGRATE_OBJECT_ROUTINE:
        k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
        break;
    default:
        if (mig_ieq(kind->words, "SERVER") || mig_ieq(kind->words, "INSTANCE")) {
            k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
        } else {
            not_told(k, mig_ieq(kind->words, "USER") || mig_ieq(kind->words, "ROLE") ? ACCOUNTS : NO_TRACE);
        }
    }
}

void mig_mysql_alter(struct mig_classifier *k)
{
    struct modifiers m = { false, false, false };
    const struct mig_kind *kind;

    ddl(k);
    take_modifiers(k, &m);
    kind = mig_take_kind(k, kinds, MIG_COUNT(kinds));
    if (kind == NULL) {
        not_told(k, NO_TRACE);
        return;
    }
    mig_facts_verb2(k->f, "ALTER", kind->words);
    if (kind->object == MIGRATE_OBJECT_TABLE) {
        mig_mysql_alter_table(k);
    } else if (kind->object == MIGRATE_OBJECT_DATABASE) {
        alter_database(k);
    } else {
        alter_named(k, kind);
    }
}

/* ------------------------------------------------------------------ RENAME, TRUNCATE */

void mig_mysql_rename(struct mig_classifier *k)
{
    ddl(k);
    if (mig_cur_take(&k->c, "USER")) {
        mig_facts_verb(k->f, "RENAME USER");
        not_told(k, ACCOUNTS);
    } else if (mig_cur_take_any(&k->c, "TABLE TABLES")) {
        mig_facts_verb(k->f, "RENAME TABLE");
        mig_mysql_rename_tables(k);
    } else {
        not_told(k, NO_TRACE);
    }
}

void mig_mysql_truncate(struct mig_classifier *k)
{
    ddl(k);
    mig_cur_take(&k->c, "TABLE");
    mig_take_object(k, MIGRATE_OBJECT_TABLE);
    mig_facts_destroys(k->f, "TRUNCATE removes every row");
    mig_facts_doubt(k->f, MIG_SQL_SETTLE_NEUTRAL, "TRUNCATE leaves the definition of the table as it was");
}
