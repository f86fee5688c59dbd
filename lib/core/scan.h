/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_SCAN_H
#define MIG_CORE_SCAN_H

/* A look through a migration's statements before anything runs: can it run in a transaction, how many statements, what
 * is destructive, what may end in doubt. */

#include "core/plan.h"
#include "core/script.h"

#define MIG_SCAN_SESSION      (1u << 0) /* changes the session */
#define MIG_SCAN_LARGE        (1u << 1) /* has a statement over 4 KiB: the window closes */
#define MIG_SCAN_WRAPPED      (1u << 2) /* is exactly BEGIN; … COMMIT;: these two are not sent */
#define MIG_SCAN_FOREIGN_KEYS (1u << 3) /* SQLite: PRAGMA foreign_keys is lifted out */
#define MIG_SCAN_FK_OFF       (1u << 4) /* its first one turns them off */
#define MIG_SCAN_ALONE        (1u << 5) /* has a statement that must leave the window */
#define MIG_SCAN_EACH         (1u << 6) /* said to be without a transaction: each statement is in one of its own */

/* Scans @p step of @p plan and fills its item's counts, flags and remarks; with @p keep_sql the statements too.
 * E_TRANSACTION for a statement that its mode does not allow, E_PARSE and so on. */
migrate_status mig_scan_step(migrate_ctx *ctx, struct migrate_plan *plan, struct mig_step *step,
                             const struct mig_layout_options *layout, bool keep_sql, migrate_error **err);

#endif
