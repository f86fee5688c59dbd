/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_OPTIONS_NEAR_H
#define MIG_CORE_OPTIONS_NEAR_H

/* Keys that are none of the table's: those of drivers, and misspelt ones. */

#include <stdbool.h>
#include <stddef.h>

#include <migrate/driver.h>

/* Is @p key "<name>.<key>" of one of @p drivers? */
bool mig_option_of_driver(const char *key, const migrate_driver *const *drivers, size_t n_drivers);

/* The same but for '-' and '_', which are alike in a driver's key: a variable of the environment has no '-'. */
bool mig_option_same_key(const char *a, const char *b);

/* E_OPTION that names the nearest key there is. */
migrate_status mig_option_fail_unknown(const char *key, const migrate_driver *const *drivers,
                                       size_t n_drivers, migrate_error **err);

#endif
