/* SPDX-License-Identifier: Apache-2.0 */
#include "judge_mysql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The statement that requires an algorithm is run, and then with each algorithm from the lightest on: the
 * first that is accepted must be the one that was said. */

#define NOT_SUPPORTED 1845u
#define NOT_SUPPORTED_REASON 1846u

static const char *const fixture[] = {
    "CREATE TABLE p (id int PRIMARY KEY)",
    "CREATE TABLE t (id int NOT NULL, a int, b varchar(50) DEFAULT 'x', c int, k int NOT NULL, big "
    "varchar(300), "
    "l varchar(10) CHARACTER SET latin1, e enum('x','y'), s set('q','w'), x text, pnt geometry NOT NULL, "
    "PRIMARY KEY (id), KEY ia (a), KEY kk (k), CONSTRAINT ck CHECK (k < 1000), "
    "CONSTRAINT fk FOREIGN KEY (k) REFERENCES p (id)) ENGINE=InnoDB",
    "INSERT INTO p VALUES (1), (2)",
    "INSERT INTO t (id, a, b, c, k, big, l, e, s, x, pnt) VALUES "
    "(1, 1, 'a', 1, 1, 'a', 'a', 'x', 'q', 'x', ST_GeomFromText('POINT(1 1)')), "
    "(2, 2, 'b', 2, 2, 'b', 'b', 'y', 'w', 'y', ST_GeomFromText('POINT(1 1)'))",
    "CREATE TABLE pt (id int PRIMARY KEY) PARTITION BY RANGE (id) "
    "(PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))",
    "CREATE TABLE xp (id int PRIMARY KEY)",
    "CREATE TABLE ph (id int PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 4",
};

/* Their outcome hangs on the table, as the reason says: a column under an index, a constraint that is a key,
 * an index made again as it was, a CHECK that is enforced already. */
static bool hangs_on_the_table(const char *sql)
{
    static const char *const forms[] = {
        "ALTER TABLE t DROP COLUMN a",
        "ALTER TABLE t DROP CONSTRAINT fk",
        "ALTER TABLE t DROP INDEX ia, ADD INDEX ia(a) USING BTREE",
        "ALTER TABLE t ALTER CHECK ck ENFORCED",
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(sql, forms[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool refused(unsigned error)
{
    return error == NOT_SUPPORTED || error == NOT_SUPPORTED_REASON;
}

static unsigned run_anew(struct judge *j, const char *sql)
{
    return judge_anew(j, fixture, sizeof fixture / sizeof *fixture) ? judge_run(j, sql) : 1;
}

/* @p required with its ALGORITHM and LOCK replaced by one algorithm. */
static void with_algorithm(const char *required, enum mig_sql_algorithm algorithm, char *out, size_t size)
{
    const char *at = strstr(required, "ALGORITHM=");
    const char *end = at + 10 + strspn(at + 10, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    const char *lock = strstr(end, "LOCK=");

    if (lock != NULL && lock - end <= 2) {
        end = lock + 5 + strspn(lock + 5, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    }
    snprintf(out, size, "%.*sALGORITHM=%s%s", (int)(at - required), required,
             mig_sql_algorithm_name(algorithm), end);
}

/* The first algorithm that is accepted; NONE where another error comes. */
static enum mig_sql_algorithm best_of(struct judge *j, const char *required)
{
    char sql[4096];

    for (int a = MIG_SQL_ALGORITHM_INSTANT; a <= MIG_SQL_ALGORITHM_COPY; a++) {
        if (a == MIG_SQL_ALGORITHM_NOCOPY && !j->di.mariadb) {
            continue;
        }
        with_algorithm(required, (enum mig_sql_algorithm)a, sql, sizeof sql);
        unsigned error = run_anew(j, sql);
        if (error == 0) {
            return (enum mig_sql_algorithm)a;
        }
        if (!refused(error)) {
            break;
        }
    }
    return MIG_SQL_ALGORITHM_NONE;
}

static int judge_required(struct judge *j, const char *sql, const struct mig_sql_online *o,
                          const char *required)
{
    enum mig_sql_algorithm best = best_of(j, required);
    char said[40];

    if (best == MIG_SQL_ALGORITHM_NONE) {
        return -1;
    }
    snprintf(said, sizeof said, "%s", mig_sql_algorithm_name(o->algorithm));
    bool right = o->known ? best == o->algorithm : o->best <= best && best <= o->algorithm;
    if (!right && !hangs_on_the_table(sql)) {
        snprintf(j->message, sizeof j->message, "said %s, is %s", said, mig_sql_algorithm_name(best));
        return 1;
    }
    unsigned error = run_anew(j, required);
    /* Never a copy; and no refusal of what is none, but for what was taken to be instant and is not. */
    if (best == MIG_SQL_ALGORITHM_COPY ? error == 0 : refused(error) && !hangs_on_the_table(sql)) {
        snprintf(j->message, sizeof j->message, "%s: error %u", required, error);
        return 1;
    }
    return 0;
}

int judge_online(struct judge *j, const char *sql)
{
    struct mig_sql_online o;
    struct mig_buf required = MIG_BUF_INIT;
    int verdict = -1;

    mig_sql_online(&j->di, sql, strlen(sql), &o);
    if (mig_sql_online_require(&j->di, sql, strlen(sql), &required)) {
        verdict = judge_required(j, sql, &o, mig_buf_text(&required));
    }
    mig_buf_free(&required);
    return verdict;
}
