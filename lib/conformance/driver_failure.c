/* SPDX-License-Identifier: Apache-2.0 */

/* exec(): statements that fail, what is told of it, and what remains; and structs of other sizes. */

#include "probe.h"

#include <stdio.h>
#include <string.h>

/* Runs what must fail as @p klass. */
static bool must_fail(struct mig_cf_conn *c, const char *sql, uint32_t klass, const char *what)
{
    struct mig_cf_suite *s = c->db->suite;
    migrate_status status = mig_cf_sql(c, sql);
    const struct mig_cf_host *h = &c->host;
    if (status < 100) {
        mig_cf_fail(s, "%s succeeded", sql);
    } else if (!h->fails) {
        mig_cf_fail(s, "%s failed and host->fail was not called", sql);
    } else if (h->fault.klass != klass) {
        mig_cf_fail(s, "%s: the fault's class is %u, not %s: %s", sql, h->fault.klass, what, h->message);
    } else if (!h->fault.native_code && !h->fault.sqlstate) {
        mig_cf_fail(s, "%s: neither a native code nor an sqlstate is told", sql);
    } else if (c->last.r.outcome == MIGRATE_OUTCOME_UNKNOWN) {
        mig_cf_fail(s, "%s: the server refused it, and the outcome is UNKNOWN", sql);
    }
    return s->result == MIGRATE_CASE_PASSED;
}

static const char *bad_sql(const struct mig_cf_db *db)
{
    return db->quirks->sql_bad ? db->quirks->sql_bad : "SELECT 1 FROM WHERE";
}

static void failure_syntax(struct mig_cf_db *db)
{
    if (must_fail(&db->a, bad_sql(db), MIGRATE_FAULT_SYNTAX, "SYNTAX")) {
        mig_cf_expect(&db->a, "SELECT 1", "1\n");
    }
}

static void failure_position(struct mig_cf_db *db)
{
    const char *sql = db->quirks->sql_bad;
    if (!sql) {
        mig_cf_skip(db->suite, "quirks.sql_bad is NULL");
        return;
    }
    if (!must_fail(&db->a, sql, MIGRATE_FAULT_SYNTAX, "SYNTAX")) {
        return;
    }
    const char *last = strrchr(sql, ' ');
    uint64_t want = last ? (uint64_t)(last - sql) + 2 : 1;
    CF_CHECK(db->suite, db->a.host.fault.offset == want, "the error is at byte %llu of '%s', told is %llu",
             (unsigned long long)want - 1, sql, (unsigned long long)db->a.host.fault.offset - 1);
}

/* The position counts bytes, also behind characters of several. */
static void failure_position_utf8(struct mig_cf_db *db)
{
    char sql[300];
    if (!db->quirks->sql_bad) {
        mig_cf_skip(db->suite, "quirks.sql_bad is NULL");
        return;
    }
    int before = snprintf(sql, sizeof(sql), "/* \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 */ ");
    snprintf(sql + before, sizeof(sql) - (size_t)before, "%s", db->quirks->sql_bad);
    if (!must_fail(&db->a, sql, MIGRATE_FAULT_SYNTAX, "SYNTAX")) {
        return;
    }
    uint64_t want = (uint64_t)(strrchr(sql, ' ') - sql) + 2;
    CF_CHECK(db->suite, db->a.host.fault.offset == want,
             "the error is at byte %llu behind %d bytes of UTF-8, told is %llu", (unsigned long long)want - 1,
             before, (unsigned long long)db->a.host.fault.offset - 1);
}

static void failure_missing(struct mig_cf_db *db)
{
    must_fail(&db->a, "SELECT * FROM conformance_none", MIGRATE_FAULT_MISSING, "MISSING");
}

static void failure_exists(struct mig_cf_db *db)
{
    must_fail(&db->a, "CREATE TABLE conformance_a (id INTEGER)", MIGRATE_FAULT_EXISTS, "EXISTS");
}

static void failure_constraint(struct mig_cf_db *db)
{
    if (!mig_cf_must(&db->a, "INSERT INTO conformance_a VALUES (1, 'a')")) {
        return;
    }
    must_fail(&db->a, "INSERT INTO conformance_a VALUES (1, 'b')", MIGRATE_FAULT_CONSTRAINT, "CONSTRAINT");
    mig_cf_expect(&db->a, "SELECT id, v FROM conformance_a", "1|a\n");
}

/* FAILED: "no effect of its own remains". */
static void failure_no_effect(struct mig_cf_db *db)
{
    if (!mig_cf_must(&db->a, "INSERT INTO conformance_a VALUES (3, 'a')")) {
        return;
    }
    must_fail(&db->a, "INSERT INTO conformance_a VALUES (1, 'b'), (2, 'b'), (3, 'b')",
              MIGRATE_FAULT_CONSTRAINT, "CONSTRAINT");
    mig_cf_expect(&db->a, "SELECT id FROM conformance_a", "3\n");
}

static void failure_err_null(struct mig_cf_db *db)
{
    struct mig_cf_conn *c = &db->a;
    const char *sql = bad_sql(db);
    migrate_stmt stmt = { .struct_size = sizeof(stmt), .sql = sql, .sql_len = strlen(sql) };
    migrate_result result = { .struct_size = sizeof(result) };
    mig_cf_enter(&c->host);
    migrate_status status = db->driver->exec(c->conn, &stmt, &result, NULL);
    mig_cf_leave(&c->host);
    CF_CHECK(db->suite, status >= 100, "%s succeeded", sql);
    CF_CHECK(db->suite, status == c->host.failed_with, "host->fail returned %s, exec() %s",
             migrate_status_name(c->host.failed_with), migrate_status_name(status));
}

/* Many failures one after another: nothing piles up, the connection stays. */
static void failure_repeated(struct mig_cf_db *db)
{
    for (int i = 0; i < 50; i++) {
        if (!must_fail(&db->a, bad_sql(db), MIGRATE_FAULT_SYNTAX, "SYNTAX")) {
            return;
        }
    }
    mig_cf_expect(&db->a, "SELECT 1", "1\n");
}

const struct mig_cf_case mig_cf_failure_cases[] = {
    { .name = "driver/failure/syntax", .body = failure_syntax },
    { .name = "driver/failure/position",
      .body = failure_position,
      .quirks = MIGRATE_QUIRK_NO_ERROR_POSITION },
    { .name = "driver/failure/position-utf8",
      .body = failure_position_utf8,
      .quirks = MIGRATE_QUIRK_NO_ERROR_POSITION },
    { .name = "driver/failure/missing", .body = failure_missing },
    { .name = "driver/failure/exists", .body = failure_exists, .flags = CF_TABLE },
    { .name = "driver/failure/constraint", .body = failure_constraint, .flags = CF_TABLE },
    { .name = "driver/failure/no-effect-remains", .body = failure_no_effect, .flags = CF_TABLE },
    { .name = "driver/failure/err-null", .body = failure_err_null },
    { .name = "driver/failure/repeated", .body = failure_repeated },
};
CF_CASES(failure);

/* ---- struct_size ----------------------------------------------------------- */

/* Results of every size a caller may have been compiled with. */
static void sizes_result(struct mig_cf_db *db)
{
    static const size_t sizes[] = {
        offsetof(migrate_result, tx),  offsetof(migrate_result, lex), offsetof(migrate_result, affected),
        offsetof(migrate_result, tag), sizeof(migrate_result),        sizeof(migrate_result) + 16,
    };
    static const char sql[] = "SELECT 1";
    struct mig_cf_conn *c = &db->a;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct mig_cf_result space;
        migrate_stmt stmt = { .struct_size = sizeof(stmt), .sql = sql, .sql_len = sizeof(sql) - 1 };
        migrate_error *err = NULL;
        size_t kept = sizes[i] < sizeof(migrate_result) ? sizes[i] : sizeof(migrate_result);
        mig_cf_poison(&space, sizeof(space));
        memset(&space, 0, kept);
        space.r.struct_size = sizes[i];
        mig_cf_enter(&c->host);
        migrate_status status = db->driver->exec(c->conn, &stmt, &space.r, &err);
        mig_cf_watch(c, "exec()", status, err);
        CF_CHECK(db->suite, status == MIGRATE_OK, "a result of struct_size %zu: %s", sizes[i],
                 migrate_error_message(c->err));
        CF_CHECK(db->suite, space.r.outcome == MIGRATE_OUTCOME_DONE,
                 "a result of struct_size %zu: outcome %u", sizes[i], space.r.outcome);
        CF_CHECK(db->suite, mig_cf_poisoned((char *)&space + kept, sizeof(space) - kept),
                 "a result of struct_size %zu was written behind its end", sizes[i]);
    }
}

static migrate_status trap_data(void *user, const char **chunk, size_t *len)
{
    *(int *)user = 1;
    *chunk = NULL;
    *len = 0;
    return MIGRATE_OK;
}

static int32_t trap_row(void *user, uint32_t n, const migrate_text *cols)
{
    (void)n;
    (void)cols;
    *(int *)user = 1;
    return 0;
}

/* A statement's members behind its struct_size are not read. */
static void sizes_stmt(struct mig_cf_db *db)
{
    static const size_t sizes[] = { offsetof(migrate_stmt, params), offsetof(migrate_stmt, on_row),
                                    offsetof(migrate_stmt, data), sizeof(migrate_stmt) + 16 };
    static const char sql[] = "SELECT 1";
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct {
            migrate_stmt stmt;
            unsigned char behind[16];
        } space;
        int trapped = 0;
        mig_cf_poison(&space, sizeof(space));
        space.stmt = (migrate_stmt){ .struct_size = sizes[i], .sql = sql, .sql_len = sizeof(sql) - 1 };
        bool whole = sizes[i] >= sizeof(migrate_stmt);
        space.stmt.on_row = whole || sizes[i] > offsetof(migrate_stmt, on_row) ? NULL : trap_row;
        space.stmt.on_row_user = &trapped;
        space.stmt.data = whole ? NULL : trap_data;
        space.stmt.data_user = &trapped;
        CF_CHECK(db->suite, mig_cf_exec(&db->a, &space.stmt) == MIGRATE_OK,
                 "a statement of struct_size %zu: %s", sizes[i], migrate_error_message(db->a.err));
        CF_CHECK(db->suite, !trapped, "members behind struct_size %zu of a statement were used", sizes[i]);
    }
}

const struct mig_cf_case mig_cf_sizes_cases[] = {
    { .name = "driver/struct-size/result", .body = sizes_result },
    { .name = "driver/struct-size/stmt", .body = sizes_stmt },
};
CF_CASES(sizes);
