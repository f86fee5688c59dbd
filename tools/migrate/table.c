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

struct table {
    unsigned n;
    cli_cell_fn cell;
    size_t row;
    unsigned widths[MAX_COLUMNS];
};

/* The cell in @p buf, made safe for a terminal. */
static const char *get(const struct table *t, const migrate_item *item, unsigned column, char *buf)
{
    const char *text = t->cell(item, t->row, column, buf, CELL_MAX);
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

static migrate_status put_row(void *user, const migrate_item *item)
{
    struct table *t = user;
    char buf[CELL_MAX];
    unsigned gap = 0;
    for (unsigned c = 0; c < t->n; c++)
        gap = put(get(t, item, c, buf), t->widths[c], gap);
    putchar('\n');
    t->row++;
    return MIGRATE_OK;
}

static migrate_status measure_row(void *user, const migrate_item *item)
{
    struct table *t = user;
    char buf[CELL_MAX];
    for (unsigned c = 0; c < t->n; c++) {
        unsigned w = width(get(t, item, c, buf));
        if (w > t->widths[c])
            t->widths[c] = w;
    }
    t->row++;
    return MIGRATE_OK;
}

/* Twice over the rows, so that nothing is kept: a history may have many thousands. */
void cli_table(const char *const *heads, unsigned n, cli_cell_fn cell, cli_each_fn each, const void *source)
{
    struct table t = { .n = n, .cell = cell };
    unsigned gap = 0;
    for (unsigned c = 0; c < n; c++)
        t.widths[c] = width(heads[c]);
    if (each(source, measure_row, &t))
        return;
    for (unsigned c = 0; c < n; c++)
        gap = put(heads[c], t.widths[c], gap);
    putchar('\n');
    t.row = 0;
    (void)!each(source, put_row, &t);
}
