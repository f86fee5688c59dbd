/* SPDX-License-Identifier: Apache-2.0 */

/* MariaDB's or MySQL's own parser judges the cuts of stored programs: each statement of the scripts named is
 * run, one command a call, in a database of its own; no answer but "syntax error" is a fault of the cut.
 *
 *     run_mysql mariadb|mysql FILE...
 *
 * The server is on 127.0.0.1, $MYSQL_PORT, user root. */

#include <mysql.h>

#include "cutting.h"

#define SYNTAX_ERROR 1064

struct judge {
    MYSQL *conn;
    size_t statements, faults;
};

static char text[1 << 20];

static void drain(MYSQL *conn)
{
    do {
        MYSQL_RES *r = mysql_store_result(conn);
        if (r)
            mysql_free_result(r);
    } while (mysql_next_result(conn) == 0);
}

static void judge_piece(struct judge *j, const struct cutting_piece *p)
{
    int failed = mysql_real_query(j->conn, p->text, (unsigned long)p->len);
    if (failed && mysql_errno(j->conn) == SYNTAX_ERROR) {
        printf("line %d: %s\n%.300s\n", (int)p->line, mysql_error(j->conn), p->text);
        j->faults++;
    }
    if (!failed)
        drain(j->conn);
    j->statements++;
}

static bool judge_file(struct judge *j, const char *dialect, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || mysql_query(j->conn, "CREATE DATABASE cuts") || mysql_query(j->conn, "USE cuts"))
        return false;
    size_t len = fread(text, 1, sizeof text, f);
    fclose(f);
    struct mig_sql_config config = cutting_config(dialect);
    struct cutting c = cut(&config, text, len, 0);
    printf("%s: %zu statements %s\n", path, c.n, c.diag.message ? c.diag.message : "");
    for (size_t i = 0; i < c.n; i++)
        judge_piece(j, &c.pieces[i]);
    bool sound = c.status == MIGRATE_DONE;
    cutting_free(&c);
    return sound && !mysql_query(j->conn, "SET sql_mode = ''") && !mysql_query(j->conn, "DROP DATABASE cuts");
}

int main(int argc, char **argv)
{
    struct judge j = { .conn = mysql_init(NULL) };
    const char *port = getenv("MYSQL_PORT");
    if (argc < 3 || !port || !j.conn)
        return 2;
    if (!mysql_real_connect(j.conn, "127.0.0.1", "root", "", NULL, (unsigned)atoi(port), NULL, 0)) {
        fprintf(stderr, "%s\n", mysql_error(j.conn));
        return 1;
    }
    for (int i = 2; i < argc; i++) {
        if (!judge_file(&j, argv[1], argv[i])) {
            fprintf(stderr, "%s: %s\n", argv[i], mysql_error(j.conn));
            j.faults++;
        }
    }
    mysql_close(j.conn);
    printf("%zu statements, %zu refused\n", j.statements, j.faults);
    return j.faults || !j.statements;
}
