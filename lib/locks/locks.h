/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_LOCKS_LOCKS_H
#define MIG_LOCKS_LOCKS_H

/* The library's own locks, inside the database: vtables of lock.h with a maker of their `self`. Makers return NULL when
 * memory is out. */

#include <migrate/lock.h>

/* The driver's session lock, on the connection the work is done on. Borrows everything. */
extern const struct migrate_lock_ops mig_lock_session_ops;
void *mig_lock_session(const migrate_driver *driver, void *conn);

/* The lease row of migrate_lock, for where no session can hold a lock. It expires by the database's clock and is
 * renewed over a connection of its own. */
extern const struct migrate_lock_ops mig_lock_lease_ops;
struct mig_lease_config {
    const migrate_driver *driver;
    void       *conn;       /* of the work */
    const migrate_host *host;
    const char *url;        /* for the second connection; NULL: renew on `conn` between statements only */
    uint32_t    dialect;
    const char *table;      /* quoted and qualified */
    const char *owner;      /* unique to this run */
    const char *session_id; /* of the work's session, or NULL */
    const char *client;
    const char *machine;    /* host name and process, for people */
};
/* Copies the strings. */
void *mig_lock_lease(const struct mig_lease_config *config);

#endif
