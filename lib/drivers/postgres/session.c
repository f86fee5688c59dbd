/* SPDX-License-Identifier: Apache-2.0 */

/* Other sessions, by the identity that info() gives: "pid@start". */

#include <stdlib.h>
#include <string.h>

#include "pg.h"
#include "util/mem.h"
#include "util/text.h"

struct session {
    long long pid, start;
};

static bool parse(const char *id, struct session *s)
{
    char *end;
    if (!id || !mig_is_digit(*id))
        return false;
    s->pid = strtoll(id, &end, 10);
    if (*end != '@' || !mig_is_digit(end[1]))
        return false;
    s->start = strtoll(end + 1, &end, 10);
    return *end == '\0';
}

static migrate_status bad_id(const struct mig_pg *c, migrate_error **err)
{
    return mig_pg_refuse(c->host, err, MIGRATE_E_ARGUMENT, 0, "not the identity of a PostgreSQL session", NULL);
}

/* No row: gone. NULL: the start of another role's session is hidden from us. */
static int32_t take_state(void *user, uint32_t n, const migrate_text *cols)
{
    uint32_t *out = user;
    if (n == 0 || !cols[0].data)
        *out = MIGRATE_SESSION_UNKNOWN;
    else
        *out = cols[0].data[0] == 't' ? MIGRATE_SESSION_ALIVE : MIGRATE_SESSION_GONE;
    return 0;
}

migrate_status mig_pg_session_state(void *conn, const char *session_id, uint32_t *out, migrate_error **err)
{
    struct mig_pg *c = conn;
    struct session s;
    mig_pg_enter(c);
    if (!parse(session_id, &s))
        return bad_id(c, err);
    char *sql = mig_sprintf("SELECT (pg_catalog.date_part('epoch', backend_start) * 1000000)::pg_catalog.int8 = %lld "
                            "FROM pg_catalog.pg_stat_activity WHERE pid = %lld",
                            s.start, s.pid);
    if (!sql)
        return mig_pg_nomem(c->host, err);
    uint32_t state = MIGRATE_SESSION_GONE;
    migrate_status status = mig_pg_query(c, sql, take_state, &state, err);
    free(sql);
    if (!status)
        *out = state;
    return status;
}

migrate_status mig_pg_session_end(void *conn, const char *session_id, migrate_error **err)
{
    struct mig_pg *c = conn;
    struct session s;
    mig_pg_enter(c);
    if (!parse(session_id, &s))
        return bad_id(c, err);
    char *sql = mig_sprintf("SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity "
                            "WHERE pid = %lld AND (pg_catalog.date_part('epoch', backend_start) * 1000000)"
                            "::pg_catalog.int8 = %lld",
                            s.pid, s.start);
    migrate_status status = sql ? mig_pg_query(c, sql, NULL, NULL, err) : mig_pg_nomem(c->host, err);
    free(sql);
    return status;
}
