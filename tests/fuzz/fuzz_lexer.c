/* SPDX-License-Identifier: Apache-2.0 */

/* The statement iterator under any input: it must not crash, its statements must be slices of the script in
 * order, at the line and column it says, however the script comes in pieces; and a statement by itself must
 * be cut into itself.
 *
 * The first three bytes choose: dialect and kind of cutting, lexical switches, size of the pieces. */

#include "cutting.h"
#include "util/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(what)                                                                                        \
    do {                                                                                                     \
        if (!(what)) {                                                                                       \
            fprintf(stderr, "not so: %s\n", #what);                                                          \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static const char *const dialects[] = { "postgres", "mysql", "mariadb", "sqlite", "other" };
static const char *const terminators[] = { NULL, NULL, "/", "GO", "\nGO\n", "$$", ";;" };

static struct mig_sql_config configure(const uint8_t *head)
{
    struct mig_sql_config config = cutting_config(dialects[head[0] % 5]);
    unsigned kind = head[0] / 5 % 10;
    config.lex ^=
        head[1] & (MIGRATE_LEX_BACKSLASH_ESCAPES | MIGRATE_LEX_ANSI_QUOTES | MIGRATE_LEX_DOLLAR_QUOTES);
    config.version = head[1] & 16 ? 50744 : head[1] & 32 ? 90000 : 0;
    config.goose = kind == 7;
    config.whole = kind == 8;
    config.max_statement = kind == 9 ? 50 : 0;
    config.terminator = kind < 7 ? terminators[kind] : NULL;
    return config;
}

static bool has_copy(const struct cutting *c)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->pieces[i].flags & MIG_SQL_STATEMENT_COPY)
            return true;
    }
    return false;
}

static void check_slices(const struct cutting *c, const char *text, size_t len)
{
    uint64_t end = 0;
    bool copy = has_copy(c);
    bool utf8 = mig_utf8_valid(text, len, NULL);
    for (size_t i = 0; i < c->n; i++) {
        const struct cutting_piece *p = &c->pieces[i];
        REQUIRE(p->len > 0);
        REQUIRE(p->offset < len);
        /* What follows a COPY on its line goes on behind its data: no slice. */
        if (!copy) {
            REQUIRE(p->offset >= end && p->offset + p->len <= len);
            REQUIRE(!memcmp(text + p->offset, p->text, p->len));
            end = p->offset + p->len;
        }
        uint64_t line = 1, column = 1;
        mig_text_position(text, p->offset, &line, &column);
        REQUIRE(line == p->line);
        REQUIRE(!utf8 || column == p->column);
    }
}

static void check_same(const struct cutting *a, const struct cutting *b)
{
    REQUIRE(a->status == b->status);
    REQUIRE(a->n == b->n);
    REQUIRE(a->diag.line == b->diag.line && a->diag.column == b->diag.column);
    REQUIRE(!strcmp(mig_buf_text(&a->comments), mig_buf_text(&b->comments)));
    for (size_t i = 0; i < a->n; i++) {
        const struct cutting_piece *p = &a->pieces[i], *q = &b->pieces[i];
        REQUIRE(p->len == q->len && !memcmp(p->text, q->text, p->len));
        REQUIRE(p->offset == q->offset && p->line == q->line && p->column == q->column &&
                p->flags == q->flags);
        REQUIRE(!p->data == !q->data && (!p->data || !strcmp(p->data, q->data)));
    }
}

static bool mark_of_bytes(const char *text, size_t len)
{
    return (len > 2 && !memcmp(text, "\xEF\xBB\xBF", 3)) || (len > 1 && !memcmp(text, "\xFF\xFE", 2)) ||
           (len > 1 && !memcmp(text, "\xFE\xFF", 2));
}

/* "--" is a comment at the end, and none before the ';' that stood there. */
static bool ends_in_dashes(const struct cutting_piece *p)
{
    return p->len > 1 && !memcmp(p->text + p->len - 2, "--", 2);
}

/* "go" on the last line is for the shell only where no ';' follows. */
static bool for_shell(const struct cutting *c)
{
    return c->diag.message && strstr(c->diag.message, "sqlite3 shell");
}

static void check_again(const struct mig_sql_config *config, const struct cutting *c)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct cutting_piece *p = &c->pieces[i];
        if ((p->flags & MIG_SQL_STATEMENT_COPY) || mark_of_bytes(p->text, p->len) || ends_in_dashes(p))
            continue;
        struct mig_sql_config same = *config;
        same.lex = p->lex;
        struct cutting again = cut(&same, p->text, p->len, 0);
        if (for_shell(&again)) {
            cutting_free(&again);
            continue;
        }
        REQUIRE(again.status == MIGRATE_DONE && again.n == 1);
        REQUIRE(again.pieces[0].len == p->len && !memcmp(again.pieces[0].text, p->text, p->len));
        REQUIRE(again.pieces[0].flags == p->flags);
        cutting_free(&again);
    }
}

/* A delimiter, a block or another terminator of the script's own says more than the statement does. */
static bool stands_alone(const struct mig_sql_config *config, const char *text, size_t len)
{
    if (config->goose || config->terminator)
        return false;
    for (size_t i = 0; config->dialect == MIGRATE_DIALECT_MYSQL && i + 9 <= len; i++) {
        if (!strncasecmp(text + i, "delimiter", 9))
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    struct mig_sql_config config = configure(data);
    /* A buffer of its own, so that reading too far is seen. */
    size_t len = size - 3;
    char *text = malloc(len ? len : 1);
    if (!text)
        return 0;
    memcpy(text, data + 3, len);
    struct cutting whole = cut(&config, text, len, 0);
    struct cutting parts = cut(&config, text, len, 1u + data[2] % 9u);
    REQUIRE(whole.status != MIGRATE_OK);
    check_same(&whole, &parts);
    size_t bom = len > 2 && !memcmp(text, "\xEF\xBB\xBF", 3) ? 3 : 0;
    check_slices(&whole, text + bom, len - bom);
    if (stands_alone(&config, text, len))
        check_again(&config, &whole);
    cutting_free(&whole);
    cutting_free(&parts);
    free(text);
    return 0;
}
