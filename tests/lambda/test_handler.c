/* SPDX-License-Identifier: Apache-2.0 */
/* The handler as a library: its calls, the body for CloudFormation, and every allocation failing in turn. */
#include <check.h>
#include <string.h>

#include <stdlib.h>

#include <migrate/drivers.h>
#include <migrate/lambda.h>
#include <migrate/migrate.h>

#include "aws/lambda.h"
#include "../fault/alloc_fail.h"

static migrate_status on_setup(void *user, migrate_ctx *ctx, migrate_error **err)
{
    static const char text[] = "CREATE TABLE a (id INTEGER);\nCREATE TABLE b (id INTEGER);\n";
    migrate_status status = migrate_ctx_add_driver(ctx, migrate_sqlite_driver(), err);
    (void)user;
    return status ? status : migrate_ctx_add_file(ctx, "1_a.sql", text, sizeof text - 1, err);
}

static void on_release(void *user)
{
    ++*(int *)user;
}

struct call {
    const char *mode;
    const char *event;
};

static migrate_status make(const struct call *call, migrate_lambda **out)
{
    migrate_status status = migrate_lambda_new(out, NULL);
    if (status == MIGRATE_OK)
        status = migrate_lambda_set(*out, MIGRATE_LAMBDA_MODE, call->mode, NULL);
    if (status == MIGRATE_OK)
        status = migrate_lambda_env(*out, "MIGRATE_DATABASE_URL", "sqlite::memory:", NULL);
    if (status == MIGRATE_OK)
        status = migrate_lambda_env(*out, "MIGRATE_PLACEHOLDER__Word", "w", NULL);
    if (status == MIGRATE_OK)
        status = migrate_lambda_set(*out, MIGRATE_LAMBDA_EVENT_ALLOW, "up,status,plan,verify,database,options", NULL);
    if (status == MIGRATE_OK)
        migrate_lambda_on_setup(*out, on_setup, NULL, NULL);
    return status;
}

/* Memory is out, or the invocation was served: that it cannot be told at all is E_NOMEM of the call. */
static int32_t serve(void *user)
{
    const struct call *call = user;
    migrate_lambda *lambda = NULL;
    migrate_lambda_reply *reply = NULL;
    migrate_error *err = NULL;
    migrate_status status = make(call, &lambda);
    if (status == MIGRATE_OK) {
        status = migrate_lambda_handle(lambda, call->event, strlen(call->event), "r", 60000, NULL, &reply, &err);
        alloc_fail_require((status == MIGRATE_OK) == (reply != NULL));
    }
    if (reply) {
        size_t len;
        const char *body = migrate_lambda_reply_body(reply, &len);
        alloc_fail_require(strlen(body) == len && body[0] == '{');
        if (migrate_lambda_reply_status(reply) == MIGRATE_E_NOMEM)
            status = MIGRATE_E_NOMEM;
    }
    migrate_lambda_reply_free(reply);
    migrate_lambda_free(lambda);
    migrate_error_free(err);
    return status;
}

static const struct call calls[] = {
    { "direct", "{}" },
    { "direct", "{\"command\":\"plan\",\"sql\":true}" },
    { "direct", "{\"command\":\"up\",\"options\":{\"retries\":3,\"lock_wait\":\"1s\"}}" },
    { "direct", "{\"items\":[{\"database\":\"sqlite::memory:\",\"id\":1}]}" },
    { "direct", "{\"Records\":[{\"eventSource\":\"aws:sqs\",\"messageId\":\"m\",\"body\":\"{}\"}]}" },
    { "cdk-provider", "{\"RequestType\":\"Create\",\"StackId\":\"s\",\"LogicalResourceId\":\"l\"}" },
    { "cdk-provider", "{\"RequestType\":\"Delete\",\"StackId\":\"s\",\"LogicalResourceId\":\"l\"}" },
    { "cdk-is-complete", "{\"RequestType\":\"Update\",\"StackId\":\"s\",\"LogicalResourceId\":\"l\"}" },
};

START_TEST(every_allocation_fails)
{
    struct alloc_fail_report report;
    struct call call = calls[_i];
    ck_assert_int_eq(serve(&call), MIGRATE_OK); /* what is made once is made */
    ck_assert_msg(alloc_fail_each(serve, &call, MIGRATE_E_NOMEM, &report), "%s: %s", call.event, report.text);
    ck_assert_msg(report.tried > 20 && report.refused > 20, "%llu tried", (unsigned long long)report.tried);
}
END_TEST

START_TEST(arguments)
{
    migrate_lambda *lambda = NULL;
    migrate_lambda_reply *reply = NULL;
    migrate_error *err = NULL;
    int released = 0;
    ck_assert_int_eq(migrate_lambda_new(NULL, NULL), MIGRATE_E_ARGUMENT);
    ck_assert_int_eq(migrate_lambda_new(&lambda, &err), MIGRATE_OK);
    ck_assert_int_eq(migrate_lambda_set(lambda, "mode", "guess", NULL), MIGRATE_E_OPTION);
    ck_assert_int_eq(migrate_lambda_set(lambda, "lock_wiat", "1s", NULL), MIGRATE_E_OPTION);
    ck_assert_int_eq(migrate_lambda_set(lambda, "deadline_margin", "soon", NULL), MIGRATE_E_OPTION);
    ck_assert_int_eq(migrate_lambda_set(lambda, "event_allow", "up,everything", NULL), MIGRATE_E_OPTION);
    ck_assert_int_eq(migrate_lambda_set(lambda, "lock_wait", "1s", NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_lambda_set(lambda, "lock_wait", NULL, NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_lambda_env(lambda, "HOME", "/", NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_lambda_handle(lambda, NULL, 1, "r", 1000, NULL, &reply, NULL), MIGRATE_E_ARGUMENT);
    ck_assert_int_eq(migrate_lambda_handle(NULL, "", 0, "r", 1000, NULL, &reply, NULL), MIGRATE_E_ARGUMENT);
    migrate_lambda_on_setup(lambda, on_setup, &released, on_release);
    migrate_lambda_on_setup(lambda, on_setup, &released, on_release);
    ck_assert_int_eq(released, 1);
    migrate_lambda_stop(lambda);
    migrate_lambda_stop(NULL);
    migrate_lambda_free(lambda);
    migrate_lambda_free(NULL);
    ck_assert_int_eq(released, 2);
    ck_assert_str_eq(migrate_lambda_reply_text(NULL), "");
    ck_assert_ptr_null(migrate_lambda_reply_error_type(NULL));
}
END_TEST

/* However long the reason, the body has at most 4,096 bytes, is filled as far as whole characters go, and is UTF-8. */
START_TEST(body_of_4096_bytes)
{
    static const char *const letters[] = { "x", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\"", "\n" };
    struct mig_lambda_stack stack = { .stack_id = "s", .request_id = "r", .logical_id = "l", .physical_id = "p" };
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        for (size_t n = 600; n < 4500; n += 7) {
            struct mig_buf reason = MIG_BUF_INIT, body = MIG_BUF_INIT;
            for (size_t k = 0; k < n; k++)
                mig_buf_str(&reason, letters[i]);
            ck_assert(mig_lambda_cfn_body(&body, &stack, mig_buf_text(&reason), NULL));
            ck_assert_uint_le(body.len, 4096);
            json_t *read = json_loadb(body.data, body.len, 0, NULL);
            ck_assert_ptr_nonnull(read);
            size_t kept = json_string_length(json_object_get(read, "Reason"));
            ck_assert_uint_eq(kept % strlen(letters[i]), 0);
            ck_assert(kept == reason.len || body.len > 4096 - 4);
            json_decref(read);
            mig_buf_free(&reason);
            mig_buf_free(&body);
        }
    }
}
END_TEST

START_TEST(data_is_dropped_last)
{
    struct mig_lambda_stack stack = { .stack_id = "s", .request_id = "r", .logical_id = "l", .physical_id = "p" };
    struct mig_buf data = MIG_BUF_INIT, body = MIG_BUF_INIT;
    mig_buf_str(&data, "{\"Version\":\"");
    for (int i = 0; i < 5000; i++)
        mig_buf_char(&data, '1');
    mig_buf_str(&data, "\"}");
    ck_assert(mig_lambda_cfn_body(&body, &stack, NULL, mig_buf_text(&data)));
    ck_assert_str_eq(mig_buf_text(&body), "{\"Status\":\"SUCCESS\",\"PhysicalResourceId\":\"p\",\"StackId\":\"s\",\"RequestId\":\"r\","
                                          "\"LogicalResourceId\":\"l\"}");
    mig_buf_free(&data);
    mig_buf_free(&body);
}
END_TEST

/* Work that is left is a failure to the framework, unless another function goes on with it. */
START_TEST(is_complete)
{
    const struct call call = { "cdk-provider", "{\"RequestType\":\"Create\",\"StackId\":\"s\",\"LogicalResourceId\":\"l\"}" };
    static const struct {
        const char *key, *value, *variable, *content;
    } rows[] = {
        { MIGRATE_LAMBDA_IS_COMPLETE, "0", NULL, NULL },
        { MIGRATE_LAMBDA_IS_COMPLETE, "1", NULL, NULL },
        { MIGRATE_LAMBDA_IS_COMPLETE, NULL, "MIGRATE_IS_COMPLETE", "1" },
        { MIGRATE_LAMBDA_IS_COMPLETE, NULL, "_HANDLER", "bootstrap.onEvent" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        migrate_lambda *lambda = NULL;
        migrate_lambda_reply *reply = NULL;
        ck_assert_int_eq(make(&call, &lambda), MIGRATE_OK);
        ck_assert_int_eq(migrate_lambda_set(lambda, rows[i].key, rows[i].value, NULL), MIGRATE_OK);
        if (rows[i].variable)
            ck_assert_int_eq(migrate_lambda_env(lambda, rows[i].variable, rows[i].content, NULL), MIGRATE_OK);
        ck_assert_int_eq(migrate_lambda_handle(lambda, call.event, strlen(call.event), "r", 0, NULL, &reply, NULL),
                         MIGRATE_OK);
        ck_assert_int_eq(migrate_lambda_reply_status(reply), MIGRATE_E_DEADLINE);
        ck_assert_int_eq(migrate_lambda_reply_error_type(reply) == NULL, i > 0);
        ck_assert_int_eq(strstr(migrate_lambda_reply_body(reply, NULL), "{\"PhysicalResourceId\":\"migrate-") != NULL, i > 0);
        migrate_lambda_reply_free(reply);
        ck_assert_int_eq(migrate_lambda_set(lambda, MIGRATE_LAMBDA_IS_COMPLETE, "perhaps", NULL), MIGRATE_E_OPTION);
        migrate_lambda_free(lambda);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lambda handler");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 240);
    tcase_add_test(all, arguments);
    tcase_add_test(all, body_of_4096_bytes);
    tcase_add_test(all, data_is_dropped_last);
    tcase_add_test(all, is_complete);
    tcase_add_loop_test(all, every_allocation_fails, 0, (int)(sizeof calls / sizeof *calls));
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
