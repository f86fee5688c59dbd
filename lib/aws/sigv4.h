/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_SIGV4_H
#define MIG_AWS_SIGV4_H

/* AWS Signature Version 4: headers of a request, and pre-signed queries. libcurl has one of its own that gets paths and
 * queries wrong in the versions that systems ship, and cannot pre-sign. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/http.h"
#include "util/buf.h"

#define MIG_SIGV4_DATE 17 /* "20261101T000000Z" and NUL */

struct mig_aws_keys {
    const char *access_key;
    const char *secret_key;
    const char *session_token; /* NULL: keys that last */
};

struct mig_sigv4 {
    const struct mig_aws_keys *keys;
    const char *region;
    const char *service; /* the name in the scope: "secretsmanager", "rds-db" */
    int64_t     unix_ms; /* on the server's clock */
    const char *method;
    const char *host;  /* as in the Host header: with a port unless it is the scheme's own */
    const char *path;  /* as it is sent, encoded; begins with '/' */
    const char *query; /* as it is sent, encoded, without '?'; NULL or "": none */
    const struct mig_http_header *headers; /* to be signed, without Host and X-Amz-Date */
    size_t      n_headers;
    const void *body;
    size_t      body_len;
};

/* What signing adds to a request. */
struct mig_sigv4_headers {
    char          date[MIG_SIGV4_DATE]; /* X-Amz-Date */
    struct mig_buf authorization;
};

/* false: no memory. The session token is signed as X-Amz-Security-Token: send it, with the token as it is. */
bool mig_sigv4_sign(const struct mig_sigv4 *s, struct mig_sigv4_headers *out);

/* Appends to @p out the query with its signature, to be put behind '?': that of @p s, the X-Amz-… parameters in
 * order, X-Amz-Signature last. Headers other than Host are not signed. false: no memory. */
bool mig_sigv4_presign(const struct mig_sigv4 *s, unsigned expires_s, struct mig_buf *out);

/* Percent-encodes all but letters, digits and "-._~" (and '/' if @p keep_slash). */
void mig_sigv4_encode(struct mig_buf *out, const char *text, size_t len, bool keep_slash);

/* HMAC-SHA256 (RFC 2104). */
void mig_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[32]);

#endif
