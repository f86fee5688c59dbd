/* SPDX-License-Identifier: Apache-2.0 */

/* The sending half of a batch: statements are pulled while the window has room and go into libpq's pipeline,
 * one Sync for each group (behind a pooler one for all: see ends_by_sync()). A window that was full is filled
 * again only when most of it is free, so that what is sent goes in few bursts; what is left keeps the server
 * busy meanwhile. Whenever sending pauses, the server is made to answer what it has. */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "batch.h"

/* ---- pipeline ---- */

static bool enter_pipeline(struct mig_pg_batch *t)
{
    if (!t->in_pipeline)
        t->in_pipeline = PQenterPipelineMode(t->c->pg) == 1;
    return t->in_pipeline;
}

static void leave_pipeline(struct mig_pg_batch *t)
{
    if (t->in_pipeline && !t->c->dead && PQexitPipelineMode(t->c->pg) != 1)
        t->c->dead = true;
    t->in_pipeline = false;
}

/* What was sent and cannot be queued any more is libpq's want of memory, or a lost connection. */
static void cannot_send(struct mig_pg_batch *t)
{
    if (PQstatus(t->c->pg) == CONNECTION_BAD)
        mig_pg_abandon(t);
    if (!t->status)
        mig_pg_batch_fail(t, mig_pg_nomem(t->c->host, t->err));
    t->ended = t->failed = true;
}

static void send_sync(struct mig_pg_batch *t)
{
    if (!t->open_tail)
        return;
    mig_pg_queue_push(t)->sync = true;
    t->open_tail = t->mute_tail = false;
#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
    int sent = PQsendPipelineSync(t->c->pg);
#else
    int sent = PQpipelineSync(t->c->pg);
#endif
    if (!sent) { /* without it the server would never leave the group */
        t->c->dead = true;
        cannot_send(t);
    }
}

/* Makes the server send the answers it holds back. */
static void send_flush(struct mig_pg_batch *t)
{
    if (t->mute_tail && PQsendFlushRequest(t->c->pg))
        t->mute_tail = false;
}

/* libpq flushes at each Sync: without this every group would be a packet of its own. Fails on what is not
 * TCP, where it does not matter. */
static void cork(const struct mig_pg_batch *t, int on)
{
#ifdef TCP_CORK
    setsockopt(PQsocket(t->c->pg), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
#else
    (void)t;
    (void)on;
#endif
}

/* ---- one statement ---- */

static void tell_unsent(struct mig_pg_batch *t)
{
    const struct mig_pg_answer nothing = { .outcome = MIGRATE_OUTCOME_NONE, .affected = -1 };
    t->have_next = false;
    mig_pg_tell(t, &t->next, t->pulled - 1, &nothing, MIGRATE_TX_UNKNOWN);
}

/* Cannot even be written down (too long, a NUL in it): it fails without being sent. */
static bool write_text(struct mig_pg_batch *t)
{
    migrate_error **err = t->status ? NULL : t->err;
    migrate_status status = mig_pg_text(t->c, &t->next, err);
    if (!status)
        return true;
    mig_pg_batch_fail(t, status);
    return false;
}

static void send_next(struct mig_pg_batch *t)
{
    if (!write_text(t))
        return;
    if (!enter_pipeline(t) ||
        !PQsendQueryParams(t->c->pg, mig_buf_text(&t->c->sql), 0, NULL, NULL, NULL, NULL, 0)) {
        cannot_send(t);
        return;
    }
    struct mig_pg_sent *s = mig_pg_queue_push(t);
    s->stmt = t->next;
    s->index = t->pulled - 1;
    t->have_next = false;
    t->ahead += s->stmt.sql_len;
    t->open_tail = t->mute_tail = t->c->sent = true;
}

/* Outside the pipeline, which is empty by now. */
static void run_alone(struct mig_pg_batch *t)
{
    struct mig_pg *c = t->c;
    struct mig_pg_answer a = { .affected = -1 };
    leave_pipeline(t);
    cork(t, 0);
    if (c->dead) { /* noticed on the way out: this one is not sent */
        mig_pg_batch_fail(t, mig_pg_gone(c, t->status ? NULL : t->err));
        return;
    }
    if (!write_text(t))
        return;
    c->quiet = t->next.flags & MIGRATE_STMT_BOOKKEEPING;
    t->have_next = false;
    mig_pg_run(c, &t->next, &a);
    mig_pg_tell(t, &t->next, t->pulled - 1, &a, c->dead ? MIGRATE_TX_UNKNOWN : mig_pg_tx(c));
    mig_pg_answer_free(&a);
    if (c->stop)
        t->ended = t->failed = true;
}

/* ---- the window ---- */

static void pull(struct mig_pg_batch *t)
{
    t->next = (migrate_stmt){ .struct_size = sizeof t->next };
    migrate_status status = t->b->next(t->b->user, &t->next);
    if (status == MIGRATE_OK) {
        t->have_next = true;
        t->pulled++;
    } else if (status == MIGRATE_DONE) {
        t->ended = true;
    } else {
        mig_pg_batch_fail(t, status);
    }
}

static bool must_leave(const migrate_stmt *stmt)
{
    return stmt->flags & MIGRATE_STMT_ALONE || stmt->data || mig_pg_is_copy(stmt->sql, stmt->sql_len);
}

static bool fits(const struct mig_pg_batch *t)
{
    return t->ahead == 0 || t->ahead + t->next.sql_len <= t->b->max_ahead;
}

/* A pooler takes the server away once a Sync is answered, even when more was sent on by then: pgbouncer loses
 * those answers and we would wait for them for ever. So nothing may follow a Sync that is not answered. A COMMIT
 * needs none to last; the Sync that the protocol wants comes when there is nothing more to send. */
static bool ends_by_sync(const struct mig_pg_batch *t, uint32_t flags)
{
    return !t->c->pooled || !(flags & MIGRATE_STMT_TX_END) || !(t->b->flags & MIGRATE_BATCH_RUN_AHEAD);
}

/* What follows the statement just sent. */
static void after_send(struct mig_pg_batch *t, uint32_t flags)
{
    if ((flags & MIGRATE_STMT_GROUP_END) && ends_by_sync(t, flags)) {
        send_sync(t);
        t->draining = t->c->pooled || !(t->b->flags & MIGRATE_BATCH_RUN_AHEAD);
    } else if (!(flags & MIGRATE_STMT_BOOKKEEPING)) {
        send_flush(t); /* may take long: its end is to be seen when it comes */
    }
    if (flags & MIGRATE_STMT_BARRIER)
        t->draining = true;
}

/* One step of filling. false: nothing more can be sent now. */
static bool fill_step(struct mig_pg_batch *t)
{
    if (t->draining || t->failed || !mig_pg_queue_room(t))
        return false;
    if (!t->have_next) {
        if (t->ended)
            return false;
        if (t->ahead && t->ahead >= t->b->max_ahead) {
            t->filling = false;
            return false;
        }
        pull(t);
        return true;
    }
    uint32_t flags = t->next.flags;
    if (must_leave(&t->next)) {
        if (t->n || t->open_tail) {
            send_sync(t);
            t->draining = true;
            return false;
        }
        run_alone(t);
        return true;
    }
    if (!fits(t)) {
        t->filling = false;
        return false;
    }
    if (!(flags & MIGRATE_STMT_BOOKKEEPING))
        send_flush(t); /* what led up to it is to be told before it runs, not after */
    send_next(t);
    if (!t->failed)
        after_send(t, flags);
    return true;
}

static void fill(struct mig_pg_batch *t)
{
    if (!t->n)
        t->draining = false;
    if (t->ahead <= t->b->max_ahead / 4)
        t->filling = true;
    bool corked = t->filling && !t->draining;
    if (corked)
        cork(t, 1);
    while (t->filling && fill_step(t))
        ;
    if (t->failed && t->have_next)
        tell_unsent(t);
    if (t->failed || (t->ended && !t->have_next))
        send_sync(t); /* a group that was begun must end: after a failure the server hears nothing else */
    send_flush(t);
    if (corked) {
        PQflush(t->c->pg);
        cork(t, 0);
    }
}

/* ---- the whole ---- */

static migrate_status settle(struct mig_pg_batch *t)
{
    struct mig_pg *c = t->c;
    if (!mig_pg_cancel_end(c))
        c->dead = true;
    leave_pipeline(t);
    mig_pg_queue_free(t);
    if (!t->status && c->stop)
        t->status = mig_pg_stopped(c, t->err);
    return t->status;
}

migrate_status mig_pg_exec_batch(void *conn, const migrate_batch *batch, migrate_error **err)
{
    struct mig_pg *c = conn;
    struct mig_pg_batch t = { .c = c, .b = batch, .err = err, .filling = true };
    mig_pg_enter(c);
    if (c->dead)
        return mig_pg_gone(c, err);
    if (!mig_pg_queue_room(&t))
        return mig_pg_nomem(c->host, err);
    while (t.n || t.have_next || !t.ended || (t.open_tail && !c->dead)) {
        fill(&t);
        if (t.n)
            mig_pg_collect(&t);
        else if (!mig_pg_queue_room(&t))
            mig_pg_batch_fail(&t, mig_pg_nomem(c->host, err));
    }
    return settle(&t);
}
