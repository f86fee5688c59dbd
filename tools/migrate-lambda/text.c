/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootstrap.h"

static bool reserve(struct boot_text *t, size_t more)
{
    size_t cap = t->cap ? t->cap : 256;
    if (t->oom || more > SIZE_MAX / 4 - t->len)
        return false;
    while (cap < t->len + more + 1)
        cap *= 2;
    if (cap > t->cap) {
        char *grown = realloc(t->data, cap);
        if (!grown)
            return false;
        t->data = grown;
        t->cap = cap;
    }
    return true;
}

void boot_text_add(struct boot_text *t, const void *data, size_t len)
{
    if (!reserve(t, len)) {
        t->oom = true;
        return;
    }
    if (len)
        memcpy(t->data + t->len, data, len);
    t->len += len;
    t->data[t->len] = '\0';
}

void boot_text_str(struct boot_text *t, const char *text)
{
    boot_text_add(t, text, strlen(text));
}

void boot_text_json(struct boot_text *t, const char *text)
{
    char escape[8];
    boot_text_add(t, "\"", 1);
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\') {
            boot_text_add(t, "\\", 1);
            boot_text_add(t, p, 1);
        } else if (c < 0x20) {
            (void)snprintf(escape, sizeof escape, "\\u%04x", c);
            boot_text_str(t, c == '\n' ? "\\n" : c == '\t' ? "\\t" : escape);
        } else {
            boot_text_add(t, p, 1);
        }
    }
    boot_text_add(t, "\"", 1);
}

void boot_text_free(struct boot_text *t)
{
    free(t->data);
    *t = (struct boot_text){ .data = NULL };
}
