/* SPDX-License-Identifier: Apache-2.0 */

/* The SQLite driver on a disk that fails: every operation of a transaction in turn. What the driver says of
 * each statement is held against what is in the file once the disk works again. */

#include "vfs_fail.h"

#include "../conformance/scratch.h"

#include <migrate/driver.h>
#include <migrate/drivers.h>
#include <migrate/error.h>

#include <check.h>
#undef fail /* an old macro of Check, and a member of migrate_host */
#include <sqlite3.h>

static struct scratch scratch;

/* ---- a small host ---------------------------------------------------------- */

static migrate_fault last_fault;
static char last_message[300];

static migrate_status host_fail(const migrate_host *host, migrate_error **err, const migrate_fault *fault)
{
    (void)host;
    (void)err;
    last_fault = *fault;
    snprintf(last_message, sizeof(last_message), "%s", fault->message);
    return fault->status ? fault->status : MIGRATE_E_SQL;
}

static const char *host_option(const migrate_host *host, const char *key)
{
    const char *mode = host->self;
    if (strcmp(key, "vfs") == 0) {
        return "fail";
    }
    if (strcmp(key, "lock_timeout") == 0) {
        return "20ms";
    }
    return strcmp(key, "journal_mode") == 0 ? mode : NULL;
}

static migrate_status host_sleep(const migrate_host *host, uint32_t ms)
{
    (void)host;
    (void)ms;
    return MIGRATE_OK; /* as if the time had passed */
}

static migrate_host host = {
    .struct_size = sizeof(migrate_host),
    .fail = host_fail,
    .option = host_option,
    .sleep = host_sleep,
};

/* ---- one transaction ------------------------------------------------------- */

static const char *const transaction[] = {
    "BEGIN IMMEDIATE",
    "CREATE TABLE made (id INTEGER PRIMARY KEY, filler TEXT)",
    "INSERT INTO made SELECT id, filler FROM ground",
    "UPDATE ground SET n = n + 1",
    "COMMIT",
};
#define N_STATEMENTS (sizeof(transaction) / sizeof(transaction[0]))

/* The outcome of the whole, as the driver tells it. */
enum verdict { IN, OUT, UNTOLD };

static void prepare(const char *path, const char *mode)
{
    sqlite3 *db = NULL;
    char sql[300], file[700];
    static const char *const also[] = { "", "-journal", "-wal", "-shm" };
    for (size_t i = 0; i < 4; i++) {
        snprintf(file, sizeof(file), "%s%s", path, also[i]);
        unlink(file);
    }
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    snprintf(sql, sizeof(sql), "PRAGMA synchronous = OFF; PRAGMA journal_mode = %s", mode);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db,
                                  "CREATE TABLE ground (id INTEGER PRIMARY KEY, n INTEGER DEFAULT 0, filler "
                                  "TEXT DEFAULT (hex(zeroblob(300))));"
                                  "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r LIMIT 20) "
                                  "INSERT INTO ground (id) SELECT i FROM r",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
}

static enum verdict run_transaction(const migrate_driver *d, void *conn)
{
    bool ok = true;
    for (size_t i = 0; i < N_STATEMENTS && ok; i++) {
        migrate_stmt stmt = { .struct_size = sizeof(stmt),
                              .sql = transaction[i],
                              .sql_len = strlen(transaction[i]) };
        migrate_result result = { .struct_size = sizeof(result) };
        stmt.flags = i + 1 == N_STATEMENTS ? MIGRATE_STMT_TX_END : 0;
        migrate_status status = d->exec(conn, &stmt, &result, NULL);
        ok = status == MIGRATE_OK;
        ck_assert_int_eq(ok, result.outcome == MIGRATE_OUTCOME_DONE);
        if (result.outcome == MIGRATE_OUTCOME_UNKNOWN) {
            /* "…every later call on the connection fails with CONN_LOST." */
            ck_assert_int_ge(d->exec(conn, &stmt, &result, NULL), 100);
            ck_assert_uint_eq(last_fault.klass, MIGRATE_FAULT_CONN_LOST);
            return UNTOLD;
        }
        if (!ok && result.tx == MIGRATE_TX_OPEN) {
            migrate_stmt back = { .struct_size = sizeof(back), .sql = "ROLLBACK", .sql_len = 8 };
            d->exec(conn, &back, &result, NULL);
        }
    }
    return ok ? IN : OUT;
}

/* What is in the file: IN or OUT, and nothing between. */
static enum verdict look(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_prepare_v2(
            db,
            "SELECT (SELECT COUNT(*) FROM sqlite_master WHERE name = 'made'), (SELECT SUM(n) FROM ground),"
            " (SELECT * FROM pragma_integrity_check)",
            -1, &stmt, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    int made = sqlite3_column_int(stmt, 0), sum = sqlite3_column_int(stmt, 1);
    ck_assert_str_eq((const char *)sqlite3_column_text(stmt, 2), "ok");
    ck_assert_msg(sum == (made ? 20 : 0), "half: made %d, sum %d", made, sum);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return made ? IN : OUT;
}

struct plan {
    const char *mode;
    unsigned ops;
    int code;
    bool on, torn, late;
};

/* Once with the n-th operation failing. false: there is no n-th. */
static bool try_at(const struct plan *p, uint64_t n, const char *path, unsigned *told)
{
    const migrate_driver *d = migrate_sqlite_driver();
    char url[700];
    void *conn = NULL;
    enum verdict verdict = OUT;
    prepare(path, p->mode);
    snprintf(url, sizeof(url), "sqlite:%s", path);
    host.self = (void *)(uintptr_t)p->mode; /* what host_option() says of journal_mode */
    vfs_fail = (struct vfs_fail){
        .ops = p->ops, .at = n, .code = p->code, .on = p->on, .torn = p->torn, .late = p->late
    };
    if (d->open(&host, url, &conn, NULL) == MIGRATE_OK) {
        verdict = run_transaction(d, conn);
    }
    bool hit = vfs_fail.hit > 0;
    vfs_fail_heal();
    enum verdict before_close = verdict == UNTOLD ? UNTOLD : OUT;
    if (conn && verdict == OUT) {
        before_close = look(path); /* also while the connection that failed is still open */
        ck_assert_int_eq(before_close, OUT);
    }
    d->close(conn);
    enum verdict seen = look(path);
    ck_assert_msg(verdict == UNTOLD || verdict == seen,
                  "%s, operation %llu of kind %x: told %d, seen %d (%s)", p->mode, (unsigned long long)n,
                  p->ops, verdict, seen, last_message);
    ck_assert(hit || verdict == IN);
    told[verdict]++;
    return hit;
}

static const struct plan plans[] = {
    { "delete", VFS_WRITE, SQLITE_FULL, .on = false },
    { "delete", VFS_WRITE, 0, .torn = true },
    { "delete", VFS_WRITE, 0, .on = true, .torn = true },
    { "delete", VFS_SYNC, 0, .on = false },
    { "delete", VFS_SYNC, 0, .late = true },
    { "delete", VFS_LOCK, SQLITE_IOERR_LOCK, .on = false },
    { "delete", VFS_LOCK, 0, .on = true },
    { "delete", VFS_LOCK, 0, .on = false },
    { "delete", VFS_DELETE, 0, .on = false },
    { "delete", VFS_DELETE, 0, .late = true },
    { "delete", VFS_DELETE, 0, .on = true },
    { "delete", VFS_READ, 0, .on = false },
    { "delete", VFS_ALL, 0, .on = true },
    { "truncate", VFS_TRUNCATE, 0, .on = false },
    { "truncate", VFS_TRUNCATE, 0, .late = true },
    { "truncate", VFS_ALL, SQLITE_IOERR, .on = true },
    { "persist", VFS_WRITE, 0, .on = false },
    { "persist", VFS_ALL, SQLITE_IOERR, .on = true },
    { "wal", VFS_WRITE, SQLITE_FULL, .on = false },
    { "wal", VFS_WRITE, 0, .torn = true },
    { "wal", VFS_WRITE, 0, .late = true },
    { "wal", VFS_SYNC, 0, .on = false },
    { "wal", VFS_SHM_LOCK, 0, .on = false },
    { "wal", VFS_SHM_LOCK, SQLITE_IOERR_SHMLOCK, .on = true },
    { "wal", VFS_SHM_MAP, 0, .on = false },
    { "wal", VFS_READ, 0, .on = false },
    { "wal", VFS_SIZE, 0, .on = false },
    { "wal", VFS_ALL, SQLITE_IOERR, .on = true },
};

START_TEST(every_operation)
{
    const struct plan *p = &plans[_i];
    char path[600];
    unsigned told[3] = { 0, 0, 0 };
    uint64_t n = 1;
    snprintf(path, sizeof(path), "%s", scratch_path(&scratch, "disk.db"));
    while (n < 2000 && try_at(p, n, path, told)) {
        n++;
    }
    ck_assert_uint_lt(n, 2000);
    ck_assert_uint_ge(n, 2); /* there was such an operation */
    printf("%s, kind %x%s%s%s: %llu operations: told in %u, out %u, unknown %u\n", p->mode, p->ops,
           p->on ? ", for good" : "", p->torn ? ", torn" : "", p->late ? ", late" : "",
           (unsigned long long)n - 1, told[IN], told[OUT], told[UNTOLD]);
}
END_TEST

static void set_up(void)
{
    ck_assert_int_eq(scratch_make(&scratch), 0);
    ck_assert_int_eq(vfs_fail_register(), SQLITE_OK);
}

static void tear_down(void)
{
    scratch_done(&scratch);
}

int main(void)
{
    Suite *suite = suite_create("sqlite-vfs");
    TCase *cases = tcase_create("driver");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, every_operation, 0, sizeof(plans) / sizeof(plans[0]));
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
