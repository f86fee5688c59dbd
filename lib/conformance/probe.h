/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CONFORMANCE_PROBE_H
#define MIG_CONFORMANCE_PROBE_H

/* A driver under test: its connections, and calls to it that watch the rules which hold for every call. */

#include "host.h"
#include "suite.h"

#define CF_CANARY 64 /* bytes behind a struct that nobody may touch */
#define CF_ROWS 4096

/* Lets the other side write where it should not, to see it. */
struct mig_cf_result {
    migrate_result r;
    unsigned char behind[CF_CANARY];
};

struct mig_cf_conn {
    struct mig_cf_db *db;
    struct mig_cf_host host;
    void *conn;                /* NULL: closed */
    void *native;              /* adopted from, or NULL */
    struct mig_cf_result last; /* of the last call */
    migrate_status status;
    migrate_error *err;
    char rows[CF_ROWS]; /* "a|b\nc|~\n", ~ is NULL */
    size_t rows_len;
    uint32_t n_rows;
};

struct mig_cf_db {
    struct mig_cf_suite *suite;
    const migrate_driver *driver;
    const migrate_driver_quirks *quirks; /* as long as this library knows it */
    uint64_t caps;
    char password[CF_TEXT]; /* of the URL */
    struct mig_cf_conn a, b;
};

/* A case: a name, what it needs, and what it does with an open connection db->a. */
struct mig_cf_case {
    const char *name;
    void (*body)(struct mig_cf_db *db);
    size_t member;   /* offset in migrate_driver of a member it needs, 0 none */
    uint64_t caps;   /* MIGRATE_CAP_* it needs */
    uint64_t quirks; /* MIGRATE_QUIRK_* that exclude it */
    uint32_t flags;  /* CF_… */
};
#define CF_CLOSED (1u << 0)   /* db->a is closed when it begins */
#define CF_TABLE (1u << 1)    /* an empty conformance_a (id, v) is there */
#define CF_SLOW_SQL (1u << 2) /* needs quirks->sql_slow */
#define CF_SEVER (1u << 3)    /* needs quirks->sever, and session_id of info() */
#define CF_NATIVE (1u << 4)   /* needs quirks->native_open */
#define CF_SECOND (1u << 5)   /* needs a second connection to the same data */
#define CF_NOTICE (1u << 6)   /* needs quirks->sql_notice */

#define CF_MEMBER(name) offsetof(migrate_driver, name)

/* Does the driver have the optional member at @p offset? */
bool mig_cf_has(const migrate_driver *driver, size_t offset);

/* Opens; false and a failed case when it cannot. */
bool mig_cf_open(struct mig_cf_conn *c);
bool mig_cf_open_sized(struct mig_cf_conn *c, const char *options, size_t host_size);
bool mig_cf_adopt(struct mig_cf_conn *c, void *native);
void mig_cf_close(struct mig_cf_conn *c);

/* Runs @p stmt; the result is in c->last, rows in c->rows unless the statement has its own receiver. */
migrate_status mig_cf_exec(struct mig_cf_conn *c, const migrate_stmt *stmt);
migrate_status mig_cf_sql(struct mig_cf_conn *c, const char *sql);
migrate_status mig_cf_flagged(struct mig_cf_conn *c, const char *sql, uint32_t flags);
migrate_status mig_cf_params(struct mig_cf_conn *c, const char *sql, const migrate_text *params, uint32_t n);
/* Fails the case unless it succeeds. */
bool mig_cf_must(struct mig_cf_conn *c, const char *sql);
/* Fails the case unless the rows are @p want. */
bool mig_cf_expect(struct mig_cf_conn *c, const char *sql, const char *want);
/* BEGIN, COMMIT, ROLLBACK by member or as text; BEGIN so that it locks where that is not by itself. */
migrate_status mig_cf_begin_tx(struct mig_cf_conn *c);
migrate_status mig_cf_commit(struct mig_cf_conn *c);
migrate_status mig_cf_rollback(struct mig_cf_conn *c);

/* Rules of every call that returned @p status and stored @p err: used by the calls above. */
void mig_cf_watch(struct mig_cf_conn *c, const char *member, migrate_status status, migrate_error *err);
/* Session identity, "" when info() tells none. */
void mig_cf_session_id(struct mig_cf_conn *c, char *out, size_t size);

/* Is what lies behind a struct as it was? */
void mig_cf_poison(void *at, size_t size);
bool mig_cf_poisoned(const void *at, size_t size);

void mig_cf_run_cases(struct mig_cf_db *db, const struct mig_cf_case *cases, size_t n);

/* The tables of cases, one file each. */
#define CF_TABLE_OF_CASES(name)                                                                              \
    extern const struct mig_cf_case mig_cf_##name##_cases[];                                                 \
    extern const size_t mig_cf_##name##_cases_n
CF_TABLE_OF_CASES(vtable);
CF_TABLE_OF_CASES(open);
CF_TABLE_OF_CASES(info);
CF_TABLE_OF_CASES(exec);
CF_TABLE_OF_CASES(params);
CF_TABLE_OF_CASES(failure);
CF_TABLE_OF_CASES(sizes);
CF_TABLE_OF_CASES(tx);
CF_TABLE_OF_CASES(batch);
CF_TABLE_OF_CASES(window);
CF_TABLE_OF_CASES(cancel);
CF_TABLE_OF_CASES(sever);
CF_TABLE_OF_CASES(lock);
CF_TABLE_OF_CASES(adopt);
CF_TABLE_OF_CASES(reset);
CF_TABLE_OF_CASES(split);
CF_TABLE_OF_CASES(object);

#define CF_CASES(name)                                                                                       \
    const size_t mig_cf_##name##_cases_n = sizeof(mig_cf_##name##_cases) / sizeof(mig_cf_##name##_cases[0])

#endif
