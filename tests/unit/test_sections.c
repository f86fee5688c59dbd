/* SPDX-License-Identifier: Apache-2.0 */

/* Section markers and directives, ours and other tools'. */

#include "layouts.h"
#include "unit.h"

static void expect_one(const char *text, const char *layout, const char *dump)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "1_x.sql", text);
    layouts_expect(&l, layout, dump);
    layouts_free(&l);
}

static void expect_bad(const char *text, int32_t status, uint64_t line, const char *words)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "1_x.sql", text);
    layouts_expect_fail(&l, status, "1_x.sql", line, words);
    layouts_free(&l);
}

START_TEST(dbmate)
{
    expect_one("-- migrate:up\nCREATE TABLE a (x int);\n\n-- migrate:down\nDROP TABLE a;\n", "sections",
               "V 1|x up=1_x.sql[~CREATE TABLE a (x int);~~] down=1_x.sql[~DROP TABLE a;~]\n");
    /* no blank, a missing semicolon, no line end */
    expect_one("--migrate:up\nSELECT 1\n--migrate:down\nSELECT 2", "sections",
               "V 1|x up=1_x.sql[~SELECT 1~] down=1_x.sql[~SELECT 2]\n");
    /* pairs of sections: down in the opposite order */
    expect_one("-- migrate:up\nA;\n-- migrate:down\nB;\n-- migrate:up\nC;\n-- migrate:down\nD;\n", "sections",
               "V 1|x up=1_x.sql[~A;~~C;~] down=1_x.sql[~D;~~B;~]\n");
    expect_one("-- migrate:up\r\nA;\r\n-- migrate:down\r\nB;\r\n", "sections",
               "V 1|x up=1_x.sql[\r~A;\r~] down=1_x.sql[\r~B;\r~]\n");
}
END_TEST

START_TEST(goose)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(
        &l, "1_x.sql",
        "-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION f() AS $$ -- "
        "+goose Down\n$$;\n-- +goose StatementEnd\n-- +goose Down\nDROP FUNCTION f;\n");
    layouts_expect(
        &l, "sections",
        "V 1|x up=1_x.sql[~-- +goose StatementBegin~CREATE FUNCTION f() AS $$ -- +goose Down~$$;~-- +goose "
        "StatementEnd~] down=1_x.sql[~DROP FUNCTION f;~]\n");
    ck_assert_int_eq(l.set->items[0].directives->tx_up, MIG_TX_OFF);
    ck_assert_int_eq(l.set->items[0].directives->tx_down, MIG_TX_OFF);
    ck_assert_uint_eq(l.set->items[0].flags, MIG_MIGRATION_GOOSE | MIG_MIGRATION_REVERSIBLE);
    layouts_free(&l);
    expect_bad("-- +goose Up\n-- +goose Upp\n", MIGRATE_E_DIRECTIVE, 2, "unknown annotation \"Upp\"");
    expect_bad("-- +goose Up\n-- +goose ENVSUB ON\n", MIGRATE_E_DIRECTIVE, 2, "the environment is not read");
}
END_TEST

START_TEST(sql_migrate)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "1_x.sql", "-- +migrate Up notransaction\nA;\n-- +migrate Down\nB;\n");
    layouts_expect(&l, "sections", "V 1|x up=1_x.sql[~A;~] down=1_x.sql[~B;~]\n");
    ck_assert_int_eq(l.set->items[0].directives->tx_up, MIG_TX_OFF);
    ck_assert_int_eq(l.set->items[0].directives->tx_down, MIG_TX_DEFAULT);
    layouts_free(&l);
}
END_TEST

START_TEST(node_pg_migrate)
{
    expect_one("-- Up Migration\nA;\n\n---- down  migration ----\nB;\n", "sections",
               "V 1|x up=1_x.sql[~A;~~] down=1_x.sql[~B;~]\n");
    expect_one("-- UP MIGRATION\nA;\n", "sections", "V 1|x up=1_x.sql[~A;~]\n");
    /* English in a plain file */
    expect_one("A;\n-- down migration is not needed\n", "plain",
               "V 1|x up=1_x.sql[A;~-- down migration is not needed~]\n");
    expect_one("-- migrate:up\nA;\n-- migrate:down\n-- down migration: drop\nB;\n", "sections",
               "V 1|x up=1_x.sql[~A;~] down=1_x.sql[~-- down migration: drop~B;~]\n");
    expect_bad("-- Down Migration\nDROP TABLE x;\n", MIGRATE_E_DIRECTIVE, 1, "there is no up section");
    expect_bad("CREATE TABLE x (a int);\n-- Down Migration\nDROP TABLE x;\n", MIGRATE_E_DIRECTIVE, 2,
               "there is no up section");
    expect_bad("CREATE TABLE x (a int);\n-- Up Migration\nDROP TABLE x;\n", MIGRATE_E_DIRECTIVE, 1,
               "a statement stands before the first section marker (line 2)");
    expect_bad("-- migrate:down\nDROP TABLE x;\n", MIGRATE_E_DIRECTIVE, 1,
               "no up section (\"-- migrate:up\")");
}
END_TEST

START_TEST(ours)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "1_x.sql",
                "-- migrate: retries=7\n-- migrate: up no-transaction lock-timeout=3s\n-- migrate: "
                "tags=a,b\n-- migrate: "
                "statement-timeout=5m tags=c\nA;\n-- migrate: down\n-- migrate: lock-timeout=250ms\nB;\n");
    layouts_expect(&l, "sections",
                   "V 1|x up=1_x.sql[~-- migrate: tags=a,b~-- migrate: statement-timeout=5m tags=c~A;~] "
                   "down=1_x.sql[~-- migrate: lock-timeout=250ms~B;~]\n");
    const struct mig_directives *d = l.set->items[0].directives;
    ck_assert_int_eq(d->tx_up, MIG_TX_OFF);
    ck_assert_int_eq(d->tx_down, MIG_TX_DEFAULT);
    ck_assert_int_eq(d->retries, 7);
    ck_assert_int_eq(d->retries_down, 7);
    ck_assert_int_eq(d->lock_timeout_ms, 3000);
    ck_assert_int_eq(d->lock_timeout_down_ms, 250);
    ck_assert_int_eq(d->statement_timeout_ms, 300000);
    ck_assert_int_eq(d->statement_timeout_down_ms, -1);
    ck_assert_str_eq(d->tags, "a,b,c");
    layouts_free(&l);
}
END_TEST

START_TEST(directives_of_plain_files)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "1_a.sql", "-- no-transaction\nVACUUM;\n");
    layouts_add(&l, "2_b.sql", "\xef\xbb\xbf-- no-transaction\nVACUUM;\n");
    layouts_add(&l, "3_c.sql", "/* x */\n  -- migrate: no-transaction\n\nVACUUM;\n");
    layouts_add(&l, "4_d.sql", "-- atlas:txmode none\n-- atlas:delimiter \\n\\n\n\nA");
    layouts_add(&l, "5_e.sql", "-- postgres-migrations disable-transaction\nA;");
    layouts_add(&l, "6_f.sql", "SELECT '\n-- migrate: nonsense\n';\nSELECT $$\n-- +goose Up\n$$;\n");
    layouts_add(&l, "7_g.sql", "SELECT 1; -- migrate: not at the begin of its line\n");
    layouts_add(&l, "8_h.sql", "-- morph:nontransactional\nA;");
    layouts_add(&l, "9_i.sql", "-- morph: said of something else\nA;");
    ck_assert_msg(layouts_read(&l) == MIGRATE_OK, "%s %s:%d", layouts_message(&l), l.diag.path,
                  (int)l.diag.line);
    ck_assert_str_eq(l.set->layout, "plain");
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(l.set->items[i].directives->tx_up, MIG_TX_OFF);
    ck_assert_str_eq(l.set->items[3].directives->terminator_up, "\n\n");
    ck_assert_ptr_null(l.set->items[4].directives->terminator_up);
    ck_assert_int_eq(l.set->items[5].directives->tx_up, MIG_TX_DEFAULT);
    ck_assert_int_eq(l.set->items[7].directives->tx_up, MIG_TX_OFF);
    ck_assert_int_eq(l.set->items[8].directives->tx_up, MIG_TX_DEFAULT);
    layouts_free(&l);
}
END_TEST

START_TEST(directives_of_pairs)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "1_a.up.sql", "-- migrate: no-transaction retries=3\nA;\n-- Down migration in words\n");
    layouts_add(&l, "1_a.down.sql", "-- migrate: lock-timeout=9s\n-- Down Migration\nB;\n");
    layouts_expect(&l, "pairs",
                   "V 1|a up=1_a.up.sql[-- migrate: no-transaction retries=3~A;~-- Down migration in words~] "
                   "down=1_a.down.sql[-- migrate: lock-timeout=9s~-- Down Migration~B;~]\n");
    const struct mig_directives *d = l.set->items[0].directives;
    ck_assert_int_eq(d->tx_up, MIG_TX_OFF);
    ck_assert_int_eq(d->tx_down, MIG_TX_DEFAULT);
    ck_assert_int_eq(d->retries, 3);
    ck_assert_int_eq(d->retries_down, -1);
    ck_assert_int_eq(d->lock_timeout_ms, -1);
    ck_assert_int_eq(d->lock_timeout_down_ms, 9000);
    layouts_add(&l, "2_b.up.sql", "A;\n-- +goose Down\nB;\n");
    layouts_expect_fail(&l, MIGRATE_E_LAYOUT, "2_b.up.sql", 2,
                        "it has a section marker, but its name says what it is");
    layouts_free(&l);
}
END_TEST

START_TEST(tags)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "1_a.sql", "A;");
    layouts_add(&l, "2_b.sql", "-- migrate: tags=seed,Demo\nB;");
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    ck_assert(!(l.set->items[1].flags & MIG_MIGRATION_EXCLUDED));
    l.options.tags = "prod, demo";
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    ck_assert(!(l.set->items[1].flags & MIG_MIGRATION_EXCLUDED));
    l.options.tags = "prod";
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    ck_assert(!(l.set->items[0].flags & MIG_MIGRATION_EXCLUDED));
    ck_assert(l.set->items[1].flags & MIG_MIGRATION_EXCLUDED);
    l.options.tags = "all";
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    ck_assert(!(l.set->items[1].flags & MIG_MIGRATION_EXCLUDED));
    layouts_free(&l);
}
END_TEST

START_TEST(bad_directives)
{
    expect_bad("-- migrate: no-transactoin\nA;", MIGRATE_E_DIRECTIVE, 1,
               "unknown directive \"no-transactoin\"");
    expect_bad("\n\n-- migrate: lock-timeout=2x\nA;", MIGRATE_E_DIRECTIVE, 3,
               "no duration in \"lock-timeout=2x\"");
    expect_bad("-- migrate: retries=many\nA;", MIGRATE_E_DIRECTIVE, 1, "no number in \"retries=many\"");
    expect_bad("-- migrate: tags=\nA;", MIGRATE_E_DIRECTIVE, 1, "no tags in \"tags=\"");
    expect_bad("-- migrate:\nA;", MIGRATE_E_DIRECTIVE, 1, "an empty directive");
    expect_bad("A;\n-- migrate: no-transaction\n", MIGRATE_E_DIRECTIVE, 2,
               "must stand before the first statement");
    expect_bad("CREATE TABLE a (\n-- migrate: no-transaction\nx int);\n", MIGRATE_E_DIRECTIVE, 2,
               "must stand before the first statement");
    expect_bad("-- migrate: up\nA;\n-- migrate: retries=1\n-- migrate: down\nB;\n", MIGRATE_E_DIRECTIVE, 3,
               "must stand before the first statement");
    expect_bad("-- migrate:up transaction:maybe\nA;\n", MIGRATE_E_DIRECTIVE, 1,
               "unknown option \"transaction:maybe\"");
    expect_bad("A;\n-- migrate:up\nB;\n", MIGRATE_E_DIRECTIVE, 1,
               "a statement stands before the first section marker");
    expect_bad("-- migrate:up\nA;\n-- +goose Down\nB;\n", MIGRATE_E_LAYOUT, 3, "another tool's marker here");
    expect_bad("-- atlas:txmode all\nA;\n", MIGRATE_E_DIRECTIVE, 1, "unknown directive \"atlas:txmode all\"");
    expect_bad("-- +migrate Up\n-- +migrate Sideways\n", MIGRATE_E_DIRECTIVE, 2,
               "unknown annotation \"Sideways\"");
}
END_TEST

/* Where the text cannot be cut and a section might begin behind that place, nobody knows what is down. */
START_TEST(unterminated)
{
    expect_bad("-- migrate:up\nSELECT 'a;\n-- migrate:down\nDROP TABLE a;\n", MIGRATE_E_PARSE, 2, "");
    expect_one("-- migrate:up\nA;\n-- migrate:down\nSELECT 'a;\n", "sections",
               "V 1|x up=1_x.sql[~A;~] down=1_x.sql[~SELECT 'a;~]\n");
    expect_one("-- a migration\nSELECT 'a;\n", "plain", "V 1|x up=1_x.sql[-- a migration~SELECT 'a;~]\n");
}
END_TEST

START_TEST(nothing_in_it)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "1_a.sql", "-- +goose Up\nA;\n");
    layouts_add(&l, "2_b.sql", "");
    layouts_add(&l, "3_c.sql", "-- for later\n");
    layouts_expect(&l, "sections",
                   "V 1|a up=1_a.sql[~A;~]\nV 2|b up=2_b.sql[]\nV 3|c up=3_c.sql[-- for later~]\n");
    layouts_free(&l);
    expect_one("-- migrate: up\n-- migrate: down\n", "sections", "V 1|x up=1_x.sql[~] down=1_x.sql[~]\n");
}
END_TEST

START_TEST(forced_plain)
{
    struct layouts l;
    layouts_init(&l);
    l.options.layout = "plain";
    layouts_add(&l, "1_a.sql", "-- +goose Up\nA;\n-- +goose Down\nB;\n");
    layouts_expect(&l, "plain", "V 1|a up=1_a.sql[-- +goose Up~A;~-- +goose Down~B;~]\n");
    layouts_free(&l);
}
END_TEST

UNIT_MAIN("sections", dbmate, goose, sql_migrate, node_pg_migrate, ours, directives_of_plain_files,
          directives_of_pairs, tags, bad_directives, unterminated, nothing_in_it, forced_plain)
