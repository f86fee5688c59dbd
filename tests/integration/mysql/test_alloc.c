/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation of the driver fails once: no crash, no hang, no leak, and the truth about what was done. The
 * client library's own are left alone. Linked with --wrap for malloc, calloc and realloc. */

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests.h"

struct test_host H;
void *C;

static atomic_long countdown; /* 0: none fails */
static atomic_long counted;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool fails(void)
{
    atomic_fetch_add(&counted, 1);
    return atomic_load(&countdown) > 0 && atomic_fetch_sub(&countdown, 1) == 1;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

static int32_t ignore_row(void *user, uint32_t n, const migrate_text *cols)
{
    (void)user, (void)n, (void)cols;
    return 0;
}

/* Check allocates in its assertions, so there are none while something may fail. */
struct told {
    size_t pulled, told;
};

static const char *const statements[] = { "INSERT INTO a VALUES (1)", "SET sql_mode='ANSI'", "SELECT * FROM a" };

static migrate_status next(void *user, migrate_stmt *out)
{
    struct told *t = user;
    if (t->pulled == 3)
        return MIGRATE_DONE;
    out->sql = statements[t->pulled++];
    out->sql_len = strlen(out->sql);
    return MIGRATE_OK;
}

static migrate_status done(void *user, uint64_t index, const migrate_result *r, const migrate_fault *fault)
{
    struct told *t = user;
    (void)index, (void)r, (void)fault;
    t->told++;
    return MIGRATE_OK;
}

/* Everything once; failures are what is wanted. */
static const char *everything(struct test_host *h)
{
    migrate_info info = { .struct_size = sizeof info };
    migrate_holder holder = { .struct_size = sizeof holder };
    migrate_result r = { .struct_size = sizeof r };
    const migrate_object o = { .struct_size = sizeof o, .kind = MIGRATE_OBJECT_TABLE, .name = { "a", 1 } };
    const migrate_text params[2] = { { "it's \\", 6 }, { NULL, 0 } };
    static const char with_params[] = "SELECT ?,?";
    migrate_stmt stmt = { .struct_size = sizeof stmt, .sql = with_params, .sql_len = sizeof with_params - 1, .n_params = 2,
                          .params = params, .on_row = ignore_row };
    const char *text = NULL;
    uint32_t proves = 7, state;
    char id[100] = "1@1/x";
    void *conn = NULL;
    migrate_status status = my->open(&h->host, my_url("t_driver?ssl-mode=PREFERRED"), &conn, NULL);
    struct told told = { 0, 0 };
    migrate_batch batch = { .struct_size = sizeof batch, .max_ahead = 4096, .user = &told, .next = next, .done = done };
    if (status)
        return status == MIGRATE_E_NOMEM || status == MIGRATE_E_IO ? NULL : "open() failed otherwise than by E_NOMEM";
    if (!my->info(conn, &info, NULL) && info.session_id)
        snprintf(id, sizeof id, "%s", info.session_id);
    (void)my->exec(conn, &stmt, &r, NULL);
    (void)run(conn, "DROP TABLE IF EXISTS never", &r);
    (void)run(conn, "SELEC 1", &r);
    (void)my->try_lock(conn, "k", &holder, NULL);
    (void)my->try_lock(conn, "k", &holder, NULL);
    (void)my->session_state(conn, id, &state, NULL);
    (void)my->fingerprint(conn, &o, &text, &proves, NULL);
    (void)my->describe(conn, &o, &text, NULL);
    (void)my->exec_batch(conn, &batch, NULL);
    (void)my->unlock(conn, "k", NULL);
    my->close(conn);
    return told.pulled == told.told ? NULL : "a statement was pulled and not told";
}

START_TEST(test_each_fails)
{
    struct test_host h;
    host_init(&h);
    void *admin = open_url(&h, my_url(NULL));
    must(admin, "CREATE DATABASE IF NOT EXISTS t_driver");
    must(admin, "DROP TABLE IF EXISTS t_driver.a");
    must(admin, "CREATE TABLE t_driver.a (id int)");
    my->close(admin);
    atomic_store(&counted, 0);
    ck_assert_ptr_null(everything(&h));
    long n = atomic_load(&counted);
    ck_assert_int_gt(n, 40);
    for (long i = 1; i <= n + 5; i++) {
        atomic_store(&countdown, i);
        const char *wrong = everything(&h);
        atomic_store(&countdown, 0);
        ck_assert_msg(!wrong, "allocation %ld: %s", i, wrong);
    }
    fprintf(stderr, "%ld allocations\n", n);
    host_free(&h);
}
END_TEST

int main(void)
{
    if (!getenv("MYSQL_URL")) {
        fprintf(stderr, "skipped: MYSQL_URL names no server; run this by with_mysql.sh\n");
        return 77;
    }
    my = migrate_mysql_driver();
    Suite *s = suite_create("alloc");
    TCase *t = tcase_create("alloc");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, test_each_fails);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
