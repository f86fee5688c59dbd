/* SPDX-License-Identifier: Apache-2.0 */
/* The Lambda handler: its life, and one invocation from event to reply. */
#include "aws/lambda.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

/* ---- life -------------------------------------------------------------------------- */

migrate_status migrate_lambda_new(migrate_lambda **out, migrate_error **err)
{
    struct migrate_lambda *l;
    if (!out)
        return mig_lambda_fail(err, MIGRATE_E_ARGUMENT, NULL, "no place for the handler");
    l = calloc(1, sizeof *l);
    if (!l)
        return mig_lambda_nomem(err);
    l->margin_ms = 5000;
    atomic_init(&l->running, NULL);
    atomic_init(&l->visitors, 0);
    atomic_init(&l->stop, false);
    migrate_status status = migrate_ctx_new(&l->judge, err);
    if (status == MIGRATE_OK)
        status = migrate_lambda_set(l, MIGRATE_LAMBDA_EVENT_ALLOW, NULL, err);
    if (status != MIGRATE_OK) {
        migrate_lambda_free(l);
        return status;
    }
    *out = l;
    return MIGRATE_OK;
}

static void release_setup(struct migrate_lambda *l)
{
    if (l->setup_release)
        l->setup_release(l->setup_user);
    l->setup_release = NULL;
}

void migrate_lambda_free(migrate_lambda *lambda)
{
    struct migrate_lambda *l = lambda;
    if (!l)
        return;
    release_setup(l);
    migrate_ctx_free(l->judge);
    for (size_t i = 0; i < l->n_settings; i++) {
        free(l->settings[i].key);
        mig_wipe_free(l->settings[i].value);
    }
    for (size_t i = 0; i < MIG_LAMBDA_KEPT; i++)
        mig_lambda_kept_free(&l->kept[i]);
    free(l->settings);
    mig_wipe_free(l->database);
    free(l->source);
    free(l->ca_file);
    free(l->task_root);
    free(l->function_name);
    free(l->log_level);
    free(l->bad_message);
    free(l->bad_hint);
    free(l);
}

void migrate_lambda_on_setup(migrate_lambda *lambda, migrate_lambda_setup_fn fn, void *user,
                             migrate_release_fn release)
{
    if (!lambda) {
        if (release)
            release(user);
        return;
    }
    release_setup(lambda);
    lambda->setup = fn;
    lambda->setup_user = user;
    lambda->setup_release = release;
}

/* ---- one invocation ---------------------------------------------------------------- */

static enum mig_lambda_mode mode_of(const struct migrate_lambda *l)
{
    return l->handler_is_complete ? MIG_LAMBDA_IS_COMPLETE : l->mode;
}

static struct migrate_lambda_reply *by_mode(struct migrate_lambda *l, const json_t *event,
                                            const struct mig_lambda_times *times)
{
    switch (mode_of(l)) {
    case MIG_LAMBDA_PROVIDER:
        return mig_lambda_provider(l, event, times);
    case MIG_LAMBDA_IS_COMPLETE:
        return mig_lambda_is_complete(l, event, times);
    default:
        break;
    }
    if (mig_lambda_is_queue(event))
        return mig_lambda_queue(l, event, times);
    return mig_lambda_is_batch(event) ? mig_lambda_batch(l, event, times) : mig_lambda_direct(l, event, times);
}

static struct migrate_lambda_reply *watched(struct migrate_lambda *l, const json_t *event,
                                            const struct mig_lambda_times *times)
{
    struct mig_lambda_watchdog dog;
    mig_lambda_watchdog_start(&dog, l, times, NULL, NULL);
    struct migrate_lambda_reply *r = by_mode(l, event, times);
    mig_lambda_watchdog_end(&dog);
    return r;
}

static struct migrate_lambda_reply *serve(struct migrate_lambda *l, const char *text, size_t len,
                                          const struct mig_lambda_times *times, struct mig_lambda_kept *kept)
{
    migrate_error *err = NULL;
    json_t *event = NULL;
    struct migrate_lambda_reply *r;
    if (mig_lambda_json(text, len, &event, &err) != MIGRATE_OK)
        r = mig_lambda_reply_fail(l, err, "");
    else if (mode_of(l) == MIG_LAMBDA_CFN)
        r = mig_lambda_cfn(l, event, times, kept);
    else
        r = watched(l, event, times);
    migrate_error_free(err);
    json_decref(event);
    return r;
}

/* Keeps a copy for the next time; without memory for it there is none. */
static void keep(struct migrate_lambda *l, const char *request_id, char *fingerprint, struct mig_lambda_kept *kept,
                 const struct migrate_lambda_reply *r)
{
    kept->request_id = request_id && *request_id ? mig_strdup(request_id) : NULL;
    kept->fingerprint = fingerprint;
    kept->reply = mig_lambda_reply_copy(r);
    if (kept->reply && (kept->request_id || kept->fingerprint))
        mig_lambda_keep(l, kept);
    mig_lambda_kept_free(kept);
}

migrate_status migrate_lambda_handle(migrate_lambda *lambda, const char *event, size_t len, const char *request_id,
                                     int64_t remaining_ms, const char *function_arn, migrate_lambda_reply **out,
                                     migrate_error **err)
{
    struct mig_lambda_times times;
    struct mig_lambda_kept fresh = { .reply = NULL };
    struct migrate_lambda_reply *r;
    (void)function_arn;
    if (!lambda || !out || (!event && len))
        return mig_lambda_fail(err, MIGRATE_E_ARGUMENT, NULL, "a handler, an event and a place for the reply are needed");
    atomic_store(&lambda->stop, false);
    mig_lambda_times_set(&times, remaining_ms, lambda->margin_ms);
    char *fingerprint = mig_lambda_fingerprint(lambda, event, len);
    const struct mig_lambda_kept *kept = mig_lambda_kept_find(lambda, request_id, fingerprint);
    if (kept) {
        r = mode_of(lambda) == MIG_LAMBDA_CFN ? mig_lambda_cfn_again(lambda, kept, &times)
                                              : mig_lambda_reply_copy(kept->reply);
        free(fingerprint);
    } else {
        r = serve(lambda, event, len, &times, &fresh);
        if (r)
            keep(lambda, request_id, fingerprint, &fresh, r);
        else
            free(fingerprint);
        mig_lambda_kept_free(&fresh);
    }
    if (!r)
        return mig_lambda_nomem(err);
    *out = r;
    return MIGRATE_OK;
}
