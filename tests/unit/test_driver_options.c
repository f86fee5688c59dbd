/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>

#include <migrate/driver.h>
#include <migrate/drivers.h>
#include <migrate/options.h>

/* The drivers that this build has. */
static const migrate_driver *(*const built[])(void) = {
#ifdef WITH_SQLITE
    migrate_sqlite_driver,
#endif
#ifdef WITH_POSTGRES
    migrate_postgres_driver,
#endif
#ifdef WITH_MYSQL
    migrate_mysql_driver,
#endif
#ifdef WITH_AWS
    migrate_rds_data_driver,
#endif
};

/* What the table tells of the drivers is what they have. */
START_TEST(drivers_rows_are_their_own)
{
    for (size_t d = 0; d < sizeof built / sizeof built[0]; d++) {
        const migrate_driver *driver = built[d]();
        char full[80];
        size_t n = 0, own = 0;
        for (; driver->options[own]; own++) {
            const migrate_option *row = NULL;
            snprintf(full, sizeof full, "%s.%s", driver->name, driver->options[own]);
            for (size_t i = 0; (row = migrate_option_at(i)) && strcmp(migrate_option_key(row), full) != 0; i++)
                ;
            ck_assert_msg(row, "%s has no row", full);
        }
        snprintf(full, sizeof full, "%s.", driver->name);
        for (size_t i = 0; migrate_option_at(i); i++)
            n += strncmp(migrate_option_key(migrate_option_at(i)), full, strlen(full)) == 0;
        ck_assert_uint_eq(n, own);
    }
}
END_TEST

UNIT_MAIN("driver_options", drivers_rows_are_their_own)
