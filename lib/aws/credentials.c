/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/credentials.h"

#include <stdlib.h>
#include <string.h>

#include <migrate/status.h>

#include "aws/environment.h"
#include "aws/json.h"
#include "aws/profile.h"
#include "aws/source.h"
#include "util/clock.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/text.h"

enum { PAUSE_MS = 100 };

void mig_aws_identity_free(struct mig_aws_identity *identity)
{
    mig_wipe_free(identity->access_key);
    mig_wipe_free(identity->secret_key);
    mig_wipe_free(identity->session_token);
    *identity = (struct mig_aws_identity)MIG_AWS_IDENTITY_INIT;
}

struct mig_aws_keys mig_aws_identity_keys(const struct mig_aws_identity *identity)
{
    return (struct mig_aws_keys){ identity->access_key, identity->secret_key, identity->session_token };
}

bool mig_aws_identity_lasts(const struct mig_aws_identity *identity, int64_t unix_ms, int64_t ms)
{
    return identity->access_key && (identity->expires_ms == INT64_MAX || identity->expires_ms - unix_ms > ms);
}

/* Where a line end in a key would add a header to the request. */
static bool is_clean(const char *text)
{
    for (; text && *text; text++) {
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
            return false;
    }
    return true;
}

migrate_status mig_aws_identity_fill(struct mig_aws_identity *out, const char *access_key, const char *secret_key,
                                     const char *session_token, const char *expires, const char *from,
                                     struct mig_diag *diag)
{
    mig_aws_identity_free(out);
    if (!access_key || !*access_key || !secret_key || !*secret_key)
        return mig_diag_set(diag, MIGRATE_E_AUTH, "%s has no whole pair of AWS keys", from);
    if (!is_clean(access_key) || !is_clean(secret_key) || !is_clean(session_token))
        return mig_diag_set(diag, MIGRATE_E_AUTH, "the AWS keys of %s hold characters that no key has", from);
    out->from = from;
    out->expires_ms = INT64_MAX;
    if (expires && !mig_clock_parse(expires, &out->expires_ms))
        return mig_diag_set(diag, MIGRATE_E_AUTH, "%s says in no readable way when its AWS keys expire", from);
    out->access_key = mig_strdup(access_key);
    out->secret_key = mig_strdup(secret_key);
    bool token = session_token && *session_token;
    out->session_token = token ? mig_strdup(session_token) : NULL;
    if (out->access_key && out->secret_key && (!token || out->session_token))
        return MIGRATE_OK;
    mig_aws_identity_free(out);
    return mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
}

migrate_status mig_aws_identity_read(const struct mig_http_response *answer, const char *from,
                                     struct mig_aws_identity *out, struct mig_diag *diag)
{
    json_t *json = mig_json_read(answer->body.data, answer->body.len);
    const char *code = mig_json_text(json, "Code");
    migrate_status status;
    if (!json_is_object(json))
        status = mig_diag_set(diag, MIGRATE_E_AUTH, "%s did not answer with a JSON object", from);
    else if (code && !mig_ieq(code, "Success"))
        status = mig_diag_set(diag, MIGRATE_E_AUTH, "%s has no AWS credentials: %s", from, code);
    else
        status = mig_aws_identity_fill(out, mig_json_text(json, "AccessKeyId"), mig_json_text(json, "SecretAccessKey"),
                                       mig_json_text(json, "Token"), mig_json_text(json, "Expiration"), from, diag);
    mig_json_drop(json);
    return status;
}

static bool try_again(migrate_status status, const struct mig_http_response *answer)
{
    if (status)
        return answer->failure == MIG_HTTP_NO_SERVER || answer->failure == MIG_HTTP_LOST;
    return answer->status == 429 || answer->status >= 500;
}

migrate_status mig_aws_ask_local(const struct mig_aws_finder *f, const char *method, const char *url,
                                 const struct mig_http_header *headers, const char *what, unsigned attempts,
                                 int64_t attempt_ms, struct mig_http_response *out)
{
    struct mig_http_request request = { .method = method, .url = url, .headers = headers, .ca_file = f->ca_file,
                                        .connect_ms = attempt_ms, .total_ms = 2 * attempt_ms, .direct = true,
                                        .repeatable = true };
    while (headers && headers[request.n_headers].name)
        request.n_headers++;
    for (unsigned attempt = 1;; attempt++) {
        struct mig_diag diag = MIG_DIAG_INIT;
        migrate_status status = mig_http_do(f->http, &request, f->watch, out, &diag);
        if (attempt < attempts && try_again(status, out)) {
            mig_diag_free(&diag);
            status = mig_aws_watch_sleep(f->watch, (int64_t)PAUSE_MS << attempt);
            if (status)
                return mig_diag_set(f->diag, status, "stopped waiting for %s", what);
            continue;
        }
        if (!status && out->status != 200)
            status = mig_diag_set(f->diag, MIGRATE_E_AUTH, "%s answers HTTP %ld", what, out->status);
        else if (status)
            mig_diag_set(f->diag, status, "%s: %s", what, diag.message ? diag.message : "no answer");
        mig_diag_free(&diag);
        return status;
    }
}

migrate_status mig_aws_from_environment(const struct mig_aws_finder *f, struct mig_aws_identity *out)
{
    const char *id = mig_aws_env("AWS_ACCESS_KEY_ID");
    const char *secret = mig_aws_env("AWS_SECRET_ACCESS_KEY");
    if (!id && !secret)
        return MIGRATE_DONE;
    if (!id || !secret)
        return mig_diag_set(f->diag, MIGRATE_E_AUTH, "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set");
    return mig_aws_identity_fill(out, id, secret, mig_aws_env("AWS_SESSION_TOKEN"), NULL, "the environment", f->diag);
}

migrate_status mig_aws_find_identity(const struct mig_aws_finder *finder, struct mig_aws_identity *out)
{
    static migrate_status (*const sources[])(const struct mig_aws_finder *, struct mig_aws_identity *) = {
        mig_aws_from_environment, mig_aws_from_web_identity, mig_aws_from_profile, mig_aws_from_container,
        mig_aws_from_instance,
    };
    mig_aws_identity_free(out);
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        migrate_status status = sources[i](finder, out);
        if (status != MIGRATE_DONE)
            return status;
    }
    mig_diag_set(finder->diag, MIGRATE_E_AUTH, "no AWS credentials were found");
    mig_diag_hint(finder->diag, "give the function or instance a role, set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and "
                                "AWS_SECRET_ACCESS_KEY");
    return MIGRATE_E_AUTH;
}

migrate_status mig_aws_find_region(char **out, struct mig_diag *diag)
{
    const char *region = mig_aws_env("AWS_REGION");
    *out = NULL;
    if (!region)
        region = mig_aws_env("AWS_DEFAULT_REGION");
    if (!region)
        return mig_aws_profile_region(out, diag);
    *out = mig_strdup(region);
    return *out ? MIGRATE_OK : mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
}
