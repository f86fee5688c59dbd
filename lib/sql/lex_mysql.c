/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sql/lex.h"
#include "sql/lex_mysql.h"

/* MySQL and MariaDB, as the servers' scanner reads; what the command line clients take for themselves is in
 * delimiter.c. */

/* Where the server is not known: no version is newer. mariadb-dump puts what servers shall not read behind
 * 999999. */
#define NEWEST 990000u

static void classes(uint8_t *class)
{
    class['#'] = MIG_C_COMMENT;
    class['`'] = MIG_C_BACKTICK;
    class['$'] = MIG_C_DOLLAR;
    class['\\'] = MIG_C_BACKSLASH;
    class['*'] = MIG_C_STAR;
}

/* Length of the mark of a version comment ("!" or, MariaDB, "M!" right behind its begin), 0 if there is none.
 */
static size_t version_mark(struct mig_sql_lexer *lx)
{
    int c = mig_lex_peek(lx, 2);
    if (c == '!')
        return 3;
    return lx->mariadb && c == 'M' && mig_lex_peek(lx, 3) == '!' ? 4 : 0;
}

/* The version behind the mark, *@p len its length with the mark; 0 if none is said. */
static uint32_t version_said(struct mig_sql_lexer *lx, size_t mark, size_t *len)
{
    uint32_t version = 0;
    size_t n = mark;
    for (int c; n < mark + 6 && (c = mig_lex_peek(lx, n)) >= '0' && c <= '9'; n++)
        version = version * 10 + (uint32_t)(c - '0');
    *len = n < mark + 5 ? mark : n;
    return n < mark + 5 ? 0 : version;
}

/* Does the server read what such a comment holds? */
static bool version_applies(const struct mig_sql_lexer *lx, size_t mark, uint32_t version)
{
    /* What MySQL has had since MariaDB went its own way is nothing to MariaDB. */
    if (mark == 3 && lx->mariadb && version >= 50700 && version <= 99999)
        return false;
    return version <= (lx->version ? lx->version : NEWEST);
}

static int comment(struct mig_sql_lexer *lx)
{
    size_t len;
    int c = mig_lex_peek(lx, 0);
    if (c == '#')
        return mig_lex_line_comment(lx);
    if (c == '-' && mig_lex_peek(lx, 1) == '-') {
        c = mig_lex_peek(lx, 2);
        return c <= ' ' || c == 0x7F ? mig_lex_line_comment(lx) : 0;
    }
    if (c != '/' || mig_lex_peek(lx, 1) != '*')
        return 0;
    size_t mark = version_mark(lx);
    if (!mark)
        return mig_lex_block_comment(lx, false, false);
    return version_said(lx, mark, &len) > NEWEST ? mig_lex_block_comment(lx, true, false) : 0;
}

/* A version comment is part of the statement even where this server passes over it. */
static enum mig_step version_comment(struct mig_sql_lexer *lx, size_t mark)
{
    uint64_t at = mig_lex_pos(lx);
    size_t len;
    uint32_t version = version_said(lx, mark, &len);
    lx->semi_last = false;
    if (!version_applies(lx, mark, version))
        return mig_lex_block_comment(lx, true, false) < 0 ? MIG_STEP_FAIL : MIG_STEP_ON;
    lx->w.pos += len;
    if (!lx->my.version)
        lx->my.version_at = at;
    lx->my.version = true;
    return MIG_STEP_ON;
}

static enum mig_step on_comment(struct mig_sql_lexer *lx)
{
    int passed = comment(lx);
    if (passed < 0 || lx->status)
        return MIG_STEP_FAIL;
    if (passed)
        return passed == 2 ? MIG_STEP_CUT : MIG_STEP_ON;
    bool block = lx->w.data[lx->w.pos] == '/' && mig_lex_peek(lx, 1) == '*';
    return block ? version_comment(lx, version_mark(lx)) : mig_lex_on_plain(lx);
}

static enum mig_step on_star(struct mig_sql_lexer *lx)
{
    if (!lx->my.version || mig_lex_peek(lx, 1) != '/')
        return mig_lex_on_plain(lx);
    lx->my.version = false;
    lx->w.pos += 2;
    return MIG_STEP_ON;
}

static void begin(struct mig_sql_lexer *lx)
{
    mig_compound_begin(&lx->my.compound, lx->mariadb);
    lx->my.version = false;
    lx->words = true;
}

static void fed(struct mig_sql_lexer *lx)
{
    lx->words = mig_compound_active(&lx->my.compound);
    if (lx->my.compound.oom)
        mig_lex_nomem(lx);
}

static void word(struct mig_sql_lexer *lx, const char *text, size_t len)
{
    mig_compound_word(&lx->my.compound, text, len, mig_lex_pos(lx) - len);
    fed(lx);
}

static void other(struct mig_sql_lexer *lx, const char *text, size_t len)
{
    for (size_t i = 0; i < len && lx->words; i++) {
        if (lx->class[(unsigned char)text[i]] != MIG_C_SPACE) {
            mig_compound_sign(&lx->my.compound, text[i]);
            fed(lx);
        }
    }
}

static enum mig_step quoted(struct mig_sql_lexer *lx, char quote, bool backslash, const char *what)
{
    if (lx->words) {
        mig_compound_quoted(&lx->my.compound);
        fed(lx);
    }
    return mig_lex_quoted(lx, quote, backslash, true, what);
}

static enum mig_step on_squote(struct mig_sql_lexer *lx)
{
    return quoted(lx, '\'', lx->lex & MIGRATE_LEX_BACKSLASH_ESCAPES, "quoted string");
}

static enum mig_step on_dquote(struct mig_sql_lexer *lx)
{
    if (lx->lex & MIGRATE_LEX_ANSI_QUOTES)
        return quoted(lx, '"', false, "quoted identifier");
    return quoted(lx, '"', lx->lex & MIGRATE_LEX_BACKSLASH_ESCAPES, "quoted string");
}

static enum mig_step on_backtick(struct mig_sql_lexer *lx)
{
    return quoted(lx, '`', false, "quoted identifier");
}

static enum mig_step on_dollar(struct mig_sql_lexer *lx)
{
    bool quotes = (lx->lex & MIGRATE_LEX_DOLLAR_QUOTES) || (!lx->mariadb && lx->version >= 90000);
    bool is_quote = false;
    if (!quotes)
        return mig_lex_on_word(lx);
    enum mig_step step = mig_lex_dollar(lx, true, &is_quote);
    if (step == MIG_STEP_ON && is_quote && lx->words) {
        mig_compound_quoted(&lx->my.compound);
        fed(lx);
    }
    return step;
}

static enum mig_step on_backslash(struct mig_sql_lexer *lx)
{
    /* \N is a NULL of MariaDB and of MySQL before 8. */
    int c = mig_lex_peek(lx, 1) == 'N' ? mig_lex_peek(lx, 2) : 'N';
    if (c >= 0 && lx->ident[c])
        return mig_lex_fail(lx, mig_lex_pos(lx), "Remove it; statements end with ; or what DELIMITER says.",
                            "a backslash command of the mysql client, which no server understands");
    lx->w.pos += 2;
    return lx->status ? MIG_STEP_FAIL : MIG_STEP_ON;
}

static bool semicolon(struct mig_sql_lexer *lx)
{
    bool ends = mig_compound_semicolon(&lx->my.compound);
    lx->words = mig_compound_active(&lx->my.compound);
    return ends;
}

static bool hold(struct mig_sql_lexer *lx)
{
    return mig_compound_program(&lx->my.compound);
}

static bool finish(struct mig_sql_lexer *lx, bool at_end)
{
    const struct mig_compound *c = &lx->my.compound;
    if (c->any)
        lx->flags |= MIG_SQL_STATEMENT_COMPOUND;
    if (lx->my.version && at_end)
        mig_lex_fail(lx, lx->my.version_at, "The comment that opens here is never closed.",
                     "unterminated comment");
    else if (lx->my.version)
        mig_lex_fail(lx, lx->cut, "Put it behind the comment: no server takes it inside.",
                     "a statement terminator inside of a version comment");
    else if (at_end && c->n && !lx->term.len)
        mig_lex_fail(lx, c->frames[0].pos, "Close it with END, END IF and so on before the script ends.",
                     "unterminated block");
    return !lx->status;
}

const struct mig_lex_rules mig_lex_mysql = {
    .classes = classes,
    .dollar_in_word = true,
    .comment = comment,
    .begin = begin,
    .command = mig_lex_mysql_command,
    .word = word,
    .other = other,
    .semicolon = semicolon,
    .hold = hold,
    .finish = finish,
    .action = {
        [MIG_C_WORD] = mig_lex_on_word,
        [MIG_C_SEMICOLON] = mig_lex_on_semicolon,
        [MIG_C_TERMINATOR] = mig_lex_on_terminator,
        [MIG_C_COMMENT] = on_comment,
        [MIG_C_SQUOTE] = on_squote,
        [MIG_C_DQUOTE] = on_dquote,
        [MIG_C_BACKTICK] = on_backtick,
        [MIG_C_DOLLAR] = on_dollar,
        [MIG_C_BACKSLASH] = on_backslash,
        [MIG_C_STAR] = on_star,
    },
};
