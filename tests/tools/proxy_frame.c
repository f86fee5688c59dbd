/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy_frame.h"

static size_t head_size(const struct framer *f)
{
    if (f->protocol == PROTOCOL_MYSQL)
        return 4;
    bool bare = f->direction == FROM_CLIENT && !f->started;
    return bare ? 4 : 5;
}

static uint64_t body_length(const struct framer *f)
{
    const uint8_t *h = f->head;
    if (f->protocol == PROTOCOL_MYSQL)
        return h[0] | (uint64_t)h[1] << 8 | (uint64_t)h[2] << 16;
    if (head_size(f) == 5)
        h++;
    uint64_t n = (uint64_t)h[0] << 24 | (uint64_t)h[1] << 16 | (uint64_t)h[2] << 8 | h[3];
    return n < 4 ? UINT64_MAX : n - 4;
}

static struct frame_event end_head(struct framer *f, struct frame_event e)
{
    uint64_t body = body_length(f);
    if (body > (uint64_t)2 << 30) {
        f->opaque = true;
        return e;
    }
    f->left = body;
    f->length = f->have + body;
    f->body_seen = false;
    e.known = true;
    e.length = f->length;
    if (f->protocol == PROTOCOL_POSTGRES)
        e.type = head_size(f) == 5 ? f->head[0] : 0;
    e.ends = body == 0;
    return e;
}

struct frame_event frame_take(struct framer *f, uint8_t byte)
{
    struct frame_event e = { .length = 1 };
    if (f->protocol == PROTOCOL_BYTES || f->opaque) {
        e.begins = e.known = e.ends = true;
        return e;
    }
    if (f->left == 0 && f->have < head_size(f)) {
        e.begins = f->have == 0;
        f->head[f->have++] = byte;
        if (f->have == head_size(f))
            e = end_head(f, e);
        if (e.ends)
            f->have = 0;
        return e;
    }
    e.length = f->length;
    if (!f->body_seen) {
        f->first = byte;
        f->body_seen = true;
    }
    if (--f->left == 0) {
        e.ends = true;
        e.type = f->protocol == PROTOCOL_MYSQL ? f->first : f->have == 5 ? f->head[0] : 0;
        f->have = 0;
        if (f->protocol == PROTOCOL_POSTGRES && f->direction == FROM_CLIENT && f->length != 8)
            f->started = true; /* a request for encryption has 8 bytes, and another start follows */
    }
    return e;
}

bool frame_asks_encryption(const struct framer *f, const struct frame_event *e)
{
    return f->protocol == PROTOCOL_POSTGRES && !f->started && !f->opaque && e->ends && e->length == 8;
}

void frame_encryption(struct framer *client, struct framer *server, uint8_t answer)
{
    if (answer == 'S' || answer == 'G')
        client->opaque = server->opaque = true;
}
