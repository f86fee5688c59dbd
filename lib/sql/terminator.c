/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sql/lex.h"

/* Which bytes begin what, for all dialects; and what ends a statement where it is not ';'. */

static bool alnum(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static void common_classes(struct mig_sql_lexer *lx)
{
    for (unsigned c = 0; c < 256; c++) {
        lx->ident[c] = alnum((unsigned char)c) || c >= 0x80;
        lx->class[c] = lx->ident[c] && !(c >= '0' && c <= '9') ? MIG_C_WORD : MIG_C_PLAIN;
    }
    for (const char *c = " \t\n\r\f\v"; *c; c++)
        lx->class[(unsigned char)*c] = MIG_C_SPACE;
    lx->class[';'] = MIG_C_SEMICOLON;
    lx->class['\''] = MIG_C_SQUOTE;
    lx->class['"'] = MIG_C_DQUOTE;
    lx->class['-'] = lx->class['/'] = MIG_C_COMMENT;
    lx->ident['$'] = lx->rules->dollar_in_word;
}

static void terminator_class(struct mig_sql_lexer *lx, unsigned char c)
{
    lx->term.behind = lx->class[c];
    /* No dollar quotes where the terminator looks like one. */
    if (lx->term.behind == MIG_C_DOLLAR)
        lx->term.behind = MIG_C_PLAIN;
    lx->class[c] = MIG_C_TERMINATOR;
    /* It may follow a word without a blank ("END$$"), but a word is none that only begins like it. */
    if (!alnum(c))
        lx->ident[c] = false;
}

void mig_lex_tables(struct mig_sql_lexer *lx)
{
    common_classes(lx);
    if (lx->rules->classes)
        lx->rules->classes(lx->class);
    if (!lx->term.len || lx->whole)
        return;
    unsigned char c = (unsigned char)lx->term.text[0];
    terminator_class(lx, c);
    if (lx->term.any_case && alnum(c) && (c | 32) >= 'a' && (c | 32) <= 'z')
        terminator_class(lx, c ^ 32);
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

bool mig_lex_set_terminator(struct mig_sql_lexer *lx, const char *text, size_t len)
{
    struct mig_terminator *t = &lx->term;
    bool any_case = t->any_case;
    memset(t, 0, sizeof *t);
    t->any_case = any_case;
    for (; len && is_line_end(text[0]); text++, len--)
        t->line_begin = true;
    for (; len && is_line_end(text[len - 1]); len--)
        t->line_end = true;
    bool plain = len == 1 && text[0] == ';' && !t->line_begin && !t->line_end;
    if (!len || len > sizeof t->text)
        return false;
    memcpy(t->text, text, len);
    t->len = plain ? 0 : len;
    mig_lex_tables(lx);
    return true;
}

static char fold(const struct mig_terminator *t, char c)
{
    return t->any_case && c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

/* Only blanks between the position and the begin of its line, as far as the window goes back? */
static bool at_line_begin(const struct mig_sql_lexer *lx)
{
    if (!lx->inside)
        return lx->line_clean;
    for (size_t p = lx->w.pos; p > lx->w.keep; p--) {
        char c = lx->w.data[p - 1];
        if (is_line_end(c))
            return true;
        if (c != ' ' && c != '\t')
            return false;
    }
    return false;
}

static bool at_line_end(struct mig_sql_lexer *lx, size_t ahead)
{
    int c;
    do {
        c = mig_lex_peek(lx, ahead++);
    } while (c == ' ' || c == '\t');
    return c < 0 || c == '\n' || c == '\r';
}

static bool word_goes_on(struct mig_sql_lexer *lx)
{
    const struct mig_terminator *t = &lx->term;
    int c = alnum((unsigned char)t->text[t->len - 1]) ? mig_lex_peek(lx, t->len) : -1;
    if (c >= 0 && (alnum((unsigned char)c) || c >= 0x80))
        return true;
    c = lx->w.pos > lx->w.keep ? (unsigned char)lx->w.data[lx->w.pos - 1] : -1;
    return alnum((unsigned char)t->text[0]) && c >= 0 && (alnum((unsigned char)c) || c >= 0x80);
}

bool mig_lex_at_terminator(struct mig_sql_lexer *lx)
{
    const struct mig_terminator *t = &lx->term;
    for (size_t i = 0; i < t->len; i++) {
        int c = mig_lex_peek(lx, i);
        if (c < 0 || fold(t, (char)c) != fold(t, t->text[i]))
            return false;
    }
    if (word_goes_on(lx) || (t->line_begin && !at_line_begin(lx)) ||
        (t->line_end && !at_line_end(lx, t->len)))
        return false;
    lx->cut = mig_lex_pos(lx);
    lx->w.pos += t->len;
    return true;
}

enum mig_step mig_lex_on_terminator(struct mig_sql_lexer *lx)
{
    /* "/" ends a statement, but a comment begins with it too. */
    bool slash = lx->term.behind == MIG_C_COMMENT && lx->term.text[0] == '/' && lx->term.text[1] != '*';
    if (slash && mig_lex_peek(lx, 1) == '*')
        return lx->rules->action[MIG_C_COMMENT](lx);
    if (mig_lex_at_terminator(lx))
        return lx->status ? MIG_STEP_FAIL : MIG_STEP_CUT;
    if (lx->term.behind > MIG_C_COMMENT)
        lx->semi_last = false;
    mig_lex_action behind = lx->rules->action[lx->term.behind];
    return behind ? behind(lx) : mig_lex_on_plain(lx);
}

enum mig_step mig_lex_on_semicolon(struct mig_sql_lexer *lx)
{
    uint64_t at = mig_lex_pos(lx);
    bool ends = !lx->rules->semicolon || lx->rules->semicolon(lx);
    if (lx->status)
        return MIG_STEP_FAIL;
    lx->w.pos++;
    if (!ends)
        return MIG_STEP_ON;
    bool hold = lx->block && lx->rules->hold && lx->rules->hold(lx);
    if (lx->whole || lx->term.len || hold) {
        lx->semi_seen = lx->semi_last = true;
        lx->semi_at = at;
        return MIG_STEP_ON;
    }
    lx->cut = at;
    return MIG_STEP_CUT;
}
