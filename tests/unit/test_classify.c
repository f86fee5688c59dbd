/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <time.h>

#include "facts_text.h"
#include "golden.h"

static const struct mig_sql_dialect_info postgres = { .dialect = MIGRATE_DIALECT_POSTGRES };
static const struct mig_sql_dialect_info mysql = { .dialect = MIGRATE_DIALECT_MYSQL,
                                                   .lex = MIGRATE_LEX_BACKSLASH_ESCAPES };
static const struct mig_sql_dialect_info mariadb = { .dialect = MIGRATE_DIALECT_MYSQL,
                                                     .lex = MIGRATE_LEX_BACKSLASH_ESCAPES,
                                                     .mariadb = true };
static const struct mig_sql_dialect_info sqlite = { .dialect = MIGRATE_DIALECT_SQLITE };
static const struct mig_sql_dialect_info other = { .dialect = MIGRATE_DIALECT_OTHER };

static const struct {
    const char *path;
    const struct mig_sql_dialect_info *di;
    unsigned at_least; /* cases, so that an empty file is no success */
} tables[] = {
    { "classify/postgres.txt", &postgres, 350 }, { "classify/mysql.txt", &mysql, 480 },
    { "classify/mariadb.txt", &mariadb, 480 },   { "classify/sqlite.txt", &sqlite, 80 },
    { "classify/other.txt", &other, 28 },
};

/* Exactly as long as the text, so that a read past its end is seen by a sanitizer. */
static void facts_of(const struct mig_sql_dialect_info *di, const char *sql, size_t len, char *out,
                     size_t size)
{
    char *copy = malloc(len + (len == 0));
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, sql, len);
    facts_text(di, copy, len, out, size);
    free(copy);
}

START_TEST(as_written)
{
    char got[4096];
    struct golden g;
    unsigned cases = 0;

    golden_open(&g, tables[_i].path);
    for (; golden_next(&g); cases++) {
        facts_of(tables[_i].di, g.sql, g.len, got, sizeof got);
        ck_assert_msg(strcmp(got, g.expected) == 0, "%s: %s\n  expected %s\n  got      %s", tables[_i].path,
                      g.sql, g.expected, got);
    }
    ck_assert_uint_ge(cases, tables[_i].at_least);
}
END_TEST

/* Whatever follows the last token must not matter. */
START_TEST(comments_do_not_matter)
{
    char got[4096];
    char sql[16384];
    struct golden g;

    golden_open(&g, tables[_i].path);
    while (golden_next(&g)) {
        if (strstr(g.sql, "unterminated") != NULL || strstr(g.sql, "/*!50000 SELECT 1") != NULL) {
            continue;
        }
        int n =
            snprintf(sql, sizeof sql, "/* DROP TABLE x */ -- y\n%s\n-- DROP TABLE z\n/* COMMIT */", g.sql);
        facts_of(tables[_i].di, sql, (size_t)n, got, sizeof got);
        ck_assert_msg(strcmp(got, g.expected) == 0, "%s\n  expected %s\n  got      %s", sql, g.expected, got);
    }
}
END_TEST

/* Every beginning of every statement, in every dialect: nothing is read past its end. */
START_TEST(cut_anywhere)
{
    char got[4096];
    struct golden g;

    golden_open(&g, tables[_i].path);
    while (golden_next(&g)) {
        for (size_t len = 0; len <= g.len; len += 1 + len / 24) {
            for (size_t d = 0; d < sizeof tables / sizeof *tables; d++) {
                facts_of(tables[d].di, g.sql, len, got, sizeof got);
            }
        }
    }
}
END_TEST

static void says(struct mig_sql_dialect_info di, const char *sql, const char *expected)
{
    char got[4096];

    facts_of(&di, sql, strlen(sql), got, sizeof got);
    ck_assert_msg(strcmp(got, expected) == 0, "%s\n  expected %s\n  got      %s", sql, expected, got);
}

START_TEST(lexical_switches)
{
    struct mig_sql_dialect_info ansi = mysql;
    struct mig_sql_dialect_info plain = mysql;
    struct mig_sql_dialect_info dollar = mysql;
    struct mig_sql_dialect_info old_pg = postgres;

    ansi.lex |= MIGRATE_LEX_ANSI_QUOTES;
    plain.lex = 0;
    dollar.lex |= MIGRATE_LEX_DOLLAR_QUOTES;
    old_pg.lex = MIGRATE_LEX_BACKSLASH_ESCAPES;
    says(ansi, "CREATE TABLE \"a\\\" (b int)",
         "CREATE TABLE changing +implicit_commit +ddl +create [table a\\]");
    says(mysql, "CREATE TABLE \"a\" (b int)", "CREATE TABLE doubt +implicit_commit +ddl +create …");
    says(mysql, "UPDATE t SET a = 'x\\' WHERE b'", "UPDATE tx +destructive");
    says(plain, "UPDATE t SET a = 'x\\' WHERE b = 'c'", "UPDATE tx");
    says(postgres, "UPDATE t SET a = 'x\\' WHERE b = 'c'", "UPDATE tx");
    says(old_pg, "UPDATE t SET a = 'x\\' WHERE b = 'c'", "UPDATE tx +destructive");
    says(postgres, "UPDATE t SET a = E'x\\' WHERE b = 'c'", "UPDATE tx +destructive");
    says(postgres, "UPDATE t SET a = E'x'\n'\\' WHERE b = 'c'", "UPDATE tx +destructive");
    says(postgres, "UPDATE t SET a = E'x' -- y\n '\\' WHERE b = 'c'", "UPDATE tx +destructive");
    says(postgres, "UPDATE t SET a = date'x\\' WHERE b = 'c'", "UPDATE tx");
    says(dollar, "CREATE FUNCTION f() RETURNS int LANGUAGE JAVASCRIPT AS $x$ ' $x$",
         "CREATE FUNCTION changing +implicit_commit +ddl +create [routine f]");
    says(postgres, "UPDATE t SET a = $d$x$y WHERE $d$", "UPDATE tx +destructive");
    says(postgres, "UPDATE t SET a = a$d$ WHERE b", "UPDATE tx");
}
END_TEST

START_TEST(versions)
{
    struct mig_sql_dialect_info pg11 = postgres;
    struct mig_sql_dialect_info my57 = mysql;
    struct mig_sql_dialect_info ma106 = mariadb;

    pg11.version = 110005;
    my57.version = 50744;
    ma106.version = 100621;
    says(pg11, "ALTER TYPE e ADD VALUE 'x'", "ALTER TYPE doubt +alone +ddl [- e]");
    says(pg11, "ALTER TYPE e ADD VALUE IF NOT EXISTS 'x'", "ALTER TYPE repeatable +alone +ddl +if [- e]");
    says(my57, "/*!80000 DROP TABLE a */", " tx");
    says(mysql, "/*!80000 DROP TABLE a */",
         "DROP TABLE changing +implicit_commit +ddl +destructive +drop [table a]");
    says(my57, "DROP /*!80000 INDEX */ /*!50700 TABLE */ a",
         "DROP TABLE changing +implicit_commit +ddl +destructive +drop [table a]");
    says(ma106, "/*!80000 DROP TABLE a */", " tx");
    says(ma106, "/*!100621 DROP TABLE a */",
         "DROP TABLE changing +implicit_commit +ddl +destructive +drop [table a]");
    says(ma106, "/*!100700 DROP TABLE a */", " tx");
    says(ma106, "/*M!100600 DROP TABLE a */",
         "DROP TABLE changing +implicit_commit +ddl +destructive +drop [table a]");
    says(mysql, "/*M!100600 DROP TABLE a */", " tx");
    says(mysql, "/*! DROP /* not this */ TABLE a */",
         "DROP TABLE changing +implicit_commit +ddl +destructive +drop [table a]");
}
END_TEST

static void check_notes(const struct mig_sql_dialect_info *di, const char *sql)
{
    struct mig_sql_facts f;

    mig_sql_classify(di, sql, strlen(sql), &f);
    if ((f.flags & (MIG_SQL_ALONE | MIG_SQL_DESTRUCTIVE)) != 0) {
        ck_assert_msg(f.note != NULL, "no note: %s", sql);
    }
    if (f.settle == MIG_SQL_SETTLE_DOUBT || f.settle == MIG_SQL_SETTLE_NEUTRAL) {
        ck_assert_msg(f.note != NULL, "no note: %s", sql);
        ck_assert_msg(f.tx != MIG_SQL_TX_NONE || f.doubt != NULL, "no reason for the doubt: %s", sql);
    }
    /* A look at objects decides: they have to be there. */
    if (f.settle == MIG_SQL_SETTLE_CHANGING || f.settle == MIG_SQL_SETTLE_NEUTRAL ||
        f.settle == MIG_SQL_SETTLE_PROBE) {
        ck_assert_msg(f.n_objects > 0 && !f.more_objects, "nothing to look at: %s", sql);
        for (uint32_t i = 0; i < f.n_objects; i++) {
            ck_assert_msg(f.objects[i].name[0] != '\0', "nothing to look at: %s", sql);
        }
    }
    if (di->dialect == MIGRATE_DIALECT_POSTGRES || di->dialect == MIGRATE_DIALECT_SQLITE) {
        bool free_of_it = (f.flags & (MIG_SQL_ALONE | MIG_SQL_SESSION | MIG_SQL_PRAGMA_OUTSIDE)) == 0;
        ck_assert_msg(!free_of_it || f.settle == MIG_SQL_SETTLE_TX, "rolls back, and yet: %s", sql);
    }
}

START_TEST(facts_hold_together)
{
    struct golden g;

    golden_open(&g, tables[_i].path);
    while (golden_next(&g)) {
        check_notes(tables[_i].di, g.sql);
    }
}
END_TEST

/* A statement of any size costs what its first words cost. */
START_TEST(large_insert)
{
    size_t len = (size_t)64 << 20;
    char *sql = malloc(len);
    struct mig_sql_facts f;

    ck_assert_ptr_nonnull(sql);
    memset(sql, '(', len);
    memcpy(sql, "INSERT INTO t VALUES ", 21);
    clock_t begin = clock();
    for (int i = 0; i < 100; i++) {
        mig_sql_classify(&postgres, sql, len, &f);
        mig_sql_classify(&mysql, sql, len, &f);
    }
    ck_assert_msg(clock() - begin < CLOCKS_PER_SEC, "reads all of an INSERT");
    ck_assert_str_eq(f.verb, "INSERT");
    memcpy(sql, "SELECT f FROM t WHERE", 21);
    mig_sql_classify(&postgres, sql, len, &f);
    ck_assert_str_eq(f.verb, "SELECT");
    ck_assert_uint_eq(f.flags & MIG_SQL_READ_ONLY, 0);
    free(sql);
}
END_TEST

START_TEST(long_names)
{
    char sql[1024];
    char name[701];
    struct mig_sql_facts f;

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    int n = snprintf(sql, sizeof sql, "DROP TABLE `%s`", name);
    mig_sql_classify(&mysql, sql, (size_t)n, &f);
    ck_assert_int_eq(f.settle, MIG_SQL_SETTLE_DOUBT);
    ck_assert_uint_eq(f.n_objects, 0);
    /* PostgreSQL cuts to 63 bytes, and never within a character. */
    n = snprintf(sql, sizeof sql, "CREATE INDEX CONCURRENTLY \"%.62s\xc3\xa9\" ON t (a)", name);
    mig_sql_classify(&postgres, sql, (size_t)n, &f);
    ck_assert_uint_eq(strlen(f.objects[0].name), 62);
    n = snprintf(sql, sizeof sql, "CREATE INDEX CONCURRENTLY \"%.61s\xc3\xa9\" ON t (a)", name);
    mig_sql_classify(&postgres, sql, (size_t)n, &f);
    ck_assert_uint_eq(strlen(f.objects[0].name), 63);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("classify");
    TCase *cases = tcase_create("classify");
    int n = (int)(sizeof tables / sizeof *tables);

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, as_written, 0, n);
    tcase_add_loop_test(cases, comments_do_not_matter, 0, n);
    tcase_add_loop_test(cases, cut_anywhere, 0, n);
    tcase_add_loop_test(cases, facts_hold_together, 0, n);
    tcase_add_test(cases, lexical_switches);
    tcase_add_test(cases, versions);
    tcase_add_test(cases, large_insert);
    tcase_add_test(cases, long_names);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    (void)unit_run;
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
