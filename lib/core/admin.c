/* SPDX-License-Identifier: Apache-2.0 */

/* Our tables made beforehand, and the wait for a database. */

#include <migrate/run.h>

#include <stdlib.h>
#include <string.h>

#include "core/books.h"
#include "core/locking.h"
#include "core/report.h"
#include "core/session_url.h"
#include "util/clock.h"

static migrate_status give(migrate_ctx *ctx, migrate_status status, struct migrate_report *r, migrate_report **out,
                           migrate_error **err)
{
    if (r)
        r->elapsed_ms = mig_call_elapsed(ctx);
    if (!status && out)
        *out = r;
    else
        migrate_report_free(r);
    return mig_call_end(ctx, status, err);
}

/* ---- init ------------------------------------------------------------------------ */

static migrate_status init_sql(migrate_ctx *ctx, struct migrate_report *r, migrate_error **err)
{
    struct mig_books b;
    struct mig_buf all = MIG_BUF_INIT, one = MIG_BUF_INIT;
    migrate_status status = mig_names_need(ctx, err);
    mig_books_of(ctx, &b);
    for (size_t i = 0; !status; i++) {
        mig_buf_reset(&one);
        if (!mig_books_create(&b, i, &one))
            break;
        mig_buf_fmt(&all, "%s%s;", i ? "\n" : "", mig_buf_text(&one));
        all.oom |= one.oom;
    }
    r->text_key = "sql";
    if (!status && all.oom)
        status = mig_fail_nomem(err);
    if (!status)
        r->text = mig_report_text(r, mig_buf_text(&all));
    mig_buf_free(&all);
    mig_buf_free(&one);
    return status;
}

static migrate_status init_tables(migrate_ctx *ctx, struct migrate_report *r, migrate_error **err)
{
    struct mig_head head;
    migrate_status status = mig_head_read(ctx, &head, err);
    if (!status)
        status = mig_head_writable(&head, err);
    if (!status)
        status = mig_session_facts(ctx, err);
    if (!status && !head.present)
        status = mig_session_writable(ctx, err);
    if (!status)
        status = mig_tables_need(ctx, &head, err);
    r->text_key = "text";
    r->text = head.present ? "the tables of libmigrate are there already" : "the tables of libmigrate were created";
    return status;
}

migrate_status migrate_init(migrate_ctx *ctx, uint32_t flags, migrate_report **out, migrate_error **err)
{
    if (flags & ~MIGRATE_INIT_SQL)
        return mig_fail(err, MIGRATE_E_TOO_NEW, "migrate_init: unknown flags 0x%x", flags);
    bool text = (flags & MIGRATE_INIT_SQL) != 0;
    migrate_status status = mig_call_begin(ctx, MIG_NEEDS_CONNECTION | (text ? MIG_TAKES_DIALECT : 0), 0, err);
    if (status)
        return status;
    struct migrate_report *r = mig_report_new(MIG_REPORT_TEXT, NULL);
    status = !r ? mig_fail_nomem(err) : text ? init_sql(ctx, r, err) : init_tables(ctx, r, err);
    return give(ctx, status, r, out, err);
}

/* ---- wait ------------------------------------------------------------------------ */

/* Waiting does not mend these. */
static bool hopeless(migrate_status status)
{
    return status == MIGRATE_E_AUTH || status == MIGRATE_E_NO_DATABASE || status == MIGRATE_E_DENIED ||
           MIGRATE_STATUS_CLASS(status) == MIGRATE_CLASS_CALLER || MIGRATE_STATUS_CLASS(status) == MIGRATE_CLASS_STOPPED ||
           MIGRATE_STATUS_CLASS(status) == MIGRATE_CLASS_PROCESS;
}

static migrate_status try_once(migrate_ctx *ctx, migrate_error **err)
{
    migrate_status status = mig_session_open(ctx, err);
    if (!status)
        status = mig_session_facts(ctx, err);
    if (!status)
        status = mig_session_writable(ctx, err);
    mig_session_close(ctx);
    return status;
}

static migrate_status wait_until(migrate_ctx *ctx, migrate_error **err)
{
    int64_t until = ctx->call.started_ms + ctx->set.wait_timeout_ms;
    ctx->set.reconnect_timeout_ms = 0; /* the loop is here */
    for (;;) {
        migrate_error *why = NULL;
        migrate_status status = try_once(ctx, &why);
        if (!status || hopeless(status)) {
            if (status && err)
                *err = why;
            else
                migrate_error_free(why);
            return status;
        }
        int64_t left = until - mig_clock_mono_ms();
        if (left <= 0) {
            mig_fail(err, MIGRATE_E_DEADLINE, "the database was not ready within %lld ms",
                     (long long)ctx->set.wait_timeout_ms);
            mig_error_add_cause(err, why);
            return MIGRATE_E_DEADLINE;
        }
        mig_log(ctx, MIGRATE_LOG_INFO, "not ready yet: %s", migrate_error_message(why));
        migrate_error_free(why);
        status = mig_wait(ctx, left < 500 ? left : 500, err);
        if (status)
            return status;
    }
}

migrate_status migrate_wait(migrate_ctx *ctx, const char *url, migrate_report **out, migrate_error **err)
{
    if (!url || !*url)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_wait: no URL is given");
    migrate_status status = mig_call_begin(ctx, 0, 0, err);
    if (status)
        return status;
    struct migrate_report *r = NULL;
    if (ctx->db.conn)
        status = mig_fail(err, MIGRATE_E_MISUSE, "migrate_wait opens and closes by itself: close the database first");
    if (!status)
        status = mig_session_url_set(ctx, url, err);
    if (!status) {
        mig_options_read(ctx->options, &ctx->set);
        status = wait_until(ctx, err);
        mig_session_url_clear(&ctx->db);
    }
    if (!status) {
        r = mig_report_new(MIG_REPORT_TEXT, NULL);
        if (!r)
            status = mig_fail_nomem(err);
    }
    if (r) {
        r->text_key = "text";
        r->text = "the database accepts connections and is writable";
    }
    return give(ctx, status, r, out, err);
}
