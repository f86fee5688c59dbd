/* SPDX-License-Identifier: Apache-2.0 */

/* Last touches once the migrations are in order. */

#include <string.h>

#include "layouts/canon.h"
#include "layouts/placeholders.h"
#include "layouts/reading.h"
#include "util/text.h"

/* The next entry of a comma-separated list, without blanks around it; *@p list is moved behind it. */
static const char *entry(const char **list, size_t *len)
{
    const char *begin = *list + strspn(*list, ", \t");
    size_t n = strcspn(begin, ",");
    *list = begin + n;
    while (n > 0 && (begin[n - 1] == ' ' || begin[n - 1] == '\t'))
        n--;
    *len = n;
    return n ? begin : NULL;
}

static bool same(const char *a, size_t len, const char *b, size_t other)
{
    if (len != other)
        return false;
    for (size_t i = 0; i < len; i++)
        if (mig_lower(a[i]) != mig_lower(b[i]))
            return false;
    return true;
}

bool mig_lists_meet(const char *a, const char *b)
{
    size_t len, other;
    const char *one, *two;
    while ((one = entry(&a, &len))) {
        if (mig_ieqn(one, len, "all"))
            return true;
        for (const char *at = b; (two = entry(&at, &other));)
            if (same(one, len, two, other) || mig_ieqn(two, other, "all"))
                return true;
    }
    return false;
}

/* With the option `tags`, a migration that has tags runs when it has one of them; one without always runs. */
static void apply_tags(struct mig_reading *r)
{
    const char *wanted = r->options->tags;
    if (!wanted || !*wanted)
        return;
    for (size_t i = 0; i < r->set->count; i++) {
        struct mig_migration *m = &r->set->items[i];
        if (m->directives->tags && !mig_lists_meet(wanted, m->directives->tags))
            m->flags |= MIG_MIGRATION_EXCLUDED;
    }
}

static int32_t hash_text(struct mig_reading *r, struct mig_text *text, uint8_t out[MIG_SHA256_LEN])
{
    struct mig_canon canon;
    size_t got = 1;
    int32_t status = MIGRATE_OK;
    mig_canon_init(&canon);
    while (!status && got > 0) {
        status = mig_text_read(text, r->chunk, MIG_READ_CHUNK, &got);
        if (!status)
            mig_canon_add(&canon, r->chunk, got);
    }
    if (status)
        mig_text_fault(text, r->diag, r->err);
    mig_canon_final(&canon, out);
    return status;
}

/* Of a repeatable the substituted text counts: another value makes it run again. Its own hash moves behind
 * its range. */
static int32_t hash_repeatable(struct mig_reading *r, struct mig_migration *m)
{
    struct mig_range *range = mig_arena_alloc(&r->set->arena, sizeof *range + MIG_SHA256_LEN);
    uint8_t *checksum = mig_arena_alloc(&r->set->arena, MIG_SHA256_LEN);
    struct mig_text *text = NULL;
    if (!range || !checksum)
        return mig_reading_nomem(r);
    *range = m->up.ranges[0];
    memcpy(range + 1, m->checksum, MIG_SHA256_LEN);
    m->up.ranges = range;
    m->up.has_sha = true;
    int32_t status = mig_text_open(r->set, m, MIGRATE_DIRECTION_UP, r->ops, r->self, r->host, r->options,
                                   &text, r->diag, r->err);
    if (status)
        return status;
    r->held = NULL; /* its buffer is used */
    status = hash_text(r, text, checksum);
    m->checksum = checksum;
    mig_text_close(text);
    return status;
}

int32_t mig_finish_items(struct mig_reading *r)
{
    int32_t status = MIGRATE_OK;
    apply_tags(r);
    for (size_t i = r->set->n_versioned; i < r->set->count && !status; i++) {
        struct mig_migration *m = &r->set->items[i];
        if (!(m->flags & MIG_MIGRATION_EXCLUDED) && mig_placeholders_wanted(m, r->options))
            status = hash_repeatable(r, m);
    }
    return status;
}
