/* SPDX-License-Identifier: Apache-2.0 */

/* Other sessions, by the identity that info() gives: "pid@start" of a backend. Behind a pooler the backend
 * changes, and outlives its client; there the connection gets an application name that nobody else has, and
 * "#name" is whoever runs a statement under it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pg.h"
#include "util/mem.h"
#include "util/text.h"

/* ---- behind a pooler ---- */

/* Unlike any other: no secret, only never twice. */
static uint64_t token(const struct mig_pg *c)
{
    struct timespec now;
    char text[128];
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(text, sizeof text, "%lld.%ld.%ld.%p.%d", (long long)now.tv_sec, now.tv_nsec, (long)getpid(),
             (const void *)c, PQbackendPID(c->pg));
    return mig_pg_lock_number(text);
}

void mig_pg_pooled_name_sql(struct mig_buf *out, const struct mig_pg *c)
{
    if (!*c->pooled_name)
        return;
    mig_buf_str(out, "; SET application_name = ");
    mig_pg_literal(out, c->pooled_name, strlen(c->pooled_name));
}

/* A pooler that keeps parameters gives the name to every backend that runs something for us. */
migrate_status mig_pg_pooled_name(struct mig_pg *c, migrate_error **err)
{
    enum { CUT = 40 }; /* the server cuts names at 63 */
    const char *client = mig_pg_option(c->host, "client");
    if (c->adopted || *c->pooled_name || !mig_pg_genuine(c))
        return MIGRATE_OK;
    const char *name = client && *client ? client : "libmigrate";
    size_t len = mig_utf8_cut(name, strlen(name), CUT);
    snprintf(c->pooled_name, sizeof c->pooled_name, "%.*s #%016llx", (int)len, name,
             (unsigned long long)token(c));
    struct mig_buf sql = MIG_BUF_INIT;
    mig_pg_pooled_name_sql(&sql, c);
    migrate_status status =
        sql.oom ? mig_pg_nomem(c->host, err) : mig_pg_query(c, mig_buf_text(&sql) + 2, NULL, NULL, err);
    mig_buf_free(&sql);
    return status;
}

const char *mig_pg_pooled_id(const struct mig_pg *c)
{
    return *c->pooled_name ? strrchr(c->pooled_name, '#') : NULL;
}

/* ---- which sessions ---- */

/* Writes the condition that a row of pg_stat_activity is of session @p id. false: it is no identity. */
static bool condition(struct mig_buf *out, const char *id)
{
    if (id && *id == '#' && strspn(id + 1, "0123456789abcdef") == 16 && !id[17]) {
        mig_buf_fmt(
            out, "pg_catalog.right(application_name, 17) = '%s' AND pid <> pg_catalog.pg_backend_pid()", id);
        return true;
    }
    char *end;
    if (!id || !mig_is_digit(*id))
        return false;
    long long pid = strtoll(id, &end, 10);
    if (*end != '@' || !mig_is_digit(end[1]))
        return false;
    long long start = strtoll(end + 1, &end, 10);
    mig_buf_fmt(out,
                "pid = %lld AND COALESCE((pg_catalog.date_part('epoch', backend_start) * 1000000)"
                "::pg_catalog.int8 = %lld, true)",
                pid, start);
    return *end == '\0';
}

static migrate_status bad_id(const struct mig_pg *c, migrate_error **err)
{
    return mig_pg_refuse(c->host, err, MIGRATE_E_ARGUMENT, 0, "not the identity of a PostgreSQL session",
                         NULL);
}

/* The start of another role's session is hidden from us: then it may be another one with the same pid. */
static int32_t take_state(void *user, uint32_t n, const migrate_text *cols)
{
    uint32_t *out = user;
    bool known = n > 0 && cols[0].data && cols[0].data[0] == 't';
    if (known || *out != MIGRATE_SESSION_ALIVE)
        *out = known ? MIGRATE_SESSION_ALIVE : MIGRATE_SESSION_UNKNOWN;
    return 0;
}

migrate_status mig_pg_session_state(void *conn, const char *session_id, uint32_t *out, migrate_error **err)
{
    struct mig_pg *c = conn;
    struct mig_buf sql = MIG_BUF_INIT;
    mig_pg_enter(c);
    bool pooled = session_id && *session_id == '#';
    mig_buf_fmt(&sql, "SELECT %s FROM pg_catalog.pg_stat_activity WHERE ",
                pooled ? "state <> 'idle'" : "backend_start IS NOT NULL");
    if (!condition(&sql, session_id)) {
        mig_buf_free(&sql);
        return bad_id(c, err);
    }
    /* A client of a pooler that runs nothing cannot be seen. */
    uint32_t state = pooled ? MIGRATE_SESSION_UNKNOWN : MIGRATE_SESSION_GONE;
    migrate_status status =
        sql.oom ? mig_pg_nomem(c->host, err) : mig_pg_query(c, mig_buf_text(&sql), take_state, &state, err);
    mig_buf_free(&sql);
    if (!status)
        *out = state;
    return status;
}

/* Behind a pooler only a backend that runs something: an idle one may be another client's by now. */
migrate_status mig_pg_session_end(void *conn, const char *session_id, migrate_error **err)
{
    struct mig_pg *c = conn;
    struct mig_buf sql = MIG_BUF_INIT;
    mig_pg_enter(c);
    mig_buf_fmt(&sql,
                "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE %s ",
                session_id && *session_id == '#' ? "state <> 'idle' AND" : "");
    migrate_status status = MIGRATE_OK;
    if (!condition(&sql, session_id))
        status = bad_id(c, err);
    else if (sql.oom)
        status = mig_pg_nomem(c->host, err);
    if (!status)
        status = mig_pg_query(c, mig_buf_text(&sql), NULL, NULL, err);
    mig_buf_free(&sql);
    return status;
}
