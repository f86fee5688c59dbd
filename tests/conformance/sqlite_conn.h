/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQLITE_CONN_H
#define SQLITE_CONN_H

/* One connection of the SQLite driver in a folder of its own, for tests of that driver. */

#include "lone_host.h"
#include "scratch.h"

#include <migrate/drivers.h>

#include <check.h>
#undef fail /* an old macro of Check, and a member of migrate_host */
#include <sqlite3.h>
#include <stdbool.h>

static struct scratch scratch;
static struct lone lone; /* the host of most tests */
static void *conn;

static inline const migrate_driver *driver(void)
{
    return migrate_sqlite_driver();
}

static inline migrate_status try_open(const char *url)
{
    return driver()->open(&lone.host, url, &conn, NULL);
}

/* Opens @p name in the scratch folder. */
static inline void open_name(const char *name)
{
    char url[700];
    snprintf(url, sizeof(url), "sqlite:%s", scratch_path(&scratch, name));
    ck_assert_msg(try_open(url) == MIGRATE_OK, "%s: %s", url, lone.message);
}

static inline void must(const char *sql)
{
    ck_assert_msg(lone_exec(&lone, driver(), conn, sql) == MIGRATE_OK, "%s: %s", sql, lone.message);
}

static inline void expect(const char *sql, const char *rows)
{
    must(sql);
    ck_assert_str_eq(lone.rows, rows);
}

/* Fails, as a fault of @p klass whose message holds @p words, with a hint. */
static inline void must_fail(const char *sql, uint32_t klass, const char *words)
{
    ck_assert_int_ge(lone_exec(&lone, driver(), conn, sql), 100);
    ck_assert_msg(lone.fault.klass == klass, "%s: class %u: %s", sql, lone.fault.klass, lone.message);
    ck_assert_msg(strstr(lone.message, words) != NULL, "%s: '%s' does not hold '%s'", sql, lone.message,
                  words);
}

/* Another program at the same file. */
static inline sqlite3 *other(const char *name)
{
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(scratch_path(&scratch, name), &db), SQLITE_OK);
    return db;
}

static inline void other_sql(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK, "%s: %s", sql, message);
}

static inline bool exists(const char *name)
{
    return access(scratch_path(&scratch, name), F_OK) == 0;
}

static inline void write_bytes(const char *name, long at, const void *data, size_t len)
{
    FILE *f = fopen(scratch_path(&scratch, name), at < 0 ? "wb" : "r+b");
    ck_assert_ptr_nonnull(f);
    if (at > 0) {
        ck_assert_int_eq(fseek(f, at, SEEK_SET), 0);
    }
    ck_assert_uint_eq(fwrite(data, 1, len, f), len);
    fclose(f);
}

static void set_up(void)
{
    ck_assert_int_eq(scratch_make(&scratch), 0);
    lone_init(&lone);
    conn = NULL;
}

static void tear_down(void)
{
    driver()->close(conn);
    scratch_done(&scratch);
}

static int run_tests(const char *name, const TTest *const *tests, size_t n)
{
    Suite *suite = suite_create(name);
    TCase *cases = tcase_create(name);
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    for (size_t i = 0; i < n; i++) {
        tcase_add_test(cases, tests[i]);
    }
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define TEST_MAIN(name, ...)                                                                                 \
    int main(void)                                                                                           \
    {                                                                                                        \
        const TTest *const tests[] = { __VA_ARGS__ };                                                        \
        return run_tests(name, tests, sizeof(tests) / sizeof(tests[0]));                                     \
    }

#endif
