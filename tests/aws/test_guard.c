/* SPDX-License-Identifier: Apache-2.0 */

/* Texts on their way to the Data API and back: colons that could be taken for placeholders, and the words of errors. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/rds_data/rds.h"

static void guards(bool postgres, const char *sql, const char *want)
{
    struct mig_buf out = MIG_BUF_INIT;
    uint32_t lex = postgres ? MIGRATE_LEX_DOLLAR_QUOTES : MIGRATE_LEX_BACKSLASH_ESCAPES;
    bool changed = mig_rds_guard(&out, postgres, lex, sql, strlen(sql));
    ck_assert_str_eq(mig_buf_text(&out), want);
    ck_assert_int_eq(changed, strcmp(sql, want) != 0);
    mig_buf_free(&out);
}

START_TEST(untouched)
{
    static const char *const texts[] = {
        "",
        "SELECT 1",
        "SELECT $$a$$ -- it's",
        "SELECT 'a' :: text",
        "SELECT a::text, 'it''s :x', \"a:b\" FROM t",
        "SELECT '1'::int",
        "x := y",
        ":",
        "a :",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        guards(true, texts[i], texts[i]);
    guards(false, "INSERT INTO t VALUES ('10:30:00', `a:b`)", "INSERT INTO t VALUES ('10:30:00', `a:b`)");
}
END_TEST

START_TEST(postgres)
{
    guards(true, "SELECT a[1:n]", "SELECT a[1: n]");
    guards(true, "SELECT a[:n]", "SELECT a[: n]");
    guards(true, "SELECT a[1:2]::int", "SELECT a[1: 2]::int");
    guards(true, "SELECT 1 -- don't :x\n, 2", "SELECT 1  \n, 2");
    guards(true, "SELECT /* it's /* :y */ */ 1", "SELECT   1");
    guards(true, "SELECT E'\\':x', e'\\\\', 'a\\', 1", "SELECT E''':x', e'\\\\', 'a\\', 1");
    guards(true, "AS $$x:y 'z' \\ $$", "AS E'x\\x3ay ''z'' \\\\ '");
    guards(true, "AS $f$ $$ a:1 $$ $f$", "AS E' $$ a\\x3a1 $$ '");
    guards(true, "SELECT a$b$, :c", "SELECT a$b$, : c");
    guards(true, "SELECT $1, :c $x", "SELECT $1, : c $x");
    guards(true, "SELECT 'open :x", "SELECT 'open :x'");
}
END_TEST

START_TEST(mysql)
{
    guards(false, "l:LOOP END LOOP", "l: LOOP END LOOP");
    guards(false, "SELECT 'it\\'s :x', \"a\\\":b\"", "SELECT 'it''s :x', \"a\"\":b\"");
    guards(false, "SELECT 1 # don't :x\n", "SELECT 1  \n");
    guards(false, "SELECT 1--1, a:b", "SELECT 1--1, a: b");
    guards(false, "/*!50003 l:BEGIN */", "/*!50003 l: BEGIN */");
    guards(false, "SELECT '\\\\', ':x'", "SELECT '\\\\', ':x'");
}
END_TEST

static void says(const char *text, const char *message, const char *state, int32_t code, uint64_t position)
{
    struct mig_rds_said said;
    char copy[400];
    ck_assert_uint_lt(strlen(text), sizeof copy);
    memcpy(copy, text, strlen(text) + 1);
    mig_rds_said_read(copy, &said);
    ck_assert_str_eq(said.message, message);
    ck_assert_str_eq(said.sqlstate, state);
    ck_assert_int_eq(said.code, code);
    ck_assert_uint_eq(said.position, position);
}

START_TEST(words)
{
    says("ERROR: relation \"x\" does not exist; Position: 15; SQLState: 42P01", "relation \"x\" does not exist", "42P01", 0, 15);
    says("ERROR: no; Detail: a; b; Hint: c; SQLState: P0001", "no", "P0001", 0, 0);
    says("ERROR: a\nb; Hint: x\ny; SQLState: 42601", "a\nb", "42601", 0, 0);
    says("Database error code: 1064. Message: You have an error", "You have an error", "", 1064, 0);
    says("Table 'x' doesn't exist; Error code: 1146; SQLState: 42S02", "Table 'x' doesn't exist", "42S02", 1146, 0);
    says("plain; Hint: none", "plain; Hint: none", "", 0, 0);
    says("", "", "", 0, 0);
    says("ERROR: x; SQLState: toolong", "x", "", 0, 0);
    struct mig_rds_said said;
    char text[] = "ERROR: dup; Detail: Key (id)=(1) already exists.; Hint: think; Where: line 1; SQLState: 23505";
    mig_rds_said_read(text, &said);
    ck_assert_str_eq(said.detail, "Key (id)=(1) already exists.");
    ck_assert_str_eq(said.hint, "think");
}
END_TEST

START_TEST(classes)
{
    ck_assert_uint_eq(mig_rds_state_class("40P01", true), MIGRATE_FAULT_RETRY_TX);
    ck_assert_uint_eq(mig_rds_state_class("23505", true), MIGRATE_FAULT_CONSTRAINT);
    ck_assert_uint_eq(mig_rds_state_class("42S02", false), MIGRATE_FAULT_MISSING);
    ck_assert_uint_eq(mig_rds_code_class(1205, ""), MIGRATE_FAULT_RETRY_STMT);
    ck_assert_uint_eq(mig_rds_code_class(1290, "running with the --read-only option"), MIGRATE_FAULT_READ_ONLY);
    ck_assert_uint_eq(mig_rds_code_class(1290, "running with the --secure-file-priv option"), MIGRATE_FAULT_OTHER);
    ck_assert_uint_eq(mig_rds_words_class("Table 'a.b' doesn't exist"), MIGRATE_FAULT_MISSING);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data-api");
    TCase *cases = tcase_create("text");
    tcase_add_test(cases, untouched);
    tcase_add_test(cases, postgres);
    tcase_add_test(cases, mysql);
    tcase_add_test(cases, words);
    tcase_add_test(cases, classes);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
