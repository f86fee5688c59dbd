/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a statement that are shown with its error. */
#include <stdlib.h>
#include <string.h>

#include "core/error_object.h"
#include "util/text.h"

enum {
    SHOWN = 150, /* characters of a line */
    LEAD = 60,   /* of them before the caret where the line is longer */
};

static const char ellipsis[] = "\xe2\x80\xa6";

static bool line_end(char c)
{
    return c == '\n' || c == '\r';
}

static size_t begin_of_line(const char *sql, size_t at)
{
    while (at > 0 && !line_end(sql[at - 1]))
        at--;
    return at;
}

static size_t end_of_line(const char *sql, size_t len, size_t at)
{
    while (at < len && !line_end(sql[at]))
        at++;
    return at;
}

/* First byte of the line before the one that begins at @p begin; false when that is the first. */
static bool line_before(const char *sql, size_t begin, size_t *out)
{
    if (begin == 0)
        return false;
    size_t end = begin - 1;
    if (end > 0 && sql[end] == '\n' && sql[end - 1] == '\r')
        end--;
    *out = begin_of_line(sql, end);
    return true;
}

static bool holds_word(const char *text, size_t len, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= len; i++)
        if (mig_ieqn(text + i, n, word))
            return true;
    return false;
}

/* A migration may set a password: what stands in quotes beside such a word is not shown. One asterisk per
 * character, so that the caret stays right. */
static void hide_literals(char *text, size_t len)
{
    bool inside = false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\'')
            inside = !inside;
        else if (inside && ((unsigned char)text[i] & 0xc0) != 0x80)
            text[i] = '*';
        else if (inside)
            text[i] = '\x01'; /* the rest of a character: taken out below */
    }
}

/* One column per character, whatever the terminal makes of tabs and of bytes that are no text. */
static char *printable(const char *text, size_t len, bool secret)
{
    struct mig_buf copy = MIG_BUF_INIT, out = MIG_BUF_INIT;
    mig_buf_add(&copy, text, len);
    if (secret && !copy.oom)
        hide_literals(copy.data, copy.len);
    for (size_t i = 0; !copy.oom && i < copy.len;) {
        size_t n = mig_utf8_offset(copy.data + i, copy.len - i, 1);
        if (!mig_utf8_valid(copy.data + i, n, NULL))
            mig_buf_char(&out, '?');
        else if (secret && copy.data[i] == '\x01')
            ;
        else if ((unsigned char)copy.data[i] < 0x20)
            mig_buf_char(&out, ' ');
        else
            mig_buf_add(&out, copy.data + i, n);
        i += n;
    }
    out.oom = out.oom || copy.oom;
    mig_buf_free(&copy);
    return mig_buf_steal(&out);
}

/* Cuts a long line around the caret and says where something was left out. */
static char *window(const char *text, size_t len, uint64_t *caret)
{
    struct mig_buf out = MIG_BUF_INIT;
    size_t skip = 0;
    bool secret = holds_word(text, len, "password") || holds_word(text, len, "identified") ||
                  holds_word(text, len, "secret");
    if (*caret > SHOWN - 10) {
        skip = (size_t)*caret - LEAD;
        mig_buf_str(&out, ellipsis);
        *caret = LEAD + 1;
    }
    char *all = printable(text, len, secret);
    if (!all) {
        mig_buf_free(&out);
        return NULL;
    }
    size_t all_len = strlen(all), from = mig_utf8_offset(all, all_len, skip);
    size_t shown = mig_utf8_offset(all + from, all_len - from, SHOWN);
    mig_buf_add(&out, all + from, shown);
    if (from + shown < all_len)
        mig_buf_str(&out, ellipsis);
    free(all);
    return mig_buf_steal(&out);
}

static void keep_line(struct migrate_error *e, const struct mig_place *place, size_t begin, uint64_t number,
                      uint64_t *caret)
{
    size_t end = end_of_line(place->sql, place->sql_len, begin);
    char *text = window(place->sql + begin, end - begin, caret);
    if (text)
        e->lines[e->n_lines++] = (struct mig_error_line){ text, number, false };
}

void mig_error_excerpt(struct migrate_error *e, const struct mig_place *place, uint64_t offset)
{
    size_t at = offset > 0 && place->sql && offset - 1 <= place->sql_len ? (size_t)offset - 1 : 0;
    uint64_t none = 0;
    e->line = place->line;
    e->column = place->column;
    if (!place->sql || e->n_lines)
        return;
    mig_text_position(place->sql, at, &e->line, &e->column);
    size_t begins[MIG_ERROR_LINES], n = 1;
    begins[0] = begin_of_line(place->sql, at);
    while (n < MIG_ERROR_LINES && line_before(place->sql, begins[n - 1], &begins[n]))
        n++;
    e->caret = offset > 0 ? mig_utf8_count(place->sql + begins[0], at - begins[0]) + 1 : 0;
    while (--n > 0)
        keep_line(e, place, begins[n], e->line - n, &none);
    uint32_t before = e->n_lines;
    keep_line(e, place, begins[0], e->line, &e->caret);
    if (e->n_lines == before)
        e->caret = 0;
    else
        e->lines[before].cut = end_of_line(place->sql, place->sql_len, begins[0]) < place->sql_len;
}
