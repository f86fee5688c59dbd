/* SPDX-License-Identifier: Apache-2.0 */

/* Journalled migrations: what cannot run in one transaction runs in units, each with an intent before and a mark
 * after it. On MySQL the units of a migration, and of several, share packets; elsewhere they are sent one by one. */

#include "core/journal_feed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/precondition.h"
#include "core/scan.h"
#include "util/clock.h"

enum {
    SLOW_MS = 100, /* a migration that took longer goes in a packet of its own, so that stop stays prompt */
    BURST_MAX = 64,
};

static struct mig_journal *journal_of(struct mig_feed *feed)
{
    return feed->user;
}

static void books(const struct mig_journal *j, struct mig_books *b)
{
    mig_books_of(mig_journal_run(j)->ctx, b);
}

/* ---- what is executed already ------------------------------------------------ */

static migrate_status edited(struct mig_journal *j, const struct mig_cut *cut, migrate_error **err)
{
    const struct mig_step *step = mig_journal_step(j);
    mig_fail(err, MIGRATE_E_CHANGED, "statement %" PRIu64 " of migration %s was executed and has been edited since",
             cut->number, mig_identity(step->migration));
    mig_error_hint(err, "restore what was executed; only the statement that failed and those behind it may be edited");
    struct mig_place place = { .version = mig_identity(step->migration),
                               .path = step->item.path,
                               .line = cut->line,
                               .column = cut->column,
                               .statement = cut->number };
    mig_error_place(err, &place);
    return MIGRATE_E_CHANGED;
}

/* True in *@p skip when the statement is part of a unit that is done. */
static migrate_status skip_done(struct mig_journal *j, const struct mig_cut *cut, bool *skip, migrate_error **err)
{
    *skip = false;
    if (!j->progress.n)
        return MIGRATE_OK;
    if (cut->number > j->skip_until) {
        if (!mig_progress_done(&j->progress, cut->number, &j->skipping))
            return MIGRATE_OK;
        j->skip_until = cut->number + j->skipping.count - 1;
        mig_unit_sha_begin(&j->skip_sha);
    }
    *skip = true;
    mig_unit_sha_add(&j->skip_sha, cut->text, cut->len);
    if (cut->number < j->skip_until)
        return MIGRATE_OK;
    char sha[MIG_SHA256_HEX + 1];
    mig_unit_sha_end(&j->skip_sha, sha);
    return strcmp(sha, j->skipping.sha) == 0 ? MIGRATE_OK : edited(j, cut, err);
}

/* ---- one statement ------------------------------------------------------------ */

static migrate_status transaction_control(struct mig_journal *j, const struct mig_cut *cut, migrate_error **err)
{
    switch (cut->facts->tx) {
    case MIG_SQL_TX_BEGIN: {
        migrate_status status = mig_journal_end_run(j);
        j->explicit_run = true; /* the transaction begins with the first statement in it */
        return status;
    }
    case MIG_SQL_TX_COMMIT:
        j->explicit_run = false;
        return mig_journal_end_run(j);
    default:
        mig_fail(err, MIGRATE_E_TRANSACTION, "%s cannot be used in a migration", cut->facts->verb);
        mig_error_hint(err, "leave it out: what must not be kept should not be in the file");
        return MIGRATE_E_TRANSACTION;
    }
}

static bool controls(const struct mig_sql_facts *f)
{
    return f->tx == MIG_SQL_TX_BEGIN || f->tx == MIG_SQL_TX_COMMIT || f->tx == MIG_SQL_TX_ROLLBACK ||
           f->tx == MIG_SQL_TX_PREPARE;
}

/* The last statement that is executed already. */
static uint64_t last_done(const struct mig_journal *j)
{
    uint64_t last = 0;
    for (size_t i = 0; i < j->progress.n; i++) {
        struct mig_unit unit;
        if (mig_progress_done(&j->progress, j->progress.rows[i].idx, &unit) && unit.idx + unit.count - 1 > last)
            last = unit.idx + unit.count - 1;
    }
    return last;
}

/* What was executed has left something in its session, which is gone, and the statement needs it. */
static migrate_status lost(struct mig_journal *j, const struct mig_cut *cut, const char *what, migrate_error **err)
{
    const struct mig_step *step = mig_journal_step(j);
    const char *identity = mig_identity(step->migration);
    mig_fail(err, MIGRATE_E_DOUBT,
             "migration %s cannot go on at statement %" PRIu64 " (%s): %s is gone with the session that was interrupted", identity,
             cut->number, cut->facts->verb, what);
    struct mig_place place = { .version = identity,
                               .path = step->item.path,
                               .line = cut->line,
                               .column = cut->column,
                               .statement = cut->number,
                               .sql = cut->text,
                               .sql_len = cut->len };
    mig_error_place(err, &place);
    mig_error_state(err, "statements 1 to %" PRIu64 " were executed by an earlier run; `migrate status` tells how many are now",
                    j->last_done);
    mig_error_hint(err, "do by hand what is left of it, then `migrate resolve %s --applied --all`; or undo by hand what is "
                        "executed, then `migrate resolve %s --not-applied --all` and `migrate up` runs it from its beginning",
                   identity, identity);
    return MIGRATE_E_DOUBT;
}

/* Asked only where an earlier run has executed something. */
static migrate_status check_session(struct mig_journal *j, const struct mig_cut *cut, migrate_error **err)
{
    struct mig_sql_dialect_info di;
    char name[MIG_SQL_NAME_MAX];
    mig_ctx_dialect(mig_journal_run(j)->ctx, &di);
    if ((cut->facts->flags & MIG_SQL_TEMPORARY) && cut->number < j->last_done)
        return lost(j, cut, "its temporary table", err);
    if (cut->number > j->last_done && mig_values_stale(&j->values, &di, cut, j->last_done + 1, name))
        return lost(j, cut, name, err);
    return mig_values_note(&j->values, &di, cut, cut->number) ? MIGRATE_OK : mig_fail_nomem(err);
}

static bool stays_in_run(const struct mig_journal *j, const struct mig_cut *cut)
{
    struct mig_sql_dialect_info di;
    mig_ctx_dialect(mig_journal_run(j)->ctx, &di);
    return j->mysql && mig_stays_in_run(&di, cut);
}

/* What an executed unit did to its session is done again in ours; the locks it took, it gave back. */
static bool left_in_session(const struct mig_sql_facts *f)
{
    return mig_only_session(f) && !(f->flags & (MIG_SQL_FREEZES | MIG_SQL_UNLOCK_TABLES));
}

static migrate_status lock_or_unlock(struct mig_journal *j, const struct mig_cut *cut)
{
    migrate_status status = mig_journal_end_run(j);
    if (status)
        return status;
    if (cut->facts->flags & MIG_SQL_LOCK_TABLES)
        return cut->number < j->last_done ? mig_journal_hold_lock(j, cut) : mig_journal_lock(j, cut);
    bool held = j->held.len != 0;
    mig_buf_reset(&j->held);
    j->in_lock = false;
    return held ? MIGRATE_OK : mig_journal_statement(j, cut);
}

static migrate_status push_statement(struct mig_journal *j, const struct mig_cut *cut, migrate_error **err)
{
    const struct mig_sql_facts *f = cut->facts;
    bool skip = false;
    migrate_status status = j->last_done ? check_session(j, cut, err) : MIGRATE_OK;
    if (!status)
        status = skip_done(j, cut, &skip, err);
    if (status || (skip && !left_in_session(f)) || (j->last_done && mig_replay_idle(&j->replay, cut->number)))
        return status;
    if (!skip && (j->frozen || (f->flags & MIG_SQL_FREEZES))) {
        status = mig_journal_end_run(j);
        return status ? status : mig_journal_frozen(j, cut);
    }
    if (f->flags & (MIG_SQL_LOCK_TABLES | MIG_SQL_UNLOCK_TABLES))
        return lock_or_unlock(j, cut);
    if (j->held.len && cut->number > j->last_done)
        status = mig_journal_lock_held(j);
    if (status)
        return status;
    if (controls(f))
        return transaction_control(j, cut, err);
    if (mig_only_session(f) && !j->in_run)
        return mig_journal_statement(j, cut);
    bool alone = j->outside && cut->number == j->outside;
    if ((f->settle == MIG_SQL_SETTLE_TX && !alone) || (j->explicit_run && !(f->flags & MIG_SQL_IMPLICIT_COMMIT)) ||
        (j->in_run && stays_in_run(j, cut)))
        return mig_journal_dml(j, cut);
    status = mig_journal_end_run(j);
    if (!status && mig_only_session(f))
        return mig_journal_statement(j, cut);
    return status ? status : mig_journal_unit(j, cut, err);
}

/* ---- steps ------------------------------------------------------------------- */

static bool eligible(const struct mig_journal *j)
{
    const struct mig_step *s = mig_journal_step(j);
    if (mig_has_precondition(s) && !s->checked)
        return false; /* asked when all before it is in */
    return !s->scan.transactional && !(s->migration->flags & MIG_MIGRATION_CODE);
}

static migrate_status begin_step(struct mig_journal *j, migrate_error **err)
{
    struct mig_run *run = mig_journal_run(j);
    if (j->step >= j->last || !eligible(j) || (j->step > j->first && mig_step_leaves_session(run, j->step - 1)))
        return MIGRATE_DONE;
    const struct mig_step *step = mig_journal_step(j);
    if (j->step > run->next && step->resume)
        return MIGRATE_DONE; /* settled first */
    migrate_status status = mig_call_check(run->ctx, err);
    if (status)
        return status;
    mig_run_timeouts(run, step);
    if (!mig_run_op(run, step, ++j->seq, &j->op, j->digest, j->checksum))
        return MIGRATE_E_NOMEM;
    mig_progress_of(&run->view.history, step->migration, step->item.direction, &j->progress);
    j->skip_until = 0;
    j->last_done = j->progress.n ? last_done(j) : 0;
    mig_values_free(&j->values);
    j->opened = j->progress.n != 0;
    j->began_ms = mig_clock_mono_ms();
    j->began_unix_ms = mig_clock_unix_ms();
    j->phase = MIG_JOURNAL_UNITS;
    mig_script_close(j->feed.script);
    j->feed.script = NULL;
    struct mig_script_of of = { .set = run->plan->set,
                                .migration = step->migration,
                                .layout = &run->view.layout,
                                .direction = step->item.direction };
    if (j->last_done)
        status = mig_replay_look(run->ctx, &of, j->last_done, &j->replay, err);
    return status ? status : mig_script_open(run->ctx, &of, &j->feed.script, err);
}

static migrate_status units(struct mig_journal *j, migrate_error **err)
{
    struct mig_cut cut;
    migrate_status status = j->in_run || j->frozen ? MIGRATE_OK : mig_call_check(mig_journal_run(j)->ctx, err);
    if (!status)
        status = mig_journal_step(j)->mark_ran ? MIGRATE_DONE : mig_script_next(j->feed.script, &cut, err);
    if (status == MIGRATE_DONE) {
        j->phase = MIG_JOURNAL_END;
        status = mig_journal_end_run(j);
        bool unlock = j->in_lock || j->frozen;
        j->in_lock = j->frozen = false;
        mig_buf_reset(&j->held);
        return status || !unlock ? status : mig_journal_push_text(j, "UNLOCK TABLES", MIG_SENT_BOOK, 0);
    }
    return status ? status : push_statement(j, &cut, err);
}

static migrate_status end_step(struct mig_journal *j)
{
    struct mig_books b;
    books(j, &b);
    j->op.started_unix_ms = j->began_unix_ms;
    j->op.elapsed_ms = mig_clock_mono_ms() - j->began_ms;
    bool unlocked = b.dialect == MIGRATE_DIALECT_SQLITE;
    migrate_status status = mig_journal_open(j);
    if (!status)
        status = mig_journal_push_text(j, mig_journal_begin_text(j), MIG_SENT_BEGIN, 0);
    mig_buf_reset(&j->sql);
    for (size_t i = 0; !status && mig_books_end(&b, &j->op, i, &j->sql); i++) {
        /* The head that the history's row looks at may as well have been moved by another, who came first. */
        status = mig_feed_push_sql(&j->feed, &j->sql, MIG_SENT_CLOSE, j->step, 0, i == 0 && unlocked);
        mig_buf_reset(&j->sql);
    }
    bool closes = ++j->in_burst >= j->burst;
    if (closes)
        j->in_burst = 0;
    if (!status)
        status = mig_journal_push_text(j, mig_journal_commit_text(j), MIG_SENT_COMMIT,
                           MIGRATE_STMT_TX_END | MIGRATE_STMT_GROUP_END | (closes ? MIGRATE_STMT_BARRIER : 0));
    if (!status && j->feed.n) {
        size_t at = (j->feed.head + j->feed.n - 1) % j->feed.cap;
        j->feed.queue[at].last = true;
    }
    j->step++;
    j->phase = MIG_JOURNAL_STEP;
    return status;
}

static migrate_status more(struct mig_feed *feed, migrate_error **err)
{
    struct mig_journal *j = journal_of(feed);
    size_t before = feed->n;
    migrate_status status = MIGRATE_OK;
    while (!status && feed->n == before) {
        switch (j->phase) {
        case MIG_JOURNAL_STEP:
            status = begin_step(j, err);
            break;
        case MIG_JOURNAL_UNITS:
            status = units(j, err);
            break;
        case MIG_JOURNAL_END:
            status = end_step(j);
            break;
        }
    }
    return status;
}

static migrate_status in(struct mig_feed *feed, const struct mig_sent *sent, const migrate_result *result)
{
    struct mig_run *run = feed->run;
    (void)result;
    if (!run->step_open) {
        mig_run_begin_event(run, sent->step);
        run->step_open = true;
    }
    if (!sent->last)
        return MIGRATE_OK;
    struct mig_journal *j = journal_of(feed);
    int64_t now = mig_clock_mono_ms();
    int64_t elapsed = now - j->answered_ms;
    bool slow = elapsed > SLOW_MS;
    j->answered_ms = now;
    if (sent->stmt_flags & MIGRATE_STMT_BARRIER)
        j->burst = slow ? 1 : j->burst < BURST_MAX ? 2 * j->burst : BURST_MAX;
    run->step_open = false;
    mig_run_end_event(run, run->next, MIGRATE_OK, elapsed);
    mig_run_done(run);
    return MIGRATE_OK;
}

static const struct mig_feed_ops journal_ops = { more, in };

/* The server refused the statement for certain: there is nothing to be in doubt about. */
static void forget_refused(struct mig_journal *j)
{
    struct mig_run *run = mig_journal_run(j);
    const struct mig_feed *feed = &j->feed;
    if (feed->failed.kind != MIG_SENT_USER || feed->outcome != MIGRATE_OUTCOME_FAILED || run->ctx->db.lost)
        return;
    struct mig_books b;
    struct mig_op op = { .kind = run->plan->steps[feed->failed.step].migration->kind,
                         .version = mig_identity(run->plan->steps[feed->failed.step].migration),
                         .direction = run->plan->steps[feed->failed.step].item.direction == MIGRATE_DIRECTION_DOWN ? 'D' : 'U' };
    books(j, &b);
    mig_buf_reset(&j->sql);
    mig_books_forget(&b, &op, feed->failed.unit, &j->sql);
    migrate_error *ignored = NULL;
    (void)mig_exec_buf(run->ctx, &j->sql, NULL, NULL, NULL, &ignored);
    migrate_error_free(ignored);
}

/* A CALL or DO that commits by itself fails in the transaction it was put in, and nothing of it is in: it then runs
 * alone, with an intent that only a human can settle after a crash. */
static bool commits_by_itself(const struct mig_journal *j, enum mig_end end, const migrate_error *error)
{
    return end == MIG_END_FAILED && !j->mysql && j->feed.failed.kind == MIG_SENT_USER &&
           j->feed.failed.number != j->outside && mig_error_fault(error) == MIGRATE_FAULT_NOT_IN_TX;
}

/* What a failed CREATE INDEX CONCURRENTLY leaves is removed at once where it can be; else the next run does. */
static void clear_away(struct mig_run *run)
{
    migrate_error *ignored = NULL;
    migrate_status status = mig_run_reread(run, &ignored);
    if (!status)
        status = mig_journal_settle(run, run->next, &ignored);
    if (status)
        mig_log(run->ctx, MIGRATE_LOG_WARN, "what the failed statement left is removed by the next run: %s",
                migrate_error_message(ignored));
    migrate_error_free(ignored);
}

/* A ROLLBACK leaves the locks of LOCK TABLES, and autocommit as it is under them. */
static void unlock(migrate_ctx *ctx)
{
    static const char *const texts[] = { "UNLOCK TABLES", "SET autocommit = 1" };
    migrate_error *ignored = NULL;
    bool kept = mig_clean_up_begin(ctx);
    for (size_t i = 0; i < 2 && !ctx->db.lost; i++) {
        (void)mig_exec(ctx, texts[i], strlen(texts[i]), NULL, NULL, NULL, &ignored);
        migrate_error_free(ignored);
        ignored = NULL;
    }
    ctx->call.unlocking = kept;
}

static void undo(struct mig_journal *j, enum mig_end end)
{
    struct mig_run *run = mig_journal_run(j);
    if (!run->ctx->db.lost)
        run->ctx->db.tx = MIGRATE_TX_UNKNOWN;
    mig_rollback(run->ctx);
    if (j->locked)
        unlock(run->ctx);
    if (run->next < run->plan->count)
        run->plan->steps[run->next].resume = true;
    if (end != MIG_END_FAILED && end != MIG_END_RETRY)
        return;
    bool known = j->feed.failed.remains && j->feed.outcome == MIGRATE_OUTCOME_FAILED && !run->ctx->db.lost;
    if (known && end == MIG_END_FAILED)
        clear_away(run);
    else if (!known)
        forget_refused(j);
}

/* For the failure's text: what the database holds of the step that was not finished. */
static void note_half(struct mig_run *run, const struct mig_journal *j, bool resumed)
{
    const struct mig_sent *failed = &j->feed.failed;
    run->half = resumed || run->step_open || run->ctx->db.lost;
    run->half_known = failed->kind == MIG_SENT_USER && j->feed.outcome == MIGRATE_OUTCOME_FAILED && !run->ctx->db.lost;
    run->half_done = run->half_known ? failed->unit - 1 : 0;
    run->half_partial = run->half_known && failed->partial;
}

static enum mig_end send(struct mig_run *run, uint64_t *outside, migrate_error **err)
{
    size_t first = run->next;
    bool resumed = run->plan->steps[first].resume;
    struct mig_journal j = { .first = first, .step = first, .last = run->plan->count, .seq = run->seq,
                             .burst = 1, .outside = *outside };
    j.answered_ms = mig_clock_mono_ms();
    j.feed.run = run;
    j.feed.ops = &journal_ops;
    j.feed.user = &j;
    j.mysql = run->ctx->db.dialect == MIGRATE_DIALECT_MYSQL;
    j.feed.singly = !j.mysql;
    enum mig_end end = mig_feed_run(&j.feed, true, err);
    bool mark = j.feed.failed.kind == MIG_SENT_INTENT || j.feed.failed.kind == MIG_SENT_MARK;
    run->conflict = end != MIG_END_DONE && mark && mig_error_fault(err ? *err : NULL) == MIGRATE_FAULT_CONSTRAINT;
    if (run->conflict)
        end = MIG_END_FENCED;
    *outside = commits_by_itself(&j, end, err ? *err : NULL) ? j.feed.failed.number : 0;
    if (end != MIG_END_DONE) {
        note_half(run, &j, resumed && run->next == first);
        undo(&j, end);
    }
    mig_journal_free(&j);
    return end;
}

enum mig_end mig_apply_journal(struct mig_run *run, migrate_error **err)
{
    run->step_open = run->half = false;
    if (run->plan->steps[run->next].resume) {
        migrate_status status = mig_journal_settle(run, run->next, err);
        run->conflict = status && mig_error_fault(err ? *err : NULL) == MIGRATE_FAULT_CONSTRAINT;
        if (run->conflict)
            return MIG_END_FENCED; /* another run has settled it */
        if (status)
            return status == MIGRATE_E_DOUBT ? MIG_END_FAILED : mig_end_of(run->ctx, err ? *err : NULL, 0);
    }
    uint64_t outside = 0;
    for (;;) {
        migrate_error *failure = NULL;
        enum mig_end end = send(run, &outside, &failure);
        migrate_status status = MIGRATE_OK;
        if (outside) {
            migrate_error_free(failure);
            failure = NULL;
            status = mig_run_reread(run, &failure);
            if (!status)
                continue;
            end = mig_end_of(run->ctx, failure, 0);
        }
        if (err && failure)
            *err = failure;
        else
            migrate_error_free(failure);
        return end;
    }
}
