/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_MYSQL_CONN_H
#define MIG_MYSQL_CONN_H

/* What the files of this driver share: the connection, and what each file does for the others. The client
 * library blocks, so it lives in a thread of its own (link.h); everything here runs on the caller's thread. */

#include <migrate/driver.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/mysql/link.h"
#include "drivers/mysql/login.h"
#include "drivers/mysql/packet.h"
#include "util/buf.h"

/* Why a running statement is being stopped, and how far that has got (cancel.c). */
enum mig_my_cancel_step {
    MIG_MY_CANCEL_NO,
    MIG_MY_CANCEL_LOOK,  /* the process list is asked what the session does */
    MIG_MY_CANCEL_KILL,  /* KILL is under way or sent */
    MIG_MY_CANCEL_CUT,   /* the socket is shut down */
    MIG_MY_CANCEL_LEAVE, /* nothing helped: the thread is left to itself */
};

struct mig_my_cancel {
    enum mig_my_cancel_step step;
    migrate_status          status; /* what to return; 0: the session is dead, settle it */
    const char             *why;    /* for the message; NULL: asked by the host */
    int64_t                 since;
    int64_t                 asked;  /* when the last look was sent */
};

/* What is asked on the second connection, one thing at a time. */
#define MIG_MY_DEAF_STAGES  (1u << 0) /* progress of MySQL */
#define MIG_MY_DEAF_LOCKS   (1u << 1) /* who holds a metadata lock */
#define MIG_MY_DEAF_TRX     (1u << 2) /* transactions of InnoDB */

enum mig_my_side_query {
    MIG_MY_SIDE_IDLE,
    MIG_MY_SIDE_CONNECT,
    MIG_MY_SIDE_LOOK,   /* for cancel.c */
    MIG_MY_SIDE_KILL,
    MIG_MY_SIDE_WATCH,  /* for watch.c */
    MIG_MY_SIDE_HOLDER,  /* of a metadata lock */
    MIG_MY_SIDE_TRX,     /* of a row, or the oldest */
};

struct mig_my_side {
    struct mig_my_link    *link;   /* NULL: none */
    enum mig_my_side_query query;
    bool                   usable; /* connected */
    bool                   failed; /* the last query or connect did */
    int64_t                retry_at;
    struct mig_buf         cells;  /* of the first row, each ended by NUL */
    uint32_t               n_cells;
};

/* What the second connection has seen of the running statement. */
struct mig_my_watch {
    int64_t  next;
    uint64_t asleep_at; /* answers there were when the session was last seen asleep, + 1; 0 never */
    char     state[100];
    uint64_t done, total;
};

struct mig_my {
    const migrate_host *host;
    struct mig_my_link *link;
    char               *database; /* that we asked for, or NULL */
    char               *charset;  /* that was asked for, NULL: utf8mb4 */
    char               *url;     /* to open the second connection from; wiped; NULL when adopted */
    bool                adopted;
    bool                lost;    /* only close() is left */
    bool                mariadb; /* the server */
    uint32_t            version;

    struct mig_my_side   side;
    struct mig_my_cancel cancel;
    struct mig_my_watch  watch;
    unsigned             deaf; /* MIG_MY_DEAF_*: what this user may not ask */
    int64_t              last_tick, last_answer;
    uint64_t             answers; /* since open() */
    size_t               final;   /* slots of the packet whose answer is known */
    uint32_t             trips;   /* waits not yet told in a result */
    uint64_t             max_packet; /* max_allowed_packet, 0 unknown */

    /* The session. */
    uint32_t tx, lex;
    bool     ansi_quotes, unsafe_encoding;
    bool     settled;            /* our settings were sent */
    bool     named;              /* character set and role were */
    int64_t  lock_timeout_s;     /* as last set */
    char    *role;
    bool     pooled;             /* something between us and the server gives sessions out */
    uint64_t connection;         /* CONNECTION_ID(), 0 not yet known */

    /* Server facts (info.c); texts live until the next call. */
    struct mig_my_facts *facts;

    bool feeding; /* within exec_batch(), whose next() may call fingerprint() */

    struct mig_my_native *native; /* adopt.c: how the application's connection was */

    struct mig_buf text;  /* SQL being made */
    struct mig_buf out;   /* text handed out, valid until the next call */
    struct mig_buf out2;
};

/* ---- structs that cross the boundary: each side touches only what lies inside both ---- */

/* Copies the struct at @p from, of its own size, over the zeroed @p to of @p size. */
void mig_my_take(void *to, size_t size, const void *from);
/* Copies @p from over the struct at @p to, as far as that reaches, all but its struct_size. */
void mig_my_give(void *to, const void *from, size_t size);

/* ---- driver.c: the host's services, whatever its size; entering a member ---- */

const char *mig_my_option(const migrate_host *host, const char *key);
migrate_status mig_my_tick(const struct mig_my *c);
int32_t mig_my_cancel_fd(const struct mig_my *c);
int64_t mig_my_remaining(const struct mig_my *c);
void mig_my_log(const migrate_host *host, uint32_t level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* To begin a member with: forgets the last call's stop and counters. E_CONN_LOST on a dead connection. */
migrate_status mig_my_enter(struct mig_my *c, migrate_error **err);

/* ---- connect.c ---- */

migrate_status mig_my_open(const migrate_host *host, const char *url, void **out_conn, migrate_error **err);
void mig_my_close(void *conn);
struct mig_my *mig_my_new(const migrate_host *host);
void mig_my_free(struct mig_my *c);
/* Connects, or takes @p native over; waits for it by the host's rules. Empties @p login. */
migrate_status mig_my_connect(struct mig_my *c, struct mig_my_login *login, void *native, migrate_error **err);
/* Asks for credentials and puts them over what the URL says. */
migrate_status mig_my_login_now(const migrate_host *host, const char *url, struct mig_my_login *out, migrate_error **err);

/* ---- fault.c ---- */

migrate_status mig_my_nomem(const migrate_host *host, migrate_error **err);
/* A failure of our own making. */
migrate_status mig_my_refuse(const migrate_host *host, migrate_error **err, migrate_status status, uint32_t klass,
                             const char *message, const char *hint);
/* What the answer to slot @p i of the packet means; *@p f refers to memory of @p c until the next call. */
void mig_my_fault(struct mig_my *c, size_t slot, migrate_fault *f);
/* Class of a code of server or client library. */
uint32_t mig_my_klass(int32_t code, const char *message);
migrate_status mig_my_connect_fault(const migrate_host *host, const struct mig_my_answer *a, const struct mig_my_login *login,
                                    migrate_error **err);

/* ---- near.c ---- */

/* The message without what stands behind the statement in its packet: into @p out, which stays empty when there is
 * nothing to take away. */
void mig_my_near_only(struct mig_buf *out, const char *message);
/* Offset + 1 in @p sql of the place a syntax error names, 0 unknown. @p left: bytes to the packet's end. */
uint64_t mig_my_near(const char *sql, size_t len, size_t left, const char *message);

/* ---- run.c: sends the packet of c->link and waits ---- */

/* Called on the caller's thread for each statement of the packet, in order, as it is settled. */
typedef void (*mig_my_settled_fn)(void *user, size_t slot);
/* Runs what is in the link's packet to its end; every slot then has an outcome. false: c->cancel says why it was
 * stopped, or the connection was lost. */
bool mig_my_run(struct mig_my *c, mig_my_settled_fn settled, void *user);
/* The answer to a statement of the packet, for ever UNKNOWN where the thread was left to itself. */
const struct mig_my_answer *mig_my_answer_of(const struct mig_my *c, size_t slot);
/* Empties the packet to be filled. */
struct mig_my_packet *mig_my_packet_new(struct mig_my *c);
/* Runs the packet when it is all ours: the first failure becomes the error. */
migrate_status mig_my_run_ours(struct mig_my *c, migrate_error **err);
/* Runs @p sql, one statement of ours; its rows go to @p on_row. */
migrate_status mig_my_query(struct mig_my *c, const char *sql, size_t len, migrate_row_fn on_row, void *user,
                            migrate_error **err);
/* Failure of slot @p i after mig_my_run, made into an error. */
migrate_status mig_my_fail_slot(struct mig_my *c, size_t slot, migrate_error **err);
/* The first slot that failed or is unknown, or the packet's length. */
size_t mig_my_first_bad(const struct mig_my *c);

/* ---- exec.c, batch.c ---- */

migrate_status mig_my_exec(void *conn, const migrate_stmt *stmt, migrate_result *out, migrate_error **err);
migrate_status mig_my_exec_batch(void *conn, const migrate_batch *batch, migrate_error **err);
/* Fills @p out from slot @p i and keeps what it says about the session. */
void mig_my_result(struct mig_my *c, size_t slot, migrate_result *out);
/* After a statement of the user that may have changed sql_mode or character set: asks for them. */
migrate_status mig_my_reread(struct mig_my *c, migrate_error **err);
void mig_my_tell_warnings(struct mig_my *c, size_t slot);

/* ---- settings.c ---- */

/* Puts what the session still lacks into the empty packet, as hidden statements. @p only_reads: the packet is but a
 * SELECT of ours, for which settings do not matter. */
void mig_my_preamble(struct mig_my *c, bool only_reads);
/* After a run: forgets settings whose hidden statement did not succeed. */
void mig_my_preamble_settle(struct mig_my *c);
/* sql_mode and character_set_client as the server says them. */
void mig_my_note_modes(struct mig_my *c, const char *sql_mode, const char *charset);
/* What a result's status flags say. */
void mig_my_note_status(struct mig_my *c, unsigned status);

/* ---- cancel.c, side.c, watch.c: looking after a running packet ---- */

/* Begins to connect, if that makes sense and has not been done. */
void mig_my_side_start(struct mig_my *c);
void mig_my_side_stop(struct mig_my *c);
/* false: it is busy or not there. */
bool mig_my_side_ask(struct mig_my *c, enum mig_my_side_query query, const char *sql);
/* The id to name the session by in the process list, 0 when a proxy hides it. */
uint64_t mig_my_session_number(const struct mig_my *c);
/* Takes in what the second connection has answered. true: c->side.query has ended (and is returned in *@p was). */
bool mig_my_side_collect(struct mig_my *c, enum mig_my_side_query *was);
const char *mig_my_side_cell(const struct mig_my *c, uint32_t i);

void mig_my_cancel_begin(struct mig_my *c, migrate_status status, const char *why);
/* Moves on; true when waiting is over although the packet has not ended. */
bool mig_my_cancel_step(struct mig_my *c, int64_t now);
void mig_my_cancel_answer(struct mig_my *c, enum mig_my_side_query query);
void mig_my_watch_step(struct mig_my *c, int64_t now);
void mig_my_watch_answer(struct mig_my *c, enum mig_my_side_query query);

/* ---- info.c ---- */

struct mig_my_facts {
    char    *version, *comment, *aurora, *database, *user, *session_id;
    uint64_t max_packet, boot; /* boot: when the server started, Unix seconds */
    bool     read_only, galera, group_multi, performance_schema;
    bool     lower_names; /* names of tables are kept in lower case */
    bool     process;     /* the privilege PROCESS is granted */
    bool     plain_unknown; /* see plain.c */
    struct mig_buf unproved; /* objects of the current schema of which something must be known: a letter of MIG_MY_* and
                                the name, NUL */
};

/* Tables of an engine without atomic DDL, views and routines that this user does not see whole, and tables that
 * need the long fingerprint. */
#define MIG_MY_NO_ATOMIC   't'
#define MIG_MY_HIDDEN_VIEW 'v'
#define MIG_MY_HIDDEN_BODY 'r'
#define MIG_MY_NOT_PLAIN   'n'


/* Asks for them, together with the settings the session still lacks. */
migrate_status mig_my_facts_load(struct mig_my *c, migrate_error **err);
migrate_status mig_my_info(void *conn, migrate_info *out, migrate_error **err);
void mig_my_facts_free(struct mig_my *c);

/* ---- lock.c, sessions.c ---- */

migrate_status mig_my_try_lock(void *conn, const char *key, migrate_holder *holder, migrate_error **err);
migrate_status mig_my_unlock(void *conn, const char *key, migrate_error **err);
migrate_status mig_my_lock_holder(void *conn, const char *key, migrate_holder *holder, migrate_error **err);
migrate_status mig_my_session_state(void *conn, const char *session_id, uint32_t *out, migrate_error **err);
migrate_status mig_my_session_end(void *conn, const char *session_id, migrate_error **err);

/* ---- plain.c ---- */

/* Is @p name of schema @p db known under @p letter? */
bool mig_my_listed(const struct mig_my *c, char letter, migrate_text db, migrate_text name);
bool mig_my_is_plain(const struct mig_my *c, migrate_text db, migrate_text name);
/* Of a statement of the user that is about to be sent. */
void mig_my_note_ddl(struct mig_my *c, const char *sql, size_t len);

/* ---- fingerprint.c, describe.c ---- */

migrate_status mig_my_fingerprint(void *conn, const migrate_object *object, const char **out_sql, uint32_t *proves,
                                  migrate_error **err);
migrate_status mig_my_describe(void *conn, const migrate_object *object, const char **out_text, migrate_error **err);
/* Schema of @p object, the current one if it says none: into @p out as a literal. false: there is none. */
bool mig_my_schema(const struct mig_my *c, const migrate_object *object, migrate_text *out);

/* ---- adopt.c ---- */

migrate_status mig_my_adopt(const migrate_host *host, void *native, void **out_conn, migrate_error **err);
void mig_my_give_back(struct mig_my *c);
void mig_my_native_free(struct mig_my *c);
/* A login as the application's connection has; false: cannot be told, or memory. */
bool mig_my_native_login(const struct mig_my *c, struct mig_my_login *out);

#endif
