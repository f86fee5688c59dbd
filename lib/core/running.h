/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_RUNNING_H
#define MIG_CORE_RUNNING_H

#include "core/runner.h"

/* Carries the run's plan out, under the lock: retries, reconnects, goes on where it was. @p given: E_STALE if the
 * database is no longer as that plan found it. */
migrate_status mig_running(struct mig_run *run, const struct migrate_plan *given, migrate_error **err);

/* E_STALE: others have been at work since the plan was made. */
migrate_status mig_fail_stale(migrate_error **err);
/* E_STALE unless @p head is as the plan found it. */
migrate_status mig_plan_fresh(const struct migrate_plan *plan, const struct mig_head *head, migrate_error **err);

#endif
