/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_MYSQL_LINK_STATE_H
#define MIG_MYSQL_LINK_STATE_H

/* What the two threads of a link share: link.c is the caller's side, worker.c the other, client.c the
 * client library's habits. */

#include <mysql.h>
#include <pthread.h>

#include "drivers/mysql/link.h"

enum mig_my_job { MIG_MY_JOB_NONE, MIG_MY_JOB_CONNECT, MIG_MY_JOB_RESET, MIG_MY_JOB_SEND, MIG_MY_JOB_QUIT };

/* Rows on their way to the caller: for each a uint32_t count, then per column a size_t length (SIZE_MAX: NULL)
 * and the bytes with a NUL. */
struct mig_my_rows {
    struct mig_buf data;
    size_t         n;
    size_t         slot;
};

struct mig_my_link {
    pthread_mutex_t lock;
    pthread_cond_t  turn; /* the worker waits for a job, or for its rows to be taken */
    pthread_t       thread;
    int             wake[2];

    /* Under the lock. */
    enum mig_my_job job; /* NONE: idle */
    bool   quit, ended, abandoned;
    bool   waiting;      /* the worker is in the client library */
    bool   rows_full, rows_refused, rows_drop;
    size_t answered;
    bool   holds;        /* session locks */
    int    fd;           /* a duplicate of the socket, so that it names this one and no other; -1 none */

    /* The worker's while a job runs, else the caller's. */
    MYSQL *mysql;
    bool   adopted;
    bool   multi_set;    /* several statements a packet were not allowed before */
    struct mig_my_login  login;
    struct mig_my_packet packet;
    struct mig_my_rows   rows;
    struct mig_my_answer connected;
    struct mig_my_server server;
};

/* ---- worker.c ---- */

void *mig_my_worker(void *link);
void mig_my_wake(struct mig_my_link *l);
void mig_my_link_destroy(struct mig_my_link *l);

/* ---- fault.c ---- */

/* Did a statement that got this code leave the connection dead, and itself in the dark? */
bool mig_my_code_is_loss(int32_t code);

/* ---- client.c ---- */

/* The library's one-time set-up; leaves the process's handling of SIGPIPE as it was. false: memory. */
bool mig_my_client_init(void);
/* A handle with the options of @p login set. NULL: memory. */
MYSQL *mig_my_client_prepare(const struct mig_my_login *login);
int  mig_my_client_socket(MYSQL *mysql);
void mig_my_client_describe(MYSQL *mysql, const struct mig_my_login *login, struct mig_my_server *out);

#endif
