/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/lex.h"

/* A database nothing is known of: quotes and comments of the SQL standard, and what the driver's flags say.
 */

static void classes(uint8_t *class)
{
    class['$'] = MIG_C_DOLLAR;
}

static int comment(struct mig_sql_lexer *lx)
{
    char c = lx->w.data[lx->w.pos];
    if (c == '-' && mig_lex_peek(lx, 1) == '-')
        return mig_lex_line_comment(lx);
    if (c == '/' && mig_lex_peek(lx, 1) == '*')
        return mig_lex_block_comment(lx, false, false);
    return 0;
}

static enum mig_step on_squote(struct mig_sql_lexer *lx)
{
    return mig_lex_quoted(lx, '\'', lx->lex & MIGRATE_LEX_BACKSLASH_ESCAPES, true, "quoted string");
}

static enum mig_step on_dquote(struct mig_sql_lexer *lx)
{
    return mig_lex_quoted(lx, '"', false, true, "quoted identifier");
}

static enum mig_step on_dollar(struct mig_sql_lexer *lx)
{
    bool is_quote;
    if (lx->lex & MIGRATE_LEX_DOLLAR_QUOTES)
        return mig_lex_dollar(lx, false, &is_quote);
    return mig_lex_on_plain(lx);
}

static bool hold(struct mig_sql_lexer *lx)
{
    (void)lx;
    return true;
}

const struct mig_lex_rules mig_lex_other = {
    .classes = classes,
    .comment = comment,
    .hold = hold,
    .action = {
        [MIG_C_WORD] = mig_lex_on_word,
        [MIG_C_SEMICOLON] = mig_lex_on_semicolon,
        [MIG_C_TERMINATOR] = mig_lex_on_terminator,
        [MIG_C_COMMENT] = mig_lex_on_comment,
        [MIG_C_SQUOTE] = on_squote,
        [MIG_C_DQUOTE] = on_dquote,
        [MIG_C_DOLLAR] = on_dollar,
    },
};
