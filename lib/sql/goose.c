/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/lex.h"

/* "-- +goose StatementBegin" and "-- +goose StatementEnd": what goose's users write around statements that
 * its own splitter would cut. Here the end of a block is one more terminator. */

/* Takes the next word off the text. */
static size_t word(const char **text, size_t *len, const char **out)
{
    while (*len && (**text == ' ' || **text == '\t'))
        (*text)++, (*len)--;
    *out = *text;
    size_t n = 0;
    while (n < *len && (*text)[n] != ' ' && (*text)[n] != '\t')
        n++;
    *text += n;
    *len -= n;
    return n;
}

static enum mig_step block_begins(struct mig_sql_lexer *lx, uint64_t begin)
{
    if (lx->block)
        return mig_lex_fail(lx, begin, "Add \"-- +goose StatementEnd\" before it.",
                            "a StatementBegin inside of a StatementBegin block");
    mig_lex_track(lx, begin);
    lx->block = true;
    lx->block_at = lx->at;
    return MIG_STEP_ON;
}

static enum mig_step block_ends(struct mig_sql_lexer *lx, uint64_t begin)
{
    if (!lx->block)
        return mig_lex_fail(lx, begin,
                            "Add \"-- +goose StatementBegin\" before the statement, or remove the line.",
                            "a StatementEnd without its StatementBegin");
    lx->block = false;
    if (!lx->inside)
        return MIG_STEP_ON;
    lx->cut = lx->semi_last ? lx->semi_at : begin;
    lx->semi_last = false;
    return MIG_STEP_CUT;
}

enum mig_step mig_lex_goose(struct mig_sql_lexer *lx, uint64_t begin, const char *text, size_t len)
{
    const char *w;
    if (len < 2 || text[0] != '-')
        return MIG_STEP_ON;
    text += 2;
    len -= 2;
    size_t n = word(&text, &len, &w);
    if (!mig_lex_is(w, n, "+GOOSE"))
        return MIG_STEP_ON;
    n = word(&text, &len, &w);
    if (mig_lex_is(w, n, "STATEMENTBEGIN"))
        return block_begins(lx, begin);
    return mig_lex_is(w, n, "STATEMENTEND") ? block_ends(lx, begin) : MIG_STEP_ON;
}
