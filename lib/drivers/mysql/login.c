/* SPDX-License-Identifier: Apache-2.0 */

/* Reads a mysql:// URL and the options beside it. */

#include "drivers/mysql/login.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/mysql/conn.h"
#include "util/clock.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/text.h"
#include "util/url.h"

enum { CONNECT_DEFAULT_MS = 10000 };

const char *const mig_my_option_keys[] = {
    "ssl-mode",    "ssl-ca",     "ssl-capath", "ssl-cert",     "ssl-key",
    "ssl-cipher",  "tls-version", "connect-timeout", "socket", "charset",
    "get-server-public-key", "server-public-key-path", "plugin-dir", "compress", NULL,
};

void mig_my_login_free(struct mig_my_login *l)
{
    char **texts[] = { &l->host, &l->user, &l->database, &l->socket, &l->charset, &l->ssl_ca, &l->ssl_capath,
                       &l->ssl_cert, &l->ssl_key, &l->ssl_cipher, &l->tls_version, &l->plugin_dir, &l->public_key,
                       &l->program, &l->role };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(*texts[i]);
    mig_wipe_free(l->password);
    *l = (struct mig_my_login){ 0 };
}

/* ---- failures ------------------------------------------------------------------ */

static migrate_status bad_url(const migrate_host *host, migrate_error **err, const char *message, const char *hint)
{
    return mig_my_refuse(host, err, MIGRATE_E_URL, MIGRATE_FAULT_OTHER, message, hint);
}

static migrate_status bad_option(const migrate_host *host, migrate_error **err, const char *key, const char *value,
                                 const char *hint)
{
    char *message = mig_sprintf("'%s' is no value of %s", value, key);
    migrate_status status = mig_my_refuse(host, err, MIGRATE_E_OPTION, MIGRATE_FAULT_OTHER, message, hint);
    free(message);
    return status;
}

/* "user:password@tcp(host:3306)/name" is how Go's driver writes it. */
static bool is_go_dsn(const char *url)
{
    const char *at = strstr(url, "://");
    at = at ? at + 3 : url;
    const char *end = at + strcspn(at, "?#");
    for (const char *p = at; p < end; p++) {
        bool begins = p == at || p[-1] == '@';
        if (begins && (strncmp(p, "tcp(", 4) == 0 || strncmp(p, "unix(", 5) == 0))
            return true;
    }
    return false;
}

/* ---- parameters ---------------------------------------------------------------- */

/* ssl_mode is read as ssl-mode. */
static bool same_key(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        char x = *a == '_' ? '-' : mig_lower(*a), y = *b == '_' ? '-' : mig_lower(*b);
        if (x != y)
            return false;
    }
    return *a == *b;
}

static bool known_key(const char *key)
{
    for (size_t i = 0; mig_my_option_keys[i]; i++) {
        if (same_key(key, mig_my_option_keys[i]))
            return true;
    }
    return false;
}

static migrate_status check_keys(const struct mig_url *u, const migrate_host *host, migrate_error **err)
{
    for (size_t i = 0; i < u->n_params; i++) {
        if (known_key(u->params[i].key))
            continue;
        char *message = mig_sprintf("the database URL has a parameter '%s', which the MySQL driver does not know",
                                    u->params[i].key);
        migrate_status status = bad_url(host, err, message,
            "It takes ssl-mode, ssl-ca, ssl-capath, ssl-cert, ssl-key, ssl-cipher, tls-version, connect-timeout, "
            "socket, charset, get-server-public-key, server-public-key-path, plugin-dir and compress. "
            "Parameters of other drivers (parseTime, multiStatements, useSSL) are not needed here.");
        free(message);
        return status;
    }
    return MIGRATE_OK;
}

/* Of the URL, else of the options. */
static const char *param(const struct mig_url *u, const migrate_host *host, const char *key)
{
    for (size_t i = 0; i < u->n_params; i++) {
        if (same_key(u->params[i].key, key))
            return u->params[i].value;
    }
    char full[64] = "mysql.";
    memcpy(full + 6, key, strlen(key) + 1);
    const char *value = mig_my_option(host, full);
    return value && *value ? value : NULL;
}

static bool is_yes(const char *value)
{
    return mig_ieq(value, "1") || mig_ieq(value, "true") || mig_ieq(value, "yes") || mig_ieq(value, "on") || !*value;
}

static migrate_status read_tls(struct mig_my_login *l, const char *mode, const migrate_host *host, migrate_error **err)
{
    static const char *const names[] = { "DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY" };
    l->tls = l->ssl_ca || l->ssl_capath ? MIG_MY_TLS_VERIFY_IDENTITY : MIG_MY_TLS_PREFERRED;
    if (!mode)
        return MIGRATE_OK;
    l->tls_said = true;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (same_key(mode, names[i])) {
            l->tls = (enum mig_my_tls)i;
            return MIGRATE_OK;
        }
    }
    return bad_option(host, err, "ssl-mode", mode,
                      "It is DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY.");
}

/* In these a byte of a character may look like a quote or backslash: text cannot be cut safely. */
static bool is_unsafe_charset(const char *name)
{
    static const char *const unsafe[] = { "big5", "cp932", "gbk", "gb18030", "sjis", "ucs2", "utf16", "utf16le", "utf32" };
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++) {
        if (mig_ieq(name, unsafe[i]))
            return true;
    }
    return false;
}

static migrate_status read_timeout(struct mig_my_login *l, const char *value, const migrate_host *host,
                                   migrate_error **err)
{
    const char *option = mig_my_option(host, "connect_timeout");
    int64_t ms = CONNECT_DEFAULT_MS;
    if (option && *option && !mig_duration_parse(option, &ms))
        return bad_option(host, err, "connect_timeout", option, "Write a duration: 500ms, 10s, 1m.");
    if (value) {
        /* A bare number is seconds here, as MySQL's own tools have it. */
        char *end;
        unsigned long seconds = strtoul(value, &end, 10);
        if (end != value && !*end && seconds < 86400)
            ms = (int64_t)seconds * 1000;
        else if (!mig_duration_parse(value, &ms))
            return bad_option(host, err, "connect-timeout", value, "Write seconds, or a duration such as 500ms or 10s.");
    }
    l->connect_ms = ms > 0 ? ms : 0;
    int64_t seconds = (ms + 999) / 1000;
    l->connect_seconds = ms <= 0 || seconds > 86400 ? 86400 : (unsigned)seconds;
    return MIGRATE_OK;
}

static bool copy(char **out, const char *value)
{
    if (!value)
        return true;
    *out = mig_strdup(value);
    return *out != NULL;
}

static bool copy_params(struct mig_my_login *l, const struct mig_url *u, const migrate_host *host)
{
    const struct { char **to; const char *key; } texts[] = {
        { &l->socket, "socket" },         { &l->charset, "charset" },   { &l->ssl_ca, "ssl-ca" },
        { &l->ssl_capath, "ssl-capath" }, { &l->ssl_cert, "ssl-cert" }, { &l->ssl_key, "ssl-key" },
        { &l->ssl_cipher, "ssl-cipher" }, { &l->tls_version, "tls-version" },
        { &l->plugin_dir, "plugin-dir" }, { &l->public_key, "server-public-key-path" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!copy(texts[i].to, param(u, host, texts[i].key)))
            return false;
    }
    const char *ca = l->ssl_ca || l->ssl_capath ? NULL : mig_my_option(host, "ca_file");
    return (!ca || !*ca || copy(&l->ssl_ca, ca)) && copy(&l->program, mig_my_option(host, "client"));
}

static migrate_status read_params(struct mig_my_login *l, const struct mig_url *u, const migrate_host *host,
                                  migrate_error **err)
{
    migrate_status status = check_keys(u, host, err);
    if (status)
        return status;
    if (!copy_params(l, u, host))
        return mig_my_nomem(host, err);
    if (l->charset && is_unsafe_charset(l->charset))
        return bad_option(host, err, "charset", l->charset,
                          "In that character set a byte of a letter can look like a quote. Save the files as UTF-8 and "
                          "leave charset away.");
    status = read_tls(l, param(u, host, "ssl-mode"), host, err);
    if (!status)
        status = read_timeout(l, param(u, host, "connect-timeout"), host, err);
    const char *compress = param(u, host, "compress"), *key = param(u, host, "get-server-public-key");
    l->compress = compress && is_yes(compress);
    /* Who takes an unverified connection loses nothing by taking an unverified key, and gains a password that is
     * not readable on the way. */
    l->get_public_key = key ? is_yes(key) : l->tls <= MIG_MY_TLS_PREFERRED;
    return status;
}

/* ---- the whole ------------------------------------------------------------------- */

static migrate_status take_parts(struct mig_my_login *l, struct mig_url *u, const migrate_host *host, migrate_error **err)
{
    if (u->host && strchr(u->host, ','))
        return bad_url(host, err, "the database URL names several hosts",
                       "Name one: a failover endpoint or a proxy, which is asked again at every connect.");
    l->host = u->host, l->user = u->user, l->password = u->password;
    u->host = u->user = u->password = NULL;
    l->port = u->port ? (unsigned)strtoul(u->port, NULL, 10) : 0;
    l->force_tcp = l->port && l->host && mig_ieq(l->host, "localhost");
    if (u->path && strchr(u->path, '/'))
        return bad_url(host, err, "the database URL has a '/' in the name of the database",
                       "Write mysql://USER:PASSWORD@HOST:PORT/DATABASE; a '/' in a name is %2F.");
    if (u->path && *u->path) {
        l->database = u->path;
        u->path = NULL;
    }
    return MIGRATE_OK;
}

static migrate_status from_diag(const migrate_host *host, struct mig_diag *diag, migrate_error **err)
{
    migrate_status status = mig_my_refuse(host, err, diag->status, MIGRATE_FAULT_OTHER, diag->message, diag->hint);
    mig_diag_free(diag);
    return status;
}

migrate_status mig_my_login_read(struct mig_my_login *out, const migrate_host *host, const char *url, migrate_error **err)
{
    *out = (struct mig_my_login){ 0 };
    if (is_go_dsn(url))
        return bad_url(host, err, "the database URL is written as Go's MySQL driver has it: tcp(HOST:PORT)",
                       "Write mysql://USER:PASSWORD@HOST:PORT/DATABASE, and for a socket "
                       "mysql://USER:PASSWORD@localhost/DATABASE?socket=/path/to/mysqld.sock");
    struct mig_url u;
    struct mig_diag diag = MIG_DIAG_INIT;
    if (mig_url_parse(&u, url, &diag))
        return from_diag(host, &diag, err);
    migrate_status status = take_parts(out, &u, host, err);
    if (!status)
        status = read_params(out, &u, host, err);
    mig_url_free(&u);
    if (status)
        mig_my_login_free(out);
    return status;
}

/* ---- credentials ------------------------------------------------------------------ */

static bool replace(char **text, const char *with)
{
    if (!with)
        return true;
    char *now = mig_strdup(with);
    if (!now)
        return false;
    mig_wipe_free(*text);
    *text = now;
    return true;
}

migrate_status mig_my_login_credentials(struct mig_my_login *l, const migrate_host *host,
                                        const migrate_credentials *cred, migrate_error **err)
{
    if (!replace(&l->user, cred->user) || !replace(&l->password, cred->password) || !replace(&l->role, cred->role) ||
        !replace(&l->host, cred->host) ||
        (MIGRATE_HAS(migrate_credentials, cred, database) && !replace(&l->database, cred->database)))
        return mig_my_nomem(host, err);
    if (cred->port)
        l->port = cred->port;
    if (cred->host || cred->port)
        l->force_tcp = l->host && mig_ieq(l->host, "localhost") && l->port;
    l->token = (cred->flags & 1u) != 0;
    /* The chain alone proves nothing: all customers of a cloud have certificates by one authority. */
    if (!l->token || l->tls >= MIG_MY_TLS_VERIFY_IDENTITY)
        return MIGRATE_OK;
    if (l->tls_said)
        return mig_my_refuse(host, err, MIGRATE_E_OPTION, MIGRATE_FAULT_OTHER,
                             "a token is sent in clear text, and ssl-mode does not verify whose server it is",
                             "Set ssl-mode=VERIFY_IDENTITY and ssl-ca=FILE with the certificates to trust.");
    l->tls = MIG_MY_TLS_VERIFY_IDENTITY;
    return MIGRATE_OK;
}
