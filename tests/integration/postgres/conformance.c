/* SPDX-License-Identifier: Apache-2.0 */

/* The conformance suite over the PostgreSQL driver: a server itself, and pgbouncer in transaction mode. */

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include <migrate/drivers.h>

#include "../../conformance/told.h"

/* Ends a session by its identity, "pid@start". */
static migrate_status sever(void *user, const char *session_id)
{
    PGconn *pg = PQconnectdb(user);
    char sql[200];
    snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d)", atoi(session_id));
    PGresult *r = PQexec(pg, sql);
    migrate_status status = PQresultStatus(r) == PGRES_TUPLES_OK ? MIGRATE_OK : MIGRATE_E_CONNECT;
    PQclear(r);
    PQfinish(pg);
    return status;
}

static void *native_open(void *user)
{
    PGconn *pg = PQconnectdb(user);
    if (PQstatus(pg) == CONNECTION_OK)
        return pg;
    PQfinish(pg);
    return NULL;
}

static void native_close(void *user, void *native)
{
    (void)user;
    PQfinish(native);
}

static int run(const char *label, char *url, char *direct, const char *only, int all)
{
    struct told told = { .label = label };
    migrate_driver_quirks quirks = {
        .struct_size = sizeof(quirks),
        .url = url,
        .options = "lock_timeout=2s\nclient=conformance",
        .sql_slow = "SELECT pg_sleep(10)",
        .sql_bad = "SELECT 1 FROM WHERE",
        .sql_notice = "DO $$ BEGIN RAISE NOTICE 'conformance'; END $$",
        .user = direct,
        .sever = all ? sever : NULL,
        .native_open = all ? native_open : NULL,
        .native_close = native_close,
    };
    migrate_error *err = NULL;
    migrate_status status =
        migrate_conformance_driver(migrate_postgres_driver(), &quirks, only, told_case, &told, &err);
    if (status)
        printf("%s: %s\n", label, migrate_error_message(err));
    migrate_error_free(err);
    printf("%s: %u passed, %u failed, %u skipped\n", label, told.passed, told.failed, told.skipped);
    return status != MIGRATE_OK || told.passed == 0;
}

/* Behind a pooler a session is not one backend: the cases that end one and look whether it is gone do not
 * apply. */
static int run_pooled(char *url, char *direct, const char *only)
{
    static const char *const groups[] = { "driver/vtable",
                                          "driver/open",
                                          "driver/info",
                                          "driver/exec",
                                          "driver/struct",
                                          "driver/tx",
                                          "driver/failure",
                                          "driver/cancel",
                                          "driver/batch",
                                          "driver/reset",
                                          "driver/fingerprint",
                                          "driver/describe",
                                          NULL };
    int failed = 0;
    if (only)
        return run("pgbouncer", url, direct, only, 0);
    for (size_t i = 0; groups[i]; i++)
        failed |= run("pgbouncer", url, direct, groups[i], 0);
    printf("pgbouncer: driver/session skipped: a session is not one backend here\n");
    return failed;
}

int main(int argc, char **argv)
{
    char *direct = getenv("PG_URL"), *pooled = getenv("BOUNCER_URL");
    if (!direct) {
        fprintf(stderr, "skipped: PG_URL names no server; run this by with_pg.sh\n");
        return 77;
    }
    const char *only = argc > 1 ? argv[1] : NULL;
    int failed = run("postgres", direct, direct, only, 1);
    if (pooled)
        failed |= run_pooled(pooled, direct, only);
    return failed;
}
