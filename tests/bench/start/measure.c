/* SPDX-License-Identifier: Apache-2.0 */
/* How long a Lambda runtime takes from exec() to its first request to the Runtime API, and what it costs:
 *
 *   measure [-m] RUNS PROGRAM [ARGUMENT]...
 *
 * This program is the Runtime API. Each run prints "US MINOR MAJOR RSS_KB": microseconds until the first /next, page
 * faults and resident memory once it waits for an answer; with -m one invocation follows, and the line goes on with "US
 * PEAK_KB ANSWER": from the event to the answer, the most that was resident, and whether it was a result. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { WAIT_MS = 60000, SETTLE_MS = 5 };

struct api {
    int listener, client;
    char request[65536];
    size_t len;
};

static void die(const char *what)
{
    fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void open_api(struct api *api)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    char address[64];
    api->client = -1;
    api->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (api->listener < 0 || bind(api->listener, (struct sockaddr *)&at, len) != 0 || listen(api->listener, 8) != 0 ||
        getsockname(api->listener, (struct sockaddr *)&at, &len) != 0)
        die("no socket");
    snprintf(address, sizeof address, "127.0.0.1:%d", ntohs(at.sin_port));
    (void)setenv("AWS_LAMBDA_RUNTIME_API", address, 1);
}

static void drop_client(struct api *api)
{
    if (api->client >= 0)
        close(api->client);
    api->client = -1;
    api->len = 0;
}

static void take_client(struct api *api)
{
    int on = 1;
    drop_client(api);
    api->client = accept4(api->listener, NULL, NULL, SOCK_CLOEXEC);
    if (api->client < 0)
        die("accept");
    (void)setsockopt(api->client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Head and, as long as it says, body. */
static bool is_whole(const struct api *api)
{
    const char *end = strstr(api->request, "\r\n\r\n"), *length = strcasestr(api->request, "content-length:");
    size_t body = length && length < end ? strtoul(length + 15, NULL, 10) : 0;
    return end && api->len >= (size_t)(end + 4 - api->request) + body;
}

/* The next request, on the connection that is there or a new one. */
static void read_request(struct api *api)
{
    api->len = 0;
    api->request[0] = '\0';
    while (!is_whole(api)) {
        struct pollfd fds[2] = { { .fd = api->listener, .events = POLLIN }, { .fd = api->client, .events = POLLIN } };
        if (poll(fds, 2, WAIT_MS) <= 0)
            die("no request came");
        if (fds[1].revents) {
            ssize_t n = recv(api->client, api->request + api->len, sizeof api->request - 1 - api->len, 0);
            if (n <= 0)
                drop_client(api);
            else
                api->len += (size_t)n;
            api->request[api->len] = '\0';
        } else {
            take_client(api);
        }
    }
}

static void expect(const struct api *api, const char *start)
{
    if (strncmp(api->request, start, strlen(start)) == 0)
        return;
    fprintf(stderr, "measure: expected %s, got %.200s\n", start, api->request);
    exit(1);
}

static void answer(const struct api *api, const char *text)
{
    if (send(api->client, text, strlen(text), MSG_NOSIGNAL) < 0)
        die("send");
}

static long in_status(pid_t pid, const char *key)
{
    char path[64], line[256];
    long value = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file && value < 0 && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtol(line + strlen(key), NULL, 10);
    }
    if (file)
        fclose(file);
    return value;
}

static void page_faults(pid_t pid, long *minor, long *major)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    const char *rest = file && fgets(text, sizeof text, file) ? strrchr(text, ')') : NULL;
    if (!rest || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %ld %*u %ld", minor, major) != 2)
        die("no page faults");
    fclose(file);
}

static void invoke(struct api *api, pid_t pid)
{
    char head[512];
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 1-1\r\n"
             "Lambda-Runtime-Deadline-Ms: %lld\r\nContent-Length: 2\r\n\r\n{}",
             ((long long)now.tv_sec + 60) * 1000);
    double sent = now_us();
    answer(api, head);
    read_request(api);
    double answered = now_us();
    expect(api, "POST /2018-06-01/runtime/invocation/1-1/");
    bool result = strncmp(api->request + 40, "response", 8) == 0;
    if (!result)
        fprintf(stderr, "measure: the answer was %.2000s\n", api->request);
    answer(api, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    read_request(api);
    printf(" %.0f %ld %s", answered - sent, in_status(pid, "VmHWM:"), result ? "result" : "error");
}

static void run(struct api *api, char **program, bool migrating)
{
    pid_t pid;
    long minor = 0, major = 0;
    double began = now_us();
    if (posix_spawn(&pid, program[0], NULL, NULL, program, environ) != 0)
        die(program[0]);
    read_request(api);
    double ready = now_us();
    expect(api, "GET /2018-06-01/runtime/invocation/next");
    (void)poll(NULL, 0, SETTLE_MS);
    page_faults(pid, &minor, &major);
    printf("%.0f %ld %ld %ld", ready - began, minor, major, in_status(pid, "VmRSS:"));
    if (migrating)
        invoke(api, pid);
    printf("\n");
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    drop_client(api);
}

int main(int argc, char **argv)
{
    static struct api api;
    bool migrating = argc > 1 && strcmp(argv[1], "-m") == 0;
    argv += migrating ? 2 : 1;
    argc -= migrating ? 2 : 1;
    if (argc < 2) {
        fprintf(stderr, "usage: measure [-m] RUNS PROGRAM [ARGUMENT]...\n");
        return 2;
    }
    open_api(&api);
    for (long runs = strtol(argv[0], NULL, 10); runs > 0; runs--)
        run(&api, argv + 1, migrating);
    return 0;
}
