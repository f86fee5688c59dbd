/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_LAYOUTS_CANON_H
#define MIG_LAYOUTS_CANON_H

/* SHA-256 of text as it counts: "\r\n" as "\n"; a lone '\r' stays. The BOM was dropped before. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/sha256.h"

struct mig_canon {
    struct mig_sha256 sha;
    bool cr;        /* a '\r' is held back */
    uint64_t bytes; /* hashed */
};

void mig_canon_init(struct mig_canon *c);
void mig_canon_add(struct mig_canon *c, const char *data, size_t len);
void mig_canon_final(struct mig_canon *c, uint8_t out[MIG_SHA256_LEN]);

#endif
