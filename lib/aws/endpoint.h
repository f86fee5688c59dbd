/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_ENDPOINT_H
#define MIG_AWS_ENDPOINT_H

/* Where a service of AWS is reached. */

#include <stdbool.h>

#include <migrate/types.h>

struct mig_diag;

struct mig_aws_service {
    const char *title;  /* "Secrets Manager", for people */
    const char *id;     /* "SECRETS_MANAGER", as in AWS_ENDPOINT_URL_SECRETS_MANAGER */
    const char *prefix; /* "secretsmanager": of the host name, and the name that requests are signed for */
};

extern const struct mig_aws_service mig_aws_secrets_manager;
extern const struct mig_aws_service mig_aws_ssm;
extern const struct mig_aws_service mig_aws_sts;
extern const struct mig_aws_service mig_aws_rds_data;

/* Letters, digits and '-' only: it becomes part of a host name. */
bool mig_aws_region_valid(const char *region);
/* "amazonaws.com", "amazonaws.com.cn", … */
const char *mig_aws_domain(const char *region);
/* The region an ARN names into @p out (64 bytes); false when it is no ARN or names none. */
bool mig_aws_arn_region(const char *arn, char out[64]);

/* The base URL without a '/' at its end, owned. AWS_ENDPOINT_URL_<ID>, AWS_ENDPOINT_URL, else by @p region, which is
 * then needed (E_OPTION), but for STS. */
migrate_status mig_aws_endpoint(const struct mig_aws_service *service, const char *region, char **out,
                                struct mig_diag *diag);

#endif
