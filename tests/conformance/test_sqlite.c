/* SPDX-License-Identifier: Apache-2.0 */

/* The conformance suite over the SQLite driver: files with a rollback journal and with WAL, a database in
 * memory, and connections of the application's own. */

#include "scratch.h"
#include "told.h"

#include <migrate/drivers.h>

#include <check.h>
#include <sqlite3.h>

#define SLOW                                                                                                 \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 60000000) SELECT COUNT(*) FROM n"

static struct scratch scratch;

static void *native_open(void *user)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(user ? user : ":memory:", &db) != SQLITE_OK) {
        sqlite3_close(db);
        return NULL;
    }
    return db;
}

static void native_close(void *user, void *native)
{
    (void)user;
    sqlite3_close(native);
}

static void run(const char *label, const char *url, const char *options, const char *file,
                uint64_t more_quirks)
{
    struct told told = { .label = label };
    char path[600];
    snprintf(path, sizeof(path), "%s", file ? scratch_path(&scratch, file) : ":memory:");
    migrate_driver_quirks quirks = {
        .struct_size = sizeof(quirks),
        .quirks = MIGRATE_QUIRK_NO_NOTICES | more_quirks,
        .url = url,
        .options = options,
        .sql_slow = SLOW,
        .sql_bad = "SELECT 1 FROM WHERE",
        .user = path,
        .native_open = native_open,
        .native_close = native_close,
    };
    migrate_error *err = NULL;
    migrate_status status =
        migrate_conformance_driver(migrate_sqlite_driver(), &quirks, NULL, told_case, &told, &err);
    ck_assert_msg(status == MIGRATE_OK, "%s: %s (%s: %s)", label, migrate_error_message(err), told.first,
                  told.first_detail);
    ck_assert_uint_gt(told.passed, 50);
    migrate_error_free(err);
}

START_TEST(rollback_journal)
{
    char url[700];
    snprintf(url, sizeof(url), "sqlite:%s", scratch_path(&scratch, "journal.db"));
    run("journal", url, NULL, "journal.db", 0);
}
END_TEST

START_TEST(wal)
{
    char url[700];
    snprintf(url, sizeof(url), "sqlite:///%s", scratch_path(&scratch, "wal%20file.db") + 1);
    run("wal", url, "sqlite.journal_mode=wal\nlock_timeout=5s", "wal file.db", 0);
}
END_TEST

START_TEST(memory)
{
    run("memory", "sqlite::memory:", NULL, NULL, MIGRATE_QUIRK_ONE_CONNECTION);
}
END_TEST

static void set_up(void)
{
    ck_assert_int_eq(scratch_make(&scratch), 0);
}

static void tear_down(void)
{
    scratch_done(&scratch);
}

int main(void)
{
    Suite *suite = suite_create("conformance-sqlite");
    TCase *cases = tcase_create("driver");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, rollback_journal);
    tcase_add_test(cases, wal);
    tcase_add_test(cases, memory);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
