/* SPDX-License-Identifier: Apache-2.0 */

/* A syntax error tells no offset, only "near 'TEXT' at line N", TEXT being what follows the offending place in the
 * packet, cut at 80 characters. In any language of the server it is what stands between the first and the last
 * apostrophe, and the last number is the line. */

#include <stdlib.h>
#include <string.h>

#include "drivers/mysql/conn.h"
#include "util/text.h"

enum { BEHIND = 2 };

static bool cut_message(const char *message, const char **near, size_t *len, uint64_t *line)
{
    const char *open = strchr(message, '\''), *close = strrchr(message, '\'');
    if (!open || close <= open)
        return false;
    *near = open + 1;
    *len = (size_t)(close - open - 1);
    *line = 0;
    for (const char *p = close + 1; *p; p++) {
        if (mig_is_digit(*p)) {
            *line = strtoull(p, NULL, 10);
            break;
        }
    }
    return true;
}

void mig_my_near_only(struct mig_buf *out, const char *message)
{
    const char *near, *end;
    size_t len;
    uint64_t line;
    if (!message || !cut_message(message, &near, &len, &line))
        return;
    end = len >= 2 && memcmp(near, ";\n", 2) == 0 ? near : memmem(near, len, "\n;\n", 3);
    if (!end)
        return;
    mig_buf_reset(out);
    mig_buf_add(out, message, (size_t)(end - message));
    mig_buf_str(out, near + len);
}

static uint64_t line_of(const char *sql, size_t at)
{
    uint64_t line = 1;
    for (size_t i = 0; i < at; i++)
        line += sql[i] == '\n';
    return line;
}

uint64_t mig_my_near(const char *sql, size_t len, size_t left, const char *message)
{
    const char *near;
    size_t near_len;
    uint64_t line, found = 0;
    if (!message || !cut_message(message, &near, &near_len, &line))
        return 0;
    if (near_len == 0)
        return (uint64_t)len + 1;
    /* What is missing at the end is seen at the ";" behind it. */
    for (size_t i = 0; i < len + BEHIND && i + near_len <= left; i++) {
        if (sql[i] != near[0] || memcmp(sql + i, near, near_len) != 0)
            continue;
        found = (uint64_t)(i < len ? i : len) + 1;
        if (!line || line_of(sql, i) == line)
            return found;
    }
    return found;
}
