/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>

#include <migrate/driver.h>

#include "sql/variables.h"

static const struct mig_sql_dialect_info mysql = { .dialect = MIGRATE_DIALECT_MYSQL,
                                                   .lex = MIGRATE_LEX_BACKSLASH_ESCAPES };

/* What is read, "=" what is given a value, "==" a constant; "<" what tells of the statement before. */
static const struct {
    const char *sql, *expected;
} cases[] = {
    { "SET @x = 3", "==@x" },
    { "SET @X := 'three', @`y z` = -1.5", "==@x ==@y z" },
    { "SET @x = NULL, @y = TRUE, sql_mode = ''", "==@x ==@y" },
    { "SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='ANSI'", "==@old_sql_mode" },
    { "SET @x = 3 + 4", "=@x" },
    { "SET @x = (SELECT MAX(id) FROM t), @y = @x", "=@x =@y @x" },
    { "SET @x = f(1, @y), @z = 1", "=@x @y ==@z" },
    { "SET @id = LAST_INSERT_ID()", "=@id <last_insert_id()" },
    { "SET @@global.x = @y", "@y" },
    { "SELECT a, b INTO @a, @b FROM t WHERE c = @c", "=@a =@b @c" },
    { "SELECT @n := @n + 1 FROM t", "=@n @n" },
    { "SELECT ROW_COUNT(), FOUND_ROWS()", "<row_count() <found_rows()" },
    { "INSERT INTO t VALUES (@x, LAST_INSERT_ID())", "@x <last_insert_id() =last_insert_id()" },
    { "REPLACE INTO t (last_insert_id) VALUES (1)", "=last_insert_id()" },
    { "UPDATE t SET a = @x, b = @y", "@x @y" },
    { "CALL p(1, @out)", "@out=@out" },
    { "PREPARE s FROM @s", "@s" },
    { "EXECUTE s USING @a, @b", "@a @b" },
    { "CREATE TABLE n AS SELECT @x", "@x" },
    { "CREATE DEFINER=a@b PROCEDURE p() SET @x = 1", "" },
    { "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @x = NEW.a", "" },
    { "BEGIN NOT ATOMIC SET @x = 1; SELECT @y; END", "=@x @y" },
    { "LOAD DATA INFILE 'f' INTO TABLE t (@a) SET b = @a", "" },
    { "SELECT '@x', \"@y\", `@z` -- @a", "" },
    { "SELECT 'unterminated @x", "" },
    { "SET @x", "@x" },
    { "SET @", "" },
    { "@x", "@x" },
};

static void mentions(const struct mig_sql_dialect_info *di, const char *sql, size_t len, char *out, size_t size)
{
    struct mig_sql_variables v;
    struct mig_sql_variable one;
    size_t n = 0;
    out[0] = '\0';
    mig_sql_variables_init(&v, di, sql, len);
    while (n < size && mig_sql_variables_next(&v, &one)) {
        n += (size_t)snprintf(out + n, size - n, "%s%s%s%s%s", n ? " " : "", one.before ? "<" : "",
                              one.read ? one.name : "", one.given ? one.constant ? "==" : "=" : "",
                              one.given ? one.name : "");
    }
}

START_TEST(as_written)
{
    char got[1024];
    mentions(&mysql, cases[_i].sql, strlen(cases[_i].sql), got, sizeof got);
    ck_assert_msg(strcmp(got, cases[_i].expected) == 0, "%s\n  expected %s\n  got      %s", cases[_i].sql, cases[_i].expected,
                  got);
}
END_TEST

/* Every beginning: nothing is read past its end, and it ends. */
START_TEST(cut_anywhere)
{
    char got[1024];
    for (size_t len = 0; len <= strlen(cases[_i].sql); len++) {
        char *copy = malloc(len + (len == 0));
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, cases[_i].sql, len);
        mentions(&mysql, copy, len, got, sizeof got);
        free(copy);
    }
}
END_TEST

START_TEST(other_engines_have_none)
{
    static const struct mig_sql_dialect_info sqlite = { .dialect = MIGRATE_DIALECT_SQLITE };
    char got[1024];
    mentions(&sqlite, cases[_i].sql, strlen(cases[_i].sql), got, sizeof got);
    ck_assert_str_eq(got, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("variables");
    TCase *tests = tcase_create("variables");
    const int n = (int)(sizeof cases / sizeof *cases);

    tcase_add_loop_test(tests, as_written, 0, n);
    tcase_add_loop_test(tests, cut_anywhere, 0, n);
    tcase_add_loop_test(tests, other_engines_have_none, 0, n);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    (void)unit_run;
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
