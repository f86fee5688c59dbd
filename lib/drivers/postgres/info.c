/* SPDX-License-Identifier: Apache-2.0 */

/* What the connection and its server are like, asked in one query. */

#include <stdlib.h>
#include <string.h>

#include "pg.h"
#include "util/text.h"

/* ---- flavours: told before any query, by what the server announced at log-in ---- */

static bool announces(const struct mig_pg *c, const char *name)
{
    return PQparameterStatus(c->pg, name) != NULL;
}

static bool host_holds(const struct mig_pg *c, const char *part)
{
    const char *host = PQhost(c->pg);
    return host && strstr(host, part);
}

const char *mig_pg_flavour(const struct mig_pg *c)
{
    if (announces(c, "crdb_version"))
        return "cockroach";
    if (host_holds(c, ".dsql.") && host_holds(c, ".on.aws"))
        return "dsql";
    if (PQserverVersion(c->pg) > 0 && PQserverVersion(c->pg) < 90000)
        return "redshift"; /* says 8.0.2 for ever */
    return "postgres";
}

bool mig_pg_genuine(const struct mig_pg *c)
{
    return strcmp(mig_pg_flavour(c), "postgres") == 0;
}

static uint64_t caps_of(const struct mig_pg *c, const char *flavour)
{
    uint64_t session = c->pooled ? 0 : MIGRATE_CAP_SESSION;
    if (strcmp(flavour, "cockroach") == 0)
        return MIGRATE_CAP_TRANSACTION | session;
    if (strcmp(flavour, "dsql") == 0)
        return MIGRATE_CAP_TRANSACTION | MIGRATE_CAP_DDL_ATOMIC | session;
    if (strcmp(flavour, "redshift") == 0)
        return MIGRATE_CAP_TRANSACTION | MIGRATE_CAP_DDL_ROLLBACK | MIGRATE_CAP_DDL_ATOMIC | session;
    uint64_t caps = MIGRATE_CAP_TRANSACTION | MIGRATE_CAP_DDL_ROLLBACK | MIGRATE_CAP_DDL_ATOMIC |
                    MIGRATE_CAP_BATCH_GROUPS | MIGRATE_CAP_INLINE_DATA | session;
    return c->pooled ? caps : caps | MIGRATE_CAP_SESSION_LOCK;
}

/* ---- the query ---- */

enum { F_PID, F_START, F_VERSION, F_DATABASE, F_SCHEMA, F_READ_ONLY, F_ROLE, F_PATH, F_AURORA, F_COUNT };

/* Text of each fact, behind one another in c->out; -1 NULL. */
struct facts {
    struct mig_pg *c;
    ptrdiff_t at[F_COUNT];
};

static int32_t take_facts(void *user, uint32_t n, const migrate_text *cols)
{
    struct facts *f = user;
    for (uint32_t i = 0; i < F_COUNT; i++) {
        f->at[i] = -1;
        if (i >= n || !cols[i].data)
            continue;
        f->at[i] = (ptrdiff_t)f->c->out.len;
        mig_buf_add(&f->c->out, cols[i].data, cols[i].len + 1);
    }
    return 0;
}

static const char *fact(const struct facts *f, int which)
{
    return f->at[which] < 0 ? NULL : f->c->out.data + f->at[which];
}

static const char simple_sql[] =
    "SELECT pg_backend_pid()::text, NULL, version(), current_database()::text, current_schema()::text, "
    "current_setting('transaction_read_only'), NULL, NULL, NULL";

/* A backend's start, in microseconds: with its pid an identity that no later session can have. */
static const char genuine_sql[] =
    "SELECT pg_catalog.pg_backend_pid()::text, "
    "(SELECT (pg_catalog.date_part('epoch', backend_start) * 1000000)::pg_catalog.int8::text "
    "FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())), "
    "pg_catalog.version(), pg_catalog.current_database()::text, pg_catalog.current_schema()::text, "
    "CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'on' "
    "ELSE pg_catalog.current_setting('transaction_read_only') END, "
    "pg_catalog.current_setting('role'), pg_catalog.current_setting('search_path'), "
    "pg_catalog.to_regproc('pg_catalog.aurora_version')::text";

/* From 14 on a backend notices within seconds that its client is dead, and ends what it runs for it. */
static const char check_client_sql[] =
    ", pg_catalog.set_config('client_connection_check_interval', '2s', false)";

static migrate_status ask(struct mig_pg *c, struct facts *f, migrate_error **err)
{
    struct mig_buf sql = MIG_BUF_INIT;
    bool genuine = mig_pg_genuine(c);
    bool check = genuine && !c->adopted && !c->pooled && PQserverVersion(c->pg) >= 140000;
    mig_buf_str(&sql, genuine ? genuine_sql : simple_sql);
    if (check)
        mig_buf_str(&sql, check_client_sql);
    mig_buf_reset(&c->out);
    for (int i = 0; i < F_COUNT; i++)
        f->at[i] = -1;
    migrate_status status =
        sql.oom ? mig_pg_nomem(c->host, err) : mig_pg_query(c, mig_buf_text(&sql), take_facts, f, err);
    mig_buf_free(&sql);
    if (!status)
        c->checks_client = check;
    return status;
}

/* ---- filling the answer ---- */

/* The pid the server told at log-in is the pooler's own if there is one. */
static bool behind_pooler(const struct mig_pg *c, const struct facts *f)
{
    const char *pid = fact(f, F_PID);
    return pid && strtoll(pid, NULL, 10) != PQbackendPID(c->pg);
}

/* "PostgreSQL 15.20 (Debian …) on …": the number the server calls itself. */
static uint32_t version_of(const struct mig_pg *c)
{
    int v = PQserverVersion(c->pg); /* 150020, 90624 */
    return (uint32_t)(v >= 100000 ? v / 10000 * 10000 + v % 10000 * 100 : v);
}

/* Start-up options that a pooler swallowed must not be thought to be in force. */
static migrate_status check_options(const struct mig_pg *c, const struct facts *f, migrate_error **err)
{
    const char *role = mig_pg_option(c->host, "role"), *seen = fact(f, F_ROLE);
    if (!role || !*role || !seen || strcmp(role, seen) == 0)
        return MIGRATE_OK;
    return mig_pg_refuse(c->host, err, MIGRATE_E_UNSUPPORTED, 0,
                         "the pooler in between ignores the role asked for",
                         "connect to the server itself, or log in as that role");
}

#define PUT(out, member, value)                     \
    do {                                            \
        if (MIGRATE_HAS(migrate_info, out, member)) \
            (out)->member = (value);                \
    } while (0)

/* Appends "first" + "second" + "third" to what is lent out. Where it begins. */
static ptrdiff_t append(struct mig_pg *c, const char *first, const char *second, const char *third)
{
    ptrdiff_t at = (ptrdiff_t)c->out.len;
    mig_buf_fmt(&c->out, "%s%s%s", first ? first : "", second, third ? third : "");
    mig_buf_char(&c->out, '\0');
    return at;
}

static uint64_t flags_of(const struct mig_pg *c, const struct facts *f)
{
    const char *read_only = fact(f, F_READ_ONLY);
    uint64_t flags = c->pooled ? MIGRATE_INFO_POOLED : 0;
    if (read_only && strcmp(read_only, "on") == 0)
        flags |= MIGRATE_INFO_READ_ONLY;
    return flags;
}

/* Encrypted, and to a server whose certificate was checked? */
static bool verified_tls(const struct mig_pg *c)
{
    if (!PQsslInUse(c->pg))
        return false;
    PQconninfoOption *used = PQconninfo(c->pg);
    bool verified = false;
    for (PQconninfoOption *o = used; o && o->keyword; o++) {
        if (strcmp(o->keyword, "sslmode") == 0)
            verified = o->val && mig_starts(o->val, "verify-");
    }
    PQconninfoFree(used);
    return verified;
}

static void fill(struct mig_pg *c, const struct facts *f, migrate_info *out)
{
    const char *flavour = fact(f, F_AURORA) ? "aurora" : mig_pg_flavour(c);
    const char *host = PQhost(c->pg), *port = PQport(c->pg), *start = fact(f, F_START), *pid = fact(f, F_PID);
    ptrdiff_t address = append(c, host, ":", port), session = append(c, pid, "@", start);
    if (c->out.oom)
        return;
    PUT(out, caps, caps_of(c, flavour));
    PUT(out, flags, flags_of(c, f) | (verified_tls(c) ? MIGRATE_INFO_TLS : 0));
    PUT(out, version, version_of(c));
    PUT(out, lex, mig_pg_lex(c));
    PUT(out, max_statement, 0x3fffffff - 64);
    PUT(out, max_call_ms, 0);
    PUT(out, product, "PostgreSQL");
    PUT(out, flavour, flavour);
    PUT(out, version_text, fact(f, F_VERSION));
    PUT(out, database, fact(f, F_DATABASE));
    PUT(out, schema, fact(f, F_SCHEMA));
    PUT(out, session_id, c->pooled ? mig_pg_pooled_id(c) : start ? c->out.data + session : NULL);
    PUT(out, address, c->out.data + address);
}

migrate_status mig_pg_info(void *conn, migrate_info *out, migrate_error **err)
{
    struct mig_pg *c = conn;
    struct facts f = { .c = c };
    mig_pg_enter(c);
    migrate_status status = ask(c, &f, err);
    if (status)
        return status;
    c->pooled |= behind_pooler(c, &f);
    if (c->pooled)
        status = check_options(c, &f, err);
    if (!status && c->pooled)
        status = mig_pg_pooled_name(c, err);
    if (!status)
        fill(c, &f, out);
    return !status && c->out.oom ? mig_pg_nomem(c->host, err) : status;
}
