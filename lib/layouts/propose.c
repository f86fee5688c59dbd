/* SPDX-License-Identifier: Apache-2.0 */

/* `migrate new`: the next file in the convention of those that are there. */

#include <stdlib.h>
#include <string.h>

#include "layouts/names.h"
#include "layouts/reading.h"
#include "util/clock.h"
#include "util/text.h"

struct proposal {
    const struct mig_set *set;
    const struct mig_migration *last; /* newest versioned one with text, or NULL */
    const char *newest;               /* version of the newest, code or not; NULL none */
    const char *layout;
    struct mig_buf version; /* of the new one */
    struct mig_buf name;    /* as it goes into a file name */
    char joint;             /* between version and name */
    struct mig_buf dir;     /* where it goes, "" or ending in '/' */
    struct mig_buf path, text;
};

/* ---- the version ------------------------------------------------------------ */

/* The last run of digits in @p text. */
static size_t last_number(const char *text, size_t *len)
{
    size_t end = strlen(text);
    while (end > 0 && !mig_is_digit(text[end - 1]))
        end--;
    size_t at = end;
    while (at > 0 && mig_is_digit(text[at - 1]))
        at--;
    *len = end - at;
    return at;
}

/* Adds one to a number written in decimal digits; its width grows only where it must. */
static void add_one(struct mig_buf *out, const char *digits, size_t len)
{
    size_t at = out->len;
    mig_buf_add(out, digits, len);
    if (out->oom)
        return;
    for (size_t i = out->len; i-- > at;) {
        if (out->data[i] != '9') {
            out->data[i]++;
            return;
        }
        out->data[i] = '0';
    }
    size_t tail = out->len - at;
    mig_buf_char(out, '0');
    if (!out->oom) {
        memmove(out->data + at + 1, out->data + at, tail);
        out->data[at] = '1';
    }
}

/* Timestamps have 12 digits or more, or parts as 2024-01-02-030405. */
static bool is_timestamp(const char *version)
{
    size_t digits = 0;
    for (const char *p = version; *p; p++)
        digits += mig_is_digit(*p);
    return digits >= 12;
}

/* In the form of @p like: "20240102030405", "2024-01-02-030405", "20240102_030405", or padded with zeros. */
static void timestamp(struct mig_buf *out, const char *like, int64_t now_ms)
{
    char now[15];
    size_t at = 0;
    mig_clock_compact(now_ms, now);
    for (const char *p = like; *p; p++) {
        if (!mig_is_digit(*p))
            mig_buf_char(out, *p);
        else
            mig_buf_char(out, at < 14 ? now[at++] : '0');
    }
}

static void next_version(struct proposal *p, const char *version, int64_t now_ms)
{
    size_t len, at = last_number(version, &len);
    mig_buf_reset(&p->version);
    if (is_timestamp(version)) {
        timestamp(&p->version, version, now_ms);
        if (p->version.oom || mig_set_compare(p->set, version, p->version.data) < 0)
            return;
        mig_buf_reset(&p->version); /* the clock is behind: the next number will do */
    }
    mig_buf_add(&p->version, version, at);
    add_one(&p->version, version + at, len);
    mig_buf_str(&p->version, version + at + len);
}

/* ---- the name --------------------------------------------------------------- */

static int32_t set_name(struct proposal *p, const char *name, struct mig_diag *diag)
{
    size_t bad;
    for (const char *at = name; *at; at++) {
        bool odd = (unsigned char)*at < 0x20 || strchr("/\\:*?\"<>|", *at) != NULL;
        if (odd) {
            (void)mig_diag_set(diag, MIGRATE_E_NAME, "\"%s\" cannot be part of a file name", name);
            mig_diag_hint(diag, "use letters, digits, blanks, '_' and '-'");
            return MIGRATE_E_NAME;
        }
        mig_buf_char(&p->name, *at == ' ' ? '_' : *at);
    }
    if (!*name || !mig_utf8_valid(name, strlen(name), &bad)) {
        (void)mig_diag_set(diag, MIGRATE_E_NAME, *name ? "the name is not in UTF-8" : "the name is empty");
        mig_diag_hint(diag, "say in a few words what the migration does: add_users");
        return MIGRATE_E_NAME;
    }
    return MIGRATE_OK;
}

/* ---- where ------------------------------------------------------------------ */

/* Directory, and what stands between version and name, as the newest file has them. */
static void look_at_last(struct proposal *p)
{
    const char *path = p->last->up.path, *base = mig_basename(path);
    bool folder = strcmp(p->layout, "folders") == 0 || strcmp(p->layout, "prisma") == 0;
    if (folder && base > path) {
        const char *at = base - 1;
        while (at > path && at[-1] != '/')
            at--;
        base = at;
    }
    mig_buf_add(&p->dir, path, (size_t)(base - path));
    const char *whole = p->set->file_order ? p->newest : p->last->version;
    const char *slash = strrchr(whole, '/'), *version = slash ? slash + 1 : whole;
    size_t skip = *base == 'V' || *base == 'v', len = strlen(version);
    if (strncmp(base + skip, version, len) == 0 && strchr("_-.", base[skip + len]) && base[skip + len])
        p->joint = base[skip + len];
    if (p->joint == '_' && base[skip + len + 1] == '_')
        p->joint = '2'; /* "__" */
}

static void put_stem(struct proposal *p, const char *prefix)
{
    const char *slash = p->version.data ? strrchr(p->version.data, '/') : NULL;
    mig_buf_reset(&p->path);
    mig_buf_str(&p->path, mig_buf_text(&p->dir));
    mig_buf_str(&p->path, prefix);
    mig_buf_str(&p->path, slash ? slash + 1 : mig_buf_text(&p->version));
    mig_buf_str(&p->path, p->joint == '2' ? "__" : p->joint == '-' ? "-" : p->joint == '.' ? "." : "_");
    mig_buf_str(&p->path, mig_buf_text(&p->name));
}

static int32_t take(struct proposal *p, const char *suffix, const char *text, struct mig_new_file *out)
{
    mig_buf_str(&p->path, suffix);
    bool oom = p->path.oom || p->dir.oom || p->name.oom || p->version.oom || p->text.oom;
    out->path = oom ? NULL : mig_strdup(p->path.data);
    out->text = mig_strdup(text);
    return out->path && out->text ? MIGRATE_OK : MIGRATE_E_NOMEM;
}

/* ---- texts ------------------------------------------------------------------ */

static const char *sections_text(const struct mig_set *set)
{
    switch (set->style) {
    case MIG_STYLE_DBMATE:
        return "-- migrate:up\n\n\n-- migrate:down\n\n";
    case MIG_STYLE_GOOSE:
        return "-- +goose Up\n\n\n-- +goose Down\n\n";
    case MIG_STYLE_SQL_MIGRATE:
        return "-- +migrate Up\n\n\n-- +migrate Down\n\n";
    case MIG_STYLE_NODE:
        return "-- Up Migration\n\n\n-- Down Migration\n\n";
    default:
        return "-- migrate: up\n\n\n-- migrate: down\n\n";
    }
}

/* ---- Liquibase --------------------------------------------------------------- */

/* Change sets have no numbers, but their files may: that of the last file, or its whole name. */
static const char *file_number(struct proposal *p, const char *path)
{
    const char *base = mig_basename(path);
    size_t len = mig_number_len(base, strlen(base));
    mig_buf_add(&p->text, base, len ? len : strlen(base));
    return mig_buf_text(&p->text);
}

static const char *changeset_text(struct proposal *p)
{
    mig_buf_reset(&p->text);
    mig_buf_fmt(&p->text, "--liquibase formatted sql\n\n--changeset migrate:%s\n\n", mig_buf_text(&p->name));
    return mig_buf_text(&p->text);
}

static int32_t write_files(struct proposal *p, bool pair, struct mig_new_file out[2], size_t *n)
{
    const char *upper = p->last && strcmp(p->layout, "pairs") == 0 ? mig_basename(p->last->up.path) : "";
    const char *prefix = strcmp(p->layout, "flyway") == 0 ? "V"
                         : *upper == 'V'                  ? "V"
                         : *upper == 'v'                  ? "v"
                                                          : "";
    bool folders = strcmp(p->layout, "folders") == 0, pairs = strcmp(p->layout, "pairs") == 0;
    *n = 1;
    put_stem(p, prefix);
    if (strcmp(p->layout, "prisma") == 0)
        return take(p, "/migration.sql", "", &out[0]);
    if (strcmp(p->layout, "sections") == 0)
        return take(p, ".sql", sections_text(p->set), &out[0]);
    if (strcmp(p->layout, "liquibase") == 0)
        return take(p, ".sql", changeset_text(p), &out[0]);
    int32_t status = take(p, folders ? "/up.sql" : pairs ? ".up.sql" : ".sql", "", &out[0]);
    if (status || !(folders || pairs || (pair && *prefix == 'V')))
        return status;
    *n = 2;
    put_stem(p, folders || pairs ? prefix : "U");
    return take(p, folders ? "/down.sql" : pairs ? ".down.sql" : ".sql", "", &out[1]);
}

/* ---- all together ----------------------------------------------------------- */

static const struct mig_migration *newest(const struct mig_set *set, bool code_too)
{
    for (size_t i = set->n_versioned; i-- > 0;)
        if (set->items[i].kind == MIGRATE_KIND_VERSIONED &&
            (code_too || !(set->items[i].flags & MIG_MIGRATION_CODE)))
            return &set->items[i];
    return NULL;
}

static const char *choose_layout(const struct mig_set *set, bool pair, const char *layout)
{
    if (layout && strcmp(layout, "auto") != 0)
        return layout;
    if (set->count > 0 && set->layout[0])
        return set->layout;
    return pair ? "pairs" : "plain";
}

static int32_t check(const struct proposal *p, bool pair, struct mig_diag *diag)
{
    if (p->newest && !strpbrk(p->newest, "0123456789")) {
        (void)mig_diag_set(diag, MIGRATE_E_NAME, "the names here have no numbers, so there is no next one");
        mig_diag_hint(diag, "create the file by hand, with a name that comes after %s", p->newest);
        return MIGRATE_E_NAME;
    }
    static const char *const can_pair[] = { "pairs", "folders", "sections", "flyway", "liquibase" };
    bool known = !pair;
    for (size_t i = 0; i < sizeof can_pair / sizeof can_pair[0]; i++)
        known = known || strcmp(p->layout, can_pair[i]) == 0;
    if (known)
        return MIGRATE_OK;
    (void)mig_diag_set(diag, MIGRATE_E_NAME, "files of the layout %s have no pairs", p->layout);
    mig_diag_hint(diag, "leave --pair out");
    return MIGRATE_E_NAME;
}

static int32_t propose(struct proposal *p, bool pair, int64_t now_ms, struct mig_new_file out[2], size_t *n,
                       struct mig_diag *diag)
{
    int32_t status = check(p, pair, diag);
    if (status)
        return status;
    p->joint = strcmp(p->layout, "flyway") == 0 ? '2' : '_';
    if (p->last)
        look_at_last(p);
    if (p->newest)
        next_version(p, p->newest, now_ms);
    else
        timestamp(&p->version, "00000000000000", now_ms);
    status = write_files(p, pair, out, n);
    return status ? mig_diag_set(diag, status, "out of memory") : status;
}

int32_t mig_set_propose(const struct mig_set *set, const char *name, bool pair, const char *layout,
                        int64_t now_unix_ms, struct mig_new_file out[2], size_t *n, struct mig_diag *diag)
{
    const struct mig_migration *last = newest(set, true);
    struct proposal p = { .set = set, .last = newest(set, false), .newest = last ? last->version : NULL };
    p.layout = choose_layout(set, pair, layout);
    if (last && set->file_order)
        p.newest = file_number(&p, last->up.path);
    out[0] = out[1] = (struct mig_new_file){ NULL, NULL };
    int32_t status = set_name(&p, name, diag);
    if (!status)
        status = propose(&p, pair, now_unix_ms, out, n, diag);
    for (int i = 0; i < 2 && status; i++) {
        free(out[i].path);
        free(out[i].text);
        out[i] = (struct mig_new_file){ NULL, NULL };
    }
    mig_buf_free(&p.version);
    mig_buf_free(&p.name);
    mig_buf_free(&p.dir);
    mig_buf_free(&p.path);
    mig_buf_free(&p.text);
    return status;
}
