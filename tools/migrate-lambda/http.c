/* SPDX-License-Identifier: Apache-2.0 */
/* Just enough HTTP for the Runtime API, which is plain and on this machine: a library for all of HTTP would take longer to
 * load than everything else this program does at its start. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bootstrap.h"

bool boot_http_init(struct boot_http *http, const char *address)
{
    const char *colon = strrchr(address, ':');
    size_t len = colon ? (size_t)(colon - address) : strlen(address);
    const char *port = colon ? colon + 1 : "80";
    if (len >= 2 && *address == '[' && address[len - 1] == ']') {
        address++;
        len -= 2;
    }
    *http = (struct boot_http){ .fd = -1 };
    if (len == 0 || len >= sizeof http->host || !*port || strlen(port) >= sizeof http->port)
        return false;
    memcpy(http->host, address, len);
    memcpy(http->port, port, strlen(port));
    return true;
}

void boot_http_close(struct boot_http *http)
{
    if (http->fd >= 0)
        close(http->fd);
    http->fd = -1;
}

/* ---- connecting -------------------------------------------------------------------- */

static int connect_to(int family, const struct sockaddr *address, socklen_t len)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, address, len) == 0)
        return fd;
    close(fd);
    return -1;
}

static int connect_named(const struct boot_http *http)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    int fd = -1;
    if (getaddrinfo(http->host, http->port, &hints, &found) != 0)
        return -1;
    for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
        fd = connect_to(a->ai_family, a->ai_addr, a->ai_addrlen);
    freeaddrinfo(found);
    return fd;
}

static bool open_connection(struct boot_http *http)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    boot_http_close(http);
    v4.sin_port = htons((uint16_t)strtoul(http->port, NULL, 10));
    if (inet_pton(AF_INET, http->host, &v4.sin_addr) == 1)
        http->fd = connect_to(AF_INET, (struct sockaddr *)&v4, sizeof v4);
    else
        http->fd = connect_named(http);
    return http->fd >= 0;
}

/* Between answers nothing comes on a kept connection but its end. */
static bool is_stale(const struct boot_http *http)
{
    struct pollfd poll_fd = { .fd = http->fd, .events = POLLIN };
    return poll(&poll_fd, 1, 0) != 0;
}

/* ---- a request ---------------------------------------------------------------------- */

static bool send_all(int fd, const char *data, size_t len, int more)
{
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL | more);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* In a buffer of its own: not even a lack of memory keeps an answer back, and the first request of the process goes out
 * before anything is allocated. */
struct head {
    char text[2048];
    size_t len;
    bool full;
};

static void add(struct head *h, const char *text)
{
    size_t len = strlen(text);
    h->full = h->full || len > sizeof h->text - h->len;
    if (h->full)
        return;
    memcpy(h->text + h->len, text, len);
    h->len += len;
}

static bool send_request(struct boot_http *http, const char *method, const char *path, const char *headers,
                         const char *body, size_t body_len)
{
    struct head head = { .len = 0 };
    char length[64];
    const char *const parts[] = { method, " ", path, " HTTP/1.1\r\nHost: ", http->host, ":", http->port,
                                  "\r\nUser-Agent: libmigrate/" MIGRATE_VERSION_STRING "\r\n", headers };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        add(&head, parts[i]);
    if (body) {
        (void)snprintf(length, sizeof length, "Content-Length: %zu\r\n", body_len);
        add(&head, length);
    }
    add(&head, "\r\n");
    return !head.full && send_all(http->fd, head.text, head.len, body_len ? MSG_MORE : 0) &&
           send_all(http->fd, body, body_len, 0);
}

static void do_meanwhile(struct boot_http *http)
{
    void (*meanwhile)(void *user) = http->meanwhile;
    http->meanwhile = NULL;
    if (meanwhile)
        meanwhile(http->user);
}

/* A kept connection may have died since the last request; a new one is tried once. Should the first request have arrived
 * nevertheless, the API refuses the second: an invocation has one answer. */
bool boot_http_do(struct boot_http *http, const char *method, const char *path, const char *headers, const char *body,
                  size_t body_len, int64_t ms, struct boot_response *out)
{
    *out = (struct boot_response){ .status = 0 };
    if (http->fd >= 0 && is_stale(http))
        boot_http_close(http);
    for (int attempt = 0; attempt < 2; attempt++) {
        bool kept = http->fd >= 0, keep = false;
        if (!kept && !open_connection(http))
            return false;
        bool good = send_request(http, method, path, headers, body, body_len);
        if (good)
            do_meanwhile(http);
        good = good && boot_http_read(http->fd, ms, out, &keep);
        if (!good || !keep)
            boot_http_close(http);
        if (good)
            return true;
        boot_response_free(out);
        if (!kept || out->begun || boot_signalled())
            return false;
    }
    return false;
}

/* ---- an answer ---------------------------------------------------------------------- */

void boot_header(const struct boot_response *response, const char *name, char *to, size_t cap)
{
    size_t len = strlen(name);
    *to = '\0';
    for (const char *line = response->head.data; line && *line; line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n');
        if (!end)
            return;
        if (strncasecmp(line, name, len) != 0 || line[len] != ':')
            continue;
        const char *value = line + len + 1;
        value += strspn(value, " \t");
        if ((size_t)(end - value) < cap) {
            memcpy(to, value, (size_t)(end - value));
            to[end - value] = '\0';
        }
        return;
    }
}

void boot_response_free(struct boot_response *response)
{
    boot_text_free(&response->head);
    boot_text_free(&response->body);
    response->status = 0;
}
