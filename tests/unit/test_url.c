/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <migrate/status.h>

#include "util/diag.h"
#include "util/url.h"

static void check_text(const char *have, const char *want)
{
    if (want)
        ck_assert_str_eq(have, want);
    else
        ck_assert_ptr_null(have);
}

START_TEST(parts)
{
    static const struct {
        const char *text, *scheme, *user, *password, *host, *port, *path;
    } cases[] = {
        { "sqlite:dir/a b.db", "sqlite", NULL, NULL, NULL, NULL, "dir/a b.db" },
        { "sqlite::memory:", "sqlite", NULL, NULL, NULL, NULL, ":memory:" },
        { "sqlite:a#b.db", "sqlite", NULL, NULL, NULL, NULL, "a#b.db" },
        { "SQLite:", "sqlite", NULL, NULL, NULL, NULL, NULL },
        { "postgres://h/db", "postgres", NULL, NULL, "h", NULL, "db" },
        { "postgres://u:p%40%3A%2f@h:5432/db", "postgres", "u", "p@:/", "h", "5432", "db" },
        { "postgres://u@h:/db", "postgres", "u", NULL, "h", NULL, "db" },
        { "postgres://u:@h", "postgres", "u", "", "h", NULL, NULL },
        { "postgres:///db", "postgres", NULL, NULL, NULL, NULL, "db" },
        { "postgres://[::1]:5433/db", "postgres", NULL, NULL, "::1", "5433", "db" },
        { "postgres://[fe80::1]/", "postgres", NULL, NULL, "fe80::1", NULL, NULL },
        { "postgres://%2Frun%2Fpg/db", "postgres", NULL, NULL, "/run/pg", NULL, "db" },
        { "postgres://a:1,b:2/db", "postgres", NULL, NULL, "a:1,b:2", NULL, "db" },
        { "mysql://u:a:b@h/db%20x", "mysql", "u", "a:b", "h", NULL, "db x" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mig_url url;
        struct mig_diag diag = MIG_DIAG_INIT;
        ck_assert_msg(mig_url_parse(&url, cases[i].text, &diag) == 0, "%s: %s", cases[i].text, diag.hint);
        check_text(url.scheme, cases[i].scheme);
        check_text(url.user, cases[i].user);
        check_text(url.password, cases[i].password);
        check_text(url.host, cases[i].host);
        check_text(url.port, cases[i].port);
        check_text(url.path, cases[i].path);
        ck_assert(url.authority == (strstr(cases[i].text, "//") != NULL));
        mig_url_free(&url);
    }
}
END_TEST

START_TEST(parameters)
{
    struct mig_url url;
    ck_assert_int_eq(mig_url_parse(&url, "mysql://h/db?a=1&b=x%26y&c&&d==", NULL), 0);
    ck_assert_uint_eq(url.n_params, 4);
    ck_assert_str_eq(mig_url_param(&url, "a"), "1");
    ck_assert_str_eq(mig_url_param(&url, "b"), "x&y");
    ck_assert_str_eq(mig_url_param(&url, "c"), "");
    ck_assert_str_eq(mig_url_param(&url, "d"), "=");
    ck_assert_ptr_null(mig_url_param(&url, "e"));
    mig_url_free(&url);
}
END_TEST

START_TEST(refusals_say_where_and_quote_nothing)
{
    static const struct {
        const char *text, *hint;
    } cases[] = {
        { "database.db", "At character 1:" },
        { "postgres://u:hunter2@x@h/db", "character 21: write '@' in a user name or password as %40" },
        { "postgres://u:hunter2/x@h/db", "'/' as %2F" },
        { "postgres://u:hunter2?x@h/db", "'?' as %3F" },
        { "postgres://u:hunter2#x@h/db", "write '#' as %23" },
        { "postgres://u:hunter2%zz@h/db", "At character 21:" },
        { "postgres://u:hunter2%00@h/db", "as %25" },
        { "postgres://u:hunter2%4", "1 to" },
        { "postgres://h:99999/db", "HOST:PORT" },
        { "postgres://h:0/db", "HOST:PORT" },
        { "postgres://a:1,b:x/db", "HOST:PORT" },
        { "postgres://[::1/db", "[ADDRESS]:PORT" },
        { "sqlite:100%.db", "as %25" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mig_url url;
        struct mig_diag diag = MIG_DIAG_INIT;
        ck_assert_int_eq(mig_url_parse(&url, cases[i].text, &diag), MIGRATE_E_URL);
        ck_assert_int_eq(diag.status, MIGRATE_E_URL);
        ck_assert_msg(strstr(diag.hint, cases[i].hint) || strstr(diag.message, cases[i].hint), "%s: %s",
                      cases[i].text, diag.hint);
        ck_assert_ptr_null(strstr(diag.message, "hunter"));
        ck_assert_ptr_null(strstr(diag.hint, "hunter"));
        mig_diag_free(&diag);
    }
}
END_TEST

START_TEST(scheme_alone)
{
    char scheme[12];
    mig_url_scheme("RDS-Data://x", scheme, sizeof scheme);
    ck_assert_str_eq(scheme, "rds-data");
    mig_url_scheme("1x:", scheme, sizeof scheme);
    ck_assert_str_eq(scheme, "");
    mig_url_scheme("verylongscheme:", scheme, sizeof scheme);
    ck_assert_str_eq(scheme, "");
    mig_url_scheme("", scheme, sizeof scheme);
    ck_assert_str_eq(scheme, "");
}
END_TEST

static bool ours(void *user, const char *key, const char *value)
{
    (void)value;
    return strcmp(key, user) == 0;
}

static void check_strip(const char *text, const char *want)
{
    char our[] = "our";
    char *have = mig_url_strip(text, ours, our);
    ck_assert_str_eq(have, want);
    free(have);
}

START_TEST(own_parameters_are_taken_out)
{
    check_strip("postgres://h/db", "postgres://h/db");
    check_strip("postgres://h/db?our=1", "postgres://h/db");
    check_strip("postgres://h/db?a=%41&our=1&b=2", "postgres://h/db?a=%41&b=2");
    check_strip("postgres://h/db?our=1&o%75r=2&b=%zz", "postgres://h/db?b=%zz");
    check_strip("sqlite:x?", "sqlite:x");
}
END_TEST

static void check_redact(const char *text, const char *want)
{
    char *have = mig_url_redact(text);
    ck_assert_str_eq(have, want);
    free(have);
}

START_TEST(shown_without_secrets)
{
    check_redact("postgres://u:hunter2@h:1/db?a=b", "postgres://u:***@h:1/db?a=b");
    check_redact("postgres://u@h/db?user=a@b", "postgres://u@h/db?user=a@b");
    check_redact("postgres://h/db?Password=hunter2&sslmode=require",
                 "postgres://h/db?Password=***&sslmode=require");
    check_redact("postgres://h/db?pass%77ord=hunter2", "postgres://h/db?pass%77ord=***");
    check_redact("postgres://h/db?options=a@b", "postgres://h/db?options=a@b");
    check_redact("sqlite:some/file.db?mode=ro", "sqlite:some/file.db?mode=ro");
    check_redact("", "");
    check_redact("host=h password=hunter2", "***");
}
END_TEST

START_TEST(malformed_ones_too)
{
    static const char *const texts[] = {
        "postgres://u:hunter2@hunter2@h/db",
        "postgres://u:hunter2/hunter2@h/db",
        "postgres://u:hunter2?hunter2@h/db",
        "postgres://u:hunter2#hunter2@h/db",
        "postgres://u:123/hunter2@h/db",
        "postgres://u:a@b/hunter2@h/db",
        "postgres://u:hunter2%@h/db",
        "postgres:u:hunter2@h/db",
        "u:hunter2@h/db",
        "postgres://u:a@b?hunter2@h/db?x=@y",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char *have = mig_url_redact(texts[i]);
        ck_assert_msg(!strstr(have, "hunter2"), "%s", have);
        free(have);
    }
}
END_TEST

UNIT_MAIN("url", parts, parameters, refusals_say_where_and_quote_nothing, scheme_alone,
          own_parameters_are_taken_out, shown_without_secrets, malformed_ones_too)
