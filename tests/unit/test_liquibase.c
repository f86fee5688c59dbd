/* SPDX-License-Identifier: Apache-2.0 */

/* Liquibase's formatted SQL: change sets, rollbacks, attributes, preconditions, properties, filters. */

#include "layouts.h"
#include "unit.h"

#define HEAD "--liquibase formatted sql\n"

static void expect_one(const char *text, const char *dump)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "db/x.sql", text);
    layouts_expect(&l, "liquibase", dump);
    layouts_free(&l);
}

static void expect_bad(const char *text, int32_t status, uint64_t line, const char *words)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "x.sql", text);
    layouts_expect_fail(&l, status, "x.sql", line, words);
    layouts_free(&l);
}

START_TEST(change_sets)
{
    expect_one(
        HEAD "\n--changeset alice:1\nCREATE TABLE a (x int);\n--rollback DROP TABLE a;\n\n"
             "-- changeset bob:add-b runInTransaction:true\n--comment: second one\nCREATE TABLE b (x int);\n"
             "CREATE TABLE c (x int);\n--rollback DROP TABLE c;\n--rollback DROP TABLE b;\n",
        "V db/x.sql::1::alice|1 up=db/x.sql[CREATE TABLE a (x int);] down=db/x.sql[DROP TABLE a;~]\n"
        "V db/x.sql::add-b::bob|second one up=db/x.sql[CREATE TABLE b (x int);~CREATE TABLE c (x int);] "
        "down=db/x.sql[DROP TABLE c;~DROP TABLE b;~]\n");
    expect_one(
        "\n  -- LIQUIBASE FORMATTED SQL logicalFilePath:other/path.sql\n--CHANGESET \"a b\":\"c d\"\nA;\n",
        "V other/path.sql::c d::a b|c d up=db/x.sql[A;]\n");
    expect_one(HEAD "--changeset a:1\r\nA;\r\n--rollback B;\r\n--rollback C;\r\n",
               "V db/x.sql::1::a|1 up=db/x.sql[A;] down=db/x.sql[B;\r~C;\r~]\n");
    expect_one("\xef\xbb\xbf" HEAD "--changeset a:1\nA;\n--rollback B;",
               "V db/x.sql::1::a|1 up=db/x.sql[A;] down=db/x.sql[B;]\n");
    expect_one(HEAD, "");
    expect_one(HEAD "--changeset a:1\n--changeset a:2\n",
               "V db/x.sql::1::a|1 up=db/x.sql[]\nV db/x.sql::2::a|2 up=db/x.sql[]\n");
}
END_TEST

START_TEST(what_is_no_comment)
{
    expect_one(
        HEAD
        "--changeset a:1\nSELECT '\n--changeset b:2\n--rollback x\n';\nSELECT $$\n--changeset c:3\n$$;\n",
        "V db/x.sql::1::a|1 up=db/x.sql[SELECT '~--changeset b:2~--rollback x~';~SELECT $$~--changeset "
        "c:3~$$;]\n");
}
END_TEST

START_TEST(rollbacks)
{
    expect_one(HEAD "--changeset a:1\nA;\n/* liquibase rollback\nDROP a;\nDROP b;\n*/\nB;\n--changeset "
                    "a:2\nC;\n--rollback "
                    "empty\n--changeset a:3\nD;\n-- rollback not required\n--changeset a:4\nE;\n",
               "V db/x.sql::1::a|1 up=db/x.sql[A;~B;] down=db/x.sql[DROP a;~DROP b;~]\n"
               "V db/x.sql::2::a|2 up=db/x.sql[C;] down=db/x.sql[]\n"
               "V db/x.sql::3::a|3 up=db/x.sql[D;] down=db/x.sql[]\n"
               "V db/x.sql::4::a|4 up=db/x.sql[E;]\n");
    expect_bad(HEAD "--changeset a:1\nA;\n--rollback changesetId:7 changesetAuthor:b\n", MIGRATE_E_DIRECTIVE,
               4, "a rollback that names a change set");
    expect_bad(HEAD "--changeset a:1\nA;\n/* liquibase rollback\nDROP a;\n", MIGRATE_E_PARSE, 4, "");
}
END_TEST

START_TEST(attributes)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(
        &l, "x.sql",
        HEAD
        "--changeset a:1 runInTransaction:false splitStatements:false stripComments:true\nA;\n"
        "--changeset a:2 endDelimiter:// rollbackEndDelimiter:\\nGO runOnChange:true\nA//\n--rollback B\n"
        "--changeset a:3 runAlways:true rollbackSplitStatements:false\nA;\n--rollback B;C;\n"
        "--changeset a:4 logicalFilePath:y.sql endDelimiter:\"/\\s*\\n\"\n-- migrate: lock-timeout=3s "
        "tags=t\nA;\n");
    ck_assert_msg(layouts_read(&l) == MIGRATE_OK, "%s:%d", layouts_message(&l), (int)l.diag.line);
    const struct mig_migration *m = l.set->items;
    ck_assert_uint_eq(l.set->count, 4);
    ck_assert(l.set->file_order);
    ck_assert_int_eq(m[0].directives->tx_up, MIG_TX_OFF);
    ck_assert_int_eq(m[0].directives->tx_down, MIG_TX_OFF);
    ck_assert(m[0].flags & MIG_MIGRATION_WHOLE);
    ck_assert_ptr_null(m[0].directives->terminator_up);
    ck_assert_str_eq(m[1].directives->terminator_up, "//");
    ck_assert_str_eq(m[1].directives->terminator_down, "\nGO");
    ck_assert(m[1].flags & MIG_MIGRATION_RUN_ON_CHANGE);
    ck_assert(!(m[1].flags & (MIG_MIGRATION_WHOLE | MIG_MIGRATION_WHOLE_DOWN)));
    ck_assert(m[2].flags & MIG_MIGRATION_RUN_ALWAYS);
    ck_assert(m[2].flags & MIG_MIGRATION_WHOLE_DOWN);
    ck_assert_str_eq(m[3].version, "y.sql::4::a");
    ck_assert_str_eq(m[3].directives->terminator_up, "/\n");
    ck_assert_int_eq(m[3].directives->lock_timeout_ms, 3000);
    ck_assert_str_eq(m[3].directives->tags, "t");
    layouts_free(&l);
}
END_TEST

START_TEST(preconditions)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "x.sql",
                HEAD "--changeset a:1\n--preconditions onFail:MARK_RAN onError:HALT\n"
                     "--precondition-sql-check expectedResult:0 SELECT COUNT(*) FROM t;\nA;\n"
                     "--changeset a:2\n--precondition-sql-check 'it''s' SELECT x\nA;\n"
                     "--changeset a:3\n--precondition-sql-check expectedResult:\"a b\" SELECT y\n"
                     "--precondition-sql-check expectedResult:1 SELECT z\nA;\n");
    layouts_expect(
        &l, "liquibase",
        "V x.sql::1::a|1 up=x.sql[A;]\nV x.sql::2::a|2 up=x.sql[A;]\nV x.sql::3::a|3 up=x.sql[A;]\n");
    const struct mig_directives *d = l.set->items[0].directives;
    ck_assert_str_eq(d->precondition_sql, "SELECT COUNT(*) FROM t");
    ck_assert_str_eq(d->precondition_expect, "0");
    ck_assert_str_eq(d->precondition_on_fail, "MARK_RAN");
    d = l.set->items[1].directives;
    ck_assert_str_eq(d->precondition_expect, "it");
    ck_assert_str_eq(d->precondition_on_fail, "HALT");
    d = l.set->items[2].directives;
    ck_assert_str_eq(d->precondition_sql,
                     "SELECT CASE WHEN CAST((SELECT y) AS TEXT) = 'a b' AND CAST((SELECT z) AS TEXT) = "
                     "'1' THEN 1 ELSE 0 END");
    ck_assert_str_eq(d->precondition_expect, "1");
    layouts_free(&l);
    expect_bad(HEAD "--changeset a:1\n--preconditions onFail:EXPLODE\n", MIGRATE_E_DIRECTIVE, 3,
               "onFail:EXPLODE");
    expect_bad(HEAD "--changeset a:1\n--preconditions onError:WARN\n", MIGRATE_E_DIRECTIVE, 3,
               "onError:WARN");
    expect_bad(HEAD "--changeset a:1\n--precondition-table-exists table:x\n", MIGRATE_E_DIRECTIVE, 3,
               "not supported: precondition \"table-exists\"");
    expect_bad(HEAD "--changeset a:1\n--precondition-sql-check expectedResult:1\n", MIGRATE_E_DIRECTIVE, 3,
               "no query");
}
END_TEST

START_TEST(properties)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(
        &l, "1.sql",
        HEAD
        "--property name:type value:text dbms:oracle\n--property name:type value:varchar dbms:postgresql\n"
        "--property name:type value:second\n--property name:own value:here global:false\n"
        "--changeset a:1\nA ${type} ${own} ${unknown};\n");
    layouts_add(&l, "2.sql", HEAD "--changeset a:1\nB ${type} ${own};\n");
    layouts_expect(&l, "liquibase",
                   "V 1.sql::1::a|1 up=1.sql[A varchar here ${unknown};]\nV 2.sql::1::a|1 up=2.sql[B varchar "
                   "${own};]\n");
    layouts_free(&l);
    expect_bad(HEAD "--property name:x\n", MIGRATE_E_DIRECTIVE, 2, "a property has no name or no value");
}
END_TEST

static bool runs(struct layouts *l, size_t i)
{
    return !(l->set->items[i].flags & MIG_MIGRATION_EXCLUDED);
}

START_TEST(filters)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(
        &l, "x.sql",
        HEAD
        "--changeset a:0\nA;\n--changeset a:1 context:test\nA;\n--changeset a:2 contextFilter:\"!test and "
        "prod\" "
        "context:ignored\nA;\n--changeset a:3 labels:x,y\nA;\n--changeset a:4 dbms:oracle,mssql\nselect "
        "q'[it's]' from dual\n/\n--changeset a:5 dbms:!postgresql\nA '\n--changeset a:6 "
        "dbms:postgresql,mysql "
        "context:\"(a or b),c\"\nA;\n--changeset a:7 ignore:true\nA;\n--changeset a:8 context:@strict\nA;\n");
    ck_assert_msg(layouts_read(&l) == MIGRATE_OK, "%s:%d", layouts_message(&l), (int)l.diag.line);
    ck_assert_uint_eq(l.set->count, 9);
    bool all[] = { true, true, true, true, false, false, true, false, false };
    for (size_t i = 0; i < 9; i++)
        ck_assert_int_eq(runs(&l, i), all[i]);
    l.options.contexts = "prod, C";
    l.options.labels = "y and !z";
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    bool prod[] = { true, false, true, true, false, false, true, false, false };
    for (size_t i = 0; i < 9; i++)
        ck_assert_int_eq(runs(&l, i), prod[i]);
    l.options.contexts = "test,strict";
    l.options.labels = "z or (q)";
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    bool test[] = { true, true, false, false, false, false, false, false, true };
    for (size_t i = 0; i < 9; i++)
        ck_assert_int_eq(runs(&l, i), test[i]);
    layouts_free(&l);
}
END_TEST

START_TEST(the_same_for_several_engines)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "x.sql",
                HEAD "--changeset a:1 dbms:mysql\nM;\n--changeset a:1 dbms:postgresql\nP;\n--changeset a:1 "
                     "dbms:sqlite\nS;\n"
                     "--changeset a:2\nX;\n");
    layouts_expect(&l, "liquibase", "V x.sql::1::a|1 up=x.sql[P;]\nV x.sql::2::a|2 up=x.sql[X;]\n");
    layouts_free(&l);
    expect_bad(HEAD "--changeset a:1\nM;\n--changeset a:1\nP;\n", MIGRATE_E_DUPLICATE, 5,
               "the change set x.sql::1::a is there twice");
}
END_TEST

START_TEST(order_and_finding)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "b.sql", HEAD "--changeset a:z\nA;\n--changeset a:y\nB;\n");
    layouts_add(&l, "a10.sql", HEAD "--changeset a:1\nA;\n");
    layouts_add(&l, "a9.sql", HEAD "--changeset a:1\nA;\n");
    layouts_expect(&l, "liquibase",
                   "V a9.sql::1::a|1 up=a9.sql[A;]\nV a10.sql::1::a|1 up=a10.sql[A;]\n"
                   "V b.sql::z::a|z up=b.sql[A;]\nV b.sql::y::a|y up=b.sql[B;]\n");
    ck_assert_int_lt(mig_set_compare(l.set, "b.sql::z::a", "b.sql::y::a"), 0);
    ck_assert_int_gt(mig_set_compare(l.set, "elsewhere", "b.sql::y::a"), 0);
    for (size_t i = 0; i < l.set->count; i++)
        ck_assert_ptr_eq(mig_set_find(l.set, MIGRATE_KIND_VERSIONED, l.set->items[i].version),
                         &l.set->items[i]);
    ck_assert_ptr_null(mig_set_find(l.set, MIGRATE_KIND_VERSIONED, "b.sql::x::a"));
    ck_assert_int_eq(mig_set_check_order(l.set, NULL, NULL, NULL), MIGRATE_E_ORDER);
    l.options.order = "bytes";
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    ck_assert_str_eq(l.set->items[0].version, "a10.sql::1::a");
    ck_assert_int_eq(mig_set_check_order(l.set, NULL, NULL, NULL), MIGRATE_OK);
    layouts_free(&l);
}
END_TEST

START_TEST(ignored_lines)
{
    expect_one(
        HEAD "--changeset a:1\nA;\n--ignoreLines:2\nit's\nnothing\nB;\n--ignoreLines:start\n\\connect x\n'\n"
             "--ignoreLines:end\nC;\n--changeset a:2\nD;\n",
        "V db/x.sql::1::a|1 up=db/x.sql[A;~B;~C;]\nV db/x.sql::2::a|2 up=db/x.sql[D;]\n");
    expect_bad(HEAD "--changeset a:1\n--ignoreLines:many\n", MIGRATE_E_DIRECTIVE, 3, "nothing to ignore");
    expect_bad(HEAD "--changeset a:1\n--ignoreLines:start\nx\n", MIGRATE_E_DIRECTIVE, 3, "has no end");
}
END_TEST

static char *checksum_of(const char *text)
{
    struct layouts l;
    char *hex = malloc(65);
    layouts_init(&l);
    layouts_add(&l, "x.sql", text);
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    mig_hex(l.set->items[0].checksum, MIG_SHA256_LEN, hex);
    layouts_free(&l);
    return hex;
}

/* The SQL counts; rollbacks, attributes, and the change sets around it do not. */
START_TEST(checksums)
{
    char *a = checksum_of(HEAD "--changeset a:1\nA;\nB;\n--rollback X;\n--changeset a:2\nC;\n");
    char *b = checksum_of(
        HEAD "\n--changeset a:1 runOnChange:true\n--comment hello\n\nA;\r\nB;\n\n\n--rollback Y;\n");
    char *c = checksum_of(HEAD "--changeset a:1\nA;\nBB;\n");
    ck_assert_str_eq(a, b);
    ck_assert_str_ne(a, c);
    free(a);
    free(b);
    free(c);
}
END_TEST

START_TEST(lines)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "x.sql", HEAD "--changeset a:1\n--comment c\n\nA;\n--rollback X;\n\nB;\n");
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    const struct mig_part *up = &l.set->items[0].up;
    ck_assert_uint_eq(up->n_ranges, 2);
    ck_assert_uint_eq(up->ranges[0].line, 5);
    ck_assert_uint_eq(up->ranges[1].line, 8);
    ck_assert_uint_eq(l.set->items[0].down->ranges[0].line, 6);
    layouts_free(&l);
}
END_TEST

START_TEST(bad)
{
    expect_bad(HEAD "SELECT 1;\n--changeset a:1\nA;\n", MIGRATE_E_DIRECTIVE, 2, "belongs to no change set");
    expect_bad(HEAD "--changeset nothing\nA;\n", MIGRATE_E_DIRECTIVE, 2, "has no author and id");
    expect_bad(HEAD "--changeset a:\nA;\n", MIGRATE_E_DIRECTIVE, 2, "has no id");
    expect_bad(HEAD "--changeset a:1 runInTransactions:false\nA;\n", MIGRATE_E_DIRECTIVE, 2,
               "unknown attribute \"runInTransactions\"");
    expect_bad(HEAD "--changeset a:1 runInTransaction:no\nA;\n", MIGRATE_E_DIRECTIVE, 2,
               "neither true nor false");
    expect_bad(HEAD "--changeset a:1 failOnError:false\nA;\n", MIGRATE_E_DIRECTIVE, 2,
               "not supported: failOnError");
    expect_bad(HEAD "--changeset a:1 runWith:psql\nA;\n", MIGRATE_E_DIRECTIVE, 2, "not supported: runWith");
    expect_bad(HEAD "--changeset a:1\n--include file:y.sql\n", MIGRATE_E_DIRECTIVE, 3, "not supported");
    expect_bad(HEAD "--changeset a:1\n-- migrate: nonsense\nA;\n", MIGRATE_E_DIRECTIVE, 3,
               "unknown directive");
    expect_bad(HEAD "--changeset a:1\nSELECT 'x;\n--changeset a:2\nA;\n", MIGRATE_E_PARSE, 3, "");
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "1.sql", HEAD "--changeset a:1\nA;\n");
    layouts_add(&l, "2.sql", "SELECT 1;");
    layouts_expect_fail(&l, MIGRATE_E_LAYOUT, "2.sql", 0, "1.sql is a Liquibase change log");
    layouts_free(&l);
}
END_TEST

UNIT_MAIN("liquibase", change_sets, what_is_no_comment, rollbacks, attributes, preconditions, properties,
          filters, the_same_for_several_engines, order_and_finding, ignored_lines, checksums, lines, bad)
