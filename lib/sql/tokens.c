/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/tokens.h"

#include <string.h>

#include <migrate/driver.h>

#include "util/text.h"

/* What MySQL and MariaDB would run today, for version comments when the server is not known. */
#define NEWEST_MYSQL 99998u
#define NEWEST_MARIADB 129999u

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word_start(char c)
{
    return mig_is_alpha(c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word(char c)
{
    return is_word_start(c) || mig_is_digit(c) || c == '$';
}

static char peek(const struct mig_tokens *ts, size_t ahead)
{
    return (size_t)(ts->end - ts->p) > ahead ? ts->p[ahead] : '\0';
}

static bool is_mysql(const struct mig_tokens *ts)
{
    return ts->di->dialect == MIGRATE_DIALECT_MYSQL;
}

static bool is_postgres(const struct mig_tokens *ts)
{
    return ts->di->dialect == MIGRATE_DIALECT_POSTGRES;
}

/* ------------------------------------------------------------------ comments */

static void skip_line(struct mig_tokens *ts)
{
    while (ts->p < ts->end && *ts->p != '\n' && !(*ts->p == '\r' && is_postgres(ts))) {
        ts->p++;
    }
}

/* From behind the opening to behind the closing; @p nests: inner comments count. */
static void skip_block(struct mig_tokens *ts, bool nests)
{
    unsigned depth = 1;

    while (ts->p < ts->end) {
        if (*ts->p == '*' && peek(ts, 1) == '/') {
            ts->p += 2;
            if (--depth == 0) {
                return;
            }
        } else if (nests && *ts->p == '/' && peek(ts, 1) == '*') {
            ts->p += 2;
            depth++;
        } else {
            ts->p++;
        }
    }
}

/* Does the server run the text of a version comment with this number (0: none was written)? */
static bool version_runs(const struct mig_sql_dialect_info *di, uint32_t wanted)
{
    uint32_t have = di->version;

    if (have == 0) {
        have = di->mariadb ? NEWEST_MARIADB : NEWEST_MYSQL;
    }
    /* MariaDB took 5.7 to 9.9 for Oracle's numbers and leaves them alone. */
    if (di->mariadb && wanted >= 50700 && wanted <= 99999) {
        return false;
    }
    return wanted <= have;
}

/* At a version comment: enters it or passes over it. */
static void version_comment(struct mig_tokens *ts, size_t opening)
{
    uint32_t number = 0;
    size_t digits = 0;

    ts->p += opening;
    while (digits < 6 && mig_is_digit(peek(ts, digits))) {
        number = number * 10 + (uint32_t)(ts->p[digits] - '0');
        digits++;
    }
    if (digits < 5) {
        digits = 0;
        number = 0;
    }
    ts->p += digits;
    if (version_runs(ts->di, number)) {
        ts->in_version = true;
    } else {
        skip_block(ts, true);
    }
}

static void block_comment(struct mig_tokens *ts)
{
    if (is_mysql(ts) && peek(ts, 2) == '!') {
        version_comment(ts, 3);
    } else if (is_mysql(ts) && ts->di->mariadb && peek(ts, 2) == 'M' && peek(ts, 3) == '!') {
        version_comment(ts, 4);
    } else {
        ts->p += 2;
        skip_block(ts, is_postgres(ts));
    }
}

static bool at_line_comment(const struct mig_tokens *ts)
{
    char c = *ts->p;

    if (is_mysql(ts)) {
        if (c == '#') {
            return true;
        }
        /* "5--1" is arithmetic: two dashes need a blank or control character behind them. */
        return c == '-' && peek(ts, 1) == '-' &&
               (ts->end - ts->p == 2 || (unsigned char)ts->p[2] <= ' ' || ts->p[2] == 0x7f);
    }
    return c == '-' && peek(ts, 1) == '-';
}

static void skip_blank(struct mig_tokens *ts)
{
    while (ts->p < ts->end) {
        if (is_space(*ts->p)) {
            ts->p++;
        } else if (at_line_comment(ts)) {
            skip_line(ts);
        } else if (*ts->p == '/' && peek(ts, 1) == '*') {
            block_comment(ts);
        } else if (ts->in_version && *ts->p == '*' && peek(ts, 1) == '/') {
            ts->p += 2;
            ts->in_version = false;
        } else {
            return;
        }
    }
}

/* ------------------------------------------------------------------ quotes */

/* From behind the opening quote to behind the closing one. Doubled quotes need no care: closing and opening
 * again is the same, but for the end of the token. */
static void skip_quoted(struct mig_tokens *ts, char quote, bool backslash)
{
    while (ts->p < ts->end) {
        if (backslash) {
            while (ts->p < ts->end && *ts->p != quote && *ts->p != '\\') {
                ts->p++;
            }
        } else {
            const char *q = memchr(ts->p, quote, (size_t)(ts->end - ts->p));
            ts->p = q != NULL ? q : ts->end;
        }
        if (ts->p >= ts->end) {
            return;
        }
        if (*ts->p != quote) { /* a backslash and what it escapes */
            ts->p += ts->end - ts->p > 1 ? 2 : 1;
            continue;
        }
        ts->p++;
        if (peek(ts, 0) != quote || quote == ']') {
            return;
        }
        ts->p++;
    }
}

/* PostgreSQL: a literal goes on after blanks that hold a newline. */
static bool continues(const struct mig_tokens *ts, const char **at)
{
    struct mig_tokens look = *ts;
    bool newline = false;

    while (look.p < look.end) {
        if (is_space(*look.p)) {
            newline = newline || *look.p == '\n' || *look.p == '\r';
            look.p++;
        } else if (*look.p == '-' && peek(&look, 1) == '-') {
            skip_line(&look);
        } else {
            break;
        }
    }
    *at = look.p;
    return newline && peek(&look, 0) == '\'';
}

static void string(struct mig_tokens *ts, bool backslash)
{
    const char *at;

    ts->p++;
    skip_quoted(ts, '\'', backslash);
    while (is_postgres(ts) && continues(ts, &at)) {
        ts->p = at + 1;
        skip_quoted(ts, '\'', backslash);
    }
}

/* At '$': a dollar-quoted string is passed over. */
static bool dollar_quote(struct mig_tokens *ts)
{
    const char *p = ts->p + 1;
    size_t tag;

    while (p < ts->end && (is_word_start(*p) || (p > ts->p + 1 && mig_is_digit(*p)))) {
        p++;
    }
    if (p >= ts->end || *p != '$') {
        return false;
    }
    tag = (size_t)(p + 1 - ts->p);
    p = memmem(p + 1, (size_t)(ts->end - (p + 1)), ts->p, tag);
    ts->p = p != NULL ? p + tag : ts->end;
    return true;
}

/* ------------------------------------------------------------------ tokens */

static bool backslash_escapes(const struct mig_tokens *ts)
{
    return (ts->di->lex & MIGRATE_LEX_BACKSLASH_ESCAPES) != 0 && ts->di->dialect != MIGRATE_DIALECT_SQLITE;
}

/* E'', B'', X'', N'', U&'' and U&"": the prefix belongs to the token. */
static bool prefixed(struct mig_tokens *ts, struct mig_token *out)
{
    char c = mig_lower(*ts->p);
    char q = peek(ts, 1);

    if (is_postgres(ts) && c == 'u' && q == '&' && (peek(ts, 2) == '\'' || peek(ts, 2) == '"')) {
        bool ident = peek(ts, 2) == '"';
        ts->p += 2;
        out->kind = ident ? MIG_TOKEN_QUOTED : MIG_TOKEN_STRING;
        if (ident) {
            ts->p++;
            skip_quoted(ts, '"', false);
        } else {
            string(ts, false);
        }
        return true;
    }
    if (q != '\'' || (c != 'x' && c != 'b' && c != 'n' && !(c == 'e' && is_postgres(ts)))) {
        return false;
    }
    ts->p++;
    out->kind = MIG_TOKEN_STRING;
    string(ts, c == 'e' || (c == 'n' && backslash_escapes(ts)));
    return true;
}

static bool quoted(struct mig_tokens *ts, struct mig_token *out)
{
    char c = *ts->p;

    if (c == '\'') {
        out->kind = MIG_TOKEN_STRING;
        string(ts, backslash_escapes(ts));
        return true;
    }
    if (c == '"') {
        bool ident = !is_mysql(ts) || (ts->di->lex & MIGRATE_LEX_ANSI_QUOTES) != 0;
        out->kind = ident ? MIG_TOKEN_QUOTED : MIG_TOKEN_STRING;
        ts->p++;
        skip_quoted(ts, '"', !ident && backslash_escapes(ts));
        return true;
    }
    if ((c == '`' && !is_postgres(ts)) || (c == '[' && ts->di->dialect == MIGRATE_DIALECT_SQLITE)) {
        out->kind = MIG_TOKEN_QUOTED;
        ts->p++;
        skip_quoted(ts, c == '[' ? ']' : '`', false);
        return true;
    }
    return false;
}

static bool variable(struct mig_tokens *ts, struct mig_token *out)
{
    char c = *ts->p;
    struct mig_token inner;

    if (c == '$') {
        bool quotes = is_postgres(ts) || (is_mysql(ts) && (ts->di->lex & MIGRATE_LEX_DOLLAR_QUOTES) != 0);
        if (quotes && dollar_quote(ts)) {
            out->kind = MIG_TOKEN_STRING;
            return true;
        }
    } else if (c == '@' && is_mysql(ts)) {
        ts->p += peek(ts, 1) == '@' ? 2 : 1;
        if (ts->p < ts->end && quoted(ts, &inner)) {
            out->kind = MIG_TOKEN_VAR;
            return true;
        }
        ts->p--;
    } else if (!((c == '@' || c == ':') && ts->di->dialect == MIGRATE_DIALECT_SQLITE)) {
        return false;
    }
    out->kind = MIG_TOKEN_VAR;
    ts->p++;
    while (ts->p < ts->end && (is_word(*ts->p) || (is_mysql(ts) && *ts->p == '.'))) {
        ts->p++;
    }
    return true;
}

/* At a digit. MySQL allows names such as 2fa_tokens. */
static void number(struct mig_tokens *ts, struct mig_token *out)
{
    const char *start = ts->p;
    const char *p = start;

    while (p < ts->end && mig_is_digit(*p)) {
        p++;
    }
    out->kind = out->dotted && is_mysql(ts) ? MIG_TOKEN_WORD : MIG_TOKEN_NUMBER;
    if (p < ts->end && *p == '.' && !out->dotted) {
        p++;
        while (p < ts->end && is_word(*p)) {
            p++;
        }
    } else if (p < ts->end && is_word(*p)) {
        char c = mig_lower(*p);
        bool exponent = c == 'e' && p + 1 < ts->end && mig_is_digit(p[1]);
        bool hex = p == start + 1 && *start == '0' && (c == 'x' || c == 'b');
        while (p < ts->end && is_word(*p)) {
            p++;
        }
        if (is_mysql(ts) && !(exponent || hex)) {
            out->kind = MIG_TOKEN_WORD;
        }
    }
    ts->p = p;
}

static void punct(struct mig_tokens *ts, struct mig_token *out)
{
    char c = *ts->p++;

    out->kind = MIG_TOKEN_PUNCT;
    if (c == '(') {
        ts->depth++;
    } else if (c == ')' && ts->depth > 0) {
        out->depth = --ts->depth;
    }
}

void mig_tokens_init(struct mig_tokens *ts, const struct mig_sql_dialect_info *di, const char *text,
                     size_t len)
{
    memset(ts, 0, sizeof *ts);
    ts->di = di;
    ts->p = text;
    ts->end = text + len;
}

bool mig_tokens_next(struct mig_tokens *ts, struct mig_token *out)
{
    skip_blank(ts);
    out->kind = MIG_TOKEN_END;
    out->text = ts->p;
    out->len = 0;
    out->depth = ts->depth;
    out->dotted = ts->dot;
    if (ts->p >= ts->end) {
        return false;
    }
    if (!prefixed(ts, out) && !quoted(ts, out) && !variable(ts, out)) {
        if (is_word_start(*ts->p)) {
            out->kind = MIG_TOKEN_WORD;
            while (ts->p < ts->end && is_word(*ts->p)) {
                ts->p++;
            }
        } else if (mig_is_digit(*ts->p)) {
            number(ts, out);
        } else {
            punct(ts, out);
        }
    }
    out->len = (size_t)(ts->p - out->text);
    ts->dot = out->kind == MIG_TOKEN_PUNCT && *out->text == '.';
    return true;
}

/* ------------------------------------------------------------------ names */

/* PostgreSQL cuts names to 63 bytes. */
#define PG_NAME_MAX 63

bool mig_token_name(const struct mig_token *tok, uint32_t dialect, char *out, size_t size)
{
    const char *p = tok->text;
    const char *end;
    bool bare = tok->kind == MIG_TOKEN_WORD || tok->kind == MIG_TOKEN_NUMBER;
    char quote = '\0';
    size_t n = 0;

    if (tok->kind == MIG_TOKEN_END) {
        return false;
    }
    end = p + tok->len;
    if (!bare) {
        if (tok->len < 2 || (*p != '"' && *p != '`' && *p != '[' && *p != '\'')) {
            return false;
        }
        quote = *p == '[' ? ']' : *p;
        p++;
        end--;
    }
    while (p < end) {
        if (n + 1 >= size || *p == '\0') {
            return false;
        }
        if (!bare && *p == quote && quote != ']') {
            p++; /* a doubled quote */
            if (p >= end) {
                break;
            }
        }
        out[n++] = bare && dialect == MIGRATE_DIALECT_POSTGRES ? mig_lower(*p) : *p;
        p++;
    }
    out[n] = '\0';
    if (dialect == MIGRATE_DIALECT_POSTGRES && n > PG_NAME_MAX) {
        out[mig_utf8_cut(out, n, PG_NAME_MAX)] = '\0';
    }
    return n > 0;
}
