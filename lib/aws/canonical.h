/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_CANONICAL_H
#define MIG_AWS_CANONICAL_H

/* The canonical form of a request, which is what Signature Version 4 signs. */

#include "aws/sigv4.h"

struct mig_canonical {
    struct mig_buf headers;      /* "name:value\n" each */
    struct mig_buf signed_names; /* "content-type;host" */
    struct mig_buf request;
};

#define MIG_CANONICAL_INIT { MIG_BUF_INIT, MIG_BUF_INIT, MIG_BUF_INIT }

/* The headers of @p s, Host, and with @p date X-Amz-Date and the session token's: false, no memory. */
bool mig_canonical_headers(struct mig_canonical *c, const struct mig_sigv4 *s, const char *date);
/* After the headers: the whole, with @p query instead of that of @p s. */
bool mig_canonical_request(struct mig_canonical *c, const struct mig_sigv4 *s, const char *query);
void mig_canonical_free(struct mig_canonical *c);

#endif
