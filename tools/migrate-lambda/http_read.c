/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an HTTP answer: its body has a length, comes in chunks, or ends with the connection. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bootstrap.h"

enum { HEAD_MAX = 64 * 1024, BODY_MAX = 32 * 1024 * 1024 };

struct reader {
    int fd;
    int64_t ms;
    char data[16384];
    size_t at, len;
    bool begun, ended;
};

/* A signal ends the wait: nobody is to be served any more. */
static bool fill(struct reader *r)
{
    ssize_t n;
    if (boot_wait(r->fd, POLLIN, r->ms) != 1)
        return false;
    do {
        n = recv(r->fd, r->data, sizeof r->data, 0);
    } while (n < 0 && errno == EINTR);
    r->at = 0;
    r->len = n > 0 ? (size_t)n : 0;
    r->begun = r->begun || n > 0;
    r->ended = n == 0;
    return n > 0;
}

/* A line without its end. */
static bool read_line(struct reader *r, struct boot_text *line, size_t max)
{
    for (;;) {
        if (r->at == r->len && !fill(r))
            return false;
        const char *end = memchr(r->data + r->at, '\n', r->len - r->at);
        size_t n = end ? (size_t)(end - (r->data + r->at)) : r->len - r->at;
        boot_text_add(line, r->data + r->at, n);
        r->at += n + (end ? 1 : 0);
        if (line->oom || line->len > max)
            return false;
        if (!end)
            continue;
        if (line->len && line->data[line->len - 1] == '\r')
            line->data[--line->len] = '\0';
        return true;
    }
}

static bool read_bytes(struct reader *r, struct boot_text *to, size_t want)
{
    if (want > BODY_MAX - to->len)
        return false;
    while (want) {
        if (r->at == r->len && !fill(r))
            return false;
        size_t n = r->len - r->at < want ? r->len - r->at : want;
        boot_text_add(to, r->data + r->at, n);
        r->at += n;
        want -= n;
    }
    return !to->oom;
}

static bool read_head(struct reader *r, struct boot_response *out)
{
    struct boot_text line = { .data = NULL };
    bool good = read_line(r, &line, HEAD_MAX) && line.len >= 12 && strncmp(line.data, "HTTP/1.", 7) == 0;
    out->status = good ? (int)strtol(line.data + 9, NULL, 10) : 0;
    while (good) {
        line.len = 0;
        good = read_line(r, &line, HEAD_MAX) && out->head.len < HEAD_MAX;
        if (!good || line.len == 0)
            break;
        boot_text_add(&out->head, line.data, line.len);
        boot_text_str(&out->head, "\n");
    }
    boot_text_free(&line);
    return good && out->status >= 100 && !out->head.oom;
}

static bool read_chunks(struct reader *r, struct boot_text *body)
{
    struct boot_text line = { .data = NULL };
    bool good = true, last = false;
    while (good && !last) {
        char *end = NULL;
        line.len = 0;
        good = read_line(r, &line, HEAD_MAX);
        unsigned long size = good && line.data ? strtoul(line.data, &end, 16) : 0;
        good = good && line.data && end != line.data && size <= BODY_MAX;
        last = size == 0;
        good = good && read_bytes(r, body, size);
        line.len = 0;
        if (good && !last)
            good = read_line(r, &line, 2) && line.len == 0;
    }
    while (good) { /* trailers, and the empty line */
        line.len = 0;
        good = read_line(r, &line, HEAD_MAX);
        if (line.len == 0)
            break;
    }
    boot_text_free(&line);
    return good;
}

static bool read_body(struct reader *r, struct boot_response *out, bool *keep)
{
    char value[32];
    boot_header(out, "Transfer-Encoding", value, sizeof value);
    if (strcasecmp(value, "chunked") == 0)
        return read_chunks(r, &out->body);
    boot_header(out, "Content-Length", value, sizeof value);
    if (*value)
        return read_bytes(r, &out->body, (size_t)strtoull(value, NULL, 10));
    if (out->status == 204 || out->status == 304)
        return true;
    *keep = false;
    while (read_bytes(r, &out->body, r->at < r->len ? r->len - r->at : 1))
        continue;
    return r->ended;
}

bool boot_http_read(int fd, int64_t ms, struct boot_response *out, bool *keep)
{
    struct reader r = { .fd = fd, .ms = ms };
    char value[32];
    do {
        boot_response_free(out);
        bool good = read_head(&r, out);
        out->begun = r.begun;
        if (!good)
            return false;
    } while (out->status < 200); /* 100 Continue */
    boot_header(out, "Connection", value, sizeof value);
    *keep = strcasecmp(value, "close") != 0;
    return read_body(&r, out, keep);
}
