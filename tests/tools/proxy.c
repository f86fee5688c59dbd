/* SPDX-License-Identifier: Apache-2.0 */

/* A TCP proxy for tests and measurements: it delays without limiting throughput, counts, and breaks things at an
 * exact place.
 *
 *   proxy [-l PORT] [-d MS] [-p postgres|mysql|bytes] [-f FAULT] [-x COMMAND] [-o FILE] TARGET_PORT
 *
 *   -l PORT     listen on 127.0.0.1:PORT; 0, the default, takes a free one
 *   -d MS       delay of each direction in milliseconds, fractions allowed: a round trip is twice that
 *   -p PROTOCOL how messages are told apart
 *   -f KIND:FROM:N[:WHERE]
 *               once, at message N (from 1, over all connections) that comes FROM client or server:
 *               cut    close both sides
 *               reset  close both sides with RST
 *               half   end the stream towards the receiver, leave the other direction open
 *               stall  forward nothing more on this connection, in both directions
 *               run    run COMMAND with everything halted, then go on
 *               WHERE: before (the default) the message is forwarded, in its middle, or after it
 *   -x COMMAND  for run; N is in $MESSAGE
 *   -o FILE     where the counters go; standard output otherwise
 *
 * The first line printed is {"port":N}. The counters are printed as one line of JSON on SIGUSR1 and at the end, which
 * is SIGTERM or SIGINT. A wait is a burst of the client after data of the server; a last goodbye is none. Waits
 * until the server is ready for the first query are counted apart. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

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

static volatile sig_atomic_t asked_report, asked_end;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        asked_report = 1;
    else
        asked_end = 1;
}

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void report(const struct proxy *p)
{
    FILE *f = p->out ? fopen(p->out, "a") : stdout;
    if (!f)
        return;
    fprintf(f,
            "{\"connections\":%llu,\"waits\":%llu,\"handshake_waits\":%llu,\"client_messages\":%llu,"
            "\"server_messages\":%llu,\"client_bytes\":%llu,\"server_bytes\":%llu,\"fault\":%s}\n",
            (unsigned long long)p->connections, (unsigned long long)p->waits, (unsigned long long)p->handshake_waits,
            (unsigned long long)p->messages[FROM_CLIENT], (unsigned long long)p->messages[FROM_SERVER],
            (unsigned long long)p->bytes[FROM_CLIENT], (unsigned long long)p->bytes[FROM_SERVER],
            p->done ? "true" : "false");
    fflush(f);
    if (p->out)
        fclose(f);
}

/* ---- connections ---- */

static int local_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return fd;
}

static struct sockaddr_in local(int port)
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

static void accept_one(struct proxy *p)
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

/* Decides at which byte the fault happens once enough of the message is known. */
static void place_fault(struct proxy *p, struct stream *s, const struct frame_event *e)
{
    bool ours = p->kind && !p->done && s->framer.direction == p->from && p->messages[p->from] == p->message;
    if (!ours || s->fault_at != UINT64_MAX)
        return;
    if (p->where == BEFORE && e->begins)
        s->fault_at = s->message_at;
    else if (p->where == MIDDLE && e->known)
        s->fault_at = s->message_at + (e->length + 1) / 2;
    else if (p->where == AFTER && e->ends)
        s->fault_at = s->taken + 1;
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
        }
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
static void receive(struct proxy *p, struct link *l, enum direction d)
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
static void forward(struct proxy *p, struct link *l, enum direction d, int64_t now)
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

/* ---- the loop ---- */

struct watch {
    struct pollfd  fd;
    struct link   *link;
    enum direction d;
};

static int64_t gather(struct proxy *p, struct watch *w, size_t *n)
{
    int64_t wait = 1000000, now = now_us();
    *n = 0;
    w[(*n)++] = (struct watch){ .fd = { p->listener, POLLIN, 0 } };
    for (struct link *l = p->links; l < p->links + MAX_LINKS; l++) {
        for (int d = 0; l->used && d < 2; d++) {
            struct stream *s = &l->s[d];
            short events = !s->ended && s->queued < MAX_QUEUED ? POLLIN : 0;
            if (events)
                w[(*n)++] = (struct watch){ { s->from, events, 0 }, l, (enum direction)d };
            if (!s->first || l->stalled)
                continue;
            if (s->first->due <= now)
                w[(*n)++] = (struct watch){ { s->to, POLLOUT, 0 }, l, (enum direction)d };
            else if (s->first->due - now < wait)
                wait = s->first->due - now;
        }
    }
    return wait;
}

static void turn(struct proxy *p)
{
    static struct watch w[MAX_LINKS * 4 + 1];
    static struct pollfd fds[MAX_LINKS * 4 + 1];
    size_t n;
    int64_t wait = gather(p, w, &n);
    for (size_t i = 0; i < n; i++)
        fds[i] = w[i].fd;
    struct timespec t = { wait / 1000000, wait % 1000000 * 1000 };
    sigset_t none;
    sigemptyset(&none);
    if (ppoll(fds, n, &t, &none) < 0)
        return;
    if (fds[0].revents)
        accept_one(p);
    for (size_t i = 1; i < n; i++) {
        if (fds[i].revents && fds[i].events == POLLIN && w[i].link->used)
            receive(p, w[i].link, w[i].d);
    }
    int64_t now = now_us();
    for (struct link *l = p->links; l < p->links + MAX_LINKS; l++) {
        for (int d = 0; l->used && d < 2; d++)
            forward(p, l, (enum direction)d, now);
    }
}

static int start_listening(struct proxy *p, int port)
{
    struct sockaddr_in at = local(port);
    socklen_t len = sizeof at;
    p->listener = local_socket();
    if (bind(p->listener, (struct sockaddr *)&at, sizeof at) || listen(p->listener, 128) ||
        getsockname(p->listener, (struct sockaddr *)&at, &len)) {
        perror("proxy");
        return 1;
    }
    printf("{\"port\":%u}\n", ntohs(at.sin_port));
    fflush(stdout);
    return 0;
}

/* ---- arguments ---- */

static int pick(const char *text, size_t len, const char *const *names)
{
    for (int i = 0; names[i]; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], text, len) == 0)
            return i;
    }
    fprintf(stderr, "proxy: unknown word: %.*s\n", (int)len, text);
    exit(2);
}

static void read_fault(struct proxy *p, const char *text)
{
    static const char *const kinds[] = { "none", "cut", "reset", "half", "stall", "run", NULL };
    static const char *const sides[] = { "client", "server", NULL };
    static const char *const places[] = { "before", "middle", "after", NULL };
    size_t n = strcspn(text, ":");
    p->kind = (enum kind)pick(text, n, kinds);
    text += n + (text[n] == ':');
    n = strcspn(text, ":");
    p->from = (enum direction)pick(text, n, sides);
    text += n + (text[n] == ':');
    char *end;
    p->message = strtoull(text, &end, 10);
    if (*end == ':')
        p->where = (enum where)pick(end + 1, strlen(end + 1), places);
}

static int usage(void)
{
    fprintf(stderr, "usage: proxy [-l PORT] [-d MS] [-p postgres|mysql|bytes] [-f KIND:FROM:N[:WHERE]] [-x COMMAND] "
                    "[-o FILE] TARGET_PORT\n");
    return 2;
}

int main(int argc, char **argv)
{
    static const char *const protocols[] = { "bytes", "postgres", "mysql", NULL };
    static struct proxy p = { .protocol = PROTOCOL_POSTGRES };
    int port = 0, option;
    while ((option = getopt(argc, argv, "l:d:p:f:x:o:")) != -1) {
        switch (option) {
        case 'l': port = atoi(optarg); break;
        case 'd': p.delay = (int64_t)(atof(optarg) * 1000); break;
        case 'p': p.protocol = (enum protocol)pick(optarg, strlen(optarg), protocols); break;
        case 'f': read_fault(&p, optarg); break;
        case 'x': p.command = optarg; break;
        case 'o': p.out = optarg; break;
        default: return usage();
        }
    }
    if (optind + 1 != argc)
        return usage();
    p.target = atoi(argv[optind]);
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGUSR1);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigprocmask(SIG_BLOCK, &ours, NULL); /* taken in ppoll() only */
    struct sigaction sa = { .sa_handler = on_signal };
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    if (start_listening(&p, port))
        return 1;
    while (!asked_end) {
        turn(&p);
        if (asked_report) {
            asked_report = 0;
            report(&p);
        }
    }
    report(&p);
    return 0;
}
