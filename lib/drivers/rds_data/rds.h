/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_RDS_H
#define MIG_RDS_H

/* What the files of this driver share. The Data API has no connection: what is kept here is where the database is, who
 * we are to AWS, and the transaction that is open. */

#include <migrate/driver.h>

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/service.h"
#include "sql/classify.h"
#include "util/buf.h"

enum {
    MIG_RDS_CALL_MS = 45000,    /* AWS ends a call after this */
    MIG_RDS_ANSWER_MS = 65000,  /* how long we wait for an answer */
    MIG_RDS_SQL_MAX = 65536,    /* characters of a statement */
    MIG_RDS_BODY_MAX = 4194304, /* bytes of a request */
    MIG_RDS_CANCEL_MS = 8000,   /* how long a cancelled statement may take to end */
    MIG_RDS_GRACE_MS = 2000,    /* how long one of ours may, after a stop */
    MIG_RDS_TOKEN_MAX = 24,
};

/* Where the database is; owned texts. */
struct mig_rds_place {
    char *cluster, *secret; /* ARNs */
    char *database;         /* NULL: the cluster's own */
    char *region;
    uint32_t dialect; /* 0: to be asked for */
};

/* What the server says of itself; owned texts. */
struct mig_rds_facts {
    char *version_text, *database, *schema;
    uint32_t version;
    bool mariadb, read_only, aurora;
};

struct mig_rds {
    const migrate_host *host;
    struct mig_aws *aws;
    struct mig_aws *side; /* to end a statement that the first one waits for; made when needed */
    struct mig_rds_place place;
    struct mig_rds_facts facts;
    uint32_t dialect;
    bool opening;
    bool dead;      /* only close() is left */
    char *tx;       /* transaction id, NULL none */
    bool tx_failed; /* it takes ROLLBACK only */
    char token[MIG_RDS_TOKEN_MAX]; /* in front of the user's statements: by it the server's list of sessions shows them */

    /* While a member runs. */
    migrate_status stop; /* what tick() said, 0 go on */
    int64_t stop_since;
    bool may_cancel;     /* a statement of the user's runs, which the server can be asked to end */
    bool detaches;       /* when time is over it is left alone instead: the next run waits for its end */
    int64_t grace;       /* ms to go on waiting for an answer after a stop */
    uint32_t trips;
    struct mig_buf sql;  /* text sent */
    struct mig_buf body; /* request */
    struct mig_buf fault_text;
    char sqlstate[6];
    struct mig_buf out;  /* text handed out until the next call */
};

/* ---- driver.c ---- */

extern const char *const mig_rds_option_keys[];
const char *mig_rds_option(const migrate_host *host, const char *key);
migrate_status mig_rds_refuse(const migrate_host *host, migrate_error **err, migrate_status status, uint32_t klass,
                              const char *message, const char *hint);
migrate_status mig_rds_nomem(const migrate_host *host, migrate_error **err);
migrate_status mig_rds_fail(const migrate_host *host, migrate_error **err, const migrate_fault *fault);
/* To begin a member with. E_CONN_LOST on a connection that is dead. */
migrate_status mig_rds_enter(struct mig_rds *c, migrate_error **err);
/* Calls the host's tick; starts to cancel when it says stop. */
migrate_status mig_rds_tick(struct mig_rds *c);
/* Waits, ticking. False: stopped and the time for the cancel to work is over. */
bool mig_rds_pause(struct mig_rds *c, int64_t ms);
/* The deadline has come and the statement goes on without us. */
bool mig_rds_detached(const struct mig_rds *c);
/* Is it time to give up a statement that was cancelled? */
bool mig_rds_given_up(const struct mig_rds *c);
int64_t mig_rds_remaining(const struct mig_rds *c);

/* ---- place.c ---- */

/* rds-data://CLUSTER-ARN/DATABASE?secret=ARN&region=…&engine=… */
migrate_status mig_rds_place_read(struct mig_rds_place *p, const migrate_host *host, const char *url, migrate_error **err);
void mig_rds_place_free(struct mig_rds_place *p);

/* ---- connect.c ---- */

migrate_status mig_rds_open(const migrate_host *host, const char *url, void **out_conn, migrate_error **err);
void mig_rds_close(void *conn);
migrate_status mig_rds_info(void *conn, migrate_info *out, migrate_error **err);
uint32_t mig_rds_dialect(void *conn);
bool mig_rds_postgres(const struct mig_rds *c);
uint32_t mig_rds_lex(const struct mig_rds *c);

/* ---- call.c: one request ---- */

enum mig_rds_end {
    MIG_RDS_DONE,
    MIG_RDS_SQL,     /* the database refused the statement */
    MIG_RDS_TIMEOUT, /* 45 s are over; the statement may go on */
    MIG_RDS_BUSY_TX, /* the transaction still runs a statement */
    MIG_RDS_NO_TX,   /* the transaction is gone */
    MIG_RDS_NOT_NOW, /* resuming, throttled: nothing was done */
    MIG_RDS_REFUSED, /* for another reason: nothing was done */
    MIG_RDS_LOST,    /* no answer, or one that leaves open what was done */
    MIG_RDS_STOPPED, /* asked to stop, and no answer came */
    MIG_RDS_NOMEM,
};

struct mig_rds_reply {
    enum mig_rds_end end;
    json_t *json;       /* of DONE */
    char *error;        /* the API's name of the fault */
    char *message;      /* its words, or why there are none */
    char *hint;         /* or NULL */
    migrate_status status; /* of what is no SQL error */
};

/* Sends @p body to @p path, and waits @p ms for the answer. */
void mig_rds_call(struct mig_rds *c, struct mig_aws *by, const char *path, const struct mig_buf *body, int64_t ms,
                  struct mig_rds_reply *out);
void mig_rds_reply_free(struct mig_rds_reply *r);
/* Begins c->body: resource, secret, database, and @p tx if not NULL. */
void mig_rds_body(struct mig_rds *c, struct mig_buf *body, bool database, const char *tx);
/* A whole ExecuteStatement. */
void mig_rds_body_sql(struct mig_rds *c, struct mig_buf *body, const char *sql, size_t len, const char *tx, bool go_on);

/* ---- text.c: what is sent ---- */

/* Text of @p stmt into c->sql, safe from being read as a placeholder. @p values gets JSON of bound values. *@p shift:
 * bytes put in front; SIZE_MAX when offsets cannot be told. */
migrate_status mig_rds_text(struct mig_rds *c, const migrate_stmt *stmt, bool tagged, struct mig_buf *values,
                            size_t *shift, migrate_error **err);
void mig_rds_literal(const struct mig_rds *c, struct mig_buf *out, const char *text, size_t len);

/* ---- guard.c ---- */

/* Appends @p sql with every `:word` that the Data API could take for a placeholder written otherwise, with the same
 * meaning. Returns false when nothing had to be changed. */
bool mig_rds_guard(struct mig_buf *out, bool postgres, uint32_t lex, const char *sql, size_t len);

/* ---- exec.c, tx.c ---- */

migrate_status mig_rds_exec(void *conn, const migrate_stmt *stmt, migrate_result *out, migrate_error **err);
migrate_status mig_rds_begin(void *conn, migrate_result *out, migrate_error **err);
migrate_status mig_rds_commit(void *conn, migrate_result *out, migrate_error **err);
migrate_status mig_rds_rollback(void *conn, migrate_result *out, migrate_error **err);
/* Gives up the transaction, if one is open, without waiting long. */
void mig_rds_abandon(struct mig_rds *c);
void mig_rds_result(const struct mig_rds *c, uint32_t outcome, int64_t affected, const char *tag, migrate_result *out);
/* A query of the driver's own. */
migrate_status mig_rds_query(struct mig_rds *c, const char *sql, migrate_row_fn on_row, void *user, migrate_error **err);

/* ---- wait.c: statements that take longer than a call ---- */

/* The call was over before the statement, which goes on: waits for its end. */
void mig_rds_await(struct mig_rds *c, struct mig_rds_reply *reply);

/* ---- rows.c ---- */

/* Hands the records of an answer to @p on_row. False: memory, or an answer that is none. */
bool mig_rds_rows(const json_t *answer, migrate_row_fn on_row, void *user);

/* ---- fault.c ---- */

/* Reads the words of the database; texts are kept in c->fault_text. @p shift as mig_rds_text(). */
void mig_rds_fault(struct mig_rds *c, const struct mig_rds_reply *r, const migrate_stmt *stmt, size_t shift,
                   migrate_fault *out);
uint32_t mig_rds_state_class(const char *sqlstate, bool postgres);
/* ---- fault_codes.c ---- */
uint32_t mig_rds_code_class(int32_t code, const char *message);
uint32_t mig_rds_words_class(const char *message);
/* ---- fault_text.c ---- */
struct mig_rds_said {
    char *message, *detail, *hint; /* in the buffer given */
    char sqlstate[6];
    int32_t code;
    uint64_t position; /* characters from 1 */
};
/* Takes the answer's text apart; writes NULs into @p text. */
void mig_rds_said_read(char *text, struct mig_rds_said *out);

/* ---- sessions.c ---- */

migrate_status mig_rds_session_state(void *conn, const char *session_id, uint32_t *out, migrate_error **err);
migrate_status mig_rds_session_end(void *conn, const char *session_id, migrate_error **err);
/* Ends what runs under our own token, by way of the side client. */
void mig_rds_cancel(struct mig_rds *c);
/* Does a statement of @p token run? -1: cannot be told. */
int mig_rds_runs(struct mig_rds *c, struct mig_aws *by, const char *token);

/* ---- probe.c, probe_mysql.c ---- */

migrate_status mig_rds_fingerprint(void *conn, const migrate_object *object, const char **out_sql, uint32_t *proves,
                                   migrate_error **err);
bool mig_rds_probe_mysql(const struct mig_rds *c, const migrate_object *object, struct mig_buf *out, uint32_t *proves);

/* ---- structs that cross the boundary ---- */

void mig_rds_take(void *to, size_t size, const void *from);
void mig_rds_give(void *to, const void *from, size_t size);

#endif
