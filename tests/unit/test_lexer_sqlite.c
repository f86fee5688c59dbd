/* SPDX-License-Identifier: Apache-2.0 */
#include "cutting_check.h"

START_TEST(tokens)
{
    static const struct cut_case cases[] = {
        { "SELECT 'a'';', \"b\"\";\", `c``;`, [d;]; SELECT 2",
          { "SELECT 'a'';', \"b\"\";\", `c``;`, [d;]", "SELECT 2" } },
        { "SELECT 'a\\'; SELECT 2", { "SELECT 'a\\'", "SELECT 2" } },
        { "SELECT 1 -- a\r; b\n; SELECT 2", { "SELECT 1 -- a\r; b", "SELECT 2" } },
        { "SELECT 1 /* a /* b */; SELECT 2 /* ; ", { "SELECT 1 /* a /* b */", "SELECT 2 /* ;" } },
        { "SELECT $a::b(;'), @c(;), :d(;), #e(;); SELECT $f( ; SELECT 2",
          { "SELECT $a::b(;'), @c(;), :d(;), #e(;)", "SELECT $f(", "SELECT 2" } },
        { "SELECT ?1, $(; SELECT 2", { "SELECT ?1, $(", "SELECT 2" } },
        { "SELECT (1; SELECT 2", { "SELECT (1", "SELECT 2" } },
        { "SELECT 4\n/ 2; SELECT 1 AS\ngo ; SELECT '\n/\ngo\n' /*\n/\ngo\n*/",
          { "SELECT 4\n/ 2", "SELECT 1 AS\ngo", "SELECT '\n/\ngo\n' /*\n/\ngo\n*/" } },
        { "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 4\n/\n2; END",
          { "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 4\n/\n2; END" } },
    };
    struct mig_sql_config config = cutting_config("sqlite");
    CHECK_CUTS(&config, cases);
}
END_TEST

START_TEST(triggers)
{
    static const struct cut_case cases[] = {
        { "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE WHEN 1 THEN 2 END; END; SELECT 2",
          { "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE WHEN 1 THEN 2 END; END", "SELECT 2" } },
        { "create temp trigger if not exists t after insert on a begin select 1; end",
          { "create temp trigger if not exists t after insert on a begin select 1; end" } },
        { "CREATE TEMPORARY TRIGGER t AFTER INSERT ON a BEGIN SELECT 1;;END--x\n;SELECT 2",
          { "CREATE TEMPORARY TRIGGER t AFTER INSERT ON a BEGIN SELECT 1;;END--x", "SELECT 2" } },
        { "EXPLAIN QUERY PLAN CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END; SELECT 2",
          { "EXPLAIN QUERY PLAN CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END", "SELECT 2" } },
        { "CREATE TABLE trigger (a); CREATE INDEX trigger ON a(b); DROP TRIGGER t; SELECT 2",
          { "CREATE TABLE trigger (a)", "CREATE INDEX trigger ON a(b)", "DROP TRIGGER t", "SELECT 2" } },
        { "BEGIN; SELECT 1; END; BEGIN IMMEDIATE; COMMIT",
          { "BEGIN", "SELECT 1", "END", "BEGIN IMMEDIATE", "COMMIT" } },
    };
    struct mig_sql_config config = cutting_config("sqlite");
    CHECK_CUTS(&config, cases);
}
END_TEST

START_TEST(faults)
{
    static const struct fault_case cases[] = {
        { "SELECT 1;\nSELECT 'a''", 1, 2, 8, "quoted string" },
        { "SELECT [a; SELECT 2", 0, 1, 8, "quoted identifier" },
        { "SELECT 1;\n  CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2;\n", 1, 2, 3,
          "CREATE TRIGGER" },
        { "SELECT 1;\n.read x\n", 1, 2, 1, "shell" },
        { "SELECT 1; .read x\n", 1, 1, 11, "shell" },
        { "SELECT 1;\ngo\n", 1, 2, 1, "shell" },
        { "SELECT 1;\n/\n", 1, 2, 1, "shell" },
        { "SELECT 1\n  Go \r\nSELECT 2", 0, 2, 3, "shell" },
        { "SELECT 1\n/", 0, 2, 1, "shell" },
    };
    struct mig_sql_config config = cutting_config("sqlite");
    CHECK_FAULTS(&config, cases);
}
END_TEST

UNIT_MAIN("lexer_sqlite", tokens, triggers, faults)
