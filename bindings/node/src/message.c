/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "binding.h"

struct message *message_new(struct job *job, enum message_kind kind, struct talk *talk)
{
    struct message *message = calloc(1, sizeof *message);
    if (!message)
        return NULL;
    message->kind = kind;
    message->job = job;
    message->talk = talk ? talk_ref(talk) : NULL;
    return message;
}

static void message_free(struct message *message)
{
    talk_unref(message->talk);
    rows_free(message->rows);
    texts_free(&message->texts);
    free(message->text);
    free(message->error_json);
    free(message->error_text);
    free(message);
}

bool message_send(struct message *message)
{
    if (napi_call_threadsafe_function(message->job->send, message, napi_tsfn_blocking) == napi_ok)
        return true;
    message_free(message);
    return false;
}

migrate_status message_asked(void *ctx)
{
    return migrate_ctx_asked(ctx);
}

/* The host says when time is over, and the context when somebody asked to stop between statements. */
migrate_status message_tick(void *user)
{
    const struct waiting *waiting = user;
    migrate_status status = waiting->host->tick(waiting->host);
    return status != MIGRATE_OK ? status : migrate_ctx_asked(waiting->ctx);
}

migrate_status message_unheard(migrate_status status, const char *whom, migrate_error **err)
{
    char message[160];
    const char *why = "asked to stop";
    if (status == MIGRATE_OK) {
        snprintf(message, sizeof message, "JavaScript ended while %s was waited for", whom);
        return migrate_error_make(err, MIGRATE_E_CALLBACK, message, NULL);
    }
    if (status == MIGRATE_E_LOCK_LOST)
        why = "the migration lock was lost";
    else if (status == MIGRATE_E_DEADLINE)
        why = "the deadline passed";
    snprintf(message, sizeof message, "%s while %s was waited for", why, whom);
    return migrate_error_make(err, status, message, NULL);
}

enum talk_said message_ask(struct message *message, talk_tick_fn tick, void *user, migrate_status *status)
{
    struct talk *talk = message->talk;
    if (!message_send(message))
        return SAID_ABANDONED;
    return talk_wait(talk, tick, user, status);
}

/* JavaScript is gone (its worker was ended): nobody waits for the outcome, so end soon. */
static void abandon(struct message *message)
{
    if (message->job->handle->ctx)
        migrate_ctx_cancel(message->job->handle->ctx);
    if (message->talk)
        talk_abandon(message->talk);
}

static const char *const names[] = { "alive", "event", "login", "list", "code", "rows", "lock", "done" };

static napi_value make_payload(napi_env env, const struct message *m)
{
    napi_value object = NULL, number = NULL;
    if (m->kind == MESSAGE_DONE)
        return job_outcome(env, m->job);
    napi_create_object(env, &object);
    set_member(env, object, "text", make_string(env, m->text));
    napi_create_int64(env, (int64_t)m->number, &number);
    set_member(env, object, "number", number);
    napi_create_int64(env, m->amount, &number);
    set_member(env, object, "amount", number);
    napi_create_int32(env, m->status, &number);
    set_member(env, object, "status", number);
    if (m->kind == MESSAGE_ROWS) {
        set_member(env, object, "name", make_string(env, migrate_status_name(m->status)));
        set_member(env, object, "json", make_string(env, m->error_json));
        set_member(env, object, "message", make_string(env, m->error_text));
        set_member(env, object, "rows", rows_make(env, m->rows));
    }
    if (m->kind == MESSAGE_LOCK)
        set_member(env, object, "texts", texts_make(env, &m->texts));
    set_member(env, object, "talk", talk_make(env, m->talk));
    return object;
}

static bool deliver(napi_env env, napi_value listener, const struct message *m)
{
    napi_value argv[2], undefined, ignored;
    if (napi_get_undefined(env, &undefined) != napi_ok)
        return false;
    argv[0] = make_string(env, names[m->kind]);
    argv[1] = make_payload(env, m);
    return argv[0] && argv[1] && napi_call_function(env, undefined, listener, 2, argv, &ignored) == napi_ok;
}

void message_arrives(napi_env env, napi_value listener, void *context, void *data)
{
    struct message *message = data;
    (void)context;
    if (message->kind == MESSAGE_DONE)
        message->job->handle->job = NULL;
    if (!env || !listener || !deliver(env, listener, message))
        abandon(message);
    message_free(message);
}
