/* SPDX-License-Identifier: Apache-2.0 */

/* Taking and keeping the migration lock. */

#include "core/locking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "locks/locks.h"
#include "util/clock.h"

enum { FIRST_POLL_MS = 50, LAST_POLL_MS = 1000, TELL_EVERY_MS = 1000 };

/* ---- which lock -------------------------------------------------------------- */

static migrate_status pick_session(migrate_ctx *ctx, struct mig_lock *lock, migrate_error **err)
{
    lock->ops = &mig_lock_session_ops;
    lock->self = mig_lock_session(ctx->db.driver, ctx->db.conn);
    lock->own = lock->moves_epoch = true;
    return lock->self ? MIGRATE_OK : mig_fail_nomem(err);
}

static migrate_status pick_lease(migrate_ctx *ctx, const char *owner, struct mig_lock *lock, migrate_error **err)
{
    char machine[320];
    char name[256] = "";
    if (gethostname(name, sizeof name - 1))
        name[0] = '\0';
    snprintf(machine, sizeof machine, "%s pid %ld", name, (long)getpid());
    struct mig_lease_config config = { .driver = ctx->db.driver,
                                       .conn = ctx->db.conn,
                                       .host = &ctx->host,
                                       .url = ctx->db.adopted ? NULL : ctx->db.url,
                                       .dialect = ctx->db.dialect,
                                       .table = ctx->db.names.lock,
                                       .owner = owner,
                                       .session_id = ctx->db.facts.session_id,
                                       .client = ctx->set.client,
                                       .machine = machine };
    lock->ops = &mig_lock_lease_ops;
    lock->self = mig_lock_lease(&config);
    lock->own = lock->moves_epoch = true;
    return lock->self ? MIGRATE_OK : mig_fail_nomem(err);
}

static bool can_session(const migrate_ctx *ctx)
{
    const migrate_driver *d = ctx->db.driver;
    return (ctx->db.facts.caps & MIGRATE_CAP_SESSION_LOCK) && MIGRATE_HAS(migrate_driver, d, unlock) && d->try_lock &&
           d->unlock;
}

/* BEGIN IMMEDIATE of each migration is the lock there. */
static bool needs_none(const migrate_ctx *ctx)
{
    return ctx->db.dialect == MIGRATE_DIALECT_SQLITE;
}

/* Two runs in the middle of one journalled migration cannot tell each other's open intents from those of the dead. */
static migrate_status pick_guard(migrate_ctx *ctx, const char *owner, struct mig_lock *lock, migrate_error **err)
{
    bool pooled = (ctx->db.facts.flags & MIGRATE_INFO_POOLED) != 0;
    migrate_status status = can_session(ctx) && !pooled ? pick_session(ctx, lock, err) : pick_lease(ctx, owner, lock, err);
    lock->moves_epoch = false;
    return status;
}

migrate_status mig_lock_pick(migrate_ctx *ctx, const char *owner, bool guards, struct mig_lock *lock,
                             migrate_error **err)
{
    *lock = (struct mig_lock){ 0 };
    bool pooled = (ctx->db.facts.flags & MIGRATE_INFO_POOLED) != 0;
    if (!mig_names_lock_key(&ctx->db.names, ctx->set.table_prefix, ctx->db.facts.database))
        return mig_fail_nomem(err);
    if (ctx->lock_ops) {
        *lock = (struct mig_lock){ .ops = ctx->lock_ops, .self = ctx->lock_self, .moves_epoch = true };
        return MIGRATE_OK;
    }
    switch (ctx->set.lock) {
    case MIG_LOCK_NONE:
        return guards && !needs_none(ctx) ? pick_guard(ctx, owner, lock, err) : MIGRATE_OK;
    case MIG_LOCK_LEASE:
        return pick_lease(ctx, owner, lock, err);
    case MIG_LOCK_SESSION:
        if (needs_none(ctx))
            return MIGRATE_OK;
        if (can_session(ctx) && !pooled)
            return pick_session(ctx, lock, err);
        mig_fail(err, MIGRATE_E_UNSUPPORTED, "lock=session, but %s",
                 pooled ? "a connection pooler may change the session under us" : "this database has no session locks");
        mig_error_hint(err, "connect without the pooler, or use lock=auto");
        return MIGRATE_E_UNSUPPORTED;
    default:
        if (needs_none(ctx))
            return MIGRATE_OK;
        return can_session(ctx) && !pooled ? pick_session(ctx, lock, err) : pick_lease(ctx, owner, lock, err);
    }
}

/* ---- the gate ------------------------------------------------------------------ */

static char *gate_key(const migrate_ctx *ctx)
{
    return mig_sprintf("%s:gate", ctx->db.names.lock_key);
}

static bool has_gate(const migrate_ctx *ctx)
{
    return can_session(ctx) && !needs_none(ctx) && !(ctx->db.facts.flags & MIGRATE_INFO_POOLED) &&
           ctx->db.names.lock_key;
}

migrate_status mig_lock_gate(migrate_ctx *ctx, bool keep, migrate_error **err)
{
    if (!has_gate(ctx))
        return MIGRATE_OK;
    char *key = gate_key(ctx);
    if (!key)
        return mig_fail_nomem(err);
    migrate_holder holder = { .struct_size = sizeof holder };
    migrate_status status;
    while ((status = ctx->db.driver->try_lock(ctx->db.conn, key, &holder, err)) == MIGRATE_BUSY) {
        status = mig_wait(ctx, FIRST_POLL_MS, err);
        if (status)
            break;
    }
    free(key);
    if (!status && !keep)
        mig_lock_gate_open(ctx);
    return status;
}

void mig_lock_gate_open(migrate_ctx *ctx)
{
    char *key = has_gate(ctx) && !ctx->db.lost ? gate_key(ctx) : NULL;
    migrate_error *ignored = NULL;
    if (key && ctx->db.driver->unlock(ctx->db.conn, key, &ignored))
        migrate_error_free(ignored);
    free(key);
}

/* ---- waiting ------------------------------------------------------------------ */

void mig_lock_describe(const migrate_holder *h, struct mig_buf *out)
{
    mig_buf_str(out, "the migration lock is held by ");
    mig_buf_str(out, h->application && *h->application ? h->application : "another run");
    if (h->user && *h->user)
        mig_buf_fmt(out, ", user %s", h->user);
    if (h->host && *h->host)
        mig_buf_fmt(out, ", on %s", h->host);
    if (h->session_id && *h->session_id)
        mig_buf_fmt(out, ", session %s", h->session_id);
    if (h->since_ms) {
        mig_buf_str(out, ", since ");
        mig_clock_rfc3339(out, h->since_ms);
    }
    if (h->doing && *h->doing)
        mig_buf_fmt(out, ", running: %s", h->doing);
}

static void tell_waiting(migrate_ctx *ctx, const migrate_holder *holder, int64_t waited)
{
    struct mig_buf text = MIG_BUF_INIT;
    mig_lock_describe(holder, &text);
    struct migrate_event event = { .type = MIGRATE_EVENT_WAIT_LOCK, .text = mig_buf_text(&text), .elapsed_ms = waited };
    mig_emit(ctx, &event);
    mig_buf_free(&text);
}

static migrate_status timed_out(const migrate_holder *holder, int64_t waited, migrate_error **err)
{
    struct mig_buf text = MIG_BUF_INIT;
    mig_lock_describe(holder, &text);
    mig_fail(err, MIGRATE_E_LOCK_TIMEOUT, "%s; gave up after %lld ms", mig_buf_text(&text), (long long)waited);
    mig_error_hint(err, "wait for that run to end, raise lock_wait, or, if it is stuck, `migrate lock --break`");
    mig_error_state(err, "nothing was changed");
    mig_buf_free(&text);
    return MIGRATE_E_LOCK_TIMEOUT;
}

static migrate_status try_once(migrate_ctx *ctx, struct mig_lock *lock, migrate_holder *holder, migrate_error **err)
{
    uint64_t token = 0;
    *holder = (migrate_holder){ .struct_size = sizeof *holder };
    return lock->ops->acquire(lock->self, &ctx->host, ctx->db.names.lock_key, &token, holder, err);
}

static void tell_locked(migrate_ctx *ctx, const struct mig_lock *lock)
{
    struct migrate_event event = { .type = MIGRATE_EVENT_LOCKED, .elapsed_ms = lock->waited_ms };
    mig_emit(ctx, &event);
}

/* ---- renewing ----------------------------------------------------------------- */

static struct mig_lock *held_lock(migrate_ctx *ctx)
{
    return ctx->call.lock;
}

/* Called from every tick, so also while a statement runs. */
static void renew(migrate_ctx *ctx)
{
    struct mig_lock *lock = held_lock(ctx);
    if (!lock || !lock->held || lock->renewing || !lock->ops->renew_every_ms)
        return;
    int64_t now = mig_clock_mono_ms();
    if (now - lock->tried_ms < lock->ops->renew_every_ms)
        return;
    lock->renewing = true;
    lock->tried_ms = now;
    migrate_error *error = NULL;
    migrate_status status = lock->ops->renew(lock->self, &ctx->host, ctx->db.names.lock_key, &error);
    lock->renewing = false;
    if (!status)
        lock->renewed_ms = now;
    else if (status == MIGRATE_E_LOCK_LOST || (lock->ops->ttl_ms && now - lock->renewed_ms > lock->ops->ttl_ms))
        ctx->call.lock_lost = true;
    migrate_error_free(error);
}

static bool renews(const migrate_lock_ops *ops)
{
    return MIGRATE_HAS(migrate_lock_ops, ops, renew) && ops->renew && ops->renew_every_ms;
}

static void hold(migrate_ctx *ctx, struct mig_lock *lock)
{
    lock->held = true;
    lock->renewed_ms = lock->tried_ms = mig_clock_mono_ms();
    ctx->call.lock_lost = false;
    if (renews(lock->ops)) {
        ctx->call.lock = lock;
        ctx->call.renew = renew;
    }
    tell_locked(ctx, lock);
}

migrate_status mig_lock_acquire(migrate_ctx *ctx, struct mig_lock *lock, migrate_error **err)
{
    if (!lock->ops)
        return MIGRATE_OK;
    int64_t began = mig_clock_mono_ms(), told = 0, pause = FIRST_POLL_MS;
    for (;;) {
        migrate_holder holder;
        migrate_status status = try_once(ctx, lock, &holder, err);
        int64_t waited = mig_clock_mono_ms() - began;
        lock->waited_ms = waited;
        if (status == MIGRATE_OK)
            hold(ctx, lock);
        if (status != MIGRATE_BUSY)
            return status;
        if (!told || waited - told >= TELL_EVERY_MS) {
            tell_waiting(ctx, &holder, waited);
            told = waited ? waited : 1;
        }
        if (waited >= ctx->set.lock_wait_ms)
            return timed_out(&holder, waited, err);
        int64_t left = ctx->set.lock_wait_ms - waited;
        int64_t ms = pause / 2 + (int64_t)mig_random(ctx, (uint64_t)pause / 2 + 1);
        status = mig_wait(ctx, ms < left ? ms : left, err);
        if (status)
            return status;
        pause = pause * 3 / 2 < LAST_POLL_MS ? pause * 3 / 2 : LAST_POLL_MS;
    }
}

void mig_lock_release(migrate_ctx *ctx, struct mig_lock *lock)
{
    ctx->call.renew = NULL;
    ctx->call.lock = NULL;
    if (!lock->held)
        return;
    lock->held = false;
    bool inside = !lock->own || !ctx->db.lost; /* a lock in the database went with the connection */
    migrate_error *error = NULL;
    bool kept = mig_clean_up_begin(ctx);
    if (inside && lock->ops->release(lock->self, &ctx->host, ctx->db.names.lock_key, &error))
        mig_log(ctx, MIGRATE_LOG_WARN, "the migration lock could not be given back: %s", migrate_error_message(error));
    ctx->call.unlocking = kept;
    migrate_error_free(error);
    struct migrate_event event = { .type = MIGRATE_EVENT_UNLOCKED };
    mig_emit(ctx, &event);
}

void mig_lock_free(migrate_ctx *ctx, struct mig_lock *lock)
{
    mig_lock_release(ctx, lock);
    if (lock->own && lock->ops->free)
        lock->ops->free(lock->self);
    *lock = (struct mig_lock){ 0 };
}
