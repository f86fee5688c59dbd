/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sql/lex.h"

/* Data behind COPY … FROM STDIN. It begins on the next line; what follows the COPY on its own line is SQL
 * that comes after the data, and so is set aside meanwhile. */

/* Moves to the begin of the next line. What is left of this one goes to `rest`. */
static bool set_aside(struct mig_sql_lexer *lx)
{
    mig_buf_reset(&lx->rest);
    mig_lex_track(lx, mig_lex_pos(lx));
    lx->rest_at = lx->at;
    for (;;) {
        struct mig_window *w = &lx->w;
        const char *from = w->data + w->pos;
        size_t held = w->end - w->pos;
        const char *lf = held ? memchr(from, '\n', held) : NULL;
        size_t len = lf ? (size_t)(lf - from) + 1 : held;
        mig_buf_add(&lx->rest, from, len);
        w->pos += len;
        w->keep = w->pos;
        if (lx->rest.oom) {
            mig_lex_nomem(lx);
            return false;
        }
        if (lf || !mig_lex_more(lx))
            return !lx->status;
    }
}

static bool blank(const struct mig_buf *b)
{
    for (size_t i = 0; i < b->len; i++) {
        if (!strchr(" \t\r\n", b->data[i]))
            return false;
    }
    return true;
}

static bool data_begins(struct mig_sql_lexer *lx)
{
    if (!set_aside(lx))
        return false;
    lx->copy = MIG_COPY_DATA;
    lx->copy_bol = true;
    return true;
}

static bool data_ends(struct mig_sql_lexer *lx)
{
    uint64_t pos = mig_lex_pos(lx);
    lx->w.keep = lx->w.pos;
    lx->copy = MIG_COPY_NONE;
    lx->line_clean = true;
    if (blank(&lx->rest))
        return true;
    mig_lex_track(lx, pos);
    lx->jump = true;
    lx->jump_at = pos;
    lx->jump_to = lx->at;
    if (!mig_lex_put_back(lx, lx->rest.data, lx->rest.len))
        return false;
    lx->at = lx->rest_at;
    lx->at_pos = mig_lex_pos(lx);
    lx->line_clean = false;
    return true;
}

/* Length of the line "\." at the position, its end included; 0 it is another one; and 0 with `status` after a
 * failure. */
static size_t end_marker(struct mig_sql_lexer *lx)
{
    if (mig_lex_peek(lx, 0) != '\\' || mig_lex_peek(lx, 1) != '.')
        return 0;
    int c = mig_lex_peek(lx, 2);
    if (c < 0)
        return 2;
    if (c == '\r' && mig_lex_peek(lx, 3) == '\n')
        return 4;
    return c == '\n' ? 3 : 0;
}

/* How much of what is held is data for certain; the position is the begin of a line if copy_bol says so. */
static size_t data_held(struct mig_sql_lexer *lx)
{
    const char *from = lx->w.data + lx->w.pos;
    const char *end = lx->w.data + lx->w.end;
    const char *p = from;
    while (p < end) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        if (!lf) {
            lx->copy_bol = false;
            return (size_t)(end - from);
        }
        p = lf + 1;
        if (p == end || *p == '\\')
            break;
    }
    lx->copy_bol = true;
    return (size_t)(p - from);
}

static int32_t no_end(struct mig_sql_lexer *lx)
{
    if (!lx->status && lx->w.nul)
        mig_lex_fail_at(lx, &lx->copy_from, "Remove it; COPY data is text.",
                        "a NUL byte in the data of a COPY");
    else
        mig_lex_fail_at(lx, &lx->copy_from, "End the data with a line that is exactly \\.",
                        "the data of COPY ... FROM STDIN has no end");
    return lx->status;
}

static int32_t read_data(struct mig_sql_lexer *lx, const char **chunk, size_t *len)
{
    *len = 0;
    if (lx->copy == MIG_COPY_DUE && !data_begins(lx))
        return lx->status;
    if (lx->copy == MIG_COPY_NONE)
        return MIGRATE_OK;
    lx->w.keep = lx->w.pos;
    if (mig_lex_peek(lx, 0) < 0)
        return no_end(lx);
    size_t marker = lx->copy_bol ? end_marker(lx) : 0;
    if (lx->status)
        return lx->status;
    if (marker) {
        lx->w.pos += marker;
        return data_ends(lx) ? MIGRATE_OK : lx->status;
    }
    size_t n = data_held(lx);
    *chunk = lx->w.data + lx->w.pos;
    *len = n;
    lx->w.pos += n;
    return MIGRATE_OK;
}

int32_t mig_sql_copy_read(struct mig_sql_lexer *lx, const char **chunk, size_t *len, struct mig_diag *diag)
{
    lx->diag = diag;
    *chunk = "";
    *len = 0;
    if (!lx->status)
        read_data(lx, chunk, len);
    lx->diag = NULL;
    return lx->status;
}

int32_t mig_lex_copy_skip(struct mig_sql_lexer *lx)
{
    const char *chunk;
    size_t len;
    while (!lx->status && lx->copy != MIG_COPY_NONE)
        read_data(lx, &chunk, &len);
    return lx->status;
}
