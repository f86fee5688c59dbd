/* SPDX-License-Identifier: Apache-2.0 */

/* Credentials by profile: keys, or a role assumed with those of another profile, of the machine, or with a token. */

#include <string.h>

#include <migrate/status.h>

#include "aws/profile.h"
#include "aws/source.h"
#include "util/diag.h"

enum { DEEPEST = 5 };

static migrate_status resolve(const struct mig_aws_finder *f, const char *name, unsigned depth,
                              struct mig_aws_identity *out);

static migrate_status by_keys(const struct mig_aws_finder *f, const struct mig_aws_profile *p,
                              struct mig_aws_identity *out)
{
    return mig_aws_identity_fill(out, p->values[MIG_PROFILE_ACCESS_KEY], p->values[MIG_PROFILE_SECRET_KEY],
                                 p->values[MIG_PROFILE_SESSION_TOKEN], NULL, "the profile", f->diag);
}

static migrate_status by_source(const struct mig_aws_finder *f, const char *name, const char *source,
                                struct mig_aws_identity *out)
{
    migrate_status status;
    if (strcmp(source, "Environment") == 0)
        status = mig_aws_from_environment(f, out);
    else if (strcmp(source, "EcsContainer") == 0)
        status = mig_aws_from_container(f, out);
    else if (strcmp(source, "Ec2InstanceMetadata") == 0)
        status = mig_aws_from_instance(f, out);
    else
        return mig_diag_set(f->diag, MIGRATE_E_OPTION, "AWS profile %s: %s is no credential_source", name, source);
    if (status == MIGRATE_DONE)
        status = mig_diag_set(f->diag, MIGRATE_E_AUTH, "AWS profile %s: its credential_source %s has none", name, source);
    return status;
}

static migrate_status base_identity(const struct mig_aws_finder *f, const char *name, const struct mig_aws_profile *p,
                                    unsigned depth, struct mig_aws_identity *out)
{
    const char *source = p->values[MIG_PROFILE_SOURCE_PROFILE];
    if (!source && p->values[MIG_PROFILE_CREDENTIAL_SOURCE])
        return by_source(f, name, p->values[MIG_PROFILE_CREDENTIAL_SOURCE], out);
    if (source && strcmp(source, name) == 0)
        return by_keys(f, p, out); /* a profile may assume a role with its own keys */
    if (source)
        return resolve(f, source, depth + 1, out);
    return mig_diag_set(f->diag, MIGRATE_E_OPTION, "AWS profile %s has a role_arn and nothing to assume it with", name);
}

static migrate_status by_role(const struct mig_aws_finder *f, const char *name, const struct mig_aws_profile *p,
                              unsigned depth, struct mig_aws_identity *out)
{
    const char *arn = p->values[MIG_PROFILE_ROLE_ARN], *session = p->values[MIG_PROFILE_SESSION_NAME];
    struct mig_aws_finder here = *f;
    struct mig_aws_identity by = MIG_AWS_IDENTITY_INIT;
    if (p->values[MIG_PROFILE_REGION])
        here.region = p->values[MIG_PROFILE_REGION];
    if (p->values[MIG_PROFILE_TOKEN_FILE])
        return mig_aws_assume_by_token(&here, arn, p->values[MIG_PROFILE_TOKEN_FILE], session, out);
    if (p->values[MIG_PROFILE_MFA_SERIAL])
        return mig_diag_set(f->diag, MIGRATE_E_UNSUPPORTED, "AWS profile %s asks for a code of a device", name);
    migrate_status status = base_identity(&here, name, p, depth, &by);
    if (!status)
        status = mig_aws_assume_by_keys(&here, arn, p->values[MIG_PROFILE_EXTERNAL_ID], session, &by, out);
    mig_aws_identity_free(&by);
    return status;
}

static migrate_status not_here(const struct mig_aws_finder *f, const char *name, const char *what)
{
    mig_diag_set(f->diag, MIGRATE_E_UNSUPPORTED, "AWS profile %s gets its credentials by %s", name, what);
    mig_diag_hint(f->diag, "eval \"$(aws configure export-credentials --profile %s --format env)\" puts them into the "
                           "environment", name);
    return MIGRATE_E_UNSUPPORTED;
}

static migrate_status by_profile(const struct mig_aws_finder *f, const char *name, const struct mig_aws_profile *p,
                                 unsigned depth, struct mig_aws_identity *out)
{
    if (p->values[MIG_PROFILE_ROLE_ARN])
        return by_role(f, name, p, depth, out);
    if (p->values[MIG_PROFILE_ACCESS_KEY] || p->values[MIG_PROFILE_SECRET_KEY])
        return by_keys(f, p, out);
    if (p->values[MIG_PROFILE_SSO_SESSION] || p->values[MIG_PROFILE_SSO_URL])
        return not_here(f, name, "single sign-on");
    if (p->values[MIG_PROFILE_LOGIN_SESSION])
        return not_here(f, name, "a log-in at the console");
    if (p->values[MIG_PROFILE_PROCESS])
        return not_here(f, name, "a credential_process");
    return MIGRATE_DONE;
}

static migrate_status resolve(const struct mig_aws_finder *f, const char *name, unsigned depth,
                              struct mig_aws_identity *out)
{
    struct mig_aws_profile p = MIG_AWS_PROFILE_INIT;
    if (depth > DEEPEST)
        return mig_diag_set(f->diag, MIGRATE_E_OPTION, "AWS profiles go round in a circle at %s", name);
    migrate_status status = mig_aws_profile_read(name, &p, f->diag);
    if (!status)
        status = by_profile(f, name, &p, depth, out);
    if (status == MIGRATE_DONE && depth)
        status = mig_diag_set(f->diag, MIGRATE_E_AUTH, "AWS profile %s has no keys", name);
    mig_aws_profile_free(&p);
    return status;
}

/* A profile that was asked for by name must be there; what it lacks may still come from the machine. */
migrate_status mig_aws_from_profile(const struct mig_aws_finder *f, struct mig_aws_identity *out)
{
    bool chosen;
    const char *name = mig_aws_profile_name(&chosen);
    struct mig_aws_profile p = MIG_AWS_PROFILE_INIT;
    migrate_status status = mig_aws_profile_read(name, &p, f->diag);
    bool found = p.found;
    mig_aws_profile_free(&p);
    if (status)
        return status;
    if (chosen && !found) {
        mig_diag_set(f->diag, MIGRATE_E_OPTION, "there is no AWS profile %s", name);
        mig_diag_hint(f->diag, "AWS_PROFILE names it; ~/.aws/config and ~/.aws/credentials hold profiles");
        return MIGRATE_E_OPTION;
    }
    return found ? resolve(f, name, 0, out) : MIGRATE_DONE;
}
