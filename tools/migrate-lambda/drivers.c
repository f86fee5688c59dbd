/* SPDX-License-Identifier: Apache-2.0 */
#include <migrate/drivers.h>

#include "bootstrap.h"

typedef const migrate_driver *(*driver_fn)(void);

static const driver_fn drivers[] = {
#ifdef MIGRATE_WITH_SQLITE
    migrate_sqlite_driver,
#endif
#ifdef MIGRATE_WITH_POSTGRES
    migrate_postgres_driver,
#endif
#ifdef MIGRATE_WITH_MYSQL
    migrate_mysql_driver,
#endif
#ifdef MIGRATE_WITH_AWS
    migrate_rds_data_driver,
#endif
    NULL,
};

migrate_status boot_add_drivers(migrate_ctx *ctx, migrate_error **err)
{
    for (const driver_fn *d = drivers; *d; d++) {
        migrate_status status = migrate_ctx_add_driver(ctx, (*d)(), err);
        if (status != MIGRATE_OK)
            return status;
    }
    return MIGRATE_OK;
}
