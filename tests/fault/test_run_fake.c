/* SPDX-License-Identifier: Apache-2.0 */

/* A whole run on a server that fails on command: each statement in turn is refused, or its connection breaks
 * before or after it has run. The run goes on by itself or is started again, and everything ends as if
 * nothing had happened.
 */

#include "course.h"

#include "../conformance/fake_driver.h"
#include "../conformance/scratch.h"

#include <check.h>

static struct scratch scratch;
static char path[600];
static char *reference;

struct plan {
    enum fake_fault fault;
    uint32_t klass;
    const char *option, *value; /* of the library, or NULL */
    bool again;                 /* refused for good */
    unsigned may_fail;          /* so many runs at most do not come to the end by themselves; 0: any number */
};

/* A run that is disturbed before it has begun anything just fails. */
static const struct plan plans[] = {
    { FAKE_LOST_BEFORE, 0, NULL, NULL, .may_fail = 1 },
    { FAKE_LOST_AFTER, 0, NULL, NULL, .may_fail = 1 },
    { FAKE_LOST_BEFORE, 0, "batch", "off", .may_fail = 1 },
    { FAKE_LOST_AFTER, 0, "batch", "off", .may_fail = 1 },
    { FAKE_LOST_AFTER, 0, "lock", "none", .may_fail = 1 },
    { FAKE_LOST_AFTER, 0, "transaction", "none", .may_fail = 1 },
    { FAKE_LOST_BEFORE, 0, "transaction", "none", .may_fail = 1 },
    { FAKE_REFUSED, MIGRATE_FAULT_RETRY_TX, NULL, NULL, .may_fail = 4 },
    { FAKE_REFUSED, MIGRATE_FAULT_LOCK_TIMEOUT, NULL, NULL, .may_fail = 4 },
    { FAKE_REFUSED, MIGRATE_FAULT_OTHER, NULL, NULL, .may_fail = 0 },
    { FAKE_REFUSED, MIGRATE_FAULT_DISK_FULL, "batch", "off", .may_fail = 0 },
    { FAKE_REFUSED, MIGRATE_FAULT_OTHER, "transaction", "none", .may_fail = 0 },
    { FAKE_REFUSED, MIGRATE_FAULT_DENIED, NULL, NULL, .again = true },
};

static bool by_statement(const struct plan *p)
{
    return p->option && strcmp(p->option, "transaction") == 0;
}

static migrate_ctx *new_ctx(const struct plan *p)
{
    migrate_ctx *ctx = course_new(fake_driver(), by_statement(p) ? COURSE_NO_TEMP : 0);
    ck_assert_ptr_nonnull(ctx);
    ck_assert_int_eq(migrate_ctx_set(ctx, "retries", "3", NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_ctx_set(ctx, "reconnect_timeout", "5s", NULL), MIGRATE_OK);
    if (p->option) {
        ck_assert_int_eq(migrate_ctx_set(ctx, p->option, p->value, NULL), MIGRATE_OK);
    }
    return ctx;
}

/* false: there is no n-th statement. */
static bool try_at(const struct plan *p, uint64_t n, unsigned *failed)
{
    char url[800], first[2000], second[2000];
    snprintf(url, sizeof(url), "fake:%s", path);
    course_unlink(path);
    fake_script = (struct fake_script){ .fault = p->fault, .at = n, .klass = p->klass, .again = p->again };
    migrate_ctx *ctx = new_ctx(p);
    migrate_status status = course_up(ctx, url, first, sizeof(first));
    bool hit = fake_script.met > 0;
    fake_script = (struct fake_script){ 0 };
    *failed += status != MIGRATE_OK;
    ck_assert_msg(status == MIGRATE_OK || hit, "nothing failed, and yet: %s", first);
    ck_assert_msg(!p->may_fail || *failed <= p->may_fail, "fault %d, class %u, statement %llu: %s", p->fault,
                  p->klass, (unsigned long long)n, first);
    if (!by_statement(p)) {
        course_check_whole(path);
    }
    if (n % 2) {
        migrate_ctx_free(ctx);
        ctx = new_ctx(p);
    }
    status = course_up(ctx, url, second, sizeof(second));
    migrate_ctx_free(ctx);
    ck_assert_msg(status == MIGRATE_OK,
                  "fault %d, class %u, statement %llu: run again: %s\nthe first time: %s", p->fault, p->klass,
                  (unsigned long long)n, second, first);
    char what[2200];
    snprintf(what, sizeof(what), "fault %d, class %u, statement %llu (%s)", p->fault, p->klass,
             (unsigned long long)n, first);
    course_compare(reference, course_dump(path), what);
    return hit;
}

/* What the plan's way of running leaves when nothing fails. */
static void make_reference(const struct plan *p)
{
    char url[800], text[2000];
    snprintf(url, sizeof(url), "fake:%s", path);
    migrate_ctx *ctx = new_ctx(p);
    migrate_status status = course_up(ctx, url, text, sizeof(text));
    migrate_ctx_free(ctx);
    ck_assert_msg(status == MIGRATE_OK, "undisturbed: %s", text);
    reference = course_dump(path);
}

START_TEST(every_statement)
{
    const struct plan *p = &plans[_i];
    make_reference(p);
    unsigned failed = 0;
    uint64_t n = 1;
    while (n < 1000 && try_at(p, n, &failed)) {
        n++;
    }
    ck_assert_uint_gt(n, 20);
    ck_assert_uint_lt(n, 1000);
    printf("fault %d, class %u%s%s%s: %llu statements, %u runs failed\n", p->fault, p->klass,
           p->option ? ", " : "", p->option ? p->option : "", p->again ? ", for good" : "",
           (unsigned long long)n - 1, failed);
}
END_TEST

static void set_up(void)
{
    ck_assert_int_eq(scratch_make(&scratch), 0);
    snprintf(path, sizeof(path), "%s", scratch_path(&scratch, "course.db"));
    fake_script = (struct fake_script){ 0 };
    reference = NULL;
}

static void tear_down(void)
{
    free(reference);
    scratch_done(&scratch);
}

int main(void)
{
    Suite *suite = suite_create("run-fake");
    TCase *cases = tcase_create("run");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, every_statement, 0, sizeof(plans) / sizeof(plans[0]));
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
