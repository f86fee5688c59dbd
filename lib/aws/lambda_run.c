/* SPDX-License-Identifier: Apache-2.0 */
/* One database's work, on a context that is opened and closed for it. */
#include <stdlib.h>
#include <string.h>

#include <migrate/aws.h>
#include <migrate/context.h>
#include <migrate/run.h>

#include "aws/lambda.h"
#include "util/clock.h"
#include "util/mem.h"

/* ---- options ----------------------------------------------------------------------- */

static migrate_status set(migrate_ctx *ctx, const char *key, const char *value, migrate_error **err)
{
    return value ? migrate_ctx_set(ctx, key, value, err) : MIGRATE_OK;
}

/* What a function wants otherwise than a program: who it is, time for a paused cluster to wake up, and to wait for
 * another run as long as it lives, which its own deadline says. */
static migrate_status set_defaults(const struct migrate_lambda *l, migrate_ctx *ctx, migrate_error **err)
{
    char *ca = l->ca_file ? mig_strdup(l->ca_file) : mig_lambda_package_ca(l);
    char *client = mig_sprintf("lambda:%s", l->function_name ? l->function_name : "migrate");
    migrate_status status = client ? set(ctx, MIGRATE_OPT_CLIENT, client, err) : mig_lambda_nomem(err);
    if (status == MIGRATE_OK)
        status = set(ctx, MIGRATE_OPT_CONNECT_TIMEOUT, "60s", err);
    if (status == MIGRATE_OK)
        status = set(ctx, MIGRATE_OPT_LOCK_WAIT, "15m", err);
    if (status == MIGRATE_OK)
        status = set(ctx, MIGRATE_OPT_CA_FILE, ca, err);
    if (status == MIGRATE_OK)
        status = set(ctx, MIGRATE_OPT_LOG_LEVEL, l->log_level, err);
    for (size_t i = 0; status == MIGRATE_OK && i < l->n_settings; i++)
        status = set(ctx, l->settings[i].key, l->settings[i].value, err);
    free(ca);
    free(client);
    return status;
}

static migrate_status set_option(migrate_ctx *ctx, const char *key, const json_t *value, migrate_error **err)
{
    char *text = NULL;
    if (json_is_integer(value))
        text = mig_sprintf("%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        text = mig_strdup(json_is_true(value) ? "1" : "0");
    else if (json_is_string(value))
        text = mig_strdup(json_string_value(value));
    else
        return mig_lambda_fail(err, MIGRATE_E_OPTION, NULL, "option \"%.64s\" of the event has to be text or a number",
                               key);
    migrate_status status = text ? migrate_ctx_set(ctx, key, text, err) : mig_lambda_nomem(err);
    mig_wipe_free(text);
    return status;
}

static migrate_status set_asked(migrate_ctx *ctx, const struct mig_lambda_ask *ask, migrate_error **err)
{
    migrate_status status = MIGRATE_OK;
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)ask->options, key, value) {
        status = set_option(ctx, key, value, err);
        if (status != MIGRATE_OK)
            return status;
    }
    if (ask->forgive_ahead)
        status = migrate_ctx_set(ctx, MIGRATE_OPT_AHEAD, "allow", err);
    if (status == MIGRATE_OK && ask->secret)
        status = migrate_ctx_set(ctx, MIGRATE_OPT_SECRET, ask->secret, err);
    return status;
}

/* Whichever is nearer: what is configured, or the end of the invocation. */
static migrate_status set_deadline(migrate_ctx *ctx, const struct mig_lambda_times *times, migrate_error **err)
{
    int64_t left = times->stop_ms - mig_clock_mono_ms(), wanted = 0;
    const char *text = migrate_ctx_get(ctx, MIGRATE_OPT_DEADLINE);
    struct mig_buf value = MIG_BUF_INIT;
    if (text && mig_duration_parse(text, &wanted) && wanted > 0 && wanted < left)
        return MIGRATE_OK;
    if (left <= 0)
        return mig_lambda_fail(err, MIGRATE_E_DEADLINE, "give the function a longer time-out",
                               "the function's time was over before the work began");
    mig_duration_write(&value, left);
    migrate_status status = value.oom ? mig_lambda_nomem(err)
                                      : migrate_ctx_set(ctx, MIGRATE_OPT_DEADLINE, mig_buf_text(&value), err);
    mig_buf_free(&value);
    return status;
}

/* ---- places ------------------------------------------------------------------------ */

static migrate_status use_source(const struct migrate_lambda *l, migrate_ctx *ctx, const char *asked,
                                 migrate_error **err)
{
    char *dir = NULL;
    migrate_status status = mig_lambda_source(l, asked, &dir, err);
    if (status == MIGRATE_OK && dir)
        status = migrate_ctx_use_dir(ctx, dir, err);
    free(dir);
    return status;
}

static bool is_set(migrate_ctx *ctx, const char *key)
{
    const char *value = migrate_ctx_get(ctx, key);
    return value && *value && strcmp(value, "0") != 0;
}

/* What the event names takes the place of what is configured, key by key: many databases of one server share a
 * secret, many secrets share a server. */
static migrate_status open_database(const struct migrate_lambda *l, migrate_ctx *ctx, const struct mig_lambda_ask *ask,
                                    migrate_error **err)
{
    const char *url = ask->database ? ask->database : l->database;
    bool aws = is_set(ctx, MIGRATE_OPT_SECRET) || is_set(ctx, MIGRATE_OPT_SSM_PARAMETER) || is_set(ctx, MIGRATE_OPT_IAM);
    if (aws)
        return migrate_aws_open(ctx, url, err);
    if (url)
        return migrate_ctx_open(ctx, url, err);
    return mig_lambda_fail(err, MIGRATE_E_ARGUMENT,
                           "set MIGRATE_DATABASE_URL, or MIGRATE_SECRET to a secret that tells engine, host and database",
                           "no database is configured");
}

static migrate_status prepare(struct migrate_lambda *l, migrate_ctx *ctx, const struct mig_lambda_ask *ask,
                              migrate_error **err)
{
    migrate_status status = ask->source ? MIGRATE_OK : use_source(l, ctx, NULL, err);
    if (status == MIGRATE_OK && l->setup)
        status = l->setup(l->setup_user, ctx, err);
    if (status == MIGRATE_OK && ask->source)
        status = use_source(l, ctx, ask->source, err);
    if (status == MIGRATE_OK)
        status = set_defaults(l, ctx, err);
    if (status == MIGRATE_OK)
        status = set_asked(ctx, ask, err);
    return status;
}

/* ---- the work ---------------------------------------------------------------------- */

static migrate_status run(migrate_ctx *ctx, const struct mig_lambda_ask *ask, uint32_t direction,
                          struct mig_lambda_done *out)
{
    migrate_run_options options = MIGRATE_RUN_OPTIONS_INIT;
    options.direction = direction;
    options.target = ask->to;
    options.steps = ask->steps;
    options.flags = direction == MIGRATE_DIRECTION_UP ? ask->flags & ~MIGRATE_RUN_ALL : ask->flags;
    if (ask->command == MIG_LAMBDA_PLAN)
        return migrate_plan_make(ctx, &options, &out->plan, &out->err);
    return migrate_run(ctx, &options, &out->report, &out->err);
}

static migrate_status act(migrate_ctx *ctx, const struct mig_lambda_ask *ask, struct mig_lambda_done *out)
{
    switch (ask->command) {
    case MIG_LAMBDA_STATUS:
        return migrate_inspect(ctx, &out->report, &out->err);
    case MIG_LAMBDA_VERIFY:
        return migrate_verify(ctx, &out->report, &out->err);
    case MIG_LAMBDA_BASELINE:
        return migrate_baseline(ctx, ask->version, &out->report, &out->err);
    case MIG_LAMBDA_RESOLVE:
        return migrate_resolve(ctx, ask->version, ask->flags, &out->report, &out->err);
    case MIG_LAMBDA_DOWN:
        return run(ctx, ask, MIGRATE_DIRECTION_DOWN, out);
    case MIG_LAMBDA_REDO:
        return run(ctx, ask, MIGRATE_DIRECTION_REDO, out);
    case MIG_LAMBDA_PLAN:
        return run(ctx, ask, ask->direction, out);
    default:
        return run(ctx, ask, MIGRATE_DIRECTION_UP, out);
    }
}

static migrate_status work(struct migrate_lambda *l, migrate_ctx *ctx, const struct mig_lambda_ask *ask,
                           const struct mig_lambda_times *times, struct mig_lambda_done *out)
{
    migrate_status status = prepare(l, ctx, ask, &out->err);
    if (status == MIGRATE_OK)
        status = set_deadline(ctx, times, &out->err);
    if (status != MIGRATE_OK)
        return status;
    mig_lambda_show(l, ctx);
    status = open_database(l, ctx, ask, &out->err);
    if (status == MIGRATE_OK)
        status = set_deadline(ctx, times, &out->err);
    if (status == MIGRATE_OK)
        status = act(ctx, ask, out);
    migrate_ctx_close(ctx); /* it unlocks, which may take a moment: still under the watchdog's eyes */
    mig_lambda_hide(l);
    return status;
}

void mig_lambda_run(struct migrate_lambda *l, const struct mig_lambda_ask *ask, const struct mig_lambda_times *times,
                    struct mig_lambda_done *out)
{
    migrate_ctx *ctx = NULL;
    *out = (struct mig_lambda_done){ .report = NULL };
    if (l->bad != MIGRATE_OK)
        out->status = mig_lambda_fail(&out->err, l->bad, l->bad_hint, "%s",
                                      l->bad_message ? l->bad_message : "the configuration cannot be used");
    else
        out->status = migrate_ctx_new(&ctx, &out->err);
    if (ctx)
        out->status = work(l, ctx, ask, times, out);
    migrate_ctx_free(ctx);
}

void mig_lambda_done_free(struct mig_lambda_done *d)
{
    migrate_report_free(d->report);
    migrate_plan_free(d->plan);
    migrate_error_free(d->err);
    *d = (struct mig_lambda_done){ .report = NULL };
}
