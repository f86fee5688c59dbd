/* SPDX-License-Identifier: Apache-2.0 */

/* Packets: which statements share one, and what is told about each. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "tests.h"

static struct feed F;


START_TEST(test_one_packet)
{
    static const struct step steps[] = {
        { "CREATE TABLE a (id int PRIMARY KEY, v varchar(20))", 0 }, { "INSERT INTO a VALUES (1,'x'),(2,'y')", 0 },
        { "UPDATE a SET v='z'", 0 }, { "SELECT * FROM a", 0 }, { "START TRANSACTION", OURS },
        { "DELETE FROM a WHERE id=1", 0 }, { "COMMIT AND NO CHAIN NO RELEASE", OURS | MIGRATE_STMT_TX_END | END } };
    F = (struct feed){ STEPS(steps) };
    ck_assert_int_eq(feed_run(&F, C), MIGRATE_OK);
    ck_assert_str_eq(feed_outcomes(&F), "DDDDDDD");
    ck_assert_uint_eq(F.rounds, 1);
    ck_assert_int_eq(F.seen[1].affected, 2);
    ck_assert_int_eq(F.seen[3].affected, 2);
    ck_assert_uint_eq(F.seen[3].tx, MIGRATE_TX_NONE);
    ck_assert_uint_eq(F.seen[4].tx, MIGRATE_TX_OPEN);
    ck_assert_uint_eq(F.seen[6].tx, MIGRATE_TX_NONE);
    ck_assert_str_eq(value(C, "SELECT COUNT(*) FROM a"), "1");
}
END_TEST

START_TEST(test_groups)
{
    static const struct step steps[] = { { "START TRANSACTION", OURS }, { "INSERT INTO a VALUES (NULL)", 0 },
                                         { "COMMIT", OURS | END } };
    must(C, "CREATE TABLE a (id int AUTO_INCREMENT PRIMARY KEY)");
    F = (struct feed){ STEPS(steps) };
    F.repeat = 1000;
    ck_assert_int_eq(feed_run(&F, C), MIGRATE_OK);
    ck_assert_uint_eq(F.rounds, 1000);
    F = (struct feed){ STEPS(steps) };
    F.repeat = 1000;
    F.flags = MIGRATE_BATCH_RUN_AHEAD;
    ck_assert_int_eq(feed_run(&F, C), MIGRATE_OK);
    ck_assert_uint_eq(F.rounds, 1);
    F = (struct feed){ STEPS(steps) };
    F.repeat = 1000;
    F.flags = MIGRATE_BATCH_RUN_AHEAD;
    F.ahead = 4096;
    ck_assert_int_eq(feed_run(&F, C), MIGRATE_OK);
    ck_assert_uint_ge(F.rounds, 10);
    ck_assert_uint_le(F.most_ahead * 15, 4096 + 100);
    ck_assert_str_eq(value(C, "SELECT COUNT(*) FROM a"), "3000");
}
END_TEST

/* What stands at a statement's end must not swallow or duplicate the next one. */
START_TEST(test_comments)
{
    static const struct step steps[] = {
        { "CREATE TABLE a (id int) -- the end", 0 }, { "INSERT INTO a VALUES (1) # end", 0 },
        { "INSERT INTO a VALUES (2) /* end */", 0 }, { "/* first */ INSERT INTO a VALUES (3)", 0 },
        { "-- line\nINSERT INTO a VALUES (4)", 0 }, { "INSERT INTO a VALUES (/*!50000 5*/)", 0 },
        { "INSERT INTO a VALUES (6) --", 0 }, { "DELETE FROM a WHERE id=99 -- ", 0 },
    };
    F = (struct feed){ STEPS(steps) };
    ck_assert_int_eq(feed_run(&F, C), MIGRATE_OK);
    ck_assert_str_eq(feed_outcomes(&F), "DDDDDDDD");
    ck_assert_int_eq(F.seen[7].affected, 0);
    ck_assert_int_eq(F.seen[6].affected, 1);
    ck_assert_str_eq(value(C, "SELECT CONCAT(COUNT(*),'/',SUM(id)) FROM a"), "6/21");
}
END_TEST

START_TEST(test_error_index)
{
    static const struct step steps[] = {
        { "CREATE TABLE a (id int PRIMARY KEY)", 0 }, { "INSERT INTO a VALUES (1)", 0 },
        { "INSERT INTO a VALUES (1)", 0 }, { "INSERT INTO a VALUES (2)", 0 }, { "SELECT 1", OURS | END },
        { "INSERT INTO a VALUES (3)", END } };
    F = (struct feed){ STEPS(steps) };
    F.flags = MIGRATE_BATCH_RUN_AHEAD;
    ck_assert_int_eq(feed_run(&F, C), MIGRATE_E_SQL);
    ck_assert_str_eq(feed_outcomes(&F), "DDF---");
    ck_assert_int_eq(F.seen[2].code, 1062);
    ck_assert_uint_eq(F.seen[2].klass, MIGRATE_FAULT_CONSTRAINT);
    ck_assert_str_eq(value(C, "SELECT COUNT(*) FROM a"), "1");
}
END_TEST

/* The place in the statement, wherever it stands in the packet. */
START_TEST(test_syntax_place)
{
    static const char *const bad[] = { "CREATE TABLE b (\n  id int,\n  name varchar(20) NUL\n)", "SELECT 1 FORM dual",
                                       "INSERT INTO a VALUES (1", "SELECT 'it''s' AS x FRM", "SELEC 1",
                                       "UPDATE a SET id=1,\n\n id=*2,\n id=*2" };
    static const char *const at[] = { NULL, "dual", "", "FRM", "SELEC", "*2," };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct step steps[] = { { "SELECT 1", 0 }, { "SELECT 2", OURS }, { bad[i], 0 }, { "SELECT 3", OURS | END } };
        F = (struct feed){ STEPS(steps) };
        ck_assert_int_eq(feed_run(&F, C), MIGRATE_E_SQL);
        ck_assert_int_eq(strncmp(feed_outcomes(&F), "DDF", 3), 0);
        ck_assert_int_eq(F.seen[2].code, 1064);
        ck_assert_msg(!strstr(H.message, "SELECT 3"), "%s", H.message);
        ck_assert_uint_eq(F.seen[2].klass, MIGRATE_FAULT_SYNTAX);
        ck_assert_uint_gt(F.seen[2].offset, 0);
        ck_assert_uint_le(F.seen[2].offset, strlen(bad[i]) + 1);
        if (!at[i]) /* the two servers see it one word apart */
            ck_assert_uint_gt(F.seen[2].offset, strlen("CREATE TABLE b (\n  id int,\n"));
        else
            ck_assert_msg(strncmp(bad[i] + F.seen[2].offset - 1, at[i], strlen(at[i])) == 0, "%s: at %lu", bad[i],
                          (unsigned long)F.seen[2].offset);
    }
}
END_TEST

/* Each ends its packet, and what it returns besides is its own. */
START_TEST(test_many_results)
{
    static const struct step steps[] = {
        { "CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; SELECT 3; END", 0 }, { "SELECT 1", OURS }, { "CALL p()", 0 },
        { "SELECT 2", OURS }, { "SET @a=1, @b=2", 0 }, { "CREATE TABLE a (id int)", 0 }, { "INSERT INTO a VALUES (1)", 0 },
        { "PREPARE s FROM 'CALL p()'", 0 }, { "EXECUTE s", 0 }, { "DEALLOCATE PREPARE s", 0 },
        { "LOCK TABLES a WRITE", 0 }, { "UNLOCK TABLES", 0 }, { "USE t_driver", 0 }, { "SELECT COUNT(*) FROM a", OURS | END } };
    F = (struct feed){ STEPS(steps) };
    ck_assert_msg(feed_run(&F, C) == MIGRATE_OK, "%s: %s", feed_outcomes(&F), H.message);
    ck_assert_str_eq(feed_outcomes(&F), "DDDDDDDDDDDDDD");
    ck_assert_str_eq(value(C, "SELECT COUNT(*) FROM a"), "1");
}
END_TEST

/* The server keeps the text of a body, and must not find the next statement in it. */
START_TEST(test_bodies)
{
    static const struct step steps[] = {
        { "CREATE TABLE a (id int)", 0 }, { "CREATE TRIGGER g BEFORE INSERT ON a FOR EACH ROW SET NEW.id=1", 0 }, { "SELECT 1", OURS },
        { "CREATE PROCEDURE p() SELECT 1", 0 }, { "SELECT 1", OURS }, { "CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN 1", 0 },
        { "SELECT 1", OURS }, { "CREATE EVENT e ON SCHEDULE EVERY 1 YEAR DO DELETE FROM a", 0 }, { "SELECT 1", OURS | END } };
    F = (struct feed){ STEPS(steps) };
    ck_assert_int_eq(feed_run(&F, C), MIGRATE_OK);
    ck_assert_str_eq(value(C, "SELECT action_statement FROM information_schema.triggers WHERE trigger_schema='t_driver'"), "SET NEW.id=1");
    ck_assert_str_eq(value(C, "SELECT GROUP_CONCAT(routine_definition ORDER BY 1) FROM information_schema.routines WHERE "
                              "routine_schema='t_driver'"), "RETURN 1,SELECT 1");
    ck_assert_str_eq(value(C, "SELECT event_definition FROM information_schema.events WHERE event_schema='t_driver'"), "DELETE FROM a");
}
END_TEST

START_TEST(test_compound)
{
    static const struct step steps[] = {
        { "CREATE TABLE a (id int)", 0 }, { "BEGIN NOT ATOMIC INSERT INTO a VALUES (1); SELECT * FROM a; SELECT 5; END", 0 },
        { "IF 1 = 1 THEN INSERT INTO a VALUES (2); END IF", 0 }, { "INSERT INTO a VALUES (3)", 0 }, { "SELECT 1", OURS | END } };
    if (!is_mariadb())
        return;
    F = (struct feed){ STEPS(steps) };
    ck_assert_msg(feed_run(&F, C) == MIGRATE_OK, "%s: %s", feed_outcomes(&F), H.message);
    ck_assert_str_eq(feed_outcomes(&F), "DDDDD");
    ck_assert_str_eq(value(C, "SELECT SUM(id) FROM a"), "6");
}
END_TEST

START_TEST(test_flags)
{
    static const struct step steps[] = { { "SELECT 1", 0 }, { "SELECT 2", MIGRATE_STMT_ALONE }, { "SELECT 3", 0 },
                                         { "SELECT 4", MIGRATE_STMT_BARRIER }, { "SELECT 5", END } };
    F = (struct feed){ STEPS(steps) };
    ck_assert_int_eq(feed_run(&F, C), MIGRATE_OK);
    ck_assert_uint_eq(F.rounds, 4);
    ck_assert_str_eq(feed_outcomes(&F), "DDDDD");
}
END_TEST

START_TEST(test_stops)
{
    static const struct step steps[] = { { "INSERT INTO a VALUES (1)", 0 }, { "INSERT INTO a VALUES (2)", END } };
    must(C, "CREATE TABLE a (id int)");
    F = (struct feed){ STEPS(steps) };
    F.repeat = 10;
    F.stop_after = 3; /* the second packet ends all the same */
    ck_assert_int_eq(feed_run(&F, C), MIGRATE_E_STOPPED);
    ck_assert_str_eq(feed_outcomes(&F), "DDDD");
    F = (struct feed){ STEPS(steps) };
    F.next_fails = MIGRATE_E_SOURCE;
    F.n = 1;
    ck_assert_int_eq(feed_run(&F, C), MIGRATE_E_SOURCE);
    ck_assert_str_eq(feed_outcomes(&F), "-");
    F = (struct feed){ STEPS(steps) };
    F.n = 0;
    ck_assert_int_eq(feed_run(&F, C), MIGRATE_OK);
    ck_assert_uint_eq(F.told, 0);
    ck_assert_str_eq(value(C, "SELECT COUNT(*) FROM a"), "4");
}
END_TEST

START_TEST(test_lexing_follows)
{
    static const struct step steps[] = {
        { "SET sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES'", 0 }, { "SELECT 1", OURS },
        { "/*!40101 SET sql_mode='' */", 0 }, { "SELECT 1", OURS }, { "SET SESSION sql_mode=ANSI", 0 }, { "SELECT 1", END } };
    F = (struct feed){ STEPS(steps) };
    ck_assert_int_eq(feed_run(&F, C), MIGRATE_OK);
    ck_assert_uint_eq(F.seen[0].lex, MIGRATE_LEX_ANSI_QUOTES);
    ck_assert_uint_eq(F.seen[1].lex, MIGRATE_LEX_ANSI_QUOTES);
    ck_assert_uint_eq(F.seen[2].lex, MIGRATE_LEX_BACKSLASH_ESCAPES);
    ck_assert_uint_eq(F.seen[4].lex, MIGRATE_LEX_BACKSLASH_ESCAPES | MIGRATE_LEX_ANSI_QUOTES);
    migrate_result r = { .struct_size = sizeof r };
    ck_assert_int_eq(run(C, "SET NAMES gbk", &r), MIGRATE_OK);
    ck_assert(r.lex & MIGRATE_LEX_UNSAFE_ENCODING);
    ck_assert_int_eq(run(C, "SET NAMES utf8mb4", &r), MIGRATE_OK);
    ck_assert(!(r.lex & MIGRATE_LEX_UNSAFE_ENCODING));
}
END_TEST

/* TRUNCATE in a transaction: the bit that tells it falls. */
START_TEST(test_implicit_commit)
{
    static const struct step steps[] = { { "START TRANSACTION", OURS }, { "INSERT INTO a VALUES (1)", 0 },
                                         { "TRUNCATE TABLE b", 0 }, { "INSERT INTO a VALUES (2)", END } };
    must(C, "CREATE TABLE a (id int)");
    must(C, "CREATE TABLE b (id int)");
    F = (struct feed){ STEPS(steps) };
    ck_assert_int_eq(feed_run(&F, C), MIGRATE_OK);
    ck_assert_uint_eq(F.seen[1].tx, MIGRATE_TX_OPEN);
    ck_assert_uint_eq(F.seen[2].tx, MIGRATE_TX_NONE);
}
END_TEST

START_TEST(test_too_large)
{
    migrate_info info = { .struct_size = sizeof info };
    ck_assert_int_eq(my->info(C, &info, NULL), MIGRATE_OK);
    ck_assert_uint_gt(info.max_statement, 1024 * 1024 - 2048);
    size_t n = info.max_statement + 4096;
    char *sql = malloc(n + 1);
    memset(sql, 'x', n);
    memcpy(sql, "SELECT '", 8);
    sql[n - 1] = '\'';
    sql[n] = '\0';
    struct step steps[] = { { "SELECT 1", 0 }, { sql, 0 }, { "SELECT 2", END } };
    F = (struct feed){ STEPS(steps) };
    ck_assert_int_eq(feed_run(&F, C), MIGRATE_E_TOO_LARGE);
    ck_assert_str_eq(feed_outcomes(&F), "DF");
    ck_assert_str_eq(value(C, "SELECT 1"), "1");
    free(sql);
}
END_TEST

/* Settings go with the first packet, so that a read before costs one query and nothing else. */
START_TEST(test_settings_are_lazy)
{
    struct test_host h2;
    void *c2 = second(&h2);
    migrate_result r = { .struct_size = sizeof r };
    ck_assert_int_eq(run_ours(c2, "SELECT 1", &r), MIGRATE_OK);
    ck_assert_uint_eq(r.round_trips, 1);
    ck_assert_int_eq(run_ours(c2, "SET @x=1", &r), MIGRATE_OK);
    ck_assert_uint_eq(r.round_trips, 1);
    ck_assert_str_eq(value(c2, "SELECT CONCAT(@@lock_wait_timeout,'/',@@innodb_lock_wait_timeout,'/',@@wait_timeout)"),
                     "2/2/300");
    host_option(&h2, "lock_timeout", "700ms");
    ck_assert_str_eq(value(c2, "SELECT @@lock_wait_timeout"), "1");
    h2.options[1] = "0";
    ck_assert_str_eq(value(c2, "SELECT @@lock_wait_timeout"), "31536000");
    my->close(c2);
    host_free(&h2);
}
END_TEST

void add_batch(Suite *s)
{
    TCase *t = new_case(s, "batch", connect_setup, connect_teardown);
    tcase_add_test(t, test_one_packet);
    tcase_add_test(t, test_groups);
    tcase_add_test(t, test_comments);
    tcase_add_test(t, test_error_index);
    tcase_add_test(t, test_syntax_place);
    tcase_add_test(t, test_many_results);
    tcase_add_test(t, test_bodies);
    tcase_add_test(t, test_compound);
    tcase_add_test(t, test_flags);
    tcase_add_test(t, test_stops);
    tcase_add_test(t, test_lexing_follows);
    tcase_add_test(t, test_implicit_commit);
    tcase_add_test(t, test_too_large);
    tcase_add_test(t, test_settings_are_lazy);
}
