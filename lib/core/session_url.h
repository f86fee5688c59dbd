/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_SESSION_URL_H
#define MIG_CORE_SESSION_URL_H

#include "core/ctx.h"

/* Finds the driver of @p url, takes our own parameters and the driver's out of it, and remembers the rest as
 * what the driver gets. E_NO_DRIVER, E_URL, E_OPTION. */
migrate_status mig_session_url_set(migrate_ctx *ctx, const char *url, migrate_error **err);
void mig_session_url_clear(struct mig_session *db);

#endif
