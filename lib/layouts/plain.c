/* SPDX-License-Identifier: Apache-2.0 */

/* Single files: NAME.sql, versioned folders (v1/01_x.sql), files with sections, and code. */

#include <string.h>

#include "layouts/conventions.h"
#include "layouts/naming.h"
#include "util/text.h"

/* 20240101120000-name.sql, as umzug makes them: its order is that of the bytes. */
static bool like_umzug(const char *base)
{
    for (int i = 0; i < 14; i++)
        if (!mig_is_digit(base[i]))
            return false;
    return base[14] == '-';
}

/* down.sql without a folder would run as a migration of that name. */
static int32_t refuse_down(struct mig_reading *r, const struct mig_file *f)
{
    if (strcmp(f->path, "down.sql") != 0 || mig_convention_forced(r->options))
        return MIGRATE_OK;
    return mig_reading_fail(r, MIGRATE_E_NAME, f->path, 0,
                            "put it into a folder with its up.sql: 20240101120000_name/down.sql",
                            "it does not say which migration it reverts");
}

static int32_t add_file(struct mig_reading *r, const struct mig_file *f, struct mig_naming *naming)
{
    int32_t status = refuse_down(r, f);
    if (!status)
        status = mig_naming_take(r, naming, f, mig_basename(f->path), mig_stem_len(f), false);
    struct mig_migration *m;
    return status ? status
                  : mig_add(r, f, MIGRATE_KIND_VERSIONED, mig_buf_text(&naming->version),
                            mig_buf_text(&naming->name), &m);
}

int32_t mig_plain_build(struct mig_reading *r, bool folders)
{
    struct mig_naming naming = { .folders = folders };
    int32_t status = MIGRATE_OK;
    bool umzug = !folders && r->n_files > 0;
    for (size_t i = 0; i < r->n_files && !status; i++) {
        if (r->files[i].shape == MIG_SHAPE_BESIDE)
            continue;
        umzug = umzug && like_umzug(mig_basename(r->files[i].path));
        status = add_file(r, &r->files[i], &naming);
    }
    if (umzug)
        r->set->byte_sorting = true;
    mig_naming_free(&naming);
    return status;
}
