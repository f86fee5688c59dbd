/* SPDX-License-Identifier: Apache-2.0 */

/* The whole way from a source to the set of its migrations. */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "layouts/reading.h"
#include "util/sha256.h"

int32_t mig_reading_nomem(struct mig_reading *r)
{
    return mig_diag_set(r->diag, MIGRATE_E_NOMEM, "out of memory");
}

int32_t mig_reading_fail(struct mig_reading *r, int32_t status, const char *path, uint64_t line,
                         const char *hint, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *message = mig_vsprintf(fmt, args);
    va_end(args);
    if (!message)
        return mig_reading_nomem(r);
    (void)mig_diag_set(r->diag, status, "%s", message);
    free(message);
    if (hint)
        mig_diag_hint(r->diag, "%s", hint);
    if (path)
        mig_diag_path(r->diag, path);
    if (line)
        mig_diag_at(r->diag, line, 0);
    return status;
}

static void hash_number(struct mig_sha256 *h, uint64_t n)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(n >> (56 - 8 * i));
    mig_sha256_update(h, bytes, sizeof bytes);
}

/* What a file adds to the hash of the source: length and bytes of its path, length and SHA-256 of its text as
 * it counts; of code its checksum instead. */
static void hash_file(struct mig_sha256 *h, const struct mig_file *f, uint64_t size)
{
    bool code = f->entry_flags & MIGRATE_ENTRY_CODE;
    hash_number(h, strlen(f->path));
    mig_sha256_update(h, f->path, strlen(f->path));
    hash_number(h, !code ? size : f->code ? strlen(f->code) : 0);
    if (!code)
        mig_sha256_update(h, f->sha, MIG_SHA256_LEN);
    else if (f->code)
        mig_sha256_update(h, f->code, strlen(f->code));
}

/* In the order of the paths, so that the hash is the same on every machine. */
static int32_t read_contents(struct mig_reading *r)
{
    struct mig_sha256 h;
    int32_t status = MIGRATE_OK;
    mig_sha256_init(&h);
    for (size_t i = 0; i < r->n_files && !status; i++) {
        uint64_t size = 0;
        if (!(r->files[i].entry_flags & MIGRATE_ENTRY_CODE))
            status = mig_content_read(r, &r->files[i], &size);
        if (!status)
            hash_file(&h, &r->files[i], size);
    }
    mig_sha256_final(&h, r->set->hash);
    return status;
}

/* Side files that stand beside nothing are passed over, in the hash as well. */
static void drop_strays(struct mig_reading *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->n_files; i++)
        if (r->files[i].shape != MIG_SHAPE_STRAY)
            r->files[kept++] = r->files[i];
    r->n_files = kept;
}

static int32_t read_all(struct mig_reading *r)
{
    int32_t status = mig_listing_read(r);
    if (status)
        return status;
    status = mig_shapes_set(r);
    drop_strays(r);
    if (!status)
        status = read_contents(r);
    if (!status)
        status = mig_detect_and_build(r);
    if (!status)
        status = mig_order_items(r);
    return status ? status : mig_finish_items(r);
}

int32_t mig_set_read(const struct migrate_source_ops *ops, void *self, const struct migrate_host *host,
                     const struct mig_layout_options *options, struct mig_set **out, struct mig_diag *diag,
                     struct migrate_error **err)
{
    struct mig_reading r = {
        .ops = ops, .self = self, .host = host, .options = options, .diag = diag, .err = err
    };
    r.set = calloc(1, sizeof *r.set);
    r.chunk = malloc(MIG_READ_CHUNK);
    int32_t status = MIGRATE_OK;
    if (!r.set || !r.chunk) {
        status = mig_reading_nomem(&r);
    } else {
        r.set->refs = 1;
        r.set->layout = "";
        status = read_all(&r);
    }
    free(r.files);
    free(r.chunk);
    mig_arena_free(&r.scratch);
    if (status)
        mig_set_unref(r.set);
    else
        *out = r.set;
    return status;
}
