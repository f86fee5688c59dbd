/* SPDX-License-Identifier: Apache-2.0 */

/* Which tables have neither partitions, CHECK nor FOREIGN KEY: their fingerprint needs half as many tables of
 * information_schema, and a server pays for each that a statement names, read or not. It is known from info(), and from
 * the statements sent since. A mistake is no harm: the shorter fingerprint ends in '?' when it does not suffice. */

#include <string.h>

#include "drivers/mysql/conn.h"
#include "util/text.h"

static bool in_name(char c)
{
    return mig_is_alpha(c) || mig_is_digit(c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Anywhere, also in quotes and comments: too often is safe. */
static bool has_word(const char *sql, size_t len, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= len; i++) {
        if ((i == 0 || !in_name(sql[i - 1])) && mig_ieqn(sql + i, n, word))
            return true;
    }
    return false;
}

static bool says_more(const char *sql, size_t len)
{
    static const char *const words[] = { "check", "json", "partition", "references", "foreign", "like", "select", "rename" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (has_word(sql, len, words[i]))
            return true;
    }
    return false;
}

/* ---- the table that CREATE or ALTER TABLE names ---------------------------------------------- */

struct cursor {
    const char *at, *end;
};

static void skip_blank(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || (*c->at >= '\t' && *c->at <= '\r')))
        c->at++;
}

static bool take_word(struct cursor *c, const char *word)
{
    size_t n = strlen(word);
    skip_blank(c);
    if ((size_t)(c->end - c->at) <= n || !mig_ieqn(c->at, n, word) || in_name(c->at[n]))
        return false;
    c->at += n;
    return true;
}

/* A plain or quoted name without a schema; anything else is not read. */
static bool take_name(struct cursor *c, migrate_text *out)
{
    skip_blank(c);
    bool quoted = c->at < c->end && *c->at == '`';
    const char *from = c->at + quoted;
    c->at = from;
    while (c->at < c->end && (quoted ? *c->at != '`' : in_name(*c->at)))
        c->at++;
    *out = (migrate_text){ from, (size_t)(c->at - from) };
    if (quoted && c->at < c->end)
        c->at++;
    skip_blank(c);
    return out->len > 0 && c->at < c->end && *c->at != '.' && *c->at != '`';
}

static bool table_of(const char *sql, size_t len, migrate_text *out)
{
    struct cursor c = { sql, sql + len };
    bool create = take_word(&c, "CREATE");
    if (!create && !take_word(&c, "ALTER"))
        return false;
    if (take_word(&c, "OR") && !take_word(&c, "REPLACE"))
        return false;
    if (!take_word(&c, "TABLE"))
        return false;
    if (take_word(&c, "IF") && ((create && !take_word(&c, "NOT")) || !take_word(&c, "EXISTS")))
        return false;
    return take_name(&c, out);
}

/* ---- statements ----------------------------------------------------------------------------------- */

/* Statements after which nothing is known: they may have made or renamed any table, or changed the database. */
static bool hides(const char *word)
{
    static const char *const words[] = { "", "BEGIN", "CALL", "CASE", "EXECUTE", "FOR", "IF", "LOOP", "RENAME", "REPEAT", "USE", "WHILE" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i]) == 0)
            return true;
    }
    return false;
}

void mig_my_note_ddl(struct mig_my *c, const char *sql, size_t len)
{
    char word[16];
    migrate_text table;
    if (!c->facts || c->facts->plain_unknown)
        return;
    mig_my_first_word(sql, len, word, sizeof word);
    bool ddl = strcmp(word, "CREATE") == 0 || strcmp(word, "ALTER") == 0;
    if (hides(word) || (ddl && has_word(sql, len, "table") && says_more(sql, len) && !table_of(sql, len, &table))) {
        c->facts->plain_unknown = true;
    } else if (ddl && table_of(sql, len, &table) && says_more(sql, len)) {
        mig_buf_char(&c->facts->unproved, MIG_MY_NOT_PLAIN);
        mig_buf_add(&c->facts->unproved, table.data, table.len);
        mig_buf_char(&c->facts->unproved, '\0');
        c->facts->plain_unknown |= c->facts->unproved.oom || has_word(sql, len, "rename");
    }
}

bool mig_my_listed(const struct mig_my *c, char letter, migrate_text db, migrate_text name)
{
    const struct mig_my_facts *f = c->facts;
    if (!f->database || strlen(f->database) != db.len || memcmp(f->database, db.data, db.len) != 0)
        return false;
    const char *at = mig_buf_text(&f->unproved), *end = at + f->unproved.len;
    while (at < end) {
        size_t len = strlen(at + 1);
        if (*at == letter && len == name.len && memcmp(at + 1, name.data, len) == 0)
            return true;
        at += len + 2;
    }
    return false;
}

bool mig_my_is_plain(const struct mig_my *c, migrate_text db, migrate_text name)
{
    const struct mig_my_facts *f = c->facts;
    if (f->plain_unknown || f->lower_names || !f->database || strlen(f->database) != db.len ||
        memcmp(f->database, db.data, db.len) != 0)
        return false;
    return !mig_my_listed(c, MIG_MY_NOT_PLAIN, db, name);
}
