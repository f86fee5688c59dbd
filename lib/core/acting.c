/* SPDX-License-Identifier: Apache-2.0 */

#include "core/acting.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/books.h"

static migrate_status fence_moved(migrate_error **err)
{
    mig_fail(err, MIGRATE_E_FENCED, "another run has moved the history at the same moment");
    mig_error_hint(err, "run the command again");
    mig_error_state(err, "nothing was changed by this call");
    return MIGRATE_E_FENCED;
}

static migrate_status exec_moving(struct mig_acting *a, struct mig_buf *sql, migrate_error **err)
{
    migrate_result result;
    migrate_status status = mig_exec_buf(a->ctx, sql, NULL, NULL, &result, err);
    mig_buf_reset(sql);
    return !status && result.affected == 0 ? fence_moved(err) : status;
}

migrate_status mig_acting_begin(struct mig_acting *a, migrate_error **err)
{
    struct mig_books b;
    struct mig_op op = { .epoch = a->head.epoch, .seq = a->head.seq + 1, .token = a->token };
    struct mig_buf sql = MIG_BUF_INIT;
    mig_books_of(a->ctx, &b);
    migrate_status status = mig_begin(a->ctx, err);
    if (status)
        return status;
    mig_buf_fmt(&sql, "UPDATE %s SET tx = ", b.names->head);
    mig_books_tx(&b, &op, &sql);
    mig_buf_fmt(&sql, " WHERE id = 1 AND epoch = %" PRIu64 " AND seq = %" PRIu64, op.epoch, op.seq - 1);
    status = exec_moving(a, &sql, err);
    mig_buf_free(&sql);
    return status;
}

migrate_status mig_acting_move(struct mig_acting *a, const char *digest, migrate_error **err)
{
    struct mig_books b;
    struct mig_buf sql = MIG_BUF_INIT;
    mig_books_of(a->ctx, &b);
    mig_buf_fmt(&sql, "UPDATE %s SET seq = seq + 1, digest = '%s' WHERE id = 1 AND epoch = %" PRIu64 " AND seq = %" PRIu64,
                b.names->head, digest, a->head.epoch, a->head.seq);
    migrate_status status = exec_moving(a, &sql, err);
    mig_buf_free(&sql);
    a->moved = !status;
    return status;
}

migrate_status mig_acting_move_epoch(struct mig_acting *a, migrate_error **err)
{
    struct mig_books b;
    struct mig_buf sql = MIG_BUF_INIT;
    mig_books_of(a->ctx, &b);
    mig_buf_fmt(&sql, "UPDATE %s SET epoch = epoch + 1 WHERE id = 1 AND epoch = %" PRIu64 " AND seq = %" PRIu64,
                b.names->head, a->head.epoch, a->head.seq);
    migrate_status status = exec_moving(a, &sql, err);
    mig_buf_free(&sql);
    return status;
}

migrate_status mig_acting_commit(struct mig_acting *a, migrate_error **err)
{
    return mig_commit(a->ctx, err);
}

static migrate_status engage(struct mig_acting *a, mig_acting_fn check, void *user, migrate_error **err)
{
    migrate_ctx *ctx = a->ctx;
    migrate_status status = mig_view_read(ctx, &a->view, true, NULL, err);
    if (!status)
        status = check(a, user, err);
    if (!status)
        status = mig_head_writable(&a->view.head, err);
    if (!status)
        status = mig_session_facts(ctx, err);
    if (!status)
        status = mig_session_writable(ctx, err);
    if (!status)
        status = mig_names_need(ctx, err);
    if (!status)
        status = mig_lock_pick(ctx, a->run_id, a->view.history.n_journal != 0, &a->lock, err);
    bool lease = a->lock.ops && a->lock.own && a->lock.ops->ttl_ms;
    if (!status && lease)
        status = mig_tables_need(ctx, &a->view.head, err);
    if (!status)
        status = mig_lock_acquire(ctx, &a->lock, err);
    if (!status && !lease)
        status = mig_tables_need(ctx, &a->view.head, err);
    if (!status && a->lock.moves_epoch)
        status = mig_epoch_take(ctx, &a->head, err);
    if (!status)
        status = mig_view_refresh(ctx, &a->view, err);
    a->head = a->view.head;
    return status ? status : check(a, user, err);
}

static void report(struct mig_acting *a)
{
    struct mig_judgement j;
    struct migrate_report *r = a->report;
    migrate_error *ignored = NULL;
    if (!a->ctx->db.lost && !mig_view_refresh(a->ctx, &a->view, &ignored)) {
        mig_judge(&a->view, &j);
        r->state = j.state;
        r->version = mig_report_text(r, j.version);
        r->pending = j.pending;
    }
    migrate_error_free(ignored);
    r->database = a->ctx->db.driver->name;
    mig_report_server(r, &a->ctx->db.facts);
    r->lock_wait_ms = a->lock.waited_ms;
    r->elapsed_ms = mig_call_elapsed(a->ctx);
    r->round_trips = a->ctx->db.round_trips;
    r->set = r->set ? r->set : mig_set_ref(a->view.set);
}

migrate_status mig_acting_run(struct mig_acting *a, migrate_ctx *ctx, mig_acting_fn check, mig_acting_fn fn,
                              void *user, migrate_report **out, migrate_error **err)
{
    migrate_status status = mig_call_begin(ctx, MIG_NEEDS_CONNECTION | MIG_NEEDS_SOURCE, 0, err);
    if (status)
        return status;
    a->ctx = ctx;
    a->token = (mig_random(ctx, 0) >> 2) | 1;
    for (int i = 0; i < 2; i++)
        snprintf(a->run_id + 16 * i, 17, "%016llx", (unsigned long long)mig_random(ctx, 0));
    a->report = mig_report_new(MIG_REPORT_RUN, NULL);
    status = a->report ? engage(a, check, user, err) : mig_fail_nomem(err);
    if (!status)
        status = fn(a, user, err);
    if (status)
        mig_rollback(ctx);
    if (a->report && a->view.set)
        report(a);
    mig_lock_free(ctx, &a->lock);
    bool learnt = a->view.set != NULL;
    mig_view_free(&a->view);
    if (a->report && status && err)
        a->report->error = mig_error_copy(*err);
    if (out && learnt)
        *out = a->report;
    else
        migrate_report_free(a->report);
    return mig_call_end(ctx, status, err);
}
