/* SPDX-License-Identifier: Apache-2.0 */

/* Behind pgbouncer in transaction mode: start-up options are refused, the session is not ours. */

#include "tests.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct test_host h;
static void *conn;

static void setup(void)
{
    host_init(&h);
    host_option(&h, "lock_timeout", "2s");
    conn = open_url(&h, bouncer_url(NULL));
}

static void teardown(void)
{
    pg->close(conn);
    host_free(&h);
}

START_TEST(pooler_is_seen)
{
    migrate_info info = { .struct_size = sizeof info };
    ck_assert_int_eq(pg->info(conn, &info, NULL), MIGRATE_OK);
    ck_assert(info.flags & MIGRATE_INFO_POOLED);
    ck_assert(!(info.caps & MIGRATE_CAP_SESSION_LOCK));
    ck_assert(!(info.caps & MIGRATE_CAP_SESSION));
    ck_assert_int_eq(pg->try_lock(conn, "k", NULL, NULL), MIGRATE_E_UNSUPPORTED);
    ck_assert_str_eq(value(conn, "SHOW lock_timeout"), "0");
}
END_TEST

static void *wait_for_it(void *arg)
{
    ck_assert_int_eq(run(arg, "SELECT pg_advisory_xact_lock(78)", NULL), MIGRATE_OK);
    return NULL;
}

/* Whoever runs a statement for us is known by our name, whatever backend it is. */
START_TEST(session_is_known_by_what_it_runs)
{
    migrate_info info = { .struct_size = sizeof info };
    struct test_host other;
    char id[64];
    uint32_t state = MIGRATE_SESSION_GONE;
    pthread_t thread;
    host_init(&other);
    void *second = open_url(&other, bouncer_url(NULL)), *direct = open_url(&other, pg_url(NULL));
    must(direct, "SELECT pg_advisory_lock(78)");
    ck_assert_int_eq(pg->info(conn, &info, NULL), MIGRATE_OK);
    ck_assert_ptr_nonnull(info.session_id);
    snprintf(id, sizeof id, "%s", info.session_id);
    ck_assert_int_eq(pg->session_state(second, id, &state, NULL), MIGRATE_OK);
    ck_assert_uint_eq(state, MIGRATE_SESSION_UNKNOWN);
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_it, conn), 0);
    while (state != MIGRATE_SESSION_ALIVE) /* the test's time-out is the limit */
        ck_assert_int_eq(pg->session_state(second, id, &state, NULL), MIGRATE_OK);
    pg->close(direct);
    pthread_join(thread, NULL);
    pg->close(second);
    host_free(&other);
}
END_TEST

START_TEST(settings_that_would_leak)
{
    struct test_host other;
    void *none = NULL;
    host_init(&other);
    host_option(&other, "role", "pg_monitor");
    ck_assert_int_eq(pg->open(&other.host, bouncer_url(NULL), &none, NULL), MIGRATE_E_UNSUPPORTED);
    ck_assert_ptr_null(none);
    host_free(&other);
}
END_TEST

struct groups {
    unsigned pulled, told, n;
    bool     done;
};

static migrate_status next(void *user, migrate_stmt *out)
{
    static const char *const sql[] = { "BEGIN", "SET LOCAL lock_timeout = '2s'",
                                       "INSERT INTO pooled VALUES (1)", "COMMIT" };
    struct groups *g = user;
    if (g->pulled == g->n * 4)
        return MIGRATE_DONE;
    out->sql = sql[g->pulled % 4];
    out->sql_len = strlen(out->sql);
    out->flags = g->pulled % 4 == 3 ? MIGRATE_STMT_GROUP_END | MIGRATE_STMT_TX_END : 0;
    g->pulled++;
    return MIGRATE_OK;
}

static migrate_status done(void *user, uint64_t index, const migrate_result *r, const migrate_fault *f)
{
    struct groups *g = user;
    ck_assert_msg(r->outcome == MIGRATE_OUTCOME_DONE, "%u: %s", (unsigned)index, f ? f->message : "");
    g->told++;
    return MIGRATE_OK;
}

START_TEST(windows_pass_through)
{
    struct groups g = { .n = 500 };
    migrate_batch b = { .struct_size = sizeof b,
                        .flags = MIGRATE_BATCH_RUN_AHEAD,
                        .max_ahead = 8192,
                        .user = &g,
                        .next = next,
                        .done = done };
    must(conn, "DROP TABLE IF EXISTS pooled");
    must(conn, "CREATE TABLE pooled (a int)");
    ck_assert_msg(pg->exec_batch(conn, &b, NULL) == MIGRATE_OK, "%s", h.message);
    ck_assert_uint_eq(g.told, 2000);
    ck_assert_str_eq(value(conn, "SELECT count(*) FROM pooled"), "500");
    must(conn, "DROP TABLE pooled");
}
END_TEST

START_TEST(cancel_passes_through)
{
    h.stop = MIGRATE_E_CANCELLED;
    h.stop_at_tick = h.ticks + 2;
    ck_assert_int_eq(run(conn, "SELECT pg_sleep(300)", NULL), MIGRATE_E_CANCELLED);
    ck_assert_str_eq(h.sqlstate, "57014");
}
END_TEST

START_TEST(no_such_database)
{
    /* pgbouncer has one code for everything */
    void *none = NULL;
    char url[256] = "";
    strcat(url, getenv("BOUNCER_URL"));
    strcpy(strrchr(url, '/'), "/nosuch");
    ck_assert_int_eq(pg->open(&h.host, url, &none, NULL), MIGRATE_E_NO_DATABASE);
}
END_TEST

void add_bouncer(Suite *s)
{
    TCase *t = new_case(s, "bouncer", setup, teardown);
    tcase_add_test(t, pooler_is_seen);
    tcase_add_test(t, session_is_known_by_what_it_runs);
    tcase_add_test(t, settings_that_would_leak);
    tcase_add_test(t, windows_pass_through);
    tcase_add_test(t, cancel_passes_through);
    tcase_add_test(t, no_such_database);
}
