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

/* A comment outside of statements and inside them, given as it is met, with its delimiters and without the
 * line end. Of one outside that is longer than 64 KiB only the first 64 KiB come. */
typedef void (*mig_sql_comment_fn)(void *user, const char *text, size_t len, uint64_t offset, uint64_t line);

/* Flags of a statement. */
/* holds a compound body (BEGIN … END) */
#define MIG_SQL_STATEMENT_COMPOUND (1u << 0)
/* PostgreSQL COPY … FROM STDIN: data follows, see mig_sql_copy_read() */
#define MIG_SQL_STATEMENT_COPY (1u << 1)
/* more than one command, kept together because the script says so (another delimiter, `whole`, a goose block): must
 * be sent alone, and only where the server takes several at once */
#define MIG_SQL_STATEMENT_MULTI (1u << 2)
/* its own last token is a ';' (another delimiter in force) */
#define MIG_SQL_STATEMENT_SEMICOLON (1u << 3)

struct mig_sql_statement {
    const char *text; /* first non-blank, non-comment character to the last before the terminator; not
                         NUL-terminated; valid until the next mig_sql_next(). It may end in a line comment:
                         put a line end behind it before anything else */
    size_t len;
    size_t reach;    /* to the terminator: with the blanks before it, which SQLite keeps in its schema */
    uint64_t offset; /* byte offset in the script (a BOM is not counted) */
    uint64_t line;   /* where it begins, from 1 */
    uint64_t column; /* in characters, from 1 */
    uint32_t flags;
};

struct mig_sql_config {
    uint32_t dialect; /* MIGRATE_DIALECT_* */
    uint32_t lex;     /* MIGRATE_LEX_* in force at the start */
    uint32_t version; /* server's, major*10000+minor*100+patch; 0 unknown, newest */
    bool mariadb;     /* MySQL family: MariaDB's rules */
    bool goose;       /* obey "-- +goose StatementBegin/End": the end of a block ends a statement; a stored
                         program in one (in a dialect that is not known: all of it) stays whole */
    const char *terminator; /* NULL: ';'. Another one for the whole text (Liquibase endDelimiter): letters in
                               any case; "/" alone, or one that begins with a line end, counts at the begin of
                               a line only; one that ends with a line end, at the end of a line only */
    bool whole;             /* do not split at all: the text is one statement (splitStatements:false) */
    uint64_t max_statement; /* longest statement taken; 0: 1 GiB. Longer: E_PARSE while lexing */
    uint64_t line;          /* line number of the first byte, 0 counts as 1 */
    mig_sql_read_fn read;
    void *read_user;
    mig_sql_comment_fn on_comment; /* or NULL */
    void *comment_user;
};

struct mig_sql_lexer; /* opaque */

/* The MIGRATE_LEX_* of a server as it comes, for when there is none to ask. */
uint32_t mig_sql_default_lex(uint32_t dialect, uint32_t version, bool mariadb);

/* NULL when memory is out. @p config is copied, its strings too. */
struct mig_sql_lexer *mig_sql_open(const struct mig_sql_config *config);
void mig_sql_close(struct mig_sql_lexer *lx); /* takes NULL */

/* MIGRATE_OK and @p out, MIGRATE_DONE at the end, else a failure (E_PARSE with line, column and hint in
 * @p diag; E_NOMEM; what read() returned). After a failure it stays failed. */
int32_t mig_sql_next(struct mig_sql_lexer *lx, struct mig_sql_statement *out, struct mig_diag *diag);

/* The session's lexical switches have changed (after the statement just executed): counts from the next
 * mig_sql_next() on. */
void mig_sql_set_lex(struct mig_sql_lexer *lx, uint32_t lex);

/* After a statement with MIG_SQL_STATEMENT_COPY: the next chunk of its data, *@p len 0 at the end (the line
 * "\." is consumed, not given). A chunk is valid until the next call. E_PARSE when the script ends without
 * "\.". Not reading it all is allowed: mig_sql_next() skips the rest. Where two COPYs share a line, their
 * blocks come in order. */
int32_t mig_sql_copy_read(struct mig_sql_lexer *lx, const char **chunk, size_t *len, struct mig_diag *diag);

#endif
