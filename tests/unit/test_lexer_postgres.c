/* SPDX-License-Identifier: Apache-2.0 */
#include "cutting_check.h"

START_TEST(literals)
{
    static const struct cut_case cases[] = {
        { "SELECT date'x\\'; SELECT 2;", { "SELECT date'x\\'", "SELECT 2" } },
        { "SELECT E'a'\n'b\\'; c'; SELECT 2;", { "SELECT E'a'\n'b\\'; c'", "SELECT 2" } },
        { "SELECT E'a' -- x\n  -- y\n 'b\\'; c'; SELECT 2;",
          { "SELECT E'a' -- x\n  -- y\n 'b\\'; c'", "SELECT 2" } },
        { "SELECT E'a'\r'b\\'; c';", { "SELECT E'a'\r'b\\'; c'" } },
        { "SELECT E'a' /* \n */ 'b\\'; SELECT 2", { "SELECT E'a' /* \n */ 'b\\'", "SELECT 2" } },
        { "SELECT E'a'\n,'b\\'; SELECT 2", { "SELECT E'a'\n,'b\\'", "SELECT 2" } },
        { "SELECT E'a''b\\'c;'; SELECT 2", { "SELECT E'a''b\\'c;'", "SELECT 2" } },
        { "SELECT e'\\\\'; SELECT 2", { "SELECT e'\\\\'", "SELECT 2" } },
        { "SELECT U&'\\'; SELECT U&\"a;\\\" ; SELECT u&'x''y;'",
          { "SELECT U&'\\'", "SELECT U&\"a;\\\"", "SELECT u&'x''y;'" } },
        { "SELECT U & 'x\\'; SELECT 2", { "SELECT U & 'x\\'", "SELECT 2" } },
        { "SELECT x'1f\\'; SELECT B'1''\\'; SELECT 2", { "SELECT x'1f\\'", "SELECT B'1''\\'", "SELECT 2" } },
        { "SELECT n'a\\'; SELECT 2", { "SELECT n'a\\'", "SELECT 2" } },
    };
    struct mig_sql_config config = cutting_config("postgres");
    CHECK_CUTS(&config, cases);
}
END_TEST

START_TEST(backslash_escapes)
{
    static const struct cut_case cases[] = {
        { "SELECT 'a\\'; b'; SELECT 2", { "SELECT 'a\\'; b'", "SELECT 2" } },
        { "SELECT n'a\\'; b'; SELECT 2", { "SELECT n'a\\'; b'", "SELECT 2" } },
        { "SELECT U&'a\\'; SELECT 2", { "SELECT U&'a\\'", "SELECT 2" } },
        { "SELECT b'1'\n'\\'; SELECT 2", { "SELECT b'1'\n'\\'", "SELECT 2" } },
        { "SELECT b'1''\\';'; SELECT 2", { "SELECT b'1''\\';'", "SELECT 2" } },
        { "SELECT \"a\\\"; SELECT 2", { "SELECT \"a\\\"", "SELECT 2" } },
    };
    struct mig_sql_config config = cutting_config("postgres");
    config.lex |= MIGRATE_LEX_BACKSLASH_ESCAPES;
    CHECK_CUTS(&config, cases);
}
END_TEST

START_TEST(dollar_quotes)
{
    static const struct cut_case cases[] = {
        { "SELECT $d$x$y$d$; SELECT 2", { "SELECT $d$x$y$d$", "SELECT 2" } },
        { "SELECT $a$ $A$; $a$; SELECT 2", { "SELECT $a$ $A$; $a$", "SELECT 2" } },
        { "SELECT a$b$c; SELECT 2; SELECT d$b$", { "SELECT a$b$c", "SELECT 2", "SELECT d$b$" } },
        { "SELECT $1, $2$$;$$; SELECT 2", { "SELECT $1, $2$$;$$", "SELECT 2" } },
        { "SELECT $1a$; SELECT 2", { "SELECT $1a$", "SELECT 2" } },
        { "SELECT $$a$b$;$c$ $$; SELECT 2", { "SELECT $$a$b$;$c$ $$", "SELECT 2" } },
        { "SELECT $_1$;$_1$; SELECT 2", { "SELECT $_1$;$_1$", "SELECT 2" } },
        { "DO $$ $$;DO $$$$;DO $$$$", { "DO $$ $$", "DO $$$$", "DO $$$$" } },
        { "SELECT $ ; SELECT $a ; SELECT 2", { "SELECT $", "SELECT $a", "SELECT 2" } },
    };
    struct mig_sql_config config = cutting_config("postgres");
    CHECK_CUTS(&config, cases);
}
END_TEST

START_TEST(comments)
{
    static const struct cut_case cases[] = {
        { "SELECT 1 @-- ;\n- 2; SELECT 2", { "SELECT 1 @-- ;\n- 2", "SELECT 2" } },
        { "SELECT 2*/* ; */3; SELECT 2", { "SELECT 2*/* ; */3", "SELECT 2" } },
        { "/* /*/ ; */ */ SELECT 1; /* ** / /**/ ; */ SELECT 2", { "SELECT 1", "SELECT 2" } },
        { "/*/**/*/SELECT 1/*;*//*;*/;SELECT 2", { "SELECT 1/*;*//*;*/", "SELECT 2" } },
        { "-- a\r\n-- b\rSELECT 1; -- c", { "SELECT 1" } },
        { "SELECT 1 /* end */ -- and\n", { "SELECT 1 /* end */ -- and" } },
        { "SELECT 4 - -1; SELECT `;", { "SELECT 4 - -1", "SELECT `" } },
    };
    struct mig_sql_config config = cutting_config("postgres");
    CHECK_CUTS(&config, cases);
}
END_TEST

START_TEST(bodies)
{
    static const struct cut_case cases[] = {
        { "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC END; SELECT 2",
          { "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC END", "SELECT 2" } },
        { "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 "
          "END; END; SELECT 2",
          { "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN "
            "1 END; END",
            "SELECT 2" } },
        { "CREATE PROCEDURE p() BEGIN ATOMIC ; ; SELECT 1; ; END; SELECT 2",
          { "CREATE PROCEDURE p() BEGIN ATOMIC ; ; SELECT 1; ; END", "SELECT 2" } },
        { "CREATE PROCEDURE p() BEGIN ATOMIC SELECT (1); /* END */ -- END\n /* x */ END; SELECT 2",
          { "CREATE PROCEDURE p() BEGIN ATOMIC SELECT (1); /* END */ -- END\n /* x */ END", "SELECT 2" } },
        { "CREATE VIEW v AS SELECT begin atomic FROM t; SELECT 2",
          { "CREATE VIEW v AS SELECT begin atomic FROM t", "SELECT 2" } },
        { "CREATE FUNCTION f(a int DEFAULT (1)) RETURNS int RETURN (SELECT 1); SELECT 2",
          { "CREATE FUNCTION f(a int DEFAULT (1)) RETURNS int RETURN (SELECT 1)", "SELECT 2" } },
        { "SELECT 1); SELECT (2)", { "SELECT 1)", "SELECT (2)" } },
        { "SELECT '(' || \"(\" || $$($$; SELECT [{; SELECT 3",
          { "SELECT '(' || \"(\" || $$($$", "SELECT [{", "SELECT 3" } },
    };
    struct mig_sql_config config = cutting_config("postgres");
    CHECK_CUTS(&config, cases);
}
END_TEST

START_TEST(pg_dump_lines)
{
    static const struct cut_case cases[] = {
        { "\\restrict abc123\n\nSELECT 1;\n\\unrestrict abc123\n", { "SELECT 1" } },
        { "\\restrict a\r\nSELECT 1; \\unrestrict a", { "SELECT 1" } },
        { "\\restrict k\nCOPY t FROM stdin;\n1\n\\.\n\n\\unrestrict k\n", { "COPY t FROM stdin" } },
    };
    struct mig_sql_config config = cutting_config("postgres");
    CHECK_CUTS(&config, cases);
}
END_TEST

START_TEST(faults)
{
    static const struct fault_case cases[] = {
        { "SELECT 1;\n  SELECT 'é' || 'abc; SELECT 2;\n", 1, 2, 17, "quoted string" },
        { "SELECT \"a; SELECT 2", 0, 1, 8, "quoted identifier" },
        { "SELECT E'a\\'; SELECT 2", 0, 1, 9, "quoted string" },
        { "SELECT E'a'\n'b\\'", 0, 2, 1, "quoted string" },
        { "SELECT 1;\r\n\rDO $x$ ; $y$", 1, 3, 4, "dollar" },
        { "SELECT 1; /* a /* b */", 1, 1, 11, "comment" },
        { "SELECT 1 /* a", 0, 1, 10, "comment" },
        { "SELECT ((1; SELECT 2);\n", 0, 1, 8, "parenthesis" },
        { "SELECT 1;\nCREATE FUNCTION f()\n RETURNS int\n BEGIN ATOMIC SELECT 1; SELECT 1 AS end;", 1, 4, 2,
          "BEGIN ATOMIC" },
        { "SELECT 1;\n\\d t\n", 1, 2, 1, "psql" },
        { "SELECT 1 \\g\n", 0, 1, 10, "psql" },
        { "\\restrict x \\! rm\n", 0, 1, 13, "psql" },
        { "\\restricted x\n", 0, 1, 1, "psql" },
        { "SELECT 1;\n\\connect db\n", 1, 2, 1, "psql" },
        { "SELECT 1;\n COPY t FROM STDIN;\n1\n2\n", 2, 2, 2, "COPY" },
        { "COPY t FROM STDIN", 1, 1, 1, "COPY" },
        { "COPY t FROM STDIN;\n\\.x\n", 1, 1, 1, "COPY" },
    };
    struct mig_sql_config config = cutting_config("postgres");
    CHECK_FAULTS(&config, cases);
}
END_TEST

static void check_copy(const char *sql, size_t n, const char *const *text, const char *const *data)
{
    struct mig_sql_config config = cutting_config("postgres");
    for (size_t chunk = 0; chunk < 9; chunk++) {
        struct cutting c = cut(&config, sql, strlen(sql), chunk);
        ck_assert_msg(c.status == MIGRATE_DONE && c.n == n, "%s: %d, %zu", sql, c.status, c.n);
        for (size_t i = 0; i < n; i++) {
            ck_assert_str_eq(c.pieces[i].text, text[i]);
            ck_assert_msg(!data[i] == !c.pieces[i].data, "%s: %zu", sql, i);
            if (data[i])
                ck_assert_str_eq(c.pieces[i].data, data[i]);
        }
        cutting_free(&c);
    }
}

START_TEST(copy)
{
    check_copy("COPY t (a, b) FROM STDIN WITH (FORMAT csv); -- load\n1,'\n\\N\n\\.\nSELECT 2;", 2,
               (const char *[]){ "COPY t (a, b) FROM STDIN WITH (FORMAT csv)", "SELECT 2" },
               (const char *[]){ "1,'\n\\N\n", NULL });
    check_copy("copy t from stdin;\r\n1\r\n\\.\r\nSELECT 2;\r\n", 2,
               (const char *[]){ "copy t from stdin", "SELECT 2" }, (const char *[]){ "1\r\n", NULL });
    check_copy("COPY t FROM /* ; */ STDIN; SELECT\n\\.\n3", 2,
               (const char *[]){ "COPY t FROM /* ; */ STDIN", "SELECT\n3" }, (const char *[]){ "", NULL });
    check_copy("COPY t FROM STDIN; SELECT 1; COPY u FROM STDIN;\na\n\\.\nb\n\\.\nSELECT 2", 4,
               (const char *[]){ "COPY t FROM STDIN", "SELECT 1", "COPY u FROM STDIN", "SELECT 2" },
               (const char *[]){ "a\n", NULL, "b\n", NULL });
    check_copy("COPY t FROM STDIN;\n1\n\\.", 1, (const char *[]){ "COPY t FROM STDIN" },
               (const char *[]){ "1\n" });
}
END_TEST

START_TEST(not_copy)
{
    static const char *const cases[] = {
        "COPY t FROM 'stdin'; SELECT 2",
        "COPY t TO STDOUT; SELECT 2",
        "COPY (SELECT 1 FROM stdin) TO STDOUT; SELECT 2",
        "COPY t FROM \"stdin\"; SELECT 2",
        "SELECT 1 FROM stdin; SELECT 2",
        "COPY t FROM . stdin; SELECT 2",
    };
    struct mig_sql_config config = cutting_config("postgres");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cutting c = cut(&config, cases[i], strlen(cases[i]), 0);
        ck_assert_msg(c.status == MIGRATE_DONE && c.n == 2 && !c.pieces[0].flags, "%s", cases[i]);
        cutting_free(&c);
    }
}
END_TEST

START_TEST(places_around_copy)
{
    static const char sql[] =
        "COPY t FROM STDIN; COPY u FROM STDIN; SELECT é, 1; SELECT\n1\n2\n\\.\n3\n\\.\n 5;\nSELECT 6";
    static const struct {
        uint64_t offset, line, column;
        const char *text;
    } want[] = {
        { 0, 1, 1, "COPY t FROM STDIN" }, { 19, 1, 20, "COPY u FROM STDIN" }, { 38, 1, 39, "SELECT é, 1" },
        { 52, 1, 52, "SELECT\n 5" },      { 75, 8, 1, "SELECT 6" },
    };
    struct mig_sql_config config = cutting_config("postgres");
    struct cutting c = cut(&config, sql, strlen(sql), 0);
    ck_assert_int_eq(c.status, MIGRATE_DONE);
    ck_assert_uint_eq(c.n, sizeof want / sizeof *want);
    for (size_t i = 0; i < c.n; i++) {
        ck_assert_str_eq(c.pieces[i].text, want[i].text);
        ck_assert_uint_eq(c.pieces[i].offset, want[i].offset);
        ck_assert_uint_eq(c.pieces[i].line, want[i].line);
        ck_assert_uint_eq(c.pieces[i].column, want[i].column);
    }
    cutting_free(&c);
}
END_TEST

UNIT_MAIN("lexer_postgres", literals, backslash_escapes, dollar_quotes, comments, bodies, pg_dump_lines,
          faults, copy, not_copy, places_around_copy)
