/* SPDX-License-Identifier: Apache-2.0 */

/* migrate_plan_make(), and the statements of a step. */

#include <string.h>

#include "core/planner.h"
#include "core/script.h"

migrate_status migrate_plan_make(migrate_ctx *ctx, const migrate_run_options *options, migrate_plan **out,
                                 migrate_error **err)
{
    migrate_run_options o;
    if (!out)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_plan_make: out is NULL");
    migrate_status status = mig_run_options_read(options, &o, err);
    if (!status)
        status = mig_call_begin(ctx, MIG_NEEDS_CONNECTION | MIG_NEEDS_SOURCE | MIG_TAKES_DIALECT, o.deadline_ms, err);
    if (status)
        return status;
    struct mig_view view = { 0 };
    struct migrate_plan *plan = NULL;
    status = mig_view_read(ctx, &view, true, NULL, err);
    if (!status && ctx->db.conn)
        status = mig_session_facts(ctx, err);
    if (!status)
        status = mig_plan_build(ctx, &view, &o, &plan, err);
    mig_view_free(&view);
    if (!status)
        *out = plan;
    return mig_call_end(ctx, status, err);
}

static const char *note_of(const struct mig_step *step, uint64_t number, uint32_t *flags)
{
    const char *note = NULL;
    for (uint32_t i = 0; i < step->n_destructive; i++) {
        if (step->destructive[i].statement == number) {
            *flags |= MIGRATE_STATEMENT_DESTRUCTIVE;
            note = step->destructive[i].text;
        }
    }
    for (uint32_t i = 0; i < step->n_may_doubt; i++) {
        if (step->may_doubt[i].statement == number) {
            *flags |= MIGRATE_STATEMENT_MAY_DOUBT;
            note = step->may_doubt[i].text;
        }
    }
    for (uint32_t i = 0; !note && i < step->n_online; i++) {
        if (step->online[i].statement == number)
            note = step->online[i].text;
    }
    return note;
}

static migrate_status give(const struct mig_step *step, const struct mig_cut *cut, migrate_statement_fn fn, void *user)
{
    struct migrate_statement s = { .text = cut->text, .len = cut->len, .line = cut->line };
    s.note = note_of(step, cut->number, &s.flags);
    if (cut->facts->flags & MIG_SQL_ALONE)
        s.flags |= MIGRATE_STATEMENT_ALONE;
    return fn(user, &s);
}

static bool sent(const struct mig_step *step, const struct mig_cut *cut)
{
    bool control = cut->facts->tx == MIG_SQL_TX_BEGIN || cut->facts->tx == MIG_SQL_TX_COMMIT;
    return !(control && step->scan.transactional);
}

static migrate_status give_all(migrate_ctx *ctx, const struct migrate_plan *plan, const struct mig_step *step,
                               migrate_statement_fn fn, void *user, migrate_error **err)
{
    struct mig_layout_options layout;
    mig_ctx_layout_options(ctx, &layout);
    struct mig_script_of of = { .set = plan->set,
                                .migration = step->migration,
                                .layout = &layout,
                                .direction = step->item.direction };
    struct mig_script *script = NULL;
    struct mig_cut cut;
    migrate_status status = mig_script_open(ctx, &of, &script, err);
    while (!status) {
        status = mig_script_next(script, &cut, err);
        if (status == MIGRATE_E_SOURCE_MOVED)
            mig_error_status(err, status = MIGRATE_E_STALE);
        if (!status && sent(step, &cut)) {
            status = give(step, &cut, fn, user);
            if (status)
                mig_fail(err, status, "the receiver of the statements failed");
        }
    }
    mig_script_close(script);
    return status == MIGRATE_DONE ? MIGRATE_OK : status;
}

migrate_status migrate_plan_statements(migrate_ctx *ctx, const migrate_plan *plan, size_t index,
                                       migrate_statement_fn fn, void *user, migrate_error **err)
{
    if (!plan || !fn || index >= plan->count)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_plan_statements: plan, index or function is missing");
    migrate_status status = mig_call_begin(ctx, MIG_NEEDS_CONNECTION | MIG_NEEDS_SOURCE | MIG_TAKES_DIALECT, 0, err);
    if (status)
        return status;
    const struct mig_step *step = &plan->steps[index];
    if (!(step->migration->flags & MIG_MIGRATION_CODE))
        status = give_all(ctx, plan, step, fn, user, err);
    return mig_call_end(ctx, status, err);
}
