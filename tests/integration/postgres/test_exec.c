/* SPDX-License-Identifier: Apache-2.0 */

/* One statement at a time: outcomes, rows, faults, COPY, cancel. */

#include "tests.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct test_host h;
static void *conn;

static void setup(void)
{
    host_init(&h);
    conn = open_url(&h, pg_url(NULL));
}

static void teardown(void)
{
    pg->close(conn);
    host_free(&h);
}

static migrate_result result_of(const char *sql, migrate_status expected)
{
    migrate_result r = { .struct_size = sizeof r };
    migrate_status status = run(conn, sql, &r);
    ck_assert_msg(status == expected, "%s: %d, not %d: %s", sql, status, expected, h.message);
    return r;
}

START_TEST(outcomes)
{
    migrate_result r = result_of("CREATE TEMP TABLE t (a int)", MIGRATE_OK);
    ck_assert_uint_eq(r.outcome, MIGRATE_OUTCOME_DONE);
    ck_assert_uint_eq(r.tx, MIGRATE_TX_NONE);
    ck_assert_uint_eq(r.lex, MIGRATE_LEX_DOLLAR_QUOTES);
    ck_assert_uint_eq(r.round_trips, 1);
    r = result_of("INSERT INTO t VALUES (1), (2)", MIGRATE_OK);
    ck_assert_int_eq(r.affected, 2);
    ck_assert_str_eq(r.tag, "INSERT 0 2");
    r = result_of("BEGIN", MIGRATE_OK);
    ck_assert_uint_eq(r.tx, MIGRATE_TX_OPEN);
    r = result_of("SELECT 1/0", MIGRATE_E_SQL);
    ck_assert_uint_eq(r.outcome, MIGRATE_OUTCOME_FAILED);
    ck_assert_uint_eq(r.tx, MIGRATE_TX_FAILED);
    ck_assert_str_eq(h.sqlstate, "22012");
    r = result_of("ROLLBACK", MIGRATE_OK);
    ck_assert_uint_eq(r.tx, MIGRATE_TX_NONE);
    r = result_of("SET standard_conforming_strings = off", MIGRATE_OK);
    ck_assert_uint_eq(r.lex, MIGRATE_LEX_DOLLAR_QUOTES | MIGRATE_LEX_BACKSLASH_ESCAPES);
    r = result_of("SET client_encoding = 'SJIS'", MIGRATE_OK);
    ck_assert(r.lex & MIGRATE_LEX_UNSAFE_ENCODING);
}
END_TEST

START_TEST(commit_says_rollback)
{
    must(conn, "BEGIN");
    run(conn, "SELECT 1/0", NULL);
    migrate_stmt stmt = {
        .struct_size = sizeof stmt, .flags = MIGRATE_STMT_TX_END, .sql = "COMMIT", .sql_len = 6
    };
    migrate_result r = { .struct_size = sizeof r };
    ck_assert_int_eq(pg->exec(conn, &stmt, &r, NULL), MIGRATE_E_SQL);
    ck_assert_uint_eq(r.outcome, MIGRATE_OUTCOME_FAILED);
    ck_assert_str_eq(r.tag, "ROLLBACK");
    ck_assert_uint_eq(r.tx, MIGRATE_TX_NONE);
    must(conn, "BEGIN");
    stmt.sql = "ROLLBACK";
    stmt.sql_len = 8;
    ck_assert_int_eq(pg->exec(conn, &stmt, &r, NULL), MIGRATE_OK);
}
END_TEST

static const struct {
    const char *sql;
    uint32_t    klass;
    const char *state;
    uint64_t    offset;
} faults[] = {
    { "SELEC 1", MIGRATE_FAULT_SYNTAX, "42601", 1 },
    { "SELECT 'äöü', nosuch", MIGRATE_FAULT_MISSING, "42703", 18 },
    { "SELECT * FROM nosuch", MIGRATE_FAULT_MISSING, "42P01", 15 },
    { "CREATE TABLE pg_catalog.zzz (a int)", MIGRATE_FAULT_DENIED, "42501", 0 },
    { "CREATE TEMP TABLE f (a int PRIMARY KEY); INSERT INTO f VALUES (1), (1)", MIGRATE_FAULT_CONSTRAINT,
      "23505", 0 },
    { "CREATE ROLE postgres", MIGRATE_FAULT_EXISTS, "42710", 0 },
    { "BEGIN; VACUUM", MIGRATE_FAULT_NOT_IN_TX, "25001", 0 },
    { "BEGIN READ ONLY; CREATE TABLE x (a int)", MIGRATE_FAULT_READ_ONLY, "25006", 0 },
    { "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$", MIGRATE_FAULT_RETRY_TX, "40001", 0 },
    { "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$", MIGRATE_FAULT_RETRY_TX, "40P01", 0 },
    { "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '53100'; END $$", MIGRATE_FAULT_DISK_FULL, "53100",
      0 },
    { "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '55P03'; END $$", MIGRATE_FAULT_LOCK_TIMEOUT, "55P03",
      0 },
    { "DO $$ BEGIN RAISE EXCEPTION 'requested length too large' USING ERRCODE = '54000'; END $$",
      MIGRATE_FAULT_TOO_LARGE, "54000", 0 },
    { "DO $$ BEGIN RAISE EXCEPTION 'invalid memory alloc request size 2000000004' USING ERRCODE = 'XX000'; END $$",
      MIGRATE_FAULT_TOO_LARGE, "XX000", 0 },
    { "DO $$ BEGIN COMMIT; END $$; SELECT 1", MIGRATE_FAULT_NOT_IN_TX, "2D000", 0 },
};

START_TEST(fault_classes)
{
    migrate_result r = { .struct_size = sizeof r };
    ck_assert_int_ge(run(conn, faults[_i].sql, &r), 600);
    ck_assert_msg(h.klass == faults[_i].klass, "%s: class %u: %s", faults[_i].sql, h.klass, h.message);
    ck_assert_str_eq(h.sqlstate, faults[_i].state);
    if (strcmp(faults[_i].state, "42501") != 0)
        ck_assert_uint_eq(h.offset, faults[_i].offset);
    ck_assert_uint_eq(r.outcome, MIGRATE_OUTCOME_FAILED);
    if (strcmp(faults[_i].state, "23505") == 0) {
        ck_assert_str_eq(h.object, "f_pkey");
        ck_assert_ptr_nonnull(strstr(h.detail, "(a)=(1)"));
    }
}
END_TEST

START_TEST(statement_timeout)
{
    must(conn, "SET statement_timeout = 50");
    result_of("SELECT pg_sleep(300)", MIGRATE_E_TIMEOUT);
    ck_assert_str_eq(h.sqlstate, "57014");
    ck_assert(h.hint[0]);
}
END_TEST

struct rows {
    unsigned n, stop_at;
    size_t   bytes;
    bool     null_seen;
};

static int32_t count_row(void *user, uint32_t n, const migrate_text *cols)
{
    struct rows *r = user;
    r->n++;
    for (uint32_t i = 0; i < n; i++) {
        r->bytes += cols[i].len;
        r->null_seen |= !cols[i].data;
    }
    return r->stop_at && r->n >= r->stop_at;
}

START_TEST(rows)
{
    struct rows r = { 0 };
    migrate_stmt stmt = { .struct_size = sizeof stmt, .on_row = count_row, .on_row_user = &r };
    migrate_result res = { .struct_size = sizeof res };
    stmt.sql = "SELECT i, NULL FROM generate_series(1, 1000) i";
    stmt.sql_len = strlen(stmt.sql);
    ck_assert_int_eq(pg->exec(conn, &stmt, &res, NULL), MIGRATE_OK);
    ck_assert_uint_eq(r.n, 1000);
    ck_assert(r.null_seen);
    r = (struct rows){ .stop_at = 3 };
    ck_assert_int_eq(pg->exec(conn, &stmt, &res, NULL), MIGRATE_OK);
    ck_assert_uint_eq(r.n, 3);
    must(conn, "SELECT i, 'x' FROM generate_series(1, 100000) i");
}
END_TEST

static migrate_status param_exec(const char *sql, migrate_text *params, uint32_t n, struct rows *r,
                                 migrate_row_fn fn, void *user)
{
    migrate_stmt stmt = { .struct_size = sizeof stmt, .sql = sql, .sql_len = strlen(sql), .n_params = n,
                          .params = params, .on_row = fn, .on_row_user = user };
    migrate_result res = { .struct_size = sizeof res };
    (void)r;
    return pg->exec(conn, &stmt, &res, NULL);
}

static int32_t keep_text(void *user, uint32_t n, const migrate_text *cols)
{
    (void)n;
    snprintf(user, 256, "%.*s", (int)cols[0].len, cols[0].data ? cols[0].data : "(null)");
    return 0;
}

START_TEST(params)
{
    static const char nasty[] = "it's \\ \"q\" ? $1 -- é\n/*";
    char got[256];
    for (int off = 0; off < 2; off++) {
        must(conn, off ? "SET standard_conforming_strings = off" : "SET standard_conforming_strings = on");
        migrate_text p[2] = { { nasty, sizeof nasty - 1 }, { NULL, 0 } };
        ck_assert_int_eq(param_exec("SELECT ?::text, ?::int", p, 2, NULL, keep_text, got), MIGRATE_OK);
        ck_assert_str_eq(got, nasty);
    }
    migrate_text nul = { "a\0b", 3 };
    ck_assert_int_eq(param_exec("SELECT ?::text", &nul, 1, NULL, keep_text, got), MIGRATE_E_ARGUMENT);
}
END_TEST

START_TEST(no_snapshot_is_left)
{
    must(conn, "BEGIN");
    migrate_text p = { "1", 1 };
    char got[256];
    ck_assert_int_eq(param_exec("SELECT ?::int", &p, 1, NULL, keep_text, got), MIGRATE_OK);
    struct test_host other;
    host_init(&other);
    void *second = open_url(&other, pg_url(NULL));
    ck_assert_str_eq(value(second, "SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND "
                                   "pid <> pg_backend_pid()"), "0");
    pg->close(second);
    host_free(&other);
    must(conn, "ROLLBACK");
}
END_TEST

START_TEST(notices)
{
    must(conn, "DO $$ BEGIN RAISE WARNING 'look out' USING DETAIL = 'there'; END $$");
    ck_assert_uint_eq(h.notices, 1);
    ck_assert_str_eq(h.notice, "WARNING 01000 look out (there)");
    migrate_stmt ours = { .struct_size = sizeof ours, .flags = MIGRATE_STMT_BOOKKEEPING,
                          .sql = "CREATE TEMP TABLE IF NOT EXISTS pg_temp.n (a int)" };
    ours.sql_len = strlen(ours.sql);
    migrate_result r = { .struct_size = sizeof r };
    ck_assert_int_eq(pg->exec(conn, &ours, &r, NULL), MIGRATE_OK);
    ck_assert_int_eq(pg->exec(conn, &ours, &r, NULL), MIGRATE_OK);
    ck_assert_uint_eq(h.notices, 1);
}
END_TEST

/* ---- COPY ---- */

struct source {
    size_t lines, sent, chunk;
    migrate_status fail_at_end;
    char   text[4096];
};

static migrate_status next_chunk(void *user, const char **chunk, size_t *len)
{
    struct source *s = user;
    *len = 0;
    if (s->sent == s->lines)
        return s->fail_at_end;
    for (size_t i = 0; i < s->chunk && s->sent < s->lines; i++)
        *len += (size_t)sprintf(s->text + *len, "%zu\n", s->sent++);
    *chunk = s->text;
    return MIGRATE_OK;
}

static migrate_status copy_in(struct source *s, migrate_result *r)
{
    migrate_stmt stmt = { .struct_size = sizeof stmt,
                          .sql = "COPY c FROM STDIN",
                          .sql_len = 17,
                          .data = next_chunk,
                          .data_user = s };
    return pg->exec(conn, &stmt, r, NULL);
}

START_TEST(copy)
{
    migrate_result r = { .struct_size = sizeof r };
    must(conn, "CREATE TEMP TABLE c (a bigint)");
    struct source s = { .lines = 200000, .chunk = 300 };
    ck_assert_int_eq(copy_in(&s, &r), MIGRATE_OK);
    ck_assert_str_eq(r.tag, "COPY 200000");
    ck_assert_int_eq(r.affected, 200000);
    ck_assert_str_eq(value(conn, "SELECT sum(a) FROM c"), "19999900000");
    s = (struct source){ .lines = 10, .chunk = 1, .fail_at_end = MIGRATE_E_SOURCE };
    ck_assert_int_eq(copy_in(&s, &r), MIGRATE_E_SOURCE);
    ck_assert_uint_eq(r.outcome, MIGRATE_OUTCOME_FAILED);
    ck_assert_str_eq(value(conn, "SELECT count(*) FROM c"), "200000");
    ck_assert_int_eq(run(conn, "COPY c FROM STDIN", &r), MIGRATE_E_SQL);
    ck_assert_ptr_nonnull(strstr(h.message, "without data"));
    must(conn, "COPY c TO STDOUT");
    must(conn, "SELECT 1");
}
END_TEST

START_TEST(copy_that_fails)
{
    migrate_result r = { .struct_size = sizeof r };
    must(conn, "CREATE TEMP TABLE c (a smallint)");
    struct source s = { .lines = 300000, .chunk = 300 };
    ck_assert_int_eq(copy_in(&s, &r), MIGRATE_E_SQL);
    ck_assert_str_eq(h.sqlstate, "22003");
    ck_assert_ptr_nonnull(strstr(h.detail, "COPY c, line 32769"));
    must(conn, "SELECT 1");
}
END_TEST

/* ---- cancel ---- */

START_TEST(cancel_by_tick)
{
    h.stop = MIGRATE_E_CANCELLED;
    h.stop_at_tick = 2;
    migrate_result r = result_of("SELECT pg_sleep(300)", MIGRATE_E_CANCELLED);
    ck_assert_uint_eq(r.outcome, MIGRATE_OUTCOME_FAILED);
    ck_assert_uint_eq(h.klass, MIGRATE_FAULT_CANCELLED);
    h.stop = 0;
    must(conn, "SELECT pg_sleep(0.05)"); /* the cancel does not reach the next statement */
}
END_TEST

static void *poke(void *arg)
{
    nanosleep(&(struct timespec){ 0, 60000000 }, NULL);
    struct test_host *host = arg;
    host->stop = MIGRATE_E_CANCELLED;
    host->stop_at_tick = 1;
    return write(host->cancel_fd[1], "x", 1) == 1 ? NULL : arg;
}

START_TEST(cancel_by_descriptor)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, poke, &h), 0);
    result_of("SELECT pg_sleep(300)", MIGRATE_E_CANCELLED);
    pthread_join(thread, NULL);
}
END_TEST

START_TEST(stale_cancel_does_not_spin)
{
    ck_assert_int_eq(write(h.cancel_fd[1], "x", 1), 1);
    int64_t start = now_ms();
    must(conn, "SELECT pg_sleep(1)");
    ck_assert_int_lt(h.ticks, 20 + (now_ms() - start) / 100);
}
END_TEST

START_TEST(deadline)
{
    h.deadline = now_ms() + 300;
    result_of("SELECT pg_sleep(300)", MIGRATE_E_DEADLINE);
}
END_TEST

START_TEST(cancel_of_copy)
{
    must(conn, "CREATE TEMP TABLE c (a bigint)");
    must(conn, "CREATE FUNCTION pg_temp.slow() RETURNS trigger LANGUAGE plpgsql AS "
               "$$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$");
    must(conn, "CREATE TRIGGER s BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION pg_temp.slow()");
    h.stop = MIGRATE_E_CANCELLED;
    h.stop_at_tick = h.ticks + 2;
    migrate_result r = { .struct_size = sizeof r };
    struct source s = { .lines = 50000000, .chunk = 300 };
    ck_assert_int_eq(copy_in(&s, &r), MIGRATE_E_CANCELLED);
    ck_assert_uint_eq(r.outcome, MIGRATE_OUTCOME_FAILED);
    h.stop = 0;
    must(conn, "SELECT 1");
}
END_TEST

START_TEST(terminated)
{
    struct test_host other;
    host_init(&other);
    void *second = open_url(&other, pg_url(NULL));
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%s)", value(conn, "SELECT pg_backend_pid()"));
    must(second, sql);
    migrate_result r = result_of("CREATE TABLE never (a int)", MIGRATE_E_CONN_LOST);
    ck_assert_uint_eq(r.outcome, MIGRATE_OUTCOME_UNKNOWN);
    ck_assert_uint_eq(h.klass, MIGRATE_FAULT_CONN_LOST);
    r = result_of("SELECT 1", MIGRATE_E_CONN_LOST);
    ck_assert_uint_eq(r.outcome, MIGRATE_OUTCOME_NONE);
    pg->close(second);
    host_free(&other);
}
END_TEST

START_TEST(refused_text)
{
    migrate_stmt stmt = { .struct_size = sizeof stmt, .sql = "SELECT '\0'", .sql_len = 10 };
    migrate_result r = { .struct_size = sizeof r };
    ck_assert_int_eq(pg->exec(conn, &stmt, &r, NULL), MIGRATE_E_SQL);
    ck_assert_uint_eq(h.klass, MIGRATE_FAULT_SYNTAX);
    ck_assert_uint_eq(r.outcome, MIGRATE_OUTCOME_NONE);
    stmt.sql_len = (size_t)2 << 30;
    ck_assert_int_eq(pg->exec(conn, &stmt, &r, NULL), MIGRATE_E_TOO_LARGE);
    ck_assert_uint_eq(r.outcome, MIGRATE_OUTCOME_NONE);
    must(conn, "SELECT 1");
}
END_TEST

START_TEST(reset)
{
    migrate_result r = { .struct_size = sizeof r };
    ck_assert_int_eq(pg->try_lock(conn, "k", NULL, NULL), MIGRATE_OK);
    must(conn,
         "SET lock_timeout = '7s'; SET search_path = pg_catalog; CREATE TEMP TABLE t (a int); PREPARE p AS "
         "SELECT 1; LISTEN x; SET ROLE pg_monitor; SET standard_conforming_strings = off");
    ck_assert_int_eq(pg->reset(conn, &r, NULL), MIGRATE_OK);
    ck_assert_uint_eq(r.lex, MIGRATE_LEX_DOLLAR_QUOTES);
    ck_assert_str_eq(value(conn, "SHOW search_path"), "\"$user\", public");
    ck_assert_str_eq(value(conn, "SHOW lock_timeout"), "0");
    ck_assert_str_eq(value(conn, "SELECT current_user"), "postgres");
    ck_assert_str_eq(value(conn, "SELECT count(*) FROM pg_prepared_statements"), "0");
    ck_assert_str_eq(value(conn, "SELECT to_regclass('t')"), "");
    ck_assert_int_eq(pg->unlock(conn, "k", NULL), MIGRATE_OK);
}
END_TEST

void add_exec(Suite *s)
{
    TCase *t = new_case(s, "exec", setup, teardown);
    tcase_add_test(t, outcomes);
    tcase_add_test(t, commit_says_rollback);
    tcase_add_loop_test(t, fault_classes, 0, sizeof faults / sizeof *faults);
    tcase_add_test(t, statement_timeout);
    tcase_add_test(t, rows);
    tcase_add_test(t, params);
    tcase_add_test(t, no_snapshot_is_left);
    tcase_add_test(t, notices);
    tcase_add_test(t, copy);
    tcase_add_test(t, copy_that_fails);
    tcase_add_test(t, cancel_by_tick);
    tcase_add_test(t, cancel_by_descriptor);
    tcase_add_test(t, stale_cancel_does_not_spin);
    tcase_add_test(t, deadline);
    tcase_add_test(t, cancel_of_copy);
    tcase_add_test(t, terminated);
    tcase_add_test(t, refused_text);
    tcase_add_test(t, reset);
}
