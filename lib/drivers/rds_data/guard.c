/* SPDX-License-Identifier: Apache-2.0 */

/* The Data API takes `:word` for a placeholder, and how much of SQL's quoting it knows is told nowhere. A statement with
 * a colon before a word is therefore written so that nothing in it can be taken for one by a reader that knows no more
 * than '…', "…" and `…` with doubled quotes: a blank after the colon outside of quotes, no comments, no backslash before
 * a quote, and escape strings for dollar quotes. What the database reads stays the same. All other statements are sent as
 * they are. */

#include <string.h>

#include "drivers/rds_data/rds.h"
#include "util/text.h"

struct guard {
    struct mig_buf *out;
    const char *at, *end;
    bool postgres, backslash;
    char last; /* byte of code before `at` */
};

static bool in_word(char c)
{
    return mig_is_alpha(c) || mig_is_digit(c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Is there anything that could be misread at all? */
static bool suspicious(const char *sql, size_t len)
{
    const char *at = sql, *end = sql + len;
    while ((at = memchr(at, ':', (size_t)(end - at))) != NULL && ++at < end) {
        if (in_word(*at))
            return true;
    }
    return false;
}

static void put(struct guard *g, const char *text, size_t len)
{
    mig_buf_add(g->out, text, len);
    if (len)
        g->last = text[len - 1];
}

/* From an opening quote to behind its closing one. */
static void quoted(struct guard *g, bool backslash)
{
    char quote = *g->at;
    mig_buf_char(g->out, quote);
    for (g->at++; g->at < g->end; g->at++) {
        bool more = g->at + 1 < g->end;
        if (backslash && *g->at == '\\' && more) {
            g->at++;
            mig_buf_char(g->out, *g->at == quote ? quote : '\\');
        } else if (*g->at == quote && more && g->at[1] == quote) {
            mig_buf_char(g->out, *g->at++);
        } else if (*g->at == quote) {
            break;
        }
        mig_buf_char(g->out, *g->at);
    }
    if (g->at < g->end)
        g->at++;
    mig_buf_char(g->out, quote);
    g->last = quote;
}

/* ---- comments: one blank for each, a line's end for one to the line's end ---- */

static void line_comment(struct guard *g)
{
    while (g->at < g->end && *g->at != '\n')
        g->at++;
    put(g, " ", 1);
}

static void block_comment(struct guard *g)
{
    size_t depth = 0;
    do {
        bool more = g->at + 1 < g->end;
        if (more && g->at[0] == '/' && g->at[1] == '*' && (depth == 0 || g->postgres)) {
            depth++;
            g->at += 2;
        } else if (more && g->at[0] == '*' && g->at[1] == '/') {
            depth--;
            g->at += 2;
        } else {
            g->at++;
        }
    } while (g->at < g->end && depth);
    put(g, " ", 1);
}

static bool begins(const struct guard *g, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(g->end - g->at) >= n && memcmp(g->at, text, n) == 0;
}

static bool is_line_comment(const struct guard *g)
{
    if (*g->at == '#')
        return !g->postgres;
    if (!begins(g, "--"))
        return false;
    return g->postgres || g->at + 2 == g->end || (unsigned char)g->at[2] <= ' ';
}

/* MySQL runs what is in a version comment and heeds a hint: they stay. */
static bool is_block_comment(const struct guard *g)
{
    if (!begins(g, "/*"))
        return false;
    return g->postgres || !(begins(g, "/*!") || begins(g, "/*+") || begins(g, "/*M!"));
}

/* ---- dollar quotes ---------------------------------------------------------------- */

/* Length of the opening "$tag$", 0 none. */
static size_t dollar_tag(const struct guard *g)
{
    const char *at = g->at + 1;
    if (in_word(g->last) || g->last == '$')
        return 0;
    while (at < g->end && in_word(*at) && !(at == g->at + 1 && mig_is_digit(*at)))
        at++;
    return at < g->end && *at == '$' ? (size_t)(at - g->at) + 1 : 0;
}

static const char *find(const char *at, const char *end, const char *what, size_t n)
{
    for (; (size_t)(end - at) >= n; at++) {
        at = memchr(at, *what, (size_t)(end - at));
        if (!at || (size_t)(end - at) < n)
            return NULL;
        if (memcmp(at, what, n) == 0)
            return at;
    }
    return NULL;
}

static void escape_string(struct guard *g, const char *text, const char *end)
{
    mig_buf_str(g->out, "E'");
    for (; text < end; text++) {
        if (*text == '\\' || *text == '\'')
            mig_buf_char(g->out, *text);
        if (*text == ':' && text + 1 < end && in_word(text[1]))
            mig_buf_str(g->out, "\\x3a");
        else
            mig_buf_char(g->out, *text);
        /* \x takes two digits at most, so a digit behind it stays what it is. */
    }
    mig_buf_char(g->out, '\'');
    g->last = '\'';
}

static bool dollar_quoted(struct guard *g)
{
    size_t tag = dollar_tag(g);
    const char *close = tag ? find(g->at + tag, g->end, g->at, tag) : NULL;
    if (!close)
        return false;
    escape_string(g, g->at + tag, close);
    g->at = close + tag;
    return true;
}

/* ---- code -------------------------------------------------------------------------- */

/* Is the quote at `at` that of an E'…' string? Its E stands alone. */
static bool after_e(const struct guard *g, const char *begin)
{
    const char *e = g->at - 1;
    return e >= begin && (*e == 'E' || *e == 'e') && (e == begin || !in_word(e[-1]));
}

static void code(struct guard *g)
{
    bool word_follows = *g->at == ':' && g->at + 1 < g->end && in_word(g->at[1]);
    bool blank = word_follows && g->last != ':';
    put(g, g->at++, 1);
    if (blank)
        put(g, " ", 1);
}

static void step(struct guard *g, const char *begin)
{
    char c = *g->at;
    if (c == '\'')
        quoted(g, g->postgres ? after_e(g, begin) : g->backslash);
    else if (c == '"')
        quoted(g, !g->postgres && g->backslash);
    else if (c == '`' && !g->postgres)
        quoted(g, false);
    else if (is_line_comment(g))
        line_comment(g);
    else if (is_block_comment(g))
        block_comment(g);
    else if (c != '$' || !g->postgres || !dollar_quoted(g))
        code(g);
}

bool mig_rds_guard(struct mig_buf *out, bool postgres, uint32_t lex, const char *sql, size_t len)
{
    if (!suspicious(sql, len)) {
        mig_buf_add(out, sql, len);
        return false;
    }
    size_t before = out->len;
    struct guard g = { .out = out, .at = sql, .end = sql + len, .postgres = postgres,
                       .backslash = (lex & MIGRATE_LEX_BACKSLASH_ESCAPES) != 0 };
    while (g.at < g.end)
        step(&g, sql);
    return out->oom || out->len - before != len || memcmp(out->data + before, sql, len) != 0;
}
