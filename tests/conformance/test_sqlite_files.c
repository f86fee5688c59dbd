/* SPDX-License-Identifier: Apache-2.0 */

/* The SQLite driver: URLs, options, and files that are not as they should be. */

#include "sqlite_conn.h"

START_TEST(url_forms)
{
    static const struct {
        const char *scheme, *name, *file;
    } forms[] = {
        { "sqlite:", "plain.db", "plain.db" },
        { "sqlite://", "slashes.db", "slashes.db" },
        { "sqlite3:", "three.db", "three.db" },
        { "sqlite:", "with%20blank%3F%25.db", "with blank?%.db" },
        { "sqlite:", "h\xc3\xa4sh#1.db", "h\xc3\xa4sh#1.db" },
        { "sqlite:", "question.db?", "question.db" },
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        char url[700];
        snprintf(url, sizeof(url), "%s%s/%s", forms[i].scheme, scratch.dir, forms[i].name);
        ck_assert_msg(try_open(url) == MIGRATE_OK, "%s: %s", url, lone.message);
        must("CREATE TABLE t (a)");
        ck_assert_msg(exists(forms[i].file), "%s did not make %s", url, forms[i].file);
        driver()->close(conn);
        conn = NULL;
    }
}
END_TEST

START_TEST(url_relative)
{
    ck_assert_int_eq(chdir(scratch.dir), 0);
    ck_assert_int_eq(try_open("sqlite:here.db"), MIGRATE_OK);
    must("CREATE TABLE t (a)");
    driver()->close(conn);
    ck_assert_int_eq(try_open("sqlite://there.db"), MIGRATE_OK);
    must("CREATE TABLE t (a)");
    ck_assert(exists("here.db") && exists("there.db"));
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(url_refused)
{
    static const char *const urls[] = { "sqlite:",     "sqlite://", "sqlite:?mode=ro",
                                        "sqlite:a%zz", "sqlite:a%", "sqlite:a.db?cache=shared" };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        ck_assert_int_eq(try_open(urls[i]), MIGRATE_E_URL);
        ck_assert_ptr_nonnull(lone.fault.hint);
    }
}
END_TEST

START_TEST(options_refused)
{
    static const char *const options[] = {
        "sqlite.mode=memory",       "mode=r",
        "sqlite.journal_mode=off",  "journal_mode=memory",
        "sqlite.synchronous=maybe", "sqlite.cache_size=1;DROP TABLE t",
        "sqlite.cache_size=",       "sqlite.foreign_keys=2",
        "temp_store=disk",
    };
    char url[700];
    snprintf(url, sizeof(url), "sqlite:%s", scratch_path(&scratch, "o.db"));
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        lone.options = options[i];
        ck_assert_msg(try_open(url) == MIGRATE_E_OPTION, "%s was taken", options[i]);
        ck_assert_ptr_nonnull(lone.fault.hint);
    }
    ck_assert(!exists("o.db"));
}
END_TEST

START_TEST(options_taken)
{
    lone.options = "sqlite.journal_mode=WAL\nsynchronous=normal\nsqlite.cache_size=-300\nforeign_keys=on\n"
                   "sqlite.temp_store=memory\nmode=rwc";
    open_name("o.db");
    expect("PRAGMA journal_mode", "wal\n"); /* a pragma: the file is made */
    expect("PRAGMA synchronous", "1\n");
    expect("PRAGMA cache_size", "-300\n");
    expect("PRAGMA foreign_keys", "1\n");
    expect("PRAGMA temp_store", "2\n");
}
END_TEST

/* Our own connections take less memory than SQLite's default, unless somebody has said how much. */
START_TEST(cache_is_small)
{
    open_name("c.db");
    must("CREATE TABLE t (a)");
    expect("PRAGMA cache_size", "-1000\n");
    driver()->close(conn);
    lone.options = "cache_size=-2000";
    open_name("c.db");
    expect("PRAGMA cache_size", "-2000\n");
    driver()->close(conn);
    sqlite3 *db = other("c.db");
    other_sql(db, "PRAGMA default_cache_size = 77");
    sqlite3_close(db);
    lone.options = NULL;
    open_name("c.db");
    must("CREATE TABLE u (a)");
    expect("PRAGMA cache_size", "77\n");
}
END_TEST

/* Looking at a database that is not there makes none. */
START_TEST(looking_makes_no_file)
{
    migrate_info info = { .struct_size = sizeof(info) };
    open_name("absent.db");
    expect("SELECT COUNT(*) FROM sqlite_master", "0\n");
    must_fail("SELECT * FROM migrate_head", MIGRATE_FAULT_MISSING, "no such table");
    ck_assert_int_eq(driver()->info(conn, &info, NULL), MIGRATE_OK);
    ck_assert_str_eq(info.database, scratch_path(&scratch, "absent.db"));
    ck_assert(!exists("absent.db"));
    must("BEGIN IMMEDIATE");
    must("CREATE TABLE t (a)");
    must("COMMIT");
    ck_assert(exists("absent.db"));
}
END_TEST

START_TEST(file_made_meanwhile)
{
    open_name("late.db");
    expect("SELECT COUNT(*) FROM sqlite_master", "0\n");
    sqlite3 *db = other("late.db");
    other_sql(db, "CREATE TABLE theirs (a)");
    expect("SELECT name FROM sqlite_master", "theirs\n");
    sqlite3_close(db);
}
END_TEST

START_TEST(folder_missing)
{
    char url[700];
    snprintf(url, sizeof(url), "sqlite:%s", scratch_path(&scratch, "no/such/folder/a.db"));
    ck_assert_int_ge(try_open(url), 100);
    ck_assert_uint_eq(lone.fault.klass, MIGRATE_FAULT_NO_DB);
    ck_assert_ptr_nonnull(strstr(lone.message, "no/such/folder/a.db"));
    ck_assert_ptr_nonnull(strstr(lone.hint, "no/such/folder does not exist"));
}
END_TEST

START_TEST(directory_for_a_file)
{
    char url[700];
    snprintf(url, sizeof(url), "sqlite:%s", scratch.dir);
    ck_assert_int_eq(try_open(url), MIGRATE_E_CONNECT);
    ck_assert_ptr_nonnull(strstr(lone.hint, "is a directory"));
}
END_TEST

START_TEST(missing_and_not_to_be_made)
{
    char url[700];
    snprintf(url, sizeof(url), "sqlite:%s", scratch_path(&scratch, "none.db"));
    for (int i = 0; i < 2; i++) {
        lone.options = i ? "mode=ro" : "mode=rw";
        ck_assert_int_ge(try_open(url), 100);
        ck_assert_uint_eq(lone.fault.klass, MIGRATE_FAULT_NO_DB);
        ck_assert_ptr_nonnull(strstr(lone.hint, "does not exist"));
    }
    ck_assert(!exists("none.db"));
}
END_TEST

START_TEST(no_permission)
{
    char url[700];
    if (geteuid() == 0) {
        printf("skipped: root may do everything\n");
        return;
    }
    ck_assert_int_eq(mkdir(scratch_path(&scratch, "locked"), 0500), 0);
    snprintf(url, sizeof(url), "sqlite:%s", scratch_path(&scratch, "locked/a.db"));
    ck_assert_int_eq(try_open(url), MIGRATE_E_SQL);
    ck_assert_uint_eq(lone.fault.klass, MIGRATE_FAULT_DENIED);
}
END_TEST

START_TEST(read_only)
{
    migrate_info info = { .struct_size = sizeof(info) };
    sqlite3 *db = other("r.db");
    other_sql(db, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    sqlite3_close(db);
    lone.options = "mode=ro";
    open_name("r.db");
    ck_assert_int_eq(driver()->info(conn, &info, NULL), MIGRATE_OK);
    ck_assert_uint_eq(info.flags, MIGRATE_INFO_READ_ONLY);
    expect("SELECT a FROM t", "1\n");
    must_fail("INSERT INTO t VALUES (2)", MIGRATE_FAULT_READ_ONLY, "readonly");
    ck_assert_ptr_nonnull(strstr(lone.hint, "writable"));
}
END_TEST

START_TEST(not_a_database)
{
    static const char text[] = "This is a letter to my aunt and no database, however long one looks at it. "
                               "It goes on for more than a hundred bytes.";
    write_bytes("letter.txt", -1, text, sizeof(text));
    open_name("letter.txt");
    must_fail("SELECT * FROM sqlite_master", MIGRATE_FAULT_OTHER, "not a database");
    ck_assert_int_eq(lone.fault.native_code & 0xff, SQLITE_NOTADB);
    ck_assert_ptr_nonnull(strstr(lone.hint, "check the path"));
    must_fail("BEGIN IMMEDIATE", MIGRATE_FAULT_OTHER, "not a database");
}
END_TEST

START_TEST(corrupt_page)
{
    static const char rubbish[600] = "rubbish";
    sqlite3 *db = other("c.db");
    other_sql(
        db,
        "PRAGMA page_size = 1024; CREATE TABLE t (a); WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1"
        " FROM r LIMIT 300) INSERT INTO t SELECT hex(zeroblob(50)) FROM r");
    sqlite3_close(db);
    for (long page = 1; page < 10; page++) {
        write_bytes("c.db", page * 1024, rubbish, sizeof(rubbish));
    }
    open_name("c.db");
    must_fail("SELECT SUM(LENGTH(a)) FROM t", MIGRATE_FAULT_OTHER, "malformed");
    ck_assert_int_eq(lone.fault.native_code & 0xff, SQLITE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(lone.hint, "damaged"));
}
END_TEST

START_TEST(disk_full)
{
    open_name("full.db");
    must("CREATE TABLE t (a)");
    must("PRAGMA max_page_count = 20");
    must("BEGIN IMMEDIATE");
    must("INSERT INTO t VALUES (1)");
    must_fail("INSERT INTO t VALUES (zeroblob(1000000))", MIGRATE_FAULT_DISK_FULL, "full");
    ck_assert_ptr_nonnull(strstr(lone.hint, "free space"));
    must(lone.result.tx == MIGRATE_TX_OPEN ? "ROLLBACK" : "SELECT 1");
    expect("SELECT COUNT(*) FROM t", "0\n");
}
END_TEST

TEST_MAIN("sqlite-files", url_forms, url_relative, url_refused, options_refused, options_taken,
          cache_is_small, looking_makes_no_file, file_made_meanwhile, folder_missing, directory_for_a_file,
          missing_and_not_to_be_made, no_permission, read_only, not_a_database, corrupt_page, disk_full)
