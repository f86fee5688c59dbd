/* SPDX-License-Identifier: Apache-2.0 */

/* Which convention a source follows, and what its names say. */

#include "layouts.h"
#include "unit.h"

START_TEST(empty_source)
{
    struct layouts l;
    layouts_init(&l);
    layouts_expect(&l, "", "");
    layouts_add(&l, "README.md", "# hello");
    layouts_add(&l, "_draft/1_x.sql", "");
    layouts_add(&l, ".git/2_x.sql", "");
    layouts_expect(&l, "", "");
    layouts_free(&l);
}
END_TEST

START_TEST(plain_names)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "10_third.sql", "SELECT 10;");
    layouts_add(&l, "2_second_one.sql", "SELECT 2;");
    layouts_add(&l, "1.9-first.sql", "");
    layouts_add(&l, "1.10 x.sql", "-- nothing");
    layouts_add(&l, "30.sql", "");
    layouts_add(&l, "tables/40_2fa.sql", "");
    layouts_expect(&l, "plain",
                   "V 1.9|first up=1.9-first.sql[]\n"
                   "V 1.10|x up=1.10 x.sql[-- nothing]\n"
                   "V 2|second one up=2_second_one.sql[SELECT 2;]\n"
                   "V 10|third up=10_third.sql[SELECT 10;]\n"
                   "V 30| up=30.sql[]\n"
                   "V 40|2fa up=tables/40_2fa.sql[]\n");
    layouts_free(&l);
}
END_TEST

START_TEST(plain_names_without_digits)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "users.sql", "");
    layouts_add(&l, "init_db.sql", "");
    layouts_expect(&l, "plain", "V init_db|init db up=init_db.sql[]\nV users|users up=users.sql[]\n");
    layouts_add(&l, "1_x.sql", "");
    layouts_expect_fail(&l, MIGRATE_E_NAME, "init_db.sql", 0,
                        "1_x.sql begins with a version, init_db.sql does not");
    layouts_free(&l);
}
END_TEST

START_TEST(timestamps)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "20240101_120000_a.sql", "");
    layouts_add(&l, "2024-01-02-030405_b.sql", "");
    layouts_add(&l, "001_2nd_try.sql", "");
    layouts_expect(&l, "plain",
                   "V 001|2nd try up=001_2nd_try.sql[]\n"
                   "V 2024-01-02-030405|b up=2024-01-02-030405_b.sql[]\n"
                   "V 20240101_120000|a up=20240101_120000_a.sql[]\n");
    layouts_free(&l);
}
END_TEST

START_TEST(versioned_folders)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "v1.10/01_a.sql", "");
    layouts_add(&l, "v1.9/02_b.sql", "");
    layouts_add(&l, "v1.9/10_c.sql", "");
    layouts_add(&l, "v1/01_first.sql", "");
    layouts_add(&l, "v1.9.1/01_d.sql", "");
    layouts_expect(&l, "versioned",
                   "V v1/01|first up=v1/01_first.sql[]\n"
                   "V v1.9/02|b up=v1.9/02_b.sql[]\n"
                   "V v1.9/10|c up=v1.9/10_c.sql[]\n"
                   "V v1.9.1/01|d up=v1.9.1/01_d.sql[]\n"
                   "V v1.10/01|a up=v1.10/01_a.sql[]\n");
    layouts_add(&l, "02_x.sql", "");
    layouts_expect_fail(&l, MIGRATE_E_LAYOUT, "v1.10/01_a.sql", 0, "02_x.sql is in no folder with a version");
    layouts_free(&l);
}
END_TEST

START_TEST(pairs)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "1_a.up.sql", "CREATE");
    layouts_add(&l, "1_a.down.sql", "DROP");
    layouts_add(&l, "V0002.Name_Here.up.sql", "");
    layouts_expect(&l, "pairs",
                   "V 1|a up=1_a.up.sql[CREATE] down=1_a.down.sql[DROP]\n"
                   "V 0002|Name Here up=V0002.Name_Here.up.sql[]\n");
    ck_assert(l.set->items[0].flags & MIG_MIGRATION_REVERSIBLE);
    ck_assert(!(l.set->items[1].flags & MIG_MIGRATION_REVERSIBLE));
    layouts_add(&l, "3_b.down.sql", "");
    layouts_expect_fail(&l, MIGRATE_E_NAME, "3_b.down.sql", 0, "there is no up file beside it");
    layouts_free(&l);
}
END_TEST

START_TEST(popx)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "1_a.postgres.up.sql", "pg");
    layouts_add(&l, "1_a.up.sql", "any");
    layouts_add(&l, "1_a.down.sql", "down");
    layouts_add(&l, "1_a.mysql.down.sql", "down mysql");
    layouts_add(&l, "2_b.mysql.autocommit.up.sql", "mysql");
    layouts_add(&l, "2_b.down.sql", "x");
    layouts_add(&l, "3_c.mariadb.up.sql", "maria");
    layouts_add(&l, "3_c.mysql.up.sql", "my");
    layouts_expect(&l, "pairs", "V 1|a up=1_a.postgres.up.sql[pg] down=1_a.down.sql[down]\n");
    l.options.dialect = MIGRATE_DIALECT_MYSQL;
    layouts_expect(&l, "pairs",
                   "V 1|a up=1_a.up.sql[any] down=1_a.mysql.down.sql[down mysql]\n"
                   "V 2|b up=2_b.mysql.autocommit.up.sql[mysql] down=2_b.down.sql[x]\n"
                   "V 3|c up=3_c.mysql.up.sql[my]\n");
    ck_assert_int_eq(l.set->items[1].directives->tx_up, MIG_TX_OFF);
    ck_assert_int_eq(l.set->items[1].directives->tx_down, MIG_TX_DEFAULT);
    l.options.mariadb = true;
    layouts_expect(&l, "pairs",
                   "V 1|a up=1_a.up.sql[any] down=1_a.mysql.down.sql[down mysql]\n"
                   "V 2|b up=2_b.mysql.autocommit.up.sql[mysql] down=2_b.down.sql[x]\n"
                   "V 3|c up=3_c.mariadb.up.sql[maria]\n");
    layouts_free(&l);
}
END_TEST

START_TEST(flyway)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "V1__init_it.sql", "a");
    layouts_add(&l, "x/V1_2__b.sql", "b");
    layouts_add(&l, "x/V1.10__c.sql", "c");
    layouts_add(&l, "U1.2__b.sql", "undo");
    layouts_add(&l, "R__views_b.sql", "rb");
    layouts_add(&l, "R__Views_a.sql", "ra");
    layouts_add(&l, "B1.2__base.sql", "base");
    layouts_add(&l, "x/V1_2__b.sql.conf", "# c\nexecuteInTransaction=false\n");
    layouts_add(&l, "flyway.sql.conf", "nonsense\n");
    layouts_expect(&l, "flyway",
                   "V 1|init it up=V1__init_it.sql[a]\n"
                   "V 1.2|b up=x/V1_2__b.sql[b] down=U1.2__b.sql[undo]\n"
                   "B 1.2|base up=B1.2__base.sql[base]\n"
                   "V 1.10|c up=x/V1.10__c.sql[c]\n"
                   "R |Views a up=R__Views_a.sql[ra]\n"
                   "R |views b up=R__views_b.sql[rb]\n");
    ck_assert_uint_eq(l.set->n_versioned, 4);
    ck_assert_int_eq(l.set->items[1].directives->tx_up, MIG_TX_OFF);
    ck_assert_int_eq(l.set->items[1].directives->tx_down, MIG_TX_DEFAULT);
    ck_assert_ptr_eq(mig_set_find(l.set, MIGRATE_KIND_BASELINE, "1.2"), &l.set->items[2]);
    ck_assert_ptr_eq(mig_set_find(l.set, MIGRATE_KIND_VERSIONED, "1.2"), &l.set->items[1]);
    ck_assert_ptr_eq(mig_set_find(l.set, MIGRATE_KIND_REPEATABLE, "views b"), &l.set->items[5]);
    ck_assert_ptr_null(mig_set_find(l.set, MIGRATE_KIND_VERSIONED, "1_2"));
    ck_assert_int_eq(mig_set_compare(l.set, "1", "1.0.0"), 0);
    layouts_add(&l, "U7__x.sql", "");
    layouts_expect_fail(&l, MIGRATE_E_NAME, "U7__x.sql", 0, "undoes version 7, which no V file has");
    layouts_free(&l);
}
END_TEST

START_TEST(folders)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "2024-01-01-000000_users/up.sql", "up");
    layouts_add(&l, "2024-01-01-000000_users/down.sql", "down");
    layouts_add(&l, "2024-01-02-000000_idx/up.sql", "idx");
    layouts_add(&l, "2024-01-02-000000_idx/metadata.toml", "# x\nrun_in_transaction = false\n");
    layouts_add(&l, "metadata.toml", "?");
    layouts_expect(&l, "folders",
                   "V 2024-01-01-000000|users up=2024-01-01-000000_users/up.sql[up] "
                   "down=2024-01-01-000000_users/down.sql[down]\n"
                   "V 2024-01-02-000000|idx up=2024-01-02-000000_idx/up.sql[idx]\n");
    ck_assert_int_eq(l.set->items[0].directives->tx_up, MIG_TX_DEFAULT);
    ck_assert_int_eq(l.set->items[1].directives->tx_up, MIG_TX_OFF);
    layouts_add(&l, "3_x/down.sql", "");
    layouts_expect_fail(&l, MIGRATE_E_NAME, "3_x/down.sql", 0, "there is no up.sql beside it");
    layouts_free(&l);
}
END_TEST

START_TEST(prisma)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "20240101000000_init/migration.sql", "up");
    layouts_add(&l, "20240101000000_init/down.sql", "down");
    layouts_add(&l, "20240102000000_more/migration.sql", "more");
    layouts_add(&l, "migration_lock.toml", "provider = \"postgresql\"\n");
    layouts_expect(&l, "prisma",
                   "V 20240101000000|init up=20240101000000_init/migration.sql[up] "
                   "down=20240101000000_init/down.sql[down]\n"
                   "V 20240102000000|more up=20240102000000_more/migration.sql[more]\n");
    layouts_free(&l);
}
END_TEST

static migrate_status run_code(void *user, uint32_t direction, migrate_executor *x, migrate_error **err)
{
    (void)user, (void)direction, (void)x, (void)err;
    return MIGRATE_OK;
}

START_TEST(code_beside_files)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "1_a.sql", "a");
    layouts_add(&l, "3_c.sql", "c");
    ck_assert_int_eq(mig_source_memory_add_code(l.self, "2_backfill.py", "abc",
                                                MIGRATE_CODE_REVERSIBLE | MIGRATE_CODE_NO_TRANSACTION,
                                                run_code, NULL, NULL, NULL),
                     MIGRATE_OK);
    layouts_expect(
        &l, "plain",
        "V 1|a up=1_a.sql[a]\nV 2|backfill up=2_backfill.py[] down=2_backfill.py[]\nV 3|c up=3_c.sql[c]\n");
    const struct mig_migration *m = &l.set->items[1];
    ck_assert_str_eq(m->code_checksum, "abc");
    ck_assert(!m->has_checksum);
    ck_assert_uint_eq(m->flags, MIG_MIGRATION_CODE | MIG_MIGRATION_REVERSIBLE);
    ck_assert_int_eq(m->directives->tx_up, MIG_TX_OFF);
    layouts_free(&l);
}
END_TEST

START_TEST(forced)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "1_a.up.sql", "a");
    layouts_add(&l, "1_a.down.sql", "b");
    l.options.layout = "plain";
    layouts_expect_fail(&l, MIGRATE_E_DUPLICATE, "1_a.up.sql", 0,
                        "1_a.down.sql and 1_a.up.sql have the same version 1");
    l.options.layout = "flyway";
    layouts_expect_fail(&l, MIGRATE_E_NAME, "1_a.down.sql", 0, "not named as the layout flyway has it");
    l.options.layout = "pairs";
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    l.options.layout = "nonsense";
    layouts_expect_fail(&l, MIGRATE_E_LAYOUT, NULL, 0, "there is no layout \"nonsense\"");
    l.options.layout = "sections";
    layouts_expect_fail(&l, MIGRATE_E_LAYOUT, "1_a.down.sql", 0, "the layout is set to sections");
    layouts_free(&l);
}
END_TEST

/* Two files that do not go together, and the words of the failure. */
static const struct {
    const char *a, *a_text, *b, *b_text;
    int32_t status;
    const char *words;
} bad[] = {
    { "1_a.sql", "", "2_b.up.sql", "", MIGRATE_E_LAYOUT,
      "1_a.sql is a plain NAME.sql, but 2_b.up.sql is one of a pair" },
    { "V1__a.sql", "", "2_b.sql", "", MIGRATE_E_LAYOUT,
      "2_b.sql is a plain NAME.sql, but V1__a.sql is a Flyway name" },
    { "V1__a.sql", "", "V2_b.sql", "", MIGRATE_E_LAYOUT, "V1__a.sql is a Flyway name" },
    { "V1__a.sql", "", "afterMigrate.sql", "", MIGRATE_E_LAYOUT, "a Flyway callback" },
    { "1_a/up.sql", "", "2_b/migration.sql", "", MIGRATE_E_LAYOUT,
      "2_b/migration.sql is in a Prisma folder" },
    { "1_a.sql", "-- +goose Up\nSELECT 1;", "2_b.sql", "SELECT 2;", MIGRATE_E_LAYOUT,
      "1_a.sql is one with goose's sections (-- +goose Up), but 2_b.sql is one without section markers" },
    { "1_a.sql", "-- +goose Up\nSELECT 1;", "2_b.sql", "-- migrate:up\nSELECT 2;", MIGRATE_E_LAYOUT,
      "2_b.sql is one with dbmate's sections" },
    { "1_a.sql", "", "1_b.sql", "", MIGRATE_E_DUPLICATE, "1_a.sql and 1_b.sql have the same version 1" },
    { "1_a.sql", "", "01_b.sql", "", MIGRATE_E_DUPLICATE,
      "01_b.sql and 1_a.sql have the same version: 01 and 1" },
    { "1_a.up.sql", "", "01_b.up.sql", "", MIGRATE_E_DUPLICATE,
      "01_b.up.sql and 1_a.up.sql have the same version" },
    { "1_a.up.sql", "", "1_b.up.sql", "", MIGRATE_E_DUPLICATE,
      "1_a.up.sql and 1_b.up.sql are both the up file" },
    { "V1__a.sql", "", "x/V1.0__b.sql", "", MIGRATE_E_DUPLICATE,
      "V1__a.sql and x/V1.0__b.sql have the same version" },
    { "R__a.sql", "", "x/R__a.sql", "", MIGRATE_E_DUPLICATE, "both the repeatable \"a\"" },
    { "up.sql", "", "down.sql", "", MIGRATE_E_NAME, "it does not say which migration it reverts" },
    { "up/1_a.sql", "", "down/1_a.sql", "", MIGRATE_E_DUPLICATE, "have the same version 1" },
    { "1_a.sql", "", "x.sql", "", MIGRATE_E_NAME, "1_a.sql begins with a version, x.sql does not" },
};

START_TEST(mixed)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct layouts l;
        layouts_init(&l);
        layouts_add(&l, bad[i].a, bad[i].a_text);
        layouts_add(&l, bad[i].b, bad[i].b_text);
        layouts_expect_fail(&l, bad[i].status, NULL, 0, bad[i].words);
        layouts_free(&l);
    }
}
END_TEST

START_TEST(order)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "2_a.sql", "-- migrate:up\n-- migrate:down\n");
    layouts_add(&l, "10_b.sql", "-- migrate:up\n-- migrate:down\n");
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    ck_assert_int_eq(mig_set_check_order(l.set, NULL, NULL, &l.diag), MIGRATE_E_ORDER);
    ck_assert_ptr_nonnull(strstr(l.diag.message, "2_a.sql comes before 10_b.sql by number"));
    ck_assert_ptr_nonnull(strstr(l.diag.hint, "order=natural"));
    l.options.order = "natural";
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    ck_assert_int_eq(mig_set_check_order(l.set, NULL, NULL, &l.diag), MIGRATE_OK);
    ck_assert_str_eq(l.set->items[0].version, "2");
    l.options.order = "bytes";
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    ck_assert_int_eq(mig_set_check_order(l.set, NULL, NULL, &l.diag), MIGRATE_OK);
    ck_assert_str_eq(l.set->items[0].version, "10");
    layouts_free(&l);
}
END_TEST

static bool not_the_first(void *user, const struct mig_migration *m)
{
    (void)user;
    return strcmp(m->version, "2") != 0;
}

START_TEST(order_of_the_pending)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "2_a/migration.sql", "");
    layouts_add(&l, "10_b/migration.sql", "");
    layouts_add(&l, "11_c/migration.sql", "");
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    ck_assert_int_eq(mig_set_check_order(l.set, NULL, NULL, NULL), MIGRATE_E_ORDER);
    ck_assert_int_eq(mig_set_check_order(l.set, not_the_first, NULL, NULL), MIGRATE_OK);
    layouts_free(&l);
}
END_TEST

UNIT_MAIN("layouts", empty_source, plain_names, plain_names_without_digits, timestamps, versioned_folders,
          pairs, popx, flyway, folders, prisma, code_beside_files, forced, mixed, order, order_of_the_pending)
