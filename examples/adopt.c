/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Migrations over a connection that the application has open already; here the only way to reach it, because
 * the database is in memory. The migrations are inside the program, too: nothing to install beside it.
 */
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include <migrate/drivers.h>
#include <migrate/migrate.h>

/* Named as files would be; the same conventions hold. */
static const char *const files[][2] = {
    { "0001_create_notes.sql", "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL);" },
    { "0002_first_note.sql", "INSERT INTO notes (body) VALUES ('hello');" },
};

static migrate_status migrate_open_database(sqlite3 *db, migrate_error **err)
{
    migrate_ctx *ctx = NULL;
    migrate_status s = migrate_ctx_new(&ctx, err);
    if (s == MIGRATE_OK)
        s = migrate_ctx_add_driver(ctx, migrate_sqlite_driver(), err);
    for (size_t i = 0; s == MIGRATE_OK && i < sizeof files / sizeof *files; i++)
        s = migrate_ctx_add_file(ctx, files[i][0], files[i][1], strlen(files[i][1]), err);
    if (s == MIGRATE_OK)
        s = migrate_ctx_adopt(ctx, "sqlite", db, err);
    if (s == MIGRATE_OK)
        s = migrate_run(ctx, NULL, NULL, err); /* the report is declined */
    migrate_ctx_free(ctx);                     /* gives the connection back as it came; it is still open */
    return s;
}

/* The application goes on with its connection. */
static int print_notes(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    int rows = 0;
    if (sqlite3_prepare_v2(db, "SELECT body FROM notes", -1, &stmt, NULL) != SQLITE_OK)
        return 0;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        printf("note: %s\n", (const char *)sqlite3_column_text(stmt, 0));
        rows++;
    }
    sqlite3_finalize(stmt);
    return rows;
}

int main(void)
{
    migrate_error *err = NULL;
    sqlite3 *db = NULL;
    migrate_status s;
    int rows = 0;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK) {
        fprintf(stderr, "error: %s\n", sqlite3_errmsg(db));
        sqlite3_close(db);
        return MIGRATE_CLASS_DATABASE;
    }
    s = migrate_open_database(db, &err);
    if (s == MIGRATE_OK)
        rows = print_notes(db);
    else
        fprintf(stderr, "error: %s\n", migrate_error_text(err));
    migrate_error_free(err);
    sqlite3_close(db);
    if (s != MIGRATE_OK)
        return MIGRATE_STATUS_CLASS(s);
    return rows == 1 ? 0 : MIGRATE_CLASS_BUG;
}
