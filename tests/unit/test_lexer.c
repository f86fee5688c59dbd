/* SPDX-License-Identifier: Apache-2.0 */
#include "cutting_check.h"

#include "util/text.h"

/* What does not hang on the dialect: places, pieces, limits, comments, terminators. */

START_TEST(places)
{
    static const char sql[] = "\xEF\xBB\xBF-- \xC3\xA9\r\nSELECT '\xC3\xA9\n'; \xE2\x82\xAC;\rSELECT "
                              "2;\r\n\n\r x;\xF0\x9F\x98\x80 ;y";
    static const struct {
        uint64_t line, column;
    } want[] = {
        { 2, 1 }, { 3, 4 }, { 4, 1 }, { 7, 2 }, { 7, 4 }, { 7, 7 },
    };
    for (size_t chunk = 0; chunk < 8; chunk++) {
        struct mig_sql_config config = cutting_config("postgres");
        struct cutting c = cut(&config, sql, strlen(sql), chunk);
        ck_assert_int_eq(c.status, MIGRATE_DONE);
        ck_assert_uint_eq(c.n, sizeof want / sizeof *want);
        for (size_t i = 0; i < c.n; i++) {
            const struct cutting_piece *p = &c.pieces[i];
            ck_assert_msg(p->line == want[i].line && p->column == want[i].column, "%s: %d:%d", p->text,
                          (int)p->line, (int)p->column);
            ck_assert(!memcmp(sql + 3 + p->offset, p->text, p->len));
        }
        cutting_free(&c);
    }
}
END_TEST

START_TEST(places_in_other_encodings)
{
    static const char sql[] = "\xE9\x80;\xA0\xC3;\xE2\x82;\xE2\x82\x82 \xF0\x9F\x98 ; a";
    struct mig_sql_config config = cutting_config("other");
    for (size_t chunk = 0; chunk < 4; chunk++) {
        struct cutting c = cut(&config, sql, strlen(sql), chunk);
        ck_assert_uint_eq(c.n, 5);
        for (size_t i = 0; i < c.n; i++)
            ck_assert_uint_eq(c.pieces[i].column, 1 + mig_utf8_count(sql, c.pieces[i].offset));
        cutting_free(&c);
    }
}
END_TEST

START_TEST(first_line_number)
{
    struct mig_sql_config config = cutting_config("sqlite");
    config.line = 40;
    struct cutting c = cut(&config, "\nSELECT 1;\nSELECT 'x", 20, 0);
    ck_assert_uint_eq(c.pieces[0].line, 41);
    ck_assert_uint_eq(c.diag.line, 42);
    cutting_free(&c);
}
END_TEST

START_TEST(nothing)
{
    static const struct cut_case cases[] = {
        { "", { NULL } },
        { "\xEF\xBB\xBF", { NULL } },
        { " \n\t", { NULL } },
        { ";", { NULL } },
        { "-- a", { NULL } },
        { "/* a */", { NULL } },
        { ";;-- a\n;/* b */ ;", { NULL } },
        { "x", { "x" } },
        { "\xEF\xBB", { "\xEF\xBB" } },
    };
    static const char *const dialects[] = { "postgres", "mysql", "mariadb", "sqlite", "other" };
    for (size_t i = 0; i < 5; i++) {
        struct mig_sql_config config = cutting_config(dialects[i]);
        CHECK_CUTS(&config, cases);
    }
}
END_TEST

static void check_bytes(const char *sql, size_t len, size_t before, uint64_t line, uint64_t column,
                        const char *message)
{
    struct mig_sql_config config = cutting_config("postgres");
    for (size_t chunk = 0; chunk < 5; chunk++) {
        struct cutting c = cut(&config, sql, len, chunk);
        ck_assert_int_eq(c.status, MIGRATE_E_PARSE);
        ck_assert_uint_eq(c.n, before);
        ck_assert_msg(strstr(c.diag.message, message) && c.diag.hint, "%s", c.diag.message);
        ck_assert_uint_eq(c.diag.line, line);
        ck_assert_uint_eq(c.diag.column, column);
        cutting_free(&c);
    }
}

START_TEST(unreadable_text)
{
    check_bytes("SELECT 1;\nSELECT 2\0;", 20, 1, 2, 9, "NUL");
    check_bytes("SELECT 1;\n'a\0';", 15, 1, 2, 3, "NUL");
    check_bytes("SELECT 1;\n/* \0 */", 17, 1, 2, 4, "NUL");
    check_bytes("SELECT 1;\n-- \0", 14, 1, 2, 4, "NUL");
    check_bytes("SELECT 1;\n \0", 12, 1, 2, 2, "NUL");
    check_bytes("COPY t FROM STDIN;\na\0b\n\\.\n", 26, 1, 1, 1, "NUL");
    check_bytes("\xEF\xBB\xBFU\0", 5, 0, 1, 2, "NUL");
    check_bytes("\xEF\xBB\xBF\0", 4, 0, 1, 1, "NUL");
    check_bytes("\xFF\xFES\0E\0", 6, 0, 1, 1, "UTF-16");
    check_bytes("\xFE\xFF\0S\0E", 6, 0, 1, 1, "UTF-16");
    check_bytes("S\0E\0", 4, 0, 1, 1, "UTF-16");
    check_bytes("\0\0\0S", 4, 0, 1, 1, "UTF-16");
}
END_TEST

START_TEST(unsafe_encoding)
{
    struct mig_sql_config config = cutting_config("postgres");
    config.lex |= MIGRATE_LEX_UNSAFE_ENCODING;
    static const struct fault_case cases[] = { { "-- a\n\nSELECT 1;", 0, 3, 1, "encoding" } };
    static const struct cut_case none[] = { { "-- a\n;\n", { NULL } } };
    CHECK_FAULTS(&config, cases);
    CHECK_CUTS(&config, none);
}
END_TEST

START_TEST(limit)
{
    struct mig_sql_config config = cutting_config("postgres");
    config.max_statement = 10;
    static const struct cut_case fits[] = { { "SELECT 123   ; SELECT  12;",
                                              { "SELECT 123", "SELECT  12" } } };
    static const struct fault_case long_ones[] = { { "SELECT 1;\n SELECT 1234", 1, 2, 2,
                                                     "more than 10 bytes" } };
    CHECK_CUTS(&config, fits);
    CHECK_FAULTS(&config, long_ones);
}
END_TEST

struct endless {
    uint64_t given, stop;
};

/* A statement that never ends. */
static int32_t read_endless(void *user, char *buf, size_t cap, size_t *got)
{
    struct endless *e = user;
    memset(buf, 'a', cap);
    if (!e->given)
        memcpy(buf, "SELECT '", 8);
    e->given += cap;
    *got = cap;
    ck_assert_uint_lt(e->given, e->stop);
    return MIGRATE_OK;
}

START_TEST(limit_is_kept_while_reading)
{
    struct endless e = { .stop = 4 << 20 };
    struct mig_sql_config config = cutting_config("mysql");
    config.max_statement = 2 << 20;
    config.read = read_endless;
    config.read_user = &e;
    struct mig_sql_lexer *lx = mig_sql_open(&config);
    struct mig_sql_statement st;
    struct mig_diag diag = MIG_DIAG_INIT;
    ck_assert_int_eq(mig_sql_next(lx, &st, &diag), MIGRATE_E_PARSE);
    ck_assert_uint_eq(diag.line, 1);
    ck_assert_int_eq(mig_sql_next(lx, &st, &diag), MIGRATE_E_PARSE);
    mig_diag_free(&diag);
    mig_sql_close(lx);
}
END_TEST

static int32_t read_fails(void *user, char *buf, size_t cap, size_t *got)
{
    int *calls = user;
    (void)cap;
    if (++*calls > 1)
        return MIGRATE_E_SOURCE;
    memcpy(buf, "SELECT 1; SELECT '", 18);
    *got = 18;
    return MIGRATE_OK;
}

START_TEST(read_failure)
{
    int calls = 0;
    struct mig_sql_config config = cutting_config("postgres");
    config.read = read_fails;
    config.read_user = &calls;
    struct mig_sql_lexer *lx = mig_sql_open(&config);
    struct mig_sql_statement st;
    ck_assert_int_eq(mig_sql_next(lx, &st, NULL), MIGRATE_OK);
    ck_assert_int_eq(mig_sql_next(lx, &st, NULL), MIGRATE_E_SOURCE);
    ck_assert_int_eq(mig_sql_next(lx, &st, NULL), MIGRATE_E_SOURCE);
    ck_assert_int_eq(calls, 2);
    mig_sql_close(lx);
}
END_TEST

START_TEST(comments_are_told)
{
    static const char sql[] = "-- a\r\n/* b\n */ SELECT 1 -- c\n + /* d */ '-- no' || \"/*no*/\" ; --e";
    struct mig_sql_config config = cutting_config("postgres");
    for (size_t chunk = 0; chunk < 5; chunk++) {
        struct cutting c = cut(&config, sql, strlen(sql), chunk);
        ck_assert_str_eq(mig_buf_text(&c.comments), "1 -- a\n2 /* b\n */\n3 -- c\n4 /* d */\n4 --e\n");
        cutting_free(&c);
    }
}
END_TEST

START_TEST(long_comments)
{
    struct mig_buf sql = MIG_BUF_INIT;
    mig_buf_str(&sql, "/*");
    for (int i = 0; i < 300000; i++)
        mig_buf_str(&sql, i % 3 ? " *" : "/ ");
    mig_buf_str(&sql, "*/ SELECT 1; -- ");
    for (int i = 0; i < 300000; i++)
        mig_buf_str(&sql, "ab");
    mig_buf_str(&sql, "\nSELECT 2");
    struct mig_sql_config config = cutting_config("mysql");
    for (size_t chunk = 0; chunk < 50000; chunk += 9999) {
        struct cutting c = cut(&config, sql.data, sql.len, chunk);
        ck_assert_int_eq(c.status, MIGRATE_DONE);
        ck_assert_uint_eq(c.n, 2);
        ck_assert_str_eq(c.pieces[1].text, "SELECT 2");
        ck_assert_uint_eq(c.pieces[1].line, 2);
        ck_assert_uint_eq(c.pieces[1].column, 1);
        ck_assert_uint_lt(c.comments.len, 2 * 65536 + 100);
        cutting_free(&c);
    }
    mig_buf_free(&sql);
}
END_TEST

START_TEST(other_dialect)
{
    static const struct cut_case cases[] = {
        { "SELECT 'a'';\\', \"b;\" -- ;\n; /* ; */ SELECT $$a; SELECT 2",
          { "SELECT 'a'';\\', \"b;\" -- ;", "SELECT $$a", "SELECT 2" } },
        { "SELECT (1; BEGIN; END", { "SELECT (1", "BEGIN", "END" } },
    };
    static const struct cut_case flagged[] = {
        { "SELECT 'a\\'; b', $x$;$x$; SELECT 2", { "SELECT 'a\\'; b', $x$;$x$", "SELECT 2" } },
    };
    struct mig_sql_config config = cutting_config("other");
    CHECK_CUTS(&config, cases);
    config.lex = MIGRATE_LEX_BACKSLASH_ESCAPES | MIGRATE_LEX_DOLLAR_QUOTES;
    CHECK_CUTS(&config, flagged);
}
END_TEST

START_TEST(terminators)
{
    static const struct cut_case slash[] = {
        { "SELECT 4/2;\n  /  \nSELECT /* / */ 2\n/\n/", { "SELECT 4/2;", "SELECT /* / */ 2" } },
    };
    static const struct cut_case word[] = {
        { "SELECT 1; SELECT cargo, 'go', ago_1 GO\nSELECT 2 go",
          { "SELECT 1; SELECT cargo, 'go', ago_1", "SELECT 2" } },
    };
    static const struct cut_case line[] = {
        { "SELECT 1 go\ngo \nSELECT 2\nGO", { "SELECT 1 go", "SELECT 2" } },
        { "GO\nGO\nSELECT 1\ngo x\r\ngo\r\n", { "SELECT 1\ngo x" } },
    };
    struct mig_sql_config config = cutting_config("postgres");
    config.terminator = "/";
    CHECK_CUTS(&config, slash);
    config.terminator = "go";
    CHECK_CUTS(&config, word);
    config.terminator = "\nGO\n";
    CHECK_CUTS(&config, line);
    config = cutting_config("sqlite");
    config.terminator = "\ngo\n";
    CHECK_CUTS(&config, line);
}
END_TEST

START_TEST(unusable_terminator)
{
    struct mig_sql_config config = cutting_config("postgres");
    config.terminator = "\n";
    static const struct fault_case cases[] = { { "SELECT 1", 0, 1, 1, "terminator" } };
    struct cutting c = cut(&config, cases[0].sql, 8, 0);
    ck_assert_int_eq(c.status, MIGRATE_E_PARSE);
    cutting_free(&c);
}
END_TEST

START_TEST(not_split)
{
    static const struct cut_case cases[] = {
        { "-- a\nSELECT 1; SELECT ';' ;\n-- b\n", { "SELECT 1; SELECT ';' ;\n-- b" } },
        { "-- a\n;", { NULL } },
    };
    static const struct fault_case bad[] = { { "SELECT 1; SELECT 'a", 0, 1, 18, "quoted string" } };
    static const char *const dialects[] = { "postgres", "mysql", "mariadb", "sqlite", "other" };
    for (size_t i = 0; i < 5; i++) {
        struct mig_sql_config config = cutting_config(dialects[i]);
        config.whole = true;
        CHECK_CUTS(&config, cases);
        CHECK_FAULTS(&config, bad);
        struct cutting c = cut(&config, "A; B", 4, 0);
        ck_assert_uint_eq(c.pieces[0].flags, MIG_SQL_STATEMENT_MULTI);
        cutting_free(&c);
        c = cut(&config, "A; -- B", 7, 0);
        ck_assert_uint_eq(c.pieces[0].flags, MIG_SQL_STATEMENT_SEMICOLON);
        cutting_free(&c);
    }
}
END_TEST

START_TEST(goose_blocks)
{
    static const struct cut_case any[] = {
        { "-- +goose StatementBegin\nSELECT 1;\n-- +goose StatementEnd\nSELECT 2;\n",
          { "SELECT 1", "SELECT 2" } },
        { "--   +goose   statementbegin  \nSELECT 1\n-- +goose StatementEnd\r\nSELECT 2\n",
          { "SELECT 1", "SELECT 2" } },
        { "-- +goose Up\n-- +goose StatementBegin\n-- +goose StatementEnd\nSELECT '\n-- +goose "
          "StatementEnd\n'",
          { "SELECT '\n-- +goose StatementEnd\n'" } },
    };
    static const struct cut_case held[] = {
        { "-- +goose StatementBegin\nCREATE PROCEDURE odd BEGIN a; END; b; -- c\n-- +goose "
          "StatementEnd\nSELECT 2; SELECT 3",
          { "CREATE PROCEDURE odd BEGIN a; END; b", "SELECT 2", "SELECT 3" } },
    };
    static const struct cut_case cut_up[] = {
        { "-- +goose StatementBegin\nSELECT 1; SELECT 2;\n-- +goose StatementEnd\n",
          { "SELECT 1", "SELECT 2" } },
    };
    static const char *const dialects[] = { "postgres", "mysql", "mariadb", "sqlite", "other" };
    for (size_t i = 0; i < 5; i++) {
        struct mig_sql_config config = cutting_config(dialects[i]);
        config.goose = true;
        CHECK_CUTS(&config, any);
        if (i == 1 || i == 2 || i == 4)
            CHECK_CUTS(&config, held);
        if (i < 4)
            CHECK_CUTS(&config, cut_up);
    }
}
END_TEST

START_TEST(goose_faults)
{
    static const struct fault_case cases[] = {
        { "-- +goose Up\n -- +goose StatementBegin\nSELECT 1;\n", 1, 2, 2, "StatementBegin" },
        { "SELECT 1;\n-- +goose StatementEnd\n", 1, 2, 1, "StatementEnd" },
        { "-- +goose StatementBegin\n-- +goose StatementBegin\n", 0, 2, 1, "StatementBegin" },
    };
    struct mig_sql_config config = cutting_config("postgres");
    config.goose = true;
    CHECK_FAULTS(&config, cases);
}
END_TEST

UNIT_MAIN("lexer", places, places_in_other_encodings, first_line_number, nothing, unreadable_text,
          unsafe_encoding, limit, limit_is_kept_while_reading, read_failure, comments_are_told, long_comments,
          other_dialect, terminators, unusable_terminator, not_split, goose_blocks, goose_faults)
