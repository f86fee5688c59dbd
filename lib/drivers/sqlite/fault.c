/* SPDX-License-Identifier: Apache-2.0 */

/* From SQLite's result codes and words to the classes of driver.h, with what to do about it. */

#include "conn.h"

#include "util/mem.h"
#include "util/text.h"

#include <stdlib.h>
#include <string.h>

struct rule {
    int code; /* extended code, or primary code for all of its kind */
    uint32_t klass;
    migrate_status status; /* 0: that of the class */
    const char *hint;
};

/* Extended codes come before their primary code: the first match counts. */
static const struct rule rules[] = {
    { SQLITE_BUSY_SNAPSHOT, MIGRATE_FAULT_RETRY_TX, 0, NULL },
    { SQLITE_BUSY, MIGRATE_FAULT_LOCK_TIMEOUT, 0,
      "another connection is writing to the database: try again, or raise lock_timeout" },
    { SQLITE_LOCKED_SHAREDCACHE, MIGRATE_FAULT_LOCK_TIMEOUT, 0,
      "another connection of this process uses the same shared cache: try again" },
    { SQLITE_LOCKED, MIGRATE_FAULT_OTHER, 0,
      "a statement of this same connection still runs: finish or reset it first" },
    { SQLITE_PROTOCOL, MIGRATE_FAULT_LOCK_TIMEOUT, 0,
      "the locks of the file system contradict each other: is the database on a network share?" },
    { SQLITE_SCHEMA, MIGRATE_FAULT_RETRY_TX, 0, NULL },
    { SQLITE_NOMEM, MIGRATE_FAULT_OTHER, MIGRATE_E_NOMEM, NULL },
    { SQLITE_IOERR_NOMEM, MIGRATE_FAULT_OTHER, MIGRATE_E_NOMEM, NULL },
    { SQLITE_READONLY_DBMOVED, MIGRATE_FAULT_READ_ONLY, 0,
      "the database file was moved or removed while it was open: start again" },
    { SQLITE_READONLY, MIGRATE_FAULT_READ_ONLY, 0,
      "make the database file and its folder writable for this user; SQLite writes a journal beside the "
      "file" },
    { SQLITE_PERM, MIGRATE_FAULT_DENIED, 0, NULL },
    { SQLITE_AUTH, MIGRATE_FAULT_DENIED, 0, "the application's authorizer forbids it" },
    { SQLITE_FULL, MIGRATE_FAULT_DISK_FULL, 0,
      "free space on the disk of the database file and of the temporary files, or raise max_page_count; then "
      "run again" },
    { SQLITE_IOERR, MIGRATE_FAULT_OTHER, 0,
      "the disk or the file system reports a failure: see the system's log; then run again" },
    { SQLITE_CORRUPT, MIGRATE_FAULT_OTHER, 0,
      "the database file is damaged: restore a copy, or save what is readable with sqlite3's .recover" },
    { SQLITE_NOTADB, MIGRATE_FAULT_OTHER, 0,
      "the file is not an SQLite database, or it is encrypted: check the path" },
    { SQLITE_CANTOPEN, MIGRATE_FAULT_OTHER, MIGRATE_E_CONNECT,
      "check that the file and its folder exist and that this user may write to both" },
    { SQLITE_CONSTRAINT, MIGRATE_FAULT_CONSTRAINT, 0, NULL },
    { SQLITE_TOOBIG, MIGRATE_FAULT_TOO_LARGE, 0, NULL },
};

struct words {
    const char *begin; /* NULL: any */
    const char *hold;  /* NULL: any */
    uint32_t klass;
};

/* SQLITE_ERROR says what it means in its words alone. */
static const struct words error_words[] = {
    { "no such ", NULL, MIGRATE_FAULT_MISSING },
    { NULL, " has no column named ", MIGRATE_FAULT_MISSING },
    { NULL, " already exists", MIGRATE_FAULT_EXISTS },
    { NULL, "there is already ", MIGRATE_FAULT_EXISTS },
    { "duplicate column name", NULL, MIGRATE_FAULT_EXISTS },
    { NULL, ": syntax error", MIGRATE_FAULT_SYNTAX },
    { "incomplete input", NULL, MIGRATE_FAULT_SYNTAX },
    { "unrecognized token", NULL, MIGRATE_FAULT_SYNTAX },
    { NULL, "within a transaction", MIGRATE_FAULT_NOT_IN_TX },
    { NULL, "inside a transaction", MIGRATE_FAULT_NOT_IN_TX },
};

void mig_sqlite_failed(const struct mig_sqlite *c, int rc, struct mig_sqlite_failure *out)
{
    int extended = sqlite3_extended_errcode(c->db);
    out->code = (extended & 0xff) == (rc & 0xff) ? extended : rc;
    out->words = (extended & 0xff) == (rc & 0xff) ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc);
#if SQLITE_VERSION_NUMBER >= 3038000
    out->offset = sqlite3_error_offset(c->db);
#else
    out->offset = -1;
#endif
}

static const struct rule *rule_for(int code)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].code == code || (rules[i].code < 256 && rules[i].code == (code & 0xff))) {
            return &rules[i];
        }
    }
    return NULL;
}

static uint32_t class_of_words(const char *words)
{
    for (size_t i = 0; i < sizeof(error_words) / sizeof(error_words[0]); i++) {
        const struct words *w = &error_words[i];
        if ((!w->begin || mig_starts(words, w->begin)) && (!w->hold || strstr(words, w->hold))) {
            return w->klass;
        }
    }
    return MIGRATE_FAULT_OTHER;
}

/* "UNIQUE constraint failed: t.a, t.b" names what failed. */
static const char *object_in(const char *words)
{
    const char *at = strstr(words, "constraint failed: ");
    return at ? at + strlen("constraint failed: ") : NULL;
}

migrate_status mig_sqlite_report(const migrate_host *host, migrate_error **err, const migrate_fault *fault)
{
    if (MIGRATE_HAS(migrate_host, host, fail) && host->fail) {
        return host->fail(host, err, fault);
    }
    return fault->status ? fault->status : MIGRATE_E_SQL;
}

/* Was it tick() that ended the statement? Then its status is the answer, whatever SQLite says. */
static bool stopped(const struct mig_sqlite *c, const struct mig_sqlite_failure *f)
{
    int primary = f->code & 0xff;
    return c->stop != MIGRATE_OK && (primary == SQLITE_INTERRUPT || primary == SQLITE_BUSY);
}

migrate_status mig_sqlite_fail(const struct mig_sqlite *c, const struct mig_sqlite_failure *f,
                               migrate_error **err)
{
    migrate_fault fault = { .struct_size = sizeof(fault), .native_code = f->code, .message = f->words };
    const struct rule *r = rule_for(f->code);
    if (stopped(c, f)) {
        fault.klass = MIGRATE_FAULT_CANCELLED;
        fault.status = c->stop;
        fault.message = "the statement was interrupted";
    } else if (r) {
        fault.klass = r->klass;
        fault.status = r->status;
        fault.hint = r->hint;
    } else if ((f->code & 0xff) == SQLITE_ERROR) {
        fault.klass = class_of_words(f->words);
    }
    if (fault.klass == MIGRATE_FAULT_CONSTRAINT) {
        fault.object = object_in(f->words);
    }
    if (f->offset >= 0) {
        fault.offset = (uint64_t)f->offset + 1;
    }
    return mig_sqlite_report(c->host, err, &fault);
}

migrate_status mig_sqlite_refuse(const migrate_host *host, migrate_error **err, migrate_status status,
                                 uint32_t klass, const char *message, const char *hint)
{
    migrate_fault fault = {
        .struct_size = sizeof(fault),
        .status = status,
        .klass = klass,
        .message = message,
        .hint = hint,
    };
    return mig_sqlite_report(host, err, &fault);
}

migrate_status mig_sqlite_nomem(const migrate_host *host, migrate_error **err)
{
    return mig_sqlite_refuse(host, err, MIGRATE_E_NOMEM, MIGRATE_FAULT_OTHER, "out of memory", NULL);
}
