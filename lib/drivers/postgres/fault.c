/* SPDX-License-Identifier: Apache-2.0 */

/* From the server's SQLSTATE to the classes of driver.h. */

#include <string.h>

#include "pg.h"
#include "util/text.h"

/* ---- classes ---- */

struct state_class {
    const char *state; /* five characters, or two for a whole class */
    uint32_t    klass;
};

static const struct state_class classes[] = {
    { "55P03", MIGRATE_FAULT_LOCK_TIMEOUT },
    { "40001", MIGRATE_FAULT_RETRY_TX },
    { "40P01", MIGRATE_FAULT_RETRY_TX },
    { "25006", MIGRATE_FAULT_READ_ONLY },
    { "57P01", MIGRATE_FAULT_CONN_LOST },
    { "57P02", MIGRATE_FAULT_CONN_LOST },
    { "57P05", MIGRATE_FAULT_CONN_LOST },
    { "25P03", MIGRATE_FAULT_CONN_LOST },
    { "25P04", MIGRATE_FAULT_CONN_LOST },
    { "08", MIGRATE_FAULT_CONN_LOST },
    { "57P03", MIGRATE_FAULT_UNAVAILABLE },
    { "53300", MIGRATE_FAULT_UNAVAILABLE },
    { "28", MIGRATE_FAULT_AUTH },
    { "42501", MIGRATE_FAULT_DENIED },
    { "3D000", MIGRATE_FAULT_NO_DB },
    { "57P04", MIGRATE_FAULT_NO_DB },
    { "53100", MIGRATE_FAULT_DISK_FULL },
    { "25001", MIGRATE_FAULT_NOT_IN_TX },
    { "2D000", MIGRATE_FAULT_NOT_IN_TX },
    { "42P07", MIGRATE_FAULT_EXISTS },
    { "42710", MIGRATE_FAULT_EXISTS },
    { "42P06", MIGRATE_FAULT_EXISTS },
    { "42P04", MIGRATE_FAULT_EXISTS },
    { "42701", MIGRATE_FAULT_EXISTS },
    { "42723", MIGRATE_FAULT_EXISTS },
    { "42P01", MIGRATE_FAULT_MISSING },
    { "42704", MIGRATE_FAULT_MISSING },
    { "42703", MIGRATE_FAULT_MISSING },
    { "42883", MIGRATE_FAULT_MISSING },
    { "3F000", MIGRATE_FAULT_MISSING },
    { "42601", MIGRATE_FAULT_SYNTAX },
    { "23", MIGRATE_FAULT_CONSTRAINT },
};

static bool says(const char *message, const char *words)
{
    return message && strstr(message, words);
}

/* Codes that mean several things, told apart by the words. */
static uint32_t by_words(const char *state, const char *message)
{
    if (strcmp(state, "54000") == 0 && !says(message, "index row"))
        return MIGRATE_FAULT_TOO_LARGE;
    if (says(message, "invalid message length") || says(message, "invalid memory alloc request size"))
        return MIGRATE_FAULT_TOO_LARGE;
    if (strcmp(state, "08P01") != 0)
        return MIGRATE_FAULT_OTHER;
    /* pgbouncer has this one code for everything */
    if (says(message, "authentication failed") || says(message, "no such user") ||
        says(message, "auth failed"))
        return MIGRATE_FAULT_AUTH;
    if (says(message, "no such database") || (says(message, "database") && says(message, "does not exist")))
        return MIGRATE_FAULT_NO_DB;
    if (says(message, "no more connections") || says(message, "server_login_retry") ||
        says(message, "shutting down") || says(message, "server login has been failing") ||
        says(message, "wait_timeout") || says(message, "paused"))
        return MIGRATE_FAULT_UNAVAILABLE;
    return MIGRATE_FAULT_OTHER;
}

uint32_t mig_pg_fault_class(const char *sqlstate, const char *message)
{
    if (!sqlstate || !*sqlstate)
        return MIGRATE_FAULT_OTHER;
    uint32_t klass = by_words(sqlstate, message);
    for (size_t i = 0; !klass && i < sizeof classes / sizeof *classes; i++) {
        if (strncmp(classes[i].state, sqlstate, strlen(classes[i].state)) == 0)
            klass = classes[i].klass;
    }
    return klass;
}

/* ---- from a result to a fault ---- */

static const char *field(const PGresult *r, int code)
{
    const char *text = PQresultErrorField(r, code);
    return text && *text ? text : NULL;
}

/* The server counts characters of the text it got; parameters have made it another one. */
static uint64_t offset_of(const migrate_stmt *stmt, const PGresult *r)
{
    const char *position = field(r, PG_DIAG_STATEMENT_POSITION);
    if (!position || !stmt || stmt->n_params)
        return 0;
    uint64_t n = 0;
    for (const char *s = position; mig_is_digit(*s); s++)
        n = n * 10 + (uint64_t)(*s - '0');
    if (n == 0)
        return 0;
    return mig_utf8_offset(stmt->sql, stmt->sql_len, (size_t)n - 1) + 1;
}

static const char *detail_of(struct mig_pg *c, const PGresult *r)
{
    const char *detail = field(r, PG_DIAG_MESSAGE_DETAIL), *context = field(r, PG_DIAG_CONTEXT);
    if (!context)
        return detail;
    mig_buf_reset(&c->detail);
    mig_buf_fmt(&c->detail, "%s%s%s", detail ? detail : "", detail ? "\n" : "", context);
    return c->detail.oom ? detail : mig_buf_text(&c->detail);
}

static void from_result(struct mig_pg *c, const migrate_stmt *stmt, const PGresult *r, migrate_fault *f)
{
    f->sqlstate = field(r, PG_DIAG_SQLSTATE);
    f->message = field(r, PG_DIAG_MESSAGE_PRIMARY);
    f->klass = mig_pg_fault_class(f->sqlstate, f->message);
    f->detail = detail_of(c, r);
    f->hint = field(r, PG_DIAG_MESSAGE_HINT);
    f->offset = offset_of(stmt, r);
    f->object = field(r, PG_DIAG_CONSTRAINT_NAME);
    if (!f->object)
        f->object = field(r, PG_DIAG_TABLE_NAME);
}

/* 57014: by us, by statement_timeout, or by somebody else's pg_cancel_backend. */
static void query_cancelled(const struct mig_pg *c, migrate_fault *f)
{
    if (c->stop) {
        f->klass = MIGRATE_FAULT_CANCELLED;
        f->status = c->stop;
    } else if (says(f->message, "COPY")) { /* the end of data that we told was no good one */
        f->hint = NULL;
    } else if (!says(f->message, "user request")) {
        f->status = MIGRATE_E_TIMEOUT;
        if (!f->hint)
            f->hint = "raise statement_timeout for this migration, or make the statement do less at a time";
    } else if (!f->hint) {
        f->hint = "another session cancelled it with pg_cancel_backend; run again";
    }
}

/* First line of libpq's words, which go on with guesses. */
static const char *first_line(struct mig_pg *c, const char *text)
{
    mig_buf_reset(&c->detail);
    mig_buf_add(&c->detail, text, strcspn(text, "\n"));
    return c->detail.oom || !c->detail.len ? "the connection was lost" : mig_buf_text(&c->detail);
}

static void lost_connection(struct mig_pg *c, migrate_fault *f)
{
    bool worded = f->message && f->sqlstate;
    if (c->stop) {
        f->klass = MIGRATE_FAULT_CANCELLED;
        f->status = c->stop;
        if (!worded)
            f->message = "the server did not answer the cancel in time; the connection was closed";
        return;
    }
    if (f->klass == MIGRATE_FAULT_OTHER)
        f->klass = MIGRATE_FAULT_CONN_LOST;
    if (!worded)
        f->message = c->patience && PQstatus(c->pg) == CONNECTION_OK
                         ? "the server did not answer in time; the connection was closed"
                         : first_line(c, PQerrorMessage(c->pg));
}

void mig_pg_fault(struct mig_pg *c, const migrate_stmt *stmt, const struct mig_pg_answer *a,
                  migrate_fault *out)
{
    migrate_fault f = { .struct_size = sizeof f };
    if (a->error)
        from_result(c, stmt, a->error, &f);
    if (a->lost)
        lost_connection(c, &f);
    else if (f.sqlstate && strcmp(f.sqlstate, "57014") == 0)
        query_cancelled(c, &f);
    else if (!a->error && strcmp(a->tag, "ROLLBACK") == 0)
        f.message = "COMMIT was answered by ROLLBACK: an earlier statement of the transaction had failed";
    if (!f.message)
        f.message = a->error ? first_line(c, PQresultErrorMessage(a->error)) : "the statement failed";
    *out = f;
}

migrate_status mig_pg_fail_answer(struct mig_pg *c, const migrate_stmt *stmt, const struct mig_pg_answer *a,
                                  migrate_error **err)
{
    migrate_fault f;
    mig_pg_fault(c, stmt, a, &f);
    if (a->own && !a->lost) { /* our own refusal is the cause of what the server says */
        f.status = a->own;
        f.message = a->own == MIGRATE_E_NOMEM ? "out of memory" : "the data of COPY could not be read";
    }
    return c->host->fail(c->host, err, &f);
}

/* ---- failures of our own making ---- */

migrate_status mig_pg_refuse(const migrate_host *host, migrate_error **err, migrate_status status,
                             uint32_t klass, const char *message, const char *hint)
{
    migrate_fault f = {
        .struct_size = sizeof f, .status = status, .klass = klass, .message = message, .hint = hint
    };
    return host->fail(host, err, &f);
}

migrate_status mig_pg_nomem(const migrate_host *host, migrate_error **err)
{
    return mig_pg_refuse(host, err, MIGRATE_E_NOMEM, MIGRATE_FAULT_OTHER, "out of memory", NULL);
}

migrate_status mig_pg_gone(const struct mig_pg *c, migrate_error **err)
{
    return mig_pg_refuse(c->host, err, 0, MIGRATE_FAULT_CONN_LOST, "the connection has been lost", NULL);
}

migrate_status mig_pg_stopped(struct mig_pg *c, migrate_error **err)
{
    return mig_pg_refuse(c->host, err, c->stop, MIGRATE_FAULT_CANCELLED, "asked to stop", NULL);
}
