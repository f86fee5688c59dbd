/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_HISTORY_H
#define MIG_CORE_HISTORY_H

/* What our tables say, read once and held beside the set. */

#include "core/books.h"
#include "core/session.h"

struct mig_head {
    bool     present; /* our tables are there */
    uint32_t format;
    uint64_t epoch, seq;
    char     digest[MIG_SHA256_HEX + 1];
};

/* Reads the one row. Absent tables are no failure. Learns the schema our tables are in. E_HISTORY when the row is
 * missing or doubled. */
migrate_status mig_head_read(migrate_ctx *ctx, struct mig_head *out, migrate_error **err);
/* E_FORMAT when the tables belong to a newer library. */
migrate_status mig_head_writable(const struct mig_head *head, migrate_error **err);
/* Qualified names, once the schema is known (facts are asked for where the head did not tell). */
migrate_status mig_names_need(migrate_ctx *ctx, migrate_error **err);
void mig_books_of(const migrate_ctx *ctx, struct mig_books *b);

enum mig_row_state { MIG_ROW_APPLIED, MIG_ROW_BASELINE, MIG_ROW_REVERTED, MIG_ROW_PENDING };

/* What a row says otherwise than its file. NULL and zero: nothing. */
struct mig_row_more {
    const char *version; /* identity: a repeatable's name */
    const char *name;
    const char *error;
    const char *code_checksum; /* when it is not "sha256:" and 64 digits */
    uint8_t checksum[MIG_SHA256_LEN];
};

enum mig_row_sum { MIG_SUM_NONE, MIG_SUM_SAME, MIG_SUM_OTHER, MIG_SUM_CODE };

/* One row of migrate_history: small, because there may be ten thousand. */
struct mig_row {
    const struct mig_migration *migration; /* of the set, or NULL: its file is gone */
    const struct mig_row_more *more;       /* or NULL */
    int64_t  applied_at_ms;
    uint32_t statements, done;             /* UINT32_MAX: not counted */
    uint32_t elapsed_ms;
    uint8_t  kind;                         /* MIGRATE_KIND_* */
    uint8_t  state;                        /* enum mig_row_state */
    uint8_t  sum;                          /* enum mig_row_sum: SAME as the migration's, else in `more` */
};

/* One row of migrate_journal. */
struct mig_journal_row {
    uint8_t  kind;
    char     direction; /* 'U' or 'D' */
    bool     is_done;
    uint64_t idx, seq, epoch;
    const char *version, *sha, *object, *fp;
};

struct mig_history {
    struct mig_arena arena;
    struct mig_row *rows; /* V and B in version order, then R in name order */
    size_t n_rows, rows_cap;
    size_t n_versioned;   /* of them V and B */
    struct mig_journal_row *journal; /* by migration and idx; intent after done of the same idx */
    size_t n_journal, journal_cap;
};

/* Reads history and journal and ties rows to @p set's migrations. An absent table set gives an empty history. */
migrate_status mig_history_read(migrate_ctx *ctx, const struct mig_set *set, const struct mig_head *head,
                                struct mig_history *out, migrate_error **err);
void mig_history_free(struct mig_history *h);
const struct mig_row *mig_history_find(const struct mig_history *h, const struct mig_set *set, uint32_t kind,
                                       const char *identity);
static inline bool mig_row_in(const struct mig_row *row)
{
    return row && (row->state == MIG_ROW_APPLIED || row->state == MIG_ROW_BASELINE);
}
/* Is there a half-done operation? Its rows of the journal, or 0. All rows of one (kind, version, direction). */
size_t mig_history_open(const struct mig_history *h, const struct mig_journal_row **first);

/* ---- digest ----------------------------------------------------------------- */

/* SHA-256 chained over (kind, version, checksum) of what is applied. */
struct mig_digest {
    uint8_t value[MIG_SHA256_LEN];
};
void mig_digest_init(struct mig_digest *d);
void mig_digest_add(struct mig_digest *d, uint32_t kind, const char *identity, const char *checksum);
void mig_digest_text(const struct mig_digest *d, char out[MIG_SHA256_HEX + 1]);

/* Identity and name of a row: its own, or those of its file. Never NULL. */
const char *mig_row_version(const struct mig_row *row);
const char *mig_row_name(const struct mig_row *row);
/* The 32 bytes of its checksum, or NULL. */
const uint8_t *mig_row_sum(const struct mig_row *row);

/* "sha256:…" of a migration or what the code's author gave; "" for none. @p buf holds it if need be. */
#define MIG_CHECKSUM_TEXT (7 + MIG_SHA256_HEX + 1)
const char *mig_checksum_text(const uint8_t *sum, const char *code, char buf[MIG_CHECKSUM_TEXT]);
const char *mig_migration_checksum(const struct mig_migration *m, char buf[MIG_CHECKSUM_TEXT]);
const char *mig_row_checksum(const struct mig_row *r, char buf[MIG_CHECKSUM_TEXT]);
/* The digest a database has in which all of @p set, and nothing else, is applied. */
void mig_digest_of_set(const struct mig_set *set, char out[MIG_SHA256_HEX + 1]);

/* Identity for the key of migrate_history: version, or name of a repeatable. */
static inline const char *mig_identity(const struct mig_migration *m)
{
    return m->kind == MIGRATE_KIND_REPEATABLE ? m->name : m->version;
}

#endif
