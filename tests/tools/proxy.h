/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_PROXY_H
#define TEST_PROXY_H

/* The connections of the proxy: what is under way on each, and the one fault. */

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>

#include "proxy_frame.h"

enum { CHUNK = 16384, MAX_LINKS = 512, MAX_QUEUED = 64 << 20, NOTED = 1024 };
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
    uint8_t        note[NOTED];  /* how the current message begins */
    size_t         noted;
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
    const char    *match;   /* only messages that hold this are counted for the fault; NULL all */
    uint64_t       matched; /* so far */
    FILE          *trace;
    const char    *command;
    const char    *out;
    bool           done; /* the fault has happened */
    struct link    links[MAX_LINKS];
    uint64_t       connections, waits, handshake_waits, messages[2], bytes[2];
};

/* ---- proxy_match.c ---- */

void note_begin(struct stream *s);
void note_byte(struct stream *s, uint8_t byte);
bool note_holds(const struct stream *s, const char *text);
void note_print(FILE *f, const struct stream *s, const struct frame_event *e);

/* ---- proxy_link.c ---- */

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
