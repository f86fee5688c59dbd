/* SPDX-License-Identifier: Apache-2.0 */
#include "judge_mysql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql/classify.h"

/* Every statement is run twice. What is REPEATABLE must bear that and leave the same definition. What is
 * CHANGING must change the definition the first time, or else bear to be run again: the engine does so when
 * it sees no change. */

static const char *const fixture[] = {
    "CREATE TABLE par (id int PRIMARY KEY)",
    "CREATE TABLE t (id int NOT NULL AUTO_INCREMENT, a int, b varchar(50) DEFAULT 'x', c int, k int NOT "
    "NULL, "
    "PRIMARY KEY (id), KEY ia (a), CONSTRAINT ck CHECK (a < 1000), KEY kk (k), "
    "CONSTRAINT fk FOREIGN KEY (k) REFERENCES par (id))",
    "CREATE TABLE t2 (id int PRIMARY KEY)",
    "CREATE TABLE t3 (id int PRIMARY KEY)",
    "CREATE TABLE pt (id int PRIMARY KEY) PARTITION BY RANGE (id) "
    "(PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))",
    "CREATE TABLE xp (id int PRIMARY KEY)",
    "CREATE TABLE ph (id int PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 4",
    "CREATE VIEW v AS SELECT 1 AS a",
    "CREATE PROCEDURE p() SELECT 1",
    "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1",
    "CREATE SEQUENCE sq",
    "INSERT INTO t2 VALUES (1)",
    "INSERT INTO t3 VALUES (2), (3)",
    "DROP USER IF EXISTS judge_u9",
};

/* SHOW CREATE TABLE without the counter, which is no part of a definition. */
static void definition(struct judge *j, const struct mig_sql_facts *f, char *out, size_t size)
{
    const struct mig_sql_object *o = &f->objects[0];
    const char *name = o->kind == MIGRATE_OBJECT_INDEX ? o->parent : o->name;
    char sql[MIG_SQL_NAME_MAX + 40];

    out[0] = '\0';
    if (f->n_objects == 0 || (o->kind != MIGRATE_OBJECT_TABLE && o->kind != MIGRATE_OBJECT_INDEX)) {
        return;
    }
    snprintf(sql, sizeof sql, "SHOW CREATE TABLE `%s`", name);
    judge_text(j, sql, 1, out, size);
    char *counter = strstr(out, " AUTO_INCREMENT=");
    if (counter != NULL) {
        char *rest = counter + 16 + strspn(counter + 16, "0123456789");
        memmove(counter, rest, strlen(rest) + 1);
    }
}

static int fault(struct judge *j, const char *what)
{
    size_t n = strlen(j->message);

    snprintf(j->message + n, sizeof j->message - n, " [%s]", what);
    return 1;
}

int judge_settle(struct judge *j, const char *sql)
{
    static char before[20000], once[20000], twice[20000];
    struct mig_sql_facts f;

    mig_sql_classify(&j->di, sql, strlen(sql), &f);
    if (!judge_anew(j, fixture, sizeof fixture / sizeof *fixture)) {
        return 1;
    }
    definition(j, &f, before, sizeof before);
    if (judge_run(j, sql) != 0) {
        return -1;
    }
    definition(j, &f, once, sizeof once);
    j->message[0] = '\0';
    bool fails = judge_run(j, sql) != 0;
    definition(j, &f, twice, sizeof twice);
    if (f.settle == MIG_SQL_SETTLE_REPEATABLE) {
        return fails                      ? fault(j, "it cannot be repeated")
               : strcmp(once, twice) != 0 ? fault(j, "it changes again")
                                          : 0;
    }
    if (f.settle == MIG_SQL_SETTLE_CHANGING && f.objects[0].kind == MIGRATE_OBJECT_TABLE &&
        strcmp(before, once) == 0) {
        return fails ? fault(j, "it leaves the definition and cannot be repeated") : 0;
    }
    return 0;
}
