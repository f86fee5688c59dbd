/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_LAYOUTS_CONVENTIONS_H
#define MIG_LAYOUTS_CONVENTIONS_H

#include "layouts/reading.h"

/* A convention that can be forced. */
struct mig_convention {
    const char *name;     /* as in option `layout` */
    enum mig_shape shape; /* of its files */
    const char *looks;    /* for people */
};

/* As option `layout` says; NULL: auto. */
const struct mig_convention *mig_convention_forced(const struct mig_layout_options *o);

#endif
