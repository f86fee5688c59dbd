/* SPDX-License-Identifier: Apache-2.0 */
#include "util/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

void mig_buf_free(struct mig_buf *b)
{
    free(b->data);
    *b = (struct mig_buf)MIG_BUF_INIT;
}

void mig_buf_reset(struct mig_buf *b)
{
    b->len = 0;
    b->oom = false;
    if (b->data)
        b->data[0] = '\0';
}

bool mig_buf_reserve(struct mig_buf *b, size_t extra)
{
    if (b->oom || extra > SIZE_MAX / 2 - b->len - 1) {
        b->oom = true;
        return false;
    }
    size_t need = b->len + extra + 1;
    if (need <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need)
        cap += cap < (1u << 20) ? cap : cap / 2;
    char *data = realloc(b->data, cap);
    if (!data) {
        b->oom = true;
        return false;
    }
    b->data = data;
    b->data[b->len] = '\0';
    b->cap = cap;
    return true;
}

void mig_buf_add(struct mig_buf *b, const void *data, size_t len)
{
    if (!mig_buf_reserve(b, len))
        return;
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void mig_buf_str(struct mig_buf *b, const char *text)
{
    if (text)
        mig_buf_add(b, text, strlen(text));
}

void mig_buf_char(struct mig_buf *b, char c)
{
    mig_buf_add(b, &c, 1);
}

void mig_buf_vfmt(struct mig_buf *b, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    if (n > 0 && mig_buf_reserve(b, (size_t)n)) {
        (void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    } else if (n < 0) {
        b->oom = true;
    }
    va_end(again);
}

void mig_buf_fmt(struct mig_buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    mig_buf_vfmt(b, fmt, args);
    va_end(args);
}

void mig_buf_consume(struct mig_buf *b, size_t n)
{
    if (n > b->len)
        n = b->len;
    b->len -= n;
    if (b->data) {
        memmove(b->data, b->data + n, b->len);
        b->data[b->len] = '\0';
    }
}

const char *mig_buf_text(const struct mig_buf *b)
{
    return b->data ? b->data : "";
}

char *mig_buf_steal(struct mig_buf *b)
{
    if (!b->data && !b->oom)
        mig_buf_add(b, "", 0);
    char *data = b->oom ? NULL : b->data;
    if (!data)
        free(b->data);
    *b = (struct mig_buf)MIG_BUF_INIT;
    return data;
}

void mig_buf_wipe(struct mig_buf *b)
{
    if (b->data)
        mig_wipe(b->data, b->cap);
    mig_buf_free(b);
}
