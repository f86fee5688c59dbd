/* SPDX-License-Identifier: Apache-2.0 */

/* Roles assumed at STS, which speaks forms and XML. */

#include <stdlib.h>
#include <string.h>

#include <migrate/status.h>

#include "aws/endpoint.h"
#include "aws/environment.h"
#include "aws/file.h"
#include "aws/send.h"
#include "aws/source.h"
#include "aws/xml.h"
#include "util/buf.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/text.h"

#define SESSION "libmigrate"
#define FORM "application/x-www-form-urlencoded; charset=utf-8"

enum { ATTEMPTS = 3, ATTEMPT_MS = 5000, PAUSE_MS = 200, TOKEN_MAX = 64 * 1024 };

static void field(struct mig_buf *form, const char *name, const char *value)
{
    if (!value)
        return;
    mig_buf_fmt(form, "&%s=", name);
    mig_sigv4_encode(form, value, strlen(value), false);
}

/* ---- the answer ---------------------------------------------------------------- */

static migrate_status read_role(const struct mig_aws_finder *f, const struct mig_http_response *answer,
                                struct mig_aws_identity *out)
{
    static const char *const tags[] = { "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration" };
    char *texts[4];
    for (size_t i = 0; i < 4; i++)
        texts[i] = mig_xml_text(answer->body.data, answer->body.len, tags[i]);
    migrate_status status =
        mig_aws_identity_fill(out, texts[0], texts[1], texts[2], texts[3], "an assumed role", f->diag);
    for (size_t i = 0; i < 4; i++)
        mig_wipe_free(texts[i]);
    return status;
}

static migrate_status refused(const struct mig_aws_finder *f, const char *arn, const struct mig_http_response *answer)
{
    char *code = mig_xml_text(answer->body.data, answer->body.len, "Code");
    char *message = mig_xml_text(answer->body.data, answer->body.len, "Message");
    bool denied = code && strcmp(code, "AccessDenied") == 0;
    migrate_status status = denied ? MIGRATE_E_DENIED : answer->status >= 500 ? MIGRATE_E_UNAVAILABLE : MIGRATE_E_AUTH;
    mig_diag_set(f->diag, status, "STS gives no credentials for the role %s: %s (HTTP %ld)%s%s", arn,
                 code ? code : "no reason", answer->status, message ? ": " : "", message ? message : "");
    if (denied)
        mig_diag_hint(f->diag, "the trust policy of the role decides who may assume it");
    free(code);
    free(message);
    return status;
}

/* ---- the question -------------------------------------------------------------- */

struct question {
    const struct mig_aws_finder *f;
    const char *arn;
    const struct mig_buf *form;
    const struct mig_aws_identity *by; /* NULL: not signed */
    char *base;
};

static migrate_status ask_once(const struct question *q, struct mig_http_response *answer, struct mig_diag *diag)
{
    struct mig_aws_keys keys = { NULL, NULL, NULL };
    if (q->by)
        keys = mig_aws_identity_keys(q->by);
    struct mig_aws_send send = { .keys = q->by ? &keys : NULL, .region = q->f->region ? q->f->region : "us-east-1",
                                 .signing = mig_aws_sts.prefix, .unix_ms = q->f->unix_ms, .base = q->base, .path = "/",
                                 .content_type = FORM, .body = q->form->data, .body_len = q->form->len,
                                 .ca_file = q->f->ca_file, .connect_ms = ATTEMPT_MS, .total_ms = 2 * ATTEMPT_MS,
                                 .repeatable = true };
    return mig_aws_send(q->f->http, &send, q->f->watch, answer, diag);
}

static bool try_again(migrate_status status, const struct mig_http_response *answer)
{
    if (status)
        return answer->failure == MIG_HTTP_NO_SERVER || answer->failure == MIG_HTTP_LOST;
    return answer->status == 429 || answer->status >= 500;
}

static migrate_status ask(const struct question *q, struct mig_aws_identity *out)
{
    struct mig_http_response answer = MIG_HTTP_RESPONSE_INIT;
    for (unsigned attempt = 1;; attempt++) {
        struct mig_diag diag = MIG_DIAG_INIT;
        migrate_status status = ask_once(q, &answer, &diag);
        bool again = attempt < ATTEMPTS && try_again(status, &answer);
        if (!again && status)
            mig_diag_set(q->f->diag, status, "STS: %s", diag.message ? diag.message : "no answer");
        mig_diag_free(&diag);
        if (again && !(status = mig_aws_watch_sleep(q->f->watch, (int64_t)PAUSE_MS << attempt)))
            continue;
        if (again)
            mig_diag_set(q->f->diag, status, "stopped waiting for STS");
        else if (!status && answer.status == 200)
            status = read_role(q->f, &answer, out);
        else if (!status)
            status = refused(q->f, q->arn, &answer);
        mig_http_response_free(&answer);
        return status;
    }
}

static migrate_status assume(const struct mig_aws_finder *f, const char *arn, const struct mig_buf *form,
                             const struct mig_aws_identity *by, struct mig_aws_identity *out)
{
    struct question q = { f, arn, form, by, NULL };
    if (form->oom)
        return mig_diag_set(f->diag, MIGRATE_E_NOMEM, "out of memory");
    migrate_status status = mig_aws_endpoint(&mig_aws_sts, f->region, &q.base, f->diag);
    if (!status)
        status = ask(&q, out);
    free(q.base);
    return status;
}

migrate_status mig_aws_assume_by_token(const struct mig_aws_finder *f, const char *arn, const char *token_file,
                                       const char *session, struct mig_aws_identity *out)
{
    char *token = NULL;
    struct mig_buf form = MIG_BUF_INIT;
    migrate_status status = mig_aws_file_token(token_file, TOKEN_MAX, &token, f->diag);
    if (!status) {
        (void)mig_buf_reserve(&form, 3 * strlen(token) + 1024);
        mig_buf_str(&form, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15");
        field(&form, "RoleArn", arn);
        field(&form, "RoleSessionName", session ? session : SESSION);
        field(&form, "WebIdentityToken", token);
        status = assume(f, arn, &form, NULL, out);
    }
    mig_buf_wipe(&form);
    mig_wipe_free(token);
    return status;
}

migrate_status mig_aws_assume_by_keys(const struct mig_aws_finder *f, const char *arn, const char *external_id,
                                      const char *session, const struct mig_aws_identity *by,
                                      struct mig_aws_identity *out)
{
    struct mig_buf form = MIG_BUF_INIT;
    mig_buf_str(&form, "Action=AssumeRole&Version=2011-06-15");
    field(&form, "RoleArn", arn);
    field(&form, "RoleSessionName", session ? session : SESSION);
    field(&form, "ExternalId", external_id);
    migrate_status status = assume(f, arn, &form, by, out);
    mig_buf_free(&form);
    return status;
}

migrate_status mig_aws_from_web_identity(const struct mig_aws_finder *f, struct mig_aws_identity *out)
{
    const char *file = mig_aws_env("AWS_WEB_IDENTITY_TOKEN_FILE"), *arn = mig_aws_env("AWS_ROLE_ARN");
    if (!file)
        return MIGRATE_DONE;
    if (!arn)
        return mig_diag_set(f->diag, MIGRATE_E_OPTION, "AWS_WEB_IDENTITY_TOKEN_FILE is set, AWS_ROLE_ARN is not");
    return mig_aws_assume_by_token(f, arn, file, mig_aws_env("AWS_ROLE_SESSION_NAME"), out);
}
