/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "binding.h"

static void job_free(napi_env env, struct job *job)
{
    if (job->self)
        napi_delete_reference(env, job->self);
    if (job->kept)
        napi_delete_reference(env, job->kept);
    migrate_plan_free(job->plan);
    rows_free(job->rows);
    migrate_error_free(job->err);
    migrate_report_free(job->report);
    migrate_ctx_free(job->closing);
    free(job->verb);
    free(job->url);
    free(job->target);
    free(job->dialect);
    free(job->aws);
    free(job->result);
    free(job);
}

/* Work and messages end in either order. */
static void part_ended(napi_env env, struct job *job)
{
    if (--job->parts == 0)
        job_free(env, job);
}

static void work_ended(napi_env env, napi_status status, void *data)
{
    struct job *job = data;
    (void)status;
    napi_delete_async_work(env, job->work);
    part_ended(env, job);
}

static void messages_ended(napi_env env, void *data, void *hint)
{
    (void)hint;
    part_ended(env, data);
}

static void work(napi_env env, void *data)
{
    struct job *job = data;
    struct message *done = message_new(job, MESSAGE_DONE, NULL);
    napi_threadsafe_function send = job->send;
    (void)env;
    job->handle->calling = job;
    verbs_run(job);
    job->handle->calling = NULL;
    if (done)
        message_send(done);
    napi_release_threadsafe_function(send, napi_tsfn_release);
}

napi_value job_outcome(napi_env env, struct job *job)
{
    napi_value object = NULL, value = NULL, failure = NULL;
    napi_create_object(env, &object);
    napi_get_boolean(env, job->opened, &value);
    set_member(env, object, "opened", value);
    set_member(env, object, "json", make_string(env, job->report ? migrate_report_json(job->report) : NULL));
    if (job->result)
        set_member(env, object, "text", make_text(env, job->result, job->result_len));
    else
        set_member(env, object, "text", make_string(env, job->report ? migrate_report_text(job->report) : NULL));
    napi_get_null(env, &failure);
    if (job->status != MIGRATE_OK)
        failure = make_failure(env, job->status, job->err);
    set_member(env, object, "failure", failure);
    if (job->rows)
        set_member(env, object, "rows", rows_make(env, job->rows));
    if (job->plan)
        set_member(env, object, "plan", plan_make(env, job->plan));
    job->plan = NULL;
    return object;
}

static void read_request(napi_env env, napi_value request, struct job *job)
{
    job->verb = take_member(env, request, "verb");
    job->url = take_member(env, request, "url");
    job->target = take_member(env, request, "target");
    job->dialect = take_member(env, request, "dialect");
    job->aws = take_member(env, request, "aws");
    job->flags = take_number(env, request, "flags");
    job->direction = take_number(env, request, "direction");
    job->steps = take_number(env, request, "steps");
    job->deadline_ms = take_number(env, request, "deadline_ms");
}

/* A plan to work on: its object lives as long as the job. */
static bool keep_plan(napi_env env, napi_value request, struct job *job)
{
    napi_value value = NULL;
    napi_get_named_property(env, request, "plan", &value);
    job->given = plan_take(env, value);
    return !job->given || napi_create_reference(env, value, 1, &job->kept) == napi_ok;
}

/* From here on the messages hold one part of the job, the work the other. */
static bool prepare(napi_env env, napi_value self, napi_value listener, struct job *job)
{
    napi_value name = make_string(env, "libmigrate");
    if (!job->verb || napi_create_reference(env, self, 1, &job->self) != napi_ok)
        return false;
    if (napi_create_async_work(env, NULL, name, work, work_ended, job, &job->work) != napi_ok)
        return false;
    if (napi_create_threadsafe_function(env, listener, NULL, name, 0, 1, job, messages_ended, job,
                                        message_arrives, &job->send) == napi_ok)
        return true;
    napi_delete_async_work(env, job->work);
    return false;
}

static bool launch(napi_env env, struct job *job)
{
    struct handle *handle = job->handle;
    job->parts = 2;
    if (strcmp(job->verb, "free") == 0) {
        job->closing = handle->ctx; /* nobody can stop it from here on */
        handle->ctx = NULL;
    }
    handle->job = job;
    if (napi_queue_async_work(env, job->work) == napi_ok)
        return true;
    handle->job = NULL;
    napi_delete_async_work(env, job->work);
    job->parts = 1;
    napi_release_threadsafe_function(job->send, napi_tsfn_abort);
    return false;
}

napi_value js_start(napi_env env, napi_callback_info info)
{
    size_t argc = 2;
    napi_value argv[2] = { NULL }, self;
    struct handle *handle = this_handle(env, info, &argc, argv, true);
    struct job *job = handle ? calloc(1, sizeof *job) : NULL;
    if (!job)
        return handle ? fail(env, "libmigrate: out of memory") : NULL;
    napi_get_cb_info(env, info, NULL, NULL, &self, NULL);
    job->handle = handle;
    read_request(env, argv[0], job);
    if (!keep_plan(env, argv[0], job) || !prepare(env, self, argv[1], job)) {
        job_free(env, job);
        return fail(env, "libmigrate: the call cannot be started");
    }
    if (!launch(env, job))
        return fail(env, "libmigrate: no thread for the call");
    return NULL;
}
