/* SPDX-License-Identifier: Apache-2.0 */
/* The environment, as the host offers it variable by variable. */
#include <stdlib.h>
#include <string.h>

#include "aws/lambda.h"
#include "util/mem.h"
#include "util/text.h"

#define PREFIX "MIGRATE_"

enum { KEY_MAX_LEN = 128 };

static migrate_status remember(char **to, const char *value, migrate_error **err)
{
    char *copy = mig_strdup(value);
    if (!copy)
        return mig_lambda_nomem(err);
    free(*to);
    *to = copy;
    return MIGRATE_OK;
}

/* Lambda's words for levels that we call otherwise. */
static const char *level(const char *value)
{
    static const char *const words[][2] = { { "TRACE", "debug" }, { "DEBUG", "debug" }, { "INFO", "info" },
                                            { "WARN", "warn" },   { "ERROR", "error" }, { "FATAL", "error" } };
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (mig_ieq(words[i][0], value))
            return words[i][1];
    }
    return "info";
}

static migrate_status lambdas_own(struct migrate_lambda *l, const char *name, const char *value, migrate_error **err)
{
    if (strcmp(name, "_HANDLER") == 0) {
        l->handler_is_complete = mig_ends(value, "isComplete");
        if (mig_ends(value, "onEvent"))
            l->has_is_complete = true; /* it has its name from the pair */
    } else if (strcmp(name, "LAMBDA_TASK_ROOT") == 0) {
        return remember(&l->task_root, value, err);
    } else if (strcmp(name, "AWS_LAMBDA_FUNCTION_NAME") == 0) {
        return remember(&l->function_name, value, err);
    } else if (strcmp(name, "AWS_LAMBDA_LOG_LEVEL") == 0) {
        return remember(&l->log_level, level(value), err);
    }
    return MIGRATE_OK;
}

/* LOCK_WAIT -> lock_wait, PLACEHOLDER__Name -> placeholder.Name, POSTGRES__KEY -> postgres.key. */
static bool to_key(const char *name, char key[KEY_MAX_LEN + 1])
{
    const char *dot = strstr(name + (*name ? 1 : 0), "__");
    bool placeholder = dot && (size_t)(dot - name) == 11 && memcmp(name, "PLACEHOLDER", 11) == 0;
    size_t n = 0;
    if (dot && !dot[2])
        dot = NULL;
    for (const char *p = name; *p; p++) {
        if (n >= KEY_MAX_LEN)
            return false;
        if (p == dot) {
            key[n++] = '.';
            p++;
        } else {
            key[n++] = placeholder && p > dot ? *p : mig_lower(*p);
        }
    }
    key[n] = '\0';
    return n > 0;
}

static bool is_option(const char *key)
{
    static const char *const ours[] = { MIGRATE_LAMBDA_MODE,        MIGRATE_LAMBDA_SOURCE,
                                        MIGRATE_LAMBDA_EVENT_ALLOW, MIGRATE_LAMBDA_DEADLINE_MARGIN,
                                        MIGRATE_LAMBDA_IS_COMPLETE, MIGRATE_LAMBDA_STATUS_CODE };
    const migrate_option *row;
    for (unsigned i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (strcmp(ours[i], key) == 0)
            return true;
    }
    for (size_t i = 0; (row = migrate_option_at(i)); i++) {
        const char *known = migrate_option_key(row);
        if (mig_ends(known, ".") ? mig_starts(key, known) : strcmp(known, key) == 0)
            return true;
    }
    return strchr(key, '.') != NULL; /* a driver's */
}

/* The first thing that is wrong is also the answer to every invocation: whoever waits for one is told why. */
static migrate_status spoil(struct migrate_lambda *l, const char *name, migrate_status status, migrate_error *why,
                            migrate_error **err)
{
    status = mig_lambda_fail(err, status, migrate_error_hint(why), "environment variable %s: %s", name,
                             migrate_error_message(why));
    if (l->bad == MIGRATE_OK) {
        const char *hint = migrate_error_hint(why);
        l->bad = status;
        l->bad_message = mig_sprintf("environment variable %s: %s", name, migrate_error_message(why));
        l->bad_hint = mig_strdup(hint);
    }
    migrate_error_free(why);
    return status;
}

migrate_status migrate_lambda_env(migrate_lambda *lambda, const char *name, const char *value, migrate_error **err)
{
    char key[KEY_MAX_LEN + 1];
    migrate_error *why = NULL;
    if (!lambda || !name)
        return mig_lambda_fail(err, MIGRATE_E_ARGUMENT, NULL, "a handler and a name are needed");
    if (!value || !*value)
        return MIGRATE_OK;
    if (!mig_starts(name, PREFIX))
        return lambdas_own(lambda, name, value, err);
    if (strcmp(name, PREFIX "DATABASE_URL") == 0)
        return migrate_lambda_set(lambda, MIGRATE_LAMBDA_DATABASE, value, err);
    if (!to_key(name + strlen(PREFIX), key) || !is_option(key))
        return MIGRATE_OK;
    migrate_status status = migrate_lambda_set(lambda, key, value, &why);
    return status == MIGRATE_OK ? status : spoil(lambda, name, status, why, err);
}
