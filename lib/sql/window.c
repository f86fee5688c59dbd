/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sql/lex.h"
#include "util/mem.h"

#define ROOM_WANTED (MIG_LEX_CHUNK / 4)

enum mig_step mig_lex_nomem(struct mig_sql_lexer *lx)
{
    if (!lx->status)
        lx->status = mig_diag_set(lx->diag, MIGRATE_E_NOMEM, "out of memory while reading a statement");
    return MIG_STEP_FAIL;
}

enum mig_step mig_lex_fail_at(struct mig_sql_lexer *lx, const struct mig_place *place, const char *hint,
                              const char *message)
{
    if (lx->status)
        return MIG_STEP_FAIL;
    lx->status = mig_diag_set(lx->diag, MIGRATE_E_PARSE, "%s", message);
    mig_diag_hint(lx->diag, "%s", hint);
    mig_diag_at(lx->diag, place->line, place->column);
    return MIG_STEP_FAIL;
}

/* Moves a place that is at @p at on to @p pos, over the data of a COPY if it lies between. */
static void track(const struct mig_sql_lexer *lx, struct mig_place *place, uint64_t at, uint64_t pos)
{
    if (lx->jump && at < lx->jump_at && pos >= lx->jump_at) {
        *place = lx->jump_to;
        at = lx->jump_at;
    }
    if (pos > at)
        mig_place_advance(place, mig_lex_text(lx, at), (size_t)(pos - at));
}

void mig_lex_track(struct mig_sql_lexer *lx, uint64_t pos)
{
    track(lx, &lx->at, lx->at_pos, pos);
    lx->at_pos = pos;
}

enum mig_step mig_lex_fail(struct mig_sql_lexer *lx, uint64_t pos, const char *hint, const char *fmt, ...)
{
    if (lx->status)
        return MIG_STEP_FAIL;
    va_list args;
    va_start(args, fmt);
    char *message = mig_vsprintf(fmt, args);
    va_end(args);
    struct mig_place place = lx->from;
    track(lx, &place, lx->from_pos, pos);
    mig_lex_fail_at(lx, &place, hint, message ? message : "the script cannot be cut into statements");
    free(message);
    return MIG_STEP_FAIL;
}

/* Throws away what lies before `keep`. */
static void discard(struct mig_sql_lexer *lx)
{
    struct mig_window *w = &lx->w;
    if (!w->keep)
        return;
    if (lx->at_pos < w->base + w->keep)
        mig_lex_track(lx, w->base + w->keep);
    memmove(w->data, w->data + w->keep, w->end - w->keep);
    w->base += w->keep;
    w->end -= w->keep;
    w->pos -= w->keep;
    w->keep = 0;
}

static bool grow(struct mig_sql_lexer *lx, size_t need)
{
    struct mig_window *w = &lx->w;
    size_t cap = w->cap ? w->cap : MIG_LEX_CHUNK;
    while (cap < need)
        cap *= 2;
    char *data = cap == w->cap ? w->data : realloc(w->data, cap);
    if (!data) {
        mig_lex_nomem(lx);
        return false;
    }
    w->data = data;
    w->cap = cap;
    return true;
}

/* After a statement of many megabytes the memory goes back. */
static void shrink(struct mig_window *w)
{
    size_t cap = w->end + MIG_LEX_CHUNK;
    char *data = w->cap > 16 * MIG_LEX_CHUNK && cap < w->cap / 4 ? realloc(w->data, cap) : NULL;
    if (data) {
        w->data = data;
        w->cap = cap;
    }
}

static bool make_room(struct mig_sql_lexer *lx)
{
    struct mig_window *w = &lx->w;
    /* What is moved is never more than what is thrown away, so that moving costs no more than reading. */
    if (w->keep && w->keep >= w->end - w->keep) {
        discard(lx);
        shrink(w);
    }
    if (w->data && w->cap - w->end >= ROOM_WANTED)
        return true;
    discard(lx);
    return (w->data && w->cap - w->end >= ROOM_WANTED) || grow(lx, w->end + ROOM_WANTED);
}

static bool first_bytes(struct mig_sql_lexer *lx, size_t got)
{
    const char *b = lx->w.data;
    size_t held = lx->w.end + got;
    if (lx->started || (held > 2 && !memcmp(b, "\xEF\xBB\xBF", 3)))
        return true;
    bool utf16 = held > 1 && (!memcmp(b, "\xFF\xFE", 2) || !memcmp(b, "\xFE\xFF", 2));
    if (utf16 || memchr(b, 0, held < 4 ? held : 4)) {
        mig_lex_fail_at(lx, &lx->from, "Save the file as UTF-8.", "the text is UTF-16 or UTF-32");
        return false;
    }
    return true;
}

bool mig_lex_more(struct mig_sql_lexer *lx)
{
    struct mig_window *w = &lx->w;
    if (lx->status || w->eof || !make_room(lx))
        return false;
    if (lx->inside && w->base + w->end - lx->from_pos > lx->max + MIG_LEX_CHUNK) {
        mig_lex_fail(lx, lx->from_pos, "Split the statement, or look for a terminator that is missing.",
                     "a statement of more than %llu bytes", (unsigned long long)lx->max);
        return false;
    }
    size_t room = w->cap - w->end;
    size_t got = 0;
    int32_t status =
        lx->read(lx->read_user, w->data + w->end, room < MIG_LEX_CHUNK ? room : MIG_LEX_CHUNK, &got);
    if (status < 0 || status > MIGRATE_DONE) {
        lx->status = status;
        return false;
    }
    if (!first_bytes(lx, got))
        return false;
    const char *nul = got ? memchr(w->data + w->end, 0, got) : NULL;
    if (nul) {
        w->nul = true;
        got = (size_t)(nul - (w->data + w->end));
    }
    w->eof = !got || nul;
    w->end += got;
    return got > 0;
}

int mig_lex_peek(struct mig_sql_lexer *lx, size_t ahead)
{
    while (lx->w.pos + ahead >= lx->w.end) {
        if (!mig_lex_more(lx))
            return -1;
    }
    return (unsigned char)lx->w.data[lx->w.pos + ahead];
}

bool mig_lex_put_back(struct mig_sql_lexer *lx, const char *text, size_t len)
{
    struct mig_window *w = &lx->w;
    if (w->pos < len) {
        size_t shift = len - w->pos;
        if (!grow(lx, w->end + shift))
            return false;
        memmove(w->data + shift, w->data, w->end);
        w->base -= shift;
        w->end += shift;
        w->pos += shift;
    }
    w->pos -= len;
    w->keep = w->pos;
    memcpy(w->data + w->pos, text, len);
    return true;
}

bool mig_lex_is(const char *text, size_t len, const char *word)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 32) : text[i];
        if (!word[i] || c != word[i])
            return false;
    }
    return !word[len];
}
