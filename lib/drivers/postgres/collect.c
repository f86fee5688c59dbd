/* SPDX-License-Identifier: Apache-2.0 */

/* The receiving half of a batch: answers are matched with what was sent and told in order. */

#include <string.h>

#include "batch.h"
#include "util/clock.h"

void mig_pg_batch_fail(struct mig_pg_batch *t, migrate_status status)
{
    t->ended = t->failed = true;
    if (!t->status)
        t->status = status;
}

/* ---- telling ---- */

/* Inside a pipeline only the tags say whether a transaction is open. */
static uint32_t tx_of(const struct mig_pg_batch *t, const migrate_stmt *stmt, const struct mig_pg_answer *a)
{
    if (!t->in_pipeline)
        return mig_pg_tx(t->c);
    if (a->outcome != MIGRATE_OUTCOME_DONE)
        return MIGRATE_TX_UNKNOWN;
    if (stmt->flags & MIGRATE_STMT_TX_END || strcmp(a->tag, "COMMIT") == 0)
        return MIGRATE_TX_NONE;
    return strcmp(a->tag, "BEGIN") == 0 ? MIGRATE_TX_OPEN : MIGRATE_TX_UNKNOWN;
}

void mig_pg_tell(struct mig_pg_batch *t, const migrate_stmt *stmt, uint64_t index,
                 const struct mig_pg_answer *a, uint32_t tx)
{
    struct mig_pg *c = t->c;
    migrate_result result = { .struct_size = sizeof result };
    migrate_fault fault = { .struct_size = sizeof fault };
    bool bad = a->outcome == MIGRATE_OUTCOME_FAILED || a->outcome == MIGRATE_OUTCOME_UNKNOWN;
    mig_pg_result(c, a, &result);
    result.tx = tx;
    c->rounds = 0; /* the next one tells only those since */
    if (bad) {
        mig_pg_fault(c, stmt, a, &fault);
        if (!t->status)
            mig_pg_batch_fail(t, c->host->fail(c->host, t->err, &fault));
        t->ended = t->failed = true;
    }
    migrate_status status = t->b->done(t->b->user, index, &result, bad ? &fault : NULL);
    if (status)
        mig_pg_batch_fail(t, status);
    if (a->own && !t->status)
        mig_pg_batch_fail(t, mig_pg_nomem(c->host, t->err));
}

static void tell_head(struct mig_pg_batch *t)
{
    struct mig_pg_sent *s = mig_pg_queue_head(t);
    mig_pg_tell(t, &s->stmt, s->index, &s->answer, tx_of(t, &s->stmt, &s->answer));
    mig_pg_queue_pop(t);
}

void mig_pg_abandon(struct mig_pg_batch *t)
{
    t->c->dead = true;
    while (t->n) {
        struct mig_pg_sent *s = mig_pg_queue_head(t);
        if (!s->sync) {
            if (!s->held || s->answer.outcome == MIGRATE_OUTCOME_DONE)
                s->answer.outcome = MIGRATE_OUTCOME_UNKNOWN;
            s->answer.lost = true;
            tell_head(t);
        } else {
            mig_pg_queue_pop(t);
        }
    }
}

/* ---- receiving ---- */

/* The last of a group lasts only once its Sync is answered, unless it is a COMMIT that says so. */
static bool must_hold(const struct mig_pg_sent *s)
{
    bool end = s->stmt.flags & MIGRATE_STMT_GROUP_END;
    bool settled = s->stmt.flags & MIGRATE_STMT_TX_END || s->answer.outcome != MIGRATE_OUTCOME_DONE;
    return end && !settled;
}

/* The head has had all its results. */
static void head_answered(struct mig_pg_batch *t)
{
    struct mig_pg_sent *s = mig_pg_queue_head(t);
    if (!s->skipped)
        mig_pg_answer_close(t->c, &s->stmt, &s->answer);
    s->held = must_hold(s);
    if (!s->held)
        tell_head(t);
}

static void sync_answered(struct mig_pg_batch *t)
{
    if (mig_pg_queue_head(t)->held)
        tell_head(t);
    mig_pg_queue_pop(t);
}

/* The entry the next result belongs to: a held one has had all of its own, and its Sync follows. */
static struct mig_pg_sent *current(struct mig_pg_batch *t)
{
    struct mig_pg_sent *s = mig_pg_queue_head(t);
    return s && s->held ? &t->ring[(t->head + 1) % t->cap] : s;
}

/* A result for a Sync that is none: an implicit transaction that failed at its very end. */
static void sync_failed(struct mig_pg_batch *t, PGresult *r)
{
    struct mig_pg_sent *s = mig_pg_queue_head(t);
    if (s->held)
        mig_pg_answer_take(t->c, &s->stmt, r, &s->answer);
    else
        PQclear(r);
}

static void take(struct mig_pg_batch *t, PGresult *r)
{
    struct mig_pg_sent *s = current(t);
    if (PQresultStatus(r) == PGRES_PIPELINE_SYNC) {
        PQclear(r);
        sync_answered(t);
        t->asked_rows = false;
    } else if (s->sync) {
        sync_failed(t, r);
    } else if (PQresultStatus(r) == PGRES_PIPELINE_ABORTED) {
        PQclear(r);
        s->skipped = true;
    } else {
        mig_pg_answer_take(t->c, &s->stmt, r, &s->answer);
    }
}

/* No more results of one entry. */
static void take_end(struct mig_pg_batch *t)
{
    t->c->answered = mig_clock_mono_ms();
    if (!current(t)->sync)
        head_answered(t);
    t->asked_rows = false;
}

/* Rows are to come one by one: a result set of any size needs little memory. */
static void ask_rows(struct mig_pg_batch *t)
{
    const struct mig_pg_sent *s = current(t);
    if (t->asked_rows || s->sync)
        return;
    t->c->quiet = s->stmt.flags & MIGRATE_STMT_BOOKKEEPING;
    PQsetSingleRowMode(t->c->pg);
    t->asked_rows = true;
}

/* Takes what can be had without waiting. false: the connection is gone. */
static bool take_ready(struct mig_pg_batch *t)
{
    enum { MANY = 4 }; /* empty answers in a row: libpq and we do not agree on what is under way */
    int empty = 0;
    while (t->n && empty < MANY) {
        ask_rows(t);
        if (PQisBusy(t->c->pg))
            return true;
        PGresult *r = PQgetResult(t->c->pg);
        empty = r ? 0 : empty + 1;
        if (r)
            take(t, r);
        else
            take_end(t);
        if (t->c->dead)
            return false;
    }
    return t->n == 0;
}

void mig_pg_collect(struct mig_pg_batch *t)
{
    struct mig_pg *c = t->c;
    size_t before = t->n;
    while (t->n == before) {
        bool alive = take_ready(t);
        if (alive && t->n == before)
            alive = mig_pg_pump(c) || (!c->dead && PQstatus(c->pg) == CONNECTION_BAD);
        if (!alive) {
            mig_pg_abandon(t);
            break;
        }
    }
    if (c->stop)
        t->ended = t->failed = true;
}
