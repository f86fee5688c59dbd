/* SPDX-License-Identifier: Apache-2.0 */

/* The SQLite driver: locks and how long they are waited for. */

#include "sqlite_conn.h"

#include <pthread.h>

START_TEST(lock_timeout)
{
    open_name("l.db");
    must("CREATE TABLE t (a)");
    sqlite3 *db = other("l.db");
    other_sql(db, "BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");
    lone.options = "lock_timeout=300ms";
    int64_t begin = lone_now_ms();
    must_fail("BEGIN IMMEDIATE", MIGRATE_FAULT_LOCK_TIMEOUT, "locked");
    int64_t took = lone_now_ms() - begin;
    ck_assert_int_ge(took, 290);
    ck_assert_int_lt(took, 2000);
    ck_assert_int_eq(lone.fault.native_code, SQLITE_BUSY);
    ck_assert_uint_eq(lone.result.tx, MIGRATE_TX_NONE);
    ck_assert_uint_gt(lone.ticks, 0);
    other_sql(db, "COMMIT");
    must("BEGIN IMMEDIATE");
    must("COMMIT");
    sqlite3_close(db);
}
END_TEST

struct later {
    sqlite3 *db;
    const char *sql;
    unsigned ms;
};

static void *do_later(void *user)
{
    struct later *l = user;
    usleep(l->ms * 1000);
    sqlite3_exec(l->db, l->sql, NULL, NULL, NULL);
    return NULL;
}

START_TEST(lock_comes_free)
{
    pthread_t thread;
    open_name("l.db");
    must("CREATE TABLE t (a)");
    sqlite3 *db = other("l.db");
    other_sql(db, "BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");
    struct later later = { db, "COMMIT", 150 };
    lone.options = "lock_timeout=20s";
    ck_assert_int_eq(pthread_create(&thread, NULL, do_later, &later), 0);
    must("BEGIN IMMEDIATE");
    pthread_join(thread, NULL);
    expect("SELECT a FROM t", "1\n");
    must("COMMIT");
    sqlite3_close(db);
}
END_TEST

/* In rollback-journal mode a reader keeps COMMIT waiting; the transaction stays, and COMMIT is sent again. */
START_TEST(commit_waits_for_reader)
{
    pthread_t thread;
    sqlite3_stmt *reader;
    open_name("l.db");
    must("CREATE TABLE t (a)");
    must("INSERT INTO t VALUES (1)");
    sqlite3 *db = other("l.db");
    other_sql(db, "BEGIN");
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT a FROM t", -1, &reader, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    sqlite3_finalize(reader);
    must("BEGIN IMMEDIATE");
    must("INSERT INTO t VALUES (2)");
    lone.options = "lock_timeout=100ms";
    must_fail("COMMIT", MIGRATE_FAULT_LOCK_TIMEOUT, "locked");
    ck_assert_uint_eq(lone.result.outcome, MIGRATE_OUTCOME_FAILED);
    ck_assert_uint_eq(lone.result.tx, MIGRATE_TX_OPEN);
    struct later later = { db, "ROLLBACK", 150 };
    lone.options = "lock_timeout=20s";
    ck_assert_int_eq(pthread_create(&thread, NULL, do_later, &later), 0);
    must("COMMIT");
    ck_assert_uint_eq(lone.result.tx, MIGRATE_TX_NONE);
    pthread_join(thread, NULL);
    sqlite3_close(db);
    expect("SELECT COUNT(*) FROM t", "2\n");
}
END_TEST

/* A snapshot that is too old never comes right: no waiting. */
START_TEST(busy_snapshot)
{
    lone.options = "journal_mode=wal\nlock_timeout=20s";
    open_name("l.db");
    must("CREATE TABLE t (a)");
    must("BEGIN");
    expect("SELECT COUNT(*) FROM t", "0\n");
    sqlite3 *db = other("l.db");
    other_sql(db, "INSERT INTO t VALUES (1)");
    int64_t begin = lone_now_ms();
    must_fail("INSERT INTO t VALUES (2)", MIGRATE_FAULT_RETRY_TX, "locked");
    ck_assert_int_eq(lone.fault.native_code, SQLITE_BUSY_SNAPSHOT);
    ck_assert_int_lt(lone_now_ms() - begin, 5000);
    must("ROLLBACK");
    must("INSERT INTO t VALUES (2)");
    sqlite3_close(db);
}
END_TEST

/* A migration may not take the waiting away from us. */
START_TEST(busy_timeout_pragma)
{
    open_name("l.db");
    must("CREATE TABLE t (a)");
    must("PRAGMA busy_timeout = 60000");
    sqlite3 *db = other("l.db");
    other_sql(db, "BEGIN IMMEDIATE");
    lone.options = "lock_timeout=200ms";
    int64_t begin = lone_now_ms();
    must_fail("BEGIN IMMEDIATE", MIGRATE_FAULT_LOCK_TIMEOUT, "locked");
    ck_assert_int_lt(lone_now_ms() - begin, 5000);
    sqlite3_close(db);
}
END_TEST

/* Readers that hold a rollback journal's file wait as writers do. */
START_TEST(reader_waits)
{
    open_name("l.db");
    must("CREATE TABLE t (a)");
    sqlite3 *db = other("l.db");
    other_sql(db, "BEGIN EXCLUSIVE; INSERT INTO t VALUES (1)");
    lone.options = "lock_timeout=150ms";
    must_fail("SELECT * FROM t", MIGRATE_FAULT_LOCK_TIMEOUT, "locked");
    other_sql(db, "COMMIT");
    expect("SELECT * FROM t", "1\n");
    sqlite3_close(db);
}
END_TEST

TEST_MAIN("sqlite-locks", lock_timeout, lock_comes_free, commit_waits_for_reader, busy_snapshot,
          busy_timeout_pragma, reader_waits)
