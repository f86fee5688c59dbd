/* SPDX-License-Identifier: Apache-2.0 */
#include "util/mem.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *mig_strndup(const char *text, size_t len)
{
    if (!text)
        return NULL;
    char *copy = malloc(len + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *mig_strdup(const char *text)
{
    return text ? mig_strndup(text, strlen(text)) : NULL;
}

char *mig_vsprintf(const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int   n = vsnprintf(NULL, 0, fmt, args);
    char *text = n < 0 ? NULL : malloc((size_t)n + 1);
    if (text)
        (void)vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

char *mig_sprintf(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = mig_vsprintf(fmt, args);
    va_end(args);
    return text;
}

void mig_wipe(void *data, size_t len)
{
    volatile unsigned char *p = data;
    while (len--)
        *p++ = 0;
}

void mig_wipe_free(char *secret)
{
    if (!secret)
        return;
    mig_wipe(secret, strlen(secret));
    free(secret);
}

struct mig_arena_block {
    struct mig_arena_block *next;
    alignas(max_align_t) char data[];
};

enum { ARENA_BLOCK = 16 * 1024 };

static bool arena_block(struct mig_arena *a, size_t size)
{
    struct mig_arena_block *block = malloc(sizeof *block + size);
    if (!block)
        return false;
    block->next = a->blocks;
    a->blocks = block;
    a->used = 0;
    a->size = size;
    return true;
}

static void *arena_take(struct mig_arena *a, size_t size, size_t align)
{
    size_t at = (a->used + align - 1) & ~(align - 1);
    if (!a->blocks || at > a->size || size > a->size - at) {
        if (!arena_block(a, size > ARENA_BLOCK ? size : ARENA_BLOCK))
            return NULL;
        at = 0;
    }
    a->used = at + size;
    return a->blocks->data + at;
}

void *mig_arena_alloc(struct mig_arena *a, size_t size)
{
    void *p = arena_take(a, size, alignof(max_align_t));
    if (p)
        memset(p, 0, size);
    return p;
}

char *mig_arena_strndup(struct mig_arena *a, const char *text, size_t len)
{
    char *copy = arena_take(a, len + 1, 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *mig_arena_strdup(struct mig_arena *a, const char *text)
{
    return text ? mig_arena_strndup(a, text, strlen(text)) : NULL;
}

void mig_arena_free(struct mig_arena *a)
{
    while (a->blocks) {
        struct mig_arena_block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
    a->used = a->size = 0;
}

bool mig_grow(void *array_pointer, size_t *cap, size_t need, size_t element)
{
    if (need <= *cap)
        return true;
    size_t want = *cap ? *cap + *cap / 2 : 8;
    if (want < need)
        want = need;
    if (want > SIZE_MAX / element)
        return false;
    void *old;
    memcpy(&old, array_pointer, sizeof old);
    void *grown = realloc(old, want * element);
    if (!grown)
        return false;
    memcpy(array_pointer, &grown, sizeof grown);
    *cap = want;
    return true;
}
