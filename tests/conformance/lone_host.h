/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LONE_HOST_H
#define LONE_HOST_H

/* A host for tests of one driver alone: options from lines, the last fault kept, rows as text. */

#include <migrate/driver.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

struct lone {
    migrate_host host;
    const char *options; /* "key=value" lines */
    char value[100];
    migrate_fault fault; /* of the last failure */
    char message[500], hint[500];
    unsigned ticks;
    migrate_result result; /* of the last statement */
    char rows[2000];       /* "a|b\n", NULL is ~ */
};

static inline int64_t lone_now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static inline migrate_status lone_fail(const migrate_host *host, migrate_error **err,
                                       const migrate_fault *fault)
{
    struct lone *l = host->self;
    (void)err;
    l->fault = *fault;
    snprintf(l->message, sizeof(l->message), "%s", fault->message);
    snprintf(l->hint, sizeof(l->hint), "%s", fault->hint ? fault->hint : "");
    return fault->status ? fault->status : MIGRATE_E_SQL;
}

static inline const char *lone_option(const migrate_host *host, const char *key)
{
    struct lone *l = host->self;
    size_t len = strlen(key);
    for (const char *at = l->options; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
        if (strncmp(at, key, len) == 0 && at[len] == '=') {
            snprintf(l->value, sizeof(l->value), "%.*s", (int)strcspn(at + len + 1, "\n"), at + len + 1);
            return l->value;
        }
    }
    return NULL;
}

static inline migrate_status lone_tick(const migrate_host *host)
{
    struct lone *l = host->self;
    l->ticks++;
    return MIGRATE_OK;
}

static inline void lone_init(struct lone *l)
{
    memset(l, 0, sizeof(*l));
    l->host = (migrate_host){
        .struct_size = sizeof(l->host), .self = l, .fail = lone_fail, .option = lone_option, .tick = lone_tick
    };
}

static inline int32_t lone_row(void *user, uint32_t n, const migrate_text *cols)
{
    struct lone *l = user;
    size_t at = strlen(l->rows);
    for (uint32_t i = 0; i < n && at < sizeof(l->rows) - 2; i++) {
        int len = cols[i].data ? (int)cols[i].len : 1;
        at += (size_t)snprintf(l->rows + at, sizeof(l->rows) - at, "%s%.*s", i ? "|" : "", len,
                               cols[i].data ? cols[i].data : "~");
    }
    snprintf(l->rows + (at < sizeof(l->rows) ? at : sizeof(l->rows) - 1), 2, "\n");
    return 0;
}

static inline migrate_status lone_exec(struct lone *l, const migrate_driver *d, void *conn, const char *sql)
{
    migrate_stmt stmt = {
        .struct_size = sizeof(stmt), .sql = sql, .sql_len = strlen(sql), .on_row = lone_row, .on_row_user = l
    };
    memset(&l->result, 0, sizeof(l->result));
    l->result.struct_size = sizeof(l->result);
    l->rows[0] = '\0';
    l->ticks = 0;
    return d->exec(conn, &stmt, &l->result, NULL);
}

#endif
