/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_PG_BATCH_H
#define MIG_PG_BATCH_H

/* A run of statements sent ahead of their answers, in libpq's pipeline mode. */

#include "pg.h"

/* Something sent and not yet answered, in order. */
struct mig_pg_sent {
    bool         sync; /* a Sync, and no statement */
    migrate_stmt stmt;
    uint64_t     index;
    bool         held;    /* answered; told when its Sync is, because only that makes it last */
    bool         skipped; /* by the server, after a failure */
    struct mig_pg_answer answer;
};

struct mig_pg_batch {
    struct mig_pg       *c;
    const migrate_batch *b;
    migrate_error      **err;
    struct mig_pg_sent  *ring;
    size_t   head, n, cap;
    uint64_t ahead;   /* bytes of statements sent and not yet answered */
    uint64_t pulled;  /* statements so far */
    bool     have_next; /* pulled and not yet sent */
    migrate_stmt next;
    bool     ended;      /* next() has no more, or something failed: pull nothing */
    bool     failed;     /* what is pulled and not yet sent stays unsent */
    bool     draining;   /* send nothing before all is answered */
    bool     filling;    /* room was made: fill the window before waiting again */
    bool     open_tail;  /* statements sent since the last Sync */
    bool     mute_tail;  /* … since the last Sync or Flush: no answer comes by itself */
    bool     in_pipeline;
    bool     asked_rows; /* the head's rows come one by one */
    migrate_status status;
};

/* ---- queue.c ---- */

struct mig_pg_sent *mig_pg_queue_head(struct mig_pg_batch *t);
bool mig_pg_queue_room(struct mig_pg_batch *t); /* for two more; false: memory */
struct mig_pg_sent *mig_pg_queue_push(struct mig_pg_batch *t);
void mig_pg_queue_pop(struct mig_pg_batch *t);
void mig_pg_queue_free(struct mig_pg_batch *t);

/* ---- collect.c ---- */

/* Waits for answers and tells them. */
void mig_pg_collect(struct mig_pg_batch *t);
/* Tells what became of one statement. */
void mig_pg_tell(struct mig_pg_batch *t, const migrate_stmt *stmt, uint64_t index,
                 const struct mig_pg_answer *a, uint32_t tx);
/* What comes is in doubt: the connection is gone. */
void mig_pg_abandon(struct mig_pg_batch *t);
/* Notes the first failure. */
void mig_pg_batch_fail(struct mig_pg_batch *t, migrate_status status);

#endif
