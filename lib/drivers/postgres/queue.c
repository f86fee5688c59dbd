/* SPDX-License-Identifier: Apache-2.0 */

/* The queue of what was sent and not yet answered: a ring that grows. */

#include <stdlib.h>
#include <string.h>

#include "batch.h"

static struct mig_pg_sent *at(struct mig_pg_batch *t, size_t i)
{
    return &t->ring[(t->head + i) % t->cap];
}

bool mig_pg_queue_room(struct mig_pg_batch *t)
{
    if (t->n + 2 <= t->cap)
        return true;
    size_t cap = t->cap ? t->cap * 2 : 32;
    struct mig_pg_sent *ring = calloc(cap, sizeof *ring);
    if (!ring)
        return false;
    for (size_t i = 0; i < t->n; i++)
        ring[i] = *at(t, i);
    free(t->ring);
    t->ring = ring;
    t->cap = cap;
    t->head = 0;
    return true;
}

struct mig_pg_sent *mig_pg_queue_head(struct mig_pg_batch *t)
{
    return t->n ? at(t, 0) : NULL;
}

struct mig_pg_sent *mig_pg_queue_push(struct mig_pg_batch *t)
{
    struct mig_pg_sent *s = at(t, t->n++);
    memset(s, 0, sizeof *s);
    s->answer.affected = -1;
    return s;
}

void mig_pg_queue_pop(struct mig_pg_batch *t)
{
    struct mig_pg_sent *s = at(t, 0);
    if (!s->sync)
        t->ahead -= s->stmt.sql_len;
    mig_pg_answer_free(&s->answer);
    t->head = (t->head + 1) % t->cap;
    t->n--;
}

void mig_pg_queue_free(struct mig_pg_batch *t)
{
    while (t->n)
        mig_pg_queue_pop(t);
    free(t->ring);
    t->ring = NULL;
    t->cap = 0;
}
