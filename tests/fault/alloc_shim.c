/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Preloaded into a program: its $ALLOC_FAIL_AT-th allocation fails, with $ALLOC_FAIL_ON all after it too; those of libc
 * and of client libraries are counted as well. At the end the number of allocations goes into file $ALLOC_COUNT.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static atomic_ullong count;
static unsigned long long fail_at;
static bool and_on;

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("ALLOC_FAIL_AT");
    and_on = getenv("ALLOC_FAIL_ON") != NULL;
    atomic_store(&count, 0);
    fail_at = at ? strtoull(at, NULL, 10) : 0;
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("ALLOC_COUNT");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    char text[32];
    if (fd >= 0) {
        int n = snprintf(text, sizeof text, "%llu\n", atomic_load(&count));
        if (write(fd, text, (size_t)n) != n)
            abort();
        close(fd);
    }
}

static bool fails(void)
{
    unsigned long long n = atomic_fetch_add(&count, 1) + 1;
    if (!fail_at || (and_on ? n < fail_at : n != fail_at))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
    return fails() ? NULL : __libc_realloc(p, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *p = fails() ? NULL : __libc_memalign(alignment, size);
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}
