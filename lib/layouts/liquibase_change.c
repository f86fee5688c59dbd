/* SPDX-License-Identifier: Apache-2.0 */

/* One change set as a migration: its text, its rollback, what its lines say. */

#include <stdlib.h>
#include <string.h>

#include "layouts/liquibase.h"
#include "layouts/marks.h"
#include "util/text.h"

struct ranges {
    struct mig_range *list;
    size_t count, cap;
};

/* A change set being made: lines [first, end) of the file are its own, the first is its --changeset. */
struct maker {
    struct mig_lq_file *x;
    size_t first, end;
    uint64_t body, body_line, body_end; /* of its text */
    const char *path;                   /* logical */
    struct mig_lq_change change;
    struct mig_directives directives;
    const char *comment;
    struct ranges up, down;
    bool has_down;
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
        size_t got,
            n = range->end - range->begin < sizeof buf ? (size_t)(range->end - range->begin) : sizeof buf,
            i = 0;
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
        size_t got,
            n = range->end - range->begin < sizeof buf ? (size_t)(range->end - range->begin) : sizeof buf, i;
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
    int32_t status = MIGRATE_OK;
    for (size_t i = m->first + 1; i <= m->end && !status; i++) {
        const struct mig_lq_line *other = i < m->end ? &m->x->lines[i] : NULL;
        if (other && !other->real)
            continue;
        uint64_t end = other ? other->start : m->body_end;
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
        status =
            add_range(m, &m->up, m->body, m->body, m->body_line); /* nothing to do, which is done at once */
    return status;
}

/* ---- what stands in a change set ------------------------------------------------------ */

static int32_t fail_line(const struct maker *m, const struct mig_lq_line *line, const char *hint,
                         const char *what)
{
    return mig_reading_fail(m->x->r, MIGRATE_E_DIRECTIVE, m->x->f->path, line->line, hint, "%s \"%.*s\"",
                            what, 100, line->text);
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
    if (line->kind == MIG_LQ_ROLLBACK && first &&
        (begins_with(line->text, "not required") || begins_with(line->text, "empty")))
        return MIGRATE_OK;
    if (line->kind == MIG_LQ_ROLLBACK &&
        (begins_with(line->text, "changesetId:") || begins_with(line->text, "changesetAuthor:")))
        return fail_line(m, line, "write the statements themselves",
                         "not supported: a rollback that names a change set:");
    struct mig_range range = { line->body, line->body_end, line->body_line };
    return range.begin < range.end ? add_range(m, &m->down, range.begin, range.end, range.line) : MIGRATE_OK;
}

static int32_t take_ours(struct maker *m, const struct mig_lq_line *line)
{
    struct mig_said out = { m->directives, false };
    struct mig_mark mark = {
        .line = line->line, .style = MIG_STYLE_OURS, .what = MIG_WHAT_DIRECTIVE, .args = line->text
    };
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

static bool is_excluded(const struct maker *m)
{
    const struct mig_layout_options *o = m->x->r->options;
    return m->change.ignore || !mig_lq_engine_matches(o, m->change.dbms) ||
           !mig_lq_contexts_match(o, m->change.contexts) || !mig_lq_labels_match(o, m->change.labels);
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
    *to = (struct mig_part){
        .path = f->path, .cookie = f->cookie, .n_ranges = (uint32_t)from->count, .has_sha = true
    };
    return mig_ranges_keep(m->x->r, f, from->list, from->count, &to->ranges);
}

static int32_t set_parts(struct maker *m, struct mig_migration *to)
{
    int32_t status = set_part(m, &m->up, &to->up);
    struct mig_part *down = m->has_down ? mig_arena_alloc(&m->x->r->set->arena, sizeof *down) : NULL;
    if (!status && m->has_down && !down)
        status = mig_reading_nomem(m->x->r);
    if (!status && down) {
        status = set_part(m, &m->down, down);
        to->down = down;
    }
    to->checksum = status ? NULL : mig_part_sha(&to->up);
    return status;
}

static int32_t make(struct maker *m)
{
    struct mig_reading *r = m->x->r;
    struct mig_migration *to = NULL;
    struct mig_buf version = MIG_BUF_INIT;
    int32_t status = take_lines(m);
    if (!status) {
        mig_buf_fmt(&version, "%s::%s::%s", m->change.path ? m->change.path : m->path, m->change.id,
                    m->change.author);
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

int32_t mig_lq_change_make(struct mig_lq_file *x, const char *path, size_t first, size_t end)
{
    const struct mig_lq_line *header = &x->lines[first];
    struct maker m = { .x = x, .first = first, .end = end, .path = path };
    m.directives = mig_no_directives;
    m.body = header->next;
    m.body_line = header->next_line;
    m.body_end = end < x->count ? x->lines[end].start : x->end;
    int32_t status = make(&m);
    free(m.up.list);
    free(m.down.list);
    return status;
}
