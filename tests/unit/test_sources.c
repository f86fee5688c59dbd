/* SPDX-License-Identifier: Apache-2.0 */

/* The directory as a source: what it lists, what it refuses, what it creates; and the joined source. */

#include <fcntl.h>

#include "layouts.h"
#include "unit.h"

static char root[1024];

static void fresh(const char *name)
{
    snprintf(root, sizeof root, "%s/sources_%s_%d", UNIT_TMP_DIR, name, (int)getpid());
    remove_tree(root);
    ck_assert_int_eq(mkdir(root, 0777), 0);
}

static void put(const char *path)
{
    write_file(root, path, path, strlen(path));
}

static void make_link(const char *target, const char *path)
{
    char full[1200];
    snprintf(full, sizeof full, "%s/%s", root, path);
    ck_assert_int_eq(symlink(target, full), 0);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All paths, sorted, each with a blank behind it. */
static int32_t list(struct layouts *l, char *out, size_t size)
{
    char *paths[64];
    size_t n = 0;
    migrate_error *err = NULL;
    int32_t status = l->ops->rewind(l->self, &l->host, &err);
    *out = '\0';
    while (!status) {
        migrate_entry entry = { .struct_size = sizeof entry };
        status = l->ops->next(l->self, &l->host, &entry, &err);
        if (!status)
            paths[n++] = strndup(entry.path.data, entry.path.len);
    }
    qsort(paths, n, sizeof *paths, by_text);
    for (size_t i = 0; i < n; i++) {
        snprintf(out + strlen(out), size - strlen(out), "%s ", paths[i]);
        free(paths[i]);
    }
    return status;
}

static void expect_list(const char *path, const char *expected)
{
    struct layouts l;
    char got[4096];
    layouts_dir(&l, path);
    ck_assert_int_eq(list(&l, got, sizeof got), MIGRATE_DONE);
    ck_assert_str_eq(got, expected);
    ck_assert_int_eq(list(&l, got, sizeof got), MIGRATE_DONE); /* again */
    ck_assert_str_eq(got, expected);
    layouts_free(&l);
}

static void expect_refused(const char *path, int32_t status, const char *words)
{
    struct layouts l;
    char got[4096];
    layouts_dir(&l, path);
    ck_assert_int_eq(list(&l, got, sizeof got), status);
    ck_assert_int_eq(l.told.status, status);
    ck_assert_msg(strstr(l.told.message, words) != NULL, "\"%s\" not in \"%s\"", words, l.told.message);
    ck_assert_msg(l.told.hint[0] != '\0', "no hint with \"%s\"", l.told.message);
    layouts_free(&l);
}

START_TEST(listing)
{
    char slash[1100];
    fresh("listing");
    put("1_a.sql");
    put("b/2_b.sql");
    put("b/c/d/3_c.sql");
    put("V1__x.sql.conf");
    put("b/metadata.toml");
    put("README.md");
    put(".hidden.sql");
    put("_draft.sql");
    put(".git/4.sql");
    put("_old/5.sql");
    put("notes.txt");
    put("dump.SQL");
    put("\xc3\xa4.sql");
    expect_list(root, "1_a.sql V1__x.sql.conf b/2_b.sql b/c/d/3_c.sql b/metadata.toml \xc3\xa4.sql ");
    snprintf(slash, sizeof slash, "%s///", root);
    expect_list(slash, "1_a.sql V1__x.sql.conf b/2_b.sql b/c/d/3_c.sql b/metadata.toml \xc3\xa4.sql ");
    remove_tree(root);
}
END_TEST

START_TEST(links)
{
    char elsewhere[1100];
    fresh("links");
    put("real/1_a.sql");
    put("_away/2_b.sql");
    make_link("../_away/2_b.sql", "real/2_b.sql");
    make_link("_away", "more");
    make_link("nowhere", "dangling");
    snprintf(elsewhere, sizeof elsewhere, "%s_link", root);
    unlink(elsewhere);
    ck_assert_int_eq(symlink(root, elsewhere), 0);
    expect_list(elsewhere, "more/2_b.sql real/1_a.sql real/2_b.sql ");
    unlink(elsewhere);
    make_link("nowhere.sql", "3_c.sql");
    expect_refused(root, MIGRATE_E_SOURCE, "3_c.sql is a link to a file that is not there");
    remove_tree(root);
}
END_TEST

START_TEST(loops)
{
    fresh("loops");
    put("a/b/1_a.sql");
    make_link("../..", "a/b/up");
    expect_refused(root, MIGRATE_E_SOURCE,
                   "a/b/up is a link that leads back to a directory above it: a loop");
    remove_tree(root);
    fresh("loops");
    make_link("me", "me");
    expect_refused(root, MIGRATE_E_SOURCE, "Too many levels of symbolic links");
    remove_tree(root);
}
END_TEST

START_TEST(depth)
{
    fresh("depth");
    put("1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/x.sql");
    expect_list(root, "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/x.sql ");
    put("1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/y.sql");
    expect_refused(root, MIGRATE_E_SOURCE, "/16/17 is more than 16 directories deep");
    remove_tree(root);
}
END_TEST

START_TEST(refused)
{
    char path[1200];
    fresh("refused");
    snprintf(path, sizeof path, "%s/missing", root);
    expect_refused(path, MIGRATE_E_SOURCE, "missing does not exist");
    put("1_a.sql");
    snprintf(path, sizeof path, "%s/1_a.sql", root);
    expect_refused(path, MIGRATE_E_SOURCE, "1_a.sql is a file, not a directory");
    put("x\xff\xfe.md");
    expect_list(root, "1_a.sql ");
    put("x\xff\xfe.sql");
    expect_refused(root, MIGRATE_E_NAME, "/x\\xff\\xfe.sql is not in UTF-8 (byte 2)");
    remove_tree(root);
    fresh("refused");
    snprintf(path, sizeof path, "%s/pipe.sql", root);
    ck_assert_int_eq(mkfifo(path, 0666), 0);
    expect_refused(root, MIGRATE_E_SOURCE, "pipe.sql is neither a file nor a directory");
    remove_tree(root);
}
END_TEST

/* Nothing is denied to root, who therefore asks as nobody. */
START_TEST(denied)
{
    char path[1200];
    struct layouts l;
    bool is_root = geteuid() == 0;
    if (is_root && seteuid(65534) != 0) {
        printf("skipped: nothing is denied to the root of a user namespace, who can be nobody else\n");
        return;
    }
    ck_assert(!is_root || seteuid(0) == 0);
    fresh("denied");
    put("sub/1_a.sql");
    snprintf(path, sizeof path, "%s/sub/1_a.sql", root);
    ck_assert_int_eq(chmod(path, 0), 0);
    ck_assert(!is_root || seteuid(65534) == 0);
    layouts_dir(&l, root);
    ck_assert_int_eq(layouts_read(&l), MIGRATE_E_SOURCE);
    ck_assert_msg(strstr(l.told.message, "Permission denied") != NULL, "%s", l.told.message);
    ck_assert_str_ne(l.told.hint, "");
    layouts_free(&l);
    ck_assert(!is_root || seteuid(0) == 0);
    snprintf(path, sizeof path, "%s/sub", root);
    ck_assert_int_eq(chmod(path, 0), 0);
    ck_assert(!is_root || seteuid(65534) == 0);
    expect_refused(root, MIGRATE_E_SOURCE, "Permission denied");
    ck_assert(!is_root || seteuid(0) == 0);
    remove_tree(root);
}
END_TEST

START_TEST(reading_by_offset)
{
    struct layouts l;
    char buf[8];
    size_t got;
    fresh("offset");
    write_file(root, "a/1.sql", "0123456789", 10);
    put("2.sql");
    layouts_dir(&l, root);
    migrate_entry entry = { .struct_size = sizeof entry, .path = { "a/1.sqlX", 7 } };
    ck_assert_int_eq(l.ops->read(l.self, &l.host, &entry, 3, buf, 4, &got, NULL), MIGRATE_OK);
    ck_assert_uint_eq(got, 4);
    ck_assert_mem_eq(buf, "3456", 4);
    ck_assert_int_eq(l.ops->read(l.self, &l.host, &entry, 8, buf, 4, &got, NULL), MIGRATE_OK);
    ck_assert_uint_eq(got, 2);
    ck_assert_int_eq(l.ops->read(l.self, &l.host, &entry, 10, buf, 4, &got, NULL), MIGRATE_OK);
    ck_assert_uint_eq(got, 0);
    ck_assert_int_eq(l.ops->read(l.self, &l.host, &entry, UINT64_MAX - 1, buf, 4, &got, NULL), MIGRATE_OK);
    ck_assert_uint_eq(got, 0);
    entry.path = (migrate_text){ "3.sql", 5 };
    ck_assert_int_eq(l.ops->read(l.self, &l.host, &entry, 0, buf, 4, &got, NULL), MIGRATE_E_SOURCE);
    ck_assert_ptr_nonnull(strstr(l.told.message, "3.sql: No such file"));
    layouts_free(&l);
    remove_tree(root);
}
END_TEST

/* A deployment swaps the directory under its link: what was listed is what is read. */
START_TEST(swapped_directory)
{
    struct layouts l;
    char got[256], link_path[1100];
    size_t n;
    fresh("swapped");
    write_file(root, "old/1.sql", "old", 3);
    write_file(root, "new/1.sql", "new", 3);
    make_link("old", "current");
    snprintf(link_path, sizeof link_path, "%s/current", root);
    layouts_dir(&l, link_path);
    ck_assert_int_eq(list(&l, got, sizeof got), MIGRATE_DONE);
    ck_assert_int_eq(unlink(link_path), 0);
    make_link("new", "current");
    migrate_entry entry = { .struct_size = sizeof entry, .path = { "1.sql", 5 } };
    ck_assert_int_eq(l.ops->read(l.self, &l.host, &entry, 0, got, 3, &n, NULL), MIGRATE_OK);
    ck_assert_mem_eq(got, "old", 3);
    layouts_free(&l);
    remove_tree(root);
}
END_TEST

START_TEST(creating)
{
    struct layouts l;
    char path[1100], got[256];
    fresh("creating");
    snprintf(path, sizeof path, "%s/deep/er", root);
    layouts_dir(&l, path);
    ck_assert_int_eq(l.ops->create(l.self, &l.host, "x/1_a.sql", "text", 4, NULL), MIGRATE_OK);
    ck_assert_int_eq(list(&l, got, sizeof got), MIGRATE_DONE);
    ck_assert_str_eq(got, "x/1_a.sql ");
    ck_assert_int_eq(l.ops->create(l.self, &l.host, "x/1_a.sql", "other", 5, NULL), MIGRATE_E_DUPLICATE);
    ck_assert_ptr_nonnull(strstr(l.told.message, "x/1_a.sql exists already"));
    ck_assert_int_eq(l.ops->create(l.self, &l.host, "../1_a.sql", "", 0, NULL), MIGRATE_E_NAME);
    ck_assert_int_eq(l.ops->create(l.self, &l.host, "/1_a.sql", "", 0, NULL), MIGRATE_E_NAME);
    ck_assert_int_eq(l.ops->create(l.self, &l.host, "a/../../b.sql", "", 0, NULL), MIGRATE_E_NAME);
    migrate_entry entry = { .struct_size = sizeof entry, .path = { "x/1_a.sql", 9 } };
    size_t n;
    ck_assert_int_eq(l.ops->read(l.self, &l.host, &entry, 0, got, sizeof got, &n, NULL), MIGRATE_OK);
    ck_assert_uint_eq(n, 4);
    layouts_free(&l);
    remove_tree(root);
}
END_TEST

/* ---- memory and joined --------------------------------------------------------- */

static int released;

static void release(void *user)
{
    (void)user;
    released++;
}

static migrate_status ran(void *user, uint32_t direction, migrate_executor *x, migrate_error **err)
{
    (void)x, (void)err;
    *(uint32_t *)user = direction;
    return MIGRATE_OK;
}

START_TEST(memory)
{
    void *self;
    uint32_t direction = 0;
    struct mig_diag diag = MIG_DIAG_INIT;
    released = 0;
    ck_assert_int_eq(mig_source_memory(&self), MIGRATE_OK);
    ck_assert_int_eq(mig_source_memory_add_file(self, "b.sql", "text", 4, &diag), MIGRATE_OK);
    ck_assert_int_eq(mig_source_memory_add_file(self, "a.sql", NULL, 0, &diag), MIGRATE_OK);
    ck_assert_int_eq(mig_source_memory_add_code(self, "c.py", NULL, 0, ran, &direction, release, &diag),
                     MIGRATE_OK);
    ck_assert_int_eq(mig_source_memory_add_code(self, "a.sql", NULL, 0, ran, NULL, release, &diag),
                     MIGRATE_E_DUPLICATE);
    ck_assert_str_eq(diag.message, "a.sql was added before");
    mig_diag_free(&diag);
    ck_assert_int_eq(mig_source_memory_add_file(self, "/a.sql", "", 0, &diag), MIGRATE_E_ARGUMENT);
    mig_diag_free(&diag);
    ck_assert_int_eq(mig_source_memory_add_file(self, "./a.sql", "", 0, NULL), MIGRATE_E_ARGUMENT);
    ck_assert_int_eq(mig_source_memory_add_file(self, "x//a.sql", "", 0, NULL), MIGRATE_E_ARGUMENT);
    ck_assert_int_eq(mig_source_memory_add_file(self, "x/../a.sql", "", 0, NULL), MIGRATE_E_ARGUMENT);
    ck_assert_int_eq(mig_source_memory_add_file(self, "", "", 0, NULL), MIGRATE_E_ARGUMENT);
    ck_assert_int_eq(released, 0);
    migrate_entry entry = { .struct_size = sizeof entry, .path = { "c.py", 4 } };
    ck_assert_int_eq(mig_source_memory_ops.run(self, NULL, &entry, MIGRATE_DIRECTION_DOWN, NULL, NULL),
                     MIGRATE_OK);
    ck_assert_uint_eq(direction, MIGRATE_DIRECTION_DOWN);
    mig_source_memory_ops.free(self);
    ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(joined)
{
    struct layouts dir, l;
    void *added;
    fresh("joined");
    write_file(root, "1_a.sql", "A;", 2);
    write_file(root, "3_c.sql", "C;", 2);
    layouts_dir(&dir, root);
    ck_assert_int_eq(mig_source_memory(&added), MIGRATE_OK);
    ck_assert_int_eq(mig_source_memory_add_file(added, "2_b.sql", "B;", 2, NULL), MIGRATE_OK);
    struct mig_source_joined both = { dir.ops, dir.self, added, false };
    memset(&l, 0, sizeof l);
    l.ops = &mig_source_joined_ops;
    l.self = &both;
    l.host = told_host(&l.told);
    layouts_expect(&l, "plain", "V 1|a up=1_a.sql[A;]\nV 2|b up=2_b.sql[B;]\nV 3|c up=3_c.sql[C;]\n");
    ck_assert_int_eq(mig_source_memory_add_file(added, "3_c.sql", "other", 5, NULL), MIGRATE_OK);
    layouts_expect_fail(&l, MIGRATE_E_DUPLICATE, "3_c.sql", 0, "it is there twice");
    layouts_free(&l);
    layouts_free(&dir);
    mig_source_memory_ops.free(added);
    remove_tree(root);
}
END_TEST

UNIT_MAIN("sources", listing, links, loops, depth, refused, denied, reading_by_offset, swapped_directory,
          creating, memory, joined)
