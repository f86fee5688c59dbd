/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "binding.h"

/* A code migration: JavaScript is told to begin, and until it answers each of its statements is run here, on
 * the thread that has the connection. */

struct course {
    struct job       *job;
    struct talk      *talk;
    migrate_executor *x;
    migrate_status    failed; /* of the last statement, for an answer that passes it on */
    migrate_error    *fault;
};

/* While JavaScript computes, no statement runs: a stop takes effect here too. */
static migrate_status tick(void *user)
{
    struct course *c = user;
    migrate_status status = c->x->tick(c->x);
    return status != MIGRATE_OK ? status : migrate_ctx_asked(c->job->handle->ctx);
}

static migrate_status exec(struct course *c, struct rows *rows)
{
    migrate_status status;
    migrate_error_free(c->fault);
    c->fault = NULL;
    status = c->x->exec(c->x, c->talk->sql, c->talk->sql_len, c->talk->texts.at, (uint32_t)c->talk->texts.n,
                        rows_add, rows, &c->fault);
    if (status == MIGRATE_OK && !rows_whole(rows))
        status = migrate_error_make(&c->fault, MIGRATE_E_NOMEM, "out of memory for the rows", NULL);
    c->failed = status;
    return status;
}

/* Runs the statement that was asked for and says what came of it. */
static bool answer_exec(struct course *c)
{
    struct message *message = message_new(c->job, MESSAGE_ROWS, c->talk);
    struct rows *rows = rows_new();
    if (!message || !rows) {
        rows_free(rows);
        if (message)
            message->status = MIGRATE_E_NOMEM;
        talk_next(c->talk);
        return message && message_send(message);
    }
    message->rows = rows;
    message->status = exec(c, rows);
    if (message->status != MIGRATE_OK) {
        message->error_json = strdup(migrate_error_json(c->fault));
        message->error_text = strdup(migrate_error_text(c->fault));
    }
    talk_next(c->talk);
    return message_send(message);
}

static migrate_status take_answer(struct course *c, migrate_error **err)
{
    if (c->talk->status == 0)
        return MIGRATE_OK;
    if (c->talk->status < 0 || !c->fault)
        return talk_failure(c->talk, err);
    *err = c->fault;
    c->fault = NULL;
    return c->failed;
}

static migrate_status follow(struct course *c, migrate_error **err)
{
    migrate_status status = MIGRATE_OK;
    for (;;) {
        enum talk_said said = talk_wait(c->talk, tick, c, &status);
        if (said == SAID_ANSWER)
            return take_answer(c, err);
        if (said != SAID_EXEC || !answer_exec(c))
            return message_unheard(status, "the migration", err);
    }
}

migrate_status code_run(struct handle *handle, uint64_t number, uint32_t direction, migrate_executor *x,
                        migrate_error **err)
{
    struct course c = { .job = handle->calling, .talk = talk_new(), .x = x };
    struct message *message = c.talk ? message_new(c.job, MESSAGE_CODE, c.talk) : NULL;
    migrate_error *own = NULL;
    migrate_status status;
    if (!message) {
        talk_unref(c.talk);
        return migrate_error_make(err, MIGRATE_E_NOMEM, "out of memory", NULL);
    }
    message->number = number;
    message->amount = direction;
    if (message_send(message))
        status = follow(&c, &own);
    else
        status = message_unheard(MIGRATE_OK, "the migration", &own);
    talk_close(c.talk);
    talk_unref(c.talk);
    migrate_error_free(c.fault);
    if (err)
        *err = own;
    else
        migrate_error_free(own);
    return status;
}

/* ---- code that is added by itself ------------------------------------------------ */

struct code {
    struct handle *handle;
    uint64_t       number;
};

static migrate_status run_added(void *user, uint32_t direction, migrate_executor *x, migrate_error **err)
{
    struct code *code = user;
    return code_run(code->handle, code->number, direction, x, err);
}

/* addCode(path, checksum, flags, number) */
napi_value js_add_code(napi_env env, napi_callback_info info)
{
    size_t argc = 4;
    napi_value argv[4] = { NULL };
    migrate_error *err = NULL;
    struct handle *handle = this_handle(env, info, &argc, argv, true);
    struct code *code = handle ? calloc(1, sizeof *code) : NULL;
    uint32_t flags = 0, number = 0;
    migrate_status status;
    if (!code)
        return handle ? fail(env, "libmigrate: out of memory") : NULL;
    char *path = take_text(env, argv[0], NULL), *checksum = take_text(env, argv[1], NULL);
    napi_get_value_uint32(env, argv[2], &flags);
    napi_get_value_uint32(env, argv[3], &number);
    code->handle = handle;
    code->number = number;
    status = migrate_ctx_add_code(handle->ctx, path, checksum, flags, run_added, code, free, &err);
    free(path);
    free(checksum);
    return status == MIGRATE_OK ? NULL : throw_failure(env, status, err);
}
