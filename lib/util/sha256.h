/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_UTIL_SHA256_H
#define MIG_UTIL_SHA256_H

/* SHA-256 by OpenSSL's libcrypto. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIG_SHA256_LEN 32
#define MIG_SHA256_HEX 64

struct mig_sha256 {
    uint64_t state[16]; /* libcrypto's SHA256_CTX */
};

/* They allocate nothing and cannot fail. */
void mig_sha256_init(struct mig_sha256 *h);
void mig_sha256_update(struct mig_sha256 *h, const void *data, size_t len);
void mig_sha256_final(struct mig_sha256 *h, uint8_t out[MIG_SHA256_LEN]);
void mig_sha256(const void *data, size_t len, uint8_t out[MIG_SHA256_LEN]);

/* Lower-case hex with a NUL: @p out holds 2 * len + 1. */
void mig_hex(const uint8_t *data, size_t len, char *out);
/* Reads exactly 2 * len hex digits of either case. */
bool mig_unhex(const char *hex, uint8_t *out, size_t len);

#endif
