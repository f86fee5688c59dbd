/* SPDX-License-Identifier: Apache-2.0 */

/* What the names of the files look like. */

#include <string.h>

#include "layouts/conventions.h"
#include "layouts/names.h"
#include "util/text.h"

static const struct mig_convention conventions[] = {
    { "plain", MIG_SHAPE_SINGLE, "NAME.sql" },
    { "sections", MIG_SHAPE_SINGLE, "NAME.sql with sections" },
    { "versioned", MIG_SHAPE_SINGLE, "v1/01_name.sql" },
    { "liquibase", MIG_SHAPE_SINGLE, "NAME.sql that begins with \"--liquibase formatted sql\"" },
    { "pairs", MIG_SHAPE_PAIR, "1_name.up.sql and 1_name.down.sql" },
    { "flyway", MIG_SHAPE_FLYWAY, "V1__name.sql, R__name.sql, U1__name.sql or B1__name.sql" },
    { "folders", MIG_SHAPE_FOLDER, "1_name/up.sql and 1_name/down.sql" },
    { "prisma", MIG_SHAPE_PRISMA, "1_name/migration.sql" },
};

const struct mig_convention *mig_convention_forced(const struct mig_layout_options *o)
{
    for (size_t i = 0; o->layout && i < sizeof conventions / sizeof conventions[0]; i++)
        if (strcmp(o->layout, conventions[i].name) == 0)
            return &conventions[i];
    return NULL;
}

/* Is there a file @p name in the directory of @p path? */
static bool has_sibling(const struct mig_reading *r, const char *path, const char *name)
{
    size_t dir = (size_t)(mig_basename(path) - path), low = 0, high = r->n_files;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *other = r->files[middle].path;
        int order = strncmp(other, path, dir);
        if (order == 0)
            order = strcmp(other + dir, name);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static enum mig_shape shape_of_sql(const struct mig_reading *r, const char *path)
{
    const char *base = mig_basename(path);
    struct mig_flyway_name flyway;
    bool in_folder = base != path;
    bool down = strcmp(base, "down.sql") == 0;
    if (in_folder && strcmp(base, "migration.sql") == 0)
        return MIG_SHAPE_PRISMA;
    if (in_folder && (down || strcmp(base, "up.sql") == 0))
        return down && has_sibling(r, path, "migration.sql") ? MIG_SHAPE_PRISMA : MIG_SHAPE_FOLDER;
    if (base[0] != '.' && (mig_ends(base, ".up.sql") || mig_ends(base, ".down.sql")))
        return MIG_SHAPE_PAIR;
    return mig_flyway_split(base, &flyway) ? MIG_SHAPE_FLYWAY : MIG_SHAPE_SINGLE;
}

static enum mig_shape shape_of_code(const char *path)
{
    struct mig_flyway_name flyway;
    return mig_flyway_split(mig_basename(path), &flyway) ? MIG_SHAPE_FLYWAY : MIG_SHAPE_CODE;
}

static enum mig_shape shape_of_beside(const struct mig_reading *r, const char *path)
{
    size_t len = strlen(path);
    bool there =
        mig_ends(path, ".conf") ? mig_file_find(r, path, len - 5) != NULL : has_sibling(r, path, "up.sql");
    return there ? MIG_SHAPE_BESIDE : MIG_SHAPE_STRAY;
}

/* A forced convention reads names its own way where it can. */
static enum mig_shape as_forced(const struct mig_convention *forced, const char *path, enum mig_shape shape)
{
    const char *base = mig_basename(path);
    struct mig_flyway_name flyway;
    switch (forced->shape) {
    case MIG_SHAPE_SINGLE:
        return MIG_SHAPE_SINGLE;
    case MIG_SHAPE_FLYWAY:
        return mig_flyway_split(base, &flyway) ? MIG_SHAPE_FLYWAY : shape;
    case MIG_SHAPE_FOLDER:
        return shape == MIG_SHAPE_PRISMA && strcmp(base, "down.sql") == 0 ? MIG_SHAPE_FOLDER : shape;
    default:
        return shape;
    }
}

int32_t mig_shapes_set(struct mig_reading *r)
{
    const char *name = r->options->layout;
    const struct mig_convention *forced = mig_convention_forced(r->options);
    if (name && !forced && strcmp(name, "auto") != 0)
        return mig_reading_fail(
            r, MIGRATE_E_LAYOUT, NULL, 0,
            "known are auto, plain, pairs, sections, flyway, versioned, folders, prisma, liquibase",
            "there is no layout \"%s\"", name);
    r->no_sections = forced && strcmp(forced->name, "plain") == 0;
    for (size_t i = 0; i < r->n_files; i++) {
        struct mig_file *f = &r->files[i];
        if (f->entry_flags & MIGRATE_ENTRY_CODE)
            f->shape = (uint8_t)shape_of_code(f->path);
        else if (!mig_ends(f->path, ".sql"))
            f->shape = (uint8_t)shape_of_beside(r, f->path);
        else
            f->shape = (uint8_t)shape_of_sql(r, f->path);
        if (forced && mig_ends(f->path, ".sql") && f->shape != MIG_SHAPE_CODE)
            f->shape = (uint8_t)as_forced(forced, f->path, f->shape);
    }
    return MIGRATE_OK;
}
