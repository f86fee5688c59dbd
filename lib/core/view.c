/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "core/planner.h"

/* With choices in play the digest of everything is not what a database should have. */
static bool chooses(const struct mig_settings *set)
{
    return set->contexts || set->labels || set->tags;
}

/* Runs again whatever the history says. */
static bool any_run_always(const struct mig_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].flags & MIG_MIGRATION_RUN_ALWAYS)
            return true;
    }
    return false;
}

static bool is_current(const migrate_ctx *ctx, const struct mig_view *view)
{
    if (!view->head.present || !view->head.digest[0] || chooses(&ctx->set) || any_run_always(view->set))
        return false;
    char digest[MIG_SHA256_HEX + 1];
    mig_digest_of_set(view->set, digest);
    return strcmp(digest, view->head.digest) == 0;
}

migrate_status mig_view_read(migrate_ctx *ctx, struct mig_view *view, bool want_history, bool *current,
                             migrate_error **err)
{
    memset(view, 0, sizeof *view);
    migrate_status status = mig_ctx_set_read(ctx, &view->layout, &view->set, err);
    if (!status && ctx->db.conn)
        status = mig_head_read(ctx, &view->head, err);
    if (!status && current)
        *current = is_current(ctx, view);
    if (!status && ctx->db.conn && (want_history || !current || !*current))
        status = mig_history_read(ctx, view->set, &view->head, &view->history, err);
    if (status)
        mig_view_free(view);
    return status;
}

migrate_status mig_view_refresh(migrate_ctx *ctx, struct mig_view *view, migrate_error **err)
{
    mig_history_free(&view->history);
    migrate_status status = mig_head_read(ctx, &view->head, err);
    return status ? status : mig_history_read(ctx, view->set, &view->head, &view->history, err);
}

void mig_view_free(struct mig_view *view)
{
    mig_history_free(&view->history);
    mig_set_unref(view->set);
    view->set = NULL;
}
