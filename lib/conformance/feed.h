/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CONFORMANCE_FEED_H
#define MIG_CONFORMANCE_FEED_H

/* A stream of statements for exec_batch(), and the rules of migrate_batch watched while it is used. */

#include "probe.h"

#define CF_FEED_MAX 400

struct mig_cf_feed {
    struct mig_cf_conn *c;
    size_t n; /* statements there are */
    uint64_t max_ahead;
    uint32_t flags; /* of the batch */
    /* Writes statement @p i and its flags. */
    void (*write)(struct mig_cf_feed *f, size_t i, char *sql, size_t size, uint32_t *flags);
    size_t padding;       /* blanks inside of each statement */
    size_t next_fails_at; /* next() fails instead of giving this one; 0 never */
    migrate_status next_status;
    size_t done_stops_at; /* done() of this one says stop; 0 never */
    migrate_status done_status;

    size_t pulled, told;
    uint64_t under_way, most_under_way, largest; /* bytes */
    bool ended;                                  /* next() has failed */
    bool asked_to_stop;
    size_t barrier; /* number + 1 of a BARRIER not answered yet */
    char *text[CF_FEED_MAX];
    size_t len[CF_FEED_MAX];
    uint32_t outcome[CF_FEED_MAX];
    uint32_t klass[CF_FEED_MAX];
    uint32_t tx; /* after the last one told */
};

/* Runs it; the status is in f->c->status. false: a rule was broken, and the case has failed. */
bool mig_cf_feed_run(struct mig_cf_feed *f);

/* INSERT of row i; each statement is its own group. */
void mig_cf_write_inserts(struct mig_cf_feed *f, size_t i, char *sql, size_t size, uint32_t *flags);

#endif
