/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <time.h>

#include "binding.h"

#define TICK_NS 50000000L

struct talk *talk_new(void)
{
    struct talk *talk = calloc(1, sizeof *talk);
    if (!talk)
        return NULL;
    if (pthread_mutex_init(&talk->mutex, NULL) != 0) {
        free(talk);
        return NULL;
    }
    if (pthread_cond_init(&talk->cond, NULL) != 0) {
        pthread_mutex_destroy(&talk->mutex);
        free(talk);
        return NULL;
    }
    talk->refs = 1;
    return talk;
}

struct talk *talk_ref(struct talk *talk)
{
    pthread_mutex_lock(&talk->mutex);
    talk->refs++;
    pthread_mutex_unlock(&talk->mutex);
    return talk;
}

static void forget(struct talk *talk)
{
    free(talk->sql);
    free(talk->message);
    texts_free(&talk->texts);
    talk->sql = talk->message = NULL;
    talk->sql_len = 0;
}

void talk_unref(struct talk *talk)
{
    int left;
    if (!talk)
        return;
    pthread_mutex_lock(&talk->mutex);
    left = --talk->refs;
    pthread_mutex_unlock(&talk->mutex);
    if (left > 0)
        return;
    forget(talk);
    pthread_cond_destroy(&talk->cond);
    pthread_mutex_destroy(&talk->mutex);
    free(talk);
}

/* Under the mutex. */
static void wait_a_little(struct talk *talk, long ns)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += ns;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&talk->cond, &talk->mutex, &until);
}

enum talk_said talk_wait(struct talk *talk, talk_tick_fn tick, void *user, migrate_status *status)
{
    enum talk_said said;
    *status = MIGRATE_OK;
    pthread_mutex_lock(&talk->mutex);
    while (talk->said == SAID_NOTHING && *status == MIGRATE_OK) {
        wait_a_little(talk, TICK_NS);
        if (talk->said != SAID_NOTHING)
            break;
        /* the tick may send something to the server: not under the lock */
        pthread_mutex_unlock(&talk->mutex);
        *status = tick(user);
        pthread_mutex_lock(&talk->mutex);
    }
    said = *status == MIGRATE_OK ? talk->said : SAID_NOTHING;
    pthread_mutex_unlock(&talk->mutex);
    return said;
}

enum talk_said talk_hear(struct talk *talk, uint32_t ms)
{
    enum talk_said said;
    pthread_mutex_lock(&talk->mutex);
    if (talk->said == SAID_NOTHING && ms > 0)
        wait_a_little(talk, (long)ms * 1000000L);
    said = talk->said;
    pthread_mutex_unlock(&talk->mutex);
    return said;
}

void talk_next(struct talk *talk)
{
    pthread_mutex_lock(&talk->mutex);
    forget(talk);
    if (talk->said == SAID_EXEC)
        talk->said = SAID_NOTHING;
    pthread_mutex_unlock(&talk->mutex);
}

void talk_close(struct talk *talk)
{
    pthread_mutex_lock(&talk->mutex);
    talk->closed = true;
    pthread_mutex_unlock(&talk->mutex);
}

void talk_abandon(struct talk *talk)
{
    pthread_mutex_lock(&talk->mutex);
    if (talk->said != SAID_ANSWER)
        talk->said = SAID_ABANDONED;
    pthread_cond_signal(&talk->cond);
    pthread_mutex_unlock(&talk->mutex);
}

migrate_status talk_failure(const struct talk *talk, migrate_error **err)
{
    return migrate_error_make(err, MIGRATE_E_CALLBACK,
                              talk->message ? talk->message : "the JavaScript callback failed", NULL);
}
