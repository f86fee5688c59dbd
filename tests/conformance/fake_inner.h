/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAKE_INNER_H
#define FAKE_INNER_H

/* What the files of the fake driver share. */

#include "fake_driver.h"

#include <migrate/drivers.h>

struct fake {
    const migrate_host *host;
    migrate_host inner_host; /* what SQLite's driver sees */
    void *inner;             /* its connection; NULL when dead */
    void *native;            /* adopted */
    char session[32];
    _Atomic bool severed;
    bool dead;
    bool polled;
    migrate_fault fault; /* of the last failure */
    char message[400], hint[400], object[200];
    char *describe;
    char expression[700];
};

static inline const migrate_driver *inner_driver(void)
{
    return migrate_sqlite_driver();
}

bool fake_broken(enum fake_breach breach);
bool fake_session_alive(const char *session);
void fake_locks_drop(const char *session);

void fake_fault_of(struct fake *c, uint32_t klass, migrate_status status, const char *message);
void fake_distort(struct fake *c, const char *sql);
migrate_status fake_fail(struct fake *c, migrate_error **err);
migrate_status fake_lost(struct fake *c, migrate_error **err);
void fake_die(struct fake *c);
migrate_status fake_inner_sql(struct fake *c, const char *sql);

migrate_status fake_open(const migrate_host *host, const char *url, void **out_conn, migrate_error **err);
void fake_close(void *conn);
migrate_status fake_adopt(const migrate_host *host, void *native, void **out_conn, migrate_error **err);
/* Runs a statement and leaves what went wrong in c->fault. */
migrate_status fake_run(struct fake *c, const migrate_stmt *stmt, migrate_result *out);
migrate_status fake_exec(void *conn, const migrate_stmt *stmt, migrate_result *out, migrate_error **err);
migrate_status fake_exec_batch(void *conn, const migrate_batch *batch, migrate_error **err);
migrate_status fake_try_lock(void *conn, const char *key, migrate_holder *holder, migrate_error **err);
migrate_status fake_unlock(void *conn, const char *key, migrate_error **err);
migrate_status fake_lock_holder(void *conn, const char *key, migrate_holder *holder, migrate_error **err);

#endif
