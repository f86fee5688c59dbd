/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/place.h"

#include <string.h>

static void new_line(struct mig_place *p)
{
    p->line++;
    p->column = 1;
    p->need = p->seen = 0;
}

static void one_byte(struct mig_place *p, unsigned char c)
{
    if (p->need && (c & 0xC0) == 0x80) {
        p->need--;
        p->seen = p->need ? (uint8_t)(p->seen + 1) : 0;
        return;
    }
    /* A sequence broken off was no character: its bytes count one by one. */
    p->column += p->need ? p->seen + 1u : 1u;
    p->seen = 0;
    p->need = c >= 0xC2 && c <= 0xDF ? 1 : c >= 0xE0 && c <= 0xEF ? 2 : c >= 0xF0 && c <= 0xF4 ? 3 : 0;
}

/* Text without a line end in it. */
static void characters(struct mig_place *p, const char *text, size_t len)
{
    size_t i = 0;
    while (i < len) {
        uint64_t eight;
        if (!p->need && len - i >= sizeof eight) {
            memcpy(&eight, text + i, sizeof eight);
            if (!(eight & UINT64_C(0x8080808080808080))) {
                p->column += sizeof eight;
                i += sizeof eight;
                continue;
            }
        }
        one_byte(p, (unsigned char)text[i++]);
    }
}

void mig_place_advance(struct mig_place *p, const char *text, size_t len)
{
    const char *end = text + len;
    const char *lf = NULL;
    p->offset += len;
    while (text < end) {
        if (p->cr && *text == '\n') {
            p->cr = false;
            text++;
            continue;
        }
        p->cr = false;
        if (!lf || lf < text) {
            lf = memchr(text, '\n', (size_t)(end - text));
            lf = lf ? lf : end;
        }
        const char *cr = memchr(text, '\r', (size_t)(lf - text));
        if (cr)
            p->cr = true;
        else if (lf == end)
            characters(p, text, (size_t)(end - text));
        if (cr || lf < end)
            new_line(p);
        text = (cr ? cr : lf) + 1;
    }
}
