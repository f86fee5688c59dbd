/* SPDX-License-Identifier: Apache-2.0 */

/* Files and code that the application added one by one, sorted by path. */

#include <stdlib.h>
#include <string.h>

#include "sources/fault.h"
#include "sources/sources.h"
#include "util/mem.h"

struct added {
    char *path;
    char *text; /* NULL: code */
    size_t len;
    char *checksum; /* of code, or NULL */
    uint32_t flags; /* MIGRATE_ENTRY_* */
    migrate_code_fn fn;
    void *user;
    migrate_release_fn release;
};

struct memory {
    struct added *items;
    size_t count, cap;
    size_t at; /* of the listing */
};

int32_t mig_source_memory(void **self)
{
    struct memory *m = calloc(1, sizeof *m);
    if (!m)
        return MIGRATE_E_NOMEM;
    *self = m;
    return MIGRATE_OK;
}

static void memory_free(void *self)
{
    struct memory *m = self;
    if (!m)
        return;
    for (size_t i = 0; i < m->count; i++) {
        struct added *a = &m->items[i];
        if (a->release)
            a->release(a->user);
        free(a->path);
        free(a->text);
        free(a->checksum);
    }
    free(m->items);
    free(m);
}

static int compare_path(const char *path, size_t len, const struct added *a)
{
    size_t other = strlen(a->path);
    int order = memcmp(path, a->path, len < other ? len : other);
    return order ? order : (len > other) - (len < other);
}

/* Where @p path stands, or would. */
static size_t find(const struct memory *m, const char *path, size_t len, bool *there)
{
    size_t low = 0, high = m->count;
    *there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_path(path, len, &m->items[middle]);
        if (order == 0)
            *there = true;
        if (order <= 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool mig_source_memory_has(const void *self, const char *path, size_t len)
{
    bool there;
    (void)find(self, path, len, &there);
    return there;
}

/* Copies of path and text are in @p a already, NULL if memory was out; taken over on success. */
static int32_t insert(struct memory *m, struct added *a, struct mig_diag *diag)
{
    bool there = false;
    if (a->path && !mig_source_path_inside(a->path)) {
        (void)mig_diag_set(diag, MIGRATE_E_ARGUMENT, "\"%s\" is no plain relative path", a->path);
        mig_diag_hint(diag, "begin it in the directory of the migrations, without \".\" and \"..\"");
        return MIGRATE_E_ARGUMENT;
    }
    size_t at = a->path ? find(m, a->path, strlen(a->path), &there) : 0;
    if (there) {
        (void)mig_diag_set(diag, MIGRATE_E_DUPLICATE, "%s was added before", a->path);
        mig_diag_hint(diag, "every file and piece of code needs a path of its own");
        return MIGRATE_E_DUPLICATE;
    }
    if (!a->path || !mig_grow(&m->items, &m->cap, m->count + 1, sizeof *m->items))
        return mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
    memmove(m->items + at + 1, m->items + at, (m->count - at) * sizeof *m->items);
    m->items[at] = *a;
    m->count++;
    return MIGRATE_OK;
}

int32_t mig_source_memory_add_file(void *self, const char *path, const char *text, size_t len,
                                   struct mig_diag *diag)
{
    struct added a = { .path = mig_strdup(path), .text = mig_strndup(text ? text : "", len), .len = len };
    int32_t status = a.text ? insert(self, &a, diag) : mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
    if (status) {
        free(a.path);
        free(a.text);
    }
    return status;
}

int32_t mig_source_memory_add_code(void *self, const char *path, const char *checksum, uint32_t flags,
                                   migrate_code_fn fn, void *user, migrate_release_fn release,
                                   struct mig_diag *diag)
{
    struct added a = { .path = mig_strdup(path),
                       .checksum = mig_strdup(checksum),
                       .flags = MIGRATE_ENTRY_CODE,
                       .fn = fn,
                       .user = user,
                       .release = release };
    if (flags & MIGRATE_CODE_REVERSIBLE)
        a.flags |= MIGRATE_ENTRY_REVERSIBLE;
    if (flags & MIGRATE_CODE_NO_TRANSACTION)
        a.flags |= MIGRATE_ENTRY_NO_TRANSACTION;
    int32_t status = checksum && !a.checksum ? mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory")
                                             : insert(self, &a, diag);
    if (status) {
        free(a.path);
        free(a.checksum);
    }
    return status;
}

static migrate_status memory_rewind(void *self, const migrate_host *host, migrate_error **err)
{
    (void)host;
    (void)err;
    ((struct memory *)self)->at = 0;
    return MIGRATE_OK;
}

static migrate_status memory_next(void *self, const migrate_host *host, migrate_entry *out,
                                  migrate_error **err)
{
    (void)host;
    (void)err;
    struct memory *m = self;
    if (m->at >= m->count)
        return MIGRATE_DONE;
    const struct added *a = &m->items[m->at++];
    out->flags = a->flags;
    out->path = (migrate_text){ a->path, strlen(a->path) };
    out->size = a->len;
    if (MIGRATE_HAS(migrate_entry, out, checksum))
        out->checksum = a->checksum;
    return MIGRATE_OK;
}

/* By path, so that it stays right when more is added after the listing. */
static const struct added *entry_of(const struct memory *m, const migrate_entry *entry, bool code)
{
    bool there;
    size_t at = find(m, entry->path.data, entry->path.len, &there);
    return there && !m->items[at].text == code ? &m->items[at] : NULL;
}

static int32_t not_there(const migrate_host *host, const migrate_entry *entry, migrate_error **err)
{
    return mig_source_fail(host, err, MIGRATE_E_SOURCE, NULL, "nothing was added as %.*s",
                           (int)entry->path.len, entry->path.data);
}

static migrate_status memory_read(void *self, const migrate_host *host, const migrate_entry *entry,
                                  uint64_t offset, char *buf, size_t cap, size_t *got, migrate_error **err)
{
    const struct added *a = entry_of(self, entry, false);
    if (!a)
        return not_there(host, entry, err);
    size_t left = offset < a->len ? a->len - (size_t)offset : 0;
    *got = left < cap ? left : cap;
    if (*got > 0)
        memcpy(buf, a->text + offset, *got);
    return MIGRATE_OK;
}

static migrate_status memory_run(void *self, const migrate_host *host, const migrate_entry *entry,
                                 uint32_t direction, migrate_executor *x, migrate_error **err)
{
    const struct added *a = entry_of(self, entry, true);
    return a ? a->fn(a->user, direction, x, err) : not_there(host, entry, err);
}

const struct migrate_source_ops mig_source_memory_ops = {
    .struct_size = sizeof(struct migrate_source_ops),
    .api = MIGRATE_SOURCE_API,
    .name = "memory",
    .rewind = memory_rewind,
    .next = memory_next,
    .read = memory_read,
    .free = memory_free,
    .run = memory_run,
};
