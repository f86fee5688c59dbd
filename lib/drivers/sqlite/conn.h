/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SQLITE_CONN_H
#define MIG_SQLITE_CONN_H

/* What the files of this driver share: the connection and what each file does for the others. */

#include <migrate/driver.h>

#include <sqlite3.h>
#include <stdbool.h>

struct mig_sqlite_session; /* session.c */

struct mig_sqlite {
    const migrate_host *host;
    sqlite3 *db;
    char *path;   /* file as SQLite is told it, ":memory:" */
    bool adopted; /* the application's: close() gives it back */
    bool standin; /* the file is not there yet: `db` is an empty one in memory */
    bool lost;    /* an outcome could not be told: only close() is left */
    bool our_busy_handler;
    bool cache_chosen; /* by an option, the application, or the file itself */
    bool cache_ours;   /* else: known to be ours to set */
    bool cache_small;  /* as it is while we only look */
    int open_flags;
    int busy_timeout; /* of the adopted connection when it came */

    /* While a member runs. */
    migrate_status stop; /* what tick() said, 0 go on */
    int64_t last_tick;   /* monotonic ms */
    int64_t last_poll;
    int64_t wait_since; /* this statement has waited for a lock since then; 0 not at all */
    int64_t waited;     /* ms asked of host->sleep in this wait */
    uint32_t wait_turn; /* how often */

    struct mig_sqlite_session *session; /* as it was before the first statement of the user */
};

/* What was done when something failed: adds to SQLite's own words. */
struct mig_sqlite_failure {
    int code;          /* extended result code */
    int offset;        /* byte in the statement, -1 unknown */
    const char *words; /* SQLite's */
};

/* ---- fault.c: from SQLite's codes to the classes of driver.h ---- */

/* Failure of the last call on c->db. */
void mig_sqlite_failed(const struct mig_sqlite *c, int rc, struct mig_sqlite_failure *out);
migrate_status mig_sqlite_fail(const struct mig_sqlite *c, const struct mig_sqlite_failure *f,
                               migrate_error **err);
/* Hands a fault to the host. */
migrate_status mig_sqlite_report(const migrate_host *host, migrate_error **err, const migrate_fault *fault);
/* A failure of our own making. */
migrate_status mig_sqlite_refuse(const migrate_host *host, migrate_error **err, migrate_status status,
                                 uint32_t klass, const char *message, const char *hint);
migrate_status mig_sqlite_nomem(const migrate_host *host, migrate_error **err);

/* ---- wait.c: the host's services, whatever its size ---- */

const char *mig_sqlite_option(const migrate_host *host, const char *key);
/* Before each member that may take long. */
void mig_sqlite_enter(struct mig_sqlite *c);
/* Waits a little for a lock of another connection. false: give up (c->stop says whether we were asked). */
bool mig_sqlite_wait_turn(struct mig_sqlite *c);
/* Makes SQLite call us while it waits or computes; again after a PRAGMA, which may have undone it. */
void mig_sqlite_install_handlers(struct mig_sqlite *c);
/* What sqlite3_busy_timeout() was last told; 0 none, or a busy handler is set. */
int mig_sqlite_busy_timeout(sqlite3 *db);

/* ---- open.c ---- */

migrate_status mig_sqlite_open(const migrate_host *host, const char *url, void **out_conn,
                               migrate_error **err);
migrate_status mig_sqlite_adopt(const migrate_host *host, void *native, void **out_conn, migrate_error **err);
void mig_sqlite_close(void *conn);
/* Opens the real file in place of the stand-in when @p write or when somebody has made it meanwhile. */
migrate_status mig_sqlite_materialize(struct mig_sqlite *c, bool write, migrate_error **err);
extern const char *const mig_sqlite_option_keys[];

/* ---- exec.c ---- */

migrate_status mig_sqlite_exec(void *conn, const migrate_stmt *stmt, migrate_result *out,
                               migrate_error **err);
/* The first word of a statement, upper case, "" if there is none or it is longer. */
void mig_sqlite_first_word(const char *sql, size_t len, char *out, size_t size);

/* ---- session.c: what a migration may leave behind ---- */

/* Remembers settings, temporary objects and attached databases, once. false: memory. */
bool mig_sqlite_session_remember(struct mig_sqlite *c);
/* Before any statement: a page cache that is enough to look at our tables, or one to work with. */
void mig_sqlite_fit_cache(struct mig_sqlite *c, bool looks);
/* Puts back what differs. An SQLite result code. */
int mig_sqlite_session_restore(struct mig_sqlite *c);
void mig_sqlite_session_free(struct mig_sqlite_session *s);
migrate_status mig_sqlite_reset(void *conn, migrate_result *out, migrate_error **err);

/* ---- blank.c ---- */

/* Length of the blanks and comments that @p text begins with. */
size_t mig_sqlite_skip_blank(const char *text, size_t len);

#endif
