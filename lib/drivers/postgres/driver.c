/* SPDX-License-Identifier: Apache-2.0 */

/* The PostgreSQL driver: its vtable. */

#include <migrate/drivers.h>

#include "pg.h"

static const char *const schemes[] = { "postgres", "postgresql", NULL };

const migrate_driver *migrate_postgres_driver(void)
{
    static const migrate_driver driver = {
        .struct_size = sizeof(migrate_driver),
        .api = MIGRATE_DRIVER_API,
        .dialect = MIGRATE_DIALECT_POSTGRES,
        .name = "postgres",
        .schemes = schemes,
        .options = mig_pg_option_keys,
        .open = mig_pg_open,
        .close = mig_pg_close,
        .exec = mig_pg_exec,
        .info = mig_pg_info,
        .adopt = mig_pg_adopt,
        .exec_batch = mig_pg_exec_batch,
        .try_lock = mig_pg_try_lock,
        .unlock = mig_pg_unlock,
        .lock_holder = mig_pg_lock_holder,
        .session_state = mig_pg_session_state,
        .session_end = mig_pg_session_end,
        .fingerprint = mig_pg_fingerprint,
        .describe = mig_pg_describe,
        .reset = mig_pg_reset,
    };
    return &driver;
}
