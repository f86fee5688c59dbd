/* SPDX-License-Identifier: Apache-2.0 */

/* PostgreSQL itself judges what is said to refuse a transaction: each statement of a file, one a line, is
 * sent inside of BEGIN. 25001 must come where ALONE is said, and nowhere else.
 *
 *     judge_postgres FILE        the server is $PG_URL
 *
 * A statement that fails for another reason first (a file that is not there, no connection) is passed over.
 */

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <migrate/driver.h>

#include "sql/classify.h"

static const char *const fixture[] = {
    "CREATE DATABASE judge_db",
    "CREATE TABLE t (a int PRIMARY KEY, b int)",
    "CREATE INDEX ti ON t (a)",
    "CLUSTER t USING ti",
    "ALTER TABLE t ADD CONSTRAINT tc CHECK (b > 0) NOT VALID",
    "CREATE TABLE p (a int) PARTITION BY RANGE (a)",
    "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
    "CREATE MATERIALIZED VIEW mv AS SELECT 1 AS a",
    "CREATE UNIQUE INDEX ON mv (a)",
    "CREATE TYPE en AS ENUM ('a')",
    "CREATE PUBLICATION x FOR TABLE t",
    "CREATE SUBSCRIPTION judge_s CONNECTION 'dbname=nowhere' PUBLICATION x WITH (connect = false, "
    "slot_name = 'judge_s', create_slot = false)",
    "ALTER SUBSCRIPTION judge_s ENABLE",
    "CREATE PROCEDURE proc() LANGUAGE sql AS 'SELECT 1'",
};

/* A subscription without a slot may be dropped in a transaction, which its name does not tell. */
static const char *const allowed[] = { "DROP SUBSCRIPTION judge_none" };

static const char *state_of(PGconn *conn, const char *sql, char out[6])
{
    PGresult *r = PQexec(conn, sql);
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);

    snprintf(out, 6, "%s", state != NULL ? state : "");
    PQclear(r);
    return out;
}

static bool is_allowed(const char *sql)
{
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        if (strcmp(sql, allowed[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* -1 passed over, 0 as said, 1 a fault. */
static int judge(PGconn *conn, const char *sql)
{
    struct mig_sql_dialect_info di = { .dialect = MIGRATE_DIALECT_POSTGRES };
    struct mig_sql_facts f;
    char state[6];

    di.version = (uint32_t)PQserverVersion(conn);
    mig_sql_classify(&di, sql, strlen(sql), &f);
    PQclear(PQexec(conn, "BEGIN"));
    state_of(conn, sql, state);
    PQclear(PQexec(conn, "ROLLBACK"));
    bool refused = strcmp(state, "25001") == 0;
    bool said = (f.flags & MIG_SQL_ALONE) != 0;
    if (state[0] != '\0' && !refused) {
        return said ? -1 : 0;
    }
    return refused == said || is_allowed(sql) ? 0 : 1;
}

int main(int argc, char **argv)
{
    char line[4096];
    size_t counts[3] = { 0, 0, 0 };
    const char *url = getenv("PG_URL");
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    PGconn *conn = url != NULL ? PQconnectdb(url) : NULL;

    if (file == NULL || conn == NULL || PQstatus(conn) != CONNECTION_OK) {
        fprintf(stderr, "usage: PG_URL=… judge_postgres FILE\n");
        return 2;
    }
    PQclear(PQexec(conn, "SET client_min_messages = error"));
    for (size_t i = 0; i < sizeof fixture / sizeof *fixture; i++) {
        char state[6];
        if (state_of(conn, fixture[i], state)[0] != '\0') {
            fprintf(stderr, "%s: %s", fixture[i], PQerrorMessage(conn));
            return 2;
        }
    }
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        int verdict = judge(conn, line);
        counts[verdict + 1]++;
        if (verdict > 0) {
            printf("not as said: %s\n", line);
        }
    }
    printf("%zu as said, %zu passed over, %zu faults\n", counts[1], counts[0], counts[2]);
    PQfinish(conn);
    fclose(file);
    return counts[2] != 0 || counts[1] < 80;
}
