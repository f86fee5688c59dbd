/* SPDX-License-Identifier: Apache-2.0 */

/* A connection of the application's is given back as it came. */

#include "tests.h"

#include <check.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

static struct test_host h;
static PGconn *native;

static void setup(void)
{
    host_init(&h);
    host_option(&h, "lock_timeout", "2s");
    native = PQconnectdb(pg_url(NULL));
    ck_assert_int_eq(PQstatus(native), CONNECTION_OK);
}

static void teardown(void)
{
    PQfinish(native);
    host_free(&h);
}

static void shows(const char *setting, const char *expected)
{
    char sql[64] = "SHOW ";
    PGresult *r = PQexec(native, strcat(sql, setting));
    ck_assert_str_eq(PQgetvalue(r, 0, 0), expected);
    PQclear(r);
}

START_TEST(borrowed_and_returned)
{
    PQclear(PQexec(native, "SET lock_timeout = '7s'; SET client_encoding = 'LATIN1'"));
    void *conn = NULL;
    ck_assert_int_eq(pg->adopt(&h.host, native, &conn, NULL), MIGRATE_OK);
    ck_assert_int_eq(PQisnonblocking(native), 1);
    ck_assert_str_eq(value(conn, "SHOW lock_timeout"), "2s");
    ck_assert_str_eq(value(conn, "SHOW client_encoding"), "UTF8");
    must(conn, "DO $$ BEGIN RAISE NOTICE 'seen'; END $$");
    ck_assert_uint_eq(h.notices, 1);
    must(conn, "BEGIN");
    pg->close(conn);
    ck_assert_int_eq(PQisnonblocking(native), 0);
    ck_assert_int_eq(PQtransactionStatus(native), PQTRANS_IDLE);
    shows("lock_timeout", "7s");
    shows("client_encoding", "LATIN1");
    PQclear(PQexec(native, "SET client_min_messages = warning"));
    ck_assert_uint_eq(h.notices, 1);
}
END_TEST

static void own_receiver(void *arg, const PGresult *r)
{
    (void)r;
    ++*(unsigned *)arg;
}

START_TEST(own_receiver_stays)
{
    unsigned seen = 0;
    void *conn = NULL;
    PQsetNoticeReceiver(native, own_receiver, &seen);
    ck_assert_int_eq(pg->adopt(&h.host, native, &conn, NULL), MIGRATE_OK);
    must(conn, "DO $$ BEGIN RAISE NOTICE 'seen'; END $$");
    pg->close(conn);
    ck_assert_uint_eq(seen, 1);
    ck_assert_uint_eq(h.notices, 0);
}
END_TEST

START_TEST(unusable)
{
    void *conn = NULL;
    PQclear(PQexec(native, "BEGIN"));
    ck_assert_int_eq(pg->adopt(&h.host, native, &conn, NULL), MIGRATE_E_MISUSE);
    ck_assert_int_eq(pg->adopt(&h.host, NULL, &conn, NULL), MIGRATE_E_MISUSE);
    PQclear(PQexec(native, "ROLLBACK"));
    PQenterPipelineMode(native);
    ck_assert_int_eq(pg->adopt(&h.host, native, &conn, NULL), MIGRATE_E_MISUSE);
}
END_TEST

void add_adopt(Suite *s)
{
    TCase *t = new_case(s, "adopt", setup, teardown);
    tcase_add_test(t, borrowed_and_returned);
    tcase_add_test(t, own_receiver_stays);
    tcase_add_test(t, unusable);
}
