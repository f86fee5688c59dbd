/* SPDX-License-Identifier: Apache-2.0 */

#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*any_fn)(void);

bool mig_cf_has(const migrate_driver *driver, size_t offset)
{
    any_fn fn;
    if (driver->struct_size < offset + sizeof(fn)) {
        return false;
    }
    memcpy(&fn, (const char *)driver + offset, sizeof(fn));
    return fn != NULL;
}

void mig_cf_poison(void *at, size_t size)
{
    memset(at, 0xa5, size);
}

bool mig_cf_poisoned(const void *at, size_t size)
{
    const unsigned char *bytes = at;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0xa5) {
            return false;
        }
    }
    return true;
}

/* ---- rules of every call --------------------------------------------------- */

void mig_cf_watch(struct mig_cf_conn *c, const char *member, migrate_status status, migrate_error *err)
{
    struct mig_cf_host *h = &c->host;
    mig_cf_leave(h);
    migrate_error_free(c->err);
    c->err = err;
    c->status = status;
    if (status >= 100 && !err) {
        mig_cf_breach(h, "%s failed with %s and stored no error", member, migrate_status_name(status));
    } else if (status < 100 && err) {
        mig_cf_breach(h, "%s succeeded and stored an error: %s", member, migrate_error_message(err));
    } else if (status >= 100 && migrate_error_status(err) != status) {
        mig_cf_breach(h, "%s returned %s and stored an error of status %s", member,
                      migrate_status_name(status), migrate_status_name(migrate_error_status(err)));
    }
    if (h->stop_at && h->fault.klass == MIGRATE_FAULT_CANCELLED && status != h->stop_status &&
        status >= 100) {
        mig_cf_breach(h, "%s was cancelled with %s and returned %s", member,
                      migrate_status_name(h->stop_status), migrate_status_name(status));
    }
}

static void watch_result(struct mig_cf_conn *c, const char *member)
{
    const migrate_result *r = &c->last.r;
    bool fine = c->status == MIGRATE_OK;
    if (!mig_cf_poisoned(c->last.behind, sizeof(c->last.behind)) || r->struct_size != sizeof(*r)) {
        mig_cf_breach(&c->host, "%s wrote outside of the result", member);
    } else if (fine && r->outcome != MIGRATE_OUTCOME_DONE) {
        mig_cf_breach(&c->host, "%s succeeded with outcome %u, not DONE", member, r->outcome);
    } else if (!fine && (r->outcome == MIGRATE_OUTCOME_DONE || r->outcome > MIGRATE_OUTCOME_UNKNOWN)) {
        mig_cf_breach(&c->host, "%s failed with outcome %u", member, r->outcome);
    } else if (r->tx > MIGRATE_TX_FAILED) {
        mig_cf_breach(&c->host, "%s tells transaction state %u, which does not exist", member, r->tx);
    } else if (r->affected < -1) {
        mig_cf_breach(&c->host, "%s tells %lld affected rows", member, (long long)r->affected);
    } else if (r->lex >> 4) {
        mig_cf_breach(&c->host, "%s tells lexical switches that do not exist: %x", member, r->lex);
    }
}

/* ---- connections ----------------------------------------------------------- */

static bool opened(struct mig_cf_conn *c, const char *member, migrate_status status, migrate_error *err,
                   void *conn)
{
    mig_cf_watch(c, member, status, err);
    if (status != MIGRATE_OK) {
        mig_cf_fail(c->db->suite, "%s: %s", member, migrate_error_message(err));
        migrate_error_free(c->err);
        c->err = NULL;
        mig_cf_host_done(&c->host);
        return false;
    }
    if (!conn) {
        mig_cf_fail(c->db->suite, "%s succeeded and stored no connection", member);
        mig_cf_host_done(&c->host);
        return false;
    }
    c->conn = conn;
    return true;
}

static bool prepare_host(struct mig_cf_conn *c, const char *options, size_t size)
{
    struct mig_cf_db *db = c->db;
    if (!mig_cf_host_init(&c->host, options, size)) {
        mig_cf_fail(db->suite, "no descriptor left for the suite");
        return false;
    }
    c->host.driver_name = db->driver->name;
    c->host.driver_options = MIGRATE_HAS(migrate_driver, db->driver, options) ? db->driver->options : NULL;
    c->host.password = db->password;
    mig_cf_enter(&c->host);
    return true;
}

bool mig_cf_open_sized(struct mig_cf_conn *c, const char *options, size_t host_size)
{
    void *conn = NULL;
    migrate_error *err = NULL;
    if (!prepare_host(c, options, host_size)) {
        return false;
    }
    migrate_status status = c->db->driver->open(&c->host.vt, c->db->quirks->url, &conn, &err);
    return opened(c, "open()", status, err, conn);
}

bool mig_cf_open(struct mig_cf_conn *c)
{
    return mig_cf_open_sized(c, c->db->quirks->options, sizeof(migrate_host));
}

bool mig_cf_adopt(struct mig_cf_conn *c, void *native)
{
    void *conn = NULL;
    migrate_error *err = NULL;
    if (!prepare_host(c, c->db->quirks->options, sizeof(migrate_host))) {
        return false;
    }
    migrate_status status = c->db->driver->adopt(&c->host.vt, native, &conn, &err);
    return opened(c, "adopt()", status, err, conn);
}

void mig_cf_close(struct mig_cf_conn *c)
{
    if (c->conn) {
        mig_cf_enter(&c->host);
        c->db->driver->close(c->conn);
        mig_cf_leave(&c->host);
        if (c->host.breach[0]) {
            mig_cf_fail(c->db->suite, "%s", c->host.breach);
        }
        mig_cf_host_done(&c->host);
    }
    c->conn = NULL;
    migrate_error_free(c->err);
    c->err = NULL;
    if (c->native) {
        c->db->quirks->native_close(c->db->quirks->user, c->native);
        c->native = NULL;
    }
}

/* ---- statements ------------------------------------------------------------ */

static void put(struct mig_cf_conn *c, const char *text, size_t len)
{
    if (c->rows_len + len < sizeof(c->rows)) {
        memcpy(c->rows + c->rows_len, text, len);
        c->rows_len += len;
    }
    c->rows[c->rows_len] = '\0';
}

static int32_t take_row(void *user, uint32_t n, const migrate_text *cols)
{
    struct mig_cf_conn *c = user;
    for (uint32_t i = 0; i < n; i++) {
        put(c, i ? "|" : "", i ? 1 : 0);
        put(c, cols[i].data ? cols[i].data : "~", cols[i].data ? cols[i].len : 1);
    }
    put(c, "\n", 1);
    c->n_rows++;
    if (!c->host.inside || !pthread_equal(c->host.thread, pthread_self())) {
        mig_cf_breach(&c->host, "a row was given outside of the call or on another thread");
    }
    return 0;
}

static void begin_call(struct mig_cf_conn *c)
{
    memset(&c->last.r, 0, sizeof(c->last.r));
    c->last.r.struct_size = sizeof(c->last.r);
    mig_cf_poison(c->last.behind, sizeof(c->last.behind));
    c->rows_len = 0;
    c->rows[0] = '\0';
    c->n_rows = 0;
    mig_cf_enter(&c->host);
}

migrate_status mig_cf_exec(struct mig_cf_conn *c, const migrate_stmt *stmt)
{
    migrate_error *err = NULL;
    begin_call(c);
    migrate_status status = c->db->driver->exec(c->conn, stmt, &c->last.r, &err);
    mig_cf_watch(c, "exec()", status, err);
    watch_result(c, "exec()");
    return status;
}

migrate_status mig_cf_flagged(struct mig_cf_conn *c, const char *sql, uint32_t flags)
{
    migrate_stmt stmt = {
        .struct_size = sizeof(stmt),
        .flags = flags,
        .sql = sql,
        .sql_len = strlen(sql),
        .on_row = take_row,
        .on_row_user = c,
    };
    return mig_cf_exec(c, &stmt);
}

migrate_status mig_cf_sql(struct mig_cf_conn *c, const char *sql)
{
    return mig_cf_flagged(c, sql, 0);
}

migrate_status mig_cf_params(struct mig_cf_conn *c, const char *sql, const migrate_text *params, uint32_t n)
{
    migrate_stmt stmt = {
        .struct_size = sizeof(stmt),
        .flags = MIGRATE_STMT_BOOKKEEPING,
        .n_params = n,
        .sql = sql,
        .sql_len = strlen(sql),
        .params = params,
        .on_row = take_row,
        .on_row_user = c,
    };
    return mig_cf_exec(c, &stmt);
}

bool mig_cf_must(struct mig_cf_conn *c, const char *sql)
{
    if (mig_cf_sql(c, sql) == MIGRATE_OK) {
        return true;
    }
    mig_cf_fail(c->db->suite, "%s: %s", sql, migrate_error_message(c->err));
    return false;
}

bool mig_cf_expect(struct mig_cf_conn *c, const char *sql, const char *want)
{
    if (!mig_cf_must(c, sql)) {
        return false;
    }
    if (strcmp(c->rows, want) != 0) {
        mig_cf_fail(c->db->suite, "%s: expected rows '%.100s', got '%.100s'", sql, want, c->rows);
        return false;
    }
    return true;
}

/* ---- transactions ---------------------------------------------------------- */

typedef migrate_status (*tx_fn)(void *conn, migrate_result *out, migrate_error **err);

static migrate_status by_member(struct mig_cf_conn *c, tx_fn fn, const char *name)
{
    migrate_error *err = NULL;
    begin_call(c);
    migrate_status status = fn(c->conn, &c->last.r, &err);
    mig_cf_watch(c, name, status, err);
    watch_result(c, name);
    return status;
}

migrate_status mig_cf_begin_tx(struct mig_cf_conn *c)
{
    const migrate_driver *d = c->db->driver;
    if (mig_cf_has(d, CF_MEMBER(begin))) {
        return by_member(c, d->begin, "begin()");
    }
    return mig_cf_flagged(c, d->dialect == MIGRATE_DIALECT_SQLITE ? "BEGIN IMMEDIATE" : "BEGIN",
                          MIGRATE_STMT_BOOKKEEPING);
}

migrate_status mig_cf_commit(struct mig_cf_conn *c)
{
    const migrate_driver *d = c->db->driver;
    if (mig_cf_has(d, CF_MEMBER(commit))) {
        return by_member(c, d->commit, "commit()");
    }
    return mig_cf_flagged(c, "COMMIT", MIGRATE_STMT_BOOKKEEPING | MIGRATE_STMT_TX_END);
}

migrate_status mig_cf_rollback(struct mig_cf_conn *c)
{
    const migrate_driver *d = c->db->driver;
    if (mig_cf_has(d, CF_MEMBER(rollback))) {
        return by_member(c, d->rollback, "rollback()");
    }
    return mig_cf_flagged(c, "ROLLBACK", MIGRATE_STMT_BOOKKEEPING);
}

void mig_cf_session_id(struct mig_cf_conn *c, char *out, size_t size)
{
    migrate_info info = { .struct_size = sizeof(info) };
    migrate_error *err = NULL;
    out[0] = '\0';
    if (!mig_cf_has(c->db->driver, CF_MEMBER(info))) {
        return;
    }
    mig_cf_enter(&c->host);
    migrate_status status = c->db->driver->info(c->conn, &info, &err);
    mig_cf_watch(c, "info()", status, err);
    if (status == MIGRATE_OK && info.session_id) {
        snprintf(out, size, "%s", info.session_id);
    }
}
