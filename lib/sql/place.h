/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SQL_PLACE_H
#define MIG_SQL_PLACE_H

/* Where in a script a byte is, kept up to date over text that comes in pieces: lines end with "\n",
 * "\r\n" or a lone "\r", columns count characters, a byte that is not UTF-8 counts as one. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mig_place {
    uint64_t offset; /* bytes before it */
    uint64_t line;   /* from 1 */
    uint64_t column; /* from 1 */
    uint8_t need;    /* continuation bytes the character before it still wants */
    uint8_t seen;    /* and has had */
    bool cr;         /* the byte before it is "\r" */
};

void mig_place_advance(struct mig_place *p, const char *text, size_t len);

#endif
