/* SPDX-License-Identifier: Apache-2.0 */

/* Any list of files is either refused with a reason or becomes a set whose parts agree with each other; the
 * same in whatever order the source lists them.
 *
 * Input: a line of options, then files, each begun by a line "== path". The line's letters: p, m, M, s the
 * dialect (PostgreSQL, MySQL, MariaDB, SQLite), b order=bytes, h placeholders, and one of 0 to 8 that forces
 * a layout. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layouts/migrations.h"
#include "sources/sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)                                                                                          \
    do {                                                                                                     \
        if (!(what)) {                                                                                       \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);                               \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

enum { MAX_FILES = 32 };

struct file {
    char *path;
    const char *text;
    size_t len;
};

struct input {
    struct mig_layout_options options;
    struct file files[MAX_FILES];
    size_t n;
};

static migrate_status fail(const migrate_host *host, migrate_error **err, const migrate_fault *fault)
{
    (void)host, (void)err;
    return fault->status;
}

static const migrate_host host = { .struct_size = sizeof(migrate_host), .fail = fail };

/* ---- the input ---------------------------------------------------------------- */

static const char *value_of(void *user, const char *name, size_t len)
{
    (void)user;
    return len == 1 && *name == 'x' ? "one\ntwo" : NULL;
}

static void set_option(struct mig_layout_options *o, char c)
{
    static const char *const layouts[] = { "plain",   "pairs",  "sections",  "flyway", "versioned",
                                           "folders", "prisma", "liquibase", "auto" };
    if (c == 'p' || c == 'm' || c == 's')
        o->dialect = c == 'p'   ? MIGRATE_DIALECT_POSTGRES
                     : c == 'm' ? MIGRATE_DIALECT_MYSQL
                                : MIGRATE_DIALECT_SQLITE;
    if (c == 'M') {
        o->dialect = MIGRATE_DIALECT_MYSQL;
        o->mariadb = true;
    }
    if (c == 'b')
        o->order = "bytes";
    if (c == 'h')
        o->any_placeholder = true;
    if (c == 't')
        o->tags = "a,b", o->contexts = "a and", o->labels = "(a or !b";
    if (c >= '0' && c <= '8')
        o->layout = layouts[c - '0'];
}

static void take_file(struct input *in, const char *path, size_t len, const char *text)
{
    if (len == 0 || *path == '/' || memchr(path, '\0', len))
        return;
    in->files[in->n] = (struct file){ strndup(path, len), text, 0 };
    CHECK(in->files[in->n].path);
    in->n++;
}

static void parse(struct input *in, const char *text, size_t size)
{
    const char *end = text + size, *nl = memchr(text, '\n', size);
    memset(in, 0, sizeof *in);
    in->options.placeholder = value_of;
    for (const char *c = text; c < (nl ? nl : end); c++)
        set_option(&in->options, *c);
    for (const char *line = nl ? nl + 1 : end; line < end && in->n < MAX_FILES;) {
        nl = memchr(line, '\n', (size_t)(end - line));
        const char *stop = nl ? nl : end;
        if (stop - line > 3 && memcmp(line, "== ", 3) == 0) {
            take_file(in, line + 3, (size_t)(stop - line) - 3, nl ? nl + 1 : end);
        } else if (in->n > 0) {
            in->files[in->n - 1].len = (size_t)((nl ? nl + 1 : end) - in->files[in->n - 1].text);
        }
        line = nl ? nl + 1 : end;
    }
}

/* ---- a set ---------------------------------------------------------------------- */

struct outcome {
    void *source;
    struct mig_set *set;
    struct mig_diag diag;
    int32_t status;
};

static void add(void *source, const struct file *f)
{
    int32_t status = mig_source_memory_add_file(source, f->path, f->text ? f->text : "", f->len, NULL);
    CHECK(status == MIGRATE_OK || status == MIGRATE_E_DUPLICATE || status == MIGRATE_E_ARGUMENT);
}

/* Of files with one path the first counts, whatever the order. */
static bool is_first(const struct input *in, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (strcmp(in->files[j].path, in->files[i].path) == 0)
            return false;
    return true;
}

static void read_set(const struct input *in, bool backwards, struct outcome *out)
{
    migrate_error *err = NULL;
    memset(out, 0, sizeof *out);
    CHECK(mig_source_memory(&out->source) == MIGRATE_OK);
    for (size_t i = 0; i < in->n; i++) {
        size_t at = backwards ? in->n - 1 - i : i;
        if (is_first(in, at))
            add(out->source, &in->files[at]);
    }
    out->status =
        mig_set_read(&mig_source_memory_ops, out->source, &host, &in->options, &out->set, &out->diag, &err);
    CHECK(out->status == MIGRATE_OK ||
          (out->diag.status == out->status && out->diag.message && *out->diag.message));
    CHECK(out->status == MIGRATE_OK || out->status / 100 == MIGRATE_CLASS_SOURCE);
}

static void drop(struct outcome *o)
{
    mig_set_unref(o->set);
    mig_diag_free(&o->diag);
    mig_source_memory_ops.free(o->source);
}

static void compare(const struct outcome *a, const struct outcome *b)
{
    CHECK(a->status == b->status);
    if (a->status) {
        CHECK(strcmp(a->diag.message, b->diag.message) == 0 && a->diag.line == b->diag.line);
        return;
    }
    CHECK(a->set->count == b->set->count && strcmp(a->set->layout, b->set->layout) == 0);
    CHECK(memcmp(a->set->hash, b->set->hash, sizeof a->set->hash) == 0);
    for (size_t i = 0; i < a->set->count; i++) {
        const struct mig_migration *x = &a->set->items[i], *y = &b->set->items[i];
        CHECK(strcmp(x->version, y->version) == 0 && strcmp(x->name, y->name) == 0 && x->flags == y->flags);
        CHECK(memcmp(x->checksum, y->checksum, MIG_SHA256_LEN) == 0);
    }
}

/* ---- what must hold of every set -------------------------------------------------- */

static void read_text(const struct input *in, const struct outcome *o, const struct mig_migration *m,
                      uint32_t direction)
{
    struct mig_text *text = NULL;
    migrate_error *err = NULL;
    struct mig_diag diag = MIG_DIAG_INIT;
    char buf[61];
    size_t got = 1, total = 0;
    CHECK(mig_text_open(o->set, m, direction, &mig_source_memory_ops, o->source, &host, &in->options, &text,
                        &diag, &err) == MIGRATE_OK);
    int32_t status = MIGRATE_OK;
    while (!status && got > 0) {
        status = mig_text_read(text, buf, sizeof buf, &got);
        CHECK(mig_text_line(text, total, 1) >= 1);
        total += got;
    }
    CHECK(status == MIGRATE_OK || status == MIGRATE_E_PLACEHOLDER);
    CHECK(mig_text_verify(text, &diag) == status);
    mig_text_close(text);
    mig_diag_free(&diag);
}

static void check_item(const struct input *in, const struct outcome *o, size_t i)
{
    const struct mig_set *set = o->set;
    const struct mig_migration *m = &set->items[i];
    bool repeatable = m->kind == MIGRATE_KIND_REPEATABLE;
    CHECK(repeatable == (i >= set->n_versioned));
    CHECK(mig_set_find(set, m->kind, repeatable ? m->name : m->version) == m);
    if (i > 0 && i < set->n_versioned)
        CHECK(mig_set_compare(set, m[-1].version, m->version) <= 0);
    CHECK(m->directives && m->up.path && m->up.n_ranges > 0 && m->has_checksum);
    CHECK(((m->flags & MIG_MIGRATION_REVERSIBLE) != 0) == (m->down->n_ranges > 0));
    read_text(in, o, m, MIGRATE_DIRECTION_UP);
    if (m->down->n_ranges > 0)
        read_text(in, o, m, MIGRATE_DIRECTION_DOWN);
}

/* What is proposed comes behind all the others, or says why there is none. */
static void propose(const struct input *in, const struct outcome *o)
{
    struct mig_new_file out[2];
    struct mig_diag diag = MIG_DIAG_INIT;
    size_t n = 0;
    int32_t status =
        mig_set_propose(o->set, "next", false, in->options.layout, INT64_C(1767323045000), out, &n, &diag);
    CHECK(status == MIGRATE_OK || (status == MIGRATE_E_NAME && diag.message && diag.hint));
    for (size_t i = 0; i < n && !status; i++) {
        CHECK(out[i].path && out[i].text && *out[i].path != '/');
        free(out[i].path);
        free(out[i].text);
    }
    mig_diag_free(&diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in;
    struct outcome one, two;
    parse(&in, (const char *)data, size);
    read_set(&in, false, &one);
    read_set(&in, true, &two);
    compare(&one, &two);
    for (size_t i = 0; one.set && i < one.set->count; i++)
        check_item(&in, &one, i);
    if (one.set) {
        (void)mig_set_check_order(one.set, NULL, NULL, NULL);
        propose(&in, &one);
    }
    drop(&one);
    drop(&two);
    for (size_t i = 0; i < in.n; i++)
        free(in.files[i].path);
    return 0;
}
