/* SPDX-License-Identifier: Apache-2.0 */

/* Connections: of our own by URL, and the application's. */

#include "conn.h"

#include "util/buf.h"
#include "util/mem.h"
#include "util/text.h"
#include "util/url.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In the URL (?mode=ro) or as options (sqlite.mode):
 *   mode          rwc (made when it is missing), rw, ro
 *   journal_mode  delete, truncate, persist, wal: as PRAGMA journal_mode. off and memory are refused: a
 *                 process that is killed would leave a damaged file behind
 *   synchronous, cache_size, foreign_keys, temp_store: as the PRAGMA of that name. The cache is of 1000 KiB
 *                 unless this or the file says otherwise
 *   vfs           name of a registered VFS */
const char *const mig_sqlite_option_keys[] = {
    "mode", "journal_mode", "synchronous", "cache_size", "foreign_keys", "temp_store", "vfs", NULL,
};

struct choice {
    const char *key;
    const char *values; /* separated by '|'; NULL: a number */
};

static const struct choice choices[] = {
    { "mode", "rwc|rw|ro" },
    { "journal_mode", "delete|truncate|persist|wal" },
    { "synchronous", "off|normal|full|extra|0|1|2|3" },
    { "cache_size", NULL },
    { "foreign_keys", "on|off|true|false|yes|no|1|0" },
    { "temp_store", "default|file|memory|0|1|2" },
};

static bool one_of(const char *values, const char *value)
{
    size_t len = strlen(value);
    for (const char *at = values; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
        const char *end = strchr(at, '|');
        size_t n = end ? (size_t)(end - at) : strlen(at);
        if (n == len && mig_ieqn(at, n, value)) {
            return true;
        }
    }
    return false;
}

static bool is_number(const char *value)
{
    const char *digits = *value == '-' ? value + 1 : value;
    return *digits && strlen(digits) < 10 && strspn(digits, "0123456789") == strlen(digits);
}

/* "sqlite.mode", else "mode" of the URL. */
static const char *option(const migrate_host *host, const char *key)
{
    char full[40];
    sqlite3_snprintf(sizeof(full), full, "sqlite.%s", key);
    const char *value = mig_sqlite_option(host, full);
    return value ? value : mig_sqlite_option(host, key);
}

static migrate_status check_options(const migrate_host *host, migrate_error **err)
{
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        const char *value = option(host, choices[i].key);
        if (!value || (choices[i].values ? one_of(choices[i].values, value) : is_number(value))) {
            continue;
        }
        char message[160], hint[160];
        sqlite3_snprintf(sizeof(message), message, "option sqlite.%s does not take '%s'", choices[i].key,
                         value);
        sqlite3_snprintf(sizeof(hint), hint, "it takes %s",
                         choices[i].values ? choices[i].values
                                           : "a number: of pages, or of KiB when negative");
        return mig_sqlite_refuse(host, err, MIGRATE_E_OPTION, MIGRATE_FAULT_OTHER, message, hint);
    }
    return MIGRATE_OK;
}

/* ---- URL ------------------------------------------------------------------- */

static migrate_status bad_url(const migrate_host *host, migrate_error **err, const char *message)
{
    return mig_sqlite_refuse(
        host, err, MIGRATE_E_URL, MIGRATE_FAULT_OTHER, message,
        "write sqlite:FILE, or sqlite::memory: ; '?' and '%' of a file name are %3F and %25");
}

/* "sqlite:FILE", "sqlite:///FILE" (absolute), "sqlite://FILE" (relative); %XX are decoded. */
static migrate_status path_of(const migrate_host *host, const char *url, char **out, migrate_error **err)
{
    const char *at = strchr(url, ':');
    at = at ? at + 1 : url;
    if (mig_starts(at, "//")) {
        at += 2;
    }
    size_t len = strcspn(at, "?");
    if (at[len] == '?' && at[len + 1]) {
        return bad_url(host, err, "the URL has a parameter that the SQLite driver does not know");
    }
    if (len == 0) {
        return bad_url(host, err, "the URL names no file");
    }
    size_t bad = 0;
    char *path = mig_url_decode(at, len, &bad);
    if (!path) {
        return bad == SIZE_MAX ? mig_sqlite_nomem(host, err)
                               : bad_url(host, err, "the URL has a bad escape after '%'");
    }
    *out = path;
    return MIGRATE_OK;
}

/* ---- opening --------------------------------------------------------------- */

static bool in_memory(const struct mig_sqlite *c)
{
    return strcmp(c->path, ":memory:") == 0;
}

/* The folder @p path is in. NULL: memory. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) {
        return mig_strdup(".");
    }
    return mig_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Why a file cannot be opened, in words that help more than "unable to open database file". */
static migrate_status cannot_open(const struct mig_sqlite *c, int code, const char *words,
                                  migrate_error **err)
{
    struct stat st;
    char *folder = folder_of(c->path);
    struct mig_buf message = MIG_BUF_INIT, hint = MIG_BUF_INIT;
    migrate_fault fault = { .struct_size = sizeof(fault), .native_code = code, .status = MIGRATE_E_CONNECT };
    mig_buf_fmt(&message, "cannot open database file %s: %s", c->path, words);
    if (folder && stat(folder, &st) != 0) {
        fault.klass = MIGRATE_FAULT_NO_DB;
        mig_buf_fmt(&hint, "folder %s does not exist: create it, or mend the path", folder);
    } else if (stat(c->path, &st) == 0 && S_ISDIR(st.st_mode)) {
        mig_buf_fmt(&hint, "%s is a directory: name a file in it", c->path);
    } else if (stat(c->path, &st) != 0 && !(c->open_flags & SQLITE_OPEN_CREATE)) {
        fault.klass = MIGRATE_FAULT_NO_DB;
        mig_buf_str(&hint, "the file does not exist and mode=ro or mode=rw makes none: mend the path");
    } else {
        fault.klass = MIGRATE_FAULT_DENIED;
        mig_buf_str(&hint, "this user needs the right to read and write the file and its folder");
    }
    fault.status = fault.klass == MIGRATE_FAULT_OTHER ? MIGRATE_E_CONNECT : 0;
    fault.message = message.oom ? words : mig_buf_text(&message);
    fault.hint = hint.oom ? NULL : mig_buf_text(&hint);
    migrate_status status = mig_sqlite_report(c->host, err, &fault);
    mig_buf_free(&message);
    mig_buf_free(&hint);
    free(folder);
    return status;
}

static migrate_status open_failed(struct mig_sqlite *c, sqlite3 *db, int rc, migrate_error **err)
{
    migrate_status status;
    if (!db || (rc & 0xff) == SQLITE_NOMEM) {
        status = mig_sqlite_nomem(c->host, err);
    } else if ((rc & 0xff) == SQLITE_CANTOPEN) {
        status = cannot_open(c, sqlite3_extended_errcode(db), sqlite3_errmsg(db), err);
    } else {
        struct mig_sqlite_failure f = { .code = rc, .offset = -1, .words = sqlite3_errmsg(db) };
        status = mig_sqlite_fail(c, &f, err);
    }
    sqlite3_close(db);
    return status;
}

/* What the options say about the connection. An SQLite result code. */
static int apply_options(const struct mig_sqlite *c, sqlite3 *db)
{
    static const char *const pragmas[] = { "synchronous", "cache_size", "foreign_keys", "temp_store" };
    char sql[80];
    int rc = SQLITE_OK;
    for (size_t i = 0; i < sizeof(pragmas) / sizeof(pragmas[0]) && rc == SQLITE_OK; i++) {
        const char *value = option(c->host, pragmas[i]);
        if (value) {
            sqlite3_snprintf(sizeof(sql), sql, "PRAGMA %s = %s", pragmas[i], value);
            rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
        }
    }
    const char *mode = option(c->host, "journal_mode");
    if (rc == SQLITE_OK && mode && !(c->open_flags & SQLITE_OPEN_READONLY)) {
        sqlite3_snprintf(sizeof(sql), sql, "PRAGMA journal_mode = %s", mode);
        rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    }
    return rc;
}

/* Opens @p path in place of what is open. */
static migrate_status open_file(struct mig_sqlite *c, const char *path, migrate_error **err)
{
    sqlite3 *db = NULL;
    sqlite3 *before = c->db;
    int rc = sqlite3_open_v2(path, &db, c->open_flags, option(c->host, "vfs"));
    if (rc != SQLITE_OK) {
        return open_failed(c, db, rc, err);
    }
    sqlite3_extended_result_codes(db, 1);
    c->db = db;
    c->cache_ours = c->cache_small = false;
    c->cache_chosen = option(c->host, "cache_size") != NULL;
    mig_sqlite_install_handlers(c);
    rc = apply_options(c, db);
    if (rc != SQLITE_OK) {
        c->db = before;
        return open_failed(c, db, rc, err);
    }
    sqlite3_close(before);
    return MIGRATE_OK;
}

/* A file that is to be made: not before something is written, so that looking at a database that is not there
 * leaves none behind. What could go wrong then is looked at now. */
static migrate_status open_standin(struct mig_sqlite *c, migrate_error **err)
{
    char *folder = folder_of(c->path);
    if (!folder) {
        return mig_sqlite_nomem(c->host, err);
    }
    bool fine = access(folder, W_OK | X_OK) == 0;
    free(folder);
    if (!fine) {
        return cannot_open(c, SQLITE_CANTOPEN, "unable to open database file", err);
    }
    migrate_status status = open_file(c, ":memory:", err);
    c->standin = status == MIGRATE_OK;
    return status;
}

migrate_status mig_sqlite_materialize(struct mig_sqlite *c, bool write, migrate_error **err)
{
    if (!c->standin || (!write && access(c->path, F_OK) != 0)) {
        return MIGRATE_OK;
    }
    migrate_status status = open_file(c, c->path, err);
    if (status == MIGRATE_OK) {
        c->standin = false;
    }
    return status;
}

static int flags_for(const char *mode)
{
    int flags = SQLITE_OPEN_NOMUTEX;
    if (mode && mig_ieq(mode, "ro")) {
        return flags | SQLITE_OPEN_READONLY;
    }
    flags |= SQLITE_OPEN_READWRITE;
    return mode && mig_ieq(mode, "rw") ? flags : flags | SQLITE_OPEN_CREATE;
}

static migrate_status connect_to(struct mig_sqlite *c, const char *url, migrate_error **err)
{
    migrate_status status = check_options(c->host, err);
    if (status == MIGRATE_OK) {
        status = path_of(c->host, url, &c->path, err);
    }
    if (status != MIGRATE_OK) {
        return status;
    }
    c->open_flags = flags_for(option(c->host, "mode"));
    c->our_busy_handler = true;
    mig_sqlite_enter(c);
    bool missing = !in_memory(c) && access(c->path, F_OK) != 0;
    return missing && (c->open_flags & SQLITE_OPEN_CREATE) ? open_standin(c, err)
                                                           : open_file(c, c->path, err);
}

migrate_status mig_sqlite_open(const migrate_host *host, const char *url, void **out_conn,
                               migrate_error **err)
{
    struct mig_sqlite *c = calloc(1, sizeof(*c));
    if (!c) {
        return mig_sqlite_nomem(host, err);
    }
    c->host = host;
    migrate_status status = connect_to(c, url, err);
    if (status != MIGRATE_OK) {
        free(c->path);
        free(c);
        return status;
    }
    *out_conn = c;
    return MIGRATE_OK;
}

/* ---- the application's connection ------------------------------------------ */

static const char *why_not_adopt(sqlite3 *db)
{
    if (!sqlite3_get_autocommit(db)) {
        return "the connection is inside a transaction";
    }
    for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s; s = sqlite3_next_stmt(db, s)) {
        if (sqlite3_stmt_busy(s)) {
            return "a statement of the connection is still running";
        }
    }
    return NULL;
}

/* A busy timeout is ours to replace and put back. A busy handler of the application's own cannot be read, so
 * it stays: we then wait after it gave up. A progress handler cannot be read either and is gone afterwards.
 */
migrate_status mig_sqlite_adopt(const migrate_host *host, void *native, void **out_conn, migrate_error **err)
{
    sqlite3 *db = native;
    const char *why = why_not_adopt(db);
    if (why) {
        return mig_sqlite_refuse(
            host, err, MIGRATE_E_MISUSE, MIGRATE_FAULT_OTHER, why,
            "commit or roll back, and reset statements, before handing the connection over");
    }
    struct mig_sqlite *c = calloc(1, sizeof(*c));
    const char *file = sqlite3_db_filename(db, "main");
    char *path = mig_strdup(file && *file ? file : ":memory:");
    if (!c || !path) {
        free(c);
        free(path);
        return mig_sqlite_nomem(host, err);
    }
    c->host = host;
    c->db = db;
    c->path = path;
    c->adopted = true;
    c->cache_chosen = true;
    c->busy_timeout = mig_sqlite_busy_timeout(db);
    mig_sqlite_enter(c);
    mig_sqlite_install_handlers(c);
    *out_conn = c;
    return MIGRATE_OK;
}

static void give_back(struct mig_sqlite *c)
{
    mig_sqlite_enter(c);
    /* Nothing may end early what puts things back. */
    sqlite3_progress_handler(c->db, 0, NULL, NULL);
    if (!sqlite3_get_autocommit(c->db)) {
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    }
    mig_sqlite_session_restore(c);
    sqlite3_progress_handler(c->db, 0, NULL, NULL);
    if (c->our_busy_handler) {
        sqlite3_busy_timeout(c->db, c->busy_timeout);
    }
}

void mig_sqlite_close(void *conn)
{
    struct mig_sqlite *c = conn;
    if (!c) {
        return;
    }
    if (c->adopted) {
        give_back(c);
    } else {
        sqlite3_close(c->db);
    }
    mig_sqlite_session_free(c->session);
    free(c->path);
    free(c);
}
