/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/environment.h"

#include <stdlib.h>
#include <string.h>

#include "util/text.h"

const char *mig_aws_env(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

bool mig_aws_env_true(const char *name)
{
    const char *value = mig_aws_env(name);
    return value && (strcmp(value, "1") == 0 || mig_ieq(value, "true"));
}
