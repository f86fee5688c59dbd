/* SPDX-License-Identifier: Apache-2.0 */

/* The caller's side of a packet: waits for answers, hands them on as they come, lets the host have its turn, and
 * sees to it that a packet which must stop does stop. */

#include <errmsg.h>
#include <migrate/options.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/mysql/conn.h"
#include "util/clock.h"
#include "util/mem.h"

enum { TICK_MS = 200, CANCEL_POLL_MS = 20 };

static const struct mig_my_answer unknown = { .outcome = MIGRATE_OUTCOME_UNKNOWN, .affected = -1 };

const struct mig_my_answer *mig_my_answer_of(const struct mig_my *c, size_t slot)
{
    return slot < c->final ? &mig_my_link_packet(c->link)->slots[slot].answer : &unknown;
}

struct mig_my_packet *mig_my_packet_new(struct mig_my *c)
{
    struct mig_my_packet *p = mig_my_link_packet(c->link);
    mig_my_packet_reset(p);
    c->final = 0;
    return p;
}

size_t mig_my_first_bad(const struct mig_my *c)
{
    size_t n = mig_my_link_packet(c->link)->n;
    for (size_t i = 0; i < n; i++) {
        uint32_t outcome = mig_my_answer_of(c, i)->outcome;
        if (outcome == MIGRATE_OUTCOME_FAILED || outcome == MIGRATE_OUTCOME_UNKNOWN)
            return i;
    }
    return n;
}

/* ---- before sending -------------------------------------------------------------------- */

static bool holds_users(const struct mig_my_packet *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (!(p->slots[i].flags & MIGRATE_STMT_BOOKKEEPING))
            return true;
    }
    return false;
}

/* Larger than the server takes: it would read it all and close the connection. */
static bool refuse_large(struct mig_my *c, mig_my_settled_fn settled, void *user)
{
    struct mig_my_packet *p = mig_my_link_packet(c->link);
    if (!c->max_packet || p->text.len + 1 < c->max_packet)
        return false;
    struct mig_my_answer *a = &p->slots[p->n - 1].answer;
    a->outcome = MIGRATE_OUTCOME_FAILED;
    a->code = CR_NET_PACKET_TOO_LARGE;
    a->message = mig_sprintf("the statement has %zu bytes, and the server takes packets of %llu (max_allowed_packet)",
                             p->slots[p->n - 1].len, (unsigned long long)c->max_packet);
    c->final = p->n;
    for (size_t i = 0; settled && i < p->n; i++)
        settled(user, i);
    return true;
}

/* ---- while it runs ------------------------------------------------------------------------ */

static void settle(struct mig_my *c, size_t upto, mig_my_settled_fn settled, void *user)
{
    while (c->final < upto) {
        size_t i = c->final++;
        const struct mig_my_answer *a = mig_my_answer_of(c, i);
        c->answers++;
        if (a->outcome == MIGRATE_OUTCOME_DONE || a->outcome == MIGRATE_OUTCOME_FAILED)
            mig_my_note_status(c, a->status);
        c->last_answer = mig_clock_mono_ms();
        if (settled)
            settled(user, i);
    }
}

static void take_side(struct mig_my *c)
{
    enum mig_my_side_query was;
    if (!mig_my_side_collect(c, &was))
        return;
    mig_my_cancel_answer(c, was);
    mig_my_watch_answer(c, was);
}

static bool statement_overdue(const struct mig_my *c, int64_t now)
{
    const char *text = mig_my_option(c->host, MIGRATE_OPT_STATEMENT_TIMEOUT);
    int64_t ms = 0;
    return text && *text && mig_duration_parse(text, &ms) && ms > 0 && now - c->last_answer >= ms;
}

static void take_turn(struct mig_my *c, bool cancel_readable, int64_t now)
{
    if (now - c->last_tick < TICK_MS && !cancel_readable)
        return;
    c->last_tick = now;
    migrate_status asked = mig_my_tick(c);
    if (c->cancel.step)
        return;
    if (asked)
        mig_my_cancel_begin(c, asked, NULL);
    else if (statement_overdue(c, now))
        mig_my_cancel_begin(c, MIGRATE_E_TIMEOUT, "the statement took longer than statement_timeout allows");
}

/* true: waiting is over, the worker is left to itself. */
static bool look_after(struct mig_my *c, const struct mig_my_progress *p)
{
    bool side = c->side.link && c->side.query != MIG_MY_SIDE_IDLE;
    struct pollfd fds[3] = { { .fd = mig_my_link_fd(c->link), .events = POLLIN },
                             { .fd = c->cancel.step ? -1 : mig_my_cancel_fd(c), .events = POLLIN },
                             { .fd = side ? mig_my_link_fd(c->side.link) : -1, .events = POLLIN } };
    int64_t now = mig_clock_mono_ms(), ms = c->cancel.step ? CANCEL_POLL_MS : TICK_MS - (now - c->last_tick);
    (void)poll(fds, 3, ms > 0 ? (int)ms : 0);
    now = mig_clock_mono_ms();
    take_side(c);
    take_turn(c, (fds[1].revents & POLLIN) != 0, now);
    if (c->cancel.step)
        return mig_my_cancel_step(c, now);
    if (p->waiting)
        mig_my_watch_step(c, now);
    return false;
}

bool mig_my_run(struct mig_my *c, mig_my_settled_fn settled, void *user)
{
    struct mig_my_packet *packet = mig_my_link_packet(c->link);
    if (refuse_large(c, settled, user))
        return true;
    bool users = holds_users(packet), left = false;
    c->trips++;
    c->last_tick = c->last_answer = mig_clock_mono_ms();
    mig_my_link_send(c->link);
    if (users)
        mig_my_side_start(c);
    for (;;) {
        struct mig_my_progress p;
        mig_my_link_look(c->link, &p);
        settle(c, p.answered, settled, user);
        if (p.rows) {
            mig_my_link_take_rows(c->link);
            c->last_answer = mig_clock_mono_ms();
            take_turn(c, false, c->last_answer);
            continue;
        }
        if (!p.busy || left)
            break;
        left = look_after(c, &p);
    }
    size_t bad = mig_my_first_bad(c);
    if (bad < packet->n && mig_my_answer_of(c, bad)->outcome == MIGRATE_OUTCOME_UNKNOWN)
        c->lost = true;
    if (c->cancel.step > MIG_MY_CANCEL_LOOK)
        c->lost = true;
    for (size_t i = c->final; left && settled && i < packet->n; i++)
        settled(user, i);
    mig_my_preamble_settle(c);
    return !c->lost;
}

/* ---- our own ---------------------------------------------------------------------------------- */

migrate_status mig_my_run_ours(struct mig_my *c, migrate_error **err)
{
    struct mig_my_packet *p = mig_my_link_packet(c->link);
    if (p->oom)
        return mig_my_nomem(c->host, err);
    (void)mig_my_run(c, NULL, NULL);
    size_t bad = mig_my_first_bad(c);
    if (bad < p->n)
        return mig_my_fail_slot(c, bad, err);
    for (size_t i = 0; i < p->n; i++) {
        if (mig_my_answer_of(c, i)->rows_lost)
            return mig_my_nomem(c->host, err);
    }
    return MIGRATE_OK;
}

migrate_status mig_my_query(struct mig_my *c, const char *sql, size_t len, migrate_row_fn on_row, void *user,
                            migrate_error **err)
{
    migrate_stmt stmt = { .struct_size = sizeof stmt, .flags = MIGRATE_STMT_BOOKKEEPING, .sql = sql, .sql_len = len,
                          .on_row = on_row, .on_row_user = user };
    struct mig_my_packet *p = mig_my_packet_new(c);
    mig_my_preamble(c, true);
    (void)mig_my_packet_add(p, &stmt);
    return mig_my_run_ours(c, err);
}
