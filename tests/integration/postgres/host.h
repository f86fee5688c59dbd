/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_PG_HOST_H
#define TEST_PG_HOST_H

/* A host for driver-level tests: it keeps what the driver says and can ask it to stop. */

#include <stdbool.h>

#include <migrate/driver.h>
#include <migrate/drivers.h>

struct test_host {
    migrate_host host;
    const char  *options[16]; /* key, value, …, NULL */
    /* the last failure */
    uint32_t klass;
    migrate_status status;
    uint64_t offset;
    char sqlstate[8], message[512], detail[512], hint[256], object[128];
    /* what was told */
    unsigned failures, notices, ticks, progress;
    void (*at_progress)(void); /* called when some is told, once */
    char notice[512], phase[256], logged[512];
    /* when to stop */
    migrate_status stop;      /* what tick() answers … */
    unsigned stop_at_tick;    /* … from that tick on, 0 never */
    int      cancel_fd[2];    /* a pipe, or -1 */
    int64_t  deadline;        /* monotonic ms, 0 none */
    /* credentials */
    migrate_credentials cred;
    unsigned asked, released;
};

void host_init(struct test_host *h);
void host_free(struct test_host *h);
void host_option(struct test_host *h, const char *key, const char *value);

/* The server's URL, with @p query appended ("x=y&…", may be NULL). Static until the next call. */
const char *pg_url(const char *query);
const char *bouncer_url(const char *query);

/* Opens or fails the test. */
void *open_url(struct test_host *h, const char *url);
migrate_status run(void *conn, const char *sql, migrate_result *out);
/* Runs or fails the test. */
void must(void *conn, const char *sql);
/* First column of the first row, "" for NULL or no row. Static until the next call. */
const char *value(void *conn, const char *sql);

int64_t now_ms(void);

extern const migrate_driver *pg;

#endif
