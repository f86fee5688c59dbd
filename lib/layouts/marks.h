/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_LAYOUTS_MARKS_H
#define MIG_LAYOUTS_MARKS_H

/* Comments that say something: section markers and directives, ours and those of other tools. */

#include "layouts/reading.h"

enum mig_what { MIG_WHAT_UP, MIG_WHAT_DOWN, MIG_WHAT_DIRECTIVE };

/* Offsets are in the text without BOM. */
struct mig_mark {
    uint64_t begin, end; /* of the comment */
    uint64_t line;
    uint64_t statement; /* where the last statement that began before it begins; UINT64_MAX none */
    uint8_t style;      /* enum mig_style; DIRECTIVEs of others than the six: NONE */
    uint8_t what;
    const char *args; /* the rest of the comment, NUL-terminated, in the scratch arena */
};

/* What the whole file holds. */
struct mig_marks {
    struct mig_mark *list;
    size_t count, cap;
    uint64_t first_line;     /* of the first statement, 0 none */
    uint64_t last_statement; /* where the last one begins; UINT64_MAX none */
    uint64_t last_end;       /* and ends, about */
};

/* A "--" comment of @p len bytes. false: it says nothing to us. args and positions are the caller's to fill;
 * *@p rest is where the arguments begin. */
bool mig_mark_parse(const char *text, size_t len, struct mig_mark *out, size_t *rest);

/* "--liquibase formatted sql" in the first line. */
bool mig_marks_liquibase(const char *text, size_t len);

/* Lexes the file and sets f->marked. With @p lex false only its first bytes counted ("-- no-transaction"). */
int32_t mig_marks_read(struct mig_reading *r, struct mig_file *f, bool lex);

/* Makes f->marked of what was found. */
int32_t mig_sections_make(struct mig_reading *r, struct mig_file *f, const struct mig_marks *marks);

/* Which directions a directive counts for. */
#define MIG_FOR_UP 1u
#define MIG_FOR_DOWN 2u

/* Reads the words of one directive into @p out. E_DIRECTIVE with file and line. */
int32_t mig_directive_apply(struct mig_reading *r, const struct mig_file *f, const struct mig_mark *mark,
                            unsigned directions, struct mig_said *out);

#endif
