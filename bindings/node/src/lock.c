/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binding.h"

/* A lock in JavaScript: each member is a question, and its answer a status with texts. JavaScript does them one
 * after the other. */

enum asked_for { ACQUIRE, RELEASE, RENEW, VERIFY, INSPECT, BREAK };
enum { HOLDER_WIDTH = 6, RENEW_MS = 80 };

struct lock {
    struct handle *handle;
    struct talk   *last;     /* what the holder's texts live in until the next question */
    struct talk   *renewing; /* asked and not yet heard */
};

static void put_down(struct talk **talk)
{
    if (*talk)
        talk_close(*talk);
    talk_unref(*talk);
    *talk = NULL;
}

static struct message *question(struct lock *l, enum asked_for what, const char *key, struct talk *talk)
{
    struct job *job = l->handle->calling;
    struct message *message = job && talk ? message_new(job, MESSAGE_LOCK, talk) : NULL;
    if (!message)
        return NULL;
    message->number = what;
    message->text = strdup(key);
    return message;
}

/* Status of an answer: a failure has JavaScript's words. */
static migrate_status hear(const struct talk *talk, migrate_error **err)
{
    if (talk->status < 0)
        return talk_failure(talk, err);
    if (talk->status < MIGRATE_E_ARGUMENT)
        return talk->status;
    return migrate_error_make(err, talk->status, talk->message ? talk->message : "the lock failed", NULL);
}

static migrate_status only_host(void *user)
{
    const struct waiting *waiting = user;
    return waiting->host->tick(waiting->host);
}

/* Asks and waits. A lock is given back also when the call was asked to stop: the host limits that time. */
static migrate_status ask(struct lock *l, const migrate_host *host, struct message *message, migrate_error **err)
{
    struct waiting waiting = { host, l->handle->ctx };
    migrate_status status = MIGRATE_OK;
    talk_tick_fn tick;
    if (!message)
        return migrate_error_make(err, MIGRATE_E_NOMEM, "out of memory", NULL);
    tick = message->number == RELEASE ? only_host : message_tick;
    if (message_ask(message, tick, &waiting, &status) == SAID_ANSWER)
        return hear(l->last, err);
    return message_unheard(status, "the lock", err);
}

static struct message *begin(struct lock *l, enum asked_for what, const char *key)
{
    put_down(&l->last);
    l->last = talk_new();
    return question(l, what, key, l->last);
}

static const char *text_at(const struct lock *l, size_t i)
{
    return l->last && i < l->last->texts.n ? l->last->texts.at[i].data : NULL;
}

/* Texts of an answer: session_id, application, host, user, doing, since in milliseconds. */
static void fill(const struct lock *l, migrate_holder *holder)
{
    const char *since = text_at(l, 5);
    if (!holder || holder->struct_size < sizeof *holder)
        return;
    holder->session_id = text_at(l, 0);
    holder->application = text_at(l, 1);
    holder->host = text_at(l, 2);
    holder->user = text_at(l, 3);
    holder->doing = text_at(l, 4);
    holder->since_ms = since ? strtoll(since, NULL, 10) : 0;
}

static migrate_status acquire(void *self, const migrate_host *host, const char *key, uint64_t *token,
                              migrate_holder *holder, migrate_error **err)
{
    struct lock *l = self;
    migrate_status status = ask(l, host, begin(l, ACQUIRE, key), err);
    if (status == MIGRATE_BUSY)
        fill(l, holder);
    if (status == MIGRATE_OK)
        *token = text_at(l, 0) ? strtoull(text_at(l, 0), NULL, 10) : 0;
    return status;
}

static migrate_status release(void *self, const migrate_host *host, const char *key, migrate_error **err)
{
    struct lock *l = self;
    put_down(&l->renewing);
    return ask(l, host, begin(l, RELEASE, key), err);
}

/* Called from within a tick, so it must not wait for long: what is not answered at once is heard the next time. That
 * the lease then counts from a little too late is made up for by the shorter ttl of js_use_lock(). */
static migrate_status renew(void *self, const migrate_host *host, const char *key, migrate_error **err)
{
    struct lock *l = self;
    migrate_status before = MIGRATE_E_LOCK;
    (void)host;
    if (l->renewing && talk_hear(l->renewing, 0) == SAID_NOTHING)
        return migrate_error_make(err, MIGRATE_E_LOCK, "the lock has not answered since it was last renewed", NULL);
    if (l->renewing)
        before = hear(l->renewing, NULL);
    if (before == MIGRATE_E_LOCK_LOST)
        return migrate_error_make(err, MIGRATE_E_LOCK_LOST, "the lock was lost", NULL);
    put_down(&l->renewing);
    l->renewing = talk_new();
    struct message *message = question(l, RENEW, key, l->renewing);
    if (!message || !message_send(message)) {
        put_down(&l->renewing);
        return message_unheard(MIGRATE_OK, "the lock", err);
    }
    if (talk_hear(l->renewing, RENEW_MS) != SAID_ANSWER)
        return before == MIGRATE_OK ? before : migrate_error_make(err, MIGRATE_E_LOCK, "no answer yet", NULL);
    migrate_status status = hear(l->renewing, err);
    put_down(&l->renewing);
    return status;
}

static migrate_status verify(void *self, const migrate_host *host, const char *key, migrate_error **err)
{
    return ask(self, host, begin(self, VERIFY, key), err);
}

static migrate_status inspect(void *self, const migrate_host *host, const char *key, migrate_holder *holder,
                              migrate_error **err)
{
    struct lock *l = self;
    migrate_status status = ask(l, host, begin(l, INSPECT, key), err);
    if (status == MIGRATE_OK)
        fill(l, holder);
    return status;
}

static migrate_status break_lock(void *self, const migrate_host *host, const char *key, const migrate_holder *holder,
                                 migrate_error **err)
{
    char since[32];
    const char *strings[HOLDER_WIDTH] = { NULL };
    struct message *message = begin(self, BREAK, key);
    if (holder && holder->struct_size >= sizeof *holder) {
        snprintf(since, sizeof since, "%lld", (long long)holder->since_ms);
        memcpy(strings, (const char *[HOLDER_WIDTH]){ holder->session_id, holder->application, holder->host,
                                                      holder->user, holder->doing, since }, sizeof strings);
    }
    if (message && holder)
        texts_copy(&message->texts, strings, HOLDER_WIDTH);
    return ask(self, host, message, err);
}

static void free_lock(void *self)
{
    struct lock *l = self;
    put_down(&l->renewing);
    put_down(&l->last);
    free(l);
}

static migrate_lock_ops make_ops(uint32_t has, uint32_t renew_every_ms, uint32_t ttl_ms)
{
    migrate_lock_ops ops = { .struct_size = sizeof ops, .api = MIGRATE_LOCK_API, .name = "javascript" };
    ops.renew_every_ms = renew_every_ms;
    ops.ttl_ms = ttl_ms > renew_every_ms ? ttl_ms - renew_every_ms : ttl_ms;
    ops.acquire = acquire;
    ops.release = release;
    ops.free = free_lock;
    ops.renew = has & (1u << RENEW) ? renew : NULL;
    ops.verify = has & (1u << VERIFY) ? verify : NULL;
    ops.inspect = has & (1u << INSPECT) ? inspect : NULL;
    ops.break_lock = has & (1u << BREAK) ? break_lock : NULL;
    return ops;
}

/* useLock(which members it has, renewEvery, ttl) */
napi_value js_use_lock(napi_env env, napi_callback_info info)
{
    size_t argc = 3;
    napi_value argv[3] = { NULL };
    uint32_t has = 0, renew_every_ms = 0, ttl_ms = 0;
    migrate_error *err = NULL;
    struct handle *handle = this_handle(env, info, &argc, argv, true);
    struct lock *lock = handle ? calloc(1, sizeof *lock) : NULL;
    if (!lock)
        return handle ? fail(env, "libmigrate: out of memory") : NULL;
    napi_get_value_uint32(env, argv[0], &has);
    napi_get_value_uint32(env, argv[1], &renew_every_ms);
    napi_get_value_uint32(env, argv[2], &ttl_ms);
    lock->handle = handle;
    handle->lock_ops = make_ops(has, renew_every_ms, ttl_ms);
    migrate_status status = migrate_ctx_use_lock(handle->ctx, &handle->lock_ops, lock, &err);
    return status == MIGRATE_OK ? NULL : throw_failure(env, status, err);
}
