/* SPDX-License-Identifier: Apache-2.0 */

/* Opening and closing. */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/mysql/conn.h"
#include "util/clock.h"
#include "util/mem.h"

enum { TICK_MS = 200 };

struct mig_my *mig_my_new(const migrate_host *host)
{
    struct mig_my *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->host = host;
    c->tx = MIGRATE_TX_NONE;
    c->lex = MIGRATE_LEX_BACKSLASH_ESCAPES;
    c->lock_timeout_s = -1;
    return c;
}

void mig_my_free(struct mig_my *c)
{
    mig_my_side_stop(c);
    mig_my_link_close(c->link);
    mig_my_facts_free(c);
    mig_my_native_free(c);
    mig_wipe_free(c->url);
    free(c->role);
    free(c->database);
    free(c->charset);
    mig_buf_free(&c->side.cells);
    mig_buf_free(&c->text);
    mig_buf_free(&c->out);
    mig_buf_free(&c->out2);
    free(c);
}

void mig_my_close(void *conn)
{
    struct mig_my *c = conn;
    if (!c)
        return;
    if (c->adopted && !c->lost)
        mig_my_give_back(c);
    mig_my_free(c);
}

migrate_status mig_my_login_now(const migrate_host *host, const char *url, struct mig_my_login *out, migrate_error **err)
{
    migrate_status status = mig_my_login_read(out, host, url, err);
    if (status || !MIGRATE_HAS(migrate_host, host, credentials) || !host->credentials)
        return status;
    migrate_credentials cred = { .struct_size = sizeof cred };
    status = host->credentials(host, MIGRATE_CRED_FIRST, &cred, err);
    if (!status) {
        status = mig_my_login_credentials(out, host, &cred, err);
        if (cred.release)
            cred.release(&cred);
    }
    if (status)
        mig_my_login_free(out);
    return status;
}

/* ---- waiting for the connect ------------------------------------------------------ */

/* 0 when the worker has ended, else why waiting is over. */
static migrate_status wait_connect(struct mig_my *c, int64_t until)
{
    struct mig_my_progress p;
    int64_t last_tick = mig_clock_mono_ms();
    for (;;) {
        mig_my_link_look(c->link, &p);
        if (!p.busy)
            return MIGRATE_OK;
        int64_t now = mig_clock_mono_ms();
        if (until && now >= until)
            return MIGRATE_E_CONNECT;
        struct pollfd fds[2] = { { .fd = mig_my_link_fd(c->link), .events = POLLIN },
                                 { .fd = mig_my_cancel_fd(c), .events = POLLIN } };
        int64_t ms = TICK_MS - (now - last_tick);
        if (until && until - now < ms)
            ms = until - now;
        (void)poll(fds, 2, ms > 0 ? (int)ms : 0);
        now = mig_clock_mono_ms();
        if (now - last_tick < TICK_MS && !(fds[1].revents & POLLIN))
            continue;
        last_tick = now;
        migrate_status asked = mig_my_tick(c);
        if (asked)
            return asked;
    }
}

static migrate_status say_stopped(struct mig_my *c, migrate_status asked, int64_t ms, migrate_error **err)
{
    if (asked != MIGRATE_E_CONNECT)
        return mig_my_refuse(c->host, err, asked, MIGRATE_FAULT_CANCELLED, "stopped while connecting", NULL);
    char *message = mig_sprintf("no connection within %lld ms", (long long)ms);
    migrate_status status = mig_my_refuse(c->host, err, MIGRATE_E_CONNECT, MIGRATE_FAULT_OTHER, message,
                                          "Check host and port, and that nothing between drops the packets; "
                                          "connect_timeout says how long to try.");
    free(message);
    return status;
}

/* A login as the fault needs it: the real one is the worker's by now. */
static migrate_status connect_failed(struct mig_my *c, enum mig_my_tls tls, migrate_error **err)
{
    struct mig_my_login shape = { .tls = tls };
    return mig_my_connect_fault(c->host, mig_my_link_connected(c->link), &shape, err);
}

migrate_status mig_my_connect(struct mig_my *c, struct mig_my_login *login, void *native, migrate_error **err)
{
    enum mig_my_tls tls = login->tls;
    int64_t ms = login->connect_ms;
    c->role = login->role;
    login->role = NULL;
    c->database = mig_strdup(login->database);
    c->charset = mig_strdup(login->charset);
    if ((login->database && !c->database) || (login->charset && !c->charset))
        return mig_my_nomem(c->host, err);
    c->link = mig_my_link_new();
    if (!c->link)
        return mig_my_refuse(c->host, err, errno == ENOMEM ? MIGRATE_E_NOMEM : MIGRATE_E_IO, MIGRATE_FAULT_OTHER,
                             "no thread or descriptor for a connection", "Check ulimit -n and ulimit -u.");
    if (native)
        mig_my_link_adopt(c->link, native);
    else
        mig_my_link_connect(c->link, login);
    migrate_status asked = wait_connect(c, ms ? mig_clock_mono_ms() + ms : 0);
    if (asked)
        return say_stopped(c, asked, ms, err);
    if (mig_my_link_connected(c->link)->code)
        return connect_failed(c, tls, err);
    const struct mig_my_server *server = mig_my_link_server(c->link);
    c->mariadb = server->mariadb;
    c->version = server->version;
    mig_my_note_status(c, server->status);
    return MIGRATE_OK;
}

migrate_status mig_my_open(const migrate_host *host, const char *url, void **out_conn, migrate_error **err)
{
    struct mig_my_login login;
    migrate_status status = mig_my_login_now(host, url, &login, err);
    if (status)
        return status;
    struct mig_my *c = mig_my_new(host);
    if (c)
        c->url = mig_strdup(url);
    if (!c || !c->url)
        status = mig_my_nomem(host, err);
    else
        status = mig_my_connect(c, &login, NULL, err);
    mig_my_login_free(&login);
    if (!status)
        *out_conn = c;
    else if (c)
        mig_my_free(c);
    return status;
}
