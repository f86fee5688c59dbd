/* SPDX-License-Identifier: Apache-2.0 */

/* What a migration may leave behind in its session, and how it is put back: settings, temporary objects,
 * attached databases. What the session was like is read just before the first statement that may change it,
 * so that a start with nothing to do pays nothing. */

#include "conn.h"

#include "util/buf.h"
#include "util/mem.h"

#include <stdlib.h>
#include <string.h>

/* PRAGMA name: reads it, PRAGMA name = value: sets it. Kept by the connection, not by the file. */
static const char *const settings[] = {
    "foreign_keys",
    "recursive_triggers",
    "legacy_alter_table",
    "writable_schema",
    "ignore_check_constraints",
    "reverse_unordered_selects",
    "query_only",
    "trusted_schema",
    "cell_size_check",
    "automatic_index",
    "read_uncommitted",
    "checkpoint_fullfsync",
    "fullfsync",
    "synchronous",
    "temp_store",
    "cache_size",
    "cache_spill",
    "locking_mode",
    "secure_delete",
    "analysis_limit",
    "wal_autocheckpoint",
    "journal_size_limit",
    "threads",
    "mmap_size",
    "case_sensitive_like",
};
#define N_SETTINGS (sizeof(settings) / sizeof(settings[0]))

struct mig_sqlite_session {
    char *value[N_SETTINGS]; /* NULL: could not be read */
    struct mig_buf undo;     /* statements, each with its NUL, that would remove what was there */
};

/* Each row undoes one object: triggers and views before the tables they need. */
static const char undo_sql[] =
    "SELECT 'DROP ' || type || ' IF EXISTS temp.\"' || replace(name, '\"', '\"\"') || '\"'"
    " FROM (SELECT type, name FROM temp.sqlite_master WHERE type IN ('table', 'view', 'trigger')"
    " AND substr(name, 1, 7) <> 'sqlite_' ORDER BY type DESC)"
    " UNION ALL SELECT 'DETACH \"' || replace(name, '\"', '\"\"') || '\"'"
    " FROM pragma_database_list WHERE name NOT IN ('main', 'temp')";

static int run_sql(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* First column of the first row, copied; NULL when there is none. Only want of memory is a failure: a setting
 * that this SQLite does not know is not looked after. */
static int first_value(sqlite3 *db, const char *sql, char **out)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    *out = NULL;
    if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        *out = mig_strdup(text);
        rc = *out || !text ? SQLITE_OK : SQLITE_NOMEM;
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_NOMEM ? rc : SQLITE_OK;
}

static int read_setting(sqlite3 *db, const char *name, char **out)
{
    char sql[64];
    if (strcmp(name, "case_sensitive_like") == 0) {
        return first_value(db, "SELECT 'a' NOT LIKE 'A'", out); /* this one can only be set */
    }
    sqlite3_snprintf(sizeof(sql), sql, "PRAGMA %s", name);
    return first_value(db, sql, out);
}

static int write_setting(sqlite3 *db, const char *name, const char *value)
{
    char sql[128];
    sqlite3_snprintf(sizeof(sql), sql, "PRAGMA %s = %s", name, value);
    return run_sql(db, sql);
}

static int collect_undo(sqlite3 *db, struct mig_buf *out)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, undo_sql, -1, &stmt, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        if (text) {
            mig_buf_add(out, text, strlen(text) + 1);
        }
        rc = SQLITE_OK;
    }
    sqlite3_finalize(stmt);
    if (out->oom) {
        return SQLITE_NOMEM;
    }
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static bool holds(const struct mig_buf *list, const char *text)
{
    for (size_t at = 0; at < list->len; at += strlen(list->data + at) + 1) {
        if (strcmp(list->data + at, text) == 0) {
            return true;
        }
    }
    return false;
}

/* Whoever holds the file is waited for by the statement itself, not here. */
static void find_out_about_cache(struct mig_sqlite *c)
{
    char *now = NULL;
    sqlite3_busy_handler(c->db, NULL, NULL);
    if (read_setting(c->db, "cache_size", &now) == SQLITE_OK && now) {
        c->cache_ours = strcmp(now, "-2000") == 0;
        c->cache_chosen = !c->cache_ours;
    }
    free(now);
    mig_sqlite_install_handlers(c);
}

/* To work with: half of what SQLite takes by itself, which costs no time that could be measured; a program that
 * migrates at its start wants to stay small. To look: a long history passes through and is not read again. */
void mig_sqlite_fit_cache(struct mig_sqlite *c, bool looks)
{
    if (c->cache_chosen) {
        return;
    }
    bool first = !c->cache_ours;
    if (first) {
        find_out_about_cache(c);
    }
    if (c->cache_ours && (first || c->cache_small != looks) &&
        write_setting(c->db, "cache_size", looks ? "-64" : "-1000") == SQLITE_OK) {
        c->cache_small = looks;
    }
}

bool mig_sqlite_session_remember(struct mig_sqlite *c)
{
    if (c->session) {
        return true;
    }
    mig_sqlite_fit_cache(c, false);
    struct mig_sqlite_session *s = calloc(1, sizeof(*s));
    if (!s) {
        return false;
    }
    int rc = SQLITE_OK;
    for (size_t i = 0; i < N_SETTINGS && rc == SQLITE_OK; i++) {
        rc = read_setting(c->db, settings[i], &s->value[i]);
    }
    if (rc == SQLITE_NOMEM || collect_undo(c->db, &s->undo) == SQLITE_NOMEM) {
        mig_sqlite_session_free(s);
        return false;
    }
    c->session = s;
    return true;
}

static int restore_settings(sqlite3 *db, const struct mig_sqlite_session *s)
{
    int result = SQLITE_OK;
    for (size_t i = 0; i < N_SETTINGS; i++) {
        char *now = NULL;
        int rc = s->value[i] ? read_setting(db, settings[i], &now) : SQLITE_OK;
        if (now && strcmp(now, s->value[i]) != 0) {
            rc = write_setting(db, settings[i], s->value[i]);
        }
        result = result ? result : rc;
        free(now);
    }
    return result;
}

int mig_sqlite_session_restore(struct mig_sqlite *c)
{
    const struct mig_sqlite_session *s = c->session;
    if (!s) {
        return SQLITE_OK; /* nothing ran that could have changed it */
    }
    mig_sqlite_fit_cache(c, false);
    struct mig_buf now = MIG_BUF_INIT;
    int result = restore_settings(c->db, s);
    int rc = collect_undo(c->db, &now);
    result = result ? result : rc;
    for (size_t at = 0; at < now.len; at += strlen(now.data + at) + 1) {
        if (!holds(&s->undo, now.data + at)) {
            rc = run_sql(c->db, now.data + at);
            result = result ? result : rc;
        }
    }
    mig_buf_free(&now);
    mig_sqlite_install_handlers(c);
    return result;
}

void mig_sqlite_session_free(struct mig_sqlite_session *s)
{
    if (!s) {
        return;
    }
    for (size_t i = 0; i < N_SETTINGS; i++) {
        free(s->value[i]);
    }
    mig_buf_free(&s->undo);
    free(s);
}

migrate_status mig_sqlite_reset(void *conn, migrate_result *out, migrate_error **err)
{
    struct mig_sqlite *c = conn;
    migrate_stmt rollback = { .struct_size = sizeof(rollback),
                              .flags = MIGRATE_STMT_BOOKKEEPING,
                              .sql = "ROLLBACK",
                              .sql_len = strlen("ROLLBACK") };
    migrate_stmt nothing = rollback;
    nothing.sql_len = 0;
    /* Of a transaction still open nothing shall remain; else an empty statement fills in the result. */
    bool open = !c->lost && !sqlite3_get_autocommit(c->db);
    migrate_status status = mig_sqlite_exec(c, open ? &rollback : &nothing, out, err);
    if (status != MIGRATE_OK) {
        return status;
    }
    int rc = mig_sqlite_session_restore(c);
    if (rc != SQLITE_OK) {
        struct mig_sqlite_failure f;
        mig_sqlite_failed(c, rc, &f);
        if (MIGRATE_HAS(migrate_result, out, outcome)) {
            out->outcome = MIGRATE_OUTCOME_FAILED;
        }
        return mig_sqlite_fail(c, &f, err);
    }
    return MIGRATE_OK;
}
