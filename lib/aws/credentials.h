/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_CREDENTIALS_H
#define MIG_AWS_CREDENTIALS_H

/* AWS's own credentials, from where its SDKs look for them, in this order: the environment (Lambda's too), a web
 * identity token, the shared files with their profiles, the container's endpoint, the instance's. */

#include <stdbool.h>
#include <stdint.h>

#include "aws/http.h"
#include "aws/sigv4.h"

/* Owned texts, wiped by mig_aws_identity_free(). */
struct mig_aws_identity {
    char   *access_key;
    char   *secret_key;
    char   *session_token; /* NULL: keys that last */
    int64_t expires_ms;    /* Unix time; INT64_MAX never */
    const char *from;      /* "the environment": static, for messages */
};

#define MIG_AWS_IDENTITY_INIT { NULL, NULL, NULL, INT64_MAX, NULL }

void mig_aws_identity_free(struct mig_aws_identity *identity);
struct mig_aws_keys mig_aws_identity_keys(const struct mig_aws_identity *identity);
/* Does it hold for another @p ms after @p unix_ms? */
bool mig_aws_identity_lasts(const struct mig_aws_identity *identity, int64_t unix_ms, int64_t ms);

/* What the sources of credentials share. */
struct mig_aws_finder {
    struct mig_http *http;
    const struct mig_aws_watch *watch; /* may be NULL */
    const char *region;  /* for STS; NULL: its global endpoint */
    const char *ca_file; /* NULL: the system's */
    int64_t unix_ms;     /* now, on AWS's clock */
    struct mig_diag *diag;
};

/* Asks the sources in order. E_AUTH when none has any; what is there and cannot be used is a failure of its own, so
 * that nobody acts by accident as somebody else. @p out is emptied first. */
migrate_status mig_aws_find_identity(const struct mig_aws_finder *finder, struct mig_aws_identity *out);

/* The region by environment or profile into @p out, owned, NULL when neither says. */
migrate_status mig_aws_find_region(char **out, struct mig_diag *diag);

#endif
