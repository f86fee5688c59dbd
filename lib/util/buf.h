/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_UTIL_BUF_H
#define MIG_UTIL_BUF_H

/* A growing byte buffer, always NUL-terminated once anything was written or reserved. A failed allocation is
 * remembered in `oom` and makes every later append do nothing, so that a caller builds a whole text
 * and asks once at the end. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mig_buf {
    char  *data; /* NULL while empty */
    size_t len;
    size_t cap;
    bool   oom;
};

#define MIG_BUF_INIT { NULL, 0, 0, false }

void mig_buf_free(struct mig_buf *b);
/* Empties it and keeps the memory; forgets an earlier `oom`. */
void mig_buf_reset(struct mig_buf *b);
bool mig_buf_reserve(struct mig_buf *b, size_t extra);
void mig_buf_add(struct mig_buf *b, const void *data, size_t len);
void mig_buf_str(struct mig_buf *b, const char *text);
void mig_buf_char(struct mig_buf *b, char c);
void mig_buf_fmt(struct mig_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mig_buf_vfmt(struct mig_buf *b, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));
/* Drops @p n bytes from the front. */
void mig_buf_consume(struct mig_buf *b, size_t n);
/* The text, "" while empty. Owned by the buffer. */
const char *mig_buf_text(const struct mig_buf *b);
/* Hands the memory over ("" for an empty buffer) and empties it. NULL after a failed allocation. */
char *mig_buf_steal(struct mig_buf *b);
/* Overwrites the content before freeing it: for secrets. */
void mig_buf_wipe(struct mig_buf *b);

#endif
