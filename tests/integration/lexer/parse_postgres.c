/* SPDX-License-Identifier: Apache-2.0 */

/* PostgreSQL's own parser judges the cuts: Parse takes one command, so a statement cut too late is refused,
 * and one cut too early is a syntax error. Nothing is run; that a table is missing is no fault of the cut.
 *
 *     parse_postgres vectors FILE     statements.json of the unit tests
 *     parse_postgres files DIRECTORY  all *.sql below a folder …_pg of corpora in $MIGRATE_SHARED, else in DIRECTORY;
 * exit 77 where there is none
 *
 * The server is $PG_URL. */

#include <ftw.h>
#include <jansson.h>
#include <libpq-fe.h>

#include "cutting.h"

struct judge {
    PGconn *conn;
    size_t files, statements, faults;
};

/* nftw() hands nothing through. */
static struct judge judge;

static void fault(const char *where, const struct cutting_piece *p, const char *why)
{
    printf("%s:%d: %s\n%.300s\n", where, p ? (int)p->line : 0, why, p ? p->text : "");
    judge.faults++;
}

static void judge_piece(const char *where, const struct cutting_piece *p)
{
    PGresult *r = PQprepare(judge.conn, "", p->text, 0, NULL);
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && (!state || !strcmp(state, "42601")))
        fault(where, p, PQresultErrorMessage(r));
    judge.statements++;
    PQclear(r);
}

static void judge_text(const char *where, const char *text, size_t len)
{
    struct mig_sql_config config = cutting_config("postgres");
    struct cutting c = cut(&config, text, len, 0);
    if (c.status != MIGRATE_DONE)
        fault(where, NULL, c.diag.message ? c.diag.message : "not cut");
    for (size_t i = 0; i < c.n; i++)
        judge_piece(where, &c.pieces[i]);
    judge.files++;
    cutting_free(&c);
}

static int judge_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)ftw;
    size_t n = strlen(path);
    if (type != FTW_F || n < 4 || strcmp(path + n - 4, ".sql") != 0 || !strstr(path, "_pg/"))
        return 0;
    char *text = malloc((size_t)st->st_size + 1);
    FILE *f = fopen(path, "rb");
    if (text && f)
        judge_text(path, text, fread(text, 1, (size_t)st->st_size, f));
    else
        fault(path, NULL, "cannot be read");
    if (f)
        fclose(f);
    free(text);
    return 0;
}

/* Those that were tried on a server before; others are wrong SQL on purpose. */
static bool verified(const json_t *v)
{
    size_t i;
    json_t *by;
    const char *dialect = json_string_value(json_object_get(v, "dialect"));
    if (strcmp(dialect, "postgresql") != 0 || json_object_get(v, "error"))
        return false;
    json_array_foreach(json_object_get(v, "verified_with"), i, by)
    {
        if (strstr(json_string_value(by), "takes each piece alone"))
            return true;
    }
    return false;
}

static void judge_vectors(const char *path)
{
    json_error_t error;
    json_t *all = json_load_file(path, 0, &error);
    size_t i;
    json_t *v;
    if (!all)
        fault(path, NULL, error.text);
    json_array_foreach(all, i, v)
    {
        const json_t *sql = json_object_get(v, "sql");
        if (verified(v))
            judge_text(json_string_value(json_object_get(v, "name")), json_string_value(sql),
                       json_string_length(sql));
    }
    json_decref(all);
}

int main(int argc, char **argv)
{
    const char *url = getenv("PG_URL");
    if (argc != 3 || !url) {
        fprintf(stderr, "usage: PG_URL=… parse_postgres vectors FILE | files DIRECTORY\n");
        return 2;
    }
    bool files = !strcmp(argv[1], "files");
    const char *shared = getenv("MIGRATE_SHARED");
    char corpora[4096];
    struct stat st;
    snprintf(corpora, sizeof corpora, "%s/corpora", shared ? shared : argv[2]);
    if (files && stat(corpora, &st) != 0) {
        fprintf(stderr, "skipped: there is no %s\n", corpora);
        return 77;
    }
    judge.conn = PQconnectdb(url);
    if (PQstatus(judge.conn) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(judge.conn));
        return 1;
    }
    if (files)
        nftw(corpora, judge_file, 16, FTW_PHYS);
    else
        judge_vectors(argv[2]);
    PQfinish(judge.conn);
    printf("%zu texts, %zu statements, %zu refused\n", judge.files, judge.statements, judge.faults);
    return judge.faults || !judge.statements;
}
