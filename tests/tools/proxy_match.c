/* SPDX-License-Identifier: Apache-2.0 */

/* What a message says: to find the one a fault is for, and to write all of them down. */

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "proxy.h"

void note_begin(struct stream *s)
{
    s->noted = 0;
}

void note_byte(struct stream *s, uint8_t byte)
{
    if (s->noted < NOTED)
        s->note[s->noted++] = byte;
}

bool note_holds(const struct stream *s, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i + n <= s->noted; i++) {
        if (memcmp(s->note + i, text, n) == 0)
            return true;
    }
    return false;
}

/* One line: from whom, type, length, and what can be read of it. */
void note_print(FILE *f, const struct stream *s, const struct frame_event *e)
{
    bool typed = e->type != 0;
    fprintf(f, "%s %c %llu ", s->framer.direction == FROM_CLIENT ? "client" : "server", typed ? e->type : '-',
            (unsigned long long)e->length);
    for (size_t i = typed ? 5 : 4; i < s->noted; i++)
        fputc(isprint(s->note[i]) ? s->note[i] : '.', f);
    fputc('\n', f);
    fflush(f);
}
