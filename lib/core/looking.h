/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_LOOKING_H
#define MIG_CORE_LOOKING_H

#include "core/journal.h"
#include "core/planner.h"
#include "core/report.h"

/* The statement in doubt, if there is one: *@p m its migration and @p out what is known; else *@p m is NULL. */
migrate_status mig_look_for_doubt(migrate_ctx *ctx, const struct mig_view *view, struct mig_settled *out,
                                  const struct mig_migration **m, migrate_error **err);
/* E_DRIFT when an object is no longer as its migration left it; every one is noted in the report. */
migrate_status mig_look_for_drift(migrate_ctx *ctx, const struct mig_view *view, struct migrate_report *r,
                                  migrate_error **err);
/* Does the engine take DDL back with its transaction? */
bool mig_rolls_back(const migrate_ctx *ctx);

#endif
