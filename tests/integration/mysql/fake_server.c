/* SPDX-License-Identifier: Apache-2.0 */

#include "fake_server.h"

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void send_packet(int fd, unsigned char number, const void *data, size_t len)
{
    unsigned char head[4] = { (unsigned char)len, (unsigned char)(len >> 8), (unsigned char)(len >> 16), number };
    (void)!write(fd, head, 4);
    (void)!write(fd, data, len);
}

/* Protocol 10, no TLS, CLIENT_PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH and a few more. */
static void greet(int fd)
{
    static const unsigned char greeting[] =
        "\x0a" "8.0.99-fake\0" "\x07\0\0\0" "abcdefgh\0" "\x85\xa2" "\x2d" "\x02\0" "\x1f\0" "\x15"
        "\0\0\0\0\0\0\0\0\0\0" "ijklmnopqrst\0" "mysql_native_password";
    send_packet(fd, 0, greeting, sizeof greeting);
}

/* Reads one packet; false at the end. */
static int read_packet(int fd, unsigned char *buf, size_t size, size_t *len)
{
    unsigned char head[4];
    size_t got = 0;
    if (recv(fd, head, 4, MSG_WAITALL) != 4)
        return 0;
    *len = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16;
    while (got < *len && got < size) {
        ssize_t n = recv(fd, buf + got, *len - got, 0);
        if (n <= 0)
            return 0;
        got += (size_t)n;
    }
    return 1;
}

static void listen_on(struct fake *f, int fd)
{
    for (;;) {
        ssize_t n = recv(fd, f->heard + f->heard_len, sizeof f->heard - f->heard_len, 0);
        if (n <= 0 || f->heard_len + (size_t)n >= sizeof f->heard)
            return;
        f->heard_len += (size_t)n;
    }
}

static void *serve(void *user)
{
    static const unsigned char ok[] = "\0\0\0\x02\0\0", clear[] = "\xfe" "mysql_clear_password";
    struct fake *f = user;
    unsigned char buf[4096];
    size_t len;
    int fd = accept(f->listening, NULL, NULL);
    if (fd < 0)
        return NULL;
    if (f->kind == FAKE_SILENT) {
        listen_on(f, fd);
    } else if (f->kind != FAKE_CLOSES) {
        greet(fd);
        if (read_packet(fd, buf, sizeof buf, &len)) {
            if (f->kind == FAKE_CLEAR_TEXT) {
                send_packet(fd, 2, clear, sizeof clear);
                listen_on(f, fd);
            } else {
                char ask[310];
                send_packet(fd, 2, ok, 7);
                if (read_packet(fd, buf, sizeof buf, &len)) {
                    int n = snprintf(ask, sizeof ask, "\xfb%s", f->file);
                    send_packet(fd, 1, ask, (size_t)n);
                    listen_on(f, fd);
                }
            }
        }
    }
    close(fd);
    return NULL;
}

void fake_start(struct fake *f, enum fake_kind kind)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    memset(f, 0, sizeof *f);
    f->kind = kind;
    snprintf(f->file, sizeof f->file, "/etc/passwd");
    f->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(f->listening, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(f->listening, 5), 0);
    ck_assert_int_eq(getsockname(f->listening, (struct sockaddr *)&a, &len), 0);
    f->port = ntohs(a.sin_port);
    ck_assert_int_eq(pthread_create(&f->thread, NULL, serve, f), 0);
}

void fake_stop(struct fake *f)
{
    shutdown(f->listening, SHUT_RDWR);
    close(f->listening);
    pthread_join(f->thread, NULL);
}
