/* SPDX-License-Identifier: Apache-2.0 */

/* The SQLite driver: its vtable and its facts. */

#include "conn.h"

#include <migrate/drivers.h>

/* A string or number member of an out-struct, if the caller's is long enough to hold it. */
#define PUT(out, member, value)                                                                              \
    do {                                                                                                     \
        if (MIGRATE_HAS(migrate_info, out, member)) {                                                        \
            (out)->member = (value);                                                                         \
        }                                                                                                    \
    } while (0)

static uint32_t library_version(void)
{
    int v = sqlite3_libversion_number(); /* 3040001 */
    return (uint32_t)(v / 1000000 * 10000 + v / 1000 % 1000 * 100 + v % 1000);
}

static migrate_status sqlite_info(void *conn, migrate_info *out, migrate_error **err)
{
    struct mig_sqlite *c = conn;
    if (c->lost) {
        return mig_sqlite_refuse(c->host, err, 0, MIGRATE_FAULT_CONN_LOST,
                                 "the connection is given up after a failure to write", NULL);
    }
    PUT(out, caps,
        MIGRATE_CAP_TRANSACTION | MIGRATE_CAP_DDL_ROLLBACK | MIGRATE_CAP_DDL_ATOMIC | MIGRATE_CAP_SESSION);
    PUT(out, flags, !c->standin && sqlite3_db_readonly(c->db, "main") == 1 ? MIGRATE_INFO_READ_ONLY : 0);
    PUT(out, version, library_version());
    PUT(out, lex, 0);
    PUT(out, max_statement, (uint64_t)sqlite3_limit(c->db, SQLITE_LIMIT_SQL_LENGTH, -1));
    PUT(out, max_call_ms, 0);
    PUT(out, product, "SQLite");
    PUT(out, flavour, "sqlite");
    PUT(out, version_text, sqlite3_libversion());
    PUT(out, database, c->path);
    PUT(out, schema, "main");
    PUT(out, session_id, NULL);
    PUT(out, address, c->path);
    return MIGRATE_OK;
}

static const char *const schemes[] = { "sqlite", "sqlite3", NULL };

const migrate_driver *migrate_sqlite_driver(void)
{
    static const migrate_driver driver = {
        .struct_size = sizeof(migrate_driver),
        .api = MIGRATE_DRIVER_API,
        .dialect = MIGRATE_DIALECT_SQLITE,
        .name = "sqlite",
        .schemes = schemes,
        .options = mig_sqlite_option_keys,
        .open = mig_sqlite_open,
        .close = mig_sqlite_close,
        .exec = mig_sqlite_exec,
        .info = sqlite_info,
        .adopt = mig_sqlite_adopt,
        .reset = mig_sqlite_reset,
    };
    return &driver;
}
