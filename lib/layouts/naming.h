/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_LAYOUTS_NAMING_H
#define MIG_LAYOUTS_NAMING_H

/* Versions and names of a whole source: either all names begin with digits, or none does. */

#include "layouts/names.h"
#include "layouts/reading.h"
#include "util/buf.h"

struct mig_naming {
    bool folders;                                 /* directories that hold versions are part of the version */
    const struct mig_file *numbered, *unnumbered; /* the first of each */
    struct mig_buf version, name;                 /* of the one taken last */
};

/* Length of the base name of @p f without ".sql", or without the extension of code. */
size_t mig_stem_len(const struct mig_file *f);

/* Reads version and name from the stem @p stem of @p f; @p v: "V" may stand before the digits. E_NAME when
 * some names begin with digits and some do not. */
int32_t mig_naming_take(struct mig_reading *r, struct mig_naming *n, const struct mig_file *f,
                        const char *stem, size_t len, bool v);
void mig_naming_free(struct mig_naming *n);

#endif
