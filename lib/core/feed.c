/* SPDX-License-Identifier: Apache-2.0 */

#include "core/feed.h"

#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

/* Statements under way at once. A MySQL packet carries fingerprints, some 3 KiB each; elsewhere a window that is
 * refilled by halves costs few bursts at 128 KiB. */
enum { MAX_AHEAD = 128 * 1024, MAX_PACKET = 256 * 1024 };

static struct mig_sent *at(struct mig_feed *feed, size_t i)
{
    return &feed->queue[(feed->head + i) % feed->cap];
}

static bool grow(struct mig_feed *feed)
{
    if (feed->n < feed->cap)
        return true;
    size_t cap = feed->cap ? 2 * feed->cap : 32;
    struct mig_sent *queue = calloc(cap, sizeof *queue);
    if (!queue)
        return false;
    for (size_t i = 0; i < feed->n; i++)
        queue[i] = *at(feed, i);
    free(feed->queue);
    feed->queue = queue;
    feed->cap = cap;
    feed->head = 0;
    return true;
}

migrate_status mig_feed_push(struct mig_feed *feed, const struct mig_sent *sent, char *own)
{
    if (!grow(feed)) {
        free(own);
        return MIGRATE_E_NOMEM;
    }
    struct mig_sent *entry = at(feed, feed->n++);
    *entry = *sent;
    entry->own = own;
    if (own)
        entry->text = own;
    return MIGRATE_OK;
}

migrate_status mig_feed_push_sql(struct mig_feed *feed, struct mig_buf *sql, enum mig_sent_kind kind, size_t step,
                                 uint32_t stmt_flags, bool needs_row)
{
    struct mig_sent sent = { .kind = kind,
                             .step = step,
                             .len = sql->len,
                             .stmt_flags = stmt_flags | MIGRATE_STMT_BOOKKEEPING,
                             .needs_row = needs_row };
    char *own = mig_buf_steal(sql);
    return own ? mig_feed_push(feed, &sent, own) : MIGRATE_E_NOMEM;
}

/* ---- results ---------------------------------------------------------------- */

static int32_t count_row(void *user, uint32_t n, const migrate_text *cols)
{
    struct mig_feed *feed = user;
    (void)n;
    (void)cols;
    feed->rows++;
    return 1;
}

static void note_failure(struct mig_feed *feed, const struct mig_sent *sent, migrate_status status, uint32_t outcome)
{
    if (feed->status)
        return;
    feed->status = status;
    feed->outcome = outcome;
    feed->failed = *sent;
    const struct mig_step *step = &feed->run->plan->steps[sent->step];
    if (sent->kind != MIG_SENT_USER) { /* a deferred constraint fails at COMMIT, say */
        mig_error_version(&feed->error, mig_identity(step->migration));
        mig_error_path(&feed->error, step->item.path);
        return;
    }
    struct mig_place place = { .version = step->item.version,
                               .path = step->item.path,
                               .line = sent->line,
                               .column = sent->column,
                               .statement = sent->number,
                               .sql = sent->text,
                               .sql_len = sent->len };
    mig_error_place(&feed->error, &place);
}

static bool touched_nothing(const struct mig_sent *sent, const migrate_result *result)
{
    return sent->needs_row && result->affected == 0;
}

static bool rolled_back(const struct mig_sent *sent, const migrate_result *result)
{
    return sent->kind == MIG_SENT_COMMIT && result->tag && strcmp(result->tag, "ROLLBACK") == 0;
}

/* A user's statement that ended the transaction it ran in (INSERT OR ROLLBACK, RAISE(ROLLBACK)). */
static bool left_transaction(const struct mig_sent *sent, const migrate_result *result)
{
    return sent->kind == MIG_SENT_USER && result->tx == MIGRATE_TX_NONE;
}

static migrate_status odd_result(struct mig_feed *feed, const struct mig_sent *sent, const migrate_result *result)
{
    if (touched_nothing(sent, result))
        return mig_fail(&feed->error, MIGRATE_E_FENCED, "fenced off: another run has moved the head row");
    if (rolled_back(sent, result))
        return mig_fail(&feed->error, MIGRATE_E_SQL, "the server rolled back instead of committing");
    if (sent->kind == MIG_SENT_CHECK && feed->rows) {
        mig_fail(&feed->error, MIGRATE_E_SQL, "foreign key violations remain at the end of the migration");
        mig_error_hint(&feed->error, "PRAGMA foreign_key_check lists them; rows must be mended within the migration");
        return MIGRATE_E_SQL;
    }
    if (left_transaction(sent, result) && feed->run->plan->steps[sent->step].scan.transactional) {
        mig_fail(&feed->error, MIGRATE_E_TRANSACTION, "the statement ended the transaction it ran in");
        mig_error_hint(&feed->error, "it must neither commit nor roll back by itself");
        return MIGRATE_E_TRANSACTION;
    }
    return MIGRATE_OK;
}

static void statement_event(struct mig_feed *feed, const struct mig_sent *sent)
{
    const struct mig_step *step = &feed->run->plan->steps[sent->step];
    struct migrate_event event = { .type = MIGRATE_EVENT_STATEMENT,
                                   .item = &step->item,
                                   .index = sent->number,
                                   .total = step->item.statements == UINT64_MAX ? 0 : step->item.statements,
                                   .elapsed_ms = mig_clock_mono_ms() - feed->run->ctx->call.statement_started_ms };
    feed->run->ctx->call.statement_started_ms = mig_clock_mono_ms();
    mig_emit(feed->run->ctx, &event);
}

static migrate_status in(struct mig_feed *feed, const struct mig_sent *sent, const migrate_result *result)
{
    migrate_status status = odd_result(feed, sent, result);
    if (status) {
        note_failure(feed, sent, status, MIGRATE_OUTCOME_FAILED);
        return status;
    }
    if (sent->session)
        feed->run->ctx->db.changed = true;
    if (sent->sets_lex && feed->script)
        mig_script_set_lex(feed->script, result->lex);
    if (sent->kind == MIG_SENT_USER)
        statement_event(feed, sent);
    status = feed->ops->in(feed, sent, result);
    if (status && !feed->status) {
        mig_fail(&feed->error, status, "out of memory");
        note_failure(feed, sent, status, MIGRATE_OUTCOME_DONE);
    }
    return status;
}

/* @p error is taken over. */
static migrate_status report(struct mig_feed *feed, const migrate_result *result, migrate_status status,
                             migrate_error *error)
{
    struct mig_sent sent = *at(feed, 0);
    feed->head = (feed->head + 1) % feed->cap;
    feed->n--;
    feed->pulled--;
    mig_session_note(feed->run->ctx, result);
    /* After a stop what was sent ahead still counts; after a failure it is a consequence of that. */
    bool live = !feed->status || feed->asked || feed->dry;
    if (feed->dry && (result->outcome == MIGRATE_OUTCOME_FAILED || result->outcome == MIGRATE_OUTCOME_UNKNOWN)) {
        migrate_error_free(feed->error); /* this came first */
        feed->error = NULL;
        feed->status = MIGRATE_OK;
        feed->dry = false;
    }
    if (!live || (feed->status && result->outcome != MIGRATE_OUTCOME_DONE)) {
        migrate_error_free(error);
    } else if (result->outcome == MIGRATE_OUTCOME_DONE) {
        migrate_error_free(error);
        (void)in(feed, &sent, result);
    } else if (result->outcome == MIGRATE_OUTCOME_NONE && !error) {
        (void)0; /* not sent: what stopped the driver is said elsewhere */
    } else {
        feed->error = error;
        note_failure(feed, &sent, status ? status : MIGRATE_E_SQL, result->outcome);
    }
    feed->rows = 0;
    free(sent.own);
    return feed->status;
}

/* ---- pulling ---------------------------------------------------------------- */

static void fill(struct mig_feed *feed, const struct mig_sent *sent, migrate_stmt *out)
{
    out->flags = sent->stmt_flags;
    out->sql = sent->text;
    out->sql_len = sent->len;
    if (sent->kind == MIG_SENT_CHECK) {
        out->on_row = count_row;
        out->on_row_user = feed;
    }
    if (sent->copy) {
        out->data = mig_script_copy;
        out->data_user = feed->script;
    }
}

/* MIGRATE_OK and a statement, MIGRATE_DONE, or a failure that is now the feed's. */
static migrate_status pull(struct mig_feed *feed, migrate_stmt *out)
{
    if (feed->status)
        return MIGRATE_DONE;
    if (feed->pulled == feed->n) {
        migrate_error *error = NULL;
        migrate_status status = feed->ops->more(feed, &error);
        if (status == MIGRATE_DONE)
            return MIGRATE_DONE;
        if (status) {
            if (!error)
                status = mig_fail_nomem(&error); /* what fails without a word is memory */
            if (!feed->status) {
                feed->status = status;
                feed->error = error;
                feed->asked = MIGRATE_STATUS_CLASS(status) == MIGRATE_CLASS_STOPPED ||
                              (feed->run->ctx->call.fault && status == feed->run->ctx->call.fault);
                feed->dry = !feed->asked;
                feed->outcome = MIGRATE_OUTCOME_NONE;
                feed->failed = (struct mig_sent){ .step = feed->run->next };
            } else {
                migrate_error_free(error);
            }
            return status;
        }
    }
    fill(feed, at(feed, feed->pulled++), out);
    return MIGRATE_OK;
}

static migrate_status batch_next(void *user, migrate_stmt *out)
{
    return pull(user, out);
}

static migrate_status batch_done(void *user, uint64_t index, const migrate_result *result, const migrate_fault *fault)
{
    struct mig_feed *feed = user;
    migrate_error *error = NULL;
    migrate_status status = MIGRATE_OK;
    (void)index;
    if (fault)
        status = feed->run->ctx->host.fail(&feed->run->ctx->host, &error, fault);
    return report(feed, result, status, error);
}

static migrate_status run_batch(struct mig_feed *feed, bool ahead)
{
    migrate_ctx *ctx = feed->run->ctx;
    migrate_batch batch = { .struct_size = sizeof batch,
                            .flags = ahead ? MIGRATE_BATCH_RUN_AHEAD : 0,
                            .max_ahead = ctx->db.dialect == MIGRATE_DIALECT_MYSQL ? MAX_PACKET : MAX_AHEAD,
                            .user = feed,
                            .next = batch_next,
                            .done = batch_done };
    migrate_error *error = NULL;
    ctx->call.ahead = true;
    migrate_status status = ctx->db.driver->exec_batch(ctx->db.conn, &batch, &error);
    ctx->call.ahead = false;
    if (status && mig_error_fault(error) == MIGRATE_FAULT_CONN_LOST)
        ctx->db.lost = true;
    if (status && !feed->status) {
        feed->status = status;
        feed->error = error;
        feed->outcome = MIGRATE_OUTCOME_UNKNOWN;
        error = NULL;
    }
    migrate_error_free(error);
    return feed->status;
}

/* Where transactions are not SQL text, their ends are members of the driver. */
static migrate_status exec_one(struct mig_feed *feed, const migrate_stmt *stmt, migrate_result *result,
                               migrate_error **err)
{
    migrate_ctx *ctx = feed->run->ctx;
    enum mig_sent_kind kind = at(feed, 0)->kind;
    if (kind == MIG_SENT_BEGIN && mig_tx_by_member(ctx))
        return mig_begin_result(ctx, result, err);
    if (kind == MIG_SENT_COMMIT && mig_tx_by_member(ctx))
        return mig_commit_result(ctx, result, err);
    return mig_exec_stmt(ctx, stmt, result, err);
}

static migrate_status run_singly(struct mig_feed *feed)
{
    for (;;) {
        migrate_stmt stmt = { .struct_size = sizeof stmt };
        migrate_status status = pull(feed, &stmt);
        if (status)
            return status == MIGRATE_DONE ? feed->status : status;
        migrate_result result;
        migrate_error *error = NULL;
        status = exec_one(feed, &stmt, &result, &error);
        uint64_t trips = result.round_trips;
        result.round_trips = 0; /* counted once by mig_exec_stmt() */
        status = report(feed, &result, status, error);
        result.round_trips = (uint32_t)trips;
        if (status)
            return status;
    }
}

/* ---- ends ------------------------------------------------------------------- */

enum mig_end mig_end_of(const migrate_ctx *ctx, const migrate_error *error, uint32_t outcome)
{
    uint32_t klass = mig_error_fault(error);
    if (klass == MIGRATE_FAULT_CANCELLED || MIGRATE_STATUS_CLASS(migrate_error_status(error)) == MIGRATE_CLASS_STOPPED)
        return MIG_END_ASKED;
    if (ctx->db.lost || outcome == MIGRATE_OUTCOME_UNKNOWN || mig_fault_reconnects(klass))
        return MIG_END_LOST;
    return mig_fault_retries(klass) ? MIG_END_RETRY : MIG_END_FAILED;
}

static enum mig_end end_of(const struct mig_feed *feed)
{
    if (!feed->status)
        return MIG_END_DONE;
    if (feed->asked)
        return MIG_END_ASKED;
    enum mig_end end = mig_end_of(feed->run->ctx, feed->error, feed->outcome);
    bool fence = feed->failed.kind == MIG_SENT_FENCE || feed->failed.kind == MIG_SENT_INTENT ||
                 feed->failed.kind == MIG_SENT_CLOSE;
    return end == MIG_END_FAILED && fence ? MIG_END_FENCED : end;
}

enum mig_end mig_feed_run(struct mig_feed *feed, bool ahead, migrate_error **err)
{
    migrate_ctx *ctx = feed->run->ctx;
    const migrate_driver *d = ctx->db.driver;
    ctx->call.statement_started_ms = mig_clock_mono_ms();
    if (ctx->set.batch && !feed->singly && MIGRATE_HAS(migrate_driver, d, exec_batch) && d->exec_batch)
        run_batch(feed, ahead && (ctx->db.facts.caps & MIGRATE_CAP_BATCH_GROUPS) != 0);
    else
        run_singly(feed);
    enum mig_end end = end_of(feed);
    feed->run->close_failed = end != MIG_END_DONE && feed->failed.kind == MIG_SENT_CLOSE;
    if (feed->status && err)
        *err = feed->error;
    else
        migrate_error_free(feed->error);
    feed->error = NULL;
    return end;
}

void mig_feed_free(struct mig_feed *feed)
{
    for (size_t i = 0; i < feed->n; i++)
        free(at(feed, i)->own);
    free(feed->queue);
    mig_script_close(feed->script);
    migrate_error_free(feed->error);
    feed->queue = NULL;
    feed->script = NULL;
    feed->error = NULL;
    feed->n = feed->cap = feed->head = feed->pulled = 0;
}
