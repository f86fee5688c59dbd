/* SPDX-License-Identifier: Apache-2.0 */

/* Credentials of an EC2 instance's role, by version 2 of its metadata service alone. */

#include <stdlib.h>
#include <string.h>

#include <migrate/status.h>

#include "aws/environment.h"
#include "aws/source.h"
#include "util/buf.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/text.h"

#define WHAT "the instance's metadata service"
#define ROLES "/latest/meta-data/iam/security-credentials/"

enum { ATTEMPTS = 2, ATTEMPT_MS = 1000, ROLE_MAX = 128 };

static const char *base(void)
{
    const char *url = mig_aws_env("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = mig_aws_env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    if (url)
        return url;
    return mode && mig_ieq(mode, "ipv6") ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
}

static migrate_status ask(const struct mig_aws_finder *f, const char *method, const char *path, const char *role,
                          const struct mig_http_header *headers, unsigned attempts, struct mig_http_response *out)
{
    const char *at = base();
    size_t len = strlen(at);
    while (len && at[len - 1] == '/')
        len--;
    char *url = mig_sprintf("%.*s%s%s", (int)len, at, path, role);
    if (!url)
        return mig_diag_set(f->diag, MIGRATE_E_NOMEM, "out of memory");
    migrate_status status = mig_aws_ask_local(f, method, url, headers, WHAT, attempts, ATTEMPT_MS, out);
    free(url);
    return status;
}

/* The first line, if it is one word. */
static char *word_of(const struct mig_http_response *answer)
{
    const char *text = mig_buf_text(&answer->body);
    size_t len = strcspn(text, "\r\n");
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f)
            return NULL;
    }
    return len ? mig_strndup(text, len) : NULL;
}

static migrate_status read_role(const struct mig_aws_finder *f, const char *role,
                                const struct mig_http_header *headers, struct mig_aws_identity *out)
{
    struct mig_http_response answer = MIG_HTTP_RESPONSE_INIT;
    struct mig_buf encoded = MIG_BUF_INIT;
    mig_sigv4_encode(&encoded, role, strlen(role), false);
    migrate_status status = encoded.oom ? mig_diag_set(f->diag, MIGRATE_E_NOMEM, "out of memory")
                                        : ask(f, "GET", ROLES, mig_buf_text(&encoded), headers, ATTEMPTS, &answer);
    if (!status)
        status = mig_aws_identity_read(&answer, WHAT, out, f->diag);
    mig_buf_free(&encoded);
    mig_http_response_free(&answer);
    return status;
}

static migrate_status with_token(const struct mig_aws_finder *f, const char *token, struct mig_aws_identity *out)
{
    const struct mig_http_header headers[] = { { "X-aws-ec2-metadata-token", token }, { NULL, NULL } };
    struct mig_http_response answer = MIG_HTTP_RESPONSE_INIT;
    migrate_status status = ask(f, "GET", ROLES, "", headers, ATTEMPTS, &answer);
    char *role = status ? NULL : word_of(&answer);
    if (status && !answer.failure && answer.status == 404)
        mig_diag_hint(f->diag, "the instance has no role: attach an instance profile");
    if (!status && (!role || strlen(role) > ROLE_MAX))
        status = mig_diag_set(f->diag, MIGRATE_E_AUTH, WHAT " names no role");
    if (!status)
        status = read_role(f, role, headers, out);
    free(role);
    mig_http_response_free(&answer);
    return status;
}

/* Nobody answers where there is no such service: then this is no instance, which is no failure. */
migrate_status mig_aws_from_instance(const struct mig_aws_finder *f, struct mig_aws_identity *out)
{
    static const struct mig_http_header headers[] = {
        { "X-aws-ec2-metadata-token-ttl-seconds", "21600" },
        { NULL, NULL },
    };
    struct mig_http_response answer = MIG_HTTP_RESPONSE_INIT;
    struct mig_diag quiet = MIG_DIAG_INIT;
    struct mig_aws_finder probe = *f;
    if (mig_aws_env_true("AWS_EC2_METADATA_DISABLED"))
        return MIGRATE_DONE;
    probe.diag = &quiet;
    migrate_status status = ask(&probe, "PUT", "/latest/api/token", "", headers, 1, &answer);
    char *token = status ? NULL : word_of(&answer);
    if (status && answer.failure == MIG_HTTP_STOPPED)
        mig_diag_set(f->diag, status, "stopped waiting for " WHAT);
    else if (status && !answer.failure && answer.status >= 500)
        mig_diag_set(f->diag, status, WHAT " answers HTTP %ld", answer.status);
    else if (status || !token)
        status = MIGRATE_DONE;
    else
        status = with_token(f, token, out);
    mig_wipe_free(token);
    mig_http_response_free(&answer);
    mig_diag_free(&quiet);
    return status;
}
