/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sql/compound_words.h"

/* From a statement's first word to where the body of a stored program begins, if it is one. */

#define LONGEST 13

static const struct {
    const char *text;
    uint8_t word;
} keywords[] = {
    { "AGGREGATE", W_AGGREGATE },
    { "ALTER", W_ALTER },
    { "AND", W_AND },
    { "AS", W_AS },
    { "ASCII", W_TRAIT },
    { "ATOMIC", W_ATOMIC },
    { "BEGIN", W_BEGIN },
    { "BINARY", W_TRAIT },
    { "BYTE", W_TRAIT },
    { "CASE", W_CASE },
    { "CHAR", W_CHAR },
    { "CHARACTER", W_CHARACTER },
    { "CHARSET", W_CHARSET },
    { "COLLATE", W_COLLATE },
    { "COMMENT", W_COMMENT },
    { "CONTAINS", W_TRAIT },
    { "CONTINUE", W_CONTINUE },
    { "CREATE", W_CREATE },
    { "DATA", W_TRAIT },
    { "DECLARE", W_DECLARE },
    { "DEFINER", W_DEFINER },
    { "DETERMINISTIC", W_TRAIT },
    { "DO", W_DO },
    { "EACH", W_EACH },
    { "ELSE", W_ELSE },
    { "ELSEIF", W_ELSEIF },
    { "ELSIF", W_ELSIF },
    { "END", W_END },
    { "EVENT", W_EVENT },
    { "EXCEPTION", W_EXCEPTION },
    { "EXIT", W_EXIT },
    { "FOLLOWS", W_FOLLOWS },
    { "FOR", W_FOR },
    { "FUNCTION", W_FUNCTION },
    { "HANDLER", W_HANDLER },
    { "IF", W_IF },
    { "INVOKER", W_TRAIT },
    { "IS", W_IS },
    { "LANGUAGE", W_LANGUAGE },
    { "LOOP", W_LOOP },
    { "MODIFIES", W_TRAIT },
    { "NO", W_TRAIT },
    { "NOT", W_NOT },
    { "OF", W_OF },
    { "OR", W_OR },
    { "PACKAGE", W_PACKAGE },
    { "PRECEDES", W_PRECEDES },
    { "PRECISION", W_TRAIT },
    { "PROCEDURE", W_PROCEDURE },
    { "READS", W_TRAIT },
    { "REPEAT", W_REPEAT },
    { "REPLACE", W_REPLACE },
    { "RETURN", W_RETURN },
    { "RETURNS", W_RETURNS },
    { "ROW", W_ROW },
    { "SECURITY", W_TRAIT },
    { "SET", W_SET },
    { "SIGNED", W_TRAIT },
    { "SQL", W_TRAIT },
    { "SQLSTATE", W_SQLSTATE },
    { "THEN", W_THEN },
    { "TRANSACTION", W_WORK },
    { "TRIGGER", W_TRIGGER },
    { "UNDO", W_UNDO },
    { "UNICODE", W_TRAIT },
    { "UNSIGNED", W_TRAIT },
    { "UNTIL", W_UNTIL },
    { "USING", W_TRAIT },
    { "VALUE", W_VALUE },
    { "VARBINARY", W_TRAIT },
    { "VARCHAR", W_TRAIT },
    { "VARCHARACTER", W_TRAIT },
    { "VARYING", W_TRAIT },
    { "WHEN", W_WHEN },
    { "WHILE", W_WHILE },
    { "WORK", W_WORK },
    { "ZEROFILL", W_TRAIT },
};

uint8_t mig_compound_keyword(const char *text, size_t len)
{
    char upper[LONGEST + 1];
    if (len > LONGEST)
        return W_NONE;
    for (size_t i = 0; i < len; i++)
        upper[i] = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 32) : text[i];
    upper[len] = '\0';
    size_t low = 0;
    size_t high = sizeof keywords / sizeof *keywords;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(upper, keywords[middle].text);
        if (!order)
            return keywords[middle].word;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return W_NONE;
}

static void first_word(struct mig_compound *c, uint8_t word, uint64_t pos)
{
    c->state = S_OFF;
    c->first = pos;
    if (word == W_CREATE || word == W_ALTER) {
        c->state = S_HEAD;
        c->step = word;
    } else if (c->mariadb && word == W_BEGIN) {
        c->state = S_NOT_ATOMIC;
    } else if (c->mariadb && (mig_compound_opens(word) || word == W_DECLARE)) {
        mig_compound_body(c, word, pos);
    }
}

/* BEGIN NOT ATOMIC; and in Oracle mode, BEGIN and any word that a transaction's BEGIN does not take. */
static void not_atomic_word(struct mig_compound *c, uint8_t word, uint64_t pos)
{
    if (word == W_WORK) {
        c->state = S_OFF;
    } else if (word != W_NOT) {
        mig_compound_body(c, W_BEGIN, c->first);
        if (word != W_ATOMIC)
            mig_compound_body(c, word, pos);
    }
}

static void head_word(struct mig_compound *c, uint8_t word)
{
    bool alter = c->step == W_ALTER;
    switch (word) {
    case W_OR:
    case W_REPLACE:
    case W_AGGREGATE:
        break;
    case W_DEFINER:
        c->state = S_DEFINER;
        c->skip = 1;
        break;
    case W_PROCEDURE:
    case W_FUNCTION:
        c->state = alter ? S_OFF : S_NAME;
        c->step = word;
        break;
    case W_PACKAGE:
        c->state = alter ? S_OFF : S_PACKAGE;
        break;
    case W_TRIGGER:
        c->state = alter ? S_OFF : S_TRIGGER;
        c->step = 0;
        break;
    case W_EVENT:
        c->state = S_EVENT;
        break;
    default:
        c->state = S_OFF;
        break;
    }
}

/* Behind the user's name: the host, or the next word of the head. */
static void definer_word(struct mig_compound *c, uint8_t word)
{
    if (c->skip) {
        c->skip--;
    } else if (c->sign == '@') {
        c->state = S_HEAD;
    } else if (c->sign != '.') {
        c->state = S_HEAD;
        head_word(c, word);
    }
}

/* Where words of a routine's head take a word or quoted text behind them. */
static void traits_word(struct mig_compound *c, uint8_t word, uint64_t pos)
{
    if (c->sign == '.')
        return;
    if (word == W_SET && (c->word == W_CHAR || c->word == W_CHARACTER))
        word = W_CHARSET;
    /* Oracle mode says RETURN where others say RETURNS, before a body that then cannot be a lone RETURN. */
    if (word == W_RETURN && c->step == W_FUNCTION)
        word = W_RETURNS;
    if (word == W_RETURNS)
        c->step = 0;
    switch (word) {
    case W_TRAIT:
    case W_NOT:
    case W_ROW:
    case W_CHAR:
    case W_CHARACTER:
    case W_DEFINER:
        break;
    case W_COMMENT:
    case W_LANGUAGE:
    case W_CHARSET:
    case W_COLLATE:
    case W_RETURNS:
    case W_OF:
        c->skip = 1;
        break;
    case W_AS:
    case W_IS:
        c->state = S_AS;
        break;
    default:
        mig_compound_body(c, word, pos);
        break;
    }
}

static void trigger_word(struct mig_compound *c, uint8_t word)
{
    if (word == W_FOR)
        c->step = 1;
    else if (word == W_EACH && c->step == 1)
        c->step = 2;
    else if (word == W_ROW && c->step == 2)
        c->state = S_ORDER;
    else
        c->step = 0;
}

/* Oracle mode: AS, declarations, BEGIN … END. */
static void as_word(struct mig_compound *c, uint8_t word, uint64_t pos)
{
    mig_compound_section(c, pos);
    mig_compound_body(c, word, pos);
}

static void routine_word(struct mig_compound *c, uint8_t word, uint64_t pos)
{
    bool as = word == W_AS || word == W_IS;
    if (c->state == S_NAME && word == W_RETURN)
        c->state = S_TRAITS; /* and the type is passed over */
    if (c->state == S_NAME && as)
        c->state = S_AS;
    else if (c->state == S_PACKAGE && as)
        mig_compound_section(c, pos);
    else if (c->state == S_TRAITS)
        traits_word(c, word, pos);
    else if (c->state == S_AS)
        as_word(c, word, pos);
}

void mig_compound_head_word(struct mig_compound *c, uint8_t word, uint64_t pos)
{
    if (c->depth && c->state >= S_NAME)
        return;
    if (c->skip && c->state != S_DEFINER) {
        c->skip--;
        return;
    }
    switch (c->state) {
    case S_FIRST:
        first_word(c, word, pos);
        break;
    case S_HEAD:
        head_word(c, word);
        break;
    case S_DEFINER:
        definer_word(c, word);
        break;
    case S_NOT_ATOMIC:
        not_atomic_word(c, word, pos);
        break;
    case S_TRIGGER:
        trigger_word(c, word);
        break;
    case S_ORDER:
        if (word == W_FOLLOWS || word == W_PRECEDES)
            c->skip = 1;
        else
            mig_compound_body(c, word, pos);
        break;
    case S_EVENT:
        if (word == W_DO) {
            c->state = S_BODY;
            c->start = true;
        }
        break;
    default:
        routine_word(c, word, pos);
        break;
    }
}

void mig_compound_head_quoted(struct mig_compound *c)
{
    if (c->depth)
        return;
    if (c->skip) {
        c->skip--;
        return;
    }
    switch (c->state) {
    case S_DEFINER: /* the host; behind that the head goes on */
    case S_NAME:
    case S_TRIGGER:
    case S_EVENT:
    case S_PACKAGE:
        break;
    case S_TRAITS:
    case S_ORDER: /* a label */
        c->state = S_BODY;
        c->label = true;
        break;
    default:
        c->state = S_OFF;
        break;
    }
}

void mig_compound_head_sign(struct mig_compound *c, char sign)
{
    if (sign == '(') {
        c->depth++;
        if (c->state == S_NAME)
            c->state = S_PARAMETERS;
    } else if (sign == ')' && c->depth) {
        c->depth--;
        if (!c->depth && c->state == S_PARAMETERS)
            c->state = S_TRAITS;
    } else if (c->state == S_FIRST) {
        c->state = S_OFF;
    } else if (sign == ':' && !c->depth && c->state == S_TRAITS && c->word) {
        /* A label that looks like one of the words before a body. */
        c->state = S_BODY;
        c->start = true;
    }
}
