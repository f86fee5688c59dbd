/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <string.h>

#include "core/history.h"

void mig_digest_init(struct mig_digest *d)
{
    memset(d->value, 0, sizeof d->value);
}

/* Each link hashes the one before it, then kind, identity and checksum, each ended by NUL. */
void mig_digest_add(struct mig_digest *d, uint32_t kind, const char *identity, const char *checksum)
{
    struct mig_sha256 h;
    char letter[2] = { mig_kind_letter(kind), '\0' };
    mig_sha256_init(&h);
    mig_sha256_update(&h, d->value, sizeof d->value);
    mig_sha256_update(&h, letter, sizeof letter);
    mig_sha256_update(&h, identity, strlen(identity) + 1);
    mig_sha256_update(&h, checksum, strlen(checksum) + 1);
    mig_sha256_final(&h, d->value);
}

void mig_digest_text(const struct mig_digest *d, char out[MIG_SHA256_HEX + 1])
{
    mig_hex(d->value, sizeof d->value, out);
}

const char *mig_checksum_text(const uint8_t *sum, const char *code, char buf[MIG_CHECKSUM_TEXT])
{
    if (code)
        return code;
    if (!sum)
        return "";
    memcpy(buf, "sha256:", 7);
    mig_hex(sum, MIG_SHA256_LEN, buf + 7);
    return buf;
}

const char *mig_migration_checksum(const struct mig_migration *m, char buf[MIG_CHECKSUM_TEXT])
{
    return mig_checksum_text(m->has_checksum ? m->checksum : NULL, m->has_checksum ? NULL : m->code_checksum, buf);
}

const char *mig_row_checksum(const struct mig_row *r, char buf[MIG_CHECKSUM_TEXT])
{
    return mig_checksum_text(mig_row_sum(r), r->sum == MIG_SUM_CODE ? r->more->code_checksum : NULL, buf);
}

void mig_digest_of_set(const struct mig_set *set, char out[MIG_SHA256_HEX + 1])
{
    struct mig_digest d;
    char buf[MIG_CHECKSUM_TEXT];
    mig_digest_init(&d);
    for (size_t i = 0; i < set->count; i++) {
        const struct mig_migration *m = &set->items[i];
        if (m->kind == MIGRATE_KIND_BASELINE)
            continue; /* stands for others; never run */
        mig_digest_add(&d, m->kind, mig_identity(m), mig_migration_checksum(m, buf));
    }
    mig_digest_text(&d, out);
}
