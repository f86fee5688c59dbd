/* SPDX-License-Identifier: Apache-2.0 */

/* A connection the application has open: lent to us, and given back as it came. */

#include <stdlib.h>
#include <string.h>

#include "pg.h"

/* libpq tells its receiver of notices, but not that receiver's argument: only its own, which uses none, can
 * be put back. This is how to know it. */
static PQnoticeReceiver default_receiver(void)
{
    PGconn *none = PQconnectStart("=");
    PQnoticeReceiver receiver = none ? PQsetNoticeReceiver(none, NULL, NULL) : NULL;
    PQfinish(none);
    return receiver;
}

static void borrow(struct mig_pg *c)
{
    c->lent.nonblocking = PQisnonblocking(c->pg);
    PQsetnonblocking(c->pg, 1);
    PQnoticeReceiver now = PQsetNoticeReceiver(c->pg, NULL, NULL);
    c->lent.our_receiver = now && now == default_receiver();
    if (c->lent.our_receiver)
        c->lent.receiver = PQsetNoticeReceiver(c->pg, mig_pg_notice, c);
}

/* Settings we change, each with its value as SQL that sets it again. */
static int32_t take_settings(void *user, uint32_t n, const migrate_text *cols)
{
    static const char *const names[] = { "lock_timeout", "statement_timeout",
                                         "idle_in_transaction_session_timeout", "client_encoding" };
    struct mig_buf *out = user;
    for (uint32_t i = 0; i < n && i < sizeof names / sizeof *names; i++) {
        if (!cols[i].data)
            continue;
        mig_buf_fmt(out, "%sSET %s = ", out->len ? "; " : "", names[i]);
        mig_pg_literal(out, cols[i].data, cols[i].len);
    }
    return 0;
}

static migrate_status remember(struct mig_pg *c, migrate_error **err)
{
    migrate_status status =
        mig_pg_query(c, "SELECT pg_catalog.current_setting('lock_timeout'), "
                        "pg_catalog.current_setting('statement_timeout'), "
                        "pg_catalog.current_setting('idle_in_transaction_session_timeout'), "
                        "pg_catalog.current_setting('client_encoding'), pg_catalog.pg_backend_pid()",
                     take_settings, &c->lent.restore, err);
    return !status && c->lent.restore.oom ? mig_pg_nomem(c->host, err) : status;
}

static migrate_status set_ours(struct mig_pg *c, migrate_error **err)
{
    struct mig_buf sql = MIG_BUF_INIT;
    mig_buf_str(&sql, "SET client_encoding = 'UTF8'; ");
    mig_pg_settings_sql(&sql, c);
    migrate_status status =
        sql.oom ? mig_pg_nomem(c->host, err) : mig_pg_query(c, mig_buf_text(&sql), NULL, NULL, err);
    mig_buf_free(&sql);
    return status;
}

static const char *unusable(const PGconn *pg)
{
    if (!pg || PQstatus(pg) != CONNECTION_OK)
        return "the connection given is not open";
    if (PQpipelineStatus(pg) != PQ_PIPELINE_OFF)
        return "the connection given is in pipeline mode";
    if (PQtransactionStatus(pg) != PQTRANS_IDLE)
        return "the connection given is inside a transaction, or runs a statement";
    return NULL;
}

migrate_status mig_pg_adopt(const migrate_host *host, void *native, void **out_conn, migrate_error **err)
{
    const char *why = unusable(native);
    if (why)
        return mig_pg_refuse(host, err, MIGRATE_E_MISUSE, 0, why,
                             "give one that is open, idle and outside a transaction");
    struct mig_pg *c = calloc(1, sizeof *c);
    if (!c)
        return mig_pg_nomem(host, err);
    c->host = host;
    c->pg = native;
    c->adopted = true;
    mig_pg_enter(c);
    borrow(c);
    migrate_status status = remember(c, err);
    if (!status)
        status = set_ours(c, err);
    if (status)
        mig_pg_close(c);
    else
        *out_conn = c;
    return status;
}

/* Without the host, which may be gone or asked to stop: bounded by the connection's own time-outs. */
static void run_blocking(struct mig_pg *c, const char *sql)
{
    PQclear(PQexec(c->pg, sql));
}

void mig_pg_give_back(struct mig_pg *c)
{
    PQsetnonblocking(c->pg, 0);
    if (!c->dead && PQstatus(c->pg) == CONNECTION_OK) {
        if (mig_pg_tx(c) == MIGRATE_TX_OPEN || mig_pg_tx(c) == MIGRATE_TX_FAILED)
            run_blocking(c, "ROLLBACK");
        if (c->lent.restore.len && mig_pg_tx(c) == MIGRATE_TX_NONE)
            run_blocking(c, mig_buf_text(&c->lent.restore));
    }
    if (c->lent.our_receiver)
        PQsetNoticeReceiver(c->pg, c->lent.receiver, NULL);
    PQsetnonblocking(c->pg, c->lent.nonblocking);
}
