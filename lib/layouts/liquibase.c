/* SPDX-License-Identifier: Apache-2.0 */

/* Liquibase's formatted SQL: each change set is a migration, in the order of the files; its version is
 * path::id::author. */

#include "layouts/liquibase.h"

#include <stdlib.h>
#include <string.h>

#include "layouts/names.h"
#include "util/text.h"

/* ---- properties ---------------------------------------------------------------------------- */

static int32_t keep(struct mig_reading *r, const char *text, size_t len, const char **out)
{
    *out = mig_arena_strndup(&r->set->arena, text, len);
    return *out ? MIGRATE_OK : mig_reading_nomem(r);
}

/* What a --property line says; *@p counts: it is meant for this run. */
static int32_t read_property(struct mig_lq_file *x, const struct mig_lq_line *line, struct mig_property *p,
                             bool *counts)
{
    const struct mig_layout_options *o = x->r->options;
    const char *at = line->text, *key, *value, *dbms = NULL, *contexts = NULL, *labels = NULL;
    size_t n, len;
    int32_t status = MIGRATE_OK;
    while (!status && mig_lq_attribute(&at, &key, &n, &value, &len)) {
        if (mig_ieqn(key, n, "name"))
            status = keep(x->r, value, len, &p->name);
        else if (mig_ieqn(key, n, "value"))
            status = keep(x->r, value, len, &p->value);
        else if (mig_ieqn(key, n, "dbms"))
            status = keep(x->r, value, len, &dbms);
        else if (mig_ieqn(key, n, "context") || mig_ieqn(key, n, "contextFilter"))
            status = keep(x->r, value, len, &contexts);
        else if (mig_ieqn(key, n, "labels"))
            status = keep(x->r, value, len, &labels);
        else if (mig_ieqn(key, n, "global") && mig_ieqn(value, len, "false"))
            p->path = x->f->path;
    }
    *counts = mig_lq_engine_matches(o, dbms) && mig_lq_contexts_match(o, contexts) &&
              mig_lq_labels_match(o, labels);
    return status;
}

/* The first definition of a name holds. */
static int32_t take_property(struct mig_lq_file *x, const struct mig_lq_line *line,
                             struct mig_property **list, size_t *cap)
{
    struct mig_property p = { NULL, NULL, NULL };
    bool counts;
    int32_t status = read_property(x, line, &p, &counts);
    if (status)
        return status;
    if (!p.name || !p.value || line->cut)
        return mig_reading_fail(x->r, MIGRATE_E_DIRECTIVE, x->f->path, line->line,
                                "--property name:x value:y", "a property has no name or no value: \"%.100s\"",
                                line->text);
    if (!counts)
        return MIGRATE_OK;
    if (!mig_grow(list, cap, x->r->set->n_properties + 1, sizeof **list))
        return mig_reading_nomem(x->r);
    (*list)[x->r->set->n_properties++] = p;
    return MIGRATE_OK;
}

/* ---- files ----------------------------------------------------------------------------------- */

struct log {
    struct mig_reading *r;
    struct mig_property *properties;
    size_t properties_cap;
    const struct mig_file **order; /* files as they come */
};

static int32_t check_start(struct mig_lq_file *x, size_t first)
{
    uint64_t begin = first < x->count ? x->lines[first].start : x->end;
    if (x->first_statement >= begin)
        return MIGRATE_OK;
    return mig_reading_fail(x->r, MIGRATE_E_DIRECTIVE, x->f->path, x->first_statement_line,
                            "put --changeset author:id before it", "a statement belongs to no change set");
}

static const char *logical_path(const struct mig_lq_file *x)
{
    const struct mig_lq_line *header = x->count ? &x->lines[0] : NULL;
    const char *at = header && header->kind == MIG_LQ_HEADER ? header->text : "", *key, *value;
    size_t n, len;
    while (mig_lq_attribute(&at, &key, &n, &value, &len))
        if (mig_ieqn(key, n, "logicalFilePath") && len)
            return mig_arena_strndup(&x->r->scratch, value, len);
    return x->f->path;
}

static size_t next_changeset(const struct mig_lq_file *x, size_t i)
{
    while (i < x->count && !(x->lines[i].real && x->lines[i].kind == MIG_LQ_CHANGESET))
        i++;
    return i;
}

static int32_t make_changesets(struct mig_lq_file *x)
{
    size_t i = next_changeset(x, 0);
    const char *path = logical_path(x);
    int32_t status = path ? check_start(x, i) : mig_reading_nomem(x->r);
    while (i < x->count && !status) {
        size_t end = next_changeset(x, i + 1);
        status = mig_lq_change_make(x, path, i, end);
        i = end;
    }
    return status;
}

static int32_t take_file(struct log *l, const struct mig_file *f)
{
    struct mig_lq_file x = { .r = l->r, .f = f };
    l->r->held = NULL;
    int32_t status = mig_lq_scan(&x);
    for (size_t i = 0; i < x.count && !status; i++)
        if (x.lines[i].real && x.lines[i].kind == MIG_LQ_PROPERTY)
            status = take_property(&x, &x.lines[i], &l->properties, &l->properties_cap);
    if (!status)
        status = make_changesets(&x);
    free(x.lines);
    return status;
}

static int32_t take_code(struct mig_reading *r, const struct mig_file *f)
{
    struct mig_migration *m;
    return mig_add(r, f, MIGRATE_KIND_VERSIONED, f->path, mig_basename(f->path), &m);
}

static int by_path(const void *a, const void *b)
{
    const struct mig_file *one = *(const struct mig_file *const *)a,
                          *two = *(const struct mig_file *const *)b;
    int order = mig_version_cmp(one->path, two->path);
    return order ? order : strcmp(one->path, two->path);
}

/* In natural order, or by bytes as they are listed. */
static int32_t take_files(struct log *l)
{
    struct mig_reading *r = l->r;
    size_t n = 0;
    int32_t status = MIGRATE_OK;
    l->order = malloc((r->n_files + 1) * sizeof *l->order);
    if (!l->order)
        return mig_reading_nomem(r);
    for (size_t i = 0; i < r->n_files; i++)
        if (r->files[i].shape != MIG_SHAPE_BESIDE)
            l->order[n++] = &r->files[i];
    if (!r->options->order || strcmp(r->options->order, "bytes") != 0)
        qsort(l->order, n, sizeof *l->order, by_path);
    for (size_t i = 0; i < n && !status; i++)
        status = l->order[i]->entry_flags & MIGRATE_ENTRY_CODE ? take_code(r, l->order[i])
                                                               : take_file(l, l->order[i]);
    return status;
}

static int32_t keep_properties(struct log *l)
{
    struct mig_set *set = l->r->set;
    size_t size = set->n_properties * sizeof *set->properties;
    void *kept = size ? mig_arena_alloc(&set->arena, size) : NULL;
    if (!size)
        return MIGRATE_OK;
    if (!kept) {
        set->n_properties = 0;
        return mig_reading_nomem(l->r);
    }
    memcpy(kept, l->properties, size);
    set->properties = kept;
    return MIGRATE_OK;
}

/* ---- identities --------------------------------------------------------------------------------- */

static int by_version(const void *a, const void *b, void *user)
{
    const struct mig_set *set = user;
    uint32_t one = *(const uint32_t *)a, two = *(const uint32_t *)b;
    int order = strcmp(set->items[one].version, set->items[two].version);
    return order ? order : (one > two) - (one < two);
}

static int32_t make_index(struct mig_reading *r)
{
    struct mig_set *set = r->set;
    free(set->by_version);
    set->by_version = malloc((set->count + 1) * sizeof *set->by_version);
    if (!set->by_version)
        return mig_reading_nomem(r);
    for (size_t i = 0; i < set->count; i++)
        set->by_version[i] = (uint32_t)i;
    qsort_r(set->by_version, set->count, sizeof *set->by_version, by_version, set);
    set->n_versioned = set->count;
    return MIGRATE_OK;
}

/* The same change set for several engines is written several times: those left out make room. */
static int32_t drop_doubles(struct mig_reading *r)
{
    struct mig_set *set = r->set;
    size_t kept = 0;
    for (size_t i = 1; i < set->count; i++) {
        struct mig_migration *a = &set->items[set->by_version[i - 1]], *b = &set->items[set->by_version[i]];
        if (strcmp(a->version, b->version) != 0)
            continue;
        if (!(a->flags & MIG_MIGRATION_EXCLUDED) && !(b->flags & MIG_MIGRATION_EXCLUDED))
            return mig_reading_fail(r, MIGRATE_E_DUPLICATE, b->up.path,
                                    b->up.n_ranges ? b->up.ranges[0].line : 0, "give one of them another id",
                                    "the change set %s is there twice (%s and %s)", b->version, a->up.path,
                                    b->up.path);
        if (!(b->flags & MIG_MIGRATION_EXCLUDED))
            a->kind = 0;
        else {
            b->kind = 0;
            set->by_version[i] = set->by_version[i - 1];
        }
    }
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].kind)
            set->items[kept++] = set->items[i];
    set->count = kept;
    return MIGRATE_OK;
}

int32_t mig_liquibase_build(struct mig_reading *r)
{
    struct log l = { .r = r };
    r->set->file_order = r->set->byte_sorting = true;
    int32_t status = take_files(&l);
    if (!status)
        status = make_index(r);
    if (!status)
        status = drop_doubles(r);
    if (!status)
        status = make_index(r);
    if (!status)
        status = keep_properties(&l);
    else
        r->set->n_properties = 0;
    free(l.properties);
    free(l.order);
    return status;
}
