/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_SOURCE_H
#define MIG_AWS_SOURCE_H

/* The places where AWS's credentials may be, one file each. Each answers MIGRATE_OK with @p out filled, MIGRATE_DONE
 * when it has nothing to say, or a failure. */

#include "aws/credentials.h"

migrate_status mig_aws_from_environment(const struct mig_aws_finder *f, struct mig_aws_identity *out);
migrate_status mig_aws_from_web_identity(const struct mig_aws_finder *f, struct mig_aws_identity *out);
migrate_status mig_aws_from_profile(const struct mig_aws_finder *f, struct mig_aws_identity *out);
migrate_status mig_aws_from_container(const struct mig_aws_finder *f, struct mig_aws_identity *out);
migrate_status mig_aws_from_instance(const struct mig_aws_finder *f, struct mig_aws_identity *out);

/* STS for the role @p arn: with the token of a file, or with the keys of another identity. @p session NULL: a name of
 * our own. */
migrate_status mig_aws_assume_by_token(const struct mig_aws_finder *f, const char *arn, const char *token_file,
                                       const char *session, struct mig_aws_identity *out);
migrate_status mig_aws_assume_by_keys(const struct mig_aws_finder *f, const char *arn, const char *external_id,
                                      const char *session, const struct mig_aws_identity *by,
                                      struct mig_aws_identity *out);

/* Fills @p out with copies; @p expires is RFC 3339 or NULL. E_NOMEM, or E_AUTH where keys are missing. */
migrate_status mig_aws_identity_fill(struct mig_aws_identity *out, const char *access_key, const char *secret_key,
                                     const char *session_token, const char *expires, const char *from,
                                     struct mig_diag *diag);
/* The answer of a container's or instance's endpoint, JSON. */
migrate_status mig_aws_identity_read(const struct mig_http_response *answer, const char *from,
                                     struct mig_aws_identity *out, struct mig_diag *diag);
/* One GET or PUT without redirects, past any proxy, tried three times; an answer other than 200 is a failure whose
 * text tells it. @p headers end with a NULL name. */
migrate_status mig_aws_ask_local(const struct mig_aws_finder *f, const char *method, const char *url,
                                 const struct mig_http_header *headers, const char *what, unsigned attempts,
                                 int64_t attempt_ms, struct mig_http_response *out);

#endif
