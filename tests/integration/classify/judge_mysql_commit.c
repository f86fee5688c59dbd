/* SPDX-License-Identifier: Apache-2.0 */
#include "judge_mysql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql/classify.h"

/* Is a row that was inserted in the same transaction still there after ROLLBACK? Whatever commits must be
 * said to; what is said to commit and does not costs a unit of its own, no more. */

static const char *const fixture[] = {
    "CREATE TABLE x (a int) ENGINE=InnoDB",
    "CREATE TABLE t (a int PRIMARY KEY, b int, KEY ib (b))",
    "CREATE VIEW v AS SELECT 1",
    "CREATE PROCEDURE p() SELECT 1",
    "CREATE PROCEDURE pc() CREATE TABLE IF NOT EXISTS zz (a int)",
    "CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN 1",
    "CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW SET NEW.b = 1",
    "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1",
    "CREATE SEQUENCE sq",
    "DROP USER IF EXISTS judge_u, judge_u8, judge_u9",
    "DROP ROLE IF EXISTS judge_r9",
    "DROP DATABASE IF EXISTS judge_n9",
    "CREATE USER judge_u",
    "DROP SERVER IF EXISTS sv",
    "DROP SERVER IF EXISTS sv9",
    "CREATE SERVER sv FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'x')",
};

/* These commit only if there is something to be ended: an autocommit that was off, tables that were locked, a
 * procedure that commits. */
static bool depends(const struct mig_sql_facts *f)
{
    return strcmp(f->verb, "SET") == 0 || strcmp(f->verb, "UNLOCK TABLES") == 0 ||
           (f->flags & MIG_SQL_MAY_COMMIT) != 0;
}

int judge_commit(struct judge *j, const char *sql)
{
    struct mig_sql_facts f;
    char rows[20];

    mig_sql_classify(&j->di, sql, strlen(sql), &f);
    bool said = (f.flags & (MIG_SQL_IMPLICIT_COMMIT | MIG_SQL_MAY_COMMIT)) != 0;
    if (!judge_anew(j, fixture, sizeof fixture / sizeof *fixture)) {
        return 1;
    }
    judge_run(j, "START TRANSACTION");
    judge_run(j, "INSERT INTO x VALUES (1)");
    unsigned error = judge_run(j, sql);
    judge_run(j, "ROLLBACK");
    judge_run(j, "UNLOCK TABLES");
    if (!judge_connect(j, "judged")) {
        return 1;
    }
    judge_text(j, "SELECT COUNT(*) FROM x", 0, rows, sizeof rows);
    bool committed = strcmp(rows, "0") != 0;
    if (committed && !said) {
        snprintf(j->message, sizeof j->message, "it commits");
        return 1;
    }
    if (!committed && said && error == 0 && !depends(&f)) {
        snprintf(j->message, sizeof j->message, "it does not commit");
        return 1;
    }
    return error == JUDGE_SYNTAX ? -1 : 0;
}
