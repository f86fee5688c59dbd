/* SPDX-License-Identifier: Apache-2.0 */
/* Events of CloudFormation's, direct or by the CDK's Provider framework. */
#include <stdio.h>
#include <string.h>

#include "aws/lambda.h"
#include "util/sha256.h"
#include "util/text.h"

/* ---- reading ----------------------------------------------------------------------- */

/* Made of what never changes in a resource's life, so that no update looks like a replacement. */
static void make_physical_id(struct mig_lambda_stack *s)
{
    struct mig_sha256 h;
    uint8_t sum[MIG_SHA256_LEN];
    char hex[MIG_SHA256_HEX + 1];
    mig_sha256_init(&h);
    mig_sha256_update(&h, s->stack_id, strlen(s->stack_id));
    mig_sha256_update(&h, s->logical_id, strlen(s->logical_id));
    mig_sha256_final(&h, sum);
    mig_hex(sum, sizeof sum, hex);
    (void)snprintf(s->physical_id, sizeof s->physical_id, "migrate-%.24s", hex);
}

static const char *text_of(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));
    return text ? text : "";
}

migrate_status mig_lambda_stack_read(const json_t *event, struct mig_lambda_stack *out, migrate_error **err)
{
    const char *id = text_of(event, "PhysicalResourceId");
    *out = (struct mig_lambda_stack){
        .type = text_of(event, "RequestType"),
        .url = text_of(event, "ResponseURL"),
        .stack_id = text_of(event, "StackId"),
        .request_id = text_of(event, "RequestId"),
        .logical_id = text_of(event, "LogicalResourceId"),
        .properties = json_object_get(event, "ResourceProperties"),
    };
    if (*id && strcmp(out->type, "Create") != 0 && strlen(id) < sizeof out->physical_id)
        memcpy(out->physical_id, id, strlen(id) + 1);
    else
        make_physical_id(out);
    if (strcmp(out->type, "Create") == 0 || strcmp(out->type, "Update") == 0 || strcmp(out->type, "Delete") == 0)
        return MIGRATE_OK;
    return mig_lambda_fail(err, MIGRATE_E_ARGUMENT,
                           "this function's MIGRATE_MODE is for custom resources; a plain invoke needs mode direct",
                           "the event has no RequestType Create, Update or Delete");
}

/* ---- doing ------------------------------------------------------------------------- */

static migrate_status read_properties(const struct migrate_lambda *l, const struct mig_lambda_stack *stack,
                                      struct mig_lambda_ask *ask, migrate_error **err)
{
    const char *target = json_string_value(json_object_get(stack->properties, "Target"));
    const char *source = json_string_value(json_object_get(stack->properties, "Source"));
    const char *command = json_string_value(json_object_get(stack->properties, "Command"));
    migrate_status status = mig_lambda_command(l, command && *command ? command : "up", &ask->command, err);
    if (status == MIGRATE_OK && source && *source)
        status = mig_lambda_allowed(l, MIG_LAMBDA_MAY_SOURCE, err);
    if (status == MIGRATE_OK && ask->command >= MIG_LAMBDA_BASELINE && !(target && *target))
        status = mig_lambda_fail(err, MIGRATE_E_ARGUMENT, NULL, "Command %s needs a Target", command);
    if (status == MIGRATE_OK && ask->command == MIG_LAMBDA_RESOLVE)
        status = mig_lambda_fail(err, MIGRATE_E_UNSUPPORTED, "invoke a function of mode direct, or use the command line",
                                 "a custom resource cannot resolve a doubt");
    ask->to = target && *target ? target : NULL;
    ask->version = ask->to;
    ask->source = source && *source ? source : NULL;
    return status;
}

/* An application that is rolled back brings its older files, and asks for its older version: nothing is to be done
 * then, and nothing fails. */
static bool may_be_rollback(const struct mig_lambda_stack *stack, const struct mig_lambda_ask *ask,
                            migrate_status status)
{
    return strcmp(stack->type, "Update") == 0 && ask->command == MIG_LAMBDA_UP &&
           (status == MIGRATE_E_AHEAD || status == MIGRATE_E_NO_VERSION || status == MIGRATE_E_MISSING ||
            status == MIGRATE_E_DOUBT);
}

static bool is_in(const migrate_item *item)
{
    uint32_t state = migrate_item_state(item);
    return state == MIGRATE_STATE_APPLIED || state == MIGRATE_STATE_BASELINE;
}

/* All files are applied, and what the database has besides is newer than the newest of them: applied, or what made the
 * newer application's deployment fail. */
static bool is_older(const migrate_report *status)
{
    bool newer = false;
    for (size_t i = 0; i < migrate_report_count(status); i++) {
        const migrate_item *item = migrate_report_item(status, i);
        bool has_file = migrate_item_path(item) != NULL;
        if (migrate_item_kind(item) == MIGRATE_KIND_REPEATABLE || migrate_item_state(item) == MIGRATE_STATE_REVERTED)
            continue;
        if (has_file && (newer || !is_in(item)))
            return false;
        newer = newer || !has_file;
    }
    return newer;
}

/* Everything up to the target is applied, whatever stands behind it. */
static bool is_reached(const migrate_report *status, const char *target)
{
    for (size_t i = 0; i < migrate_report_count(status); i++) {
        const migrate_item *item = migrate_report_item(status, i);
        if (migrate_item_kind(item) == MIGRATE_KIND_REPEATABLE)
            continue;
        if (!migrate_item_path(item) || !is_in(item))
            return false;
        if (strcmp(migrate_item_version(item), target) == 0)
            return true;
    }
    return false;
}

/* Looks instead of running. True: there is nothing to be done, and *@p done says so. */
static bool nothing_to_do(struct migrate_lambda *l, const struct mig_lambda_ask *ask,
                          const struct mig_lambda_times *times, bool older, struct mig_lambda_done *done)
{
    struct mig_lambda_ask look = *ask;
    struct mig_lambda_done seen;
    look.command = MIG_LAMBDA_STATUS;
    look.to = NULL;
    mig_lambda_run(l, &look, times, &seen);
    if (seen.status == MIGRATE_OK && (older ? is_older(seen.report) : is_reached(seen.report, ask->to))) {
        mig_lambda_done_free(done);
        *done = seen;
        return true;
    }
    mig_lambda_done_free(&seen);
    return false;
}

void mig_lambda_stack_run(struct migrate_lambda *l, const struct mig_lambda_stack *stack,
                          const struct mig_lambda_times *times, struct mig_lambda_done *done)
{
    struct mig_lambda_ask ask = { .direction = MIGRATE_DIRECTION_UP };
    bool update = strcmp(stack->type, "Update") == 0;
    *done = (struct mig_lambda_done){ .report = NULL };
    ask.forgive_ahead = update;
    done->status = read_properties(l, stack, &ask, &done->err);
    if (done->status != MIGRATE_OK)
        return;
    /* What failed half-way behind an older target is not tried again on the way back. */
    if (update && ask.command == MIG_LAMBDA_UP && ask.to && nothing_to_do(l, &ask, times, false, done))
        return;
    mig_lambda_run(l, &ask, times, done);
    if (may_be_rollback(stack, &ask, done->status))
        (void)nothing_to_do(l, &ask, times, true, done);
}

void mig_lambda_add_data(struct mig_buf *out, const struct mig_lambda_done *d)
{
    struct mig_buf text = MIG_BUF_INIT;
    mig_buf_str(out, "{\"Version\":");
    mig_json_str(out, migrate_report_version(d->report));
    mig_buf_fmt(out, ",\"Applied\":\"%llu\",\"Response\":", (unsigned long long)migrate_report_applied(d->report));
    mig_lambda_add_sentence(&text, d);
    mig_json_str(out, mig_buf_text(&text));
    mig_buf_char(out, '}');
    out->oom = out->oom || text.oom;
    mig_buf_free(&text);
}

/* ---- the CDK's Provider framework ---------------------------------------------------- */

static struct migrate_lambda_reply *fail(struct migrate_lambda *l, migrate_error *err)
{
    struct migrate_lambda_reply *r = mig_lambda_reply_fail(l, err, "");
    migrate_error_free(err);
    return r;
}

/* @p done NULL: nothing was to be done. */
static struct migrate_lambda_reply *provider_reply(struct migrate_lambda *l, const struct mig_lambda_stack *stack,
                                                   const struct mig_lambda_done *done)
{
    struct mig_buf body = MIG_BUF_INIT, text = MIG_BUF_INIT;
    struct migrate_lambda_reply *r = NULL;
    mig_buf_str(&body, "{\"PhysicalResourceId\":");
    mig_json_str(&body, stack->physical_id);
    if (done) {
        mig_buf_str(&body, ",\"Data\":");
        mig_lambda_add_data(&body, done);
        mig_lambda_add_sentence(&text, done);
    } else {
        mig_buf_str(&text, "Delete: nothing was touched");
    }
    mig_lambda_add_status_code(l, &body, done && done->status != MIGRATE_OK ? 202 : 200);
    mig_buf_char(&body, '}');
    if (!text.oom)
        r = mig_lambda_reply_make(&body, NULL, mig_buf_text(&text), done ? done->status : MIGRATE_OK);
    mig_buf_free(&body);
    mig_buf_free(&text);
    return r;
}

/* Time ran out, or another invocation is still at it. */
static bool goes_on(const struct mig_lambda_done *done)
{
    return MIGRATE_STATUS_CLASS(done->status) == MIGRATE_CLASS_STOPPED || done->status == MIGRATE_E_LOCK_TIMEOUT;
}

struct migrate_lambda_reply *mig_lambda_provider(struct migrate_lambda *l, const json_t *event,
                                                 const struct mig_lambda_times *times)
{
    struct mig_lambda_stack stack;
    struct mig_lambda_done done;
    migrate_error *err = NULL;
    if (mig_lambda_stack_read(event, &stack, &err) != MIGRATE_OK)
        return fail(l, err);
    if (strcmp(stack.type, "Delete") == 0)
        return provider_reply(l, &stack, NULL);
    mig_lambda_stack_run(l, &stack, times, &done);
    /* Work that is left is no failure if another function goes on with it; to the framework alone it would look done. */
    bool good = done.status == MIGRATE_OK || (l->has_is_complete && goes_on(&done));
    struct migrate_lambda_reply *r = good ? provider_reply(l, &stack, &done)
                                          : mig_lambda_reply_fail(l, done.err, "");
    mig_lambda_done_free(&done);
    return r;
}

static struct migrate_lambda_reply *complete_reply(struct migrate_lambda *l, const struct mig_lambda_done *done)
{
    bool complete = !done || done->status == MIGRATE_OK;
    struct mig_buf body = MIG_BUF_INIT;
    mig_buf_fmt(&body, "{\"IsComplete\":%s", complete ? "true" : "false");
    if (done && complete) {
        mig_buf_str(&body, ",\"Data\":");
        mig_lambda_add_data(&body, done);
    }
    mig_lambda_add_status_code(l, &body, complete ? 200 : 202);
    mig_buf_char(&body, '}');
    return mig_lambda_reply_make(&body, NULL, complete ? "complete" : "more work is left",
                                 done ? done->status : MIGRATE_OK);
}

struct migrate_lambda_reply *mig_lambda_is_complete(struct migrate_lambda *l, const json_t *event,
                                                    const struct mig_lambda_times *times)
{
    struct mig_lambda_stack stack;
    struct mig_lambda_done done;
    migrate_error *err = NULL;
    if (mig_lambda_stack_read(event, &stack, &err) != MIGRATE_OK)
        return fail(l, err);
    if (strcmp(stack.type, "Delete") == 0)
        return complete_reply(l, NULL);
    mig_lambda_stack_run(l, &stack, times, &done);
    bool good = done.status == MIGRATE_OK || goes_on(&done);
    struct migrate_lambda_reply *r = good ? complete_reply(l, &done) : mig_lambda_reply_fail(l, done.err, "");
    mig_lambda_done_free(&done);
    return r;
}
