/* SPDX-License-Identifier: Apache-2.0 */

/* Finds the comments that say something, with the lexer: what looks like a marker inside a string or a
 * dollar-quoted body is none. */

#include "layouts/marks.h"

#include <stdlib.h>
#include <string.h>

#include "util/text.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static size_t skip_blanks(const char *text, size_t at, size_t len)
{
    while (at < len && is_blank(text[at]))
        at++;
    return at;
}

/* Does @p word stand at @p at, in any case, and end there? */
static bool word_at(const char *text, size_t at, size_t len, const char *word)
{
    size_t n = strlen(word);
    if (len - at < n || !mig_ieqn(text + at, n, word))
        return false;
    return at + n == len ||
           !(mig_is_alpha(text[at + n]) || mig_is_digit(text[at + n]) || text[at + n] == '_');
}

static bool prefix_at(const char *text, size_t at, size_t len, const char *prefix)
{
    size_t n = strlen(prefix);
    return len - at >= n && memcmp(text + at, prefix, n) == 0;
}

/* "up" or "down" at @p at makes a section marker of it, anything else a directive. */
static void set_what(struct mig_mark *out, uint8_t style, const char *text, size_t at, size_t len,
                     size_t *rest)
{
    out->style = style;
    out->what = word_at(text, at, len, "up")     ? MIG_WHAT_UP
                : word_at(text, at, len, "down") ? MIG_WHAT_DOWN
                                                 : MIG_WHAT_DIRECTIVE;
    *rest = out->what == MIG_WHAT_UP ? at + 2 : out->what == MIG_WHAT_DOWN ? at + 4 : at;
}

/* "-- Up Migration", "--- down migration ---" */
static bool parse_node(const char *text, size_t len, struct mig_mark *out, size_t *rest)
{
    size_t at = 2;
    while (at < len && (is_blank(text[at]) || text[at] == '-'))
        at++;
    bool up = word_at(text, at, len, "up"), down = word_at(text, at, len, "down");
    size_t next = at + (up ? 2 : 4), word = up || down ? skip_blanks(text, next, len) : 0;
    if ((!up && !down) || word == next || len - word < 9 || !mig_ieqn(text + word, 9, "migration"))
        return false;
    out->style = MIG_STYLE_NODE;
    out->what = up ? MIG_WHAT_UP : MIG_WHAT_DOWN;
    *rest = len;
    return true;
}

/* "migrate:up" is dbmate's, "migrate: up" ours. */
static void parse_migrate(const char *text, size_t at, size_t len, struct mig_mark *out, size_t *rest)
{
    size_t word = skip_blanks(text, at, len);
    set_what(out, word == at ? MIG_STYLE_DBMATE : MIG_STYLE_OURS, text, word, len, rest);
    if (out->what == MIG_WHAT_DIRECTIVE)
        out->style = MIG_STYLE_OURS;
}

bool mig_mark_parse(const char *text, size_t len, struct mig_mark *out, size_t *rest)
{
    if (len < 2 || text[0] != '-' || text[1] != '-')
        return false;
    size_t at = skip_blanks(text, 2, len);
    if (prefix_at(text, at, len, "+goose") && (at + 6 == len || is_blank(text[at + 6])))
        set_what(out, MIG_STYLE_GOOSE, text, skip_blanks(text, at + 6, len), len, rest);
    else if (prefix_at(text, at, len, "+migrate") && (at + 8 == len || is_blank(text[at + 8])))
        set_what(out, MIG_STYLE_SQL_MIGRATE, text, skip_blanks(text, at + 8, len), len, rest);
    else if (prefix_at(text, at, len, "migrate:"))
        parse_migrate(text, at + 8, len, out, rest);
    else if (prefix_at(text, at, len, "atlas:") || prefix_at(text, at, len, "postgres-migrations ") ||
             prefix_at(text, at, len, "morph:nontransactional"))
        *out = (struct mig_mark){ .style = MIG_STYLE_NONE, .what = MIG_WHAT_DIRECTIVE }, *rest = at;
    else
        return parse_node(text, len, out, rest);
    return true;
}

/* In the first line that is not empty. */
bool mig_marks_liquibase(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len && (is_blank(text[at]) || text[at] == '\n'))
        at++;
    const char *end = at < len ? memchr(text + at, '\n', len - at) : NULL;
    size_t line = end ? (size_t)(end - text) : len;
    if (!prefix_at(text, at, line, "--"))
        return false;
    at = skip_blanks(text, at + 2, line);
    if (line - at < 9 || !mig_ieqn(text + at, 9, "liquibase"))
        return false;
    at = skip_blanks(text, at + 9, line);
    return line - at >= 9 && mig_ieqn(text + at, 9, "formatted");
}

/* ---- lexing ----------------------------------------------------------------- */

struct finder {
    struct mig_reading *r;
    struct mig_file *f;
    struct mig_marks *marks;
    uint64_t offset; /* given to the lexer */
    size_t unplaced; /* marks whose `statement` may still be the one being read */
    int32_t status;
};

static int32_t feed(void *user, char *buf, size_t cap, size_t *got)
{
    struct finder *x = user;
    int32_t status = mig_content_bytes(x->r, x->f, x->offset, buf, cap, got);
    x->offset += status ? 0 : *got;
    return status;
}

/* Only blanks before byte @p offset in its line? */
static bool begins_line(struct finder *x, uint64_t offset)
{
    char buf[256];
    uint64_t from = offset < sizeof buf ? 0 : offset - sizeof buf;
    size_t got = 0, n = (size_t)(offset - from);
    if (n > 0 && !x->status)
        x->status = mig_content_bytes(x->r, x->f, from, buf, n, &got);
    if (got < n)
        return false;
    while (n > 0 && buf[n - 1] != '\n')
        if (!is_blank(buf[--n]))
            return false;
    return n > 0 || from == 0;
}

static void on_comment(void *user, const char *text, size_t len, uint64_t offset, uint64_t line)
{
    struct finder *x = user;
    struct mig_mark mark;
    size_t rest;
    while (len > 0 && (text[len - 1] == '\n' || is_blank(text[len - 1])))
        len--;
    if (x->status || !mig_mark_parse(text, len, &mark, &rest) || !begins_line(x, offset))
        return;
    struct mig_marks *m = x->marks;
    rest = skip_blanks(text, rest, len);
    mark.begin = offset;
    mark.end = offset + len;
    mark.line = line;
    mark.statement = m->last_statement;
    mark.args = mig_arena_strndup(&x->r->scratch, text + rest, len - rest);
    if (!mark.args || !mig_grow(&m->list, &m->cap, m->count + 1, sizeof *m->list))
        x->status = mig_reading_nomem(x->r);
    else
        m->list[m->count++] = mark;
}

/* A statement is there: marks behind its beginning lie in it. */
static void take_statement(struct finder *x, const struct mig_sql_statement *s)
{
    struct mig_marks *m = x->marks;
    for (size_t i = x->unplaced; i < m->count; i++)
        if (m->list[i].begin > s->offset)
            m->list[i].statement = s->offset;
    x->unplaced = m->count;
    if (m->first_line == 0)
        m->first_line = s->line;
    m->last_statement = s->offset;
    m->last_end = s->offset + s->len;
}

static struct mig_sql_lexer *open_lexer(struct finder *x)
{
    const struct mig_layout_options *o = x->r->options;
    struct mig_sql_config config = { .dialect = o->dialect,
                                     .lex = mig_sql_default_lex(o->dialect, 0, o->mariadb),
                                     .mariadb = o->mariadb,
                                     .goose = true,
                                     .read = feed,
                                     .read_user = x,
                                     .on_comment = on_comment,
                                     .comment_user = x };
    return mig_sql_open(&config);
}

/* Is there a line behind byte @p offset that looks like a section marker? */
static int32_t marker_behind(struct finder *x, uint64_t offset, bool *out)
{
    char buf[512];
    size_t got = 1, have = 0;
    bool skip = false; /* the rest of a line that was longer than the buffer */
    *out = false;
    while (got > 0 && !*out) {
        int32_t status = mig_content_bytes(x->r, x->f, offset, buf + have, sizeof buf - have, &got);
        if (status)
            return status;
        offset += got;
        have += got;
        char *end = memchr(buf, '\n', have);
        size_t line = end ? (size_t)(end - buf) : have, at = skip_blanks(buf, 0, line), rest;
        struct mig_mark mark;
        if (!end && got > 0 && have < sizeof buf)
            continue;
        *out = !skip && mig_mark_parse(buf + at, line - at, &mark, &rest) && mark.what != MIG_WHAT_DIRECTIVE;
        skip = !end;
        line += end != NULL;
        memmove(buf, buf + line, have - line);
        have -= line;
        got |= have; /* lines that are here already */
    }
    return MIGRATE_OK;
}

/* Text that cannot be cut is told when it is to run. But when a section might begin behind that place, then
 * nobody knows what belongs to which direction. */
static int32_t settle_parse(struct finder *x, struct mig_diag *diag)
{
    const struct mig_marks *m = x->marks;
    bool behind = false;
    if (x->f->shape != MIG_SHAPE_SINGLE || x->r->no_sections)
        return MIGRATE_OK;
    uint64_t known = m->count ? m->list[m->count - 1].end : 0; /* markers up to here were found */
    int32_t status = marker_behind(x, known > m->last_end ? known : m->last_end, &behind);
    if (status || !behind)
        return status;
    status = mig_reading_fail(x->r, MIGRATE_E_PARSE, x->f->path, diag->line, diag->hint, "%s",
                              diag->message ? diag->message : "it cannot be cut into statements");
    return status;
}

static int32_t lex_file(struct finder *x)
{
    struct mig_sql_statement s;
    struct mig_sql_lexer *lx = open_lexer(x);
    int32_t status = lx ? MIGRATE_OK : mig_reading_nomem(x->r);
    struct mig_diag diag = MIG_DIAG_INIT;
    while (!status && !x->status) {
        status = mig_sql_next(lx, &s, &diag);
        if (!status)
            take_statement(x, &s);
    }
    mig_sql_close(lx);
    if (x->status)
        status = x->status;
    else if (status == MIGRATE_E_PARSE)
        status = settle_parse(x, &diag);
    mig_diag_free(&diag);
    return status == MIGRATE_DONE ? MIGRATE_OK : status;
}

int32_t mig_marks_read(struct mig_reading *r, struct mig_file *f, bool lex)
{
    struct mig_marks marks = { .last_statement = UINT64_MAX };
    struct finder x = { .r = r, .f = f, .marks = &marks };
    int32_t status = lex ? lex_file(&x) : MIGRATE_OK;
    if (!status && (marks.count > 0 || f->no_transaction))
        status = mig_sections_make(r, f, &marks);
    free(marks.list);
    return status;
}

int32_t mig_content_has_statement(struct mig_reading *r, const struct mig_file *f, bool *out)
{
    struct mig_marks marks = { .last_statement = UINT64_MAX };
    struct mig_file copy = *f;
    struct finder x = { .r = r, .f = &copy, .marks = &marks };
    struct mig_sql_statement s;
    r->held = NULL;
    struct mig_sql_lexer *lx = open_lexer(&x);
    int32_t status = lx ? mig_sql_next(lx, &s, NULL) : mig_reading_nomem(r);
    *out = status != MIGRATE_DONE;
    mig_sql_close(lx);
    free(marks.list);
    return status == MIGRATE_E_PARSE || status == MIGRATE_DONE ? MIGRATE_OK : status;
}
