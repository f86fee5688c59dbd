/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/endpoint.h"

#include <stdlib.h>
#include <string.h>

#include <migrate/status.h>

#include "aws/environment.h"
#include "util/buf.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/text.h"

const struct mig_aws_service mig_aws_secrets_manager = { "Secrets Manager", "SECRETS_MANAGER", "secretsmanager" };
const struct mig_aws_service mig_aws_ssm = { "Systems Manager", "SSM", "ssm" };
const struct mig_aws_service mig_aws_sts = { "STS", "STS", "sts" };
const struct mig_aws_service mig_aws_rds_data = { "the RDS Data API", "RDS_DATA", "rds-data" };

bool mig_aws_region_valid(const char *region)
{
    size_t len = 0;
    for (; region && region[len]; len++) {
        if (!mig_is_alpha(region[len]) && !mig_is_digit(region[len]) && region[len] != '-')
            return false;
    }
    return len >= 1 && len < 64 && region[0] != '-';
}

/* A part of AWS with domains of its own. */
struct partition {
    const char *prefix; /* of its regions */
    const char *domain, *dual_stack;
};

static const struct partition *partition_of(const char *region)
{
    static const struct partition all[] = {
        { "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn" },
        { "us-iso-", "c2s.ic.gov", "api.aws.ic.gov" },
        { "us-isob-", "sc2s.sgov.gov", "api.aws.scloud" },
        { "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov" },
        { "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk" },
        { "eusc-", "amazonaws.eu", "api.amazonwebservices.eu" },
        { "", "amazonaws.com", "api.aws" },
    };
    size_t i = 0;
    while (!mig_starts(region, all[i].prefix))
        i++;
    return &all[i];
}

const char *mig_aws_domain(const char *region)
{
    return partition_of(region ? region : "")->domain;
}

bool mig_aws_arn_region(const char *arn, char out[64])
{
    if (!mig_starts(arn, "arn:"))
        return false;
    const char *at = arn;
    for (int colons = 0; colons < 3; at++) {
        if (!*at)
            return false;
        colons += *at == ':';
    }
    size_t len = strcspn(at, ":");
    if (len == 0 || len >= 64 || at[len] != ':')
        return false;
    memcpy(out, at, len);
    out[len] = '\0';
    return mig_aws_region_valid(out);
}

static migrate_status own_endpoint(const struct mig_aws_service *service, const char **out, struct mig_diag *diag)
{
    char name[64] = "AWS_ENDPOINT_URL_";
    *out = NULL;
    if (mig_aws_env_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))
        return MIGRATE_OK;
    memcpy(name + strlen(name), service->id, strlen(service->id) + 1);
    const char *url = mig_aws_env(name);
    if (!url)
        url = mig_aws_env("AWS_ENDPOINT_URL");
    if (url && !mig_starts(url, "http://") && !mig_starts(url, "https://"))
        return mig_diag_set(diag, MIGRATE_E_OPTION, "%s, or AWS_ENDPOINT_URL, is no http or https URL", name);
    *out = url;
    return MIGRATE_OK;
}

static char *usual_endpoint(const struct mig_aws_service *service, const char *region)
{
    bool fips = mig_aws_env_true("AWS_USE_FIPS_ENDPOINT");
    bool dual = mig_aws_env_true("AWS_USE_DUALSTACK_ENDPOINT");
    const struct partition *p = partition_of(region);
    return mig_sprintf("https://%s%s.%s.%s", service->prefix, fips ? "-fips" : "", region,
                       dual ? p->dual_stack : p->domain);
}

migrate_status mig_aws_endpoint(const struct mig_aws_service *service, const char *region, char **out,
                                struct mig_diag *diag)
{
    const char *own;
    *out = NULL;
    migrate_status status = own_endpoint(service, &own, diag);
    if (status)
        return status;
    if (own) {
        size_t len = strlen(own);
        while (len && own[len - 1] == '/')
            len--;
        *out = mig_strndup(own, len);
    } else if (!region && service == &mig_aws_sts) {
        *out = mig_strdup("https://sts.amazonaws.com");
    } else if (!mig_aws_region_valid(region)) {
        if (region)
            mig_diag_set(diag, MIGRATE_E_OPTION, "what stands for the AWS region is no name of one");
        else
            mig_diag_set(diag, MIGRATE_E_OPTION, "no AWS region is known for %s", service->title);
        mig_diag_hint(diag, "set AWS_REGION, or name the secret by its whole ARN");
        return MIGRATE_E_OPTION;
    } else {
        *out = usual_endpoint(service, region);
    }
    return *out ? MIGRATE_OK : mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
}
