/* SPDX-License-Identifier: Apache-2.0 */

/* Stopping what runs. KILL of the connection, never KILL QUERY: the latter can end a packet without an answer, and
 * MariaDB may then answer OK to a statement that did nothing. Each step has its time; the last one cannot fail. */

#include <stdio.h>
#include <string.h>

#include "drivers/mysql/conn.h"
#include "util/clock.h"

enum {
    LOOK_MS = 400,       /* how long our own bookkeeping may finish first */
    LOOK_AGAIN_MS = 20,
    KILL_MS = 1000,      /* from KILL to shutdown of the socket */
    CUT_MS = 3000,       /* from there until the thread is left to itself */
};

static void step(struct mig_my *c, enum mig_my_cancel_step to, int64_t now)
{
    c->cancel.step = to;
    c->cancel.since = now;
}

void mig_my_cancel_begin(struct mig_my *c, migrate_status status, const char *why)
{
    int64_t now = mig_clock_mono_ms();
    c->cancel = (struct mig_my_cancel){ .status = status, .why = why };
    step(c, MIG_MY_CANCEL_LOOK, now);
    mig_my_side_start(c);
    (void)mig_my_cancel_step(c, now);
}

static void ask_look(struct mig_my *c, int64_t now)
{
    char sql[160];
    if (c->cancel.asked && now - c->cancel.asked < LOOK_AGAIN_MS)
        return;
    snprintf(sql, sizeof sql, "SELECT COALESCE(LEFT(info,120),'') FROM information_schema.processlist WHERE id=%llu",
             (unsigned long long)mig_my_session_number(c));
    if (mig_my_side_ask(c, MIG_MY_SIDE_LOOK, sql))
        c->cancel.asked = now;
}

static bool ask_kill(struct mig_my *c)
{
    char sql[48];
    uint64_t id = mig_my_session_number(c);
    snprintf(sql, sizeof sql, "KILL %llu", (unsigned long long)id);
    return id && mig_my_side_ask(c, MIG_MY_SIDE_KILL, sql);
}

static void kill_now(struct mig_my *c, int64_t now)
{
    if (ask_kill(c))
        step(c, MIG_MY_CANCEL_KILL, now);
}

bool mig_my_cancel_step(struct mig_my *c, int64_t now)
{
    int64_t waited = now - c->cancel.since;
    switch (c->cancel.step) {
    case MIG_MY_CANCEL_LOOK:
        if (waited >= KILL_MS || !c->side.link) {
            mig_my_link_cut(c->link);
            step(c, MIG_MY_CANCEL_CUT, now);
        } else if (waited >= LOOK_MS) {
            kill_now(c, now);
        } else {
            ask_look(c, now);
        }
        return false;
    case MIG_MY_CANCEL_KILL:
        if (waited >= KILL_MS) {
            mig_my_link_cut(c->link);
            step(c, MIG_MY_CANCEL_CUT, now);
        }
        return false;
    case MIG_MY_CANCEL_CUT:
        if (waited >= CUT_MS)
            step(c, MIG_MY_CANCEL_LEAVE, now);
        return c->cancel.step == MIG_MY_CANCEL_LEAVE;
    default:
        return c->cancel.step == MIG_MY_CANCEL_LEAVE;
    }
}

/* Is what the session runs a statement of ours? It is short, and killing it gains nothing. */
static bool shows_ours(const struct mig_my *c)
{
    const struct mig_my_packet *p = mig_my_link_packet(c->link);
    const char *info = mig_my_side_cell(c, 0);
    size_t n = strlen(info);
    if (c->side.n_cells == 0 || n == 0)
        return false;
    for (size_t i = c->final; i < p->n; i++) {
        const struct mig_my_slot *s = &p->slots[i];
        size_t len = s->len < n ? s->len : n;
        if ((s->flags & MIGRATE_STMT_BOOKKEEPING) && memcmp(p->text.data + s->at, info, len) == 0)
            return true;
    }
    return false;
}

void mig_my_cancel_answer(struct mig_my *c, enum mig_my_side_query query)
{
    if (query != MIG_MY_SIDE_LOOK || c->cancel.step != MIG_MY_CANCEL_LOOK)
        return;
    if (c->side.failed || !shows_ours(c))
        kill_now(c, mig_clock_mono_ms());
}
