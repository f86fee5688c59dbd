/* SPDX-License-Identifier: Apache-2.0 */

/* Batches: every statement told once and in order, whatever happens. */

#include "tests.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 6000 };

struct step {
    const char *sql;
    uint32_t    flags;
    migrate_data_fn data;
};

struct seen {
    uint32_t outcome, tx, klass;
    char     tag[32], sqlstate[8];
};

struct script {
    const struct step *steps;
    size_t   n, repeat;      /* the steps, that many times */
    uint64_t pulled, told;
    uint64_t ahead, most_ahead; /* bytes pulled and not told */
    uint64_t pulled_at_told[64];
    uint64_t limit;
    migrate_status next_fails; /* after the last one, instead of DONE */
    uint64_t stop_after;       /* done() says stop at that one + 1 */
    void (*at_told)(void);     /* called when number `at` is told */
    uint64_t at;
    uint32_t rounds;
    struct seen seen[MANY];
};

static struct test_host h;
static void *conn;
static struct script s;

static void setup(void)
{
    host_init(&h);
    conn = open_url(&h, pg_url(NULL));
    memset(&s, 0, sizeof s);
    s.repeat = 1;
    s.limit = 8192;
}

static void teardown(void)
{
    pg->close(conn);
    host_free(&h);
}

static migrate_status next(void *user, migrate_stmt *out)
{
    struct script *sc = user;
    if (sc->pulled == sc->n * sc->repeat)
        return sc->next_fails ? sc->next_fails : MIGRATE_DONE;
    const struct step *step = &sc->steps[sc->pulled % sc->n];
    out->sql = step->sql;
    out->sql_len = strlen(step->sql);
    out->flags = step->flags;
    out->data = step->data;
    sc->ahead += out->sql_len;
    sc->pulled++;
    if (sc->ahead - out->sql_len > sc->most_ahead)
        sc->most_ahead = sc->ahead - out->sql_len;
    return MIGRATE_OK;
}

static migrate_status done(void *user, uint64_t index, const migrate_result *r, const migrate_fault *f)
{
    struct script *sc = user;
    ck_assert_uint_eq(index, sc->told);
    bool bad = r->outcome == MIGRATE_OUTCOME_FAILED || r->outcome == MIGRATE_OUTCOME_UNKNOWN;
    ck_assert_msg(bad == (f != NULL), "fault without failure, or the other way");
    struct seen *seen = &sc->seen[sc->told % MANY];
    *seen = (struct seen){ .outcome = r->outcome, .tx = r->tx, .klass = f ? f->klass : 0 };
    snprintf(seen->tag, sizeof seen->tag, "%s", r->tag ? r->tag : "");
    snprintf(seen->sqlstate, sizeof seen->sqlstate, "%s", f && f->sqlstate ? f->sqlstate : "");
    if (sc->told < 64)
        sc->pulled_at_told[sc->told] = sc->pulled;
    sc->ahead -= strlen(sc->steps[sc->told % sc->n].sql);
    sc->rounds += r->round_trips;
    if (sc->at_told && index == sc->at)
        sc->at_told();
    sc->told++;
    return sc->stop_after && sc->told == sc->stop_after ? MIGRATE_E_STOPPED : MIGRATE_OK;
}

static migrate_status batch(const struct step *steps, size_t n, uint32_t flags)
{
    s.steps = steps;
    s.n = n;
    migrate_batch b = {
        .struct_size = sizeof b, .flags = flags, .max_ahead = s.limit, .user = &s, .next = next, .done = done
    };
    migrate_status status = pg->exec_batch(conn, &b, NULL);
    ck_assert_uint_eq(s.told, s.pulled);
    return status;
}

#define N(steps) (sizeof(steps) / sizeof *(steps))
#define END MIGRATE_STMT_GROUP_END
#define COMMIT { "COMMIT", MIGRATE_STMT_BOOKKEEPING | MIGRATE_STMT_TX_END | END, NULL }

static void outcomes_are(const char *expected)
{
    static const char letters[] = "-DFU";
    char got[MANY + 1];
    for (uint64_t i = 0; i < s.told; i++)
        got[i] = letters[s.seen[i].outcome];
    got[s.told] = '\0';
    ck_assert_str_eq(got, expected);
}

START_TEST(one_group)
{
    static const struct step steps[] = { { "BEGIN", 0, NULL }, { "CREATE TEMP TABLE b (a int)", 0, NULL },
                                         { "INSERT INTO b VALUES (1)", 0, NULL }, COMMIT };
    ck_assert_int_eq(batch(steps, N(steps), MIGRATE_BATCH_RUN_AHEAD), MIGRATE_OK);
    outcomes_are("DDDD");
    ck_assert_str_eq(s.seen[2].tag, "INSERT 0 1");
    ck_assert_uint_eq(s.seen[0].tx, MIGRATE_TX_OPEN);
    ck_assert_uint_eq(s.seen[3].tx, MIGRATE_TX_NONE);
    ck_assert_uint_eq(s.rounds, 1);
    must(conn, "SELECT 1");
}
END_TEST

START_TEST(many_groups)
{
    static const struct step steps[] = { { "BEGIN", MIGRATE_STMT_BOOKKEEPING, NULL },
                                         { "SELECT set_config('x.y', 'z', true)", 0, NULL }, COMMIT };
    s.repeat = 2000;
    ck_assert_int_eq(batch(steps, N(steps), MIGRATE_BATCH_RUN_AHEAD), MIGRATE_OK);
    ck_assert_uint_eq(s.told, 6000);
    ck_assert_uint_le(s.most_ahead, s.limit);
    ck_assert_uint_ge(s.most_ahead, s.limit / 2);
    ck_assert_uint_lt(s.rounds, 100);
}
END_TEST

/* The second of three groups fails; the third guards itself and refuses to run. */
START_TEST(failure_is_exact)
{
    static const struct step steps[] = {
        { "BEGIN", 0, NULL }, { "CREATE TABLE e1 (a int)", 0, NULL }, COMMIT,
        { "BEGIN", 0, NULL }, { "CREATE TABLE e2 (a int)", 0, NULL }, { "SELECT nosuch", 0, NULL },
        { "CREATE TABLE e3 (a int)", 0, NULL }, COMMIT,
        { "BEGIN", 0, NULL }, { "CREATE TABLE e4 (a int)", 0, NULL }, COMMIT };
    ck_assert_int_eq(batch(steps, N(steps), MIGRATE_BATCH_RUN_AHEAD), MIGRATE_E_SQL);
    outcomes_are("DDDDDF--F--");
    ck_assert_str_eq(h.sqlstate, "42703");
    ck_assert_uint_eq(h.offset, 8);
    ck_assert_str_eq(s.seen[8].sqlstate, "25P02");
    must(conn, "ROLLBACK");
    ck_assert_str_eq(
        value(conn, "SELECT string_agg(relname, ',' ORDER BY 1) FROM pg_class WHERE relname LIKE 'e_'"),
        "e1");
    must(conn, "DROP TABLE e1");
}
END_TEST

START_TEST(without_run_ahead)
{
    static const struct step steps[] = { { "BEGIN", 0, NULL }, { "SELECT nosuch", 0, NULL }, COMMIT,
                                         { "BEGIN", 0, NULL }, COMMIT };
    ck_assert_int_eq(batch(steps, N(steps), 0), MIGRATE_E_SQL);
    outcomes_are("DF-");
    must(conn, "ROLLBACK");
}
END_TEST

START_TEST(barrier)
{
    static const struct step steps[] = { { "SELECT 1", 0, NULL }, { "SELECT 2", MIGRATE_STMT_BARRIER, NULL },
                                         { "SELECT 3", 0, NULL } };
    ck_assert_int_eq(batch(steps, N(steps), MIGRATE_BATCH_RUN_AHEAD), MIGRATE_OK);
    outcomes_are("DDD");
    ck_assert_uint_eq(s.pulled_at_told[1], 2);
}
END_TEST

static migrate_status two_rows(void *user, const char **chunk, size_t *len)
{
    struct script *sc = user;
    (void)sc;
    static const char rows[] = "1\n2\n";
    static int turn; /* one test, one process */
    *chunk = rows;
    *len = turn++ % 2 ? 0 : 4;
    return MIGRATE_OK;
}

START_TEST(leaves_the_pipeline)
{
    static const struct step steps[] = {
        { "BEGIN", 0, NULL }, { "CREATE TABLE l (a int)", 0, NULL }, { "COPY l FROM STDIN", 0, two_rows },
        { "INSERT INTO l VALUES (3)", 0, NULL }, COMMIT,
        { "CREATE INDEX CONCURRENTLY li ON l (a)", MIGRATE_STMT_ALONE | END, NULL },
        { "VACUUM l", MIGRATE_STMT_ALONE | END, NULL },
        { "BEGIN", 0, NULL }, { "INSERT INTO l SELECT count(*) FROM l", 0, NULL }, COMMIT };
    ck_assert_int_eq(batch(steps, N(steps), MIGRATE_BATCH_RUN_AHEAD), MIGRATE_OK);
    outcomes_are("DDDDDDDDDD");
    ck_assert_str_eq(s.seen[2].tag, "COPY 2");
    ck_assert_str_eq(value(conn, "SELECT string_agg(a::text, ',') FROM l"), "1,2,3,3");
    must(conn, "DROP TABLE l");
}
END_TEST

START_TEST(copy_after_a_failure_is_not_run)
{
    static const struct step steps[] = { { "BEGIN", 0, NULL },
                                         { "CREATE TABLE l (a int)", 0, NULL },
                                         { "SELECT nosuch", 0, NULL },
                                         { "COPY l FROM STDIN", 0, two_rows },
                                         COMMIT };
    ck_assert_int_eq(batch(steps, N(steps), MIGRATE_BATCH_RUN_AHEAD), MIGRATE_E_SQL);
    outcomes_are("DDF-");
    must(conn, "ROLLBACK");
}
END_TEST

/* Without a Flush in the middle both sides would wait for ever. */
START_TEST(window_full_in_a_group)
{
    static const struct step steps[] = { { "SELECT 'a statement that is not short at all'",
                                           MIGRATE_STMT_BOOKKEEPING, NULL } };
    s.repeat = 1000;
    s.limit = 100;
    ck_assert_int_eq(batch(steps, N(steps), MIGRATE_BATCH_RUN_AHEAD), MIGRATE_OK);
    ck_assert_uint_eq(s.told, 1000);
    ck_assert_uint_le(s.most_ahead, 100);
}
END_TEST

START_TEST(larger_than_the_window)
{
    static char big[100000];
    memset(big, ' ', sizeof big - 1);
    memcpy(big, "SELECT 1", 8);
    const struct step steps[] = { { "SELECT 0", 0, NULL }, { big, 0, NULL }, { "SELECT 2", END, NULL } };
    ck_assert_int_eq(batch(steps, N(steps), 0), MIGRATE_OK);
    outcomes_are("DDD");
    ck_assert_uint_ge(s.pulled_at_told[1], 2);
}
END_TEST

/* An implicit transaction that fails at its Sync: the last statement is told failed, not done. */
START_TEST(deferred_constraint_without_a_transaction)
{
    must(conn,
         "CREATE TEMP TABLE d (a int PRIMARY KEY, b int REFERENCES pg_temp.d DEFERRABLE INITIALLY DEFERRED)");
    static const struct step steps[] = { { "INSERT INTO d VALUES (1, 2)", END, NULL } };
    ck_assert_int_eq(batch(steps, N(steps), 0), MIGRATE_E_SQL);
    outcomes_are("F");
    ck_assert_str_eq(h.sqlstate, "23503");
    must(conn, "SELECT 1");
}
END_TEST

START_TEST(deferred_constraint_at_commit)
{
    must(conn,
         "CREATE TEMP TABLE d (a int PRIMARY KEY, b int REFERENCES pg_temp.d DEFERRABLE INITIALLY DEFERRED)");
    static const struct step steps[] = { { "BEGIN", 0, NULL },
                                         { "INSERT INTO d VALUES (1, 2)", 0, NULL },
                                         COMMIT };
    ck_assert_int_eq(batch(steps, N(steps), 0), MIGRATE_E_SQL);
    outcomes_are("DDF");
    ck_assert_uint_eq(s.seen[2].klass, MIGRATE_FAULT_CONSTRAINT);
}
END_TEST

START_TEST(next_that_fails)
{
    static const struct step steps[] = { { "BEGIN", 0, NULL }, { "SELECT 1", 0, NULL } };
    s.next_fails = MIGRATE_E_SOURCE;
    ck_assert_int_eq(batch(steps, N(steps), 0), MIGRATE_E_SOURCE);
    outcomes_are("DD");
    must(conn, "ROLLBACK");
}
END_TEST

START_TEST(done_that_stops)
{
    static const struct step steps[] = { { "SELECT 1", MIGRATE_STMT_BARRIER, NULL } };
    s.repeat = 10;
    s.stop_after = 3;
    ck_assert_int_eq(batch(steps, N(steps), 0), MIGRATE_E_STOPPED);
    outcomes_are("DDD");
    must(conn, "SELECT 1");
}
END_TEST

START_TEST(nothing_to_do)
{
    ck_assert_int_eq(batch(NULL, 0, 0), MIGRATE_OK);
    static const struct step nul[] = { { "SELECT 1", 0, NULL } };
    ck_assert_int_eq(batch(nul, 1, 0), MIGRATE_OK);
}
END_TEST

/* The last statement waits for a lock that is given up when the one before it is told. */
static struct test_host other_host;
static void *other;

static void hold_lock(void)
{
    host_init(&other_host);
    other = open_url(&other_host, pg_url(NULL));
    must(other, "SELECT pg_advisory_lock(77)");
}

static void drop_lock(void)
{
    must(other, "SELECT pg_advisory_unlock(77)");
    pg->close(other);
    host_free(&other_host);
}

static void told_before(const struct step *steps, size_t n, uint64_t which)
{
    hold_lock();
    must(conn, "SET statement_timeout = '40s'"); /* rather a failure than a test that hangs */
    s.at_told = drop_lock;
    s.at = which;
    ck_assert_int_eq(batch(steps, n, MIGRATE_BATCH_RUN_AHEAD), MIGRATE_OK);
    ck_assert_uint_eq(s.told, n);
}

START_TEST(progress_comes_when_it_happens)
{
    static const struct step steps[] = { { "BEGIN", 0, NULL }, { "SELECT 1", 0, NULL },
                                         { "SELECT pg_advisory_xact_lock(77)", 0, NULL }, COMMIT };
    told_before(steps, N(steps), 1);
}
END_TEST

/* What says that a migration has begun is not kept back by its first statement, however long that runs. */
START_TEST(beginning_comes_when_it_happens)
{
    static const struct step steps[] = { { "BEGIN", MIGRATE_STMT_BOOKKEEPING, NULL },
                                         { "SELECT 1", MIGRATE_STMT_BOOKKEEPING, NULL },
                                         { "SELECT pg_advisory_xact_lock(77)", 0, NULL }, COMMIT };
    told_before(steps, N(steps), 1);
}
END_TEST

/* After a failure the server hears nothing before a Sync, also where nothing more was sent. */
START_TEST(barrier_that_fails)
{
    static const struct step steps[] = { { "BEGIN", 0, NULL }, { "SELECT nosuch", MIGRATE_STMT_BARRIER, NULL } };
    ck_assert_int_eq(batch(steps, N(steps), MIGRATE_BATCH_RUN_AHEAD), MIGRATE_E_SQL);
    outcomes_are("DF");
    must(conn, "ROLLBACK");
}
END_TEST

START_TEST(cancel)
{
    static const struct step steps[] = { { "BEGIN", 0, NULL },
                                         { "SELECT 1", 0, NULL },
                                         { "SELECT pg_sleep(300)", 0, NULL },
                                         { "SELECT 2", 0, NULL },
                                         COMMIT };
    h.stop = MIGRATE_E_CANCELLED;
    h.stop_at_tick = 2;
    ck_assert_int_eq(batch(steps, N(steps), MIGRATE_BATCH_RUN_AHEAD), MIGRATE_E_CANCELLED);
    outcomes_are("DDF--");
    ck_assert_uint_eq(s.seen[2].klass, MIGRATE_FAULT_CANCELLED);
    h.stop = 0;
    must(conn, "ROLLBACK");
}
END_TEST

START_TEST(lost_connection)
{
    static const struct step steps[] = { { "BEGIN", 0, NULL }, { "SELECT 1", MIGRATE_STMT_BARRIER, NULL },
                                         { "SELECT pg_terminate_backend(pg_backend_pid())", 0, NULL },
                                         { "SELECT 2", 0, NULL }, COMMIT };
    ck_assert_int_eq(batch(steps, N(steps), MIGRATE_BATCH_RUN_AHEAD), MIGRATE_E_CONN_LOST);
    outcomes_are("DDUUU");
    ck_assert_str_eq(s.seen[2].sqlstate, "57P01");
    ck_assert_uint_eq(s.seen[4].klass, MIGRATE_FAULT_CONN_LOST);
    ck_assert_int_eq(run(conn, "SELECT 1", NULL), MIGRATE_E_CONN_LOST);
}
END_TEST

START_TEST(rows_of_any_number)
{
    static const struct step steps[] = { { "SELECT i FROM generate_series(1, 300000) i", 0, NULL },
                                         { "SELECT 1", END, NULL } };
    ck_assert_int_eq(batch(steps, N(steps), 0), MIGRATE_OK);
    outcomes_are("DD");
    ck_assert_str_eq(s.seen[0].tag, "SELECT 300000");
}
END_TEST

START_TEST(lexer_settings_change_on_the_way)
{
    static const struct step steps[] = { { "SET standard_conforming_strings = off", MIGRATE_STMT_BARRIER,
                                           NULL },
                                         { "SELECT 'a\\'b'", END, NULL } };
    ck_assert_int_eq(batch(steps, N(steps), 0), MIGRATE_OK);
    outcomes_are("DD");
}
END_TEST

void add_batch(Suite *suite)
{
    TCase *t = new_case(suite, "batch", setup, teardown);
    tcase_add_test(t, one_group);
    tcase_add_test(t, many_groups);
    tcase_add_test(t, failure_is_exact);
    tcase_add_test(t, without_run_ahead);
    tcase_add_test(t, barrier);
    tcase_add_test(t, leaves_the_pipeline);
    tcase_add_test(t, copy_after_a_failure_is_not_run);
    tcase_add_test(t, window_full_in_a_group);
    tcase_add_test(t, larger_than_the_window);
    tcase_add_test(t, deferred_constraint_without_a_transaction);
    tcase_add_test(t, deferred_constraint_at_commit);
    tcase_add_test(t, next_that_fails);
    tcase_add_test(t, done_that_stops);
    tcase_add_test(t, nothing_to_do);
    tcase_add_test(t, progress_comes_when_it_happens);
    tcase_add_test(t, beginning_comes_when_it_happens);
    tcase_add_test(t, barrier_that_fails);
    tcase_add_test(t, cancel);
    tcase_add_test(t, lost_connection);
    tcase_add_test(t, rows_of_any_number);
    tcase_add_test(t, lexer_settings_change_on_the_way);
}
