/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SQL_COMPOUND_WORDS_H
#define MIG_SQL_COMPOUND_WORDS_H

/* Inside of the compound recogniser: its keywords, its states, and the seam between head and body. */

#include "sql/compound.h"

/* In alphabetical order, as the table of compound_head.c. */
enum mig_compound_keyword {
    W_NONE,
    W_AGGREGATE,
    W_ALTER,
    W_AND,
    W_AS,
    W_ATOMIC,
    W_BEGIN,
    W_CASE,
    W_CHAR,
    W_CHARACTER,
    W_CHARSET,
    W_COLLATE,
    W_COMMENT,
    W_CONTINUE,
    W_CREATE,
    W_DECLARE,
    W_DEFINER,
    W_DO,
    W_EACH,
    W_ELSE,
    W_ELSEIF,
    W_ELSIF,
    W_END,
    W_EVENT,
    W_EXCEPTION,
    W_EXIT,
    W_FOLLOWS,
    W_FOR,
    W_FUNCTION,
    W_HANDLER,
    W_IF,
    W_IS,
    W_LANGUAGE,
    W_LOOP,
    W_NOT,
    W_OF,
    W_OR,
    W_PACKAGE,
    W_PRECEDES,
    W_PROCEDURE,
    W_REPEAT,
    W_REPLACE,
    W_RETURN,
    W_RETURNS,
    W_ROW,
    W_SET,
    W_SQLSTATE,
    W_THEN,
    W_TRIGGER,
    W_UNDO,
    W_UNTIL,
    W_VALUE,
    W_WHEN,
    W_WHILE,
    W_WORK,
    W_LABEL, /* no word: the end of "<<label>>" */
    W_TRAIT, /* any of the words that say something about a routine and take nothing behind them */
};

enum mig_compound_state {
    S_OFF,        /* no stored program */
    S_FIRST,      /* no word yet */
    S_HEAD,       /* behind CREATE or ALTER: of what? */
    S_DEFINER,    /* behind DEFINER: = user [@ host] */
    S_NOT_ATOMIC, /* behind a BEGIN that may be a transaction's */
    S_NAME,       /* of a routine, up to its parameters */
    S_PARAMETERS,
    S_TRAITS,  /* RETURNS, COMMENT and the like, up to the body */
    S_AS,      /* of another language, or Oracle mode */
    S_PACKAGE, /* Oracle mode, up to AS */
    S_TRIGGER, /* up to FOR EACH ROW */
    S_ORDER,   /* FOLLOWS, PRECEDES */
    S_EVENT,   /* up to DO */
    S_BODY
};

/* A block that begins with this word ends with END and the word. */
static inline bool mig_compound_opens(uint8_t word)
{
    return word == W_IF || word == W_CASE || word == W_LOOP || word == W_REPEAT || word == W_WHILE ||
           word == W_FOR;
}

uint8_t mig_compound_keyword(const char *text, size_t len);

/* Tokens before the body; @p pos is where a word stands. */
void mig_compound_head_word(struct mig_compound *c, uint8_t word, uint64_t pos);
void mig_compound_head_quoted(struct mig_compound *c);
void mig_compound_head_sign(struct mig_compound *c, char sign);

/* The body begins with this word. */
void mig_compound_body(struct mig_compound *c, uint8_t word, uint64_t pos);
void mig_compound_push(struct mig_compound *c, uint8_t word, uint64_t pos);
/* Oracle mode: declarations begin, up to the END of the BEGIN behind them. */
void mig_compound_section(struct mig_compound *c, uint64_t pos);

#endif
