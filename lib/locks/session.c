/* SPDX-License-Identifier: Apache-2.0 */

/* The session lock: the server gives it up when the session ends, whoever killed it. */

#include <stdlib.h>

#include "locks/locks.h"

struct session_lock {
    const migrate_driver *driver;
    void *conn;
};

void *mig_lock_session(const migrate_driver *driver, void *conn)
{
    struct session_lock *l = malloc(sizeof *l);
    if (l)
        *l = (struct session_lock){ driver, conn };
    return l;
}

static migrate_status acquire(void *self, const migrate_host *host, const char *key, uint64_t *token,
                              migrate_holder *holder, migrate_error **err)
{
    const struct session_lock *l = self;
    (void)host;
    *token = 0;
    return l->driver->try_lock(l->conn, key, holder, err);
}

static migrate_status release(void *self, const migrate_host *host, const char *key, migrate_error **err)
{
    const struct session_lock *l = self;
    (void)host;
    return l->driver->unlock(l->conn, key, err);
}

static migrate_status unsupported(const migrate_host *host, const char *what, migrate_error **err)
{
    migrate_fault fault = { .struct_size = sizeof fault, .status = MIGRATE_E_UNSUPPORTED, .message = what };
    return host->fail(host, err, &fault);
}

static migrate_status inspect(void *self, const migrate_host *host, const char *key, migrate_holder *holder,
                              migrate_error **err)
{
    const struct session_lock *l = self;
    if (!MIGRATE_HAS(migrate_driver, l->driver, lock_holder) || !l->driver->lock_holder)
        return unsupported(host, "this database cannot name the holder of a lock", err);
    return l->driver->lock_holder(l->conn, key, holder, err);
}

static migrate_status break_lock(void *self, const migrate_host *host, const char *key, const migrate_holder *holder,
                                 migrate_error **err)
{
    const struct session_lock *l = self;
    (void)key;
    if (!MIGRATE_HAS(migrate_driver, l->driver, session_end) || !l->driver->session_end || !holder->session_id)
        return unsupported(host, "the holder's session cannot be ended from here", err);
    return l->driver->session_end(l->conn, holder->session_id, err);
}

static void free_lock(void *self)
{
    free(self);
}

const struct migrate_lock_ops mig_lock_session_ops = {
    .struct_size = sizeof(struct migrate_lock_ops),
    .api = MIGRATE_LOCK_API,
    .name = "session",
    .acquire = acquire,
    .release = release,
    .free = free_lock,
    .inspect = inspect,
    .break_lock = break_lock,
};
