/* SPDX-License-Identifier: Apache-2.0 */

/* Stopping what runs: by the host, by others, and never a hang. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "feed.h"
#include "tests.h"

static struct feed F;

static int rounds(int usual)
{
    const char *said = getenv("KILL_ROUNDS");
    return said ? atoi(said) : usual;
}

START_TEST(test_tick_stops)
{
    migrate_result r = { .struct_size = sizeof r };
    H.stop = MIGRATE_E_DEADLINE;
    H.stop_at_tick = 2;
    int64_t t0 = now_ms();
    ck_assert_int_eq(run(C, "SELECT SLEEP(20)", &r), MIGRATE_E_DEADLINE);
    ck_assert_int_lt(now_ms() - t0, 5000);
    ck_assert_uint_eq(H.klass, MIGRATE_FAULT_CANCELLED);
    ck_assert_uint_eq(r.outcome, MIGRATE_OUTCOME_UNKNOWN);
    H.stop_at_tick = 0;
    ck_assert_int_eq(run(C, "SELECT 1", &r), MIGRATE_E_CONN_LOST);
    ck_assert_uint_eq(r.outcome, MIGRATE_OUTCOME_NONE);
}
END_TEST

static void *write_later(void *fd)
{
    usleep(100000);
    ck_assert_int_eq(write(*(int *)fd, "x", 1), 1);
    return NULL;
}

START_TEST(test_fd_stops)
{
    pthread_t t;
    H.stop = MIGRATE_E_CANCELLED;
    H.stop_at_tick = 1;
    H.ticks = 0;
    ck_assert_int_eq(pthread_create(&t, NULL, write_later, &H.cancel_fd[1]), 0);
    int64_t t0 = now_ms();
    ck_assert_int_eq(run(C, "SELECT SLEEP(20)", NULL), MIGRATE_E_CANCELLED);
    ck_assert_int_lt(now_ms() - t0, 3000);
    pthread_join(t, NULL);
}
END_TEST

START_TEST(test_ticks_come)
{
    ck_assert_str_eq(value(C, "SELECT SLEEP(1.5)"), "0");
    ck_assert_uint_ge(H.ticks, 5);
    ck_assert_int_le(H.longest_silence, 300);
}
END_TEST

START_TEST(test_statement_timeout)
{
    migrate_result r = { .struct_size = sizeof r };
    host_option(&H, "statement_timeout", "500ms");
    int64_t t0 = now_ms();
    ck_assert_int_eq(run(C, "SELECT SLEEP(20)", &r), MIGRATE_E_TIMEOUT);
    ck_assert_int_lt(now_ms() - t0, 3000);
}
END_TEST

/* The server has no room for a second connection: the socket is cut. */
START_TEST(test_without_second)
{
    migrate_result r = { .struct_size = sizeof r };
    struct test_host h2;
    must(C, "CREATE USER IF NOT EXISTS lonely IDENTIFIED BY 'x' WITH MAX_USER_CONNECTIONS 1");
    must(C, "GRANT ALL ON t_driver.* TO lonely");
    host_init(&h2);
    h2.cred.user = "lonely";
    h2.cred.password = "x";
    void *c2 = open_url(&h2, my_url("t_driver"));
    h2.stop = MIGRATE_E_CANCELLED;
    h2.stop_at_tick = 3;
    int64_t t0 = now_ms();
    ck_assert_int_eq(run(c2, "SELECT SLEEP(5)", &r), MIGRATE_E_CANCELLED);
    ck_assert_int_lt(now_ms() - t0, 4000);
    ck_assert_uint_eq(r.outcome, MIGRATE_OUTCOME_UNKNOWN);
    my->close(c2);
    host_free(&h2);
    must(C, "DROP USER lonely");
}
END_TEST

/* ---- a packet like the engine's, stopped at random moments ------------------------------- */

static const char *const packet[] = {
    "INSERT INTO j VALUES (1,'i',(SELECT SHA2(CONCAT(COUNT(*),MAX(column_type)),256) FROM information_schema.columns WHERE "
    "table_schema='t_driver' AND table_name='a'))",
    "ALTER TABLE a ADD COLUMN c1 int", "INSERT INTO j VALUES (1,'d','')",
    "START TRANSACTION", "INSERT INTO j VALUES (2,'i','')", "INSERT INTO a (id) VALUES (1),(2),(3)",
    "UPDATE a SET v='y' WHERE id<10", "INSERT INTO j VALUES (2,'d','')", "COMMIT AND NO CHAIN NO RELEASE",
    "INSERT INTO j VALUES (3,'i','')", "ALTER TABLE a MODIFY v varchar(300)", "INSERT INTO j VALUES (3,'d','')",
    "INSERT INTO j VALUES (4,'i','')", "CREATE INDEX i1 ON a (v)", "INSERT INTO j VALUES (4,'d','')",
    "START TRANSACTION", "UPDATE h SET seq=seq+1", "INSERT INTO j VALUES (5,'d',(SELECT seq FROM h WHERE seq=1))",
    "COMMIT AND NO CHAIN NO RELEASE" };

enum { N_PACKET = sizeof packet / sizeof *packet };

/* Effects in order: how many statements of the packet have happened, told from the schema alone. */
static const char *effects(void *conn)
{
    return value(conn, "SELECT CONCAT_WS(',',(SELECT GROUP_CONCAT(idx,st ORDER BY idx,st DESC SEPARATOR '') FROM j),"
                       "(SELECT COUNT(*) FROM information_schema.columns WHERE table_schema='t_driver' AND table_name='a' AND "
                       "column_name='c1'),(SELECT COUNT(*) FROM a),(SELECT column_type FROM information_schema.columns WHERE "
                       "table_schema='t_driver' AND table_name='a' AND column_name='v'),(SELECT COUNT(*) FROM "
                       "information_schema.statistics WHERE table_schema='t_driver' AND index_name='i1'),(SELECT seq FROM h))");
}

static void prepare_tables(void *conn)
{
    static const char *const sql[] = {
        "DROP TABLE IF EXISTS a,j,h", "CREATE TABLE a (id int PRIMARY KEY, v varchar(200))",
        "CREATE TABLE j (idx int, st char(1), fp text, PRIMARY KEY (idx,st))", "CREATE TABLE h (seq int PRIMARY KEY)",
        "INSERT INTO h VALUES (0)" };
    for (size_t i = 0; i < sizeof sql / sizeof *sql; i++)
        must(conn, sql[i]);
}

/* What stands after exactly @p n statements of the packet. */
static char *states[N_PACKET + 1];

static void learn_states(void)
{
    for (size_t n = 0; n <= N_PACKET; n++) {
        prepare_tables(C);
        struct step steps[N_PACKET];
        for (size_t i = 0; i < n; i++)
            steps[i] = (struct step){ packet[i], OURS };
        F = (struct feed){ .steps = steps, .n = n, .repeat = 1, .ahead = 1 << 20 };
        ck_assert_int_eq(feed_run(&F, C), MIGRATE_OK);
        must(C, "ROLLBACK");
        free(states[n]);
        states[n] = strdup(effects(C));
    }
}

struct killer {
    const char *verb;
    char        id[64];
    long        delay_us;
    pthread_barrier_t ready;
};

static void *kill_later(void *user)
{
    struct killer *k = user;
    struct test_host h;
    char sql[128];
    host_init(&h);
    void *conn = open_url(&h, my_url("t_driver"));
    snprintf(sql, sizeof sql, "%s %s", k->verb, k->id);
    pthread_barrier_wait(&k->ready);
    struct timespec t = { 0, k->delay_us * 1000 };
    nanosleep(&t, NULL);
    (void)run_ours(conn, sql, NULL);
    my->close(conn);
    host_free(&h);
    return NULL;
}

static void wait_gone(const char *id)
{
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM information_schema.processlist WHERE id=%s", id);
    while (strcmp(value(C, sql), "0") != 0)
        usleep(2000);
}

/* The outcomes told are the truth: all that is DONE has happened, and at most what is UNKNOWN besides. */
static void judge(const char *id, bool swallowed)
{
    size_t done = 0, known = 0;
    while (done < F.told && F.seen[done].outcome == MIGRATE_OUTCOME_DONE)
        done++;
    known = done;
    while (known < F.told && F.seen[known].outcome == MIGRATE_OUTCOME_UNKNOWN)
        known++;
    wait_gone(id);
    const char *now = effects(C);
    for (size_t n = done; n <= (known > done ? known : done); n++) {
        if (strcmp(now, states[n]) == 0)
            return;
    }
    /* On MariaDB a KILL QUERY can make an UPDATE answer OK without having done anything. */
    if (!swallowed)
        ck_abort_msg("%zu done, up to %zu: %s", done, known, now);
}

/* How long the packet takes here. */
static long usual_us(void)
{
    struct step steps[N_PACKET];
    prepare_tables(C);
    for (size_t s = 0; s < N_PACKET; s++)
        steps[s] = (struct step){ packet[s], OURS };
    F = (struct feed){ .steps = steps, .n = N_PACKET, .repeat = 1, .ahead = 1 << 20 };
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    ck_assert_int_eq(feed_run(&F, C), MIGRATE_OK);
    clock_gettime(CLOCK_MONOTONIC, &b);
    return (b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000;
}

static void kill_rounds(const char *verb, int n)
{
    unsigned lost = 0, failed = 0;
    int64_t longest = 0;
    learn_states();
    long usual = usual_us();
    srand(7);
    for (int i = 0; i < n; i++) {
        struct step steps[N_PACKET];
        struct test_host h;
        struct killer k = { .verb = verb, .delay_us = rand() % (usual * 5 / 4) };
        pthread_t t;
        pthread_barrier_init(&k.ready, NULL, 2);
        prepare_tables(C);
        void *conn = second(&h);
        snprintf(k.id, sizeof k.id, "%s", value(conn, "SELECT CONNECTION_ID()"));
        for (size_t s = 0; s < N_PACKET; s++)
            steps[s] = (struct step){ packet[s], s % 3 == 1 ? 0 : OURS };
        F = (struct feed){ .steps = steps, .n = N_PACKET, .repeat = 1, .ahead = 1 << 20 };
        ck_assert_int_eq(pthread_create(&t, NULL, kill_later, &k), 0);
        pthread_barrier_wait(&k.ready);
        int64_t t0 = now_ms();
        migrate_status status = feed_run(&F, conn);
        if (now_ms() - t0 > longest)
            longest = now_ms() - t0;
        lost += status == MIGRATE_E_CONN_LOST;
        failed += status != MIGRATE_OK && status != MIGRATE_E_CONN_LOST;
        pthread_join(t, NULL);
        pthread_barrier_destroy(&k.ready);
        if (status != MIGRATE_E_CONN_LOST)
            (void)run_ours(conn, "ROLLBACK", NULL);
        my->close(conn);
        judge(k.id, is_mariadb() && strcmp(verb, "KILL QUERY") == 0);
        host_free(&h);
    }
    fprintf(stderr, "%s: %d rounds, %u lost, %u refused, longest %ld ms\n", verb, n, lost, failed, (long)longest);
    ck_assert_int_lt(longest, 15000);
}

START_TEST(test_kill)
{
    kill_rounds("KILL", rounds(40));
}
END_TEST

START_TEST(test_kill_query)
{
    kill_rounds("KILL QUERY", rounds(40));
}
END_TEST

/* Our own stop, at random moments of the packet. */
START_TEST(test_cancel_rounds)
{
    int64_t longest = 0;
    int n = rounds(40);
    learn_states();
    long usual = usual_us();
    srand(11);
    for (int i = 0; i < n; i++) {
        struct step steps[N_PACKET];
        struct test_host h;
        char id[64];
        pthread_t t;
        prepare_tables(C);
        void *conn = second(&h);
        snprintf(id, sizeof id, "%s", value(conn, "SELECT CONNECTION_ID()"));
        for (size_t s = 0; s < N_PACKET; s++)
            steps[s] = (struct step){ packet[s], s % 3 == 1 ? 0 : OURS };
        F = (struct feed){ .steps = steps, .n = N_PACKET, .repeat = 1, .ahead = 1 << 20 };
        h.stop = MIGRATE_E_CANCELLED;
        h.stop_at_tick = 1;
        h.last_tick = 0;
        usleep((useconds_t)(rand() % 2000));
        ck_assert_int_eq(pthread_create(&t, NULL, write_later, &h.cancel_fd[1]), 0);
        usleep((useconds_t)(100000 - rand() % (usual < 90000 ? usual : 90000)));
        int64_t t0 = now_ms();
        (void)feed_run(&F, conn);
        if (now_ms() - t0 > longest)
            longest = now_ms() - t0;
        pthread_join(t, NULL);
        my->close(conn);
        judge(id, false);
        host_free(&h);
    }
    fprintf(stderr, "cancel: %d rounds, longest %ld ms\n", n, (long)longest);
    ck_assert_int_lt(longest, 5000);
}
END_TEST

void add_cancel(Suite *s)
{
    TCase *t = new_case(s, "cancel", connect_setup, connect_teardown);
    tcase_set_timeout(t, 1800);
    tcase_add_test(t, test_tick_stops);
    tcase_add_test(t, test_fd_stops);
    tcase_add_test(t, test_ticks_come);
    tcase_add_test(t, test_statement_timeout);
    tcase_add_test(t, test_without_second);
    tcase_add_test(t, test_kill);
    tcase_add_test(t, test_kill_query);
    tcase_add_test(t, test_cancel_rounds);
}
