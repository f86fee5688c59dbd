/* SPDX-License-Identifier: Apache-2.0 */
#include "util/sha256.h"

#include <openssl/evp.h>

bool mig_sha256_init(struct mig_sha256 *h)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        ctx = NULL;
    }
    h->md = ctx;
    return ctx != NULL;
}

void mig_sha256_update(struct mig_sha256 *h, const void *data, size_t len)
{
    if (h->md && len && EVP_DigestUpdate(h->md, data, len) != 1) {
        EVP_MD_CTX_free(h->md);
        h->md = NULL;
    }
}

bool mig_sha256_final(struct mig_sha256 *h, uint8_t out[MIG_SHA256_LEN])
{
    if (!h->md)
        return false;
    bool ok = EVP_DigestFinal_ex(h->md, out, NULL) == 1;
    EVP_MD_CTX_free(h->md);
    h->md = NULL;
    return ok;
}

bool mig_sha256(const void *data, size_t len, uint8_t out[MIG_SHA256_LEN])
{
    struct mig_sha256 h;
    mig_sha256_init(&h);
    mig_sha256_update(&h, data, len);
    return mig_sha256_final(&h, out);
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
