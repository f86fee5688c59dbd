/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_LAYOUTS_PLACEHOLDERS_H
#define MIG_LAYOUTS_PLACEHOLDERS_H

/* ${NAME} in text that comes piece by piece. What has another form than a name in braces stays as it is. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layouts/migrations.h"
#include "util/buf.h"

enum { MIG_PLACEHOLDER_MAX = 200 }; /* longest name */

/* Are placeholders replaced in this migration? */
bool mig_placeholders_wanted(const struct mig_migration *m, const struct mig_layout_options *o);

/* The value of a name: an option, a Liquibase property, or what is known of the file. NULL: none. */
const char *mig_placeholder_value(const struct mig_set *set, const struct mig_migration *m,
                                  const struct mig_layout_options *o, const char *name, size_t len);

/* Length of the placeholder that begins at @p text ("${x}" with its braces); 0: none begins here; SIZE_MAX:
 * more text is needed to tell. */
size_t mig_placeholder_len(const char *text, size_t len);

#endif
