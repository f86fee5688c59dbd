/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_PRECONDITION_H
#define MIG_CORE_PRECONDITION_H

#include "core/runner.h"

/* Has the step one that counts? It is asked when all before it is in, so the step begins a feed. */
bool mig_has_precondition(const struct mig_step *step);
/* Asks it, once. What does not hold fails the run, leaves the step out (`left_out`), marks it as run without running
 * it (`mark_ran`), or warns. */
migrate_status mig_precondition(struct mig_run *run, struct mig_step *step, migrate_error **err);

#endif
