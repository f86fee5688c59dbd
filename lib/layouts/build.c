/* SPDX-License-Identifier: Apache-2.0 */

/* Making migrations of files: what all conventions share. */

#include <string.h>

#include "layouts/reading.h"
#include "util/text.h"

enum { MAX_IDENTITY = 512 }; /* as long as the history's column */

const struct mig_directives mig_no_directives = {
    .tx_up = MIG_TX_DEFAULT,
    .tx_down = MIG_TX_DEFAULT,
    .retries = -1,
    .retries_down = -1,
    .lock_timeout_ms = -1,
    .lock_timeout_down_ms = -1,
    .statement_timeout_ms = -1,
    .statement_timeout_down_ms = -1,
};

static const struct mig_directives no_transaction_code = {
    .tx_up = MIG_TX_OFF,
    .tx_down = MIG_TX_OFF,
    .retries = -1,
    .retries_down = -1,
    .lock_timeout_ms = -1,
    .lock_timeout_down_ms = -1,
    .statement_timeout_ms = -1,
    .statement_timeout_down_ms = -1,
};

const struct mig_part mig_no_part;

/* A whole file, without and with a byte order mark. */
static const struct mig_range whole = { 0, UINT64_MAX, 1 };
static const struct mig_range whole_after_bom = { 3, UINT64_MAX, 1 };

static const struct mig_range *whole_range(const struct mig_file *f)
{
    return f->bom ? &whole_after_bom : &whole;
}

static bool set_down(struct mig_reading *r, struct mig_migration *m, const struct mig_part *part)
{
    struct mig_part *down = mig_arena_alloc(&r->set->arena, sizeof *down);
    if (!down)
        return false;
    *down = *part;
    m->down = down;
    m->flags |= MIG_MIGRATION_REVERSIBLE;
    return true;
}

static bool take_code(struct mig_reading *r, struct mig_migration *m, const struct mig_file *f)
{
    m->flags |= MIG_MIGRATION_CODE;
    m->up = (struct mig_part){ .path = f->path, .cookie = f->cookie };
    m->code_checksum = f->code;
    if (f->entry_flags & MIGRATE_ENTRY_NO_TRANSACTION)
        m->directives = &no_transaction_code;
    return !(f->entry_flags & MIGRATE_ENTRY_REVERSIBLE) || set_down(r, m, &m->up);
}

static bool take_text(struct mig_reading *r, struct mig_migration *m, const struct mig_file *f)
{
    const struct mig_marked *marked = f->marked;
    m->up = (struct mig_part){ f->path, f->cookie, whole_range(f), 1, false };
    m->checksum = f->sha;
    m->has_checksum = true;
    if (!marked)
        return true;
    m->flags |= marked->flags;
    if (marked->directives)
        m->directives = marked->directives;
    if (marked->style == MIG_STYLE_NONE)
        return true;
    m->up = (struct mig_part){ f->path, f->cookie, marked->up, marked->n_up, true };
    struct mig_part down = { f->path, f->cookie, marked->down, marked->n_down, true };
    return marked->n_down == 0 || set_down(r, m, &down);
}

int32_t mig_add(struct mig_reading *r, const struct mig_file *f, uint32_t kind, const char *version,
                const char *name, struct mig_migration **out)
{
    struct mig_set *set = r->set;
    const char *identity = kind == MIGRATE_KIND_REPEATABLE ? name : version;
    if (mig_utf8_count(identity, strlen(identity)) > MAX_IDENTITY)
        return mig_reading_fail(r, MIGRATE_E_NAME, f->path, 0, "shorten the name of the file",
                                "its version has more than %d characters", MAX_IDENTITY);
    char *version_copy = kind == MIGRATE_KIND_REPEATABLE ? mig_arena_strdup(&set->arena, "")
                                                         : mig_arena_strdup(&set->arena, version);
    char *name_copy = mig_arena_strdup(&set->arena, name);
    if (!version_copy || !name_copy ||
        !mig_grow(&set->items, &r->items_cap, set->count + 1, sizeof *set->items))
        return mig_reading_nomem(r);
    struct mig_migration *m = &set->items[set->count++];
    *m = (struct mig_migration){ .version = version_copy, .name = name_copy, .kind = (uint8_t)kind };
    m->directives = &mig_no_directives;
    m->down = &mig_no_part;
    *out = m;
    bool code = (f->entry_flags & MIGRATE_ENTRY_CODE) != 0;
    return (code ? take_code(r, m, f) : take_text(r, m, f)) ? MIGRATE_OK : mig_reading_nomem(r);
}

struct mig_directives *mig_own_directives(struct mig_reading *r, struct mig_migration *m)
{
    struct mig_directives *own = mig_arena_alloc(&r->set->arena, sizeof *own);
    if (!own) {
        (void)mig_reading_nomem(r);
        return NULL;
    }
    *own = *m->directives;
    m->directives = own;
    return own;
}

/* What a down file says counts for the way down. */
static int32_t take_down_directives(struct mig_reading *r, struct mig_migration *m,
                                    const struct mig_directives *from)
{
    struct mig_directives *d = mig_own_directives(r, m);
    if (!d)
        return MIGRATE_E_NOMEM;
    d->tx_down = from->tx_down;
    d->retries_down = from->retries_down;
    d->lock_timeout_down_ms = from->lock_timeout_down_ms;
    d->statement_timeout_down_ms = from->statement_timeout_down_ms;
    d->terminator_down = from->terminator_down;
    return MIGRATE_OK;
}

/* Likewise what an up file says counts for the way up only. */
static int32_t drop_down_directives(struct mig_reading *r, struct mig_migration *m)
{
    if (m->directives == &mig_no_directives)
        return MIGRATE_OK;
    return take_down_directives(r, m, &mig_no_directives);
}

/* The whole of a file whose hash is not the migration's checksum. */
static int32_t take_whole(struct mig_reading *r, struct mig_migration *m, const struct mig_file *f)
{
    struct mig_range *range = mig_arena_alloc(&r->set->arena, sizeof *range + MIG_SHA256_LEN);
    if (!range)
        return mig_reading_nomem(r);
    *range = *whole_range(f);
    memcpy(range + 1, f->sha, MIG_SHA256_LEN);
    struct mig_part down = { f->path, f->cookie, range, 1, true };
    return set_down(r, m, &down) ? MIGRATE_OK : mig_reading_nomem(r);
}

int32_t mig_add_down(struct mig_reading *r, struct mig_migration *m, const struct mig_file *f)
{
    int32_t status = take_whole(r, m, f);
    if (!status)
        status = drop_down_directives(r, m);
    if (!status && f->marked && f->marked->directives)
        status = take_down_directives(r, m, f->marked->directives);
    return status;
}
