/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_LAYOUTS_CONF_H
#define MIG_LAYOUTS_CONF_H

/* Files beside a migration that say how to run it. */

#include "layouts/reading.h"

/* Flyway's V1__x.sql.conf; @p down: of the undo file. E_DIRECTIVE with file and line. */
int32_t mig_conf_apply(struct mig_reading *r, const struct mig_file *conf, struct mig_migration *m,
                       bool down);
/* Diesel's metadata.toml: run_in_transaction. */
int32_t mig_metadata_apply(struct mig_reading *r, const struct mig_file *toml, struct mig_migration *m);

#endif
