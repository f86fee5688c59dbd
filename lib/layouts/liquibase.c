/* SPDX-License-Identifier: Apache-2.0 */
#include "layouts/reading.h"

int32_t mig_liquibase_build(struct mig_reading *r)
{
    return mig_reading_fail(r, MIGRATE_E_LAYOUT, NULL, 0, NULL, "Liquibase change logs are not read yet");
}
