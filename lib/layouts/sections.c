/* SPDX-License-Identifier: Apache-2.0 */

/* Up and down sections of one file, from the markers found in it. Sections may repeat: up sections run in the
 * order of the file, down sections in the opposite one. */

#include <stdlib.h>
#include <string.h>

#include "layouts/marks.h"
#include "util/text.h"

struct ranges {
    struct mig_range *list;
    size_t count, cap;
};

struct maker {
    struct mig_reading *r;
    struct mig_file *f;
    const struct mig_marks *marks;
    struct mig_marked *out;
    struct mig_said said;
    uint64_t first_marker; /* line of the first section's */
    struct ranges up, down;
    uint8_t section;      /* MIG_FOR_* that is open, 0 none yet */
    uint64_t begin, line; /* of the open section */
};

static const char *style_example(uint8_t style)
{
    switch (style) {
    case MIG_STYLE_DBMATE:
        return "-- migrate:up";
    case MIG_STYLE_GOOSE:
        return "-- +goose Up";
    case MIG_STYLE_SQL_MIGRATE:
        return "-- +migrate Up";
    case MIG_STYLE_NODE:
        return "-- Up Migration";
    default:
        return "-- migrate: up";
    }
}

/* "-- migrate: up" and "-- migrate:up" may stand side by side. */
static uint8_t family(uint8_t style)
{
    return style == MIG_STYLE_DBMATE ? MIG_STYLE_OURS : style;
}

static int32_t close_section(struct maker *m, uint64_t end)
{
    struct ranges *to = m->section == MIG_FOR_UP ? &m->up : &m->down;
    if (m->section == 0)
        return MIGRATE_OK;
    if (!mig_grow(&to->list, &to->cap, to->count + 1, sizeof *to->list))
        return mig_reading_nomem(m->r);
    to->list[to->count++] = (struct mig_range){ m->begin, end, m->line };
    return MIGRATE_OK;
}

/* Text before the first marker would belong to no direction. */
static int32_t check_first(struct maker *m, const struct mig_mark *mark)
{
    if (mark->statement != UINT64_MAX)
        return mig_reading_fail(m->r, MIGRATE_E_DIRECTIVE, m->f->path, m->marks->first_line,
                                "put the statements behind the marker",
                                "a statement stands before the first section marker (line %llu)",
                                (unsigned long long)mark->line);
    m->out->style = mark->style;
    m->first_marker = mark->line;
    return MIGRATE_OK;
}

static int32_t open_section(struct maker *m, const struct mig_mark *mark)
{
    int32_t status = m->section ? MIGRATE_OK : check_first(m, mark);
    if (!status && family(mark->style) != family(m->out->style))
        status = mig_reading_fail(
            m->r, MIGRATE_E_LAYOUT, m->f->path, mark->line, "use one kind of marker in a file",
            "its sections begin with \"%s\" in line %llu, and with another tool's marker here",
            style_example(m->out->style), (unsigned long long)m->first_marker);
    if (!status)
        status = close_section(m, mark->begin);
    if (status)
        return status;
    m->section = mark->what == MIG_WHAT_UP ? MIG_FOR_UP : MIG_FOR_DOWN;
    m->begin = mark->end;
    m->line = mark->line;
    if (mark->style == MIG_STYLE_GOOSE || mark->style == MIG_STYLE_SQL_MIGRATE)
        m->out->flags |= MIG_MIGRATION_GOOSE;
    /* options on the marker's own line */
    return mark->args[0] ? mig_directive_apply(m->r, m->f, mark, m->section, &m->said) : MIGRATE_OK;
}

/* Directives of goose and of Atlas' lint may stand anywhere. */
static bool may_stand_anywhere(const struct mig_mark *mark)
{
    return mark->style == MIG_STYLE_GOOSE || mark->style == MIG_STYLE_SQL_MIGRATE ||
           mig_starts(mark->args, "atlas:nolint") || mig_starts(mark->args, "postgres-migrations");
}

static int32_t take_directive(struct maker *m, const struct mig_mark *mark)
{
    uint64_t begin = m->section ? m->begin : 0;
    if (!may_stand_anywhere(mark) && mark->statement != UINT64_MAX && mark->statement >= begin)
        return mig_reading_fail(m->r, MIGRATE_E_DIRECTIVE, m->f->path, mark->line,
                                m->section ? "move it up, right behind the section's marker"
                                           : "move it to the top of the file",
                                "a directive must stand before the first statement");
    unsigned directions = m->section && !may_stand_anywhere(mark) ? m->section : MIG_FOR_UP | MIG_FOR_DOWN;
    return mig_directive_apply(m->r, m->f, mark, directions, &m->said);
}

static int32_t check_both(struct maker *m)
{
    if (m->up.count > 0 || m->down.count == 0)
        return MIGRATE_OK;
    return mig_reading_fail(m->r, MIGRATE_E_DIRECTIVE, m->f->path, m->first_marker,
                            "put the marker of the up section before the statements that apply the migration",
                            "it has a down section, but no up section (\"%s\")",
                            style_example(m->out->style));
}

static void reverse(struct ranges *r)
{
    for (size_t i = 0; i < r->count / 2; i++) {
        struct mig_range other = r->list[r->count - 1 - i];
        r->list[r->count - 1 - i] = r->list[i];
        r->list[i] = other;
    }
}

static int32_t keep_ranges(struct maker *m, const struct ranges *from, const struct mig_range **list,
                           uint32_t *n)
{
    *n = (uint32_t)from->count;
    return from->count ? mig_ranges_keep(m->r, m->f, from->list, from->count, list) : MIGRATE_OK;
}

static int32_t keep_directives(struct maker *m)
{
    if (!m->said.any)
        return MIGRATE_OK;
    struct mig_directives *kept = mig_arena_alloc(&m->r->set->arena, sizeof *kept);
    if (!kept)
        return mig_reading_nomem(m->r);
    *kept = m->said.d;
    m->out->directives = kept;
    return MIGRATE_OK;
}

/* "-- Down migration" is also something that people write. node-pg-migrate's markers count where no other
 * tool's are, and with an up marker. A down marker alone counts for nothing, unless statements follow: then
 * nobody can tell what was meant. */
static int32_t node_counts(struct maker *m, bool *out)
{
    const struct mig_marks *all = m->marks;
    const struct mig_mark *down = NULL;
    *out = false;
    for (size_t i = 0; i < all->count; i++) {
        const struct mig_mark *mark = &all->list[i];
        if (mark->what == MIG_WHAT_DIRECTIVE)
            continue;
        if (mark->style != MIG_STYLE_NODE)
            return MIGRATE_OK;
        *out = *out || mark->what == MIG_WHAT_UP;
        down = down ? down : mark;
    }
    if (*out || !down || all->last_statement == UINT64_MAX || all->last_end <= down->begin)
        return MIGRATE_OK;
    return mig_reading_fail(
        m->r, MIGRATE_E_DIRECTIVE, m->f->path, down->line,
        "write \"-- Up Migration\" before the statements that apply the migration, or set layout=plain",
        "statements follow \"-- Down Migration\", but there is no up section");
}

static int32_t take_marks(struct maker *m)
{
    bool sections = m->f->shape == MIG_SHAPE_SINGLE && !m->r->no_sections, node = false;
    int32_t status = sections ? node_counts(m, &node) : MIGRATE_OK;
    for (size_t i = 0; i < m->marks->count && !status; i++) {
        const struct mig_mark *mark = &m->marks->list[i];
        if (mark->style == MIG_STYLE_NODE && !node)
            continue;
        if (mark->what == MIG_WHAT_DIRECTIVE)
            status = take_directive(m, mark);
        else if (sections)
            status = open_section(m, mark);
        else if (!m->r->no_sections)
            status = mig_reading_fail(m->r, MIGRATE_E_LAYOUT, m->f->path, mark->line,
                                      "use section markers or file names to tell up from down, not both",
                                      "it has a section marker, but its name says what it is");
    }
    return status;
}

int32_t mig_sections_make(struct mig_reading *r, struct mig_file *f, const struct mig_marks *marks)
{
    struct maker m = { .r = r, .f = f, .marks = marks, .said = { mig_no_directives, false } };
    m.out = mig_arena_alloc(&r->scratch, sizeof *m.out);
    if (!m.out)
        return mig_reading_nomem(r);
    if (f->no_transaction) {
        m.said.d.tx_up = m.said.d.tx_down = MIG_TX_OFF;
        m.said.any = true;
    }
    int32_t status = take_marks(&m);
    if (!status)
        status = close_section(&m, UINT64_MAX);
    if (!status)
        status = check_both(&m);
    reverse(&m.down);
    if (!status)
        status = keep_directives(&m);
    if (!status)
        status = keep_ranges(&m, &m.up, &m.out->up, &m.out->n_up);
    if (!status)
        status = keep_ranges(&m, &m.down, &m.out->down, &m.out->n_down);
    free(m.up.list);
    free(m.down.list);
    f->marked = m.out;
    return status;
}
