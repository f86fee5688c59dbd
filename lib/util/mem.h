/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_UTIL_MEM_H
#define MIG_UTIL_MEM_H

/* Copies of text, an arena for what lives and dies together, and wiping. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL for NULL or when memory is out. */
char *mig_strdup(const char *text);
char *mig_strndup(const char *text, size_t len);
/* NULL when memory is out. */
char *mig_sprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *mig_vsprintf(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

/* Overwrites memory in a way the compiler keeps. */
void mig_wipe(void *data, size_t len);
/* Wipes and frees a NUL-terminated secret; takes NULL. */
void mig_wipe_free(char *secret);

/* Bump allocator: no single frees. Zero-initialise. */
struct mig_arena_block;
struct mig_arena {
    struct mig_arena_block *blocks;
    size_t                  used; /* in the newest block */
    size_t                  size; /* of the newest block */
};

/* Zeroed, aligned for any type; NULL when memory is out. */
void *mig_arena_alloc(struct mig_arena *a, size_t size);
char *mig_arena_strndup(struct mig_arena *a, const char *text, size_t len);
char *mig_arena_strdup(struct mig_arena *a, const char *text); /* NULL for NULL */
void mig_arena_free(struct mig_arena *a);

/* realloc of an array to hold @p need elements, growing geometrically; false when memory is out and
 * nothing has changed. */
bool mig_grow(void *array_pointer, size_t *cap, size_t need, size_t element);

#endif
