/* SPDX-License-Identifier: Apache-2.0 */

/* Credentials of a container: ECS's agent, EKS's, or whatever AWS_CONTAINER_CREDENTIALS_FULL_URI names. */

#include <stdlib.h>
#include <string.h>

#include <migrate/status.h>

#include "aws/environment.h"
#include "aws/file.h"
#include "aws/source.h"
#include "util/buf.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/text.h"
#include "util/url.h"

#define WHAT "the container's credentials endpoint"
#define ECS "http://169.254.170.2"

enum { ATTEMPTS = 3, ATTEMPT_MS = 2000, TOKEN_MAX = 64 * 1024 };

static bool is_loopback(const char *host)
{
    if (strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0)
        return true;
    if (!mig_starts(host, "127."))
        return false;
    for (; *host; host++) {
        if (!mig_is_digit(*host) && *host != '.')
            return false; /* 127.example.org */
    }
    return true;
}

/* Without TLS, only to addresses that are this machine's: a token goes with the question. */
static bool is_allowed(const char *text)
{
    struct mig_url url = { 0 };
    struct mig_diag ignored = MIG_DIAG_INIT;
    bool good = false;
    if (mig_url_parse(&url, text, &ignored) == MIGRATE_OK && url.scheme && url.host) {
        static const char *const local[] = { "169.254.170.2", "169.254.170.23", "fd00:ec2::23" };
        good = strcmp(url.scheme, "https") == 0;
        bool plain = strcmp(url.scheme, "http") == 0;
        good = good || (plain && is_loopback(url.host));
        for (size_t i = 0; i < sizeof local / sizeof *local; i++)
            good = good || (plain && mig_ieq(url.host, local[i]));
    }
    mig_url_free(&url);
    mig_diag_free(&ignored);
    return good;
}

static migrate_status find_url(const struct mig_aws_finder *f, char **out)
{
    const char *relative = mig_aws_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = mig_aws_env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (!relative && !full)
        return MIGRATE_DONE;
    if (!relative && !is_allowed(full)) {
        mig_diag_set(f->diag, MIGRATE_E_OPTION, "AWS_CONTAINER_CREDENTIALS_FULL_URI names a host that may not be "
                                                "asked without TLS");
        mig_diag_hint(f->diag, "allowed are https, loopback addresses, and those of ECS and EKS");
        return MIGRATE_E_OPTION;
    }
    *out = relative ? mig_sprintf("%s%s%s", ECS, *relative == '/' ? "" : "/", relative) : mig_strdup(full);
    return *out ? MIGRATE_OK : mig_diag_set(f->diag, MIGRATE_E_NOMEM, "out of memory");
}

/* *@p out: owned, NULL when there is none to send. */
static migrate_status find_token(const struct mig_aws_finder *f, char **out)
{
    const char *file = mig_aws_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = mig_aws_env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    *out = NULL;
    if (file) {
        migrate_status status = mig_aws_file_token(file, TOKEN_MAX, out, f->diag);
        if (status)
            return status;
    } else if (token) {
        *out = mig_strdup(token);
        if (!*out)
            return mig_diag_set(f->diag, MIGRATE_E_NOMEM, "out of memory");
    }
    if (!*out || !strpbrk(*out, "\r\n"))
        return MIGRATE_OK;
    return mig_diag_set(f->diag, MIGRATE_E_OPTION, "the token for " WHAT " has more than one line");
}

migrate_status mig_aws_from_container(const struct mig_aws_finder *f, struct mig_aws_identity *out)
{
    char *url = NULL, *token = NULL;
    struct mig_http_response answer = MIG_HTTP_RESPONSE_INIT;
    migrate_status status = find_url(f, &url);
    if (!status)
        status = find_token(f, &token);
    if (!status) {
        const struct mig_http_header headers[] = {
            { "Accept", "application/json" },
            { token ? "Authorization" : NULL, token },
            { NULL, NULL },
        };
        status = mig_aws_ask_local(f, "GET", url, headers, WHAT, ATTEMPTS, ATTEMPT_MS, &answer);
    }
    if (!status)
        status = mig_aws_identity_read(&answer, WHAT, out, f->diag);
    mig_http_response_free(&answer);
    mig_wipe_free(token);
    free(url);
    return status;
}
