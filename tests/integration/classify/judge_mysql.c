/* SPDX-License-Identifier: Apache-2.0 */

/* MySQL and MariaDB themselves judge what is said of statements, one a line, each in a database made anew:
 *
 *     judge_mysql mariadb|mysql commit FILE   does it commit a transaction that is open?
 *     judge_mysql mariadb|mysql settle FILE   may it be run again; does the definition change?
 *     judge_mysql mariadb|mysql online FILE   the algorithm, and the statement that requires it
 *
 * The server is on 127.0.0.1, $MYSQL_PORT, user root. A statement the server does not know is passed over. */

#include "judge_mysql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void judge_drain(MYSQL *conn)
{
    do {
        MYSQL_RES *r = mysql_store_result(conn);
        if (r != NULL) {
            mysql_free_result(r);
        }
    } while (mysql_next_result(conn) == 0);
}

unsigned judge_run(struct judge *j, const char *sql)
{
    if (mysql_real_query(j->conn, sql, (unsigned long)strlen(sql)) != 0) {
        snprintf(j->message, sizeof j->message, "%s", mysql_error(j->conn));
        return mysql_errno(j->conn);
    }
    judge_drain(j->conn);
    return 0;
}

void judge_text(struct judge *j, const char *sql, unsigned column, char *out, size_t size)
{
    MYSQL_RES *r;
    MYSQL_ROW row;

    out[0] = '\0';
    if (mysql_query(j->conn, sql) != 0 || (r = mysql_store_result(j->conn)) == NULL) {
        return;
    }
    row = mysql_fetch_row(r);
    if (row != NULL && mysql_num_fields(r) > column && row[column] != NULL) {
        snprintf(out, size, "%s", row[column]);
    }
    mysql_free_result(r);
}

bool judge_connect(struct judge *j, const char *database)
{
    const char *port = getenv("MYSQL_PORT");

    if (j->conn != NULL) {
        mysql_close(j->conn);
    }
    j->conn = mysql_init(NULL);
    return port != NULL && j->conn != NULL &&
           mysql_real_connect(j->conn, "127.0.0.1", "root", "", database, (unsigned)atoi(port), NULL, 0) !=
               NULL;
}

bool judge_anew(struct judge *j, const char *const *fixture, size_t n)
{
    if (!judge_connect(j, NULL) || judge_run(j, "DROP DATABASE IF EXISTS judged") != 0 ||
        judge_run(j, "CREATE DATABASE judged CHARACTER SET utf8mb4") != 0 ||
        judge_run(j, "USE judged") != 0) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        judge_run(j, fixture[i]); /* sequences, say, are MariaDB's alone */
    }
    return true;
}

static int run_file(struct judge *j, int (*judge)(struct judge *, const char *), FILE *file)
{
    char line[4096];
    size_t counts[3] = { 0, 0, 0 };

    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        int verdict = judge(j, line);
        counts[verdict + 1]++;
        if (verdict > 0) {
            printf("not as said: %s\n    %s\n", line, j->message);
        }
    }
    printf("%zu as said, %zu passed over, %zu faults\n", counts[1], counts[0], counts[2]);
    return counts[2] != 0 || counts[1] < 50;
}

int main(int argc, char **argv)
{
    struct judge j = { .conn = NULL };
    FILE *file = argc == 4 ? fopen(argv[3], "r") : NULL;
    char version[100];

    if (file == NULL || !judge_connect(&j, NULL)) {
        fprintf(stderr, "usage: MYSQL_PORT=… judge_mysql mariadb|mysql commit|settle|online FILE\n");
        return 2;
    }
    judge_text(&j, "SELECT VERSION()", 0, version, sizeof version);
    unsigned parts[3] = { 0, 0, 0 };
    sscanf(version, "%u.%u.%u", &parts[0], &parts[1], &parts[2]);
    j.di = (struct mig_sql_dialect_info){ .dialect = MIGRATE_DIALECT_MYSQL,
                                          .lex = MIGRATE_LEX_BACKSLASH_ESCAPES,
                                          .version = parts[0] * 10000 + parts[1] * 100 + parts[2],
                                          .mariadb = strcmp(argv[1], "mariadb") == 0 };
    int failed = run_file(&j,
                          strcmp(argv[2], "commit") == 0   ? judge_commit
                          : strcmp(argv[2], "settle") == 0 ? judge_settle
                                                           : judge_online,
                          file);
    mysql_close(j.conn);
    fclose(file);
    return failed;
}
