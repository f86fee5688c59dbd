/* SPDX-License-Identifier: Apache-2.0 */

/* Opening and closing a connection. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/text.h"

/* ---- one attempt ---- */

struct attempt {
    struct mig_pg *c;
    char    where[160]; /* host, port and address under way */
    int64_t since;      /* when it began there, monotonic */
    int64_t patience;   /* per address, INT64_MAX none */
};

/* Did libpq go on to another address? */
static void notice_move(struct attempt *at)
{
    char where[sizeof at->where];
    const char *host = PQhost(at->c->pg), *addr = PQhostaddr(at->c->pg), *port = PQport(at->c->pg);
    snprintf(where, sizeof where, "%s %s %s", host ? host : "", addr ? addr : "", port ? port : "");
    if (strcmp(where, at->where) == 0)
        return;
    memcpy(at->where, where, sizeof where);
    at->since = mig_clock_mono_ms();
}

enum attempt_end { CONNECTED, REFUSED, SILENT, STOPPED };

static enum attempt_end poll_connect(struct attempt *at)
{
    struct mig_pg *c = at->c;
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
        notice_move(at);
        struct pollfd fd = { .fd = PQsocket(c->pg),
                             .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT };
        int64_t left = at->patience == INT64_MAX ? INT64_MAX : at->since + at->patience - mig_clock_mono_ms();
        if (left <= 0)
            return SILENT;
        mig_pg_poll(c, &fd, 1, left);
        if (c->stop)
            return STOPPED;
        if (fd.revents || fd.fd < 0)
            state = PQconnectPoll(c->pg);
    }
    return state == PGRES_POLLING_OK ? CONNECTED : REFUSED;
}

static int64_t patience(const struct mig_pg *c, const struct mig_pg_params *p)
{
    const char *own = mig_pg_params_get(p, "connect_timeout"); /* seconds, libpq's */
    int64_t ms = own ? strtoll(own, NULL, 10) * 1000 : mig_pg_option_ms(c->host, "connect_timeout", 10000);
    return ms > 0 ? ms : INT64_MAX;
}

static enum attempt_end try_once(struct mig_pg *c, const struct mig_pg_params *p)
{
    c->pg = PQconnectStartParams(p->keys, p->values, 0);
    if (!c->pg || PQstatus(c->pg) == CONNECTION_BAD)
        return REFUSED;
    PQsetErrorVerbosity(c->pg, PQERRORS_VERBOSE); /* so that a refusal tells its SQLSTATE */
    PQsetNoticeReceiver(c->pg, mig_pg_notice, c);
    struct attempt at = { .c = c, .since = mig_clock_mono_ms(), .patience = patience(c, p) };
    enum attempt_end end = poll_connect(&at);
    PQsetErrorVerbosity(c->pg, PQERRORS_DEFAULT);
    return end;
}

static migrate_status silent(struct mig_pg *c, migrate_error **err)
{
    struct mig_buf text = MIG_BUF_INIT;
    const char *host = PQhost(c->pg), *port = PQport(c->pg);
    mig_buf_fmt(&text, "no answer from %s:%s within connect_timeout", host ? host : "", port ? port : "");
    migrate_status status = mig_pg_refuse(
        c->host, err, MIGRATE_E_CONNECT, MIGRATE_FAULT_CONN_LOST, mig_buf_text(&text),
        "check host, port, firewall and security group; raise connect_timeout if the server is slow");
    mig_buf_free(&text);
    return status;
}

/* Settings that could not be given at start-up and that would leak to others through a pooler. */
static migrate_status check_unpooled(const struct mig_pg *c, migrate_error **err)
{
    const char *role = mig_pg_option(c->host, "role"), *path = mig_pg_option(c->host, "search_path");
    if (!(role && *role) && !(path && *path))
        return MIGRATE_OK;
    return mig_pg_refuse(c->host, err, MIGRATE_E_UNSUPPORTED, 0,
                         "role and search_path cannot be set through a pooler that refuses start-up options",
                         "connect to the server itself, or set them with ALTER ROLE … SET");
}

static migrate_status connect_all(struct mig_pg *c, struct mig_pg_params *p, migrate_error **err)
{
    for (;;) {
        migrate_status status = mig_pg_params_finish(p, c->host, err);
        if (status)
            return status;
        enum attempt_end end = try_once(c, p);
        if (end == CONNECTED)
            return c->options_refused ? check_unpooled(c, err) : MIGRATE_OK;
        if (!c->pg)
            return mig_pg_nomem(c->host, err);
        if (end == REFUSED && !p->refuses_options && mig_pg_options_refused(c->pg))
            p->refuses_options = c->options_refused = c->pooled = true;
        else if (end != SILENT || !mig_pg_params_next_host(p, c->pg))
            return end == STOPPED  ? mig_pg_stopped(c, err)
                   : end == SILENT ? silent(c, err)
                                   : mig_pg_connect_failed(c->host, c->pg, err);
        PQfinish(c->pg);
        c->pg = NULL;
    }
}

/* ---- after the log-in ---- */

static bool is_local(const PGconn *pg)
{
    const char *host = PQhost(pg), *address = PQhostaddr(pg);
    return !host || *host == '/' || *host == '\0' ||
           (address && (mig_starts(address, "127.") || strcmp(address, "::1") == 0));
}

static void warn_plaintext(const struct mig_pg *c, const struct mig_pg_params *p)
{
    if (PQsslInUse(c->pg) || is_local(c->pg) || mig_pg_params_get(p, "sslmode"))
        return;
    mig_pg_log(c->host, MIGRATE_LOG_WARN,
               "the connection is not encrypted: set sslmode=verify-full and ca_file, "
               "or sslmode=disable if that is meant");
}

static migrate_status ask_credentials(struct mig_pg_params *p, const migrate_host *host, migrate_error **err)
{
    p->cred.struct_size = sizeof p->cred;
    if (!MIGRATE_HAS(migrate_host, host, credentials) || !host->credentials)
        return MIGRATE_OK;
    return host->credentials(host, MIGRATE_CRED_FIRST, &p->cred, err);
}

/* A role that came with the credentials; one of the options was given at start-up. */
static migrate_status assume_role(struct mig_pg *c, const struct mig_pg_params *p, migrate_error **err)
{
    if (!p->cred.role || !*p->cred.role)
        return MIGRATE_OK;
    if (c->options_refused) {
        return mig_pg_refuse(c->host, err, MIGRATE_E_UNSUPPORTED, 0,
                             "a role cannot be assumed through a pooler that refuses start-up options",
                             "connect to the server itself, or log in as that role");
    }
    struct mig_buf sql = MIG_BUF_INIT;
    mig_buf_str(&sql, "SET ROLE ");
    mig_pg_identifier(&sql, p->cred.role, strlen(p->cred.role));
    migrate_status status =
        sql.oom ? mig_pg_nomem(c->host, err) : mig_pg_query(c, mig_buf_text(&sql), NULL, NULL, err);
    mig_buf_free(&sql);
    return status;
}

static migrate_status open_with(struct mig_pg *c, struct mig_pg_params *p, const char *url,
                                migrate_error **err)
{
    migrate_status status = mig_pg_params_read(p, c->host, url, err);
    if (!status)
        status = ask_credentials(p, c->host, err);
    if (!status)
        status = connect_all(c, p, err);
    if (status)
        return status;
    PQsetnonblocking(c->pg, 1);
    warn_plaintext(c, p);
    return assume_role(c, p, err);
}

migrate_status mig_pg_open(const migrate_host *host, const char *url, void **out_conn, migrate_error **err)
{
    struct mig_pg *c = calloc(1, sizeof *c);
    if (!c)
        return mig_pg_nomem(host, err);
    c->host = host;
    mig_pg_enter(c);
    struct mig_pg_params params = { .n = 0 };
    migrate_status status = open_with(c, &params, url, err);
    mig_pg_params_free(&params);
    if (status)
        mig_pg_close(c);
    else
        *out_conn = c;
    return status;
}

/* ---- closing ---- */

void mig_pg_free(struct mig_pg *c)
{
    mig_pg_watch_free(c);
    mig_buf_free(&c->sql);
    mig_buf_free(&c->detail);
    mig_buf_free(&c->out);
    mig_buf_free(&c->probe);
    mig_buf_free(&c->lent.restore);
    free(c->locks);
    free(c);
}

void mig_pg_close(void *conn)
{
    struct mig_pg *c = conn;
    if (!c)
        return;
    if (c->adopted)
        mig_pg_give_back(c);
    else
        PQfinish(c->pg);
    mig_pg_free(c);
}
