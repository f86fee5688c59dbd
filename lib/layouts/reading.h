/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_LAYOUTS_READING_H
#define MIG_LAYOUTS_READING_H

/* The reading of a source under way: its files, sorted by path, and what is known of each. Shared by the
 * files of this folder. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layouts/migrations.h"

/* What a file's name looks like. */
enum mig_shape {
    MIG_SHAPE_SINGLE, /* NAME.sql: plain, versioned, sections, liquibase */
    MIG_SHAPE_PAIR,   /* NAME.up.sql, NAME.down.sql */
    MIG_SHAPE_FLYWAY, /* V1__x.sql, R__x.sql, U1__x.sql, B1__x.sql */
    MIG_SHAPE_FOLDER, /* NAME/up.sql, NAME/down.sql */
    MIG_SHAPE_PRISMA, /* NAME/migration.sql, with a down.sql perhaps */
    MIG_SHAPE_CODE,   /* code with a name that goes with any of them but flyway */
    MIG_SHAPE_BESIDE, /* X.sql.conf, metadata.toml: no migration itself */
    MIG_SHAPE_STRAY,  /* one of those beside nothing */
};

/* Whose markers and directives a file holds. */
enum mig_style {
    MIG_STYLE_NONE,
    MIG_STYLE_OURS,        /* -- migrate: up */
    MIG_STYLE_DBMATE,      /* -- migrate:up */
    MIG_STYLE_GOOSE,       /* -- +goose Up */
    MIG_STYLE_SQL_MIGRATE, /* -- +migrate Up */
    MIG_STYLE_NODE,        /* -- Up Migration */
    MIG_STYLE_LIQUIBASE,   /* --liquibase formatted sql */
};

/* What the comments of one file say. Scratch; what it points to is in the set's arena. */
struct mig_marked {
    const struct mig_directives *directives; /* NULL: none */
    const struct mig_range *up, *down;       /* of the sections, each list with its hash behind it */
    uint32_t n_up, n_down;
    uint32_t flags; /* MIG_MIGRATION_GOOSE */
    uint8_t style;  /* of the sections; NONE: there are none */
};

/* Kept small: there may be ten thousand and more. */
struct mig_file {
    const char *path; /* in the set's arena, like what follows */
    uint64_t cookie;
    union {
        const uint8_t *sha; /* of the text */
        const char *code;   /* CODE: its checksum as given, or NULL */
    };
    const struct mig_marked *marked; /* NULL: nothing found */
    uint32_t entry_flags;            /* MIGRATE_ENTRY_* */
    uint8_t shape;
    bool bom;
    bool liquibase;      /* begins with its header */
    bool no_transaction; /* begins with "-- no-transaction" */
};

/* Directives as they are read. */
struct mig_said {
    struct mig_directives d;
    bool any;
};

enum { MIG_READ_CHUNK = 64 * 1024 };

struct mig_reading {
    const struct migrate_source_ops *ops;
    void *self;
    const struct migrate_host *host;
    const struct mig_layout_options *options;
    struct mig_diag *diag;
    struct migrate_error **err;

    struct mig_set *set;
    struct mig_file *files;
    size_t n_files, files_cap;
    size_t items_cap;
    bool no_sections;         /* forced `plain`: markers are comments */
    struct mig_arena scratch; /* gone when the reading ends */

    char *chunk;                 /* MIG_READ_CHUNK bytes */
    const struct mig_file *held; /* the file that is in it whole, without BOM, or NULL */
    size_t held_len;
};

/* ---- failing ---------------------------------------------------------------- */

int32_t mig_reading_nomem(struct mig_reading *r);
/* E_LAYOUT and the like about one file. @p line 0: unknown. */
int32_t mig_reading_fail(struct mig_reading *r, int32_t status, const char *path, uint64_t line,
                         const char *hint, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* ---- files ------------------------------------------------------------------ */

/* Fills r->files from the source: sorted, only what layouts read. */
int32_t mig_listing_read(struct mig_reading *r);
/* The file of this path, or NULL. */
struct mig_file *mig_file_find(const struct mig_reading *r, const char *path, size_t len);
/* Bytes of a file, BOM dropped. */
int32_t mig_file_read(struct mig_reading *r, const struct mig_file *f, uint64_t offset, char *buf, size_t cap,
                      size_t *got);
/* The whole of a small file, BOM dropped, into the scratch arena, NUL-terminated. E_PARSE past 64 KiB. */
int32_t mig_file_text(struct mig_reading *r, const struct mig_file *f, const char **text, size_t *len);

/* ---- content ---------------------------------------------------------------- */

/* Reads the file once: checksum, NUL bytes, encoding, markers. *@p size: of the text that was hashed. */
int32_t mig_content_read(struct mig_reading *r, struct mig_file *f, uint64_t *size);
/* The line of byte @p offset (BOM not counted). */
int32_t mig_content_line(struct mig_reading *r, const struct mig_file *f, uint64_t offset, uint64_t *line);
/* Bytes from @p offset on, BOM not counted; from memory if the file is held. */
int32_t mig_content_bytes(struct mig_reading *r, const struct mig_file *f, uint64_t offset, char *buf,
                          size_t cap, size_t *got);
/* SHA-256 of the text in @p ranges, offsets BOM not counted. */
int32_t mig_content_hash(struct mig_reading *r, const struct mig_file *f, const struct mig_range *ranges,
                         uint32_t n, uint8_t out[MIG_SHA256_LEN]);
/* Copies the ranges into the set, as offsets into the raw file, with their hash behind them. */
int32_t mig_ranges_keep(struct mig_reading *r, const struct mig_file *f, const struct mig_range *ranges,
                        size_t n, const struct mig_range **out);
/* Is there a statement in it? */
int32_t mig_content_has_statement(struct mig_reading *r, const struct mig_file *f, bool *out);

/* ---- conventions ------------------------------------------------------------ */

/* Sets the shape of every file from its name, or as the forced convention sees it. E_LAYOUT: there is none of
 * that name. */
int32_t mig_shapes_set(struct mig_reading *r);
/* Chooses the convention, from names and text, or as forced; then calls one of the next. */
int32_t mig_detect_and_build(struct mig_reading *r);

/* plain, versioned and sections; @p folders: directories that hold versions are part of the version. */
int32_t mig_plain_build(struct mig_reading *r, bool folders);
int32_t mig_pairs_build(struct mig_reading *r);
int32_t mig_flyway_build(struct mig_reading *r);
int32_t mig_folders_build(struct mig_reading *r); /* and prisma */
int32_t mig_liquibase_build(struct mig_reading *r);

/* A new migration of the set, with the text of @p f as its up part; sections, directives and code are taken
 * over. Strings are copied. *@p out is valid until the next is added. */
int32_t mig_add(struct mig_reading *r, const struct mig_file *f, uint32_t kind, const char *version,
                const char *name, struct mig_migration **out);
/* The whole of @p f as the down part of @p m, with its directives. */
int32_t mig_add_down(struct mig_reading *r, struct mig_migration *m, const struct mig_file *f);
/* A copy of the directives of @p m that may be changed, or NULL. */
struct mig_directives *mig_own_directives(struct mig_reading *r, struct mig_migration *m);
extern const struct mig_directives mig_no_directives;

/* Puts the items in order and refuses duplicate versions. */
int32_t mig_order_items(struct mig_reading *r);
/* Last touches: tags and the checksums of repeatables with placeholders. */
int32_t mig_finish_items(struct mig_reading *r);
/* Have the comma-separated lists an entry in common? "all" has everything; case does not count. */
bool mig_lists_meet(const char *a, const char *b);
/* The order of versions: naturally, '/' before all else; Flyway's. */
int mig_version_cmp(const char *a, const char *b);
int mig_version_cmp_flyway(const char *a, const char *b);

#endif
