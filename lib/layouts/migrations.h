/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_LAYOUTS_MIGRATIONS_H
#define MIG_LAYOUTS_MIGRATIONS_H

/* What the layouts make of a source: the set of its migrations, sorted, with the place of their text.
 * A set is immutable once read, counted by references, and may be shared between threads. Built to be
 * small: ten thousand migrations fit in about two megabytes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <migrate/item.h>
#include <migrate/source.h>

#include "sql/lexer.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/sha256.h"

/* A piece of a file. */
struct mig_range {
    uint64_t begin;
    uint64_t end;  /* UINT64_MAX: the end of the file */
    uint64_t line; /* of its first byte, from 1 */
};

/* The text of one direction: ranges of one file, in order (sections may repeat). n_ranges 0: none. */
struct mig_part {
    const char *path; /* of the file, as the source names it; NULL none */
    uint64_t cookie;  /* the source's own */
    const struct mig_range *ranges;
    uint32_t n_ranges;
    bool has_sha; /* the SHA-256 of the ranges' text lies behind them; else it is the checksum */
};

extern const struct mig_part mig_no_part; /* an empty one */

/* SHA-256 of the text of the ranges, BOM dropped, CRLF to LF; NULL: the migration's checksum. */
static inline const uint8_t *mig_part_sha(const struct mig_part *part)
{
    return part->has_sha ? (const uint8_t *)(part->ranges + part->n_ranges) : NULL;
}

enum mig_tx_mode { MIG_TX_DEFAULT, MIG_TX_ON, MIG_TX_OFF }; /* a directive; DEFAULT: none given */

#define MIG_MIGRATION_CODE (1u << 0)          /* run by the source, no text */
#define MIG_MIGRATION_REVERSIBLE (1u << 1)    /* has a down part (or code that takes DOWN) */
#define MIG_MIGRATION_GOOSE (1u << 2)         /* lexer's `goose` */
#define MIG_MIGRATION_PLACEHOLDERS (1u << 3)  /* ${NAME} is replaced before cutting */
#define MIG_MIGRATION_WHOLE (1u << 4)         /* splitStatements:false: the up text is one statement */
#define MIG_MIGRATION_WHOLE_DOWN (1u << 10)   /* rollbackSplitStatements:false: the down text is */
#define MIG_MIGRATION_RUN_ALWAYS (1u << 5)    /* Liquibase runAlways */
#define MIG_MIGRATION_RUN_ON_CHANGE (1u << 6) /* Liquibase runOnChange */
#define MIG_MIGRATION_EXCLUDED                                                                               \
    (1u << 7) /* contexts, labels, tags or dbms leave it out: never run, never missing */
#define MIG_MIGRATION_LITERAL (1u << 8) /* placeholders are not replaced, whatever is set */
#define MIG_MIGRATION_LENIENT (1u << 9) /* a placeholder without a value stays as it is (Liquibase) */

/* Directives; numbers are -1 where none was given. What stands in a down file or section counts for that
 * direction, what stands before the first section for both. */
struct mig_directives {
    int8_t tx_up, tx_down; /* enum mig_tx_mode */
    int32_t retries, retries_down;
    int64_t lock_timeout_ms, lock_timeout_down_ms;
    int64_t statement_timeout_ms, statement_timeout_down_ms;
    const char *tags;                            /* as written, or NULL */
    const char *terminator_up, *terminator_down; /* Liquibase endDelimiter, or NULL */
    const char *precondition_sql;                /* Liquibase sql-check, or NULL */
    const char *precondition_expect;
    const char *precondition_on_fail; /* "HALT", "MARK_RAN", "CONTINUE", "WARN" */
};

struct mig_migration {
    const char *version;                     /* "" for a repeatable */
    const char *name;                        /* for people; a repeatable's identity */
    union {
        const uint8_t *checksum;   /* has_checksum: SHA-256 of the text */
        const char *code_checksum; /* else, CODE: as the source gave it, or NULL */
    };
    uint8_t kind;                            /* MIGRATE_KIND_VERSIONED, REPEATABLE or BASELINE */
    bool has_checksum;                       /* it has text */
    uint32_t flags;                          /* MIG_MIGRATION_* */
    const struct mig_directives *directives; /* never NULL; shared where nothing was said */
    const struct mig_part *down;             /* never NULL; empty where there is none */
    struct mig_part up;
};

/* A Liquibase property. */
struct mig_property {
    const char *name, *value;
    const char *path; /* of the file it holds in; NULL: everywhere */
};

struct mig_set {
    struct mig_migration *items; /* V in version order, then R in name order */
    size_t count;
    size_t n_versioned;           /* of them kind V (and B), which come first */
    uint8_t hash[MIG_SHA256_LEN]; /* of the whole source (`migrate hash`) */
    const char *layout;           /* "pairs", as in option `layout`; "" when empty */
    bool byte_order;              /* versions compare by bytes, else naturally */
    bool file_order;              /* or as the files list them (Liquibase) */
    bool flyway_order;            /* or part by part as numbers, trailing zeros not counting */
    bool byte_sorting;            /* the convention's own tool sorts by bytes: see mig_set_check_order() */
    uint64_t bytes;               /* text read */
    uint32_t *by_version;         /* file_order: indices of the versioned items, sorted by version as bytes */
    uint8_t style;                /* of its sections: enum mig_style of reading.h */
    const struct mig_property *properties;
    size_t n_properties;
    struct mig_arena arena;
    int refs; /* by mig_set_ref/unref only */
};

/* What the layouts must know besides the files. Strings are only read during the call. */
struct mig_layout_options {
    const char *layout; /* option values as in cli.md; NULL: default */
    const char *order;  /* "natural", "bytes", or NULL when not set by anybody */
    const char *contexts, *labels, *tags;
    uint32_t dialect; /* MIGRATE_DIALECT_* of the engine meant, for popx and dbms; OTHER when unknown */
    bool mariadb;
    bool any_placeholder; /* some placeholder. option is set */
    const char *(*placeholder)(void *user, const char *name, size_t len); /* value or NULL */
    void *placeholder_user;
};

/* Lists and reads @p ops/@p self and makes the set, refs 1. Entries added with migrate_ctx_add_file/code come
 * as part of the source. E_SOURCE, E_NAME, E_DUPLICATE, E_LAYOUT, E_PARSE, E_DIRECTIVE, E_PLACEHOLDER,
 * E_NOMEM in
 * @p diag; or what a callback of the source returned, its own error then in @p err. */
int32_t mig_set_read(const struct migrate_source_ops *ops, void *self, const struct migrate_host *host,
                     const struct mig_layout_options *options, struct mig_set **out, struct mig_diag *diag,
                     struct migrate_error **err);
struct mig_set *mig_set_ref(struct mig_set *set);
void mig_set_unref(struct mig_set *set);

/* E_ORDER when the convention's own tool sorts by bytes, nobody has said `order=`, and the migrations for
 * which
 * @p pending says true (NULL: all) come in another order by bytes than naturally. To be asked before they
 * run. */
int32_t mig_set_check_order(const struct mig_set *set,
                            bool (*pending)(void *user, const struct mig_migration *m), void *user,
                            struct mig_diag *diag);

/* Order of two versions of this set's kind: < 0, 0, > 0. */
int mig_set_compare(const struct mig_set *set, const char *a, const char *b);
/* The V or B migration with exactly (bytes) this version; the R of this name; or NULL. */
const struct mig_migration *mig_set_find(const struct mig_set *set, uint32_t kind, const char *identity);

/* Text of one direction as it is to be cut: BOM dropped, ranges joined, placeholders replaced. For
 * mig_sql_config.read. It hashes what it reads; where the text ends and is not the one that was hashed when
 * the set was made, reading fails with E_SOURCE_MOVED instead of ending. @p set, @p m and @p options outlive
 * it. */
struct mig_text;
int32_t mig_text_open(const struct mig_set *set, const struct mig_migration *m, uint32_t direction,
                      const struct migrate_source_ops *ops, void *self, const struct migrate_host *host,
                      const struct mig_layout_options *options, struct mig_text **out, struct mig_diag *diag,
                      struct migrate_error **err);
int32_t mig_text_read(void *text, char *buf, size_t cap, size_t *got); /* a mig_sql_read_fn */
/* Line in its file of byte @p offset of the text given out so far (lexer lines already count from the first
 * range; this corrects later ranges). */
uint64_t mig_text_line(const struct mig_text *text, uint64_t offset, uint64_t lexer_line);
/* After the last byte was read: was it the text that was hashed when the set was made? */
int32_t mig_text_verify(struct mig_text *text, struct mig_diag *diag);
/* The failure behind a read() that failed. */
void mig_text_fault(struct mig_text *text, struct mig_diag *diag, struct migrate_error **err);
void mig_text_close(struct mig_text *text);

/* `migrate new`: paths and texts of the next file(s) in the set's own convention; an empty set gives `plain`,
 * or `pairs` with @p pair. At most two; paths and texts are the caller's to free. E_NAME. */
struct mig_new_file {
    char *path;
    char *text;
};
int32_t mig_set_propose(const struct mig_set *set, const char *name, bool pair, const char *layout,
                        int64_t now_unix_ms, struct mig_new_file out[2], size_t *n, struct mig_diag *diag);

#endif
