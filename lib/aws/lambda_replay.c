/* SPDX-License-Identifier: Apache-2.0 */
/* An invocation that comes again gets the answer it got: Lambda repeats failed asynchronous ones, and delivers some
 * twice by itself. */
#include <stdlib.h>
#include <string.h>

#include "aws/lambda.h"
#include "util/mem.h"
#include "util/sha256.h"

char *mig_lambda_fingerprint(const struct migrate_lambda *l, const char *event, size_t len)
{
    uint8_t sum[MIG_SHA256_LEN];
    char *hex;
    if (l->mode != MIG_LAMBDA_CFN)
        return NULL;
    hex = malloc(MIG_SHA256_HEX + 1);
    if (!hex)
        return NULL;
    mig_sha256(event, len, sum);
    mig_hex(sum, sizeof sum, hex);
    return hex;
}

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

const struct mig_lambda_kept *mig_lambda_kept_find(const struct migrate_lambda *l, const char *request_id,
                                                   const char *fingerprint)
{
    for (size_t i = 0; i < MIG_LAMBDA_KEPT; i++) {
        const struct mig_lambda_kept *k = &l->kept[i];
        if (k->reply && (same(k->request_id, request_id) || same(k->fingerprint, fingerprint)))
            return k;
    }
    return NULL;
}

void mig_lambda_kept_free(struct mig_lambda_kept *kept)
{
    free(kept->request_id);
    free(kept->fingerprint);
    migrate_lambda_reply_free(kept->reply);
    mig_wipe_free(kept->put_url); /* whoever has it can answer */
    free(kept->put_body);
    *kept = (struct mig_lambda_kept){ .reply = NULL };
}

void mig_lambda_keep(struct migrate_lambda *l, struct mig_lambda_kept *kept)
{
    struct mig_lambda_kept *slot = &l->kept[l->next_kept];
    l->next_kept = (l->next_kept + 1) % MIG_LAMBDA_KEPT;
    mig_lambda_kept_free(slot);
    *slot = *kept;
    *kept = (struct mig_lambda_kept){ .reply = NULL };
}
