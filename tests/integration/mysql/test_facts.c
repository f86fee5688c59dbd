/* SPDX-License-Identifier: Apache-2.0 */

/* What the journal relies on: which statements fail, and which go on, when a subquery finds no row. If a server ever
 * answers otherwise, it is seen here first. */

#include <stdio.h>
#include <string.h>

#include "feed.h"
#include "tests.h"

static struct feed F;

static const char *const modes[] = {
    "", "STRICT_TRANS_TABLES", "STRICT_ALL_TABLES", "ANSI", "ANSI_QUOTES", "TRADITIONAL", "NO_BACKSLASH_ESCAPES",
    "NO_AUTO_VALUE_ON_ZERO", "IGNORE_SPACE,PIPES_AS_CONCAT", "HIGH_NOT_PRECEDENCE",
};

static void facts_setup(void)
{
    connect_setup();
    must(C, "CREATE TABLE head (id int PRIMARY KEY, epoch int NOT NULL, seq int NOT NULL) ENGINE=InnoDB");
    must(C, "CREATE TABLE book (id int PRIMARY KEY, epoch int NOT NULL) ENGINE=InnoDB");
    must(C, "INSERT INTO head VALUES (1,1,1)");
}

static void in_mode(const char *mode)
{
    char sql[200];
    snprintf(sql, sizeof sql, "SET sql_mode='%s'", mode);
    must(C, sql);
    must(C, "DELETE FROM book");
}

/* One row of VALUES is the fence: 1048 in every mode, and what follows does not run. */
START_TEST(test_fence)
{
    static const char *const forms[] = {
        "INSERT INTO book VALUES (1,(SELECT epoch FROM head WHERE id=1 AND epoch=2))",
        "INSERT INTO book SET id=1, epoch=(SELECT epoch FROM head WHERE id=1 AND epoch=2)",
        "REPLACE INTO book VALUES (1,(SELECT epoch FROM head WHERE id=1 AND epoch=2))",
        "INSERT INTO book VALUES (1,(SELECT epoch FROM head WHERE id=1 AND epoch=2)) ON DUPLICATE KEY UPDATE epoch=5",
        "INSERT INTO book VALUES (1,(SELECT epoch FROM head WHERE id=1 AND epoch=2 FOR UPDATE))",
    };
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
            struct step steps[] = { { forms[i], OURS }, { "INSERT INTO book VALUES (9,9)", OURS | END } };
            in_mode(modes[m]);
            F = (struct feed){ STEPS(steps) };
            (void)feed_run(&F, C);
            ck_assert_msg(F.seen[0].code == 1048 && strcmp(feed_outcomes(&F), "F-") == 0, "%s under '%s': %d", forms[i], modes[m],
                          F.seen[0].code);
            ck_assert_str_eq(value(C, "SELECT COUNT(*) FROM book"), "0");
        }
    }
}
END_TEST

/* These are no fence: in some mode they go on. That is why no row of ours is written so. */
START_TEST(test_no_fence)
{
    static const char *const forms[] = {
        "INSERT INTO book VALUES (1,(SELECT epoch FROM head WHERE epoch=2)),(2,(SELECT epoch FROM head WHERE epoch=2))",
        "INSERT INTO book SELECT 1,(SELECT epoch FROM head WHERE epoch=2)",
        "UPDATE head SET seq=(SELECT epoch FROM book WHERE id=77) WHERE id=1",
        "INSERT IGNORE INTO book VALUES (1,(SELECT epoch FROM head WHERE epoch=2))",
        "UPDATE head SET seq=seq+1 WHERE id=1 AND epoch=2",
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        migrate_result r = { .struct_size = sizeof r };
        in_mode("");
        ck_assert_msg(run_ours(C, forms[i], &r) == MIGRATE_OK, "%s: %s", forms[i], H.message);
    }
}
END_TEST

/* A fence where no row is written. */
START_TEST(test_select_fence)
{
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        in_mode(modes[m]);
        ck_assert_int_ne(run_ours(C, "SELECT CASE WHEN EXISTS (SELECT 1 FROM head WHERE epoch=2) THEN 1 ELSE "
                                     "(SELECT 1 UNION ALL SELECT 2) END", NULL), MIGRATE_OK);
        ck_assert_int_eq(H.code, 1242);
        migrate_status done = run_ours(C, "DO CASE WHEN EXISTS (SELECT 1 FROM head WHERE epoch=2) THEN 1 ELSE "
                                          "(SELECT 1 UNION ALL SELECT 2) END", NULL);
        ck_assert_int_eq(done == MIGRATE_OK, is_mariadb()); /* no fence in DO */
    }
}
END_TEST

/* Feeds F, then rolls back: how its statements came out, the transaction behind the third, what book holds in the end. */
static void leaves(const char *outcomes, uint32_t tx, const char *what, const char *held)
{
    char sql[100];
    (void)feed_run(&F, C);
    ck_assert_str_eq(feed_outcomes(&F), outcomes);
    ck_assert_uint_eq(F.seen[2].tx, tx);
    must(C, "ROLLBACK");
    snprintf(sql, sizeof sql, "SELECT %s FROM book", what);
    ck_assert_str_eq(value(C, sql), held);
}

/* The head is moved first, and the row behind it reads the moved one: an UPDATE that found nothing cannot commit. */
START_TEST(test_head_first)
{
    static const char *const levels[] = { "REPEATABLE READ", "READ COMMITTED" };
    for (size_t i = 0; i < 2; i++) {
        static const struct step steps[] = {
            { "START TRANSACTION", OURS }, { "UPDATE head SET seq=seq+1 WHERE id=1 AND epoch=2", OURS },
            { "INSERT INTO book VALUES (1,(SELECT epoch FROM head WHERE id=1 AND epoch=2 AND seq=2))", OURS },
            { "COMMIT AND NO CHAIN NO RELEASE", OURS | MIGRATE_STMT_TX_END | END } };
        char sql[100];
        snprintf(sql, sizeof sql, "SET SESSION TRANSACTION ISOLATION LEVEL %s", levels[i]);
        must(C, sql);
        F = (struct feed){ STEPS(steps) };
        leaves("DDF-", MIGRATE_TX_OPEN, "COUNT(*)", "0");
    }
}
END_TEST

/* Whoever takes over while a unit of DML runs waits for its COMMIT. */
START_TEST(test_thief_waits)
{
    struct test_host h2;
    void *c2 = second(&h2);
    must(C, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    must(C, "START TRANSACTION");
    must(C, "INSERT INTO book VALUES (1,(SELECT epoch FROM head WHERE id=1 AND epoch=1 FOR UPDATE))");
    host_option(&h2, "lock_timeout", "1s");
    ck_assert_int_eq(run(c2, "UPDATE head SET epoch=2", NULL), MIGRATE_E_LOCKED);
    must(C, "COMMIT AND NO CHAIN NO RELEASE");
    ck_assert_int_eq(run(c2, "UPDATE head SET epoch=2", NULL), MIGRATE_OK);
    my->close(c2);
    host_free(&h2);
}
END_TEST

/* An implicit commit inside a unit leaves its intent behind, and no mark. */
START_TEST(test_intent_without_mark)
{
    static const char *const commits[] = { "TRUNCATE TABLE other", "ANALYZE TABLE other" };
    must(C, "CREATE TABLE other (id int)");
    for (size_t i = 0; i < 2; i++) {
        const struct step steps[] = {
            { "START TRANSACTION", OURS }, { "INSERT INTO book VALUES (1,1)", OURS }, { commits[i], 0 },
            { "INSERT INTO book VALUES (1,2)", 0 }, { "INSERT INTO book VALUES (2,1)", OURS }, { "COMMIT", OURS | END } };
        must(C, "DELETE FROM book");
        F = (struct feed){ STEPS(steps) };
        leaves("DDDF--", MIGRATE_TX_NONE, "GROUP_CONCAT(id)", "1");
    }
}
END_TEST

/* A temporary table commits nothing. */
START_TEST(test_temporary_table)
{
    must(C, "START TRANSACTION");
    must(C, "INSERT INTO book VALUES (1,1)");
    migrate_result r = { .struct_size = sizeof r };
    ck_assert_int_eq(run(C, "CREATE TEMPORARY TABLE gone (id int)", &r), MIGRATE_OK);
    ck_assert_uint_eq(r.tx, MIGRATE_TX_OPEN);
    must(C, "ROLLBACK");
    ck_assert_str_eq(value(C, "SELECT COUNT(*) FROM book"), "0");
}
END_TEST

/* A DDL whose intent has passed runs, whoever has taken over since. */
START_TEST(test_ddl_is_not_fenced)
{
    struct test_host h2;
    void *c2 = second(&h2);
    must(C, "INSERT INTO book VALUES (1,(SELECT epoch FROM head WHERE id=1 AND epoch=1))");
    must(c2, "UPDATE head SET epoch=2");
    must(C, "ALTER TABLE book ADD COLUMN late int");
    migrate_status marked = run_ours(C, "INSERT INTO book VALUES (2,(SELECT epoch FROM head WHERE id=1 AND epoch=1),0)", NULL);
    ck_assert_int_ne(marked, MIGRATE_OK);
    ck_assert_int_eq(H.code, 1048);
    my->close(c2);
    host_free(&h2);
}
END_TEST

/* In what session a packet cannot even begin: its first statement fails, and nothing is done. */
START_TEST(test_sessions_that_refuse)
{
    static const struct { const char *before, *after; int32_t code; } cases[] = {
        { "SET SESSION TRANSACTION READ ONLY", "SET SESSION TRANSACTION READ WRITE", 1792 },
        { "XA START 'x'", "XA END 'x'", 1399 },
        { "LOCK TABLES head READ", "UNLOCK TABLES", 1100 },
    };
    static const struct step steps[] = { { "INSERT INTO book VALUES (1,(SELECT epoch FROM head WHERE id=1 AND epoch=1))", OURS },
                                         { "CREATE TABLE made (id int)", 0 }, { "INSERT INTO book VALUES (2,1)", OURS | END } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        must(C, cases[i].before);
        F = (struct feed){ STEPS(steps) };
        F.steps = cases[i].code == 1399 ? steps + 1 : steps;
        F.n = cases[i].code == 1399 ? 2 : 3;
        (void)feed_run(&F, C);
        ck_assert_msg(F.seen[0].outcome == MIGRATE_OUTCOME_FAILED && F.seen[0].code == cases[i].code, "%s: %d", cases[i].before,
                      F.seen[0].code);
        must(C, cases[i].after);
        if (cases[i].code == 1399)
            must(C, "XA ROLLBACK 'x'");
        ck_assert_str_eq(value(C, "SELECT COUNT(*) FROM book"), "0");
    }
}
END_TEST

/* COMMIT as we send it leaves no transaction behind and keeps the session, whatever completion_type says. */
START_TEST(test_completion_type)
{
    static const char *const types[] = { "NO_CHAIN", "CHAIN", "RELEASE" };
    for (size_t i = 0; i < 3; i++) {
        static const struct step steps[] = { { "START TRANSACTION", OURS }, { "DELETE FROM book", OURS },
                                             { "COMMIT AND NO CHAIN NO RELEASE", OURS | MIGRATE_STMT_TX_END | END } };
        char sql[100];
        snprintf(sql, sizeof sql, "SET completion_type='%s'", types[i]);
        must(C, sql);
        F = (struct feed){ STEPS(steps) };
        ck_assert_int_eq(feed_run(&F, C), MIGRATE_OK);
        ck_assert_uint_eq(F.seen[2].tx, MIGRATE_TX_NONE);
        ck_assert_str_eq(value(C, "SELECT 1"), "1");
    }
}
END_TEST

void add_facts(Suite *s)
{
    TCase *t = new_case(s, "facts", facts_setup, connect_teardown);
    tcase_add_test(t, test_fence);
    tcase_add_test(t, test_no_fence);
    tcase_add_test(t, test_select_fence);
    tcase_add_test(t, test_head_first);
    tcase_add_test(t, test_thief_waits);
    tcase_add_test(t, test_intent_without_mark);
    tcase_add_test(t, test_temporary_table);
    tcase_add_test(t, test_ddl_is_not_fenced);
    tcase_add_test(t, test_sessions_that_refuse);
    tcase_add_test(t, test_completion_type);
}
