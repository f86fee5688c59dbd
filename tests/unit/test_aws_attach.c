/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdbool.h>

#include <migrate/aws.h>
#include <migrate/driver.h>

#undef fail /* of Check; a member here */

struct within {
    migrate_ctx *ctx;
    migrate_status seen;
};

static migrate_status from_within(void *user, migrate_login *login, migrate_error **err)
{
    struct within *w = user;
    (void)login;
    w->seen = migrate_aws_attach(w->ctx, err);
    return MIGRATE_E_CALLBACK;
}

static migrate_status open_door(const migrate_host *host, const char *url, void **out_conn, migrate_error **err)
{
    migrate_credentials cred = { .struct_size = sizeof cred };
    migrate_status status = host->credentials(host, MIGRATE_CRED_FIRST, &cred, err);
    bool none = !cred.user && !cred.password && !cred.host;
    if (cred.release)
        cred.release(&cred);
    if (!status && !none)
        return MIGRATE_E_CONTRACT;
    (void)url;
    *out_conn = status ? NULL : (void *)(uintptr_t)host;
    return status;
}

static void close_door(void *conn)
{
    (void)conn;
}

static migrate_status exec_door(void *conn, const migrate_stmt *stmt, migrate_result *out, migrate_error **err)
{
    (void)conn, (void)stmt, (void)err;
    out->outcome = MIGRATE_OUTCOME_NONE;
    return MIGRATE_E_SQL;
}

static const char *const schemes[] = { "door", NULL };
static const migrate_driver door = { .struct_size = sizeof door, .api = MIGRATE_DRIVER_API, .name = "door",
                                     .schemes = schemes, .open = open_door, .close = close_door, .exec = exec_door };

static migrate_ctx *new_context(void)
{
    migrate_ctx *ctx = NULL;
    ck_assert_int_eq(migrate_ctx_new(&ctx, NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_ctx_add_driver(ctx, &door, NULL), MIGRATE_OK);
    return ctx;
}

START_TEST(arguments)
{
    migrate_error *err = NULL;
    ck_assert_int_eq(migrate_aws_attach(NULL, &err), MIGRATE_E_ARGUMENT);
    migrate_error_free(err);
    ck_assert_int_eq(migrate_aws_open(NULL, "door://h", NULL), MIGRATE_E_ARGUMENT);
    migrate_ctx *ctx = new_context();
    ck_assert_int_eq(migrate_aws_open(ctx, NULL, &err), MIGRATE_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(migrate_error_hint(err), "secret"));
    migrate_error_free(err);
    migrate_ctx_free(ctx);
}
END_TEST

/* Without an option that asks for it nothing of AWS is looked for, and the URL has the word. */
START_TEST(no_option)
{
    migrate_ctx *ctx = new_context();
    setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1", 1);
    ck_assert_int_eq(migrate_aws_attach(ctx, NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_aws_attach(ctx, NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_ctx_open(ctx, "door://user:password@h", NULL), MIGRATE_OK);
    migrate_ctx_close(ctx);
    ck_assert_int_eq(migrate_aws_open(ctx, "door://h", NULL), MIGRATE_OK);
    migrate_ctx_free(ctx);
}
END_TEST

START_TEST(within_a_callback)
{
    struct within s = { new_context(), MIGRATE_OK };
    migrate_ctx_on_credentials(s.ctx, from_within, &s, NULL);
    ck_assert_int_eq(migrate_ctx_open(s.ctx, "door://h", NULL), MIGRATE_E_CALLBACK);
    ck_assert_int_eq(s.seen, MIGRATE_E_MISUSE);
    migrate_ctx_free(s.ctx);
}
END_TEST

UNIT_MAIN("aws_attach", arguments, no_option, within_a_callback)
