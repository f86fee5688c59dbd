/* SPDX-License-Identifier: Apache-2.0 */

/* A statement that has been silent for a while is looked at from the second connection: how far it is, what it waits
 * for, and whether it runs at all. A KILL QUERY by somebody else can end a packet without an answer; the session then
 * sleeps while we wait, for ever if nobody looked. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/mysql/conn.h"
#include "util/clock.h"

enum { SILENT_MS = 1000, EVERY_MS = 1000, AGAIN_MS = 500 };

enum { CELL_COMMAND, CELL_STATE, CELL_DONE, CELL_TOTAL };

/* Stages of equal weight, as the server counts them. */
#define PROGRESS ",CAST(GREATEST(stage-1,0)*100+progress AS UNSIGNED),max_stage*100"

void mig_my_watch_step(struct mig_my *c, int64_t now)
{
    char sql[256];
    uint64_t id = mig_my_session_number(c);
    if (!id || now - c->last_answer < SILENT_MS || now < c->watch.next)
        return;
    if (!c->side.link)
        mig_my_side_start(c);
    snprintf(sql, sizeof sql,
             "SELECT command,COALESCE(state,'')%s FROM information_schema.processlist WHERE id=%llu",
             c->mariadb ? PROGRESS : ",0,0", (unsigned long long)id);
    if (mig_my_side_ask(c, MIG_MY_SIDE_WATCH, sql))
        c->watch.next = now + EVERY_MS;
}

/* Asleep twice, and not one answer in between: nothing is going to come. */
static void note_asleep(struct mig_my *c)
{
    if (c->watch.asleep_at == c->answers + 1) {
        mig_my_cancel_begin(c, 0, "the server ended the packet without an answer, as a KILL QUERY can make it do");
        return;
    }
    c->watch.asleep_at = c->answers + 1;
    c->watch.next = mig_clock_mono_ms() + AGAIN_MS;
}

static void tell_progress(struct mig_my *c)
{
    const migrate_host *h = c->host;
    const char *state = mig_my_side_cell(c, CELL_STATE);
    uint64_t done = strtoull(mig_my_side_cell(c, CELL_DONE), NULL, 10);
    uint64_t total = strtoull(mig_my_side_cell(c, CELL_TOTAL), NULL, 10);
    if (!MIGRATE_HAS(migrate_host, h, progress) || !h->progress || !*state)
        return;
    h->progress(h, state, done < total ? done : total, total);
}

void mig_my_watch_answer(struct mig_my *c, enum mig_my_side_query query)
{
    if (query != MIG_MY_SIDE_WATCH || c->cancel.step || c->side.failed || c->side.n_cells == 0)
        return;
    if (strcmp(mig_my_side_cell(c, CELL_COMMAND), "Sleep") == 0)
        note_asleep(c);
    else
        tell_progress(c);
}
