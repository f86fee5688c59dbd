/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOTSTRAP_H
#define BOOTSTRAP_H

/* What the files of the bootstrap share. It is a client of include/migrate alone: the handler is the library's, this
 * program brings the Runtime API's HTTP, the log and the process. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <migrate/lambda.h>
#include <migrate/migrate.h>

/* ---- log (log.c) ------------------------------------------------------------------- */

enum boot_level { BOOT_TRACE, BOOT_DEBUG, BOOT_INFO, BOOT_WARN, BOOT_ERROR, BOOT_FATAL };

struct boot_log {
    bool json;
    enum boot_level level;
    char request_id[128]; /* of the invocation that is served, or "" */
};

void boot_log_init(struct boot_log *log);
/* One line, in one write. */
void boot_log(const struct boot_log *log, enum boot_level level, const char *text);
/* A receiver of migrate's events; @p user is the log. */
migrate_status boot_on_event(void *user, const migrate_event *event);

/* ---- text that grows (text.c) ------------------------------------------------------ */

struct boot_text {
    char *data; /* NUL-terminated once anything was added */
    size_t len, cap;
    bool oom;
};

void boot_text_add(struct boot_text *t, const void *data, size_t len);
void boot_text_str(struct boot_text *t, const char *text);
void boot_text_json(struct boot_text *t, const char *text); /* as a JSON string */
void boot_text_free(struct boot_text *t);

/* ---- signals (signals.c) ----------------------------------------------------------- */

/* SIGTERM and SIGINT are blocked, but while somebody waits in boot_wait(). */
void boot_signals_init(void);
bool boot_signalled(void);
/* Waits until @p fd is readable or writable (POLLIN, POLLOUT). 1 it is; 0 time is over; -1 a signal came. @p ms -1: no
 * limit. */
int boot_wait(int fd, short events, int64_t ms);

/* ---- HTTP/1.1 to the Runtime API (http.c, http_read.c) ------------------------------ */

struct boot_http {
    char host[256];
    char port[8];
    int fd; /* -1 when there is none */
    void (*meanwhile)(void *user); /* called once, when the next request is sent and before its answer is awaited */
    void *user;
};

struct boot_response {
    int status;
    struct boot_text head; /* lines "name: value\n" */
    struct boot_text body;
    bool begun; /* some of it came, whatever became of the rest */
};

/* @p address: host:port. false: it is none. */
bool boot_http_init(struct boot_http *http, const char *address);
/* Sends a request and reads its answer. @p headers: lines that end in \r\n, or "". @p ms -1: waits for ever.
 * false: no answer. */
bool boot_http_do(struct boot_http *http, const char *method, const char *path, const char *headers, const char *body,
                  size_t body_len, int64_t ms, struct boot_response *out);
void boot_http_close(struct boot_http *http);
/* Copies the value of a header (any case) to @p to; "" if there is none or it is too long. */
void boot_header(const struct boot_response *response, const char *name, char *to, size_t cap);
void boot_response_free(struct boot_response *response);
/* Reads an answer from @p fd. *@p keep: the connection may be used again. */
bool boot_http_read(int fd, int64_t ms, struct boot_response *out, bool *keep);

/* ---- the Runtime API (runtime.c) ---------------------------------------------------- */

struct boot_invocation {
    char request_id[128];
    char invocation_id[128]; /* echoed if it came */
    char function_arn[512];
    char trace_id[512];
    int64_t remaining_ms;
    struct boot_text event;
};

enum boot_next { BOOT_NEXT, BOOT_STOPPED, BOOT_NO_API, BOOT_BROKEN };
enum boot_next boot_runtime_next(struct boot_http *http, struct boot_invocation *out);
void boot_invocation_free(struct boot_invocation *invocation);
/* @p error_type NULL: a result. The status of the API, 0 if there was no answer. */
int boot_runtime_answer(struct boot_http *http, const struct boot_invocation *invocation, const char *error_type,
                        const char *body, size_t len);
void boot_runtime_init_error(struct boot_http *http, const char *error_type, const char *message);

/* ---- serving (serve.c, drivers.c) --------------------------------------------------- */

/* Registers the drivers this program has. */
migrate_status boot_add_drivers(migrate_ctx *ctx, migrate_error **err);
/* Serves until it is told to end; the process's exit code. */
int boot_serve(const char *api);

#endif
