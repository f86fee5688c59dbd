/* SPDX-License-Identifier: Apache-2.0 */

/* The conformance suite over the MySQL driver. */

#include <check.h>
#include <mysql.h>
#include <stdlib.h>

#include <migrate/drivers.h>

#include "../../conformance/told.h"

static char URL[300];

/* "mysql://root@127.0.0.1:PORT" */
static MYSQL *connect_root(const char *database)
{
    MYSQL *m = mysql_init(NULL);
    unsigned port = (unsigned)strtoul(getenv("MYSQL_PORT"), NULL, 10);
    if (m && !mysql_real_connect(m, "127.0.0.1", "root", "", database, port, NULL, 0)) {
        fprintf(stderr, "%s\n", mysql_error(m));
        mysql_close(m);
        m = NULL;
    }
    return m;
}

static void *native_open(void *user)
{
    (void)user;
    return connect_root("t_conformance");
}

static void native_close(void *user, void *native)
{
    (void)user;
    mysql_close(native);
}

static migrate_status sever(void *user, const char *session_id)
{
    char sql[64];
    MYSQL *m = connect_root(NULL);
    (void)user;
    snprintf(sql, sizeof sql, "KILL %lu", strtoul(session_id, NULL, 10));
    int failed = m ? mysql_query(m, sql) : 1;
    if (m)
        mysql_close(m);
    return failed ? MIGRATE_E_SQL : MIGRATE_OK;
}

START_TEST(conformance)
{
    struct told told = { .label = "mysql" };
    migrate_driver_quirks quirks = {
        .struct_size = sizeof quirks,
        .url = URL,
        .sql_slow = "SELECT SLEEP(10)",
        .sql_bad = "SELECT 1 FROM WHERE",
        .sql_notice = "DROP TABLE IF EXISTS conformance_never_was",
        .sever = sever,
        .native_open = native_open,
        .native_close = native_close,
    };
    migrate_error *err = NULL;
    migrate_status status = migrate_conformance_driver(migrate_mysql_driver(), &quirks, NULL, told_case, &told, &err);
    ck_assert_msg(status == MIGRATE_OK, "%s (%s: %s)", migrate_error_message(err), told.first, told.first_detail);
    ck_assert_uint_gt(told.passed, 50);
    migrate_error_free(err);
}
END_TEST

int main(void)
{
    if (!getenv("MYSQL_PORT")) {
        fprintf(stderr, "skipped: MYSQL_PORT names no server; run this by with_mysql.sh\n");
        return 77;
    }
    MYSQL *m = connect_root(NULL);
    if (!m || mysql_query(m, "CREATE DATABASE t_conformance CHARACTER SET utf8mb4"))
        return 1;
    mysql_close(m);
    snprintf(URL, sizeof URL, "%s/t_conformance", getenv("MYSQL_URL"));
    Suite *s = suite_create("conformance");
    TCase *t = tcase_create("mysql");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, conformance);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
