/* SPDX-License-Identifier: Apache-2.0 */

/* The loop of a run: apply, and when something comes in between find out what is in, and go on. */

#include "core/running.h"

#include <string.h>

#include "core/books.h"
#include "core/locking.h"
#include "core/precondition.h"
#include "util/clock.h"

enum {
    BACKOFF_FIRST_MS = 100,
    BACKOFF_LAST_MS = 10000,
    LOSSES_MAX = 5, /* of the connection at the same step: then the step itself may be why */
};

struct running {
    struct mig_run *run;
    const struct migrate_plan *given;
    struct mig_lock lock;
    uint32_t losses;
    bool     resuming; /* after a lost connection */
};

/* ---- locking -------------------------------------------------------------------- */

static migrate_status fenced_off(migrate_error **err)
{
    mig_fail(err, MIGRATE_E_FENCED, "another run has taken the migration lock over");
    mig_error_hint(err, "nothing of this run was applied since; see what that run does, then run again");
    return MIGRATE_E_FENCED;
}

/* Others may have had the lock while the connection was lost, which is no harm; `lock --break` was meant for us. */
static migrate_status was_sent_away(const struct mig_run *run, migrate_error **err)
{
    struct mig_head head;
    uint64_t known = run->epoch ? run->epoch : run->view.head.epoch;
    migrate_status status = mig_head_read(run->ctx, &head, err);
    if (status || head.epoch < known + MIG_EPOCH_BREAK)
        return status;
    return fenced_off(err);
}

static migrate_status take_epoch(struct running *r, migrate_error **err)
{
    struct mig_run *run = r->run;
    migrate_status status;
    if (r->given) {
        struct mig_head head;
        status = mig_head_read(run->ctx, &head, err);
        if (!status)
            status = mig_plan_fresh(r->given, &head, err);
        if (status)
            return status;
    }
    if (r->resuming && (status = was_sent_away(run, err)))
        return status;
    if (!r->lock.moves_epoch)
        return mig_run_refresh(run, err);
    status = mig_epoch_take(run->ctx, &run->view.head, err);
    if (!status)
        status = mig_run_refresh(run, err);
    return status;
}

/* A session lock comes before our tables, a lease is one of them. */
static migrate_status lock_and_read(struct running *r, migrate_error **err)
{
    migrate_ctx *ctx = r->run->ctx;
    migrate_status status = mig_names_need(ctx, err);
    if (!status)
        status = mig_lock_pick(ctx, r->run->run_id, mig_run_journals(r->run), &r->lock, err);
    bool lease = r->lock.ops && r->lock.own && r->lock.ops->ttl_ms;
    if (!status && lease)
        status = mig_tables_need(ctx, &r->run->view.head, err);
    if (!status)
        status = mig_lock_acquire(ctx, &r->lock, err);
    r->run->report->lock_wait_ms += r->lock.waited_ms;
    if (!status && !lease)
        status = mig_tables_need(ctx, &r->run->view.head, err);
    return status ? status : take_epoch(r, err);
}

/* ---- going on ------------------------------------------------------------------- */

struct own_row {
    const char *run_id;
    bool ours;
};

static int32_t on_run_id(void *user, uint32_t n, const migrate_text *cols)
{
    struct own_row *o = user;
    size_t len = strlen(o->run_id);
    o->ours = n && cols[0].data && cols[0].len == len && memcmp(cols[0].data, o->run_id, len) == 0;
    return 0;
}

/* Was the step at hand written by this run, although its answer was lost? */
static migrate_status step_is_ours(struct running *r, bool *ours, migrate_error **err)
{
    struct mig_run *run = r->run;
    const struct mig_step *step = &run->plan->steps[run->next];
    const struct mig_row *row =
        mig_history_find(&run->view.history, run->view.set, step->migration->kind, mig_identity(step->migration));
    bool down = step->item.direction == MIGRATE_DIRECTION_DOWN;
    *ours = false;
    if (!row || mig_row_in(row) == down)
        return MIGRATE_OK;
    struct own_row own = { run->run_id, false };
    struct mig_buf sql = MIG_BUF_INIT;
    mig_buf_fmt(&sql, "SELECT run_id FROM %s WHERE kind = '%c' AND version = ", run->ctx->db.names.history,
                mig_kind_letter(step->migration->kind));
    mig_literal(&sql, run->ctx->db.dialect, mig_identity(step->migration));
    migrate_status status = mig_exec_buf(run->ctx, &sql, on_run_id, &own, NULL, err);
    mig_buf_free(&sql);
    *ours = own.ours;
    return status;
}

static bool reached(const struct mig_run *run, const struct mig_step *step)
{
    const struct mig_row *row =
        mig_history_find(&run->view.history, run->view.set, step->migration->kind, mig_identity(step->migration));
    if (step->item.direction == MIGRATE_DIRECTION_DOWN)
        return !mig_row_in(row);
    return mig_row_in(row) && !mig_is_pending(&run->view, step->migration);
}

/* What is left of the options after what this run has done. */
static bool options_left(const struct mig_run *run, migrate_run_options *o)
{
    *o = run->plan->options;
    o->flags &= ~MIGRATE_RUN_SQL;
    if (!o->steps)
        return true;
    uint64_t done = o->direction == MIGRATE_DIRECTION_UP ? run->report->applied : run->report->reverted;
    o->steps = done < o->steps ? o->steps - done : 0;
    return o->steps != 0;
}

/* Others may have been at work: `up` is planned again, the rest passes over what is reached already. */
static migrate_status plan_again(struct running *r, migrate_error **err)
{
    struct mig_run *run = r->run;
    if (run->plan->options.direction != MIGRATE_DIRECTION_UP) {
        while (run->next < run->plan->count && reached(run, &run->plan->steps[run->next]))
            run->next++;
        return MIGRATE_OK;
    }
    migrate_run_options o;
    if (!options_left(run, &o)) {
        run->next = run->plan->count;
        return MIGRATE_OK;
    }
    struct migrate_plan *plan = NULL;
    migrate_status status = mig_plan_build(run->ctx, &run->view, &o, &plan, err);
    if (status)
        return status;
    run->ctx->call.item = NULL;
    migrate_plan_free(run->plan);
    run->plan = plan;
    run->next = 0;
    return MIGRATE_OK;
}

/* ---- trouble -------------------------------------------------------------------- */

static migrate_status give_up(struct mig_run *run, migrate_error **err)
{
    mig_error_hint(err, "something held its locks all the time; raise retries or lock_timeout, or find out who blocks it");
    mig_error_status(err, MIGRATE_E_LOCKED);
    if (run->plan->steps[run->next].scan.transactional)
        mig_error_state(err, "migration %s was rolled back", run->plan->steps[run->next].item.version);
    return MIGRATE_E_LOCKED;
}

static migrate_status retry(struct running *r, migrate_error **err)
{
    struct mig_run *run = r->run;
    const struct mig_step *step = &run->plan->steps[run->next];
    uint32_t retries = mig_run_retries(run, step);
    if (run->attempt >= retries)
        return give_up(run, err);
    run->attempt++;
    struct migrate_event event = { .type = MIGRATE_EVENT_RETRY,
                                   .item = &step->item,
                                   .index = run->attempt,
                                   .total = retries,
                                   .status = migrate_error_status(err ? *err : NULL),
                                   .text = migrate_error_message(err ? *err : NULL) };
    mig_emit(run->ctx, &event);
    if (err) {
        migrate_error_free(*err);
        *err = NULL;
    }
    uint32_t shift = run->attempt < 8 ? run->attempt - 1 : 7;
    int64_t bound = BACKOFF_FIRST_MS << shift < BACKOFF_LAST_MS ? BACKOFF_FIRST_MS << shift : BACKOFF_LAST_MS;
    migrate_status status = mig_wait(run->ctx, bound / 4 + (int64_t)mig_random(run->ctx, (uint64_t)bound), err);
    return status ? status : mig_run_reread(run, err);
}

static migrate_status reconnect(struct running *r, migrate_error **err)
{
    migrate_ctx *ctx = r->run->ctx;
    if (ctx->db.adopted) {
        mig_error_hint(err, "the connection is the application's: it has to be opened again there");
        return migrate_error_status(err ? *err : NULL);
    }
    migrate_error *why = err ? *err : NULL;
    if (err)
        *err = NULL;
    mig_log(ctx, MIGRATE_LOG_WARN, "reconnecting: %s", why ? migrate_error_message(why) : "the connection is lost");
    mig_lock_free(ctx, &r->lock);
    mig_session_close(ctx);
    ctx->reconnecting = true;
    migrate_status status = mig_session_open(ctx, err);
    if (!status)
        status = mig_session_facts(ctx, err);
    if (!status)
        status = mig_session_writable(ctx, err);
    ctx->reconnecting = false;
    if (status)
        mig_error_add_cause(err, why);
    else
        migrate_error_free(why);
    return status;
}

/* After a lost connection: lock with a new epoch, see what is in, go on. */
static migrate_status resume(struct running *r, migrate_error **err)
{
    struct mig_run *run = r->run;
    if (run->progressed)
        r->losses = 0;
    run->progressed = false;
    if (++r->losses > LOSSES_MAX) {
        mig_error_status(err, MIGRATE_E_CONN_LOST);
        mig_error_hint(err, "the connection was lost %d times at the same place: the statement itself may be why",
                       LOSSES_MAX);
        return MIGRATE_E_CONN_LOST;
    }
    int64_t until = mig_clock_mono_ms() + run->ctx->set.reconnect_timeout_ms;
    migrate_status status;
    r->given = NULL;
    for (;;) {
        status = reconnect(r, err);
        if (!status)
            status = mig_lock_gate(run->ctx, false, err);
        r->resuming = run->view.head.present;
        if (!status)
            status = lock_and_read(r, err);
        r->resuming = false;
        uint32_t klass = status ? mig_error_fault(err ? *err : NULL) : 0;
        if (!status || !mig_fault_reconnects(klass) || run->ctx->db.adopted || mig_clock_mono_ms() >= until)
            break;
        migrate_status waited = mig_wait(run->ctx, 200, NULL);
        if (waited)
            return mig_fail_asked(err, waited);
    }
    bool ours = false;
    if (!status)
        status = step_is_ours(r, &ours, err);
    if (!status && ours) {
        uint64_t seq = run->seq; /* read from the head already */
        mig_run_end_event(run, run->next, MIGRATE_OK, mig_clock_mono_ms() - run->step_began_ms);
        mig_run_done(run);
        run->seq = seq;
    }
    return status ? status : plan_again(r, err);
}

/* Another starter is in the middle of the same journalled migration (SQLite, where nobody holds a lock between two
 * units): what it did is looked up, and the next unit is whoever comes first's. */
static migrate_status go_on_together(struct running *r, migrate_error **err)
{
    struct mig_run *run = r->run;
    if (run->attempt >= run->ctx->set.retries)
        return migrate_error_status(err ? *err : NULL);
    run->attempt++;
    if (err) {
        migrate_error_free(*err);
        *err = NULL;
    }
    migrate_status status = mig_wait(run->ctx, 10 + (int64_t)mig_random(run->ctx, 100), err);
    if (!status)
        status = mig_run_refresh(run, err);
    return status ? status : plan_again(r, err);
}

/* Nobody else has moved the head: the migration itself spoilt the transaction, or our tables. */
static migrate_status own_doing(struct mig_run *run, migrate_error **err)
{
    if (!run->close_failed || MIGRATE_STATUS_CLASS(migrate_error_status(err ? *err : NULL)) != MIGRATE_CLASS_DATABASE)
        return migrate_error_status(err ? *err : NULL);
    mig_error_prefix(err, "the migration did not end in the transaction it began in");
    mig_error_hint(err, "a statement of it must have committed or rolled back by itself, or changed the tables of libmigrate");
    mig_error_status(err, MIGRATE_E_TRANSACTION);
    return MIGRATE_E_TRANSACTION;
}

/* The fence refused: because another has the lock now, because another starter was quicker, or for a reason of the
 * statement's own. */
static migrate_status fenced(struct running *r, migrate_error **err)
{
    struct mig_run *run = r->run;
    struct mig_head head;
    migrate_error *own = NULL;
    migrate_status status = mig_head_read(run->ctx, &head, &own);
    if (status) {
        migrate_error_free(own);
        return migrate_error_status(err ? *err : NULL);
    }
    if (head.epoch == run->epoch && head.seq == run->seq)
        return run->conflict ? go_on_together(r, err) : own_doing(run, err);
    if (err) {
        migrate_error_free(*err);
        *err = NULL;
    }
    if (head.epoch != run->epoch)
        return fenced_off(err);
    if (r->given)
        return mig_plan_fresh(r->given, &head, err);
    status = mig_run_refresh(run, err);
    return status ? status : plan_again(r, err);
}

/* What became of the step that failed, and of those before it. */
static void say_rolled_back(struct mig_run *run, const struct mig_step *step, migrate_error **err)
{
    const char *id = mig_identity(step->migration);
    unsigned long long applied = run->report->applied, reverted = run->report->reverted;
    if (step->item.direction == MIGRATE_DIRECTION_DOWN)
        mig_error_state(err, "reverting %s was rolled back: it is still applied; %llu reverted before it", id, reverted);
    else if (reverted)
        mig_error_state(err, "migration %s was rolled back; this run had reverted %llu and applied %llu of them again", id,
                        reverted, applied);
    else if (run->ctx->set.transaction == MIG_TRANSACTION_ALL)
        mig_error_state(err, "migration %s was rolled back, and with it all that this run had applied", id);
    else
        mig_error_state(err, "migration %s was rolled back; those before it are applied", id);
}

static migrate_status failed(struct running *r, migrate_error **err)
{
    struct mig_run *run = r->run;
    migrate_status status = migrate_error_status(err ? *err : NULL);
    if (!status)
        status = MIGRATE_E_SQL;
    size_t at = run->next > run->failed ? run->next : run->failed;
    if (at < run->plan->count && status != MIGRATE_E_DOUBT) {
        mig_run_remember(run, at, err ? *err : NULL);
        if (!migrate_error_state(err ? *err : NULL) && run->plan->steps[at].scan.transactional)
            say_rolled_back(run, &run->plan->steps[at], err);
    }
    if (at < run->plan->count)
        mig_run_end_event(run, at, status, mig_clock_mono_ms() - run->step_began_ms);
    return status;
}

/* The connection was found writable when it was made: read-only again at the same step is the migration's doing. */
static bool made_read_only(const struct running *r, const migrate_error *error)
{
    return !r->run->progressed && r->losses > 0 && !r->run->ctx->db.lost &&
           mig_error_fault(error) == MIGRATE_FAULT_READ_ONLY;
}

static migrate_status settle_end(struct running *r, enum mig_end end, migrate_error **err)
{
    if (end == MIG_END_LOST && made_read_only(r, err ? *err : NULL))
        end = MIG_END_FAILED;
    switch (end) {
    case MIG_END_DONE:
        return MIGRATE_OK;
    case MIG_END_RETRY:
        return retry(r, err);
    case MIG_END_LOST:
        return resume(r, err);
    case MIG_END_FENCED: {
        migrate_status status = fenced(r, err);
        bool own = status && MIGRATE_STATUS_CLASS(status) != MIGRATE_CLASS_LOCK;
        return own && r->run->next < r->run->plan->count ? failed(r, err) : status;
    }
    case MIG_END_ASKED:
        return migrate_error_status(err ? *err : NULL);
    default:
        return failed(r, err);
    }
}

/* ---- the loop ------------------------------------------------------------------- */

static enum mig_end apply(struct mig_run *run, migrate_error **err)
{
    const struct mig_step *step = &run->plan->steps[run->next];
    if (run->ctx->set.transaction == MIG_TRANSACTION_ALL && step->scan.transactional)
        return mig_apply_all(run, err);
    if (step->migration->flags & MIG_MIGRATION_CODE)
        return mig_apply_code(run, err);
    return step->scan.transactional ? mig_apply_window(run, err) : mig_apply_journal(run, err);
}

/* Where the driver cannot put a session back: a new one, with the lock given up in between. */
static migrate_status new_session(struct running *r, migrate_error **err)
{
    struct mig_run *run = r->run;
    migrate_ctx *ctx = run->ctx;
    uint64_t seq = run->seq;
    if (ctx->db.adopted)
        return MIGRATE_OK; /* the application's: it is not ours to close */
    mig_lock_free(ctx, &r->lock);
    mig_session_close(ctx);
    migrate_status status = mig_session_open(ctx, err);
    if (!status)
        status = mig_session_facts(ctx, err);
    bool given = r->given != NULL;
    r->given = NULL;
    if (!status)
        status = lock_and_read(r, err);
    if (!status && run->seq != seq)
        status = given ? mig_fail_stale(err) : plan_again(r, err);
    return status;
}

static migrate_status clean_session(struct running *r, migrate_error **err)
{
    migrate_status status = mig_session_reset(r->run->ctx, err);
    return status == MIGRATE_DONE ? new_session(r, err) : status;
}

static migrate_status one_round(struct running *r, migrate_error **err)
{
    struct mig_run *run = r->run;
    migrate_status status = mig_call_check(run->ctx, err);
    if (!status)
        status = clean_session(r, err);
    if (status && mig_fault_reconnects(mig_error_fault(err ? *err : NULL)))
        return resume(r, err);
    if (status || run->next >= run->plan->count)
        return status;
    struct mig_step *step = &run->plan->steps[run->next];
    status = mig_precondition(run, step, err);
    if (status)
        return settle_end(r, mig_end_of(run->ctx, err ? *err : NULL, 0), err);
    if (step->left_out) {
        run->next++;
        return MIGRATE_OK;
    }
    enum mig_end end = apply(run, err);
    return settle_end(r, end, err);
}

static migrate_status first_lock(struct running *r, migrate_error **err)
{
    struct mig_run *run = r->run;
    uint64_t seq = run->view.head.seq, epoch = run->view.head.epoch;
    bool present = run->view.head.present;
    migrate_status status = lock_and_read(r, err);
    for (uint32_t i = 0; status && i < run->ctx->set.retries && mig_fault_retries(mig_error_fault(err ? *err : NULL)); i++) {
        migrate_error_free(err ? *err : NULL);
        if (err)
            *err = NULL;
        mig_rollback(run->ctx);
        mig_lock_free(run->ctx, &r->lock);
        status = mig_wait(run->ctx, BACKOFF_FIRST_MS / 2 + (int64_t)mig_random(run->ctx, BACKOFF_FIRST_MS), err);
        if (!status)
            status = lock_and_read(r, err);
    }
    if (status && mig_fault_reconnects(mig_error_fault(err ? *err : NULL)))
        status = resume(r, err);
    /* Somebody was at work between the plan and the lock. Our own lock moves the epoch by one. */
    uint64_t expected = epoch + (r->lock.moves_epoch ? 1 : 0);
    bool moved = run->seq != seq || (present && run->epoch != expected);
    if (!status && moved)
        status = plan_again(r, err);
    return status;
}

migrate_status mig_running(struct mig_run *run, const struct migrate_plan *given, migrate_error **err)
{
    struct running r = { .run = run, .given = given };
    migrate_status status = first_lock(&r, err);
    while (!status && run->next < run->plan->count)
        status = one_round(&r, err);
    if (!status) {
        migrate_error *ignored = NULL;
        if (mig_session_reset(run->ctx, &ignored))
            mig_log(run->ctx, MIGRATE_LOG_DEBUG, "the session could not be put back");
        migrate_error_free(ignored);
    }
    mig_lock_free(run->ctx, &r.lock);
    return status;
}
