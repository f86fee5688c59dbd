/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SQL_TOKENS_H
#define MIG_SQL_TOKENS_H

/* Tokens of one statement that is already cut, as the server's lexer sees them. Comments are passed over,
 * MySQL's version comments are entered where the server would enter them. Nothing is allocated and
 * nothing copied, so that a statement of any size costs only as far as it is read. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sql/classify.h"

enum mig_token_kind {
    MIG_TOKEN_END,
    MIG_TOKEN_WORD,   /* keyword or unquoted identifier */
    MIG_TOKEN_QUOTED, /* quoted identifier, with its quotes */
    MIG_TOKEN_STRING, /* with prefix and quotes */
    MIG_TOKEN_NUMBER,
    MIG_TOKEN_VAR,   /* @x, @@x, @'host', $1, :name */
    MIG_TOKEN_PUNCT, /* one character */
};

struct mig_token {
    enum mig_token_kind kind;
    const char *text; /* slice of the statement */
    size_t len;
    uint32_t depth; /* parentheses open around it; '(' and its ')' have the same */
    bool dotted;    /* follows a '.': no keyword, whatever it reads */
};

struct mig_tokens {
    const struct mig_sql_dialect_info *di;
    const char *p;
    const char *end;
    uint32_t depth;
    bool dot;        /* the last token was '.' */
    bool in_version; /* inside of a version comment that is executed */
};

void mig_tokens_init(struct mig_tokens *ts, const struct mig_sql_dialect_info *di, const char *text,
                     size_t len);
/* false, and kind END, at the end. */
bool mig_tokens_next(struct mig_tokens *ts, struct mig_token *out);

/* Writes the name a WORD, QUOTED or STRING token stands for: quotes removed, and as the server would
 * fold and cut it. false if it does not fit or is written with Unicode escapes. */
bool mig_token_name(const struct mig_token *tok, uint32_t dialect, char *out, size_t size);

#endif
