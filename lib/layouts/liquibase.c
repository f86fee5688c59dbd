/* SPDX-License-Identifier: Apache-2.0 */

/* Liquibase's formatted SQL: each change set is a migration, in the order of the files; its version is
 * path::id::author. */

#include "layouts/liquibase.h"

#include <stdlib.h>
#include <string.h>

#include "layouts/marks.h"
#include "layouts/names.h"
#include "layouts/placeholders.h"
#include "util/text.h"

struct ranges {
    struct mig_range *list;
    size_t            count, cap;
};

/* A change set being made: lines [first, end) of the file are its own, the first is its --changeset. */
struct maker {
    struct mig_lq_file   *x;
    size_t                first, end;
    uint64_t              body, body_line, body_end; /* of its text */
    const char           *path; /* logical */
    struct mig_lq_change  change;
    struct mig_directives directives;
    const char           *comment;
    struct ranges         up, down;
    bool                  has_down;
};

/* ---- ranges ------------------------------------------------------------------------ */

static int32_t add_range(struct maker *m, struct ranges *to, uint64_t begin, uint64_t end, uint64_t line)
{
    if (!mig_grow(&to->list, &to->cap, to->count + 1, sizeof *to->list))
        return mig_reading_nomem(m->x->r);
    to->list[to->count++] = (struct mig_range){ begin, end, line };
    return MIGRATE_OK;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Drops blanks and line ends at the front; an empty range begins where it ends. */
static int32_t trim_front(struct maker *m, struct mig_range *range)
{
    char buf[512];
    while (range->begin < range->end) {
        size_t  got, n = range->end - range->begin < sizeof buf ? (size_t)(range->end - range->begin) : sizeof buf, i = 0;
        int32_t status = mig_file_read(m->x->r, m->x->f, range->begin, buf, n, &got);
        if (status)
            return status;
        for (; i < got && is_space(buf[i]); i++)
            range->line += buf[i] == '\n';
        range->begin += i;
        if (i < n || got == 0)
            break;
    }
    return MIGRATE_OK;
}

static int32_t trim_back(struct maker *m, struct mig_range *range)
{
    char buf[512];
    while (range->begin < range->end) {
        size_t  got, n = range->end - range->begin < sizeof buf ? (size_t)(range->end - range->begin) : sizeof buf, i;
        int32_t status = mig_file_read(m->x->r, m->x->f, range->end - n, buf, n, &got);
        if (status)
            return status;
        for (i = got; i > 0 && is_space(buf[i - 1]);)
            i--;
        range->end -= got - i;
        if (i > 0 || got == 0)
            break;
    }
    return MIGRATE_OK;
}

/* The text between the lines that are not SQL. */
static int32_t take_up(struct maker *m)
{
    uint64_t at = m->body, line = m->body_line;
    int32_t  status = MIGRATE_OK;
    for (size_t i = m->first + 1; i <= m->end && !status; i++) {
        const struct mig_lq_line *other = i < m->end ? &m->x->lines[i] : NULL;
        if (other && !other->real)
            continue;
        uint64_t         end = other ? other->start : m->body_end;
        struct mig_range range = { at, end, line };
        status = trim_front(m, &range);
        if (!status)
            status = trim_back(m, &range);
        if (!status && range.begin < range.end)
            status = add_range(m, &m->up, range.begin, range.end, range.line);
        at = other ? other->next : end;
        line = other ? other->next_line : line;
    }
    if (!status && m->up.count == 0)
        status = add_range(m, &m->up, m->body, m->body, m->body_line); /* nothing to do, which is done at once */
    return status;
}

/* ---- what stands in a change set ------------------------------------------------------ */

static int32_t fail_line(const struct maker *m, const struct mig_lq_line *line, const char *hint, const char *what)
{
    return mig_reading_fail(m->x->r, MIGRATE_E_DIRECTIVE, m->x->f->path, line->line, hint, "%s \"%.*s\"", what, 100,
                            line->text);
}

static bool begins_with(const char *text, const char *word)
{
    size_t n = strlen(word);
    return strlen(text) >= n && mig_ieqn(text, n, word);
}

static int32_t take_rollback(struct maker *m, const struct mig_lq_line *line)
{
    bool first = !m->has_down;
    m->has_down = true;
    if (line->kind == MIG_LQ_ROLLBACK && first && (begins_with(line->text, "not required") || begins_with(line->text, "empty")))
        return MIGRATE_OK;
    if (line->kind == MIG_LQ_ROLLBACK && (begins_with(line->text, "changesetId:") || begins_with(line->text, "changesetAuthor:")))
        return fail_line(m, line, "write the statements themselves", "not supported: a rollback that names a change set:");
    struct mig_range range = { line->body, line->body_end, line->body_line };
    return range.begin < range.end ? add_range(m, &m->down, range.begin, range.end, range.line) : MIGRATE_OK;
}

static int32_t take_ours(struct maker *m, const struct mig_lq_line *line)
{
    struct mig_said out = { m->directives, false };
    struct mig_mark   mark = { .line = line->line, .style = MIG_STYLE_OURS, .what = MIG_WHAT_DIRECTIVE, .args = line->text };
    int32_t status = mig_directive_apply(m->x->r, m->x->f, &mark, MIG_FOR_UP | MIG_FOR_DOWN, &out);
    m->directives = out.d;
    return status;
}

static int32_t take_line(struct maker *m, const struct mig_lq_line *line)
{
    switch (line->kind) {
    case MIG_LQ_ROLLBACK:
    case MIG_LQ_BLOCK:
        return take_rollback(m, line);
    case MIG_LQ_COMMENT:
        m->comment = line->text;
        return MIGRATE_OK;
    case MIG_LQ_PRECONDITIONS:
        return mig_lq_preconditions(m->x->r, m->x->f, line, &m->directives);
    case MIG_LQ_PRECONDITION:
        return mig_lq_precondition(m->x->r, m->x->f, line, &m->directives);
    case MIG_LQ_OURS:
        return take_ours(m, line);
    case MIG_LQ_REFUSED:
        return fail_line(m, line, "put the SQL itself into a change set", "not supported:");
    default:
        return MIGRATE_OK;
    }
}

static int32_t take_lines(struct maker *m)
{
    int32_t status = mig_lq_changeset(m->x->r, m->x->f, &m->x->lines[m->first], &m->change);
    for (size_t i = m->first + 1; i < m->end && !status; i++)
        if (m->x->lines[i].real)
            status = take_line(m, &m->x->lines[i]);
    if (!status)
        status = take_up(m);
    if (!status && m->has_down && m->down.count == 0)
        status = add_range(m, &m->down, m->body, m->body, m->body_line);
    return status;
}

/* ---- the migration ---------------------------------------------------------------------- */

static bool dbms_matches(const struct mig_layout_options *o, const char *dbms)
{
    return mig_lq_dbms_matches(o, dbms ? dbms : "", dbms ? strlen(dbms) : 0);
}

static bool is_excluded(const struct maker *m)
{
    const struct mig_layout_options *o = m->x->r->options;
    return m->change.ignore || !dbms_matches(o, m->change.dbms) || !mig_lq_contexts_match(o, m->change.contexts) ||
           !mig_lq_labels_match(o, m->change.labels);
}

static uint32_t flags_of(const struct maker *m)
{
    uint32_t flags = MIG_MIGRATION_PLACEHOLDERS | MIG_MIGRATION_LENIENT;
    flags |= m->has_down ? MIG_MIGRATION_REVERSIBLE : 0;
    flags |= m->change.whole_up ? MIG_MIGRATION_WHOLE : 0;
    flags |= m->change.whole_down ? MIG_MIGRATION_WHOLE_DOWN : 0;
    flags |= m->change.run_always ? MIG_MIGRATION_RUN_ALWAYS : 0;
    flags |= m->change.run_on_change ? MIG_MIGRATION_RUN_ON_CHANGE : 0;
    return flags | (is_excluded(m) ? MIG_MIGRATION_EXCLUDED : 0);
}

static int32_t set_directives(struct maker *m, struct mig_migration *to)
{
    struct mig_directives *d = mig_own_directives(m->x->r, to);
    if (!d)
        return MIGRATE_E_NOMEM;
    *d = m->directives;
    if (m->change.no_transaction)
        d->tx_up = d->tx_down = MIG_TX_OFF;
    d->terminator_up = m->change.terminator_up;
    d->terminator_down = m->change.terminator_down;
    if (d->precondition_sql && !d->precondition_on_fail)
        d->precondition_on_fail = "HALT";
    return MIGRATE_OK;
}

static int32_t set_part(struct maker *m, const struct ranges *from, struct mig_part *to)
{
    const struct mig_file *f = m->x->f;
    *to = (struct mig_part){ .path = f->path, .cookie = f->cookie, .n_ranges = (uint32_t)from->count, .has_sha = true };
    return mig_ranges_keep(m->x->r, f, from->list, from->count, &to->ranges);
}

static int32_t set_parts(struct maker *m, struct mig_migration *to)
{
    int32_t status = set_part(m, &m->up, &to->up);
    if (!status && m->has_down)
        status = set_part(m, &m->down, &to->down);
    to->checksum = status ? NULL : mig_part_sha(&to->up);
    return status;
}

static int32_t make(struct maker *m)
{
    struct mig_reading   *r = m->x->r;
    struct mig_migration *to = NULL;
    struct mig_buf        version = MIG_BUF_INIT;
    int32_t               status = take_lines(m);
    if (!status) {
        mig_buf_fmt(&version, "%s::%s::%s", m->change.path ? m->change.path : m->path, m->change.id, m->change.author);
        status = version.oom ? mig_reading_nomem(r)
                             : mig_add(r, m->x->f, MIGRATE_KIND_VERSIONED, version.data,
                                       m->comment ? m->comment : m->change.id, &to);
    }
    mig_buf_free(&version);
    if (!status) {
        to->flags = flags_of(m);
        status = set_directives(m, to);
    }
    return status ? status : set_parts(m, to);
}

/* ---- properties ---------------------------------------------------------------------------- */

static int32_t keep(struct mig_reading *r, const char *text, size_t len, const char **out)
{
    *out = mig_arena_strndup(&r->set->arena, text, len);
    return *out ? MIGRATE_OK : mig_reading_nomem(r);
}

/* What a --property line says; *@p counts: it is meant for this run. */
static int32_t read_property(struct mig_lq_file *x, const struct mig_lq_line *line, struct mig_property *p, bool *counts)
{
    const struct mig_layout_options *o = x->r->options;
    const char *at = line->text, *key, *value, *dbms = NULL, *contexts = NULL, *labels = NULL;
    size_t      n, len;
    int32_t     status = MIGRATE_OK;
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
    *counts = dbms_matches(o, dbms) && mig_lq_contexts_match(o, contexts) && mig_lq_labels_match(o, labels);
    return status;
}

/* The first definition of a name holds. */
static int32_t take_property(struct mig_lq_file *x, const struct mig_lq_line *line, struct mig_property **list,
                             size_t *cap)
{
    struct mig_property p = { NULL, NULL, NULL };
    bool                counts;
    int32_t             status = read_property(x, line, &p, &counts);
    if (status)
        return status;
    if (!p.name || !p.value || line->cut)
        return mig_reading_fail(x->r, MIGRATE_E_DIRECTIVE, x->f->path, line->line, "--property name:x value:y",
                                "a property has no name or no value: \"%.100s\"", line->text);
    if (!counts)
        return MIGRATE_OK;
    if (!mig_grow(list, cap, x->r->set->n_properties + 1, sizeof **list))
        return mig_reading_nomem(x->r);
    (*list)[x->r->set->n_properties++] = p;
    return MIGRATE_OK;
}

/* ---- files ----------------------------------------------------------------------------------- */

struct log {
    struct mig_reading     *r;
    struct mig_property    *properties;
    size_t                  properties_cap;
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
    const char               *at = header && header->kind == MIG_LQ_HEADER ? header->text : "", *key, *value;
    size_t                    n, len;
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
    size_t      i = next_changeset(x, 0);
    const char *path = logical_path(x);
    int32_t     status = path ? check_start(x, i) : mig_reading_nomem(x->r);
    while (i < x->count && !status) {
        struct maker m = { .x = x, .first = i, .end = next_changeset(x, i + 1), .path = path };
        m.directives = mig_no_directives;
        m.body = x->lines[i].next;
        m.body_line = x->lines[i].line + 1;
        m.body_end = m.end < x->count ? x->lines[m.end].start : x->end;
        status = make(&m);
        free(m.up.list);
        free(m.down.list);
        i = m.end;
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
    const struct mig_file *one = *(const struct mig_file *const *)a, *two = *(const struct mig_file *const *)b;
    int                    order = mig_version_cmp(one->path, two->path);
    return order ? order : strcmp(one->path, two->path);
}

/* In natural order, or by bytes as they are listed. */
static int32_t take_files(struct log *l)
{
    struct mig_reading *r = l->r;
    size_t              n = 0;
    int32_t             status = MIGRATE_OK;
    l->order = malloc((r->n_files + 1) * sizeof *l->order);
    if (!l->order)
        return mig_reading_nomem(r);
    for (size_t i = 0; i < r->n_files; i++)
        if (r->files[i].shape != MIG_SHAPE_BESIDE)
            l->order[n++] = &r->files[i];
    if (!r->options->order || strcmp(r->options->order, "bytes") != 0)
        qsort(l->order, n, sizeof *l->order, by_path);
    for (size_t i = 0; i < n && !status; i++)
        status = l->order[i]->entry_flags & MIGRATE_ENTRY_CODE ? take_code(r, l->order[i]) : take_file(l, l->order[i]);
    return status;
}

static int32_t keep_properties(struct log *l)
{
    struct mig_set *set = l->r->set;
    size_t          size = set->n_properties * sizeof *set->properties;
    void           *kept = size ? mig_arena_alloc(&set->arena, size) : NULL;
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
    uint32_t              one = *(const uint32_t *)a, two = *(const uint32_t *)b;
    int                   order = strcmp(set->items[one].version, set->items[two].version);
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
    size_t          kept = 0;
    for (size_t i = 1; i < set->count; i++) {
        struct mig_migration *a = &set->items[set->by_version[i - 1]], *b = &set->items[set->by_version[i]];
        if (strcmp(a->version, b->version) != 0)
            continue;
        if (!(a->flags & MIG_MIGRATION_EXCLUDED) && !(b->flags & MIG_MIGRATION_EXCLUDED))
            return mig_reading_fail(r, MIGRATE_E_DUPLICATE, b->up.path, b->up.n_ranges ? b->up.ranges[0].line : 0,
                                    "give one of them another id", "the change set %s is there twice (%s and %s)",
                                    b->version, a->up.path, b->up.path);
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
