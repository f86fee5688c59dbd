/* SPDX-License-Identifier: Apache-2.0 */
/* The n-th allocation fails: utilities, errors, options, reports, plans, events. No crash, no leak; out of
 * memory or done. */
#include "unit.h"

#include "alloc_fail.h"
#include "core/error.h"
#include "core/event.h"
#include "core/item.h"
#include "core/login.h"
#include "core/options.h"
#include "core/plan.h"
#include "core/report.h"
#include "core/secrets.h"
#include "util/clock.h"
#include "util/text.h"
#include "util/url.h"

static void check(int32_t (*body)(void *))
{
    struct alloc_fail_report report;
    ck_assert_msg(alloc_fail_each(body, NULL, MIGRATE_E_NOMEM, &report), "%s", report.text);
    ck_assert_uint_gt(report.tried, 0);
}

/* Says out of memory exactly when something is missing. */
static int32_t done(bool whole)
{
    if (!whole)
        alloc_fail_require(alloc_fail_hit());
    return whole ? MIGRATE_OK : MIGRATE_E_NOMEM;
}

/* ---- URLs -------------------------------------------------------------------- */

static bool taken(void *user, const char *key, const char *value)
{
    (void)user, (void)value;
    return strcmp(key, "lock") == 0;
}

static int32_t url_body(void *user)
{
    static const char text[] = "postgres://u:p%40ss@h:5432/db?lock=none&password=hunter2&a=b";
    struct mig_url url;
    struct mig_diag diag = MIG_DIAG_INIT;
    (void)user;
    int32_t status = mig_url_parse(&url, text, &diag);
    bool whole = status == 0;
    if (whole)
        mig_url_free(&url);
    mig_diag_free(&diag);
    char *shown = mig_url_redact(text), *stripped = mig_url_strip(text, taken, NULL);
    if (shown)
        alloc_fail_require(!strstr(shown, "hunter2"));
    if (stripped)
        alloc_fail_require(!strstr(stripped, "lock=none"));
    whole = whole && shown && stripped;
    free(shown);
    free(stripped);
    alloc_fail_require(status == 0 || status == MIGRATE_E_NOMEM);
    return done(whole);
}

static int32_t bad_url_body(void *user)
{
    struct mig_url url;
    struct mig_diag diag = MIG_DIAG_INIT;
    migrate_error *err = NULL;
    (void)user;
    int32_t status = mig_url_parse(&url, "postgres://u:p@ss@h/db", &diag);
    alloc_fail_require(status == MIGRATE_E_URL || status == MIGRATE_E_NOMEM);
    status = mig_fail_diag(&err, &diag);
    alloc_fail_require(migrate_error_status(err) == status);
    migrate_error_free(err);
    return status == MIGRATE_E_URL ? MIGRATE_OK : status;
}

START_TEST(urls)
{
    check(url_body);
    check(bad_url_body);
}
END_TEST

/* ---- errors ------------------------------------------------------------------ */

static int32_t error_body(void *user)
{
    static const char sql[] = "SELECT 1,\n'hunter2' FROM t";
    struct mig_secrets secrets = { NULL, 0, 0 };
    migrate_error *err = NULL, *cause = NULL;
    migrate_fault f = { .struct_size = sizeof f,
                        .klass = MIGRATE_FAULT_SYNTAX,
                        .sqlstate = "42601",
                        .message = "syntax error near hunter2",
                        .hint = "look",
                        .offset = 20 };
    (void)user;
    bool masked = mig_secrets_add(&secrets, "hunter2");
    migrate_status status = mig_fail_fault(&err, &f);
    alloc_fail_require(status == migrate_error_status(err));
    mig_error_place(&err, &(struct mig_place){ "1", "1.sql", 1, 1, 1, sql, sizeof sql - 1 });
    mig_error_prefix(&err, "in front");
    mig_error_hint(&err, "hint %d", 1);
    mig_error_state(&err, "state %d", 1);
    (void)mig_fail(&cause, MIGRATE_E_IO, "cause %d", 1);
    mig_error_add_cause(&err, cause);
    migrate_error *copy = mig_error_copy(err);
    if (masked) {
        mig_error_mask(err, &secrets);
        alloc_fail_require(!strstr(migrate_error_text(err), "hunter2"));
        alloc_fail_require(!strstr(migrate_error_json(err), "hunter2"));
    }
    const char *json = migrate_error_json(copy);
    alloc_fail_require(strncmp(json, "{\"schema\":1,\"error\":{\"status\":\"E_", 33) == 0);
    alloc_fail_require(strcmp(json + strlen(json) - 2, "}}") == 0);
    alloc_fail_require(migrate_error_text(copy)[0] != '\0');
    migrate_error_free(copy);
    migrate_error_free(err);
    mig_secrets_free(&secrets);
    return status == MIGRATE_E_SQL ? MIGRATE_OK : status;
}

START_TEST(errors)
{
    check(error_body);
}
END_TEST

/* ---- options, log-in ----------------------------------------------------------- */

static int32_t options_body(void *user)
{
    migrate_error *err = NULL;
    struct mig_settings s;
    struct mig_options *o = mig_options_new();
    (void)user;
    if (!o)
        return done(false);
    int32_t status = mig_options_set(o, "lock_wait", "3s", NULL, 0, &err);
    if (status == 0)
        status = mig_options_set(o, "placeholder.name", "value", NULL, 0, &err);
    if (status == 0)
        status = mig_options_set(o, "lock_wait", "4s", NULL, 0, &err);
    if (status == 0)
        status = mig_options_set(o, "placeholder.name", NULL, NULL, 0, &err);
    mig_options_read(o, &s);
    alloc_fail_require(s.lock_wait_ms == 300000 || s.lock_wait_ms == 3000 || s.lock_wait_ms == 4000);
    alloc_fail_require(status == 0 || status == migrate_error_status(err));
    mig_options_free(o);
    migrate_error_free(err);
    return status;
}

static int32_t unknown_option_body(void *user)
{
    migrate_error *err = NULL;
    struct mig_options *o = mig_options_new();
    (void)user;
    if (!o)
        return done(false);
    int32_t status = mig_options_set(o, "lock_wat", "3s", NULL, 0, &err);
    alloc_fail_require(status == migrate_error_status(err));
    migrate_error_free(err);
    mig_options_free(o);
    return status == MIGRATE_E_OPTION ? MIGRATE_OK : status;
}

static int32_t login_body(void *user)
{
    struct migrate_login login = { 0 };
    migrate_credentials c = { .struct_size = sizeof c };
    (void)user;
    int32_t status = migrate_login_set(&login, "user", "u", NULL);
    if (status == 0)
        status = migrate_login_set(&login, "password", "p", NULL);
    if (status == 0)
        status = mig_login_to_credentials(&login, &c, NULL);
    if (status == 0)
        c.release(&c);
    mig_login_clear(&login);
    return status;
}

START_TEST(options_and_credentials)
{
    check(options_body);
    check(unknown_option_body);
    check(login_body);
}
END_TEST

/* ---- reports, plans, events ------------------------------------------------------ */

static migrate_status swallow(void *user, const char *data, size_t len)
{
    (void)data;
    *(size_t *)user += len;
    return MIGRATE_OK;
}

static int32_t report_body(void *user)
{
    (void)user;
    struct migrate_report *r = mig_report_new(MIG_REPORT_RUN, NULL);
    if (!r)
        return done(false);
    struct migrate_item *item = NULL;
    for (int i = 0; i < 20; i++) {
        item = mig_report_add(r);
        if (!item) {
            migrate_report_free(r);
            return done(false);
        }
        item->version = mig_report_text(r, "some version");
        item->has_checksum = 1;
        item->path = "some/path";
    }
    (void)mig_fail(&r->error, MIGRATE_E_SQL, "x");
    alloc_fail_require(migrate_item_checksum(item) != NULL);
    size_t len = 0;
    migrate_status status = migrate_report_json_write(r, swallow, &len);
    const char *json = migrate_report_json(r);
    alloc_fail_require(strncmp(json, "{\"schema\":1,", 12) == 0);
    alloc_fail_require(json[strlen(json) - 1] == '}');
    alloc_fail_require(migrate_report_text(r)[0] != '\0');
    migrate_report_free(r);
    return status;
}

static int32_t plan_body(void *user)
{
    static struct mig_remark remark = { 1, 2, "drops" };
    (void)user;
    struct migrate_plan *plan = mig_plan_new(NULL);
    struct mig_step *step = plan ? mig_plan_add(plan) : NULL;
    if (step) {
        step->item.version = "1";
        step->destructive = &remark;
        step->n_destructive = 1;
        const char *json = migrate_plan_json(plan);
        alloc_fail_require(strncmp(json, "{\"schema\":1,", 12) == 0);
        alloc_fail_require(json[strlen(json) - 1] == '}');
    }
    migrate_plan_free(plan);
    return done(step != NULL);
}

static migrate_status listen(void *user, const migrate_event *event)
{
    (void)user;
    alloc_fail_require(migrate_event_text(event) != NULL);
    alloc_fail_require(strncmp(migrate_event_json(event), "{\"schema\":1,\"event\":", 20) == 0);
    return MIGRATE_OK;
}

static int32_t event_body(void *user)
{
    struct migrate_item item = { .version = "1", .name = "x" };
    struct migrate_event event = {
        .type = MIGRATE_EVENT_MIGRATION_BEGIN, .item = &item, .index = 1, .total = 2
    };
    return mig_event_emit(listen, user, &event);
}

START_TEST(reports_plans_events)
{
    check(report_body);
    check(plan_body);
    check(event_body);
}
END_TEST

/* ---- the harness itself ------------------------------------------------------------ */

static int32_t leaking(void *user)
{
    char *first = mig_strdup("kept"), *second = mig_strdup("x");
    if (first && second)
        free(first);
    else
        *(char **)user = first;
    free(second);
    return first && second ? MIGRATE_OK : MIGRATE_E_NOMEM;
}

static int32_t lying(void *user)
{
    char *text = mig_strdup("x");
    (void)user;
    free(text);
    return text ? MIGRATE_OK : MIGRATE_E_IO;
}

START_TEST(the_harness_sees)
{
    struct alloc_fail_report report;
    char *lost = NULL;
    ck_assert(!alloc_fail_each(leaking, &lost, MIGRATE_E_NOMEM, &report));
    ck_assert_ptr_nonnull(strstr(report.text, "allocation 2 failing: "));
    ck_assert_ptr_nonnull(strstr(report.text, "the newest, 1, is of 0x"));
    free(lost);
    ck_assert(!alloc_fail_each(lying, NULL, MIGRATE_E_NOMEM, &report));
    ck_assert_ptr_nonnull(strstr(report.text, "allocation 1 failing: it returned 201;"));
    size_t before = alloc_fail_live();
    alloc_fail_from(2);
    char *one = mig_strdup("a"), *two = mig_strdup("b"), *three = mig_strdup("c");
    uint64_t count = alloc_fail_count();
    bool hit = alloc_fail_hit();
    alloc_fail_off();
    free(one);
    size_t after = alloc_fail_live();
    ck_assert(one && !two && !three && hit);
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(after, before);
}
END_TEST

UNIT_MAIN("alloc_core", the_harness_sees, urls, errors, options_and_credentials, reports_plans_events)
