/* SPDX-License-Identifier: Apache-2.0 */

/* The SQLite driver: what is told of statements, and where they end. */

#include "sqlite_conn.h"

#include <jansson.h>

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

/* ---- where statements end ---------------------------------------------------- */

static void expect_cut(const char *name, const char *text, size_t len, const json_t *want, bool fails)
{
    size_t at = 0, n = 0;
    bool failed = false;
    while (at < len && !failed) {
        size_t used, stmt_at, stmt_len;
        migrate_status status =
            driver()->split(conn, text + at, len - at, 1, &used, &stmt_at, &stmt_len, NULL);
        failed = status == MIGRATE_E_PARSE;
        ck_assert_msg(failed || status == MIGRATE_OK, "%s: %s", name, lone.message);
        if (failed || !stmt_len) {
            at += used;
            continue;
        }
        const char *piece = json_string_value(json_array_get(want, n++));
        ck_assert_msg(piece && strlen(piece) == stmt_len && memcmp(piece, text + at + stmt_at, stmt_len) == 0,
                      "%s: statement %zu: got '%.*s'", name, n, (int)stmt_len, text + at + stmt_at);
        at += used;
    }
    ck_assert_msg(failed == fails, "%s: %s", name, failed ? lone.message : "an error was not seen");
    ck_assert_msg(fails || n == json_array_size(want), "%s: %zu statements", name, n);
}

START_TEST(vectors_are_cut)
{
    json_t *all = json_load_file(SOURCE_DIR "/tests/unit/data/statements.json", 0, NULL);
    ck_assert_ptr_nonnull(all);
    size_t index, seen = 0;
    json_t *v;
    open_name("v.db");
    json_array_foreach(all, index, v)
    {
        const json_t *sql = json_object_get(v, "sql");
        if (strcmp(json_string_value(json_object_get(v, "dialect")), "sqlite") == 0) {
            expect_cut(json_string_value(json_object_get(v, "name")), json_string_value(sql),
                       json_string_length(sql), json_object_get(v, "statements"),
                       json_object_get(v, "error") != NULL);
            seen++;
        }
    }
    ck_assert_uint_ge(seen, 14);
    json_decref(all);
}
END_TEST

/* Texts made of what is hard to cut: wherever SQLite's own parser accepts a statement, it ends where we say.
 */
static size_t make_text(unsigned *seed, char *out, size_t size)
{
    static const char *const parts[] = {
        "SELECT 1",
        "SELECT ';'",
        "SELECT \"a;b\" AS x",
        "SELECT [a;b] FROM (SELECT 1 AS [a;b])",
        "SELECT 'it''s;'",
        "-- c;\n",
        "/* ; */",
        "/*/ ; */",
        ";",
        ";;",
        " ",
        "\n",
        "SELECT $a(;x)",
        "SELECT :a::b, @x, ?1",
        "SELECT x'3B'",
        "SELECT `;`",
        "CREATE TEMP TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; SELECT 'END;'; END",
        "EXPLAIN SELECT 1",
        "BEGIN",
        "END",
        "CREATE TABLE end (begin, trigger)",
        "EXPLAIN CREATE TRIGGER h AFTER DELETE ON t BEGIN DELETE FROM t; END",
        ", 2",
        "SELECT 1 AS end",
        "\xef\xbb\xbf",
        "SELECT '\xc3\xa4;'",
        "SELECT 1->'$.a;'",
        "COMMIT",
        "/**/",
        "--\n",
        "\r",
        "''",
    };
    size_t len = 0;
    out[0] = '\0';
    for (int i = 0; i < 12; i++) {
        const char *part = parts[rand_r(seed) % (sizeof(parts) / sizeof(parts[0]))];
        len += (size_t)snprintf(out + len, size - len, "%s%s", part, rand_r(seed) % 3 ? ";" : " ");
    }
    return len;
}

START_TEST(cuts_are_the_parsers)
{
    sqlite3 *db = NULL;
    char text[2000];
    unsigned seed = 20261, agreed = 0;
    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    other_sql(db, "CREATE TABLE t (a)");
    open_name("v.db");
    for (int i = 0; i < 20000; i++) {
        size_t len = make_text(&seed, text, sizeof(text)), at = 0;
        while (at < len) {
            size_t used = 0, stmt_at, stmt_len;
            sqlite3_stmt *stmt = NULL;
            const char *tail = NULL;
            if (driver()->split(conn, text + at, len - at, 1, &used, &stmt_at, &stmt_len, NULL) !=
                MIGRATE_OK) {
                /* Then SQLite must not find a whole statement there either. */
                int rc = sqlite3_prepare_v2(db, text + at, -1, &stmt, &tail);
                ck_assert_msg(rc != SQLITE_OK || !stmt || tail[-1] == ';', "SQLite takes: %s", text + at);
                sqlite3_finalize(stmt);
                break;
            }
            int rc = sqlite3_prepare_v2(db, text + at + stmt_at, -1, &stmt, &tail);
            if (rc == SQLITE_OK && stmt) {
                size_t end = (size_t)(tail - text);
                ck_assert_msg(end == at + used, "SQLite ends after %zu bytes, we after %zu: %s", end - at,
                              used, text + at);
                agreed++;
            }
            sqlite3_finalize(stmt);
            at += used;
        }
    }
    ck_assert_uint_gt(agreed, 20000);
    printf("%u statements end where SQLite's parser ends them\n", agreed);
    sqlite3_close(db);
}
END_TEST

TEST_MAIN("sqlite-statements", two_statements, nul_byte, in_line_data, wrong_number_of_values,
          rolls_back_by_itself, deferred_constraint, not_in_a_transaction, blobs_and_numbers_as_text,
          vectors_are_cut, cuts_are_the_parsers)
