/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/cursor.h"

#include <string.h>

#include <migrate/driver.h>

/* Does @p tok read like the first word of @p words? *@p rest is what follows it, NULL at the end. */
static bool word_is(const struct mig_token *tok, const char *words, const char **rest)
{
    size_t i = 0;

    while (words[i] != '\0' && words[i] != ' ') {
        i++;
    }
    *rest = words[i] == ' ' ? words + i + 1 : NULL;
    if (tok->kind != MIG_TOKEN_WORD || tok->dotted || tok->len != i) {
        return false;
    }
    for (i = 0; i < tok->len; i++) {
        char ch = tok->text[i];
        if ((ch >= 'a' && ch <= 'z' ? (char)(ch - 32) : ch) != words[i]) {
            return false;
        }
    }
    return true;
}

void mig_cur_init(struct mig_cursor *c, const struct mig_sql_dialect_info *di, const char *text, size_t len)
{
    mig_tokens_init(&c->ts, di, text, len);
    mig_cur_next(c);
}

void mig_cur_next(struct mig_cursor *c)
{
    mig_tokens_next(&c->ts, &c->tok);
}

bool mig_cur_end(const struct mig_cursor *c)
{
    return c->tok.kind == MIG_TOKEN_END;
}

bool mig_cur_at(const struct mig_cursor *c, const char *word)
{
    const char *rest;

    return word_is(&c->tok, word, &rest);
}

bool mig_cur_at_any(const struct mig_cursor *c, const char *words)
{
    const char *rest = words;

    while (rest != NULL) {
        if (word_is(&c->tok, rest, &rest)) {
            return true;
        }
    }
    return false;
}

bool mig_cur_at_punct(const struct mig_cursor *c, char ch)
{
    return c->tok.kind == MIG_TOKEN_PUNCT && *c->tok.text == ch;
}

bool mig_cur_take(struct mig_cursor *c, const char *words)
{
    struct mig_cursor look;
    const char *rest;

    if (!word_is(&c->tok, words, &rest)) {
        return false;
    }
    look = *c;
    mig_cur_next(&look);
    while (rest != NULL) {
        if (!word_is(&look.tok, rest, &rest)) {
            return false;
        }
        mig_cur_next(&look);
    }
    *c = look;
    return true;
}

bool mig_cur_sees(const struct mig_cursor *c, const char *words)
{
    struct mig_cursor look = *c;

    return mig_cur_take(&look, words);
}

bool mig_cur_take_any(struct mig_cursor *c, const char *words)
{
    if (!mig_cur_at_any(c, words)) {
        return false;
    }
    mig_cur_next(c);
    return true;
}

bool mig_cur_take_punct(struct mig_cursor *c, char ch)
{
    if (!mig_cur_at_punct(c, ch)) {
        return false;
    }
    mig_cur_next(c);
    return true;
}

void mig_cur_skip(struct mig_cursor *c)
{
    uint32_t depth = c->tok.depth;
    bool group = mig_cur_at_punct(c, '(');

    mig_cur_next(c);
    while (group && !mig_cur_end(c)) {
        if (mig_cur_at_punct(c, ')') && c->tok.depth == depth) {
            group = false;
        }
        mig_cur_next(c);
    }
}

bool mig_cur_find(struct mig_cursor *c, const char *word, uint32_t depth)
{
    while (!mig_cur_end(c)) {
        if (c->tok.depth == depth && mig_cur_at(c, word)) {
            return true;
        }
        mig_cur_next(c);
    }
    return false;
}

bool mig_cur_next_clause(struct mig_cursor *c, uint32_t depth)
{
    while (!mig_cur_end(c) && c->tok.depth >= depth) {
        bool comma = c->tok.depth == depth && mig_cur_at_punct(c, ',');
        mig_cur_next(c);
        if (comma) {
            return true;
        }
    }
    return false;
}

bool mig_cur_part(struct mig_cursor *c, char *out, size_t size)
{
    bool name = c->tok.kind == MIG_TOKEN_WORD || c->tok.kind == MIG_TOKEN_QUOTED;
    uint32_t dialect = c->ts.di->dialect;

    /* SQLite takes a string where a name is meant. */
    if (c->tok.kind == MIG_TOKEN_STRING && dialect == MIGRATE_DIALECT_SQLITE) {
        name = true;
    }
    if (!name || !mig_token_name(&c->tok, dialect, out, size)) {
        out[0] = '\0';
        if (name) {
            mig_cur_next(c);
        }
        return false;
    }
    mig_cur_next(c);
    return true;
}

bool mig_cur_name(struct mig_cursor *c, char *schema, char *name, size_t size)
{
    bool fits;

    schema[0] = '\0';
    fits = mig_cur_part(c, name, size);
    while (mig_cur_at_punct(c, '.')) {
        mig_cur_next(c);
        memcpy(schema, name, size);
        fits = mig_cur_part(c, name, size) && fits;
    }
    if (!fits) {
        schema[0] = '\0';
        name[0] = '\0';
    }
    return fits;
}
