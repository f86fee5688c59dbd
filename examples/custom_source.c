/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source of one's own: all migrations in one text file, each under a line "=== PATH". The library reads
 * versions and directives from the paths and texts just as it does from a directory.
 *
 *     custom_source sqlite:app.db bundle.txt
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <migrate/drivers.h>
#include <migrate/migrate.h>
#include <migrate/source.h>

struct bundle {
    char *text;
    size_t len;
    size_t at; /* of the next entry's heading */
};

static migrate_status bundle_rewind(void *self, const migrate_host *host, migrate_error **err)
{
    struct bundle *b = self;
    (void)host;
    (void)err;
    b->at = 0;
    return MIGRATE_OK;
}

/* Start of the next heading at or behind @p from; the end if there is none. */
static size_t heading(const struct bundle *b, size_t from)
{
    const char *found;
    if (from == 0 && strncmp(b->text, "=== ", 4) == 0)
        return 0;
    found = strstr(b->text + from, "\n=== ");
    return found ? (size_t)(found - b->text) + 1 : b->len;
}

/* Bytes from @p body up to the next heading, which may follow at once. */
static size_t body_size(const struct bundle *b, size_t body)
{
    return heading(b, body - 1) - body;
}

static migrate_status bundle_next(void *self, const migrate_host *host, migrate_entry *out,
                                  migrate_error **err)
{
    struct bundle *b = self;
    size_t start = heading(b, b->at), body;
    (void)host;
    (void)err;
    if (start >= b->len)
        return MIGRATE_DONE;
    out->path.data = b->text + start + 4;
    out->path.len = strcspn(out->path.data, "\n");
    body = start + 4 + out->path.len;
    body += body < b->len; /* the newline */
    out->cookie = body;
    out->size = body_size(b, body);
    b->at = body + (size_t)out->size - 1; /* the newline before the next heading is looked at again */
    return MIGRATE_OK;
}

static migrate_status bundle_read(void *self, const migrate_host *host, const migrate_entry *entry,
                                  uint64_t offset, char *buf, size_t cap, size_t *got, migrate_error **err)
{
    struct bundle *b = self;
    size_t start = (size_t)entry->cookie; /* path and cookie are what comes back for certain */
    size_t size = body_size(b, start);
    uint64_t left = offset < size ? size - offset : 0;
    (void)host;
    (void)err;
    *got = left < cap ? (size_t)left : cap;
    if (*got)
        memcpy(buf, b->text + start + offset, *got);
    return MIGRATE_OK;
}

static void bundle_free(void *self)
{
    struct bundle *b = self;
    free(b->text);
    free(b);
}

static const migrate_source_ops bundle_ops = {
    .struct_size = sizeof bundle_ops,
    .api = MIGRATE_SOURCE_API,
    .name = "bundle",
    .rewind = bundle_rewind,
    .next = bundle_next,
    .read = bundle_read,
    .free = bundle_free,
};

/* The whole file, or NULL. */
static struct bundle *bundle_open(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct bundle *b = f ? calloc(1, sizeof *b) : NULL;
    long size = -1;
    if (b && fseek(f, 0, SEEK_END) == 0)
        size = ftell(f);
    if (size >= 0 && fseek(f, 0, SEEK_SET) == 0)
        b->text = malloc((size_t)size + 1);
    if (b && b->text)
        b->len = fread(b->text, 1, (size_t)size, f);
    if (f)
        fclose(f);
    if (!b || !b->text) {
        free(b);
        return NULL;
    }
    b->text[b->len] = '\0';
    return b;
}

static migrate_status run(const char *url, struct bundle *b, migrate_report **report, migrate_error **err)
{
    migrate_ctx *ctx = NULL;
    migrate_status s = migrate_ctx_new(&ctx, err);
    if (s != MIGRATE_OK) {
        bundle_free(b);
        return s;
    }
    s = migrate_ctx_use_source(ctx, &bundle_ops, b, err); /* owns the bundle from here on, also on failure */
    if (s == MIGRATE_OK)
        s = migrate_ctx_add_driver(ctx, migrate_sqlite_driver(), err);
    if (s == MIGRATE_OK)
        s = migrate_ctx_open(ctx, url, err);
    if (s == MIGRATE_OK)
        s = migrate_run(ctx, NULL, report, err);
    migrate_ctx_free(ctx);
    return s;
}

int main(int argc, char **argv)
{
    migrate_report *report = NULL;
    migrate_error *err = NULL;
    struct bundle *b = argc == 3 ? bundle_open(argv[2]) : NULL;
    migrate_status s;
    if (!b) {
        fprintf(stderr, "usage: %s URL BUNDLE (a file that can be read)\n", argv[0]);
        return MIGRATE_CLASS_CALLER;
    }
    s = run(argv[1], b, &report, &err);
    if (s != MIGRATE_OK)
        fprintf(stderr, "error: %s\n", migrate_error_text(err));
    else
        printf("%s\n", migrate_report_json(report));
    migrate_report_free(report);
    migrate_error_free(err);
    return MIGRATE_STATUS_CLASS(s);
}
