/* SPDX-License-Identifier: Apache-2.0 */

/* The lines of a change log that are not SQL: found one by one, as Liquibase finds them, and then checked
 * with the lexer, which knows what is a comment and what is inside a string. */

#include <stdlib.h>
#include <string.h>

#include "layouts/liquibase.h"
#include "util/text.h"

enum { MAX_LINE = 16 * 1024, PIECE = 8 * 1024 }; /* of a line so much is looked at */

/* ---- one line ------------------------------------------------------------------ */

static size_t skip_blanks(const char *text, size_t at, size_t len)
{
    while (at < len && (text[at] == ' ' || text[at] == '\t'))
        at++;
    return at;
}

/* Does the keyword stand at @p at? *@p rest: behind it. */
static bool keyword(const char *text, size_t at, size_t len, const char *word, size_t *rest)
{
    size_t n = strlen(word);
    if (len - at < n || !mig_ieqn(text + at, n, word))
        return false;
    *rest = at + n;
    return true;
}

static bool blank_or_end(const char *text, size_t at, size_t len)
{
    return at == len || text[at] == ' ' || text[at] == '\t';
}

static bool classify_comment(const char *text, size_t at, size_t len, uint8_t *kind, size_t *rest)
{
    if (keyword(text, at, len, "changeset", rest) && blank_or_end(text, *rest, len))
        *kind = MIG_LQ_CHANGESET;
    else if (keyword(text, at, len, "rollback", rest) && blank_or_end(text, *rest, len))
        *kind = MIG_LQ_ROLLBACK;
    else if (keyword(text, at, len, "preconditions", rest) && blank_or_end(text, *rest, len))
        *kind = MIG_LQ_PRECONDITIONS;
    else if (keyword(text, at, len, "precondition-", rest))
        *kind = MIG_LQ_PRECONDITION;
    else if (keyword(text, at, len, "comment:", rest) ||
             (keyword(text, at, len, "comment", rest) && blank_or_end(text, *rest, len)))
        *kind = MIG_LQ_COMMENT;
    else if (keyword(text, at, len, "property", rest) && blank_or_end(text, *rest, len))
        *kind = MIG_LQ_PROPERTY;
    else if (keyword(text, at, len, "validchecksum", rest))
        *kind = MIG_LQ_CHECKSUM;
    else if (keyword(text, at, len, "ignorelines:", rest))
        *kind = MIG_LQ_IGNORED;
    else if (keyword(text, at, len, "liquibase", rest) && blank_or_end(text, *rest, len))
        *kind = MIG_LQ_HEADER;
    else if (keyword(text, at, len, "migrate:", rest))
        *kind = MIG_LQ_OURS;
    else if (keyword(text, at, len, "include file:", rest) || keyword(text, at, len, "includeall ", rest) ||
             keyword(text, at, len, "rollbacksqlfile", rest) || keyword(text, at, len, "tagdatabase", rest))
        *kind = MIG_LQ_REFUSED;
    else
        return false;
    return true;
}

bool mig_lq_classify(const char *text, size_t len, struct mig_lq_line *out, size_t *rest)
{
    size_t at = skip_blanks(text, 0, len);
    out->begin = at;
    if (len - at >= 2 && text[at] == '-' && text[at + 1] == '-')
        return classify_comment(text, skip_blanks(text, at + 2, len), len, &out->kind, rest);
    if (len - at < 2 || text[at] != '/' || text[at + 1] != '*')
        return false;
    out->kind = MIG_LQ_BLOCK;
    at = skip_blanks(text, at + 2, len);
    if (!keyword(text, at, len, "liquibase", rest))
        return false;
    at = skip_blanks(text, *rest, len);
    return keyword(text, at, len, "rollback", rest) && skip_blanks(text, *rest, len) == len;
}

/* ---- all lines ------------------------------------------------------------------- */

struct scanner {
    struct mig_lq_file *x;
    struct mig_buf text; /* of the line, as far as it is looked at */
    uint64_t start, line;
    uint64_t ignore; /* that many lines more; UINT64_MAX: up to the end mark */
    bool in_block;
};

static struct mig_lq_line *last_line(struct mig_lq_file *x)
{
    return &x->lines[x->count - 1];
}

static int32_t add_line(struct scanner *s, struct mig_lq_line *line, size_t rest, size_t len, uint64_t next)
{
    struct mig_lq_file *x = s->x;
    const char *text = mig_buf_text(&s->text);
    rest = skip_blanks(text, rest, len);
    while (len > rest && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        len--;
    line->text = mig_arena_strndup(&x->r->scratch, text + rest, len - rest);
    line->cut = s->text.len == MAX_LINE;
    line->start = s->start;
    line->begin += s->start;
    line->next = next;
    line->line = line->body_line = s->line;
    line->next_line = s->line + 1;
    line->body = s->start + rest;
    line->body_end = next;
    if (!line->text || !mig_grow(&x->lines, &x->cap, x->count + 1, sizeof *x->lines))
        return mig_reading_nomem(x->r);
    x->lines[x->count++] = *line;
    return MIGRATE_OK;
}

static int32_t begin_ignoring(struct scanner *s)
{
    struct mig_lq_line *line = last_line(s->x);
    char *end = NULL;
    line->real = true; /* nothing of it reaches the lexer */
    if (mig_ieq(line->text, "start"))
        s->ignore = UINT64_MAX;
    else if (mig_is_digit(line->text[0]))
        s->ignore = strtoul(line->text, &end, 10);
    if (s->ignore == 0 || (end && *end))
        return mig_reading_fail(s->x->r, MIGRATE_E_DIRECTIVE, s->x->f->path, s->line,
                                "--ignoreLines:3, or --ignoreLines:start with --ignoreLines:end",
                                "nothing to ignore: \"%s\"", line->text);
    return MIGRATE_OK;
}

static void extend(struct scanner *s, uint64_t next)
{
    last_line(s->x)->next = next;
    last_line(s->x)->next_line = s->line + 1;
}

/* A line inside a rollback comment, or among ignored ones. true: it is dealt with. */
static bool continue_range(struct scanner *s, const char *text, size_t len, uint64_t next)
{
    struct mig_lq_line line = { 0 };
    size_t rest;
    if (s->in_block) {
        const char *end = memmem(text, len, "*/", 2);
        extend(s, next);
        last_line(s->x)->body_end = end ? s->start + (uint64_t)(end - text) : next;
        s->in_block = end == NULL;
        return true;
    }
    if (s->ignore == 0)
        return false;
    extend(s, next);
    bool marker = mig_lq_classify(text, len, &line, &rest) && line.kind == MIG_LQ_IGNORED;
    if (s->ignore == UINT64_MAX && marker && len - rest >= 3 && mig_ieqn(text + rest, 3, "end"))
        s->ignore = 0;
    else if (s->ignore != UINT64_MAX)
        s->ignore--;
    return true;
}

static int32_t take_line(struct scanner *s, uint64_t next)
{
    const char *text = mig_buf_text(&s->text);
    size_t len = s->text.len, rest = 0;
    struct mig_lq_line line = { 0 };
    if (len > 0 && text[len - 1] == '\r')
        len--;
    s->line++;
    if (continue_range(s, text, len, next) || !mig_lq_classify(text, len, &line, &rest))
        return MIGRATE_OK;
    int32_t status = add_line(s, &line, rest, len, next);
    if (status)
        return status;
    if (line.kind == MIG_LQ_BLOCK) {
        s->in_block = true;
        last_line(s->x)->body = last_line(s->x)->body_end = next;
        last_line(s->x)->body_line = s->line + 1;
    }
    return line.kind == MIG_LQ_IGNORED ? begin_ignoring(s) : MIGRATE_OK;
}

/* Bytes of the file at @p offset: whole lines are taken. */
static int32_t take_bytes(struct scanner *s, const char *bytes, size_t len, uint64_t offset)
{
    const char *at = bytes, *end = bytes + len;
    while (at < end) {
        const char *nl = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((nl ? nl : end) - at), room = MAX_LINE - s->text.len;
        mig_buf_add(&s->text, at, n < room ? n : room);
        if (s->text.oom)
            return mig_reading_nomem(s->x->r);
        if (!nl)
            return MIGRATE_OK;
        at = nl + 1;
        uint64_t next = offset + (uint64_t)(at - bytes);
        int32_t status = take_line(s, next);
        if (status)
            return status;
        mig_buf_reset(&s->text);
        s->start = next;
    }
    return MIGRATE_OK;
}

static int32_t scan_lines(struct scanner *s)
{
    struct mig_lq_file *x = s->x;
    char piece[PIECE];
    size_t got = 1;
    while (got > 0) {
        int32_t status = mig_file_read(x->r, x->f, x->end, piece, sizeof piece, &got);
        if (!status)
            status = take_bytes(s, piece, got, x->end);
        if (status)
            return status;
        x->end += got;
    }
    return s->text.len ? take_line(s, x->end) : MIGRATE_OK;
}

/* ---- which of them are comments ---------------------------------------------------- */

struct checker {
    struct mig_lq_file *x;
    uint64_t base, line; /* where the lexer begins */
    uint64_t limit;      /* and where its text ends */
    uint64_t offset;     /* given to it */
    size_t at;           /* next line to be confirmed */
    size_t ignored;      /* next line whose bytes are hidden */
};

/* Ignored lines reach the lexer as blanks. */
static void hide_ignored(struct checker *c, char *buf, size_t got)
{
    const struct mig_lq_file *x = c->x;
    for (size_t i = c->ignored; i < x->count && x->lines[i].start < c->offset + got; i++) {
        const struct mig_lq_line *line = &x->lines[i];
        uint64_t end = c->offset + got;
        for (uint64_t at = line->start > c->offset ? line->start : c->offset;
             line->kind == MIG_LQ_IGNORED && at < line->next && at < end; at++)
            if (buf[at - c->offset] != '\n')
                buf[at - c->offset] = ' ';
        if (line->next <= c->offset)
            c->ignored = i;
    }
}

static int32_t feed(void *user, char *buf, size_t cap, size_t *got)
{
    struct checker *c = user;
    uint64_t left = c->limit - c->offset;
    int32_t status = mig_file_read(c->x->r, c->x->f, c->offset, buf, left < cap ? (size_t)left : cap, got);
    if (status)
        return status;
    hide_ignored(c, buf, *got);
    c->offset += *got;
    return MIGRATE_OK;
}

static void on_comment(void *user, const char *text, size_t len, uint64_t offset, uint64_t line)
{
    struct checker *c = user;
    struct mig_lq_file *x = c->x;
    (void)text, (void)len, (void)line;
    while (c->at < x->count && x->lines[c->at].begin < c->base + offset)
        c->at++;
    if (c->at < x->count && x->lines[c->at].begin == c->base + offset)
        x->lines[c->at].real = true;
}

static struct mig_sql_lexer *open_lexer(struct checker *c)
{
    const struct mig_layout_options *o = c->x->r->options;
    struct mig_sql_config config = { .dialect = o->dialect,
                                     .lex = mig_sql_default_lex(o->dialect, 0, o->mariadb),
                                     .mariadb = o->mariadb,
                                     .line = c->line,
                                     .read = feed,
                                     .read_user = c,
                                     .on_comment = on_comment,
                                     .comment_user = c };
    c->offset = c->base;
    return mig_sql_open(&config);
}

/* Lexes from c->base to c->limit. */
static int32_t lex(struct checker *c)
{
    struct mig_lq_file *x = c->x;
    struct mig_sql_statement s;
    struct mig_diag diag = MIG_DIAG_INIT;
    struct mig_sql_lexer *lx = open_lexer(c);
    int32_t status = lx ? MIGRATE_OK : mig_reading_nomem(x->r);
    while (!status) {
        status = mig_sql_next(lx, &s, &diag);
        if (!status && x->first_statement == UINT64_MAX) {
            x->first_statement = c->base + s.offset;
            x->first_statement_line = s.line;
        }
    }
    mig_sql_close(lx);
    if (status == MIGRATE_E_PARSE)
        status = mig_reading_fail(x->r, status, x->f->path, diag.line, diag.hint, "%s",
                                  diag.message ? diag.message : "it cannot be cut into statements");
    mig_diag_free(&diag);
    return status == MIGRATE_DONE ? MIGRATE_OK : status;
}

/* The next change set from line @p i on that is written for another engine: it is not ours to lex. */
static size_t next_foreign(const struct mig_lq_file *x, size_t i)
{
    for (; i < x->count; i++) {
        const char *key, *value, *at = x->lines[i].text;
        size_t n, len;
        while (x->lines[i].kind == MIG_LQ_CHANGESET && mig_lq_attribute(&at, &key, &n, &value, &len))
            if (mig_ieqn(key, n, "dbms") && !mig_lq_dbms_matches(x->r->options, value, len))
                return i;
    }
    return i;
}

/* Takes the lines of the foreign change set at @p i as they look, and goes to the one behind it. */
static void pass_over(struct checker *c, size_t i)
{
    struct mig_lq_file *x = c->x;
    do {
        x->lines[i++].real = true;
    } while (i < x->count && x->lines[i].kind != MIG_LQ_CHANGESET);
    c->at = i;
    c->base = i < x->count ? x->lines[i].start : x->end;
    c->line = i < x->count ? x->lines[i].line : 1;
}

static int32_t check_lines(struct mig_lq_file *x)
{
    struct checker c = { .x = x, .line = 1 };
    int32_t status = MIGRATE_OK;
    if (x->r->options->dialect == MIGRATE_DIALECT_OTHER) { /* no engine yet: nobody knows what a string is */
        for (size_t i = 0; i < x->count; i++)
            x->lines[i].real = true;
        return MIGRATE_OK;
    }
    while (c.base < x->end && !status) {
        size_t foreign = next_foreign(x, c.at);
        c.limit = foreign < x->count ? x->lines[foreign].start : x->end;
        status = c.limit > c.base ? lex(&c) : MIGRATE_OK;
        if (foreign == x->count)
            break;
        pass_over(&c, foreign);
    }
    return status;
}

static int32_t check_ends(const struct scanner *s)
{
    struct mig_lq_file *x = s->x;
    if (s->in_block && last_line(x)->real)
        return mig_reading_fail(x->r, MIGRATE_E_PARSE, x->f->path, last_line(x)->line, "close it with */",
                                "the rollback comment is not closed");
    if (s->ignore == UINT64_MAX)
        return mig_reading_fail(x->r, MIGRATE_E_DIRECTIVE, x->f->path, last_line(x)->line,
                                "add --ignoreLines:end", "--ignoreLines:start has no end");
    return MIGRATE_OK;
}

int32_t mig_lq_scan(struct mig_lq_file *x)
{
    struct scanner s = { .x = x };
    x->first_statement = UINT64_MAX;
    int32_t status = scan_lines(&s);
    mig_buf_free(&s.text);
    if (!status)
        status = check_lines(x);
    return status ? status : check_ends(&s);
}
