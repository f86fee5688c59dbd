/* SPDX-License-Identifier: Apache-2.0 */

/* A TCP proxy for tests and measurements: it delays without limiting throughput, counts, and breaks things at
 * an exact place.
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
 *   -m TEXT     N counts only those messages of that side that hold TEXT in their first 1000 bytes
 *   -t FILE     one line for each message: side, type, length, text
 *   -o FILE     where the counters go; standard output otherwise
 *
 * The first line printed is {"port":N}. The counters are printed as one line of JSON on SIGUSR1 and at the
 * end, which is SIGTERM or SIGINT. A wait is a burst of the client after data of the server; a last goodbye
 * is none. Waits until the server is ready for the first query are counted apart. */

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proxy.h"

static volatile sig_atomic_t asked_report, asked_end;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        asked_report = 1;
    else
        asked_end = 1;
}

static void report(const struct proxy *p)
{
    FILE *f = p->out ? fopen(p->out, "a") : stdout;
    if (!f)
        return;
    fprintf(f,
            "{\"connections\":%llu,\"waits\":%llu,\"handshake_waits\":%llu,\"client_messages\":%llu,"
            "\"server_messages\":%llu,\"client_bytes\":%llu,\"server_bytes\":%llu,\"fault\":%s}\n",
            (unsigned long long)p->connections, (unsigned long long)p->waits,
            (unsigned long long)p->handshake_waits, (unsigned long long)p->messages[FROM_CLIENT],
            (unsigned long long)p->messages[FROM_SERVER], (unsigned long long)p->bytes[FROM_CLIENT],
            (unsigned long long)p->bytes[FROM_SERVER], p->done ? "true" : "false");
    fflush(f);
    if (p->out)
        fclose(f);
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
    fprintf(stderr,
            "usage: proxy [-l PORT] [-d MS] [-p postgres|mysql|bytes] [-f KIND:FROM:N[:WHERE]] [-x COMMAND] "
            "[-m TEXT] [-t FILE] [-o FILE] TARGET_PORT\n");
    return 2;
}

int main(int argc, char **argv)
{
    static const char *const protocols[] = { "bytes", "postgres", "mysql", NULL };
    static struct proxy p = { .protocol = PROTOCOL_POSTGRES };
    int port = 0, option;
    while ((option = getopt(argc, argv, "l:d:p:f:x:m:t:o:")) != -1) {
        switch (option) {
        case 'l': port = atoi(optarg); break;
        case 'd': p.delay = (int64_t)(atof(optarg) * 1000); break;
        case 'p': p.protocol = (enum protocol)pick(optarg, strlen(optarg), protocols); break;
        case 'f': read_fault(&p, optarg); break;
        case 'x': p.command = optarg; break;
        case 'm': p.match = optarg; break;
        case 't': p.trace = fopen(optarg, "a"); break;
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
