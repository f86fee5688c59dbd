/* SPDX-License-Identifier: Apache-2.0 */

/* Which convention the files follow. One source has one; two mixed are refused with one file of each. */

#include <string.h>

#include "layouts/conventions.h"
#include "layouts/names.h"

static const char *shape_text(const struct mig_file *f)
{
    switch (f->shape) {
    case MIG_SHAPE_PAIR:
        return "one of a pair (NAME.up.sql, NAME.down.sql)";
    case MIG_SHAPE_FLYWAY:
        return "a Flyway name (V1__name.sql)";
    case MIG_SHAPE_FOLDER:
        return "in a folder per migration (NAME/up.sql)";
    case MIG_SHAPE_PRISMA:
        return "in a Prisma folder (NAME/migration.sql)";
    case MIG_SHAPE_CODE:
        return "code with a name that begins with its version";
    default:
        return "a plain NAME.sql";
    }
}

static const char hint_mixed[] =
    "move one of them elsewhere, rename it, or let its name begin with \"_\", which is "
    "passed over; the option layout= forces one convention";

static int32_t fail_mixed(struct mig_reading *r, const struct mig_file *a, const char *a_is,
                          const struct mig_file *b, const char *b_is)
{
    return mig_reading_fail(r, MIGRATE_E_LAYOUT, b->path, 0, hint_mixed,
                            "two conventions are mixed: %s is %s, but %s is %s", a->path, a_is, b->path,
                            b_is);
}

/* Flyway's files that run around migrations; they are no migrations. */
static bool is_flyway_callback(const struct mig_file *f)
{
    static const char *const names[] = { "beforeM", "afterM", "beforeE", "afterE", "beforeV",     "afterV",
                                         "beforeC", "afterC", "beforeI", "afterI", "beforeB",     "afterB",
                                         "beforeR", "afterR", "beforeU", "afterU", "createSchema" };
    const char *base = mig_basename(f->path);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(base, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static int32_t fail_shapes(struct mig_reading *r, const struct mig_file *a, const struct mig_file *b)
{
    const struct mig_file *callback = is_flyway_callback(a) ? a : is_flyway_callback(b) ? b : NULL;
    if (callback && (a->shape == MIG_SHAPE_FLYWAY || b->shape == MIG_SHAPE_FLYWAY))
        return mig_reading_fail(r, MIGRATE_E_LAYOUT, callback->path, 0,
                                "let its name begin with \"_\" to have it passed over",
                                "a Flyway callback, which is not supported");
    return fail_mixed(r, a, shape_text(a), b, shape_text(b));
}

static bool is_migration(const struct mig_file *f)
{
    return f->shape != MIG_SHAPE_BESIDE;
}

/* Code whose name is no Flyway one goes with all but Flyway. */
static bool goes_with(const struct mig_file *a, const struct mig_file *b)
{
    if (a->shape == MIG_SHAPE_CODE || b->shape == MIG_SHAPE_CODE)
        return a->shape != MIG_SHAPE_FLYWAY && b->shape != MIG_SHAPE_FLYWAY;
    return a->shape == b->shape;
}

/* The first file of text, else of code; NULL: none. Fails where another does not go with it. */
static int32_t check_shapes(struct mig_reading *r, const struct mig_file **out)
{
    const struct mig_file *first = NULL;
    for (size_t i = 0; i < r->n_files; i++) {
        const struct mig_file *f = &r->files[i];
        if (!is_migration(f))
            continue;
        if (first && !goes_with(first, f))
            return fail_shapes(r, first, f);
        if (!first || first->shape == MIG_SHAPE_CODE)
            first = f;
    }
    *out = first;
    return MIGRATE_OK;
}

static int32_t check_forced(struct mig_reading *r, const struct mig_convention *forced)
{
    for (size_t i = 0; i < r->n_files; i++) {
        const struct mig_file *f = &r->files[i];
        bool code = f->shape == MIG_SHAPE_CODE && forced->shape != MIG_SHAPE_FLYWAY;
        if (is_migration(f) && !code && f->shape != forced->shape)
            return mig_reading_fail(r, MIGRATE_E_NAME, f->path, 0, "rename it, or set another layout",
                                    "not named as the layout %s has it: %s", forced->name, forced->looks);
    }
    return MIGRATE_OK;
}

/* ---- single files: what is in them ------------------------------------------ */

static uint8_t style_of(const struct mig_file *f)
{
    return f->liquibase ? MIG_STYLE_LIQUIBASE : f->marked ? f->marked->style : MIG_STYLE_NONE;
}

static const char *style_text(uint8_t style)
{
    switch (style) {
    case MIG_STYLE_OURS:
        return "one with sections (-- migrate: up)";
    case MIG_STYLE_DBMATE:
        return "one with dbmate's sections (-- migrate:up)";
    case MIG_STYLE_GOOSE:
        return "one with goose's sections (-- +goose Up)";
    case MIG_STYLE_SQL_MIGRATE:
        return "one with sql-migrate's sections (-- +migrate Up)";
    case MIG_STYLE_NODE:
        return "one with node-pg-migrate's sections (-- Up Migration)";
    case MIG_STYLE_LIQUIBASE:
        return "a Liquibase change log (--liquibase formatted sql)";
    default:
        return "one without section markers";
    }
}

static bool same_style(uint8_t a, uint8_t b)
{
    bool ours = a == MIG_STYLE_OURS || a == MIG_STYLE_DBMATE;
    return a == b || (ours && (b == MIG_STYLE_OURS || b == MIG_STYLE_DBMATE));
}

/* The style of the first file that has one; the others must have it too, unless they hold nothing at all. */
static int32_t check_styles(struct mig_reading *r, const struct mig_file **out)
{
    const struct mig_file *first = NULL;
    for (size_t i = 0; i < r->n_files && !first; i++)
        if (style_of(&r->files[i]) != MIG_STYLE_NONE && !r->no_sections)
            first = &r->files[i];
    for (size_t i = 0; i < r->n_files && first; i++) {
        const struct mig_file *f = &r->files[i];
        bool something = true;
        if (f->shape != MIG_SHAPE_SINGLE || same_style(style_of(f), style_of(first)))
            continue;
        int32_t status = style_of(f) ? MIGRATE_OK : mig_content_has_statement(r, f, &something);
        if (status)
            return status;
        if (something)
            return fail_mixed(r, first, style_text(style_of(first)), f, style_text(style_of(f)));
    }
    *out = first;
    return MIGRATE_OK;
}

/* Every file lies in a directory that holds a version, or none does. */
static int32_t check_folders(struct mig_reading *r, bool *versioned)
{
    const struct mig_file *first = NULL;
    for (size_t i = 0; i < r->n_files; i++) {
        const struct mig_file *f = &r->files[i];
        if (!is_migration(f))
            continue;
        if (!first)
            *versioned = mig_has_folder_version(f->path);
        else if (mig_has_folder_version(f->path) != *versioned)
            return fail_mixed(r, first,
                              *versioned ? "in a folder with a version" : "in no folder with a version", f,
                              *versioned ? "not" : "in one");
        if (!first)
            first = f;
    }
    return MIGRATE_OK;
}

static const struct mig_file *first_text(const struct mig_reading *r)
{
    for (size_t i = 0; i < r->n_files; i++)
        if (r->files[i].shape == MIG_SHAPE_SINGLE)
            return &r->files[i];
    return NULL;
}

static int32_t check_forced_style(struct mig_reading *r, const struct mig_convention *forced,
                                  const struct mig_file *styled)
{
    uint8_t style = styled ? style_of(styled) : MIG_STYLE_NONE;
    bool liquibase = strcmp(forced->name, "liquibase") == 0;
    const struct mig_file *f = styled ? styled : first_text(r);
    if (!f || strcmp(forced->name, "plain") == 0 || (style == MIG_STYLE_LIQUIBASE && liquibase))
        return MIGRATE_OK;
    if (style == MIG_STYLE_LIQUIBASE || liquibase ||
        (style == MIG_STYLE_NONE && strcmp(forced->name, "sections") == 0))
        return mig_reading_fail(r, MIGRATE_E_LAYOUT, f->path, 0, "set another layout, or mend the file",
                                "the layout is set to %s, but %s is %s", forced->name, f->path,
                                style_text(style));
    return MIGRATE_OK;
}

static int32_t build_single(struct mig_reading *r, const struct mig_convention *forced)
{
    const struct mig_file *styled = NULL;
    bool versioned = false;
    int32_t status = check_styles(r, &styled);
    if (!status && forced)
        status = check_forced_style(r, forced, styled);
    if (status)
        return status;
    if (styled && styled->liquibase) {
        r->set->layout = "liquibase";
        return mig_liquibase_build(r);
    }
    if (!r->no_sections)
        status = check_folders(r, &versioned);
    if (status)
        return status;
    r->set->layout = styled ? "sections" : versioned ? "versioned" : forced ? forced->name : "plain";
    r->set->style = styled ? style_of(styled) : MIG_STYLE_NONE;
    r->set->byte_sorting = styled && style_of(styled) == MIG_STYLE_DBMATE;
    return mig_plain_build(r, versioned);
}

static int32_t build_flyway(struct mig_reading *r)
{
    r->set->layout = "flyway";
    r->set->flyway_order = true;
    return mig_flyway_build(r);
}

static int32_t build_folders(struct mig_reading *r, const char *layout)
{
    r->set->layout = layout;
    r->set->byte_sorting = true;
    return mig_folders_build(r);
}

int32_t mig_detect_and_build(struct mig_reading *r)
{
    const struct mig_convention *forced = mig_convention_forced(r->options);
    const struct mig_file *first = NULL;
    int32_t status = forced ? check_forced(r, forced) : MIGRATE_OK;
    if (!status)
        status = check_shapes(r, &first);
    if (status || !first)
        return status;
    switch (first->shape) {
    case MIG_SHAPE_PAIR:
        r->set->layout = "pairs";
        return mig_pairs_build(r);
    case MIG_SHAPE_FLYWAY:
        return build_flyway(r);
    case MIG_SHAPE_FOLDER:
        return build_folders(r, "folders");
    case MIG_SHAPE_PRISMA:
        return build_folders(r, "prisma");
    default:
        return build_single(r, forced);
    }
}
