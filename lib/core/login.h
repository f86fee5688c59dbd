/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_LOGIN_H
#define MIG_CORE_LOGIN_H

/* The question for credentials (credentials.h) and the answer's way to the driver. */

#include <migrate/credentials.h>
#include <migrate/driver.h>

struct migrate_login {
    uint32_t    reason;
    const char *url; /* redacted */
    int64_t     remaining_ms;
    char *user, *password, *token, *role, *host, *port, *database, *again; /* owned, wiped */
};

void mig_login_clear(struct migrate_login *login); /* wipes and frees the answers */

/* Moves the answers into @p out, whose release() wipes and frees them. Text set both as token and password: the
 * token wins and sets flag bit 0. E_OPTION for a port that is none. */
migrate_status mig_login_to_credentials(struct migrate_login *login, migrate_credentials *out, migrate_error **err);

#endif
