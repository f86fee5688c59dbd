/* SPDX-License-Identifier: Apache-2.0 */

/* A folder per migration: diesel's NAME/up.sql, down.sql, metadata.toml; Prisma's NAME/migration.sql. Code
 * goes with them. */

#include <string.h>

#include "layouts/conf.h"
#include "layouts/naming.h"

/* The folder of a file: where the base name of the folder begins, and where it ends. */
struct folder {
    const char *begin, *end;
};

static struct folder folder_of(const char *path)
{
    struct folder at = { path, mig_basename(path) - 1 };
    for (const char *p = path; p < at.end; p++)
        if (*p == '/')
            at.begin = p + 1;
    return at;
}

/* The file @p name in the folder of @p f, or NULL. */
static int32_t find_beside(struct mig_reading *r, const struct mig_file *f, const char *name,
                           struct mig_buf *buf, const struct mig_file **out)
{
    mig_buf_reset(buf);
    mig_buf_add(buf, f->path, (size_t)(mig_basename(f->path) - f->path));
    mig_buf_str(buf, name);
    *out = buf->oom ? NULL : mig_file_find(r, buf->data, buf->len);
    return buf->oom ? mig_reading_nomem(r) : MIGRATE_OK;
}

/* down.sql and metadata.toml. */
static int32_t take_beside(struct mig_reading *r, const struct mig_file *f, struct mig_migration *m,
                           struct mig_buf *buf)
{
    const struct mig_file *down = NULL, *toml = NULL;
    int32_t status = find_beside(r, f, "down.sql", buf, &down);
    if (!status && down)
        status = mig_add_down(r, m, down);
    if (!status)
        status = find_beside(r, f, "metadata.toml", buf, &toml);
    return status || !toml ? status : mig_metadata_apply(r, toml, m);
}

static int32_t take_up(struct mig_reading *r, const struct mig_file *f, struct mig_naming *naming,
                       struct mig_buf *buf)
{
    bool code = f->entry_flags & MIGRATE_ENTRY_CODE;
    struct folder in = folder_of(f->path);
    const char *stem = code ? mig_basename(f->path) : in.begin;
    size_t len = code ? mig_stem_len(f) : (size_t)(in.end - in.begin);
    struct mig_migration *m;
    int32_t status = mig_naming_take(r, naming, f, stem, len, false);
    if (!status)
        status = mig_add(r, f, MIGRATE_KIND_VERSIONED, mig_buf_text(&naming->version),
                         mig_buf_text(&naming->name), &m);
    return status || code ? status : take_beside(r, f, m, buf);
}

static int32_t check_down(struct mig_reading *r, const struct mig_file *f, struct mig_buf *buf)
{
    const struct mig_file *up = NULL;
    int32_t status = find_beside(r, f, "up.sql", buf, &up);
    if (!status && !up)
        status = find_beside(r, f, "migration.sql", buf, &up);
    if (status || up)
        return status;
    return mig_reading_fail(r, MIGRATE_E_NAME, f->path, 0, "add the up file, or remove this one",
                            "there is no up.sql beside it");
}

int32_t mig_folders_build(struct mig_reading *r)
{
    struct mig_naming naming = { .folders = true };
    struct mig_buf buf = MIG_BUF_INIT;
    int32_t status = MIGRATE_OK;
    for (size_t i = 0; i < r->n_files && !status; i++) {
        const struct mig_file *f = &r->files[i];
        if (f->shape == MIG_SHAPE_BESIDE)
            continue;
        if (strcmp(mig_basename(f->path), "down.sql") == 0)
            status = check_down(r, f, &buf);
        else
            status = take_up(r, f, &naming, &buf);
    }
    mig_naming_free(&naming);
    mig_buf_free(&buf);
    return status;
}
