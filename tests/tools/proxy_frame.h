/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_PROXY_FRAME_H
#define TEST_PROXY_FRAME_H

/* Where the messages of a protocol begin and end in a stream of bytes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum protocol { PROTOCOL_BYTES, PROTOCOL_POSTGRES, PROTOCOL_MYSQL };
enum direction { FROM_CLIENT, FROM_SERVER };

/* One direction of one connection. Zero-initialise, then set protocol and direction. */
struct framer {
    enum protocol  protocol;
    enum direction direction;
    bool     started; /* PostgreSQL: past the start-up message, which has no type */
    bool     opaque;  /* TLS has begun, or nonsense came: bytes from here on */
    uint8_t  head[5];
    size_t   have;    /* bytes of the head so far */
    uint64_t left;    /* bytes of the body still to come */
    uint64_t length;  /* of the current message, head included */
    uint8_t  first;   /* first byte of the body */
    bool     body_seen;
};

struct frame_event {
    bool     begins;  /* the byte just taken is the first of a message */
    bool     known;   /* … completes a head: type and length are known */
    bool     ends;    /* … is the last of a message */
    uint8_t  type;    /* PostgreSQL's type byte, 0 for start-up; MySQL: command or first byte */
    uint64_t length;
};

/* Takes one byte. */
struct frame_event frame_take(struct framer *f, uint8_t byte);

/* Was that the end of a request for encryption, which the server answers with a single byte? */
bool frame_asks_encryption(const struct framer *f, const struct frame_event *e);

/* The server's one-byte answer to a request for encryption: tells both framers what follows. */
void frame_encryption(struct framer *client, struct framer *server, uint8_t answer);

#endif
