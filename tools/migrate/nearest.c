/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli.h"

#define WORD_MAX 32

/* Levenshtein distance of two short words; a large number for long ones. */
static unsigned distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    unsigned row[WORD_MAX + 1];
    if (la > WORD_MAX || lb > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= lb; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= la; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[lb];
}

const char *cli_nearest(const char *word, const char *(*next)(size_t index))
{
    const char *best = NULL, *candidate;
    unsigned least = (unsigned)strlen(word) / 3 + 2; /* further away is another word */
    for (size_t i = 0; (candidate = next(i)); i++) {
        unsigned d = distance(word, candidate);
        if (d < least) {
            least = d;
            best = candidate;
        }
    }
    return best;
}
