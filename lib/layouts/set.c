/* SPDX-License-Identifier: Apache-2.0 */

/* A set once it is read: counting, comparing, finding. */

#include <stdlib.h>
#include <string.h>

#include "layouts/reading.h"

struct mig_set *mig_set_ref(struct mig_set *set)
{
    if (set)
        (void)__atomic_add_fetch(&set->refs, 1, __ATOMIC_RELAXED);
    return set;
}

void mig_set_unref(struct mig_set *set)
{
    if (!set || __atomic_sub_fetch(&set->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    free(set->items);
    free(set->by_version);
    mig_arena_free(&set->arena);
    free(set);
}

/* The place of a version by bytes, where the order is that of the files; SIZE_MAX: not there. */
static size_t place_of(const struct mig_set *set, const char *version)
{
    size_t low = 0, high = set->n_versioned;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(set->items[set->by_version[middle]].version, version);
        if (order == 0)
            return set->by_version[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SIZE_MAX;
}

int mig_set_compare(const struct mig_set *set, const char *a, const char *b)
{
    if (set->file_order && set->by_version) {
        size_t at = place_of(set, a), other = place_of(set, b);
        if (at != other)
            return at < other ? -1 : 1; /* what the files do not list comes last */
        return at == SIZE_MAX ? mig_version_cmp(a, b) : 0;
    }
    if (set->byte_order)
        return strcmp(a, b);
    return set->flyway_order ? mig_version_cmp_flyway(a, b) : mig_version_cmp(a, b);
}

static const struct mig_migration *find_repeatable(const struct mig_set *set, const char *name)
{
    size_t low = set->n_versioned, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(set->items[middle].name, name);
        if (order == 0)
            return &set->items[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static const struct mig_migration *find_versioned(const struct mig_set *set, uint32_t kind,
                                                  const char *version)
{
    size_t low = 0, high = set->n_versioned;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mig_set_compare(set, set->items[middle].version, version) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < set->n_versioned && mig_set_compare(set, set->items[low].version, version) == 0; low++)
        if (set->items[low].kind == kind && strcmp(set->items[low].version, version) == 0)
            return &set->items[low];
    return NULL;
}

const struct mig_migration *mig_set_find(const struct mig_set *set, uint32_t kind, const char *identity)
{
    if (kind == MIGRATE_KIND_REPEATABLE)
        return find_repeatable(set, identity);
    return find_versioned(set, kind, identity);
}
