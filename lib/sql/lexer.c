/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/lexer.h"

#include <stdlib.h>
#include <string.h>

#include "sql/lex.h"

#define DEFAULT_MAX (UINT64_C(1) << 30)

uint32_t mig_sql_default_lex(uint32_t dialect, uint32_t version, bool mariadb)
{
    if (dialect == MIGRATE_DIALECT_POSTGRES)
        return MIGRATE_LEX_DOLLAR_QUOTES;
    if (dialect != MIGRATE_DIALECT_MYSQL)
        return 0;
    bool dollar = !mariadb && (!version || version >= 90000);
    return MIGRATE_LEX_BACKSLASH_ESCAPES | (dollar ? MIGRATE_LEX_DOLLAR_QUOTES : 0);
}

static const struct mig_lex_rules *rules_of(uint32_t dialect)
{
    switch (dialect) {
    case MIGRATE_DIALECT_POSTGRES:
        return &mig_lex_postgres;
    case MIGRATE_DIALECT_MYSQL:
        return &mig_lex_mysql;
    case MIGRATE_DIALECT_SQLITE:
        return &mig_lex_sqlite;
    default:
        return &mig_lex_other;
    }
}

struct mig_sql_lexer *mig_sql_open(const struct mig_sql_config *config)
{
    struct mig_sql_lexer *lx = calloc(1, sizeof *lx);
    if (!lx)
        return NULL;
    lx->rules = rules_of(config->dialect);
    lx->lex = config->lex;
    lx->version = config->version;
    lx->mariadb = config->mariadb;
    lx->goose = config->goose;
    lx->whole = config->whole;
    lx->max = config->max_statement ? config->max_statement : DEFAULT_MAX;
    lx->read = config->read;
    lx->read_user = config->read_user;
    lx->on_comment = config->on_comment;
    lx->comment_user = config->comment_user;
    lx->from.line = config->line ? config->line : 1;
    lx->from.column = 1;
    lx->at = lx->from;
    lx->line_clean = true;
    const char *end = config->terminator ? config->terminator : ";";
    lx->term.any_case = config->terminator != NULL;
    if (!mig_lex_set_terminator(lx, end, strlen(end)))
        mig_lex_fail_at(lx, &lx->from, "Give one of 1 to 64 characters.", "an unusable statement terminator");
    if (!strcmp(end, "/"))
        lx->term.line_begin = true;
    return lx;
}

void mig_sql_close(struct mig_sql_lexer *lx)
{
    if (!lx)
        return;
    mig_compound_free(&lx->my.compound);
    mig_buf_free(&lx->copy_text);
    mig_buf_free(&lx->rest);
    free(lx->w.data);
    free(lx);
}

void mig_sql_set_lex(struct mig_sql_lexer *lx, uint32_t lex)
{
    lx->lex = lex;
}

/* A BOM is no part of the script. Without one, four bytes tell whether the text is in UTF-8 at all. */
static void skip_bom(struct mig_sql_lexer *lx)
{
    if (mig_lex_peek(lx, 0) == 0xEF && mig_lex_peek(lx, 1) == 0xBB && mig_lex_peek(lx, 2) == 0xBF) {
        lx->w.pos += 3;
        lx->w.keep = lx->w.pos;
        lx->at_pos = lx->from_pos = mig_lex_pos(lx);
    } else {
        (void)mig_lex_peek(lx, 3);
    }
    lx->started = true;
}

/* Over blanks between statements. False at the end of the script. */
static bool skip_blanks(struct mig_sql_lexer *lx)
{
    struct mig_window *w = &lx->w;
    do {
        for (; w->pos < w->end; w->pos++) {
            unsigned char c = (unsigned char)w->data[w->pos];
            if (c == '\n' || c == '\r')
                lx->line_clean = true;
            else if (c != ' ' && c != '\t' && c != '\f' && c != '\v')
                return true;
        }
        w->keep = w->pos;
    } while (mig_lex_more(lx));
    return false;
}

/* What stands at the position, between statements, is now what is being read. */
static void mark(struct mig_sql_lexer *lx)
{
    lx->w.keep = lx->w.pos;
    mig_lex_track(lx, mig_lex_pos(lx));
    lx->from = lx->at;
    lx->from_pos = lx->at_pos;
}

static bool empty_statement(struct mig_sql_lexer *lx)
{
    char c = lx->w.data[lx->w.pos];
    if (lx->class[(unsigned char)c] == MIG_C_TERMINATOR)
        return mig_lex_at_terminator(lx);
    if (c != ';')
        return false;
    lx->w.pos++;
    return true;
}

/* Moves to the first character of the next statement: ON; else END or FAIL. */
static enum mig_step skip_gap(struct mig_sql_lexer *lx)
{
    while (skip_blanks(lx)) {
        mark(lx);
        int passed = empty_statement(lx);
        if (!passed && !lx->status)
            passed = lx->rules->comment(lx);
        if (!passed && !lx->status && lx->rules->command && !lx->whole)
            passed = lx->rules->command(lx);
        if (lx->status)
            return MIG_STEP_FAIL;
        if (!passed)
            return MIG_STEP_ON;
        lx->line_clean = false;
    }
    return lx->status ? MIG_STEP_FAIL : MIG_STEP_END;
}

enum mig_step mig_lex_on_plain(struct mig_sql_lexer *lx)
{
    lx->semi_last = false;
    if (lx->rules->other)
        lx->rules->other(lx, lx->w.data + lx->w.pos, 1);
    lx->w.pos++;
    return lx->status ? MIG_STEP_FAIL : MIG_STEP_ON;
}

enum mig_step mig_lex_on_comment(struct mig_sql_lexer *lx)
{
    int passed = lx->rules->comment(lx);
    if (passed < 0 || lx->status)
        return MIG_STEP_FAIL;
    return passed == 2 ? MIG_STEP_CUT : passed ? MIG_STEP_ON : mig_lex_on_plain(lx);
}

enum mig_step mig_lex_on_word(struct mig_sql_lexer *lx)
{
    size_t len = mig_lex_run(lx);
    lx->word_len = len;
    lx->semi_last = false;
    if (lx->words && !lx->status)
        lx->rules->word(lx, lx->w.data + lx->w.pos - len, len);
    return lx->status ? MIG_STEP_FAIL : MIG_STEP_ON;
}

/* From the first character of a statement to behind its terminator. */
static enum mig_step scan_statement(struct mig_sql_lexer *lx)
{
    struct mig_window *w = &lx->w;
    for (;;) {
        size_t p = w->pos;
        unsigned seen = 0;
        unsigned c = 0;
        while (p < w->end && (c = lx->class[(unsigned char)w->data[p]]) <= MIG_C_PLAIN) {
            seen |= c;
            p++;
        }
        if (seen) {
            lx->semi_last = false;
            if (lx->rules->other)
                lx->rules->other(lx, w->data + w->pos, p - w->pos);
        }
        w->pos = p;
        if (p == w->end) {
            if (mig_lex_more(lx))
                continue;
            return lx->status ? MIG_STEP_FAIL : MIG_STEP_END;
        }
        if (c > MIG_C_COMMENT)
            lx->semi_last = false;
        mig_lex_action act = lx->rules->action[c];
        enum mig_step step = act ? act(lx) : mig_lex_on_plain(lx);
        if (step != MIG_STEP_ON)
            return step;
    }
}

static bool begin_statement(struct mig_sql_lexer *lx)
{
    if (lx->lex & MIGRATE_LEX_UNSAFE_ENCODING) {
        mig_lex_fail(
            lx, lx->from_pos, "Set the client encoding to UTF-8.",
            "the session's encoding may hide a backslash or quote in the second byte of a character");
        return false;
    }
    lx->inside = true;
    lx->semi_seen = lx->semi_last = false;
    lx->flags = 0;
    if (lx->rules->begin)
        lx->rules->begin(lx);
    return true;
}

static bool trailing_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The end of the last line is none of a statement's that nothing ends, as programs see it that read lines. */
static size_t without_line_end(const char *text, size_t len)
{
    if (len && text[len - 1] == '\n')
        len -= len > 1 && text[len - 2] == '\r' ? 2 : 1;
    return len;
}

static int32_t hand_out(struct mig_sql_lexer *lx, struct mig_sql_statement *out, bool at_end)
{
    const char *text = mig_lex_text(lx, lx->from_pos);
    size_t len = (size_t)(lx->cut - lx->from_pos);
    size_t reach = at_end ? without_line_end(text, len) : len;
    while (len && trailing_blank(text[len - 1]))
        len--;
    if (len > lx->max) {
        mig_lex_fail(lx, lx->from_pos, "Split the statement.", "a statement of more than %llu bytes",
                     (unsigned long long)lx->max);
        return lx->status;
    }
    if (lx->semi_seen)
        lx->flags |= lx->semi_last ? MIG_SQL_STATEMENT_SEMICOLON : MIG_SQL_STATEMENT_MULTI;
    *out = (struct mig_sql_statement){ .text = text,
                                       .len = len,
                                       .reach = reach,
                                       .offset = lx->from.offset,
                                       .line = lx->from.line,
                                       .column = lx->from.column,
                                       .flags = lx->flags };
    if (!(lx->flags & MIG_SQL_STATEMENT_COPY))
        return MIGRATE_OK;
    /* The data will pass through the window while the text is still in use. */
    mig_buf_reset(&lx->copy_text);
    mig_buf_add(&lx->copy_text, text, len);
    if (lx->copy_text.oom)
        mig_lex_nomem(lx);
    out->text = lx->copy_text.data;
    out->reach = len;
    lx->copy = MIG_COPY_DUE;
    lx->copy_from = lx->from;
    return lx->status;
}

static int32_t end_of_script(struct mig_sql_lexer *lx)
{
    if (!lx->status && lx->w.nul) {
        if (!lx->inside)
            mark(lx);
        mig_lex_fail(lx, lx->w.base + lx->w.end, "Remove it; binary data goes into a hexadecimal literal.",
                     "a NUL byte in the text");
    } else if (!lx->status && lx->block) {
        mig_lex_fail_at(lx, &lx->block_at, "Add \"-- +goose StatementEnd\" behind the statement.",
                        "a StatementBegin block without its StatementEnd");
    }
    return lx->status;
}

static int32_t next(struct mig_sql_lexer *lx, struct mig_sql_statement *out)
{
    if (!lx->started)
        skip_bom(lx);
    if (mig_lex_copy_skip(lx))
        return lx->status;
    enum mig_step step = skip_gap(lx);
    if (step == MIG_STEP_ON && begin_statement(lx))
        step = scan_statement(lx);
    else if (step == MIG_STEP_END)
        return end_of_script(lx) ? lx->status : MIGRATE_DONE;
    if (lx->status)
        return lx->status;
    if (step == MIG_STEP_END) {
        lx->cut = mig_lex_pos(lx);
        if (end_of_script(lx))
            return lx->status;
    }
    if (lx->rules->finish && !lx->rules->finish(lx, step == MIG_STEP_END))
        return lx->status;
    lx->inside = false;
    lx->line_clean = false;
    return hand_out(lx, out, step == MIG_STEP_END);
}

int32_t mig_sql_next(struct mig_sql_lexer *lx, struct mig_sql_statement *out, struct mig_diag *diag)
{
    if (lx->status)
        return mig_diag_set(diag, lx->status, "reading of the script has failed before");
    lx->diag = diag;
    int32_t status = next(lx, out);
    lx->diag = NULL;
    return status;
}
