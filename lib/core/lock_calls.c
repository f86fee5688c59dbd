/* SPDX-License-Identifier: Apache-2.0 */

/* Who holds the migration lock, and taking it away. */

#include <migrate/run.h>

#include <string.h>

#include "core/locking.h"
#include "core/report.h"
#include "util/clock.h"

struct lock_call {
    migrate_ctx *ctx;
    struct mig_lock lock;
    struct mig_head head;
    struct migrate_report *report;
};

static migrate_status begin(struct lock_call *c, migrate_ctx *ctx, migrate_error **err)
{
    *c = (struct lock_call){ .ctx = ctx };
    migrate_status status = mig_call_begin(ctx, MIG_NEEDS_CONNECTION, 0, err);
    if (status)
        return status;
    c->report = mig_report_new(MIG_REPORT_LOCK, NULL);
    if (!c->report)
        return mig_call_end(ctx, mig_fail_nomem(err), err);
    status = mig_head_read(ctx, &c->head, err);
    if (!status)
        status = mig_session_facts(ctx, err);
    if (!status)
        status = mig_names_need(ctx, err);
    if (!status)
        status = mig_lock_pick(ctx, "", false, &c->lock, err);
    if (status) {
        migrate_report_free(c->report);
        return mig_call_end(ctx, status, err);
    }
    return MIGRATE_OK;
}

static migrate_status end(struct lock_call *c, migrate_status status, migrate_report **out, migrate_error **err)
{
    c->report->elapsed_ms = mig_call_elapsed(c->ctx);
    c->report->database = c->ctx->db.driver->name;
    mig_report_server(c->report, &c->ctx->db.facts);
    mig_lock_free(c->ctx, &c->lock);
    if (!status && out)
        *out = c->report;
    else
        migrate_report_free(c->report);
    return mig_call_end(c->ctx, status, err);
}

static bool can_inspect(const struct lock_call *c)
{
    return c->lock.ops && MIGRATE_HAS(migrate_lock_ops, c->lock.ops, inspect) && c->lock.ops->inspect;
}

static void keep_holder(struct migrate_report *r, const migrate_holder *h, const char *kind, uint64_t epoch)
{
    r->holder.session = h->session_id ? mig_report_text(r, h->session_id) : NULL;
    r->holder.application = h->application ? mig_report_text(r, h->application) : NULL;
    r->holder.host = h->host ? mig_report_text(r, h->host) : NULL;
    r->holder.user = h->user ? mig_report_text(r, h->user) : NULL;
    r->holder.doing = h->doing ? mig_report_text(r, h->doing) : NULL;
    r->holder.since_ms = h->since_ms;
    r->holder.kind = kind;
    r->holder.epoch = epoch;
}

/* The lease's table may not be there yet: then nobody holds it. */
static migrate_status inspect(struct lock_call *c, migrate_holder *holder, migrate_error **err)
{
    *holder = (migrate_holder){ .struct_size = sizeof *holder };
    if (c->lock.own && c->lock.ops->ttl_ms && !c->head.present)
        return MIGRATE_DONE;
    return c->lock.ops->inspect(c->lock.self, &c->ctx->host, c->ctx->db.names.lock_key, holder, err);
}

migrate_status migrate_lock_inspect(migrate_ctx *ctx, migrate_report **out, migrate_error **err)
{
    struct lock_call c;
    migrate_status status = begin(&c, ctx, err);
    if (status)
        return status;
    struct migrate_report *r = c.report;
    migrate_holder holder;
    if (!can_inspect(&c)) {
        r->state = MIGRATE_STATE_FREE;
        r->text = ctx->db.dialect == MIGRATE_DIALECT_SQLITE
                      ? "SQLite locks the database file for each migration; its holder cannot be named"
                      : "no lock is used here that could name its holder";
        return end(&c, MIGRATE_OK, out, err);
    }
    status = inspect(&c, &holder, err);
    if (status == MIGRATE_DONE) {
        r->state = MIGRATE_STATE_FREE;
        r->text = "nobody holds the migration lock";
        status = MIGRATE_OK;
    } else if (status == MIGRATE_OK) {
        r->state = MIGRATE_STATE_LOCKED;
        keep_holder(r, &holder, c.lock.ops->name, c.head.epoch);
        struct mig_buf text = MIG_BUF_INIT;
        mig_lock_describe(&holder, &text);
        r->text = mig_report_text(r, mig_buf_text(&text));
        mig_buf_free(&text);
    }
    return end(&c, status, out, err);
}

/* Only the holder that was seen is removed. */
static bool same_holder(const migrate_report *seen, const migrate_holder *now)
{
    const char *a = seen->holder.session ? seen->holder.session : "", *b = now->session_id ? now->session_id : "";
    return strcmp(a, b) == 0 && seen->holder.since_ms == now->since_ms;
}

/* The holder's session ends, and the epoch moves before he can come back. */
static migrate_status send_away(struct lock_call *c, const migrate_holder *holder, migrate_error **err)
{
    migrate_status status = c->lock.ops->break_lock(c->lock.self, &c->ctx->host, c->ctx->db.names.lock_key, holder, err);
    return !status && c->head.present ? mig_epoch_break(c->ctx, err) : status;
}

static migrate_status break_it(struct lock_call *c, const migrate_report *seen, migrate_error **err)
{
    struct migrate_report *r = c->report;
    migrate_holder holder;
    if (!can_inspect(c) || !MIGRATE_HAS(migrate_lock_ops, c->lock.ops, break_lock) || !c->lock.ops->break_lock) {
        mig_fail(err, MIGRATE_E_UNSUPPORTED, "the lock of this database cannot be broken from here");
        mig_error_hint(err, "end the process that holds it: the database gives the lock up by itself then");
        return MIGRATE_E_UNSUPPORTED;
    }
    r->state = MIGRATE_STATE_FREE;
    migrate_status status = inspect(c, &holder, err);
    if (status == MIGRATE_DONE) {
        r->text = "nobody holds the migration lock";
        return MIGRATE_OK;
    }
    if (status)
        return status;
    if (seen && !same_holder(seen, &holder)) {
        mig_fail(err, MIGRATE_E_STALE, "the lock has another holder now than the one that was seen");
        mig_error_hint(err, "look again");
        return MIGRATE_E_STALE;
    }
    keep_holder(r, &holder, c->lock.ops->name, c->head.epoch);
    migrate_holder named = holder;
    named.session_id = r->holder.session; /* the driver's own text is gone with its next call */
    status = mig_lock_gate(c->ctx, true, err);
    if (status)
        return status;
    status = send_away(c, &named, err);
    mig_lock_gate_open(c->ctx);
    r->text = "the migration lock was taken from its holder; his work is fenced off";
    return status;
}

migrate_status migrate_lock_break(migrate_ctx *ctx, const migrate_report *seen, migrate_report **out,
                                  migrate_error **err)
{
    struct lock_call c;
    migrate_status status = begin(&c, ctx, err);
    if (status)
        return status;
    return end(&c, break_it(&c, seen, err), out, err);
}
