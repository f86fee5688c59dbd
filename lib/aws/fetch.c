/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/fetch.h"

#include <stdlib.h>
#include <string.h>

#include <migrate/status.h>

#include "aws/base64.h"
#include "aws/json.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/text.h"

enum { ATTEMPTS = 3 };

static migrate_status nomem(struct mig_diag *diag)
{
    return mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
}

/* ---- what the service answered ------------------------------------------------- */

static migrate_status unreadable(const char *what, struct mig_diag *diag)
{
    return mig_diag_set(diag, MIGRATE_E_OPTION, "%s: the answer holds no value", what);
}

static migrate_status read_binary(const char *base64, const char *what, struct mig_secret *out, struct mig_diag *diag)
{
    struct mig_buf text = MIG_BUF_INIT;
    migrate_status status;
    if (!mig_base64_decode(base64, strlen(base64), &text))
        status = text.oom ? nomem(diag) : unreadable(what, diag);
    else
        status = mig_secret_read(mig_buf_text(&text), text.len, what, out, diag);
    mig_buf_wipe(&text);
    return status;
}

static migrate_status read_value(const struct mig_buf *body, const struct mig_fetch *fetch, const char *what,
                                 struct mig_secret *out, struct mig_diag *diag)
{
    json_t *json = mig_json_read(body->data, body->len);
    const json_t *holder = fetch->secret ? json : json_object_get(json, "Parameter");
    const json_t *value = json_object_get(holder, fetch->secret ? "SecretString" : "Value");
    const char *binary = fetch->secret ? mig_json_text(json, "SecretBinary") : NULL;
    const char *version = fetch->secret ? mig_json_text(json, "VersionId") : NULL;
    migrate_status status;
    if (json_is_string(value))
        status = mig_secret_read(json_string_value(value), json_string_length(value), what, out, diag);
    else
        status = binary ? read_binary(binary, what, out, diag) : unreadable(what, diag);
    if (!status && version) {
        out->version = mig_strdup(version);
        if (!out->version)
            status = nomem(diag);
    }
    mig_json_drop(json);
    return status;
}

/* ---- the question -------------------------------------------------------------- */

static void write_body(struct mig_buf *body, const struct mig_fetch *fetch)
{
    mig_buf_str(body, fetch->secret ? "{\"SecretId\":" : "{\"Name\":");
    mig_json_str(body, fetch->secret ? fetch->secret : fetch->parameter);
    if (!fetch->secret)
        mig_buf_str(body, ",\"WithDecryption\":true");
    else if (fetch->stage)
        mig_buf_fmt(body, ",\"VersionStage\":\"%s\"", fetch->stage);
    mig_buf_char(body, '}');
}

/* "can't find the specified secret value for staging label", of one that is there. */
static bool lacks_stage(const struct mig_fetch *fetch, const struct mig_aws_answer *answer)
{
    return fetch->secret && fetch->stage && answer->error && strcmp(answer->error, "ResourceNotFoundException") == 0;
}

static migrate_status ask_service(struct mig_aws *aws, const struct mig_fetch *fetch, const char *what,
                                  const struct mig_aws_watch *watch, struct mig_aws_answer *answer,
                                  struct mig_diag *diag)
{
    char region[64];
    bool secret = fetch->secret != NULL;
    struct mig_buf body = MIG_BUF_INIT;
    struct mig_diag why = MIG_DIAG_INIT;
    struct mig_aws_call call = {
        .service = secret ? &mig_aws_secrets_manager : &mig_aws_ssm,
        .region = mig_aws_arn_region(secret ? fetch->secret : fetch->parameter, region) ? region : NULL,
        .path = "/",
        .target = secret ? "secretsmanager.GetSecretValue" : "AmazonSSM.GetParameter",
        .action = secret ? "secretsmanager:GetSecretValue" : "ssm:GetParameter",
        .what = what,
        .attempts = ATTEMPTS,
        .repeatable = true,
    };
    write_body(&body, fetch);
    call.body = body.data;
    call.body_len = body.len;
    migrate_status status = body.oom ? nomem(&why) : mig_aws_do(aws, &call, watch, answer, &why);
    if (status && lacks_stage(fetch, answer)) {
        status = MIGRATE_DONE;
    } else if (status) {
        mig_diag_set(diag, status, "%s", why.message ? why.message : "out of memory");
        if (why.hint)
            mig_diag_hint(diag, "%s", why.hint);
    }
    mig_diag_free(&why);
    mig_buf_free(&body);
    return status;
}

migrate_status mig_secret_fetch(struct mig_aws *aws, const struct mig_fetch *fetch, const struct mig_aws_watch *watch,
                                struct mig_secret *out, struct mig_diag *diag)
{
    struct mig_aws_answer answer = MIG_AWS_ANSWER_INIT;
    char *what = mig_sprintf("%s %s", fetch->secret ? "secret" : "parameter",
                             fetch->secret ? fetch->secret : fetch->parameter);
    if (!what)
        return nomem(diag);
    migrate_status status = fetch->fresh ? MIGRATE_DONE : mig_aws_extension_get(aws, fetch, watch, &answer.body);
    if (status == MIGRATE_DONE)
        status = ask_service(aws, fetch, what, watch, &answer, diag);
    else if (status)
        mig_diag_set(diag, status, "stopped waiting for %s", what);
    if (!status)
        status = read_value(&answer.body, fetch, what, out, diag);
    mig_aws_answer_free(&answer);
    free(what);
    return status;
}
