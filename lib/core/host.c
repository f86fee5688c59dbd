/* SPDX-License-Identifier: Apache-2.0 */

/* What the library offers to drivers, sources and locks: migrate_host. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/ctx.h"
#include "core/login.h"
#include "util/clock.h"
#include "util/text.h"
#include "util/url.h"

enum {
    TICK_EVENT_MS = 240,
    AHEAD_GRACE_MS = 2000,
    CLEAN_UP_MS = 5000,       /* for rolling back, looking and unlocking once the call was to end */
    CLEAN_UP_LONG_MS = 60000, /* …and while nobody waits for its end */
};

/* Cleaning up goes on past stop, cancel and deadline, but not for ever: a peer may have stopped answering. */
static int64_t clean_up_left(migrate_ctx *ctx)
{
    struct mig_call *call = &ctx->call;
    int64_t now = mig_clock_mono_ms();
    if (!call->unlocking_since_ms)
        call->unlocking_since_ms = now;
    bool hurried = atomic_load(&ctx->stop_asked) || call->fault || now >= call->deadline_ms - call->margin_ms;
    return call->unlocking_since_ms + (hurried ? CLEAN_UP_MS : CLEAN_UP_LONG_MS) - now;
}

static migrate_ctx *ctx_of(const migrate_host *host)
{
    return host->self;
}

static migrate_status host_fail(const migrate_host *host, migrate_error **err, const migrate_fault *fault)
{
    migrate_status status = mig_fail_fault(err, fault);
    if (err && *err)
        mig_error_mask(*err, &ctx_of(host)->secrets);
    return status;
}

/* Durations that a migration's directives override are given as they are in force. */
static const char *duration_in_force(migrate_ctx *ctx, int64_t own_ms, int slot)
{
    char *text = ctx->call.option_text[slot];
    snprintf(text, sizeof ctx->call.option_text[slot], "%lldms", (long long)own_ms);
    return text;
}

/* "journal_mode" of the URL answers for "sqlite.journal_mode" too. */
static const char *url_param(const struct mig_session *db, const char *key)
{
    const char *dot = strchr(key, '.');
    size_t own = db->driver ? strlen(db->driver->name) : 0;
    bool prefixed = dot && (size_t)(dot - key) == own && strncmp(key, db->driver->name, own) == 0;
    for (size_t i = 0; i < db->n_params; i++) {
        if (strcmp(db->params[i].key, key) == 0 || (prefixed && strcmp(db->params[i].key, dot + 1) == 0))
            return db->params[i].value;
    }
    return NULL;
}

static const char *host_option(const migrate_host *host, const char *key)
{
    migrate_ctx *ctx = ctx_of(host);
    if (!key)
        return NULL;
    if (ctx->call.lock_timeout_ms >= 0 && strcmp(key, MIGRATE_OPT_LOCK_TIMEOUT) == 0)
        return duration_in_force(ctx, ctx->call.lock_timeout_ms, 0);
    if (ctx->call.statement_timeout_ms >= 0 && strcmp(key, MIGRATE_OPT_STATEMENT_TIMEOUT) == 0)
        return duration_in_force(ctx, ctx->call.statement_timeout_ms, 1);
    const char *own = mig_options_own(ctx->options, key);
    const char *of_url = own ? NULL : url_param(&ctx->db, key);
    return own ? own : of_url ? of_url : mig_options_get(ctx->options, key);
}

static void host_log(const migrate_host *host, uint32_t level, const char *text)
{
    mig_log(ctx_of(host), level, "%s", text ? text : "");
}

static void host_notice(const migrate_host *host, const char *severity, const char *sqlstate, const char *text)
{
    migrate_ctx *ctx = ctx_of(host);
    if (!ctx->event_fn)
        return;
    char *line = mig_sprintf("%s%s%s%s%s", severity ? severity : "NOTICE", sqlstate && *sqlstate ? " " : "",
                             sqlstate ? sqlstate : "", ": ", text ? text : "");
    if (!line)
        return;
    bool warning = severity && mig_ieq(severity, "WARNING");
    bool oom = false;
    char *masked = mig_secrets_mask(&ctx->secrets, line, &oom);
    struct migrate_event event = { .type = MIGRATE_EVENT_NOTICE,
                                   .level = warning ? MIGRATE_LOG_WARN : MIGRATE_LOG_INFO,
                                   .text = masked ? masked : line,
                                   .item = ctx->call.item };
    if (!oom)
        mig_emit(ctx, &event);
    free(masked);
    free(line);
}

/* A phase that begins with "blocked: " names the session that blocks the running statement. */
static void host_progress(const migrate_host *host, const char *phase, uint64_t done, uint64_t total)
{
    static const char blocked[] = "blocked: ";
    migrate_ctx *ctx = ctx_of(host);
    struct migrate_event event = {
        .type = MIGRATE_EVENT_PROGRESS, .text = phase, .item = ctx->call.item, .index = done, .total = total
    };
    if (phase && mig_starts(phase, blocked)) {
        event.type = MIGRATE_EVENT_BLOCKED;
        event.text = phase + sizeof blocked - 1;
        event.index = event.total = 0;
    }
    mig_emit(ctx, &event);
}

static int64_t host_remaining_ms(const migrate_host *host)
{
    const struct mig_call *call = &ctx_of(host)->call;
    if (call->active && call->unlocking)
        return clean_up_left(ctx_of(host));
    if (!call->active || call->deadline_ms == INT64_MAX)
        return INT64_MAX;
    return call->deadline_ms - call->margin_ms - mig_clock_mono_ms();
}

/* Keeps user and password out of every later text. */
static bool remember(migrate_ctx *ctx, const struct migrate_login *login)
{
    return mig_secrets_add(&ctx->secrets, login->password) && mig_secrets_add(&ctx->secrets, login->token);
}

/* The cause says what is wrong, and what to do as well. */
static void no_credentials(migrate_error **err, migrate_status status, const migrate_error *cause)
{
    mig_fail(err, status, "no credentials for the database");
    if (cause && migrate_error_hint(cause))
        mig_error_hint(err, "%s", migrate_error_hint(cause));
}

static migrate_status host_credentials(const migrate_host *host, uint32_t reason, migrate_credentials *out,
                                       migrate_error **err)
{
    migrate_ctx *ctx = ctx_of(host);
    if (!ctx->cred_fn)
        return MIGRATE_OK;
    struct migrate_login login = { .reason = reason > ctx->cred_reason ? reason : ctx->cred_reason,
                                   .url = ctx->db.shown_url ? ctx->db.shown_url : "",
                                   .remaining_ms = host_remaining_ms(host) };
    migrate_error *cause = NULL;
    ctx->call.in_callback = true;
    migrate_status status = ctx->cred_fn(ctx->cred_hook.user, &login, &cause);
    ctx->call.in_callback = false;
    ctx->cred_again = login.again && strcmp(login.again, "1") == 0;
    if (!remember(ctx, &login)) {
        mig_login_clear(&login);
        migrate_error_free(cause);
        return mig_fail_nomem(err);
    }
    if (!status)
        status = mig_login_to_credentials(&login, out, err);
    else if (MIGRATE_STATUS_CLASS(status) == MIGRATE_CLASS_STOPPED)
        mig_fail_asked(err, status);
    else
        no_credentials(err, status, cause);
    mig_login_clear(&login);
    if (status)
        mig_error_add_cause(err, cause);
    else
        migrate_error_free(cause);
    return status;
}

static void emit_tick(migrate_ctx *ctx, int64_t now)
{
    struct mig_call *call = &ctx->call;
    if (now - call->last_tick_ms < TICK_EVENT_MS && call->last_tick_ms)
        return;
    call->last_tick_ms = now;
    struct migrate_event event = {
        .type = MIGRATE_EVENT_TICK, .item = call->item, .elapsed_ms = now - call->started_ms
    };
    mig_emit(ctx, &event);
}

/* What was sent ahead gets a little while after a stop; a statement that runs alone may end. */
static bool grace_over(migrate_ctx *ctx, int64_t now)
{
    struct mig_call *call = &ctx->call;
    if (!atomic_load(&ctx->stop_asked) && !call->fault)
        return false;
    if (!call->stop_seen_ms)
        call->stop_seen_ms = now;
    return call->ahead && now - call->stop_seen_ms > AHEAD_GRACE_MS;
}

static migrate_status host_tick(const migrate_host *host)
{
    migrate_ctx *ctx = ctx_of(host);
    struct mig_call *call = &ctx->call;
    if (!call->active)
        return MIGRATE_OK;
    int64_t now = mig_clock_mono_ms();
    emit_tick(ctx, now);
    if (call->renew)
        call->renew(ctx);
    if (call->unlocking)
        return clean_up_left(ctx) > 0 ? MIGRATE_OK : MIGRATE_E_DEADLINE;
    call->unlocking_since_ms = 0;
    if (atomic_load(&ctx->cancel_asked))
        return MIGRATE_E_CANCELLED;
    if (call->lock_lost)
        return MIGRATE_E_LOCK_LOST;
    if (call->deadline_ms != INT64_MAX && now >= call->deadline_ms - call->margin_ms)
        return MIGRATE_E_DEADLINE;
    if (grace_over(ctx, now))
        return call->fault ? call->fault : MIGRATE_E_STOPPED;
    return MIGRATE_OK;
}

static int32_t host_cancel_fd(const migrate_host *host)
{
    const migrate_ctx *ctx = ctx_of(host);
    return ctx->call.unlocking ? -1 : ctx->cancel[0];
}

static migrate_status host_sleep(const migrate_host *host, uint32_t ms)
{
    migrate_error *none = NULL;
    migrate_status status = mig_wait(ctx_of(host), ms, &none);
    migrate_error_free(none);
    return status;
}

void mig_host_init(migrate_ctx *ctx)
{
    ctx->host = (migrate_host){ .struct_size = sizeof(migrate_host),
                                .self = ctx,
                                .fail = host_fail,
                                .option = host_option,
                                .log = host_log,
                                .notice = host_notice,
                                .progress = host_progress,
                                .credentials = host_credentials,
                                .tick = host_tick,
                                .remaining_ms = host_remaining_ms,
                                .cancel_fd = host_cancel_fd,
                                .sleep = host_sleep };
}
