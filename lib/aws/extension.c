/* SPDX-License-Identifier: Apache-2.0 */

/* The AWS Parameters and Secrets Lambda Extension. */

#include <string.h>

#include <migrate/status.h>

#include "aws/environment.h"
#include "aws/fetch.h"
#include "aws/http.h"
#include "util/diag.h"
#include "util/text.h"

#define USUAL_PORT "2773"

enum { CONNECT_MS = 500, TOTAL_MS = 5000 };

static bool is_port(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        if (!mig_is_digit(text[i]))
            return false;
    }
    return len >= 1 && len <= 5;
}

/* NULL where there can be no extension. */
static const char *port(void)
{
    const char *own = mig_aws_env("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT");
    if (own)
        return is_port(own) ? own : NULL;
    return mig_aws_env("AWS_LAMBDA_FUNCTION_NAME") ? USUAL_PORT : NULL;
}

static void write_url(struct mig_buf *url, const char *at, const struct mig_fetch *fetch)
{
    const char *name = fetch->secret ? fetch->secret : fetch->parameter;
    mig_buf_fmt(url, "http://localhost:%s%s", at,
                fetch->secret ? "/secretsmanager/get?secretId=" : "/systemsmanager/parameters/get?name=");
    mig_sigv4_encode(url, name, strlen(name), false);
    if (fetch->secret && fetch->stage)
        mig_buf_fmt(url, "&versionStage=%s", fetch->stage);
    if (!fetch->secret)
        mig_buf_str(url, "&withDecryption=true");
}

migrate_status mig_aws_extension_get(struct mig_aws *aws, const struct mig_fetch *fetch,
                                     const struct mig_aws_watch *watch, struct mig_buf *body)
{
    const char *token = mig_aws_env("AWS_SESSION_TOKEN"), *at = port();
    if (!token || !at)
        return MIGRATE_DONE;
    const struct mig_http_header headers[] = { { "X-Aws-Parameters-Secrets-Token", token } };
    struct mig_buf url = MIG_BUF_INIT;
    struct mig_diag ignored = MIG_DIAG_INIT;
    struct mig_http_response answer = MIG_HTTP_RESPONSE_INIT;
    write_url(&url, at, fetch);
    struct mig_http_request request = { .method = "GET", .url = mig_buf_text(&url), .headers = headers, .n_headers = 1,
                                        .connect_ms = CONNECT_MS, .total_ms = TOTAL_MS, .direct = true,
                                        .repeatable = true };
    migrate_status status = url.oom ? MIGRATE_E_NOMEM : mig_http_do(mig_aws_http(aws), &request, watch, &answer, &ignored);
    if (status && answer.failure != MIG_HTTP_STOPPED)
        status = MIGRATE_DONE;
    if (!status && answer.status != 200)
        status = MIGRATE_DONE; /* not ready yet, or it may not: the service says it better */
    if (!status) {
        *body = answer.body;
        answer.body = (struct mig_buf)MIG_BUF_INIT;
    }
    mig_buf_free(&url);
    mig_diag_free(&ignored);
    mig_http_response_free(&answer);
    return status;
}
