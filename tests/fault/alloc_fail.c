/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_fail.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The linker's names for what was replaced and for what is called instead. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *block);

/* What hashing takes from libcrypto is ours to give back, too. Weak: not every program is linked to it. */
void *__real_EVP_MD_CTX_new(void) __attribute__((weak));
void __real_EVP_MD_CTX_free(void *md) __attribute__((weak));
void *__wrap_EVP_MD_CTX_new(void);
void __wrap_EVP_MD_CTX_free(void *md);

/* A block that lives: an open hash of them. */
struct live {
    void *block; /* NULL empty, GONE deleted */
    void *caller;
    uint64_t number; /* as counted: the n of a test */
    uint64_t serial; /* of all there ever were */
};

enum { ASKED = 12 };

#define GONE ((void *)&state)

static struct {
    pthread_mutex_t mutex;
    bool counting, forever, hit;
    uint64_t fail_at, count, serial;
    void *asked[ASKED]; /* who asked for what was refused first, from the inside out */
    int n_asked;
    struct live *table;
    size_t size, used, live; /* used: places not empty */
} state = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* ---- the table of blocks --------------------------------------------------- */

static size_t place_of(const void *block)
{
    uint64_t h = (uint64_t)(uintptr_t)block >> 4;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(h >> 20) & (state.size - 1);
}

static struct live *find(const void *block)
{
    for (size_t i = state.size ? place_of(block) : 0; state.size; i = (i + 1) & (state.size - 1)) {
        if (state.table[i].block == block)
            return &state.table[i];
        if (!state.table[i].block)
            return NULL;
    }
    return NULL;
}

static void insert(struct live entry)
{
    size_t i = place_of(entry.block);
    while (state.table[i].block)
        i = (i + 1) & (state.size - 1);
    state.table[i] = entry;
    state.used++;
}

static void grow(void)
{
    struct live *old = state.table;
    size_t n = state.size;
    for (state.size = 4096; state.size < state.live * 4; state.size *= 2)
        ;
    state.table = __real_calloc(state.size, sizeof *state.table);
    if (!state.table) {
        (void)fprintf(stderr, "alloc_fail: no memory for its own table\n");
        abort();
    }
    state.used = 0;
    for (size_t i = 0; i < n; i++)
        if (old[i].block && old[i].block != GONE)
            insert(old[i]);
    __real_free(old);
}

static void remember(void *block, void *caller)
{
    if (!block)
        return;
    if ((state.used + 1) * 2 > state.size)
        grow();
    insert((struct live){ block, caller, state.count, ++state.serial });
    state.live++;
}

static void forget(void *block)
{
    struct live *entry = find(block);
    if (!entry)
        return; /* of a library that is not wrapped, or from before */
    entry->block = GONE;
    state.live--;
}

/* ---- what is called instead ------------------------------------------------- */

static bool refused(void)
{
    if (!state.counting)
        return false;
    state.count++;
    bool now = state.fail_at && (state.forever ? state.count >= state.fail_at : state.count == state.fail_at);
    if (now) {
        if (!state.hit)
            state.n_asked = backtrace(state.asked, ASKED);
        state.hit = true;
        errno = ENOMEM;
    }
    return now;
}

void *__wrap_malloc(size_t size)
{
    pthread_mutex_lock(&state.mutex);
    void *block = refused() ? NULL : __real_malloc(size);
    remember(block, __builtin_return_address(0));
    pthread_mutex_unlock(&state.mutex);
    return block;
}

void *__wrap_calloc(size_t n, size_t size)
{
    pthread_mutex_lock(&state.mutex);
    void *block = refused() ? NULL : __real_calloc(n, size);
    remember(block, __builtin_return_address(0));
    pthread_mutex_unlock(&state.mutex);
    return block;
}

void *__wrap_realloc(void *old, size_t size)
{
    pthread_mutex_lock(&state.mutex);
    void *block = NULL;
    if (!refused()) {
        if (old)
            forget(old);
        block = __real_realloc(old, size);
        remember(block ? block : old, __builtin_return_address(0));
    }
    pthread_mutex_unlock(&state.mutex);
    return block;
}

void __wrap_free(void *block)
{
    if (!block)
        return;
    pthread_mutex_lock(&state.mutex);
    forget(block);
    __real_free(block);
    pthread_mutex_unlock(&state.mutex);
}

void *__wrap_EVP_MD_CTX_new(void)
{
    pthread_mutex_lock(&state.mutex);
    void *md = refused() ? NULL : __real_EVP_MD_CTX_new();
    remember(md, __builtin_return_address(0));
    pthread_mutex_unlock(&state.mutex);
    return md;
}

void __wrap_EVP_MD_CTX_free(void *md)
{
    pthread_mutex_lock(&state.mutex);
    if (md)
        forget(md);
    pthread_mutex_unlock(&state.mutex);
    __real_EVP_MD_CTX_free(md);
}

/* ---- for tests --------------------------------------------------------------- */

static void set(uint64_t n, bool counting, bool forever)
{
    pthread_mutex_lock(&state.mutex);
    state.fail_at = n;
    state.counting = counting;
    state.forever = forever;
    if (counting) {
        state.count = 0;
        state.hit = false;
        state.n_asked = 0;
    }
    pthread_mutex_unlock(&state.mutex);
}

void alloc_fail_once(uint64_t n)
{
    set(n, true, false);
}

void alloc_fail_from(uint64_t n)
{
    set(n, true, true);
}

void alloc_fail_off(void)
{
    set(0, false, false);
}

uint64_t alloc_fail_count(void)
{
    pthread_mutex_lock(&state.mutex);
    uint64_t count = state.count;
    pthread_mutex_unlock(&state.mutex);
    return count;
}

bool alloc_fail_hit(void)
{
    pthread_mutex_lock(&state.mutex);
    bool hit = state.hit;
    pthread_mutex_unlock(&state.mutex);
    return hit;
}

size_t alloc_fail_live(void)
{
    pthread_mutex_lock(&state.mutex);
    size_t live = state.live;
    pthread_mutex_unlock(&state.mutex);
    return live;
}

/* Where code stands in its file, as addr2line takes it. */
static unsigned long long offset_of(void *code)
{
    Dl_info info;
    if (!code || !dladdr(code, &info))
        return 0;
    return (unsigned long long)((uintptr_t)code - (uintptr_t)info.dli_fbase);
}

/* The frames that asked, as addr2line takes them; the innermost two are ours. */
static const char *asked(char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (int i = 2; i < state.n_asked && len + 12 < size; i++)
        len += (size_t)snprintf(out + len, size - len, " 0x%llx", offset_of(state.asked[i]));
    return out;
}

void alloc_fail_broken(const char *condition, const char *file, int line)
{
    char frames[256];
    unsigned long long count = alloc_fail_count(), at = state.fail_at;
    bool forever = state.forever;
    alloc_fail_off();
    (void)fprintf(stderr, "%s:%d: allocation %llu of %llu failing%s: not %s; asked for at%s\n", file, line,
                  at, count, forever ? " and all after it" : "", condition, asked(frames, sizeof frames));
    abort();
}

/* The newest block that lives: with one failure at a time it is most often the one that leaked. */
static struct live newest(void)
{
    struct live best = { NULL, NULL, 0, 0 };
    pthread_mutex_lock(&state.mutex);
    for (size_t i = 0; i < state.size; i++)
        if (state.table[i].block && state.table[i].block != GONE && state.table[i].serial >= best.serial)
            best = state.table[i];
    pthread_mutex_unlock(&state.mutex);
    return best;
}

static bool judge(struct alloc_fail_report *report, uint64_t n, const char *how, int32_t status,
                  int32_t nomem, size_t before)
{
    size_t after = alloc_fail_live();
    struct live leak = newest();
    char frames[256];
    int len = snprintf(report->text, sizeof report->text,
                       "allocation %llu failing%s: ", (unsigned long long)n, how);
    char *rest = report->text + len;
    size_t left = sizeof report->text - (size_t)len;
    if (status != 0 && (status != nomem || n == 0)) {
        (void)snprintf(rest, left, "it returned %d; asked for at%s", (int)status,
                       asked(frames, sizeof frames));
        return false;
    }
    if (after != before) {
        (void)snprintf(rest, left,
                       "%zu blocks before, %zu after; the newest, %llu, is of 0x%llx; asked for at%s", before,
                       after, (unsigned long long)leak.number, offset_of(leak.caller),
                       asked(frames, sizeof frames));
        return false;
    }
    report->text[0] = '\0';
    return true;
}

static bool run(int32_t (*body)(void *), void *user, int32_t nomem, struct alloc_fail_report *report,
                uint64_t n, bool forever)
{
    size_t before = alloc_fail_live();
    set(n, true, forever);
    int32_t status = body(user);
    bool hit = alloc_fail_hit();
    set(0, false, false);
    if (hit) {
        report->tried++;
        report->succeeded += status == 0;
        report->refused += status != 0;
    }
    return judge(report, n, forever ? " and all after it" : "", status, nomem, before);
}

bool alloc_fail_each(int32_t (*body)(void *user), void *user, int32_t nomem, struct alloc_fail_report *report)
{
    *report = (struct alloc_fail_report){ 0 };
    if (!run(body, user, nomem, report, 0, false))
        return false;
    for (int forever = 0; forever < 2; forever++) {
        bool hit = true;
        for (uint64_t n = 1; hit; n++) {
            if (!run(body, user, nomem, report, n, forever))
                return false;
            hit = alloc_fail_hit();
        }
    }
    return true;
}
