/* SPDX-License-Identifier: Apache-2.0 */

/* The units of journalled migrations: an intent before, a mark after. */

#include "core/journal_feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/scan.h"
#include "sql/lock_tables.h"
#include "sql/online.h"

enum {
    COPY_LIMIT = 64 * 1024,
};

migrate_status mig_journal_push(struct mig_journal *j, enum mig_sent_kind kind, uint32_t flags)
{
    return mig_feed_push_sql(&j->feed, &j->sql, kind, j->step, flags, false);
}

migrate_status mig_journal_push_text(struct mig_journal *j, const char *text, enum mig_sent_kind kind, uint32_t flags)
{
    mig_buf_reset(&j->sql);
    mig_buf_str(&j->sql, text);
    return mig_journal_push(j, kind, flags);
}

static void books(const struct mig_journal *j, struct mig_books *b)
{
    mig_books_of(mig_journal_run(j)->ctx, b);
}

const char *mig_journal_begin_text(const struct mig_journal *j)
{
    uint32_t dialect = mig_journal_run(j)->ctx->db.dialect;
    return dialect == MIGRATE_DIALECT_MYSQL ? "START TRANSACTION" : dialect == MIGRATE_DIALECT_SQLITE ? "BEGIN IMMEDIATE" : "BEGIN";
}

const char *mig_journal_commit_text(const struct mig_journal *j)
{
    return j->mysql ? "COMMIT AND NO CHAIN NO RELEASE" : "COMMIT";
}

/* ---- marks ------------------------------------------------------------------ */

/* The first intent of an operation is preceded by an empty digest, so that a start sees that something is open. */
migrate_status mig_journal_open(struct mig_journal *j)
{
    struct mig_books b;
    if (j->opened)
        return MIGRATE_OK;
    j->opened = true;
    books(j, &b);
    mig_buf_reset(&j->sql);
    mig_books_open(&b, &j->op, &j->sql);
    return mig_journal_push(j, MIG_SENT_BOOK, 0);
}

static migrate_status push_intent(struct mig_journal *j, const struct mig_mark *mark, bool in_tx)
{
    struct mig_books b;
    books(j, &b);
    mig_buf_reset(&j->sql);
    mig_books_intent(&b, &j->op, mark, in_tx, &j->sql);
    return mig_journal_push(j, MIG_SENT_INTENT, 0);
}

static migrate_status push_mark(struct mig_journal *j, const struct mig_mark *mark)
{
    struct mig_books b;
    books(j, &b);
    mig_buf_reset(&j->sql);
    mig_books_done(&b, &j->op, mark, &j->sql);
    return mig_journal_push(j, MIG_SENT_MARK, 0);
}

/* ---- the user's statements -------------------------------------------------- */

bool mig_journal_lock_text(const struct mig_books *b, const struct mig_sql_dialect_info *di, const struct mig_cut *cut,
                           struct mig_buf *out)
{
    bool locks = (cut->facts->flags & (MIG_SQL_LOCK_TABLES | MIG_SQL_FREEZES)) == MIG_SQL_LOCK_TABLES;
    size_t at = locks ? mig_sql_lock_tables_at(di, cut->text, cut->len) : 0;
    if (!at)
        return false;
    mig_buf_add(out, cut->text, at);
    mig_buf_fmt(out, "%s WRITE, %s WRITE, %s WRITE, ", b->names->head, b->names->journal, b->names->history);
    mig_buf_add(out, cut->text + at, cut->len - at);
    return !out->oom;
}

static bool alone(const struct mig_journal *j, const struct mig_sql_facts *f)
{
    return (f->flags & (j->mysql ? MIG_SQL_PACKET_END : MIG_SQL_ALONE)) != 0;
}

/* The statement as it is sent, in `sql`, where that is not as it is written. Option algorithm=require-online: the server
 * itself refuses an ALTER that would copy the table. */
static bool rewritten(struct mig_journal *j, const struct mig_cut *cut)
{
    migrate_ctx *ctx = mig_journal_run(j)->ctx;
    struct mig_sql_dialect_info di;
    struct mig_books b;
    if (!j->mysql)
        return false;
    books(j, &b);
    mig_ctx_dialect(ctx, &di);
    mig_buf_reset(&j->sql);
    if (cut->facts->flags & MIG_SQL_LOCK_TABLES)
        return mig_journal_lock_text(&b, &di, cut, &j->sql);
    return ctx->set.require_online && (cut->facts->flags & MIG_SQL_ALTER_TABLE) &&
           mig_sql_online_require(&di, cut->text, cut->len, &j->sql);
}

migrate_status mig_journal_statement(struct mig_journal *j, const struct mig_cut *cut)
{
    const struct mig_sql_facts *f = cut->facts;
    struct mig_sent sent = { .kind = MIG_SENT_USER,
                             .step = j->step,
                             .number = cut->number,
                             .line = cut->line,
                             .column = cut->column,
                             .text = cut->text,
                             .len = cut->sent_len,
                             .stmt_flags = alone(j, f) || cut->whole ? MIGRATE_STMT_ALONE : 0,
                             .session = (f->flags & MIG_SQL_SESSION) != 0,
                             .sets_lex = (f->flags & MIG_SQL_SETS_LEX) != 0,
                             .copy = cut->copy_data,
                             .unit = j->in_run ? j->run_idx : cut->number,
                             .remains = !j->mysql && (f->flags & MIG_SQL_CONCURRENTLY),
                             .partial = (f->flags & MIG_SQL_MAY_COMMIT) && !j->in_run };
    char *own = NULL;
    if (rewritten(j, cut)) {
        sent.len = j->sql.len;
        own = mig_buf_steal(&j->sql);
        if (!own)
            return MIGRATE_E_NOMEM;
    } else if (cut->sent_len <= COPY_LIMIT || cut->copy_data) {
        own = mig_strndup(cut->text, cut->sent_len);
        if (!own)
            return MIGRATE_E_NOMEM;
    }
    if (!own || sent.sets_lex || sent.copy)
        sent.stmt_flags |= MIGRATE_STMT_BARRIER;
    return mig_feed_push(&j->feed, &sent, own);
}

/* ---- runs of statements that share a transaction with their mark --------------
 *
 * START TRANSACTION would give up the locks of LOCK TABLES: under them a transaction is what comes while autocommit is
 * off. */

static migrate_status begin_run(struct mig_journal *j, uint64_t idx)
{
    static const char placeholder[MIG_SHA256_HEX + 1] = "0000000000000000000000000000000000000000000000000000000000000000";
    struct mig_mark mark = { idx, placeholder, "", NULL };
    migrate_status status = mig_journal_open(j);
    if (!status)
        status = mig_journal_push_text(j, j->in_lock ? "SET autocommit = 0" : mig_journal_begin_text(j), MIG_SENT_BEGIN, 0);
    if (!status)
        status = push_intent(j, &mark, true);
    j->in_run = true;
    j->run_idx = idx;
    mig_unit_sha_begin(&j->run_sha);
    return status;
}

migrate_status mig_journal_end_run(struct mig_journal *j)
{
    char sha[MIG_SHA256_HEX + 1], object[32];
    if (!j->in_run)
        return MIGRATE_OK;
    j->in_run = j->explicit_run = false;
    uint64_t count = j->run_sha.count;
    mig_unit_sha_end(&j->run_sha, sha);
    snprintf(object, sizeof object, "+%" PRIu64, count ? count : 1);
    struct mig_mark mark = { j->run_idx, sha, object, NULL };
    migrate_status status = push_mark(j, &mark);
    if (!status)
        status = mig_journal_push_text(j, mig_journal_commit_text(j), MIG_SENT_COMMIT, MIGRATE_STMT_TX_END);
    return status || !j->in_lock ? status : mig_journal_push_text(j, "SET autocommit = 1", MIG_SENT_BOOK, 0);
}

migrate_status mig_journal_dml(struct mig_journal *j, const struct mig_cut *cut)
{
    migrate_status status = MIGRATE_OK;
    if (!j->in_run)
        status = begin_run(j, cut->number);
    if (status)
        return status;
    mig_unit_sha_add(&j->run_sha, cut->text, cut->len);
    status = mig_journal_statement(j, cut);
    bool full = !j->mysql || (mig_journal_step(j)->scan.flags & MIG_SCAN_EACH) || j->run_sha.count >= MIG_RUN_MAX;
    if (!status && full && !j->explicit_run)
        status = mig_journal_end_run(j);
    return status;
}

/* ---- units of one statement --------------------------------------------------- */

static migrate_status set_lock_timeout(struct mig_journal *j, int64_t ms)
{
    mig_buf_reset(&j->sql);
    mig_buf_fmt(&j->sql, "SET lock_timeout = '%" PRId64 "ms'", ms);
    return mig_journal_push(j, MIG_SENT_BOOK, 0);
}

/* CREATE INDEX CONCURRENTLY and its like wait for old snapshots: a short lock time-out would only leave an INVALID
 * index behind. */
static migrate_status push_patient(struct mig_journal *j, const struct mig_cut *cut)
{
    migrate_ctx *ctx = mig_journal_run(j)->ctx;
    bool patient = (cut->facts->flags & MIG_SQL_NO_LOCK_TIMEOUT) != 0 && ctx->db.dialect == MIGRATE_DIALECT_POSTGRES;
    migrate_status status = patient ? set_lock_timeout(j, 0) : MIGRATE_OK;
    if (!status)
        status = mig_journal_statement(j, cut);
    if (!status && patient)
        status = set_lock_timeout(j, ctx->call.lock_timeout_ms >= 0 ? ctx->call.lock_timeout_ms : ctx->set.lock_timeout_ms);
    return status;
}

migrate_status mig_journal_unit(struct mig_journal *j, const struct mig_cut *cut, migrate_error **err)
{
    char sha[MIG_SHA256_HEX + 1];
    uint32_t proves = 0;
    mig_unit_sha_of(cut->text, cut->len, sha);
    migrate_status status = mig_fingerprint_sql(mig_journal_run(j)->ctx, cut->facts, &j->object, &j->fp, &proves, err);
    struct mig_mark mark = { cut->number, sha, mig_buf_text(&j->object), j->fp.len ? mig_buf_text(&j->fp) : NULL };
    if (!status)
        status = mig_journal_open(j);
    if (!status)
        status = push_intent(j, &mark, false);
    if (!status)
        status = push_patient(j, cut);
    return status ? status : push_mark(j, &mark);
}

/* ---- locks -------------------------------------------------------------------- */

migrate_status mig_journal_lock(struct mig_journal *j, const struct mig_cut *cut)
{
    migrate_status status = mig_journal_statement(j, cut);
    j->in_lock = j->locked = true;
    return status;
}

migrate_status mig_journal_hold_lock(struct mig_journal *j, const struct mig_cut *cut)
{
    struct mig_sql_dialect_info di;
    struct mig_books b;
    books(j, &b);
    mig_ctx_dialect(mig_journal_run(j)->ctx, &di);
    mig_buf_reset(&j->held);
    j->held_number = cut->number;
    j->held_line = cut->line;
    j->held_column = cut->column;
    return mig_journal_lock_text(&b, &di, cut, &j->held) ? MIGRATE_OK : MIGRATE_E_NOMEM;
}

migrate_status mig_journal_lock_held(struct mig_journal *j)
{
    struct mig_sent sent = { .kind = MIG_SENT_USER,
                             .step = j->step,
                             .number = j->held_number,
                             .line = j->held_line,
                             .column = j->held_column,
                             .len = j->held.len,
                             .stmt_flags = MIGRATE_STMT_ALONE,
                             .session = true,
                             .unit = j->held_number };
    char *own = mig_buf_steal(&j->held);
    sent.text = own;
    j->in_lock = j->locked = true;
    return own ? mig_feed_push(&j->feed, &sent, own) : MIGRATE_E_NOMEM;
}

/* Under FLUSH TABLES WITH READ LOCK nothing of ours can be written, nor anything else: the range is one unit, begun by
 * the intent of FLUSH and ended by the mark after UNLOCK. */
migrate_status mig_journal_frozen(struct mig_journal *j, const struct mig_cut *cut)
{
    if (!j->frozen) {
        char sha[MIG_SHA256_HEX + 1];
        mig_unit_sha_of(cut->text, cut->len, sha);
        struct mig_mark mark = { cut->number, sha, "", NULL };
        migrate_status status = mig_journal_open(j);
        if (!status)
            status = push_intent(j, &mark, false);
        if (status)
            return status;
        j->frozen = true;
        j->run_idx = cut->number;
        mig_unit_sha_begin(&j->run_sha);
    }
    mig_unit_sha_add(&j->run_sha, cut->text, cut->len);
    migrate_status status = mig_journal_statement(j, cut);
    if (status || !(cut->facts->flags & MIG_SQL_UNLOCK_TABLES))
        return status;
    j->frozen = false;
    j->in_run = true; /* mig_journal_end_run() writes the mark; there is no transaction to commit, which is harmless */
    return mig_journal_end_run(j);
}

void mig_journal_free(struct mig_journal *j)
{
    mig_feed_free(&j->feed);
    mig_values_free(&j->values);
    mig_replay_free(&j->replay);
    mig_buf_free(&j->object);
    mig_buf_free(&j->fp);
    mig_buf_free(&j->sql);
    mig_buf_free(&j->held);
}
