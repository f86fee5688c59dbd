/* SPDX-License-Identifier: Apache-2.0 */
#include "core/event.h"

#include <string.h>

#include "core/item.h"
#include "util/clock.h"
#include "util/text.h"

static const char nomem_json[] = "{\"schema\":1,\"event\":\"log\",\"level\":\"error\",\"at\":null,"
                                 "\"text\":\"out of memory\",\"status\":\"E_NOMEM\"}";

static const char *type_name(uint32_t type)
{
    static const char names[][16] = {
        "unknown",   "log",     "notice",          "connected",     "wait_lock", "locked",   "unlocked",
        "run_begin", "run_end", "migration_begin", "migration_end", "statement", "progress", "blocked",
        "retry",     "tick"
    };
    return names[type < sizeof names / sizeof names[0] ? type : 0];
}

static const char *level_name(uint32_t level)
{
    static const char names[][6] = { "", "error", "warn", "info", "debug" };
    return names[level < sizeof names / sizeof names[0] ? level : 0];
}

static bool has_status(const struct migrate_event *e)
{
    return e->type == MIGRATE_EVENT_RUN_END || e->type == MIGRATE_EVENT_MIGRATION_END ||
           e->type == MIGRATE_EVENT_RETRY;
}

static uint32_t default_level(const struct migrate_event *e)
{
    switch (e->type) {
    case MIGRATE_EVENT_WAIT_LOCK:
    case MIGRATE_EVENT_BLOCKED:
    case MIGRATE_EVENT_RETRY:
        return MIGRATE_LOG_WARN;
    case MIGRATE_EVENT_RUN_END:
    case MIGRATE_EVENT_MIGRATION_END:
        if (e->status == MIGRATE_OK)
            return MIGRATE_LOG_INFO;
        return MIGRATE_STATUS_CLASS(e->status) == MIGRATE_CLASS_STOPPED ? MIGRATE_LOG_WARN
                                                                        : MIGRATE_LOG_ERROR;
    case MIGRATE_EVENT_STATEMENT:
    case MIGRATE_EVENT_PROGRESS:
    case MIGRATE_EVENT_TICK:
        return MIGRATE_LOG_DEBUG;
    default:
        return MIGRATE_LOG_INFO;
    }
}

uint32_t migrate_event_type(const migrate_event *event)
{
    return event ? event->type : 0;
}

uint32_t migrate_event_level(const migrate_event *event)
{
    if (!event)
        return 0;
    return event->level ? event->level : default_level(event);
}

migrate_status migrate_event_status(const migrate_event *event)
{
    return event ? event->status : MIGRATE_OK;
}

const migrate_item *migrate_event_item(const migrate_event *event)
{
    return event ? event->item : NULL;
}

uint64_t migrate_event_index(const migrate_event *event)
{
    return event ? event->index : 0;
}

uint64_t migrate_event_total(const migrate_event *event)
{
    return event ? event->total : 0;
}

int64_t migrate_event_elapsed_ms(const migrate_event *event)
{
    return event ? event->elapsed_ms : 0;
}

/* ---- text ------------------------------------------------------------------ */

static const char *own_text(const struct migrate_event *e)
{
    return e->text ? e->text : "";
}

/* "0003 add users" or "R:views" */
static void add_item(struct mig_buf *out, const struct migrate_item *item)
{
    const char *version = migrate_item_version(item), *name = migrate_item_name(item);
    if (item && item->kind == MIGRATE_KIND_REPEATABLE)
        mig_buf_str(out, "R:");
    mig_buf_str(out, version);
    if (*version && *name)
        mig_buf_char(out, ' ');
    mig_buf_str(out, name);
}

static void add_amount(struct mig_buf *out, const struct migrate_event *e)
{
    mig_buf_fmt(out, "%llu", (unsigned long long)e->index);
    if (e->total)
        mig_buf_fmt(out, " of %llu", (unsigned long long)e->total);
}

static void add_elapsed(struct mig_buf *out, const struct migrate_event *e, const char *front)
{
    if (e->elapsed_ms <= 0)
        return;
    mig_buf_str(out, front);
    mig_duration_write(out, e->elapsed_ms);
}

static void add_end(struct mig_buf *out, const struct migrate_event *e, const char *done)
{
    if (e->status == MIGRATE_OK)
        mig_buf_str(out, done);
    else
        mig_buf_fmt(out, "ended with %s", migrate_status_name(e->status));
    add_elapsed(out, e, " after ");
}

static bool going_down(const struct migrate_event *e)
{
    return migrate_item_direction(e->item) == MIGRATE_DIRECTION_DOWN;
}

static void add_migration(struct mig_buf *out, const struct migrate_event *e)
{
    if (e->type == MIGRATE_EVENT_MIGRATION_BEGIN)
        mig_buf_str(out, going_down(e) ? "reverting " : "applying ");
    add_item(out, e->item);
    if (e->type == MIGRATE_EVENT_MIGRATION_BEGIN && e->index) {
        mig_buf_str(out, " (");
        add_amount(out, e);
        mig_buf_char(out, ')');
    } else if (e->type == MIGRATE_EVENT_MIGRATION_END) {
        mig_buf_char(out, ' ');
        add_end(out, e, going_down(e) ? "reverted" : "applied");
    }
}

static void add_item_text(struct mig_buf *out, const struct migrate_event *e)
{
    add_item(out, e->item);
    mig_buf_str(out, e->item ? ": " : "");
    switch (e->type) {
    case MIGRATE_EVENT_STATEMENT:
        mig_buf_str(out, "statement ");
        add_amount(out, e);
        mig_buf_str(out, " done");
        add_elapsed(out, e, " after ");
        break;
    case MIGRATE_EVENT_PROGRESS:
        add_amount(out, e);
        break;
    case MIGRATE_EVENT_BLOCKED:
        mig_buf_fmt(out, "blocked: %s", e->text ? e->text : "another session holds a lock");
        break;
    case MIGRATE_EVENT_RETRY:
        mig_buf_str(out, "retry ");
        add_amount(out, e);
        mig_buf_fmt(out, ": %s", e->text ? e->text : migrate_status_text(e->status));
        break;
    default:
        mig_buf_str(out, "waiting");
        add_elapsed(out, e, ", ");
    }
}

static void add_text(struct mig_buf *out, const struct migrate_event *e)
{
    switch (e->type) {
    case MIGRATE_EVENT_CONNECTED:
        mig_buf_fmt(out, "connected to %s", e->text ? e->text : "the database");
        break;
    case MIGRATE_EVENT_WAIT_LOCK:
        mig_buf_fmt(out, "waiting for the migration lock: %s",
                    e->text ? e->text : "another session holds it");
        break;
    case MIGRATE_EVENT_LOCKED:
        mig_buf_str(out, "have the migration lock");
        add_elapsed(out, e, " after ");
        break;
    case MIGRATE_EVENT_UNLOCKED:
        mig_buf_str(out, "gave the migration lock back");
        break;
    case MIGRATE_EVENT_RUN_BEGIN:
        mig_buf_fmt(out, "%llu migration%s to run", (unsigned long long)e->total, e->total == 1 ? "" : "s");
        break;
    case MIGRATE_EVENT_RUN_END:
        mig_buf_str(out, "run ");
        add_end(out, e, "done");
        break;
    case MIGRATE_EVENT_MIGRATION_BEGIN:
    case MIGRATE_EVENT_MIGRATION_END:
        add_migration(out, e);
        break;
    case MIGRATE_EVENT_STATEMENT:
    case MIGRATE_EVENT_PROGRESS:
    case MIGRATE_EVENT_BLOCKED:
    case MIGRATE_EVENT_RETRY:
    case MIGRATE_EVENT_TICK:
        add_item_text(out, e);
        break;
    default:
        mig_buf_str(out, own_text(e));
    }
}

/* The types whose text is taken as it is; that of the others becomes part of a sentence. */
static bool whole_text(const struct migrate_event *e)
{
    return e->text && (e->type == MIGRATE_EVENT_LOG || e->type == MIGRATE_EVENT_NOTICE ||
                       e->type == MIGRATE_EVENT_PROGRESS);
}

const char *migrate_event_text(const migrate_event *event)
{
    if (!event)
        return "";
    if (whole_text(event))
        return event->text;
    /* Made on demand; it is never really const. */
    struct migrate_event *e = (struct migrate_event *)(uintptr_t)event;
    if (e->made.len == 0 && !e->made.oom)
        add_text(&e->made, e);
    return e->made.oom ? own_text(e) : mig_buf_text(&e->made);
}

/* ---- JSON ------------------------------------------------------------------ */

static void add_json(struct mig_buf *out, const struct migrate_event *e)
{
    mig_buf_fmt(out, "{\"schema\":1,\"event\":\"%s\",\"level\":\"%s\",\"at\":", type_name(e->type),
                level_name(migrate_event_level(e)));
    mig_buf_str(out, e->at_ms ? "\"" : "null");
    mig_clock_rfc3339(out, e->at_ms);
    mig_buf_str(out, e->at_ms ? "\",\"text\":" : ",\"text\":");
    mig_json_str(out, migrate_event_text(e));
    if (has_status(e))
        mig_buf_fmt(out, ",\"status\":\"%s\"", migrate_status_name(e->status));
    if (e->item) {
        mig_buf_str(out, ",\"migration\":");
        mig_item_json(e->item, out);
    }
    if (e->index)
        mig_buf_fmt(out, ",\"index\":%llu", (unsigned long long)e->index);
    if (e->total)
        mig_buf_fmt(out, ",\"total\":%llu", (unsigned long long)e->total);
    if (e->elapsed_ms)
        mig_buf_fmt(out, ",\"elapsed_ms\":%lld", (long long)e->elapsed_ms);
    mig_buf_char(out, '}');
}

const char *migrate_event_json(const migrate_event *event)
{
    if (!event)
        return "";
    struct migrate_event *e = (struct migrate_event *)(uintptr_t)event;
    if (e->json.len == 0 && !e->json.oom)
        add_json(&e->json, e);
    return e->json.oom ? nomem_json : mig_buf_text(&e->json);
}

migrate_status mig_event_emit(migrate_event_fn fn, void *user, struct migrate_event *event)
{
    if (event->at_ms == 0)
        event->at_ms = mig_clock_unix_ms();
    migrate_status status = fn ? fn(user, event) : MIGRATE_OK;
    mig_buf_free(&event->made);
    mig_buf_free(&event->json);
    return status;
}
