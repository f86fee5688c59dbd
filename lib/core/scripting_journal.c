/* SPDX-License-Identifier: Apache-2.0 */

/* A journalled migration as a script: the intents, marks and transactions that a run would send. */

#include <inttypes.h>
#include <stdio.h>

#include "core/scan.h"
#include "core/scripting.h"
#include "core/values.h"

static const char *begin_text(const struct mig_scripting *s)
{
    if (s->in_lock)
        return "SET autocommit = 0"; /* START TRANSACTION would unlock */
    return s->books.dialect == MIGRATE_DIALECT_MYSQL ? "START TRANSACTION" : "BEGIN";
}

static void begin_run(struct mig_scripting *s, uint64_t number)
{
    static const char placeholder[MIG_SHA256_HEX + 1] = "0000000000000000000000000000000000000000000000000000000000000000";
    struct mig_mark mark = { number, placeholder, "", NULL };
    struct mig_buf sql = MIG_BUF_INIT;
    mig_buf_fmt(&s->out, "-- %s, from statement %" PRIu64 ": if the script stops in it, `migrate up` goes on from here\n", s->op.version,
                number);
    mig_scripting_text(s, begin_text(s));
    mig_books_intent(&s->books, &s->op, &mark, true, &sql);
    mig_scripting_book(s, &sql);
    mig_buf_free(&sql);
    s->in_run = true;
    s->run_idx = number;
    mig_unit_sha_begin(&s->run_sha);
}

static void end_run(struct mig_scripting *s)
{
    char sha[MIG_SHA256_HEX + 1], object[32];
    struct mig_buf sql = MIG_BUF_INIT;
    if (!s->in_run)
        return;
    s->in_run = false;
    snprintf(object, sizeof object, "+%" PRIu64, s->run_sha.count);
    mig_unit_sha_end(&s->run_sha, sha);
    struct mig_mark mark = { s->run_idx, sha, object, NULL };
    mig_books_done(&s->books, &s->op, &mark, &sql);
    mig_scripting_book(s, &sql);
    mig_buf_free(&sql);
    mig_scripting_text(s, "COMMIT");
    if (s->in_lock)
        mig_scripting_text(s, "SET autocommit = 1");
}

static migrate_status session_statement(struct mig_scripting *s, struct mig_script *script, const struct mig_cut *cut,
                                        migrate_error **err)
{
    struct mig_sql_dialect_info di;
    struct mig_buf sql = MIG_BUF_INIT;
    mig_ctx_dialect(s->run.ctx, &di);
    if (cut->facts->flags & MIG_SQL_UNLOCK_TABLES)
        s->in_lock = false;
    if (!mig_journal_lock_text(&s->books, &di, cut, &sql)) {
        s->out.oom |= sql.oom;
        mig_buf_free(&sql);
        return mig_scripting_user_statement(s, script, cut, err);
    }
    s->in_lock = true;
    mig_scripting_book(s, &sql);
    mig_buf_free(&sql);
    return MIGRATE_OK;
}

static migrate_status run_statement(struct mig_scripting *s, struct mig_script *script, const struct mig_cut *cut,
                                    migrate_error **err)
{
    if (!s->in_run)
        begin_run(s, cut->number);
    mig_unit_sha_add(&s->run_sha, cut->text, cut->len);
    return mig_scripting_user_statement(s, script, cut, err);
}

static migrate_status unit_statement(struct mig_scripting *s, struct mig_script *script, const struct mig_cut *cut,
                                     migrate_error **err)
{
    struct mig_buf object = MIG_BUF_INIT, fp = MIG_BUF_INIT, sql = MIG_BUF_INIT;
    char sha[MIG_SHA256_HEX + 1];
    uint32_t proves = 0;
    mig_unit_sha_of(cut->text, cut->len, sha);
    migrate_status status = mig_fingerprint_sql(s->run.ctx, cut->facts, &object, &fp, &proves, err);
    struct mig_mark mark = { cut->number, sha, mig_buf_text(&object), fp.len ? mig_buf_text(&fp) : NULL };
    mig_buf_fmt(&s->out, "-- %s, statement %" PRIu64 ": if the script stops in it, `migrate up` goes on from here; it asks for "
                         "`migrate resolve` where it cannot tell\n",
                s->op.version, cut->number);
    if (!status) {
        mig_books_intent(&s->books, &s->op, &mark, false, &sql);
        mig_scripting_book(s, &sql);
        status = mig_scripting_user_statement(s, script, cut, err);
    }
    if (!status) {
        mig_books_done(&s->books, &s->op, &mark, &sql);
        mig_scripting_book(s, &sql);
    }
    mig_buf_free(&object);
    mig_buf_free(&fp);
    mig_buf_free(&sql);
    return status;
}

static migrate_status one_statement(struct mig_scripting *s, struct mig_script *script, struct mig_units *u,
                                    const struct mig_cut *cut, migrate_error **err)
{
    struct mig_sql_dialect_info di;
    bool control = cut->facts->tx == MIG_SQL_TX_BEGIN || cut->facts->tx == MIG_SQL_TX_COMMIT;
    bool each = s->books.dialect != MIGRATE_DIALECT_MYSQL || (s->step->scan.flags & MIG_SCAN_EACH);
    migrate_status status = MIGRATE_OK;
    mig_ctx_dialect(s->run.ctx, &di);
    mig_units_before(u, &di, cut);
    if (u->in_run)
        status = run_statement(s, script, cut, err);
    else
        end_run(s);
    if (!u->in_run && !control)
        status = mig_only_session(cut->facts) ? session_statement(s, script, cut, err) : unit_statement(s, script, cut, err);
    mig_units_after(u, cut, each);
    if (!u->in_run)
        end_run(s);
    return status;
}

migrate_status mig_scripting_journalled(struct mig_scripting *s, struct mig_script *script, migrate_error **err)
{
    struct mig_buf sql = MIG_BUF_INIT;
    struct mig_units units = { 0 };
    struct mig_cut cut;
    migrate_status status;
    mig_books_open(&s->books, &s->op, &sql);
    mig_scripting_book(s, &sql);
    mig_buf_free(&sql);
    while ((status = mig_script_next(script, &cut, err)) == MIGRATE_OK) {
        status = one_statement(s, script, &units, &cut, err);
        if (status)
            return status;
    }
    end_run(s);
    s->in_lock = false; /* START TRANSACTION unlocks */
    mig_scripting_text(s, begin_text(s));
    mig_scripting_close_books(s, mig_books_end);
    mig_scripting_text(s, "COMMIT");
    return status == MIGRATE_DONE ? MIGRATE_OK : status;
}
