/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sql/lex.h"

/* The end of what is being scanned has come, and it must not. */
static enum mig_step unterminated(struct mig_sql_lexer *lx, uint64_t begin, const char *hint,
                                  const char *what)
{
    if (!lx->status && lx->w.nul)
        return mig_lex_fail(lx, lx->w.base + lx->w.end,
                            "Remove it; binary data goes into a hexadecimal literal.",
                            "a NUL byte in the text");
    return mig_lex_fail(lx, begin, hint, "unterminated %s", what);
}

/* Moves to the next @p c; false at the end of the script. */
static bool find(struct mig_sql_lexer *lx, char c)
{
    for (;;) {
        struct mig_window *w = &lx->w;
        const char *hit = w->pos < w->end ? memchr(w->data + w->pos, c, w->end - w->pos) : NULL;
        w->pos = hit ? (size_t)(hit - w->data) : w->end;
        if (hit)
            return true;
        if (!mig_lex_more(lx))
            return false;
    }
}

/* Moves to the next @p close or backslash. Before *@p known there is no @p close: text full of backslashes is
 * searched for it once. */
static bool find_or_backslash(struct mig_sql_lexer *lx, char close, uint64_t *known)
{
    struct mig_window *w = &lx->w;
    for (;;) {
        if (mig_lex_pos(lx) >= *known) {
            const char *hit = w->pos < w->end ? memchr(w->data + w->pos, close, w->end - w->pos) : NULL;
            *known = w->base + (hit ? (size_t)(hit - w->data) : w->end);
        }
        size_t stop = (size_t)(*known - w->base);
        const char *escape = w->pos < stop ? memchr(w->data + w->pos, '\\', stop - w->pos) : NULL;
        w->pos = escape ? (size_t)(escape - w->data) : stop;
        if (w->pos < w->end)
            return true;
        if (!mig_lex_more(lx))
            return false;
    }
}

enum mig_step mig_lex_quoted(struct mig_sql_lexer *lx, char quote, bool backslash, bool doubled,
                             const char *what)
{
    uint64_t begin = mig_lex_pos(lx);
    uint64_t known = 0;
    char close = quote == '[' ? ']' : quote;
    lx->w.pos++;
    while (backslash ? find_or_backslash(lx, close, &known) : find(lx, close)) {
        bool escape = lx->w.data[lx->w.pos] != close;
        if (!escape && (!doubled || mig_lex_peek(lx, 1) != close)) {
            lx->w.pos++;
            return lx->status ? MIG_STEP_FAIL : MIG_STEP_ON;
        }
        if (mig_lex_peek(lx, 1) < 0)
            break;
        lx->w.pos += 2;
    }
    return unterminated(lx, begin, "The quote that opens here is never closed.", what);
}

size_t mig_lex_run(struct mig_sql_lexer *lx)
{
    uint64_t begin = mig_lex_pos(lx);
    lx->w.pos++;
    do {
        const char *data = lx->w.data;
        size_t p = lx->w.pos;
        while (p < lx->w.end && lx->ident[(unsigned char)data[p]])
            p++;
        lx->w.pos = p;
    } while (lx->w.pos == lx->w.end && mig_lex_more(lx));
    return (size_t)(mig_lex_pos(lx) - begin);
}

/* Length of the "$tag$" at the position, 0 if there is none. */
static size_t dollar_tag(struct mig_sql_lexer *lx, bool digit_first)
{
    for (size_t n = 1;; n++) {
        int c = mig_lex_peek(lx, n);
        if (c == '$')
            return n + 1;
        if (c < 0 || !lx->ident[c] || (n == 1 && c >= '0' && c <= '9' && !digit_first))
            return 0;
    }
}

enum mig_step mig_lex_dollar(struct mig_sql_lexer *lx, bool digit_first, bool *is_quote)
{
    size_t len = dollar_tag(lx, digit_first);
    uint64_t begin = mig_lex_pos(lx);
    *is_quote = len > 0;
    if (!len) {
        lx->w.pos++;
        return lx->status ? MIG_STEP_FAIL : MIG_STEP_ON;
    }
    lx->w.pos += len;
    while (find(lx, '$')) {
        if (mig_lex_peek(lx, len - 1) < 0)
            break;
        if (!memcmp(lx->w.data + lx->w.pos, mig_lex_text(lx, begin), len)) {
            lx->w.pos += len;
            return MIG_STEP_ON;
        }
        lx->w.pos++;
    }
    return unterminated(lx, begin, "The dollar quote that opens here is never closed with the same tag.",
                        "dollar-quoted text");
}

/* Of a comment between statements no more is kept than is handed on. */
static void shed(struct mig_sql_lexer *lx, uint64_t begin, bool *given)
{
    struct mig_window *w = &lx->w;
    if (lx->inside)
        return;
    if (!*given && mig_lex_pos(lx) - begin >= MIG_LEX_CHUNK) {
        if (lx->on_comment)
            lx->on_comment(lx->comment_user, mig_lex_text(lx, begin), MIG_LEX_CHUNK, lx->from.offset,
                           lx->from.line);
        *given = true;
    }
    if (*given)
        w->keep = w->pos;
}

/* A comment has been passed: tell who wants to know. */
static int passed(struct mig_sql_lexer *lx, uint64_t begin, bool given, bool line)
{
    if (lx->status)
        return -1;
    if (given || (!lx->on_comment && !lx->goose))
        return 1;
    const char *text = mig_lex_text(lx, begin);
    size_t len = (size_t)(mig_lex_pos(lx) - begin);
    if (line && len && text[len - 1] == '\r')
        len--;
    if (lx->on_comment) {
        mig_lex_track(lx, begin);
        lx->on_comment(lx->comment_user, text, len, lx->at.offset, lx->at.line);
    }
    if (!line || !lx->goose)
        return 1;
    enum mig_step step = mig_lex_goose(lx, begin, text, len);
    return step == MIG_STEP_FAIL ? -1 : step == MIG_STEP_CUT ? 2 : 1;
}

/* Index of the line end at or behind the position, or the end of what is held. */
static size_t line_end(const struct mig_sql_lexer *lx)
{
    const struct mig_window *w = &lx->w;
    size_t p = w->pos;
    if (lx->rules->cr_ends_comment) {
        while (p < w->end && w->data[p] != '\n' && w->data[p] != '\r')
            p++;
        return p;
    }
    const char *lf = p < w->end ? memchr(w->data + p, '\n', w->end - p) : NULL;
    return lf ? (size_t)(lf - w->data) : w->end;
}

int mig_lex_line_comment(struct mig_sql_lexer *lx)
{
    uint64_t begin = mig_lex_pos(lx);
    bool given = false;
    for (;;) {
        lx->w.pos = line_end(lx);
        if (lx->w.pos < lx->w.end)
            return passed(lx, begin, given, true);
        shed(lx, begin, &given);
        if (!mig_lex_more(lx))
            return passed(lx, begin, given, true);
    }
}

int mig_lex_block_comment(struct mig_sql_lexer *lx, bool nested, bool may_end_script)
{
    uint64_t begin = mig_lex_pos(lx);
    uint64_t low = begin + 2; /* a '*' before this belongs to something else */
    size_t depth = 1;
    bool given = false;
    lx->w.pos += 2;
    for (;;) {
        struct mig_window *w = &lx->w;
        size_t len = w->end - w->pos;
        const char *slash = len ? memchr(w->data + w->pos, '/', len) : NULL;
        if (!slash) {
            w->pos = w->end - (w->end > w->pos && w->data[w->end - 1] == '*');
            shed(lx, begin, &given);
            w->pos = w->end;
            if (mig_lex_more(lx))
                continue;
            break;
        }
        w->pos = (size_t)(slash - w->data);
        if (w->pos && mig_lex_pos(lx) > low && slash[-1] == '*') {
            w->pos++;
            low = mig_lex_pos(lx);
            if (!--depth)
                return passed(lx, begin, given, false);
        } else if (nested && mig_lex_peek(lx, 1) == '*') {
            lx->w.pos += 2;
            low = mig_lex_pos(lx);
            depth++;
        } else {
            lx->w.pos++;
        }
    }
    if (may_end_script && !lx->w.nul && !lx->status)
        return passed(lx, begin, given, false);
    unterminated(lx, begin, "The comment that opens here is never closed.", "comment");
    return -1;
}
