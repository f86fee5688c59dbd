/* SPDX-License-Identifier: Apache-2.0 */

/* One statement: prepare, bind, step to the end, and tell exactly what became of it. */

#include "conn.h"

#include "util/text.h"

#include <stdlib.h>
#include <string.h>

/* A statement under way. */
struct run {
    struct mig_sqlite *c;
    const migrate_stmt *stmt;
    sqlite3_stmt *prepared;
    migrate_text *cols; /* for on_row */
    const char *tag;
    bool in_tx; /* when it began */
    bool is_commit;
    bool had_rows; /* some went to on_row: it cannot begin anew unseen */
    bool no_more;  /* on_row wants none */
    int changes_before;
    struct mig_sqlite_failure failure;
};

#define PUT(out, member, value)                                                                              \
    do {                                                                                                     \
        if (MIGRATE_HAS(migrate_result, out, member)) {                                                      \
            (out)->member = (value);                                                                         \
        }                                                                                                    \
    } while (0)

void mig_sqlite_first_word(const char *sql, size_t len, char *out, size_t size)
{
    size_t at = mig_sqlite_skip_blank(sql, len);
    size_t n = 0;
    while (at + n < len && mig_is_alpha(sql[at + n])) {
        n++;
    }
    if (n >= size) {
        n = 0;
    }
    for (size_t i = 0; i < n; i++) {
        char ch = sql[at + i];
        out[i] = ch >= 'a' ? (char)(ch - 32) : ch;
    }
    out[n] = '\0';
}

static void put_result(const struct run *r, migrate_result *out, uint32_t outcome)
{
    const struct mig_sqlite *c = r->c;
    PUT(out, outcome, outcome);
    PUT(out, tx,
        !c->lost && sqlite3_get_autocommit(c->db) ? MIGRATE_TX_NONE
        : c->lost                                 ? MIGRATE_TX_UNKNOWN
                                                  : MIGRATE_TX_OPEN);
    PUT(out, lex, 0);
    PUT(out, round_trips, 0);
    PUT(out, affected, -1);
    PUT(out, tag, outcome == MIGRATE_OUTCOME_DONE ? r->tag : NULL);
}

static migrate_status refuse(const struct run *r, migrate_result *out, migrate_error **err,
                             migrate_status status, uint32_t klass, const char *message, const char *hint)
{
    put_result(r, out, MIGRATE_OUTCOME_NONE);
    return mig_sqlite_refuse(r->c->host, err, status, klass, message, hint);
}

/* True when a lock is in the way that goes away by itself, and it did: try again. */
static bool may_retry(struct run *r, int rc)
{
    int primary = rc & 0xff;
    if (primary != SQLITE_BUSY && primary != SQLITE_PROTOCOL && rc != SQLITE_LOCKED_SHAREDCACHE) {
        return false;
    }
    if (sqlite3_extended_errcode(r->c->db) == SQLITE_BUSY_SNAPSHOT || r->had_rows || r->c->stop) {
        return false;
    }
    return mig_sqlite_wait_turn(r->c);
}

/* Remembers the failure before anything else is called, which would overwrite it. */
static void note(struct run *r, int rc)
{
    mig_sqlite_failed(r->c, rc, &r->failure);
}

static int prepare(struct run *r, const char **tail)
{
    int rc;
    do {
        rc = sqlite3_prepare_v2(r->c->db, r->stmt->sql, (int)r->stmt->sql_len, &r->prepared, tail);
        if (rc != SQLITE_OK) {
            note(r, rc);
        }
    } while (rc != SQLITE_OK && may_retry(r, rc));
    return rc;
}

static int bind(struct run *r)
{
    int rc = SQLITE_OK;
    for (uint32_t i = 0; i < r->stmt->n_params && rc == SQLITE_OK; i++) {
        const migrate_text *p = &r->stmt->params[i];
        rc = p->data
                 ? sqlite3_bind_text64(r->prepared, (int)i + 1, p->data, p->len, SQLITE_STATIC, SQLITE_UTF8)
                 : sqlite3_bind_null(r->prepared, (int)i + 1);
    }
    if (rc != SQLITE_OK) {
        note(r, rc);
    }
    return rc;
}

static int give_row(struct run *r)
{
    int n = sqlite3_column_count(r->prepared);
    if (!r->cols) {
        r->cols = calloc((size_t)n + 1, sizeof(*r->cols));
        if (!r->cols) {
            return SQLITE_NOMEM;
        }
    }
    for (int i = 0; i < n; i++) {
        bool null = sqlite3_column_type(r->prepared, i) == SQLITE_NULL;
        const char *text = null ? NULL : (const char *)sqlite3_column_text(r->prepared, i);
        if (!null && !text) {
            if (sqlite3_errcode(r->c->db) == SQLITE_NOMEM) {
                return SQLITE_NOMEM;
            }
            text = ""; /* a BLOB of no bytes */
        }
        r->cols[i].data = text;
        r->cols[i].len = null ? 0 : (size_t)sqlite3_column_bytes(r->prepared, i);
    }
    r->had_rows = true;
    r->no_more = r->stmt->on_row(r->stmt->on_row_user, (uint32_t)n, r->cols) != 0;
    return SQLITE_OK;
}

/* Steps to the end. A reader whose rows nobody wants any more is left; a writer with RETURNING is not. */
static int step_through(struct run *r)
{
    int rc;
    while ((rc = sqlite3_step(r->prepared)) == SQLITE_ROW) {
        if (r->stmt->on_row && !r->no_more && (rc = give_row(r)) != SQLITE_OK) {
            return rc;
        }
        if (r->no_more && sqlite3_stmt_readonly(r->prepared)) {
            return SQLITE_DONE;
        }
    }
    return rc;
}

static int run_to_end(struct run *r)
{
    for (;;) {
        int rc = step_through(r);
        if (rc == SQLITE_DONE) {
            return SQLITE_OK;
        }
        note(r, rc);
        if (!may_retry(r, rc)) {
            return rc;
        }
        /* A COMMIT that met a reader leaves its transaction open and is simply sent again. Anything else
         * has had no effect, unless SQLite ended the transaction with it. */
        if (r->in_tx && sqlite3_get_autocommit(r->c->db)) {
            return rc;
        }
        sqlite3_reset(r->prepared);
    }
}

/* Whether the disk holds what SQLite says it gave up is known only when it is read again: a COMMIT that
 * failed and took its transaction along, or a statement that commits by itself and met a failing disk. */
static bool in_doubt(const struct run *r)
{
    if (!sqlite3_get_autocommit(r->c->db)) {
        return false;
    }
    if (r->in_tx) {
        return r->is_commit;
    }
    return (r->failure.code & 0xff) == SQLITE_IOERR && r->prepared && !sqlite3_stmt_readonly(r->prepared);
}

static migrate_status failed(struct run *r, migrate_result *out, migrate_error **err)
{
    uint32_t outcome = in_doubt(r) ? MIGRATE_OUTCOME_UNKNOWN : MIGRATE_OUTCOME_FAILED;
    /* Before finalize, which would change SQLite's words. */
    migrate_status status = mig_sqlite_fail(r->c, &r->failure, err);
    sqlite3_finalize(r->prepared);
    r->prepared = NULL;
    r->c->lost = r->c->lost || outcome == MIGRATE_OUTCOME_UNKNOWN;
    put_result(r, out, outcome);
    return status;
}

static migrate_status succeeded(struct run *r, migrate_result *out)
{
    bool reads = sqlite3_stmt_readonly(r->prepared) != 0;
    sqlite3 *db = r->c->db;
    put_result(r, out, MIGRATE_OUTCOME_DONE);
    if (!reads) {
        /* sqlite3_changes() alone would repeat the count of an earlier statement after DDL. */
        PUT(out, affected, sqlite3_total_changes(db) != r->changes_before ? sqlite3_changes(db) : 0);
    }
    sqlite3_finalize(r->prepared);
    r->prepared = NULL;
    return MIGRATE_OK;
}

/* What driver.h allows and SQLite cannot do, or what the caller promised and did not keep. 0: all is well. */
static migrate_status check_prepared(struct run *r, const char *tail, migrate_result *out,
                                     migrate_error **err)
{
    size_t rest = r->stmt->sql_len - (size_t)(tail - r->stmt->sql);
    if (mig_sqlite_skip_blank(tail, rest) != rest) {
        bool nul = memchr(r->stmt->sql, '\0', r->stmt->sql_len) != NULL;
        return refuse(r, out, err, 0, MIGRATE_FAULT_SYNTAX,
                      nul ? "the statement holds a NUL byte"
                          : "more than one statement where one is expected",
                      nul ? NULL : "nothing of it was run");
    }
    int want = r->stmt->n_params ? sqlite3_bind_parameter_count(r->prepared) : 0;
    if (want != (int)r->stmt->n_params) {
        return refuse(r, out, err, MIGRATE_E_ARGUMENT, MIGRATE_FAULT_OTHER,
                      "the statement does not hold as many ? as there are values", NULL);
    }
    return MIGRATE_OK;
}

static migrate_status check_call(const struct run *r, migrate_result *out, migrate_error **err)
{
    const migrate_stmt *stmt = r->stmt;
    if (r->c->lost) {
        return refuse(r, out, err, 0, MIGRATE_FAULT_CONN_LOST,
                      "the connection is given up after a failure to write", NULL);
    }
    if (stmt->data) {
        return refuse(r, out, err, MIGRATE_E_UNSUPPORTED, MIGRATE_FAULT_OTHER, "SQLite knows no in-line data",
                      NULL);
    }
    if (stmt->sql_len > (size_t)sqlite3_limit(r->c->db, SQLITE_LIMIT_SQL_LENGTH, -1)) {
        return refuse(r, out, err, 0, MIGRATE_FAULT_TOO_LARGE, "the statement is longer than SQLite takes",
                      NULL);
    }
    return MIGRATE_OK;
}

/* Everything before the first step. */
static migrate_status begin(struct run *r, const char *word, migrate_result *out, migrate_error **err)
{
    struct mig_sqlite *c = r->c;
    bool reads = !*word || strcmp(word, "SELECT") == 0 || strcmp(word, "EXPLAIN") == 0;
    migrate_status status = check_call(r, out, err);
    if (status == MIGRATE_OK) {
        status = mig_sqlite_materialize(c, !reads, err);
    }
    if (status != MIGRATE_OK) {
        put_result(r, out, MIGRATE_OUTCOME_NONE);
        return status;
    }
    bool ours = (r->stmt->flags & MIGRATE_STMT_BOOKKEEPING) && strcmp(word, "PRAGMA") != 0;
    mig_sqlite_fit_cache(c, (ours && reads) || (c->cache_small && ours));
    if (!ours && !mig_sqlite_session_remember(c)) {
        put_result(r, out, MIGRATE_OUTCOME_NONE);
        return mig_sqlite_nomem(c->host, err);
    }
    return MIGRATE_OK;
}

static migrate_status run_prepared(struct run *r, migrate_result *out, migrate_error **err)
{
    const char *tail = r->stmt->sql;
    if (prepare(r, &tail) != SQLITE_OK) {
        return failed(r, out, err);
    }
    migrate_status status = check_prepared(r, tail, out, err);
    if (status != MIGRATE_OK) {
        return status;
    }
    if (r->prepared && (bind(r) != SQLITE_OK || run_to_end(r) != SQLITE_OK)) {
        return failed(r, out, err);
    }
    return succeeded(r, out);
}

migrate_status mig_sqlite_exec(void *conn, const migrate_stmt *stmt, migrate_result *out, migrate_error **err)
{
    struct mig_sqlite *c = conn;
    char word[12];
    migrate_stmt known = { 0 }; /* members that the caller's struct does not have are absent */
    struct run r = { .c = c, .stmt = &known };
    memcpy(&known, stmt, stmt->struct_size < sizeof(known) ? stmt->struct_size : sizeof(known));
    mig_sqlite_enter(c);
    mig_sqlite_first_word(known.sql, known.sql_len, word, sizeof(word));
    migrate_status status = begin(&r, word, out, err);
    if (status != MIGRATE_OK) {
        return status;
    }
    r.in_tx = !sqlite3_get_autocommit(c->db);
    r.changes_before = sqlite3_total_changes(c->db);
    r.is_commit =
        (known.flags & MIGRATE_STMT_TX_END) || strcmp(word, "COMMIT") == 0 || strcmp(word, "END") == 0;
    r.tag = strcmp(word, "END") == 0        ? "COMMIT"
            : strcmp(word, "BEGIN") == 0    ? "BEGIN"
            : strcmp(word, "COMMIT") == 0   ? "COMMIT"
            : strcmp(word, "ROLLBACK") == 0 ? "ROLLBACK"
                                            : NULL;
    status = run_prepared(&r, out, err);
    sqlite3_finalize(r.prepared);
    free(r.cols);
    if (strcmp(word, "PRAGMA") == 0) {
        mig_sqlite_install_handlers(c); /* PRAGMA busy_timeout puts SQLite's own handler in */
    }
    return status;
}
