/* SPDX-License-Identifier: Apache-2.0 */

/* migrate_plan_script(): the run as one script for psql, mysql or sqlite3, fence and history included. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/applied.h"
#include "core/scan.h"
#include "core/scripting.h"
#include "util/text.h"

static migrate_ctx *ctx_of(const struct mig_scripting *s)
{
    return s->run.ctx;
}

static bool is(const struct mig_scripting *s, uint32_t dialect)
{
    return s->books.dialect == dialect;
}

/* Hands on what has been written. */
static migrate_status flush(struct mig_scripting *s, migrate_error **err)
{
    if (s->out.oom)
        return mig_fail_nomem(err);
    migrate_status status = s->out.len ? s->fn(s->user, mig_buf_text(&s->out), s->out.len) : MIGRATE_OK;
    mig_buf_reset(&s->out);
    return status ? mig_fail(err, status, "the receiver of the script failed") : MIGRATE_OK;
}

/* ---- statements ------------------------------------------------------------------ */

/* A text that ends in a line comment would swallow its terminator. */
static bool may_end_in_comment(const char *text, size_t len)
{
    const char *line = memrchr(text, '\n', len);
    line = line ? line + 1 : text;
    size_t n = len - (size_t)(line - text);
    return memmem(line, n, "--", 2) || memchr(line, '#', n);
}

/* The mysql client cuts at every ';' it sees, so a text that holds one is sent under another delimiter. */
static void statement(struct mig_scripting *s, const char *text, size_t len)
{
    if (!is(s, MIGRATE_DIALECT_MYSQL) || !memchr(text, ';', len)) {
        mig_buf_add(&s->out, text, len);
        mig_buf_str(&s->out, may_end_in_comment(text, len) ? "\n;\n" : ";\n");
        return;
    }
    char delimiter[32] = "//";
    for (unsigned n = 0; memmem(text, len, delimiter, strlen(delimiter)); n++)
        snprintf(delimiter, sizeof delimiter, "//%u//", n);
    mig_buf_fmt(&s->out, "DELIMITER %s\n", delimiter);
    mig_buf_add(&s->out, text, len);
    mig_buf_fmt(&s->out, "\n%s\nDELIMITER ;\n", delimiter);
}

void mig_scripting_book(struct mig_scripting *s, struct mig_buf *sql)
{
    statement(s, mig_buf_text(sql), sql->len);
    s->out.oom |= sql->oom;
    mig_buf_reset(sql);
}

void mig_scripting_text(struct mig_scripting *s, const char *sql)
{
    statement(s, sql, strlen(sql));
}

/* ---- the session ------------------------------------------------------------------- */

/* What a migration may set on MySQL, remembered at the beginning and put back after each that sets anything. */
static const char *const my_settings[] = { "sql_mode", "foreign_key_checks", "unique_checks", "sql_notes", "autocommit",
                                           "time_zone", "character_set_client", "character_set_results",
                                           "collation_connection", "default_storage_engine" };

static void my_settings_sql(struct mig_scripting *s, bool keep)
{
    struct mig_buf sql = MIG_BUF_INIT;
    for (size_t i = 0; i < sizeof my_settings / sizeof *my_settings; i++) {
        const char *name = my_settings[i];
        if (keep)
            mig_buf_fmt(&sql, "%s@migrate_%s = @@%s", i ? ", " : "SET ", name, name);
        else
            mig_buf_fmt(&sql, "%s%s = @migrate_%s", i ? ", " : "SET ", name, name);
    }
    mig_scripting_book(s, &sql);
    const char *database = ctx_of(s)->db.conn ? ctx_of(s)->db.facts.database : NULL;
    if (!keep && database) {
        mig_buf_str(&sql, "USE ");
        mig_ident(&sql, MIGRATE_DIALECT_MYSQL, database);
        mig_scripting_book(s, &sql);
    }
    mig_buf_free(&sql);
}

/* Where the schema of our tables is not known they are found by search_path, as it was at the beginning. */
static void keep_path(struct mig_scripting *s)
{
    if (!s->books.names->schema)
        mig_scripting_text(s, "SELECT pg_catalog.set_config('migrate.path', pg_catalog.current_setting('search_path'), false)");
}

/* Our tables are written by the role that made them, whatever role a migration took on. */
static void own_role(struct mig_scripting *s)
{
    const char *role = ctx_of(s)->set.role;
    struct mig_buf sql = MIG_BUF_INIT;
    if (role) {
        mig_buf_str(&sql, "SET ROLE ");
        mig_ident(&sql, s->books.dialect, role);
    } else {
        mig_buf_str(&sql, "RESET ROLE");
    }
    mig_scripting_text(s, "RESET SESSION AUTHORIZATION");
    mig_scripting_book(s, &sql);
    if (!s->books.names->schema)
        mig_scripting_text(s, "SELECT pg_catalog.set_config('search_path', pg_catalog.current_setting('migrate.path', true), false) "
                "WHERE pg_catalog.current_setting('migrate.path', true) <> ''");
    mig_buf_free(&sql);
}

static bool changes_session(const struct mig_scripting *s, size_t index)
{
    return (s->run.plan->steps[index].scan.flags & MIG_SCAN_SESSION) != 0;
}

/* Before the first migration. */
static void remember_session(struct mig_scripting *s)
{
    bool any = false;
    for (size_t i = 0; i < s->run.plan->count; i++)
        any |= changes_session(s, i);
    if (is(s, MIGRATE_DIALECT_POSTGRES) && ctx_of(s)->set.role)
        own_role(s);
    if (is(s, MIGRATE_DIALECT_POSTGRES) && any)
        keep_path(s);
    if (is(s, MIGRATE_DIALECT_MYSQL) && any)
        my_settings_sql(s, true);
}

/* After a migration that changed it. */
static void restore_session(struct mig_scripting *s)
{
    if (is(s, MIGRATE_DIALECT_MYSQL))
        my_settings_sql(s, false);
    if (!is(s, MIGRATE_DIALECT_POSTGRES))
        return;
    mig_scripting_text(s, "RESET SESSION AUTHORIZATION");
    mig_scripting_text(s, "RESET ALL");
    mig_scripting_text(s, "DISCARD TEMP");
    if (ctx_of(s)->set.role)
        own_role(s);
    keep_path(s);
}

/* ---- the beginning ---------------------------------------------------------------- */

/* A statement that fails when @p condition (an EXISTS) does not hold. */
static void demand(struct mig_scripting *s, const char *condition)
{
    struct mig_buf sql = MIG_BUF_INIT;
    if (is(s, MIGRATE_DIALECT_POSTGRES))
        mig_buf_fmt(&sql, "SELECT (CASE WHEN %s THEN '1' ELSE 'migrate: the database is not as the plan found it' "
                          "END)::pg_catalog.int4", condition);
    else if (is(s, MIGRATE_DIALECT_MYSQL))
        mig_buf_fmt(&sql, "SELECT CASE WHEN %s THEN 1 ELSE (SELECT 1 UNION ALL SELECT 2) END", condition);
    else
        mig_buf_fmt(&sql, "INSERT INTO %s (id) SELECT NULL WHERE NOT %s", s->books.names->head, condition);
    mig_scripting_book(s, &sql);
    mig_buf_free(&sql);
}

static void check_head(struct mig_scripting *s)
{
    const struct mig_head *h = &s->run.view.head;
    struct mig_buf condition = MIG_BUF_INIT;
    mig_buf_fmt(&condition,
                "EXISTS (SELECT 1 FROM %s WHERE id = 1 AND format <= %d AND epoch = %" PRIu64 " AND seq = %" PRIu64
                " AND digest = '%s')",
                s->books.names->head, MIG_FORMAT, h->present ? h->epoch : 0, h->present ? h->seq : 0,
                h->present ? h->digest : "");
    demand(s, mig_buf_text(&condition));
    s->out.oom |= condition.oom;
    mig_buf_free(&condition);
}

static void beginning(struct mig_scripting *s)
{
    struct mig_buf sql = MIG_BUF_INIT;
    mig_buf_str(&s->out, is(s, MIGRATE_DIALECT_POSTGRES) ? "\\set ON_ERROR_STOP on\n"
                         : is(s, MIGRATE_DIALECT_SQLITE) ? ".bail on\n"
                                                         : "-- mysql stops at the first error: do not run this with --force\n");
    mig_buf_fmt(&s->out, "-- libmigrate: %zu migration%s. Nobody else must migrate while this runs.\n",
                s->run.plan->count, s->run.plan->count == 1 ? "" : "s");
    for (size_t i = 0; !s->run.view.head.present && mig_books_create(&s->books, i, &sql); i++)
        mig_scripting_book(s, &sql);
    remember_session(s);
    mig_buf_str(&s->out, "-- Is the database as the plan found it?\n");
    check_head(s);
    mig_buf_fmt(&sql, "UPDATE %s SET epoch = epoch + 1 WHERE id = 1", s->books.names->head);
    mig_scripting_book(s, &sql);
    mig_buf_free(&sql);
    s->run.epoch = (s->run.view.head.present ? s->run.view.head.epoch : 0) + 1;
}

/* ---- a migration in a transaction --------------------------------------------------- */

void mig_scripting_close_books(struct mig_scripting *s, bool (*what)(const struct mig_books *, const struct mig_op *, size_t,
                                                          struct mig_buf *))
{
    struct mig_buf sql = MIG_BUF_INIT;
    for (size_t i = 0; what(&s->books, &s->op, i, &sql); i++)
        mig_scripting_book(s, &sql);
    mig_buf_free(&sql);
}

static migrate_status copy_data(struct mig_scripting *s, struct mig_script *script, migrate_error **err)
{
    for (;;) {
        const char *chunk = NULL;
        size_t len = 0;
        migrate_status status = mig_script_copy(script, &chunk, &len);
        if (status)
            return mig_fail(err, status, "the data of a COPY cannot be read");
        if (!len)
            break;
        mig_buf_add(&s->out, chunk, len);
        status = flush(s, err);
        if (status)
            return status;
    }
    mig_buf_str(&s->out, "\\.\n");
    return MIGRATE_OK;
}

migrate_status mig_scripting_user_statement(struct mig_scripting *s, struct mig_script *script, const struct mig_cut *cut,
                                     migrate_error **err)
{
    if (!cut->copy_data) {
        statement(s, cut->text, cut->sent_len);
        return flush(s, err);
    }
    mig_buf_add(&s->out, cut->text, cut->len);
    mig_buf_str(&s->out, ";\n");
    return copy_data(s, script, err);
}

static bool left_out(const struct mig_scripting *s, const struct mig_cut *cut)
{
    const struct mig_sql_facts *f = cut->facts;
    bool control = f->tx == MIG_SQL_TX_BEGIN || f->tx == MIG_SQL_TX_COMMIT;
    return (control && (s->step->scan.flags & MIG_SCAN_WRAPPED)) ||
           (is(s, MIGRATE_DIALECT_SQLITE) && (f->flags & (MIG_SQL_FOREIGN_KEYS | MIG_SQL_PRAGMA_OUTSIDE)));
}

static migrate_status transactional(struct mig_scripting *s, struct mig_script *script, migrate_error **err)
{
    struct mig_buf sql = MIG_BUF_INIT;
    struct mig_cut cut;
    bool lifts = is(s, MIGRATE_DIALECT_SQLITE) && (s->step->scan.flags & MIG_SCAN_FOREIGN_KEYS);
    bool fenced = false;
    migrate_status status;
    for (const char *text = s->step->lifted; text && *text; text += strlen(text) + 1)
        mig_scripting_text(s, text);
    if (lifts)
        mig_scripting_text(s, s->step->scan.flags & MIG_SCAN_FK_OFF ? "PRAGMA foreign_keys = OFF" : "PRAGMA foreign_keys = ON");
    mig_scripting_text(s, is(s, MIGRATE_DIALECT_SQLITE) ? "BEGIN IMMEDIATE" : "BEGIN");
    while ((status = mig_script_next(script, &cut, err)) == MIGRATE_OK) {
        if (left_out(s, &cut))
            continue;
        if (!fenced && cut.facts->tx != MIG_SQL_TX_SET_TRANSACTION) {
            mig_books_fence(&s->books, &s->op, &sql);
            mig_scripting_book(s, &sql);
            fenced = true;
        }
        status = mig_scripting_user_statement(s, script, &cut, err);
        if (status)
            break;
    }
    if (!fenced && status == MIGRATE_DONE) {
        mig_books_fence(&s->books, &s->op, &sql);
        mig_scripting_book(s, &sql);
    }
    if (lifts)
        demand(s, "NOT EXISTS (SELECT 1 FROM pragma_foreign_key_check)");
    if (is(s, MIGRATE_DIALECT_POSTGRES) && (s->step->scan.flags & MIG_SCAN_SESSION))
        own_role(s);
    mig_scripting_close_books(s, mig_books_close);
    mig_scripting_text(s, "COMMIT");
    mig_buf_free(&sql);
    return status == MIGRATE_DONE ? MIGRATE_OK : status;
}

/* ---- the whole ------------------------------------------------------------------------ */

static migrate_status one_step(struct mig_scripting *s, size_t index, migrate_error **err)
{
    struct mig_run *run = &s->run;
    s->step = &run->plan->steps[index];
    if (s->step->migration->flags & MIG_MIGRATION_CODE)
        return mig_fail(err, MIGRATE_E_UNSUPPORTED, "migration %s is code: it cannot be written as a script",
                        mig_identity(s->step->migration));
    if (s->step->resume) {
        mig_fail(err, MIGRATE_E_UNSUPPORTED, "migration %s stopped half-way: only a run can go on with it",
                 mig_identity(s->step->migration));
        mig_error_hint(err, "finish it with `migrate up` first");
        return MIGRATE_E_UNSUPPORTED;
    }
    s->op.token = mig_run_token(run);
    s->op.started_unix_ms = 0;
    if (!mig_run_op(run, s->step, ++run->seq, &s->op, s->digest, s->checksum))
        return mig_fail_nomem(err);
    s->op.started_unix_ms = MIG_OP_NOW;
    mig_buf_fmt(&s->out, "\n-- migration %s (%s)\n", s->op.version, s->step->item.path ? s->step->item.path : "");
    struct mig_script_of of = { .set = run->plan->set,
                                .migration = s->step->migration,
                                .layout = &run->view.layout,
                                .direction = s->step->item.direction };
    struct mig_script *script = NULL;
    migrate_status status = mig_script_open(ctx_of(s), &of, &script, err);
    if (!status)
        status = s->step->scan.transactional ? transactional(s, script, err) : mig_scripting_journalled(s, script, err);
    mig_script_close(script);
    if (!status && changes_session(s, index))
        restore_session(s);
    return status ? status : flush(s, err);
}

static migrate_status write_all(struct mig_scripting *s, migrate_error **err)
{
    struct mig_run *run = &s->run;
    migrate_status status = mig_view_read(ctx_of(s), &run->view, true, NULL, err);
    if (!status && ctx_of(s)->db.conn)
        status = mig_plan_fresh(run->plan, &run->view.head, err);
    if (!status && memcmp(run->view.set->hash, run->plan->set->hash, MIG_SHA256_LEN) != 0)
        status = mig_fail(err, MIGRATE_E_STALE, "the source has changed since the plan was made");
    if (!status)
        status = mig_names_need(ctx_of(s), err);
    if (!status && !mig_applied_build(&run->applied, &run->view))
        status = mig_fail_nomem(err);
    if (status)
        return status;
    mig_books_of(ctx_of(s), &s->books);
    run->seq = run->view.head.seq;
    beginning(s);
    for (size_t i = 0; i < run->plan->count && !status; i++)
        status = one_step(s, i, err);
    return status ? status : flush(s, err);
}

migrate_status migrate_plan_script(migrate_ctx *ctx, const migrate_plan *plan, migrate_write_fn fn, void *user,
                                   migrate_error **err)
{
    if (!plan || !fn)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_plan_script: plan or function is missing");
    migrate_status status = mig_call_begin(ctx, MIG_NEEDS_CONNECTION | MIG_NEEDS_SOURCE | MIG_TAKES_DIALECT, 0, err);
    if (status)
        return status;
    struct mig_scripting s = { .fn = fn, .user = user };
    s.run.ctx = ctx;
    s.run.plan = (migrate_plan *)(uintptr_t)plan; /* only read */
    s.run.client = ctx->set.client;
    snprintf(s.run.run_id, sizeof s.run.run_id, "script");
    status = write_all(&s, err);
    mig_applied_free(&s.run.applied);
    mig_view_free(&s.run.view);
    mig_buf_free(&s.out);
    return mig_call_end(ctx, status, err);
}
