/* SPDX-License-Identifier: Apache-2.0 */

/* migrate_run() and migrate_plan_apply(): plan, lock, carry out, unlock. */

#include <migrate/run.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/books.h"
#include "core/locking.h"
#include "core/runner.h"
#include "core/running.h"
#include "util/clock.h"

/* ---- the report ---------------------------------------------------------------- */

static void fill_server(struct mig_run *run)
{
    const struct mig_session *db = &run->ctx->db;
    struct migrate_report *r = run->report;
    r->database = db->driver ? db->driver->name : "";
    mig_report_server(r, &db->facts);
}

static void fill_judgement(struct mig_run *run)
{
    struct mig_judgement j;
    mig_judge(&run->view, &j);
    run->report->state = j.state;
    run->report->version = mig_report_text(run->report, j.version);
    run->report->pending = j.pending;
}

/* With nothing to do the history was not read: all of the source is applied. */
static void fill_current(struct mig_run *run)
{
    const struct mig_set *set = run->view.set;
    run->report->state = MIGRATE_STATE_CURRENT;
    run->report->version = set->n_versioned ? set->items[set->n_versioned - 1].version : "";
}

/* What the database is like now, also after a failure, as far as it can be asked. */
static void look_again(struct mig_run *run)
{
    migrate_ctx *ctx = run->ctx;
    migrate_error *ignored = NULL;
    if (ctx->db.lost || !ctx->db.conn)
        return;
    bool kept = mig_clean_up_begin(ctx);
    if (!mig_view_refresh(ctx, &run->view, &ignored))
        fill_judgement(run);
    ctx->call.unlocking = kept;
    migrate_error_free(ignored);
}

/* ---- begin and end -------------------------------------------------------------- */

static migrate_status start(struct mig_run *run, migrate_ctx *ctx, migrate_error **err)
{
    memset(run, 0, sizeof *run);
    run->ctx = ctx;
    run->client = ctx->set.client;
    for (int i = 0; i < 2; i++)
        snprintf(run->run_id + 16 * i, 17, "%016llx", (unsigned long long)mig_random(ctx, 0));
    run->report = mig_report_new(MIG_REPORT_RUN, NULL);
    return run->report ? MIGRATE_OK : mig_fail_nomem(err);
}

/* Of a migration that cannot be rolled back. */
static void say_half(const struct mig_run *run, struct mig_buf *text)
{
    const struct mig_step *step = &run->plan->steps[run->next];
    const char *id = mig_identity(step->migration);
    const char *way = step->item.direction == MIGRATE_DIRECTION_DOWN ? "reverting " : "";
    if (!run->half_known) {
        mig_buf_fmt(text, "%smigration %s may be half done, `migrate status` shows how far it came", way, id);
        return;
    }
    if (run->half_done == 1)
        mig_buf_fmt(text, "of %smigration %s statement 1 is executed and stays", way, id);
    else if (run->half_done)
        mig_buf_fmt(text, "of %smigration %s statements 1 to %llu are executed and stay", way, id, (unsigned long long)run->half_done);
    else
        mig_buf_fmt(text, "of %smigration %s nothing is executed", way, id);
    if (run->half_partial)
        mig_buf_str(text, ", and what the failed one has committed by itself");
}

/* Says what is in and what is not, where the failure does not say it itself; a wait for the lock in the middle of the run
 * does not know what was done before. */
static void say_state(struct mig_run *run, migrate_error **err)
{
    const struct migrate_report *r = run->report;
    bool half = run->half && run->plan && run->next < run->plan->count && (!run->half_known || run->half_done || run->half_partial);
    if (!err || !*err || (migrate_error_state(*err) && (!half || migrate_error_status(*err) == MIGRATE_E_DOUBT)))
        return;
    if (half) {
        struct mig_buf text = MIG_BUF_INIT;
        say_half(run, &text);
        if (r->applied || r->reverted)
            mig_buf_fmt(&text, "; %llu applied and %llu reverted by this run before it", (unsigned long long)r->applied,
                        (unsigned long long)r->reverted);
        mig_error_state(err, "%s", mig_buf_text(&text));
        mig_buf_free(&text);
        return;
    }
    if (r->applied || r->reverted)
        mig_error_state(err, "%llu applied and %llu reverted by this run; version now: %s",
                        (unsigned long long)r->applied, (unsigned long long)r->reverted,
                        r->version && *r->version ? r->version : "none");
    else
        mig_error_state(err, "nothing was changed; version now: %s", r->version && *r->version ? r->version : "none");
}

static void finish(struct mig_run *run, migrate_status status, migrate_report **out, migrate_error **err)
{
    struct migrate_report *r = run->report;
    if (r) {
        fill_server(run);
        r->elapsed_ms = mig_call_elapsed(run->ctx);
        r->round_trips = run->ctx->db.round_trips;
        r->more = status == MIGRATE_E_MORE_WORK || status == MIGRATE_E_DEADLINE;
        if (run->view.set && !r->set)
            r->set = mig_set_ref(run->view.set);
        if (status && run->view.set)
            say_state(run, err);
        if (err && *err)
            mig_error_mask(*err, &run->ctx->secrets);
        r->error = status && err ? mig_error_copy(*err) : NULL;
    }
    if (out && run->view.set) {
        *out = r;
        r = NULL;
    }
    migrate_report_free(r);
    mig_applied_free(&run->applied);
    migrate_plan_free(run->plan);
    mig_view_free(&run->view);
}

/* ---- planning ------------------------------------------------------------------- */

static bool plain_up(const migrate_run_options *o)
{
    return o->direction == MIGRATE_DIRECTION_UP && !o->target && !o->steps;
}

/* *@p nothing: there is nothing to do, and the report says so. */
static migrate_status prepare(struct mig_run *run, const migrate_run_options *options, bool *nothing,
                              migrate_error **err)
{
    migrate_ctx *ctx = run->ctx;
    bool current = false;
    *nothing = false;
    migrate_status status = mig_view_read(ctx, &run->view, !plain_up(options), &current, err);
    if (status)
        return status;
    if (current && plain_up(options)) {
        *nothing = true;
        fill_current(run);
        return MIGRATE_OK;
    }
    status = mig_session_facts(ctx, err);
    if (!status)
        status = mig_plan_build(ctx, &run->view, options, &run->plan, err);
    fill_judgement(run);
    if (status)
        return status;
    *nothing = run->plan->count == 0;
    if (*nothing && !run->view.set->count)
        mig_log(ctx, MIGRATE_LOG_WARN, "the source holds no migrations");
    return MIGRATE_OK;
}

static migrate_status ready_to_write(struct mig_run *run, migrate_error **err)
{
    migrate_status status = mig_head_writable(&run->view.head, err);
    return status ? status : mig_session_writable(run->ctx, err);
}

/* ---- the calls ------------------------------------------------------------------ */

static void run_events(struct mig_run *run, uint32_t type, migrate_status status)
{
    struct migrate_event event = { .type = type,
                                   .total = run->plan ? run->plan->count : 0,
                                   .status = status,
                                   .elapsed_ms = type == MIGRATE_EVENT_RUN_END ? mig_call_elapsed(run->ctx) : 0 };
    mig_emit(run->ctx, &event);
}

static migrate_status carry_out(struct mig_run *run, const migrate_plan *given, migrate_error **err)
{
    migrate_status status = ready_to_write(run, err);
    if (status)
        return status;
    run_events(run, MIGRATE_EVENT_RUN_BEGIN, MIGRATE_OK);
    status = mig_running(run, given, err);
    look_again(run);
    run_events(run, MIGRATE_EVENT_RUN_END, status);
    return status;
}

enum { PREPARE_ATTEMPTS = 5 };

static migrate_status once_more(struct mig_run *run, migrate_error **err)
{
    migrate_ctx *ctx = run->ctx;
    migrate_error *why = *err;
    *err = NULL;
    migrate_status status = MIGRATE_OK;
    if (ctx->db.lost || !mig_fault_retries(mig_error_fault(why))) {
        mig_log(ctx, MIGRATE_LOG_WARN, "reconnecting: %s", migrate_error_message(why));
        mig_session_close(ctx);
        ctx->reconnecting = true;
        status = mig_session_open(ctx, err);
        ctx->reconnecting = false;
    }
    if (!status)
        status = mig_wait(ctx, 20 + (int64_t)mig_random(ctx, 100), err);
    if (status)
        mig_error_add_cause(err, why);
    else
        migrate_error_free(why);
    return status;
}

/* Nothing has been written yet: what is read before the work begins can be read again. */
static migrate_status prepare_surely(struct mig_run *run, const migrate_run_options *options, bool *nothing,
                                     migrate_error **err)
{
    for (int i = 1;; i++) {
        migrate_status status = prepare(run, options, nothing, err);
        uint32_t klass = status ? mig_error_fault(*err) : 0;
        bool again = mig_fault_reconnects(klass) || mig_fault_retries(klass);
        if (!status || !again || run->ctx->db.adopted || i == PREPARE_ATTEMPTS)
            return status;
        mig_view_free(&run->view);
        migrate_plan_free(run->plan);
        run->plan = NULL;
        status = once_more(run, err);
        if (status)
            return status;
    }
}

migrate_status migrate_run(migrate_ctx *ctx, const migrate_run_options *options, migrate_report **out,
                           migrate_error **err)
{
    migrate_run_options o;
    migrate_status status = mig_run_options_read(options, &o, err);
    if (status)
        return status;
    status = mig_call_begin(ctx, MIG_NEEDS_CONNECTION | MIG_NEEDS_SOURCE, o.deadline_ms, err);
    if (status)
        return status;
    struct mig_run run;
    migrate_error *failure = NULL;
    status = start(&run, ctx, &failure);
    bool nothing = false;
    if (!status)
        status = mig_call_check(ctx, &failure);
    if (!status)
        status = prepare_surely(&run, &o, &nothing, &failure);
    if (!status && !nothing)
        status = carry_out(&run, NULL, &failure);
    finish(&run, status, out, &failure);
    if (err && status)
        *err = failure;
    else
        migrate_error_free(failure);
    return mig_call_end(ctx, status, err);
}

/* The plan's own steps are built anew from the same source; they are the same unless something has moved. */
static migrate_status check_plan(struct mig_run *run, const migrate_plan *plan, migrate_error **err)
{
    if (memcmp(plan->set->hash, run->view.set->hash, MIG_SHA256_LEN) != 0) {
        mig_fail(err, MIGRATE_E_STALE, "the source has changed since the plan was made");
        mig_error_hint(err, "make the plan again");
        return MIGRATE_E_STALE;
    }
    return mig_plan_fresh(plan, &run->view.head, err);
}

migrate_status mig_fail_stale(migrate_error **err)
{
    mig_fail(err, MIGRATE_E_STALE, "the database has moved on since the plan was made");
    mig_error_hint(err, "make the plan again");
    return MIGRATE_E_STALE;
}

migrate_status mig_plan_fresh(const migrate_plan *plan, const struct mig_head *head, migrate_error **err)
{
    bool same = plan->tables_absent ? !head->present || !head->seq
                                    : head->present && plan->epoch == head->epoch && plan->seq == head->seq &&
                                          strcmp(plan->digest, head->digest) == 0;
    if (same)
        return MIGRATE_OK;
    mig_fail_stale(err);
    mig_error_state(err, "nothing was changed by this call");
    return MIGRATE_E_STALE;
}

migrate_status migrate_plan_apply(migrate_ctx *ctx, const migrate_plan *plan, migrate_report **out,
                                  migrate_error **err)
{
    if (!plan)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_plan_apply: the plan is NULL");
    migrate_status status = mig_call_begin(ctx, MIG_NEEDS_CONNECTION | MIG_NEEDS_SOURCE, plan->options.deadline_ms, err);
    if (status)
        return status;
    struct mig_run run;
    migrate_error *failure = NULL;
    migrate_run_options o = plan->options;
    o.flags &= ~MIGRATE_RUN_SQL;
    bool nothing = false;
    status = start(&run, ctx, &failure);
    if (!status)
        status = prepare(&run, &o, &nothing, &failure);
    if (!status)
        status = check_plan(&run, plan, &failure);
    if (!status && !nothing)
        status = carry_out(&run, plan, &failure);
    finish(&run, status, out, &failure);
    if (err && status)
        *err = failure;
    else
        migrate_error_free(failure);
    return mig_call_end(ctx, status, err);
}
