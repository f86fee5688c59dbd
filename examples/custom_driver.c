/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver of one's own, as small as one can be: only what migrate_driver requires, over SQLite because every
 * machine has it. It includes driver.h, needs no symbol of libmigrate, and is either linked (the main()
 * below) or built as libmigrate-mini.so.0 and loaded with migrate_ctx_load_driver() or `migrate --driver
 * FILE`.
 *
 *     custom_driver mini:app.db examples/migrations
 *
 * A driver for real use has more: info() for the server's facts, cancelling by tick(), adopt(); the
 * conformance suite tells what is missing. CONTRIBUTING.md has the six steps.
 */
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include <migrate/driver.h>

struct conn {
    const migrate_host *host;
    sqlite3 *db;
};

/* What the library does about a failure follows from its class. MISSING is how it learns that its own tables
 * are not there yet. */
static uint32_t fault_class(sqlite3 *db)
{
    switch (sqlite3_errcode(db) & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return MIGRATE_FAULT_RETRY_TX;
    case SQLITE_CONSTRAINT:
        return MIGRATE_FAULT_CONSTRAINT;
    case SQLITE_FULL:
        return MIGRATE_FAULT_DISK_FULL;
    case SQLITE_READONLY:
        return MIGRATE_FAULT_READ_ONLY;
    case SQLITE_CANTOPEN:
        return MIGRATE_FAULT_NO_DB;
    case SQLITE_ERROR:
        return strncmp(sqlite3_errmsg(db), "no such", 7) == 0 ? MIGRATE_FAULT_MISSING : MIGRATE_FAULT_SYNTAX;
    default:
        return MIGRATE_FAULT_OTHER;
    }
}

/* All that the library needs to know of a failure; it adds file, line and statement. */
static migrate_status fail(const struct conn *c, migrate_error **err)
{
    int offset = sqlite3_error_offset(c->db);
    migrate_fault fault = {
        .struct_size = sizeof fault,
        .klass = fault_class(c->db),
        .native_code = sqlite3_extended_errcode(c->db),
        .offset = offset < 0 ? 0 : (uint64_t)offset + 1,
        .message = sqlite3_errmsg(c->db),
    };
    return c->host->fail(c->host, err, &fault);
}

/* Asked about while another holds the file: goes on waiting until the library says stop. */
static int while_busy(void *user, int tries)
{
    const struct conn *c = user;
    (void)tries;
    return c->host->sleep(c->host, 10) == MIGRATE_OK;
}

static void mini_close(void *conn)
{
    struct conn *c = conn;
    if (!c)
        return;
    sqlite3_close(c->db);
    free(c);
}

static migrate_status mini_open(const migrate_host *host, const char *url, void **out_conn,
                                migrate_error **err)
{
    struct conn *c = calloc(1, sizeof *c);
    const char *file = strchr(url, ':');
    migrate_fault nomem = { .struct_size = sizeof nomem,
                            .status = MIGRATE_E_NOMEM,
                            .message = "out of memory" };
    if (!c)
        return host->fail(host, err, &nomem);
    c->host = host;
    if (sqlite3_open(file ? file + 1 : url, &c->db) != SQLITE_OK) {
        migrate_status s = c->db ? fail(c, err) : host->fail(host, err, &nomem);
        mini_close(c);
        return s;
    }
    sqlite3_busy_handler(c->db, while_busy, c);
    *out_conn = c;
    return MIGRATE_OK;
}

/* Every `?` of a statement has its value. */
static int bind(sqlite3_stmt *stmt, const migrate_stmt *from)
{
    int rc = SQLITE_OK;
    for (uint32_t i = 0; rc == SQLITE_OK && i < from->n_params; i++) {
        const migrate_text *value = &from->params[i];
        rc = sqlite3_bind_text64(stmt, (int)i + 1, value->data, value->len, SQLITE_STATIC, SQLITE_UTF8);
    }
    return rc;
}

#define MAX_COLUMNS 64

/* Hands one row over as text. Non-zero: the library wants no more. */
static int32_t give_row(sqlite3_stmt *stmt, const migrate_stmt *from)
{
    migrate_text cols[MAX_COLUMNS];
    int n = sqlite3_column_count(stmt);
    if (!from->on_row)
        return 0;
    if (n > MAX_COLUMNS)
        n = MAX_COLUMNS;
    for (int i = 0; i < n; i++) {
        cols[i].data = (const char *)sqlite3_column_text(stmt, i);
        cols[i].len = (size_t)sqlite3_column_bytes(stmt, i);
    }
    return from->on_row(from->on_row_user, (uint32_t)n, cols);
}

static int step_all(sqlite3_stmt *stmt, const migrate_stmt *from)
{
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (give_row(stmt, from))
            return SQLITE_DONE;
    }
    return rc;
}

/* The outcome is what exactly-once is decided on. SQLite answers in the same process, so it is never UNKNOWN
 * here; over a network a lost connection must be told as such. */
static migrate_status mini_exec(void *conn, const migrate_stmt *stmt, migrate_result *out,
                                migrate_error **err)
{
    struct conn *c = conn;
    sqlite3_stmt *prepared = NULL;
    migrate_status s = MIGRATE_OK;
    int rc = sqlite3_prepare_v2(c->db, stmt->sql, (int)stmt->sql_len, &prepared, NULL);
    if (rc == SQLITE_OK && prepared)
        rc = bind(prepared, stmt);
    if (rc == SQLITE_OK && prepared)
        rc = step_all(prepared, stmt);
    if (rc != SQLITE_OK && rc != SQLITE_DONE)
        s = fail(c, err);
    sqlite3_finalize(prepared);
    out->outcome = s == MIGRATE_OK ? MIGRATE_OUTCOME_DONE : MIGRATE_OUTCOME_FAILED;
    out->tx = sqlite3_get_autocommit(c->db) ? MIGRATE_TX_NONE : MIGRATE_TX_OPEN;
    out->affected = sqlite3_changes(c->db);
    return s;
}

static migrate_status mini_info(void *conn, migrate_info *out, migrate_error **err)
{
    struct conn *c = conn;
    (void)err;
    out->caps =
        MIGRATE_CAP_TRANSACTION | MIGRATE_CAP_DDL_ROLLBACK | MIGRATE_CAP_DDL_ATOMIC | MIGRATE_CAP_SESSION;
    out->product = "SQLite";
    out->flavour = "sqlite";
    out->version_text = sqlite3_libversion();
    out->address = sqlite3_db_filename(c->db, "main");
    return MIGRATE_OK;
}

static const char *const schemes[] = { "mini", NULL };
static const char *const options[] = { NULL };

static const migrate_driver mini = {
    .struct_size = sizeof mini,
    .api = MIGRATE_DRIVER_API,
    .dialect = MIGRATE_DIALECT_SQLITE,
    .name = "mini",
    .schemes = schemes,
    .options = options,
    .open = mini_open,
    .close = mini_close,
    .exec = mini_exec,
    .info = mini_info,
};

/* The one function that a driver exports. */
MIGRATE_DRIVER_EXPORT const migrate_driver *migrate_mini_driver(void);

const migrate_driver *migrate_mini_driver(void)
{
    return &mini;
}

#ifndef DRIVER_ONLY

#include <stdio.h>

#include <migrate/migrate.h>

static migrate_status run(const char *url, const char *dir, migrate_report **report, migrate_error **err)
{
    migrate_ctx *ctx = NULL;
    migrate_status s = migrate_ctx_new(&ctx, err);
    if (s == MIGRATE_OK)
        s = migrate_ctx_add_driver(ctx, migrate_mini_driver(), err);
    if (s == MIGRATE_OK)
        s = migrate_ctx_use_dir(ctx, dir, err);
    if (s == MIGRATE_OK)
        s = migrate_ctx_open(ctx, url, err);
    if (s == MIGRATE_OK)
        s = migrate_run(ctx, NULL, report, err);
    migrate_ctx_free(ctx);
    return s;
}

int main(int argc, char **argv)
{
    migrate_report *report = NULL;
    migrate_error *err = NULL;
    migrate_status s;
    if (argc != 3) {
        fprintf(stderr, "usage: %s mini:FILE DIR\n", argv[0]);
        return MIGRATE_CLASS_CALLER;
    }
    s = run(argv[1], argv[2], &report, &err);
    if (s != MIGRATE_OK)
        fprintf(stderr, "error: %s\n", migrate_error_text(err));
    else
        printf("%s\n", migrate_report_json(report));
    migrate_report_free(report);
    migrate_error_free(err);
    return MIGRATE_STATUS_CLASS(s);
}

#endif
