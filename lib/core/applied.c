/* SPDX-License-Identifier: Apache-2.0 */

#include "core/applied.h"

#include <stdlib.h>
#include <string.h>

static int compare(const struct mig_set *set, const struct mig_applied_entry *e, uint32_t kind, const char *identity)
{
    bool re = e->kind == MIGRATE_KIND_REPEATABLE, rk = kind == MIGRATE_KIND_REPEATABLE;
    if (re != rk)
        return re ? 1 : -1;
    int order = re ? strcmp(e->identity, identity) : mig_set_compare(set, e->identity, identity);
    return order ? order : strcmp(e->identity, identity);
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

static void chain_from(struct mig_applied *a, size_t at)
{
    char buf[MIG_CHECKSUM_TEXT];
    for (size_t i = at; i < a->n; i++) {
        struct mig_applied_entry *e = &a->entries[i];
        if (i)
            e->digest = a->entries[i - 1].digest;
        else
            mig_digest_init(&e->digest);
        const char *sum = e->migration ? mig_migration_checksum(e->migration, buf) : mig_row_checksum(e->row, buf);
        mig_digest_add(&e->digest, e->kind, e->identity, sum);
    }
}

static bool append(struct mig_applied *a, const struct mig_applied_entry *e)
{
    if (!mig_grow(&a->entries, &a->cap, a->n + 1, sizeof *a->entries))
        return false;
    a->entries[a->n++] = *e;
    return true;
}

bool mig_applied_build(struct mig_applied *a, const struct mig_view *view)
{
    mig_applied_free(a);
    a->set = view->set;
    for (size_t i = 0; i < view->history.n_rows; i++) {
        const struct mig_row *row = &view->history.rows[i];
        struct mig_applied_entry e = { .kind = row->kind, .identity = row->version, .row = row };
        if (mig_row_in(row) && !append(a, &e))
            return false;
    }
    chain_from(a, 0);
    return true;
}

bool mig_applied_put(struct mig_applied *a, const struct mig_migration *m)
{
    bool found;
    struct mig_applied_entry e = { .kind = m->kind, .identity = mig_identity(m), .migration = m };
    size_t at = place(a, m->kind, e.identity, &found);
    if (!found) {
        if (!append(a, &e))
            return false;
        memmove(&a->entries[at + 1], &a->entries[at], (a->n - 1 - at) * sizeof e);
    }
    a->entries[at] = e;
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
    struct mig_digest none;
    mig_digest_init(&none);
    mig_digest_text(a->n ? &a->entries[a->n - 1].digest : &none, out);
}

void mig_applied_free(struct mig_applied *a)
{
    free(a->entries);
    *a = (struct mig_applied){ 0 };
}
