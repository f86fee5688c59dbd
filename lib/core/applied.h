/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_APPLIED_H
#define MIG_CORE_APPLIED_H

/* What is applied, in the digest's order, with the digest after each entry: adding at the end, which is the rule, costs
 * one link of the chain. */

#include "core/planner.h"

struct mig_applied_entry {
    uint32_t    kind;
    const char *identity;
    const struct mig_row *row;             /* where the checksum comes from: history… */
    const struct mig_migration *migration; /* …or the file just applied */
    struct mig_digest digest;
};

struct mig_applied {
    const struct mig_set *set;
    struct mig_applied_entry *entries;
    size_t n, cap;
};

/* From a history; false: memory. Strings are borrowed from the view. */
bool mig_applied_build(struct mig_applied *a, const struct mig_view *view);
/* Adds or replaces. */
bool mig_applied_put(struct mig_applied *a, const struct mig_migration *m);
void mig_applied_remove(struct mig_applied *a, uint32_t kind, const char *identity);
/* The digest of the whole, as text. */
void mig_applied_digest(const struct mig_applied *a, char out[MIG_SHA256_HEX + 1]);
void mig_applied_free(struct mig_applied *a);

#endif
