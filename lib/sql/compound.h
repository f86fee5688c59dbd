/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SQL_COMPOUND_H
#define MIG_SQL_COMPOUND_H

/* Stored programs of MySQL and MariaDB: which ';' is inside of one. Fed with a statement's tokens. It goes
 * by position: a block word counts only where a statement of the body begins, so that columns, functions
 * and expressions with such names need no cases of their own. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mig_compound_frame {
    uint8_t word; /* the keyword that opened it */
    uint64_t pos; /* where */
};

struct mig_compound {
    struct mig_compound_frame *frames; /* kept from statement to statement */
    size_t n, cap;
    bool mariadb;
    bool oom;
    bool any; /* a block was opened */
    uint8_t state;
    uint8_t step;   /* within the state */
    uint8_t skip;   /* words or quoted texts that belong to what came before */
    uint8_t word;   /* keyword that came last, 0 another word, a quoted text or a sign */
    char sign;      /* sign that came last, 0 a word */
    uint32_t depth; /* of parentheses, before the body */
    uint64_t first; /* where the first word stands */
    /* in the body, for the statement under way */
    bool start;      /* it begins with the next token */
    bool label;      /* the last token was its first */
    bool ended;      /* after END: the rest names what has ended */
    bool until;      /* UNTIL … END REPEAT */
    uint8_t awaits;  /* THEN or DO, behind which statements begin */
    uint8_t handler; /* progress of DECLARE … HANDLER FOR … */
    uint32_t cases;  /* CASE expressions open */
};

void mig_compound_free(struct mig_compound *c);
void mig_compound_begin(struct mig_compound *c, bool mariadb);
void mig_compound_word(struct mig_compound *c, const char *text, size_t len, uint64_t pos);
void mig_compound_quoted(struct mig_compound *c);
void mig_compound_sign(struct mig_compound *c, char sign);
/* Is there any use in feeding more tokens? */
bool mig_compound_active(const struct mig_compound *c);
/* Is it a stored program, or may still become one? */
bool mig_compound_program(const struct mig_compound *c);
/* A ';': does it end the statement? */
bool mig_compound_semicolon(struct mig_compound *c);

#endif
