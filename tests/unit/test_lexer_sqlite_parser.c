/* SPDX-License-Identifier: Apache-2.0 */

/* The cuts of the library's lexer, held against the tail of sqlite3_prepare_v2(). */

#include "cutting.h"
#include "unit.h"

#include <sqlite3.h>

/* Texts made of what is hard to cut: wherever SQLite's own parser accepts a statement, it ends where we say. */
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

/* Blanks, comments and BOMs in front of a statement are the lexer's to pass over, and the parser's too. */
static bool only_terminator(const char *from, const char *to)
{
    struct mig_sql_config config = { .dialect = MIGRATE_DIALECT_SQLITE };
    struct cutting c = cut(&config, from, (size_t)(to - from), 0);
    bool nothing = c.n == 0 && c.status == MIGRATE_DONE;
    cutting_free(&c);
    return nothing;
}

static unsigned compare(sqlite3 *db, const char *text, size_t len)
{
    struct mig_sql_config config = { .dialect = MIGRATE_DIALECT_SQLITE };
    struct cutting c = cut(&config, text, len, 0);
    size_t bom = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* not counted in front */
    unsigned agreed = 0;
    for (size_t i = 0; i < c.n; i++) {
        const char *begin = text + bom + c.pieces[i].offset, *tail = NULL;
        sqlite3_stmt *stmt = NULL;
        if (sqlite3_prepare_v2(db, begin, (int)c.pieces[i].len, &stmt, NULL) == SQLITE_OK && !stmt)
            continue; /* a BOM alone, which is a blank to SQLite wherever it stands */
        sqlite3_finalize(stmt);
        stmt = NULL;
        if (sqlite3_prepare_v2(db, begin, -1, &stmt, &tail) == SQLITE_OK && stmt) {
            ck_assert_msg(tail >= begin + c.pieces[i].len && only_terminator(begin + c.pieces[i].len, tail),
                          "SQLite ends after %zu bytes, we after %zu: %s", (size_t)(tail - begin), c.pieces[i].len, begin);
            agreed++;
        }
        sqlite3_finalize(stmt);
    }
    if (c.status == MIGRATE_E_PARSE) { /* then SQLite must not find a whole statement there either */
        size_t at = c.n ? bom + c.pieces[c.n - 1].offset + c.pieces[c.n - 1].len : bom;
        const char *tail = NULL;
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db, text + at + strspn(text + at, "; \r\n"), -1, &stmt, &tail);
        ck_assert_msg(rc != SQLITE_OK || !stmt || tail[-1] == ';', "SQLite takes: %s", text + at);
        sqlite3_finalize(stmt);
    }
    cutting_free(&c);
    return agreed;
}

START_TEST(cuts_are_the_parsers)
{
    sqlite3 *db = NULL;
    char text[2000];
    unsigned seed = 20261, agreed = 0;
    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "CREATE TABLE t (a)", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < 20000; i++)
        agreed += compare(db, text, make_text(&seed, text, sizeof text));
    ck_assert_uint_gt(agreed, 20000);
    printf("%u statements end where SQLite's parser ends them\n", agreed);
    sqlite3_close(db);
}
END_TEST

UNIT_MAIN("lexer_sqlite_parser", cuts_are_the_parsers)
