/* SPDX-License-Identifier: Apache-2.0 */
#include "util/sha256.h"

/* The functions that OpenSSL 3 calls deprecated, because the ones it favours load providers, a configuration file and
 * two megabytes at the first hash of a process: docs/adr/0004-plain-sha256.md. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct mig_sha256), "SHA256_CTX has grown");

static SHA256_CTX *state(struct mig_sha256 *h)
{
    return (SHA256_CTX *)(void *)h->state;
}

void mig_sha256_init(struct mig_sha256 *h)
{
    SHA256_Init(state(h));
}

void mig_sha256_update(struct mig_sha256 *h, const void *data, size_t len)
{
    SHA256_Update(state(h), data, len);
}

void mig_sha256_final(struct mig_sha256 *h, uint8_t out[MIG_SHA256_LEN])
{
    SHA256_Final(out, state(h));
}

void mig_sha256(const void *data, size_t len, uint8_t out[MIG_SHA256_LEN])
{
    struct mig_sha256 h;
    mig_sha256_init(&h);
    mig_sha256_update(&h, data, len);
    mig_sha256_final(&h, out);
}

void mig_hex(const uint8_t *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        *out++ = digits[data[i] >> 4];
        *out++ = digits[data[i] & 15];
    }
    *out = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool mig_unhex(const char *hex, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int hi = hex_value(hex[2 * i]);
        int lo = hi < 0 ? -1 : hex_value(hex[2 * i + 1]);
        if (lo < 0)
            return false;
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}
