/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_ITEM_H
#define MIG_CORE_ITEM_H

/* A migration as plans, reports and events show it. Strings belong to the owner's arena or to the set that the
 * owner holds a reference to. */

#include <migrate/item.h>

#include "util/mem.h"
#include "util/sha256.h"

struct mig_buf;

struct migrate_item {
    const char *version;
    const char *name;
    const char *path;
    const char *note;
    const char *code_checksum;  /* text form where it is not a SHA-256 of ours, or NULL */
    struct mig_arena *arena;    /* the owner's: the checksum's text form is made there when asked for */
    char       *checksum_text;  /* made on demand */
    uint8_t     checksum[MIG_SHA256_LEN];
    uint8_t     has_checksum;
    uint8_t     kind;
    uint8_t     state;
    uint8_t     direction;
    uint32_t    flags;          /* MIGRATE_ITEM_* */
    uint64_t    statements;     /* UINT64_MAX not counted */
    uint64_t    done;
    int64_t     applied_at_ms;
    int64_t     elapsed_ms;
};

/* A migration of a status or run: {"version",…}. */
void mig_item_json(const struct migrate_item *item, struct mig_buf *out);
/* Parts of it that steps of a plan and events share: `{"version":…,"name":…`, then `,"kind","state","path","checksum"`,
 * `,"statements"` (null if not counted). */
void mig_item_json_head(const struct migrate_item *item, struct mig_buf *out);
void mig_item_json_rest(const struct migrate_item *item, struct mig_buf *out);
void mig_item_json_count(const struct migrate_item *item, struct mig_buf *out);
bool mig_item_transaction(const struct migrate_item *item);

/* "up", "down", "redo"; "" for any other. Static. */
const char *mig_direction_name(uint32_t direction);

#endif
