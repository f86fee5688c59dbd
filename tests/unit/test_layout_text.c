/* SPDX-License-Identifier: Apache-2.0 */

/* The text of a migration: checksums, the hash of a source, placeholders, lines, files that change. */

#include "layouts.h"

#include "util/sha256.h"

static void hex_of(const char *text, char out[65])
{
    uint8_t digest[MIG_SHA256_LEN];
    mig_sha256(text, strlen(text), digest);
    mig_hex(digest, sizeof digest, out);
}

static void check_checksum(const struct mig_migration *m, const char *text)
{
    char expected[65], got[65];
    hex_of(text, expected);
    mig_hex(m->checksum, MIG_SHA256_LEN, got);
    ck_assert(m->has_checksum);
    ck_assert_str_eq(got, expected);
}

START_TEST(checksums)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "1_a.sql", "a\nb\n");
    layouts_add(&l, "2_a.sql",
                "\xef\xbb\xbf"
                "a\r\nb\r\n");
    layouts_add(&l, "3_a.sql", "a\rb\r\r\n\r");
    layouts_add(&l, "4_a.sql", "");
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    check_checksum(&l.set->items[0], "a\nb\n");
    check_checksum(&l.set->items[1], "a\nb\n");
    check_checksum(&l.set->items[2], "a\rb\r\n\r");
    check_checksum(&l.set->items[3], "");
    layouts_free(&l);
}
END_TEST

/* '\r' and '\n' in different chunks, and text longer than one. */
START_TEST(checksum_across_chunks)
{
    size_t len = 200 * 1024;
    char *crlf = malloc(2 * len), *lf = malloc(len + 1);
    struct layouts l;
    layouts_init(&l);
    for (size_t i = 0; i < len; i++) {
        crlf[2 * i] = '\r';
        crlf[2 * i + 1] = '\n';
        lf[i] = '\n';
    }
    lf[len] = '\0';
    layouts_addn(&l, "1_a.sql", crlf, 2 * len);
    layouts_addn(&l, "2_b.sql", crlf + 1, 2 * len - 1);
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    check_checksum(&l.set->items[0], lf);
    check_checksum(&l.set->items[1], lf);
    ck_assert_uint_eq(l.set->bytes, 2 * len);
    free(crlf);
    free(lf);
    layouts_free(&l);
}
END_TEST

START_TEST(checksum_of_pairs_and_sections)
{
    struct layouts l;
    layouts_init(&l);
    layouts_add(&l, "1_a.up.sql", "up");
    layouts_add(&l, "1_a.down.sql", "down");
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    check_checksum(&l.set->items[0], "up");
    layouts_free(&l);
    layouts_init(&l);
    layouts_add(&l, "1_a.sql", "-- migrate: up\nA;\n-- migrate: down\nB;\n");
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    check_checksum(&l.set->items[0], "-- migrate: up\nA;\n-- migrate: down\nB;\n");
    layouts_free(&l);
}
END_TEST

static void source_hash(const char *const files[], char out[65])
{
    struct layouts l;
    layouts_init(&l);
    for (size_t i = 0; files[i]; i += 2)
        layouts_add(&l, files[i], files[i + 1]);
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    mig_hex(l.set->hash, sizeof l.set->hash, out);
    layouts_free(&l);
}

START_TEST(hash_of_a_source)
{
    char a[65], b[65];
    source_hash((const char *const[]){ "1_a.sql", "A\n", "2_b.sql", "B\n", NULL }, a);
    source_hash((const char *const[]){ "2_b.sql",
                                       "\xef\xbb\xbf"
                                       "B\r\n",
                                       "1_a.sql", "A\r\n", "README.md", "x", NULL },
                b);
    ck_assert_str_eq(a, b);
    /* for ever: deployed templates compare it */
    ck_assert_str_eq(a, "203c8820e980acb8ca5502603e49aaf7c14784b68bb29a7c225ee8180bb1278b");
    source_hash((const char *const[]){ "1_a.sql", "A\n2", "_b.sql", "B\n", "2_b.sql", "", NULL }, b);
    ck_assert_str_ne(a, b);
    source_hash((const char *const[]){ "1_a.sql", "A\n", "2_c.sql", "B\n", NULL }, b);
    ck_assert_str_ne(a, b);
}
END_TEST

static const char *value_of(void *user, const char *name, size_t len)
{
    (void)user;
    if (len == 1 && *name == 'x')
        return "XX";
    if (len == 5 && memcmp(name, "lines", 5) == 0)
        return "1\n2\n3";
    return NULL;
}

START_TEST(placeholders)
{
    struct layouts l;
    int32_t status;
    layouts_init(&l);
    l.options.placeholder = value_of;
    layouts_add(&l, "1_a.sql", "a ${x} '${x}' $${x} ${ x} ${x");
    layouts_expect(&l, "plain", "V 1|a up=1_a.sql[a ${x} '${x}' $${x} ${ x} ${x]\n");
    l.options.any_placeholder = true;
    layouts_expect(&l, "plain", "V 1|a up=1_a.sql[a XX 'XX' $XX ${ x} ${x]\n");
    check_checksum(&l.set->items[0], "a ${x} '${x}' $${x} ${ x} ${x");
    layouts_add(&l, "2_b.sql", "\n\n -- ${nothing} here");
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    ck_assert_ptr_null(layouts_text(&l, &l.set->items[1], MIGRATE_DIRECTION_UP, &status));
    ck_assert_int_eq(status, MIGRATE_E_PLACEHOLDER);
    ck_assert_str_eq(l.diag.message, "there is no value for the placeholder ${nothing}");
    ck_assert_str_eq(l.diag.path, "2_b.sql");
    ck_assert_uint_eq(l.diag.line, 3);
    ck_assert_ptr_nonnull(strstr(l.diag.hint, "placeholder.nothing"));
    layouts_free(&l);
}
END_TEST

START_TEST(placeholders_of_flyway)
{
    struct layouts l;
    layouts_init(&l);
    l.options.placeholder = value_of;
    layouts_add(&l, "V1__a.sql", "${x}, ${flyway:filename}");
    layouts_add(&l, "V2__b.sql", "${x} ${y}");
    layouts_add(&l, "V2__b.sql.conf", "placeholderReplacement=false\n");
    layouts_add(&l, "R__r.sql", "\xef\xbb\xbf<${x}>\r\n");
    layouts_expect(
        &l, "flyway",
        "V 1|a up=V1__a.sql[XX, V1__a.sql]\nV 2|b up=V2__b.sql[${x} ${y}]\nR |r up=R__r.sql[<XX>\r~]\n");
    check_checksum(&l.set->items[2], "<XX>\n");
    layouts_add(&l, "R__s.sql", "\n${y}\n");
    layouts_expect_fail(&l, MIGRATE_E_PLACEHOLDER, "R__s.sql", 2, "${y}");
    layouts_free(&l);
}
END_TEST

/* Where a statement stands in its file, when sections repeat and values have line ends. */
START_TEST(lines)
{
    struct layouts l;
    struct mig_text *text = NULL;
    char buf[256];
    size_t len = 0, got = 1;
    layouts_init(&l);
    l.options.placeholder = value_of;
    l.options.any_placeholder = true;
    layouts_add(&l, "1_a.sql", "-- migrate:up\nA;\n-- migrate:down\nB;\n-- migrate:up\nC ${lines};\nD;");
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    ck_assert_int_eq(mig_text_open(l.set, &l.set->items[0], MIGRATE_DIRECTION_UP, l.ops, l.self, &l.host,
                                   &l.options, &text, &l.diag, NULL),
                     MIGRATE_OK);
    for (; got > 0; len += got)
        ck_assert_int_eq(mig_text_read(text, buf + len, 3, &got), MIGRATE_OK);
    buf[len] = '\0';
    ck_assert_str_eq(buf, "\nA;\n\nC 1\n2\n3;\nD;");
    /*                     1 2   3 4   5  6   7  as the lexer counts; 1 2 6 6 6 6 7 in the file */
    ck_assert_uint_eq(mig_text_line(text, 1, 2), 2);
    ck_assert_uint_eq(mig_text_line(text, (uint64_t)(strchr(buf, 'C') - buf), 4), 6);
    ck_assert_uint_eq(mig_text_line(text, (uint64_t)(strchr(buf, 'D') - buf), 7), 7);
    ck_assert_uint_eq(mig_text_line(text, UINT64_MAX, 2), 2);
    ck_assert_uint_eq(mig_text_line(text, UINT64_MAX, 7), 7);
    mig_text_close(text);
    layouts_free(&l);
}
END_TEST

/* A source whose file becomes another between the listing and the run. */
static const char *moving;

static migrate_status moving_rewind(void *self, const migrate_host *host, migrate_error **err)
{
    (void)host, (void)err;
    *(int *)self = 0;
    return MIGRATE_OK;
}

static migrate_status moving_next(void *self, const migrate_host *host, migrate_entry *out,
                                  migrate_error **err)
{
    (void)host, (void)err;
    out->path = (migrate_text){ "1_a.sql", 7 };
    return (*(int *)self)++ ? MIGRATE_DONE : MIGRATE_OK;
}

static migrate_status moving_read(void *self, const migrate_host *host, const migrate_entry *entry,
                                  uint64_t offset, char *buf, size_t cap, size_t *got, migrate_error **err)
{
    (void)self, (void)host, (void)entry, (void)err;
    size_t len = strlen(moving), left = offset < len ? len - (size_t)offset : 0;
    *got = left < cap ? left : cap;
    memcpy(buf, moving + (offset < len ? offset : 0), *got);
    return MIGRATE_OK;
}

static void moving_free(void *self)
{
    (void)self;
}

static const struct migrate_source_ops moving_ops = { sizeof moving_ops, MIGRATE_SOURCE_API, 0,
                                                      "moving",          moving_rewind,      moving_next,
                                                      moving_read,       moving_free };

#define UP MIGRATE_DIRECTION_UP
#define DOWN MIGRATE_DIRECTION_DOWN

static const struct {
    const char *before, *after;
    uint32_t direction;
    int32_t status;
} changes[] = {
    { "A;", "A;", UP, MIGRATE_OK },
    { "A;\r\n", "A;\n", UP, MIGRATE_OK },
    { "A;", "A; B;", UP, MIGRATE_E_SOURCE_MOVED },
    { "A; B;", "A;", UP, MIGRATE_E_SOURCE_MOVED },
    { "A;", "", UP, MIGRATE_E_SOURCE_MOVED },
    { "-- migrate: up\nA;\n-- migrate: down\nB;\n", "-- migrate: up\nA;\n", DOWN, MIGRATE_E_SOURCE_MOVED },
    { "-- migrate: up\nA;\n-- migrate: down\nB;\n", "-- migrate: up\n", UP, MIGRATE_E_SOURCE_MOVED },
    { "-- migrate: up\nA;\n-- migrate: down\nB;\n", "-- migrate: up\nC;\n-- migrate: down\nB;\n", UP,
      MIGRATE_E_SOURCE_MOVED },
    { "-- migrate: up\nA;\n-- migrate: down\nB;\n", "-- migrate: up\nA;\n-- migrate: down\nC;\n", UP,
      MIGRATE_OK },
};

START_TEST(a_file_that_changes)
{
    struct layouts l = { .ops = &moving_ops, .self = &(int){ 0 } };
    int32_t status;
    l.host = told_host(&l.told);
    moving = changes[_i].before;
    ck_assert_int_eq(layouts_read(&l), MIGRATE_OK);
    moving = changes[_i].after;
    char *text = layouts_text(&l, &l.set->items[0], changes[_i].direction, &status);
    ck_assert_int_eq(status, changes[_i].status);
    ck_assert(!status || strstr(l.diag.message, "1_a.sql changed while it was being run"));
    free(text);
    layouts_free(&l);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("layout_text");
    TCase *cases = tcase_create("layout_text");
    tcase_add_test(cases, checksums);
    tcase_add_test(cases, checksum_across_chunks);
    tcase_add_test(cases, checksum_of_pairs_and_sections);
    tcase_add_test(cases, hash_of_a_source);
    tcase_add_test(cases, placeholders);
    tcase_add_test(cases, placeholders_of_flyway);
    tcase_add_test(cases, lines);
    tcase_add_loop_test(cases, a_file_that_changes, 0, sizeof changes / sizeof changes[0]);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
