/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <migrate/status.h>

#include "aws/secret.h"
#include "util/diag.h"

static struct mig_secret read_secret(const char *text)
{
    struct mig_secret s = MIG_SECRET_INIT;
    struct mig_diag diag = MIG_DIAG_INIT;
    migrate_status status = mig_secret_read(text, strlen(text), "secret s", &s, &diag);
    ck_assert_msg(status == MIGRATE_OK, "%s: %s", text, diag.message);
    mig_diag_free(&diag);
    return s;
}

static void expect(const char *text, const char *engine, const char *host, const char *port, const char *database,
                   const char *user, const char *password)
{
    struct mig_secret s = read_secret(text);
    ck_assert_pstr_eq(s.engine, engine);
    ck_assert_pstr_eq(s.host, host);
    ck_assert_pstr_eq(s.port, port);
    ck_assert_pstr_eq(s.database, database);
    ck_assert_pstr_eq(s.user, user);
    ck_assert_pstr_eq(s.password, password);
    mig_secret_free(&s);
}

static void expect_refusal(const char *text, const char *said)
{
    struct mig_secret s = MIG_SECRET_INIT;
    struct mig_diag diag = MIG_DIAG_INIT;
    ck_assert_int_eq(mig_secret_read(text, strlen(text), "secret s", &s, &diag), MIGRATE_E_OPTION);
    ck_assert_msg(strstr(diag.message, said) != NULL, "%s", diag.message);
    ck_assert_ptr_null(strstr(diag.message, "hunter2"));
    ck_assert_ptr_null(s.password);
    mig_diag_free(&diag);
}

START_TEST(shapes_of_rds)
{
    expect("{\"engine\":\"postgres\",\"host\":\"h\",\"port\":5432,\"username\":\"u\",\"password\":\"p\",\"dbname\":\"d\"}",
           "postgres", "h", "5432", "d", "u", "p");
    expect("{\"engine\":\"aurora-mysql\",\"port\":\"3307\",\"username\":\"u\",\"password\":\"p\",\"masterarn\":\"a\","
           "\"dbClusterIdentifier\":\"c\"}", "aurora-mysql", NULL, "3307", NULL, "u", "p");
    expect("{\"username\":\"postgres\",\"password\":\"a\\\"b\\\\c\\u00e9\"}", NULL, NULL, NULL, NULL, "postgres",
           "a\"b\\c\xc3\xa9");
    expect("  \n{\"password\":\"p\",\"username\":\"\",\"user\":\"v\",\"database\":\"d\",\"port\":\"\",\"host\":null}\n",
           NULL, NULL, NULL, "d", "v", "p");
    expect("{\"host\":\"h\",\"port\":1}", NULL, "h", "1", NULL, NULL, NULL);
}
END_TEST

START_TEST(other_shapes)
{
    expect("hunter2\n", NULL, NULL, NULL, NULL, NULL, "hunter2");
    expect(" hunter 2 ", NULL, NULL, NULL, NULL, NULL, " hunter 2 ");
    expect("{hunter2}", NULL, NULL, NULL, NULL, NULL, "{hunter2}");
    expect("{not json", NULL, NULL, NULL, NULL, NULL, "{not json");
    expect("[1,2]", NULL, NULL, NULL, NULL, NULL, "[1,2]");
    expect("postgres://u:p%40@h:5433/d\n", "postgres", "h", "5433", "d", "u", "p@");
    expect("mysql://u@h", "mysql", "h", NULL, NULL, "u", NULL);
    expect("http://x", NULL, NULL, NULL, NULL, NULL, "http://x");
}
END_TEST

START_TEST(refusals)
{
    expect_refusal("", "secret s is empty");
    expect_refusal("\r\n", "is empty");
    expect_refusal("{\"username\":\"u\",\"password\":\"hunter2\",}\n", "JSON that cannot be read");
    expect_refusal("{\"password\":\"hunter2\",\"password\":\"x\"}", "JSON that cannot be read");
    expect_refusal("{}", "without username, password and host");
    expect_refusal("{\"Username\":\"u\",\"Password\":\"hunter2\"}", "without username, password and host");
    expect_refusal("postgres://u:hunter2%zz@h/d", "a URL that cannot be read");
    struct mig_secret s = MIG_SECRET_INIT;
    struct mig_diag diag = MIG_DIAG_INIT;
    ck_assert_int_eq(mig_secret_read("a\0b", 3, "secret s", &s, &diag), MIGRATE_E_OPTION);
    mig_diag_free(&diag);
}
END_TEST

START_TEST(schemes)
{
    ck_assert_pstr_eq(mig_secret_scheme("postgres"), "postgres");
    ck_assert_pstr_eq(mig_secret_scheme("aurora-postgresql"), "postgres");
    ck_assert_pstr_eq(mig_secret_scheme("Aurora-MySQL"), "mysql");
    ck_assert_pstr_eq(mig_secret_scheme("aurora"), "mysql");
    ck_assert_pstr_eq(mig_secret_scheme("mariadb"), "mariadb");
    ck_assert_ptr_null(mig_secret_scheme("oracle-ee"));
    ck_assert_ptr_null(mig_secret_scheme(""));
    ck_assert_ptr_null(mig_secret_scheme(NULL));
}
END_TEST

UNIT_MAIN("aws_secret", shapes_of_rds, other_shapes, refusals, schemes)
