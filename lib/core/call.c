/* SPDX-License-Identifier: Apache-2.0 */

/* The frame of a public call: what it needs, its clock, how it is asked to end. */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "core/ctx.h"
#include "core/session.h"
#include "util/clock.h"

enum { MARGIN_MAX_MS = 1000, MARGIN_SHARE = 10, AHEAD_GRACE_MS = 2000, TICK_MS = 200 };

static migrate_status misuse(migrate_error **err, const char *message, const char *hint)
{
    mig_fail(err, MIGRATE_E_MISUSE, "%s", message);
    mig_error_hint(err, "%s", hint);
    return MIGRATE_E_MISUSE;
}

static migrate_status check_needs(const migrate_ctx *ctx, uint32_t needs, migrate_error **err)
{
    bool connected = ctx->db.conn != NULL;
    if ((needs & MIG_NEEDS_CONNECTION) && !connected && !((needs & MIG_TAKES_DIALECT) && ctx->offline_set))
        return misuse(err, "no database is open", "call migrate_ctx_open or migrate_ctx_adopt first");
    if ((needs & MIG_NEEDS_SOURCE) && !ctx->source_ops && !ctx->memory)
        return misuse(err, "no source of migrations is set",
                      "call migrate_ctx_use_dir, migrate_ctx_use_source or migrate_ctx_add_file first");
    return MIGRATE_OK;
}

migrate_status mig_call_begin(migrate_ctx *ctx, uint32_t needs, int64_t deadline_ms, migrate_error **err)
{
    if (!ctx)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "the context is NULL");
    if (ctx->call.active)
        return misuse(err, "the context is in use by a call already",
                      "inside a callback only migrate_ctx_get, migrate_ctx_asked, migrate_ctx_stop and "
                      "migrate_ctx_cancel are allowed");
    migrate_status status = check_needs(ctx, needs, err);
    if (status)
        return status;
    mig_options_read(ctx->options, &ctx->set);
    struct mig_call *call = &ctx->call;
    memset(call, 0, sizeof *call);
    call->active = true;
    call->lock_timeout_ms = call->statement_timeout_ms = -1;
    call->started_ms = mig_clock_mono_ms();
    if (deadline_ms <= 0)
        deadline_ms = ctx->set.deadline_ms;
    call->deadline_ms = INT64_MAX;
    if (deadline_ms > 0 && deadline_ms < INT64_MAX / 2) {
        call->deadline_ms = call->started_ms + deadline_ms;
        call->margin_ms = deadline_ms / MARGIN_SHARE < MARGIN_MAX_MS ? deadline_ms / MARGIN_SHARE : MARGIN_MAX_MS;
    }
    ctx->db.round_trips = 0;
    return MIGRATE_OK;
}

migrate_status mig_call_end(migrate_ctx *ctx, migrate_status status, migrate_error **err)
{
    ctx->call.active = false;
    ctx->call.item = NULL;
    if (status && err && *err)
        mig_error_mask(*err, &ctx->secrets);
    return status;
}

int64_t mig_call_elapsed(const migrate_ctx *ctx)
{
    return mig_clock_mono_ms() - ctx->call.started_ms;
}

migrate_status mig_fail_asked(migrate_error **err, migrate_status status)
{
    switch (status) {
    case MIGRATE_E_STOPPED:
        mig_fail(err, status, "stopped between statements, as asked");
        break;
    case MIGRATE_E_CANCELLED:
        mig_fail(err, status, "cancelled, as asked");
        break;
    case MIGRATE_E_DEADLINE:
        mig_fail(err, status, "the deadline has passed");
        break;
    case MIGRATE_E_MORE_WORK:
        mig_fail(err, status, "the deadline is near: more work is left");
        break;
    case MIGRATE_E_LOCK_LOST:
        mig_fail(err, status, "the migration lock was lost during the run");
        break;
    default:
        mig_fail(err, status, "a callback of the application failed (%s)", migrate_status_name(status));
    }
    if (MIGRATE_STATUS_CLASS(status) == MIGRATE_CLASS_STOPPED)
        mig_error_hint(err, "run again: it goes on from here");
    return status;
}

static int64_t left_ms(const migrate_ctx *ctx)
{
    const struct mig_call *call = &ctx->call;
    return call->deadline_ms == INT64_MAX ? INT64_MAX : call->deadline_ms - mig_clock_mono_ms();
}

migrate_status mig_call_check(migrate_ctx *ctx, migrate_error **err)
{
    struct mig_call *call = &ctx->call;
    if (call->unlocking)
        return MIGRATE_OK;
    if (atomic_load(&ctx->cancel_asked))
        return mig_fail_asked(err, MIGRATE_E_CANCELLED);
    if (call->fault)
        return mig_fail_asked(err, call->fault);
    if (atomic_load(&ctx->stop_asked))
        return mig_fail_asked(err, MIGRATE_E_STOPPED);
    if (left_ms(ctx) <= 2 * call->margin_ms)
        return mig_fail_asked(err, MIGRATE_E_MORE_WORK);
    return MIGRATE_OK;
}

/* ---- events ----------------------------------------------------------------- */

void mig_emit(migrate_ctx *ctx, struct migrate_event *event)
{
    if (!ctx->event_fn || ctx->call.in_callback) {
        mig_event_emit(NULL, NULL, event);
        return;
    }
    ctx->call.in_callback = true;
    migrate_status status = mig_event_emit(ctx->event_fn, ctx->event_hook.user, event);
    ctx->call.in_callback = false;
    if (status && !ctx->call.fault)
        ctx->call.fault = status;
}

void mig_log(migrate_ctx *ctx, uint32_t level, const char *fmt, ...)
{
    uint32_t wanted = ctx->set.log_level ? ctx->set.log_level : MIGRATE_LOG_WARN;
    if (!ctx->event_fn || level > wanted)
        return;
    va_list args;
    va_start(args, fmt);
    char *text = mig_vsprintf(fmt, args);
    va_end(args);
    if (!text)
        return;
    bool oom = false;
    char *masked = mig_secrets_mask(&ctx->secrets, text, &oom);
    if (!oom) {
        struct migrate_event event = { .type = MIGRATE_EVENT_LOG, .level = level, .text = masked ? masked : text };
        mig_emit(ctx, &event);
    }
    free(masked);
    free(text);
}

/* ---- waiting ---------------------------------------------------------------- */

static bool poll_wake(migrate_ctx *ctx, int64_t ms)
{
    struct pollfd fd = { .fd = ctx->wake[0], .events = POLLIN };
    bool asked = atomic_load(&ctx->stop_asked) != 0;
    int n = poll(asked ? NULL : &fd, asked ? 0 : 1, (int)ms);
    return n > 0;
}

migrate_status mig_wait(migrate_ctx *ctx, int64_t ms, migrate_error **err)
{
    int64_t until = mig_clock_mono_ms() + ms;
    for (;;) {
        migrate_status status = ctx->host.tick(&ctx->host);
        if (!status && atomic_load(&ctx->stop_asked) && !ctx->call.unlocking)
            status = MIGRATE_E_STOPPED;
        if (status)
            return mig_fail_asked(err, status);
        int64_t left = until - mig_clock_mono_ms();
        if (left <= 0)
            return MIGRATE_OK;
        poll_wake(ctx, left < TICK_MS ? left : TICK_MS);
    }
}

uint64_t mig_random(migrate_ctx *ctx, uint64_t bound)
{
    uint64_t x = ctx->random_state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    ctx->random_state = x;
    return bound ? x % bound : x;
}

/* ---- dialect ---------------------------------------------------------------- */

void mig_ctx_dialect(const migrate_ctx *ctx, struct mig_sql_dialect_info *out)
{
    if (!ctx->db.conn) {
        *out = ctx->offline;
        return;
    }
    *out = (struct mig_sql_dialect_info){
        .dialect = ctx->db.dialect,
        .lex = ctx->db.lex,
        .version = ctx->db.facts.version,
        .mariadb = ctx->db.facts.mariadb,
    };
}
