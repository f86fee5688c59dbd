/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/sigv4.h"

#include <stdlib.h>
#include <string.h>

#include "aws/canonical.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/sha256.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

enum { BLOCK = 64, DAY = 8 };

void mig_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[32])
{
    uint8_t pad[BLOCK] = { 0 };
    struct mig_sha256 h;
    if (key_len > BLOCK)
        mig_sha256(key, key_len, pad);
    else if (key_len)
        memcpy(pad, key, key_len);
    for (size_t i = 0; i < BLOCK; i++)
        pad[i] ^= 0x36;
    mig_sha256_init(&h);
    mig_sha256_update(&h, pad, BLOCK);
    mig_sha256_update(&h, data, len);
    mig_sha256_final(&h, out);
    for (size_t i = 0; i < BLOCK; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    mig_sha256_init(&h);
    mig_sha256_update(&h, pad, BLOCK);
    mig_sha256_update(&h, out, MIG_SHA256_LEN);
    mig_sha256_final(&h, out);
    mig_wipe(pad, sizeof pad);
    mig_wipe(&h, sizeof h);
}

/* "20261101T000000Z" */
static void date_of(int64_t unix_ms, char out[MIG_SIGV4_DATE])
{
    char compact[15];
    mig_clock_compact(unix_ms, compact);
    memcpy(out, compact, DAY);
    out[DAY] = 'T';
    memcpy(out + DAY + 1, compact + DAY, 6);
    out[15] = 'Z';
    out[16] = '\0';
}

static void add_scope(struct mig_buf *out, const struct mig_sigv4 *s, const char *date)
{
    mig_buf_add(out, date, DAY);
    mig_buf_fmt(out, "/%s/%s/aws4_request", s->region, s->service);
}

static bool signing_key(const struct mig_sigv4 *s, const char *date, uint8_t key[32])
{
    struct mig_buf first = MIG_BUF_INIT;
    size_t len = strlen(s->keys->secret_key);
    memset(key, 0, 32);
    if (mig_buf_reserve(&first, 4 + len)) {
        mig_buf_str(&first, "AWS4");
        mig_buf_add(&first, s->keys->secret_key, len);
        mig_hmac_sha256(first.data, first.len, date, DAY, key);
    }
    bool good = first.len > 0;
    mig_buf_wipe(&first);
    mig_hmac_sha256(key, 32, s->region, strlen(s->region), key);
    mig_hmac_sha256(key, 32, s->service, strlen(s->service), key);
    mig_hmac_sha256(key, 32, "aws4_request", strlen("aws4_request"), key);
    return good;
}

/* The signature in hex over a canonical request; false: no memory. */
static bool signature(const struct mig_sigv4 *s, const char *date, const struct mig_buf *canonical, char out[65])
{
    uint8_t digest[MIG_SHA256_LEN], key[32];
    char hex[MIG_SHA256_HEX + 1];
    struct mig_buf text = MIG_BUF_INIT;
    mig_sha256(mig_buf_text(canonical), canonical->len, digest);
    mig_hex(digest, sizeof digest, hex);
    mig_buf_fmt(&text, ALGORITHM "\n%s\n", date);
    add_scope(&text, s, date);
    mig_buf_fmt(&text, "\n%s", hex);
    bool good = !text.oom && !canonical->oom && signing_key(s, date, key);
    if (good) {
        mig_hmac_sha256(key, sizeof key, text.data, text.len, digest);
        mig_hex(digest, sizeof digest, out);
    }
    mig_wipe(key, sizeof key);
    mig_buf_free(&text);
    return good;
}

bool mig_sigv4_sign(const struct mig_sigv4 *s, struct mig_sigv4_headers *out)
{
    struct mig_canonical c = MIG_CANONICAL_INIT;
    char hex[65];
    *out = (struct mig_sigv4_headers){ .authorization = MIG_BUF_INIT };
    date_of(s->unix_ms, out->date);
    bool good = mig_canonical_headers(&c, s, out->date) && mig_canonical_request(&c, s, s->query);
    if (good && signature(s, out->date, &c.request, hex)) {
        mig_buf_fmt(&out->authorization, ALGORITHM " Credential=%s/", s->keys->access_key);
        add_scope(&out->authorization, s, out->date);
        mig_buf_fmt(&out->authorization, ", SignedHeaders=%s, Signature=%s", mig_buf_text(&c.signed_names), hex);
        good = !out->authorization.oom;
    } else {
        good = false;
    }
    mig_canonical_free(&c);
    if (!good)
        mig_buf_free(&out->authorization);
    return good;
}

static void add_param(struct mig_buf *out, const char *name, const char *value, size_t len)
{
    mig_buf_fmt(out, "%s%s=", out->len ? "&" : "", name);
    mig_sigv4_encode(out, value, len, false);
}

/* The parameters that a pre-signed query has of its own, behind those of the request. */
static void add_presign_params(struct mig_buf *query, const struct mig_sigv4 *s, const char *date, unsigned expires_s)
{
    struct mig_buf credential = MIG_BUF_INIT;
    mig_buf_fmt(&credential, "%s/", s->keys->access_key);
    add_scope(&credential, s, date);
    add_param(query, "X-Amz-Algorithm", ALGORITHM, strlen(ALGORITHM));
    add_param(query, "X-Amz-Credential", mig_buf_text(&credential), credential.len);
    add_param(query, "X-Amz-Date", date, strlen(date));
    mig_buf_fmt(query, "&X-Amz-Expires=%u", expires_s);
    if (s->keys->session_token)
        add_param(query, "X-Amz-Security-Token", s->keys->session_token, strlen(s->keys->session_token));
    mig_buf_str(query, "&X-Amz-SignedHeaders=host");
    query->oom = query->oom || credential.oom;
    mig_buf_free(&credential);
}

bool mig_sigv4_presign(const struct mig_sigv4 *s, unsigned expires_s, struct mig_buf *out)
{
    struct mig_canonical c = MIG_CANONICAL_INIT;
    struct mig_buf query = MIG_BUF_INIT;
    char date[MIG_SIGV4_DATE], hex[65];
    struct mig_sigv4 plain = *s;
    plain.n_headers = 0;
    date_of(s->unix_ms, date);
    mig_buf_str(&query, s->query);
    add_presign_params(&query, s, date, expires_s);
    bool good = !query.oom && mig_canonical_headers(&c, &plain, NULL) &&
                mig_canonical_request(&c, &plain, mig_buf_text(&query)) && signature(s, date, &c.request, hex);
    if (good) {
        mig_buf_add(out, query.data, query.len);
        mig_buf_fmt(out, "&X-Amz-Signature=%s", hex);
        good = !out->oom;
    }
    mig_canonical_free(&c);
    mig_buf_wipe(&query);
    return good;
}
