/* SPDX-License-Identifier: Apache-2.0 */

/* Transactional migrations: each a group of statements between a fence and the move of the head, one group after the
 * other, sent ahead where the engine and the driver can. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/window.h"
#include "core/precondition.h"
#include "core/scan.h"
#include "util/clock.h"

enum {
    COPY_LIMIT = 64 * 1024, /* a longer statement is not copied; nothing is pulled until it is answered */
    SLOW_MS = 100,          /* a migration that took longer closes the window, so that stop stays prompt */
};

static struct mig_window *window_of(struct mig_feed *feed)
{
    return feed->user;
}

static const struct mig_step *current(const struct mig_window *w)
{
    return &w->feed.run->plan->steps[w->step];
}

bool mig_window_sqlite(const struct mig_window *w)
{
    return w->feed.run->ctx->db.dialect == MIGRATE_DIALECT_SQLITE;
}

static migrate_status push(struct mig_window *w, struct mig_buf *sql, enum mig_sent_kind kind, uint32_t flags,
                           bool needs_row)
{
    return mig_feed_push_sql(&w->feed, sql, kind, w->step, flags, needs_row);
}

static migrate_status push_text(struct mig_window *w, const char *text, enum mig_sent_kind kind, uint32_t flags)
{
    struct mig_buf sql = MIG_BUF_INIT;
    mig_buf_str(&sql, text);
    return push(w, &sql, kind, flags, false);
}

/* ---- the beginning of a group ----------------------------------------------- */

bool mig_window_eligible(const struct mig_window *w)
{
    const struct mig_step *s = current(w);
    if (mig_has_precondition(s) && !s->checked)
        return false; /* asked when all before it is in */
    return s->scan.transactional && !s->resume && !(s->migration->flags & MIG_MIGRATION_CODE);
}

static migrate_status lift(struct mig_window *w)
{
    const struct mig_scan *scan = &current(w)->scan;
    migrate_status status = MIGRATE_OK;
    for (const char *sql = current(w)->lifted; sql && *sql && !status; sql += strlen(sql) + 1)
        status = push_text(w, sql, MIG_SENT_BOOK, 0);
    if (status || !(scan->flags & MIG_SCAN_FOREIGN_KEYS) || !mig_window_sqlite(w))
        return status;
    return push_text(w, scan->flags & MIG_SCAN_FK_OFF ? "PRAGMA foreign_keys = OFF" : "PRAGMA foreign_keys = ON",
                     MIG_SENT_BOOK, 0);
}

static migrate_status push_begin(struct mig_window *w)
{
    if (w->one)
        return MIGRATE_OK;
    migrate_status status = lift(w);
    if (status)
        return status;
    return push_text(w, mig_window_sqlite(w) ? "BEGIN IMMEDIATE" : "BEGIN", MIG_SENT_BEGIN, 0);
}

static migrate_status open_step(struct mig_window *w, migrate_error **err)
{
    struct mig_run *run = w->feed.run;
    const struct mig_step *step = current(w);
    mig_script_close(w->feed.script);
    w->feed.script = NULL;
    mig_run_timeouts(run, step);
    struct mig_script_of of = { .set = run->plan->set,
                                .migration = step->migration,
                                .layout = &run->view.layout,
                                .direction = step->item.direction };
    return mig_script_open(run->ctx, &of, &w->feed.script, err);
}

/* Only PostgreSQL can put a session back inside a transaction. */
bool mig_window_resets(const struct mig_window *w)
{
    return !w->one || w->feed.run->ctx->db.dialect == MIGRATE_DIALECT_POSTGRES;
}

static migrate_status begin_step(struct mig_window *w, migrate_error **err)
{
    struct mig_run *run = w->feed.run;
    if (w->step >= w->last || !mig_window_eligible(w))
        return MIGRATE_DONE;
    if (w->step > w->first && mig_step_leaves_session(run, w->step - 1) && mig_window_resets(w))
        return MIGRATE_DONE; /* the session is put back first */
    migrate_status status = mig_call_check(run->ctx, err);
    if (!status)
        status = open_step(w, err);
    if (!status)
        status = push_begin(w);
    w->phase = MIG_WINDOW_LEAD;
    return status;
}

static void set_local(struct mig_window *w, struct mig_buf *sql, const char *what, int64_t ms)
{
    (void)w;
    mig_buf_fmt(sql, "SET LOCAL %s = '%" PRId64 "ms'", what, ms);
}

/* Time-outs that start-up options could not give, or that the migration's directives change. */
static migrate_status push_timeouts(struct mig_window *w)
{
    migrate_ctx *ctx = w->feed.run->ctx;
    if (ctx->db.dialect != MIGRATE_DIALECT_POSTGRES)
        return MIGRATE_OK;
    bool pooled = (ctx->db.facts.flags & MIGRATE_INFO_POOLED) != 0;
    struct mig_buf sql = MIG_BUF_INIT;
    migrate_status status = MIGRATE_OK;
    if (ctx->call.lock_timeout_ms >= 0 || pooled) {
        int64_t ms = ctx->call.lock_timeout_ms >= 0 ? ctx->call.lock_timeout_ms : ctx->set.lock_timeout_ms;
        set_local(w, &sql, "lock_timeout", ms);
        status = push(w, &sql, MIG_SENT_BOOK, 0, false);
    }
    if (!status && (ctx->call.statement_timeout_ms >= 0 || (pooled && ctx->set.statement_timeout_ms))) {
        int64_t ms = ctx->call.statement_timeout_ms >= 0 ? ctx->call.statement_timeout_ms : ctx->set.statement_timeout_ms;
        set_local(w, &sql, "statement_timeout", ms);
        status = push(w, &sql, MIG_SENT_BOOK, 0, false);
    }
    return status;
}

static migrate_status push_fence(struct mig_window *w)
{
    struct mig_run *run = w->feed.run;
    struct mig_books b;
    mig_books_of(run->ctx, &b);
    if (!mig_run_op(run, current(w), ++w->seq, &w->op, w->digest, w->checksum))
        return MIGRATE_E_NOMEM;
    if (!w->one)
        w->op.token = mig_run_token(run);
    struct mig_buf sql = MIG_BUF_INIT;
    mig_books_fence(&b, &w->op, &sql);
    bool needs_row = b.dialect != MIGRATE_DIALECT_POSTGRES;
    w->began_unix_ms = mig_clock_unix_ms();
    w->began_ms = mig_clock_mono_ms();
    w->phase = MIG_WINDOW_USER;
    return push(w, &sql, MIG_SENT_FENCE, 0, needs_row);
}

/* ---- the user's statements -------------------------------------------------- */

static bool not_sent(const struct mig_window *w, const struct mig_sql_facts *f)
{
    uint32_t flags = current(w)->scan.flags;
    if ((flags & MIG_SCAN_WRAPPED) && (f->tx == MIG_SQL_TX_BEGIN || f->tx == MIG_SQL_TX_COMMIT))
        return true;
    return mig_window_sqlite(w) && (f->flags & (MIG_SQL_FOREIGN_KEYS | MIG_SQL_PRAGMA_OUTSIDE)) != 0;
}

static migrate_status push_cut(struct mig_window *w, const struct mig_cut *cut)
{
    const struct mig_sql_facts *f = cut->facts;
    struct mig_sent sent = { .kind = MIG_SENT_USER,
                             .step = w->step,
                             .number = cut->number,
                             .line = cut->line,
                             .column = cut->column,
                             .text = cut->text,
                             .len = cut->sent_len,
                             .session = (f->flags & MIG_SQL_SESSION) != 0,
                             .sets_lex = (f->flags & MIG_SQL_SETS_LEX) != 0,
                             .copy = cut->copy_data };
    char *own = NULL;
    if (cut->sent_len <= COPY_LIMIT || cut->copy_data) {
        own = mig_strndup(cut->text, cut->sent_len);
        if (!own)
            return MIGRATE_E_NOMEM;
    }
    if (!own || sent.sets_lex || sent.copy)
        sent.stmt_flags |= MIGRATE_STMT_BARRIER;
    if (cut->whole || sent.sets_lex) /* a new lexical setting is told when the server is idle again */
        sent.stmt_flags |= MIGRATE_STMT_ALONE;
    return mig_feed_push(&w->feed, &sent, own);
}

/* VALIDATE CONSTRAINT waits for nobody's new work: a short lock time-out would only make it fail. */
static migrate_status push_patient(struct mig_window *w, const struct mig_cut *cut)
{
    migrate_ctx *ctx = w->feed.run->ctx;
    migrate_status status = push_text(w, "SET LOCAL lock_timeout = 0", MIG_SENT_BOOK, 0);
    if (!status)
        status = push_cut(w, cut);
    struct mig_buf sql = MIG_BUF_INIT;
    if (!status) {
        set_local(w, &sql, "lock_timeout",
                  ctx->call.lock_timeout_ms >= 0 ? ctx->call.lock_timeout_ms : ctx->set.lock_timeout_ms);
        status = push(w, &sql, MIG_SENT_BOOK, 0, false);
    }
    return status;
}

static migrate_status push_user(struct mig_window *w, const struct mig_cut *cut)
{
    bool patient = (cut->facts->flags & MIG_SQL_NO_LOCK_TIMEOUT) != 0 &&
                   w->feed.run->ctx->db.dialect == MIGRATE_DIALECT_POSTGRES;
    return patient ? push_patient(w, cut) : push_cut(w, cut);
}

/* SET TRANSACTION goes between BEGIN and the fence, which would be the transaction's first query. */
static migrate_status lead(struct mig_window *w, migrate_error **err)
{
    migrate_status status;
    bool runs = !current(w)->mark_ran;
    status = MIGRATE_DONE;
    while (runs && (status = mig_script_next(w->feed.script, &w->cut, err)) == MIGRATE_OK) {
        if (not_sent(w, w->cut.facts))
            continue;
        if (w->cut.facts->tx != MIG_SQL_TX_SET_TRANSACTION)
            break;
        status = push_user(w, &w->cut);
        if (status)
            return status;
    }
    if (status && status != MIGRATE_DONE)
        return status;
    w->held = status == MIGRATE_OK;
    bool ended = status == MIGRATE_DONE;
    status = push_timeouts(w);
    if (!status)
        status = push_fence(w);
    if (!status && ended)
        w->phase = MIG_WINDOW_CLOSE;
    return status;
}

static migrate_status user(struct mig_window *w, migrate_error **err)
{
    if (!w->held) {
        migrate_status asked = mig_call_check(w->feed.run->ctx, err);
        if (asked == MIGRATE_E_MORE_WORK) { /* a transaction that has begun is worth finishing while there is time */
            migrate_error_free(*err);
            *err = NULL;
            asked = MIGRATE_OK;
        }
        migrate_status status = asked ? asked : mig_script_next(w->feed.script, &w->cut, err);
        if (status == MIGRATE_DONE) {
            w->phase = MIG_WINDOW_CLOSE;
            return MIGRATE_OK;
        }
        if (status)
            return status;
    }
    w->held = false;
    return not_sent(w, w->cut.facts) ? MIGRATE_OK : push_user(w, &w->cut);
}

/* ---- the end of a group ----------------------------------------------------- */

/* Our tables are written by the role that made them, whatever role the migration took on. */
static migrate_status push_own_role(struct mig_window *w)
{
    migrate_ctx *ctx = w->feed.run->ctx;
    if (ctx->db.dialect != MIGRATE_DIALECT_POSTGRES || !(current(w)->scan.flags & MIG_SCAN_SESSION))
        return MIGRATE_OK;
    migrate_status status = push_text(w, "RESET SESSION AUTHORIZATION", MIG_SENT_BOOK, 0);
    struct mig_buf sql = MIG_BUF_INIT;
    mig_buf_str(&sql, ctx->set.role ? "SET ROLE " : "RESET ROLE");
    if (ctx->set.role)
        mig_ident(&sql, ctx->db.dialect, ctx->set.role);
    return status ? (mig_buf_free(&sql), status) : push(w, &sql, MIG_SENT_BOOK, 0, false);
}

static migrate_status push_close(struct mig_window *w)
{
    struct mig_books b;
    struct mig_buf sql = MIG_BUF_INIT;
    mig_books_of(w->feed.run->ctx, &b);
    w->op.started_unix_ms = w->began_unix_ms;
    w->op.elapsed_ms = mig_clock_mono_ms() - w->began_ms;
    migrate_status status = push_own_role(w);
    for (size_t i = 0; !status && mig_books_close(&b, &w->op, i, &sql); i++)
        status = push(w, &sql, MIG_SENT_CLOSE, 0, i == 0 && b.dialect != MIGRATE_DIALECT_POSTGRES);
    return status;
}

static bool next_is_large(const struct mig_window *w)
{
    if (w->step + 1 >= w->last)
        return false;
    const struct mig_scan *next = &w->feed.run->plan->steps[w->step + 1].scan;
    return (next->flags & (MIG_SCAN_LARGE | MIG_SCAN_ALONE)) != 0;
}

static migrate_status push_commit(struct mig_window *w)
{
    uint32_t here = current(w)->scan.flags;
    bool closes = (here & (MIG_SCAN_LARGE | MIG_SCAN_ALONE | MIG_SCAN_SESSION)) || next_is_large(w) || w->slow;
    migrate_status status = push_text(w, "COMMIT", MIG_SENT_COMMIT,
                                      MIGRATE_STMT_TX_END | MIGRATE_STMT_GROUP_END | (closes ? MIGRATE_STMT_BARRIER : 0));
    if (status || !mig_window_sqlite(w) || !(here & MIG_SCAN_FOREIGN_KEYS))
        return status;
    return push_text(w, w->fk_original ? "PRAGMA foreign_keys = ON" : "PRAGMA foreign_keys = OFF", MIG_SENT_BOOK, 0);
}

static migrate_status close_step(struct mig_window *w)
{
    const struct mig_scan *scan = &current(w)->scan;
    migrate_status status = MIGRATE_OK;
    if (mig_window_sqlite(w) && (scan->flags & MIG_SCAN_FOREIGN_KEYS))
        status = push_text(w, "PRAGMA foreign_key_check", MIG_SENT_CHECK, 0);
    if (!status)
        status = push_close(w);
    if (!status && !w->one)
        status = push_commit(w);
    w->step++;
    w->phase = MIG_WINDOW_STEP;
    return status;
}

static migrate_status more(struct mig_feed *feed, migrate_error **err)
{
    struct mig_window *w = window_of(feed);
    size_t before = feed->n;
    migrate_status status = MIGRATE_OK;
    while (!status && feed->n == before) {
        switch (w->phase) {
        case MIG_WINDOW_STEP:
            status = begin_step(w, err);
            break;
        case MIG_WINDOW_LEAD:
            status = lead(w, err);
            break;
        case MIG_WINDOW_USER:
            status = user(w, err);
            break;
        case MIG_WINDOW_CLOSE:
            status = close_step(w);
            break;
        }
    }
    return status;
}

/* ---- answers ---------------------------------------------------------------- */

void mig_window_step_in(struct mig_window *w)
{
    struct mig_run *run = w->feed.run;
    int64_t now = mig_clock_mono_ms();
    int64_t elapsed = now - w->answered_ms; /* answers come late in a window: since the one before */
    w->answered_ms = now;
    w->slow = elapsed > SLOW_MS;
    mig_run_end_event(run, run->next, MIGRATE_OK, elapsed);
    mig_run_done(run);
}

static migrate_status in(struct mig_feed *feed, const struct mig_sent *sent, const migrate_result *result)
{
    struct mig_window *w = window_of(feed);
    (void)result;
    if (sent->kind == MIG_SENT_FENCE) {
        mig_run_begin_event(feed->run, sent->step);
    } else if (sent->kind == MIG_SENT_COMMIT) {
        while (feed->run->next <= sent->step)
            mig_window_step_in(w);
    }
    return MIGRATE_OK;
}

static const struct mig_feed_ops window_ops = { more, in };

/* ---- running ---------------------------------------------------------------- */

static int32_t on_pragma(void *user_data, uint32_t n, const migrate_text *cols)
{
    bool *on = user_data;
    *on = n && cols[0].data && cols[0].len == 1 && cols[0].data[0] == '1';
    return 0;
}

migrate_status mig_window_remember(struct mig_window *w, migrate_error **err)
{
    static const char sql[] = "PRAGMA foreign_keys";
    return mig_window_sqlite(w) ? mig_exec(w->feed.run->ctx, sql, sizeof sql - 1, on_pragma, &w->fk_original, NULL, err)
                        : MIGRATE_OK;
}

void mig_window_put_back(struct mig_window *w, enum mig_end end)
{
    struct mig_run *run = w->feed.run;
    if (end == MIG_END_DONE)
        return;
    if (!run->ctx->db.lost)
        run->ctx->db.tx = MIGRATE_TX_UNKNOWN;
    mig_rollback(run->ctx);
    if (mig_window_sqlite(w) && !run->ctx->db.lost) {
        const char *sql = w->fk_original ? "PRAGMA foreign_keys = ON" : "PRAGMA foreign_keys = OFF";
        migrate_error *ignored = NULL;
        if (mig_exec(run->ctx, sql, strlen(sql), NULL, NULL, NULL, &ignored))
            run->ctx->db.changed = true;
        migrate_error_free(ignored);
    }
}

void mig_window_init(struct mig_window *w, struct mig_run *run)
{
    *w = (struct mig_window){ .first = run->next, .step = run->next, .last = run->plan->count, .seq = run->seq };
    w->answered_ms = mig_clock_mono_ms();
    w->feed.run = run;
    w->feed.ops = &window_ops;
    w->feed.user = w;
}

enum mig_end mig_apply_window(struct mig_run *run, migrate_error **err)
{
    struct mig_window w;
    mig_window_init(&w, run);
    run->conflict = false;
    migrate_status status = mig_window_remember(&w, err);
    enum mig_end end = status ? mig_end_of(run->ctx, err ? *err : NULL, 0) : mig_feed_run(&w.feed, true, err);
    mig_window_put_back(&w, end);
    mig_feed_free(&w.feed);
    return end;
}
