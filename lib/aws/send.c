/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/send.h"

#include <stdlib.h>
#include <string.h>

#include <migrate/status.h>

#include "util/diag.h"
#include "util/mem.h"
#include "util/text.h"

enum { MOST_HEADERS = 5 };

struct parts {
    char *url;  /* of the whole request */
    char *host; /* as the Host header has it */
    char *path;
};

static void free_parts(struct parts *p)
{
    free(p->url);
    free(p->host);
    free(p->path);
}

/* A port that is the scheme's own does not appear in the Host header. */
static size_t without_port(const char *base, const char *host, size_t len)
{
    const char *port = mig_starts(base, "https://") ? ":443" : ":80";
    size_t n = strlen(port);
    return len > n && memcmp(host + len - n, port, n) == 0 ? len - n : len;
}

static bool split(const struct mig_aws_send *send, struct parts *p)
{
    const char *host = strstr(send->base, "://");
    host = host ? host + 3 : send->base;
    size_t len = strcspn(host, "/");
    p->url = mig_sprintf("%s%s", send->base, send->path);
    p->host = mig_strndup(host, without_port(send->base, host, len));
    p->path = mig_sprintf("%s%s", host + len, send->path);
    return p->url && p->host && p->path;
}

static bool sign(const struct mig_aws_send *send, const struct parts *p, struct mig_http_header *headers, size_t *n,
                 struct mig_sigv4_headers *signature)
{
    struct mig_sigv4 s = { .keys = send->keys, .region = send->region, .service = send->signing,
                           .unix_ms = send->unix_ms, .method = "POST", .host = p->host, .path = p->path,
                           .headers = headers, .n_headers = *n, .body = send->body, .body_len = send->body_len };
    if (!mig_sigv4_sign(&s, signature))
        return false;
    headers[(*n)++] = (struct mig_http_header){ "X-Amz-Date", signature->date };
    headers[(*n)++] = (struct mig_http_header){ "Authorization", mig_buf_text(&signature->authorization) };
    if (send->keys->session_token)
        headers[(*n)++] = (struct mig_http_header){ "X-Amz-Security-Token", send->keys->session_token };
    return true;
}

migrate_status mig_aws_send(struct mig_http *http, const struct mig_aws_send *send, const struct mig_aws_watch *watch,
                            struct mig_http_response *out, struct mig_diag *diag)
{
    struct parts p = { NULL, NULL, NULL };
    struct mig_http_header headers[MOST_HEADERS] = { { "Content-Type", send->content_type } };
    struct mig_sigv4_headers signature = { .authorization = MIG_BUF_INIT };
    size_t n = 1;
    if (send->target)
        headers[n++] = (struct mig_http_header){ "X-Amz-Target", send->target };
    mig_http_response_free(out);
    bool good = split(send, &p) && (!send->keys || sign(send, &p, headers, &n, &signature));
    struct mig_http_request request = {
        .method = "POST", .url = p.url, .headers = headers, .n_headers = n, .body = send->body,
        .body_len = send->body_len, .ca_file = send->ca_file, .connect_ms = send->connect_ms,
        .total_ms = send->total_ms, .max_body = send->max_body, .repeatable = send->repeatable,
    };
    out->failure = MIG_HTTP_UNUSABLE;
    migrate_status status = good ? mig_http_do(http, &request, watch, out, diag)
                                 : mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
    mig_buf_free(&signature.authorization);
    free_parts(&p);
    return status;
}
