/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_PROFILE_H
#define MIG_AWS_PROFILE_H

/* The files that AWS's tools share, ~/.aws/config and ~/.aws/credentials, and the profiles in them. */

#include <stdbool.h>

#include <migrate/types.h>

struct mig_diag;

enum mig_aws_profile_key {
    MIG_PROFILE_ACCESS_KEY,
    MIG_PROFILE_SECRET_KEY,
    MIG_PROFILE_SESSION_TOKEN,
    MIG_PROFILE_REGION,
    MIG_PROFILE_ROLE_ARN,
    MIG_PROFILE_SOURCE_PROFILE,
    MIG_PROFILE_CREDENTIAL_SOURCE,
    MIG_PROFILE_TOKEN_FILE,
    MIG_PROFILE_EXTERNAL_ID,
    MIG_PROFILE_SESSION_NAME,
    MIG_PROFILE_MFA_SERIAL,
    MIG_PROFILE_PROCESS,
    MIG_PROFILE_SSO_SESSION,
    MIG_PROFILE_SSO_URL,
    MIG_PROFILE_LOGIN_SESSION,
    MIG_PROFILE_KEYS,
};

struct mig_aws_profile {
    char *values[MIG_PROFILE_KEYS]; /* NULL where absent; owned */
    bool found;
};

#define MIG_AWS_PROFILE_INIT { { NULL }, false }

/* The profile that the environment chooses; *@p chosen: does it choose one? */
const char *mig_aws_profile_name(bool *chosen);
/* What both files say of profile @p name; nothing is no failure. */
migrate_status mig_aws_profile_read(const char *name, struct mig_aws_profile *out, struct mig_diag *diag);
void mig_aws_profile_free(struct mig_aws_profile *profile);

/* The region of the chosen profile into @p out, owned; NULL when it names none. */
migrate_status mig_aws_profile_region(char **out, struct mig_diag *diag);

#endif
