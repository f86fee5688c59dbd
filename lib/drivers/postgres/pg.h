/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_PG_H
#define MIG_PG_H

/* What the files of this driver share: the connection and what each file does for the others. */

#include <poll.h>
#include <stdbool.h>

#include <libpq-fe.h>

#include <migrate/driver.h>

#include "util/buf.h"

struct mig_pg_cancel; /* cancel.c */
struct mig_pg_watch;  /* watch.c */

enum {
    MIG_PG_TICK_MS = 200,   /* the contract says 250 at most */
    MIG_PG_GRACE_MS = 5000, /* how long a cancelled statement may take to end */
    MIG_PG_TAG_MAX = 64,
};

/* What the session was like before an application lent it to us. */
struct mig_pg_lent {
    bool              nonblocking;
    bool              our_receiver;
    PQnoticeReceiver  receiver;
    struct mig_buf    restore; /* SQL that puts its settings back, "" nothing */
};

struct mig_pg {
    const migrate_host *host;
    PGconn *pg;
    bool    adopted;
    bool    dead;          /* broken or given up: only close() is left */
    bool    options_refused; /* a pooler refused start-up options */
    bool    pooled;        /* known after info(), or guessed from the refusal */
    bool    checks_client; /* client_connection_check_interval has been set */
    char pooled_name[64];  /* application name behind a pooler, by which our statements are known; "" none */
    struct mig_pg_lent lent;

    /* While a member runs. */
    migrate_status stop;      /* what tick() said, 0 go on */
    int64_t  stop_since;      /* monotonic ms */
    int64_t  last_tick;
    int64_t  cancel_fd_muted; /* until then: it was readable and tick() said go on */
    int64_t  started;         /* of the call */
    int64_t  answered;        /* when the server last said how a statement ended, or the call began */
    int64_t  patience;        /* ms until the call gives up on a silent server, 0 never */
    uint32_t rounds;          /* waits on the network */
    bool     sent;            /* something was sent since the last wait */
    bool     quiet;           /* notices of our own statements are not the user's affair */
    struct mig_pg_cancel *cancel;
    struct mig_pg_watch  *watch;

    uint64_t *locks; /* keys held */
    size_t    n_locks, locks_cap;

    struct mig_buf sql;    /* text sent, NUL-terminated */
    struct mig_buf detail; /* of the fault being reported */
    struct mig_buf out;    /* text lent to the caller until the next call */
    struct mig_buf probe;  /* the same for fingerprint(), which may be called while a batch runs */
    char           tag[MIG_PG_TAG_MAX];
};

/* How a statement ended. Zero-initialise; free with mig_pg_answer_free(). */
struct mig_pg_answer {
    uint32_t  outcome; /* MIGRATE_OUTCOME_* */
    bool      lost;    /* the connection ended under it */
    bool      rows_off; /* on_row wants no more */
    int64_t   affected;
    PGresult *error;   /* the server's, or libpq's when it noticed the loss */
    migrate_status own; /* a failure on this side: memory, the data callback */
    char      tag[MIG_PG_TAG_MAX];
};

/* ---- wait.c ---- */

/* Before each member that may wait. */
void mig_pg_enter(struct mig_pg *c);
/* Calls tick() when it is due; starts a cancel when it says stop. */
void mig_pg_tick(struct mig_pg *c, bool asked);
/* Polls @p fds (cancel_fd is added) at most @p max_ms or until a tick is due; ticks. */
void mig_pg_poll(struct mig_pg *c, struct pollfd *fds, nfds_t n, int64_t max_ms);
/* Moves bytes both ways once, waiting if there are none. false: the connection is gone or given up. */
bool mig_pg_pump(struct mig_pg *c);
/* The same, but returns when @p events came on the socket at the latest. */
bool mig_pg_settle(struct mig_pg *c); /* pumps until all that was queued is sent */
const char *mig_pg_option(const migrate_host *host, const char *key);
int64_t mig_pg_option_ms(const migrate_host *host, const char *key, int64_t otherwise);
int64_t mig_pg_remaining(const migrate_host *host);
void mig_pg_log(const migrate_host *host, uint32_t level, const char *text);

/* ---- cancel.c ---- */

/* Asks the server to end the running statement; may be called again and again. */
void mig_pg_cancel_step(struct mig_pg *c);
/* Descriptor to poll while a cancel is on its way, -1 none. */
int  mig_pg_cancel_poll(const struct mig_pg *c, short *events);
/* The statement is over: no cancel may reach the next one. false: the connection had to be given up. */
bool mig_pg_cancel_end(struct mig_pg *c);

/* ---- answer.c: results ---- */

/* Takes one result of @p stmt (NULL: rows are dropped) into @p a and clears it. */
void mig_pg_answer_take(struct mig_pg *c, const migrate_stmt *stmt, PGresult *r, struct mig_pg_answer *a);
/* The server has said all: settles the outcome. */
void mig_pg_answer_close(struct mig_pg *c, const migrate_stmt *stmt, struct mig_pg_answer *a);
void mig_pg_answer_free(struct mig_pg_answer *a);
uint32_t mig_pg_tx(const struct mig_pg *c);
uint32_t mig_pg_lex(const struct mig_pg *c);
/* Fills the caller's result. */
void mig_pg_result(struct mig_pg *c, const struct mig_pg_answer *a, migrate_result *out);

/* ---- exec.c ---- */

/* Text of @p stmt with parameters written as literals into c->sql. */
migrate_status mig_pg_text(struct mig_pg *c, const migrate_stmt *stmt, migrate_error **err);
/* Runs c->sql by simple query to its end. */
void mig_pg_run(struct mig_pg *c, const migrate_stmt *stmt, struct mig_pg_answer *a);
migrate_status mig_pg_exec(void *conn, const migrate_stmt *stmt, migrate_result *out, migrate_error **err);
/* The same on a connection whose call has been entered. */
migrate_status mig_pg_exec_inner(struct mig_pg *c, const migrate_stmt *stmt, struct mig_pg_answer *a,
                                 migrate_error **err);
/* Runs a query of the driver's own; rows go to @p on_row. */
migrate_status mig_pg_query(struct mig_pg *c, const char *sql, migrate_row_fn on_row, void *user,
                            migrate_error **err);

/* ---- copy.c ---- */

/* The server is ready for COPY data: streams stmt->data, or refuses when there is none. */
void mig_pg_copy_in(struct mig_pg *c, const migrate_stmt *stmt, struct mig_pg_answer *a);
/* Takes what COPY TO STDOUT sends and drops it. */
void mig_pg_copy_out(struct mig_pg *c);
/* Is the first word COPY? */
bool mig_pg_is_copy(const char *sql, size_t len);

/* ---- batch.c ---- */

migrate_status mig_pg_exec_batch(void *conn, const migrate_batch *batch, migrate_error **err);

/* ---- fault.c ---- */

uint32_t mig_pg_fault_class(const char *sqlstate, const char *message);
/* What @p a failed of; text is valid until the next one or until @p a is freed. */
void mig_pg_fault(struct mig_pg *c, const migrate_stmt *stmt, const struct mig_pg_answer *a,
                  migrate_fault *out);
/* Makes an error of an answer that is not DONE, or of a stop. */
migrate_status mig_pg_fail_answer(struct mig_pg *c, const migrate_stmt *stmt, const struct mig_pg_answer *a,
                                  migrate_error **err);
/* A failure of our own making. */
migrate_status mig_pg_refuse(const migrate_host *host, migrate_error **err, migrate_status status,
                             uint32_t klass, const char *message, const char *hint);
migrate_status mig_pg_nomem(const migrate_host *host, migrate_error **err);
migrate_status mig_pg_gone(const struct mig_pg *c, migrate_error **err); /* lost earlier */
migrate_status mig_pg_stopped(struct mig_pg *c, migrate_error **err);

/* ---- url.c ---- */

enum { MIG_PG_PARAMS_MAX = 96 };

/* Parameters of a connection, as libpq takes them. */
struct mig_pg_params {
    PQconninfoOption *url;     /* what the URL says */
    PQconninfoOption *ambient; /* environment, service, built-in defaults */
    migrate_credentials cred;
    bool           refuses_options; /* leave the start-up options away */
    struct mig_buf options;         /* start-up options, complete */
    struct mig_buf hosts, ports, addresses; /* those still to try; "" as the URL says */
    char           port[8];
    const char    *keys[MIG_PG_PARAMS_MAX + 1];
    const char    *values[MIG_PG_PARAMS_MAX + 1];
    size_t         n;
};

migrate_status mig_pg_params_read(struct mig_pg_params *p, const migrate_host *host, const char *url,
                                  migrate_error **err);
/* Puts the arrays together. */
migrate_status mig_pg_params_finish(struct mig_pg_params *p, const migrate_host *host, migrate_error **err);
void mig_pg_params_free(struct mig_pg_params *p); /* releases the credentials */
/* What the URL or the environment says, NULL if neither does. */
const char *mig_pg_params_get(const struct mig_pg_params *p, const char *key);
void mig_pg_params_put(struct mig_pg_params *p, const char *key, const char *value);
extern const char *const mig_pg_option_keys[];

/* ---- hosts.c ---- */

/* Leaves the host of @p pg, which gave no answer, out of the next attempt. false: it was the last. */
bool mig_pg_params_next_host(struct mig_pg_params *p, const PGconn *pg);

/* ---- connect.c ---- */

migrate_status mig_pg_open(const migrate_host *host, const char *url, void **out_conn, migrate_error **err);
void mig_pg_close(void *conn);
/* Frees everything but the PGconn. */
void mig_pg_free(struct mig_pg *c);

/* ---- connect_fault.c ---- */

/* Why @p pg could not be opened. */
migrate_status mig_pg_connect_failed(const migrate_host *host, PGconn *pg, migrate_error **err);
/* Was it only the start-up options that were refused? */
bool mig_pg_options_refused(const PGconn *pg);

/* ---- settings.c ---- */

/* Start-up options for the settings a migration runs under. */
void mig_pg_startup_options(struct mig_buf *out, const migrate_host *host);
/* The same as SQL, for sessions that could not be given them. */
void mig_pg_settings_sql(struct mig_buf *out, const struct mig_pg *c);
void mig_pg_literal(struct mig_buf *out, const char *text, size_t len);
void mig_pg_identifier(struct mig_buf *out, const char *text, size_t len);
migrate_status mig_pg_reset(void *conn, migrate_result *out, migrate_error **err);

/* ---- notice.c ---- */

void mig_pg_notice(void *arg, const PGresult *r);

/* ---- info.c ---- */

migrate_status mig_pg_info(void *conn, migrate_info *out, migrate_error **err);
const char *mig_pg_flavour(const struct mig_pg *c);
/* Is it PostgreSQL itself, with all its catalogs? */
bool mig_pg_genuine(const struct mig_pg *c);

/* ---- lock.c ---- */

migrate_status mig_pg_try_lock(void *conn, const char *key, migrate_holder *holder, migrate_error **err);
migrate_status mig_pg_unlock(void *conn, const char *key, migrate_error **err);
migrate_status mig_pg_lock_holder(void *conn, const char *key, migrate_holder *holder, migrate_error **err);
uint64_t mig_pg_lock_number(const char *key);

/* ---- session.c ---- */

migrate_status mig_pg_session_state(void *conn, const char *session_id, uint32_t *out, migrate_error **err);
/* Gives a connection behind a pooler a name of its own. */
migrate_status mig_pg_pooled_name(struct mig_pg *c, migrate_error **err);
void mig_pg_pooled_name_sql(struct mig_buf *out, const struct mig_pg *c); /* "; SET …", or nothing */
const char *mig_pg_pooled_id(const struct mig_pg *c); /* its session_id, NULL none */
migrate_status mig_pg_session_end(void *conn, const char *session_id, migrate_error **err);

/* ---- probe.c, describe.c ---- */

migrate_status mig_pg_fingerprint(void *conn, const migrate_object *object, const char **out_sql,
                                  uint32_t *proves, migrate_error **err);
migrate_status mig_pg_describe(void *conn, const migrate_object *object, const char **out_text,
                               migrate_error **err);
/* An expression of type oid for the object, NULL where there is none. false: not a kind that is known here.
 */
bool mig_pg_object_oid(struct mig_buf *out, const migrate_object *object);

/* ---- adopt.c ---- */

migrate_status mig_pg_adopt(const migrate_host *host, void *native, void **out_conn, migrate_error **err);
/* Gives the connection back as it came. */
void mig_pg_give_back(struct mig_pg *c);

/* ---- watch.c ---- */

/* Called while a statement runs: tells how far an index build is and who blocks it. */
void mig_pg_watch_step(struct mig_pg *c, int64_t now, bool ready);
/* Its descriptor, -1 none. */
int  mig_pg_watch_poll(const struct mig_pg *c, short *events);
void mig_pg_watch_free(struct mig_pg *c);

#endif
