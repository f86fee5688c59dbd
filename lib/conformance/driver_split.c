/* SPDX-License-Identifier: Apache-2.0 */

/* split(), fingerprint() and describe(). */

#include "probe.h"

#include <stdio.h>
#include <string.h>

static migrate_status cut(struct mig_cf_conn *c, const char *text, size_t len, uint32_t at_end, size_t *used,
                          size_t *at, size_t *stmt_len)
{
    migrate_error *err = NULL;
    mig_cf_enter(&c->host);
    migrate_status status = c->db->driver->split(c->conn, text, len, at_end, used, at, stmt_len, &err);
    mig_cf_watch(c, "split()", status, err);
    return status;
}

/* Cuts @p text with @p chunk more bytes each time that more is asked for; the statements joined by '|'. */
static bool cut_all(struct mig_cf_db *db, const char *text, size_t chunk, char *out, size_t size)
{
    size_t len = strlen(text), at = 0, have = 0, written = 0;
    out[0] = '\0';
    while (at < len) {
        size_t used = 0, stmt_at = 0, stmt_len = 0;
        have = have > len ? len : have;
        if (cut(&db->a, text + at, have - at, have == len, &used, &stmt_at, &stmt_len) != MIGRATE_OK) {
            mig_cf_fail(db->suite, "split of '%.60s': %s", text + at, migrate_error_message(db->a.err));
            return false;
        }
        if (used > have - at || stmt_at + stmt_len > used || (used == 0 && have == len)) {
            mig_cf_fail(db->suite, "split of %zu bytes: used %zu, statement %zu+%zu", have - at, used,
                        stmt_at, stmt_len);
            return false;
        }
        if (used == 0) {
            have += chunk;
            continue;
        }
        if (stmt_len) {
            written +=
                (size_t)snprintf(out + written, size - written, "%.*s|", (int)stmt_len, text + at + stmt_at);
        }
        at += used;
    }
    return true;
}

static void split_statements(struct mig_cf_db *db)
{
    static const char *const cases[][2] = {
        { "SELECT 1; SELECT 2;", "SELECT 1|SELECT 2|" },
        { "SELECT 1", "SELECT 1|" },
        { "  SELECT 1 ;\n\n -- end\n", "SELECT 1|" },
        { "SELECT ';', 'it''s;'; SELECT \";\"", "SELECT ';', 'it''s;'|SELECT \";\"|" },
        { "-- a;b\nSELECT 1 /* ;' */; SELECT 2", "SELECT 1 /* ;' */|SELECT 2|" },
        { ";;SELECT 1;;", "SELECT 1|" },
        { "-- nothing", "" },
    };
    static const size_t chunks[] = { 1, 3, 1000 };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t k = 0; k < sizeof(chunks) / sizeof(chunks[0]); k++) {
            char got[300];
            if (!cut_all(db, cases[i][0], chunks[k], got, sizeof(got))) {
                return;
            }
            CF_CHECK(db->suite, strcmp(got, cases[i][1]) == 0,
                     "'%s' in pieces of %zu was cut into '%s', not '%s'", cases[i][0], chunks[k], got,
                     cases[i][1]);
        }
    }
}

const struct mig_cf_case mig_cf_split_cases[] = {
    { .name = "driver/split/statements",
      .body = split_statements,
      .member = CF_MEMBER(split),
      .caps = MIGRATE_CAP_SPLIT_SELF },
};
CF_CASES(split);

/* ---- objects --------------------------------------------------------------- */

static const migrate_object table_a = {
    .struct_size = sizeof(migrate_object),
    .kind = MIGRATE_OBJECT_TABLE,
    .name = { "conformance_a", 13 },
};
static const migrate_object table_none = {
    .struct_size = sizeof(migrate_object),
    .kind = MIGRATE_OBJECT_TABLE,
    .name = { "conformance_none", 16 },
};

static bool expression(struct mig_cf_db *db, const migrate_object *object, char *sql, size_t size,
                       uint32_t *proves)
{
    const char *text = NULL;
    migrate_error *err = NULL;
    mig_cf_enter(&db->a.host);
    migrate_status status = db->driver->fingerprint(db->a.conn, object, &text, proves, &err);
    mig_cf_watch(&db->a, "fingerprint()", status, err);
    if (status == MIGRATE_E_UNSUPPORTED) {
        mig_cf_skip(db->suite, "fingerprint() says E_UNSUPPORTED for tables");
        return false;
    }
    if (status != MIGRATE_OK || !text) {
        mig_cf_fail(db->suite, "fingerprint(): %s", db->a.err ? migrate_error_message(db->a.err) : "no text");
        return false;
    }
    if ((size_t)snprintf(sql, size, "SELECT %s", text) >= size) {
        mig_cf_skip(db->suite, "the expression is longer than the suite takes");
        return false;
    }
    return true;
}

/* The digest of @p object now. */
static bool digest(struct mig_cf_db *db, const migrate_object *object, char *out, size_t size,
                   uint32_t *proves)
{
    static const char *const null_text = "~\n";
    char sql[60000];
    if (!expression(db, object, sql, sizeof(sql), proves) || !mig_cf_must(&db->a, sql)) {
        return false;
    }
    if (db->a.n_rows != 1 || strcmp(db->a.rows, null_text) == 0) {
        mig_cf_fail(db->suite, "the fingerprint's expression gave %u rows, '%.60s'", db->a.n_rows,
                    db->a.rows);
        return false;
    }
    snprintf(out, size, "%.200s", db->a.rows);
    return true;
}

static void fingerprint_follows(struct mig_cf_db *db)
{
    char none[210], made[210], again[210], altered[210], other_none[210];
    uint32_t proves = 0;
    if (!digest(db, &table_a, made, sizeof(made), &proves) ||
        !digest(db, &table_a, again, sizeof(again), &proves)) {
        return;
    }
    CF_CHECK(db->suite, proves && !(proves & ~(MIGRATE_PROVES_DEFINITION | MIGRATE_PROVES_IDENTITY)),
             "proves is %u", proves);
    CF_CHECK(db->suite, strcmp(made, again) == 0, "two digests of one table differ");
    if (!mig_cf_must(&db->a, "INSERT INTO conformance_a VALUES (1, 'a')") ||
        !digest(db, &table_a, again, sizeof(again), &proves)) {
        return;
    }
    CF_CHECK(db->suite, strcmp(made, again) == 0, "a row changes the digest of its table");
    if (!mig_cf_must(&db->a, "ALTER TABLE conformance_a ADD COLUMN w INTEGER") ||
        !digest(db, &table_a, altered, sizeof(altered), &proves)) {
        return;
    }
    CF_CHECK(db->suite, !(proves & MIGRATE_PROVES_DEFINITION) || strcmp(made, altered) != 0,
             "a new column does not change the digest, which is told to prove the definition");
    if (!mig_cf_must(&db->a, "DROP TABLE conformance_a") ||
        !digest(db, &table_a, none, sizeof(none), &proves) ||
        !digest(db, &table_none, other_none, sizeof(other_none), &proves)) {
        return;
    }
    CF_CHECK(db->suite, strcmp(none, altered) != 0, "a dropped table has the digest of a table");
    CF_CHECK(db->suite, strcmp(none, other_none) == 0, "tables that are not there have different digests");
}

static void fingerprint_in_values(struct mig_cf_db *db)
{
    char sql[60000], insert[60200];
    uint32_t proves;
    if (!expression(db, &table_a, sql, sizeof(sql), &proves)) {
        return;
    }
    snprintf(insert, sizeof(insert), "INSERT INTO conformance_a VALUES (7, (%s))", sql);
    if (mig_cf_must(&db->a, insert)) {
        mig_cf_expect(&db->a, "SELECT COUNT(*) FROM conformance_a WHERE id = 7 AND v IS NOT NULL", "1\n");
    }
}

static void describe(struct mig_cf_db *db)
{
    const migrate_object *const objects[] = { &table_a, &table_none };
    for (int i = 0; i < 2; i++) {
        const char *text = "untouched";
        migrate_error *err = NULL;
        mig_cf_enter(&db->a.host);
        migrate_status status = db->driver->describe(db->a.conn, objects[i], &text, &err);
        mig_cf_watch(&db->a, "describe()", status, err);
        CF_CHECK(db->suite, status == MIGRATE_OK, "describe(): %s", migrate_error_message(db->a.err));
        if (i == 0) {
            CF_CHECK(db->suite, text && strstr(text, "conformance_a"),
                     "the definition does not name the table: %.100s", text ? text : "NULL");
        } else {
            CF_CHECK(db->suite, !text, "a table that is not there has a definition: %.100s", text);
        }
    }
}

const struct mig_cf_case mig_cf_object_cases[] = {
    { .name = "driver/fingerprint/follows",
      .body = fingerprint_follows,
      .member = CF_MEMBER(fingerprint),
      .flags = CF_TABLE },
    { .name = "driver/fingerprint/in-values",
      .body = fingerprint_in_values,
      .member = CF_MEMBER(fingerprint),
      .flags = CF_TABLE },
    { .name = "driver/describe", .body = describe, .member = CF_MEMBER(describe), .flags = CF_TABLE },
};
CF_CASES(object);
