/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_HTTP_H
#define MIG_AWS_HTTP_H

/* A small HTTP/1.1 client on libcurl: one exchange at a time, connections kept, watched while it waits. It follows no
 * redirect, takes no compressed body, retries nothing and never sends a request twice unless told it may. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/watch.h"
#include "util/buf.h"

struct mig_diag;
struct mig_http; /* one thread at a time */

struct mig_http_header {
    const char *name;
    const char *value; /* "" sends the header with an empty value */
};

struct mig_http_request {
    const char *method; /* "GET" */
    const char *url;    /* sent as it is written, never encoded again */
    const struct mig_http_header *headers;
    size_t      n_headers;
    const void *body; /* NULL with length 0: none; POST and PUT then say Content-Length: 0 */
    size_t      body_len;
    const char *ca_file;    /* NULL: the system's */
    int64_t     connect_ms; /* 0: 5 s */
    int64_t     total_ms;   /* 0: 30 s; INT64_MAX none */
    size_t      max_body;   /* of the answer; 0: 1 MiB */
    bool        direct;     /* past any proxy: for link-local and loopback addresses */
    bool        repeatable; /* may be sent again when a kept connection turns out to be dead */
};

enum mig_http_failure {
    MIG_HTTP_ANSWERED,  /* with any status */
    MIG_HTTP_NO_SERVER, /* no address, refused, no route, TLS refused: nothing was sent */
    MIG_HTTP_LOST,      /* no whole answer, or none in time */
    MIG_HTTP_UNUSABLE,  /* answer larger than allowed, not HTTP, memory, or a request that cannot be */
    MIG_HTTP_STOPPED,   /* the watch ended it */
};

struct mig_http_response {
    long          status;  /* 200 */
    struct mig_buf head;   /* "name: value" lines, each ended by NUL */
    struct mig_buf body;   /* may hold secrets: mig_http_response_free() wipes it */
    enum mig_http_failure failure;
    bool          sent;    /* the server may have begun to act on it, also when this failed */
};

#define MIG_HTTP_RESPONSE_INIT { 0, MIG_BUF_INIT, MIG_BUF_INIT, MIG_HTTP_ANSWERED, false }

/* NULL: no memory. */
struct mig_http *mig_http_new(void);
void mig_http_free(struct mig_http *http);

/* MIGRATE_OK for any answer, whatever its status. Failures: E_CONNECT, E_CONN_LOST, E_TOO_LARGE, E_DEADLINE,
 * E_NOMEM, or what the watch said; the diag tells the host, never the path or query. @p out is emptied first. */
migrate_status mig_http_do(struct mig_http *http, const struct mig_http_request *request,
                           const struct mig_aws_watch *watch, struct mig_http_response *out, struct mig_diag *diag);

/* Value of header @p name (any case) or NULL. */
const char *mig_http_header(const struct mig_http_response *response, const char *name);
/* Unix time of its Date header in ms, 0 if it has none. */
int64_t mig_http_date(const struct mig_http_response *response);
void mig_http_response_free(struct mig_http_response *response);

#endif
