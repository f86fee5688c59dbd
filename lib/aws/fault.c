/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/fault.h"

#include <stdlib.h>
#include <string.h>

#include <migrate/status.h>

#include "aws/json.h"
#include "aws/xml.h"
#include "util/mem.h"
#include "util/text.h"

enum { MESSAGE_MAX = 1024 };

static bool is_one_of(const char *error, const char *const *names, size_t n)
{
    for (size_t i = 0; error && i < n; i++) {
        if (strcmp(error, names[i]) == 0)
            return true;
    }
    return false;
}

#define IS_ONE_OF(error, names) is_one_of(error, names, sizeof(names) / sizeof *(names))

enum mig_aws_class mig_aws_fault_class(const char *error, long http)
{
    static const char *const throttled[] = {
        "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
        "TooManyRequestsException", "RequestLimitExceeded", "ProvisionedThroughputExceededException",
        "BandwidthLimitExceeded", "LimitExceededException", "PriorRequestNotComplete", "SlowDown",
    };
    static const char *const skewed[] = { "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture" };
    static const char *const expired[] = { "ExpiredToken", "ExpiredTokenException" };
    static const char *const busy[] = {
        "InternalServiceError", "InternalFailure", "InternalError", "RequestTimeout", "RequestTimeoutException",
        "ServiceUnavailable", "ServiceUnavailableException",
    };
    if (http == 200)
        return MIG_AWS_DONE;
    if (IS_ONE_OF(error, throttled) || http == 429)
        return MIG_AWS_THROTTLED;
    if (IS_ONE_OF(error, skewed))
        return MIG_AWS_SKEWED;
    if (IS_ONE_OF(error, expired))
        return MIG_AWS_EXPIRED;
    return IS_ONE_OF(error, busy) || http >= 500 ? MIG_AWS_BUSY : MIG_AWS_REFUSED;
}

migrate_status mig_aws_fault_status(const char *error, long http)
{
    static const char *const denied[] = {
        "AccessDenied", "AccessDeniedException", "ForbiddenException", "DecryptionFailure", "NotAuthorized",
        "KMSAccessDeniedException", "OptInRequired",
    };
    static const char *const unknown[] = {
        "UnrecognizedClientException", "UnrecognizedClient", "InvalidClientTokenId", "InvalidClientTokenIdException",
        "InvalidAccessKeyId", "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature",
        "IncompleteSignatureException", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
        "InvalidToken", "ExpiredToken", "ExpiredTokenException", "AuthFailure", "NotAuthorizedException",
    };
    if (IS_ONE_OF(error, unknown))
        return MIGRATE_E_AUTH;
    if (IS_ONE_OF(error, denied) || http == 403)
        return MIGRATE_E_DENIED;
    return http == 401 ? MIGRATE_E_AUTH : MIGRATE_E_OPTION;
}

/* ---- reading ------------------------------------------------------------------- */

/* "com.amazonaws#Name:http://…" is Name. */
static char *bare_name(const char *text)
{
    if (!text || !*text)
        return NULL;
    size_t len = strcspn(text, ":");
    for (size_t i = len; i-- > 0;) {
        if (text[i] == '#')
            return mig_strndup(text + i + 1, len - i - 1);
    }
    return mig_strndup(text, len);
}

static void mask(char *text, const char *secret)
{
    size_t len = secret ? strlen(secret) : 0;
    if (len < 8)
        return;
    for (char *at = text; (at = strstr(at, secret)) != NULL; at += len)
        memset(at, '*', len);
}

/* One line; without what a service quotes of the request it expected, which has the session token in it. */
static char *plain_message(const char *text, const struct mig_aws_keys *keys)
{
    if (!text || !*text)
        return NULL;
    const char *quote = strstr(text, "The Canonical String");
    size_t len = strcspn(text, "\r\n");
    if (quote && (size_t)(quote - text) < len)
        len = (size_t)(quote - text);
    char *copy = mig_strndup(text, mig_utf8_cut(text, len, MESSAGE_MAX));
    len = copy ? strlen(copy) : 0;
    while (len && copy[len - 1] == ' ')
        copy[--len] = '\0';
    if (copy && keys) {
        mask(copy, keys->session_token);
        mask(copy, keys->secret_key);
    }
    return copy;
}

static const char *first_of(const json_t *json, const char *a, const char *b, const char *c)
{
    const char *text = mig_json_text(json, a);
    if (!text)
        text = mig_json_text(json, b);
    return text ? text : mig_json_text(json, c);
}

static void read_json(const struct mig_http_response *response, const struct mig_aws_keys *keys,
                      struct mig_aws_answer *out)
{
    json_t *json = mig_json_read(response->body.data, response->body.len);
    if (!out->error)
        out->error = bare_name(first_of(json, "__type", "code", "Code"));
    out->message = plain_message(first_of(json, "message", "Message", "errorMessage"), keys);
    mig_json_drop(json);
}

static void read_xml(const struct mig_http_response *response, const struct mig_aws_keys *keys,
                     struct mig_aws_answer *out)
{
    char *code = out->error ? NULL : mig_xml_text(response->body.data, response->body.len, "Code");
    char *message = mig_xml_text(response->body.data, response->body.len, "Message");
    if (code)
        out->error = bare_name(code);
    out->message = plain_message(message, keys);
    free(code);
    free(message);
}

void mig_aws_fault_read(const struct mig_http_response *response, const struct mig_aws_keys *keys,
                        struct mig_aws_answer *out)
{
    const char *text = mig_buf_text(&response->body);
    const char *id = mig_http_header(response, "x-amzn-requestid");
    out->http = response->status;
    out->error = bare_name(mig_http_header(response, "x-amzn-errortype"));
    out->request_id = mig_strdup(id ? id : mig_http_header(response, "x-amz-request-id"));
    if (text[strspn(text, " \t\r\n")] == '<')
        read_xml(response, keys, out);
    else
        read_json(response, keys, out);
}
