/* SPDX-License-Identifier: Apache-2.0 */
#include "layouts/naming.h"

#include <string.h>

size_t mig_stem_len(const struct mig_file *f)
{
    const char *base = mig_basename(f->path), *dot = strrchr(base, '.');
    return dot && dot > base ? (size_t)(dot - base) : strlen(base);
}

static int32_t check(struct mig_reading *r, struct mig_naming *n, const struct mig_file *f, bool numbered)
{
    if (numbered && !n->numbered)
        n->numbered = f;
    if (!numbered && !n->unnumbered)
        n->unnumbered = f;
    if (!n->numbered || !n->unnumbered)
        return MIGRATE_OK;
    return mig_reading_fail(
        r, MIGRATE_E_NAME, n->unnumbered->path, 0,
        "let every name begin with its version, or none; a name that begins with \"_\" is passed over",
        "%s begins with a version, %s does not", n->numbered->path, n->unnumbered->path);
}

int32_t mig_naming_take(struct mig_reading *r, struct mig_naming *n, const struct mig_file *f,
                        const char *stem, size_t len, bool v)
{
    struct mig_named parts;
    mig_name_split(stem, len, v, &parts);
    int32_t status = check(r, n, f, parts.version != NULL);
    if (status)
        return status;
    mig_buf_reset(&n->version);
    mig_buf_reset(&n->name);
    if (n->folders)
        mig_folder_versions(f->path, stem, &n->version);
    mig_buf_add(&n->version, parts.version ? parts.version : stem, parts.version ? parts.version_len : len);
    mig_name_words(&n->name, parts.name, parts.name_len);
    return n->version.oom || n->name.oom ? mig_reading_nomem(r) : MIGRATE_OK;
}

void mig_naming_free(struct mig_naming *n)
{
    mig_buf_free(&n->version);
    mig_buf_free(&n->name);
}
