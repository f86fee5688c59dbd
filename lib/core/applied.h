/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_APPLIED_H
#define MIG_CORE_APPLIED_H

/* What is applied, in the digest's order. The digest is kept after every so many entries: a change costs what stands
 * between it and the end, which as a rule is next to nothing. */

#include "core/planner.h"

enum { MIG_APPLIED_STRIDE = 16 };

/* A row of the view, or a migration that was applied since. */
struct mig_applied_entry {
    const struct mig_row *row;
    const struct mig_migration *migration;
};

struct mig_applied {
    const struct mig_set *set;
    struct mig_applied_entry *entries;
    size_t n, cap;
    struct mig_digest *marks; /* after entries 16, 32… */
    size_t marks_cap;
    struct mig_digest digest; /* after all */
};

/* From a history; false: memory. Rows are borrowed from the view. */
bool mig_applied_build(struct mig_applied *a, const struct mig_view *view);
/* Adds or replaces. */
bool mig_applied_put(struct mig_applied *a, const struct mig_migration *m);
void mig_applied_remove(struct mig_applied *a, uint32_t kind, const char *identity);
/* The digest of the whole, as text. */
void mig_applied_digest(const struct mig_applied *a, char out[MIG_SHA256_HEX + 1]);
void mig_applied_free(struct mig_applied *a);

#endif
