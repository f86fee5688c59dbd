/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_LOGIN_H
#define MIG_AWS_LOGIN_H

/* What stands behind the credentials callback that migrate_aws_attach() sets. */

#include <migrate/context.h>

#include "aws/fetch.h"
#include "aws/secret.h"
#include "aws/service.h"

struct mig_aws_login {
    unsigned holders;
    migrate_ctx *ctx;
    struct mig_aws *aws;
    struct mig_secret secret; /* the last one fetched */
    char *kept_for;           /* the option it was fetched for; NULL: nothing is kept */
    int64_t kept_until_ms;    /* monotonic */
    unsigned stage;           /* how far the search for other versions has come in this connect */
};

struct mig_aws_login *mig_aws_login_new(migrate_ctx *ctx);
/* Frees it when nobody else holds it. */
void mig_aws_login_free(void *login);

/* Options `secret` and `ssm_parameter` as they stand; false when neither is set. */
bool mig_aws_login_source(const struct mig_aws_login *login, struct mig_fetch *out);
/* Option `iam`. */
bool mig_aws_login_by_token(const struct mig_aws_login *login);
/* The secret, from memory while that is fresh. */
migrate_status mig_aws_login_fetch(struct mig_aws_login *login, const struct mig_fetch *fetch,
                                   const struct mig_aws_watch *watch, struct mig_diag *diag);
/* The server has refused what was answered: a newer version, else the one to come, else the one before, else the
 * same again. *@p more: should this one be refused as well, there may be another. */
migrate_status mig_aws_login_fetch_other(struct mig_aws_login *login, const struct mig_fetch *fetch,
                                         const struct mig_aws_watch *watch, bool *more, struct mig_diag *diag);
/* Has the context been asked to stop? For a watch. */
migrate_status mig_aws_login_tick(void *login);
/* The callback (migrate_credentials_fn). */
migrate_status mig_aws_login_answer(void *user, migrate_login *login, migrate_error **err);

/* Makes an error of a diag, frees the diag, returns the status. */
migrate_status mig_aws_fail(migrate_error **err, migrate_status status, struct mig_diag *diag);

#endif
