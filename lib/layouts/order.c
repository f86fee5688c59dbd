/* SPDX-License-Identifier: Apache-2.0 */

/* The order of versions. */

#include <stdlib.h>
#include <string.h>

#include "layouts/reading.h"
#include "util/text.h"

/* Skips leading zeros; the length of the digits that follow. */
static size_t significant(const char **at)
{
    while (**at == '0')
        (*at)++;
    size_t n = 0;
    while (mig_is_digit((*at)[n]))
        n++;
    return n;
}

/* Compares the numbers at the front and moves behind them. */
static int number_cmp(const char **a, const char **b)
{
    size_t n = significant(a), m = significant(b);
    int order = n != m ? (n < m ? -1 : 1) : memcmp(*a, *b, n);
    *a += n;
    *b += m;
    return order;
}

/* '/' before everything but the end, so that "v1/2" comes before "v1.1/1". */
static int rank(char c)
{
    return c == '/' ? 1 : c == '\0' ? 0 : (unsigned char)c + 1;
}

int mig_version_cmp(const char *a, const char *b)
{
    while (*a && *b) {
        if (mig_is_digit(*a) && mig_is_digit(*b)) {
            int order = number_cmp(&a, &b);
            if (order)
                return order;
        } else if (*a != *b) {
            break;
        } else {
            a++;
            b++;
        }
    }
    return rank(*a) - rank(*b);
}

/* Flyway's: parts are numbers, those that are absent are 0; 1.0 is 1. */
int mig_version_cmp_flyway(const char *a, const char *b)
{
    while (*a || *b) {
        int order = number_cmp(&a, &b);
        if (order)
            return order;
        if ((*a && *a != '.') || (*b && *b != '.'))
            return mig_version_cmp(a, b);
        a += *a == '.';
        b += *b == '.';
    }
    return 0;
}

/* ---- sorting ---------------------------------------------------------------- */

static int compare_items(const void *left, const void *right, void *user)
{
    const struct mig_migration *a = left, *b = right;
    const struct mig_set *set = user;
    bool a_last = a->kind == MIGRATE_KIND_REPEATABLE, b_last = b->kind == MIGRATE_KIND_REPEATABLE;
    if (a_last != b_last)
        return a_last - b_last;
    int order = a_last ? strcmp(a->name, b->name) : mig_set_compare(set, a->version, b->version);
    if (order == 0 && a->kind != b->kind)
        order = a->kind == MIGRATE_KIND_BASELINE ? 1 : -1;
    return order ? order : strcmp(a->up.path, b->up.path);
}

static int32_t fail_duplicate(struct mig_reading *r, const struct mig_migration *a,
                              const struct mig_migration *b)
{
    if (a->kind == MIGRATE_KIND_REPEATABLE)
        return mig_reading_fail(r, MIGRATE_E_DUPLICATE, b->up.path, 0, "rename one of them",
                                "%s and %s are both the repeatable \"%s\"", a->up.path, b->up.path, a->name);
    if (strcmp(a->version, b->version) != 0)
        return mig_reading_fail(r, MIGRATE_E_DUPLICATE, b->up.path, 0, "give one of them another version",
                                "%s and %s have the same version: %s and %s are equal in order", a->up.path,
                                b->up.path, a->version, b->version);
    return mig_reading_fail(r, MIGRATE_E_DUPLICATE, b->up.path, 0, "give one of them another version",
                            "%s and %s have the same version %s", a->up.path, b->up.path, a->version);
}

static int32_t refuse_duplicates(struct mig_reading *r)
{
    const struct mig_set *set = r->set;
    for (size_t i = 1; i < set->count; i++) {
        const struct mig_migration *a = &set->items[i - 1], *b = &set->items[i];
        if (a->kind != b->kind)
            continue;
        int order = a->kind == MIGRATE_KIND_REPEATABLE ? strcmp(a->name, b->name)
                                                       : mig_set_compare(set, a->version, b->version);
        if (order == 0)
            return fail_duplicate(r, a, b);
    }
    return MIGRATE_OK;
}

int32_t mig_order_items(struct mig_reading *r)
{
    struct mig_set *set = r->set;
    if (!set->file_order) {
        set->byte_order = r->options->order && strcmp(r->options->order, "bytes") == 0;
        if (set->count > 1)
            qsort_r(set->items, set->count, sizeof *set->items, compare_items, set);
        set->n_versioned = 0;
        while (set->n_versioned < set->count && set->items[set->n_versioned].kind != MIGRATE_KIND_REPEATABLE)
            set->n_versioned++;
    }
    if (r->options->order)
        set->byte_sorting = false; /* somebody has decided */
    return set->file_order ? MIGRATE_OK : refuse_duplicates(r);
}

/* ---- E_ORDER ---------------------------------------------------------------- */

/* Change sets of one file come as they stand; the files themselves are sorted. */
static int by_bytes(const struct mig_set *set, const struct mig_migration *a, const struct mig_migration *b)
{
    return set->file_order ? strcmp(a->up.path, b->up.path) : strcmp(a->version, b->version);
}

int32_t mig_set_check_order(const struct mig_set *set,
                            bool (*pending)(void *user, const struct mig_migration *m), void *user,
                            struct mig_diag *diag)
{
    const struct mig_migration *last = NULL;
    for (size_t i = 0; set->byte_sorting && i < set->n_versioned; i++) {
        const struct mig_migration *m = &set->items[i];
        if ((m->flags & MIG_MIGRATION_EXCLUDED) || (pending && !pending(user, m)))
            continue;
        if (last && by_bytes(set, last, m) > 0) {
            (void)mig_diag_set(
                diag, MIGRATE_E_ORDER,
                "%s comes before %s by number, but after it by bytes, which is how the files' own "
                "tool sorts them",
                last->up.path, m->up.path);
            mig_diag_hint(diag, "set order=natural or order=bytes");
            mig_diag_path(diag, m->up.path);
            return MIGRATE_E_ORDER;
        }
        last = m;
    }
    return MIGRATE_OK;
}
