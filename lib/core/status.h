/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_STATUS_H
#define MIG_CORE_STATUS_H

#include <migrate/status.h>

/* What to do about a failure of which nothing more is known than its status; NULL where that is nothing.
 * Static. */
const char *mig_status_remedy(migrate_status status);

#endif
