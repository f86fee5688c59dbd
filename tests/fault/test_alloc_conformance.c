/* SPDX-License-Identifier: Apache-2.0 */

/* The conformance suite over the SQLite driver, case by case, with each allocation of our own failing in
 * turn: a case passes, or fails because memory is out and says so; nothing crashes and nothing is left
 * behind. */

#include "unit.h"

#include <sqlite3.h>
#include <stdio.h>

#include <migrate/conformance.h>
#include <migrate/drivers.h>
#include <migrate/error.h>

#include "alloc_fail.h"

/* What takes long by its nature is not repeated hundreds of times; it allocates nothing else. */
static const char *const passed_over[] = {
    "driver/cancel/",
    "driver/batch/",
    "driver/sever/",
    "driver/lock/",
    "driver/exec/large-",
    "driver/failure/repeated",
    "driver/exec/params-large",
};

static char names[120][80];
static size_t n_names;

static migrate_status take_name(void *user, const char *name, uint32_t result, const char *detail)
{
    (void)user;
    (void)detail;
    bool over = result != MIGRATE_CASE_PASSED;
    for (size_t i = 0; i < sizeof passed_over / sizeof passed_over[0]; i++)
        over = over || strncmp(name, passed_over[i], strlen(passed_over[i])) == 0;
    if (!over && n_names < 120)
        snprintf(names[n_names++], sizeof names[0], "%s", name);
    return MIGRATE_OK;
}

static void *native_open(void *user)
{
    sqlite3 *db = NULL;
    (void)user;
    return sqlite3_open(":memory:", &db) == SQLITE_OK ? db : NULL;
}

static void native_close(void *user, void *native)
{
    (void)user;
    sqlite3_close(native);
}

static migrate_status suite(const char *only, migrate_case_fn fn, void *user, migrate_error **err)
{
    const migrate_driver_quirks quirks = {
        .struct_size = sizeof quirks,
        .quirks = MIGRATE_QUIRK_NO_NOTICES | MIGRATE_QUIRK_ONE_CONNECTION,
        .url = "sqlite::memory:",
        .sql_bad = "SELECT 1 FROM WHERE",
        .native_open = native_open,
        .native_close = native_close,
    };
    return migrate_conformance_driver(migrate_sqlite_driver(), &quirks, only, fn, user, err);
}

struct told {
    const char *only;
    bool memory; /* the case failed for want of it */
    char other[700];
};

static migrate_status take_result(void *user, const char *name, uint32_t result, const char *detail)
{
    struct told *t = user;
    if (result != MIGRATE_CASE_FAILED)
        return MIGRATE_OK;
    /* Where no error could be made there is the static one. */
    t->memory = strstr(detail, "out of memory") || strstr(detail, "E_NOMEM");
    if (!t->memory)
        snprintf(t->other, sizeof t->other, "%s: %s", name, detail);
    return MIGRATE_OK;
}

static int32_t body(void *user)
{
    struct told *t = user;
    migrate_error *err = NULL;
    t->memory = false;
    migrate_status status = suite(t->only, take_result, t, &err);
    alloc_fail_require((status != MIGRATE_OK) == (err != NULL));
    if (status == MIGRATE_E_CONNECT)
        t->memory = strstr(migrate_error_message(err), "out of memory") ||
                    migrate_error_status(err) == MIGRATE_E_NOMEM;
    migrate_error_free(err);
    return status == MIGRATE_OK || status == MIGRATE_E_NOMEM ? status : t->memory ? MIGRATE_E_NOMEM : status;
}

START_TEST(every_case)
{
    migrate_error *err = NULL;
    ck_assert_msg(suite(NULL, take_name, NULL, &err) == MIGRATE_OK, "%s", migrate_error_message(err));
    ck_assert_uint_gt(n_names, 35);
    for (size_t i = 0; i < n_names; i++) {
        struct told told = { .only = names[i] };
        struct alloc_fail_report report;
        bool fine = alloc_fail_each(body, &told, MIGRATE_E_NOMEM, &report);
        ck_assert_msg(fine, "%s: %s (%s)", names[i], report.text, told.other);
        printf("%s: %llu allocations, %llu times out of memory\n", names[i], (unsigned long long)report.tried,
               (unsigned long long)report.refused);
    }
}
END_TEST

UNIT_MAIN("alloc-conformance", every_case)
