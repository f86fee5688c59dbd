/* SPDX-License-Identifier: Apache-2.0 */

/* The lease row. A lease only saves work and waiting: the fence keeps two writers apart. It is taken over when it has
 * expired by the database's clock and its holder's session is not seen any more. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <migrate/error.h>

#include "locks/locks.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/mem.h"

enum { TTL_MS = 30000, RENEW_EVERY_MS = 8000 };

struct row {
    char *owner, *session_id, *client, *machine;
    int64_t since_ms;
    bool expired, elsewhere, seen, oom;
};

struct lease {
    struct mig_lease_config c;
    void *second; /* connection for renewals */
    struct row row; /* last read; a holder's strings point into it */
    bool held;
};

static void row_clear(struct row *r)
{
    free(r->owner);
    free(r->session_id);
    free(r->client);
    free(r->machine);
    *r = (struct row){ 0 };
}

static void free_lease(void *self)
{
    struct lease *l = self;
    if (!l)
        return;
    if (l->second)
        l->c.driver->close(l->second);
    row_clear(&l->row);
    mig_wipe_free((char *)(uintptr_t)l->c.url);
    free((char *)(uintptr_t)l->c.table);
    free((char *)(uintptr_t)l->c.owner);
    free((char *)(uintptr_t)l->c.session_id);
    free((char *)(uintptr_t)l->c.client);
    free((char *)(uintptr_t)l->c.machine);
    free(l);
}

static bool copy(const char **text)
{
    if (!*text)
        return true;
    *text = mig_strdup(*text);
    return *text != NULL;
}

void *mig_lock_lease(const struct mig_lease_config *config)
{
    struct lease *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->c = *config;
    bool ok = copy(&l->c.url);
    ok &= copy(&l->c.table);
    ok &= copy(&l->c.owner);
    ok &= copy(&l->c.session_id);
    ok &= copy(&l->c.client);
    ok &= copy(&l->c.machine);
    if (ok)
        return l;
    free_lease(l);
    return NULL;
}

/* ---- SQL -------------------------------------------------------------------- */

static const char *now(uint32_t dialect)
{
    switch (dialect) {
    case MIGRATE_DIALECT_POSTGRES:
        return "pg_catalog.clock_timestamp()";
    case MIGRATE_DIALECT_MYSQL:
        return "UTC_TIMESTAMP(3)";
    case MIGRATE_DIALECT_SQLITE:
        return "strftime('%Y-%m-%d %H:%M:%f', 'now')";
    default:
        return "CURRENT_TIMESTAMP";
    }
}

static const char *later(uint32_t dialect)
{
    switch (dialect) {
    case MIGRATE_DIALECT_POSTGRES:
        return "pg_catalog.clock_timestamp() + '30 seconds'::pg_catalog.interval";
    case MIGRATE_DIALECT_MYSQL:
        return "UTC_TIMESTAMP(3) + INTERVAL 30 SECOND";
    case MIGRATE_DIALECT_SQLITE:
        return "strftime('%Y-%m-%d %H:%M:%f', 'now', '+30 seconds')";
    default:
        return "CURRENT_TIMESTAMP + INTERVAL '30' SECOND";
    }
}

/* A dump restored elsewhere carries the row along: it then names another database than the one it is in. */
static const char *identity(uint32_t dialect)
{
    return dialect == MIGRATE_DIALECT_POSTGRES
               ? "(SELECT oid::pg_catalog.text FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
               : "''";
}

static const char *instant(uint32_t dialect)
{
    return dialect == MIGRATE_DIALECT_POSTGRES
               ? "pg_catalog.to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')"
               : "since";
}

static migrate_status run(struct lease *l, void *conn, struct mig_buf *sql, const migrate_text *params, uint32_t n,
                          migrate_row_fn on_row, migrate_result *result, migrate_error **err)
{
    migrate_stmt stmt = { .struct_size = sizeof stmt,
                          .flags = MIGRATE_STMT_BOOKKEEPING,
                          .n_params = n,
                          .sql = mig_buf_text(sql),
                          .sql_len = sql->len,
                          .params = params,
                          .on_row = on_row,
                          .on_row_user = &l->row };
    *result = (migrate_result){ .struct_size = sizeof *result, .affected = -1 };
    if (sql->oom) {
        migrate_fault fault = { .struct_size = sizeof fault, .status = MIGRATE_E_NOMEM, .message = "out of memory" };
        return l->c.host->fail(l->c.host, err, &fault);
    }
    return l->c.driver->exec(conn, &stmt, result, err);
}

static char *column(const migrate_text *t, bool *oom)
{
    char *text = t->data ? mig_strndup(t->data, t->len) : NULL;
    *oom |= t->data && !text;
    return text;
}

static bool yes(const migrate_text *t)
{
    return t->data && t->len && (t->data[0] == '1' || t->data[0] == 't' || t->data[0] == 'T');
}

static int32_t on_row(void *user, uint32_t n, const migrate_text *c)
{
    struct row *r = user;
    if (n < 7 || r->seen)
        return 0;
    r->seen = true;
    r->owner = column(&c[0], &r->oom);
    r->session_id = column(&c[1], &r->oom);
    r->client = column(&c[2], &r->oom);
    r->machine = column(&c[3], &r->oom);
    char *since = column(&c[4], &r->oom);
    if (since)
        (void)mig_clock_parse(since, &r->since_ms);
    free(since);
    r->expired = yes(&c[5]);
    r->elsewhere = yes(&c[6]);
    return 0;
}

static migrate_status read_row(struct lease *l, migrate_error **err)
{
    uint32_t d = l->c.dialect;
    struct mig_buf sql = MIG_BUF_INIT;
    migrate_result result;
    row_clear(&l->row);
    mig_buf_fmt(&sql,
                "SELECT owner, session_id, client, host, %s, CASE WHEN expires_at < %s THEN 1 ELSE 0 END, "
                "CASE WHEN identity <> %s THEN 1 ELSE 0 END FROM %s WHERE id = 1",
                instant(d), now(d), identity(d), l->c.table);
    migrate_status status = run(l, l->c.conn, &sql, NULL, 0, on_row, &result, err);
    mig_buf_free(&sql);
    if (!status && l->row.oom) {
        migrate_fault fault = { .struct_size = sizeof fault, .status = MIGRATE_E_NOMEM, .message = "out of memory" };
        status = l->c.host->fail(l->c.host, err, &fault);
    }
    return status;
}

static migrate_text text_of(const char *s)
{
    return (migrate_text){ s, s ? strlen(s) : 0 };
}

/* Takes it from exactly the owner that was read; @p taken says whether it was still so. */
static migrate_status take(struct lease *l, bool *taken, migrate_error **err)
{
    uint32_t d = l->c.dialect;
    struct mig_buf sql = MIG_BUF_INIT;
    migrate_result result;
    migrate_text params[5] = { text_of(l->c.owner), text_of(l->c.session_id), text_of(l->c.client),
                               text_of(l->c.machine), text_of(l->row.owner) };
    mig_buf_fmt(&sql,
                "UPDATE %s SET owner = ?, session_id = ?, client = ?, host = ?, since = %s, expires_at = %s, identity = %s "
                "WHERE id = 1 AND owner %s",
                l->c.table, now(d), later(d), identity(d), l->row.owner ? "= ?" : "IS NULL");
    if (l->row.owner && !l->row.elsewhere)
        mig_buf_fmt(&sql, " AND expires_at < %s", now(d));
    migrate_status status = run(l, l->c.conn, &sql, params, l->row.owner ? 5 : 4, NULL, &result, err);
    mig_buf_free(&sql);
    *taken = !status && result.affected == 1;
    return status;
}

static void name_holder(const struct lease *l, migrate_holder *holder)
{
    if (!holder)
        return;
    holder->since_ms = l->row.since_ms;
    holder->session_id = l->row.session_id;
    holder->application = l->row.client;
    holder->host = l->row.machine;
}

/* An expired lease whose holder's session still works on something is not free. */
static bool still_there(struct lease *l)
{
    const migrate_driver *d = l->c.driver;
    if (!l->row.session_id || !MIGRATE_HAS(migrate_driver, d, session_state) || !d->session_state)
        return false;
    if (l->c.session_id && strcmp(l->c.session_id, l->row.session_id) == 0)
        return false; /* a pooler gave us the same one */
    uint32_t state = MIGRATE_SESSION_UNKNOWN;
    migrate_error *ignored = NULL;
    migrate_status status = d->session_state(l->c.conn, l->row.session_id, &state, &ignored);
    if (ignored)
        l->c.host->log(l->c.host, MIGRATE_LOG_DEBUG, "the lease holder's session cannot be looked up");
    migrate_error_free(ignored);
    return !status && state == MIGRATE_SESSION_ALIVE;
}

static migrate_status acquire(void *self, const migrate_host *host, const char *key, uint64_t *token,
                              migrate_holder *holder, migrate_error **err)
{
    struct lease *l = self;
    (void)host;
    (void)key;
    *token = 0;
    migrate_status status = read_row(l, err);
    if (status)
        return status;
    bool mine = l->row.owner && strcmp(l->row.owner, l->c.owner) == 0;
    bool may = !l->row.owner || mine || l->row.elsewhere || (l->row.expired && !still_there(l));
    if (mine)
        return MIGRATE_OK;
    bool taken = false;
    if (may)
        status = take(l, &taken, err);
    if (status)
        return status;
    if (!taken)
        name_holder(l, holder);
    l->held = taken;
    return taken ? MIGRATE_OK : MIGRATE_BUSY;
}

static migrate_status lost(const migrate_host *host, migrate_error **err)
{
    migrate_fault fault = { .struct_size = sizeof fault,
                            .status = MIGRATE_E_LOCK_LOST,
                            .message = "the lease on the migration lock is another's now" };
    return host->fail(host, err, &fault);
}

static migrate_status update_own(struct lease *l, void *conn, const char *set, migrate_error **err)
{
    struct mig_buf sql = MIG_BUF_INIT;
    migrate_result result;
    migrate_text owner = text_of(l->c.owner);
    mig_buf_fmt(&sql, "UPDATE %s SET %s WHERE id = 1 AND owner = ?", l->c.table, set);
    migrate_status status = run(l, conn, &sql, &owner, 1, NULL, &result, err);
    mig_buf_free(&sql);
    return !status && result.affected == 0 ? lost(l->c.host, err) : status;
}

static migrate_status release(void *self, const migrate_host *host, const char *key, migrate_error **err)
{
    struct lease *l = self;
    (void)host;
    (void)key;
    l->held = false;
    return update_own(l, l->c.conn, "owner = NULL, session_id = NULL", err);
}

static migrate_status renew(void *self, const migrate_host *host, const char *key, migrate_error **err)
{
    struct lease *l = self;
    (void)key;
    if (!l->c.url)
        return MIGRATE_OK;
    if (!l->second) {
        migrate_status status = l->c.driver->open(host, l->c.url, &l->second, err);
        if (status)
            return status;
    }
    char set[160];
    snprintf(set, sizeof set, "expires_at = %s", later(l->c.dialect));
    migrate_status status = update_own(l, l->second, set, err);
    if (status && status != MIGRATE_E_LOCK_LOST) {
        l->c.driver->close(l->second); /* a new one next time */
        l->second = NULL;
    }
    return status;
}

static migrate_status inspect(void *self, const migrate_host *host, const char *key, migrate_holder *holder,
                              migrate_error **err)
{
    struct lease *l = self;
    (void)host;
    (void)key;
    migrate_status status = read_row(l, err);
    if (status)
        return status;
    if (!l->row.owner || l->row.elsewhere)
        return MIGRATE_DONE;
    name_holder(l, holder);
    return MIGRATE_OK;
}

static migrate_status break_lock(void *self, const migrate_host *host, const char *key, const migrate_holder *holder,
                                 migrate_error **err)
{
    struct lease *l = self;
    struct mig_buf sql = MIG_BUF_INIT;
    migrate_result result;
    migrate_text session = text_of(holder->session_id);
    (void)key;
    mig_buf_fmt(&sql, "UPDATE %s SET owner = NULL, session_id = NULL WHERE id = 1%s", l->c.table,
                holder->session_id ? " AND session_id = ?" : "");
    migrate_status status = run(l, l->c.conn, &sql, &session, holder->session_id ? 1 : 0, NULL, &result, err);
    mig_buf_free(&sql);
    const migrate_driver *d = l->c.driver;
    if (!status && holder->session_id && MIGRATE_HAS(migrate_driver, d, session_end) && d->session_end) {
        migrate_error *ignored = NULL;
        if (d->session_end(l->c.conn, holder->session_id, &ignored))
            host->log(host, MIGRATE_LOG_INFO, "the holder's session could not be ended; its work is fenced off");
        migrate_error_free(ignored);
    }
    return status;
}

const struct migrate_lock_ops mig_lock_lease_ops = {
    .struct_size = sizeof(struct migrate_lock_ops),
    .api = MIGRATE_LOCK_API,
    .renew_every_ms = RENEW_EVERY_MS,
    .ttl_ms = TTL_MS,
    .name = "lease",
    .acquire = acquire,
    .release = release,
    .free = free_lease,
    .renew = renew,
    .inspect = inspect,
    .break_lock = break_lock,
};
