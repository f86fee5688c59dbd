/* SPDX-License-Identifier: Apache-2.0 */

#include "core/session.h"

#include <stdlib.h>
#include <string.h>

#include "core/session_url.h"
#include "sql/lexer.h"
#include "util/clock.h"
#include "util/text.h"

enum { FIRST_PAUSE_MS = 100, LAST_PAUSE_MS = 2000, MOST_ASKED = 5 };

bool mig_fault_reconnects(uint32_t klass)
{
    return klass == MIGRATE_FAULT_CONN_LOST || klass == MIGRATE_FAULT_READ_ONLY || klass == MIGRATE_FAULT_UNAVAILABLE;
}

bool mig_fault_retries(uint32_t klass)
{
    return klass == MIGRATE_FAULT_RETRY_TX || klass == MIGRATE_FAULT_RETRY_STMT || klass == MIGRATE_FAULT_LOCK_TIMEOUT;
}

/* ---- statements ------------------------------------------------------------- */

void mig_session_note(migrate_ctx *ctx, const migrate_result *result)
{
    struct mig_session *db = &ctx->db;
    db->round_trips += result->round_trips;
    if (result->outcome == MIGRATE_OUTCOME_DONE && result->lex)
        db->lex = result->lex;
    if (result->tx != MIGRATE_TX_UNKNOWN)
        db->tx = result->tx;
    if (result->outcome == MIGRATE_OUTCOME_UNKNOWN)
        db->lost = true;
}

migrate_status mig_exec_stmt(migrate_ctx *ctx, const migrate_stmt *stmt, migrate_result *out, migrate_error **err)
{
    struct mig_session *db = &ctx->db;
    migrate_result own;
    migrate_result *result = out ? out : &own;
    memset(result, 0, sizeof *result);
    result->struct_size = sizeof *result;
    result->affected = -1;
    if (db->lost || !db->conn) {
        result->outcome = MIGRATE_OUTCOME_NONE;
        migrate_fault fault = { .struct_size = sizeof fault,
                                .klass = MIGRATE_FAULT_CONN_LOST,
                                .message = "the connection is lost" };
        return ctx->host.fail(&ctx->host, err, &fault);
    }
    migrate_status status = db->driver->exec(db->conn, stmt, result, err);
    mig_session_note(ctx, result);
    if (status && err && *err && mig_error_fault(*err) == MIGRATE_FAULT_CONN_LOST)
        db->lost = true;
    return status;
}

migrate_status mig_exec(migrate_ctx *ctx, const char *sql, size_t len, migrate_row_fn on_row, void *user,
                        migrate_result *out, migrate_error **err)
{
    migrate_stmt stmt = { .struct_size = sizeof stmt,
                          .flags = MIGRATE_STMT_BOOKKEEPING,
                          .sql = sql,
                          .sql_len = len,
                          .on_row = on_row,
                          .on_row_user = user };
    return mig_exec_stmt(ctx, &stmt, out, err);
}

migrate_status mig_exec_buf(migrate_ctx *ctx, const struct mig_buf *sql, migrate_row_fn on_row, void *user,
                            migrate_result *out, migrate_error **err)
{
    if (sql->oom)
        return mig_fail_nomem(err);
    return mig_exec(ctx, mig_buf_text(sql), sql->len, on_row, user, out, err);
}

/* ---- transactions ----------------------------------------------------------- */

bool mig_tx_by_member(const migrate_ctx *ctx)
{
    const migrate_driver *d = ctx->db.driver;
    return MIGRATE_HAS(migrate_driver, d, commit) && d->begin && d->commit;
}

static migrate_status by_member(migrate_ctx *ctx, migrate_status (*member)(void *, migrate_result *, migrate_error **),
                                migrate_result *result, migrate_error **err)
{
    *result = (migrate_result){ .struct_size = sizeof *result, .affected = -1 };
    if (ctx->db.lost || !ctx->db.conn) {
        migrate_fault fault = { .struct_size = sizeof fault,
                                .klass = MIGRATE_FAULT_CONN_LOST,
                                .message = "the connection is lost" };
        return ctx->host.fail(&ctx->host, err, &fault);
    }
    migrate_status status = member(ctx->db.conn, result, err);
    mig_session_note(ctx, result);
    if (status && err && *err && mig_error_fault(*err) == MIGRATE_FAULT_CONN_LOST)
        ctx->db.lost = true;
    return status;
}

migrate_status mig_begin_result(migrate_ctx *ctx, migrate_result *result, migrate_error **err)
{
    return by_member(ctx, ctx->db.driver->begin, result, err);
}

migrate_status mig_commit_result(migrate_ctx *ctx, migrate_result *result, migrate_error **err)
{
    return by_member(ctx, ctx->db.driver->commit, result, err);
}

migrate_status mig_begin(migrate_ctx *ctx, migrate_error **err)
{
    migrate_result result;
    if (mig_tx_by_member(ctx))
        return mig_begin_result(ctx, &result, err);
    const char *sql = ctx->db.dialect == MIGRATE_DIALECT_SQLITE  ? "BEGIN IMMEDIATE"
                      : ctx->db.dialect == MIGRATE_DIALECT_MYSQL ? "START TRANSACTION"
                                                                 : "BEGIN";
    return mig_exec(ctx, sql, strlen(sql), NULL, NULL, NULL, err);
}

migrate_status mig_commit(migrate_ctx *ctx, migrate_error **err)
{
    migrate_result result = { .struct_size = sizeof result };
    migrate_status status;
    if (mig_tx_by_member(ctx))
        return mig_commit_result(ctx, &result, err);
    const char *sql = ctx->db.dialect == MIGRATE_DIALECT_MYSQL ? "COMMIT AND NO CHAIN NO RELEASE" : "COMMIT";
    migrate_stmt stmt = { .struct_size = sizeof stmt,
                          .flags = MIGRATE_STMT_BOOKKEEPING | MIGRATE_STMT_TX_END,
                          .sql = sql,
                          .sql_len = strlen(sql) };
    status = mig_exec_stmt(ctx, &stmt, &result, err);
    if (!status && result.tag && strcmp(result.tag, "ROLLBACK") == 0)
        status = mig_fail(err, MIGRATE_E_SQL, "the server rolled back instead of committing");
    return status;
}

void mig_rollback(migrate_ctx *ctx)
{
    struct mig_session *db = &ctx->db;
    if (db->lost || !db->conn || db->tx == MIGRATE_TX_NONE)
        return;
    migrate_error *err = NULL;
    bool kept = mig_clean_up_begin(ctx);
    if (MIGRATE_HAS(migrate_driver, db->driver, rollback) && db->driver->rollback) {
        migrate_result result = { .struct_size = sizeof result };
        if (db->driver->rollback(db->conn, &result, &err))
            mig_log(ctx, MIGRATE_LOG_DEBUG, "rollback: %s", migrate_error_message(err));
        mig_session_note(ctx, &result);
    } else if (mig_exec(ctx, "ROLLBACK", 8, NULL, NULL, NULL, &err)) {
        mig_log(ctx, MIGRATE_LOG_DEBUG, "rollback: %s", migrate_error_message(err));
    }
    ctx->call.unlocking = kept;
    migrate_error_free(err);
}

/* ---- connecting ------------------------------------------------------------- */

static migrate_status run_init_sql(migrate_ctx *ctx, migrate_error **err)
{
    const char *text = ctx->set.init_sql;
    if (!text || !*text || ctx->db.adopted)
        return MIGRATE_OK;
    struct mig_memory_text memory = { text, strlen(text), 0 };
    struct mig_sql_dialect_info di;
    mig_ctx_dialect(ctx, &di);
    struct mig_sql_config config = { .dialect = di.dialect, .lex = di.lex, .read = mig_memory_text_read, .read_user = &memory };
    struct mig_sql_lexer *lx = mig_sql_open(&config);
    if (!lx)
        return mig_fail_nomem(err);
    struct mig_diag diag = MIG_DIAG_INIT;
    struct mig_sql_statement s;
    migrate_status status;
    while ((status = mig_sql_next(lx, &s, &diag)) == MIGRATE_OK) {
        status = mig_exec(ctx, s.text, s.len, NULL, NULL, NULL, err);
        if (status) {
            mig_error_prefix(err, "option init_sql");
            break;
        }
    }
    if (status && status != MIGRATE_DONE && diag.status)
        mig_fail_diag(err, &diag);
    mig_sql_close(lx);
    mig_diag_free(&diag);
    return status == MIGRATE_DONE ? MIGRATE_OK : status;
}

int32_t mig_memory_text_read(void *user, char *buf, size_t cap, size_t *got)
{
    struct mig_memory_text *m = user;
    size_t n = m->len - m->at < cap ? m->len - m->at : cap;
    memcpy(buf, m->text + m->at, n);
    m->at += n;
    *got = n;
    return MIGRATE_OK;
}

void mig_session_dialect(struct mig_session *db)
{
    const migrate_driver *d = db->driver;
    bool told = MIGRATE_HAS(migrate_driver, d, dialect_of) && d->dialect_of;
    db->dialect = told ? d->dialect_of(db->conn) : d->dialect;
    db->lex = db->dialect == MIGRATE_DIALECT_MYSQL      ? MIGRATE_LEX_BACKSLASH_ESCAPES
              : told && db->dialect == MIGRATE_DIALECT_POSTGRES ? MIGRATE_LEX_DOLLAR_QUOTES
                                                        : 0;
}

static migrate_status open_once(migrate_ctx *ctx, migrate_error **err)
{
    struct mig_session *db = &ctx->db;
    db->lost = db->changed = false;
    db->tx = MIGRATE_TX_NONE;
    db->dialect = db->driver->dialect;
    void *conn = NULL;
    migrate_status status = db->driver->open(&ctx->host, db->url, &conn, err);
    if (status)
        return status;
    db->conn = conn;
    mig_session_dialect(db);
    struct migrate_event event = { .type = MIGRATE_EVENT_CONNECTED, .text = db->shown_url };
    mig_emit(ctx, &event);
    status = run_init_sql(ctx, err);
    if (status)
        mig_session_close(ctx);
    return status;
}

/* A refused login is asked about once more: the credentials may have been rotated. Whoever keeps several versions of
 * them may be asked for each. */
static migrate_status open_asking(migrate_ctx *ctx, migrate_error **err)
{
    migrate_error *failure = NULL;
    ctx->cred_reason = MIGRATE_CRED_FIRST;
    migrate_status status = open_once(ctx, &failure);
    for (int asked = 0; asked < MOST_ASKED && (asked == 0 || ctx->cred_again); asked++) {
        if (status != MIGRATE_E_AUTH || !ctx->cred_fn || mig_error_fault(failure) != MIGRATE_FAULT_AUTH)
            break;
        migrate_error_free(failure);
        failure = NULL;
        ctx->cred_reason = MIGRATE_CRED_REJECTED;
        status = open_once(ctx, &failure);
    }
    ctx->cred_reason = MIGRATE_CRED_FIRST;
    if (status && err)
        *err = failure;
    else
        migrate_error_free(failure);
    return status;
}

migrate_status mig_session_open(migrate_ctx *ctx, migrate_error **err)
{
    int64_t until = mig_clock_mono_ms() + ctx->set.reconnect_timeout_ms;
    int64_t pause = FIRST_PAUSE_MS;
    for (;;) {
        migrate_error *failure = NULL;
        migrate_status status = open_asking(ctx, &failure);
        bool waits = status && (mig_error_fault(failure) == MIGRATE_FAULT_UNAVAILABLE ||
                                (ctx->reconnecting && mig_error_fault(failure) == MIGRATE_FAULT_CONN_LOST));
        if (!waits || mig_clock_mono_ms() + pause >= until) {
            if (status && err)
                *err = failure;
            else
                migrate_error_free(failure);
            return status;
        }
        mig_log(ctx, MIGRATE_LOG_INFO, "waiting for the database: %s", migrate_error_message(failure));
        migrate_error_free(failure);
        status = mig_wait(ctx, pause / 2 + (int64_t)mig_random(ctx, (uint64_t)pause / 2 + 1), err);
        if (status)
            return status;
        pause = pause * 2 < LAST_PAUSE_MS ? pause * 2 : LAST_PAUSE_MS;
    }
}

static void facts_free(struct mig_facts *f)
{
    free(f->product);
    free(f->flavour);
    free(f->version_text);
    free(f->database);
    free(f->schema);
    free(f->session_id);
    free(f->address);
    *f = (struct mig_facts){ 0 };
}

void mig_names_free(struct mig_names *n)
{
    free(n->schema);
    free(n->head);
    free(n->history);
    free(n->journal);
    free(n->lock);
    free(n->lock_key);
    *n = (struct mig_names){ 0 };
}

void mig_session_close(migrate_ctx *ctx)
{
    struct mig_session *db = &ctx->db;
    if (db->conn)
        db->driver->close(db->conn);
    db->conn = NULL;
    db->adopted = false;
    db->native = NULL;
    db->lost = false;
    facts_free(&db->facts);
    mig_names_free(&db->names);
}

void mig_session_free(struct mig_session *db)
{
    mig_session_url_clear(db);
    db->driver = NULL;
}

/* ---- facts ------------------------------------------------------------------ */

static bool copy_facts(struct mig_facts *f, const migrate_info *info)
{
    struct { char **to; const char *from; } texts[] = {
        { &f->product, info->product },   { &f->flavour, info->flavour },
        { &f->version_text, info->version_text }, { &f->database, info->database },
        { &f->schema, info->schema },     { &f->session_id, info->session_id },
        { &f->address, info->address },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        *texts[i].to = mig_strdup(texts[i].from);
        if (texts[i].from && !*texts[i].to)
            return false;
    }
    f->caps = info->caps;
    f->flags = info->flags;
    f->version = info->version;
    f->lex = info->lex;
    f->max_statement = info->max_statement;
    f->max_call_ms = info->max_call_ms;
    f->mariadb = info->flavour && strcmp(info->flavour, "mariadb") == 0;
    f->known = true;
    return true;
}

migrate_status mig_session_facts(migrate_ctx *ctx, migrate_error **err)
{
    struct mig_session *db = &ctx->db;
    if (db->facts.known)
        return MIGRATE_OK;
    if (!MIGRATE_HAS(migrate_driver, db->driver, info) || !db->driver->info) {
        db->facts.caps = MIGRATE_CAP_TRANSACTION;
        db->facts.known = true;
        return MIGRATE_OK;
    }
    migrate_info info = { .struct_size = sizeof info };
    migrate_status status = db->driver->info(db->conn, &info, err);
    if (status) {
        if (err && *err && mig_error_fault(*err) == MIGRATE_FAULT_CONN_LOST)
            db->lost = true;
        return status;
    }
    db->round_trips++;
    if (!copy_facts(&db->facts, &info)) {
        facts_free(&db->facts);
        return mig_fail_nomem(err);
    }
    db->lex = info.lex;
    return MIGRATE_OK;
}

migrate_status mig_session_writable(migrate_ctx *ctx, migrate_error **err)
{
    if (!(ctx->db.facts.flags & MIGRATE_INFO_READ_ONLY))
        return MIGRATE_OK;
    migrate_fault fault = { .struct_size = sizeof fault,
                            .klass = MIGRATE_FAULT_READ_ONLY,
                            .message = "the database is read-only: a replica, a demoted writer, or read-only by its settings" };
    migrate_status status = ctx->host.fail(&ctx->host, err, &fault);
    mig_error_hint(err, "connect to the writer (of a cluster: its cluster endpoint)%s",
                   ctx->reconnecting ? "" : "; nothing was changed");
    return status;
}

/* ---- reset ------------------------------------------------------------------ */

migrate_status mig_session_reset(migrate_ctx *ctx, migrate_error **err)
{
    struct mig_session *db = &ctx->db;
    if (!db->changed || db->lost)
        return MIGRATE_OK;
    if (!MIGRATE_HAS(migrate_driver, db->driver, reset) || !db->driver->reset)
        return MIGRATE_DONE;
    migrate_result result = { .struct_size = sizeof result };
    migrate_error *failure = NULL;
    migrate_status status = db->driver->reset(db->conn, &result, &failure);
    if (status == MIGRATE_E_UNSUPPORTED) {
        migrate_error_free(failure);
        return MIGRATE_DONE;
    }
    mig_session_note(ctx, &result);
    if (failure && err)
        *err = failure;
    else
        migrate_error_free(failure);
    if (!status)
        db->changed = false;
    return status;
}
