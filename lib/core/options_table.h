/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_OPTIONS_TABLE_H
#define MIG_CORE_OPTIONS_TABLE_H

/* The one table of options behind migrate_option_at(). */

#include <stdbool.h>

#include <migrate/options.h>

enum mig_option_type {
    MIG_OPTION_CHOICE,
    MIG_OPTION_DURATION,
    MIG_OPTION_INTEGER,
    MIG_OPTION_LIST,
    MIG_OPTION_TEXT
};

struct migrate_option {
    const char *key; /* one that ends in '.' is a prefix */
    enum mig_option_type type;
    const char *values; /* of a choice: "a|b|c", else "" */
    const char *value;  /* when nothing is set, or NULL */
    const char *doc;
};

/* Row of the library's own @p key, which may begin with a prefix that is one; NULL if there is none. Keys of drivers
 * have rows that are only shown. */
const struct migrate_option *mig_option_find(const char *key);

#endif
