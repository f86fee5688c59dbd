/* SPDX-License-Identifier: Apache-2.0 */

#include "host.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const migrate_driver *pg;

int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct test_host *self(const migrate_host *host)
{
    return host->self;
}

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

static migrate_status class_status(uint32_t klass)
{
    switch (klass) {
    case MIGRATE_FAULT_RETRY_TX:
    case MIGRATE_FAULT_RETRY_STMT:
    case MIGRATE_FAULT_LOCK_TIMEOUT:
        return MIGRATE_E_LOCKED;
    case MIGRATE_FAULT_CONN_LOST:
        return MIGRATE_E_CONN_LOST;
    case MIGRATE_FAULT_READ_ONLY:
        return MIGRATE_E_READ_ONLY;
    case MIGRATE_FAULT_UNAVAILABLE:
        return MIGRATE_E_UNAVAILABLE;
    case MIGRATE_FAULT_AUTH:
        return MIGRATE_E_AUTH;
    case MIGRATE_FAULT_DENIED:
        return MIGRATE_E_DENIED;
    case MIGRATE_FAULT_DISK_FULL:
        return MIGRATE_E_DISK_FULL;
    case MIGRATE_FAULT_TOO_LARGE:
        return MIGRATE_E_TOO_LARGE;
    case MIGRATE_FAULT_NO_DB:
        return MIGRATE_E_NO_DATABASE;
    default:
        return MIGRATE_E_SQL;
    }
}

static migrate_status on_fail(const migrate_host *host, migrate_error **err, const migrate_fault *f)
{
    struct test_host *h = self(host);
    (void)err;
    h->failures++;
    h->klass = f->klass;
    h->status = f->status ? f->status : class_status(f->klass);
    h->offset = f->offset;
    copy(h->sqlstate, sizeof h->sqlstate, f->sqlstate);
    copy(h->message, sizeof h->message, f->message);
    copy(h->detail, sizeof h->detail, f->detail);
    copy(h->hint, sizeof h->hint, f->hint);
    copy(h->object, sizeof h->object, f->object);
    return h->status;
}

static const char *on_option(const migrate_host *host, const char *key)
{
    struct test_host *h = self(host);
    for (size_t i = 0; h->options[i]; i += 2) {
        if (strcmp(h->options[i], key) == 0)
            return h->options[i + 1];
    }
    return NULL;
}

static void on_log(const migrate_host *host, uint32_t level, const char *text)
{
    (void)level;
    copy(self(host)->logged, sizeof self(host)->logged, text);
}

static void on_notice(const migrate_host *host, const char *severity, const char *sqlstate, const char *text)
{
    struct test_host *h = self(host);
    h->notices++;
    snprintf(h->notice, sizeof h->notice, "%s %s %s", severity, sqlstate, text);
}

static void on_progress(const migrate_host *host, const char *phase, uint64_t done, uint64_t total)
{
    struct test_host *h = self(host);
    (void)done;
    (void)total;
    h->progress++;
    copy(h->phase, sizeof h->phase, phase);
    void (*call)(void) = h->at_progress;
    h->at_progress = NULL;
    if (call)
        call();
}

static void on_release(migrate_credentials *cred)
{
    ((struct test_host *)cred->opaque)->released++;
}

static migrate_status on_credentials(const migrate_host *host, uint32_t reason, migrate_credentials *out,
                                     migrate_error **err)
{
    struct test_host *h = self(host);
    (void)reason;
    (void)err;
    h->asked++;
    *out = h->cred;
    out->struct_size = sizeof *out;
    out->release = on_release;
    out->opaque = h;
    return MIGRATE_OK;
}

static migrate_status on_tick(const migrate_host *host)
{
    struct test_host *h = self(host);
    h->ticks++;
    if (h->deadline && now_ms() >= h->deadline)
        return MIGRATE_E_DEADLINE;
    return h->stop && h->stop_at_tick && h->ticks >= h->stop_at_tick ? h->stop : MIGRATE_OK;
}

static int64_t on_remaining(const migrate_host *host)
{
    struct test_host *h = self(host);
    return h->deadline ? h->deadline - now_ms() : INT64_MAX;
}

static int32_t on_cancel_fd(const migrate_host *host)
{
    return self(host)->cancel_fd[0];
}

static migrate_status on_sleep(const migrate_host *host, uint32_t ms)
{
    nanosleep(&(struct timespec){ ms / 1000, (long)(ms % 1000) * 1000000 }, NULL);
    return on_tick(host);
}

void host_init(struct test_host *h)
{
    memset(h, 0, sizeof *h);
    h->host = (migrate_host){ sizeof h->host, h, on_fail, on_option, on_log, on_notice, on_progress,
                              on_credentials, on_tick, on_remaining, on_cancel_fd, on_sleep };
    if (pipe2(h->cancel_fd, O_CLOEXEC))
        h->cancel_fd[0] = h->cancel_fd[1] = -1;
}

void host_free(struct test_host *h)
{
    close(h->cancel_fd[0]);
    close(h->cancel_fd[1]);
}

void host_option(struct test_host *h, const char *key, const char *value)
{
    size_t i = 0;
    while (h->options[i])
        i += 2;
    h->options[i] = key;
    h->options[i + 1] = value;
}

static const char *with_query(const char *url, const char *query)
{
    static char text[1024];
    snprintf(text, sizeof text, "%s%s%s", url, query ? "?" : "", query ? query : "");
    return text;
}

const char *pg_url(const char *query)
{
    return with_query(getenv("PG_URL"), query);
}

const char *bouncer_url(const char *query)
{
    return with_query(getenv("BOUNCER_URL"), query);
}

void *open_url(struct test_host *h, const char *url)
{
    void *conn = NULL;
    migrate_status status = pg->open(&h->host, url, &conn, NULL);
    ck_assert_msg(status == MIGRATE_OK, "open: %d %s", status, h->message);
    ck_assert_ptr_nonnull(conn);
    return conn;
}

migrate_status run(void *conn, const char *sql, migrate_result *out)
{
    migrate_stmt stmt = { .struct_size = sizeof stmt, .sql = sql, .sql_len = strlen(sql) };
    migrate_result result = { .struct_size = sizeof result };
    return pg->exec(conn, &stmt, out ? out : &result, NULL);
}

void must(void *conn, const char *sql)
{
    migrate_result result = { .struct_size = sizeof result };
    migrate_status status = run(conn, sql, &result);
    ck_assert_msg(status == MIGRATE_OK && result.outcome == MIGRATE_OUTCOME_DONE, "%d: %s", status, sql);
}

static int32_t take_value(void *user, uint32_t n, const migrate_text *cols)
{
    char *out = user;
    if (n && cols[0].data)
        snprintf(out, 4096, "%.*s", (int)cols[0].len, cols[0].data);
    return 1;
}

const char *value(void *conn, const char *sql)
{
    static char text[4096];
    text[0] = '\0';
    migrate_stmt stmt = { .struct_size = sizeof stmt,
                          .sql = sql,
                          .sql_len = strlen(sql),
                          .on_row = take_value,
                          .on_row_user = text };
    migrate_result result = { .struct_size = sizeof result };
    migrate_status status = pg->exec(conn, &stmt, &result, NULL);
    ck_assert_msg(status == MIGRATE_OK, "%d: %s", status, sql);
    return text;
}
