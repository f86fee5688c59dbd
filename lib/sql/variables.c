/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/variables.h"

#include <stdio.h>
#include <string.h>

#include <migrate/driver.h>

#include "util/text.h"

/* The body of a routine is run another time. */
static bool is_body(const struct mig_cursor *at)
{
    struct mig_cursor c = *at;

    if (!mig_cur_take(&c, "CREATE")) {
        return false;
    }
    while (!mig_cur_end(&c) && !mig_cur_at_punct(&c, '(') && !mig_cur_at_any(&c, "TABLE VIEW INDEX SELECT")) {
        if (mig_cur_at_any(&c, "PROCEDURE FUNCTION TRIGGER EVENT PACKAGE")) {
            return true;
        }
        mig_cur_next(&c);
    }
    return false;
}

void mig_sql_variables_init(struct mig_sql_variables *v, const struct mig_sql_dialect_info *di, const char *text,
                            size_t len)
{
    *v = (struct mig_sql_variables){ .into = false };
    mig_cur_init(&v->c, di, text, len);
    v->set = mig_cur_at(&v->c, "SET");
    v->call = mig_cur_at(&v->c, "CALL");
    v->inserts = mig_cur_at_any(&v->c, "INSERT REPLACE");
    v->none = di->dialect != MIGRATE_DIALECT_MYSQL || mig_cur_at(&v->c, "LOAD") || is_body(&v->c);
}

/* @x, @`x`, @'x'; not @@x, which is the server's. */
static bool variable_name(const struct mig_token *tok, char *out, size_t size)
{
    struct mig_token t = *tok;

    if (t.kind != MIG_TOKEN_VAR || t.len < 2 || t.text[0] != '@' || t.text[1] == '@') {
        return false;
    }
    t.text++;
    t.len--;
    t.kind = *t.text == '`' ? MIG_TOKEN_QUOTED : *t.text == '\'' || *t.text == '"' ? MIG_TOKEN_STRING : MIG_TOKEN_WORD;
    out[0] = '@';
    if (!mig_token_name(&t, MIGRATE_DIALECT_MYSQL, out + 1, size - 1)) {
        return false;
    }
    for (char *p = out; *p != '\0'; p++) {
        *p = mig_lower(*p);
    }
    return true;
}

/* At '=' or ':=': one value as it is written, or a setting of the session's. */
static bool is_constant(const struct mig_cursor *at)
{
    struct mig_cursor c = *at;

    mig_cur_take_punct(&c, ':');
    if (!mig_cur_take_punct(&c, '=')) {
        return false;
    }
    if (!mig_cur_take_punct(&c, '-')) {
        mig_cur_take_punct(&c, '+');
    }
    bool value = c.tok.kind == MIG_TOKEN_NUMBER || c.tok.kind == MIG_TOKEN_STRING ||
                 mig_cur_at_any(&c, "NULL TRUE FALSE") ||
                 (c.tok.kind == MIG_TOKEN_VAR && c.tok.len > 1 && c.tok.text[1] == '@');
    mig_cur_next(&c);
    return value && (mig_cur_end(&c) || (c.tok.depth == 0 && mig_cur_at_punct(&c, ',')));
}

/* Behind @p tok: does what follows get a value? */
static void follow(struct mig_sql_variables *v, const struct mig_cursor *tok)
{
    bool comma = mig_cur_at_punct(tok, ',');

    if (mig_cur_at(tok, "INTO")) {
        v->into = v->target = true;
    } else if (comma) {
        v->target = v->into || (v->set && tok->tok.depth == 0);
    } else {
        v->into = v->into && tok->tok.kind == MIG_TOKEN_VAR;
        v->target = mig_cur_at(tok, "SET");
    }
}

/* The cursor is behind the variable. */
static void describe(const struct mig_sql_variables *v, bool target, struct mig_sql_variable *out)
{
    bool assigns = mig_cur_at_punct(&v->c, ':') || (target && mig_cur_at_punct(&v->c, '='));

    out->given = assigns || v->into || v->call;
    out->read = !out->given || v->call;
    out->constant = v->set && assigns && is_constant(&v->c);
    out->before = false;
}

static bool emit(struct mig_sql_variable *out, const char *name, bool given)
{
    *out = (struct mig_sql_variable){ .read = !given, .given = given, .before = !given };
    snprintf(out->name, sizeof out->name, "%s", name);
    return true;
}

static const char *function(const struct mig_cursor *c)
{
    return mig_cur_at(c, "LAST_INSERT_ID") ? "last_insert_id()"
           : mig_cur_at(c, "ROW_COUNT")    ? "row_count()"
           : mig_cur_at(c, "FOUND_ROWS")   ? "found_rows()"
                                           : NULL;
}

bool mig_sql_variables_next(struct mig_sql_variables *v, struct mig_sql_variable *out)
{
    while (!v->none && !mig_cur_end(&v->c)) {
        struct mig_cursor at = v->c;
        bool target = v->target;
        const char *called = function(&at);

        mig_cur_next(&v->c);
        follow(v, &at);
        if (called != NULL && mig_cur_at_punct(&v->c, '(')) {
            return emit(out, called, false);
        }
        if (variable_name(&at.tok, out->name, sizeof out->name)) {
            describe(v, target, out);
            return true;
        }
    }
    if (!v->none && v->inserts) {
        v->inserts = false;
        return emit(out, "last_insert_id()", true);
    }
    return false;
}
