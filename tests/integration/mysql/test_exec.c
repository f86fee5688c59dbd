/* SPDX-License-Identifier: Apache-2.0 */

/* One statement at a time: results, values, rows, faults. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests.h"

START_TEST(test_outcomes)
{
    migrate_result r = { .struct_size = sizeof r };
    ck_assert_int_eq(run(C, "CREATE TABLE a (id int PRIMARY KEY, s varchar(20))", &r), MIGRATE_OK);
    ck_assert_uint_eq(r.outcome, MIGRATE_OUTCOME_DONE);
    ck_assert_uint_eq(r.tx, MIGRATE_TX_NONE);
    ck_assert(r.lex & MIGRATE_LEX_BACKSLASH_ESCAPES);
    ck_assert_uint_ge(r.round_trips, 1);
    ck_assert_int_eq(run(C, "INSERT INTO a VALUES (1,'x'),(2,'y')", &r), MIGRATE_OK);
    ck_assert_int_eq(r.affected, 2);
    ck_assert_str_eq(value(C, "SELECT s FROM a WHERE id=2"), "y");
    must(C, "START TRANSACTION");
    ck_assert_int_eq(run(C, "DELETE FROM a", &r), MIGRATE_OK);
    ck_assert_uint_eq(r.tx, MIGRATE_TX_OPEN);
    ck_assert_int_eq(run(C, "ROLLBACK", &r), MIGRATE_OK);
    ck_assert_uint_eq(r.tx, MIGRATE_TX_NONE);
    ck_assert_int_eq(run(C, "INSERT INTO a VALUES (1,'z')", &r), MIGRATE_E_SQL);
    ck_assert_uint_eq(r.outcome, MIGRATE_OUTCOME_FAILED);
    ck_assert_uint_eq(H.klass, MIGRATE_FAULT_CONSTRAINT);
    ck_assert_int_eq(H.code, 1062);
    ck_assert_str_eq(H.sqlstate, "23000");
}
END_TEST

START_TEST(test_info)
{
    migrate_info info = { .struct_size = sizeof info };
    ck_assert_msg(my->info(C, &info, NULL) == MIGRATE_OK, "%s", H.message);
    ck_assert_str_eq(info.flavour, is_mariadb() ? "mariadb" : "mysql");
    ck_assert_uint_ge(info.version, is_mariadb() ? 100600 : 80000);
    ck_assert_str_eq(info.database, "t_driver");
    ck_assert(info.caps & MIGRATE_CAP_SESSION_LOCK);
    ck_assert(info.caps & MIGRATE_CAP_DDL_ATOMIC);
    ck_assert(!(info.flags & (MIGRATE_INFO_POOLED | MIGRATE_INFO_READ_ONLY)));
    ck_assert_ptr_nonnull(strstr(info.session_id, "@"));
    fprintf(stderr, "%s %s %s %s\n", info.product, info.version_text, info.session_id, info.address);
}
END_TEST

START_TEST(test_fingerprint)
{
    const migrate_object o = { .struct_size = sizeof o, .kind = MIGRATE_OBJECT_TABLE, .name = { "a", 1 } };
    char before[200];
    const char *sql = NULL;
    uint32_t proves = MIGRATE_PROVES_IDENTITY | MIGRATE_PROVES_REBUILD;
    migrate_info info = { .struct_size = sizeof info };
    ck_assert_int_eq(my->info(C, &info, NULL), MIGRATE_OK);
    must(C, "CREATE TABLE a (id int PRIMARY KEY, s varchar(20))");
    ck_assert_msg(my->fingerprint(C, &o, &sql, &proves, NULL) == MIGRATE_OK, "%s", H.message);
    ck_assert_uint_eq(proves, 7);
    char text[20000];
    snprintf(text, sizeof text, "SELECT %s", sql);
    snprintf(before, sizeof before, "%s", value(C, text));
    fprintf(stderr, "%zu %s\n", strlen(text), before);
    must(C, "ALTER TABLE a ADD COLUMN x int");
    ck_assert_str_ne(before, value(C, text));
}
END_TEST

START_TEST(test_lock)
{
    struct test_host h2;
    void *c2 = second(&h2);
    migrate_holder holder = { .struct_size = sizeof holder };
    ck_assert_int_eq(my->lock_holder(C, "k", &holder, NULL), MIGRATE_DONE);
    ck_assert_int_eq(my->try_lock(C, "k", &holder, NULL), MIGRATE_OK);
    ck_assert_int_eq(my->try_lock(C, "k", NULL, NULL), MIGRATE_BUSY);
    ck_assert_int_eq(my->try_lock(c2, "k", &holder, NULL), MIGRATE_BUSY);
    fprintf(stderr, "%s %s %s %s %s\n", holder.session_id, holder.application, holder.host, holder.user, holder.doing);
    ck_assert_int_eq(my->unlock(c2, "k", NULL), MIGRATE_E_LOCK_LOST);
    ck_assert_int_eq(my->unlock(C, "k", NULL), MIGRATE_OK);
    ck_assert_int_eq(my->try_lock(c2, "k", &holder, NULL), MIGRATE_OK);
    my->close(c2);
    host_free(&h2);
}
END_TEST

void add_exec(Suite *s)
{
    TCase *t = new_case(s, "exec", connect_setup, connect_teardown);
    tcase_add_test(t, test_outcomes);
    tcase_add_test(t, test_info);
    tcase_add_test(t, test_fingerprint);
    tcase_add_test(t, test_lock);
}
