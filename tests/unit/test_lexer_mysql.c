/* SPDX-License-Identifier: Apache-2.0 */
#include "cutting_check.h"

START_TEST(quotes)
{
    static const struct cut_case cases[] = {
        { "SELECT 'a\\'; b', \"c\\\"; d\", `e\\`; SELECT 2",
          { "SELECT 'a\\'; b', \"c\\\"; d\", `e\\`", "SELECT 2" } },
        { "SELECT 'a'';\\\\', \"b\"\";\", `c``;`; SELECT 2",
          { "SELECT 'a'';\\\\', \"b\"\";\", `c``;`", "SELECT 2" } },
        { "SELECT N'\\';'; SELECT x'3B'; SELECT \\N, 1",
          { "SELECT N'\\';'", "SELECT x'3B'", "SELECT \\N, 1" } },
        { "SET sql_mode = 'NO_BACKSLASH_ESCAPES'; SELECT 'a\\', \"b\\\"; SELECT 2",
          { "SET sql_mode = 'NO_BACKSLASH_ESCAPES'", "SELECT 'a\\', \"b\\\"", "SELECT 2" } },
        { "SET sql_mode = 'ANSI_QUOTES'; SELECT \"a\\\", 'b\\''; SET sql_mode = ''; SELECT \"\\\"\"",
          { "SET sql_mode = 'ANSI_QUOTES'", "SELECT \"a\\\", 'b\\''", "SET sql_mode = ''",
            "SELECT \"\\\"\"" } },
    };
    struct mig_sql_config config = cutting_config("mysql");
    CHECK_CUTS(&config, cases);
}
END_TEST

START_TEST(comments)
{
    static const struct cut_case cases[] = {
        { "SELECT 5--1;SELECT 2 -- ;\n;SELECT 3 --\n; SELECT 4 --\x01;\n",
          { "SELECT 5--1", "SELECT 2 -- ;", "SELECT 3 --", "SELECT 4 --\x01;" } },
        { "SELECT 1 # ;'\n; #\nSELECT 2 /*+ ; */", { "SELECT 1 # ;'", "SELECT 2 /*+ ; */" } },
        { "SELECT 1 /* /* ; */; SELECT 2 -- x\r; y\n;", { "SELECT 1 /* /* ; */", "SELECT 2 -- x\r; y" } },
        { "/*!40000 ALTER TABLE `t` DISABLE KEYS */;\n/*! SET @a = '*/;' */;SELECT 2",
          { "/*!40000 ALTER TABLE `t` DISABLE KEYS */", "/*! SET @a = '*/;' */", "SELECT 2" } },
        { "SELECT /*!50000 1 /* ; */ + */ 2; SELECT 3 */ 4;",
          { "SELECT /*!50000 1 /* ; */ + */ 2", "SELECT 3 */ 4" } },
    };
    struct mig_sql_config config = cutting_config("mysql");
    CHECK_CUTS(&config, cases);
}
END_TEST

START_TEST(version_comments_of_other_servers)
{
    static const struct cut_case later[] = {
        { "/*!80000 it's; /* ; */ */ SELECT 1; SELECT 2",
          { "/*!80000 it's; /* ; */ */ SELECT 1", "SELECT 2" } },
        { "SELECT /*!50700 ';' */ 1; SELECT /*!999999 '; */ 2",
          { "SELECT /*!50700 ';' */ 1", "SELECT /*!999999 '; */ 2" } },
    };
    static const struct cut_case mariadb[] = {
        { "SELECT 1 /*!50701 it's; */; SELECT 2 /*M!100100 ';' */; SELECT 3 /*!100100 ';' */",
          { "SELECT 1 /*!50701 it's; */", "SELECT 2 /*M!100100 ';' */", "SELECT 3 /*!100100 ';' */" } },
        { "/*M! SELECT 1 */; SELECT 2", { "/*M! SELECT 1 */", "SELECT 2" } },
        { "/*M!999999\\- enable the sandbox mode */ \n-- x\nSELECT 2", { "SELECT 2" } },
    };
    struct mig_sql_config config = cutting_config("mysql");
    config.version = 50744;
    CHECK_CUTS(&config, later);
    config = cutting_config("mariadb");
    CHECK_CUTS(&config, mariadb);
}
END_TEST

START_TEST(delimiters)
{
    static const struct cut_case cases[] = {
        { "DELIMITER $$\nSELECT 1; SELECT 2$$\nSELECT a$b, 'x$$'$$\ndelimiter ;\nSELECT 3;",
          { "SELECT 1; SELECT 2", "SELECT a$b, 'x$$'", "SELECT 3" } },
        { "DELIMITER //\r\nSELECT 1//\r\nSELECT /* // */ 2 -- //\r\n//\r\nDELIMITER ;\r\nSELECT 3;\r\n",
          { "SELECT 1", "SELECT /* // */ 2 -- //", "SELECT 3" } },
        { "DELIMITER /\nSELECT 1 /* a */ /\nSELECT 2/\n/\n", { "SELECT 1 /* a */", "SELECT 2" } },
        { "DELIMITER ;;\n/*!50003 CREATE PROCEDURE p() BEGIN SELECT 1; END */;;\nDELIMITER ;\nSELECT 2;",
          { "/*!50003 CREATE PROCEDURE p() BEGIN SELECT 1; END */", "SELECT 2" } },
        { "DELIMITER END\nSELECT 1 AS ending, end1, bend END\nSELECT 2END\nSELECT 3 END",
          { "SELECT 1 AS ending, end1, bend", "SELECT 2END\nSELECT 3" } },
        { "DELIMITER \xC2\xA7\nSELECT 'é', é\xC2\xA7SELECT \xC2\xA2 \xC2\xA7",
          { "SELECT 'é', é", "SELECT \xC2\xA2" } },
        { "DELIMITER #\nSELECT 1 #\nSELECT 2 #\nDELIMITER ;\nSELECT 3 # x;\n",
          { "SELECT 1", "SELECT 2", "SELECT 3 # x;" } },
        { "DELIMITER |\n;\n|\n; SELECT 1; |\n", { "SELECT 1;" } },
        { "CREATE TABLE t (\n  delimiter INT\n); SELECT 2",
          { "CREATE TABLE t (\n  delimiter INT\n)", "SELECT 2" } },
    };
    struct mig_sql_config config = cutting_config("mysql");
    CHECK_CUTS(&config, cases);
}
END_TEST

START_TEST(dollar_quotes)
{
    static const struct cut_case on[] = {
        { "SELECT $$a;'$$; SELECT $1$;$1$; SELECT 2", { "SELECT $$a;'$$", "SELECT $1$;$1$", "SELECT 2" } },
        { "SELECT a$$b; SELECT $c; SELECT 2", { "SELECT a$$b", "SELECT $c", "SELECT 2" } },
    };
    static const struct cut_case off[] = {
        { "SELECT $$a; SELECT $1$; SELECT 2", { "SELECT $$a", "SELECT $1$", "SELECT 2" } },
    };
    struct mig_sql_config config = cutting_config("mysql");
    CHECK_CUTS(&config, on);
    config.lex &= ~(uint32_t)MIGRATE_LEX_DOLLAR_QUOTES;
    CHECK_CUTS(&config, off);
    config.version = 90700;
    CHECK_CUTS(&config, on);
    config = cutting_config("mariadb");
    CHECK_CUTS(&config, off);
}
END_TEST

START_TEST(faults)
{
    static const struct fault_case cases[] = {
        { "SELECT 1;\nSELECT 'a\\'; SELECT 2;\n", 1, 2, 8, "quoted string" },
        { "SELECT 1;\nSELECT \"a", 1, 2, 8, "quoted string" },
        { "SELECT `a\n;", 0, 1, 8, "quoted identifier" },
        { "SELECT 1; /* a /* b */ SELECT 2 /* c", 1, 1, 33, "comment" },
        { "/*!40000 SELECT 1", 0, 1, 1, "comment" },
        { "SELECT 1;\n /*!50003 SELECT 1; */ SELECT 2;", 1, 2, 19, "version comment" },
        { "SELECT 1; DELIMITER //\n", 1, 1, 11, "DELIMITER" },
        { "/* a */ DELIMITER //\n", 0, 1, 9, "DELIMITER" },
        { "DELIMITER\nSELECT 1", 0, 1, 1, "DELIMITER" },
        { "DELIMITER \\g\nSELECT 1", 0, 1, 1, "DELIMITER" },
        { "DELIMITER 1234567890123456\nSELECT 1", 0, 1, 1, "DELIMITER" },
        { "SELECT 1\\G\nSELECT 2", 0, 1, 9, "mysql client" },
        { "SELECT 1;\n\\! rm -rf x\n", 1, 2, 1, "mysql client" },
        { "SELECT \\Na", 0, 1, 8, "mysql client" },
        { "SELECT 1; -- a\nsource x.sql;\n", 1, 2, 1, "mysql client" },
        { "SYSTEM ls;", 0, 1, 1, "mysql client" },
        { "? contents", 0, 1, 1, "mysql client" },
        { "SELECT 1;\nCREATE PROCEDURE p()\nBEGIN\n  IF 1 THEN SELECT 1;\nEND;\nSELECT 2;\n", 1, 3, 1,
          "block" },
        { "CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW\nIF 1 THEN SET @a = 1;", 0, 2, 1, "block" },
        { "SELECT $a$ ;", 0, 1, 8, "dollar" },
    };
    struct mig_sql_config config = cutting_config("mysql");
    CHECK_FAULTS(&config, cases);
}
END_TEST

static char *slurp(const char *name, size_t *len)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/unit/data/%s", UNIT_SOURCE_DIR, name);
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s", path);
    static char text[65536];
    *len = fread(text, 1, sizeof text, f);
    ck_assert_uint_lt(*len, sizeof text);
    fclose(f);
    return text;
}

/* Stored programs in files with a statement on each line. */
static void check_lines(const char *dialect, const char *name)
{
    struct mig_sql_config config = cutting_config(dialect);
    size_t len;
    const char *line = slurp(name, &len);
    const char *end = line + len;
    struct cutting c = cut(&config, line, len, 0);
    ck_assert_msg(c.status == MIGRATE_DONE, "%s:%d: %s", name, (int)c.diag.line, c.diag.message);
    size_t i = 0;
    while (line < end) {
        size_t n = strcspn(line, "\n");
        if (*line != '-') {
            ck_assert_msg(i < c.n && c.pieces[i].len == n - 1 && !strncmp(c.pieces[i].text, line, n - 1),
                          "%s: %.*s\ngot %s", name, (int)n, line, i < c.n ? c.pieces[i].text : "(none)");
            i++;
        }
        line += n + 1;
    }
    ck_assert_uint_eq(c.n, i);
    cutting_free(&c);
}

START_TEST(stored_programs)
{
    static const struct cut_case newer[] = {
        { "CREATE FUNCTION a() RETURNS ROW(a INT, b TEXT) BEGIN RETURN ROW(1, 'a'); END; SELECT 2",
          { "CREATE FUNCTION a() RETURNS ROW(a INT, b TEXT) BEGIN RETURN ROW(1, 'a'); END", "SELECT 2" } },
        { "CREATE FUNCTION a() RETURNS TYPE OF t1.id BEGIN RETURN 1; END; SELECT 2",
          { "CREATE FUNCTION a() RETURNS TYPE OF t1.id BEGIN RETURN 1; END", "SELECT 2" } },
        { "CREATE FUNCTION a() RETURNS TYPE OF t1.id RETURN 1; SELECT 2",
          { "CREATE FUNCTION a() RETURNS TYPE OF t1.id RETURN 1", "SELECT 2" } },
    };
    struct mig_sql_config config = cutting_config("mariadb");
    CHECK_CUTS(&config, newer);
    check_lines("mariadb", "compound_mariadb.sql");
    check_lines("mariadb", "compound_oracle.sql");
    check_lines("mysql", "compound_mysql.sql");
}
END_TEST

START_TEST(flags)
{
    static const char sql[] =
        "BEGIN; CREATE PROCEDURE p() BEGIN END; CREATE PROCEDURE p() SELECT 1;\nDELIMITER //\n"
        "CREATE PROCEDURE p() BEGIN SELECT 1; END; -- x\n//\nSELECT 1; SELECT 2 //\nSELECT 1 //\n"
        "CREATE PROCEDURE p() BEGIN SELECT 1; END //";
    static const uint32_t want[] = {
        0,
        MIG_SQL_STATEMENT_COMPOUND,
        0,
        MIG_SQL_STATEMENT_COMPOUND | MIG_SQL_STATEMENT_SEMICOLON,
        MIG_SQL_STATEMENT_MULTI,
        0,
        MIG_SQL_STATEMENT_COMPOUND,
    };
    struct mig_sql_config config = cutting_config("mysql");
    struct cutting c = cut(&config, sql, strlen(sql), 0);
    ck_assert_uint_eq(c.n, sizeof want / sizeof *want);
    for (size_t i = 0; i < c.n; i++)
        ck_assert_msg(c.pieces[i].flags == want[i], "%s: %x", c.pieces[i].text, c.pieces[i].flags);
    cutting_free(&c);
}
END_TEST

UNIT_MAIN("lexer_mysql", quotes, comments, version_comments_of_other_servers, delimiters, dollar_quotes,
          faults, stored_programs, flags)
