/* SPDX-License-Identifier: Apache-2.0 */

/* The SQLite driver: what a session and an adopted connection are given back with. */

#include "sqlite_conn.h"

static char *first(sqlite3 *db, const char *sql)
{
    static char value[100];
    sqlite3_stmt *stmt = NULL;
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(db));
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    snprintf(value, sizeof(value), "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    return value;
}

static void disorder(void)
{
    must("PRAGMA foreign_keys = OFF");
    must("PRAGMA legacy_alter_table = ON");
    must("PRAGMA recursive_triggers = ON");
    must("PRAGMA case_sensitive_like = ON");
    must("PRAGMA cache_size = 17");
    must("PRAGMA synchronous = OFF");
    must("PRAGMA busy_timeout = 1");
    must("PRAGMA writable_schema = ON");
    must("PRAGMA locking_mode = EXCLUSIVE");
    must("CREATE TEMP TABLE \"left \"\"over\" (a)");
    must("CREATE TEMP VIEW left_view AS SELECT * FROM \"left \"\"over\"");
    must("CREATE TEMP TRIGGER left_trigger AFTER INSERT ON \"left \"\"over\" BEGIN SELECT 1; END");
    must("ATTACH ':memory:' AS \"at tached\"");
}

static void check_order(sqlite3 *db)
{
    ck_assert_str_eq(first(db, "PRAGMA foreign_keys"), "1");
    ck_assert_str_eq(first(db, "PRAGMA legacy_alter_table"), "0");
    ck_assert_str_eq(first(db, "PRAGMA recursive_triggers"), "0");
    ck_assert_str_eq(first(db, "SELECT 'a' LIKE 'A'"), "1");
    ck_assert_str_eq(first(db, "PRAGMA cache_size"), "-123");
    ck_assert_str_eq(first(db, "PRAGMA synchronous"), "2");
    ck_assert_str_eq(first(db, "PRAGMA busy_timeout"), "4321");
    ck_assert_str_eq(first(db, "PRAGMA writable_schema"), "0");
    ck_assert_str_eq(first(db, "PRAGMA locking_mode"), "normal");
    ck_assert_str_eq(first(db, "SELECT group_concat(name) FROM temp.sqlite_master"), "apps_own");
    ck_assert_str_eq(first(db, "SELECT group_concat(name) FROM pragma_database_list"), "main,temp,apps_db");
}

START_TEST(adopted_and_given_back)
{
    sqlite3 *db = other("a.db");
    other_sql(db, "PRAGMA foreign_keys = ON; PRAGMA cache_size = -123; PRAGMA busy_timeout = 4321;"
                  "CREATE TEMP TABLE apps_own (a); ATTACH ':memory:' AS apps_db; CREATE TABLE t (a)");
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(driver()->adopt(&lone.host, db, &conn, NULL), MIGRATE_OK);
        disorder();
        must("BEGIN IMMEDIATE");
        must("INSERT INTO t VALUES (1)");
        driver()->close(conn);
        conn = NULL;
        check_order(db);
        ck_assert_int_eq(sqlite3_get_autocommit(db), 1);
        ck_assert_str_eq(first(db, "SELECT COUNT(*) FROM t"), "0");
    }
    sqlite3_close(db);
}
END_TEST

static int busy_calls;

static int app_busy(void *user, int n)
{
    (void)user;
    (void)n;
    busy_calls++;
    return 0;
}

/* A busy handler of the application's own stays in place. */
START_TEST(adopted_busy_handler)
{
    sqlite3 *db = other("a.db"), *writer = other("a.db");
    other_sql(db, "CREATE TABLE t (a)");
    sqlite3_busy_handler(db, app_busy, NULL);
    ck_assert_int_eq(driver()->adopt(&lone.host, db, &conn, NULL), MIGRATE_OK);
    other_sql(writer, "BEGIN IMMEDIATE");
    lone.options = "lock_timeout=200ms";
    must_fail("BEGIN IMMEDIATE", MIGRATE_FAULT_LOCK_TIMEOUT, "locked");
    driver()->close(conn);
    conn = NULL;
    int calls = busy_calls;
    ck_assert_int_gt(calls, 0);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_BUSY);
    ck_assert_int_gt(busy_calls, calls);
    sqlite3_close(writer);
    sqlite3_close(db);
}
END_TEST

START_TEST(adopted_while_running)
{
    sqlite3_stmt *stmt;
    sqlite3 *db = other("a.db");
    other_sql(db, "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)");
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT a FROM t", -1, &stmt, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    ck_assert_int_eq(driver()->adopt(&lone.host, db, &conn, NULL), MIGRATE_E_MISUSE);
    ck_assert_ptr_nonnull(strstr(lone.message, "still running"));
    sqlite3_finalize(stmt);
    ck_assert_int_eq(driver()->adopt(&lone.host, db, &conn, NULL), MIGRATE_OK);
    driver()->close(conn);
    conn = NULL;
    sqlite3_close(db);
}
END_TEST

START_TEST(adopted_memory)
{
    migrate_info info = { .struct_size = sizeof(info) };
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    ck_assert_int_eq(driver()->adopt(&lone.host, db, &conn, NULL), MIGRATE_OK);
    ck_assert_int_eq(driver()->info(conn, &info, NULL), MIGRATE_OK);
    ck_assert_str_eq(info.database, ":memory:");
    must("CREATE TABLE kept (a)");
    ck_assert_int_eq(driver()->reset(conn, &lone.result, NULL), MIGRATE_OK);
    driver()->close(conn);
    conn = NULL;
    ck_assert_str_eq(first(db, "SELECT name FROM sqlite_master"), "kept");
    sqlite3_close(db);
}
END_TEST

START_TEST(reset_puts_back)
{
    lone.options = "foreign_keys=on\ncache_size=-200";
    open_name("r.db");
    must("CREATE TABLE kept (a)");
    disorder();
    lone.result.struct_size = sizeof(lone.result);
    ck_assert_msg(driver()->reset(conn, &lone.result, NULL) == MIGRATE_OK, "%s", lone.message);
    ck_assert_uint_eq(lone.result.outcome, MIGRATE_OUTCOME_DONE);
    expect("PRAGMA foreign_keys", "1\n");
    expect("PRAGMA cache_size", "-200\n");
    expect("PRAGMA legacy_alter_table", "0\n");
    expect("SELECT 'a' LIKE 'A'", "1\n");
    expect("SELECT COUNT(*) FROM temp.sqlite_master", "0\n");
    expect("SELECT COUNT(*) FROM pragma_database_list WHERE name NOT IN ('main', 'temp')", "0\n");
    expect("SELECT name FROM sqlite_master", "kept\n");
    /* The exclusive lock is given up too. */
    sqlite3 *db = other("r.db");
    other_sql(db, "INSERT INTO kept VALUES (1)");
    sqlite3_close(db);
}
END_TEST

/* The recipe of a table built anew, as the engine sends it. */
START_TEST(foreign_keys_recipe)
{
    lone.options = "foreign_keys=on";
    open_name("f.db");
    must("CREATE TABLE p (id INTEGER PRIMARY KEY)");
    must("CREATE TABLE c (p REFERENCES p (id) ON DELETE CASCADE)");
    must("INSERT INTO p VALUES (1)");
    must("INSERT INTO c VALUES (1)");
    must("PRAGMA foreign_keys = OFF");
    must("BEGIN IMMEDIATE");
    must("CREATE TABLE p_new (id INTEGER PRIMARY KEY, name TEXT)");
    must("INSERT INTO p_new (id) SELECT id FROM p");
    must("DROP TABLE p");
    must("ALTER TABLE p_new RENAME TO p");
    expect("PRAGMA foreign_key_check", "");
    must("COMMIT");
    must("PRAGMA foreign_keys = ON");
    expect("PRAGMA foreign_keys", "1\n");
    expect("SELECT p FROM c", "1\n");
    must("BEGIN IMMEDIATE");
    must("PRAGMA defer_foreign_keys = ON");
    must("DELETE FROM p");
    must("INSERT INTO c VALUES (7)");
    expect("PRAGMA foreign_key_check", "c|1|p|0\n");
    must("ROLLBACK");
}
END_TEST

TEST_MAIN("sqlite-session", adopted_and_given_back, adopted_busy_handler, adopted_while_running,
          adopted_memory, reset_puts_back, foreign_keys_recipe)
