/* SPDX-License-Identifier: Apache-2.0 */

/* Session locks, other sessions, what a waiting statement waits for, and connections of the application's own. */

#include <mysql.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests.h"

START_TEST(test_key)
{
    char odd[3000];
    memset(odd, 'k', sizeof odd - 1);
    odd[sizeof odd - 1] = '\0';
    memcpy(odd, "it's \\ \"`é\n", 12);
    struct test_host h2;
    void *c2 = second(&h2);
    ck_assert_int_eq(my->try_lock(C, odd, NULL, NULL), MIGRATE_OK);
    ck_assert_int_eq(my->try_lock(c2, odd, NULL, NULL), MIGRATE_BUSY);
    odd[20] = 'K';
    ck_assert_int_eq(my->try_lock(c2, odd, NULL, NULL), MIGRATE_OK);
    /* it outlives transactions and DDL, and several may be held */
    must(C, "CREATE TABLE l (id int)");
    must(C, "START TRANSACTION");
    must(C, "ROLLBACK");
    odd[20] = 'k';
    ck_assert_int_eq(my->unlock(C, odd, NULL), MIGRATE_OK);
    ck_assert_int_eq(my->unlock(C, odd, NULL), MIGRATE_E_LOCK_LOST);
    my->close(c2);
    host_free(&h2);
}
END_TEST

START_TEST(test_sessions)
{
    struct test_host h2;
    void *c2 = second(&h2);
    migrate_info info = { .struct_size = sizeof info };
    char id[200], gone[200];
    uint32_t state = 9;
    ck_assert_int_eq(my->info(c2, &info, NULL), MIGRATE_OK);
    snprintf(id, sizeof id, "%s", info.session_id);
    ck_assert_int_eq(my->session_state(C, id, &state, NULL), MIGRATE_OK);
    ck_assert_uint_eq(state, MIGRATE_SESSION_ALIVE);
    /* the same number of a server that started another time */
    snprintf(gone, sizeof gone, "%lu@12345%s", strtoul(id, NULL, 10), strchr(id, '/'));
    ck_assert_int_eq(my->session_state(C, gone, &state, NULL), MIGRATE_OK);
    ck_assert_uint_eq(state, MIGRATE_SESSION_GONE);
    ck_assert_int_eq(my->session_end(C, gone, NULL), MIGRATE_OK);
    ck_assert_int_eq(run(c2, "SELECT 1", NULL), MIGRATE_OK);
    ck_assert_int_eq(my->session_end(C, id, NULL), MIGRATE_OK);
    ck_assert_int_eq(run(c2, "SELECT 1", NULL), MIGRATE_E_CONN_LOST);
    my->close(c2);
    do
        ck_assert_int_eq(my->session_state(C, id, &state, NULL), MIGRATE_OK);
    while (state == MIGRATE_SESSION_ALIVE && usleep(10000) == 0);
    ck_assert_uint_eq(state, MIGRATE_SESSION_GONE);
    ck_assert_int_eq(my->session_end(C, id, NULL), MIGRATE_OK);
    ck_assert_int_eq(my->session_end(C, "nonsense", NULL), MIGRATE_E_ARGUMENT);
    host_free(&h2);
}
END_TEST

/* Another user's session is not seen without PROCESS, so it cannot be told to be gone. */
START_TEST(test_sessions_of_others)
{
    struct test_host h2;
    uint32_t state = 9;
    migrate_info info = { .struct_size = sizeof info };
    must(C, "DROP USER IF EXISTS looker");
    must(C, "CREATE USER looker IDENTIFIED BY 'x'");
    must(C, "GRANT ALL ON t_driver.* TO looker");
    host_init(&h2);
    h2.cred.user = "looker";
    h2.cred.password = "x";
    void *c2 = open_url(&h2, my_url("t_driver"));
    ck_assert_int_eq(my->info(C, &info, NULL), MIGRATE_OK);
    char id[200];
    snprintf(id, sizeof id, "%s", info.session_id);
    ck_assert_int_eq(my->session_state(c2, id, &state, NULL), MIGRATE_OK);
    ck_assert_uint_eq(state, MIGRATE_SESSION_UNKNOWN);
    ck_assert_int_eq(my->session_end(c2, id, NULL), MIGRATE_E_DENIED);
    ck_assert_ptr_nonnull(strstr(h2.hint, "one user"));
    migrate_holder holder = { .struct_size = sizeof holder };
    ck_assert_int_eq(my->try_lock(C, "k", NULL, NULL), MIGRATE_OK);
    ck_assert_int_eq(my->try_lock(c2, "k", &holder, NULL), MIGRATE_BUSY);
    ck_assert_ptr_nonnull(holder.session_id);
    ck_assert_uint_eq(strtoul(holder.session_id, NULL, 10), strtoul(id, NULL, 10));
    ck_assert_ptr_null(holder.user);
    my->close(c2);
    host_free(&h2);
    must(C, "DROP USER looker");
}
END_TEST

/* ---- waiting ----------------------------------------------------------------------------------- */

static void *let_go(void *conn)
{
    sleep(4);
    must(conn, "COMMIT");
    return NULL;
}

START_TEST(test_blocked_is_told)
{
    struct test_host h2;
    pthread_t t;
    void *c2 = second(&h2);
    char id[64];
    snprintf(id, sizeof id, "session %s of root", value(c2, "SELECT CONNECTION_ID()"));
    must(C, "CREATE TABLE b (id int)");
    must(c2, "START TRANSACTION");
    must(c2, "SELECT * FROM b");
    host_option(&H, "lock_timeout", "20s");
    ck_assert_int_eq(pthread_create(&t, NULL, let_go, c2), 0);
    must(C, "ALTER TABLE b ADD COLUMN x int");
    pthread_join(t, NULL);
    ck_assert_uint_ge(H.progress, 1);
    ck_assert_msg(strstr(H.blocked, id) != NULL, "%s", H.blocked);
    my->close(c2);
    host_free(&h2);
}
END_TEST

START_TEST(test_lock_timeout)
{
    struct test_host h2;
    migrate_result r = { .struct_size = sizeof r };
    void *c2 = second(&h2);
    must(C, "CREATE TABLE b (id int PRIMARY KEY)");
    must(C, "INSERT INTO b VALUES (1)");
    must(c2, "START TRANSACTION");
    must(c2, "SELECT * FROM b FOR UPDATE");
    host_option(&H, "lock_timeout", "1s");
    int64_t t0 = now_ms();
    ck_assert_int_eq(run(C, "ALTER TABLE b ADD COLUMN x int", &r), MIGRATE_E_LOCKED);
    ck_assert_uint_eq(H.klass, MIGRATE_FAULT_RETRY_STMT);
    ck_assert_int_eq(run(C, "UPDATE b SET id=2", &r), MIGRATE_E_LOCKED);
    ck_assert_int_lt(now_ms() - t0, 8000);
    must(c2, "ROLLBACK");
    my->close(c2);
    host_free(&h2);
}
END_TEST

/* ---- adopted --------------------------------------------------------------------------------------- */

static MYSQL *native(unsigned long flags)
{
    MYSQL *m = mysql_init(NULL);
    unsigned port = (unsigned)strtoul(getenv("MYSQL_PORT"), NULL, 10);
    ck_assert_msg(mysql_real_connect(m, "127.0.0.1", "root", "", "t_driver", port, NULL, flags) != NULL, "%s", mysql_error(m));
    return m;
}

static const char *ask(MYSQL *m, const char *sql)
{
    static char text[500];
    ck_assert_msg(mysql_query(m, sql) == 0, "%s: %s", sql, mysql_error(m));
    MYSQL_RES *res = mysql_store_result(m);
    MYSQL_ROW row = res ? mysql_fetch_row(res) : NULL;
    snprintf(text, sizeof text, "%s", row && row[0] ? row[0] : "");
    mysql_free_result(res);
    return text;
}

START_TEST(test_adopt)
{
    static const char state[] = "SELECT CONCAT_WS('/',@@autocommit,@@sql_mode,@@lock_wait_timeout,@@wait_timeout,@@character_set_client,"
                                "@@completion_type,@@time_zone,DATABASE(),@@foreign_key_checks)";
    MYSQL *m = native(0);
    void *conn = NULL;
    ask(m, "SET NAMES latin1");
    ask(m, "SET sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES'");
    ask(m, "SET SESSION lock_wait_timeout=77, wait_timeout=777, time_zone='+03:00', completion_type=CHAIN");
    char *before = strdup(ask(m, state));
    ck_assert_msg(my->adopt(&H.host, m, &conn, NULL) == MIGRATE_OK, "%s", H.message);
    must(conn, "CREATE TABLE n (a varchar(20) CHARACTER SET utf8mb4)");
    must(conn, "INSERT INTO n VALUES ('é')");
    ck_assert_str_eq(value(conn, "SELECT HEX(a) FROM n"), "C3A9");
    must(conn, "SET sql_mode='', foreign_key_checks=0, autocommit=0");
    must(conn, "INSERT INTO n VALUES ('left open')");
    my->close(conn);
    ck_assert_str_eq(ask(m, state), before);
    ck_assert_str_eq(ask(m, "SELECT COUNT(*) FROM n"), "1");
    ck_assert_int_ne(mysql_query(m, "SELECT 1; SELECT 2"), 0); /* as it came: one statement at a time */
    mysql_close(m);
    free(before);
}
END_TEST

START_TEST(test_adopt_in_transaction)
{
    MYSQL *m = native(CLIENT_MULTI_STATEMENTS);
    void *conn = NULL;
    ask(m, "CREATE TABLE n (a int)");
    ask(m, "START TRANSACTION");
    ask(m, "INSERT INTO n VALUES (1)");
    ck_assert_int_eq(my->adopt(&H.host, m, &conn, NULL), MIGRATE_E_MISUSE);
    ck_assert_ptr_null(conn);
    ask(m, "COMMIT");
    ck_assert_str_eq(ask(m, "SELECT COUNT(*) FROM n"), "1");
    mysql_close(m);
}
END_TEST

START_TEST(test_adopt_stops)
{
    MYSQL *m = native(0);
    void *conn = NULL;
    ck_assert_int_eq(my->adopt(&H.host, m, &conn, NULL), MIGRATE_OK);
    H.stop = MIGRATE_E_CANCELLED;
    H.stop_at_tick = H.ticks + 3;
    int64_t t0 = now_ms();
    ck_assert_int_eq(run(conn, "SELECT SLEEP(20)", NULL), MIGRATE_E_CANCELLED);
    ck_assert_int_lt(now_ms() - t0, 5000);
    my->close(conn);
    mysql_close(m);
}
END_TEST

void add_lock(Suite *s)
{
    TCase *t = new_case(s, "lock", connect_setup, connect_teardown);
    tcase_add_test(t, test_key);
    tcase_add_test(t, test_sessions);
    tcase_add_test(t, test_sessions_of_others);
    tcase_add_test(t, test_blocked_is_told);
    tcase_add_test(t, test_lock_timeout);
    tcase_add_test(t, test_adopt);
    tcase_add_test(t, test_adopt_in_transaction);
    tcase_add_test(t, test_adopt_stops);
}
