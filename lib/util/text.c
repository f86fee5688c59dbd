/* SPDX-License-Identifier: Apache-2.0 */
#include "util/text.h"

#include <string.h>

#include "util/buf.h"

bool mig_ieq(const char *a, const char *b)
{
    while (*a && mig_lower(*a) == mig_lower(*b)) {
        a++;
        b++;
    }
    return mig_lower(*a) == mig_lower(*b);
}

bool mig_ieqn(const char *a, size_t a_len, const char *b)
{
    size_t i = 0;
    for (; i < a_len; i++)
        if (b[i] == '\0' || mig_lower(a[i]) != mig_lower(b[i]))
            return false;
    return b[i] == '\0';
}

bool mig_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool mig_ends(const char *text, const char *suffix)
{
    size_t len = strlen(text), n = strlen(suffix);
    return len >= n && memcmp(text + len - n, suffix, n) == 0;
}

/* Skips leading zeros; the length of the digits that follow. */
static size_t digit_run(const char **at)
{
    while (**at == '0')
        (*at)++;
    size_t n = 0;
    while (mig_is_digit((*at)[n]))
        n++;
    return n;
}

int mig_natural_cmp(const char *a, const char *b)
{
    while (*a && *b) {
        if (mig_is_digit(*a) && mig_is_digit(*b)) {
            size_t n = digit_run(&a), m = digit_run(&b);
            if (n != m)
                return n < m ? -1 : 1;
            int order = memcmp(a, b, n);
            if (order != 0)
                return order;
            a += n;
            b += n;
        } else if (*a != *b) {
            break;
        } else {
            a++;
            b++;
        }
    }
    return (unsigned char)*a - (unsigned char)*b;
}

/* Length of the character at the front, 0 if it is not well-formed (RFC 3629: no overlong form, no surrogate,
 * nothing past U+10FFFF). */
static size_t utf8_char(const unsigned char *s, size_t len)
{
    unsigned char lo = 0x80, hi = 0xbf;
    size_t n;
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        n = 2;
    else if (s[0] >= 0xe0 && s[0] <= 0xef)
        n = 3;
    else if (s[0] >= 0xf0 && s[0] <= 0xf4)
        n = 4;
    else
        return 0;
    if (s[0] == 0xe0)
        lo = 0xa0;
    else if (s[0] == 0xed)
        hi = 0x9f;
    else if (s[0] == 0xf0)
        lo = 0x90;
    else if (s[0] == 0xf4)
        hi = 0x8f;
    if (len < n || s[1] < lo || s[1] > hi)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

/* Bytes to step over: a byte that begins no character stands for itself. */
static size_t utf8_step(const char *text, size_t len)
{
    size_t n = utf8_char((const unsigned char *)text, len);
    return n ? n : 1;
}

bool mig_utf8_valid(const char *text, size_t len, size_t *bad)
{
    for (size_t i = 0; i < len;) {
        size_t n = utf8_char((const unsigned char *)text + i, len - i);
        if (n == 0) {
            if (bad)
                *bad = i;
            return false;
        }
        i += n;
    }
    return true;
}

size_t mig_utf8_count(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; count++)
        i += utf8_step(text + i, len - i);
    return count;
}

size_t mig_utf8_offset(const char *text, size_t len, size_t n)
{
    size_t i = 0;
    for (; i < len && n > 0; n--)
        i += utf8_step(text + i, len - i);
    return i;
}

size_t mig_utf8_cut(const char *text, size_t len, size_t max)
{
    if (len <= max)
        return len;
    /* Back to where a character may begin, three bytes at most; what is no UTF-8 is cut anywhere. */
    for (size_t back = 0; back < 4 && back <= max; back++) {
        size_t at = max - back;
        if (((unsigned char)text[at] & 0xc0) != 0x80)
            return at + utf8_step(text + at, len - at) <= max ? max : at;
    }
    return max;
}

void mig_text_position(const char *text, size_t at, uint64_t *line, uint64_t *column)
{
    for (size_t i = 0; i < at;) {
        char c = text[i];
        if (c == '\n' || (c == '\r' && (i + 1 >= at || text[i + 1] != '\n'))) {
            ++*line;
            *column = 1;
            i++;
        } else if (c == '\r') {
            i++;
        } else {
            ++*column;
            i += utf8_step(text + i, at - i);
        }
    }
}

static void json_control(struct mig_buf *out, unsigned char c)
{
    static const char letters[] = "\bb\tt\nn\ff\rr\"\"\\\\";
    for (size_t i = 0; letters[i]; i += 2) {
        if (letters[i] == (char)c) {
            mig_buf_char(out, '\\');
            mig_buf_char(out, letters[i + 1]);
            return;
        }
    }
    mig_buf_fmt(out, "\\u%04x", c);
}

void mig_json_strn(struct mig_buf *out, const char *text, size_t len)
{
    if (!text) {
        mig_buf_str(out, "null");
        return;
    }
    mig_buf_char(out, '"');
    size_t from = 0, i = 0;
    while (i < len) {
        unsigned char c = (unsigned char)text[i];
        size_t n = utf8_char((const unsigned char *)text + i, len - i);
        if (n && c >= 0x20 && c != '"' && c != '\\') {
            i += n;
            continue;
        }
        mig_buf_add(out, text + from, i - from);
        if (n)
            json_control(out, c);
        else
            mig_buf_str(out, "\xef\xbf\xbd");
        from = ++i;
    }
    mig_buf_add(out, text + from, len - from);
    mig_buf_char(out, '"');
}

void mig_json_str(struct mig_buf *out, const char *text)
{
    mig_json_strn(out, text, text ? strlen(text) : 0);
}
