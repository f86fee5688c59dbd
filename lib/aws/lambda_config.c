/* SPDX-License-Identifier: Apache-2.0 */
/* What a handler is told before it serves. */
#include <stdlib.h>
#include <string.h>

#include "aws/lambda.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/text.h"

const char *const mig_lambda_allow_names[MIG_LAMBDA_N_ALLOW] = {
    "up", "status", "plan", "verify", "down", "redo", "baseline", "resolve", "source", "database", "secret", "options",
};

migrate_status mig_lambda_nomem(migrate_error **err)
{
    return migrate_error_make(err, MIGRATE_E_NOMEM, "out of memory", "give the function more memory");
}

migrate_status mig_lambda_fail(migrate_error **err, migrate_status status, const char *hint, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *message = mig_vsprintf(fmt, args);
    va_end(args);
    if (!message)
        return mig_lambda_nomem(err);
    status = migrate_error_make(err, status, message, hint);
    free(message);
    return status;
}

/* ---- values ---------------------------------------------------------------------- */

static migrate_status set_text(char **to, const char *value, migrate_error **err)
{
    char *copy = NULL;
    if (value && *value && !(copy = mig_strdup(value)))
        return mig_lambda_nomem(err);
    mig_wipe_free(*to); /* a URL may hold a password */
    *to = copy;
    return MIGRATE_OK;
}

static migrate_status set_mode(struct migrate_lambda *l, const char *value, migrate_error **err)
{
    static const char *const names[] = { "direct", "cfn", "cdk-provider", "cdk-is-complete" };
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (!value || !*value || strcmp(value, names[i]) == 0) {
            l->mode = (enum mig_lambda_mode)i;
            return MIGRATE_OK;
        }
    }
    return mig_lambda_fail(err, MIGRATE_E_OPTION, "it is direct, cfn, cdk-provider or cdk-is-complete",
                           "there is no mode \"%s\"", value);
}

static migrate_status set_margin(struct migrate_lambda *l, const char *value, migrate_error **err)
{
    int64_t ms = 5000;
    if (value && *value && !mig_duration_parse(value, &ms))
        return mig_lambda_fail(err, MIGRATE_E_OPTION, "write a duration such as 5s or 500ms",
                               "deadline_margin cannot be \"%s\"", value);
    l->margin_ms = ms;
    return MIGRATE_OK;
}

static bool allow_bit(const char *name, size_t len, uint32_t *bits)
{
    for (unsigned i = 0; i < MIG_LAMBDA_N_ALLOW; i++) {
        if (strlen(mig_lambda_allow_names[i]) == len && memcmp(mig_lambda_allow_names[i], name, len) == 0) {
            *bits |= UINT32_C(1) << i;
            return true;
        }
    }
    return false;
}

static migrate_status set_allow(struct migrate_lambda *l, const char *value, migrate_error **err)
{
    uint32_t bits = 0;
    if (!value)
        value = "up,status,plan,verify";
    for (const char *at = value; *at;) {
        at += strspn(at, ", \t");
        size_t len = strcspn(at, ", \t");
        if (len && !allow_bit(at, len, &bits))
            return mig_lambda_fail(err, MIGRATE_E_OPTION,
                                   "allowed can be: up, status, plan, verify, down, redo, baseline, resolve, source, "
                                   "database, secret, options",
                                   "event_allow: \"%.*s\" is nothing that an event can ask for", (int)len, at);
        at += len;
    }
    l->allow = bits;
    return MIGRATE_OK;
}

static migrate_status set_flag(bool *to, const char *key, const char *value, migrate_error **err)
{
    if (value && *value && strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
        return mig_lambda_fail(err, MIGRATE_E_OPTION, "it is 1 or 0", "%s cannot be \"%s\"", key, value);
    *to = value && strcmp(value, "1") == 0;
    return MIGRATE_OK;
}

/* ---- options of a context ---------------------------------------------------------- */

static struct mig_lambda_setting *find(const struct migrate_lambda *l, const char *key)
{
    for (size_t i = 0; i < l->n_settings; i++) {
        if (strcmp(l->settings[i].key, key) == 0)
            return &l->settings[i];
    }
    return NULL;
}

const char *mig_lambda_setting(const struct migrate_lambda *l, const char *key)
{
    const struct mig_lambda_setting *s = find(l, key);
    return s ? s->value : NULL;
}

static migrate_status keep(struct migrate_lambda *l, const char *key, const char *value, migrate_error **err)
{
    struct mig_lambda_setting *s = find(l, key);
    if (!s) {
        char *copy = mig_strdup(key);
        if (!copy || !mig_grow(&l->settings, &l->cap_settings, l->n_settings + 1, sizeof *l->settings)) {
            free(copy);
            return mig_lambda_nomem(err);
        }
        s = &l->settings[l->n_settings++];
        *s = (struct mig_lambda_setting){ .key = copy };
    }
    return set_text(&s->value, value, err);
}

/* A driver's own option is judged when that driver is there. */
static bool is_drivers(const char *key)
{
    return strchr(key, '.') && !mig_starts(key, MIGRATE_OPT_PLACEHOLDER);
}

static migrate_status set_option(struct migrate_lambda *l, const char *key, const char *value, migrate_error **err)
{
    if (!is_drivers(key)) {
        migrate_status status = migrate_ctx_set(l->judge, key, value, err);
        if (status != MIGRATE_OK)
            return status;
    }
    return keep(l, key, value, err);
}

migrate_status migrate_lambda_set(migrate_lambda *lambda, const char *key, const char *value, migrate_error **err)
{
    if (!lambda || !key)
        return mig_lambda_fail(err, MIGRATE_E_ARGUMENT, NULL, "a handler and a key are needed");
    if (strcmp(key, MIGRATE_LAMBDA_MODE) == 0)
        return set_mode(lambda, value, err);
    if (strcmp(key, MIGRATE_LAMBDA_DATABASE) == 0)
        return set_text(&lambda->database, value, err);
    if (strcmp(key, MIGRATE_LAMBDA_SOURCE) == 0)
        return set_text(&lambda->source, value, err);
    if (strcmp(key, MIGRATE_LAMBDA_DEADLINE_MARGIN) == 0)
        return set_margin(lambda, value, err);
    if (strcmp(key, MIGRATE_LAMBDA_EVENT_ALLOW) == 0)
        return set_allow(lambda, value, err);
    if (strcmp(key, MIGRATE_LAMBDA_STATUS_CODE) == 0)
        return set_flag(&lambda->status_code, key, value, err);
    if (strcmp(key, MIGRATE_LAMBDA_IS_COMPLETE) == 0)
        return set_flag(&lambda->has_is_complete, key, value, err);
    if (strcmp(key, MIGRATE_LAMBDA_CA_FILE) == 0)
        return set_text(&lambda->ca_file, value, err);
    return set_option(lambda, key, value, err);
}
