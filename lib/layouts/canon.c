/* SPDX-License-Identifier: Apache-2.0 */
#include "layouts/canon.h"

#include <string.h>

void mig_canon_init(struct mig_canon *c)
{
    c->cr = false;
    c->bytes = 0;
    mig_sha256_init(&c->sha);
}

static void put(struct mig_canon *c, const char *data, size_t len)
{
    mig_sha256_update(&c->sha, data, len);
    c->bytes += len;
}

void mig_canon_add(struct mig_canon *c, const char *data, size_t len)
{
    while (len > 0) {
        if (c->cr && *data != '\n')
            put(c, "\r", 1);
        c->cr = false;
        const char *cr = memchr(data, '\r', len);
        size_t n = cr ? (size_t)(cr - data) : len;
        put(c, data, n);
        if (!cr)
            return;
        c->cr = true;
        data += n + 1;
        len -= n + 1;
    }
}

void mig_canon_final(struct mig_canon *c, uint8_t out[MIG_SHA256_LEN])
{
    if (c->cr)
        put(c, "\r", 1);
    c->cr = false;
    mig_sha256_final(&c->sha, out);
}
