/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sql/lex.h"

/* PostgreSQL, as the server's scanner reads; psql differs in a few places and is not followed there. */

enum { KIND_NEW, KIND_CREATE, KIND_CREATE_OR, KIND_CREATE_OR_REPLACE, KIND_ROUTINE, KIND_COPY, KIND_PLAIN };
enum { LAST_OTHER, LAST_BEGIN, LAST_START, LAST_FROM };
enum { MODE_PLAIN, MODE_ESCAPE, MODE_UNICODE, MODE_BITS };

static void classes(uint8_t *class)
{
    class['$'] = MIG_C_DOLLAR;
    class['('] = MIG_C_OPEN;
    class[')'] = MIG_C_CLOSE;
    class['\\'] = MIG_C_BACKSLASH;
}

static int comment(struct mig_sql_lexer *lx)
{
    char c = lx->w.data[lx->w.pos];
    if (c == '-' && mig_lex_peek(lx, 1) == '-')
        return mig_lex_line_comment(lx);
    if (c == '/' && mig_lex_peek(lx, 1) == '*')
        return mig_lex_block_comment(lx, true, false);
    return 0;
}

static void begin(struct mig_sql_lexer *lx)
{
    memset(&lx->pg, 0, sizeof lx->pg);
    lx->words = true;
}

static void other(struct mig_sql_lexer *lx, const char *text, size_t len)
{
    (void)text;
    (void)len;
    lx->pg.last = LAST_OTHER;
}

/* What can hold a ';' or be followed by data is told from the first words. */
static uint8_t kind_of(uint8_t kind, const char *text, size_t len)
{
    switch (kind) {
    case KIND_NEW:
        return mig_lex_is(text, len, "CREATE") ? KIND_CREATE
               : mig_lex_is(text, len, "COPY") ? KIND_COPY
                                               : KIND_PLAIN;
    case KIND_CREATE:
        if (mig_lex_is(text, len, "OR"))
            return KIND_CREATE_OR;
        break;
    case KIND_CREATE_OR:
        return mig_lex_is(text, len, "REPLACE") ? KIND_CREATE_OR_REPLACE : KIND_PLAIN;
    default:
        break;
    }
    return mig_lex_is(text, len, "FUNCTION") || mig_lex_is(text, len, "PROCEDURE") ? KIND_ROUTINE
                                                                                   : KIND_PLAIN;
}

/* Between the words of a CREATE FUNCTION or PROCEDURE: BEGIN ATOMIC opens a body, and only END as the first
 * token of a statement of the body closes it. */
static void routine_word(struct mig_sql_lexer *lx, const char *text, size_t len)
{
    struct mig_lex_postgres *pg = &lx->pg;
    uint8_t before = pg->last;
    pg->last = LAST_OTHER;
    if (pg->depth)
        return;
    if (pg->atomic) {
        if (before == LAST_START && mig_lex_is(text, len, "END"))
            pg->atomic = false;
    } else if (before == LAST_BEGIN && mig_lex_is(text, len, "ATOMIC")) {
        pg->atomic = true;
        pg->last = LAST_START;
        pg->block = pg->last_at;
        lx->flags |= MIG_SQL_STATEMENT_COMPOUND;
    } else if (mig_lex_is(text, len, "BEGIN")) {
        pg->last = LAST_BEGIN;
        pg->last_at = mig_lex_pos(lx) - len;
    }
}

static void copy_word(struct mig_sql_lexer *lx, const char *text, size_t len)
{
    struct mig_lex_postgres *pg = &lx->pg;
    if (pg->last == LAST_FROM && mig_lex_is(text, len, "STDIN"))
        pg->stdin_ = true;
    pg->last = !pg->depth && mig_lex_is(text, len, "FROM") ? LAST_FROM : LAST_OTHER;
}

static void word(struct mig_sql_lexer *lx, const char *text, size_t len)
{
    struct mig_lex_postgres *pg = &lx->pg;
    if (pg->kind == KIND_ROUTINE) {
        routine_word(lx, text, len);
    } else if (pg->kind == KIND_COPY) {
        copy_word(lx, text, len);
    } else {
        pg->kind = kind_of(pg->kind, text, len);
        lx->words = pg->kind != KIND_PLAIN;
    }
}

/* Is there nothing but white space and line comments in the text, and a line end among it? */
static bool continues(const char *text, size_t len)
{
    bool line = false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n' || text[i] == '\r') {
            line = true;
        } else if (text[i] == '-' && i + 1 < len && text[i + 1] == '-') {
            while (i + 1 < len && text[i + 1] != '\n' && text[i + 1] != '\r')
                i++;
        } else if (text[i] != ' ' && text[i] != '\t' && text[i] != '\f' && text[i] != '\v') {
            return false;
        }
    }
    return line;
}

static enum mig_step literal(struct mig_sql_lexer *lx, uint8_t mode)
{
    bool backslash = mode == MODE_ESCAPE || (mode == MODE_PLAIN && (lx->lex & MIGRATE_LEX_BACKSLASH_ESCAPES));
    enum mig_step step = mig_lex_quoted(lx, '\'', backslash, mode != MODE_BITS, "quoted string");
    lx->pg.last = LAST_OTHER;
    lx->pg.mode = mode;
    lx->pg.mode_end = mig_lex_pos(lx);
    return step;
}

static enum mig_step on_squote(struct mig_sql_lexer *lx)
{
    uint8_t mode = lx->pg.mode;
    if (mode != MODE_PLAIN) {
        size_t between = (size_t)(mig_lex_pos(lx) - lx->pg.mode_end);
        if (!continues(mig_lex_text(lx, lx->pg.mode_end), between))
            mode = MODE_PLAIN;
    }
    return literal(lx, mode);
}

static enum mig_step on_word(struct mig_sql_lexer *lx)
{
    enum mig_step step = mig_lex_on_word(lx);
    struct mig_window *w = &lx->w;
    /* A word of one letter, right before a quote, says what kind of literal it is. */
    if (step != MIG_STEP_ON || lx->word_len != 1)
        return step;
    char c = w->data[w->pos - 1] | 32;
    int ahead = c == 'e' || c == 'b' || c == 'x' || c == 'u' ? mig_lex_peek(lx, 0) : -1;
    if (c == 'u' && ahead == '&' && mig_lex_peek(lx, 1) == '\'') {
        lx->w.pos++;
        return literal(lx, MODE_UNICODE);
    }
    if (c == 'u' || ahead != '\'')
        return lx->status ? MIG_STEP_FAIL : step;
    return literal(lx, c == 'e' ? MODE_ESCAPE : MODE_BITS);
}

static enum mig_step on_dquote(struct mig_sql_lexer *lx)
{
    lx->pg.last = LAST_OTHER;
    return mig_lex_quoted(lx, '"', false, true, "quoted identifier");
}

static enum mig_step on_dollar(struct mig_sql_lexer *lx)
{
    bool is_quote;
    lx->pg.last = LAST_OTHER;
    return mig_lex_dollar(lx, false, &is_quote);
}

static enum mig_step on_open(struct mig_sql_lexer *lx)
{
    lx->pg.last = LAST_OTHER;
    if (!lx->pg.depth++)
        lx->pg.open = mig_lex_pos(lx);
    lx->w.pos++;
    return MIG_STEP_ON;
}

static enum mig_step on_close(struct mig_sql_lexer *lx)
{
    lx->pg.last = LAST_OTHER;
    if (lx->pg.depth)
        lx->pg.depth--;
    lx->w.pos++;
    return MIG_STEP_ON;
}

static enum mig_step on_backslash(struct mig_sql_lexer *lx)
{
    return mig_lex_fail(lx, mig_lex_pos(lx), "Remove it, or write what it does in SQL.",
                        "a backslash command of psql, which no server understands");
}

/* pg_dump wraps its scripts in \restrict KEY and \unrestrict KEY, which concern psql alone. */
static int command(struct mig_sql_lexer *lx)
{
    char name[16];
    size_t n = 0;
    if (lx->w.data[lx->w.pos] != '\\')
        return 0;
    for (int c; n < sizeof name && (c = mig_lex_peek(lx, n + 1)) >= 'a' && c <= 'z'; n++)
        name[n] = (char)c;
    bool known = mig_lex_is(name, n, "RESTRICT") || mig_lex_is(name, n, "UNRESTRICT");
    if (known)
        lx->w.pos += n + 1;
    for (int c; known && (c = mig_lex_peek(lx, 0)) >= 0 && c != '\n' && c != '\r' && c != '\\';)
        lx->w.pos++;
    if (known && mig_lex_peek(lx, 0) != '\\')
        return 1;
    on_backslash(lx);
    return -1;
}

static bool semicolon(struct mig_sql_lexer *lx)
{
    if (lx->pg.depth)
        return false;
    lx->pg.last = LAST_START;
    return !lx->pg.atomic;
}

static bool finish(struct mig_sql_lexer *lx, bool at_end)
{
    const struct mig_lex_postgres *pg = &lx->pg;
    if (at_end && pg->depth)
        mig_lex_fail(lx, pg->open, "Close it before the statement ends.", "unbalanced parenthesis");
    else if (at_end && pg->atomic)
        mig_lex_fail(lx, pg->block, "Close it with END; behind its last statement.",
                     "unterminated BEGIN ATOMIC block");
    if (pg->stdin_)
        lx->flags |= MIG_SQL_STATEMENT_COPY;
    return !lx->status;
}

const struct mig_lex_rules mig_lex_postgres = {
    .classes = classes,
    .dollar_in_word = true,
    .cr_ends_comment = true,
    .comment = comment,
    .begin = begin,
    .command = command,
    .word = word,
    .other = other,
    .semicolon = semicolon,
    .finish = finish,
    .action = {
        [MIG_C_WORD] = on_word,
        [MIG_C_SEMICOLON] = mig_lex_on_semicolon,
        [MIG_C_TERMINATOR] = mig_lex_on_terminator,
        [MIG_C_COMMENT] = mig_lex_on_comment,
        [MIG_C_SQUOTE] = on_squote,
        [MIG_C_DQUOTE] = on_dquote,
        [MIG_C_DOLLAR] = on_dollar,
        [MIG_C_OPEN] = on_open,
        [MIG_C_CLOSE] = on_close,
        [MIG_C_BACKSLASH] = on_backslash,
    },
};
