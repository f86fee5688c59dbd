/* SPDX-License-Identifier: Apache-2.0 */

/* Pairs: 1_x.up.sql and 1_x.down.sql, the up file alone too; and popx' NAME.DIALECT[.autocommit].up.sql,
 * where the file for the running engine wins over the general one, for each direction. */

#include <stdlib.h>
#include <string.h>

#include "layouts/naming.h"
#include "util/text.h"

/* How well a file's dialect fits the engine. */
enum fit { FIT_FOREIGN, FIT_GENERAL, FIT_FAMILY, FIT_EXACT };

/* One file. */
struct half {
    const struct mig_file *f;
    const char *version; /* scratch, the same for neighbours that have the same */
    uint8_t fit;         /* enum fit */
    bool down;
    bool autocommit;
};

struct halves {
    struct mig_reading *r;
    struct half *list;
    size_t count, cap;
    struct mig_naming naming;
};

struct dialect {
    const char *name;
    uint32_t dialect; /* MIGRATE_DIALECT_*; OTHER: an engine that is not ours */
};

static const struct dialect dialects[] = {
    { "sqlite3", MIGRATE_DIALECT_SQLITE },    { "sqlite", MIGRATE_DIALECT_SQLITE },
    { "postgres", MIGRATE_DIALECT_POSTGRES }, { "postgresql", MIGRATE_DIALECT_POSTGRES },
    { "pg", MIGRATE_DIALECT_POSTGRES },       { "pgsql", MIGRATE_DIALECT_POSTGRES },
    { "mysql", MIGRATE_DIALECT_MYSQL },       { "mariadb", MIGRATE_DIALECT_MYSQL },
    { "cockroach", MIGRATE_DIALECT_OTHER },   { "cockroachdb", MIGRATE_DIALECT_OTHER },
    { "crdb", MIGRATE_DIALECT_OTHER },        { "mssql", MIGRATE_DIALECT_OTHER },
    { "sqlserver", MIGRATE_DIALECT_OTHER },   { "oracle", MIGRATE_DIALECT_OTHER },
    { "clickhouse", MIGRATE_DIALECT_OTHER },  { "spanner", MIGRATE_DIALECT_OTHER },
};

static const struct dialect *find_dialect(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++)
        if (strlen(dialects[i].name) == len && memcmp(dialects[i].name, text, len) == 0)
            return &dialects[i];
    return NULL;
}

static enum fit fit_of(const struct mig_layout_options *o, const struct dialect *d)
{
    bool mariadb = strcmp(d->name, "mariadb") == 0;
    if (o->dialect == MIGRATE_DIALECT_OTHER || d->dialect != o->dialect)
        return FIT_FOREIGN;
    if (d->dialect != MIGRATE_DIALECT_MYSQL || mariadb == o->mariadb)
        return FIT_EXACT;
    return mariadb ? FIT_FOREIGN : FIT_FAMILY; /* MariaDB takes files for MySQL, not the other way round */
}

/* The last ".xyz" of the stem, without the dot; 0 none. */
static size_t last_suffix(const char *stem, size_t len)
{
    size_t at = len;
    while (at > 0 && stem[at - 1] != '.')
        at--;
    return at > 1 ? len - at : 0;
}

/* Takes direction, ".autocommit" and dialect off the end of the name; what is left is the stem. */
static size_t take_suffixes(const struct mig_layout_options *o, const char *base, struct half *h)
{
    size_t len = strlen(base) - 4; /* .sql */
    h->down = len > 5 && memcmp(base + len - 5, ".down", 5) == 0;
    len -= h->down ? 5 : 3;
    size_t n = last_suffix(base, len);
    if (n == 10 && memcmp(base + len - n, "autocommit", n) == 0) {
        h->autocommit = true;
        len -= n + 1;
        n = last_suffix(base, len);
    }
    const struct dialect *d = n ? find_dialect(base + len - n, n) : NULL;
    h->fit = (uint8_t)(d ? fit_of(o, d) : FIT_GENERAL);
    return d ? len - n - 1 : len;
}

/* Version and name of a file, in all->naming. */
static int32_t read_name(struct halves *all, const struct mig_file *f, struct half *h)
{
    const char *base = mig_basename(f->path);
    bool code = f->entry_flags & MIGRATE_ENTRY_CODE;
    *h = (struct half){ .f = f, .fit = FIT_GENERAL };
    size_t len = code ? mig_stem_len(f) : take_suffixes(all->r->options, base, h);
    return mig_naming_take(all->r, &all->naming, f, base, len, true);
}

static int32_t take_file(struct halves *all, const struct mig_file *f)
{
    struct half h;
    int32_t status = read_name(all, f, &h);
    if (status)
        return status;
    const char *last = all->count ? all->list[all->count - 1].version : NULL,
               *version = mig_buf_text(&all->naming.version);
    h.version = last && strcmp(last, version) == 0 ? last : mig_arena_strdup(&all->r->scratch, version);
    if (!h.version || !mig_grow(&all->list, &all->cap, all->count + 1, sizeof *all->list))
        return mig_reading_nomem(all->r);
    all->list[all->count++] = h;
    return MIGRATE_OK;
}

/* By version, up before down, the best fit first. */
static int compare(const void *left, const void *right)
{
    const struct half *a = left, *b = right;
    int order = mig_version_cmp(a->version, b->version);
    if (order == 0)
        order = strcmp(a->version, b->version);
    if (order == 0)
        order = a->down - b->down;
    if (order == 0)
        order = b->fit - a->fit;
    return order ? order : strcmp(a->f->path, b->f->path);
}

static int32_t fail_twice(struct mig_reading *r, const struct half *a, const struct half *b)
{
    return mig_reading_fail(r, MIGRATE_E_DUPLICATE, b->f->path, 0, "give one of them another version",
                            "%s and %s are both the %s file of version %s", a->f->path, b->f->path,
                            a->down ? "down" : "up", a->version);
}

/* The one to use of the files of one version and direction, which are sorted by fit; NULL: none for this
 * engine. */
static int32_t choose(struct mig_reading *r, const struct half *list, size_t n, const struct half **out)
{
    bool any_engine = r->options->dialect == MIGRATE_DIALECT_OTHER;
    *out = n > 0 && (list[0].fit != FIT_FOREIGN || any_engine) ? &list[0] : NULL;
    if (n > 1 && list[0].fit == list[1].fit && list[0].fit != FIT_FOREIGN)
        return fail_twice(r, &list[0], &list[1]);
    return MIGRATE_OK;
}

static int32_t set_autocommit(struct mig_reading *r, struct mig_migration *m, const struct half *h)
{
    if (!h->autocommit)
        return MIGRATE_OK;
    struct mig_directives *d = mig_own_directives(r, m);
    if (!d)
        return MIGRATE_E_NOMEM;
    *(h->down ? &d->tx_down : &d->tx_up) = MIG_TX_OFF;
    return MIGRATE_OK;
}

static int32_t add_pair(struct halves *all, const struct half *up, const struct half *down)
{
    struct mig_reading *r = all->r;
    struct mig_migration *m;
    struct half again;
    int32_t status = read_name(all, up->f, &again);
    if (!status)
        status = mig_add(r, up->f, MIGRATE_KIND_VERSIONED, up->version, mig_buf_text(&all->naming.name), &m);
    if (!status)
        status = set_autocommit(r, m, up);
    if (!status && down)
        status = mig_add_down(r, m, down->f);
    return status || !down ? status : set_autocommit(r, m, down);
}

/* All files of one version. */
static int32_t take_version(struct halves *all, const struct half *list, size_t n)
{
    struct mig_reading *r = all->r;
    const struct half *up, *down = NULL;
    size_t n_up = 0;
    while (n_up < n && !list[n_up].down)
        n_up++;
    int32_t status = choose(r, list, n_up, &up);
    if (!status)
        status = choose(r, list + n_up, n - n_up, &down);
    if (status)
        return status;
    if (n_up == 0)
        return mig_reading_fail(r, MIGRATE_E_NAME, list[0].f->path, 0, "add the up file, or remove this one",
                                "there is no up file beside it");
    return up ? add_pair(all, up, down) : MIGRATE_OK; /* for other engines only: not there */
}

static int32_t take_all(struct halves *all)
{
    struct mig_reading *r = all->r;
    int32_t status = MIGRATE_OK;
    for (size_t i = 0; i < r->n_files && !status; i++)
        if (r->files[i].shape != MIG_SHAPE_BESIDE)
            status = take_file(all, &r->files[i]);
    if (status)
        return status;
    if (all->count > 1)
        qsort(all->list, all->count, sizeof *all->list, compare);
    for (size_t i = 0, end; i < all->count && !status; i = end) {
        for (end = i + 1; end < all->count && strcmp(all->list[end].version, all->list[i].version) == 0;)
            end++;
        status = take_version(all, all->list + i, end - i);
    }
    return status;
}

int32_t mig_pairs_build(struct mig_reading *r)
{
    struct halves all = { .r = r, .naming = { .folders = true } };
    int32_t status = take_all(&all);
    mig_naming_free(&all.naming);
    free(all.list);
    return status;
}
