/* SPDX-License-Identifier: Apache-2.0 */
/* Mode cfn: CloudFormation waits for a PUT to the URL it sent, for up to an hour. */
#include <stdlib.h>
#include <string.h>

#include "aws/http.h"
#include "aws/lambda.h"
#include "util/clock.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/text.h"

enum { BODY_MAX = 4096, ATTEMPTS = 5 };

/* ---- the body ---------------------------------------------------------------------- */

/* How many bytes of @p text fit into @p room as JSON, in whole characters. */
static size_t fitting(const char *text, size_t len, size_t room)
{
    size_t low = 0, high = len;
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2, cut = mig_utf8_cut(text, len, middle);
        struct mig_buf json = MIG_BUF_INIT;
        mig_json_strn(&json, text, cut);
        bool fits = !json.oom && json.len - 2 <= room;
        mig_buf_free(&json);
        if (fits)
            low = middle;
        else
            high = middle - 1;
    }
    return mig_utf8_cut(text, len, low);
}

static void add_member(struct mig_buf *out, const char *key, const char *value)
{
    mig_buf_fmt(out, ",\"%s\":", key);
    mig_json_str(out, value);
}

static void add_all(struct mig_buf *out, const struct mig_lambda_stack *stack, const char *reason, size_t reason_len,
                    const char *data)
{
    mig_buf_reset(out);
    mig_buf_fmt(out, "{\"Status\":\"%s\"", reason ? "FAILED" : "SUCCESS");
    if (reason) {
        mig_buf_str(out, ",\"Reason\":");
        mig_json_strn(out, reason, reason_len);
    }
    add_member(out, "PhysicalResourceId", stack->physical_id);
    add_member(out, "StackId", stack->stack_id);
    add_member(out, "RequestId", stack->request_id);
    add_member(out, "LogicalResourceId", stack->logical_id);
    if (data)
        mig_buf_fmt(out, ",\"Data\":%s", data);
    mig_buf_char(out, '}');
}

bool mig_lambda_cfn_body(struct mig_buf *out, const struct mig_lambda_stack *stack, const char *reason,
                         const char *data)
{
    size_t len = reason ? strlen(reason) : 0;
    add_all(out, stack, reason, len, data);
    if (out->len > BODY_MAX && reason) {
        add_all(out, stack, reason, 0, data);
        add_all(out, stack, reason, fitting(reason, len, out->len < BODY_MAX ? BODY_MAX - out->len : 0), data);
    }
    if (out->len > BODY_MAX)
        add_all(out, stack, reason, 0, NULL);
    return !out->oom;
}

/* ---- the PUT ----------------------------------------------------------------------- */

/* Plain HTTP is for tests on this machine. */
static bool is_usable(const char *url)
{
    static const char *const loopback[] = { "http://127.0.0.1", "http://localhost", "http://[::1]" };
    if (mig_starts(url, "https://"))
        return true;
    for (size_t i = 0; i < sizeof loopback / sizeof *loopback; i++) {
        size_t len = strlen(loopback[i]);
        if (mig_starts(url, loopback[i]) && strchr(":/?", url[len])) /* its end included */
            return true;
    }
    return false;
}

/* An answer that trying again would not change? */
static bool is_final(long status)
{
    return status < 500 && status != 408 && status != 429;
}

static migrate_status put_once(struct mig_http *http, const struct mig_http_request *request, int64_t until_ms,
                               bool *final, struct mig_diag *diag)
{
    struct mig_http_response response = MIG_HTTP_RESPONSE_INIT;
    struct mig_aws_watch watch = MIG_AWS_UNWATCHED;
    watch.until_ms = until_ms;
    migrate_status status = mig_http_do(http, request, &watch, &response, diag);
    long code = response.status;
    mig_http_response_free(&response);
    *final = status == MIGRATE_OK ? is_final(code) : status == MIGRATE_E_OPTION || status == MIGRATE_E_NOMEM;
    if (status == MIGRATE_OK && (code < 200 || code > 299))
        status = mig_diag_set(diag, MIGRATE_E_IO, "the server answered %ld", code);
    return status;
}

static migrate_status put(const struct migrate_lambda *l, const char *url, const char *body, int64_t until_ms,
                          struct mig_diag *diag)
{
    static const struct mig_http_header headers[] = { { "Content-Type", "" } };
    char *ca = l->ca_file ? mig_strdup(l->ca_file) : mig_lambda_package_ca(l);
    struct mig_http *http = mig_http_new();
    struct mig_http_request request = { .method = "PUT", .url = url, .headers = headers, .n_headers = 1, .body = body,
                                        .body_len = strlen(body), .ca_file = ca, .connect_ms = 5000,
                                        .total_ms = 15000, .repeatable = true };
    struct mig_aws_watch watch = MIG_AWS_UNWATCHED;
    migrate_status status = http ? MIGRATE_E_IO : mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
    bool final = !http;
    watch.until_ms = until_ms;
    for (int i = 0; status != MIGRATE_OK && !final && i < ATTEMPTS; i++) {
        if (i && mig_aws_watch_sleep(&watch, INT64_C(100) << (i - 1)) != MIGRATE_OK)
            break;
        mig_diag_free(diag);
        *diag = (struct mig_diag)MIG_DIAG_INIT;
        status = put_once(http, &request, until_ms, &final, diag);
    }
    mig_http_free(http);
    free(ca);
    return status;
}

/* ---- the answer, once -------------------------------------------------------------- */

struct answer {
    struct migrate_lambda *lambda;
    const struct mig_lambda_stack *stack;
    const struct mig_lambda_times *times;
    atomic_bool given;
    struct mig_buf body;
    migrate_status put_status;
    struct mig_diag diag;
};

/* Whoever comes first answers: the invocation, or the watchdog when that hangs. */
static void give(struct answer *a, const char *reason, const char *data)
{
    if (atomic_exchange(&a->given, true))
        return;
    if (!mig_lambda_cfn_body(&a->body, a->stack, reason, data))
        a->put_status = mig_diag_set(&a->diag, MIGRATE_E_NOMEM, "out of memory");
    else if (!is_usable(a->stack->url))
        a->put_status = mig_diag_set(&a->diag, MIGRATE_E_ARGUMENT, "the event has no ResponseURL that begins with https://");
    else
        a->put_status = put(a->lambda, a->stack->url, mig_buf_text(&a->body), a->times->end_ms - 200, &a->diag);
}

static void give_up(void *user)
{
    give(user, "E_DEADLINE (class 7): the function's time is over and its work does not end. What was not committed is "
               "rolled back when its connection closes. Deploy again; if it happens again, give the function a longer "
               "time-out.", NULL);
}

static void give_done(struct answer *a, const struct mig_lambda_done *done)
{
    struct mig_buf text = MIG_BUF_INIT;
    if (done->status == MIGRATE_OK) {
        mig_lambda_add_data(&text, done);
        give(a, NULL, text.oom ? NULL : mig_buf_text(&text));
    } else {
        mig_lambda_add_reason(&text, done->err);
        struct mig_buf whole = MIG_BUF_INIT;
        mig_buf_fmt(&whole, "%s (class %d): %s", migrate_status_name(done->status),
                    (int)MIGRATE_STATUS_CLASS(done->status), mig_buf_text(&text));
        give(a, whole.oom ? "E_NOMEM (class 2): out of memory" : mig_buf_text(&whole), NULL);
        mig_buf_free(&whole);
    }
    mig_buf_free(&text);
}

/* Lambda gets a success, or it would run everything again; but what could not be delivered is worth another try. */
static struct migrate_lambda_reply *reply(const struct migrate_lambda *l, const struct answer *a,
                                          const struct mig_lambda_done *done)
{
    struct mig_buf body = MIG_BUF_INIT, text = MIG_BUF_INIT;
    struct migrate_lambda_reply *r = NULL;
    migrate_error *err = NULL;
    if (a->put_status != MIGRATE_OK) {
        (void)mig_lambda_fail(&err, a->put_status, "the function needs a way to S3: a NAT gateway or an endpoint",
                              "the answer to CloudFormation could not be delivered: %s",
                              a->diag.message ? a->diag.message : "no answer in time");
        r = mig_lambda_reply_fail(l, err, "");
        migrate_error_free(err);
        return r;
    }
    mig_buf_str(&body, "{}");
    if (done && done->err)
        mig_lambda_add_reason(&text, done->err);
    else if (done && done->report)
        mig_lambda_add_sentence(&text, done);
    else
        mig_buf_str(&text, done ? "nothing was done" : "Delete: nothing was touched");
    if (!text.oom)
        r = mig_lambda_reply_make(&body, NULL, mig_buf_text(&text), done ? done->status : MIGRATE_OK);
    mig_buf_free(&body);
    mig_buf_free(&text);
    return r;
}

/* ---- the mode ---------------------------------------------------------------------- */

static void serve(struct answer *a, struct mig_lambda_done *done)
{
    struct mig_lambda_watchdog dog;
    mig_lambda_watchdog_start(&dog, a->lambda, a->times, give_up, a);
    mig_lambda_stack_run(a->lambda, a->stack, a->times, done);
    mig_lambda_watchdog_end(&dog);
    give_done(a, done);
}

struct migrate_lambda_reply *mig_lambda_cfn(struct migrate_lambda *l, const json_t *event,
                                            const struct mig_lambda_times *times, struct mig_lambda_kept *kept)
{
    struct mig_lambda_stack stack;
    struct mig_lambda_done done = { .report = NULL };
    struct answer a = { .lambda = l, .stack = &stack, .times = times, .body = MIG_BUF_INIT, .diag = MIG_DIAG_INIT };
    struct migrate_lambda_reply *r;
    done.status = mig_lambda_stack_read(event, &stack, &done.err);
    bool deletes = done.status == MIGRATE_OK && strcmp(stack.type, "Delete") == 0;
    atomic_init(&a.given, false);
    if (done.status != MIGRATE_OK && !*stack.url) {
        r = mig_lambda_reply_fail(l, done.err, ""); /* nobody waits for a PUT */
        mig_lambda_done_free(&done);
        return r;
    }
    if (deletes)
        give(&a, NULL, NULL);
    else if (done.status != MIGRATE_OK)
        give_done(&a, &done);
    else
        serve(&a, &done);
    r = reply(l, &a, deletes ? NULL : &done);
    kept->put_url = mig_strdup(stack.url);
    kept->put_body = mig_buf_steal(&a.body);
    mig_lambda_done_free(&done);
    mig_diag_free(&a.diag);
    return r;
}

struct migrate_lambda_reply *mig_lambda_cfn_again(struct migrate_lambda *l, const struct mig_lambda_kept *kept,
                                                  const struct mig_lambda_times *times)
{
    struct mig_diag diag = MIG_DIAG_INIT;
    struct answer a = { .lambda = l, .times = times, .diag = MIG_DIAG_INIT };
    if (!kept->put_url || !kept->put_body || !is_usable(kept->put_url))
        return mig_lambda_reply_copy(kept->reply);
    a.put_status = put(l, kept->put_url, kept->put_body, times->end_ms - 200, &diag);
    a.diag = diag;
    struct migrate_lambda_reply *r;
    if (a.put_status == MIGRATE_OK && kept->reply->error_type) {
        struct mig_buf body = MIG_BUF_INIT;
        mig_buf_str(&body, "{}");
        r = mig_lambda_reply_make(&body, NULL, "the answer was delivered after all", MIGRATE_OK);
    } else {
        r = a.put_status == MIGRATE_OK ? mig_lambda_reply_copy(kept->reply) : reply(l, &a, NULL);
    }
    mig_diag_free(&a.diag);
    return r;
}
