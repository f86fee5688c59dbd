/* SPDX-License-Identifier: Apache-2.0 */

/* A stream of statements, as few packets as can be. The server stops a packet at the first error, so nothing behind
 * it has happened; packets are never sent ahead of an answer, since the next would run all the same. */

#include <string.h>

#include "drivers/mysql/conn.h"

enum { PACKET_BYTES = 256 * 1024 };

struct batch {
    struct mig_my       *c;
    migrate_batch        b;
    migrate_error      **err;
    uint64_t             index;  /* of the next statement to report */
    migrate_stmt         held;   /* pulled, waits for the next packet */
    bool                 holds;
    bool                 end;    /* nothing more to pull */
    bool                 stop;   /* done() wants no more */
    migrate_status       status; /* what to return */
};

/* ---- reporting ---------------------------------------------------------------------- */

static void report(struct batch *t, const migrate_result *result, const migrate_fault *fault)
{
    migrate_status said = t->b.done(t->b.user, t->index++, result, fault);
    if (!said)
        return;
    t->stop = true;
    if (!t->status)
        t->status = said;
}

static void report_slot(struct batch *t, size_t slot)
{
    migrate_result result = { .struct_size = sizeof result };
    migrate_fault fault;
    mig_my_result(t->c, slot, &result);
    bool bad = result.outcome == MIGRATE_OUTCOME_FAILED || result.outcome == MIGRATE_OUTCOME_UNKNOWN;
    if (bad) {
        mig_my_fault(t->c, slot, &fault);
        if (!t->status)
            t->status = t->c->host->fail(t->c->host, t->err, &fault);
    }
    if (mig_my_answer_of(t->c, slot)->rows_lost && !t->status)
        t->status = mig_my_nomem(t->c->host, t->err);
    report(t, &result, bad ? &fault : NULL);
}

/* The last one is reported when the packet is over, as there may be things to ask first. */
static void settled(void *user, size_t slot)
{
    struct batch *t = user;
    const struct mig_my_packet *p = mig_my_link_packet(t->c->link);
    const struct mig_my_slot *s = &p->slots[slot];
    if (!s->hidden && slot + 1 < p->n)
        report_slot(t, slot);
}

/* Of a statement that was pulled but never sent. */
static void report_none(struct batch *t)
{
    migrate_result result = { .struct_size = sizeof result, .outcome = MIGRATE_OUTCOME_NONE, .tx = t->c->tx,
                              .lex = t->c->lex, .affected = -1 };
    report(t, &result, NULL);
}

static void report_last(struct batch *t)
{
    struct mig_my *c = t->c;
    const struct mig_my_packet *p = mig_my_link_packet(c->link);
    size_t slot = p->n - 1;
    const struct mig_my_slot *s = &p->slots[slot];
    if (mig_my_answer_of(c, slot)->outcome != MIGRATE_OUTCOME_DONE || s->flags & MIGRATE_STMT_BOOKKEEPING) {
        report_slot(t, slot);
        return;
    }
    migrate_result result = { .struct_size = sizeof result };
    mig_my_result(c, slot, &result);
    bool reread = mig_my_changes_lexing(p->text.data + s->at, s->len);
    mig_my_tell_warnings(c, slot);
    if (reread && !c->lost && !t->status)
        t->status = mig_my_reread(c, t->err);
    result.lex = c->lex;
    result.round_trips += c->trips;
    c->trips = 0;
    report(t, &result, NULL);
}

/* ---- filling a packet -------------------------------------------------------------------- */

static size_t packet_limit(const struct batch *t)
{
    uint64_t limit = PACKET_BYTES;
    if (t->c->max_packet && t->c->max_packet / 2 < limit)
        limit = t->c->max_packet / 2;
    if (t->b.max_ahead && t->b.max_ahead < limit)
        limit = t->b.max_ahead;
    return (size_t)limit;
}

/* false: nothing more now. */
static bool pull(struct batch *t)
{
    if (t->holds)
        return true;
    t->held = (migrate_stmt){ .struct_size = sizeof t->held };
    migrate_status status = t->b.next(t->b.user, &t->held);
    t->holds = status == MIGRATE_OK;
    t->end = !t->holds;
    if (status >= MIGRATE_E_ARGUMENT && !t->status)
        t->status = status;
    return t->holds;
}

static bool ends_packet(const struct batch *t, const migrate_stmt *s)
{
    if (s->flags & (MIGRATE_STMT_ALONE | MIGRATE_STMT_BARRIER))
        return true;
    if ((s->flags & MIGRATE_STMT_GROUP_END) && !(t->b.flags & MIGRATE_BATCH_RUN_AHEAD))
        return true;
    if (s->flags & MIGRATE_STMT_BOOKKEEPING)
        return false;
    return mig_my_ends_packet(s->sql, s->sql_len) || (!t->c->mariadb && mig_my_keeps_text(s->sql, s->sql_len));
}

/* How many statements of the caller are in the packet now. */
static size_t fill(struct batch *t)
{
    struct mig_my_packet *p = mig_my_packet_new(t->c);
    size_t limit = packet_limit(t), n = 0;
    while (pull(t)) {
        if (n == 0)
            mig_my_preamble(t->c, false);
        bool fits = p->text.len + mig_my_packet_cost(&t->held) <= limit;
        if (n && (!fits || t->held.flags & MIGRATE_STMT_ALONE))
            break;
        bool last = ends_packet(t, &t->held) || !fits;
        if (!(t->held.flags & MIGRATE_STMT_BOOKKEEPING))
            mig_my_note_ddl(t->c, t->held.sql, t->held.sql_len);
        (void)mig_my_packet_add(p, &t->held);
        t->holds = false;
        n++;
        if (last || p->oom)
            break;
    }
    return n;
}

/* Statements that were pulled and not sent: had no effect. */
static void give_up(struct batch *t, size_t n)
{
    while (n--)
        report_none(t);
    mig_my_preamble_settle(t->c);
}

static bool send_packet(struct batch *t, size_t n)
{
    struct mig_my_packet *p = mig_my_link_packet(t->c->link);
    if (p->oom && !t->status)
        t->status = mig_my_nomem(t->c->host, t->err);
    if (t->status) {
        give_up(t, n);
        return false;
    }
    (void)mig_my_run(t->c, settled, t);
    size_t bad = mig_my_first_bad(t->c);
    if (bad < p->n && p->slots[bad].hidden && !t->status)
        t->status = mig_my_fail_slot(t->c, bad, t->err);
    report_last(t);
    return !t->status && !t->stop;
}

migrate_status mig_my_exec_batch(void *conn, const migrate_batch *batch, migrate_error **err)
{
    struct batch t = { .c = conn, .err = err };
    mig_my_take(&t.b, sizeof t.b, batch);
    migrate_status status = mig_my_enter(t.c, err);
    if (status)
        return status;
    t.c->feeding = true;
    for (;;) {
        size_t n = fill(&t);
        if (n == 0 || !send_packet(&t, n) || t.end)
            break;
    }
    t.c->feeding = false;
    if (t.holds)
        report_none(&t);
    return t.status;
}
