/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_PROXY_H
#define TEST_PROXY_H

/* The connections of the proxy: what is under way on each, and the one fault. */

#include <netinet/in.h>
#include <signal.h>

#include "proxy_frame.h"

enum { CHUNK = 16384, MAX_LINKS = 512, MAX_QUEUED = 64 << 20 };
enum kind { NO_FAULT, CUT, RESET, HALF, STALL, RUN };
enum where { BEFORE, MIDDLE, AFTER };

struct chunk {
    struct chunk *next;
    int64_t       due; /* microseconds */
    size_t        len, at;
    uint8_t       data[CHUNK];
};

/* One direction of a connection. */
struct stream {
    int            from, to;
    struct framer  framer;
    struct chunk  *first, *last;
    size_t         queued;
    uint64_t       taken, given; /* bytes */
    uint64_t       fault_at;     /* offset at which the fault happens; UINT64_MAX none */
    uint64_t       message_at;   /* where the current message began */
    bool           ended;        /* read to its end */
    bool           shut;         /* its end was passed on */
};

struct link {
    bool          used, ready, stalled;
    bool          server_spoke; /* since the client's last burst */
    bool          answer_due;   /* one byte: may the client encrypt? */
    struct stream s[2];
};

struct proxy {
    enum protocol  protocol;
    int            listener, target;
    int64_t        delay;
    enum kind      kind;
    enum direction from;
    enum where     where;
    uint64_t       message;
    const char    *command;
    const char    *out;
    bool           done; /* the fault has happened */
    struct link    links[MAX_LINKS];
    uint64_t       connections, waits, handshake_waits, messages[2], bytes[2];
};

int64_t now_us(void);
int local_socket(void);
struct sockaddr_in local(int port);
/* A client is waiting: connects it to the server. */
void accept_one(struct proxy *p);
/* Takes what has come on one side. */
void receive(struct proxy *p, struct link *l, enum direction d);
/* Forwards what is due, and lets the fault happen at its byte. */
void forward(struct proxy *p, struct link *l, enum direction d, int64_t now);

#endif
