/* SPDX-License-Identifier: Apache-2.0 */

/* Driver-level tests on a real server, which with_mysql.sh has started. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests.h"

struct test_host H;
void *C;

TCase *new_case(Suite *s, const char *name, SFun setup, SFun teardown)
{
    TCase *t = tcase_create(name);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    return t;
}

void connect_setup(void)
{
    host_init(&H);
    void *admin = open_url(&H, my_url(NULL));
    must(admin, "DROP DATABASE IF EXISTS t_driver");
    must(admin, "CREATE DATABASE t_driver CHARACTER SET utf8mb4");
    my->close(admin);
    C = open_url(&H, my_url("t_driver"));
}

void connect_teardown(void)
{
    my->close(C);
    C = NULL;
    host_free(&H);
}

void *second(struct test_host *h)
{
    host_init(h);
    return open_url(h, my_url("t_driver"));
}

bool is_mariadb(void)
{
    return strcmp(getenv("MYSQL_KIND"), "mariadb") == 0;
}

int main(int argc, char **argv)
{
    if (!getenv("MYSQL_URL") || !getenv("MYSQL_KIND")) {
        fprintf(stderr, "skipped: MYSQL_URL names no server; run this by with_mysql.sh\n");
        return 77;
    }
    my = migrate_mysql_driver();
    Suite *s = suite_create("mysql");
    add_exec(s);
    add_batch(s);
    add_cancel(s);
    add_facts(s);
    add_lock(s);
    add_connect(s);
    add_prove(s);
    SRunner *runner = srunner_create(s);
    srunner_run(runner, NULL, argc > 1 ? argv[1] : NULL, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
