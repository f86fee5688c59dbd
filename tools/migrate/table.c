/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli.h"

#define MAX_COLUMNS 8
#define CELL_MAX 256

/* Characters, not bytes. Wide ones are counted as one: a column out of line, nothing worse. */
static unsigned width(const char *text)
{
    unsigned n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* The cell in @p buf, made safe for a terminal; NULL past the end. */
static const char *get(cli_cell_fn cell, const void *user, size_t row, unsigned column, char *buf)
{
    const char *text = cell(user, row, column, buf, CELL_MAX);
    if (!text)
        return NULL;
    if (text != buf)
        snprintf(buf, CELL_MAX, "%s", text);
    cli_clean(buf);
    return buf;
}

/* Prints a cell and returns how many spaces go before the next one, if that has text. */
static unsigned put(const char *text, unsigned column_width, unsigned gap)
{
    unsigned n = width(text);
    if (!*text)
        return gap + column_width + 2;
    cli_out("%*s%s", (int)gap, "", text);
    return column_width - n + 2;
}

static void put_row(cli_cell_fn cell, const void *user, size_t row, unsigned n, const unsigned *widths)
{
    char buf[CELL_MAX];
    unsigned gap = 0;
    for (unsigned c = 0; c < n; c++)
        gap = put(get(cell, user, row, c, buf), widths[c], gap);
    putchar('\n');
}

static void measure(const char *const *heads, unsigned n, cli_cell_fn cell, const void *user,
                    unsigned *widths)
{
    char buf[CELL_MAX];
    const char *text;
    for (unsigned c = 0; c < n; c++) {
        widths[c] = width(heads[c]);
        for (size_t row = 0; (text = get(cell, user, row, c, buf)); row++) {
            if (width(text) > widths[c])
                widths[c] = width(text);
        }
    }
}

/* Twice over the rows, so that nothing is kept: a history may have many thousands. */
void cli_table(const char *const *heads, unsigned n, cli_cell_fn cell, const void *user)
{
    unsigned widths[MAX_COLUMNS], gap = 0;
    char buf[CELL_MAX];
    measure(heads, n, cell, user, widths);
    for (unsigned c = 0; c < n; c++)
        gap = put(heads[c], widths[c], gap);
    putchar('\n');
    for (size_t row = 0; get(cell, user, row, 0, buf); row++)
        put_row(cell, user, row, n, widths);
}
