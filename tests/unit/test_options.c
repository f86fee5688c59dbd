/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>

#include "core/error.h"
#include "core/options.h"

static const char *const demo_keys[] = { "journal_mode", "busy_steps", NULL };
static const migrate_driver demo = { .struct_size = sizeof demo, .name = "demo", .options = demo_keys };
static const migrate_driver bare = { .struct_size = sizeof bare, .name = "bare" };
static const migrate_driver *const drivers[] = { &bare, &demo };

static migrate_status set(struct mig_options *o, const char *key, const char *value)
{
    return mig_options_set(o, key, value, drivers, 2, NULL);
}

static bool is_of_driver(const char *key)
{
    const char *dot = strchr(key, '.');
    return dot && dot[1];
}

START_TEST(the_table_is_whole)
{
    for (size_t i = 0; migrate_option_at(i); i++) {
        const migrate_option *row = migrate_option_at(i);
        const char *key = migrate_option_key(row), *value = migrate_option_default(row);
        const char *doc = migrate_option_doc(row);
        ck_assert_msg(doc[strlen(doc) - 1] == '.', "%s", key);
        ck_assert_int_eq(strcmp(migrate_option_type(row), "choice") == 0,
                         migrate_option_values(row)[0] != '\0');
        struct mig_options *o = mig_options_new();
        if (is_of_driver(key))
            ck_assert_ptr_null(value); /* a driver says what it does without */
        if (value)
            ck_assert_msg(set(o, key, value) == MIGRATE_OK, "%s=%s", key, value);
        mig_options_free(o);
    }
    ck_assert_ptr_null(migrate_option_at(SIZE_MAX));
    ck_assert_str_eq(migrate_option_key(NULL), "");
    ck_assert_str_eq(migrate_option_type(NULL), "");
    ck_assert_ptr_null(migrate_option_default(NULL));
}
END_TEST

/* Every key of the header is in the table: 33 macros, one of them a prefix. */
START_TEST(the_header_has_no_others)
{
    char line[512];
    FILE *header = fopen(UNIT_SOURCE_DIR "/include/migrate/options.h", "r");
    ck_assert_ptr_nonnull(header);
    size_t macros = 0, n = 0;
    while (fgets(line, sizeof line, header))
        macros += strncmp(line, "#define MIGRATE_OPT_", 20) == 0;
    fclose(header);
    while (migrate_option_at(n) && !is_of_driver(migrate_option_key(migrate_option_at(n))))
        n++;
    ck_assert_uint_eq(n, macros);
    for (; migrate_option_at(n); n++)
        ck_assert(is_of_driver(migrate_option_key(migrate_option_at(n))));
}
END_TEST

START_TEST(defaults)
{
    struct mig_options *o = mig_options_new();
    struct mig_settings s;
    mig_options_read(o, &s);
    ck_assert_int_eq(s.transaction, MIG_TRANSACTION_EACH);
    ck_assert_int_eq(s.lock, MIG_LOCK_AUTO);
    ck_assert(!s.out_of_order && !s.changed && !s.missing && !s.ahead_denied && s.batch && !s.require_online);
    ck_assert_str_eq(s.layout, "auto");
    ck_assert_ptr_null(s.order);
    ck_assert(!s.contexts && !s.labels && !s.tags && !s.schema && !s.client && !s.init_sql && !s.role);
    ck_assert_str_eq(s.table_prefix, "migrate_");
    ck_assert_int_eq(s.lock_wait_ms, 300000);
    ck_assert_int_eq(s.lock_timeout_ms, 2000);
    ck_assert_int_eq(s.statement_timeout_ms, 0);
    ck_assert_int_eq(s.deadline_ms, 0);
    ck_assert_int_eq(s.connect_timeout_ms, 10000);
    ck_assert_int_eq(s.reconnect_timeout_ms, 60000);
    ck_assert_int_eq(s.wait_timeout_ms, 60000);
    ck_assert_uint_eq(s.retries, 30);
    ck_assert_uint_eq(s.log_level, MIGRATE_LOG_WARN);
    ck_assert_str_eq(mig_options_get(o, "order"), "natural");
    ck_assert_ptr_null(mig_options_own(o, "order"));
    ck_assert_ptr_null(mig_options_get(o, "placeholder.x"));
    ck_assert_ptr_null(mig_options_get(o, "no_such"));
    mig_options_free(o);
    mig_options_free(NULL);
}
END_TEST

START_TEST(values_are_read)
{
    struct mig_options *o = mig_options_new();
    struct mig_settings s;
    static const char *const pairs[][2] = {
        { "transaction", "all" },    { "lock", "lease" },
        { "out_of_order", "allow" }, { "changed", "allow" },
        { "missing", "allow" },      { "ahead", "deny" },
        { "batch", "off" },          { "algorithm", "require-online" },
        { "layout", "flyway" },      { "order", "natural" },
        { "contexts", "a, b" },      { "schema", "s" },
        { "table_prefix", "" },      { "retries", "0" },
        { "deadline", "1.5s" },      { "log_level", "debug" },
        { "client", "me" },          { "statement_timeout", "1h" },
        { "lock_wait", "0" },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        ck_assert_msg(set(o, pairs[i][0], pairs[i][1]) == MIGRATE_OK, "%s", pairs[i][0]);
    mig_options_read(o, &s);
    ck_assert_int_eq(s.transaction, MIG_TRANSACTION_ALL);
    ck_assert_int_eq(s.lock, MIG_LOCK_LEASE);
    ck_assert(s.out_of_order && s.changed && s.missing && s.ahead_denied && !s.batch && s.require_online);
    ck_assert_str_eq(s.layout, "flyway");
    ck_assert_str_eq(s.order, "natural");
    ck_assert_str_eq(s.contexts, "a, b");
    ck_assert_str_eq(s.schema, "s");
    ck_assert_str_eq(s.table_prefix, "");
    ck_assert_str_eq(s.client, "me");
    ck_assert_uint_eq(s.retries, 0);
    ck_assert_int_eq(s.deadline_ms, 1500);
    ck_assert_int_eq(s.statement_timeout_ms, 3600000);
    ck_assert_int_eq(s.lock_wait_ms, 0);
    ck_assert_uint_eq(s.log_level, MIGRATE_LOG_DEBUG);
    mig_options_free(o);
}
END_TEST

/* A variable of the environment has no '-'. */
START_TEST(dash_and_underscore_are_alike)
{
    struct mig_options *o = mig_options_new();
    ck_assert_int_eq(set(o, "demo.busy-steps", "1"), MIGRATE_OK);
    ck_assert_str_eq(mig_options_own(o, "demo.busy_steps"), "1");
    ck_assert_int_eq(set(o, "demo.busy_steps", "2"), MIGRATE_OK);
    ck_assert_str_eq(mig_options_own(o, "demo.busy-steps"), "2");
    ck_assert_int_eq(set(o, "placeholder.a-b", "1"), MIGRATE_OK);
    ck_assert_ptr_null(mig_options_own(o, "placeholder.a_b"));
    ck_assert_int_eq(set(o, "lock-wait", "1s"), MIGRATE_E_OPTION);
    mig_options_free(o);
}
END_TEST

START_TEST(setting_and_taking_back)
{
    struct mig_options *o = mig_options_new();
    const char *value;
    ck_assert_int_eq(set(o, "placeholder.a", ""), MIGRATE_OK);
    ck_assert_int_eq(set(o, "demo.journal_mode", "wal"), MIGRATE_OK);
    ck_assert_int_eq(set(o, "placeholder.a", "1"), MIGRATE_OK);
    ck_assert_int_eq(set(o, "lock", "none"), MIGRATE_OK);
    ck_assert_str_eq(mig_options_key_at(o, 0, &value), "placeholder.a");
    ck_assert_str_eq(value, "1");
    ck_assert_str_eq(mig_options_key_at(o, 1, &value), "demo.journal_mode");
    ck_assert_str_eq(mig_options_get(o, "demo.journal_mode"), "wal");
    ck_assert_ptr_null(mig_options_key_at(o, 3, &value));
    ck_assert_int_eq(set(o, "placeholder.a", NULL), MIGRATE_OK);
    ck_assert_str_eq(mig_options_key_at(o, 0, &value), "demo.journal_mode");
    ck_assert_int_eq(set(o, "lock", NULL), MIGRATE_OK);
    ck_assert_str_eq(mig_options_get(o, "lock"), "auto");
    ck_assert_int_eq(set(o, "lock", NULL), MIGRATE_OK);
    /* As an environment variable that is set to nothing. */
    ck_assert_int_eq(set(o, "schema", "x"), MIGRATE_OK);
    ck_assert_int_eq(set(o, "schema", ""), MIGRATE_OK);
    ck_assert_ptr_null(mig_options_get(o, "schema"));
    ck_assert_int_eq(set(o, "tags", ""), MIGRATE_OK);
    ck_assert_str_eq(mig_options_get(o, "tags"), "all");
    mig_options_free(o);
}
END_TEST

START_TEST(bad_values)
{
    static const char *const pairs[][2] = {
        { "lock", "auto|session" },
        { "lock", "" },
        { "lock", "Auto" },
        { "lock_wait", "soon" },
        { "lock_wait", "-1s" },
        { "retries", "-1" },
        { "retries", "1.5" },
        { "retries", "99999999999" },
        { "retries", "" },
        { "tags", "a,,b" },
        { "tags", "a," },
        { "tags", " " },
        { "table_prefix", "a b" },
        { "table_prefix", "x\"y" },
        { "iam", "yes" },
        { "deadline", "9223372036854775807m" },
        { "table_prefix", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
    };
    struct mig_options *o = mig_options_new();
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        migrate_error *err = NULL;
        ck_assert_int_eq(mig_options_set(o, pairs[i][0], pairs[i][1], NULL, 0, &err), MIGRATE_E_OPTION);
        ck_assert_ptr_nonnull(strstr(migrate_error_message(err), pairs[i][0]));
        ck_assert_ptr_nonnull(migrate_error_hint(err));
        migrate_error_free(err);
    }
    const char *value;
    ck_assert_ptr_null(mig_options_key_at(o, 0, &value));
    mig_options_free(o);
}
END_TEST

static void check_unknown(const char *key, const char *hint)
{
    struct mig_options *o = mig_options_new();
    migrate_error *err = NULL;
    ck_assert_int_eq(mig_options_set(o, key, "hunter2", drivers, 2, &err), MIGRATE_E_OPTION);
    ck_assert_msg(strstr(migrate_error_hint(err), hint), "%s: %s", key, migrate_error_hint(err));
    ck_assert_ptr_null(strstr(migrate_error_text(err), "hunter2"));
    migrate_error_free(err);
    mig_options_free(o);
}

START_TEST(unknown_keys_name_the_nearest)
{
    check_unknown("lock-wait", "mean lock_wait?");
    check_unknown("LOCK_TIMEOUT", "mean lock_timeout?");
    check_unknown("deadlin", "mean deadline?");
    check_unknown("demo.journal_mod", "mean demo.journal_mode?");
    check_unknown("demo.zzzzzzzzzzzz", "knows demo.journal_mode, demo.busy_steps");
    check_unknown("bare.zzzzzzzzzzzz", "no options of its own");
    check_unknown("other.zzzzzzzzzzzzz", "No driver of the name \"other\"");
    check_unknown("placeholder.", "NAME");
    check_unknown("", "help options");
    check_unknown("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                  "help options");
}
END_TEST

UNIT_MAIN("options", the_table_is_whole, the_header_has_no_others, defaults, values_are_read,
          dash_and_underscore_are_alike, setting_and_taking_back, bad_values, unknown_keys_name_the_nearest)
