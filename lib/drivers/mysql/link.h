/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_MYSQL_LINK_H
#define MIG_MYSQL_LINK_H

/* A connection of the client library and the thread that blocks in it. The caller posts one job at a time,
 * polls the descriptor of mig_my_link_fd(), and takes in what there is. While a job runs, login, packet and the
 * MYSQL belong to the worker, but for what is said here. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/mysql/login.h"
#include "drivers/mysql/packet.h"

struct mig_my_link;

/* NULL: memory, descriptors or threads are out (errno). */
struct mig_my_link *mig_my_link_new(void);
/* Ends it: waits a moment for the worker to say goodbye to the server, else leaves it to clean up alone. */
void mig_my_link_close(struct mig_my_link *l);

/* Holds session locks that are to be given back before it ends: the server would notice the end a moment later. */
void mig_my_link_holds(struct mig_my_link *l, bool holds);

/* Takes @p login over (wiped after use). */
void mig_my_link_connect(struct mig_my_link *l, struct mig_my_login *login);
/* Uses a MYSQL of the application instead; never closed. */
void mig_my_link_adopt(struct mig_my_link *l, void *mysql);
/* COM_RESET_CONNECTION; its answer is that of a connect. */
void mig_my_link_reset(struct mig_my_link *l);
/* The packet to fill while no job runs. */
struct mig_my_packet *mig_my_link_packet(struct mig_my_link *l);
void mig_my_link_send(struct mig_my_link *l);

/* What a caller sees. */
struct mig_my_progress {
    bool   busy;      /* the job has not ended */
    size_t answered;  /* slots whose answer is final */
    bool   rows;      /* a block of rows waits to be taken */
    bool   waiting;   /* the worker waits for the server, not for us */
};

int  mig_my_link_fd(const struct mig_my_link *l);
void mig_my_link_look(struct mig_my_link *l, struct mig_my_progress *out);
/* Gives the waiting rows to the on_row of their slot. */
void mig_my_link_take_rows(struct mig_my_link *l);
/* Shuts the socket down under the worker: every read or write of it ends at once. */
void mig_my_link_cut(struct mig_my_link *l);

/* After a connect. code 0: connected. */
const struct mig_my_answer *mig_my_link_connected(const struct mig_my_link *l);

/* What is known of a connected server. */
struct mig_my_server {
    unsigned long thread_id;
    uint32_t      version;
    bool          mariadb;
    bool          tls;        /* encrypted */
    bool          verified;   /* and the server's certificate checked */
    bool          names_sent; /* utf8mb4 is certain without SET NAMES */
    bool          ansi_known; /* status flags tell ANSI_QUOTES */
    unsigned      status;
    char          text[96];   /* version as the server says it */
    char          address[300];
};
const struct mig_my_server *mig_my_link_server(const struct mig_my_link *l);

#endif
