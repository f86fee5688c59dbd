/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation of reading a source fails once: nothing is left behind, and the reason is said. */

#include "alloc_fail.h"

#include "layouts.h"

/* A source of each convention: path and text in turn. */
static const char *const plain[] = { "1_a.sql",   "-- migrate: no-transaction tags=a\n-- migrate: tags=b\nA;",
                                     "README.md", "",
                                     "2_b.sql",   "B ${x} ${lines};",
                                     NULL };
static const char *const sections[] = { "1_a.sql",
                                        "-- migrate: up\nA;\n-- migrate: down\nB;\n-- migrate: up\nC;\n",
                                        "2_b.sql", "", NULL };
static const char *const pairs[] = { "1_a.up.sql",
                                     "A;",
                                     "1_a.down.sql",
                                     "-- migrate: lock-timeout=2s\nB;",
                                     "2_b.sqlite3.autocommit.up.sql",
                                     "C;",
                                     "2_b.up.sql",
                                     "D;",
                                     NULL };
static const char *const flyway[] = { "V1__a.sql",
                                      "A ${x};",
                                      "V1__a.sql.conf",
                                      "executeInTransaction=false\n",
                                      "U1__a.sql",
                                      "U;",
                                      "R__r.sql",
                                      "\xef\xbb\xbf${lines};",
                                      "B1__b.sql",
                                      "B;",
                                      NULL };
static const char *const folders[] = {
    "1_a/up.sql", "A;", "1_a/down.sql", "B;", "1_a/metadata.toml", "run_in_transaction=false\n", NULL
};
static const char *const liquibase[] = {
    "a.sql",
    "--liquibase formatted sql\n--property name:x value:y\n--changeset a:1 endDelimiter:// context:a "
    "labels:b "
    "dbms:sqlite logicalFilePath:p\n--preconditions onFail:WARN\n--precondition-sql-check expectedResult:1 "
    "S\n"
    "--precondition-sql-check expectedResult:2 T\n-- migrate: retries=1\nA ${x}//\n--rollback "
    "B;\n--changeset a:2\nC;\n",
    "b.sql", "--liquibase formatted sql\n--changeset a:1 dbms:mysql\nA;\n--changeset a:1\nA;\n", NULL
};
static const char *const broken[] = { "1_a.sql", "-- migrate: nonsense\n", NULL };
static const char *const *const sources[] = { plain, sections, pairs, flyway, folders, liquibase, broken };

static const char *value_of(void *user, const char *name, size_t len)
{
    (void)user;
    return len == 1 && *name == 'x' ? "XX" : "1\n2";
}

static int32_t read_texts(struct layouts *l)
{
    int32_t status = MIGRATE_OK;
    for (size_t i = 0; i < 2 * l->set->count && !status; i++) {
        const struct mig_migration *m = &l->set->items[i / 2];
        uint32_t direction = i % 2 ? MIGRATE_DIRECTION_DOWN : MIGRATE_DIRECTION_UP;
        struct mig_text *text = NULL;
        char buf[64];
        size_t got = 1;
        status = mig_text_open(l->set, m, direction, l->ops, l->self, &l->host, &l->options, &text, &l->diag,
                               NULL);
        while (!status && got > 0)
            status = mig_text_read(text, buf, sizeof buf, &got);
        alloc_fail_require(!text || mig_text_verify(text, NULL) == status);
        mig_text_close(text);
    }
    return status;
}

static int32_t propose(struct layouts *l)
{
    struct mig_new_file out[2];
    size_t n = 0;
    int32_t status = mig_set_propose(l->set, "next", false, NULL, INT64_C(1767323045000), out, &n, &l->diag);
    for (size_t i = 0; i < n && !status; i++) {
        alloc_fail_require(out[i].path && out[i].text);
        free(out[i].path);
        free(out[i].text);
    }
    return status == MIGRATE_E_NAME ? MIGRATE_OK : status;
}

static int32_t use(struct layouts *l)
{
    migrate_error *err = NULL;
    int32_t status = mig_set_read(l->ops, l->self, &l->host, &l->options, &l->set, &l->diag, &err);
    alloc_fail_require((status == MIGRATE_OK) == (l->set != NULL));
    if (status == MIGRATE_E_DIRECTIVE)
        return MIGRATE_OK; /* the broken one */
    if (!status)
        status = read_texts(l);
    return status ? status : propose(l);
}

static int32_t body(void *user)
{
    const char *const *files = user;
    struct layouts l = { .ops = &mig_source_memory_ops };
    l.host = told_host(&l.told);
    l.options = (struct mig_layout_options){ .dialect = MIGRATE_DIALECT_SQLITE,
                                             .any_placeholder = true,
                                             .tags = "a",
                                             .contexts = "a",
                                             .labels = "b",
                                             .placeholder = value_of };
    int32_t status = mig_source_memory(&l.self);
    for (size_t i = 0; files[i] && !status; i += 2)
        status = mig_source_memory_add_file(l.self, files[i], files[i + 1], strlen(files[i + 1]), &l.diag);
    if (!status)
        status = use(&l);
    mig_set_unref(l.set);
    mig_diag_free(&l.diag);
    l.ops->free(l.self);
    return status;
}

START_TEST(each_allocation)
{
    struct alloc_fail_report report;
    void *files;
    memcpy(&files, &sources[_i], sizeof files);
    ck_assert_msg(alloc_fail_each(body, files, MIGRATE_E_NOMEM, &report), "source %d: %s", _i, report.text);
    ck_assert_uint_gt(report.refused, 5);
}
END_TEST

/* The directory, from listing to creating. */
static char root[1024];

static int32_t use_directory(void *user)
{
    struct layouts l = { .ops = &mig_source_directory_ops };
    (void)user;
    l.host = told_host(&l.told);
    int32_t status = mig_source_directory(root, &l.self);
    if (!status)
        status = use(&l);
    if (!status)
        status = l.ops->create(l.self, &l.host, "sub/3_c.sql", "C;", 2, NULL);
    char made[1100];
    snprintf(made, sizeof made, "%s/sub/3_c.sql", root);
    unlink(made);
    mig_set_unref(l.set);
    mig_diag_free(&l.diag);
    if (l.self)
        l.ops->free(l.self);
    return status;
}

START_TEST(directory)
{
    struct alloc_fail_report report;
    snprintf(root, sizeof root, "%s/layout_alloc_%d", UNIT_TMP_DIR, (int)getpid());
    remove_tree(root);
    write_file(root, "1_a.sql", "A;", 2);
    write_file(root, "tables/2_b.sql", "B;", 2);
    ck_assert_msg(alloc_fail_each(use_directory, NULL, MIGRATE_E_NOMEM, &report), "%s", report.text);
    remove_tree(root);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("layout_alloc");
    TCase *cases = tcase_create("layout_alloc");
    tcase_add_loop_test(cases, each_allocation, 0, sizeof sources / sizeof sources[0]);
    tcase_add_test(cases, directory);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
