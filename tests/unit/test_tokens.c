/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>

#include <migrate/driver.h>

#include "sql/cursor.h"

/* "w:SELECT n:1 …": kind and text of every token. */
static void tokens_of(const struct mig_sql_dialect_info *di, const char *sql, char *out, size_t size)
{
    static const char kinds[] = "ewqsnvp";
    struct mig_tokens ts;
    struct mig_token tok;
    size_t n = 0;
    size_t len = strlen(sql);
    char *copy = malloc(len + (len == 0));

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, sql, len);
    out[0] = '\0';
    mig_tokens_init(&ts, di, copy, len);
    while (mig_tokens_next(&ts, &tok)) {
        n += (size_t)snprintf(out + n, size - n, "%s%c:%.*s", n != 0 ? " " : "", kinds[tok.kind],
                              (int)tok.len, tok.text);
    }
    ck_assert_int_eq(tok.kind, MIG_TOKEN_END);
    ck_assert(!mig_tokens_next(&ts, &tok));
    free(copy);
}

struct token_case {
    uint32_t dialect;
    uint32_t lex;
    const char *sql;
    const char *tokens;
};

#define PG MIGRATE_DIALECT_POSTGRES
#define MY MIGRATE_DIALECT_MYSQL
#define LITE MIGRATE_DIALECT_SQLITE
#define ANY MIGRATE_DIALECT_OTHER
#define BS MIGRATE_LEX_BACKSLASH_ESCAPES
#define ANSI MIGRATE_LEX_ANSI_QUOTES
#define DOLLAR MIGRATE_LEX_DOLLAR_QUOTES

static const struct token_case token_cases[] = {
    { PG, 0, "", "" },
    { PG, 0, "a.b,c", "w:a p:. w:b p:, w:c" },
    { PG, 0, "'a''b' \"c\"\"d\"", "s:'a''b' q:\"c\"\"d\"" },
    { PG, 0, "'a\\' b", "s:'a\\' w:b" },
    { PG, BS, "'a\\' b'", "s:'a\\' b'" },
    { PG, 0, "e'a\\' b' c", "s:e'a\\' b' w:c" },
    { PG, 0, "x'1f' B'01' n'a' U&'a' U&\"b\" u&c", "s:x'1f' s:B'01' s:n'a' s:U&'a' q:U&\"b\" w:u p:& w:c" },
    { PG, 0, "date'x'", "w:date s:'x'" },
    { PG, 0, "'a'\n'b' 'c'", "s:'a'\n'b' s:'c'" },
    { PG, 0, "'a' -- x\n 'b'", "s:'a' -- x\n 'b'" },
    { PG, 0, "E'a'\n'\\'' b", "s:E'a'\n'\\'' w:b" },
    { PG, 0, "$$a$$ $x$ $$ $x$ $1 a$b$c", "s:$$a$$ s:$x$ $$ $x$ v:$1 w:a$b$c" },
    { PG, 0, "$x$y$x$", "s:$x$y$x$" },
    { PG, 0, "$d$x$y$d$ e", "s:$d$x$y$d$ w:e" },
    { PG, 0, "a/*b/*c*/d*/e--f\rg", "w:a w:e w:g" },
    { PG, 0, "a#>b `c", "w:a p:# p:> w:b p:` w:c" },
    { PG, 0, "1.5 1e5 12ab .5", "n:1.5 n:1e5 n:12ab p:. n:5" },
    { PG, 0, "caf\xc3\xa9 @a", "w:caf\xc3\xa9 p:@ w:a" },
    { PG, 0, "a::int[1]", "w:a p:: p:: w:int p:[ n:1 p:]" },
    { MY, BS, "`a``b` \"c\\\"d\"", "q:`a``b` s:\"c\\\"d\"" },
    { MY, ANSI, "\"a\\\" b", "q:\"a\\\" w:b" },
    { MY, BS | ANSI, "\"a\\\" b", "q:\"a\\\" w:b" },
    { MY, 0, "5--1 -- x\n2 --\t3\n--", "n:5 p:- p:- n:1 n:2" },
    { MY, 0, "a # b\nc /* d /* e */ f", "w:a w:c w:f" },
    { MY, 0, "/*! a */ b /*!50000 c*/ /*!99999 d */ e", "w:a w:b w:c w:e" },
    { MY, 0, "/*!500 a */", "n:500 w:a" },
    { MY, 0, "/*!080000 a */ b", "w:a w:b" },
    { MY, 0, "/*!99999 a /* b */ c */ d", "w:d" },
    { MY, 0, "/*! a /* b */ c */ d", "w:a w:c w:d" },
    { MY, 0, "/*!80000 a ' */ ' */ b", "w:a s:' */ ' w:b" },
    { MY, 0, "/*+ MAX(1) */ a /*M!100000 b */", "w:a" },
    { MY, 0, "@a @@b.c @`d e` @'f' g@'h' @ i", "v:@a v:@@b.c v:@`d e` v:@'f' w:g v:@'h' v:@ w:i" },
    { MY, 0, "2fa db.123 123 1e5 0x1f 0b1 1.5", "w:2fa w:db p:. w:123 n:123 n:1e5 n:0x1f n:0b1 n:1.5" },
    { MY, 0, "_utf8'a' n'b' x'00'", "w:_utf8 s:'a' s:n'b' s:x'00'" },
    { MY, 0, "e'a'", "w:e s:'a'" },
    { MY, DOLLAR, "$$a'$$ b", "s:$$a'$$ w:b" },
    { MY, 0, "$$a", "v:$$a" },
    { LITE, 0, "[a b] `c` 'd' \"e\" x'00'", "q:[a b] q:`c` s:'d' q:\"e\" s:x'00'" },
    { LITE, BS, "'a\\' b", "s:'a\\' w:b" },
    { LITE, 0, "?1 :a @b $c -- d\re\nf", "p:? n:1 v::a v:@b v:$c w:f" },
    { LITE, 0, "a /* b", "w:a" },
    { ANY, 0, "a \"b\" `c` 'd' -- e\nf /* g */ h", "w:a q:\"b\" q:`c` s:'d' w:f w:h" },
};

START_TEST(tokens)
{
    char got[4096];

    for (size_t i = 0; i < sizeof token_cases / sizeof *token_cases; i++) {
        const struct token_case *t = &token_cases[i];
        struct mig_sql_dialect_info di = { .dialect = t->dialect, .lex = t->lex };
        tokens_of(&di, t->sql, got, sizeof got);
        ck_assert_msg(strcmp(got, t->tokens) == 0, "%s\n  expected %s\n  got      %s", t->sql, t->tokens,
                      got);
    }
}
END_TEST

START_TEST(depth)
{
    static const struct mig_sql_dialect_info di = { .dialect = MIGRATE_DIALECT_POSTGRES };
    static const uint32_t expected[] = { 0, 0, 1, 1, 2, 1, 0, 0, 0 };
    static const char sql[] = "a(b(c))d)";
    struct mig_tokens ts;
    struct mig_token tok;
    size_t i = 0;

    mig_tokens_init(&ts, &di, sql, sizeof sql - 1);
    for (; mig_tokens_next(&ts, &tok); i++) {
        ck_assert_uint_eq(tok.depth, expected[i]);
    }
    ck_assert_uint_eq(i, sizeof expected / sizeof *expected);
}
END_TEST

static const char *name(uint32_t dialect, const char *sql, char *out, size_t size)
{
    struct mig_sql_dialect_info di = { .dialect = dialect };
    struct mig_tokens ts;
    struct mig_token tok;

    mig_tokens_init(&ts, &di, sql, strlen(sql));
    mig_tokens_next(&ts, &tok);
    return mig_token_name(&tok, dialect, out, size) ? out : NULL;
}

START_TEST(names)
{
    char out[100];

    ck_assert_str_eq(name(PG, "AbC", out, sizeof out), "abc");
    ck_assert_str_eq(name(PG, "\"AbC\"", out, sizeof out), "AbC");
    ck_assert_str_eq(name(PG, "\"a\"\"b\"", out, sizeof out), "a\"b");
    ck_assert_str_eq(name(MY, "AbC", out, sizeof out), "AbC");
    ck_assert_str_eq(name(MY, "`a``b`", out, sizeof out), "a`b");
    ck_assert_str_eq(name(LITE, "[a\"b]", out, sizeof out), "a\"b");
    ck_assert_ptr_null(name(PG, "\"\"", out, sizeof out));
    ck_assert_ptr_null(name(PG, "U&\"a\"", out, sizeof out));
    ck_assert_ptr_null(name(PG, "abc", out, 3));
    ck_assert_str_eq(name(PG, "abc", out, 4), "abc");
    ck_assert_ptr_null(name(PG, "+", out, sizeof out));
}
END_TEST

START_TEST(cursor)
{
    static const struct mig_sql_dialect_info di = { .dialect = MIGRATE_DIALECT_POSTGRES };
    static const char sql[] = "create or replace f(a, (b)) x.create as , y";
    struct mig_cursor c;
    char schema[20];
    char part[20];

    mig_cur_init(&c, &di, sql, sizeof sql - 1);
    ck_assert(!mig_cur_take(&c, "CREATE OR"
                                " ELSE"));
    ck_assert(mig_cur_sees(&c, "CREATE OR REPLACE"));
    ck_assert(mig_cur_take(&c, "CREATE OR REPLACE"));
    ck_assert(mig_cur_at_any(&c, "E G F"));
    ck_assert(!mig_cur_at_any(&c, "E G FF"));
    mig_cur_next(&c);
    ck_assert(mig_cur_at_punct(&c, '('));
    mig_cur_skip(&c);
    ck_assert(mig_cur_name(&c, schema, part, sizeof part));
    ck_assert_str_eq(schema, "x");
    ck_assert_str_eq(part, "create");
    ck_assert(mig_cur_next_clause(&c, 0));
    ck_assert(mig_cur_at(&c, "Y"));
    ck_assert(!mig_cur_next_clause(&c, 0));
    ck_assert(mig_cur_end(&c));
    mig_cur_next(&c);
    ck_assert(mig_cur_end(&c));
}
END_TEST

UNIT_MAIN("tokens", tokens, depth, names, cursor)
