/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_MYSQL_LOGIN_H
#define MIG_MYSQL_LOGIN_H

/* Where to connect and as whom: what URL, options and credentials say together. */

#include <migrate/driver.h>

#include <stdbool.h>
#include <stdint.h>

enum mig_my_tls {
    MIG_MY_TLS_DISABLED,
    MIG_MY_TLS_PREFERRED, /* if the server can, unverified */
    MIG_MY_TLS_REQUIRED,  /* unverified */
    MIG_MY_TLS_VERIFY_CA,
    MIG_MY_TLS_VERIFY_IDENTITY,
};

/* Texts are owned; NULL: the client library's default (~/.my.cnf, the system's user). */
struct mig_my_login {
    char *host, *user, *password, *database, *socket, *charset;
    char *ssl_ca, *ssl_capath, *ssl_cert, *ssl_key, *ssl_cipher, *tls_version, *plugin_dir, *public_key;
    char *program; /* tells the server who we are */
    char *role;
    unsigned port; /* 0 default */
    unsigned connect_seconds;
    int64_t  connect_ms;
    enum mig_my_tls tls;
    bool tls_said;       /* by the user */
    bool get_public_key;
    bool token;          /* the password may be sent in clear text over verified TLS */
    bool compress;
    bool force_tcp;      /* a port was named for "localhost" */
};

extern const char *const mig_my_option_keys[];

/* E_URL, E_OPTION with a hint. Zeroes @p out first. */
migrate_status mig_my_login_read(struct mig_my_login *out, const migrate_host *host, const char *url, migrate_error **err);
/* Puts the answers over it; E_OPTION when a token would go over unverified TLS. */
migrate_status mig_my_login_credentials(struct mig_my_login *l, const migrate_host *host,
                                        const migrate_credentials *cred, migrate_error **err);
void mig_my_login_free(struct mig_my_login *l); /* wipes */

#endif
