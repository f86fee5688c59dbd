/* SPDX-License-Identifier: Apache-2.0 */

/* A whole run on a disk that fails: every read, write, sync, lock and delete in turn. Then the disk works
 * again, the run is started again, and everything ends as if nothing had happened. */

#include "course.h"
#include "vfs_fail.h"

#include "../conformance/scratch.h"

#include <migrate/drivers.h>

#include <check.h>
#include <sqlite3.h>

static struct scratch scratch;
static char path[600];
static char *reference;

struct plan {
    const char *mode;
    unsigned ops;
    int code;
    bool on, torn, late;
    bool same; /* the same context goes on after the failure */
};

static const struct plan plans[] = {
    { "delete", VFS_WRITE, SQLITE_FULL, .torn = true },
    { "delete", VFS_WRITE, 0, .on = true, .torn = true },
    { "delete", VFS_SYNC, 0, .same = true },
    { "delete", VFS_SYNC, 0, .late = true },
    { "delete", VFS_LOCK, SQLITE_IOERR_LOCK, .same = true },
    { "delete", VFS_DELETE, 0, .same = true },
    { "delete", VFS_DELETE, 0, .late = true },
    { "delete", VFS_READ, 0, .same = true },
    { "delete", VFS_OPEN, 0, .same = true },
    { "delete", VFS_ALL & ~VFS_LOCK, SQLITE_IOERR, .on = true },
    { "wal", VFS_WRITE, SQLITE_FULL, .same = true },
    { "wal", VFS_WRITE, 0, .torn = true },
    { "wal", VFS_WRITE, 0, .late = true },
    { "wal", VFS_SYNC, 0, .same = true },
    { "wal", VFS_SHM_LOCK, SQLITE_IOERR_SHMLOCK, .same = true },
    { "wal", VFS_READ, 0, .on = false },
    { "wal", VFS_ALL & ~(VFS_LOCK | VFS_SHM_LOCK), SQLITE_IOERR, .on = true },
};

static void url_of(const struct plan *p, char *url, size_t size)
{
    snprintf(url, size, "sqlite:%s?vfs=fail&journal_mode=%s", path, p->mode);
}

/* A lock time-out so short that a lock refused for good does not hold the test up. */
static migrate_ctx *new_ctx(void)
{
    migrate_ctx *ctx = course_new(migrate_sqlite_driver(), 0);
    ck_assert_ptr_nonnull(ctx);
    ck_assert_int_eq(migrate_ctx_set(ctx, "lock_timeout", "20ms", NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_ctx_set(ctx, "retries", "2", NULL), MIGRATE_OK);
    return ctx;
}

/* false: there is no n-th operation. */
static bool try_at(const struct plan *p, uint64_t n, unsigned *failed)
{
    char url[800], first[2000], second[2000];
    url_of(p, url, sizeof(url));
    course_unlink(path);
    vfs_fail = (struct vfs_fail){
        .ops = p->ops, .at = n, .code = p->code, .on = p->on, .torn = p->torn, .late = p->late
    };
    migrate_ctx *ctx = new_ctx();
    migrate_status status = course_up(ctx, url, first, sizeof(first));
    bool hit = vfs_fail.hit > 0;
    vfs_fail_heal();
    *failed += status != MIGRATE_OK;
    ck_assert_msg(hit || status == MIGRATE_OK, "nothing failed, and yet: %s", first);
    course_check_whole(path);
    if (!p->same) {
        migrate_ctx_free(ctx);
        ctx = new_ctx();
    }
    status = course_up(ctx, url, second, sizeof(second));
    migrate_ctx_free(ctx);
    ck_assert_msg(status == MIGRATE_OK, "%s, kind %x, operation %llu: run again: %s\nthe first time: %s",
                  p->mode, p->ops, (unsigned long long)n, second, first);
    char what[2200];
    snprintf(what, sizeof(what), "%s, kind %x, operation %llu (%s)", p->mode, p->ops, (unsigned long long)n,
             first);
    course_compare(reference, course_dump(path), what);
    return hit;
}

/* Every operation, or with many of them a part that differs from plan to plan. */
START_TEST(every_operation)
{
    const struct plan *p = &plans[_i];
    unsigned failed = 0, tried = 0;
    uint64_t n = 1, step = 1;
    while (try_at(p, n, &failed)) {
        tried++;
        step = n < 60 ? 1 : 1 + n / 60;
        n += step;
    }
    ck_assert_uint_gt(tried, 0);
    printf("%s, kind %x%s%s%s: %u of some %llu operations, %u runs failed\n", p->mode, p->ops,
           p->on ? ", for good" : "", p->torn ? ", torn" : "", p->late ? ", late" : "", tried,
           (unsigned long long)n, failed);
}
END_TEST

static void set_up(void)
{
    char url[800], text[2000];
    ck_assert_int_eq(scratch_make(&scratch), 0);
    snprintf(path, sizeof(path), "%s", scratch_path(&scratch, "course.db"));
    snprintf(url, sizeof(url), "sqlite:%s", path);
    ck_assert_int_eq(vfs_fail_register(), SQLITE_OK);
    migrate_status status = course_once(migrate_sqlite_driver(), url, text, sizeof(text));
    ck_assert_msg(status == MIGRATE_OK, "undisturbed: %s", text);
    course_check_whole(path);
    reference = course_dump(path);
}

static void tear_down(void)
{
    free(reference);
    scratch_done(&scratch);
}

int main(void)
{
    Suite *suite = suite_create("run-vfs");
    TCase *cases = tcase_create("run");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, every_operation, 0, sizeof(plans) / sizeof(plans[0]));
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
