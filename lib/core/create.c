/* SPDX-License-Identifier: Apache-2.0 */

/* migrate_create(): the next migration's file, in the source's own convention. */

#include <migrate/run.h>

#include <stdlib.h>
#include <string.h>

#include "core/ctx.h"
#include "core/report.h"
#include "sources/sources.h"
#include "util/clock.h"

static migrate_status make_dir(migrate_ctx *ctx, migrate_error **err)
{
    if (ctx->source_ops != &mig_source_directory_ops)
        return MIGRATE_OK;
    return mig_source_directory_make(ctx->source_self, &ctx->host, err);
}

static migrate_status write_one(migrate_ctx *ctx, const struct mig_new_file *file, struct migrate_report *r,
                                migrate_error **err)
{
    migrate_status status = ctx->source_ops->create(ctx->source_self, &ctx->host, file->path, file->text,
                                                    strlen(file->text), err);
    if (status)
        return status;
    struct migrate_item *item = mig_report_add(r);
    if (!item)
        return mig_fail_nomem(err);
    item->version = item->name = "";
    item->path = mig_report_text(r, file->path);
    item->kind = MIGRATE_KIND_VERSIONED;
    item->state = MIGRATE_STATE_PENDING;
    return MIGRATE_OK;
}

/* Version and name as the layout reads them. */
static void fill_items(migrate_ctx *ctx, struct migrate_report *r)
{
    struct mig_layout_options layout;
    struct mig_set *set = NULL;
    if (mig_ctx_set_read(ctx, &layout, &set, NULL))
        return;
    for (size_t i = 0; i < r->count; i++) {
        for (size_t k = 0; k < set->count; k++) {
            const struct mig_migration *m = &set->items[k];
            bool up = m->up.path && strcmp(m->up.path, r->items[i].path) == 0;
            bool down = m->down->path && strcmp(m->down->path, r->items[i].path) == 0;
            if (!up && !down)
                continue;
            r->items[i].version = mig_report_text(r, m->version);
            r->items[i].name = mig_report_text(r, m->name);
        }
    }
    mig_set_unref(set);
}

static void list_paths(struct migrate_report *r, const struct mig_new_file *files, size_t n)
{
    struct mig_buf text = MIG_BUF_INIT;
    for (size_t i = 0; i < n; i++)
        mig_buf_fmt(&text, "%s%s", i ? "\n" : "", files[i].path);
    r->text_key = "text";
    r->text = mig_report_text(r, mig_buf_text(&text));
    mig_buf_free(&text);
}

static migrate_status create(migrate_ctx *ctx, const char *name, bool pair, struct migrate_report *r,
                             migrate_error **err)
{
    struct mig_layout_options layout;
    struct mig_set *set = NULL;
    struct mig_new_file files[2] = { { NULL, NULL }, { NULL, NULL } };
    size_t n = 0;
    struct mig_diag diag = MIG_DIAG_INIT;
    migrate_status status = make_dir(ctx, err);
    if (!status)
        status = mig_ctx_set_read(ctx, &layout, &set, err);
    if (!status) {
        status = mig_set_propose(set, name, pair, ctx->set.layout, mig_clock_unix_ms(), files, &n, &diag);
        if (status)
            mig_fail_diag(err, &diag);
    }
    for (size_t i = 0; i < n && !status; i++)
        status = write_one(ctx, &files[i], r, err);
    if (!status) {
        list_paths(r, files, n);
        fill_items(ctx, r);
    }
    for (size_t i = 0; i < 2; i++) {
        free(files[i].path);
        free(files[i].text);
    }
    mig_diag_free(&diag);
    mig_set_unref(set);
    return status;
}

migrate_status migrate_create(migrate_ctx *ctx, const char *name, uint32_t flags, migrate_report **out,
                              migrate_error **err)
{
    if (!name || !*name)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_create: no name is given");
    if (flags & ~MIGRATE_CREATE_PAIR)
        return mig_fail(err, MIGRATE_E_TOO_NEW, "migrate_create: unknown flags 0x%x", flags);
    migrate_status status = mig_call_begin(ctx, MIG_NEEDS_SOURCE, 0, err);
    if (status)
        return status;
    struct migrate_report *r = mig_report_new(MIG_REPORT_TEXT, NULL);
    const migrate_source_ops *ops = ctx->source_ops;
    if (!r)
        status = mig_fail_nomem(err);
    else if (!ops || !MIGRATE_HAS(migrate_source_ops, ops, create) || !ops->create)
        status = mig_fail(err, MIGRATE_E_UNSUPPORTED, "this source cannot create files");
    else
        status = create(ctx, name, (flags & MIGRATE_CREATE_PAIR) != 0, r, err);
    if (!status && out)
        *out = r;
    else
        migrate_report_free(r);
    return mig_call_end(ctx, status, err);
}
