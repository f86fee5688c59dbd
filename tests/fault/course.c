/* SPDX-License-Identifier: Apache-2.0 */

#include "course.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const files[][2] = {
    { "V1__ground.sql",
      "CREATE TABLE item (id INTEGER PRIMARY KEY, n INTEGER NOT NULL);\n"
      "CREATE TABLE part (id INTEGER PRIMARY KEY, item INTEGER REFERENCES item (id), filler TEXT);\n"
      "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r LIMIT 12) INSERT INTO item SELECT i, 0 "
      "FROM r;\n"
      "INSERT INTO part SELECT id, id, hex(zeroblob(300)) FROM item;\n" },
    { "V2__count.sql", "UPDATE item SET n = n + 1;\n" },
    { "V3__alone.sql", "-- migrate: no-transaction\n"
                       "UPDATE item SET n = n + 10;\n"
                       "CREATE INDEX item_n ON item (n);\n"
                       "VACUUM;\n"
                       "UPDATE item SET n = n + 100;\n" },
    { "V4__rebuild.sql",
      "PRAGMA foreign_keys = OFF;\n"
      "CREATE TABLE item_new (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, label TEXT NOT NULL DEFAULT '');\n"
      "INSERT INTO item_new (id, n) SELECT id, n FROM item;\n"
      "DROP TABLE item;\n"
      "ALTER TABLE item_new RENAME TO item;\n"
      "PRAGMA foreign_keys = ON;\n" },
    { "V6__count.sql", "UPDATE item SET n = n + 1000, label = 'x';\n"
                       "CREATE TRIGGER part_ai AFTER INSERT ON part BEGIN UPDATE item SET n = n + 10000 "
                       "WHERE id = NEW.item; END;\n"
                       "INSERT INTO part (id, item) VALUES (100, 1);\n" },
    { "V7__temp.sql", "CREATE TEMP TABLE scratch (x);\n"
                      "INSERT INTO scratch SELECT n FROM item;\n"
                      "UPDATE item SET n = n + (SELECT COUNT(*) FROM scratch) * 100000;\n" },
    { "R__view.sql", "DROP VIEW IF EXISTS total;\nCREATE VIEW total AS SELECT SUM(n) AS n FROM item;\n" },
};

static migrate_status code(void *user, uint32_t direction, migrate_executor *x, migrate_error **err)
{
    static const char sql[] = "INSERT INTO item (id, n) VALUES (50, 5)";
    (void)user;
    (void)direction;
    return x->exec(x, sql, sizeof(sql) - 1, NULL, 0, NULL, NULL, err);
}

migrate_ctx *course_new(const migrate_driver *driver, uint32_t flags)
{
    migrate_ctx *ctx = NULL;
    if (migrate_ctx_new(&ctx, NULL) != MIGRATE_OK) {
        return NULL;
    }
    migrate_status status = migrate_ctx_add_driver(ctx, driver, NULL);
    for (size_t i = 0; status == MIGRATE_OK && i < sizeof(files) / sizeof(files[0]); i++) {
        if (!(flags & COURSE_NO_TEMP) || !strstr(files[i][1], "TEMP")) {
            status = migrate_ctx_add_file(ctx, files[i][0], files[i][1], strlen(files[i][1]), NULL);
        }
    }
    if (status == MIGRATE_OK) {
        status = migrate_ctx_add_code(ctx, "V5__code.c", "one", 0, code, NULL, NULL, NULL);
    }
    ck_assert_int_eq(status, MIGRATE_OK);
    return ctx;
}

static void say(char *text, size_t size, migrate_error *err)
{
    snprintf(text, size, "%s", err ? migrate_error_text(err) : "");
    migrate_error_free(err);
}

migrate_status course_up(migrate_ctx *ctx, const char *url, char *text, size_t size)
{
    migrate_error *err = NULL;
    migrate_report *report = NULL;
    migrate_status status = migrate_ctx_open(ctx, url, &err);
    if (status == MIGRATE_OK) {
        status = migrate_run(ctx, NULL, &report, &err);
        migrate_ctx_close(ctx);
    }
    ck_assert_int_eq(status != MIGRATE_OK, err != NULL);
    ck_assert_int_ne(MIGRATE_STATUS_CLASS(status), MIGRATE_CLASS_BUG);
    migrate_report_free(report);
    say(text, size, err);
    return status;
}

migrate_status course_once(const migrate_driver *driver, const char *url, char *text, size_t size)
{
    migrate_ctx *ctx = course_new(driver, 0);
    ck_assert_ptr_nonnull(ctx);
    migrate_status status = course_up(ctx, url, text, size);
    migrate_ctx_free(ctx);
    return status;
}

/* ---- looking --------------------------------------------------------------- */

static sqlite3 *open_file(const char *path)
{
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

static void add_rows(sqlite3_str *out, sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (rc != SQLITE_OK) {
        sqlite3_str_appendf(out, "%s: %s\n", sql, sqlite3_errmsg(db));
        return;
    }
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            sqlite3_str_appendf(out, "%s%s", i ? "|" : "", sqlite3_column_text(stmt, i));
        }
        sqlite3_str_appendall(out, "\n");
    }
    ck_assert_int_eq(rc, SQLITE_DONE);
    sqlite3_finalize(stmt);
}

static int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t value = -1; /* no such table: not yet there */
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK) {
        int rc = sqlite3_step(stmt);
        ck_assert(rc == SQLITE_ROW || rc == SQLITE_DONE);
        value = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
    }
    sqlite3_finalize(stmt);
    return value;
}

char *course_dump(const char *path)
{
    static const char *const queries[] = {
        "PRAGMA integrity_check",
        "PRAGMA foreign_key_check",
        "SELECT type, name, sql FROM sqlite_master ORDER BY type, name",
        "SELECT * FROM item ORDER BY id",
        "SELECT id, item FROM part ORDER BY id",
        "SELECT n FROM total",
        "SELECT kind, version, name, state, checksum, statements, done, error FROM migrate_history ORDER BY "
        "kind, version",
        "SELECT COUNT(*) FROM migrate_journal",
        "SELECT format, seq, digest FROM migrate_head",
    };
    sqlite3 *db = open_file(path);
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        add_rows(out, db, queries[i]);
    }
    char *text = sqlite3_str_finish(out);
    char *copy = text ? strdup(text) : NULL;
    sqlite3_free(text);
    sqlite3_close(db);
    ck_assert_ptr_nonnull(copy);
    return copy;
}

void course_compare(const char *want, char *seen, const char *what)
{
    size_t line = 0, i = 0;
    for (; want[i] && want[i] == seen[i]; i++) {
        line = want[i] == '\n' ? i + 1 : line;
    }
    ck_assert_msg(strcmp(want, seen) == 0, "%.1500s: expected\n%.300s\ngot\n%.300s", what, want + line,
                  seen + line);
    free(seen);
}

static void expect(sqlite3 *db, const char *version, const char *sql, int64_t with, int64_t without)
{
    char applied[200];
    snprintf(applied, sizeof(applied),
             "SELECT COUNT(*) FROM migrate_history WHERE version = '%s' AND state = 'applied'", version);
    int64_t want = number(db, applied) == 1 ? with : without;
    ck_assert_msg(number(db, sql) == want, "%s of migration %s: %lld, not %lld", sql, version,
                  (long long)number(db, sql), (long long)want);
}

void course_check_whole(const char *path)
{
    sqlite3 *db = open_file(path);
    sqlite3_stmt *stmt = NULL;
    ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(stmt, 0), "ok");
    sqlite3_finalize(stmt);
    /* What 1, 2, 4 and 6 leave is there if and only if the history says so. */
    expect(db, "1", "SELECT COUNT(*) FROM sqlite_master WHERE name IN ('item', 'part')", 2, 0);
    expect(db, "1", "SELECT COUNT(*) FROM part WHERE id < 100", 12, -1);
    expect(db, "2", "SELECT n % 10 FROM item WHERE id = 2", 1, number(db, "SELECT 0 FROM item LIMIT 1"));
    expect(db, "4", "SELECT COUNT(*) FROM pragma_table_info('item') WHERE name = 'label'", 1, 0);
    expect(db, "6", "SELECT n / 1000 % 10 FROM item WHERE id = 2", 1,
           number(db, "SELECT 0 FROM item LIMIT 1"));
    expect(db, "6", "SELECT COUNT(*) FROM sqlite_master WHERE name = 'part_ai'", 1, 0);
    ck_assert_int_le(number(db, "SELECT MAX(n) - MIN(n) FROM item WHERE id BETWEEN 2 AND 12"), 0);
    sqlite3_close(db);
}

void course_unlink(const char *path)
{
    static const char *const also[] = { "", "-journal", "-wal", "-shm" };
    char file[800];
    for (size_t i = 0; i < sizeof(also) / sizeof(also[0]); i++) {
        snprintf(file, sizeof(file), "%s%s", path, also[i]);
        unlink(file);
    }
}
