/* SPDX-License-Identifier: Apache-2.0 */

/* Real projects' migrations, as a directory and with nothing said: each is recognised and comes in the order
 * of its manifest. The corpora are not part of this tree: they lie in $MIGRATE_SHARED, or in ../shared beside
 * it. */

#include <limits.h>

#include "layouts.h"

static const struct {
    const char *name, *layout;
    uint32_t dialect;
    bool mariadb;
} corpora[] = {
    { "atuin_client_sqlite", "plain", MIGRATE_DIALECT_SQLITE, false },
    { "atuin_server_pg", "plain", MIGRATE_DIALECT_POSTGRES, false },
    { "authelia_pg", "pairs", MIGRATE_DIALECT_POSTGRES, false },
    { "conductor_mysql", "flyway", MIGRATE_DIALECT_MYSQL, true },
    { "conductor_pg", "flyway", MIGRATE_DIALECT_POSTGRES, false },
    { "conductor_sqlite", "flyway", MIGRATE_DIALECT_SQLITE, false },
    { "keto_mysql", "pairs", MIGRATE_DIALECT_MYSQL, false },
    { "keto_pg", "pairs", MIGRATE_DIALECT_POSTGRES, false },
    { "keto_sqlite", "pairs", MIGRATE_DIALECT_SQLITE, false },
    { "memos_mysql", "versioned", MIGRATE_DIALECT_MYSQL, true },
    { "openfga_mysql", "sections", MIGRATE_DIALECT_MYSQL, false },
    { "openfga_pg", "sections", MIGRATE_DIALECT_POSTGRES, false },
    { "openfga_sqlite", "sections", MIGRATE_DIALECT_SQLITE, false },
    { "supabase_storage_multi_pg", "plain", MIGRATE_DIALECT_POSTGRES, false },
    { "temporal_temporal_mysql", "versioned", MIGRATE_DIALECT_MYSQL, true },
    { "temporal_temporal_pg", "versioned", MIGRATE_DIALECT_POSTGRES, false },
    { "umami_pg", "prisma", MIGRATE_DIALECT_POSTGRES, false },
};

static const char *folder(void)
{
    static char path[PATH_MAX];
    const char *shared = getenv("MIGRATE_SHARED");
    if (shared && *shared)
        snprintf(path, sizeof path, "%s/corpora", shared);
    else
        snprintf(path, sizeof path, "%s/../shared/corpora", UNIT_SOURCE_DIR);
    return path;
}

/* The third column of the next line; "" at the end. */
static void next_path(FILE *manifest, char *out, size_t size)
{
    char line[1024];
    *out = '\0';
    if (!fgets(line, sizeof line, manifest))
        return;
    line[strcspn(line, "\r\n")] = '\0';
    const char *tab = strrchr(line, '\t');
    snprintf(out, size, "%s", tab ? tab + 1 : line);
}

static FILE *open_manifest(const char *name, const char *direction)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/manifests/%s.%s", folder(), name, direction);
    return len < (int)sizeof path ? fopen(path, "r") : NULL;
}

static void compare_up(const struct layouts *l, const char *name)
{
    char path[1024];
    FILE *manifest = open_manifest(name, "up");
    ck_assert_ptr_nonnull(manifest);
    for (size_t i = 0; i < l->set->count; i++) {
        next_path(manifest, path, sizeof path);
        ck_assert_msg(strcmp(path, l->set->items[i].up.path) == 0, "%s: %s, not %s", name,
                      l->set->items[i].up.path, path);
    }
    next_path(manifest, path, sizeof path);
    ck_assert_msg(*path == '\0', "%s: %s is missing", name, path);
    fclose(manifest);
}

/* Downs, where the project has them, from the last to the first. */
static void compare_down(const struct layouts *l, const char *name)
{
    char path[1024];
    FILE *manifest = open_manifest(name, "down");
    if (!manifest)
        return;
    for (size_t i = l->set->count; i-- > 0;) {
        next_path(manifest, path, sizeof path);
        const char *down = l->set->items[i].down->path;
        ck_assert_msg(down && strcmp(path, down) == 0, "%s: %s, not %s", name, down ? down : "none", path);
    }
    next_path(manifest, path, sizeof path);
    ck_assert_msg(*path == '\0', "%s: %s is missing", name, path);
    fclose(manifest);
}

START_TEST(corpus)
{
    struct layouts l;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder(), corpora[_i].name);
    layouts_dir(&l, path);
    l.options.dialect = corpora[_i].dialect;
    l.options.mariadb = corpora[_i].mariadb;
    ck_assert_msg(layouts_read(&l) == MIGRATE_OK, "%s: %s", corpora[_i].name, layouts_message(&l));
    ck_assert_str_eq(l.set->layout, corpora[_i].layout);
    compare_up(&l, corpora[_i].name);
    compare_down(&l, corpora[_i].name);
    ck_assert_int_eq(mig_set_check_order(l.set, NULL, NULL, NULL), MIGRATE_OK);
    for (size_t i = 0; i < l.set->count; i++) {
        int32_t status;
        char *text = layouts_text(&l, &l.set->items[i], MIGRATE_DIRECTION_UP, &status);
        ck_assert_int_eq(status, MIGRATE_OK);
        free(text);
    }
    layouts_free(&l);
}
END_TEST

/* For another engine, or before it is known which (`new`, `hash`), they can be read too, and hash alike. */
START_TEST(any_engine)
{
    uint8_t hash[MIG_SHA256_LEN];
    for (uint32_t dialect = MIGRATE_DIALECT_OTHER; dialect <= MIGRATE_DIALECT_SQLITE; dialect++) {
        struct layouts l;
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", folder(), corpora[_i].name);
        layouts_dir(&l, path);
        l.options.dialect = dialect;
        ck_assert_msg(layouts_read(&l) == MIGRATE_OK, "%s: %s", corpora[_i].name, layouts_message(&l));
        ck_assert_str_eq(l.set->layout, corpora[_i].layout);
        if (dialect != MIGRATE_DIALECT_OTHER)
            ck_assert_mem_eq(hash, l.set->hash, sizeof hash);
        memcpy(hash, l.set->hash, sizeof hash);
        layouts_free(&l);
    }
}
END_TEST

/* Those that say in the text or in the name that they run without a transaction. */
START_TEST(directives_of_the_corpora)
{
    struct layouts l;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/supabase_storage_multi_pg", folder());
    layouts_dir(&l, path);
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    ck_assert_int_eq(mig_set_find(l.set, MIGRATE_KIND_VERSIONED, "0023")->directives->tx_up, MIG_TX_OFF);
    ck_assert_int_eq(mig_set_find(l.set, MIGRATE_KIND_VERSIONED, "0022")->directives->tx_up, MIG_TX_DEFAULT);
    layouts_free(&l);
    snprintf(path, sizeof path, "%s/openfga_pg", folder());
    layouts_dir(&l, path);
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    ck_assert_int_eq(mig_set_find(l.set, MIGRATE_KIND_VERSIONED, "006")->directives->tx_up, MIG_TX_OFF);
    ck_assert_int_eq(mig_set_find(l.set, MIGRATE_KIND_VERSIONED, "006")->directives->tx_down, MIG_TX_OFF);
    layouts_free(&l);
}
END_TEST

int main(void)
{
    if (access(folder(), R_OK) != 0) {
        printf("skipped: no corpora in %s\n", folder());
        return 77;
    }
    Suite *suite = suite_create("layout_corpora");
    TCase *cases = tcase_create("corpora");
    tcase_add_loop_test(cases, corpus, 0, sizeof corpora / sizeof corpora[0]);
    tcase_add_loop_test(cases, any_engine, 0, sizeof corpora / sizeof corpora[0]);
    tcase_add_test(cases, directives_of_the_corpora);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
