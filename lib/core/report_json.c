/* SPDX-License-Identifier: Apache-2.0 */
/* A report as JSON, in pieces: ten thousand migrations are never in memory as one document unless somebody
 * asks for it as a string. */
#include <string.h>

#include "core/error.h"
#include "core/error_object.h"
#include "core/report.h"
#include "util/clock.h"
#include "util/text.h"

enum { PIECE = 4096 };

struct sink {
    migrate_write_fn fn;
    void *user;
    struct mig_buf buf;
    migrate_status status;
};

static void flush(struct sink *s)
{
    if (s->status == MIGRATE_OK && s->buf.oom)
        s->status = MIGRATE_E_NOMEM;
    if (s->status == MIGRATE_OK && s->buf.len)
        s->status = s->fn(s->user, s->buf.data, s->buf.len);
    mig_buf_reset(&s->buf);
}

static void add_text(struct mig_buf *out, const char *key, const char *text)
{
    mig_buf_fmt(out, ",\"%s\":", key);
    mig_json_str(out, text);
}

static void add_number(struct mig_buf *out, const char *key, uint64_t n)
{
    mig_buf_fmt(out, ",\"%s\":%llu", key, (unsigned long long)n);
}

static void add_instant(struct mig_buf *out, const char *key, int64_t at_ms)
{
    mig_buf_fmt(out, ",\"%s\":%s", key, at_ms ? "\"" : "null");
    mig_clock_rfc3339(out, at_ms);
    mig_buf_str(out, at_ms ? "\"" : "");
}

struct items {
    struct sink *sink;
    bool any;
};

static migrate_status add_item(void *user, const migrate_item *item)
{
    struct items *all = user;
    if (all->any)
        mig_buf_char(&all->sink->buf, ',');
    all->any = true;
    mig_item_json(item, &all->sink->buf);
    if (all->sink->buf.len >= PIECE)
        flush(all->sink);
    return all->sink->status;
}

static void add_migrations(struct sink *s, const struct migrate_report *r)
{
    struct items all = { s, false };
    mig_buf_str(&s->buf, ",\"migrations\":[");
    migrate_status status = migrate_report_each(r, add_item, &all);
    if (!s->status)
        s->status = status;
    mig_buf_char(&s->buf, ']');
}

static void add_database(struct mig_buf *out, const struct migrate_report *r)
{
    add_text(out, "database", r->database ? r->database : "");
    add_text(out, "server", r->server ? r->server : "");
    add_text(out, "state", migrate_state_name(r->state));
}

static void add_status(struct sink *s, const struct migrate_report *r)
{
    add_database(&s->buf, r);
    add_text(&s->buf, "version", migrate_report_version(r));
    add_number(&s->buf, "pending", r->pending);
    add_migrations(s, r);
}

static void add_run(struct sink *s, const struct migrate_report *r)
{
    add_status(s, r);
    add_number(&s->buf, "applied", r->applied);
    add_number(&s->buf, "reverted", r->reverted);
    add_number(&s->buf, "elapsed_ms", (uint64_t)(r->elapsed_ms < 0 ? 0 : r->elapsed_ms));
    add_number(&s->buf, "lock_wait_ms", (uint64_t)(r->lock_wait_ms < 0 ? 0 : r->lock_wait_ms));
    add_number(&s->buf, "round_trips", r->round_trips);
}

static void add_lock(struct mig_buf *out, const struct migrate_report *r)
{
    add_database(out, r);
    if (r->state != MIGRATE_STATE_LOCKED) {
        mig_buf_str(out, ",\"holder\":null");
    } else {
        mig_buf_str(out, ",\"holder\":{\"session\":");
        mig_json_str(out, r->holder.session);
        add_text(out, "application", r->holder.application);
        add_text(out, "host", r->holder.host);
        add_text(out, "user", r->holder.user);
        add_text(out, "doing", r->holder.doing);
        add_text(out, "kind", r->holder.kind);
        add_instant(out, "since", r->holder.since_ms);
        add_number(out, "epoch", r->holder.epoch);
        mig_buf_char(out, '}');
    }
    add_text(out, "text", migrate_report_text(r));
}

static void add_result(struct sink *s, const struct migrate_report *r)
{
    if (r->database && *r->database)
        add_text(&s->buf, "database", r->database);
    if (r->server && *r->server)
        add_text(&s->buf, "server", r->server);
    if (r->state)
        add_text(&s->buf, "state", migrate_state_name(r->state));
    add_text(&s->buf, r->text_key ? r->text_key : "text", migrate_report_text(r));
    if (r->count)
        add_migrations(s, r);
}

static void add_document(struct sink *s, const struct migrate_report *r)
{
    mig_buf_str(&s->buf, "{\"schema\":1");
    switch (r->kind) {
    case MIG_REPORT_STATUS:
        add_status(s, r);
        break;
    case MIG_REPORT_RUN:
        add_run(s, r);
        break;
    case MIG_REPORT_LOCK:
        add_lock(&s->buf, r);
        break;
    case MIG_REPORT_TEXT:
        add_result(s, r);
        break;
    }
    if (r->more)
        mig_buf_str(&s->buf, ",\"more\":true");
    if (r->error) {
        mig_buf_str(&s->buf, ",\"error\":");
        mig_error_json_object(r->error, &s->buf);
    }
    mig_buf_char(&s->buf, '}');
}

migrate_status migrate_report_json_write(const migrate_report *report, migrate_write_fn fn, void *user)
{
    if (!report || !fn)
        return MIGRATE_E_ARGUMENT;
    struct sink s = { fn, user, MIG_BUF_INIT, MIGRATE_OK };
    /* Room for a piece and an item first: where there is none, a whole document can still be given. */
    if (!mig_buf_reserve(&s.buf, (size_t)2 * PIECE))
        return fn(user, mig_error_nomem_json, strlen(mig_error_nomem_json));
    add_document(&s, report);
    flush(&s);
    mig_buf_free(&s.buf);
    return s.status;
}

static migrate_status keep(void *user, const char *data, size_t len)
{
    struct mig_buf *out = user;
    mig_buf_add(out, data, len);
    return out->oom ? MIGRATE_E_NOMEM : MIGRATE_OK;
}

const char *migrate_report_json(const migrate_report *report)
{
    if (!report)
        return "";
    /* Made on demand; it is never really const. */
    struct migrate_report *r = (struct migrate_report *)(uintptr_t)report;
    if (r->json.len)
        return mig_buf_text(&r->json);
    if (migrate_report_json_write(report, keep, &r->json) == MIGRATE_OK)
        return mig_buf_text(&r->json);
    mig_buf_free(&r->json);
    return mig_error_nomem_json;
}
