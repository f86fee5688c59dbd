/* SPDX-License-Identifier: Apache-2.0 */
#include <migrate/version.h>

uint32_t migrate_version_number(void)
{
    return MIGRATE_VERSION_NUMBER;
}

const char *migrate_version_string(void)
{
    return MIGRATE_VERSION_STRING;
}
