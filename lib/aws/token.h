/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_TOKEN_H
#define MIG_AWS_TOKEN_H

/* Tokens that a database takes for a password: RDS, Aurora, RDS Proxy, and DSQL. A token is a URL signed in advance;
 * it is good for connecting during 15 minutes, so one is made for each connect. */

#include <stdbool.h>
#include <stdint.h>

#include "aws/sigv4.h"
#include "util/buf.h"

struct mig_token {
    const struct mig_aws_keys *keys;
    const char *host; /* the server's own name, no alias */
    const char *port;
    const char *user;
    const char *region;
    int64_t     unix_ms;
};

/* "x.dsql.us-east-1.on.aws"? */
bool mig_token_is_dsql(const char *host);
/* The region in a name that RDS or DSQL gives, into @p out; false when it is none. */
bool mig_token_region(const char *host, char out[64]);
/* Appends the token; false: no memory. */
bool mig_token_write(const struct mig_token *token, struct mig_buf *out);

#endif
