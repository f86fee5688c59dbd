/* SPDX-License-Identifier: Apache-2.0 */

/* Ending a running statement. A cancel names the session, not the statement, so none is sent before the
 * statement and none may still be on its way when the statement is over. It is repeated, because one that
 * comes before the server has begun, or between two statements of a pipeline, has no effect. */

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "pg.h"
#include "util/clock.h"

enum { REPEAT_MS = 400, LAST_WAIT_MS = 2000 };

#ifdef LIBPQ_HAS_ASYNC_CANCEL

/* libpq 17: non-blocking, and over TLS if the connection is. */
struct mig_pg_cancel {
    PGcancelConn *request; /* NULL: none on its way */
    short         events;
    int64_t       sent_at;
};

static bool begin_request(struct mig_pg *c, struct mig_pg_cancel *j)
{
    j->request = PQcancelCreate(c->pg);
    j->events = POLLOUT;
    if (j->request && PQcancelStart(j->request))
        return true;
    PQcancelFinish(j->request);
    j->request = NULL;
    return false;
}

/* true: it is through, or has failed. */
static bool request_over(struct mig_pg_cancel *j)
{
    if (!j->request)
        return true;
    struct pollfd fd = { .fd = PQcancelSocket(j->request), .events = j->events };
    if (poll(&fd, 1, 0) <= 0)
        return false;
    PostgresPollingStatusType s = PQcancelPoll(j->request);
    j->events = s == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (s != PGRES_POLLING_OK && s != PGRES_POLLING_FAILED)
        return false;
    PQcancelFinish(j->request);
    j->request = NULL;
    return true;
}

static void drop_request(struct mig_pg_cancel *j)
{
    PQcancelFinish(j->request);
}

int mig_pg_cancel_poll(const struct mig_pg *c, short *events)
{
    if (!c->cancel || !c->cancel->request)
        return -1;
    *events = c->cancel->events;
    return PQcancelSocket(c->cancel->request);
}

#else

/* Older libpq can only block until the server has taken it: a thread does. It outlives a connection that does
 * not wait for it, so what it uses is counted. */
struct request {
    atomic_int refs;
    atomic_int over;
    PGcancel  *cancel;
};

struct mig_pg_cancel {
    struct request *request; /* NULL: none on its way */
    int64_t         sent_at;
};

static void release(struct request *r)
{
    if (atomic_fetch_sub(&r->refs, 1) != 1)
        return;
    PQfreeCancel(r->cancel);
    free(r);
}

static void *ask(void *arg)
{
    struct request *r = arg;
    char words[256];
    PQcancel(r->cancel, words, sizeof words);
    atomic_store(&r->over, 1);
    release(r);
    return NULL;
}

/* The thread takes no signal of the application's, SIGPIPE included. */
static bool start_thread(struct request *r)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    bool started = pthread_create(&thread, NULL, ask, r) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        pthread_detach(thread);
    return started;
}

static bool begin_request(struct mig_pg *c, struct mig_pg_cancel *j)
{
    struct request *r = calloc(1, sizeof *r);
    if (!r)
        return false;
    r->cancel = PQgetCancel(c->pg);
    atomic_store(&r->refs, 2);
    if (r->cancel && start_thread(r)) {
        j->request = r;
        return true;
    }
    PQfreeCancel(r->cancel);
    free(r);
    return false;
}

static void drop_request(struct mig_pg_cancel *j)
{
    if (j->request)
        release(j->request);
    j->request = NULL;
}

static bool request_over(struct mig_pg_cancel *j)
{
    if (j->request && !atomic_load(&j->request->over))
        return false;
    drop_request(j);
    return true;
}

int mig_pg_cancel_poll(const struct mig_pg *c, short *events)
{
    (void)c;
    (void)events;
    return -1;
}

#endif

void mig_pg_cancel_step(struct mig_pg *c)
{
    int64_t now = mig_clock_mono_ms();
    if (!c->cancel)
        c->cancel = calloc(1, sizeof *c->cancel);
    struct mig_pg_cancel *j = c->cancel;
    if (!j || !request_over(j) || (j->sent_at && now - j->sent_at < REPEAT_MS))
        return;
    j->sent_at = now;
    begin_request(c, j);
}

bool mig_pg_cancel_end(struct mig_pg *c)
{
    struct mig_pg_cancel *j = c->cancel;
    if (!j)
        return true;
    int64_t until = mig_clock_mono_ms() + (c->dead ? 0 : LAST_WAIT_MS);
    bool over;
    while (!(over = request_over(j)) && mig_clock_mono_ms() < until) {
        mig_pg_tick(c, false);
        nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
    }
    drop_request(j);
    free(j);
    c->cancel = NULL;
    return over;
}
