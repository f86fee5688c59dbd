/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JUDGE_MYSQL_H
#define JUDGE_MYSQL_H

#include <stdbool.h>
#include <stddef.h>

#include <mysql.h>

#include <migrate/driver.h>

#include "sql/online.h"

struct judge {
    MYSQL *conn;
    struct mig_sql_dialect_info di;
    char message[1000]; /* of the last error, or what a fault is */
};

#define JUDGE_SYNTAX 1064u

bool judge_connect(struct judge *j, const char *database);
/* A new session in a database `judged` made by these statements; those that fail are passed over. */
bool judge_anew(struct judge *j, const char *const *fixture, size_t n);
/* The number of the error, 0 none. */
unsigned judge_run(struct judge *j, const char *sql);
void judge_drain(MYSQL *conn);
/* A column of the first row, or "". */
void judge_text(struct judge *j, const char *sql, unsigned column, char *out, size_t size);

/* -1 passed over, 0 as said, 1 a fault. */
int judge_commit(struct judge *j, const char *sql);
int judge_settle(struct judge *j, const char *sql);
int judge_online(struct judge *j, const char *sql);

#endif
