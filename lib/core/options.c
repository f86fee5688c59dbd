/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a context: setting, checking, and the engine's reading of them. */
#include "core/options.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/options_near.h"
#include "core/options_table.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/text.h"

struct entry {
    char *key;
    char *value;
};

struct mig_options {
    struct entry *entries; /* in the order in which they were first set */
    size_t n, cap;
};

struct mig_options *mig_options_new(void)
{
    return calloc(1, sizeof(struct mig_options));
}

/* A value may be a password, so all are wiped. */
static void entry_free(struct entry *e)
{
    free(e->key);
    mig_wipe_free(e->value);
}

void mig_options_free(struct mig_options *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < o->n; i++)
        entry_free(&o->entries[i]);
    free(o->entries);
    free(o);
}

static struct entry *find(const struct mig_options *o, const char *key)
{
    bool exact = mig_starts(key, MIGRATE_OPT_PLACEHOLDER); /* whose name is the migrations' affair */
    for (size_t i = 0; i < o->n; i++)
        if (exact ? strcmp(o->entries[i].key, key) == 0 : mig_option_same_key(o->entries[i].key, key))
            return &o->entries[i];
    return NULL;
}

/* ---- checking -------------------------------------------------------------- */

static bool is_choice(const char *values, const char *value)
{
    for (size_t n; *values; values += n + (values[n] == '|')) {
        n = strcspn(values, "|");
        if (strlen(value) == n && memcmp(values, value, n) == 0)
            return true;
    }
    return false;
}

static bool is_integer(const char *value, uint32_t *out)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; mig_is_digit(value[i]) && n <= INT32_MAX; i++)
        n = n * 10 + (uint64_t)(value[i] - '0');
    *out = (uint32_t)n;
    return i > 0 && value[i] == '\0' && n <= INT32_MAX;
}

/* "a, b": none of them empty. */
static bool is_list(const char *value)
{
    for (;; value++) {
        size_t n = strcspn(value, ",");
        if (strspn(value, " \t") >= n)
            return false;
        value += n;
        if (!*value)
            return true;
    }
}

static bool is_prefix(const char *value)
{
    size_t n = 0;
    for (; value[n]; n++) {
        char c = value[n];
        if (!mig_is_alpha(c) && !mig_is_digit(c) && !strchr("_-$", c) && (unsigned char)c < 0x80)
            return false;
    }
    return n <= 40;
}

static bool usable(const struct migrate_option *row, const char *value)
{
    int64_t ms;
    uint32_t n;
    switch (row->type) {
    case MIG_OPTION_CHOICE:
        return is_choice(row->values, value);
    case MIG_OPTION_DURATION:
        return mig_duration_parse(value, &ms);
    case MIG_OPTION_INTEGER:
        return is_integer(value, &n);
    case MIG_OPTION_LIST:
        return is_list(value);
    case MIG_OPTION_TEXT:
        break;
    }
    if (strcmp(row->key, MIGRATE_OPT_TABLE_PREFIX) == 0)
        return is_prefix(value);
    return true;
}

/* What the row takes, in words. */
static void hint_values(migrate_error **err, const struct migrate_option *row)
{
    switch (row->type) {
    case MIG_OPTION_CHOICE:
        mig_error_hint(err, "It takes %s.", row->values);
        break;
    case MIG_OPTION_DURATION:
        mig_error_hint(err, "It takes a duration: 500ms, 2s, 5m, 1h or 0.");
        break;
    case MIG_OPTION_INTEGER:
        mig_error_hint(err, "It takes a whole number from 0 to %d.", INT32_MAX);
        break;
    case MIG_OPTION_LIST:
        mig_error_hint(err, "It takes a list separated by commas.");
        break;
    case MIG_OPTION_TEXT:
        mig_error_hint(err, "%s", row->doc);
        break;
    }
}

static migrate_status check(const char *key, const char *value, const migrate_driver *const *drivers,
                            size_t n_drivers, migrate_error **err)
{
    const struct migrate_option *row = mig_option_find(key);
    if (!row && !mig_option_of_driver(key, drivers, n_drivers))
        return mig_option_fail_unknown(key, drivers, n_drivers, err);
    if (!row || !value || usable(row, value))
        return MIGRATE_OK;
    /* Only what has a form of its own is quoted: a text may be a secret. */
    migrate_status status =
        row->type == MIG_OPTION_TEXT
            ? mig_fail(err, MIGRATE_E_OPTION, "unusable value of the option %s", key)
            : mig_fail(err, MIGRATE_E_OPTION, "unusable value of the option %s: \"%s\"", key, value);
    hint_values(err, row);
    return status;
}

/* ---- setting --------------------------------------------------------------- */

/* Empty is "none" where nothing is the default too: `MIGRATE_SCHEMA=` in an environment means that. */
static bool resets(const char *key, const char *value)
{
    const struct migrate_option *row = mig_option_find(key);
    if (!value)
        return true;
    return row && *value == '\0' && !mig_ends(row->key, ".") &&
           (row->type == MIG_OPTION_LIST || (row->type == MIG_OPTION_TEXT && !row->value));
}

static void forget(struct mig_options *o, const char *key)
{
    struct entry *e = find(o, key);
    if (!e)
        return;
    entry_free(e);
    size_t at = (size_t)(e - o->entries);
    memmove(e, e + 1, (o->n - at - 1) * sizeof *e);
    o->n--;
}

static bool put(struct mig_options *o, const char *key, const char *value)
{
    struct entry *e = find(o, key);
    char *copy = mig_strdup(value);
    if (copy && e) {
        mig_wipe_free(e->value);
        e->value = copy;
        return true;
    }
    char *name = copy ? mig_strdup(key) : NULL;
    if (!name || !mig_grow(&o->entries, &o->cap, o->n + 1, sizeof *o->entries)) {
        mig_wipe_free(copy);
        free(name);
        return false;
    }
    o->entries[o->n++] = (struct entry){ name, copy };
    return true;
}

migrate_status mig_options_set(struct mig_options *o, const char *key, const char *value,
                               const migrate_driver *const *drivers, size_t n_drivers, migrate_error **err)
{
    bool reset = resets(key, value);
    migrate_status status = check(key, reset ? NULL : value, drivers, n_drivers, err);
    if (status)
        return status;
    if (reset)
        forget(o, key);
    else if (!put(o, key, value))
        return mig_fail_nomem(err);
    return MIGRATE_OK;
}

/* ---- reading --------------------------------------------------------------- */

const char *mig_options_own(const struct mig_options *o, const char *key)
{
    const struct entry *e = find(o, key);
    return e ? e->value : NULL;
}

const char *mig_options_get(const struct mig_options *o, const char *key)
{
    const struct entry *e = find(o, key);
    if (e)
        return e->value;
    const struct migrate_option *row = mig_option_find(key);
    return row ? row->value : NULL;
}

const char *mig_options_key_at(const struct mig_options *o, size_t index, const char **value)
{
    if (index >= o->n)
        return NULL;
    *value = o->entries[index].value;
    return o->entries[index].key;
}

static bool is(const struct mig_options *o, const char *key, const char *value)
{
    return strcmp(mig_options_get(o, key), value) == 0;
}

/* Whatever is stored was checked, so that reading cannot fail. */
static int64_t duration(const struct mig_options *o, const char *key)
{
    int64_t ms = 0;
    (void)mig_duration_parse(mig_options_get(o, key), &ms);
    return ms;
}

/* NULL: all of them. */
static const char *list(const struct mig_options *o, const char *key)
{
    return is(o, key, "all") ? NULL : mig_options_get(o, key);
}

static uint32_t log_level(const struct mig_options *o)
{
    if (is(o, MIGRATE_OPT_LOG_LEVEL, "error"))
        return MIGRATE_LOG_ERROR;
    if (is(o, MIGRATE_OPT_LOG_LEVEL, "info"))
        return MIGRATE_LOG_INFO;
    return is(o, MIGRATE_OPT_LOG_LEVEL, "debug") ? MIGRATE_LOG_DEBUG : MIGRATE_LOG_WARN;
}

static enum mig_transaction transaction(const struct mig_options *o)
{
    if (is(o, MIGRATE_OPT_TRANSACTION, "all"))
        return MIG_TRANSACTION_ALL;
    return is(o, MIGRATE_OPT_TRANSACTION, "none") ? MIG_TRANSACTION_NONE : MIG_TRANSACTION_EACH;
}

static enum mig_lock_kind lock_kind(const struct mig_options *o)
{
    if (is(o, MIGRATE_OPT_LOCK, "session"))
        return MIG_LOCK_SESSION;
    if (is(o, MIGRATE_OPT_LOCK, "lease"))
        return MIG_LOCK_LEASE;
    return is(o, MIGRATE_OPT_LOCK, "none") ? MIG_LOCK_NONE : MIG_LOCK_AUTO;
}

void mig_options_read(const struct mig_options *o, struct mig_settings *out)
{
    *out = (struct mig_settings){
        .transaction = transaction(o),
        .lock = lock_kind(o),
        .out_of_order = is(o, MIGRATE_OPT_OUT_OF_ORDER, "allow"),
        .changed = is(o, MIGRATE_OPT_CHANGED, "allow"),
        .missing = is(o, MIGRATE_OPT_MISSING, "allow"),
        .ahead_denied = is(o, MIGRATE_OPT_AHEAD, "deny"),
        .batch = is(o, MIGRATE_OPT_BATCH, "auto"),
        .require_online = is(o, MIGRATE_OPT_ALGORITHM, "require-online"),
        .layout = mig_options_get(o, MIGRATE_OPT_LAYOUT),
        .order = mig_options_own(o, MIGRATE_OPT_ORDER),
        .contexts = list(o, MIGRATE_OPT_CONTEXTS),
        .labels = list(o, MIGRATE_OPT_LABELS),
        .tags = list(o, MIGRATE_OPT_TAGS),
        .schema = mig_options_get(o, MIGRATE_OPT_SCHEMA),
        .table_prefix = mig_options_get(o, MIGRATE_OPT_TABLE_PREFIX),
        .client = mig_options_get(o, MIGRATE_OPT_CLIENT),
        .init_sql = mig_options_get(o, MIGRATE_OPT_INIT_SQL),
        .role = mig_options_get(o, MIGRATE_OPT_ROLE),
        .lock_wait_ms = duration(o, MIGRATE_OPT_LOCK_WAIT),
        .lock_timeout_ms = duration(o, MIGRATE_OPT_LOCK_TIMEOUT),
        .statement_timeout_ms = duration(o, MIGRATE_OPT_STATEMENT_TIMEOUT),
        .deadline_ms = duration(o, MIGRATE_OPT_DEADLINE),
        .connect_timeout_ms = duration(o, MIGRATE_OPT_CONNECT_TIMEOUT),
        .reconnect_timeout_ms = duration(o, MIGRATE_OPT_RECONNECT_TIMEOUT),
        .wait_timeout_ms = duration(o, MIGRATE_OPT_WAIT_TIMEOUT),
        .log_level = log_level(o),
    };
    (void)is_integer(mig_options_get(o, MIGRATE_OPT_RETRIES), &out->retries);
}
