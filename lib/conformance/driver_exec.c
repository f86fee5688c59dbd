/* SPDX-License-Identifier: Apache-2.0 */

/* exec(): statements that succeed, their rows, and values for them. */

#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static void exec_basic(struct mig_cf_db *db)
{
    struct mig_cf_conn *c = &db->a;
    if (!mig_cf_must(c, "INSERT INTO conformance_a VALUES (1, 'one')") ||
        !mig_cf_must(c, "UPDATE conformance_a SET v = 'eins' WHERE id = 1") ||
        !mig_cf_expect(c, "SELECT id, v FROM conformance_a", "1|eins\n")) {
        return;
    }
    CF_CHECK(db->suite, c->last.r.tx == MIGRATE_TX_NONE, "outside of a transaction the state is %u, not NONE",
             c->last.r.tx);
}

static void exec_rows(struct mig_cf_db *db)
{
    if (!mig_cf_must(&db->a, "INSERT INTO conformance_a VALUES (3, 'c'), (1, 'a'), (2, 'b')")) {
        return;
    }
    mig_cf_expect(&db->a, "SELECT v, id FROM conformance_a ORDER BY id", "a|1\nb|2\nc|3\n");
    mig_cf_expect(&db->a, "SELECT v FROM conformance_a WHERE id > 9", "");
}

static void exec_text(struct mig_cf_db *db)
{
    mig_cf_expect(&db->a, "SELECT 42, -7, 'h\xc3\xa4\xc3\x9f \xf0\x9f\x98\x80', NULL, ''",
                  "42|-7|h\xc3\xa4\xc3\x9f \xf0\x9f\x98\x80|~|\n");
}

static int32_t null_and_empty(void *user, uint32_t n, const migrate_text *cols)
{
    uint32_t *right = user;
    *right = n == 2 && !cols[0].data && cols[1].data && cols[1].len == 0;
    return 0;
}

static void exec_null(struct mig_cf_db *db)
{
    uint32_t right = 0;
    static const char sql[] = "SELECT NULL, ''";
    migrate_stmt stmt = { .struct_size = sizeof(stmt),
                          .sql = sql,
                          .sql_len = sizeof(sql) - 1,
                          .on_row = null_and_empty,
                          .on_row_user = &right };
    CF_CHECK(db->suite, mig_cf_exec(&db->a, &stmt) == MIGRATE_OK, "%s: %s", sql,
             migrate_error_message(db->a.err));
    CF_CHECK(db->suite, right, "NULL is not told by data NULL, or an empty text is");
}

/* The text ends where sql_len says, not at a NUL. */
static void exec_not_terminated(struct mig_cf_db *db)
{
    static const char sql[] = "SELECT 12345";
    char *copy = malloc(9);
    if (!copy) {
        mig_cf_fail(db->suite, "out of memory");
        return;
    }
    memcpy(copy, sql, 9);
    migrate_stmt stmt = { .struct_size = sizeof(stmt), .sql = copy, .sql_len = 8 };
    uint32_t rows = 0;
    stmt.on_row = NULL;
    stmt.on_row_user = &rows;
    migrate_status status = mig_cf_exec(&db->a, &stmt); /* "SELECT 1" */
    free(copy);
    CF_CHECK(db->suite, status == MIGRATE_OK, "SELECT 1 without a NUL behind it: %s",
             migrate_error_message(db->a.err));
    mig_cf_expect(&db->a, "SELECT 2", "2\n");
}

static void exec_comments(struct mig_cf_db *db)
{
    mig_cf_expect(&db->a, "SELECT /* ; ' \" */ 1, 'a;b', '--', '/*' -- end", "1|a;b|--|/*\n");
}

static int32_t first_only(void *user, uint32_t n, const migrate_text *cols)
{
    (void)n;
    (void)cols;
    ++*(uint32_t *)user;
    return 1;
}

static void exec_no_more_rows(struct mig_cf_db *db)
{
    static const char sql[] = "SELECT id FROM conformance_a";
    uint32_t rows = 0;
    migrate_stmt stmt = { .struct_size = sizeof(stmt),
                          .sql = sql,
                          .sql_len = sizeof(sql) - 1,
                          .on_row = first_only,
                          .on_row_user = &rows };
    if (!mig_cf_must(&db->a, "INSERT INTO conformance_a VALUES (1, 'a'), (2, 'b'), (3, 'c')")) {
        return;
    }
    CF_CHECK(db->suite, mig_cf_exec(&db->a, &stmt) == MIGRATE_OK, "%s: %s", sql,
             migrate_error_message(db->a.err));
    CF_CHECK(db->suite, rows == 1, "on_row wanted no more rows after the first and got %u", rows);
    mig_cf_expect(&db->a, "SELECT COUNT(*) FROM conformance_a", "3\n");
}

static void exec_affected(struct mig_cf_db *db)
{
    int64_t n;
    if (!mig_cf_must(&db->a, "INSERT INTO conformance_a VALUES (1, 'a'), (2, 'a'), (3, 'b')")) {
        return;
    }
    n = db->a.last.r.affected;
    CF_CHECK(db->suite, n == 3 || n == -1, "INSERT of 3 rows affected %lld", (long long)n);
    mig_cf_must(&db->a, "UPDATE conformance_a SET v = 'z' WHERE v = 'a'");
    n = db->a.last.r.affected;
    CF_CHECK(db->suite, n == 2 || n == -1, "UPDATE of 2 rows affected %lld", (long long)n);
    mig_cf_must(&db->a, "DELETE FROM conformance_a WHERE v = 'nothing'");
    n = db->a.last.r.affected;
    CF_CHECK(db->suite, n == 0 || n == -1, "DELETE of no row affected %lld", (long long)n);
}

static void exec_large_statement(struct mig_cf_db *db)
{
    enum { SIZE = 1000000 };
    static const char begin[] = "SELECT LENGTH('";
    char *sql = malloc(sizeof(begin) + SIZE + 3);
    if (!sql) {
        mig_cf_fail(db->suite, "out of memory");
        return;
    }
    memcpy(sql, begin, sizeof(begin) - 1);
    memset(sql + sizeof(begin) - 1, 'x', SIZE);
    memcpy(sql + sizeof(begin) - 1 + SIZE, "')", 3);
    migrate_status status = mig_cf_sql(&db->a, sql);
    free(sql);
    CF_CHECK(db->suite, status == MIGRATE_OK, "a statement of 1 MB: %s", migrate_error_message(db->a.err));
    CF_CHECK(db->suite, strcmp(db->a.rows, "1000000\n") == 0, "LENGTH of 1000000 bytes is %s", db->a.rows);
}

static int32_t count_row(void *user, uint32_t n, const migrate_text *cols)
{
    (void)n;
    (void)cols;
    ++*(uint64_t *)user;
    return 0;
}

static long peak_kib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

/* 100,000 rows of 1000 bytes: a driver that keeps them grows by 100 MB. */
static void exec_not_buffered(struct mig_cf_db *db)
{
    static const char sql[] =
        "SELECT a.v FROM conformance_a a, conformance_a b, conformance_a c, conformance_a d,"
        " conformance_a e";
    char insert[1100];
    uint64_t rows = 0;
    for (int i = 0; i < 10; i++) {
        snprintf(insert, sizeof(insert), "INSERT INTO conformance_a VALUES (%d, '%0999d')", i, i);
        if (!mig_cf_must(&db->a, insert)) {
            return;
        }
    }
    migrate_stmt stmt = { .struct_size = sizeof(stmt),
                          .sql = sql,
                          .sql_len = sizeof(sql) - 1,
                          .on_row = count_row,
                          .on_row_user = &rows };
    long before = peak_kib();
    CF_CHECK(db->suite, mig_cf_exec(&db->a, &stmt) == MIGRATE_OK, "%s", migrate_error_message(db->a.err));
    stmt.on_row = NULL;
    CF_CHECK(db->suite, mig_cf_exec(&db->a, &stmt) == MIGRATE_OK, "%s", migrate_error_message(db->a.err));
    long grown = peak_kib() - before;
    CF_CHECK(db->suite, rows == 100000, "%llu of 100000 rows came", (unsigned long long)rows);
    CF_CHECK(db->suite, grown < 32 * 1024,
             "100 MB of rows made the process grow by %ld KiB: they are buffered", grown);
}

static void exec_notice(struct mig_cf_db *db)
{
    if (!mig_cf_must(&db->a, db->quirks->sql_notice)) {
        return;
    }
    CF_CHECK(db->suite, db->a.host.notices > 0, "the server's notice was not passed on");
    CF_CHECK(db->suite, db->a.host.notice[0], "a notice without text");
}

const struct mig_cf_case mig_cf_exec_cases[] = {
    { .name = "driver/exec/basic", .body = exec_basic, .flags = CF_TABLE },
    { .name = "driver/exec/rows", .body = exec_rows, .flags = CF_TABLE },
    { .name = "driver/exec/text", .body = exec_text },
    { .name = "driver/exec/null", .body = exec_null },
    { .name = "driver/exec/not-terminated", .body = exec_not_terminated },
    { .name = "driver/exec/comments", .body = exec_comments },
    { .name = "driver/exec/no-more-rows", .body = exec_no_more_rows, .flags = CF_TABLE },
    { .name = "driver/exec/affected", .body = exec_affected, .flags = CF_TABLE },
    { .name = "driver/exec/large-statement", .body = exec_large_statement, .quirks = MIGRATE_QUIRK_SMALL },
    { .name = "driver/exec/large-result-not-buffered",
      .body = exec_not_buffered,
      .quirks = MIGRATE_QUIRK_SMALL,
      .flags = CF_TABLE },
    { .name = "driver/exec/notice",
      .body = exec_notice,
      .quirks = MIGRATE_QUIRK_NO_NOTICES,
      .flags = CF_NOTICE },
};
CF_CASES(exec);

/* ---- values ---------------------------------------------------------------- */

/* Writes @p value and reads it back by equality and by its row. */
static void round_trip(struct mig_cf_db *db, const char *data, size_t len)
{
    struct mig_cf_conn *c = &db->a;
    migrate_text p[2] = { { "1", 1 }, { data, len } };
    char want[CF_ROWS];
    snprintf(want, sizeof(want), "%s\n", data ? data : "~");
    if (!mig_cf_must(c, "DELETE FROM conformance_a")) {
        return;
    }
    CF_CHECK(db->suite,
             mig_cf_params(c, "INSERT INTO conformance_a (id, v) VALUES (?, ?)", p, 2) == MIGRATE_OK,
             "value '%.40s': %s", want, migrate_error_message(c->err));
    CF_CHECK(db->suite, mig_cf_params(c, "SELECT v FROM conformance_a WHERE id = ?", p, 1) == MIGRATE_OK,
             "SELECT with a value: %s", migrate_error_message(c->err));
    CF_CHECK(db->suite, strcmp(c->rows, want) == 0, "value '%.60s' came back as '%.60s'", want, c->rows);
    if (data) {
        CF_CHECK(db->suite,
                 mig_cf_params(c, "SELECT id FROM conformance_a WHERE v = ?", &p[1], 1) == MIGRATE_OK,
                 "SELECT by a value: %s", migrate_error_message(c->err));
        CF_CHECK(db->suite, strcmp(c->rows, "1\n") == 0, "value '%.60s' is not equal to what was stored",
                 want);
    }
}

static void params_bytes(struct mig_cf_db *db)
{
    static const char *const values[] = {
        "plain",
        "it's",
        "''",
        "\\",
        "\\'",
        "a\\nb",
        "\"double\"",
        "`tick`",
        "line\nbreak\r\n\ttab",
        "100%",
        "$1 $$ $a$",
        "?",
        "'?'",
        "-- no comment",
        "/* */",
        "; DROP TABLE conformance_a",
        "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
        "trailing\\",
        "E'x'",
        "\x01\x7f",
        "%s%n",
        ":name @var #hash",
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        round_trip(db, values[i], strlen(values[i]));
    }
}

static void params_null(struct mig_cf_db *db)
{
    round_trip(db, NULL, 0);
    round_trip(db, "", 0);
    if (db->suite->result != MIGRATE_CASE_PASSED) {
        return;
    }
    mig_cf_expect(&db->a, "SELECT COUNT(*) FROM conformance_a WHERE v IS NULL", "0\n");
}

/* A value ends where its length says. */
static void params_length(struct mig_cf_db *db)
{
    migrate_text p[2] = { { "1", 1 }, { "abcdef", 3 } };
    CF_CHECK(db->suite, mig_cf_params(&db->a, "INSERT INTO conformance_a VALUES (?, ?)", p, 2) == MIGRATE_OK,
             "%s", migrate_error_message(db->a.err));
    mig_cf_expect(&db->a, "SELECT v FROM conformance_a", "abc\n");
}

static void params_large(struct mig_cf_db *db)
{
    enum { SIZE = 60000 };
    char *value = malloc(SIZE);
    if (!value) {
        mig_cf_fail(db->suite, "out of memory");
        return;
    }
    for (size_t i = 0; i < SIZE; i++) {
        value[i] = "ab'\\"[i % 4];
    }
    migrate_text p = { value, SIZE };
    bool made = mig_cf_must(&db->a, "CREATE TABLE conformance_b (v TEXT)");
    migrate_status status =
        made ? mig_cf_params(&db->a, "INSERT INTO conformance_b VALUES (?)", &p, 1) : MIGRATE_OK;
    if (status != MIGRATE_OK) {
        mig_cf_fail(db->suite, "a value of %d bytes: %s", (int)SIZE, migrate_error_message(db->a.err));
    } else if (made &&
               mig_cf_params(&db->a, "SELECT COUNT(*) FROM conformance_b WHERE v = ?", &p, 1) == MIGRATE_OK &&
               strcmp(db->a.rows, "1\n") != 0) {
        mig_cf_fail(db->suite, "a value of %d bytes is not what was stored", (int)SIZE);
    }
    free(value);
}

/* No value holds back a statement, and none outlives its call. */
static void params_reused(struct mig_cf_db *db)
{
    char buffer[8];
    for (int i = 1; i <= 3; i++) {
        migrate_text p = { buffer, (size_t)snprintf(buffer, sizeof(buffer), "%d", i) };
        CF_CHECK(db->suite,
                 mig_cf_params(&db->a, "INSERT INTO conformance_a (id) VALUES (?)", &p, 1) == MIGRATE_OK,
                 "%s", migrate_error_message(db->a.err));
        memset(buffer, '9', sizeof(buffer));
    }
    mig_cf_expect(&db->a, "SELECT id FROM conformance_a ORDER BY id", "1\n2\n3\n");
}

/* Without values a ? is text like any other. */
static void params_none(struct mig_cf_db *db)
{
    mig_cf_expect(&db->a, "SELECT 'why?', '?', '? ?'", "why?|?|? ?\n");
}

const struct mig_cf_case mig_cf_params_cases[] = {
    { .name = "driver/exec/params-bytes", .body = params_bytes, .flags = CF_TABLE },
    { .name = "driver/exec/params-null", .body = params_null, .flags = CF_TABLE },
    { .name = "driver/exec/params-length", .body = params_length, .flags = CF_TABLE },
    { .name = "driver/exec/params-large", .body = params_large, .flags = CF_TABLE },
    { .name = "driver/exec/params-reused", .body = params_reused, .flags = CF_TABLE },
    { .name = "driver/exec/params-none", .body = params_none },
};
CF_CASES(params);
