/* SPDX-License-Identifier: Apache-2.0 */

/* The files of a source, as far as layouts read them. */

#include <stdlib.h>
#include <string.h>

#include "layouts/names.h"
#include "layouts/reading.h"
#include "util/text.h"

/* Some part of the path begins with '.' or '_': passed over, whatever the source. */
static bool is_hidden(const char *path)
{
    for (const char *part = path; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        if (*part == '.' || *part == '_')
            return true;
    return false;
}

static bool is_wanted(const char *path)
{
    return mig_ends(path, ".sql") || mig_ends(path, ".sql.conf") ||
           strcmp(mig_basename(path), "metadata.toml") == 0;
}

static int32_t bad_entry(struct mig_reading *r, const char *what)
{
    return mig_reading_fail(r, MIGRATE_E_CONTRACT, NULL, 0, "paths are relative, with '/' between parts",
                            "the source %s yields %s", r->ops->name ? r->ops->name : "", what);
}

/* Relative, without empty parts, "." and "..". */
static bool is_plain(const char *path, size_t len)
{
    for (size_t at = 0, n; at <= len; at += n + 1) {
        const char *slash = at < len ? memchr(path + at, '/', len - at) : NULL;
        n = slash ? (size_t)(slash - path) - at : len - at;
        if (n == 0 || (n == 1 && path[at] == '.') || (n == 2 && path[at] == '.' && path[at + 1] == '.'))
            return false;
    }
    return true;
}

static int32_t check_path(struct mig_reading *r, const migrate_text *path)
{
    size_t bad;
    if (!path->data || path->len == 0)
        return bad_entry(r, "an entry without a path");
    if (memchr(path->data, '\0', path->len))
        return bad_entry(r, "a path that holds a NUL byte");
    if (!mig_utf8_valid(path->data, path->len, &bad))
        return mig_reading_fail(r, MIGRATE_E_NAME, NULL, 0, "rename it",
                                "the source %s yields a path that is not in UTF-8",
                                r->ops->name ? r->ops->name : "");
    return is_plain(path->data, path->len) ? MIGRATE_OK
                                           : bad_entry(r, "a path that is not plain and relative");
}

static int32_t take(struct mig_reading *r, const migrate_entry *entry)
{
    int32_t status = check_path(r, &entry->path);
    if (status)
        return status;
    char *path = mig_arena_strndup(&r->set->arena, entry->path.data, entry->path.len);
    bool code = entry->flags & MIGRATE_ENTRY_CODE;
    if (path && (is_hidden(path) || (!code && !is_wanted(path))))
        return MIGRATE_OK;
    if (!path || !mig_grow(&r->files, &r->files_cap, r->n_files + 1, sizeof *r->files))
        return mig_reading_nomem(r);
    struct mig_file *f = &r->files[r->n_files++];
    *f = (struct mig_file){ .path = path, .cookie = entry->cookie, .entry_flags = entry->flags };
    if (code && entry->checksum) {
        f->code = mig_arena_strdup(&r->set->arena, entry->checksum);
        if (!f->code)
            return mig_reading_nomem(r);
    }
    return MIGRATE_OK;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct mig_file *)a)->path, ((const struct mig_file *)b)->path);
}

static int32_t refuse_twice(struct mig_reading *r)
{
    for (size_t i = 1; i < r->n_files; i++)
        if (strcmp(r->files[i - 1].path, r->files[i].path) == 0)
            return mig_reading_fail(r, MIGRATE_E_DUPLICATE, r->files[i].path, 0,
                                    "a file that was added must not have the path of one in the source",
                                    "it is there twice");
    return MIGRATE_OK;
}

int32_t mig_listing_read(struct mig_reading *r)
{
    int32_t status = r->ops->rewind(r->self, r->host, r->err);
    while (!status) {
        migrate_entry entry = { .struct_size = sizeof entry };
        status = r->ops->next(r->self, r->host, &entry, r->err);
        if (!status)
            status = take(r, &entry);
    }
    if (status != MIGRATE_DONE)
        return status;
    if (r->n_files > 1)
        qsort(r->files, r->n_files, sizeof *r->files, compare_paths);
    return refuse_twice(r);
}

struct mig_file *mig_file_find(const struct mig_reading *r, const char *path, size_t len)
{
    size_t low = 0, high = r->n_files;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strncmp(r->files[middle].path, path, len);
        if (order == 0)
            order = r->files[middle].path[len] != '\0';
        if (order == 0)
            return &r->files[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

int32_t mig_file_read(struct mig_reading *r, const struct mig_file *f, uint64_t offset, char *buf, size_t cap,
                      size_t *got)
{
    migrate_entry entry = { .struct_size = sizeof entry,
                            .flags = f->entry_flags,
                            .size = UINT64_MAX,
                            .path = { f->path, strlen(f->path) },
                            .cookie = f->cookie };
    *got = 0;
    int32_t status = r->ops->read(r->self, r->host, &entry, offset + (f->bom ? 3 : 0), buf, cap, got, r->err);
    if (!status && *got > cap)
        return mig_reading_fail(r, MIGRATE_E_CONTRACT, f->path, 0, NULL,
                                "the source %s reads more than asked for", r->ops->name ? r->ops->name : "");
    return status;
}

int32_t mig_file_text(struct mig_reading *r, const struct mig_file *f, const char **text, size_t *len)
{
    size_t got = 0, held = 0;
    int32_t status;
    r->held = NULL;
    do {
        status = mig_file_read(r, f, held, r->chunk + held, MIG_READ_CHUNK - held, &got);
        held += status ? 0 : got;
    } while (!status && got > 0 && held < MIG_READ_CHUNK);
    if (status)
        return status;
    if (held == MIG_READ_CHUNK)
        return mig_reading_fail(r, MIGRATE_E_PARSE, f->path, 0, NULL, "it is larger than %d KiB",
                                MIG_READ_CHUNK / 1024);
    char *copy = mig_arena_strndup(&r->scratch, r->chunk, held);
    if (!copy)
        return mig_reading_nomem(r);
    *text = copy;
    *len = held;
    return MIGRATE_OK;
}
