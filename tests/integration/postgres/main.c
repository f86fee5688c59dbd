/* SPDX-License-Identifier: Apache-2.0 */

/* Driver-level tests on a real server, which with_pg.sh has started. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests.h"

TCase *new_case(Suite *s, const char *name, SFun setup, SFun teardown)
{
    TCase *t = tcase_create(name);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    return t;
}

int main(int argc, char **argv)
{
    if (!getenv("PG_URL")) {
        fprintf(stderr, "skipped: PG_URL names no server; run this by with_pg.sh\n");
        return 77;
    }
    pg = migrate_postgres_driver();
    Suite *s = suite_create("postgres");
    add_exec(s);
    add_batch(s);
    add_connect(s);
    add_lock(s);
    add_probe(s);
    add_adopt(s);
    if (getenv("BOUNCER_URL"))
        add_bouncer(s);
    SRunner *runner = srunner_create(s);
    srunner_run(runner, NULL, argc > 1 ? argv[1] : NULL, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
