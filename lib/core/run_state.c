/* SPDX-License-Identifier: Apache-2.0 */

/* The state of a run: its place in the plan, what it tells, what it writes about a step. */

#include <stdlib.h>
#include <string.h>

#include "core/books.h"
#include "core/runner.h"
#include "core/scan.h"
#include "util/clock.h"

static const char *state_after(const struct mig_step *step)
{
    return step->item.direction == MIGRATE_DIRECTION_DOWN ? "reverted" : "applied";
}

bool mig_run_op(struct mig_run *run, const struct mig_step *step, uint64_t seq, struct mig_op *op,
                char digest[MIG_SHA256_HEX + 1], char checksum[MIG_CHECKSUM_TEXT])
{
    const struct mig_migration *m = step->migration;
    bool down = step->item.direction == MIGRATE_DIRECTION_DOWN;
    if (down)
        mig_applied_remove(&run->applied, m->kind, mig_identity(m));
    else if (!mig_applied_put(&run->applied, m))
        return false;
    mig_applied_digest(&run->applied, digest);
    const char *sum = mig_migration_checksum(m, checksum);
    uint64_t token = op->token;
    uint64_t statements = step->item.statements == UINT64_MAX ? 0 : step->item.statements;
    *op = (struct mig_op){ .epoch = run->epoch,
                           .seq = seq,
                           .token = token,
                           .digest = digest,
                           .kind = m->kind,
                           .version = mig_identity(m),
                           .name = m->name,
                           .state = state_after(step),
                           .checksum = *sum ? sum : NULL,
                           .statements = statements,
                           .done = statements,
                           .client = run->client,
                           .run_id = run->run_id,
                           .direction = down ? 'D' : 'U' };
    return true;
}

uint64_t mig_run_token(struct mig_run *run)
{
    return (mig_random(run->ctx, 0) >> 2) | 1;
}

/* ---- events ----------------------------------------------------------------- */

void mig_run_begin_event(struct mig_run *run, size_t index)
{
    const struct mig_step *step = &run->plan->steps[index];
    run->step_began_ms = mig_clock_mono_ms();
    run->ctx->call.item = &step->item;
    struct migrate_event event = { .type = MIGRATE_EVENT_MIGRATION_BEGIN,
                                   .item = &step->item,
                                   .index = index + 1,
                                   .total = run->plan->count };
    mig_emit(run->ctx, &event);
}

void mig_run_end_event(struct mig_run *run, size_t index, migrate_status status, int64_t elapsed_ms)
{
    struct mig_step *step = &run->plan->steps[index];
    step->item.elapsed_ms = elapsed_ms;
    struct migrate_event event = { .type = MIGRATE_EVENT_MIGRATION_END,
                                   .item = &step->item,
                                   .index = index + 1,
                                   .total = run->plan->count,
                                   .status = status,
                                   .elapsed_ms = elapsed_ms };
    mig_emit(run->ctx, &event);
    run->ctx->call.item = NULL;
}

/* ---- place ------------------------------------------------------------------ */

/* What is known without asking again: kept current for where nobody can be asked any more. */
static void count_in_report(struct migrate_report *r, const struct mig_set *set, const struct mig_step *step)
{
    const struct mig_migration *m = step->migration;
    if (step->item.direction == MIGRATE_DIRECTION_DOWN) {
        r->reverted++;
        r->pending++;
        return;
    }
    r->applied++;
    r->pending -= r->pending > 0;
    bool newer = !r->version || !*r->version || mig_set_compare(set, m->version, r->version) > 0;
    if (m->kind != MIGRATE_KIND_REPEATABLE && newer)
        r->version = m->version;
}

static void note_in_report(struct mig_run *run, const struct mig_step *step)
{
    count_in_report(run->report, run->view.set, step);
    struct migrate_item *item = mig_report_add(run->report);
    if (!item)
        return;
    struct mig_arena *arena = item->arena;
    *item = step->item;
    item->arena = arena;
    item->checksum_text = NULL;
    item->note = NULL; /* what it said before the step is over */
}

void mig_run_done(struct mig_run *run)
{
    struct mig_step *step = &run->plan->steps[run->next];
    bool down = step->item.direction == MIGRATE_DIRECTION_DOWN;
    step->item.state = down ? MIGRATE_STATE_REVERTED : MIGRATE_STATE_APPLIED;
    step->item.done = step->item.statements == UINT64_MAX ? 0 : step->item.statements;
    step->item.applied_at_ms = down ? 0 : mig_clock_unix_ms();
    note_in_report(run, step);
    run->next++;
    run->seq++;
    run->attempt = 0;
    run->progressed = true;
    run->half = false;
}

bool mig_step_leaves_session(const struct mig_run *run, size_t index)
{
    return run->ctx->db.changed || (run->plan->steps[index].scan.flags & MIG_SCAN_SESSION);
}

/* ---- directives -------------------------------------------------------------- */

void mig_run_timeouts(struct mig_run *run, const struct mig_step *step)
{
    const struct mig_directives *d = step->migration->directives;
    bool down = step->item.direction == MIGRATE_DIRECTION_DOWN;
    run->ctx->call.lock_timeout_ms = down ? d->lock_timeout_down_ms : d->lock_timeout_ms;
    run->ctx->call.statement_timeout_ms = down ? d->statement_timeout_down_ms : d->statement_timeout_ms;
}

uint32_t mig_run_retries(const struct mig_run *run, const struct mig_step *step)
{
    const struct mig_directives *d = step->migration->directives;
    int32_t own = step->item.direction == MIGRATE_DIRECTION_DOWN ? d->retries_down : d->retries;
    return own >= 0 ? (uint32_t)own : run->ctx->set.retries;
}

/* ---- failures ---------------------------------------------------------------- */

void mig_run_remember(struct mig_run *run, size_t index, migrate_error *error)
{
    migrate_ctx *ctx = run->ctx;
    const struct mig_step *step = &run->plan->steps[index];
    if (ctx->db.lost || !error)
        return;
    mig_error_mask(error, &ctx->secrets);
    char digest[MIG_SHA256_HEX + 1] = "", checksum[MIG_CHECKSUM_TEXT];
    const char *sum = mig_migration_checksum(step->migration, checksum);
    struct mig_op op = { .epoch = run->epoch,
                         .seq = run->seq,
                         .digest = digest,
                         .kind = step->migration->kind,
                         .version = mig_identity(step->migration),
                         .name = step->migration->name,
                         .state = step->scan.transactional ? "pending" : "failed",
                         .checksum = *sum ? sum : NULL,
                         .statements = step->item.statements == UINT64_MAX ? 0 : step->item.statements,
                         .client = run->client,
                         .run_id = run->run_id,
                         .error = migrate_error_text(error) };
    struct mig_books b;
    struct mig_buf sql = MIG_BUF_INIT;
    mig_books_of(ctx, &b);
    mig_books_failure(&b, &op, &sql);
    migrate_error *ignored = NULL;
    bool kept = mig_clean_up_begin(ctx);
    if (mig_exec_buf(ctx, &sql, NULL, NULL, NULL, &ignored))
        mig_log(ctx, MIGRATE_LOG_DEBUG, "the failure could not be written down: %s", migrate_error_message(ignored));
    ctx->call.unlocking = kept;
    migrate_error_free(ignored);
    mig_buf_free(&sql);
}

migrate_status mig_run_refresh(struct mig_run *run, migrate_error **err)
{
    mig_applied_free(&run->applied);
    migrate_status status = mig_view_refresh(run->ctx, &run->view, err);
    if (status)
        return status;
    run->epoch = run->view.head.epoch;
    run->seq = run->view.head.seq;
    return mig_applied_build(&run->applied, &run->view) ? MIGRATE_OK : mig_fail_nomem(err);
}

migrate_status mig_run_reread(struct mig_run *run, migrate_error **err)
{
    uint64_t epoch = run->epoch, seq = run->seq;
    migrate_status status = mig_run_refresh(run, err);
    run->epoch = epoch;
    run->seq = seq;
    return status;
}

bool mig_run_journals(const struct mig_run *run)
{
    for (size_t i = run->next; i < run->plan->count; i++) {
        if (!run->plan->steps[i].scan.transactional)
            return true;
    }
    return run->view.history.n_journal != 0;
}
