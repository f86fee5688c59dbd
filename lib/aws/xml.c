/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/xml.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/text.h"

/* Position behind "<tag>" (or "<tag attribute…>"), or SIZE_MAX. */
static size_t find_open(const char *xml, size_t len, const char *tag)
{
    size_t n = strlen(tag);
    for (size_t i = 0; i + n + 2 <= len; i++) {
        if (xml[i] != '<' || memcmp(xml + i + 1, tag, n) != 0)
            continue;
        size_t at = i + 1 + n;
        if (xml[at] != '>' && xml[at] != ' ')
            continue;
        while (at < len && xml[at] != '>')
            at++;
        return at < len && xml[at - 1] != '/' ? at + 1 : (size_t)-1;
    }
    return (size_t)-1;
}

/* The character an entity at @p text means, and its length; 0 when it is none. Numbers above 126 are left alone. */
static size_t entity(const char *text, size_t len, char *out)
{
    static const struct { const char *name; char c; } all[] = {
        { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&apos;", '\'' },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        size_t n = strlen(all[i].name);
        if (n <= len && memcmp(text, all[i].name, n) == 0) {
            *out = all[i].c;
            return n;
        }
    }
    unsigned number = 0;
    size_t at = 2;
    if (len < 4 || text[0] != '&' || text[1] != '#')
        return 0;
    for (; at < len && mig_is_digit(text[at]) && number < 1000; at++)
        number = number * 10 + (unsigned)(text[at] - '0');
    if (at == 2 || at >= len || text[at] != ';' || number == 0 || number > 126)
        return 0;
    *out = (char)number;
    return at + 1;
}

char *mig_xml_text(const char *xml, size_t len, const char *tag)
{
    size_t begin = xml ? find_open(xml, len, tag) : (size_t)-1;
    if (begin == (size_t)-1)
        return NULL;
    const char *end = memchr(xml + begin, '<', len - begin);
    size_t n = end ? (size_t)(end - (xml + begin)) : 0;
    char *text = mig_strndup(xml + begin, n), *to = text;
    for (size_t i = 0; text && i < n;) {
        char c = text[i];
        size_t used = c == '&' ? entity(text + i, n - i, &c) : 0;
        *to++ = c;
        i += used ? used : 1;
    }
    if (text)
        *to = '\0';
    return text;
}
