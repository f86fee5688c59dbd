/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_GOLDEN_H
#define UNIT_GOLDEN_H

/* Tables of cases kept as text: a line of SQL ("\n" a newline, "\\" a backslash), and below it, indented,
 * what is said of it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

struct golden {
    FILE *file;
    char sql[8192];
    char expected[4096];
    size_t len; /* of sql, unescaped */
};

static void golden_open(struct golden *g, const char *path)
{
    char full[4096];
    snprintf(full, sizeof full, "%s/tests/unit/data/%s", UNIT_SOURCE_DIR, path);
    g->file = fopen(full, "r");
    ck_assert_msg(g->file != NULL, "cannot read %s", full);
}

static size_t golden_unescape(char *text)
{
    char *w = text;
    for (const char *r = text; *r != '\0'; r++) {
        if (*r == '\\' && (r[1] == 'n' || r[1] == '\\')) {
            r++;
            *w++ = *r == 'n' ? '\n' : '\\';
        } else {
            *w++ = *r;
        }
    }
    *w = '\0';
    return (size_t)(w - text);
}

static int golden_next(struct golden *g)
{
    if (fgets(g->sql, sizeof g->sql, g->file) == NULL ||
        fgets(g->expected, sizeof g->expected, g->file) == NULL) {
        fclose(g->file);
        return 0;
    }
    g->sql[strcspn(g->sql, "\n")] = '\0';
    g->expected[strcspn(g->expected, "\n")] = '\0';
    ck_assert_msg(strncmp(g->expected, "    ", 4) == 0, "no expectation below: %s", g->sql);
    memmove(g->expected, g->expected + 4, strlen(g->expected + 4) + 1);
    g->len = golden_unescape(g->sql);
    return 1;
}

#endif
