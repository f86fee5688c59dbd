/* SPDX-License-Identifier: Apache-2.0 */

/* Bytes on their way through the proxy: counted, delayed, and cut where it was asked for. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proxy.h"

int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- connections ---- */

int local_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return fd;
}

struct sockaddr_in local(int port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static void set_up(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void drop(struct link *l, bool reset)
{
    struct linger now = { 1, 0 };
    int fds[2] = { l->s[0].from, l->s[0].to };
    for (int i = 0; i < 2; i++) {
        if (reset)
            setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(fds[i]);
        for (struct chunk *c = l->s[i].first, *next; c; c = next) {
            next = c->next;
            free(c);
        }
    }
    memset(l, 0, sizeof *l);
}

static void open_stream(struct proxy *p, struct stream *s, int from, int to, enum direction d)
{
    *s = (struct stream){ .from = from, .to = to, .fault_at = UINT64_MAX,
                          .framer = { .protocol = p->protocol, .direction = d } };
}

void accept_one(struct proxy *p)
{
    int client = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        return;
    int server = local_socket();
    struct sockaddr_in to = local(p->target);
    struct link *l = p->links;
    while (l < p->links + MAX_LINKS && l->used)
        l++;
    if (l == p->links + MAX_LINKS || connect(server, (struct sockaddr *)&to, sizeof to)) {
        struct linger now = { 1, 0 };
        setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(client);
        close(server);
        return;
    }
    set_up(client);
    set_up(server);
    memset(l, 0, sizeof *l);
    l->used = true;
    open_stream(p, &l->s[FROM_CLIENT], client, server, FROM_CLIENT);
    open_stream(p, &l->s[FROM_SERVER], server, client, FROM_SERVER);
    p->connections++;
}

/* ---- looking at what comes ---- */

static uint64_t place_of(const struct proxy *p, const struct stream *s, uint64_t length)
{
    return p->where == BEFORE ? s->message_at : p->where == MIDDLE ? s->message_at + (length + 1) / 2 : s->taken + 1;
}

/* The message is known to its end: is it the one that was asked for by what it says? */
static void match_fault(struct proxy *p, struct stream *s, const struct frame_event *e)
{
    if (!e->ends || s->framer.direction != p->from || !note_holds(s, p->match))
        return;
    if (++p->matched == p->message && p->kind && !p->done)
        s->fault_at = place_of(p, s, e->length);
}

/* Decides at which byte the fault happens once enough of the message is known. */
static void place_fault(struct proxy *p, struct stream *s, const struct frame_event *e)
{
    bool ours = p->kind && !p->done && s->framer.direction == p->from && p->messages[p->from] == p->message;
    if (p->match)
        match_fault(p, s, e);
    if (p->match || !ours || s->fault_at != UINT64_MAX)
        return;
    if (p->where == BEFORE ? e->begins : p->where == MIDDLE ? e->known : e->ends)
        s->fault_at = place_of(p, s, e->length);
}

static bool is_goodbye(const struct proxy *p, const uint8_t *data, size_t len)
{
    if (p->protocol == PROTOCOL_POSTGRES)
        return len == 5 && data[0] == 'X';
    return p->protocol == PROTOCOL_MYSQL && len == 5 && data[3] == 0 && data[4] == 1;
}

static void count_wait(struct proxy *p, struct link *l, const uint8_t *data, size_t len)
{
    bool goodbye = is_goodbye(p, data, len) && l->s[FROM_CLIENT].framer.have == 0;
    if (l->s[FROM_CLIENT].taken != 0 && !l->server_spoke)
        return;
    l->server_spoke = false;
    if (goodbye)
        return;
    if (l->ready)
        p->waits++;
    else
        p->handshake_waits++;
}

/* Ready for the first query: PostgreSQL's ReadyForQuery, MySQL's first OK after the greeting. */
static void watch_ready(struct link *l, const struct frame_event *e, enum protocol protocol, uint64_t nth)
{
    if (protocol == PROTOCOL_POSTGRES)
        l->ready |= e->known && e->type == 'Z';
    else if (protocol == PROTOCOL_MYSQL)
        l->ready |= e->ends && nth > 1 && e->type == 0;
    else
        l->ready = true;
}

static void look(struct proxy *p, struct link *l, enum direction d, const uint8_t *data, size_t len)
{
    struct stream *s = &l->s[d];
    if (d == FROM_CLIENT)
        count_wait(p, l, data, len);
    for (size_t i = 0; i < len; i++) {
        if (d == FROM_SERVER && l->answer_due) {
            frame_encryption(&l->s[FROM_CLIENT].framer, &s->framer, data[i]);
            l->answer_due = false;
            s->taken++;
            continue;
        }
        struct frame_event e = frame_take(&s->framer, data[i]);
        if (e.begins) {
            p->messages[d]++;
            s->message_at = s->taken;
            note_begin(s);
        }
        note_byte(s, data[i]);
        if (e.ends && p->trace)
            note_print(p->trace, s, &e);
        place_fault(p, s, &e);
        l->answer_due |= d == FROM_CLIENT && frame_asks_encryption(&s->framer, &e);
        if (d == FROM_SERVER && !l->ready)
            watch_ready(l, &e, p->protocol, p->messages[d]);
        s->taken++;
    }
    p->bytes[d] += len;
}

/* ---- moving ---- */

/* false: there is no more for now. */
static bool receive_chunk(struct proxy *p, struct link *l, enum direction d)
{
    struct stream *s = &l->s[d];
    struct chunk *c = malloc(sizeof *c);
    if (!c)
        return false;
    ssize_t n = read(s->from, c->data, sizeof c->data);
    if (n <= 0) {
        free(c);
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            s->ended = true;
        return false;
    }
    c->next = NULL;
    c->due = now_us() + p->delay;
    c->len = (size_t)n;
    c->at = 0;
    if (s->last && s->first)
        s->last->next = c;
    else
        s->first = c;
    s->last = c;
    s->queued += c->len;
    look(p, l, d, c->data, c->len);
    return c->len == CHUNK;
}

/* All that is there: a burst is not to be cut in two by an answer to its first half. */
void receive(struct proxy *p, struct link *l, enum direction d)
{
    enum { MOST = 64 };
    for (int i = 0; i < MOST && receive_chunk(p, l, d); i++)
        ;
}

/* true: the connection is gone. */
static bool do_fault(struct proxy *p, struct link *l, struct stream *s)
{
    s->fault_at = UINT64_MAX;
    p->done = true;
    switch (p->kind) {
    case CUT:
    case RESET:
        drop(l, p->kind == RESET);
        return true;
    case HALF:
        shutdown(s->to, SHUT_WR);
        s->shut = true;
        return false;
    case STALL:
        l->stalled = true;
        return false;
    case RUN: {
        char number[24];
        snprintf(number, sizeof number, "%llu", (unsigned long long)p->message);
        setenv("MESSAGE", number, 1);
        if (p->command && system(p->command) == -1)
            perror("proxy: command");
        return false;
    }
    default:
        return false;
    }
}

static void pop(struct stream *s)
{
    struct chunk *c = s->first;
    s->first = c->next;
    if (!s->first)
        s->last = NULL;
    free(c);
}

/* Forwards what is due. */
void forward(struct proxy *p, struct link *l, enum direction d, int64_t now)
{
    struct stream *s = &l->s[d];
    while (!l->stalled) {
        if (s->fault_at != UINT64_MAX && s->given >= s->fault_at && do_fault(p, l, s))
            return;
        struct chunk *c = s->first;
        if (!c || c->due > now || s->shut)
            break;
        size_t n = c->len - c->at;
        if (s->fault_at != UINT64_MAX && s->given + n > s->fault_at)
            n = (size_t)(s->fault_at - s->given);
        ssize_t sent = n ? send(s->to, c->data + c->at, n, MSG_NOSIGNAL) : 0;
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (sent < 0) {
            drop(l, true);
            return;
        }
        if (d == FROM_SERVER && sent)
            l->server_spoke = true;
        s->given += (uint64_t)sent;
        s->queued -= (size_t)sent;
        c->at += (size_t)sent;
        if (c->at == c->len)
            pop(s);
    }
    if (s->ended && !s->first && !s->shut && !l->stalled) {
        shutdown(s->to, SHUT_WR);
        s->shut = true;
    }
    if (l->s[0].shut && l->s[1].shut && l->s[0].ended && l->s[1].ended)
        drop(l, false);
}
