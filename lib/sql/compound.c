/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/compound.h"

#include <stdlib.h>
#include <string.h>

#include "sql/compound_words.h"
#include "util/mem.h"

void mig_compound_free(struct mig_compound *c)
{
    free(c->frames);
    c->frames = NULL;
    c->n = c->cap = 0;
}

void mig_compound_begin(struct mig_compound *c, bool mariadb)
{
    struct mig_compound_frame *frames = c->frames;
    size_t cap = c->cap;
    memset(c, 0, sizeof *c);
    c->frames = frames;
    c->cap = cap;
    c->mariadb = mariadb;
    c->state = S_FIRST;
}

bool mig_compound_active(const struct mig_compound *c)
{
    return c->state != S_OFF;
}

bool mig_compound_program(const struct mig_compound *c)
{
    return c->state >= S_NAME;
}

void mig_compound_push(struct mig_compound *c, uint8_t word, uint64_t pos)
{
    if (c->n == c->cap && !mig_grow(&c->frames, &c->cap, c->n + 1, sizeof *c->frames)) {
        c->oom = true;
        return;
    }
    c->frames[c->n++] = (struct mig_compound_frame){ .word = word, .pos = pos };
    c->any = true;
}

void mig_compound_section(struct mig_compound *c, uint64_t pos)
{
    mig_compound_push(c, W_AS, pos);
    c->state = S_BODY;
    c->start = true;
}

static void end_block(struct mig_compound *c)
{
    if (c->n)
        c->n--;
    c->ended = true;
    c->until = false;
}

static void begin_block(struct mig_compound *c, uint64_t pos)
{
    /* The declarations of an Oracle-mode routine, which stand before BEGIN, are in its block already. */
    if (c->n && c->frames[c->n - 1].word == W_AS)
        c->frames[c->n - 1].word = W_BEGIN;
    else
        mig_compound_push(c, W_BEGIN, pos);
    c->start = true;
}

/* The first word of a statement of the body. */
static void first_of_statement(struct mig_compound *c, uint8_t word, uint64_t pos)
{
    if (mig_compound_opens(word))
        mig_compound_push(c, word, pos);
    switch (word) {
    case W_BEGIN:
        begin_block(c, pos);
        break;
    case W_LOOP:
    case W_REPEAT:
    case W_ELSE:
        c->start = true;
        break;
    case W_IF:
    case W_CASE:
    case W_ELSEIF:
    case W_ELSIF:
    case W_WHEN:
        c->awaits = W_THEN;
        break;
    case W_WHILE:
    case W_FOR:
        c->awaits = W_DO;
        break;
    case W_UNTIL:
        c->until = true;
        break;
    case W_DECLARE:
        /* Outside of a block it begins the declarations of an Oracle-mode one. */
        if (c->n)
            c->handler = 1;
        else
            mig_compound_section(c, pos);
        break;
    case W_PROCEDURE:
    case W_FUNCTION:
        c->awaits = W_AS;
        c->label = true;
        break;
    case W_EXCEPTION:
        c->start = c->label = true;
        break;
    case W_END:
        end_block(c);
        break;
    default:
        c->label = true;
        break;
    }
}

/* DECLARE {CONTINUE|EXIT|UNDO} HANDLER FOR condition [, condition]… statement: true if the statement begins
 * with this token. */
static bool handler_word(struct mig_compound *c, uint8_t word)
{
    switch (c->handler) {
    case 1: /* DECLARE */
        c->handler = word == W_CONTINUE || word == W_EXIT || word == W_UNDO ? 2 : 0;
        break;
    case 2:
        c->handler = word == W_HANDLER ? 3 : 0;
        break;
    case 3:
        c->handler = word == W_FOR ? 4 : 0;
        break;
    case 4: /* a condition is due */
        c->handler = word == W_SQLSTATE || word == W_NOT ? 5 : 6;
        break;
    case 5: /* its second word: SQLSTATE [VALUE] '…', NOT FOUND */
        c->handler = word == W_VALUE ? 5 : 6;
        break;
    default: /* behind a condition */
        c->handler = 0;
        return true;
    }
    return false;
}

/* Where an expression goes on, END is a column. */
static bool operand_due(const struct mig_compound *c)
{
    if (c->sign)
        return strchr("=<>+-*/%&|^~!,(", c->sign) != NULL;
    return c->word == W_CASE || c->word == W_WHEN || c->word == W_THEN || c->word == W_ELSE ||
           c->word == W_UNTIL || c->word == W_AND || c->word == W_OR || c->word == W_NOT;
}

static void inside_statement(struct mig_compound *c, uint8_t word, uint64_t pos)
{
    if (word == W_END && operand_due(c))
        return;
    if (word == W_CASE) {
        c->cases++;
    } else if (word == W_END && c->cases) {
        c->cases--;
    } else if (word == W_END && c->until) {
        end_block(c);
    } else if (c->awaits == W_AS && (word == W_AS || word == W_IS)) {
        c->awaits = 0;
        mig_compound_section(c, pos);
    } else if (!c->cases && c->awaits && (c->awaits == word || (c->awaits == W_DO && word == W_LOOP))) {
        c->awaits = 0;
        c->start = true;
    }
}

static void body_word(struct mig_compound *c, uint8_t word, uint64_t pos)
{
    bool first = c->start;
    c->label = false;
    /* BEGIN NOT ATOMIC */
    if (c->ended ||
        (first && ((c->word == W_BEGIN && word == W_NOT) || (c->word == W_NOT && word == W_ATOMIC))))
        return;
    bool declares = c->handler != 0;
    if (declares)
        first = handler_word(c, word);
    c->start = false;
    if (first)
        first_of_statement(c, word, pos);
    else if (!declares || !c->handler)
        inside_statement(c, word, pos);
}

void mig_compound_body(struct mig_compound *c, uint8_t word, uint64_t pos)
{
    c->state = S_BODY;
    c->start = true;
    body_word(c, word, pos);
}

static void body_sign(struct mig_compound *c, char sign)
{
    /* "label:", and "<<label>>" of Oracle mode */
    if (c->start && sign == '<')
        c->awaits = W_LABEL;
    c->start = (sign == ':' && c->label) || (sign == '>' && (c->start || c->awaits == W_LABEL));
    if (c->start)
        c->awaits = 0;
    c->label = false;
    if (c->handler >= 6)
        c->handler = sign == ',' ? 4 : sign >= '0' && sign <= '9' ? 6 : 0;
    else if (c->handler == 4)
        c->handler = 6;
}

static void body_quoted(struct mig_compound *c)
{
    bool first = c->start;
    if (c->handler >= 6) {
        c->handler = 0;
        first = true;
    } else if (c->handler >= 4) {
        c->handler = 6;
    }
    c->label = first && !c->ended;
    c->start = false;
}

void mig_compound_word(struct mig_compound *c, const char *text, size_t len, uint64_t pos)
{
    /* Behind a point or at-sign it is a name, whatever it looks like. */
    uint8_t word = c->sign == '.' || c->sign == '@' ? W_NONE : mig_compound_keyword(text, len);
    if (c->state == S_BODY)
        body_word(c, word, pos);
    else
        mig_compound_head_word(c, word, pos);
    c->word = word;
    c->sign = 0;
}

void mig_compound_quoted(struct mig_compound *c)
{
    if (c->state == S_BODY)
        body_quoted(c);
    else
        mig_compound_head_quoted(c);
    c->word = W_NONE;
    c->sign = 0;
}

void mig_compound_sign(struct mig_compound *c, char sign)
{
    if (c->state == S_BODY)
        body_sign(c, sign);
    else
        mig_compound_head_sign(c, sign);
    c->word = W_NONE;
    c->sign = sign;
}

bool mig_compound_semicolon(struct mig_compound *c)
{
    c->word = W_NONE;
    c->sign = 0;
    if (c->state != S_BODY)
        return true;
    c->start = true;
    c->label = c->ended = c->until = false;
    c->awaits = c->handler = 0;
    c->cases = 0;
    return c->n == 0;
}
