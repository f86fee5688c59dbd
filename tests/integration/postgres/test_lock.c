/* SPDX-License-Identifier: Apache-2.0 */

/* Locks, other sessions, facts. */

#include "tests.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct test_host h, h2;
static void *a, *b;

static void setup(void)
{
    host_init(&h);
    host_init(&h2);
    host_option(&h, "client", "first app");
    a = open_url(&h, pg_url(NULL));
    b = open_url(&h2, pg_url(NULL));
}

static void teardown(void)
{
    pg->close(a);
    pg->close(b);
    host_free(&h);
    host_free(&h2);
}

START_TEST(lock)
{
    migrate_holder who = { .struct_size = sizeof who };
    ck_assert_int_eq(pg->lock_holder(b, "key", &who, NULL), MIGRATE_DONE);
    ck_assert_int_eq(pg->try_lock(a, "key", NULL, NULL), MIGRATE_OK);
    ck_assert_int_eq(pg->try_lock(a, "key", NULL, NULL), MIGRATE_BUSY);
    ck_assert_int_eq(pg->try_lock(a, "another", NULL, NULL), MIGRATE_OK);
    ck_assert_int_eq(pg->try_lock(b, "key", &who, NULL), MIGRATE_BUSY);
    ck_assert_str_eq(who.application, "first app");
    ck_assert_str_eq(who.user, "postgres");
    ck_assert_str_eq(who.host, "127.0.0.1");
    ck_assert_ptr_nonnull(strstr(who.doing, "pg_try_advisory_lock"));
    ck_assert_int_gt(who.since_ms, 0);
    migrate_info info = { .struct_size = sizeof info };
    char session[64];
    snprintf(session, sizeof session, "%s", who.session_id);
    ck_assert_int_eq(pg->info(a, &info, NULL), MIGRATE_OK);
    ck_assert_str_eq(info.session_id, session);
    ck_assert_int_eq(pg->unlock(a, "key", NULL), MIGRATE_OK);
    ck_assert_int_eq(pg->try_lock(b, "key", NULL, NULL), MIGRATE_OK);
    ck_assert_int_eq(pg->unlock(a, "key", NULL), MIGRATE_E_LOCK_LOST);
}
END_TEST

START_TEST(lost_lock)
{
    ck_assert_int_eq(pg->try_lock(a, "key", NULL, NULL), MIGRATE_OK);
    must(a, "DISCARD ALL");
    ck_assert_int_eq(pg->unlock(a, "key", NULL), MIGRATE_E_LOCK_LOST);
}
END_TEST

START_TEST(other_sessions)
{
    migrate_info info = { .struct_size = sizeof info };
    uint32_t state = 99;
    char id[64];
    ck_assert_int_eq(pg->info(a, &info, NULL), MIGRATE_OK);
    snprintf(id, sizeof id, "%s", info.session_id);
    ck_assert_int_eq(pg->session_state(b, id, &state, NULL), MIGRATE_OK);
    ck_assert_uint_eq(state, MIGRATE_SESSION_ALIVE);
    ck_assert_int_eq(pg->session_state(b, "1@1", &state, NULL), MIGRATE_OK);
    ck_assert_uint_eq(state, MIGRATE_SESSION_GONE);
    ck_assert_int_eq(pg->session_state(b, "x", &state, NULL), MIGRATE_E_ARGUMENT);
    ck_assert_int_eq(pg->session_end(b, id, NULL), MIGRATE_OK);
    while (state != MIGRATE_SESSION_GONE) /* the test's time-out is the limit */
        ck_assert_int_eq(pg->session_state(b, id, &state, NULL), MIGRATE_OK);
    ck_assert_int_eq(run(a, "SELECT 1", NULL), MIGRATE_E_CONN_LOST);
    ck_assert_int_eq(pg->session_end(b, id, NULL), MIGRATE_OK);
}
END_TEST

START_TEST(facts)
{
    migrate_info info = { .struct_size = sizeof info };
    ck_assert_int_eq(pg->info(a, &info, NULL), MIGRATE_OK);
    ck_assert_str_eq(info.product, "PostgreSQL");
    ck_assert_str_eq(info.flavour, "postgres");
    ck_assert_str_eq(info.database, "postgres");
    ck_assert_str_eq(info.schema, "public");
    ck_assert_uint_ge(info.version, 140000);
    ck_assert_uint_eq(info.flags, 0);
    ck_assert(info.caps & MIGRATE_CAP_SESSION_LOCK);
    ck_assert(info.caps & MIGRATE_CAP_BATCH_GROUPS);
    ck_assert_ptr_nonnull(strstr(info.address, "127.0.0.1:"));
    must(a, "SET default_transaction_read_only = on");
    ck_assert_int_eq(pg->info(a, &info, NULL), MIGRATE_OK);
    ck_assert_uint_eq(info.flags, MIGRATE_INFO_READ_ONLY);
}
END_TEST

static void end_hold(void)
{
    must(b, "COMMIT");
}

/* A second connection tells who blocks us, and how far an index is; it is opened only when a statement takes
 * long. Either takes as long as that is not told. */
START_TEST(watched)
{
    must(a, "DROP TABLE IF EXISTS w");
    must(a, "CREATE TABLE w AS SELECT i FROM generate_series(1, 1000) i");
    ck_assert_str_eq(
        value(b, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'libmigrate watch'"), "0");
    must(b, "BEGIN; LOCK TABLE w IN SHARE MODE");
    h.at_progress = end_hold;
    must(a, "ALTER TABLE w ADD b int");
    ck_assert_uint_ge(h.progress, 1);
    ck_assert_msg(strncmp(h.phase, "blocked: session ", 17) == 0, "%s", h.phase);
    ck_assert_ptr_nonnull(strstr(h.phase, "LOCK TABLE w"));
    must(a, "CREATE FUNCTION pg_temp.slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN "
            "WHILE NOT pg_try_advisory_xact_lock_shared(79) LOOP PERFORM pg_sleep(0.02); END LOOP; "
            "RETURN $1; END $$");
    must(b, "BEGIN; SELECT pg_advisory_xact_lock(79)");
    h.progress = 0;
    h.at_progress = end_hold;
    must(a, "CREATE INDEX ON w (pg_temp.slow(i))");
    ck_assert_uint_ge(h.progress, 1);
    ck_assert_msg(strncmp(h.phase, "building index", 14) == 0, "%s", h.phase);
    must(a, "DROP TABLE w");
}
END_TEST

void add_lock(Suite *s)
{
    TCase *t = new_case(s, "lock", setup, teardown);
    tcase_add_test(t, lock);
    tcase_add_test(t, lost_lock);
    tcase_add_test(t, other_sessions);
    tcase_add_test(t, facts);
    tcase_add_test(t, watched);
}
