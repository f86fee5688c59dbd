/* SPDX-License-Identifier: Apache-2.0 */

/* What may stand around a statement. Where it ends is the library's affair: exec() holds that against the tail of
 * sqlite3_prepare_v2() and runs nothing where the two disagree. */

#include "conn.h"

#include <string.h>

/* As SQLite's tokenizer has it. */
static bool is_space(char ch)
{
    return ch == ' ' || (ch >= '\t' && ch <= '\r' && ch != '\v');
}

/* Behind the block comment at @p at; one that is not closed runs to the end, which is legal. The '*' that opens does
 * not close: a slash, a star and a slash only open. */
static size_t behind_comment(const char *text, size_t len, size_t at)
{
    for (size_t i = at + 3; i < len; i++) {
        if (text[i] == '/' && text[i - 1] == '*') {
            return i + 1;
        }
    }
    return len;
}

size_t mig_sqlite_skip_blank(const char *text, size_t len)
{
    size_t at = 0;
    for (;;) {
        if (at < len && is_space(text[at])) {
            at++;
        } else if (len - at >= 3 && memcmp(text + at, "\xef\xbb\xbf", 3) == 0) {
            at += 3;
        } else if (len - at >= 2 && memcmp(text + at, "--", 2) == 0) {
            const char *end = memchr(text + at, '\n', len - at);
            at = end ? (size_t)(end - text) : len;
        } else if (len - at >= 3 && memcmp(text + at, "/*", 2) == 0) {
            at = behind_comment(text, len, at);
        } else {
            return at;
        }
    }
}
