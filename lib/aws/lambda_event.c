/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what an event asks for, and refuses what it may not. */
#include <stdio.h>
#include <string.h>

#include <migrate/run.h>

#include "aws/lambda.h"

migrate_status mig_lambda_json(const char *text, size_t len, json_t **out, migrate_error **err)
{
    json_error_t why;
    if (len == 0) {
        *out = json_null();
        return MIGRATE_OK;
    }
    *out = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (*out)
        return MIGRATE_OK;
    /* Where it has no word for what went wrong it ran out of memory. */
    if (json_error_code(&why) == json_error_out_of_memory || why.line < 0)
        return mig_lambda_nomem(err);
    return mig_lambda_fail(err, MIGRATE_E_ARGUMENT, "send null, {} or an object with a \"command\"",
                           "the event is not JSON: line %d, column %d, byte %d", why.line, why.column, why.position);
}

/* ---- what is allowed --------------------------------------------------------------- */

migrate_status mig_lambda_allowed(const struct migrate_lambda *l, unsigned what, migrate_error **err)
{
    if (l->allow & (UINT32_C(1) << what))
        return MIGRATE_OK;
    return mig_lambda_fail(err, MIGRATE_E_MISUSE, "who may change the function's configuration can add it to "
                                                  "MIGRATE_EVENT_ALLOW",
                           "an event of this function may not ask for \"%s\"", mig_lambda_allow_names[what]);
}

migrate_status mig_lambda_command(const struct migrate_lambda *l, const char *name, enum mig_lambda_command *out,
                                  migrate_error **err)
{
    for (unsigned i = 0; i < MIG_LAMBDA_N_COMMANDS; i++) {
        if (strcmp(mig_lambda_allow_names[i], name) == 0) {
            *out = (enum mig_lambda_command)i;
            return mig_lambda_allowed(l, i, err);
        }
    }
    return mig_lambda_fail(err, MIGRATE_E_ARGUMENT,
                           "it is up, status, plan, verify, down, redo, baseline or resolve",
                           "there is no command \"%.64s\"", name);
}

/* ---- keys -------------------------------------------------------------------------- */

static migrate_status wrong(const char *key, const char *what, migrate_error **err)
{
    return mig_lambda_fail(err, MIGRATE_E_ARGUMENT, NULL, "\"%s\" in the event has to be %s", key, what);
}

/* A version may come as a number. */
static migrate_status read_version(const json_t *value, const char *key, const char **to, char number[24],
                                   migrate_error **err)
{
    *to = json_string_value(value);
    if (json_is_integer(value)) {
        (void)snprintf(number, 24, "%lld", (long long)json_integer_value(value));
        *to = number;
    }
    return *to && **to ? MIGRATE_OK : wrong(key, "a version", err);
}

static migrate_status read_flag(const json_t *value, const char *key, uint32_t bit, uint32_t *flags,
                                migrate_error **err)
{
    if (!json_is_boolean(value))
        return wrong(key, "true or false", err);
    if (json_is_true(value))
        *flags |= bit;
    return MIGRATE_OK;
}

static migrate_status read_text(const json_t *value, const char *key, const char **to, migrate_error **err)
{
    *to = json_string_value(value);
    return *to && **to ? MIGRATE_OK : wrong(key, "text", err);
}

static migrate_status read_steps(const json_t *value, struct mig_lambda_ask *ask, migrate_error **err)
{
    if (!json_is_integer(value) || json_integer_value(value) < 1)
        return wrong("steps", "a number from 1", err);
    ask->steps = (uint64_t)json_integer_value(value);
    return MIGRATE_OK;
}

static migrate_status read_direction(const json_t *value, struct mig_lambda_ask *ask, migrate_error **err)
{
    static const char *const names[] = { "up", "down", "redo" };
    const char *name = json_string_value(value);
    for (uint32_t i = 0; name && i < 3; i++) {
        if (strcmp(name, names[i]) == 0) {
            ask->direction = MIGRATE_DIRECTION_UP + i;
            return MIGRATE_OK;
        }
    }
    return wrong("direction", "up, down or redo", err);
}

static migrate_status read_applied(const json_t *value, bool positive, const char *key, struct mig_lambda_ask *ask,
                                   migrate_error **err)
{
    if (!json_is_boolean(value))
        return wrong(key, "true or false", err);
    ask->flags |= json_is_true(value) == positive ? MIGRATE_RESOLVE_APPLIED : MIGRATE_RESOLVE_NOT_APPLIED;
    return MIGRATE_OK;
}

static migrate_status read_options(const struct migrate_lambda *l, const json_t *value, struct mig_lambda_ask *ask,
                                   migrate_error **err)
{
    migrate_status status = mig_lambda_allowed(l, MIG_LAMBDA_MAY_OPTIONS, err);
    if (status == MIGRATE_OK && !json_is_object(value))
        status = wrong("options", "an object of options", err);
    ask->options = value;
    return status;
}

static migrate_status read_place(const struct migrate_lambda *l, const json_t *value, unsigned what, const char **to,
                                 migrate_error **err)
{
    migrate_status status = mig_lambda_allowed(l, what, err);
    return status == MIGRATE_OK ? read_text(value, mig_lambda_allow_names[what], to, err) : status;
}

static bool is(const char *key, const char *name)
{
    return strcmp(key, name) == 0;
}

/* Keys that mean the same with every command; *@p known false: it is none of them. */
static migrate_status read_common(const struct migrate_lambda *l, const char *key, const json_t *value,
                                  struct mig_lambda_ask *ask, bool *known, migrate_error **err)
{
    *known = true;
    if (is(key, "command") || is(key, "id") || is(key, "items"))
        return MIGRATE_OK;
    if (is(key, "database"))
        return read_place(l, value, MIG_LAMBDA_MAY_DATABASE, &ask->database, err);
    if (is(key, "secret"))
        return read_place(l, value, MIG_LAMBDA_MAY_SECRET, &ask->secret, err);
    if (is(key, "source"))
        return read_place(l, value, MIG_LAMBDA_MAY_SOURCE, &ask->source, err);
    if (is(key, "options"))
        return read_options(l, value, ask, err);
    *known = false;
    return MIGRATE_OK;
}

static migrate_status read_runs_key(const char *key, const json_t *value, struct mig_lambda_ask *ask, bool *known,
                                    migrate_error **err)
{
    bool plan = ask->command == MIG_LAMBDA_PLAN;
    *known = true;
    if (is(key, "to"))
        return read_version(value, key, &ask->to, ask->number[0], err);
    if (is(key, "steps"))
        return read_steps(value, ask, err);
    if (is(key, "all"))
        return read_flag(value, key, MIGRATE_RUN_ALL, &ask->flags, err);
    if (plan && is(key, "sql"))
        return read_flag(value, key, MIGRATE_RUN_SQL, &ask->flags, err);
    if (plan && is(key, "direction"))
        return read_direction(value, ask, err);
    *known = false;
    return MIGRATE_OK;
}

static migrate_status read_settlings_key(const char *key, const json_t *value, struct mig_lambda_ask *ask, bool *known,
                                         migrate_error **err)
{
    bool resolve = ask->command == MIG_LAMBDA_RESOLVE;
    *known = true;
    if (is(key, "version"))
        return read_version(value, key, &ask->version, ask->number[1], err);
    if (resolve && is(key, "applied"))
        return read_applied(value, true, key, ask, err);
    if (resolve && (is(key, "not_applied") || is(key, "not-applied")))
        return read_applied(value, false, key, ask, err);
    if (resolve && is(key, "all"))
        return read_flag(value, key, MIGRATE_RESOLVE_ALL, &ask->flags, err);
    *known = false;
    return MIGRATE_OK;
}

static migrate_status read_key(const struct migrate_lambda *l, const char *key, const json_t *value, bool lenient,
                               struct mig_lambda_ask *ask, migrate_error **err)
{
    bool known;
    migrate_status status = read_common(l, key, value, ask, &known, err);
    if (known)
        return status;
    switch (ask->command) {
    case MIG_LAMBDA_STATUS:
    case MIG_LAMBDA_VERIFY:
        break;
    case MIG_LAMBDA_BASELINE:
    case MIG_LAMBDA_RESOLVE:
        status = read_settlings_key(key, value, ask, &known, err);
        break;
    default:
        status = read_runs_key(key, value, ask, &known, err);
    }
    if (known || lenient)
        return status;
    return mig_lambda_fail(err, MIGRATE_E_ARGUMENT, "keys are those of the command line: to, steps, all, sql, version…",
                           "\"%.64s\" in the event means nothing to %s", key, mig_lambda_allow_names[ask->command]);
}

/* ---- all of it --------------------------------------------------------------------- */

static migrate_status check(const struct mig_lambda_ask *ask, migrate_error **err)
{
    bool settles = ask->command == MIG_LAMBDA_BASELINE || ask->command == MIG_LAMBDA_RESOLVE;
    uint32_t both = MIGRATE_RESOLVE_APPLIED | MIGRATE_RESOLVE_NOT_APPLIED;
    if (settles && !ask->version)
        return mig_lambda_fail(err, MIGRATE_E_ARGUMENT, "say which \"version\"", "%s needs a version",
                               mig_lambda_allow_names[ask->command]);
    if (ask->command == MIG_LAMBDA_RESOLVE && ((ask->flags & both) == 0 || (ask->flags & both) == both))
        return mig_lambda_fail(err, MIGRATE_E_ARGUMENT, "say \"applied\": true or false",
                               "resolve needs to be told whether it was applied");
    if (ask->to && ask->steps)
        return mig_lambda_fail(err, MIGRATE_E_ARGUMENT, NULL, "only one of \"to\" and \"steps\" can be given");
    return MIGRATE_OK;
}

/* What EventBridge sends has a "source", a "version" and more that is not meant for us. */
static bool is_bare(const json_t *o)
{
    return !json_is_object(o) || json_object_get(o, "detail-type");
}

migrate_status mig_lambda_ask_read(const struct migrate_lambda *l, const json_t *o, bool lenient,
                                   struct mig_lambda_ask *out, migrate_error **err)
{
    const json_t *command = json_object_get(o, "command");
    const char *key;
    json_t *value;
    migrate_status status;
    *out = (struct mig_lambda_ask){ .direction = MIGRATE_DIRECTION_UP };
    if (command && !json_is_string(command))
        return wrong("command", "text", err);
    status = mig_lambda_command(l, command ? json_string_value(command) : "up", &out->command, err);
    if (status != MIGRATE_OK || (!command && is_bare(o)))
        return status;
    json_object_foreach ((json_t *)(uintptr_t)o, key, value) {
        if (json_is_null(value))
            continue;
        status = read_key(l, key, value, lenient || !command, out, err);
        if (status != MIGRATE_OK)
            return status;
    }
    return check(out, err);
}
