/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_MYSQL_FAKE_SERVER_H
#define TEST_MYSQL_FAKE_SERVER_H

/* A server that misbehaves: takes one connection on a port of its own and keeps what the client said. */

#include <pthread.h>
#include <stddef.h>

enum fake_kind {
    FAKE_SILENT,     /* accepts, and never greets */
    FAKE_CLOSES,     /* accepts and closes */
    FAKE_CLEAR_TEXT, /* asks for the password in clear text */
    FAKE_INFILE,     /* answers the first query with a request for a file */
};

struct fake {
    enum fake_kind kind;
    int            listening, port;
    pthread_t      thread;
    char           heard[4096]; /* all bytes of the client after the log-in packet */
    size_t         heard_len;
    char           file[300];   /* asked for by FAKE_INFILE */
};

void fake_start(struct fake *f, enum fake_kind kind);
void fake_stop(struct fake *f);

#endif
