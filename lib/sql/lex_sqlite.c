/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/lex.h"

/* SQLite, without SQLite: the machine of sqlite3_complete(), which knows of one kind of statement with ';' in
 * it, the trigger, over SQLite's own tokens. */

enum { T_SEMI, T_OTHER, T_EXPLAIN, T_CREATE, T_TEMP, T_TRIGGER, T_END, T_COUNT };
enum { S_START, S_NORMAL, S_EXPLAIN, S_CREATE, S_TRIGGER, S_SEMI, S_END };

static const uint8_t machine[][T_COUNT] = {
    [S_START] = { S_START, S_NORMAL, S_EXPLAIN, S_CREATE, S_NORMAL, S_NORMAL, S_NORMAL },
    [S_NORMAL] = { S_START, S_NORMAL, S_NORMAL, S_NORMAL, S_NORMAL, S_NORMAL, S_NORMAL },
    [S_EXPLAIN] = { S_START, S_EXPLAIN, S_NORMAL, S_CREATE, S_NORMAL, S_NORMAL, S_NORMAL },
    [S_CREATE] = { S_START, S_NORMAL, S_NORMAL, S_NORMAL, S_CREATE, S_TRIGGER, S_NORMAL },
    [S_TRIGGER] = { S_SEMI, S_TRIGGER, S_TRIGGER, S_TRIGGER, S_TRIGGER, S_TRIGGER, S_TRIGGER },
    [S_SEMI] = { S_SEMI, S_TRIGGER, S_TRIGGER, S_TRIGGER, S_TRIGGER, S_TRIGGER, S_END },
    [S_END] = { S_START, S_TRIGGER, S_TRIGGER, S_TRIGGER, S_TRIGGER, S_TRIGGER, S_TRIGGER },
};

static void classes(uint8_t *class)
{
    class['`'] = MIG_C_BACKTICK;
    class['['] = MIG_C_BRACKET;
    class['$'] = class['@'] = class[':'] = class['#'] = MIG_C_VARIABLE;
}

static int comment(struct mig_sql_lexer *lx)
{
    char c = lx->w.data[lx->w.pos];
    if (c == '-' && mig_lex_peek(lx, 1) == '-')
        return mig_lex_line_comment(lx);
    if (c == '/' && mig_lex_peek(lx, 1) == '*')
        return mig_lex_block_comment(lx, false, true);
    return 0;
}

static void token(struct mig_sql_lexer *lx, int t)
{
    lx->sqlite = machine[lx->sqlite][t];
    lx->words = lx->sqlite != S_NORMAL && lx->sqlite != S_TRIGGER;
    if (lx->sqlite == S_TRIGGER)
        lx->flags |= MIG_SQL_STATEMENT_COMPOUND;
}

static void begin(struct mig_sql_lexer *lx)
{
    lx->sqlite = S_START;
    lx->words = true;
}

static void word(struct mig_sql_lexer *lx, const char *text, size_t len)
{
    static const struct {
        const char *word;
        int token;
    } words[] = {
        { "CREATE", T_CREATE },  { "TRIGGER", T_TRIGGER }, { "TEMP", T_TEMP },
        { "TEMPORARY", T_TEMP }, { "END", T_END },         { "EXPLAIN", T_EXPLAIN },
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (mig_lex_is(text, len, words[i].word)) {
            token(lx, words[i].token);
            return;
        }
    }
    token(lx, T_OTHER);
}

static void other(struct mig_sql_lexer *lx, const char *text, size_t len)
{
    (void)text;
    (void)len;
    token(lx, T_OTHER);
}

static bool semicolon(struct mig_sql_lexer *lx)
{
    token(lx, T_SEMI);
    return lx->sqlite == S_START;
}

static enum mig_step on_quote(struct mig_sql_lexer *lx)
{
    char c = lx->w.data[lx->w.pos];
    token(lx, T_OTHER);
    return mig_lex_quoted(lx, c, false, c != '[', c == '\'' ? "quoted string" : "quoted identifier");
}

/* "$name", also "$a::b(anything but white space)": one token. */
static enum mig_step on_variable(struct mig_sql_lexer *lx)
{
    bool named = false;
    token(lx, T_OTHER);
    lx->w.pos++;
    for (int c; (c = mig_lex_peek(lx, 0)) >= 0; lx->w.pos++) {
        if (lx->ident[c]) {
            named = true;
        } else if (c == ':' && mig_lex_peek(lx, 1) == ':') {
            lx->w.pos++;
        } else if (c == '(' && named) {
            do {
                lx->w.pos++;
                c = mig_lex_peek(lx, 0);
            } while (c > ' ' && c != ')');
            lx->w.pos += c == ')';
            break;
        } else {
            break;
        }
    }
    return lx->status ? MIG_STEP_FAIL : MIG_STEP_ON;
}

static int refuse(struct mig_sql_lexer *lx, uint64_t pos)
{
    mig_lex_fail(lx, pos, "Remove it, or write what it does in SQL.",
                 "a command of the sqlite3 shell, which the library does not understand");
    return -1;
}

/* What the shell would take for itself: no statement begins like this. */
static int command(struct mig_sql_lexer *lx)
{
    int c = mig_lex_peek(lx, 0);
    bool go = (c | 32) == 'g' && (mig_lex_peek(lx, 1) | 32) == 'o';
    if (go) {
        int behind = mig_lex_peek(lx, 2);
        go = behind < 0 || !lx->ident[behind];
    }
    return c == '.' || c == '/' || go ? refuse(lx, mig_lex_pos(lx)) : 0;
}

/* Has the token of @p len bytes before the position a line to itself, where the statement could end? There
 * the shell takes "go" and "/" for a ';'. */
static bool ends_for_shell(struct mig_sql_lexer *lx, size_t len)
{
    const char *text = lx->w.data + lx->w.keep;
    size_t p = lx->w.pos - lx->w.keep - len;
    if (lx->sqlite != S_NORMAL || lx->whole)
        return false;
    while (p && (text[p - 1] == ' ' || text[p - 1] == '\t'))
        p--;
    if (!p || text[p - 1] != '\n')
        return false;
    int c = mig_lex_peek(lx, 0);
    for (size_t n = 1; c == ' ' || c == '\t' || c == '\r'; n++)
        c = mig_lex_peek(lx, n);
    return c < 0 || c == '\n';
}

/* A BOM is a blank to SQLite wherever a token could begin: where files were put together, say. */
static bool at_bom(struct mig_sql_lexer *lx)
{
    return mig_lex_peek(lx, 0) == 0xef && mig_lex_peek(lx, 1) == 0xbb && mig_lex_peek(lx, 2) == 0xbf;
}

static enum mig_step on_word(struct mig_sql_lexer *lx)
{
    if (at_bom(lx)) {
        lx->w.pos += 3;
        return lx->status ? MIG_STEP_FAIL : MIG_STEP_ON;
    }
    enum mig_step step = mig_lex_on_word(lx);
    const char *end = lx->w.data + lx->w.pos;
    if (step == MIG_STEP_ON && lx->word_len == 2 && mig_lex_is(end - 2, 2, "GO") && ends_for_shell(lx, 2))
        refuse(lx, mig_lex_pos(lx) - 2);
    return lx->status ? MIG_STEP_FAIL : step;
}

static enum mig_step on_comment(struct mig_sql_lexer *lx)
{
    uint64_t at = mig_lex_pos(lx);
    bool slash = lx->w.data[lx->w.pos] == '/';
    enum mig_step step = mig_lex_on_comment(lx);
    if (step == MIG_STEP_ON && slash && mig_lex_pos(lx) == at + 1 && ends_for_shell(lx, 1))
        refuse(lx, at);
    return lx->status ? MIG_STEP_FAIL : step;
}

static bool finish(struct mig_sql_lexer *lx, bool at_end)
{
    if (at_end && (lx->sqlite == S_TRIGGER || lx->sqlite == S_SEMI))
        mig_lex_fail(lx, lx->from_pos, "Close it with END; behind its last statement.",
                     "unterminated CREATE TRIGGER");
    return !lx->status;
}

const struct mig_lex_rules mig_lex_sqlite = {
    .classes = classes,
    .dollar_in_word = true,
    .comment = comment,
    .begin = begin,
    .command = command,
    .word = word,
    .other = other,
    .semicolon = semicolon,
    .finish = finish,
    .action = {
        [MIG_C_WORD] = on_word,
        [MIG_C_SEMICOLON] = mig_lex_on_semicolon,
        [MIG_C_TERMINATOR] = mig_lex_on_terminator,
        [MIG_C_COMMENT] = on_comment,
        [MIG_C_SQUOTE] = on_quote,
        [MIG_C_DQUOTE] = on_quote,
        [MIG_C_BACKTICK] = on_quote,
        [MIG_C_BRACKET] = on_quote,
        [MIG_C_VARIABLE] = on_variable,
    },
};
