/* SPDX-License-Identifier: Apache-2.0 */
/* Time, and who sees to it from outside: the engine stops by itself before its deadline; what cannot (a look-up of a
 * name, a callback of the application) is cancelled, and in the end answered for. */
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "aws/lambda.h"
#include "util/clock.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The margin is kept unless it would leave nothing to work in, as with Lambda's default of 3 seconds. */
void mig_lambda_times_set(struct mig_lambda_times *t, int64_t remaining_ms, int64_t margin_ms)
{
    int64_t now = mig_clock_mono_ms(), week = INT64_C(7) * 24 * 3600 * 1000;
    int64_t left = remaining_ms < 0 ? 0 : least(remaining_ms, week);
    int64_t work = left - margin_ms;
    if (work < 500)
        work = left / 2;
    t->end_ms = now + left;
    t->cut_ms = now + work;
    t->stop_ms = t->cut_ms - least(250, work / 10);
    t->last_ms = t->cut_ms + (t->end_ms - t->cut_ms) / 2;
}

/* ---- the context from outside ------------------------------------------------------ */

void mig_lambda_reach(struct migrate_lambda *l, void (*act)(migrate_ctx *ctx))
{
    atomic_fetch_add(&l->visitors, 1);
    migrate_ctx *ctx = atomic_load(&l->running);
    if (ctx)
        act(ctx);
    atomic_fetch_sub(&l->visitors, 1);
}

void mig_lambda_show(struct migrate_lambda *l, migrate_ctx *ctx)
{
    atomic_store(&l->running, ctx);
    if (atomic_load(&l->stop)) /* it came before there was anything to stop */
        migrate_ctx_stop(ctx);
}

void mig_lambda_hide(struct migrate_lambda *l)
{
    atomic_store(&l->running, NULL);
    while (atomic_load(&l->visitors) > 0)
        sched_yield(); /* a few instructions of another thread */
}

void migrate_lambda_stop(migrate_lambda *lambda)
{
    if (!lambda)
        return;
    atomic_store(&lambda->stop, true);
    mig_lambda_reach(lambda, migrate_ctx_stop);
}

/* ---- the thread -------------------------------------------------------------------- */

/* True when it is over, false when @p until has come. */
static bool wait_until(struct mig_lambda_watchdog *w, int64_t until)
{
    struct timespec at = { .tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000 };
    while (!w->over && mig_clock_mono_ms() < until)
        (void)pthread_cond_timedwait(&w->wake, &w->mutex, &at);
    return w->over;
}

static void *watch(void *user)
{
    struct mig_lambda_watchdog *w = user;
    (void)pthread_mutex_lock(&w->mutex);
    bool over = wait_until(w, w->times->cut_ms);
    if (!over)
        mig_lambda_reach(w->lambda, migrate_ctx_cancel);
    over = over || wait_until(w, w->times->last_ms);
    (void)pthread_mutex_unlock(&w->mutex);
    if (!over && w->last)
        w->last(w->user);
    return NULL;
}

/* Signals are the application's, not for a thread of ours. */
static bool start_thread(struct mig_lambda_watchdog *w)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    (void)sigfillset(&all);
    if (pthread_attr_init(&attributes) != 0)
        return false;
    /* The last answer is HTTP over TLS, and musl's default is too small for that. */
    (void)pthread_attr_setstacksize(&attributes, (size_t)512 * 1024);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&w->thread, &attributes, watch, w) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return started;
}

void mig_lambda_watchdog_start(struct mig_lambda_watchdog *w, struct migrate_lambda *l,
                               const struct mig_lambda_times *times, void (*last)(void *user), void *user)
{
    pthread_condattr_t attributes;
    *w = (struct mig_lambda_watchdog){ .lambda = l, .times = times, .last = last, .user = user };
    if (pthread_condattr_init(&attributes) != 0)
        return;
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    bool ready = pthread_cond_init(&w->wake, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    if (!ready)
        return;
    if (pthread_mutex_init(&w->mutex, NULL) == 0) {
        w->started = start_thread(w);
        if (w->started)
            return;
        (void)pthread_mutex_destroy(&w->mutex);
    }
    (void)pthread_cond_destroy(&w->wake);
}

void mig_lambda_watchdog_end(struct mig_lambda_watchdog *w)
{
    if (!w->started)
        return;
    (void)pthread_mutex_lock(&w->mutex);
    w->over = true;
    (void)pthread_cond_signal(&w->wake);
    (void)pthread_mutex_unlock(&w->mutex);
    (void)pthread_join(w->thread, NULL);
    (void)pthread_cond_destroy(&w->wake);
    (void)pthread_mutex_destroy(&w->mutex);
}
