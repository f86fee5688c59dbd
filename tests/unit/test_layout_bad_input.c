/* SPDX-License-Identifier: Apache-2.0 */

/* Files that cannot be migrations: each gets an error with file, line and remedy. Bytes that are merely not
 * UTF-8 are none of them. */

#include "layouts.h"

static void expect_bytes(const char *bytes, size_t len, uint64_t line, const char *words)
{
    struct layouts l;
    layouts_init(&l);
    layouts_addn(&l, "1_x.sql", bytes, len);
    layouts_expect_fail(&l, MIGRATE_E_PARSE, "1_x.sql", line, words);
    layouts_free(&l);
}

START_TEST(other_encodings)
{
    expect_bytes("\xff\xfe"
                 "S\0E\0L\0",
                 8, 1, "UTF-16");
    expect_bytes("\xfe\xff"
                 "\0S\0E\0L",
                 8, 1, "UTF-16");
    expect_bytes("\xff\xfe\0\0S\0\0\0", 8, 1, "UTF-16 or UTF-32");
    expect_bytes("\0\0\xfe\xff\0\0\0S", 8, 1, "UTF-16 or UTF-32");
    expect_bytes("S\0E\0L\0", 6, 1, "UTF-16");
    expect_bytes("SEL\0", 4, 1, "UTF-16");
}
END_TEST

START_TEST(nul_bytes)
{
    size_t len = 300 * 1024;
    char *text = malloc(len);
    expect_bytes("SELECT 1;\n\nSELECT '\0';\n", 24, 3, "it holds a NUL byte");
    for (size_t i = 0; i < len; i++)
        text[i] = i % 100 == 99 ? '\n' : 'x';
    text[250 * 1000 + 50] = '\0';
    expect_bytes(text, len, 2501, "it holds a NUL byte");
    free(text);
}
END_TEST

START_TEST(other_bytes)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "1_x.sql", "SELECT '\xe4\xff';");
    layouts_expect(&l, "plain", "V 1|x up=1_x.sql[SELECT '\xe4\xff';]\n");
    layouts_free(&l);
}
END_TEST

START_TEST(long_version)
{
    char name[700];
    struct layouts l;
    layouts_init(&l);
    memset(name, '1', 513);
    strcpy(name + 513, "_x.sql");
    layouts_add(&l, name, "");
    layouts_expect_fail(&l, MIGRATE_E_NAME, name, 0, "more than 512 characters");
    layouts_free(&l);
}
END_TEST

static const struct {
    const char *conf, *words;
    uint64_t line;
} confs[] = {
    { "executeInTransaction=perhaps\n", "neither true nor false: executeInTransaction = perhaps", 1 },
    { "# note\n\nexecuteInTransactions=true\n", "unknown setting: executeInTransactions = true", 3 },
    { "encoding=UTF-16\n", "no other encoding than UTF-8", 1 },
    { "shouldExecute=${x}\n", "conditions are not supported", 1 },
    { "nonsense", "no setting", 1 },
};

START_TEST(flyway_conf)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "V1__x.sql", "");
    layouts_add(&l, "V1__x.sql.conf", confs[_i].conf);
    layouts_expect_fail(&l, MIGRATE_E_DIRECTIVE, "V1__x.sql.conf", confs[_i].line, confs[_i].words);
    layouts_free(&l);
}
END_TEST

START_TEST(metadata_toml)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "1_x/up.sql", "");
    layouts_add(&l, "1_x/metadata.toml", "[x]\nrun_in_transaction = 0\n");
    layouts_expect_fail(&l, MIGRATE_E_DIRECTIVE, "1_x/metadata.toml", 2, "neither true nor false");
    layouts_free(&l);
}
END_TEST

/* A source that breaks the rules of source.h. */
static const migrate_text paths[] = {
    { NULL, 0 }, { "", 0 }, { "/1.sql", 6 }, { "1\0.sql", 6 }, { "\xff.sql", 5 }
};
static int given;

static migrate_status odd_rewind(void *self, const migrate_host *host, migrate_error **err)
{
    (void)self, (void)host, (void)err;
    given = 0;
    return MIGRATE_OK;
}

static migrate_status odd_next(void *self, const migrate_host *host, migrate_entry *out, migrate_error **err)
{
    (void)host, (void)err;
    out->path = *(const migrate_text *)self;
    return given++ ? MIGRATE_DONE : MIGRATE_OK;
}

static migrate_status odd_read(void *self, const migrate_host *host, const migrate_entry *entry,
                               uint64_t offset, char *buf, size_t cap, size_t *got, migrate_error **err)
{
    (void)self, (void)host, (void)entry, (void)offset, (void)buf, (void)err;
    *got = cap + 1;
    return MIGRATE_OK;
}

static void odd_free(void *self)
{
    (void)self;
}

static const struct migrate_source_ops odd_ops = { sizeof odd_ops, MIGRATE_SOURCE_API, 0,        "odd",
                                                   odd_rewind,     odd_next,           odd_read, odd_free };

START_TEST(odd_paths)
{
    struct layouts l = { .ops = &odd_ops };
    migrate_text path = paths[_i];
    l.self = &path;
    l.host = told_host(&l.told);
    ck_assert_int_eq(layouts_read(&l), _i == 4 ? MIGRATE_E_NAME : MIGRATE_E_CONTRACT);
    ck_assert_ptr_nonnull(strstr(l.diag.message, "the source odd yields"));
    layouts_free(&l);
}
END_TEST

/* A large file can be left half-way. */
static int ticks;

static migrate_status stop_at_second_tick(const migrate_host *host)
{
    (void)host;
    return ++ticks == 2 ? MIGRATE_E_CANCELLED : MIGRATE_OK;
}

START_TEST(stopped)
{
    struct layouts l;
    size_t len = 40 * 1024 * 1024;
    char *text = malloc(len);
    layouts_init(&l);
    memset(text, ' ', len);
    layouts_addn(&l, "1_x.sql", text, len);
    free(text);
    l.host.tick = stop_at_second_tick;
    ck_assert_int_eq(layouts_read(&l), MIGRATE_E_CANCELLED);
    ck_assert_int_eq(ticks, 2);
    layouts_free(&l);
}
END_TEST

START_TEST(odd_reading)
{
    struct layouts l = { .ops = &odd_ops };
    migrate_text path = { "1.sql", 5 };
    l.self = &path;
    l.host = told_host(&l.told);
    ck_assert_int_eq(layouts_read(&l), MIGRATE_E_CONTRACT);
    ck_assert_str_eq(l.diag.message, "the source odd reads more than asked for");
    layouts_free(&l);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("layout_bad_input");
    TCase *cases = tcase_create("layout_bad_input");
    tcase_add_test(cases, other_encodings);
    tcase_add_test(cases, nul_bytes);
    tcase_add_test(cases, other_bytes);
    tcase_add_test(cases, long_version);
    tcase_add_loop_test(cases, flyway_conf, 0, sizeof confs / sizeof confs[0]);
    tcase_add_test(cases, metadata_toml);
    tcase_add_loop_test(cases, odd_paths, 0, sizeof paths / sizeof paths[0]);
    tcase_add_test(cases, stopped);
    tcase_add_test(cases, odd_reading);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
