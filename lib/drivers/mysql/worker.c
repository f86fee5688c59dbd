/* SPDX-License-Identifier: Apache-2.0 */

/* The thread that blocks in the client library. It knows nothing of the host. */

#include <errno.h>
#include <errmsg.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/mysql/link_state.h"
#include "util/mem.h"

enum { ROWS_BLOCK = 64 * 1024 };

/* A full pipe means that the caller has been woken already. */
void mig_my_wake(struct mig_my_link *l)
{
    ssize_t n;
    do
        n = write(l->wake[1], "", 1);
    while (n < 0 && errno == EINTR);
}

static void set_waiting(struct mig_my_link *l, bool waiting)
{
    pthread_mutex_lock(&l->lock);
    l->waiting = waiting;
    pthread_mutex_unlock(&l->lock);
}

/* ---- connecting ------------------------------------------------------------- */

/* A peer that is silently gone is noticed within a minute, also in a statement that runs for hours. */
static void keep_alive(int fd)
{
    static const struct { int level, name, value; } set[] = {
        { SOL_SOCKET, SO_KEEPALIVE, 1 },
#ifdef TCP_KEEPIDLE
        { IPPROTO_TCP, TCP_KEEPIDLE, 30 },
        { IPPROTO_TCP, TCP_KEEPINTVL, 10 },
        { IPPROTO_TCP, TCP_KEEPCNT, 3 },
#endif
    };
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        (void)setsockopt(fd, set[i].level, set[i].name, &set[i].value, sizeof set[i].value);
}

static void keep_socket(struct mig_my_link *l)
{
    int fd = mig_my_client_socket(l->mysql);
    int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy >= 0 && !l->adopted)
        keep_alive(copy);
    pthread_mutex_lock(&l->lock);
    l->fd = copy;
    pthread_mutex_unlock(&l->lock);
}

static void take_error(MYSQL *mysql, struct mig_my_answer *a)
{
    a->code = (int32_t)mysql_errno(mysql);
    if (!a->code)
        a->code = CR_UNKNOWN_ERROR;
    const char *state = mysql_sqlstate(mysql);
    memset(a->sqlstate, 0, sizeof a->sqlstate);
    if (state && strlen(state) == 5)
        memcpy(a->sqlstate, state, 5);
    free(a->message);
    a->message = mig_strdup(mysql_error(mysql));
}

static void do_connect(struct mig_my_link *l)
{
    struct mig_my_login *in = &l->login;
    struct mig_my_answer *a = &l->connected;
    a->code = 0;
    if (!l->adopted) {
        l->mysql = mig_my_client_prepare(in);
        if (!l->mysql) {
            a->code = CR_OUT_OF_MEMORY;
            return;
        }
        if (!mysql_real_connect(l->mysql, in->host, in->user, in->password, in->database, in->port, in->socket,
                                CLIENT_MULTI_STATEMENTS)) {
            take_error(l->mysql, a);
            mysql_close(l->mysql);
            l->mysql = NULL;
        }
    }
    if (l->adopted && !(l->mysql->client_flag & CLIENT_MULTI_STATEMENTS)) {
        l->multi_set = mysql_set_server_option(l->mysql, MYSQL_OPTION_MULTI_STATEMENTS_ON) == 0;
        if (!l->multi_set)
            take_error(l->mysql, a);
    }
    if (l->mysql) {
        keep_socket(l);
        mig_my_client_describe(l->mysql, in, &l->server);
    }
    mig_wipe_free(in->password);
    in->password = NULL;
}

static void do_reset(struct mig_my_link *l)
{
    l->connected.code = 0;
    if (mysql_reset_connection(l->mysql))
        take_error(l->mysql, &l->connected);
}

/* ---- rows --------------------------------------------------------------------- */

static void pack(struct mig_buf *b, const void *value, size_t size)
{
    mig_buf_add(b, value, size);
}

static void pack_row(struct mig_buf *b, uint32_t n, MYSQL_ROW row, const unsigned long *lengths)
{
    pack(b, &n, sizeof n);
    for (uint32_t i = 0; i < n; i++) {
        size_t len = row[i] ? lengths[i] : SIZE_MAX;
        pack(b, &len, sizeof len);
        if (row[i]) {
            mig_buf_add(b, row[i], len);
            mig_buf_char(b, '\0');
        }
    }
}

/* Hands the block over and stands still until it is taken. false: no more rows wanted. */
static bool hand_over(struct mig_my_link *l)
{
    bool more = true;
    pthread_mutex_lock(&l->lock);
    l->waiting = false;
    if (l->rows.n && !l->rows_drop) {
        l->rows_full = true;
        mig_my_wake(l);
        while (l->rows_full && !l->rows_drop)
            pthread_cond_wait(&l->turn, &l->lock);
    }
    l->rows_full = false;
    more = !l->rows_refused && !l->rows_drop;
    l->waiting = true;
    pthread_mutex_unlock(&l->lock);
    mig_buf_reset(&l->rows.data);
    l->rows.n = 0;
    return more;
}

/* Reads the rows of a result; false: the connection broke or the server ended it with an error. */
static bool read_rows(struct mig_my_link *l, size_t slot, MYSQL_RES *res)
{
    struct mig_my_slot *s = &l->packet.slots[slot];
    uint32_t columns = mysql_num_fields(res);
    bool wanted = s->on_row != NULL;
    int64_t n = 0;
    MYSQL_ROW row;
    l->rows.slot = slot;
    while ((row = mysql_fetch_row(res)) != NULL) {
        n++;
        if (!wanted)
            continue;
        pack_row(&l->rows.data, columns, row, mysql_fetch_lengths(res));
        if (l->rows.data.oom) {
            s->answer.rows_lost = true;
            wanted = false;
            mig_buf_free(&l->rows.data);
            l->rows.n = 0;
            continue;
        }
        l->rows.n++;
        if (l->rows.data.len >= ROWS_BLOCK)
            wanted = hand_over(l);
    }
    bool ok = mysql_errno(l->mysql) == 0;
    if (wanted && l->rows.n)
        (void)hand_over(l);
    s->answer.affected = n;
    return ok;
}

/* ---- a packet ------------------------------------------------------------------- */

/* Takes in one result of @p slot; false: it failed. */
static bool read_result(struct mig_my_link *l, size_t slot)
{
    struct mig_my_answer *a = &l->packet.slots[slot].answer;
    MYSQL_RES *res = mysql_use_result(l->mysql);
    bool ok = true;
    if (res) {
        ok = read_rows(l, slot, res);
        if (!ok)
            take_error(l->mysql, a);
        mysql_free_result(res);
    } else if (mysql_field_count(l->mysql) != 0 || mysql_errno(l->mysql) != 0) {
        take_error(l->mysql, a);
        ok = false;
    } else {
        a->affected = (int64_t)mysql_affected_rows(l->mysql);
    }
    a->status = l->mysql->server_status;
    a->warnings += mysql_warning_count(l->mysql);
    return ok;
}

static void answered(struct mig_my_link *l, size_t n)
{
    pthread_mutex_lock(&l->lock);
    l->answered = n;
    pthread_mutex_unlock(&l->lock);
    mig_my_wake(l);
}

/* What becomes of a statement that failed, and of those behind it. */
static void settle_failure(struct mig_my_packet *p, size_t slot)
{
    struct mig_my_answer *a = &p->slots[slot].answer;
    bool lost = mig_my_code_is_loss(a->code);
    a->outcome = lost ? MIGRATE_OUTCOME_UNKNOWN : MIGRATE_OUTCOME_FAILED;
    for (size_t i = slot + 1; i < p->n; i++)
        p->slots[i].answer.outcome = lost ? MIGRATE_OUTCOME_UNKNOWN : MIGRATE_OUTCOME_NONE;
}

/* Results there are more of than statements belong to the last one: it stands last because it may have several. */
static void do_send(struct mig_my_link *l)
{
    struct mig_my_packet *p = &l->packet;
    size_t at = 0, results = 0;
    int more = mysql_real_query(l->mysql, mig_buf_text(&p->text), p->text.len) ? 1 : 0;
    for (;;) {
        struct mig_my_answer *a = &p->slots[at].answer;
        if (more > 0) {
            take_error(l->mysql, a);
            a->status = l->mysql->server_status;
            break;
        }
        if (!read_result(l, at))
            break;
        results++;
        more = mysql_next_result(l->mysql);
        if (more < 0) {
            for (size_t i = results < p->n ? results - 1 : p->n - 1; i < p->n; i++)
                p->slots[i].answer.outcome = i < results ? MIGRATE_OUTCOME_DONE : MIGRATE_OUTCOME_UNKNOWN;
            return;
        }
        if (at + 1 < p->n) {
            a->outcome = MIGRATE_OUTCOME_DONE;
            answered(l, ++at);
        }
    }
    settle_failure(p, at);
}

static void do_quit(struct mig_my_link *l)
{
    static const char release[] = "DO RELEASE_ALL_LOCKS()";
    pthread_mutex_lock(&l->lock);
    bool holds = l->holds;
    pthread_mutex_unlock(&l->lock);
    if (l->mysql && holds)
        (void)mysql_real_query(l->mysql, release, sizeof release - 1);
    if (l->mysql && !l->adopted)
        mysql_close(l->mysql);
    else if (l->mysql && l->multi_set)
        (void)mysql_set_server_option(l->mysql, MYSQL_OPTION_MULTI_STATEMENTS_OFF);
    l->mysql = NULL;
    pthread_mutex_lock(&l->lock);
    int fd = l->fd;
    l->fd = -1;
    pthread_mutex_unlock(&l->lock);
    if (fd >= 0)
        close(fd);
}

static void do_job(struct mig_my_link *l, enum mig_my_job job)
{
    set_waiting(l, true);
    if (job == MIG_MY_JOB_CONNECT)
        do_connect(l);
    else if (job == MIG_MY_JOB_RESET)
        do_reset(l);
    else if (job == MIG_MY_JOB_SEND)
        do_send(l);
    pthread_mutex_lock(&l->lock);
    l->waiting = false;
    if (job == MIG_MY_JOB_SEND)
        l->answered = l->packet.n;
    l->job = MIG_MY_JOB_NONE;
    pthread_mutex_unlock(&l->lock);
    mig_my_wake(l);
}

/* The next job; QUIT when it is time to go. */
static enum mig_my_job next_job(struct mig_my_link *l)
{
    pthread_mutex_lock(&l->lock);
    while (l->job == MIG_MY_JOB_NONE && !l->quit)
        pthread_cond_wait(&l->turn, &l->lock);
    enum mig_my_job job = l->quit ? MIG_MY_JOB_QUIT : l->job;
    pthread_mutex_unlock(&l->lock);
    return job;
}

void *mig_my_worker(void *link)
{
    struct mig_my_link *l = link;
    if (mig_my_client_init())
        (void)mysql_thread_init();
    for (enum mig_my_job job; (job = next_job(l)) != MIG_MY_JOB_QUIT;)
        do_job(l, job);
    do_quit(l);
    mysql_thread_end();
    pthread_mutex_lock(&l->lock);
    l->ended = true;
    bool mine = l->abandoned;
    if (!mine)
        mig_my_wake(l); /* under the lock: the link is gone right after it */
    pthread_mutex_unlock(&l->lock);
    if (mine)
        mig_my_link_destroy(l);
    return NULL;
}
