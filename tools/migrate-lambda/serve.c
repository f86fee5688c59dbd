/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: next, handle, answer. The handler works on a thread of its own, so that this one is there to answer whatever
 * happens, and to be told to stop. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "bootstrap.h"

extern char **environ;

struct server {
    struct boot_log log;
    struct boot_http http;
    migrate_lambda *lambda;
    migrate_error *unusable; /* why there is no handler */
};

/* ---- configuration ----------------------------------------------------------------- */

static migrate_status on_setup(void *user, migrate_ctx *ctx, migrate_error **err)
{
    migrate_ctx_on_event(ctx, boot_on_event, user, NULL);
    return boot_add_drivers(ctx, err);
}

static void log_failure(struct server *s, enum boot_level level, migrate_error *err)
{
    boot_log(&s->log, level, migrate_error_text(err));
    migrate_error_free(err);
}

/* What cannot be used is the answer to every invocation, so that CloudFormation gets one too; without a mode it is not
 * known how to answer. */
static migrate_status read_environment(struct server *s, migrate_error **err)
{
    for (char **e = environ; *e; e++) {
        char *copy = strdup(*e), *value = copy ? strchr(copy, '=') : NULL;
        migrate_error *why = NULL;
        if (!copy)
            return migrate_error_make(err, MIGRATE_E_NOMEM, "out of memory", NULL);
        if (value)
            *value++ = '\0';
        migrate_status status = value ? migrate_lambda_env(s->lambda, copy, value, &why) : MIGRATE_OK;
        bool fatal = status == MIGRATE_E_NOMEM || (status != MIGRATE_OK && strcmp(copy, "MIGRATE_MODE") == 0);
        free(copy);
        if (fatal) {
            *err = why;
            return status;
        }
        if (status != MIGRATE_OK)
            log_failure(s, BOOT_ERROR, why);
    }
    return MIGRATE_OK;
}

static migrate_status make_handler(struct server *s, migrate_error **err)
{
    migrate_status status = migrate_lambda_new(&s->lambda, err);
    if (status == MIGRATE_OK)
        status = read_environment(s, err);
    if (status == MIGRATE_OK)
        migrate_lambda_on_setup(s->lambda, on_setup, &s->log, NULL);
    return status;
}

static void prepare(void *user)
{
    struct server *s = user;
    if (make_handler(s, &s->unusable) == MIGRATE_OK)
        return;
    migrate_lambda_free(s->lambda);
    s->lambda = NULL;
}

/* ---- one invocation ---------------------------------------------------------------- */

struct job {
    struct server *server;
    const struct boot_invocation *invocation;
    migrate_lambda_reply *reply;
    migrate_error *err;
    int done_fd; /* becomes readable at the end */
};

static void *work(void *user)
{
    struct job *job = user;
    const struct boot_invocation *i = job->invocation;
    uint64_t one = 1;
    migrate_status status = migrate_lambda_handle(
        job->server->lambda, i->event.data ? i->event.data : "", i->event.len, i->request_id, i->remaining_ms,
        *i->function_arn ? i->function_arn : NULL, &job->reply, &job->err);
    (void)status; /* without a reply there is an error */
    while (write(job->done_fd, &one, sizeof one) < 0)
        continue;
    return NULL;
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* False: the time of the invocation is over and the handler has not come back. */
static bool wait_for(struct job *job)
{
    int64_t left = job->invocation->remaining_ms;
    int64_t until = now_ms() + left - (left > 4000 ? 500 : left / 8);
    bool told = false;
    for (;;) {
        int64_t rest = until - now_ms();
        int n = boot_wait(job->done_fd, POLLIN, rest > 0 ? rest : 0);
        if (n > 0)
            return true;
        if (n == 0)
            return false;
        if (boot_signalled() && !told) {
            boot_log(&job->server->log, BOOT_WARN, "told to end: stopping between statements");
            migrate_lambda_stop(job->server->lambda);
            told = true;
        }
    }
}

static bool start(struct job *job, pthread_t *thread)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    (void)pthread_attr_setstacksize(&attributes, (size_t)2 * 1024 * 1024); /* musl's own are small */
    bool started = pthread_create(thread, &attributes, work, job) == 0;
    (void)pthread_attr_destroy(&attributes);
    return started;
}

static void set_trace(const struct boot_invocation *invocation)
{
    if (*invocation->trace_id)
        (void)setenv("_X_AMZN_TRACE_ID", invocation->trace_id, 1);
    else
        (void)unsetenv("_X_AMZN_TRACE_ID");
}

/* ---- answers ----------------------------------------------------------------------- */

static int answer_error(struct server *s, const struct boot_invocation *invocation, const char *type,
                        const char *message)
{
    struct boot_text body = { .data = NULL };
    int status = 0;
    boot_log(&s->log, BOOT_ERROR, message);
    boot_text_str(&body, "{\"errorType\":");
    boot_text_json(&body, type);
    boot_text_str(&body, ",\"errorMessage\":");
    boot_text_json(&body, message);
    boot_text_str(&body, ",\"stackTrace\":[],\"trace\":[");
    boot_text_json(&body, message);
    boot_text_str(&body, "]}");
    if (!body.oom)
        status = boot_runtime_answer(&s->http, invocation, type, body.data, body.len);
    boot_text_free(&body);
    return status;
}

static void log_reply(struct server *s, const migrate_lambda_reply *reply)
{
    migrate_status status = migrate_lambda_reply_status(reply);
    enum boot_level level = BOOT_INFO;
    struct boot_text line = { .data = NULL };
    if (status != MIGRATE_OK)
        level = MIGRATE_STATUS_CLASS(status) == MIGRATE_CLASS_STOPPED ? BOOT_WARN : BOOT_ERROR;
    if (status != MIGRATE_OK) {
        boot_text_str(&line, migrate_status_name(status));
        boot_text_str(&line, ": ");
    }
    boot_text_str(&line, migrate_lambda_reply_text(reply));
    if (!line.oom)
        boot_log(&s->log, level, line.data);
    boot_text_free(&line);
}

/* The status of the API, 0 without an answer. */
static int answer(struct server *s, const struct boot_invocation *invocation, const struct job *job)
{
    size_t len;
    if (!job->reply)
        return answer_error(s, invocation, migrate_status_name(migrate_error_status(job->err)),
                            migrate_error_message(job->err));
    const char *body = migrate_lambda_reply_body(job->reply, &len);
    log_reply(s, job->reply);
    int status = boot_runtime_answer(&s->http, invocation, migrate_lambda_reply_error_type(job->reply), body, len);
    if (status == 413)
        status = answer_error(s, invocation, "E_UNSUPPORTED", "the answer is larger than Lambda returns");
    return status;
}

/* A refused answer means that somebody else gave one (a time-out): the next invocation is served all the same. */
static bool may_go_on(struct server *s, int status)
{
    char line[96];
    if (status == 202 || status == 200)
        return true;
    (void)snprintf(line, sizeof line, "the answer was not taken: status %d of the Runtime API", status);
    boot_log(&s->log, BOOT_ERROR, line);
    return status >= 400 && status < 500;
}

/* ---- the loop ---------------------------------------------------------------------- */

/* What hangs is ended with the process; Lambda starts another one. */
static void give_up(struct server *s, const struct boot_invocation *invocation)
{
    boot_http_close(&s->http);
    (void)answer_error(s, invocation, "E_DEADLINE",
                       "the function's time is over and its work does not end; what was not committed is rolled back");
    _exit(1);
}

static bool serve_one(struct server *s, const struct boot_invocation *invocation)
{
    struct job job = { .server = s, .invocation = invocation };
    pthread_t thread;
    int status;
    (void)snprintf(s->log.request_id, sizeof s->log.request_id, "%s", invocation->request_id);
    set_trace(invocation);
    job.done_fd = eventfd(0, EFD_CLOEXEC);
    if (!s->lambda) {
        status = answer_error(s, invocation, migrate_status_name(migrate_error_status(s->unusable)),
                              migrate_error_message(s->unusable));
    } else if (job.done_fd < 0 || !start(&job, &thread)) {
        status = answer_error(s, invocation, "E_IO", "no descriptor or thread is left");
    } else {
        if (!wait_for(&job))
            give_up(s, invocation);
        (void)pthread_join(thread, NULL);
        status = answer(s, invocation, &job);
    }
    if (job.done_fd >= 0)
        close(job.done_fd);
    migrate_lambda_reply_free(job.reply);
    migrate_error_free(job.err);
    bool good = may_go_on(s, status) && s->lambda;
    s->log.request_id[0] = '\0';
    return good;
}

static int loop(struct server *s)
{
    struct boot_invocation invocation;
    while (!boot_signalled()) {
        enum boot_next next = boot_runtime_next(&s->http, &invocation);
        if (next == BOOT_STOPPED)
            return 0;
        if (next != BOOT_NEXT) {
            boot_log(&s->log, BOOT_FATAL, next == BOOT_NO_API ? "the Runtime API does not answer"
                                                              : "an invocation came and could not be read to its end");
            return 1;
        }
        bool good = serve_one(s, &invocation);
        boot_invocation_free(&invocation);
        if (!good)
            return 1;
    }
    return 0;
}

/* Modes that the library will not refuse; one that is not among them is judged by it. */
static bool is_known(const char *mode)
{
    static const char *const known[] = { "", "direct", "cfn", "cdk-provider", "cdk-is-complete" };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(mode, known[i]) == 0)
            return true;
    }
    return false;
}

/* Whether the mode can be used has to be known before the first request, which says that the start went well. All else
 * is done while Lambda looks for work. */
static bool prepare_mode(struct server *s)
{
    const char *mode = getenv("MIGRATE_MODE");
    if (!mode || is_known(mode)) {
        s->http.meanwhile = prepare;
        s->http.user = s;
        return true;
    }
    prepare(s);
    if (s->lambda)
        return true;
    boot_log(&s->log, BOOT_FATAL, migrate_error_text(s->unusable));
    boot_runtime_init_error(&s->http, migrate_status_name(migrate_error_status(s->unusable)),
                            migrate_error_message(s->unusable));
    return false;
}

int boot_serve(const char *api)
{
    struct server s = { .lambda = NULL };
    boot_signals_init();
    boot_log_init(&s.log);
    if (!boot_http_init(&s.http, api)) {
        boot_log(&s.log, BOOT_FATAL, "AWS_LAMBDA_RUNTIME_API is not host:port");
        return 1;
    }
    int code = prepare_mode(&s) ? loop(&s) : 1;
    migrate_lambda_free(s.lambda);
    migrate_error_free(s.unusable);
    boot_http_close(&s.http);
    return code;
}
