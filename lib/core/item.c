/* SPDX-License-Identifier: Apache-2.0 */
#include "core/item.h"

#include <string.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/text.h"

static const char checksum_prefix[] = "sha256:";
enum { PREFIX_LEN = sizeof checksum_prefix - 1 };

const char *migrate_state_name(uint32_t state)
{
    static const char names[][9] = { "unknown",  "applied", "changed", "missing", "reverted",
                                     "baseline", "pending", "failed",  "doubt",   "current",
                                     "ahead",    "drift",   "free",    "locked" };
    return names[state < sizeof names / sizeof names[0] ? state : 0];
}

const char *migrate_item_version(const migrate_item *item)
{
    return item && item->version ? item->version : "";
}

const char *migrate_item_name(const migrate_item *item)
{
    return item && item->name ? item->name : "";
}

const char *migrate_item_path(const migrate_item *item)
{
    return item ? item->path : NULL;
}

static void write_checksum(const struct migrate_item *item, char out[PREFIX_LEN + MIG_SHA256_HEX + 1])
{
    memcpy(out, checksum_prefix, PREFIX_LEN);
    mig_hex(item->checksum, MIG_SHA256_LEN, out + PREFIX_LEN);
}

const char *migrate_item_checksum(const migrate_item *item)
{
    if (!item || item->code_checksum)
        return item ? item->code_checksum : NULL;
    if (!item->has_checksum || item->checksum_text)
        return item->checksum_text;
    /* Ten thousand items rarely have it asked for: 32 bytes are kept, the text is made. Items are always part
     * of an object that was allocated, so none is really const. */
    struct migrate_item *kept = (struct migrate_item *)(uintptr_t)item;
    kept->checksum_text = item->arena ? mig_arena_alloc(item->arena, PREFIX_LEN + MIG_SHA256_HEX + 1) : NULL;
    if (!kept->checksum_text)
        return ""; /* no memory */
    write_checksum(item, kept->checksum_text);
    return kept->checksum_text;
}

uint32_t migrate_item_kind(const migrate_item *item)
{
    return item ? item->kind : 0;
}

uint32_t migrate_item_state(const migrate_item *item)
{
    return item ? item->state : 0;
}

uint32_t migrate_item_direction(const migrate_item *item)
{
    return item ? item->direction : 0;
}

uint32_t migrate_item_flags(const migrate_item *item)
{
    return item ? item->flags : 0;
}

uint64_t migrate_item_statements(const migrate_item *item)
{
    return item ? item->statements : 0;
}

uint64_t migrate_item_done(const migrate_item *item)
{
    return item ? item->done : 0;
}

int64_t migrate_item_applied_at_ms(const migrate_item *item)
{
    return item ? item->applied_at_ms : 0;
}

int64_t migrate_item_elapsed_ms(const migrate_item *item)
{
    return item ? item->elapsed_ms : 0;
}

const char *migrate_item_note(const migrate_item *item)
{
    return item ? item->note : NULL;
}

/* ---- JSON ------------------------------------------------------------------ */

/* As the history writes it. */
static const char *kind_name(uint8_t kind)
{
    static const char names[][2] = { "", "V", "R", "B" };
    return names[kind < 4 ? kind : 0];
}

const char *mig_direction_name(uint32_t direction)
{
    static const char names[][5] = { "", "up", "down", "redo" };
    return names[direction < 4 ? direction : 0];
}

static void add_text(struct mig_buf *out, const char *key, const char *text)
{
    mig_buf_fmt(out, ",\"%s\":", key);
    mig_json_str(out, text);
}

static void add_checksum(struct mig_buf *out, const struct migrate_item *item)
{
    char text[PREFIX_LEN + MIG_SHA256_HEX + 1];
    if (item->has_checksum)
        write_checksum(item, text);
    add_text(out, "checksum", item->code_checksum ? item->code_checksum : item->has_checksum ? text : NULL);
}

void mig_item_json_head(const struct migrate_item *item, struct mig_buf *out)
{
    mig_buf_str(out, "{\"version\":");
    mig_json_str(out, migrate_item_version(item));
    add_text(out, "name", migrate_item_name(item));
}

void mig_item_json_count(const struct migrate_item *item, struct mig_buf *out)
{
    if (item->statements == UINT64_MAX)
        mig_buf_str(out, ",\"statements\":null");
    else
        mig_buf_fmt(out, ",\"statements\":%llu", (unsigned long long)item->statements);
}

void mig_item_json_rest(const struct migrate_item *item, struct mig_buf *out)
{
    add_text(out, "kind", kind_name(item->kind));
    add_text(out, "state", migrate_state_name(item->state));
    add_text(out, "path", item->path);
    add_checksum(out, item);
}

bool mig_item_transaction(const struct migrate_item *item)
{
    return (item->flags & MIGRATE_ITEM_TRANSACTION) != 0;
}

void mig_item_json(const struct migrate_item *item, struct mig_buf *out)
{
    mig_item_json_head(item, out);
    mig_item_json_rest(item, out);
    mig_item_json_count(item, out);
    mig_buf_fmt(out, ",\"done\":%llu,\"transaction\":%s,\"applied_at\":", (unsigned long long)item->done,
                mig_item_transaction(item) ? "true" : "false");
    if (item->applied_at_ms) {
        mig_buf_char(out, '"');
        mig_clock_rfc3339(out, item->applied_at_ms);
        mig_buf_char(out, '"');
    } else {
        mig_buf_str(out, "null");
    }
    mig_buf_fmt(out, ",\"elapsed_ms\":%lld", (long long)item->elapsed_ms);
    if (item->direction)
        add_text(out, "direction", mig_direction_name(item->direction));
    if (item->note)
        add_text(out, "note", item->note);
    mig_buf_char(out, '}');
}
