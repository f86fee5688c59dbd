/* SPDX-License-Identifier: Apache-2.0 */

/* The context's life and settings. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/ctx.h"
#include "core/session.h"
#include "sources/sources.h"
#include "util/clock.h"
#include "util/url.h"

static bool open_pipe(int fds[2])
{
    return pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0;
}

static void close_pipe(int fds[2])
{
    for (int i = 0; i < 2; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
        fds[i] = -1;
    }
}

static uint64_t seed(const migrate_ctx *ctx)
{
    uint64_t at = (uint64_t)(uintptr_t)ctx;
    return at ^ ((uint64_t)mig_clock_unix_ms() << 20) ^ ((uint64_t)getpid() << 44) ^ (uint64_t)mig_clock_mono_ms();
}

migrate_status migrate_ctx_new(migrate_ctx **out, migrate_error **err)
{
    if (!out)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_ctx_new: out is NULL");
    migrate_ctx *ctx = calloc(1, sizeof *ctx);
    if (!ctx)
        return mig_fail_nomem(err);
    ctx->wake[0] = ctx->wake[1] = ctx->cancel[0] = ctx->cancel[1] = -1;
    ctx->random_state = seed(ctx) | 1;
    mig_host_init(ctx);
    ctx->options = mig_options_new();
    if (!ctx->options) {
        migrate_ctx_free(ctx);
        return mig_fail_nomem(err);
    }
    if (!open_pipe(ctx->wake) || !open_pipe(ctx->cancel)) {
        int code = errno;
        migrate_ctx_free(ctx);
        return mig_fail(err, MIGRATE_E_IO, "no descriptor for the context: %s", strerror(code));
    }
    *out = ctx;
    return MIGRATE_OK;
}

static void release_hook(struct mig_hook *hook)
{
    if (hook->release)
        hook->release(hook->user);
    *hook = (struct mig_hook){ NULL, NULL };
}

static void drop_source(migrate_ctx *ctx)
{
    if (ctx->source_ops && ctx->source_ops->free)
        ctx->source_ops->free(ctx->source_self);
    ctx->source_ops = NULL;
    ctx->source_self = NULL;
}

static void drop_lock(migrate_ctx *ctx)
{
    if (ctx->lock_ops && ctx->lock_ops->free)
        ctx->lock_ops->free(ctx->lock_self);
    ctx->lock_ops = NULL;
    ctx->lock_self = NULL;
}

void migrate_ctx_free(migrate_ctx *ctx)
{
    if (!ctx)
        return;
    mig_session_close(ctx);
    mig_session_free(&ctx->db);
    drop_source(ctx);
    if (ctx->memory)
        mig_source_memory_ops.free(ctx->memory);
    drop_lock(ctx);
    release_hook(&ctx->event_hook);
    release_hook(&ctx->cred_hook);
    mig_options_free(ctx->options);
    mig_secrets_free(&ctx->secrets);
    free(ctx->drivers);
    free(ctx->offline_name);
    close_pipe(ctx->wake);
    close_pipe(ctx->cancel);
    free(ctx);
}

/* Settings may be changed between calls only. */
static migrate_status idle(const migrate_ctx *ctx, const char *what, migrate_error **err)
{
    if (!ctx)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "%s: the context is NULL", what);
    if (ctx->call.active) {
        mig_fail(err, MIGRATE_E_MISUSE, "%s was called from within a callback or while another call runs", what);
        mig_error_hint(err, "inside a callback only migrate_ctx_get, migrate_ctx_asked, migrate_ctx_stop and "
                            "migrate_ctx_cancel are allowed");
        return MIGRATE_E_MISUSE;
    }
    return MIGRATE_OK;
}

migrate_status migrate_ctx_set(migrate_ctx *ctx, const char *key, const char *value, migrate_error **err)
{
    migrate_status status = idle(ctx, "migrate_ctx_set", err);
    if (status)
        return status;
    if (!key)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_ctx_set: the key is NULL");
    return mig_options_set(ctx->options, key, value, ctx->drivers, ctx->n_drivers, err);
}

const char *migrate_ctx_get(const migrate_ctx *ctx, const char *key)
{
    return ctx && key ? mig_options_get(ctx->options, key) : NULL;
}

/* ---- drivers ---------------------------------------------------------------- */

static migrate_status check_driver(const migrate_driver *d, migrate_error **err)
{
    if (!d)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_ctx_add_driver: the driver is NULL");
    if (!MIGRATE_HAS(migrate_driver, d, exec))
        return mig_fail(err, MIGRATE_E_CONTRACT, "the driver's struct_size is %zu: too short to be a driver",
                        d->struct_size);
    if (d->api != MIGRATE_DRIVER_API) {
        mig_fail(err, MIGRATE_E_TOO_NEW, "the driver speaks API %u, this library API %u", d->api, MIGRATE_DRIVER_API);
        mig_error_hint(err, "use a driver and a libmigrate of the same generation");
        return MIGRATE_E_TOO_NEW;
    }
    if (!d->name || !*d->name || !d->schemes || !d->open || !d->close || !d->exec)
        return mig_fail(err, MIGRATE_E_CONTRACT, "the driver %s lacks its name, its schemes, or open, close or exec",
                        d->name ? d->name : "(unnamed)");
    return MIGRATE_OK;
}

migrate_status migrate_ctx_add_driver(migrate_ctx *ctx, const migrate_driver *driver, migrate_error **err)
{
    migrate_status status = idle(ctx, "migrate_ctx_add_driver", err);
    if (!status)
        status = check_driver(driver, err);
    if (status)
        return status;
    for (size_t i = 0; i < ctx->n_drivers; i++) {
        if (strcmp(ctx->drivers[i]->name, driver->name) == 0) {
            ctx->drivers[i] = driver;
            return MIGRATE_OK;
        }
    }
    if (!mig_grow(&ctx->drivers, &ctx->drivers_cap, ctx->n_drivers + 1, sizeof *ctx->drivers))
        return mig_fail_nomem(err);
    ctx->drivers[ctx->n_drivers++] = driver;
    return MIGRATE_OK;
}

/* ---- migrations ------------------------------------------------------------- */

migrate_status migrate_ctx_use_dir(migrate_ctx *ctx, const char *path, migrate_error **err)
{
    migrate_status status = idle(ctx, "migrate_ctx_use_dir", err);
    if (status)
        return status;
    if (!path || !*path)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_ctx_use_dir: the path is %s", path ? "empty" : "NULL");
    void *self = NULL;
    if (mig_source_directory(path, &self))
        return mig_fail_nomem(err);
    drop_source(ctx);
    ctx->source_ops = &mig_source_directory_ops;
    ctx->source_self = self;
    return MIGRATE_OK;
}

static migrate_status check_source(const migrate_source_ops *ops, migrate_error **err)
{
    if (!ops || !MIGRATE_HAS(migrate_source_ops, ops, free))
        return mig_fail(err, MIGRATE_E_STRUCT_SIZE, "the source's struct_size is unset or too short");
    if (ops->api != MIGRATE_SOURCE_API)
        return mig_fail(err, MIGRATE_E_TOO_NEW, "the source speaks API %u, this library API %u", ops->api,
                        MIGRATE_SOURCE_API);
    if (!ops->name || !ops->rewind || !ops->next || !ops->read || !ops->free)
        return mig_fail(err, MIGRATE_E_CONTRACT, "the source lacks its name, or rewind, next, read or free");
    return MIGRATE_OK;
}

migrate_status migrate_ctx_use_source(migrate_ctx *ctx, const migrate_source_ops *ops, void *self, migrate_error **err)
{
    migrate_status status = idle(ctx, "migrate_ctx_use_source", err);
    if (!status)
        status = check_source(ops, err);
    if (status) {
        if (ops && MIGRATE_HAS(migrate_source_ops, ops, free) && ops->free)
            ops->free(self);
        return status;
    }
    drop_source(ctx);
    ctx->source_ops = ops;
    ctx->source_self = self;
    return MIGRATE_OK;
}

static migrate_status need_memory(migrate_ctx *ctx, migrate_error **err)
{
    if (!ctx->memory && mig_source_memory(&ctx->memory))
        return mig_fail_nomem(err);
    return MIGRATE_OK;
}

migrate_status migrate_ctx_add_file(migrate_ctx *ctx, const char *path, const char *text, size_t len,
                                    migrate_error **err)
{
    migrate_status status = idle(ctx, "migrate_ctx_add_file", err);
    if (status)
        return status;
    if (!path || !*path || (!text && len))
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_ctx_add_file: path or text is missing");
    status = need_memory(ctx, err);
    if (status)
        return status;
    struct mig_diag diag = MIG_DIAG_INIT;
    status = mig_source_memory_add_file(ctx->memory, path, text, len, &diag);
    return status ? mig_fail_diag(err, &diag) : MIGRATE_OK;
}

migrate_status migrate_ctx_add_code(migrate_ctx *ctx, const char *path, const char *checksum, uint32_t flags,
                                    migrate_code_fn fn, void *user, migrate_release_fn release, migrate_error **err)
{
    migrate_status status = idle(ctx, "migrate_ctx_add_code", err);
    if (!status && (!path || !*path || !fn))
        status = mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_ctx_add_code: path or function is missing");
    if (!status && (flags & ~(MIGRATE_CODE_REVERSIBLE | MIGRATE_CODE_NO_TRANSACTION)))
        status = mig_fail(err, MIGRATE_E_TOO_NEW, "migrate_ctx_add_code: unknown flags 0x%x", flags);
    if (!status)
        status = need_memory(ctx, err);
    if (!status) {
        struct mig_diag diag = MIG_DIAG_INIT;
        status = mig_source_memory_add_code(ctx->memory, path, checksum, flags, fn, user, release, &diag);
        if (status)
            mig_fail_diag(err, &diag);
    }
    if (status && release)
        release(user);
    return status;
}

/* ---- lock, callbacks -------------------------------------------------------- */

migrate_status migrate_ctx_use_lock(migrate_ctx *ctx, const migrate_lock_ops *ops, void *self, migrate_error **err)
{
    migrate_status status = idle(ctx, "migrate_ctx_use_lock", err);
    if (!status && (!ops || !MIGRATE_HAS(migrate_lock_ops, ops, free)))
        status = mig_fail(err, MIGRATE_E_STRUCT_SIZE, "the lock's struct_size is unset or too short");
    else if (!status && ops->api != MIGRATE_LOCK_API)
        status = mig_fail(err, MIGRATE_E_TOO_NEW, "the lock speaks API %u, this library API %u", ops->api,
                          MIGRATE_LOCK_API);
    else if (!status && (!ops->name || !ops->acquire || !ops->release))
        status = mig_fail(err, MIGRATE_E_CONTRACT, "the lock lacks its name, or acquire or release");
    if (status) {
        if (ops && MIGRATE_HAS(migrate_lock_ops, ops, free) && ops->free)
            ops->free(self);
        return status;
    }
    drop_lock(ctx);
    ctx->lock_ops = ops;
    ctx->lock_self = self;
    return MIGRATE_OK;
}

void migrate_ctx_on_event(migrate_ctx *ctx, migrate_event_fn fn, void *user, migrate_release_fn release)
{
    if (!ctx || ctx->call.active)
        return;
    release_hook(&ctx->event_hook);
    ctx->event_fn = fn;
    ctx->event_hook = (struct mig_hook){ user, release };
}

void migrate_ctx_on_credentials(migrate_ctx *ctx, migrate_credentials_fn fn, void *user, migrate_release_fn release)
{
    if (!ctx || ctx->call.active) {
        if (release)
            release(user);
        return;
    }
    release_hook(&ctx->cred_hook);
    ctx->cred_fn = fn;
    ctx->cred_hook = (struct mig_hook){ user, release };
}

/* ---- from other threads and signal handlers --------------------------------- */

static void ring(int fd)
{
    int kept = errno;
    char byte = 1;
    while (write(fd, &byte, 1) < 0 && errno == EINTR)
        ;
    errno = kept;
}

void migrate_ctx_stop(migrate_ctx *ctx)
{
    if (!ctx)
        return;
    atomic_store(&ctx->stop_asked, 1);
    ring(ctx->wake[1]);
}

void migrate_ctx_cancel(migrate_ctx *ctx)
{
    if (!ctx)
        return;
    atomic_store(&ctx->cancel_asked, 1);
    atomic_store(&ctx->stop_asked, 1);
    ring(ctx->cancel[1]);
    ring(ctx->wake[1]);
}

migrate_status migrate_ctx_asked(const migrate_ctx *ctx)
{
    if (!ctx)
        return MIGRATE_OK;
    if (atomic_load(&ctx->cancel_asked))
        return MIGRATE_E_CANCELLED;
    return atomic_load(&ctx->stop_asked) ? MIGRATE_E_STOPPED : MIGRATE_OK;
}

static void drain(int fd)
{
    char bytes[64];
    while (read(fd, bytes, sizeof bytes) > 0)
        ;
}

void migrate_ctx_resume(migrate_ctx *ctx)
{
    if (!ctx || ctx->call.active)
        return;
    atomic_store(&ctx->stop_asked, 0);
    atomic_store(&ctx->cancel_asked, 0);
    drain(ctx->wake[0]);
    drain(ctx->cancel[0]);
}
