/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SQL_LEXER_H
#define MIG_SQL_LEXER_H

/* The statement iterator: cuts a script into statements as the *server's* lexer reads it, one at a
 * time, holding no more than one statement in memory. Dialects are MIGRATE_DIALECT_* of driver.h. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/diag.h"

/* Where the bytes come from. *@p got 0 is the end. Returns a migrate_status. */
typedef int32_t (*mig_sql_read_fn)(void *user, char *buf, size_t cap, size_t *got);

/* A comment outside of statements and inside them, given as it is met, with its delimiters. */
typedef void (*mig_sql_comment_fn)(void *user, const char *text, size_t len, uint64_t offset, uint64_t line);

#define MIG_SQL_STATEMENT_COMPOUND (1u << 0) /* holds a compound body (BEGIN … END) */
#define MIG_SQL_STATEMENT_COPY     (1u << 1) /* PostgreSQL COPY … FROM STDIN: data follows, see mig_sql_copy_read() */

struct mig_sql_statement {
    const char *text;   /* first non-blank, non-comment character to the last before the terminator; not
                           NUL-terminated; valid until the next call */
    size_t      len;
    uint64_t    offset; /* byte offset in the script (after BOM, as read) */
    uint64_t    line;   /* where it begins, from 1 */
    uint64_t    column; /* in characters, from 1 */
    uint32_t    flags;
};

struct mig_sql_config {
    uint32_t        dialect;       /* MIGRATE_DIALECT_* */
    uint32_t        lex;           /* MIGRATE_LEX_* in force at the start */
    uint32_t        version;       /* server's, major*10000+minor*100+patch; 0 unknown, newest */
    bool            mariadb;       /* MySQL family: MariaDB's rules */
    bool            goose;         /* "-- +goose StatementBegin/End" keep what is between as one statement */
    const char     *terminator;    /* NULL: ';'; another terminator for the whole text (Liquibase endDelimiter) */
    bool            whole;         /* do not split at all: the text is one statement (splitStatements:false) */
    uint64_t        max_statement; /* longest statement taken; 0: 1 GiB. Longer: E_PARSE while lexing */
    uint64_t        line;          /* line number of the first byte, 0 counts as 1 */
    mig_sql_read_fn read;
    void           *read_user;
    mig_sql_comment_fn on_comment; /* or NULL */
    void           *comment_user;
};

struct mig_sql_lexer; /* opaque */

/* NULL when memory is out. @p config is copied, its strings too. */
struct mig_sql_lexer *mig_sql_open(const struct mig_sql_config *config);
void mig_sql_close(struct mig_sql_lexer *lx);

/* MIGRATE_OK and @p out, MIGRATE_DONE at the end, else a failure (E_PARSE with line, column and hint in
 * @p diag; E_NOMEM; what read() returned). After a failure it stays failed. */
int32_t mig_sql_next(struct mig_sql_lexer *lx, struct mig_sql_statement *out, struct mig_diag *diag);

/* The session's lexical switches have changed (after the statement just executed): counts from the next
 * mig_sql_next() on. */
void mig_sql_set_lex(struct mig_sql_lexer *lx, uint32_t lex);

/* After a statement with MIG_SQL_STATEMENT_COPY: the next chunk of its data, *@p len 0 at the end (the line
 * "\." is consumed, not given). E_PARSE when the script ends without "\.". Not reading it all is
 * allowed: mig_sql_next() skips the rest. Where two COPYs share a line, their blocks come in order. */
int32_t mig_sql_copy_read(struct mig_sql_lexer *lx, const char **chunk, size_t *len, struct mig_diag *diag);

#endif
