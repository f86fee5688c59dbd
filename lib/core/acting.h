/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_ACTING_H
#define MIG_CORE_ACTING_H

/* Calls that write our tables but run no migration: baseline and resolve. One lock, one fenced transaction. */

#include "core/locking.h"
#include "core/planner.h"
#include "core/report.h"

struct mig_acting {
    migrate_ctx *ctx;
    struct mig_view view;   /* read under the lock */
    struct mig_head head;   /* the fence */
    struct mig_lock lock;
    struct migrate_report *report;
    char     run_id[33];
    uint64_t token;
    bool     moved;         /* the head */
};

typedef migrate_status (*mig_acting_fn)(struct mig_acting *a, void *user, migrate_error **err);

/* Reads, locks, makes our tables, reads again, calls @p fn, unlocks, reports. @p check is called after each reading: what
 * it refuses at first leaves no trace. */
migrate_status mig_acting_run(struct mig_acting *a, migrate_ctx *ctx, mig_acting_fn check, mig_acting_fn fn,
                              void *user, migrate_report **out, migrate_error **err);
/* Opens a transaction with the fence in it. */
migrate_status mig_acting_begin(struct mig_acting *a, migrate_error **err);
/* Moves seq by one and sets the digest, inside it. */
migrate_status mig_acting_move(struct mig_acting *a, const char *digest, migrate_error **err);
/* Moves the epoch only. */
migrate_status mig_acting_move_epoch(struct mig_acting *a, migrate_error **err);
migrate_status mig_acting_commit(struct mig_acting *a, migrate_error **err);

#endif
