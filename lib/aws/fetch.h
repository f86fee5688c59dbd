/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_FETCH_H
#define MIG_AWS_FETCH_H

/* Getting a secret: from Secrets Manager or Parameter Store, in Lambda through the extension that caches them. */

#include "aws/secret.h"
#include "aws/service.h"

struct mig_fetch {
    const char *secret;    /* ARN or name; or NULL and then */
    const char *parameter; /* of Parameter Store */
    const char *stage;     /* NULL: AWSCURRENT; of secrets only */
    bool fresh;            /* past the extension */
};

/* MIGRATE_DONE: no version of the secret has that stage. */
migrate_status mig_secret_fetch(struct mig_aws *aws, const struct mig_fetch *fetch, const struct mig_aws_watch *watch,
                                struct mig_secret *out, struct mig_diag *diag);

/* The extension's answer, in the form of the service's own, into @p body, which the caller wipes. MIGRATE_DONE:
 * there is none, or it cannot say; then the service itself is asked. */
migrate_status mig_aws_extension_get(struct mig_aws *aws, const struct mig_fetch *fetch,
                                     const struct mig_aws_watch *watch, struct mig_buf *body);

#endif
