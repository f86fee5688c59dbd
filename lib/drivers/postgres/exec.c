/* SPDX-License-Identifier: Apache-2.0 */

/* One statement at a time, by simple query: it leaves no snapshot behind and takes statements that refuse
 * the extended protocol's implicit block. */

#include <string.h>

#include "pg.h"

/* What the server takes in one message, less its own head. */
static const size_t longest = 0x3fffffff - 64;

/* ---- the text ---- */

static bool append_param(struct mig_buf *out, const migrate_text *p)
{
    if (!p->data) {
        mig_buf_str(out, "NULL");
        return true;
    }
    if (memchr(p->data, '\0', p->len))
        return false;
    mig_pg_literal(out, p->data, p->len);
    return true;
}

/* Parameters become literals: a bound one would need the extended protocol, which keeps a snapshot. */
static bool append_text(struct mig_buf *out, const migrate_stmt *stmt)
{
    const char *at = stmt->sql, *end = at + stmt->sql_len;
    for (uint32_t i = 0; i < stmt->n_params; i++) {
        const char *mark = memchr(at, '?', (size_t)(end - at));
        if (!mark)
            return false;
        mig_buf_add(out, at, (size_t)(mark - at));
        if (!append_param(out, &stmt->params[i]))
            return false;
        at = mark + 1;
    }
    mig_buf_add(out, at, (size_t)(end - at));
    return true;
}

migrate_status mig_pg_text(struct mig_pg *c, const migrate_stmt *stmt, migrate_error **err)
{
    enum { KEEP = 256 * 1024 };
    if (c->sql.cap > KEEP)
        mig_buf_free(&c->sql);
    mig_buf_reset(&c->sql);
    if (stmt->sql_len > longest) {
        return mig_pg_refuse(c->host, err, 0, MIGRATE_FAULT_TOO_LARGE,
                             "the statement is longer than 1 GiB, which PostgreSQL does not take",
                             "split it, or load the data by COPY");
    }
    if (memchr(stmt->sql, '\0', stmt->sql_len)) {
        return mig_pg_refuse(c->host, err, 0, MIGRATE_FAULT_SYNTAX,
                             "the statement holds a NUL byte, which PostgreSQL does not take", NULL);
    }
    if (!append_text(&c->sql, stmt)) {
        return mig_pg_refuse(c->host, err, MIGRATE_E_ARGUMENT, MIGRATE_FAULT_OTHER,
                             "the parameters do not fit the statement, or one holds a NUL byte", NULL);
    }
    return c->sql.oom ? mig_pg_nomem(c->host, err) : MIGRATE_OK;
}

/* ---- running ---- */

/* Waits until a result can be had. A lost connection has results too: libpq makes them. */
static void wait_result(struct mig_pg *c)
{
    while (PQisBusy(c->pg)) {
        if (!mig_pg_pump(c)) {
            if (c->dead || PQstatus(c->pg) != CONNECTION_BAD)
                return;
        }
    }
}

/* One result. false: there are no more, or the connection was given up. */
static bool take_next(struct mig_pg *c, const migrate_stmt *stmt, struct mig_pg_answer *a)
{
    wait_result(c);
    if (PQisBusy(c->pg)) { /* given up: nothing more comes */
        a->lost = true;
        return false;
    }
    PGresult *r = PQgetResult(c->pg);
    if (!r)
        return false;
    switch (PQresultStatus(r)) {
    case PGRES_COPY_IN:
        PQclear(r);
        mig_pg_copy_in(c, stmt, a);
        return !a->lost;
    case PGRES_COPY_OUT:
        PQclear(r);
        mig_pg_copy_out(c);
        return true;
    case PGRES_COPY_BOTH: /* a replication connection: nothing for us */
        PQclear(r);
        a->lost = true;
        return false;
    default:
        mig_pg_answer_take(c, stmt, r, a);
        return !a->lost || PQstatus(c->pg) != CONNECTION_BAD;
    }
}

void mig_pg_run(struct mig_pg *c, const migrate_stmt *stmt, struct mig_pg_answer *a)
{
    if (!PQsendQuery(c->pg, mig_buf_text(&c->sql))) {
        a->lost = PQstatus(c->pg) == CONNECTION_BAD;
        a->own = a->lost ? MIGRATE_OK : MIGRATE_E_NOMEM;
        if (a->lost)
            mig_pg_answer_close(c, stmt, a);
        return;
    }
    c->sent = true;
    PQsetSingleRowMode(c->pg);
    while (take_next(c, stmt, a))
        ;
    if (!mig_pg_cancel_end(c))
        c->dead = true;
    mig_pg_answer_close(c, stmt, a);
}

static migrate_status verdict(struct mig_pg *c, const migrate_stmt *stmt, const struct mig_pg_answer *a,
                              migrate_error **err)
{
    if (a->outcome != MIGRATE_OUTCOME_DONE && a->outcome != MIGRATE_OUTCOME_NONE)
        return mig_pg_fail_answer(c, stmt, a, err);
    if (a->own == MIGRATE_E_NOMEM)
        return mig_pg_nomem(c->host, err);
    if (a->own)
        return mig_pg_refuse(c->host, err, a->own, MIGRATE_FAULT_OTHER, "the data of COPY could not be read",
                             NULL);
    return c->stop ? mig_pg_stopped(c, err) : MIGRATE_OK;
}

migrate_status mig_pg_exec_inner(struct mig_pg *c, const migrate_stmt *stmt, struct mig_pg_answer *a,
                                 migrate_error **err)
{
    if (c->dead)
        return mig_pg_gone(c, err);
    migrate_status status = mig_pg_text(c, stmt, err);
    if (status)
        return status;
    c->quiet = stmt->flags & MIGRATE_STMT_BOOKKEEPING;
    mig_pg_run(c, stmt, a);
    return verdict(c, stmt, a, err);
}

/* What lies inside the caller's struct, in one of our own size. */
static migrate_stmt stmt_of(const migrate_stmt *from)
{
    migrate_stmt stmt = { 0 };
    memcpy(&stmt, from, from->struct_size < sizeof stmt ? from->struct_size : sizeof stmt);
    return stmt;
}

migrate_status mig_pg_exec(void *conn, const migrate_stmt *stmt, migrate_result *out, migrate_error **err)
{
    struct mig_pg *c = conn;
    struct mig_pg_answer a = { .affected = -1 };
    mig_pg_enter(c);
    migrate_stmt own = stmt_of(stmt);
    migrate_status status = mig_pg_exec_inner(c, &own, &a, err);
    mig_pg_result(c, &a, out);
    mig_pg_answer_free(&a);
    return status;
}

migrate_status mig_pg_query(struct mig_pg *c, const char *sql, migrate_row_fn on_row, void *user,
                            migrate_error **err)
{
    migrate_stmt stmt = { .struct_size = sizeof stmt, .flags = MIGRATE_STMT_BOOKKEEPING, .sql = sql,
                          .sql_len = strlen(sql), .on_row = on_row, .on_row_user = user };
    struct mig_pg_answer a = { .affected = -1 };
    migrate_status status = mig_pg_exec_inner(c, &stmt, &a, err);
    mig_pg_answer_free(&a);
    return status;
}
