/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_BOOKS_H
#define MIG_CORE_BOOKS_H

/* The SQL of our own tables, for every dialect: migrate_history, migrate_journal, migrate_head, migrate_lock. Texts
 * only; nothing here talks to a database. Values go in as literals, because a packet or a script cannot bind. */

#include "core/ctx.h"

#define MIG_FORMAT 1 /* of our tables; a larger one in migrate_head belongs to a newer library */

struct mig_books {
    uint32_t dialect;
    const struct mig_names *names;
};

/* ---- quoting ---------------------------------------------------------------- */

/* A literal that the server reads back to the same bytes under any session setting; NULL: NULL. */
void mig_literal(struct mig_buf *out, uint32_t dialect, const char *text);
void mig_literaln(struct mig_buf *out, uint32_t dialect, const char *text, size_t len);
void mig_ident(struct mig_buf *out, uint32_t dialect, const char *name);

/* Makes the qualified names. @p schema NULL leaves names unqualified. false: memory. */
bool mig_names_make(struct mig_names *names, uint32_t dialect, const char *schema, const char *prefix);
/* Makes the key of session locks and of locks outside: the same for every run on these tables. */
bool mig_names_lock_key(struct mig_names *names, const char *prefix, const char *database);

/* ---- tables ----------------------------------------------------------------- */

/* Statement @p index that creates our tables (with their one row of head), or false past the end. */
bool mig_books_create(const struct mig_books *b, size_t index, struct mig_buf *out);

/* Columns: format, epoch, seq, digest, schema it was found in, current schema. With names unqualified it looks where
 * unqualified names lead. */
void mig_books_read_head(const struct mig_books *b, const char *prefix, struct mig_buf *out);

/* Columns: kind, version, name, state, checksum, statements, done, seq, finished_at, elapsed_ms, error. */
void mig_books_read_history(const struct mig_books *b, struct mig_buf *out);
/* Columns: kind, version, direction, idx, state, seq, epoch, sha, object, fp; in order of idx. */
void mig_books_read_journal(const struct mig_books *b, struct mig_buf *out);

/* Moves the epoch by @p by. On PostgreSQL it returns what mig_books_read_head() does. */
void mig_books_take_epoch(const struct mig_books *b, uint32_t by, struct mig_buf *out);

/* ---- one operation ---------------------------------------------------------- */

#define MIG_OP_NOW INT64_MIN /* when the statement runs: for scripts */

struct mig_op {
    uint64_t epoch;
    uint64_t seq;         /* it moves seq from seq - 1 to this */
    uint64_t token;       /* SQLite: of this transaction */
    const char *digest;   /* after it */
    uint32_t kind;        /* MIGRATE_KIND_* */
    const char *version;  /* identity: a repeatable's is its name */
    const char *name;
    const char *state;    /* "applied", "reverted", "baseline", "pending", "failed" */
    const char *checksum; /* "sha256:…" or NULL */
    uint64_t statements;
    uint64_t done;
    int64_t started_unix_ms, elapsed_ms; /* dialects without a clock of their own (SQLite) */
    const char *client, *run_id;
    const char *error;
    char     direction;   /* 'U' or 'D': the journal's */
};

/* What the head's tx is set to when an operation begins: a mark of its transaction, or (MySQL) the server's clock in
 * milliseconds, from which the history's instants are made. */
void mig_books_tx(const struct mig_books *b, const struct mig_op *op, struct mig_buf *out);
/* First statement inside a transaction: fails, or affects no row (SQLite, others), when the fence is passed. */
void mig_books_fence(const struct mig_books *b, const struct mig_op *op, struct mig_buf *out);
/* Last statements inside it: head moves, history is written. false past the last @p index. Each fails when this is
 * not the transaction that began. */
bool mig_books_close(const struct mig_books *b, const struct mig_op *op, size_t index, struct mig_buf *out);
/* Likewise for a journalled operation (no transaction held the fence); its journal rows go with it. */
bool mig_books_end(const struct mig_books *b, const struct mig_op *op, size_t index, struct mig_buf *out);
/* Writes a row of history as it is, inside a transaction that holds the fence. */
void mig_books_row(const struct mig_books *b, const struct mig_op *op, struct mig_buf *out);
/* Remembers a failure; guarded by epoch, moves nothing. */
void mig_books_failure(const struct mig_books *b, const struct mig_op *op, struct mig_buf *out);

/* ---- journal ---------------------------------------------------------------- */

struct mig_mark {
    uint64_t idx;        /* of the (first) statement, from 1 */
    const char *sha;     /* 64 hex digits over its text (of a run of DML: of all, in order) */
    const char *object;  /* "table:schema.name", "+3" for a run of three, or "" */
    const char *fp_sql;  /* scalar expression, or NULL */
};
/* Before the first intent: a digest that never matches; remembers when it began. */
void mig_books_open(const struct mig_books *b, const struct mig_op *op, struct mig_buf *out);
/* @p locks: inside a transaction, so the head row is locked. */
void mig_books_intent(const struct mig_books *b, const struct mig_op *op, const struct mig_mark *m, bool locks,
                      struct mig_buf *out);
void mig_books_done(const struct mig_books *b, const struct mig_op *op, const struct mig_mark *m, struct mig_buf *out);
/* Takes one intent back. */
void mig_books_forget(const struct mig_books *b, const struct mig_op *op, uint64_t idx, struct mig_buf *out);
/* Drops all journal rows of the operation. */
void mig_books_prune(const struct mig_books *b, const struct mig_op *op, struct mig_buf *out);

/* 'V', 'R' or 'B'. */
char mig_kind_letter(uint32_t kind);

#endif
