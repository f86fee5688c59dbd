/* SPDX-License-Identifier: Apache-2.0 */

/* Flyway: V1.2__name.sql, R__name.sql, U1.2__name.sql, B1.2__name.sql in any directory, with X.sql.conf
 * beside. */

#include <stdlib.h>
#include <string.h>

#include "layouts/conf.h"
#include "layouts/names.h"
#include "layouts/reading.h"
#include "util/text.h"

struct undo {
    const struct mig_file *f;
    const char *version; /* scratch */
};

struct flyway {
    struct mig_reading *r;
    struct undo *undos;
    size_t n_undos, undos_cap;
    struct mig_buf version, name;
};

static uint32_t kind_of(char prefix)
{
    return prefix == 'R'   ? MIGRATE_KIND_REPEATABLE
           : prefix == 'B' ? MIGRATE_KIND_BASELINE
                           : MIGRATE_KIND_VERSIONED;
}

/* "1_2" is written "1.2", as Flyway does. */
static void set_version(struct mig_buf *out, const char *text, size_t len)
{
    mig_buf_reset(out);
    for (size_t i = 0; i < len; i++)
        mig_buf_char(out, text[i] == '_' ? '.' : text[i]);
}

static int32_t take_undo(struct flyway *x, const struct mig_file *f)
{
    struct undo u = { f, mig_arena_strdup(&x->r->scratch, mig_buf_text(&x->version)) };
    if (!u.version || !mig_grow(&x->undos, &x->undos_cap, x->n_undos + 1, sizeof u))
        return mig_reading_nomem(x->r);
    x->undos[x->n_undos++] = u;
    return MIGRATE_OK;
}

/* V1__x.sql.conf, if it is there. */
static int32_t take_conf(struct flyway *x, const struct mig_file *f, struct mig_migration *m, bool down)
{
    size_t len = strlen(f->path);
    struct mig_buf path = MIG_BUF_INIT;
    mig_buf_fmt(&path, "%s.conf", f->path);
    const struct mig_file *conf = path.oom ? NULL : mig_file_find(x->r, path.data, len + 5);
    int32_t status = path.oom ? mig_reading_nomem(x->r) : MIGRATE_OK;
    mig_buf_free(&path);
    return conf ? mig_conf_apply(x->r, conf, m, down) : status;
}

static int32_t take_file(struct flyway *x, const struct mig_file *f)
{
    struct mig_flyway_name parts;
    const char *base = mig_basename(f->path);
    if (!mig_flyway_split(base, &parts))
        return mig_reading_fail(x->r, MIGRATE_E_NAME, f->path, 0,
                                "V1__name.sql, R__name.sql, U1__name.sql, B1__name.sql",
                                "no Flyway name");
    set_version(&x->version, base + parts.version_at, parts.version_len);
    mig_buf_reset(&x->name);
    mig_name_words(&x->name, base + parts.name_at, parts.name_len);
    if (x->version.oom || x->name.oom)
        return mig_reading_nomem(x->r);
    if (parts.prefix == 'U')
        return take_undo(x, f);
    struct mig_migration *m;
    int32_t status =
        mig_add(x->r, f, kind_of(parts.prefix), mig_buf_text(&x->version), mig_buf_text(&x->name), &m);
    if (status)
        return status;
    m->flags |= MIG_MIGRATION_PLACEHOLDERS;
    return take_conf(x, f, m, false);
}

static int compare_undos(const void *left, const void *right)
{
    const struct undo *a = left, *b = right;
    int order = mig_version_cmp_flyway(a->version, b->version);
    return order ? order : strcmp(a->f->path, b->f->path);
}

static int compare_versions(const void *left, const void *right)
{
    const struct mig_migration *a = *(struct mig_migration *const *)left,
                               *b = *(struct mig_migration *const *)right;
    return mig_version_cmp_flyway(a->version, b->version);
}

static int32_t join_undo(struct flyway *x, const struct undo *u, struct mig_migration *m)
{
    if (!m)
        return mig_reading_fail(x->r, MIGRATE_E_NAME, u->f->path, 0, "add the V file, or remove this one",
                                "it undoes version %s, which no V file has", u->version);
    if (m->flags & MIG_MIGRATION_REVERSIBLE)
        return mig_reading_fail(x->r, MIGRATE_E_DUPLICATE, u->f->path, 0, "remove one of them",
                                "%s and %s both undo version %s", m->down->path, u->f->path, u->version);
    int32_t status = mig_add_down(x->r, m, u->f);
    return status ? status : take_conf(x, u->f, m, true);
}

/* Both lists are sorted: one walk. */
static int32_t join_undos(struct flyway *x, struct mig_migration **versioned, size_t n)
{
    int32_t status = MIGRATE_OK;
    for (size_t i = 0, at = 0; i < x->n_undos && !status; i++) {
        int order = -1;
        while (at < n && (order = mig_version_cmp_flyway(versioned[at]->version, x->undos[i].version)) < 0)
            at++;
        status = join_undo(x, &x->undos[i], at < n && order == 0 ? versioned[at] : NULL);
    }
    return status;
}

static int32_t take_undos(struct flyway *x)
{
    struct mig_set *set = x->r->set;
    struct mig_migration **versioned = x->n_undos ? malloc((set->count + 1) * sizeof *versioned) : NULL;
    size_t n = 0;
    if (x->n_undos == 0)
        return MIGRATE_OK;
    if (!versioned)
        return mig_reading_nomem(x->r);
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].kind == MIGRATE_KIND_VERSIONED)
            versioned[n++] = &set->items[i];
    qsort(versioned, n, sizeof *versioned, compare_versions);
    qsort(x->undos, x->n_undos, sizeof *x->undos, compare_undos);
    int32_t status = join_undos(x, versioned, n);
    free(versioned);
    return status;
}

int32_t mig_flyway_build(struct mig_reading *r)
{
    struct flyway x = { .r = r };
    int32_t status = MIGRATE_OK;
    for (size_t i = 0; i < r->n_files && !status; i++)
        if (r->files[i].shape == MIG_SHAPE_FLYWAY)
            status = take_file(&x, &r->files[i]);
    if (!status)
        status = take_undos(&x);
    mig_buf_free(&x.version);
    mig_buf_free(&x.name);
    free(x.undos);
    return status;
}
