/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binding.h"

/* What each verb calls, on the pool's thread. */

typedef migrate_status (*verb_fn)(migrate_ctx *ctx, struct job *job);

static migrate_run_options run_options(const struct job *job)
{
    migrate_run_options options = MIGRATE_RUN_OPTIONS_INIT;
    options.direction = (uint32_t)job->direction;
    options.flags = (uint32_t)job->flags;
    options.target = job->target;
    options.steps = (uint64_t)job->steps;
    options.deadline_ms = job->deadline_ms;
    return options;
}

static migrate_status append(void *user, const char *data, size_t len)
{
    struct job *job = user;
    if (job->result_cap - job->result_len <= len) {
        size_t cap = (job->result_cap + len + 1) * 2;
        char *grown = realloc(job->result, cap);
        if (!grown)
            return MIGRATE_E_NOMEM;
        job->result = grown;
        job->result_cap = cap;
    }
    memcpy(job->result + job->result_len, data, len);
    job->result_len += len;
    job->result[job->result_len] = 0;
    return MIGRATE_OK;
}

static migrate_status verb_run(migrate_ctx *ctx, struct job *job)
{
    migrate_run_options options = run_options(job);
    return migrate_run(ctx, &options, &job->report, &job->err);
}

static migrate_status verb_plan(migrate_ctx *ctx, struct job *job)
{
    migrate_run_options options = run_options(job);
    migrate_plan *plan = NULL;
    migrate_status status = migrate_plan_make(ctx, &options, &plan, &job->err);
    if (status == MIGRATE_OK) {
        const char *json = migrate_plan_json(plan);
        status = append(job, json, strlen(json));
    }
    job->plan = plan;
    return status;
}

static migrate_status without_plan(struct job *job)
{
    return migrate_error_make(&job->err, MIGRATE_E_ARGUMENT, "a plan that plan() made is wanted", NULL);
}

static migrate_status verb_apply(migrate_ctx *ctx, struct job *job)
{
    return job->given ? migrate_plan_apply(ctx, job->given, &job->report, &job->err) : without_plan(job);
}

static migrate_text text_of(const char *string)
{
    return (migrate_text){ string, string ? strlen(string) : 0 };
}

/* A row: text, line, flags, note. */
static migrate_status add_statement(void *user, const migrate_statement *statement)
{
    struct job *job = user;
    char line[32], flags[32];
    migrate_text cols[4];
    cols[0].data = migrate_statement_text(statement, &cols[0].len);
    snprintf(line, sizeof line, "%llu", (unsigned long long)migrate_statement_line(statement));
    snprintf(flags, sizeof flags, "%u", migrate_statement_flags(statement));
    cols[1] = text_of(line);
    cols[2] = text_of(flags);
    cols[3] = text_of(migrate_statement_note(statement));
    rows_add(job->rows, 4, cols);
    return rows_whole(job->rows) ? MIGRATE_OK : MIGRATE_E_NOMEM;
}

static migrate_status verb_statements(migrate_ctx *ctx, struct job *job)
{
    if (!job->given)
        return without_plan(job);
    job->rows = rows_new();
    if (!job->rows)
        return MIGRATE_E_NOMEM;
    return migrate_plan_statements(ctx, job->given, (size_t)job->steps, add_statement, job, &job->err);
}

static migrate_status verb_script(migrate_ctx *ctx, struct job *job)
{
    migrate_run_options options = run_options(job);
    migrate_status status = MIGRATE_OK;
    if (!job->given)
        status = migrate_plan_make(ctx, &options, &job->plan, &job->err);
    if (status == MIGRATE_OK)
        status = migrate_plan_script(ctx, job->given ? job->given : job->plan, append, job, &job->err);
    if (status == MIGRATE_OK)
        status = append(job, "", 0);
    return status;
}

static migrate_status verb_status(migrate_ctx *ctx, struct job *job)
{
    return migrate_inspect(ctx, &job->report, &job->err);
}

static migrate_status verb_verify(migrate_ctx *ctx, struct job *job)
{
    return migrate_verify(ctx, &job->report, &job->err);
}

static migrate_status verb_baseline(migrate_ctx *ctx, struct job *job)
{
    return migrate_baseline(ctx, job->target, &job->report, &job->err);
}

static migrate_status verb_resolve(migrate_ctx *ctx, struct job *job)
{
    return migrate_resolve(ctx, job->target, (uint32_t)job->flags, &job->report, &job->err);
}

static migrate_status verb_init(migrate_ctx *ctx, struct job *job)
{
    return migrate_init(ctx, (uint32_t)job->flags, &job->report, &job->err);
}

static migrate_status verb_create(migrate_ctx *ctx, struct job *job)
{
    return migrate_create(ctx, job->target, (uint32_t)job->flags, &job->report, &job->err);
}

static migrate_status verb_lock(migrate_ctx *ctx, struct job *job)
{
    return migrate_lock_inspect(ctx, &job->report, &job->err);
}

static migrate_status verb_break(migrate_ctx *ctx, struct job *job)
{
    return migrate_lock_break(ctx, NULL, &job->report, &job->err);
}

static migrate_status verb_hash(migrate_ctx *ctx, struct job *job)
{
    return migrate_hash(ctx, &job->report, &job->err);
}

static migrate_status verb_wait(migrate_ctx *ctx, struct job *job)
{
    return migrate_wait(ctx, job->target, &job->report, &job->err);
}

/* The connection is made before every verb. */
static migrate_status verb_open(migrate_ctx *ctx, struct job *job)
{
    (void)ctx;
    (void)job;
    return MIGRATE_OK;
}

static migrate_status verb_close(migrate_ctx *ctx, struct job *job)
{
    (void)job;
    migrate_ctx_close(ctx);
    return MIGRATE_OK;
}

static migrate_status verb_free(migrate_ctx *ctx, struct job *job)
{
    (void)ctx;
    migrate_ctx_free(job->closing);
    job->closing = NULL;
    return MIGRATE_OK;
}

static const struct {
    const char *name;
    verb_fn     call;
} verbs[] = {
    { "run", verb_run },           { "plan", verb_plan },         { "script", verb_script },
    { "status", verb_status },     { "verify", verb_verify },     { "baseline", verb_baseline },
    { "resolve", verb_resolve },   { "init", verb_init },         { "create", verb_create },
    { "lock", verb_lock },         { "break", verb_break },       { "hash", verb_hash },
    { "wait", verb_wait },         { "close", verb_close },       { "free", verb_free },
    { "apply", verb_apply },       { "open", verb_open },         { "statements", verb_statements },
};

static migrate_status open_first(migrate_ctx *ctx, struct job *job)
{
    migrate_status status = MIGRATE_OK;
    if (job->dialect)
        return migrate_ctx_use_dialect(ctx, job->dialect, &job->err);
    if (job->aws)
        status = aws_open(ctx, job->aws, job->url, &job->err);
    else if (job->url)
        status = migrate_ctx_open(ctx, job->url, &job->err);
    job->opened = (job->aws || job->url) && status == MIGRATE_OK;
    return status;
}

void verbs_run(struct job *job)
{
    migrate_ctx *ctx = job->handle->ctx;
    job->status = ctx ? open_first(ctx, job) : MIGRATE_OK;
    if (job->status != MIGRATE_OK)
        return;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, job->verb) == 0) {
            job->status = verbs[i].call(ctx, job);
            return;
        }
    job->status = MIGRATE_E_ARGUMENT;
}
