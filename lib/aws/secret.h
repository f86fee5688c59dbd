/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_SECRET_H
#define MIG_AWS_SECRET_H

/* Credentials of a database as Secrets Manager and Parameter Store keep them: RDS's JSON in all its shapes (port a
 * number or a text, anything but user and password left out, not even those in one that only names a host), a URL, or
 * nothing but a password. */

#include <stdbool.h>
#include <stddef.h>

#include <migrate/types.h>

struct mig_diag;

/* Owned texts, NULL where the secret says nothing. */
struct mig_secret {
    char *engine; /* "aurora-postgresql", as it is written */
    char *host, *port, *database;
    char *user, *password;
    char *version; /* its id; NULL unknown */
};

#define MIG_SECRET_INIT { NULL, NULL, NULL, NULL, NULL, NULL, NULL }

/* @p what ("secret prod/db") begins the messages, which never quote the text. */
migrate_status mig_secret_read(const char *text, size_t len, const char *what, struct mig_secret *out,
                               struct mig_diag *diag);
void mig_secret_free(struct mig_secret *secret);

/* "postgres", "mysql" or "mariadb"; NULL for an engine there is no driver for. */
const char *mig_secret_scheme(const char *engine);

#endif
