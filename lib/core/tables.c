/* SPDX-License-Identifier: Apache-2.0 */

/* Making our tables, and moving the epoch. */

#include <string.h>

#include "core/books.h"
#include "core/locking.h"

enum { ATTEMPTS = 20 };

static migrate_status create_once(migrate_ctx *ctx, bool in_tx, migrate_error **err)
{
    struct mig_books b;
    struct mig_buf sql = MIG_BUF_INIT;
    mig_books_of(ctx, &b);
    migrate_status status = in_tx ? mig_begin(ctx, err) : MIGRATE_OK;
    for (size_t i = 0; !status; i++) {
        mig_buf_reset(&sql);
        if (!mig_books_create(&b, i, &sql))
            break;
        status = mig_exec_buf(ctx, &sql, NULL, NULL, NULL, err);
    }
    mig_buf_free(&sql);
    if (!status && in_tx)
        status = mig_commit(ctx, err);
    if (status && in_tx)
        mig_rollback(ctx);
    return status;
}

/* Another starter may be making them at the same moment: IF NOT EXISTS does not keep PostgreSQL from answering 23505
 * or 42P07 then. */
static bool raced(uint32_t klass)
{
    return klass == MIGRATE_FAULT_EXISTS || klass == MIGRATE_FAULT_CONSTRAINT || mig_fault_retries(klass);
}

migrate_status mig_tables_need(migrate_ctx *ctx, const struct mig_head *head, migrate_error **err)
{
    if (head->present)
        return MIGRATE_OK;
    migrate_status status = mig_names_need(ctx, err);
    bool in_tx = (ctx->db.facts.caps & MIGRATE_CAP_DDL_ROLLBACK) != 0;
    for (int i = 0; !status && i < ATTEMPTS; i++) {
        migrate_error *failure = NULL;
        struct mig_head now;
        status = create_once(ctx, in_tx, &failure);
        if (!status)
            return MIGRATE_OK;
        if (!raced(mig_error_fault(failure)) || i + 1 == ATTEMPTS) {
            if (err)
                *err = failure;
            else
                migrate_error_free(failure);
            mig_error_prefix(err, "cannot create the tables of libmigrate");
            if (status == MIGRATE_E_DENIED)
                mig_error_hint(err, "let somebody with the right run `migrate init`, or what `migrate init --sql` prints");
            return status;
        }
        migrate_error_free(failure);
        status = mig_wait(ctx, 20 + (int64_t)mig_random(ctx, 100), err);
        if (!status)
            status = mig_head_read(ctx, &now, err);
        if (!status && now.present)
            return MIGRATE_OK;
    }
    return status;
}

static migrate_status move_epoch(migrate_ctx *ctx, uint32_t by, migrate_error **err)
{
    struct mig_books b;
    struct mig_buf sql = MIG_BUF_INIT;
    migrate_status status = mig_names_need(ctx, err);
    if (status)
        return status;
    mig_books_of(ctx, &b);
    mig_books_take_epoch(&b, by, &sql);
    status = mig_exec_buf(ctx, &sql, NULL, NULL, NULL, err);
    mig_buf_free(&sql);
    return status;
}

migrate_status mig_epoch_take(migrate_ctx *ctx, struct mig_head *head, migrate_error **err)
{
    migrate_status status = move_epoch(ctx, 1, err);
    return status ? status : mig_head_read(ctx, head, err);
}

migrate_status mig_epoch_break(migrate_ctx *ctx, migrate_error **err)
{
    for (int i = 1;; i++) {
        migrate_error *failure = NULL;
        migrate_status status = move_epoch(ctx, MIG_EPOCH_BREAK, &failure);
        if (!status)
            return MIGRATE_OK;
        if (i == ATTEMPTS || !mig_fault_retries(mig_error_fault(failure))) {
            if (err)
                *err = failure;
            else
                migrate_error_free(failure);
            return status;
        }
        migrate_error_free(failure);
    }
}
