/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SQL_CURSOR_H
#define MIG_SQL_CURSOR_H

/* Walking a statement's tokens by grammar: "is here", "take if here", names, groups in parentheses. A
 * cursor is a plain value; a copy of it is a place to come back to. Word lists are in upper case,
 * separated by one blank. */

#include "sql/tokens.h"

struct mig_cursor {
    struct mig_tokens ts;
    struct mig_token tok; /* the current one, not yet taken */
};

void mig_cur_init(struct mig_cursor *c, const struct mig_sql_dialect_info *di, const char *text, size_t len);
void mig_cur_next(struct mig_cursor *c);
bool mig_cur_end(const struct mig_cursor *c);

/* Is the current token this keyword, one of these, this character? */
bool mig_cur_at(const struct mig_cursor *c, const char *word);
bool mig_cur_at_any(const struct mig_cursor *c, const char *words);
bool mig_cur_at_punct(const struct mig_cursor *c, char ch);

/* Takes the whole sequence of keywords, or nothing. */
bool mig_cur_take(struct mig_cursor *c, const char *words);
/* Would it? */
bool mig_cur_sees(const struct mig_cursor *c, const char *words);
bool mig_cur_take_any(struct mig_cursor *c, const char *words);
bool mig_cur_take_punct(struct mig_cursor *c, char ch);

/* Takes one token, or a whole group where '(' is the current one. */
void mig_cur_skip(struct mig_cursor *c);
/* Moves to the first token at depth @p depth that is the keyword (not taken). */
bool mig_cur_find(struct mig_cursor *c, const char *word, uint32_t depth);
/* Moves behind the next ',' at depth @p depth; false at the end or where the depth is left. */
bool mig_cur_next_clause(struct mig_cursor *c, uint32_t depth);

/* Takes a name of one part, and `a`, `a.b` or `a.b.c` (the last two count). */
bool mig_cur_part(struct mig_cursor *c, char *out, size_t size);
bool mig_cur_name(struct mig_cursor *c, char *schema, char *name, size_t size);

#endif
