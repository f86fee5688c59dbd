/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_WINDOW_H
#define MIG_CORE_WINDOW_H

/* The feed of transactional migrations: its state, and what running them one by one or all in one has in common. */

#include "core/books.h"
#include "core/feed.h"

enum mig_window_phase { MIG_WINDOW_STEP, MIG_WINDOW_LEAD, MIG_WINDOW_USER, MIG_WINDOW_CLOSE };

struct mig_window {
    struct mig_feed feed;
    size_t   first;     /* of the steps generated since the session was put back */
    size_t   step;      /* being generated */
    size_t   last;      /* one past the last that may be */
    enum mig_window_phase phase;
    uint64_t seq;
    bool     one;       /* one transaction for all, begun and ended by mig_apply_all() */
    bool     slow;      /* the last migration took long */
    bool     held;      /* `cut` is cut and not yet pushed */
    struct mig_cut cut;
    struct mig_op op;
    char     digest[MIG_SHA256_HEX + 1];
    char     checksum[MIG_CHECKSUM_TEXT];
    int64_t  began_ms;
    int64_t  began_unix_ms;
    int64_t  answered_ms; /* when the migration before was in */
    bool     fk_original; /* SQLite: foreign_keys as the session had it */
};

bool mig_window_sqlite(const struct mig_window *w);
/* May the step at hand be part of this feed, and must the session be put back before it? */
bool mig_window_eligible(const struct mig_window *w);
bool mig_window_resets(const struct mig_window *w);
void mig_window_init(struct mig_window *w, struct mig_run *run);
/* SQLite: how the session has foreign_keys, so that they can be put back. */
migrate_status mig_window_remember(struct mig_window *w, migrate_error **err);
/* Rolls back, unless all is in. */
void mig_window_put_back(struct mig_window *w, enum mig_end end);
/* The run's next step is in. */
void mig_window_step_in(struct mig_window *w);

#endif
