/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_LAYOUTS_NAMES_H
#define MIG_LAYOUTS_NAMES_H

/* What file names say. */

#include <stdbool.h>
#include <stddef.h>

#include "util/buf.h"

/* The last part of a path, and where it begins. */
const char *mig_basename(const char *path);

/* Length of the version at the front of @p text: digits, with '.', '-', '_' between runs of digits. A run
 * that goes on in letters ("2fa") begins the name. 0: it begins with no digit. */
size_t mig_number_len(const char *text, size_t len);

/* A name taken apart. Slices of the path. */
struct mig_named {
    const char *version; /* NULL: the name begins with no digit */
    size_t version_len;
    const char *name; /* what follows, separators dropped */
    size_t name_len;
};

/* Takes @p stem apart. With @p v, "V" or "v" may stand before the digits. */
void mig_name_split(const char *stem, size_t len, bool v, struct mig_named *out);

/* "v1/" or "2024/01/": those directories of @p path (all but its last part, which ends at @p end) that hold
 * versions, each with '/'. */
void mig_folder_versions(const char *path, const char *end, struct mig_buf *out);
bool mig_has_folder_version(const char *path);

/* Flyway: prefix V, R, U or B, version with '_' as '.', description. false: no such name. */
struct mig_flyway_name {
    char prefix;
    size_t version_at, version_len; /* in the base name */
    size_t name_at, name_len;
};
bool mig_flyway_split(const char *base, struct mig_flyway_name *out);

/* "add_users" as "add users". */
void mig_name_words(struct mig_buf *out, const char *name, size_t len);

#endif
