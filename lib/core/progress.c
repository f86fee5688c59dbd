/* SPDX-License-Identifier: Apache-2.0 */

/* What the journal says has been executed. */

#include <stdlib.h>
#include <string.h>

#include "core/journal.h"

void mig_progress_of(const struct mig_history *history, const struct mig_migration *m, uint32_t direction,
                     struct mig_progress *out)
{
    char letter = direction == MIGRATE_DIRECTION_DOWN ? 'D' : 'U';
    *out = (struct mig_progress){ NULL, 0 };
    for (size_t i = 0; i < history->n_journal; i++) {
        const struct mig_journal_row *row = &history->journal[i];
        if (row->kind != m->kind || row->direction != letter || strcmp(row->version, mig_identity(m)) != 0)
            continue;
        if (!out->n)
            out->rows = row;
        out->n++;
    }
}

/* "+3" is a run of three; anything else is one statement. */
static uint64_t count_of(const struct mig_journal_row *row)
{
    uint64_t n = row->object && row->object[0] == '+' ? strtoull(row->object + 1, NULL, 10) : 1;
    return n ? n : 1;
}

bool mig_progress_done(const struct mig_progress *p, uint64_t idx, struct mig_unit *out)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->rows[i].is_done && p->rows[i].idx == idx) {
            *out = (struct mig_unit){ idx, count_of(&p->rows[i]), p->rows[i].sha };
            return true;
        }
    }
    return false;
}

uint64_t mig_progress_count(const struct mig_progress *p)
{
    uint64_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        n += p->rows[i].is_done ? count_of(&p->rows[i]) : 0;
    return n;
}

const struct mig_journal_row *mig_progress_intent(const struct mig_progress *p)
{
    for (size_t i = 0; i < p->n; i++) {
        struct mig_unit unit;
        if (!p->rows[i].is_done && !mig_progress_done(p, p->rows[i].idx, &unit))
            return &p->rows[i];
    }
    return NULL;
}

void mig_unit_sha_begin(struct mig_unit_sha *u)
{
    u->count = 0;
    mig_sha256_init(&u->h);
}

void mig_unit_sha_add(struct mig_unit_sha *u, const char *text, size_t len)
{
    mig_sha256_update(&u->h, text, len);
    mig_sha256_update(&u->h, "", 1);
    u->count++;
}

void mig_unit_sha_end(struct mig_unit_sha *u, char out[MIG_SHA256_HEX + 1])
{
    uint8_t sum[MIG_SHA256_LEN];
    mig_sha256_final(&u->h, sum);
    mig_hex(sum, sizeof sum, out);
}

void mig_unit_sha_of(const char *text, size_t len, char out[MIG_SHA256_HEX + 1])
{
    struct mig_unit_sha u;
    mig_unit_sha_begin(&u);
    mig_unit_sha_add(&u, text, len);
    mig_unit_sha_end(&u, out);
}
