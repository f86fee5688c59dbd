/* SPDX-License-Identifier: Apache-2.0 */

/* From a URL, the environment, the credentials and the options to the parameters of a connection. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg.h"
#include "util/mem.h"
#include "util/text.h"

/* Taken out of the URL before libpq, which does not know them, sees it. */
const char *const mig_pg_option_keys[] = { "role", "search_path", NULL };

/* ---- reading ---- */

static const char *value_in(const PQconninfoOption *list, const char *key)
{
    for (const PQconninfoOption *o = list; o && o->keyword; o++) {
        if (strcmp(o->keyword, key) == 0)
            return o->val && *o->val ? o->val : NULL;
    }
    return NULL;
}

/* A value that is not merely libpq's built-in default. */
static const char *ambient_value(const struct mig_pg_params *p, const char *key)
{
    for (const PQconninfoOption *o = p->ambient; o && o->keyword; o++) {
        if (strcmp(o->keyword, key) == 0)
            return o->val && *o->val && !(o->compiled && strcmp(o->val, o->compiled) == 0) ? o->val : NULL;
    }
    return NULL;
}

const char *mig_pg_params_get(const struct mig_pg_params *p, const char *key)
{
    const char *value = value_in(p->url, key);
    return value ? value : ambient_value(p, key);
}

static const char hint_at[] = "an '@' in the user name or password must be written %40 "
                              "(likewise ':' %3A, '/' %2F, '?' %3F, '#' %23, '%' %25)";

/* libpq quotes the URL in most of its complaints; only those about a query parameter are safe to repeat. */
static migrate_status unreadable(const migrate_host *host, const char *words, migrate_error **err)
{
    static const char param[] = "invalid URI query parameter";
    if (words && strncmp(words, param, sizeof param - 1) == 0) {
        struct mig_buf text = MIG_BUF_INIT;
        mig_buf_add(&text, words, strcspn(words, "\n"));
        migrate_status status = mig_pg_refuse(host, err, MIGRATE_E_URL, 0, mig_buf_text(&text),
                                              "it is neither a parameter of libpq nor one of this library");
        mig_buf_free(&text);
        return status;
    }
    const char *message = "libpq cannot read the database URL";
    if (words && strstr(words, "percent-encoded"))
        message = "the database URL holds a '%' that is not followed by two hex digits";
    else if (words && strstr(words, "integer"))
        message = "the database URL holds a port that is not a number";
    return mig_pg_refuse(host, err, MIGRATE_E_URL, 0, message, hint_at);
}

/* One or several, separated by commas; an empty one is the default. */
static bool ports_readable(const char *list)
{
    while (list && *list) {
        char *end;
        long port = *list == ',' ? 1 : strtol(list, &end, 10);
        if (*list == ',')
            end = (char *)(uintptr_t)list;
        if (port < 1 || port > 65535 || (*end && *end != ','))
            return false;
        list = *end ? end + 1 : end;
    }
    return true;
}

/* "postgres://u:p@ss@host/": libpq ends the password at the first '@'. */
static migrate_status check_host(const struct mig_pg_params *p, const migrate_host *host, migrate_error **err)
{
    const char *name = value_in(p->url, "host"), *port = value_in(p->url, "port");
    if ((name && *name != '/' && strchr(name, '@')) || (port && strchr(port, '@')))
        return mig_pg_refuse(host, err, MIGRATE_E_URL, 0, "the host part of the database URL holds an '@'",
                             hint_at);
    if (!ports_readable(port)) {
        return mig_pg_refuse(host, err, MIGRATE_E_URL, 0,
                             "the database URL holds a port that is no number from 1 to 65535", hint_at);
    }
    return MIGRATE_OK;
}

migrate_status mig_pg_params_read(struct mig_pg_params *p, const migrate_host *host, const char *url,
                                  migrate_error **err)
{
    char *words = NULL;
    p->url = PQconninfoParse(url, &words);
    if (!p->url) {
        migrate_status status = words ? unreadable(host, words, err) : mig_pg_nomem(host, err);
        PQfreemem(words);
        return status;
    }
    p->ambient = PQconndefaults();
    return p->ambient ? check_host(p, host, err) : mig_pg_nomem(host, err);
}

/* ---- writing ---- */

void mig_pg_params_put(struct mig_pg_params *p, const char *key, const char *value)
{
    size_t i = 0;
    while (i < p->n && strcmp(p->keys[i], key) != 0)
        i++;
    if (i == MIG_PG_PARAMS_MAX)
        return;
    p->keys[i] = key;
    p->values[i] = value;
    if (i == p->n)
        p->n++;
    p->keys[p->n] = p->values[p->n] = NULL;
}

static void put_default(struct mig_pg_params *p, const char *key, const char *value)
{
    if (!mig_pg_params_get(p, key))
        mig_pg_params_put(p, key, value);
}

static void put_url(struct mig_pg_params *p)
{
    for (const PQconninfoOption *o = p->url; o->keyword; o++) {
        if (o->val && *o->val)
            mig_pg_params_put(p, o->keyword, o->val);
    }
}

static void put_hosts(struct mig_pg_params *p)
{
    if (p->hosts.len)
        mig_pg_params_put(p, "host", mig_buf_text(&p->hosts));
    if (p->ports.len)
        mig_pg_params_put(p, "port", mig_buf_text(&p->ports));
    if (p->addresses.len)
        mig_pg_params_put(p, "hostaddr", mig_buf_text(&p->addresses));
}

static void put_credentials(struct mig_pg_params *p)
{
    const migrate_credentials *cred = &p->cred;
    if (cred->user)
        mig_pg_params_put(p, "user", cred->user);
    if (cred->password)
        mig_pg_params_put(p, "password", cred->password);
    if (cred->host && !p->hosts.len) {
        mig_pg_params_put(p, "host", cred->host);
        mig_pg_params_put(p, "hostaddr", NULL);
    }
    if (cred->port && !p->ports.len) {
        snprintf(p->port, sizeof p->port, "%u", (unsigned)cred->port & 0xffff);
        mig_pg_params_put(p, "port", p->port);
    }
    if (MIGRATE_HAS(migrate_credentials, cred, database) && cred->database)
        mig_pg_params_put(p, "dbname", cred->database);
}

/* Dead peers are noticed within a minute; a session of ours is never idle for long otherwise. */
static void put_defaults(struct mig_pg_params *p, const migrate_host *host)
{
    put_default(p, "keepalives_idle", "30");
    put_default(p, "keepalives_interval", "10");
    put_default(p, "keepalives_count", "3");
    put_default(p, "tcp_user_timeout", "30000");
    const char *client = mig_pg_option(host, "client");
    if (client && *client)
        put_default(p, "application_name", client);
    else
        put_default(p, "fallback_application_name", "libmigrate");
    mig_pg_params_put(p, "client_encoding", "UTF8");
}

static void put_tls(struct mig_pg_params *p, const migrate_host *host)
{
    const char *ca = mig_pg_option(host, "ca_file");
    if (ca && *ca) {
        put_default(p, "sslrootcert", ca);
        put_default(p, "sslmode", "verify-full");
    }
    if (p->cred.flags & 1u)
        put_default(p, "sslmode", "verify-full");
}

/* A token is worth a password and goes in clear text: not without knowing to whom. The chain alone (verify-ca) does
 * not say: all customers of a cloud have certificates by one authority. */
static migrate_status check_token(const struct mig_pg_params *p, const migrate_host *host,
                                  migrate_error **err)
{
    const char *mode = mig_pg_params_get(p, "sslmode");
    if (!(p->cred.flags & 1u) || !mode || strcmp(mode, "verify-full") == 0)
        return MIGRATE_OK;
    return mig_pg_refuse(host, err, MIGRATE_E_OPTION, 0,
                         "a token is sent over verified TLS only, but the URL or PGSSLMODE asks for less",
                         "set sslmode=verify-full and name the CA by ca_file or sslrootcert");
}

static void put_options(struct mig_pg_params *p, const migrate_host *host)
{
    mig_buf_reset(&p->options);
    if (p->refuses_options)
        return;
    mig_pg_startup_options(&p->options, host);
    const char *own = mig_pg_params_get(p, "options"); /* later ones win */
    if (own)
        mig_buf_fmt(&p->options, " %s", own);
    mig_pg_params_put(p, "options", mig_buf_text(&p->options));
}

migrate_status mig_pg_params_finish(struct mig_pg_params *p, const migrate_host *host, migrate_error **err)
{
    p->n = 0;
    put_url(p);
    put_hosts(p);
    put_credentials(p);
    put_defaults(p, host);
    put_tls(p, host);
    put_options(p, host);
    if (p->options.oom || p->hosts.oom || p->ports.oom || p->addresses.oom)
        return mig_pg_nomem(host, err);
    return check_token(p, host, err);
}

void mig_pg_params_free(struct mig_pg_params *p)
{
    PQconninfoFree(p->url);
    PQconninfoFree(p->ambient);
    mig_buf_free(&p->options);
    mig_buf_free(&p->hosts);
    mig_buf_free(&p->ports);
    mig_buf_free(&p->addresses);
    if (p->cred.release)
        p->cred.release(&p->cred);
    memset(p, 0, sizeof *p);
}
