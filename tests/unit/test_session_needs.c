/* SPDX-License-Identifier: Apache-2.0 */
/* What a statement needs of a session, for servers that have none. */
#include "unit.h"

#include <migrate/driver.h>

#include "sql/session_needs.h"

static const char *need(uint32_t dialect, const char *sql)
{
    struct mig_sql_dialect_info di = { .dialect = dialect, .lex = dialect == MIGRATE_DIALECT_POSTGRES
                                                                      ? MIGRATE_LEX_DOLLAR_QUOTES
                                                                      : MIGRATE_LEX_BACKSLASH_ESCAPES };
    struct mig_sql_facts facts;
    mig_sql_classify(&di, sql, strlen(sql), &facts);
    if (mig_sql_takes_session_lock(&di, sql, strlen(sql)))
        return "lock";
    const char *what = mig_sql_session_need(&di, &facts, sql, strlen(sql));
    return what ? what : "nothing";
}

START_TEST(postgres)
{
    static const char *const rows[][2] = {
        { "SET statement_timeout = '5s'", "a setting of the session" },
        { "set search_path to app", "a setting of the session" },
        { "CREATE TEMP TABLE x (id int)", "a temporary table" },
        { "SELECT pg_advisory_lock(1)", "lock" },
        { "SELECT pg_catalog.pg_try_advisory_lock (1, 2)", "lock" },
        { "select /* one */ PG_ADVISORY_LOCK_SHARED(1)", "lock" },
        { "SELECT pg_advisory_xact_lock(1)", "nothing" },
        { "SELECT 'pg_advisory_lock(1)'", "nothing" },
        { "SELECT 1 -- pg_advisory_lock(1)", "nothing" },
        { "CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC SELECT pg_advisory_lock(1); END", "nothing" },
        { "CREATE INDEX CONCURRENTLY i ON t (a)", "nothing" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_str_eq(need(MIGRATE_DIALECT_POSTGRES, rows[i][0]), rows[i][1]);
}
END_TEST

START_TEST(mysql)
{
    static const char *const rows[][2] = {
        { "SET FOREIGN_KEY_CHECKS = 0", "a setting of the session" },
        { "SET @x = 1", "a setting of the session" },
        { "SET NAMES utf8mb4", "nothing" },
        { "SET NAMES latin1", "a setting of the session" },
        { "CREATE TEMPORARY TABLE x (id int)", "a temporary table" },
        { "LOCK TABLES t WRITE", "a lock on tables" },
        { "SELECT GET_LOCK('a', 1)", "lock" },
        { "DO GET_LOCK('a', 1)", "lock" },
        { "SELECT \"GET_LOCK('a', 1)\"", "nothing" },
        { "CREATE PROCEDURE p() BEGIN DO GET_LOCK('a', 1); END", "nothing" },
        { "ALTER TABLE t ADD get_lock int", "nothing" },
        { "INSERT INTO t (get_lock) VALUES (1)", "nothing" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_str_eq(need(MIGRATE_DIALECT_MYSQL, rows[i][0]), rows[i][1]);
}
END_TEST

UNIT_MAIN("session needs", postgres, mysql)
