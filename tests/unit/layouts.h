/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_LAYOUTS_H
#define UNIT_LAYOUTS_H

/* Sources for tests of the layouts: files in memory or in a directory, a host that keeps what failed, and a
 * set as text. */

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layouts/migrations.h"
#include "sources/sources.h"

/* ---- a host ----------------------------------------------------------------- */

struct told {
    int32_t status;
    char message[1024], hint[512];
};

static migrate_status told_fail(const migrate_host *host, migrate_error **err, const migrate_fault *fault)
{
    struct told *t = host->self;
    (void)err;
    t->status = fault->status;
    snprintf(t->message, sizeof t->message, "%s", fault->message ? fault->message : "");
    snprintf(t->hint, sizeof t->hint, "%s", fault->hint ? fault->hint : "");
    return fault->status;
}

static inline migrate_host told_host(struct told *t)
{
    return (migrate_host){ .struct_size = sizeof(migrate_host), .self = t, .fail = told_fail };
}

/* ---- a source under test ----------------------------------------------------- */

struct layouts {
    const struct migrate_source_ops *ops;
    void *self;
    struct told told;
    migrate_host host;
    struct mig_layout_options options;
    struct mig_set *set;
    struct mig_diag diag;
    int32_t status;
};

static inline void layouts_init(struct layouts *l)
{
    memset(l, 0, sizeof *l);
    l->host = told_host(&l->told);
    l->options.dialect = MIGRATE_DIALECT_POSTGRES;
    ck_assert_int_eq(mig_source_memory(&l->self), MIGRATE_OK);
    l->ops = &mig_source_memory_ops;
}

static inline void layouts_dir(struct layouts *l, const char *path)
{
    memset(l, 0, sizeof *l);
    l->host = told_host(&l->told);
    l->options.dialect = MIGRATE_DIALECT_POSTGRES;
    ck_assert_int_eq(mig_source_directory(path, &l->self), MIGRATE_OK);
    l->ops = &mig_source_directory_ops;
}

static inline void layouts_addn(struct layouts *l, const char *path, const char *text, size_t len)
{
    ck_assert_int_eq(mig_source_memory_add_file(l->self, path, text, len, NULL), MIGRATE_OK);
}

static inline void layouts_add(struct layouts *l, const char *path, const char *text)
{
    layouts_addn(l, path, text, strlen(text));
}

static inline int32_t layouts_read(struct layouts *l)
{
    migrate_error *err = NULL;
    mig_set_unref(l->set);
    l->set = NULL;
    mig_diag_free(&l->diag);
    memset(&l->told, 0, sizeof l->told);
    l->status = mig_set_read(l->ops, l->self, &l->host, &l->options, &l->set, &l->diag, &err);
    ck_assert_msg(l->status || l->set, "no set");
    ck_assert_msg(!l->status || l->diag.status == l->status || l->told.status == l->status ||
                      l->diag.message == NULL,
                  "status %d without a reason", l->status);
    return l->status;
}

static inline void layouts_free(struct layouts *l)
{
    mig_set_unref(l->set);
    mig_diag_free(&l->diag);
    l->ops->free(l->self);
    memset(l, 0, sizeof *l);
}

/* ---- what came of it ---------------------------------------------------------- */

static inline const char *layouts_message(const struct layouts *l)
{
    return l->diag.message ? l->diag.message : l->told.message;
}

/* The text of one direction, to be freed; NULL: it failed, with *@p status. */
static inline char *layouts_text(struct layouts *l, const struct mig_migration *m, uint32_t direction,
                                 int32_t *status)
{
    struct mig_text *text = NULL;
    char *all = calloc(1, 1), buf[7];
    size_t len = 0, got = 1;
    migrate_error *err = NULL;
    mig_diag_free(&l->diag);
    *status =
        mig_text_open(l->set, m, direction, l->ops, l->self, &l->host, &l->options, &text, &l->diag, &err);
    while (!*status && got > 0) {
        *status = mig_text_read(text, buf, sizeof buf, &got);
        all = realloc(all, len + got + 1);
        memcpy(all + len, buf, got);
        all[len += got] = '\0';
    }
    if (!*status)
        *status = mig_text_verify(text, &l->diag);
    else if (text)
        mig_text_fault(text, &l->diag, &err);
    mig_text_close(text);
    if (*status) {
        free(all);
        all = NULL;
    }
    return all;
}

static inline void put_part(char **out, size_t *len, struct layouts *l, const struct mig_migration *m,
                            uint32_t direction, const char *label)
{
    const struct mig_part *part = direction == MIGRATE_DIRECTION_DOWN ? m->down : &m->up;
    int32_t status;
    if (!part->path)
        return;
    char *text = layouts_text(l, m, direction, &status);
    for (char *p = text; p && *p; p++)
        if (*p == '\n')
            *p = '~';
    size_t n = (size_t)snprintf(NULL, 0, " %s=%s[%s]", label, part->path, text ? text : "?");
    *out = realloc(*out, *len + n + 1);
    sprintf(*out + *len, " %s=%s[%s]", label, part->path, text ? text : "?");
    *len += n;
    free(text);
}

/* "V 1 add users up=1_add_users.sql[...] down=...\n" per migration; to be freed. Line ends show as '~'. */
static inline char *layouts_dump(struct layouts *l)
{
    char *out = calloc(1, 1);
    size_t len = 0;
    for (size_t i = 0; i < l->set->count; i++) {
        const struct mig_migration *m = &l->set->items[i];
        char head[2048];
        int n = snprintf(head, sizeof head, "%c %s|%s", " VRB"[m->kind], m -> version, m -> name);
        out = realloc(out, len + (size_t)n + 2);
        memcpy(out + len, head, (size_t)n + 1);
        len += (size_t)n;
        put_part(&out, &len, l, m, MIGRATE_DIRECTION_UP, "up");
        put_part(&out, &len, l, m, MIGRATE_DIRECTION_DOWN, "down");
        out = realloc(out, len + 2);
        strcpy(out + len++, "\n");
    }
    return out;
}

/* Reads, and compares layout and dump. */
static inline void layouts_expect(struct layouts *l, const char *layout, const char *dump)
{
    layouts_read(l);
    ck_assert_msg(l->status == MIGRATE_OK, "status %d: %s (%s:%d)", l->status, layouts_message(l),
                  l->diag.path ? l->diag.path : "", (int)l->diag.line);
    ck_assert_str_eq(l->set->layout, layout);
    char *got = layouts_dump(l);
    ck_assert_str_eq(got, dump);
    free(got);
}

/* Reads, and expects a failure whose message holds @p words. @p path and @p line as in the diag; hint must
 * be. */
static inline void layouts_expect_fail(struct layouts *l, int32_t status, const char *path, uint64_t line,
                                       const char *words)
{
    layouts_read(l);
    ck_assert_int_eq(l->status, status);
    ck_assert_msg(strstr(layouts_message(l), words) != NULL, "\"%s\" not in \"%s\"", words,
                  layouts_message(l));
    if (path)
        ck_assert_str_eq(l->diag.path ? l->diag.path : "", path);
    ck_assert_uint_eq(l->diag.line, line);
    ck_assert_msg((l->diag.hint && *l->diag.hint) || l->told.hint[0], "no hint with \"%s\"",
                  layouts_message(l));
}

/* ---- directories --------------------------------------------------------------- */

static inline void remove_tree(const char *path)
{
    char command[3000];
    struct stat st;
    if (lstat(path, &st) || strstr(path, "'"))
        return;
    snprintf(command, sizeof command, "chmod -R u+rwx '%s' 2>/dev/null; rm -rf '%s'", path, path);
    ck_assert_int_ne(system(command), -1);
}

/* Writes a file, with the directories above it. */
static inline void write_file(const char *root, const char *path, const char *text, size_t len)
{
    char full[1200];
    snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        ck_assert(mkdir(full, 0777) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *f = fopen(full, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

#endif
