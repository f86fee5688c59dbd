/* SPDX-License-Identifier: Apache-2.0 */

/* What `new` proposes, in the convention of the files that are there. */

#include "layouts.h"

#define NOW INT64_C(1767323045000) /* 2026-01-02 03:04:05 */

static const struct {
    const char *files[3]; /* path, or path=text */
    const char *name;
    bool pair;
    const char *layout; /* forced, or NULL */
    const char *first, *first_text, *second;
} cases[] = {
    { { NULL }, "add users", false, NULL, "20260102030405_add_users.sql", "", NULL },
    { { NULL },
      "add users",
      true,
      NULL,
      "20260102030405_add_users.up.sql",
      "",
      "20260102030405_add_users.down.sql" },
    { { NULL },
      "x",
      false,
      "sections",
      "20260102030405_x.sql",
      "-- migrate: up\n\n\n-- migrate: down\n\n",
      NULL },
    { { NULL }, "x", false, "flyway", "V20260102030405__x.sql", "", NULL },
    { { NULL }, "x", false, "folders", "20260102030405_x/up.sql", "", "20260102030405_x/down.sql" },
    { { NULL }, "x", false, "prisma", "20260102030405_x/migration.sql", "", NULL },
    { { "001_a.sql", "002_b.sql" }, "c", false, NULL, "003_c.sql", "", NULL },
    { { "9_a.sql" }, "c", false, NULL, "10_c.sql", "", NULL },
    { { "099-a.sql" }, "c", false, NULL, "100-c.sql", "", NULL },
    { { "1.9_a.sql" }, "c", false, NULL, "1.10_c.sql", "", NULL },
    { { "20240101000000_a.sql" }, "c", false, NULL, "20260102030405_c.sql", "", NULL },
    { { "20240101_000000_a.sql" }, "c", false, NULL, "20260102_030405_c.sql", "", NULL },
    { { "20990101000000_a.sql" }, "c", false, NULL, "20990101000001_c.sql", "", NULL },
    { { "20150100000001000000_a.up.sql" },
      "c",
      false,
      NULL,
      "20260102030405000000_c.up.sql",
      "",
      "20260102030405000000_c.down.sql" },
    { { "V0001.A.up.sql" }, "c", false, NULL, "V0002.c.up.sql", "", "V0002.c.down.sql" },
    { { "V1__a.sql", "V1.1__b.sql" }, "c d", false, NULL, "V1.2__c_d.sql", "", NULL },
    { { "db/V7__a.sql", "R__x.sql" }, "c", true, NULL, "db/V8__c.sql", "", "db/U8__c.sql" },
    { { "v1.0/01_a.sql", "v1.10/09_b.sql" }, "c", false, NULL, "v1.10/10_c.sql", "", NULL },
    { { "2024-01-01-000000_a/up.sql" },
      "c",
      false,
      NULL,
      "2026-01-02-030405_c/up.sql",
      "",
      "2026-01-02-030405_c/down.sql" },
    { { "001-a.sql=--liquibase formatted sql\n--changeset a:1\nA;\n" },
      "c d",
      false,
      NULL,
      "002-c_d.sql",
      "--liquibase formatted sql\n\n--changeset migrate:c_d\n\n",
      NULL },
    { { NULL },
      "x",
      false,
      "liquibase",
      "20260102030405_x.sql",
      "--liquibase formatted sql\n\n--changeset migrate:x\n\n",
      NULL },
    { { "01_a/migration.sql" }, "c", false, NULL, "02_c/migration.sql", "", NULL },
    { { "1_a.sql=-- +goose Up\n" },
      "c",
      false,
      NULL,
      "2_c.sql",
      "-- +goose Up\n\n\n-- +goose Down\n\n",
      NULL },
    { { "1_a.sql=-- migrate:up\n" },
      "c",
      true,
      NULL,
      "2_c.sql",
      "-- migrate:up\n\n\n-- migrate:down\n\n",
      NULL },
    { { "1_a.sql=-- Up Migration\n" },
      "c",
      false,
      NULL,
      "2_c.sql",
      "-- Up Migration\n\n\n-- Down Migration\n\n",
      NULL },
};

static void add_files(struct layouts *l, const char *const files[3])
{
    for (int i = 0; i < 3 && files[i]; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s", files[i]);
        char *text = strchr(path, '=');
        if (text)
            *text++ = '\0';
        layouts_add(l, path, text ? text : "");
    }
}

START_TEST(proposals)
{
    struct layouts l;
    struct mig_new_file out[2];
    size_t n = 0;
    layouts_init(&l);
    add_files(&l, cases[_i].files);
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    ck_assert_msg(mig_set_propose(l.set, cases[_i].name, cases[_i].pair, cases[_i].layout, NOW, out, &n,
                                  &l.diag) == MIGRATE_OK,
                  "%s", l.diag.message);
    ck_assert_uint_eq(n, cases[_i].second ? 2 : 1);
    ck_assert_str_eq(out[0].path, cases[_i].first);
    ck_assert_str_eq(out[0].text, cases[_i].first_text);
    if (cases[_i].second)
        ck_assert_str_eq(out[1].path, cases[_i].second);
    /* and it comes last, in the same convention */
    for (size_t i = 0; i < n; i++)
        layouts_add(&l, out[i].path, out[i].text);
    for (int i = 0; i < 2; i++) {
        free(out[i].path);
        free(out[i].text);
    }
    ck_assert_msg(layouts_read(&l) == MIGRATE_OK, "%s", l.diag.message);
    ck_assert_str_eq(l.set->items[l.set->n_versioned - 1].up.path, cases[_i].first);
    layouts_free(&l);
}
END_TEST

static migrate_status run_code(void *user, uint32_t direction, migrate_executor *x, migrate_error **err)
{
    (void)user, (void)direction, (void)x, (void)err;
    return MIGRATE_OK;
}

START_TEST(code_counts)
{
    struct layouts l;
    struct mig_new_file out[2];
    size_t n;
    layouts_init(&l);
    layouts_add(&l, "db/003_a.sql", "");
    ck_assert_int_eq(mig_source_memory_add_code(l.self, "005_b.py", NULL, 0, run_code, NULL, NULL, NULL),
                     MIGRATE_OK);
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    ck_assert_int_eq(mig_set_propose(l.set, "c", false, NULL, NOW, out, &n, &l.diag), MIGRATE_OK);
    ck_assert_str_eq(out[0].path, "db/006_c.sql");
    free(out[0].path);
    free(out[0].text);
    layouts_free(&l);
}
END_TEST

START_TEST(refused_names)
{
    static const char *const names[] = { "", "a/b", "a\nb", "a\\b", "\xff", "what?" };
    struct layouts l;
    struct mig_new_file out[2];
    size_t n;
    layouts_init(&l);
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        mig_diag_free(&l.diag);
        ck_assert_int_eq(mig_set_propose(l.set, names[i], false, NULL, NOW, out, &n, &l.diag),
                         MIGRATE_E_NAME);
        ck_assert_ptr_nonnull(l.diag.hint);
    }
    mig_diag_free(&l.diag);
    ck_assert_int_eq(mig_set_propose(l.set, "x", true, "prisma", NOW, out, &n, &l.diag), MIGRATE_E_NAME);
    layouts_add(&l, "init.sql", "");
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    ck_assert_int_eq(mig_set_propose(l.set, "x", false, NULL, NOW, out, &n, &l.diag), MIGRATE_E_NAME);
    ck_assert_ptr_nonnull(strstr(l.diag.hint, "comes after init"));
    layouts_free(&l);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("propose");
    TCase *tcase = tcase_create("propose");
    tcase_add_loop_test(tcase, proposals, 0, sizeof cases / sizeof cases[0]);
    tcase_add_test(tcase, code_counts);
    tcase_add_test(tcase, refused_names);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
