/* SPDX-License-Identifier: Apache-2.0 */

/* The session lock: an advisory lock, only ever tried. A waiting session's snapshot would stop a CREATE INDEX
 * CONCURRENTLY of the holder, and the two would wait for each other; a try by simple query leaves none. */

#include <stdlib.h>
#include <string.h>

#include "pg.h"
#include "util/mem.h"

/* The number of a key: FNV-1a over its bytes, 64 bits, mixed once more so that short keys differ in every
 * bit. Every version of every program that shares a lock must make the same one. */
uint64_t mig_pg_lock_number(const char *key)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (const unsigned char *s = (const unsigned char *)key; *s; s++)
        h = (h ^ *s) * UINT64_C(1099511628211);
    h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}

static bool held(const struct mig_pg *c, uint64_t number)
{
    for (size_t i = 0; i < c->n_locks; i++) {
        if (c->locks[i] == number)
            return true;
    }
    return false;
}

static void forget(struct mig_pg *c, uint64_t number)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->n_locks; i++) {
        if (c->locks[i] != number)
            c->locks[kept++] = c->locks[i];
    }
    c->n_locks = kept;
}

static migrate_status no_session(const struct mig_pg *c, migrate_error **err)
{
    return mig_pg_refuse(
        c->host, err, MIGRATE_E_UNSUPPORTED, 0,
        "a session lock does not hold behind a pooler, which may change the session at any time",
        "use lock=lease, or connect to the server itself");
}

static int32_t take_bool(void *user, uint32_t n, const migrate_text *cols)
{
    *(bool *)user = n > 0 && cols[0].len == 1 && cols[0].data[0] == 't';
    return 0;
}

static migrate_status call(struct mig_pg *c, const char *function, uint64_t number, bool *out,
                           migrate_error **err)
{
    char *sql = mig_sprintf("SELECT pg_catalog.%s(%lld)", function, (long long)(int64_t)number);
    if (!sql)
        return mig_pg_nomem(c->host, err);
    *out = false;
    migrate_status status = mig_pg_query(c, sql, take_bool, out, err);
    free(sql);
    return status;
}

/* ---- who has it ---- */

enum { H_PID, H_START, H_SINCE_MS, H_APP, H_HOST, H_USER, H_DOING, H_COUNT };

struct finding {
    struct mig_pg *c;
    bool      found;
    ptrdiff_t at[H_COUNT];
    int64_t   since_ms;
};

static int32_t take_holder(void *user, uint32_t n, const migrate_text *cols)
{
    struct finding *f = user;
    if (n < H_COUNT || f->found)
        return 1;
    f->found = true;
    mig_buf_reset(&f->c->out);
    for (int i = 0; i < H_COUNT; i++) {
        f->at[i] = -1;
        if (!cols[i].data || !cols[i].len)
            continue;
        f->at[i] = (ptrdiff_t)f->c->out.len;
        mig_buf_add(&f->c->out, cols[i].data, cols[i].len + 1);
    }
    f->since_ms = cols[H_SINCE_MS].data ? strtoll(cols[H_SINCE_MS].data, NULL, 10) : 0;
    return 0;
}

/* A lock's own age is not kept: the session's is told. What a session of another role does is hidden. */
static const char holder_sql[] =
    "SELECT l.pid, (pg_catalog.date_part('epoch', a.backend_start) * 1000000)::pg_catalog.int8, "
    "(pg_catalog.date_part('epoch', a.backend_start) * 1000)::pg_catalog.int8, a.application_name, "
    "COALESCE(a.client_hostname, pg_catalog.host(a.client_addr), 'local'), a.usename, "
    "pg_catalog.left(pg_catalog.regexp_replace(a.query, '\\s+', ' ', 'g'), 120) "
    "FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = %lu AND l.objid = %lu "
    "AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) "
    "LIMIT 1";

static migrate_status find_holder(struct mig_pg *c, uint64_t number, struct finding *f, migrate_error **err)
{
    char *sql = mig_sprintf(holder_sql, (unsigned long)(number >> 32), (unsigned long)(number & 0xffffffff));
    if (!sql)
        return mig_pg_nomem(c->host, err);
    migrate_status status = mig_pg_query(c, sql, take_holder, f, err);
    free(sql);
    return status;
}

#define PUT(out, member, value)                       \
    do {                                              \
        if (MIGRATE_HAS(migrate_holder, out, member)) \
            (out)->member = (value);                  \
    } while (0)

static const char *text(const struct finding *f, int which)
{
    return f->at[which] < 0 ? NULL : f->c->out.data + f->at[which];
}

static void fill_holder(struct finding *f, migrate_holder *out)
{
    struct mig_pg *c = f->c;
    ptrdiff_t session = (ptrdiff_t)c->out.len;
    const char *start = text(f, H_START);
    if (start) {
        char *id = mig_sprintf("%s@%s", text(f, H_PID), start);
        if (id)
            mig_buf_add(&c->out, id, strlen(id) + 1);
        c->out.oom |= !id;
        free(id);
    }
    if (c->out.oom)
        return;
    PUT(out, since_ms, f->since_ms);
    PUT(out, session_id, start ? c->out.data + session : NULL);
    PUT(out, application, text(f, H_APP));
    PUT(out, host, text(f, H_HOST));
    PUT(out, user, text(f, H_USER));
    PUT(out, doing, text(f, H_DOING));
}

/* ---- the members ---- */

migrate_status mig_pg_lock_holder(void *conn, const char *key, migrate_holder *holder, migrate_error **err)
{
    struct mig_pg *c = conn;
    struct finding f = { .c = c };
    mig_pg_enter(c);
    migrate_status status = find_holder(c, mig_pg_lock_number(key), &f, err);
    if (status)
        return status;
    if (!f.found)
        return MIGRATE_DONE;
    if (holder)
        fill_holder(&f, holder);
    return MIGRATE_OK;
}

/* Naming the holder is a courtesy: that it fails does not make the lock free. */
static migrate_status busy(struct mig_pg *c, uint64_t number, migrate_holder *holder)
{
    struct finding f = { .c = c };
    if (holder && !find_holder(c, number, &f, NULL) && f.found)
        fill_holder(&f, holder);
    return MIGRATE_BUSY;
}

migrate_status mig_pg_try_lock(void *conn, const char *key, migrate_holder *holder, migrate_error **err)
{
    struct mig_pg *c = conn;
    uint64_t number = mig_pg_lock_number(key);
    mig_pg_enter(c);
    if (c->pooled)
        return no_session(c, err);
    if (held(c, number))
        return busy(c, number, holder);
    if (!mig_grow(&c->locks, &c->locks_cap, c->n_locks + 1, sizeof *c->locks))
        return mig_pg_nomem(c->host, err);
    bool got;
    migrate_status status = call(c, "pg_try_advisory_lock", number, &got, err);
    if (status)
        return status;
    if (!got)
        return busy(c, number, holder);
    c->locks[c->n_locks++] = number;
    return MIGRATE_OK;
}

migrate_status mig_pg_unlock(void *conn, const char *key, migrate_error **err)
{
    struct mig_pg *c = conn;
    uint64_t number = mig_pg_lock_number(key);
    bool released = false;
    mig_pg_enter(c);
    c->patience = MIG_PG_GRACE_MS; /* a run that was asked to stop unlocks, and waits for nothing else */
    if (c->pooled)
        return no_session(c, err);
    forget(c, number);
    migrate_status status = call(c, "pg_advisory_unlock", number, &released, err);
    if (status || released)
        return status;
    return mig_pg_refuse(c->host, err, MIGRATE_E_LOCK_LOST, 0, "the lock was not held any more",
                         "a migration may have run DISCARD ALL or pg_advisory_unlock_all()");
}
