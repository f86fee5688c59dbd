/* SPDX-License-Identifier: Apache-2.0 */

/* Code migrations: the application's function runs SQL through an executor, inside our transaction where the engine has
 * one, else statement by statement under the journal. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/books.h"
#include "core/journal.h"
#include "sql/lexer.h"
#include "util/clock.h"

struct code_run {
    migrate_executor x;
    struct mig_run *run;
    const struct mig_step *step;
    struct mig_op op;
    struct mig_progress progress;
    bool     journalled;
    bool     opened;
    uint64_t number;
    int64_t  began_ms, began_unix_ms;
    char     digest[MIG_SHA256_HEX + 1];
    char     checksum[MIG_CHECKSUM_TEXT];
    migrate_error *fault; /* the driver's own failure: what the code made of it may say less */
    bool     failed;
};

static migrate_ctx *ctx_of(const struct code_run *c)
{
    return c->run->ctx;
}

static migrate_status exec_text(struct code_run *c, struct mig_buf *sql, migrate_error **err)
{
    migrate_status status = mig_exec_buf(ctx_of(c), sql, NULL, NULL, NULL, err);
    mig_buf_reset(sql);
    return status;
}

/* ---- one statement ------------------------------------------------------------ */

struct code_statement {
    const char *sql;
    size_t len;
    const migrate_text *params;
    uint32_t n_params;
    migrate_row_fn on_row;
    void *user;
};

static migrate_status send(struct code_run *c, const struct code_statement *s, const struct mig_sql_facts *f,
                           migrate_error **err)
{
    migrate_stmt stmt = { .struct_size = sizeof stmt,
                          .flags = f->flags & (MIG_SQL_ALONE | MIG_SQL_PACKET_END) ? MIGRATE_STMT_ALONE : 0,
                          .n_params = s->n_params,
                          .sql = s->sql,
                          .sql_len = s->len,
                          .params = s->params,
                          .on_row = s->on_row,
                          .on_row_user = s->user };
    migrate_result result;
    migrate_status status = mig_exec_stmt(ctx_of(c), &stmt, &result, err);
    if (f->flags & MIG_SQL_SESSION)
        ctx_of(c)->db.changed = true;
    if (status) {
        struct mig_place place = { .version = mig_identity(c->step->migration),
                                   .path = c->step->item.path,
                                   .statement = c->number,
                                   .sql = s->sql,
                                   .sql_len = s->len };
        mig_error_place(err, &place);
    }
    return status;
}

static void hash(const struct code_statement *s, char out[MIG_SHA256_HEX + 1])
{
    struct mig_unit_sha u;
    mig_unit_sha_begin(&u);
    mig_unit_sha_add(&u, s->sql, s->len);
    for (uint32_t i = 0; i < s->n_params; i++)
        mig_unit_sha_add(&u, s->params[i].data ? s->params[i].data : "", s->params[i].len);
    mig_unit_sha_end(&u, out);
}

static migrate_status other_text(struct code_run *c, migrate_error **err)
{
    mig_fail(err, MIGRATE_E_DOUBT, "statement %" PRIu64 " of code migration %s is not the one that was executed before",
             c->number, mig_identity(c->step->migration));
    mig_error_hint(err, "after an interruption the code must run the same statements in the same order; settle it with "
                        "`migrate resolve --all`");
    return MIGRATE_E_DOUBT;
}

static migrate_status open_journal(struct code_run *c, const struct mig_books *b, struct mig_buf *sql,
                                   migrate_error **err)
{
    if (c->opened)
        return MIGRATE_OK;
    c->opened = true;
    mig_books_open(b, &c->op, sql);
    return exec_text(c, sql, err);
}

/* Intent, statement, mark: in one transaction where the statement can be in one. */
static migrate_status send_unit(struct code_run *c, const struct code_statement *s, const struct mig_sql_facts *f,
                                const char *sha, migrate_error **err)
{
    struct mig_books b;
    struct mig_buf sql = MIG_BUF_INIT, object = MIG_BUF_INIT, fp = MIG_BUF_INIT;
    uint32_t proves;
    bool in_tx = f->settle == MIG_SQL_SETTLE_TX;
    mig_books_of(ctx_of(c), &b);
    migrate_status status = in_tx ? MIGRATE_OK : mig_fingerprint_sql(ctx_of(c), f, &object, &fp, &proves, err);
    struct mig_mark mark = { c->number, sha, in_tx ? "+1" : mig_buf_text(&object), fp.len ? mig_buf_text(&fp) : NULL };
    if (!status)
        status = open_journal(c, &b, &sql, err);
    if (!status && in_tx)
        status = mig_begin(ctx_of(c), err);
    if (!status) {
        mig_books_intent(&b, &c->op, &mark, in_tx, &sql);
        status = exec_text(c, &sql, err);
    }
    if (!status)
        status = send(c, s, f, err);
    if (!status) {
        mig_books_done(&b, &c->op, &mark, &sql);
        status = exec_text(c, &sql, err);
    }
    if (!status && in_tx)
        status = mig_commit(ctx_of(c), err);
    if (status && in_tx)
        mig_rollback(ctx_of(c));
    mig_buf_free(&sql);
    mig_buf_free(&object);
    mig_buf_free(&fp);
    return status;
}

/* An intent left open by an earlier run, now that its statement is at hand again. */
static migrate_status settle_open(struct code_run *c, const struct mig_sql_facts *f, const char *sha, bool *applied,
                                  migrate_error **err)
{
    const struct mig_journal_row *intent = mig_progress_intent(&c->progress);
    *applied = false;
    if (!intent || intent->idx != c->number)
        return MIGRATE_OK;
    if (strcmp(intent->sha, sha) != 0)
        return other_text(c, err);
    struct mig_settled s = { .number = c->number };
    memcpy(s.verb, f->verb, sizeof s.verb);
    migrate_status status = mig_settle_known(ctx_of(c), f, intent, &s, err);
    if (!status && s.verdict == MIG_VERDICT_DOUBT)
        status = mig_fail_doubt(c->step->migration, c->step->item.path, &s, err);
    else if (!status)
        status = mig_settle_carry_out(c->run, c->step, intent, &s, err);
    *applied = !status && s.verdict == MIG_VERDICT_APPLIED;
    mig_settled_free(&s);
    return status;
}

static migrate_status run_statement(struct code_run *c, const struct code_statement *s, const struct mig_sql_facts *f,
                                    migrate_error **err)
{
    if (f->tx == MIG_SQL_TX_BEGIN || f->tx == MIG_SQL_TX_COMMIT || f->tx == MIG_SQL_TX_ROLLBACK ||
        f->tx == MIG_SQL_TX_PREPARE)
        return mig_fail(err, MIGRATE_E_TRANSACTION, "%s in a code migration: transactions are libmigrate's", f->verb);
    migrate_status status = mig_call_check(ctx_of(c), err);
    if (status)
        return status;
    bool reads = (f->flags & MIG_SQL_READ_ONLY) || ((f->flags & MIG_SQL_SESSION) && f->settle == MIG_SQL_SETTLE_REPEATABLE);
    if (!reads)
        c->number++; /* what only reads is run again after a crash */
    if (!c->journalled || reads)
        return send(c, s, f, err);
    char sha[MIG_SHA256_HEX + 1];
    struct mig_unit unit;
    hash(s, sha);
    if (mig_progress_done(&c->progress, c->number, &unit))
        return strcmp(unit.sha, sha) == 0 ? MIGRATE_OK : other_text(c, err);
    bool applied = false;
    status = settle_open(c, f, sha, &applied, err);
    return status || applied ? status : send_unit(c, s, f, sha, err);
}

/* ---- the executor ------------------------------------------------------------- */

static migrate_status keep_fault(struct code_run *c, migrate_status status, migrate_error **err)
{
    if (!status || c->failed)
        return status;
    c->failed = true;
    c->fault = err && *err ? mig_error_copy(*err) : NULL;
    return status;
}

/* Rows are those of the last statement that reads, or of the last one. */
static migrate_status run_cut(struct code_run *c, const struct code_statement *all, migrate_error **err)
{
    struct mig_sql_dialect_info di;
    mig_ctx_dialect(ctx_of(c), &di);
    struct mig_sql_facts *facts = malloc(sizeof *facts);
    if (!facts)
        return mig_fail_nomem(err);
    uint64_t rows_of = 0;
    migrate_status status = MIGRATE_OK;
    for (int pass = 0; pass < 2 && !status; pass++) {
        struct mig_memory_text memory = { all->sql, all->len, 0 };
        struct mig_sql_config config = { .dialect = di.dialect, .lex = di.lex, .version = di.version,
                                         .mariadb = di.mariadb, .read = mig_memory_text_read, .read_user = &memory };
        struct mig_sql_lexer *lx = mig_sql_open(&config);
        struct mig_diag diag = MIG_DIAG_INIT;
        struct mig_sql_statement cut;
        status = lx ? MIGRATE_OK : mig_fail_nomem(err);
        for (uint64_t n = 1; !status; n++) {
            status = mig_sql_next(lx, &cut, &diag);
            if (status)
                break;
            mig_sql_classify(&di, cut.text, cut.len, facts);
            if (pass == 0) {
                if ((facts->flags & MIG_SQL_READ_ONLY) || !rows_of)
                    rows_of = n;
                continue;
            }
            struct code_statement s = { .sql = cut.text, .len = cut.len };
            if (n == rows_of) {
                s.on_row = all->on_row;
                s.user = all->user;
            }
            status = run_statement(c, &s, facts, err);
        }
        if (status && status != MIGRATE_DONE && diag.status)
            mig_fail_diag(err, &diag);
        mig_sql_close(lx);
        mig_diag_free(&diag);
        status = status == MIGRATE_DONE ? MIGRATE_OK : status;
    }
    free(facts);
    return status;
}

static migrate_status executor_exec(migrate_executor *x, const char *sql, size_t len, const migrate_text *params,
                                    uint32_t n_params, migrate_row_fn on_row, void *user, migrate_error **err)
{
    struct code_run *c = x->self;
    if (!sql)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "exec: the SQL text is NULL");
    struct code_statement s = { sql, len, params, n_params, on_row, user };
    migrate_error *own = NULL;
    migrate_status status;
    if (n_params) {
        struct mig_sql_dialect_info di;
        struct mig_sql_facts *facts = malloc(sizeof *facts);
        mig_ctx_dialect(ctx_of(c), &di);
        if (facts)
            mig_sql_classify(&di, sql, len, facts);
        status = facts ? run_statement(c, &s, facts, &own) : mig_fail_nomem(&own);
        free(facts);
    } else {
        status = run_cut(c, &s, &own);
    }
    status = keep_fault(c, status, &own);
    if (status && own)
        mig_error_mask(own, &ctx_of(c)->secrets);
    if (status && err)
        *err = own;
    else
        migrate_error_free(own);
    return status;
}

static migrate_status executor_tick(migrate_executor *x)
{
    const struct code_run *c = x->self;
    return ctx_of(c)->host.tick(&ctx_of(c)->host);
}

/* ---- the migration ------------------------------------------------------------ */

static uint32_t code_flags(const struct mig_step *step)
{
    return MIGRATE_ENTRY_CODE | (step->migration->flags & MIG_MIGRATION_REVERSIBLE ? MIGRATE_ENTRY_REVERSIBLE : 0u);
}

static migrate_status call_code(struct code_run *c, migrate_error **err)
{
    const migrate_source_ops *ops;
    void *self;
    migrate_status status = mig_ctx_source(ctx_of(c), &ops, &self, err);
    if (status)
        return status;
    if (!MIGRATE_HAS(migrate_source_ops, ops, run) || !ops->run)
        return mig_fail(err, MIGRATE_E_CONTRACT, "the source yields code and has no function to run it");
    const struct mig_part *part = &c->step->migration->up;
    migrate_entry entry = { .struct_size = sizeof entry,
                            .flags = code_flags(c->step),
                            .path = { part->path, part->path ? strlen(part->path) : 0 },
                            .size = UINT64_MAX,
                            .cookie = part->cookie,
                            .checksum = c->step->migration->code_checksum };
    migrate_error *own = NULL;
    status = ops->run(self, &ctx_of(c)->host, &entry, c->step->item.direction, &c->x, &own);
    if (!status && c->failed) /* the code swallowed a failure of the database: the transaction is not to be trusted */
        status = c->fault ? migrate_error_status(c->fault) : MIGRATE_E_SQL;
    if (!status) {
        migrate_error_free(own);
        return MIGRATE_OK;
    }
    if (!own && c->fault)
        own = mig_error_copy(c->fault);
    if (!own)
        mig_fail(&own, status, "code migration %s failed", mig_identity(c->step->migration));
    mig_error_version(&own, mig_identity(c->step->migration));
    mig_error_path(&own, c->step->item.path);
    if (err)
        *err = own;
    else
        migrate_error_free(own);
    return status;
}

static bool init(struct code_run *c, struct mig_run *run, size_t index, uint64_t seq, uint64_t token)
{
    *c = (struct code_run){ .run = run, .step = &run->plan->steps[index] };
    c->x = (migrate_executor){ .struct_size = sizeof c->x, .self = c, .exec = executor_exec, .tick = executor_tick };
    c->op.token = token;
    c->began_ms = mig_clock_mono_ms();
    c->began_unix_ms = mig_clock_unix_ms();
    return mig_run_op(run, c->step, seq, &c->op, c->digest, c->checksum);
}

static migrate_status fence(struct code_run *c, migrate_error **err)
{
    struct mig_books b;
    struct mig_buf sql = MIG_BUF_INIT;
    migrate_result result;
    mig_books_of(ctx_of(c), &b);
    mig_books_fence(&b, &c->op, &sql);
    migrate_status status = mig_exec_buf(ctx_of(c), &sql, NULL, NULL, &result, err);
    mig_buf_free(&sql);
    if (!status && b.dialect != MIGRATE_DIALECT_POSTGRES && result.affected == 0)
        status = mig_fail(err, MIGRATE_E_FENCED, "fenced off: another run has moved the head row");
    return status;
}

static migrate_status write_books(struct code_run *c, bool (*what)(const struct mig_books *, const struct mig_op *, size_t,
                                                                   struct mig_buf *), migrate_error **err)
{
    struct mig_books b;
    struct mig_buf sql = MIG_BUF_INIT;
    mig_books_of(ctx_of(c), &b);
    c->op.started_unix_ms = c->began_unix_ms;
    c->op.elapsed_ms = mig_clock_mono_ms() - c->began_ms;
    c->op.statements = c->op.done = c->number;
    c->run->plan->steps[c->step - c->run->plan->steps].item.statements = c->number;
    migrate_status status = MIGRATE_OK;
    for (size_t i = 0; !status && what(&b, &c->op, i, &sql); i++)
        status = exec_text(c, &sql, err);
    mig_buf_free(&sql);
    return status;
}

/* The failure of a fence ends as such; mig_end_of() cannot know. */
static enum mig_end end_at(const struct code_run *c, migrate_status status, bool fenced, migrate_error **err)
{
    if (!status)
        return MIG_END_DONE;
    migrate_error *e = err ? *err : NULL;
    enum mig_end end = c->fault && mig_error_fault(c->fault) ? mig_end_of(ctx_of(c), c->fault, 0)
                                                             : mig_end_of(ctx_of(c), e, 0);
    return end == MIG_END_FAILED && fenced ? MIG_END_FENCED : end;
}

enum mig_end mig_code_inside(struct mig_run *run, size_t index, uint64_t seq, uint64_t token, migrate_error **err)
{
    struct code_run c;
    migrate_status status = init(&c, run, index, seq, token) ? MIGRATE_OK : mig_fail_nomem(err);
    bool fenced = true;
    if (!status)
        status = fence(&c, err);
    if (!status) {
        mig_run_begin_event(run, index);
        fenced = false;
        status = call_code(&c, err);
    }
    if (!status) {
        fenced = true;
        status = write_books(&c, mig_books_close, err);
    }
    enum mig_end end = end_at(&c, status, fenced, err);
    migrate_error_free(c.fault);
    return end;
}

static enum mig_end in_transaction(struct mig_run *run, migrate_error **err)
{
    size_t index = run->next;
    migrate_status status = mig_begin(run->ctx, err);
    enum mig_end end = status ? mig_end_of(run->ctx, err ? *err : NULL, 0)
                              : mig_code_inside(run, index, run->seq + 1, mig_run_token(run), err);
    if (end == MIG_END_DONE) {
        status = mig_commit(run->ctx, err);
        if (status)
            end = mig_end_of(run->ctx, err ? *err : NULL, 0);
    }
    if (end == MIG_END_DONE)
        return end;
    if (!run->ctx->db.lost)
        run->ctx->db.tx = MIGRATE_TX_UNKNOWN;
    mig_rollback(run->ctx);
    return end;
}

static enum mig_end journalled(struct mig_run *run, migrate_error **err)
{
    struct code_run c;
    size_t index = run->next;
    migrate_status status;
    if (!init(&c, run, index, run->seq + 1, 0)) {
        mig_fail_nomem(err);
        return MIG_END_FAILED;
    }
    c.journalled = true;
    mig_progress_of(&run->view.history, c.step->migration, c.step->item.direction, &c.progress);
    c.opened = c.progress.n != 0;
    mig_run_begin_event(run, index);
    status = call_code(&c, err);
    bool ends = !status;
    if (!status)
        status = mig_begin(run->ctx, err);
    if (!status)
        status = write_books(&c, mig_books_end, err);
    if (!status)
        status = mig_commit(run->ctx, err);
    if (status) {
        mig_rollback(run->ctx);
        run->plan->steps[index].resume = true;
    }
    enum mig_end end = end_at(&c, status, ends, err);
    migrate_error_free(c.fault);
    return end;
}

enum mig_end mig_apply_code(struct mig_run *run, migrate_error **err)
{
    size_t index = run->next;
    bool tx = run->plan->steps[index].scan.transactional;
    enum mig_end end = tx ? in_transaction(run, err) : journalled(run, err);
    if (end == MIG_END_DONE) {
        mig_run_end_event(run, index, MIGRATE_OK, mig_clock_mono_ms() - run->step_began_ms);
        mig_run_done(run);
    }
    return end;
}
