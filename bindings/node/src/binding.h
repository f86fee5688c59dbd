/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDING_H
#define BINDING_H

/*
 * The native half of the package. It knows handles (a context), jobs (one call, on a thread of libuv's
 * pool) and talks (a question of that call to JavaScript, and what is said until it is answered). All that
 * can be said in JavaScript is in ../lib.
 */

#define NAPI_VERSION 8
#include <node_api.h>
#include <pthread.h>
#include <stdbool.h>

#include <migrate/driver.h>
#include <migrate/lock.h>
#include <migrate/migrate.h>
#include <migrate/source.h>

/* Defined by NAPI_MODULE_INIT(), whose headers declare it not. */
NAPI_MODULE_EXPORT int32_t NODE_API_MODULE_GET_API_VERSION(void);

struct job;

/** A context, wrapped in a JavaScript object. */
struct handle {
    migrate_ctx *ctx;
    struct job  *job;       /**< the call under way; touched by the JavaScript thread alone */
    struct job  *calling;   /**< the same, as the pool's thread sees it: whom callbacks talk through */
    bool         on_event;  /**< somebody listens to more than that we are alive */
    migrate_lock_ops lock_ops; /**< of a lock in JavaScript: which members it has differs */
};

/* ---- arguments and values: values.c ---- */

/** Throws a JavaScript Error and returns NULL, for `return fail(env, "…")`. */
napi_value fail(napi_env env, const char *message);

/** Copies a string (or a Buffer) to the heap, NUL-terminated; NULL: it is none, or no memory. */
char *take_text(napi_env env, napi_value value, size_t *len);

/** take_text() of property @p name, NULL where it is absent. */
char *take_member(napi_env env, napi_value object, const char *name);

/** A number property, 0 where it is absent. */
int64_t take_number(napi_env env, napi_value object, const char *name);

/** A string, or null for NULL. */
napi_value make_text(napi_env env, const char *text, size_t len);
napi_value make_string(napi_env env, const char *text);

void set_member(napi_env env, napi_value object, const char *name, napi_value value);

/** `{status, name, json, text}` of a failure. */
napi_value make_failure(napi_env env, migrate_status status, const migrate_error *err);

/** Throws what make_failure() made, for calls that are not on the pool; frees @p err. */
napi_value throw_failure(napi_env env, migrate_status status, migrate_error *err);

/** The handle that `this` wraps, idle if @p idle; NULL and an exception otherwise. */
struct handle *this_handle(napi_env env, napi_callback_info info, size_t *argc, napi_value *argv, bool idle);

/* ---- texts that JavaScript hands over: texts.c ---- */

/** An array of strings; data NULL stands for null. */
struct texts {
    migrate_text *at;
    size_t        n;
};
bool texts_take(napi_env env, napi_value array, struct texts *out);
void texts_free(struct texts *texts);

/** Copies of @p n strings; a NULL stands for null. False: no memory. */
bool texts_copy(struct texts *out, const char *const *strings, size_t n);
napi_value texts_make(napi_env env, const struct texts *texts);

/* ---- rows that a statement gave: rows.c ---- */

struct rows;
struct rows *rows_new(void);
void rows_free(struct rows *rows);
int32_t rows_add(void *rows, uint32_t n, const migrate_text *cols); /**< a migrate_row_fn */
bool rows_whole(const struct rows *rows); /**< no allocation failed */
napi_value rows_make(napi_env env, const struct rows *rows);

/* ---- questions: talk.c ---- */

enum talk_said { SAID_NOTHING, SAID_EXEC, SAID_ANSWER, SAID_ABANDONED };

/** Between the thread of a call, which waits, and JavaScript, which takes its time. */
struct talk {
    pthread_mutex_t mutex;
    pthread_cond_t  cond;
    int             refs;
    enum talk_said  said;
    bool            closed;   /**< the call waits no more */
    char           *sql;      /**< SAID_EXEC */
    size_t          sql_len;
    struct texts    texts;    /**< parameters of SAID_EXEC, values of SAID_ANSWER */
    migrate_status  status;   /**< SAID_ANSWER */
    char           *message;
};

/** Asked every 50 ms of waiting; a failure ends it. */
typedef migrate_status (*talk_tick_fn)(void *user);

struct talk *talk_new(void);
struct talk *talk_ref(struct talk *talk);
void talk_unref(struct talk *talk);

/** Waits up to @p ms for something said; SAID_NOTHING if nothing was. */
enum talk_said talk_hear(struct talk *talk, uint32_t ms);

/** Waits until JavaScript says something; with SAID_NOTHING *@p status is the tick's failure. */
enum talk_said talk_wait(struct talk *talk, talk_tick_fn tick, void *user, migrate_status *status);

/** Takes what was said back, so that the next thing can be. */
void talk_next(struct talk *talk);

/** Nothing will be heard any more. */
void talk_close(struct talk *talk);

/** From JavaScript's side: it will never answer. */
void talk_abandon(struct talk *talk);

/** A failed answer as a failure of the callback. */
migrate_status talk_failure(const struct talk *talk, migrate_error **err);

napi_value talk_make(napi_env env, struct talk *talk);
napi_value js_exec(napi_env env, napi_callback_info info);
napi_value js_answer(napi_env env, napi_callback_info info);

/* ---- messages to JavaScript: message.c ---- */

enum message_kind { MESSAGE_ALIVE, MESSAGE_EVENT, MESSAGE_LOGIN, MESSAGE_LIST, MESSAGE_CODE, MESSAGE_ROWS,
                    MESSAGE_LOCK, MESSAGE_DONE };

struct message {
    enum message_kind kind;
    struct job       *job;
    struct talk      *talk;      /**< a reference */
    char             *text;      /**< of the event, the login; key of the lock */
    uint64_t          number;    /**< which code; why the login; what of the lock */
    int64_t           amount;    /**< direction of the code; time for the login */
    migrate_status    status;    /**< of the statement behind MESSAGE_ROWS */
    char             *error_json, *error_text;
    struct rows      *rows;
    struct texts      texts;     /**< the holder of a lock */
};

/** A message of @p kind to the listener of @p job, or NULL without memory. */
struct message *message_new(struct job *job, enum message_kind kind, struct talk *talk);

/** Hands it over, whatever becomes of it. False: nobody is there any more. */
bool message_send(struct message *message);

/** Sends a question and waits for the first thing JavaScript says, as talk_wait() does. */
enum talk_said message_ask(struct message *message, talk_tick_fn tick, void *user, migrate_status *status);

/** No answer came of @p whom: because of @p status, or because JavaScript is gone. */
migrate_status message_unheard(migrate_status status, const char *whom, migrate_error **err);

/** A tick for those who have no host: user is the context. */
migrate_status message_asked(void *ctx);

/** A tick for a source and a lock: user is their migrate_host and context. */
struct waiting {
    const migrate_host *host;
    const migrate_ctx  *ctx;
};
migrate_status message_tick(void *waiting);

/** Runs on JavaScript's thread for each. */
void message_arrives(napi_env env, napi_value listener, void *context, void *data);

/* ---- a call: job.c, verbs.c ---- */

struct job {
    struct handle           *handle;
    napi_ref                 self;      /**< keeps the handle's object */
    napi_threadsafe_function send;
    napi_async_work          work;
    int                      parts;     /**< work and send; the last to end frees the job */
    char                    *verb, *url, *target, *dialect;
    char                    *aws;       /**< path of libmigrate-aws, where credentials come from it */
    int64_t                  flags, direction, steps, deadline_ms;
    bool                     opened;
    migrate_ctx             *closing;   /**< of verb "free" */
    migrate_status           status;
    migrate_error           *err;
    migrate_report          *report;
    char                    *result;    /**< JSON or text that is no report's */
    size_t                   result_len, result_cap;
    migrate_plan            *plan;      /**< one that was made */
    migrate_plan            *given;     /**< one to work on, kept by `kept` */
    napi_ref                 kept;
    struct rows             *rows;      /**< statements of a plan */
};

napi_value js_start(napi_env env, napi_callback_info info);

/** Does what the job says; runs on the pool. */
void verbs_run(struct job *job);

/** What the job came to, for its promise. */
napi_value job_outcome(napi_env env, struct job *job);

/** Opens with credentials from AWS (aws.h), from the library at @p path. */
migrate_status aws_open(migrate_ctx *ctx, const char *path, const char *url, migrate_error **err);

/* ---- plans: plan.c ---- */

/** Hands @p plan over to JavaScript, which frees it. */
napi_value plan_make(napi_env env, migrate_plan *plan);

/** The plan behind @p value, or NULL. */
migrate_plan *plan_take(napi_env env, napi_value value);

/* ---- what the library has inside: library.c ---- */

/** A function of libmigrate itself, or NULL: all drivers may be in one library. */
void *library_symbol(const char *name);

/** Adds driver @p name if libmigrate has it inside; MIGRATE_E_LOAD, without an error, if not. */
migrate_status library_add_driver(migrate_ctx *ctx, const char *name, migrate_error **err);

/* ---- callbacks of the engine: events.c, login.c, code.c, source.c, lock.c ---- */

migrate_status on_event(void *handle, const migrate_event *event);
migrate_status on_login(void *handle, migrate_login *login, migrate_error **err);

/** Asks JavaScript to carry out code number @p number. */
migrate_status code_run(struct handle *handle, uint64_t number, uint32_t direction, migrate_executor *x,
                        migrate_error **err);
napi_value js_add_code(napi_env env, napi_callback_info info);
napi_value js_use_source(napi_env env, napi_callback_info info);
napi_value js_use_lock(napi_env env, napi_callback_info info);

#endif /* BINDING_H */
