/* SPDX-License-Identifier: Apache-2.0 */

/* transaction=all: one transaction for every step, the fence and the head moved for each inside it. */

#include <string.h>

#include "core/scan.h"
#include "core/window.h"

static bool any_lifts(const struct mig_run *run)
{
    for (size_t i = run->next; i < run->plan->count; i++) {
        if (run->plan->steps[i].scan.flags & MIG_SCAN_FK_OFF)
            return true;
    }
    return false;
}

static migrate_status lift(struct mig_run *run, bool *lifts, migrate_error **err)
{
    static const char off[] = "PRAGMA foreign_keys = OFF";
    migrate_status status = MIGRATE_OK;
    *lifts = any_lifts(run);
    if (*lifts)
        status = mig_exec(run->ctx, off, sizeof off - 1, NULL, NULL, NULL, err);
    for (size_t i = run->next; i < run->plan->count; i++) {
        const char *sql = run->plan->steps[i].lifted;
        for (; sql && *sql && !status; sql += strlen(sql) + 1, *lifts = true)
            status = mig_exec(run->ctx, sql, strlen(sql), NULL, NULL, NULL, err);
    }
    return status;
}

static enum mig_end steps_in_one(struct mig_window *w, migrate_error **err)
{
    struct mig_run *run = w->feed.run;
    for (;;) {
        enum mig_end end = mig_feed_run(&w->feed, false, err);
        if (end != MIG_END_DONE || w->step >= w->last)
            return end;
        if (mig_window_resets(w)) {
            migrate_status status = mig_session_reset(run->ctx, err);
            if (status && status != MIGRATE_DONE)
                return mig_end_of(run->ctx, err ? *err : NULL, 0);
            w->first = w->step;
        }
        if (mig_window_eligible(w))
            continue;
        end = mig_code_inside(run, w->step, ++w->seq, w->op.token, err);
        if (end != MIG_END_DONE)
            return end;
        w->step++;
    }
}

static enum mig_end commit_all(struct mig_window *w, migrate_error **err)
{
    struct mig_run *run = w->feed.run;
    migrate_error *failure = NULL;
    if (mig_commit(run->ctx, &failure)) {
        enum mig_end end = mig_end_of(run->ctx, failure, MIGRATE_OUTCOME_NONE);
        if (err)
            *err = failure;
        else
            migrate_error_free(failure);
        return end;
    }
    while (run->next < run->plan->count)
        mig_window_step_in(w);
    return MIG_END_DONE;
}

enum mig_end mig_apply_all(struct mig_run *run, migrate_error **err)
{
    struct mig_window w;
    mig_window_init(&w, run);
    w.one = true;
    w.op.token = mig_run_token(run);
    bool lifts = false;
    migrate_status status = mig_window_remember(&w, err);
    if (!status && mig_window_sqlite(&w))
        status = lift(run, &lifts, err);
    if (!status)
        status = mig_begin(run->ctx, err);
    enum mig_end end = status ? mig_end_of(run->ctx, err ? *err : NULL, 0) : steps_in_one(&w, err);
    run->failed = end == MIG_END_DONE ? 0 : w.feed.failed.step;
    if (end == MIG_END_DONE)
        end = commit_all(&w, err);
    mig_window_put_back(&w, end);
    if (end == MIG_END_DONE && lifts)
        run->ctx->db.changed = true;
    mig_feed_free(&w.feed);
    return end;
}
