/* SPDX-License-Identifier: Apache-2.0 */

/* The SQLite driver: what is told of statements. */

#include "sqlite_conn.h"

/* ---- statements ------------------------------------------------------------ */

START_TEST(two_statements)
{
    open_name("s.db");
    must("CREATE TABLE t (a)");
    must_fail("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)", MIGRATE_FAULT_SYNTAX,
              "more than one statement");
    ck_assert_uint_eq(lone.result.outcome, MIGRATE_OUTCOME_NONE);
    expect("SELECT COUNT(*) FROM t", "0\n");
    must("INSERT INTO t VALUES (3); -- and a remark");
    expect("SELECT a FROM t", "3\n");
}
END_TEST

START_TEST(nul_byte)
{
    static const char sql[] = "SELECT 1\0; SELECT 2";
    migrate_stmt stmt = { .struct_size = sizeof(stmt), .sql = sql, .sql_len = sizeof(sql) - 1 };
    open_name("s.db");
    ck_assert_int_ge(driver()->exec(conn, &stmt, &lone.result, NULL), 100);
    ck_assert_ptr_nonnull(strstr(lone.message, "NUL"));
}
END_TEST

START_TEST(in_line_data)
{
    migrate_stmt stmt = { .struct_size = sizeof(stmt), .sql = "SELECT 1", .sql_len = 8 };
    stmt.data = (migrate_data_fn)(void (*)(void))abort;
    open_name("s.db");
    ck_assert_int_eq(driver()->exec(conn, &stmt, &lone.result, NULL), MIGRATE_E_UNSUPPORTED);
    ck_assert_uint_eq(lone.result.outcome, MIGRATE_OUTCOME_NONE);
}
END_TEST

START_TEST(wrong_number_of_values)
{
    static const migrate_text values[] = { { "1", 1 }, { "2", 1 } };
    migrate_stmt stmt = {
        .struct_size = sizeof(stmt), .sql = "SELECT ?", .sql_len = 8, .n_params = 2, .params = values
    };
    open_name("s.db");
    ck_assert_int_eq(driver()->exec(conn, &stmt, &lone.result, NULL), MIGRATE_E_ARGUMENT);
}
END_TEST

/* Statements that end the transaction they run in are noticed. */
START_TEST(rolls_back_by_itself)
{
    open_name("s.db");
    must("CREATE TABLE t (a UNIQUE)");
    must("CREATE TRIGGER tr BEFORE INSERT ON t WHEN NEW.a = 9 BEGIN SELECT RAISE(ROLLBACK, 'nine is "
         "refused'); END");
    must("INSERT INTO t VALUES (1)");
    for (int i = 0; i < 2; i++) {
        must("BEGIN IMMEDIATE");
        must("INSERT INTO t VALUES (2)");
        ck_assert_uint_eq(lone.result.tx, MIGRATE_TX_OPEN);
        must_fail(i ? "INSERT INTO t VALUES (9)" : "INSERT OR ROLLBACK INTO t VALUES (1)",
                  MIGRATE_FAULT_CONSTRAINT, "");
        ck_assert_uint_eq(lone.result.outcome, MIGRATE_OUTCOME_FAILED);
        ck_assert_uint_eq(lone.result.tx, MIGRATE_TX_NONE);
        expect("SELECT a FROM t", "1\n");
    }
}
END_TEST

START_TEST(deferred_constraint)
{
    open_name("s.db");
    must("PRAGMA foreign_keys = ON");
    must("CREATE TABLE p (id INTEGER PRIMARY KEY)");
    must("CREATE TABLE c (p REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED)");
    must("BEGIN IMMEDIATE");
    must("INSERT INTO c VALUES (1)");
    must_fail("COMMIT", MIGRATE_FAULT_CONSTRAINT, "FOREIGN KEY");
    ck_assert_uint_eq(lone.result.outcome, MIGRATE_OUTCOME_FAILED);
    ck_assert_uint_eq(lone.result.tx, MIGRATE_TX_OPEN);
    must("INSERT INTO p VALUES (1)");
    must("COMMIT");
    ck_assert_uint_eq(lone.result.tx, MIGRATE_TX_NONE);
    ck_assert_str_eq(lone.result.tag, "COMMIT");
}
END_TEST

START_TEST(not_in_a_transaction)
{
    open_name("s.db");
    must("CREATE TABLE t (a)");
    must("BEGIN IMMEDIATE");
    must_fail("VACUUM", MIGRATE_FAULT_NOT_IN_TX, "within a transaction");
    must_fail("BEGIN", MIGRATE_FAULT_NOT_IN_TX, "within a transaction");
    ck_assert_uint_eq(lone.result.tx, MIGRATE_TX_OPEN);
    must("ROLLBACK");
    must("VACUUM");
}
END_TEST

START_TEST(blobs_and_numbers_as_text)
{
    open_name("s.db");
    expect("SELECT 1.5, 1e100, x'616263', x'', 9223372036854775807, zeroblob(0)",
           "1.5|1.0e+100|abc||9223372036854775807|\n");
}
END_TEST

TEST_MAIN("sqlite-statements", two_statements, nul_byte, in_line_data, wrong_number_of_values,
          rolls_back_by_itself, deferred_constraint, not_in_a_transaction, blobs_and_numbers_as_text)
