/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_REPLAY_H
#define MIG_CORE_REPLAY_H

/* What a migration that goes on sets up again in its new session, and what of that it need not. A USE that another
 * USE followed, or a prepared statement that nothing executes any more, may name what has been dropped since: sent
 * again it would fail, where the migration itself did not. */

#include "core/script.h"

struct mig_replay {
    uint64_t *idle; /* numbers of the statements that are left out */
    size_t n, cap;
};

/* @p last_done: the last statement that an earlier run has executed. */
migrate_status mig_replay_look(migrate_ctx *ctx, const struct mig_script_of *of, uint64_t last_done,
                               struct mig_replay *out, migrate_error **err);
bool mig_replay_idle(const struct mig_replay *r, uint64_t number);
void mig_replay_free(struct mig_replay *r);

#endif
