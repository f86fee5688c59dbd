/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_LOCKING_H
#define MIG_CORE_LOCKING_H

/* The migration lock, of whatever kind, and our tables, which have to be there for it. */

#include "core/history.h"

struct mig_lock {
    const migrate_lock_ops *ops; /* NULL: none is needed */
    void   *self;
    bool    own;        /* ours to free */
    bool    held;
    bool    moves_epoch; /* session and lease locks, and foreign ones */
    int64_t renewed_ms; /* monotonic, last success */
    int64_t tried_ms;   /* last attempt */
    bool    renewing;
    int64_t waited_ms;
};

/* Picks the kind the options, the driver and the connection ask for. @p guards: statements will run that no fence
 * can take back, so that even lock=none is a lock then, one that moves no epoch. E_UNSUPPORTED. */
migrate_status mig_lock_pick(migrate_ctx *ctx, const char *owner, bool guards, struct mig_lock *lock,
                             migrate_error **err);
/* Polls until it is ours: E_LOCK_TIMEOUT naming the holder, after `lock_wait`. */
migrate_status mig_lock_acquire(migrate_ctx *ctx, struct mig_lock *lock, migrate_error **err);
/* Gives it back; works past deadline and cancel. Failures are logged. */
void mig_lock_release(migrate_ctx *ctx, struct mig_lock *lock);
void mig_lock_free(migrate_ctx *ctx, struct mig_lock *lock);

/* "the migration lock is held by …". */
void mig_lock_describe(const migrate_holder *holder, struct mig_buf *out);

/* A run that lost its connection comes back through a gate; who breaks the lock holds it meanwhile, so that the epoch has
 * moved by far before the run that is sent away can take a new one. @p keep: hold it, until mig_lock_gate_open(). Does
 * nothing where there are no session locks. */
migrate_status mig_lock_gate(migrate_ctx *ctx, bool keep, migrate_error **err);
void mig_lock_gate_open(migrate_ctx *ctx);

/* Makes our tables if @p head says that they are not there. Two at once both succeed. */
migrate_status mig_tables_need(migrate_ctx *ctx, const struct mig_head *head, migrate_error **err);
/* Moves the epoch by one and reads the head. */
migrate_status mig_epoch_take(migrate_ctx *ctx, struct mig_head *head, migrate_error **err);
/* Moves it by MIG_EPOCH_BREAK: who sees that was sent away. Waits for a transaction that is ending. */
#define MIG_EPOCH_BREAK 1000000u
migrate_status mig_epoch_break(migrate_ctx *ctx, migrate_error **err);

#endif
