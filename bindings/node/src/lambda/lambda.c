/* SPDX-License-Identifier: Apache-2.0 */
/* The Lambda handler, in an addon of its own: nobody else's import waits for libmigrate-aws and libcurl. */
#include <stdlib.h>
#include <string.h>

#include <migrate/lambda.h>

#include "../binding.h"

struct server {
    migrate_lambda           *lambda;
    struct texts              drivers; /* file or null, name, file or null, name … */
    struct texts              refusal; /* why nothing can be served, if so: message, hint */
    napi_threadsafe_function  log;     /* of the invocation under way */
};

/* A line of the log; the last one, without a text, says that the answer is there. */
struct line {
    const char *level;
    char       *text;
};

struct invocation {
    struct server        *server;
    napi_ref              self; /* keeps the server */
    napi_deferred         deferred;
    napi_async_work       work;
    int                   parts; /* work and log; the last to end frees it */
    struct line           end;
    char                 *event, *request_id, *arn;
    size_t                event_len;
    int64_t               remaining_ms;
    migrate_status        status;
    migrate_lambda_reply *reply;
    migrate_error        *err;
};

static const char *level_of(const migrate_event *event)
{
    switch (migrate_event_type(event)) {
    case MIGRATE_EVENT_STATEMENT:
    case MIGRATE_EVENT_PROGRESS:
    case MIGRATE_EVENT_MIGRATION_BEGIN:
        return "debug";
    default:
        break;
    }
    switch (migrate_event_level(event)) {
    case MIGRATE_LOG_ERROR:
        return "error";
    case MIGRATE_LOG_WARN:
        return "warn";
    case MIGRATE_LOG_INFO:
        return "info";
    default:
        return "debug";
    }
}

/* The console's lines are the function's log. One that cannot be kept is left out. */
static migrate_status log_event(void *user, const migrate_event *event)
{
    struct server *server = user;
    struct line *line;
    if (migrate_event_type(event) == MIGRATE_EVENT_TICK)
        return MIGRATE_OK;
    line = malloc(sizeof *line);
    if (!line)
        return MIGRATE_OK;
    line->level = level_of(event);
    line->text = strdup(migrate_event_text(event));
    if (!line->text || napi_call_threadsafe_function(server->log, line, napi_tsfn_blocking) != napi_ok) {
        free(line->text);
        free(line);
    }
    return MIGRATE_OK;
}

static migrate_status on_setup(void *user, migrate_ctx *ctx, migrate_error **err)
{
    struct server *server = user;
    migrate_ctx_on_event(ctx, log_event, server, NULL);
    if (server->refusal.n == 2)
        return migrate_error_make(err, MIGRATE_E_UNSUPPORTED, server->refusal.at[0].data, server->refusal.at[1].data);
    for (size_t i = 0; i + 1 < server->drivers.n; i += 2) {
        const char *file = server->drivers.at[i].data, *name = server->drivers.at[i + 1].data;
        migrate_status status = library_add_driver(ctx, name, err);
        if (status == MIGRATE_E_LOAD && file)
            status = migrate_ctx_load_driver(ctx, file, name, 0, err);
        else if (status == MIGRATE_E_LOAD)
            status = MIGRATE_OK; /* not installed: nobody may need it */
        if (status != MIGRATE_OK)
            return status;
    }
    return MIGRATE_OK;
}

static void drop(napi_env env, void *data, void *hint)
{
    struct server *server = data;
    (void)env;
    (void)hint;
    migrate_lambda_free(server->lambda);
    texts_free(&server->drivers);
    texts_free(&server->refusal);
    free(server);
}

/* A variable that cannot be used is the answer to every invocation; only the mode must be known to answer. */
static migrate_status read_environment(struct server *server, const struct texts *pairs, migrate_error **err)
{
    for (size_t i = 0; i + 1 < pairs->n; i += 2) {
        migrate_error *why = NULL;
        migrate_status status = migrate_lambda_env(server->lambda, pairs->at[i].data, pairs->at[i + 1].data, &why);
        if (status == MIGRATE_OK)
            continue;
        if (status == MIGRATE_E_NOMEM || strcmp(pairs->at[i].data, "MIGRATE_MODE") == 0) {
            *err = why;
            return status;
        }
        migrate_error_free(why);
    }
    return MIGRATE_OK;
}

/* server(environment, drivers, refusal) */
static napi_value js_server(napi_env env, napi_callback_info info)
{
    size_t argc = 3;
    napi_value argv[3] = { NULL }, value = NULL;
    struct texts pairs;
    migrate_error *err = NULL;
    struct server *server = calloc(1, sizeof *server);
    migrate_status status;
    napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
    if (!server || !texts_take(env, argv[0], &pairs)) {
        free(server);
        return fail(env, "server(environment, drivers, refusal) takes texts");
    }
    if (!texts_take(env, argv[1], &server->drivers) || !texts_take(env, argv[2], &server->refusal))
        status = MIGRATE_E_ARGUMENT;
    else
        status = migrate_lambda_new(&server->lambda, &err);
    if (status == MIGRATE_OK) {
        migrate_lambda_on_setup(server->lambda, on_setup, server, NULL);
        status = read_environment(server, &pairs, &err);
    }
    texts_free(&pairs);
    if (status == MIGRATE_OK && napi_create_external(env, server, drop, NULL, &value) == napi_ok)
        return value;
    drop(env, server, NULL);
    return throw_failure(env, status, err);
}

static void serve(napi_env env, void *data)
{
    struct invocation *v = data;
    napi_threadsafe_function log = v->server->log; /* once the answer is there the server may have the next one's */
    (void)env;
    v->status = migrate_lambda_handle(v->server->lambda, v->event, v->event_len, v->request_id, v->remaining_ms, v->arn,
                                      &v->reply, &v->err);
    napi_call_threadsafe_function(log, &v->end, napi_tsfn_blocking);
    napi_release_threadsafe_function(log, napi_tsfn_release);
}

static void invocation_free(napi_env env, struct invocation *v)
{
    if (v->self)
        napi_delete_reference(env, v->self);
    migrate_lambda_reply_free(v->reply);
    migrate_error_free(v->err);
    free(v->event);
    free(v->request_id);
    free(v->arn);
    free(v);
}

static void part_ended(napi_env env, struct invocation *v)
{
    if (--v->parts == 0)
        invocation_free(env, v);
}

static void served(napi_env env, napi_status ended, void *data)
{
    struct invocation *v = data;
    (void)ended;
    napi_delete_async_work(env, v->work);
    part_ended(env, v);
}

static void log_ended(napi_env env, void *data, void *hint)
{
    (void)hint;
    part_ended(env, data);
}

static void settle(napi_env env, struct invocation *v)
{
    napi_value object = NULL;
    size_t len = 0;
    const char *body;
    if (v->status != MIGRATE_OK) {
        napi_reject_deferred(env, v->deferred, make_failure(env, v->status, v->err));
        return;
    }
    body = migrate_lambda_reply_body(v->reply, &len);
    napi_create_object(env, &object);
    set_member(env, object, "body", make_text(env, body, len));
    set_member(env, object, "error", make_string(env, migrate_lambda_reply_error_type(v->reply)));
    set_member(env, object, "text", make_string(env, migrate_lambda_reply_text(v->reply)));
    napi_resolve_deferred(env, v->deferred, object);
}

/* On JavaScript's thread, for each line in order. */
static void line_arrives(napi_env env, napi_value listener, void *context, void *data)
{
    struct invocation *v = context;
    struct line *line = data;
    napi_value argv[2], undefined, ignored;
    if (line == &v->end) {
        if (env)
            settle(env, v);
        return;
    }
    if (env && listener && napi_get_undefined(env, &undefined) == napi_ok) {
        argv[0] = make_string(env, line->level);
        argv[1] = make_string(env, line->text);
        napi_call_function(env, undefined, listener, 2, argv, &ignored);
    }
    free(line->text);
    free(line);
}

static bool prepare(napi_env env, napi_value server, napi_value listener, struct invocation *v)
{
    napi_value name = make_string(env, "libmigrate");
    if (!v->event || napi_create_reference(env, server, 1, &v->self) != napi_ok ||
        napi_create_async_work(env, NULL, name, serve, served, v, &v->work) != napi_ok)
        return false;
    if (napi_create_threadsafe_function(env, listener, NULL, name, 0, 1, v, log_ended, v, line_arrives,
                                        &v->server->log) == napi_ok)
        return true;
    napi_delete_async_work(env, v->work);
    return false;
}

/* handle(server, event, requestId, remaining, arn, log): a promise of `{body, error, text}` */
static napi_value js_handle_event(napi_env env, napi_callback_info info)
{
    size_t argc = 6;
    napi_value argv[6] = { NULL }, promise = NULL;
    struct invocation *v = calloc(1, sizeof *v);
    void *server = NULL;
    napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
    if (!v || napi_get_value_external(env, argv[0], &server) != napi_ok) {
        free(v);
        return fail(env, "handle() takes a server");
    }
    v->server = server;
    v->event = take_text(env, argv[1], &v->event_len);
    v->request_id = take_text(env, argv[2], NULL);
    napi_get_value_int64(env, argv[3], &v->remaining_ms);
    v->arn = take_text(env, argv[4], NULL);
    if (!prepare(env, argv[0], argv[5], v)) {
        invocation_free(env, v);
        return fail(env, "handle() cannot start");
    }
    v->parts = 2;
    napi_create_promise(env, &v->deferred, &promise);
    napi_queue_async_work(env, v->work);
    return promise;
}

/* stop(server) */
static napi_value js_stop(napi_env env, napi_callback_info info)
{
    size_t argc = 1;
    napi_value argv[1] = { NULL };
    void *server = NULL;
    napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
    if (napi_get_value_external(env, argv[0], &server) == napi_ok)
        migrate_lambda_stop(((struct server *)server)->lambda);
    return NULL;
}

NAPI_MODULE_INIT()
{
    napi_property_descriptor functions[] = {
        { "server", NULL, js_server, NULL, NULL, NULL, napi_default, NULL },
        { "handle", NULL, js_handle_event, NULL, NULL, NULL, napi_default, NULL },
        { "stop", NULL, js_stop, NULL, NULL, NULL, napi_default, NULL },
    };
    napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
    return exports;
}
