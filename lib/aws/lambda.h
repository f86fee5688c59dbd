/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_LAMBDA_H
#define MIG_AWS_LAMBDA_H

/* What the files of the Lambda handler share. An invocation goes through them like this: lambda.c looks whether it
 * was answered before (lambda_replay.c), starts the watchdog (lambda_watchdog.c) and picks by mode: lambda_direct.c,
 * lambda_batch.c, lambda_stack.c (CloudFormation, CDK). Those read what is asked (lambda_event.c), have it done on a
 * context of its own (lambda_run.c) and write the answer (lambda_reply.c, lambda_cfn.c). */

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <migrate/error.h>
#include <migrate/lambda.h>
#include <migrate/plan.h>
#include <migrate/report.h>

#include "util/buf.h"

/* ---- configuration (lambda_config.c, lambda_env.c) ------------------------------- */

enum mig_lambda_mode { MIG_LAMBDA_DIRECT, MIG_LAMBDA_CFN, MIG_LAMBDA_PROVIDER, MIG_LAMBDA_IS_COMPLETE };

/* What an event may ask for: commands first, in the order of mig_lambda_commands. */
enum mig_lambda_command {
    MIG_LAMBDA_UP,
    MIG_LAMBDA_STATUS,
    MIG_LAMBDA_PLAN,
    MIG_LAMBDA_VERIFY,
    MIG_LAMBDA_DOWN,
    MIG_LAMBDA_REDO,
    MIG_LAMBDA_BASELINE,
    MIG_LAMBDA_RESOLVE,
    MIG_LAMBDA_N_COMMANDS,
    MIG_LAMBDA_MAY_SOURCE = MIG_LAMBDA_N_COMMANDS,
    MIG_LAMBDA_MAY_DATABASE,
    MIG_LAMBDA_MAY_SECRET,
    MIG_LAMBDA_MAY_OPTIONS,
    MIG_LAMBDA_N_ALLOW
};
extern const char *const mig_lambda_allow_names[MIG_LAMBDA_N_ALLOW];

struct mig_lambda_setting {
    char *key;
    char *value;
};

/* A reply that is kept for the case that its invocation comes again. */
struct mig_lambda_kept {
    char *request_id;
    char *fingerprint; /* of CloudFormation's event, or NULL */
    struct migrate_lambda_reply *reply;
    char *put_url;  /* cfn: where the answer went, and what it was */
    char *put_body;
};

enum { MIG_LAMBDA_KEPT = 8 };

struct migrate_lambda {
    enum mig_lambda_mode mode;
    bool handler_is_complete; /* _HANDLER says so */
    bool has_is_complete;     /* another function goes on with what onEvent leaves */
    bool status_code;
    int64_t margin_ms;
    uint32_t allow; /* bit per enum above */
    char *database, *source, *ca_file, *task_root, *function_name, *log_level;
    struct mig_lambda_setting *settings; /* options of a context */
    size_t n_settings, cap_settings;
    migrate_ctx *judge; /* says whether a setting is one */
    migrate_status bad; /* the configuration cannot be used, and why: the answer to every invocation */
    char *bad_message, *bad_hint;

    migrate_lambda_setup_fn setup;
    void *setup_user;
    migrate_release_fn setup_release;

    _Atomic(migrate_ctx *) running; /* while it is open */
    atomic_int visitors;            /* who looks at it from elsewhere */
    atomic_bool stop;

    struct mig_lambda_kept kept[MIG_LAMBDA_KEPT];
    size_t next_kept;
};

/* Value of a setting of the context, or NULL. */
const char *mig_lambda_setting(const struct migrate_lambda *l, const char *key);
migrate_status mig_lambda_nomem(migrate_error **err);
migrate_status mig_lambda_fail(migrate_error **err, migrate_status status, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- time (lambda_watchdog.c) ----------------------------------------------------- */

/* Instants of the monotonic clock. */
struct mig_lambda_times {
    int64_t stop_ms; /* the engine is to have stopped */
    int64_t cut_ms;  /* whatever still runs is cancelled */
    int64_t last_ms; /* nobody waits any longer: the watchdog answers */
    int64_t end_ms;  /* the function's own time-out */
};

void mig_lambda_times_set(struct mig_lambda_times *t, int64_t remaining_ms, int64_t margin_ms);

/* A thread that cancels the running context at `cut` and calls @p last at `last`, unless it is ended before. */
struct mig_lambda_watchdog {
    struct migrate_lambda *lambda;
    const struct mig_lambda_times *times;
    void (*last)(void *user);
    void *user;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool started, over;
};

/* Without a thread to be had there is none: the engine's own deadline remains. */
void mig_lambda_watchdog_start(struct mig_lambda_watchdog *w, struct migrate_lambda *l,
                               const struct mig_lambda_times *times, void (*last)(void *user), void *user);
void mig_lambda_watchdog_end(struct mig_lambda_watchdog *w);

/* Calls @p act (stop, cancel) on the running context if there is one. Any thread, signal handlers. */
void mig_lambda_reach(struct migrate_lambda *l, void (*act)(migrate_ctx *ctx));
void mig_lambda_show(struct migrate_lambda *l, migrate_ctx *ctx);
/* Nobody else looks at the context any more when it comes back. */
void mig_lambda_hide(struct migrate_lambda *l);

/* ---- what is asked (lambda_event.c) ----------------------------------------------- */

/* One database's work. Text is lent by the event, which stays. */
struct mig_lambda_ask {
    enum mig_lambda_command command;
    uint32_t direction; /* of plan */
    const char *to, *version;
    char number[2][24]; /* `to`, `version` that came as numbers */
    uint64_t steps;
    uint32_t flags; /* MIGRATE_RUN_*; of resolve MIGRATE_RESOLVE_* */
    const char *database, *secret, *source;
    const json_t *options;
    bool forgive_ahead; /* an older source succeeds, whatever option `ahead` says */
};

/* @p o: an object, or anything else, which means `up`. @p lenient: keys that mean nothing here are passed over. */
migrate_status mig_lambda_ask_read(const struct migrate_lambda *l, const json_t *o, bool lenient,
                                   struct mig_lambda_ask *out, migrate_error **err);
/* JSON of @p len bytes; none at all is null. What is wrong is told by place, never by a piece of the text. */
migrate_status mig_lambda_json(const char *text, size_t len, json_t **out, migrate_error **err);
/* Command by name, as far as it is allowed. */
migrate_status mig_lambda_command(const struct migrate_lambda *l, const char *name, enum mig_lambda_command *out,
                                  migrate_error **err);
migrate_status mig_lambda_allowed(const struct migrate_lambda *l, unsigned what, migrate_error **err);

/* ---- doing it (lambda_run.c, lambda_source.c) ------------------------------------- */

struct mig_lambda_done {
    migrate_status status;
    migrate_report *report; /* or NULL */
    migrate_plan *plan;     /* or NULL */
    migrate_error *err;     /* NULL on success */
};

void mig_lambda_run(struct migrate_lambda *l, const struct mig_lambda_ask *ask, const struct mig_lambda_times *times,
                    struct mig_lambda_done *out);
void mig_lambda_done_free(struct mig_lambda_done *d);

/* Directory of migrations: what the event says, else what is configured, else where the package has it. *@p out
 * NULL: there is none. */
migrate_status mig_lambda_source(const struct migrate_lambda *l, const char *asked, char **out, migrate_error **err);
/* A CA file of the package, or NULL. */
char *mig_lambda_package_ca(const struct migrate_lambda *l);

/* ---- answers (lambda_reply.c) ------------------------------------------------------ */

struct migrate_lambda_reply {
    char *body;
    size_t len;
    char *error_type; /* NULL: a result */
    char *text;
    migrate_status status;
};

/* Takes the body over and empties it. @p error_type NULL: a result. NULL: no memory. */
struct migrate_lambda_reply *mig_lambda_reply_make(struct mig_buf *body, const char *error_type, const char *text,
                                                   migrate_status status);
struct migrate_lambda_reply *mig_lambda_reply_copy(const struct migrate_lambda_reply *reply);
/* A function error. @p more: further members, ",\"results\":[…]", or "". */
struct migrate_lambda_reply *mig_lambda_reply_fail(const struct migrate_lambda *l, const migrate_error *err,
                                                   const char *more);
/* What one run says as JSON, with "more" where its time ran out; in a batch after `"ok":`. */
void mig_lambda_add_done(struct mig_buf *out, const struct mig_lambda_done *d);
/* Is there an answer that is no failure: done, or time ran out in the middle? */
bool mig_lambda_is_result(const struct mig_lambda_done *d);
void mig_lambda_add_error(struct mig_buf *out, const migrate_error *err); /* {"status":…} */
void mig_lambda_add_status_code(const struct migrate_lambda *l, struct mig_buf *out, int code);
/* `path:line: message. state. hint`, on one line. */
void mig_lambda_add_reason(struct mig_buf *out, const migrate_error *err);
/* One sentence for people. */
void mig_lambda_add_sentence(struct mig_buf *out, const struct mig_lambda_done *d);

/* ---- modes ------------------------------------------------------------------------- */

/* NULL: no memory. */
struct migrate_lambda_reply *mig_lambda_direct(struct migrate_lambda *l, const json_t *event,
                                               const struct mig_lambda_times *times);
/* An event with many databases. */
bool mig_lambda_is_batch(const json_t *event);
bool mig_lambda_is_queue(const json_t *event);
struct migrate_lambda_reply *mig_lambda_batch(struct migrate_lambda *l, const json_t *event,
                                              const struct mig_lambda_times *times);
struct migrate_lambda_reply *mig_lambda_queue(struct migrate_lambda *l, const json_t *event,
                                              const struct mig_lambda_times *times);

/* An event of CloudFormation's; text is lent by it. */
struct mig_lambda_stack {
    const char *type; /* Create, Update, Delete */
    const char *url, *stack_id, *request_id, *logical_id;
    char physical_id[1025];
    const json_t *properties;
};

migrate_status mig_lambda_stack_read(const json_t *event, struct mig_lambda_stack *out, migrate_error **err);
struct migrate_lambda_reply *mig_lambda_provider(struct migrate_lambda *l, const json_t *event,
                                                 const struct mig_lambda_times *times);
struct migrate_lambda_reply *mig_lambda_is_complete(struct migrate_lambda *l, const json_t *event,
                                                    const struct mig_lambda_times *times);
/* What a Create or Update does. */
void mig_lambda_stack_run(struct migrate_lambda *l, const struct mig_lambda_stack *stack,
                          const struct mig_lambda_times *times, struct mig_lambda_done *done);
/* {"Version":"3","Applied":"2","Response":"…"} */
void mig_lambda_add_data(struct mig_buf *out, const struct mig_lambda_done *d);

/* Mode cfn (lambda_cfn.c). Also says what was put where, for the next time. */
struct migrate_lambda_reply *mig_lambda_cfn(struct migrate_lambda *l, const json_t *event,
                                            const struct mig_lambda_times *times, struct mig_lambda_kept *kept);
/* The answer once more. NULL: no memory. */
struct migrate_lambda_reply *mig_lambda_cfn_again(struct migrate_lambda *l, const struct mig_lambda_kept *kept,
                                                  const struct mig_lambda_times *times);
/* The body, at most 4,096 bytes. @p reason NULL: success. @p data JSON or NULL. false: no memory. */
bool mig_lambda_cfn_body(struct mig_buf *out, const struct mig_lambda_stack *stack, const char *reason,
                         const char *data);

/* ---- the same again (lambda_replay.c) ---------------------------------------------- */

/* *@p fingerprint is made for the modes of CloudFormation, which repeats an event under an id of Lambda's that is new. */
char *mig_lambda_fingerprint(const struct migrate_lambda *l, const char *event, size_t len);
const struct mig_lambda_kept *mig_lambda_kept_find(const struct migrate_lambda *l, const char *request_id,
                                                   const char *fingerprint);
/* Takes over what @p kept owns. */
void mig_lambda_keep(struct migrate_lambda *l, struct mig_lambda_kept *kept);
void mig_lambda_kept_free(struct mig_lambda_kept *kept);

#endif
