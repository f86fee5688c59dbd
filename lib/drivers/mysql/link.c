/* SPDX-License-Identifier: Apache-2.0 */

/* The caller's side of a link. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/mysql/link_state.h"
#include "util/mem.h"

enum { GOODBYE_MS = 1000, GOODBYE_ADOPTED_MS = 10000 };

static bool open_pipe(int fds[2])
{
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0)
        return true;
    fds[0] = fds[1] = -1;
    return false;
}

/* Signals are the application's threads' affair: the worker takes none, SIGPIPE of its sockets included. */
static int start_thread(struct mig_my_link *l)
{
    sigset_t all, before;
    sigfillset(&all);
    int rc = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (rc)
        return rc;
    rc = pthread_create(&l->thread, NULL, mig_my_worker, l);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

struct mig_my_link *mig_my_link_new(void)
{
    struct mig_my_link *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->fd = -1;
    int rc = open_pipe(l->wake) ? 0 : errno;
    if (!rc && (rc = pthread_mutex_init(&l->lock, NULL)) == 0) {
        if ((rc = pthread_cond_init(&l->turn, NULL)) == 0) {
            if ((rc = start_thread(l)) == 0)
                return l;
            pthread_cond_destroy(&l->turn);
        }
        pthread_mutex_destroy(&l->lock);
    }
    if (l->wake[0] >= 0) {
        close(l->wake[0]);
        close(l->wake[1]);
    }
    free(l);
    errno = rc;
    return NULL;
}

void mig_my_link_destroy(struct mig_my_link *l)
{
    pthread_cond_destroy(&l->turn);
    pthread_mutex_destroy(&l->lock);
    close(l->wake[0]);
    close(l->wake[1]);
    mig_my_login_free(&l->login);
    mig_my_packet_free(&l->packet);
    mig_buf_free(&l->rows.data);
    free(l->connected.message);
    free(l);
}

/* ---- jobs ------------------------------------------------------------------- */

static void post(struct mig_my_link *l, enum mig_my_job job)
{
    pthread_mutex_lock(&l->lock);
    l->job = job;
    l->answered = 0;
    l->rows_full = l->rows_refused = l->rows_drop = false;
    pthread_cond_signal(&l->turn);
    pthread_mutex_unlock(&l->lock);
}

void mig_my_link_holds(struct mig_my_link *l, bool holds)
{
    pthread_mutex_lock(&l->lock);
    l->holds = holds;
    pthread_mutex_unlock(&l->lock);
}

void mig_my_link_connect(struct mig_my_link *l, struct mig_my_login *login)
{
    l->login = *login;
    *login = (struct mig_my_login){ 0 };
    post(l, MIG_MY_JOB_CONNECT);
}

void mig_my_link_adopt(struct mig_my_link *l, void *mysql)
{
    l->adopted = true;
    l->mysql = mysql;
    post(l, MIG_MY_JOB_CONNECT);
}

void mig_my_link_reset(struct mig_my_link *l)
{
    post(l, MIG_MY_JOB_RESET);
}

struct mig_my_packet *mig_my_link_packet(struct mig_my_link *l)
{
    return &l->packet;
}

void mig_my_link_send(struct mig_my_link *l)
{
    post(l, MIG_MY_JOB_SEND);
}

const struct mig_my_answer *mig_my_link_connected(const struct mig_my_link *l)
{
    return &l->connected;
}

const struct mig_my_server *mig_my_link_server(const struct mig_my_link *l)
{
    return &l->server;
}

/* ---- while a job runs -------------------------------------------------------- */

int mig_my_link_fd(const struct mig_my_link *l)
{
    return l->wake[0];
}

void mig_my_link_look(struct mig_my_link *l, struct mig_my_progress *out)
{
    char drain[64];
    while (read(l->wake[0], drain, sizeof drain) > 0)
        ;
    pthread_mutex_lock(&l->lock);
    out->busy = l->job != MIG_MY_JOB_NONE;
    out->answered = l->answered;
    out->rows = l->rows_full;
    out->waiting = l->waiting;
    pthread_mutex_unlock(&l->lock);
}

static const char *unpack(const char *at, void *value, size_t size)
{
    memcpy(value, at, size);
    return at + size;
}

/* One row from the block; returns where the next begins, NULL when memory is out. */
static const char *give_row(const struct mig_my_slot *slot, const char *at, migrate_text **cols, size_t *cap,
                            bool *refused)
{
    uint32_t n;
    at = unpack(at, &n, sizeof n);
    if (!mig_grow(cols, cap, n ? n : 1, sizeof **cols))
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        size_t len;
        at = unpack(at, &len, sizeof len);
        (*cols)[i] = len == SIZE_MAX ? (migrate_text){ NULL, 0 } : (migrate_text){ at, len };
        at += len == SIZE_MAX ? 0 : len + 1;
    }
    *refused = slot->on_row(slot->on_row_user, n, *cols) != 0;
    return at;
}

/* The worker stands still until rows_full is taken back, so the block may be read without the lock. */
void mig_my_link_take_rows(struct mig_my_link *l)
{
    struct mig_my_slot *slot = &l->packet.slots[l->rows.slot];
    const char *at = mig_buf_text(&l->rows.data);
    migrate_text *cols = NULL;
    size_t cap = 0;
    bool refused = false;
    for (size_t i = 0; i < l->rows.n && at && !refused; i++)
        at = give_row(slot, at, &cols, &cap, &refused);
    free(cols);
    if (!at)
        slot->answer.rows_lost = true;
    pthread_mutex_lock(&l->lock);
    l->rows_full = false;
    l->rows_refused = refused || !at;
    pthread_cond_signal(&l->turn);
    pthread_mutex_unlock(&l->lock);
}

void mig_my_link_cut(struct mig_my_link *l)
{
    pthread_mutex_lock(&l->lock);
    if (l->fd >= 0)
        (void)shutdown(l->fd, SHUT_RDWR);
    l->rows_drop = true;
    pthread_cond_signal(&l->turn);
    pthread_mutex_unlock(&l->lock);
}

/* ---- the end ----------------------------------------------------------------- */

static bool ended_within(struct mig_my_link *l, int ms)
{
    struct pollfd p = { .fd = l->wake[0], .events = POLLIN };
    for (;;) {
        pthread_mutex_lock(&l->lock);
        bool ended = l->ended;
        pthread_mutex_unlock(&l->lock);
        if (ended || ms <= 0)
            return ended;
        int step = ms < 50 ? ms : 50;
        if (poll(&p, 1, step) == 1) {
            char drain[64];
            while (read(l->wake[0], drain, sizeof drain) > 0)
                ;
        }
        ms -= step;
    }
}

void mig_my_link_close(struct mig_my_link *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    bool busy = l->job != MIG_MY_JOB_NONE;
    l->quit = true;
    l->rows_drop = true;
    if (busy)
        l->holds = false;
    if (busy && l->fd >= 0)
        (void)shutdown(l->fd, SHUT_RDWR);
    pthread_cond_signal(&l->turn);
    pthread_mutex_unlock(&l->lock);
    (void)ended_within(l, l->adopted ? GOODBYE_ADOPTED_MS : GOODBYE_MS);
    pthread_mutex_lock(&l->lock);
    bool ended = l->ended;
    if (!ended) {
        l->abandoned = true;
        pthread_detach(l->thread);
    }
    pthread_mutex_unlock(&l->lock);
    if (!ended)
        return;
    pthread_join(l->thread, NULL);
    mig_my_link_destroy(l);
}
