/* SPDX-License-Identifier: Apache-2.0 */

/* The conformance suite over the library's own sources, and over a source with one mistake at a time. */

#include "scratch.h"
#include "told.h"

#include "sources/sources.h"

#include <check.h>
#undef fail /* an old macro of Check, and a member of migrate_host */
#include <errno.h>

static struct scratch scratch;
static unsigned made;

/* ---- a directory ----------------------------------------------------------- */

static int write_file(const char *dir, const char *path, migrate_text text)
{
    char full[800];
    snprintf(full, sizeof(full), "%s/%s", dir, path);
    for (char *slash = strchr(full + strlen(dir) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(full, 0700) != 0 && errno != EEXIST) {
            return -1;
        }
        *slash = '/';
    }
    FILE *f = fopen(full, "wb");
    if (!f) {
        return -1;
    }
    size_t n = fwrite(text.data, 1, text.len, f);
    return fclose(f) == 0 && n == text.len ? 0 : -1;
}

static migrate_status make_directory(void *user, uint32_t which, void **self)
{
    char dir[400];
    migrate_text text;
    (void)user;
    if (which == MIGRATE_FIXTURE_CODE) {
        return MIGRATE_E_UNSUPPORTED;
    }
    snprintf(dir, sizeof(dir), "%s/%u", scratch.dir, made++);
    if (mkdir(dir, 0700) != 0) {
        return MIGRATE_E_IO;
    }
    for (size_t i = 0; which == MIGRATE_FIXTURE_FILES && migrate_conformance_file(i, &text); i++) {
        if (write_file(dir, migrate_conformance_file(i, NULL), text) != 0) {
            return MIGRATE_E_IO;
        }
    }
    return mig_source_directory(dir, self);
}

/* ---- memory, and both as one ------------------------------------------------- */

static migrate_status code(void *user, uint32_t direction, migrate_executor *x, migrate_error **err)
{
    static const char sql[] = "INSERT INTO conformance_code VALUES (1)";
    (void)user;
    (void)direction;
    return x->exec(x, sql, sizeof(sql) - 1, NULL, 0, NULL, NULL, err);
}

static migrate_status fill_memory(void *memory, size_t from, size_t step, uint32_t which)
{
    migrate_text text;
    migrate_status status = MIGRATE_OK;
    for (size_t i = from; which != MIGRATE_FIXTURE_EMPTY && !status && migrate_conformance_file(i, &text);
         i += step) {
        status =
            mig_source_memory_add_file(memory, migrate_conformance_file(i, NULL), text.data, text.len, NULL);
    }
    if (!status && which == MIGRATE_FIXTURE_CODE) {
        status = mig_source_memory_add_code(memory, "9999_code.c", "abc", 0, code, NULL, NULL, NULL);
    }
    return status;
}

static migrate_status make_memory(void *user, uint32_t which, void **self)
{
    (void)user;
    migrate_status status = mig_source_memory(self);
    return status ? status : fill_memory(*self, 0, 1, which);
}

/* The odd files in one, the even ones and the code in the other. */
struct both {
    struct mig_source_joined joined; /* first: what the vtable takes */
};

static migrate_status make_joined(void *user, uint32_t which, void **self)
{
    struct both *b = calloc(1, sizeof(*b));
    (void)user;
    if (!b) {
        return MIGRATE_E_NOMEM;
    }
    b->joined.ops = &mig_source_memory_ops;
    migrate_status status = mig_source_memory(&b->joined.self);
    if (!status) {
        status = mig_source_memory(&b->joined.memory);
    }
    if (!status && which != MIGRATE_FIXTURE_EMPTY) {
        status = fill_memory(b->joined.self, 1, 2, MIGRATE_FIXTURE_FILES);
    }
    if (!status) {
        status = fill_memory(b->joined.memory, 0, 2, which);
    }
    *self = b;
    return status;
}

static void free_joined(void *self)
{
    struct both *b = self;
    mig_source_memory_ops.free(b->joined.self);
    mig_source_memory_ops.free(b->joined.memory);
    free(b);
}

/* ---- a source with mistakes -------------------------------------------------- */

enum mistake {
    NONE,
    MISSES_LAST,
    LISTS_TWICE,
    WRONG_SIZE,
    WRONG_FLAGS,
    NO_REWIND,
    NO_DONE,
    LONG_ENTRY,
    READ_LAST_LISTED,
    READ_NO_OFFSET,
    READ_PAST_CAP,
    READ_ONE_SHORT,
    READ_CHANGES_LINE_ENDS,
    READ_MOVES_LISTING,
    BORROWS_OTHER,
    SHARES_STATE,
    CODE_SWALLOWS,
    CODE_TWICE,
    CREATE_OVERWRITES,
    CREATE_FORGETS,
    FAILS_WITHOUT_ERROR,
    MISTAKES
};

static enum mistake mistake;

struct wrong {
    uint32_t which;
    size_t at;
    char created[100];
    size_t created_len;
    bool has_created;
};
static size_t shared_at;

static size_t *position(struct wrong *w)
{
    return mistake == SHARES_STATE ? &shared_at : &w->at;
}

static size_t files_in(const struct wrong *w)
{
    size_t n = 0;
    while (w->which != MIGRATE_FIXTURE_EMPTY && migrate_conformance_file(n, NULL)) {
        n++;
    }
    return mistake == MISSES_LAST && n ? n - 1 : n;
}

static migrate_status wrong_rewind(void *self, const migrate_host *host, migrate_error **err)
{
    struct wrong *w = self;
    (void)host;
    (void)err;
    if (mistake != NO_REWIND || *position(w) == 0) {
        *position(w) = 0;
    }
    return mistake == FAILS_WITHOUT_ERROR ? MIGRATE_E_SOURCE : MIGRATE_OK;
}

static migrate_status wrong_next(void *self, const migrate_host *host, migrate_entry *out,
                                 migrate_error **err)
{
    struct wrong *w = self;
    migrate_text text;
    size_t n = files_in(w), i = (*position(w))++;
    size_t size = out->struct_size;
    (void)host;
    (void)err;
    if (i < n || (i == n && n && mistake == LISTS_TWICE)) {
        const char *path = migrate_conformance_file(i % n, &text);
        out->path = (migrate_text){ path, strlen(path) };
        out->size = text.len + (mistake == WRONG_SIZE);
        out->cookie = i % n;
        out->flags = mistake == WRONG_FLAGS ? MIGRATE_ENTRY_REVERSIBLE : 0;
    } else if (i == n && w->which == MIGRATE_FIXTURE_CODE) {
        out->path = (migrate_text){ "9999_code.c", 11 };
        out->size = 0;
        out->flags = MIGRATE_ENTRY_CODE;
    } else if (i == n && w->has_created) {
        out->path = (migrate_text){ "0042_made.sql", 13 };
        out->size = w->created_len;
        out->cookie = 1000;
    } else {
        *position(w) = mistake == NO_DONE ? 0 : *position(w);
        return MIGRATE_DONE;
    }
    if (size >= sizeof(*out) || mistake == LONG_ENTRY) {
        out->checksum = NULL;
    }
    return MIGRATE_OK;
}

static migrate_text text_of(const struct wrong *w, const migrate_entry *entry)
{
    migrate_text text = { w->created, w->created_len };
    uint64_t cookie = mistake == READ_LAST_LISTED && w->at ? w->at - 1 : entry->cookie;
    if (cookie != 1000) {
        migrate_conformance_file((size_t)cookie, &text);
    }
    return text;
}

static migrate_status wrong_read(void *self, const migrate_host *host, const migrate_entry *entry,
                                 uint64_t offset, char *buf, size_t cap, size_t *got, migrate_error **err)
{
    struct wrong *w = self;
    migrate_text text = text_of(w, entry);
    (void)host;
    (void)err;
    *got = 0;
    if (mistake == READ_MOVES_LISTING) {
        w->at++;
    }
    if (mistake == READ_NO_OFFSET && offset < text.len) {
        offset = 0;
    }
    if (mistake == READ_ONE_SHORT && text.len) {
        text.len--;
    }
    if (offset >= text.len) {
        return MIGRATE_OK;
    }
    *got = text.len - offset < cap ? (size_t)(text.len - offset) : cap;
    memcpy(buf, text.data + offset, *got);
    for (size_t i = 0; i < *got && mistake == READ_CHANGES_LINE_ENDS; i++) {
        buf[i] = buf[i] == '\r' ? '\n' : buf[i];
    }
    if (mistake == READ_PAST_CAP) {
        buf[cap] = '\0';
    }
    return MIGRATE_OK;
}

static migrate_status wrong_borrow(void *self, const migrate_entry *entry, migrate_text *out,
                                   migrate_error **err)
{
    (void)err;
    *out = text_of(self, entry);
    if (mistake == BORROWS_OTHER) {
        migrate_conformance_file(0, out);
    }
    return MIGRATE_OK;
}

static migrate_status wrong_run(void *self, const migrate_host *host, const migrate_entry *entry,
                                uint32_t direction, migrate_executor *x, migrate_error **err)
{
    (void)host;
    (void)entry;
    migrate_status status = code(self, direction, x, err);
    if (mistake == CODE_TWICE) {
        status = code(self, direction, x, NULL);
    }
    return mistake == CODE_SWALLOWS ? MIGRATE_OK : status;
}

static migrate_status wrong_create(void *self, const migrate_host *host, const char *path, const char *text,
                                   size_t len, migrate_error **err)
{
    struct wrong *w = self;
    migrate_fault fault = { .struct_size = sizeof(fault), .status = MIGRATE_E_SOURCE, .message = path };
    if (w->has_created && mistake != CREATE_OVERWRITES) {
        return host->fail(host, err, &fault);
    }
    memcpy(w->created, text, len);
    w->created_len = len;
    w->has_created = mistake != CREATE_FORGETS;
    return MIGRATE_OK;
}

static const migrate_source_ops wrong_ops = {
    .struct_size = sizeof(migrate_source_ops),
    .api = MIGRATE_SOURCE_API,
    .name = "wrong",
    .rewind = wrong_rewind,
    .next = wrong_next,
    .read = wrong_read,
    .free = free,
    .run = wrong_run,
    .borrow = wrong_borrow,
    .create = wrong_create,
};

static migrate_status make_wrong(void *user, uint32_t which, void **self)
{
    struct wrong *w = calloc(1, sizeof(*w));
    (void)user;
    if (!w) {
        return MIGRATE_E_NOMEM;
    }
    w->which = which;
    *self = w;
    return MIGRATE_OK;
}

static const char *const seen_by[MISTAKES] = {
    [MISSES_LAST] = "source/list",
    [LISTS_TWICE] = "source/list",
    [WRONG_SIZE] = "source/list",
    [WRONG_FLAGS] = "source/list",
    [NO_REWIND] = "source/rewind",
    [NO_DONE] = "source/done-again",
    [LONG_ENTRY] = "source/entry-struct-size",
    [READ_LAST_LISTED] = "source/read",
    [READ_NO_OFFSET] = "source/read-offsets",
    [READ_PAST_CAP] = "source/read",
    [READ_ONE_SHORT] = "source/read",
    [READ_CHANGES_LINE_ENDS] = "source/read",
    [READ_MOVES_LISTING] = "source/read-while-listing",
    [BORROWS_OTHER] = "source/borrow",
    [SHARES_STATE] = "source/two",
    [CODE_SWALLOWS] = "source/code",
    [CODE_TWICE] = "source/code",
    [CREATE_OVERWRITES] = "source/create",
    [CREATE_FORGETS] = "source/create",
    [FAILS_WITHOUT_ERROR] = "source/empty",
};

/* ---- tests ----------------------------------------------------------------- */

static void must_pass(const char *label, const migrate_source_ops *ops, migrate_make_fn make,
                      unsigned skipped)
{
    struct told told = { .label = label };
    migrate_error *err = NULL;
    migrate_status status = migrate_conformance_source(ops, make, NULL, told_case, &told, &err);
    ck_assert_msg(status == MIGRATE_OK, "%s: %s: %s", label, told.first, told.first_detail);
    ck_assert_uint_le(told.skipped, skipped);
    migrate_error_free(err);
}

START_TEST(directory)
{
    must_pass("directory", &mig_source_directory_ops, make_directory, 2);
}
END_TEST

START_TEST(memory)
{
    must_pass("memory", &mig_source_memory_ops, make_memory, 2);
}
END_TEST

START_TEST(joined)
{
    migrate_source_ops ops = mig_source_joined_ops;
    ops.free = free_joined;
    must_pass("joined", &ops, make_joined, 2);
}
END_TEST

START_TEST(right_source)
{
    must_pass("right", &wrong_ops, make_wrong, 0);
}
END_TEST

START_TEST(wrong_source)
{
    struct told told = { .quiet = 1 };
    mistake = (enum mistake)_i;
    ck_assert_ptr_nonnull(seen_by[_i]);
    migrate_status status =
        migrate_conformance_source(&wrong_ops, make_wrong, seen_by[_i], told_case, &told, NULL);
    ck_assert_msg(status == MIGRATE_E_CONTRACT, "mistake %d was not seen by %s", _i, seen_by[_i]);
    printf("source mistake %d is seen: %s: %s\n", _i, told.first, told.first_detail);
}
END_TEST

static void set_up(void)
{
    ck_assert_int_eq(scratch_make(&scratch), 0);
    mistake = NONE;
}

static void tear_down(void)
{
    scratch_done(&scratch);
}

int main(void)
{
    Suite *suite = suite_create("conformance-sources");
    TCase *cases = tcase_create("source");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, directory);
    tcase_add_test(cases, memory);
    tcase_add_test(cases, joined);
    tcase_add_test(cases, right_source);
    tcase_add_loop_test(cases, wrong_source, NONE + 1, MISTAKES);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
