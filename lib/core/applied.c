/* SPDX-License-Identifier: Apache-2.0 */

#include "core/applied.h"

#include <stdlib.h>
#include <string.h>

static uint32_t kind_of(const struct mig_applied_entry *e)
{
    return e->migration ? e->migration->kind : e->row->kind;
}

static const char *identity_of(const struct mig_applied_entry *e)
{
    return e->migration ? mig_identity(e->migration) : mig_row_version(e->row);
}

static void add_to(struct mig_digest *d, const struct mig_applied_entry *e)
{
    char buf[MIG_CHECKSUM_TEXT];
    mig_digest_add(d, kind_of(e), identity_of(e),
                   e->migration ? mig_migration_checksum(e->migration, buf) : mig_row_checksum(e->row, buf));
}

static int compare(const struct mig_set *set, const struct mig_applied_entry *e, uint32_t kind, const char *identity)
{
    bool re = kind_of(e) == MIGRATE_KIND_REPEATABLE, rk = kind == MIGRATE_KIND_REPEATABLE;
    if (re != rk)
        return re ? 1 : -1;
    const char *own = identity_of(e);
    int order = re ? strcmp(own, identity) : mig_set_compare(set, own, identity);
    return order ? order : strcmp(own, identity);
}

/* Where an entry is or would be. */
static size_t place(const struct mig_applied *a, uint32_t kind, const char *identity, bool *found)
{
    size_t lo = 0, hi = a->n;
    *found = false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = compare(a->set, &a->entries[mid], kind, identity);
        if (order == 0) {
            *found = true;
            return mid;
        }
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The chain anew from entry @p at on. */
static void chain_from(struct mig_applied *a, size_t at)
{
    size_t i = at / MIG_APPLIED_STRIDE * MIG_APPLIED_STRIDE;
    if (i)
        a->digest = a->marks[i / MIG_APPLIED_STRIDE - 1];
    else
        mig_digest_init(&a->digest);
    while (i < a->n) {
        add_to(&a->digest, &a->entries[i]);
        if (++i % MIG_APPLIED_STRIDE == 0)
            a->marks[i / MIG_APPLIED_STRIDE - 1] = a->digest;
    }
}

static bool append(struct mig_applied *a, const struct mig_row *row, const struct mig_migration *m)
{
    if (!mig_grow(&a->entries, &a->cap, a->n + 1, sizeof *a->entries) ||
        !mig_grow(&a->marks, &a->marks_cap, a->n / MIG_APPLIED_STRIDE + 1, sizeof *a->marks))
        return false;
    a->entries[a->n++] = (struct mig_applied_entry){ row, m };
    return true;
}

bool mig_applied_build(struct mig_applied *a, const struct mig_view *view)
{
    mig_applied_free(a);
    a->set = view->set;
    for (size_t i = 0; i < view->history.n_rows; i++) {
        const struct mig_row *row = &view->history.rows[i];
        if (mig_row_in(row) && !append(a, row, NULL))
            return false;
    }
    chain_from(a, 0);
    return true;
}

bool mig_applied_put(struct mig_applied *a, const struct mig_migration *m)
{
    bool found;
    size_t at = place(a, m->kind, mig_identity(m), &found);
    if (!found) {
        if (!append(a, NULL, m))
            return false;
        memmove(&a->entries[at + 1], &a->entries[at], (a->n - 1 - at) * sizeof *a->entries);
    }
    a->entries[at] = (struct mig_applied_entry){ NULL, m };
    chain_from(a, at);
    return true;
}

void mig_applied_remove(struct mig_applied *a, uint32_t kind, const char *identity)
{
    bool found;
    size_t at = place(a, kind, identity, &found);
    if (!found)
        return;
    a->n--;
    memmove(&a->entries[at], &a->entries[at + 1], (a->n - at) * sizeof *a->entries);
    chain_from(a, at);
}

void mig_applied_digest(const struct mig_applied *a, char out[MIG_SHA256_HEX + 1])
{
    mig_digest_text(&a->digest, out);
}

void mig_applied_free(struct mig_applied *a)
{
    free(a->entries);
    free(a->marks);
    *a = (struct mig_applied){ 0 };
}
