/* SPDX-License-Identifier: Apache-2.0 */

/* A statement that has been silent for a while is looked at by a second connection: how far an index build
 * is, and who blocks it. That connection is opened when it is first needed, never waited for, and does
 * without where it cannot be had. */

#include <stdlib.h>
#include <string.h>

#include "pg.h"
#include "util/mem.h"

enum { SILENT_MS = 1000, EVERY_MS = 1000 };

enum watch_state { CONNECTING, IDLE, ASKING, OFF };

struct mig_pg_watch {
    PGconn          *pg;
    enum watch_state state;
    short            events; /* to poll for */
    int64_t          next;   /* when to ask again */
};

/* ---- connecting ---- */

/* To where the first connection has led, not to where the URL might lead now. */
static void add_params(const struct mig_pg *c, const PQconninfoOption *used, const char **keys,
                       const char **values, size_t *n)
{
    static const char *const left_out[] = { "host", "hostaddr", "port", "options", "target_session_attrs",
                                            "load_balance_hosts", "application_name" };
    for (const PQconninfoOption *o = used; o && o->keyword && *n + 8 < MIG_PG_PARAMS_MAX; o++) {
        bool ours = false;
        for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
            ours |= strcmp(o->keyword, left_out[i]) == 0;
        if (ours || !o->val || !*o->val)
            continue;
        keys[*n] = o->keyword;
        values[(*n)++] = o->val;
    }
    const char *const more[][2] = { { "host", PQhost(c->pg) },
                                    { "hostaddr", PQhostaddr(c->pg) },
                                    { "port", PQport(c->pg) },
                                    { "application_name", "libmigrate watch" },
                                    { "options", "-c statement_timeout=2000" } };
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        if (!more[i][1] || !*more[i][1])
            continue;
        keys[*n] = more[i][0];
        values[(*n)++] = more[i][1];
    }
    keys[*n] = values[*n] = NULL;
}

static void ignore_notice(void *arg, const PGresult *r)
{
    (void)arg;
    (void)r;
}

static void start(struct mig_pg *c)
{
    const char *keys[MIG_PG_PARAMS_MAX + 1], *values[MIG_PG_PARAMS_MAX + 1];
    size_t n = 0;
    struct mig_pg_watch *w = calloc(1, sizeof *w);
    if (!w)
        return;
    c->watch = w;
    PQconninfoOption *used = PQconninfo(c->pg);
    if (used) {
        add_params(c, used, keys, values, &n);
        w->pg = PQconnectStartParams(keys, values, 0);
    }
    PQconninfoFree(used);
    w->events = POLLOUT;
    w->state = w->pg && PQstatus(w->pg) != CONNECTION_BAD ? CONNECTING : OFF;
    if (w->pg)
        PQsetNoticeReceiver(w->pg, ignore_notice, NULL);
}

static void connect_on(struct mig_pg_watch *w)
{
    switch (PQconnectPoll(w->pg)) {
    case PGRES_POLLING_READING:
        w->events = POLLIN;
        break;
    case PGRES_POLLING_WRITING:
        w->events = POLLOUT;
        break;
    case PGRES_POLLING_OK:
        PQsetnonblocking(w->pg, 1);
        w->state = IDLE;
        break;
    default:
        w->state = OFF;
        break;
    }
}

/* ---- asking ---- */

/* Rows of (text, done, total); one that is blocked has neither. */
static const char question[] =
    "SELECT 'blocked: session ' || b.pid || ' of ' || COALESCE(b.usename, '?') || COALESCE(' (' || "
    "NULLIF(b.application_name, '') || ')', '') || COALESCE(' from ' || pg_catalog.host(b.client_addr), '') "
    "|| "
    "COALESCE(', since ' || pg_catalog.date_part('epoch', pg_catalog.date_trunc('second', pg_catalog.now() - "
    "b.xact_start)) || ' s', '') || ': ' || COALESCE(pg_catalog.left(pg_catalog.regexp_replace(b.query, "
    "'\\s+', ' ', "
    "'g'), 120), ''), 0, 0 FROM pg_catalog.pg_stat_activity b WHERE b.pid = ANY "
    "((SELECT pg_catalog.pg_blocking_pids(%d))::int[]) "
    "UNION ALL (SELECT phase, CASE WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END, CASE WHEN "
    "blocks_total > 0 "
    "THEN blocks_total ELSE tuples_total END FROM pg_catalog.pg_stat_progress_create_index WHERE pid = %d) "
    "UNION ALL (SELECT 'vacuum: ' || phase, heap_blks_scanned, heap_blks_total FROM "
    "pg_catalog.pg_stat_progress_vacuum "
    "WHERE pid = %d) "
    "UNION ALL (SELECT 'cluster: ' || phase, heap_blks_scanned, heap_blks_total FROM "
    "pg_catalog.pg_stat_progress_cluster WHERE pid = %d)";

static void ask(struct mig_pg *c, struct mig_pg_watch *w, int64_t now)
{
    int pid = PQbackendPID(c->pg);
    char *sql = mig_sprintf(question, pid, pid, pid, pid);
    w->next = now + EVERY_MS;
    if (sql && PQsendQuery(w->pg, sql)) {
        w->state = ASKING;
        w->events = POLLIN;
    } else {
        w->state = sql ? OFF : IDLE;
    }
    free(sql);
}

static void tell(const struct mig_pg *c, const PGresult *r)
{
    const migrate_host *host = c->host;
    if (PQntuples(r) == 0 || !MIGRATE_HAS(migrate_host, host, progress) || !host->progress)
        return;
    const char *text = PQgetvalue(r, 0, 0);
    uint64_t done = strtoull(PQgetvalue(r, 0, 1), NULL, 10), total = strtoull(PQgetvalue(r, 0, 2), NULL, 10);
    host->progress(host, text, done < total ? done : total, total);
}

static void listen_on(struct mig_pg *c, struct mig_pg_watch *w)
{
    if (!PQconsumeInput(w->pg)) {
        w->state = OFF;
        return;
    }
    while (!PQisBusy(w->pg)) {
        PGresult *r = PQgetResult(w->pg);
        if (!r) {
            w->state = IDLE;
            return;
        }
        if (PQresultStatus(r) == PGRES_TUPLES_OK)
            tell(c, r);
        else
            w->next = INT64_MAX; /* not here: do not ask again */
        PQclear(r);
    }
}

/* ---- turns ---- */

int mig_pg_watch_poll(const struct mig_pg *c, short *events)
{
    const struct mig_pg_watch *w = c->watch;
    if (!w || (w->state != CONNECTING && w->state != ASKING))
        return -1;
    *events = w->events;
    return PQsocket(w->pg);
}

static bool can_watch(const struct mig_pg *c)
{
    return !c->pooled && mig_pg_genuine(c) && PQserverVersion(c->pg) >= 120000 && PQbackendPID(c->pg);
}

void mig_pg_watch_step(struct mig_pg *c, int64_t now, bool ready)
{
    bool silent = now - c->answered >= SILENT_MS;
    if (!c->watch && silent && can_watch(c))
        start(c);
    struct mig_pg_watch *w = c->watch;
    if (!w)
        return;
    if (ready && w->state == CONNECTING)
        connect_on(w);
    else if (ready && w->state == ASKING)
        listen_on(c, w);
    if (silent && w->state == IDLE && now >= w->next)
        ask(c, w, now);
}

void mig_pg_watch_free(struct mig_pg *c)
{
    struct mig_pg_watch *w = c->watch;
    if (!w)
        return;
    PQfinish(w->pg);
    free(w);
    c->watch = NULL;
}
