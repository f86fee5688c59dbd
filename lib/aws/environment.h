/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_ENVIRONMENT_H
#define MIG_AWS_ENVIRONMENT_H

/* The one place of the library that reads the environment: AWS's own credentials, region and endpoints come from
 * where its SDKs look for them. */

#include <stdbool.h>

/* NULL when it is not set or empty. */
const char *mig_aws_env(const char *name);

/* Is it "true" or "1"? */
bool mig_aws_env_true(const char *name);

#endif
