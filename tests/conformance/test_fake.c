/* SPDX-License-Identifier: Apache-2.0 */

/* The conformance suite over a driver that has every member, and over the same driver with one mistake at a
 * time: the suite must see each. */

#include "fake_driver.h"
#include "scratch.h"
#include "told.h"

#include <check.h>

#define SLOW                                                                                                 \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000000) SELECT COUNT(*) FROM n"

/* Each mistake, and the cases that must see it (the beginning of their names). */
static const struct {
    enum fake_breach breach;
    const char *seen_by;
} mistakes[] = {
    { FAKE_DONE_ON_FAILURE, "driver/failure/syntax" },
    { FAKE_NO_ERROR, "driver/failure/syntax" },
    { FAKE_OTHER_STATUS, "driver/failure/err-null" },
    { FAKE_NO_TICK, "driver/batch/cancel" },
    { FAKE_CANCEL_STATUS, "driver/cancel/exact-status" },
    { FAKE_SPURIOUS_CANCEL, "driver/cancel/not-meant" },
    { FAKE_NULL_IS_EMPTY, "driver/exec/null" },
    { FAKE_ROWS_GO_ON, "driver/exec/no-more-rows" },
    { FAKE_ROWS_LOST, "driver/exec/rows" },
    { FAKE_BUFFERS_ROWS, "driver/exec/large-result-not-buffered" },
    { FAKE_NUL_TERMINATED, "driver/exec/not-terminated" },
    { FAKE_PARAM_TRIMMED, "driver/exec/params-bytes" },
    { FAKE_PARAM_EMPTY_IS_NULL, "driver/exec/params-null" },
    { FAKE_WRONG_AFFECTED, "driver/exec/affected" },
    { FAKE_WRONG_CLASS, "driver/failure/missing" },
    { FAKE_WRONG_CLASS, "driver/failure/exists" },
    { FAKE_WRONG_CLASS, "driver/failure/constraint" },
    { FAKE_WRONG_OFFSET, "driver/failure/position" },
    { FAKE_CHARACTER_OFFSET, "driver/failure/position-utf8" },
    { FAKE_NEWLINE, "driver/failure/syntax" },
    { FAKE_SHORT_RESULT, "driver/struct-size/result" },
    { FAKE_SHORT_INFO, "driver/info/struct-size" },
    { FAKE_TX_ALWAYS_NONE, "driver/tx/commit" },
    { FAKE_COMMIT_ROLLS_BACK, "driver/tx/commit" },
    { FAKE_CLOSE_COMMITS, "driver/open/close-in-transaction" },
    { FAKE_RECONNECTS, "driver/sever/idle" },
    { FAKE_LOST_IS_FAILED, "driver/sever/running" },
    { FAKE_LOCK_REENTRANT, "driver/lock/not-reentrant" },
    { FAKE_LOCK_CASE_FOLDED, "driver/lock/keys" },
    { FAKE_UNLOCK_LIES, "driver/lock/not-held" },
    { FAKE_LOCK_IN_TX, "driver/lock/leaves-nothing-open" },
    { FAKE_LOCK_WAITS, "driver/lock/excludes" },
    { FAKE_LOCK_OUTLIVES, "driver/lock/freed-by-close" },
    { FAKE_LOCK_OUTLIVES, "driver/lock/freed-by-sever" },
    { FAKE_HOLDER_WRONG, "driver/lock/holder" },
    { FAKE_BATCH_TWICE, "driver/batch/order" },
    { FAKE_BATCH_FORGETS, "driver/batch/order" },
    { FAKE_BATCH_REORDERS, "driver/batch/order" },
    { FAKE_BATCH_GREEDY, "driver/batch/window-full-in-group" },
    { FAKE_BATCH_GOES_ON, "driver/batch/failure-in-group" },
    { FAKE_BATCH_DEAF, "driver/batch/done-stops" },
    { FAKE_BATCH_BARRIER, "driver/batch/alone-and-barrier" },
    { FAKE_BATCH_AHEAD, "driver/batch/group-waits" },
    { FAKE_BATCH_STATUS, "driver/batch/next-fails" },
    { FAKE_BATCH_NO_FAULT, "driver/batch/failure-alone" },
    { FAKE_CREDENTIALS_KEPT, "driver/open/credentials-released" },
    { FAKE_CREDENTIALS_IGNORED, "driver/open/credentials-refused" },
    { FAKE_PASSWORD_LOGGED, "driver/info/facts" },
    { FAKE_OUT_TOUCHED, "driver/open/bad-url" },
    { FAKE_UNKNOWN_OPTION, "driver/open/two-threads" },
    { FAKE_OTHER_THREAD, "driver/open/two-threads" },
    { FAKE_ADOPT_IN_TX, "driver/adopt/in-transaction" },
    { FAKE_ADOPT_KEEPS_TX, "driver/adopt/given-back-without-transaction" },
    { FAKE_RESET_KEEPS_TEMP, "driver/reset/temporary-table" },
    { FAKE_RESET_UNLOCKS, "driver/reset/keeps-lock" },
    { FAKE_SPLIT_NAIVE, "driver/split/statements" },
    { FAKE_FINGERPRINT_CONSTANT, "driver/fingerprint/follows" },
    { FAKE_FINGERPRINT_OF_ROWS, "driver/fingerprint/follows" },
    { FAKE_DESCRIBE_GUESSES, "driver/describe" },
    { FAKE_SESSION_ALWAYS_ALIVE, "driver/session/state" },
    { FAKE_CLAIMS, "driver/vtable/claims" },
};
#define N_MISTAKES (sizeof(mistakes) / sizeof(mistakes[0]))

static struct scratch scratch;

static migrate_status run(struct told *told, const char *only, migrate_error **err)
{
    char path[600], url[700];
    snprintf(path, sizeof(path), "%s", scratch_path(&scratch, "fake.db"));
    snprintf(url, sizeof(url), "fake://user:open-sesame@%s", path);
    migrate_driver_quirks quirks = {
        .struct_size = sizeof(quirks),
        .quirks = MIGRATE_QUIRK_NO_NOTICES,
        .url = url,
        .options = "lock_timeout=10s",
        .sql_slow = SLOW,
        .sql_bad = "SELECT 1 FROM WHERE",
        .user = path,
        .sever = fake_sever,
        .native_open = fake_native_open,
        .native_close = fake_native_close,
    };
    return migrate_conformance_driver(fake_driver(), &quirks, only, told_case, told, err);
}

START_TEST(right_driver)
{
    struct told told = { .label = "fake" };
    migrate_error *err = NULL;
    migrate_status status = run(&told, NULL, &err);
    ck_assert_msg(status == MIGRATE_OK, "%s (%s: %s)", migrate_error_message(err), told.first,
                  told.first_detail);
    ck_assert_uint_gt(told.passed, 80);
    ck_assert_uint_le(told.skipped, 2); /* notices; an implicit commit */
    migrate_error_free(err);
}
END_TEST

START_TEST(wrong_driver)
{
    struct told told = { .quiet = 1 };
    migrate_error *err = NULL;
    fake_script.breach = mistakes[_i].breach;
    migrate_status status = run(&told, mistakes[_i].seen_by, &err);
    ck_assert_msg(status == MIGRATE_E_CONTRACT, "mistake %d was not seen by %s: %s, %u passed, %u skipped",
                  (int)mistakes[_i].breach, mistakes[_i].seen_by, migrate_status_name(status), told.passed,
                  told.skipped);
    printf("mistake %d is seen: %s: %s\n", (int)mistakes[_i].breach, told.first, told.first_detail);
    migrate_error_free(err);
}
END_TEST

/* No mistake is forgotten in the table above. */
START_TEST(every_mistake)
{
    for (int breach = FAKE_NO_BREACH + 1; breach < FAKE_BREACHES; breach++) {
        size_t i = 0;
        while (i < N_MISTAKES && (int)mistakes[i].breach != breach) {
            i++;
        }
        ck_assert_msg(i < N_MISTAKES, "mistake %d has no case", breach);
    }
}
END_TEST

START_TEST(not_there)
{
    struct told told = { .quiet = 1 };
    migrate_error *err = NULL;
    fake_script =
        (struct fake_script){ .fault = FAKE_OPEN_REFUSED, .at = 1, .klass = MIGRATE_FAULT_UNAVAILABLE };
    ck_assert_int_eq(run(&told, NULL, &err), MIGRATE_E_CONNECT);
    ck_assert_ptr_nonnull(migrate_error_hint(err));
    migrate_error_free(err);
}
END_TEST

static migrate_status give_up(void *user, const char *name, uint32_t result, const char *detail)
{
    (void)name;
    (void)result;
    (void)detail;
    return ++*(unsigned *)user == 3 ? MIGRATE_E_CALLBACK : MIGRATE_OK;
}

/* "A failure ends the suite, which returns it." */
START_TEST(receiver_ends_it)
{
    unsigned told = 0;
    char url[700];
    migrate_error *err = NULL;
    snprintf(url, sizeof(url), "fake:%s", scratch_path(&scratch, "fake.db"));
    migrate_driver_quirks quirks = { .struct_size = sizeof(quirks), .url = url };
    ck_assert_int_eq(migrate_conformance_driver(fake_driver(), &quirks, NULL, give_up, &told, &err),
                     MIGRATE_E_CALLBACK);
    ck_assert_uint_eq(told, 3);
    migrate_error_free(err);
}
END_TEST

static void set_up(void)
{
    ck_assert_int_eq(scratch_make(&scratch), 0);
    fake_script = (struct fake_script){ 0 };
}

static void tear_down(void)
{
    scratch_done(&scratch);
}

int main(void)
{
    Suite *suite = suite_create("conformance-fake");
    TCase *cases = tcase_create("driver");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, right_driver);
    tcase_add_loop_test(cases, wrong_driver, 0, N_MISTAKES);
    tcase_add_test(cases, every_mistake);
    tcase_add_test(cases, not_there);
    tcase_add_test(cases, receiver_ends_it);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
