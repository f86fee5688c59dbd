/* SPDX-License-Identifier: Apache-2.0 */

#include "host.h"
#include "suite.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GIVE_UP_MS 30000 /* nothing in the suite takes as long: better a failed case than one that hangs */

static struct mig_cf_host *of(const migrate_host *host)
{
    return host->self;
}

void mig_cf_breach(struct mig_cf_host *h, const char *fmt, ...)
{
    if (h->breach[0]) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    vsnprintf(h->breach, sizeof(h->breach), fmt, args);
    va_end(args);
}

/* "Host functions are called only from inside a driver member and on the thread that called it." */
static struct mig_cf_host *used(const migrate_host *host, const char *member)
{
    struct mig_cf_host *h = of(host);
    if (!h->inside) {
        mig_cf_breach(h, "host->%s was called while no member was running", member);
    } else if (!pthread_equal(h->thread, pthread_self())) {
        mig_cf_breach(h, "host->%s was called on another thread than the member", member);
    }
    return h;
}

static const char *keep(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
    return text ? to : NULL;
}

static void keep_fault(struct mig_cf_host *h, const migrate_fault *f)
{
    h->fault = (migrate_fault){ .struct_size = sizeof(h->fault) };
    h->fault.klass = f->klass;
    h->fault.status = f->status;
    h->fault.native_code = f->native_code;
    h->fault.offset = f->offset;
    h->fault.sqlstate = keep(h->sqlstate, sizeof(h->sqlstate), f->sqlstate);
    h->fault.message = keep(h->message, sizeof(h->message), f->message);
    h->fault.detail = keep(h->detail, sizeof(h->detail), f->detail);
    h->fault.hint = keep(h->hint, sizeof(h->hint), f->hint);
    h->fault.object = keep(h->object, sizeof(h->object), f->object);
}

static migrate_status status_of(const migrate_fault *f)
{
    static const migrate_status by_class[] = {
        [MIGRATE_FAULT_RETRY_TX] = MIGRATE_E_LOCKED,         [MIGRATE_FAULT_RETRY_STMT] = MIGRATE_E_LOCKED,
        [MIGRATE_FAULT_CONN_LOST] = MIGRATE_E_CONN_LOST,     [MIGRATE_FAULT_READ_ONLY] = MIGRATE_E_READ_ONLY,
        [MIGRATE_FAULT_UNAVAILABLE] = MIGRATE_E_UNAVAILABLE, [MIGRATE_FAULT_AUTH] = MIGRATE_E_AUTH,
        [MIGRATE_FAULT_DENIED] = MIGRATE_E_DENIED,           [MIGRATE_FAULT_LOCK_TIMEOUT] = MIGRATE_E_LOCKED,
        [MIGRATE_FAULT_NO_DB] = MIGRATE_E_NO_DATABASE,       [MIGRATE_FAULT_DISK_FULL] = MIGRATE_E_DISK_FULL,
        [MIGRATE_FAULT_TOO_LARGE] = MIGRATE_E_TOO_LARGE,     [MIGRATE_FAULT_NOT_IN_TX] = 0,
    };
    if (f->status) {
        return f->status;
    }
    bool known = f->klass < sizeof(by_class) / sizeof(by_class[0]);
    return known && by_class[f->klass] ? by_class[f->klass] : MIGRATE_E_SQL;
}

static migrate_status host_fail(const migrate_host *host, migrate_error **err, const migrate_fault *fault)
{
    struct mig_cf_host *h = used(host, "fail");
    if (fault->struct_size < offsetof(migrate_fault, message) + sizeof(fault->message)) {
        mig_cf_breach(h, "a fault was given without struct_size");
        return MIGRATE_E_CONTRACT;
    }
    if (!fault->message || !*fault->message) {
        mig_cf_breach(h, "a fault was given without a message");
    } else if (fault->message[strlen(fault->message) - 1] == '\n') {
        mig_cf_breach(h, "the message of a fault ends in a newline");
    }
    if (fault->sqlstate && strlen(fault->sqlstate) != 5) {
        mig_cf_breach(h, "an sqlstate is not 5 characters long: '%s'", fault->sqlstate);
    }
    if (fault->klass == MIGRATE_FAULT_CANCELLED && !fault->status) {
        mig_cf_breach(h, "a fault CANCELLED was given without the status of tick()");
    }
    h->fails++;
    keep_fault(h, fault);
    h->failed_with = status_of(fault);
    return migrate_error_make(err, h->failed_with, fault->message, fault->hint);
}

/* The value of @p key in "key=value" lines. */
static const char *line_value(struct mig_cf_host *h, const char *key)
{
    size_t len = strlen(key);
    for (const char *at = h->options; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
        if (strncmp(at, key, len) == 0 && at[len] == '=') {
            size_t n = strcspn(at + len + 1, "\n");
            snprintf(h->value, sizeof(h->value), "%.*s", (int)n, at + len + 1);
            return h->value;
        }
    }
    return NULL;
}

static bool is_listed(const char *const *list, const char *key)
{
    for (; list && *list; list++) {
        if (strcmp(*list, key) == 0) {
            return true;
        }
    }
    return false;
}

static const char *host_option(const migrate_host *host, const char *key)
{
    struct mig_cf_host *h = used(host, "option");
    size_t n = h->driver_name ? strlen(h->driver_name) : 0;
    if (n && strncmp(key, h->driver_name, n) == 0 && key[n] == '.' &&
        !is_listed(h->driver_options, key + n + 1) && !is_listed(h->driver_options, key)) {
        mig_cf_breach(h, "option '%s' is asked for and not in the driver's list of options", key);
    }
    return line_value(h, key);
}

static void host_log(const migrate_host *host, uint32_t level, const char *text)
{
    struct mig_cf_host *h = used(host, "log");
    (void)level;
    h->logs++;
    if (strchr(text, '\n')) {
        mig_cf_breach(h, "a log line holds a newline");
    }
    if (h->password && *h->password && strstr(text, h->password)) {
        mig_cf_breach(h, "a log line holds the password");
    }
}

static void host_notice(const migrate_host *host, const char *severity, const char *sqlstate,
                        const char *text)
{
    struct mig_cf_host *h = used(host, "notice");
    (void)severity;
    (void)sqlstate;
    h->notices++;
    keep(h->notice, sizeof(h->notice), text);
}

static void host_progress(const migrate_host *host, const char *phase, uint64_t done, uint64_t total)
{
    struct mig_cf_host *h = used(host, "progress");
    if (!phase || (total && done > total)) {
        mig_cf_breach(h, "progress without a phase, or beyond its total");
    }
}

static void credentials_release(migrate_credentials *self)
{
    struct mig_cf_host *h = self->opaque;
    h->released_credentials++;
}

static migrate_status host_credentials(const migrate_host *host, uint32_t reason, migrate_credentials *out,
                                       migrate_error **err)
{
    struct mig_cf_host *h = used(host, "credentials");
    if (h->asked_credentials++ == 0) {
        h->first_reason = reason;
    }
    if (h->refuse_credentials) {
        return migrate_error_make(err, MIGRATE_E_CALLBACK, "no credentials for this case", NULL);
    }
    if (out->struct_size < offsetof(migrate_credentials, opaque) + sizeof(out->opaque)) {
        mig_cf_breach(h, "credentials() was called without struct_size");
        return MIGRATE_OK;
    }
    out->release = credentials_release;
    out->opaque = h;
    return MIGRATE_OK;
}

static migrate_status answer(struct mig_cf_host *h, int64_t now)
{
    if (h->stop_at && now >= h->stop_at) {
        return h->stop_status;
    }
    return now - h->entered_at > GIVE_UP_MS ? MIGRATE_E_DEADLINE : MIGRATE_OK;
}

static void note_gap(struct mig_cf_host *h, int64_t now)
{
    if (now - h->last_tick > h->longest_gap) {
        h->longest_gap = now - h->last_tick;
    }
    h->last_tick = now;
}

static migrate_status host_tick(const migrate_host *host)
{
    struct mig_cf_host *h = used(host, "tick");
    int64_t now = mig_cf_now_ms();
    h->ticks++;
    note_gap(h, now);
    if (h->readable_at && h->noticed_after < 0) {
        h->noticed_after = now - h->readable_at;
    }
    if (h->on_tick) {
        h->on_tick(h->on_tick_user);
        h->last_tick = mig_cf_now_ms(); /* our own time is not the driver's */
    }
    return answer(h, now);
}

static int64_t host_remaining_ms(const migrate_host *host)
{
    struct mig_cf_host *h = used(host, "remaining_ms");
    return h->stop_at ? h->stop_at - mig_cf_now_ms() : INT64_MAX;
}

static int32_t host_cancel_fd(const migrate_host *host)
{
    return used(host, "cancel_fd")->pipe[0];
}

/* One sleep of the driver may be long: here it is as if tick() had been called all the while. */
static migrate_status host_sleep(const migrate_host *host, uint32_t ms)
{
    struct mig_cf_host *h = used(host, "sleep");
    struct pollfd p = { .fd = h->pipe[0], .events = POLLIN };
    int64_t now = mig_cf_now_ms();
    note_gap(h, now);
    if (h->stop_at && h->stop_at - now < (int64_t)ms) {
        ms = h->stop_at > now ? (uint32_t)(h->stop_at - now) : 0;
    }
    poll(&p, h->pipe[0] >= 0 ? 1 : 0, (int)ms);
    h->ticks++;
    h->last_tick = mig_cf_now_ms();
    if (h->readable_at && h->noticed_after < 0) {
        h->noticed_after = h->last_tick - h->readable_at;
    }
    return answer(h, h->last_tick);
}

/* Members beyond the size that was told are poison: an address that no program has mapped. */
static void cut(migrate_host *vt, size_t size)
{
    if (size < sizeof(*vt)) {
        memset((char *)vt + size, 0x5a, sizeof(*vt) - size);
    }
    vt->struct_size = size;
}

bool mig_cf_host_init(struct mig_cf_host *h, const char *options, size_t size)
{
    memset(h, 0, sizeof(*h));
    h->options = options;
    h->noticed_after = -1;
    if (pipe(h->pipe) != 0) {
        h->pipe[0] = h->pipe[1] = -1;
        return false;
    }
    fcntl(h->pipe[0], F_SETFD, FD_CLOEXEC);
    fcntl(h->pipe[1], F_SETFD, FD_CLOEXEC);
    h->vt = (migrate_host){
        .struct_size = sizeof(migrate_host),
        .self = h,
        .fail = host_fail,
        .option = host_option,
        .log = host_log,
        .notice = host_notice,
        .progress = host_progress,
        .credentials = host_credentials,
        .tick = host_tick,
        .remaining_ms = host_remaining_ms,
        .cancel_fd = host_cancel_fd,
        .sleep = host_sleep,
    };
    cut(&h->vt, size);
    return true;
}

void mig_cf_host_done(struct mig_cf_host *h)
{
    if (h->pipe[0] >= 0) {
        close(h->pipe[0]);
        close(h->pipe[1]);
    }
    h->pipe[0] = h->pipe[1] = -1;
}

void mig_cf_enter(struct mig_cf_host *h)
{
    h->inside = true;
    h->thread = pthread_self();
    h->entered_at = h->last_tick = mig_cf_now_ms();
    h->longest_gap = 0;
    h->ticks = 0;
    h->fails = 0;
    h->failed_with = MIGRATE_OK;
    h->fault = (migrate_fault){ .struct_size = sizeof(h->fault) };
}

void mig_cf_leave(struct mig_cf_host *h)
{
    h->inside = false;
    note_gap(h, mig_cf_now_ms());
}

void mig_cf_stop_after(struct mig_cf_host *h, uint32_t ms, migrate_status status)
{
    h->stop_at = mig_cf_now_ms() + ms;
    h->stop_status = status;
}

void mig_cf_make_readable(struct mig_cf_host *h)
{
    h->readable_at = mig_cf_now_ms();
    if (write(h->pipe[1], "x", 1) < 0) {
        h->readable_at = 0;
    }
}
