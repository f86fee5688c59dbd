/* SPDX-License-Identifier: Apache-2.0 */

/* Journalled migrations: what cannot run in one transaction runs in units, each with an intent before and a mark
 * after it. On MySQL the units of a migration, and of several, share packets; elsewhere they are sent one by one. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/books.h"
#include "core/feed.h"
#include "core/journal.h"
#include "core/scan.h"
#include "util/clock.h"
#include "sql/online.h"

enum {
    COPY_LIMIT = 64 * 1024,
    RUN_MAX = 500, /* statements in one run of DML */
    SLOW_MS = 100, /* a migration that took longer goes in a packet of its own, so that stop stays prompt */
    BURST_MAX = 64,
};

enum phase { PHASE_STEP, PHASE_UNITS, PHASE_END };

struct journal {
    struct mig_feed feed;
    size_t   step, last;
    enum phase phase;
    uint64_t seq;
    bool     mysql;
    bool     opened;      /* the head's digest is emptied: an intent may follow */
    bool     in_run;      /* a transaction with DML is open */
    bool     explicit_run; /* begun by the file's own BEGIN */
    bool     in_lock;     /* between LOCK TABLES and UNLOCK TABLES */
    uint64_t run_idx;
    struct mig_unit_sha run_sha;
    uint64_t skip_until;  /* statements up to this one are executed already */
    struct mig_unit skipping;
    struct mig_unit_sha skip_sha;
    struct mig_progress progress;
    struct mig_op op;
    char     digest[MIG_SHA256_HEX + 1];
    char     checksum[MIG_CHECKSUM_TEXT];
    int64_t  began_ms, began_unix_ms;
    uint32_t burst;       /* migrations that may share a packet: doubles while they are quick */
    uint32_t in_burst;
    int64_t  answered_ms; /* when the last migration was in */
    struct mig_buf object, fp, sql;
};

static struct journal *journal_of(struct mig_feed *feed)
{
    return feed->user;
}

static struct mig_run *run_of(const struct journal *j)
{
    return j->feed.run;
}

static const struct mig_step *current(const struct journal *j)
{
    return &run_of(j)->plan->steps[j->step];
}

static migrate_status push(struct journal *j, enum mig_sent_kind kind, uint32_t flags)
{
    return mig_feed_push_sql(&j->feed, &j->sql, kind, j->step, flags, false);
}

static migrate_status push_text(struct journal *j, const char *text, enum mig_sent_kind kind, uint32_t flags)
{
    mig_buf_reset(&j->sql);
    mig_buf_str(&j->sql, text);
    return push(j, kind, flags);
}

static void books(const struct journal *j, struct mig_books *b)
{
    mig_books_of(run_of(j)->ctx, b);
}

static const char *begin_text(const struct journal *j)
{
    uint32_t dialect = run_of(j)->ctx->db.dialect;
    return dialect == MIGRATE_DIALECT_MYSQL ? "START TRANSACTION" : dialect == MIGRATE_DIALECT_SQLITE ? "BEGIN IMMEDIATE" : "BEGIN";
}

static const char *commit_text(const struct journal *j)
{
    return j->mysql ? "COMMIT AND NO CHAIN NO RELEASE" : "COMMIT";
}

/* ---- marks ------------------------------------------------------------------ */

/* The first intent of an operation is preceded by an empty digest, so that a start sees that something is open. */
static migrate_status push_open(struct journal *j)
{
    struct mig_books b;
    if (j->opened)
        return MIGRATE_OK;
    j->opened = true;
    books(j, &b);
    mig_buf_reset(&j->sql);
    mig_books_open(&b, &j->op, &j->sql);
    return push(j, MIG_SENT_BOOK, 0);
}

static migrate_status push_intent(struct journal *j, const struct mig_mark *mark, bool in_tx)
{
    struct mig_books b;
    books(j, &b);
    mig_buf_reset(&j->sql);
    mig_books_intent(&b, &j->op, mark, in_tx, &j->sql);
    return push(j, MIG_SENT_INTENT, 0);
}

static migrate_status push_mark(struct journal *j, const struct mig_mark *mark)
{
    struct mig_books b;
    books(j, &b);
    mig_buf_reset(&j->sql);
    mig_books_done(&b, &j->op, mark, &j->sql);
    return push(j, MIG_SENT_MARK, 0);
}

/* ---- the user's statements -------------------------------------------------- */

static bool alone(const struct journal *j, const struct mig_sql_facts *f)
{
    return (f->flags & (j->mysql ? MIG_SQL_PACKET_END : MIG_SQL_ALONE)) != 0;
}

/* Option algorithm=require-online: the server itself refuses an ALTER that would copy the table. */
static bool with_clauses(struct journal *j, const struct mig_cut *cut)
{
    migrate_ctx *ctx = run_of(j)->ctx;
    if (!ctx->set.require_online || !j->mysql || !(cut->facts->flags & MIG_SQL_ALTER_TABLE))
        return false;
    struct mig_sql_dialect_info di;
    mig_ctx_dialect(ctx, &di);
    mig_buf_reset(&j->sql);
    return mig_sql_online_require(&di, cut->text, cut->len, &j->sql);
}

static migrate_status push_cut(struct journal *j, const struct mig_cut *cut)
{
    const struct mig_sql_facts *f = cut->facts;
    struct mig_sent sent = { .kind = MIG_SENT_USER,
                             .step = j->step,
                             .number = cut->number,
                             .line = cut->line,
                             .column = cut->column,
                             .text = cut->text,
                             .len = cut->len,
                             .stmt_flags = alone(j, f) ? MIGRATE_STMT_ALONE : 0,
                             .session = (f->flags & MIG_SQL_SESSION) != 0,
                             .sets_lex = (f->flags & MIG_SQL_SETS_LEX) != 0,
                             .copy = cut->copy_data,
                             .unit = j->in_run ? j->run_idx : cut->number };
    char *own = NULL;
    if (with_clauses(j, cut)) {
        sent.len = j->sql.len;
        own = mig_buf_steal(&j->sql);
        if (!own)
            return MIGRATE_E_NOMEM;
    } else if (cut->len <= COPY_LIMIT || cut->copy_data) {
        own = mig_strndup(cut->text, cut->len);
        if (!own)
            return MIGRATE_E_NOMEM;
    }
    if (!own || sent.sets_lex || sent.copy)
        sent.stmt_flags |= MIGRATE_STMT_BARRIER;
    return mig_feed_push(&j->feed, &sent, own);
}

/* ---- runs of statements that share a transaction with their mark -------------- */

static migrate_status begin_run(struct journal *j, uint64_t idx)
{
    static const char placeholder[MIG_SHA256_HEX + 1] = "0000000000000000000000000000000000000000000000000000000000000000";
    struct mig_mark mark = { idx, placeholder, "", NULL };
    migrate_status status = push_open(j);
    if (!status)
        status = push_text(j, begin_text(j), MIG_SENT_BEGIN, 0);
    if (!status)
        status = push_intent(j, &mark, true);
    j->in_run = true;
    j->run_idx = idx;
    mig_unit_sha_begin(&j->run_sha);
    return status;
}

static migrate_status end_run(struct journal *j)
{
    char sha[MIG_SHA256_HEX + 1], object[32];
    if (!j->in_run)
        return MIGRATE_OK;
    j->in_run = j->explicit_run = false;
    uint64_t count = j->run_sha.count;
    if (!mig_unit_sha_end(&j->run_sha, sha))
        return MIGRATE_E_NOMEM;
    snprintf(object, sizeof object, "+%" PRIu64, count ? count : 1);
    struct mig_mark mark = { j->run_idx, sha, object, NULL };
    migrate_status status = push_mark(j, &mark);
    return status ? status : push_text(j, commit_text(j), MIG_SENT_COMMIT, MIGRATE_STMT_TX_END);
}

static migrate_status push_dml(struct journal *j, const struct mig_cut *cut)
{
    migrate_status status = MIGRATE_OK;
    if (!j->in_run)
        status = begin_run(j, cut->number);
    if (status)
        return status;
    mig_unit_sha_add(&j->run_sha, cut->text, cut->len);
    status = push_cut(j, cut);
    bool full = !j->mysql || j->run_sha.count >= RUN_MAX;
    if (!status && full && !j->explicit_run)
        status = end_run(j);
    return status;
}

/* ---- units of one statement --------------------------------------------------- */

static migrate_status set_lock_timeout(struct journal *j, int64_t ms)
{
    mig_buf_reset(&j->sql);
    mig_buf_fmt(&j->sql, "SET lock_timeout = '%" PRId64 "ms'", ms);
    return push(j, MIG_SENT_BOOK, 0);
}

/* CREATE INDEX CONCURRENTLY and its like wait for old snapshots: a short lock time-out would only leave an INVALID
 * index behind. */
static migrate_status push_patient(struct journal *j, const struct mig_cut *cut)
{
    migrate_ctx *ctx = run_of(j)->ctx;
    bool patient = (cut->facts->flags & MIG_SQL_NO_LOCK_TIMEOUT) != 0 && ctx->db.dialect == MIGRATE_DIALECT_POSTGRES;
    migrate_status status = patient ? set_lock_timeout(j, 0) : MIGRATE_OK;
    if (!status)
        status = push_cut(j, cut);
    if (!status && patient)
        status = set_lock_timeout(j, ctx->call.lock_timeout_ms >= 0 ? ctx->call.lock_timeout_ms : ctx->set.lock_timeout_ms);
    return status;
}

static migrate_status push_unit(struct journal *j, const struct mig_cut *cut, migrate_error **err)
{
    char sha[MIG_SHA256_HEX + 1];
    struct mig_unit_sha u;
    uint32_t proves = 0;
    mig_unit_sha_begin(&u);
    mig_unit_sha_add(&u, cut->text, cut->len);
    if (!mig_unit_sha_end(&u, sha))
        return MIGRATE_E_NOMEM;
    migrate_status status = mig_fingerprint_sql(run_of(j)->ctx, cut->facts, &j->object, &j->fp, &proves, err);
    struct mig_mark mark = { cut->number, sha, mig_buf_text(&j->object), j->fp.len ? mig_buf_text(&j->fp) : NULL };
    if (!status)
        status = push_open(j);
    if (!status)
        status = push_intent(j, &mark, false);
    if (!status)
        status = push_patient(j, cut);
    return status ? status : push_mark(j, &mark);
}

/* Between LOCK TABLES and UNLOCK TABLES nothing of ours can be written: the range is one unit, begun by the
 * intent of LOCK and ended by the mark after UNLOCK. */
static migrate_status push_locked(struct journal *j, const struct mig_cut *cut)
{
    if (!j->in_lock) {
        char sha[MIG_SHA256_HEX + 1];
        struct mig_unit_sha u;
        mig_unit_sha_begin(&u);
        mig_unit_sha_add(&u, cut->text, cut->len);
        if (!mig_unit_sha_end(&u, sha))
            return MIGRATE_E_NOMEM;
        struct mig_mark mark = { cut->number, sha, "", NULL };
        migrate_status status = push_open(j);
        if (!status)
            status = push_intent(j, &mark, false);
        if (status)
            return status;
        j->in_lock = true;
        j->run_idx = cut->number;
        mig_unit_sha_begin(&j->run_sha);
    }
    mig_unit_sha_add(&j->run_sha, cut->text, cut->len);
    migrate_status status = push_cut(j, cut);
    if (status || !(cut->facts->flags & MIG_SQL_UNLOCK_TABLES))
        return status;
    j->in_lock = false;
    j->in_run = true; /* end_run() writes the mark; there is no transaction to commit, which is harmless */
    return end_run(j);
}

/* ---- what is executed already ------------------------------------------------ */

static migrate_status edited(struct journal *j, const struct mig_cut *cut, migrate_error **err)
{
    const struct mig_step *step = current(j);
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
static migrate_status skip_done(struct journal *j, const struct mig_cut *cut, bool *skip, migrate_error **err)
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
    if (!mig_unit_sha_end(&j->skip_sha, sha))
        return MIGRATE_E_NOMEM;
    return strcmp(sha, j->skipping.sha) == 0 ? MIGRATE_OK : edited(j, cut, err);
}

/* ---- one statement ------------------------------------------------------------ */

static migrate_status transaction_control(struct journal *j, const struct mig_cut *cut, migrate_error **err)
{
    switch (cut->facts->tx) {
    case MIG_SQL_TX_BEGIN: {
        migrate_status status = end_run(j);
        j->explicit_run = true; /* the transaction begins with the first statement in it */
        return status;
    }
    case MIG_SQL_TX_COMMIT:
        j->explicit_run = false;
        return end_run(j);
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

/* Session settings leave nothing behind; after a crash they are sent again, whatever has been executed. */
static bool only_session(const struct mig_sql_facts *f)
{
    return (f->flags & MIG_SQL_SESSION) && f->settle == MIG_SQL_SETTLE_REPEATABLE;
}

static migrate_status push_statement(struct journal *j, const struct mig_cut *cut, migrate_error **err)
{
    const struct mig_sql_facts *f = cut->facts;
    bool skip = false;
    migrate_status status = skip_done(j, cut, &skip, err);
    if (status || (skip && !only_session(f)))
        return status;
    if (j->in_lock || (f->flags & MIG_SQL_LOCK_TABLES)) {
        status = end_run(j);
        return status ? status : push_locked(j, cut);
    }
    if (controls(f))
        return transaction_control(j, cut, err);
    if (only_session(f) && !j->in_run)
        return push_cut(j, cut);
    if (f->settle == MIG_SQL_SETTLE_TX || (j->explicit_run && !(f->flags & MIG_SQL_IMPLICIT_COMMIT)))
        return push_dml(j, cut);
    status = end_run(j);
    if (!status && only_session(f))
        return push_cut(j, cut);
    return status ? status : push_unit(j, cut, err);
}

/* ---- steps ------------------------------------------------------------------- */

static bool eligible(const struct journal *j)
{
    const struct mig_step *s = current(j);
    return !s->scan.transactional && !(s->migration->flags & MIG_MIGRATION_CODE);
}

static migrate_status begin_step(struct journal *j, migrate_error **err)
{
    struct mig_run *run = run_of(j);
    if (j->step >= j->last || !eligible(j) || (j->step > run->next && run->ctx->db.changed))
        return MIGRATE_DONE;
    const struct mig_step *step = current(j);
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
    j->opened = j->progress.n != 0;
    j->began_ms = mig_clock_mono_ms();
    j->began_unix_ms = mig_clock_unix_ms();
    j->phase = PHASE_UNITS;
    mig_script_close(j->feed.script);
    j->feed.script = NULL;
    struct mig_script_of of = { .set = run->plan->set,
                                .migration = step->migration,
                                .layout = &run->view.layout,
                                .direction = step->item.direction };
    return mig_script_open(run->ctx, &of, &j->feed.script, err);
}

static migrate_status units(struct journal *j, migrate_error **err)
{
    struct mig_cut cut;
    migrate_status status = j->in_run || j->in_lock ? MIGRATE_OK : mig_call_check(run_of(j)->ctx, err);
    if (!status)
        status = mig_script_next(j->feed.script, &cut, err);
    if (status == MIGRATE_DONE) {
        j->phase = PHASE_END;
        return end_run(j);
    }
    return status ? status : push_statement(j, &cut, err);
}

static migrate_status end_step(struct journal *j)
{
    struct mig_books b;
    books(j, &b);
    j->op.started_unix_ms = j->began_unix_ms;
    j->op.elapsed_ms = mig_clock_mono_ms() - j->began_ms;
    migrate_status status = push_open(j);
    if (!status)
        status = push_text(j, begin_text(j), MIG_SENT_BEGIN, 0);
    mig_buf_reset(&j->sql);
    for (size_t i = 0; !status && mig_books_end(&b, &j->op, i, &j->sql); i++) {
        status = push(j, MIG_SENT_CLOSE, 0);
        mig_buf_reset(&j->sql);
    }
    bool closes = ++j->in_burst >= j->burst;
    if (closes)
        j->in_burst = 0;
    if (!status)
        status = push_text(j, commit_text(j), MIG_SENT_COMMIT,
                           MIGRATE_STMT_TX_END | MIGRATE_STMT_GROUP_END | (closes ? MIGRATE_STMT_BARRIER : 0));
    if (!status && j->feed.n) {
        size_t at = (j->feed.head + j->feed.n - 1) % j->feed.cap;
        j->feed.queue[at].last = true;
    }
    j->step++;
    j->phase = PHASE_STEP;
    return status;
}

static migrate_status more(struct mig_feed *feed, migrate_error **err)
{
    struct journal *j = journal_of(feed);
    size_t before = feed->n;
    migrate_status status = MIGRATE_OK;
    while (!status && feed->n == before) {
        switch (j->phase) {
        case PHASE_STEP:
            status = begin_step(j, err);
            break;
        case PHASE_UNITS:
            status = units(j, err);
            break;
        case PHASE_END:
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
    struct journal *j = journal_of(feed);
    int64_t now = mig_clock_mono_ms();
    bool slow = now - j->answered_ms > SLOW_MS;
    j->answered_ms = now;
    if (sent->stmt_flags & MIGRATE_STMT_BARRIER)
        j->burst = slow ? 1 : j->burst < BURST_MAX ? 2 * j->burst : BURST_MAX;
    run->step_open = false;
    mig_run_end_event(run, run->next, MIGRATE_OK, mig_clock_mono_ms() - run->step_began_ms);
    mig_run_done(run);
    return MIGRATE_OK;
}

static const struct mig_feed_ops journal_ops = { more, in };

/* The server refused the statement for certain: there is nothing to be in doubt about. */
static void forget_refused(struct journal *j)
{
    struct mig_run *run = run_of(j);
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

enum mig_end mig_apply_journal(struct mig_run *run, migrate_error **err)
{
    struct journal j = { .step = run->next, .last = run->plan->count, .seq = run->seq, .burst = 1 };
    j.answered_ms = mig_clock_mono_ms();
    j.feed.run = run;
    j.feed.ops = &journal_ops;
    j.feed.user = &j;
    j.mysql = run->ctx->db.dialect == MIGRATE_DIALECT_MYSQL;
    run->step_open = false;
    if (run->plan->steps[run->next].resume) {
        migrate_status status = mig_journal_settle(run, run->next, err);
        if (status)
            return status == MIGRATE_E_DOUBT ? MIG_END_FAILED : mig_end_of(run->ctx, err ? *err : NULL, 0);
    }
    j.feed.singly = !j.mysql;
    enum mig_end end = mig_feed_run(&j.feed, true, err);
    if (end != MIG_END_DONE) {
        if (!run->ctx->db.lost)
            run->ctx->db.tx = MIGRATE_TX_UNKNOWN;
        mig_rollback(run->ctx);
        if (end == MIG_END_FAILED || end == MIG_END_RETRY)
            forget_refused(&j);
        if (run->next < run->plan->count)
            run->plan->steps[run->next].resume = true;
    }
    mig_feed_free(&j.feed);
    mig_buf_free(&j.object);
    mig_buf_free(&j.fp);
    mig_buf_free(&j.sql);
    return end;
}
