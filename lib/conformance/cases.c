/* SPDX-License-Identifier: Apache-2.0 */

/* Which cases are run, which are skipped and why, and what is around each. */

#include "probe.h"

#include <stdio.h>
#include <string.h>

static const struct {
    uint64_t bit;
    const char *name;
} quirk_names[] = {
    { MIGRATE_QUIRK_NO_TEMP_TABLES, "MIGRATE_QUIRK_NO_TEMP_TABLES" },
    { MIGRATE_QUIRK_NO_SAVEPOINTS, "MIGRATE_QUIRK_NO_SAVEPOINTS" },
    { MIGRATE_QUIRK_NO_CANCEL, "MIGRATE_QUIRK_NO_CANCEL" },
    { MIGRATE_QUIRK_NO_NOTICES, "MIGRATE_QUIRK_NO_NOTICES" },
    { MIGRATE_QUIRK_NO_LOCK_HOLDER, "MIGRATE_QUIRK_NO_LOCK_HOLDER" },
    { MIGRATE_QUIRK_ONE_CONNECTION, "MIGRATE_QUIRK_ONE_CONNECTION" },
    { MIGRATE_QUIRK_ONE_DDL_PER_TX, "MIGRATE_QUIRK_ONE_DDL_PER_TX" },
    { MIGRATE_QUIRK_NO_ERROR_POSITION, "MIGRATE_QUIRK_NO_ERROR_POSITION" },
    { MIGRATE_QUIRK_SMALL, "MIGRATE_QUIRK_SMALL" },
};

static const struct {
    uint64_t bit;
    const char *why;
} cap_names[] = {
    { MIGRATE_CAP_TRANSACTION, "info() does not claim MIGRATE_CAP_TRANSACTION" },
    { MIGRATE_CAP_DDL_ROLLBACK, "info() does not claim MIGRATE_CAP_DDL_ROLLBACK" },
    { MIGRATE_CAP_SESSION, "info() does not claim MIGRATE_CAP_SESSION" },
    { MIGRATE_CAP_SESSION_LOCK, "info() does not claim MIGRATE_CAP_SESSION_LOCK" },
    { MIGRATE_CAP_BATCH_GROUPS, "info() does not claim MIGRATE_CAP_BATCH_GROUPS" },
    { MIGRATE_CAP_SPLIT_SELF, "info() does not claim MIGRATE_CAP_SPLIT_SELF" },
};

static const char *excluded_by_quirk(const struct mig_cf_db *db, uint64_t quirks)
{
    for (size_t i = 0; i < sizeof(quirk_names) / sizeof(quirk_names[0]); i++) {
        if (quirks & db->quirks->quirks & quirk_names[i].bit) {
            return quirk_names[i].name;
        }
    }
    return NULL;
}

static const char *excluded_by_caps(const struct mig_cf_db *db, uint64_t caps)
{
    for (size_t i = 0; i < sizeof(cap_names) / sizeof(cap_names[0]); i++) {
        if (caps & ~db->caps & cap_names[i].bit) {
            return cap_names[i].why;
        }
    }
    return NULL;
}

static const char *excluded_by_facts(const struct mig_cf_db *db, uint32_t flags)
{
    const migrate_driver_quirks *q = db->quirks;
    if ((flags & CF_SLOW_SQL) && !q->sql_slow) {
        return "quirks.sql_slow is NULL";
    }
    if ((flags & CF_NOTICE) && !q->sql_notice) {
        return "quirks.sql_notice is NULL";
    }
    if ((flags & CF_SEVER) && !q->sever) {
        return "quirks.sever is NULL";
    }
    if ((flags & CF_NATIVE) && (!q->native_open || !q->native_close)) {
        return "quirks.native_open is NULL";
    }
    return NULL;
}

/* NULL: run it. */
static const char *why_skip(const struct mig_cf_db *db, const struct mig_cf_case *k)
{
    uint64_t quirks = k->quirks | (k->flags & CF_SECOND ? MIGRATE_QUIRK_ONE_CONNECTION : 0);
    const char *why = NULL;
    if (k->member && !mig_cf_has(db->driver, k->member)) {
        why = "the driver does not have this member";
    }
    why = why ? why : excluded_by_quirk(db, quirks);
    why = why ? why : excluded_by_caps(db, k->caps);
    return why ? why : excluded_by_facts(db, k->flags);
}

static void take_breach(struct mig_cf_db *db, struct mig_cf_conn *c)
{
    if (c->host.breach[0]) {
        mig_cf_fail(db->suite, "%s", c->host.breach);
        c->host.breach[0] = '\0';
    }
}

/* Tables that cases make, of this and of an earlier run that did not end. */
static void drop_tables(struct mig_cf_conn *c)
{
    mig_cf_sql(c, "DROP TABLE IF EXISTS conformance_a");
    mig_cf_sql(c, "DROP TABLE IF EXISTS conformance_b");
}

static bool make_table(struct mig_cf_conn *c)
{
    drop_tables(c);
    return mig_cf_must(c, "CREATE TABLE conformance_a (id INTEGER NOT NULL PRIMARY KEY, v VARCHAR(1000))");
}

static bool prepare(struct mig_cf_db *db, const struct mig_cf_case *k)
{
    memset(&db->a, 0, sizeof(db->a));
    memset(&db->b, 0, sizeof(db->b));
    db->a.db = db->b.db = db;
    if (!mig_cf_open(&db->a)) {
        return false;
    }
    bool made = !(k->flags & CF_TABLE) || make_table(&db->a);
    if (k->flags & CF_CLOSED) {
        mig_cf_close(&db->a);
    }
    return made;
}

static void clean_up(struct mig_cf_db *db, const struct mig_cf_case *k)
{
    take_breach(db, &db->a);
    take_breach(db, &db->b);
    mig_cf_close(&db->a);
    mig_cf_close(&db->b);
    if ((k->flags & CF_TABLE) && mig_cf_open(&db->a)) {
        drop_tables(&db->a);
        mig_cf_close(&db->a);
    }
}

void mig_cf_run_cases(struct mig_cf_db *db, const struct mig_cf_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct mig_cf_case *k = &cases[i];
        if (!mig_cf_begin(db->suite, k->name)) {
            continue;
        }
        const char *why = why_skip(db, k);
        if (why) {
            mig_cf_skip(db->suite, why);
        } else {
            if (prepare(db, k)) {
                k->body(db);
            }
            clean_up(db, k);
        }
        mig_cf_end(db->suite, k->name);
    }
}
