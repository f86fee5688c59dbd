/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_DRIVER_H
#define MIGRATE_DRIVER_H

/**
 * @file
 * What a database driver implements (API 1).
 *
 * A driver needs no symbol of libmigrate: all it may ask is in #migrate_host. The same
 * translation unit can be linked into an application or loaded at run time. It exports
 * one function, `MIGRATE_DRIVER_EXPORT const migrate_driver *migrate_<name>_driver(void)`.
 *
 * Rules that hold for every struct here
 *  1. `struct_size` is set by whoever allocates the struct, to the sizeof it was compiled
 *     with. The other side reads and writes only members that lie inside it
 *     (#MIGRATE_HAS). Bytes a side does not know are left alone.
 *  2. No array of these structs ever crosses the boundary (its stride would be ABI):
 *     sequences are pulled one by one through callbacks.
 *  3. Members are only appended. A NULL function pointer and a zero scalar mean "absent",
 *     so older code, which leaves them zero, stays correct.
 *  4. Text is UTF-8 with a length where it may hold NUL or be large, NUL-terminated
 *     elsewhere. Text passed *in* is valid until the called function returns; text passed
 *     *out* by a driver is valid until the next call on the same connection.
 *
 * Threads: all members of one connection are called by one thread at a time, not always
 * the same one. Host functions are called only from inside a driver member and on the
 * thread that called it; a driver that blocks in a worker thread (libmysqlclient) waits for
 * it in the calling thread and calls the host from there. Different connections may be
 * used by different threads at once: no mutable static data.
 *
 * Re-entrancy: while a member of a connection runs, the library never calls another member
 * of that same connection, also not from within tick(), next() or done(). It may use
 * another connection it opened from the same driver (to renew a lease, to end a session).
 *
 * A driver never installs signal handlers, never calls exit/abort, reads no environment,
 * writes to no stream, raises no SIGPIPE, and never retries or reconnects by itself.
 */

#include <migrate/status.h>

MIGRATE_BEGIN_DECLS

/** Version of this interface: moves if a member changes its meaning, never because one is appended. */
#define MIGRATE_DRIVER_API 1u

/** True when @p ptr (of struct type @p type) is long enough to hold @p member. */
#define MIGRATE_HAS(type, ptr, member) \
    ((ptr)->struct_size >= offsetof(type, member) + sizeof((ptr)->member))

/* ------------------------------------------------------------------ vocabulary */

/** Family of SQL text: chooses lexer and bookkeeping SQL. */
#define MIGRATE_DIALECT_OTHER    0u /**< ';' outside quotes and comments; SQL-92 bookkeeping */
#define MIGRATE_DIALECT_POSTGRES 1u
#define MIGRATE_DIALECT_MYSQL    2u
#define MIGRATE_DIALECT_SQLITE   3u

/** Capabilities of the server connected to (migrate_info.caps). */
#define MIGRATE_CAP_TRANSACTION  (UINT64_C(1) << 0) /**< DML can be rolled back */
#define MIGRATE_CAP_DDL_ROLLBACK (UINT64_C(1) << 1) /**< DDL too, and together with DML */
#define MIGRATE_CAP_DDL_ATOMIC   (UINT64_C(1) << 2) /**< a DDL statement happens wholly or not at all */
#define MIGRATE_CAP_SESSION      (UINT64_C(1) << 3) /**< SET, temp tables, locks last between calls */
#define MIGRATE_CAP_SESSION_LOCK (UINT64_C(1) << 4) /**< try_lock/unlock work on this connection */
#define MIGRATE_CAP_BATCH_GROUPS (UINT64_C(1) << 5) /**< exec_batch may run ahead over group ends */
#define MIGRATE_CAP_INLINE_DATA  (UINT64_C(1) << 6) /**< migrate_stmt.data (COPY FROM STDIN) */
#define MIGRATE_CAP_SPLIT_SELF   (UINT64_C(1) << 7) /**< `split` is set and must be used */

/** Facts about the connection (migrate_info.flags). */
#define MIGRATE_INFO_POOLED    (UINT64_C(1) << 0) /**< a pooler may change the session under us */
#define MIGRATE_INFO_READ_ONLY (UINT64_C(1) << 1) /**< replica, or default read-only */
#define MIGRATE_INFO_TLS       (UINT64_C(1) << 2) /**< encrypted and server verified */

/** Lexical switches of the session at this moment (result.lex, info.lex). */
#define MIGRATE_LEX_BACKSLASH_ESCAPES (1u << 0) /**< in '…' strings */
#define MIGRATE_LEX_ANSI_QUOTES       (1u << 1) /**< "…" is an identifier (MySQL family) */
#define MIGRATE_LEX_DOLLAR_QUOTES     (1u << 2)
#define MIGRATE_LEX_UNSAFE_ENCODING   (1u << 3) /**< 0x5c may be a second byte: refuse */

/** Is the session inside a transaction? (result.tx) */
#define MIGRATE_TX_UNKNOWN 0u /**< cannot tell here (inside a pipeline) */
#define MIGRATE_TX_NONE    1u
#define MIGRATE_TX_OPEN    2u
#define MIGRATE_TX_FAILED  3u /**< open, accepts ROLLBACK only */

/** What became of a statement. The heart of exactly-once: never guess. */
#define MIGRATE_OUTCOME_NONE    0u /**< not sent, or refused/skipped: had no effect */
#define MIGRATE_OUTCOME_DONE    1u /**< server confirmed */
#define MIGRATE_OUTCOME_FAILED  2u /**< server refused it: no effect of its own remains
                                        (except what the engine's reference says of it) */
#define MIGRATE_OUTCOME_UNKNOWN 3u /**< sent, answer lost */

/** Fault classes: drive retry, reconnect and doubt. Finer than the status. */
#define MIGRATE_FAULT_OTHER         0u
#define MIGRATE_FAULT_RETRY_TX      1u /**< deadlock, serialization: redo the whole transaction */
#define MIGRATE_FAULT_RETRY_STMT    2u /**< lock time-out: statement undone, transaction alive (MySQL 1205) */
#define MIGRATE_FAULT_CONN_LOST     3u
#define MIGRATE_FAULT_READ_ONLY     4u /**< demoted writer */
#define MIGRATE_FAULT_UNAVAILABLE   5u /**< starting up, resuming, too many connections, throttled */
#define MIGRATE_FAULT_AUTH          6u /**< ask for credentials again, once */
#define MIGRATE_FAULT_DENIED        7u /**< privilege */
#define MIGRATE_FAULT_EXISTS        8u
#define MIGRATE_FAULT_MISSING       9u
#define MIGRATE_FAULT_SYNTAX       10u
#define MIGRATE_FAULT_CONSTRAINT   11u
#define MIGRATE_FAULT_LOCK_TIMEOUT 12u /**< lock time-out that aborted the transaction (PG 55P03) */
#define MIGRATE_FAULT_CANCELLED    13u /**< by us: tick() or cancel_fd asked for it */
#define MIGRATE_FAULT_NO_DB        14u
#define MIGRATE_FAULT_DISK_FULL    15u
#define MIGRATE_FAULT_TOO_LARGE    16u /**< statement exceeds what the server takes */
#define MIGRATE_FAULT_NOT_IN_TX    17u /**< statement refuses a transaction block or a batch */

/* ------------------------------------------------------------------ errors */

/** Facts of a failure. Zero-initialise; every string is copied by fail(). */
typedef struct migrate_fault {
    size_t         struct_size;
    migrate_status status;      /**< 0: derived from `klass` */
    uint32_t       klass;       /**< MIGRATE_FAULT_* */
    int32_t        native_code; /**< server or client library's number, 0 none */
    uint32_t       reserved;
    uint64_t       offset;      /**< byte offset into the statement + 1; 0 unknown */
    const char    *sqlstate;    /**< 5 characters or NULL */
    const char    *message;     /**< server's words, no trailing newline */
    const char    *detail;      /**< NULL if none */
    const char    *hint;        /**< NULL if none */
    const char    *object;      /**< table, index or constraint named by the server, or NULL */
} migrate_fault;

/* ------------------------------------------------------------------ host */

/** Secrets live between credentials() and release(); never log or store them. */
typedef struct migrate_credentials {
    size_t      struct_size;
    const char *user;     /**< NULL: as the URL says */
    const char *password; /**< NULL: none */
    const char *role;     /**< role to assume after login (SET ROLE), or NULL */
    const char *host;     /**< overrides the URL's host, or NULL */
    uint32_t    port;     /**< 0: as the URL says */
    uint32_t    flags;    /**< bit 0: token, send in clear text but over verified TLS only */
    void      (*release)(struct migrate_credentials *self); /**< wipes; NULL-safe to skip if NULL */
    void       *opaque;
    const char *database; /**< overrides the URL's database, or NULL */
} migrate_credentials;

/** Services for a driver, a source or a lock. For a driver valid from open() or adopt() until close()
 *  returns, for the others during the call that passes it. */
typedef struct migrate_host migrate_host;
struct migrate_host {
    size_t struct_size;
    void  *self; /**< the library's own */

    /** Makes *@p err from @p fault (secrets known to the library are masked in every string)
     *  and returns its status: `return host->fail(host, err, &f);`. @p err may be NULL. */
    migrate_status (*fail)(const migrate_host *host, migrate_error **err, const migrate_fault *fault);

    /** Value of option @p key ("postgres.application_name" or own URL parameter), or NULL. */
    const char *(*option)(const migrate_host *host, const char *key);

    /** One complete line, no newline; secrets are masked. */
    void (*log)(const migrate_host *host, uint32_t level, const char *text);

    /** A message of the server that belongs to the running statement (NOTICE, warning). */
    void (*notice)(const migrate_host *host, const char *severity, const char *sqlstate, const char *text);

    /** Progress of the running statement where the server tells it. total 0: unknown. */
    void (*progress)(const migrate_host *host, const char *phase, uint64_t done, uint64_t total);

    /** User and password, asked at every connect. MIGRATE_OK with all members NULL: use the URL. */
    migrate_status (*credentials)(const migrate_host *host, uint32_t reason,
                                  migrate_credentials *out, migrate_error **err);

    /** To be called at least every 250 ms while a member waits, and right after cancel_fd
     *  became readable. 0: go on waiting. Otherwise stop the running statement as fast as is
     *  safe and return fail() with MIGRATE_FAULT_CANCELLED and exactly this status. */
    migrate_status (*tick)(const migrate_host *host);

    /** Milliseconds to the deadline; INT64_MAX none; <= 0 passed. A member that cannot be
     *  interrupted (a blocking DNS lookup) must not be entered with less than it may take. */
    int64_t (*remaining_ms)(const migrate_host *host);

    /** Descriptor that becomes readable when the running statement is to be cancelled (not at
     *  a mere request to stop between statements); poll it, never read it. -1: none. */
    int32_t (*cancel_fd)(const migrate_host *host);

    /** Waits up to @p ms on the library's clock, ends early at cancel. Same result as tick(). */
    migrate_status (*sleep)(const migrate_host *host, uint32_t ms);
};

/* ------------------------------------------------------------------ statements */

/** Receives one row as text. Columns are valid during the call. Non-zero: no more rows wanted. */
typedef int32_t (*migrate_row_fn)(void *user, uint32_t n, const migrate_text *cols);

/** Pulls the next chunk of in-line data. *len 0: end. Chunk valid until the next pull. */
typedef migrate_status (*migrate_data_fn)(void *user, const char **chunk, size_t *len);

#define MIGRATE_STMT_BOOKKEEPING (1u << 0) /**< the library's own text, not the user's */
#define MIGRATE_STMT_ALONE       (1u << 1) /**< must not share a packet, pipeline or transaction */
#define MIGRATE_STMT_GROUP_END   (1u << 2) /**< last statement of a unit (one migration) */
#define MIGRATE_STMT_BARRIER     (1u << 3) /**< do not pull the next before this one is answered */
#define MIGRATE_STMT_TX_END      (1u << 4) /**< COMMIT: success is its tag, not its status */

/** A statement to run. Zeroed, struct_size set, by who allocates it: library, or driver for next(). */
typedef struct migrate_stmt {
    size_t              struct_size;
    uint32_t            flags;    /**< MIGRATE_STMT_* */
    uint32_t            n_params;
    const char         *sql;      /**< one statement, no terminator, *not* NUL-terminated */
    size_t              sql_len;
    /** Values for the `?` in `sql`, which has as many and no other, also none in quotes or comments.
     *  The driver binds them or writes them as literals the server reads back to the same bytes. */
    const migrate_text *params;
    migrate_row_fn      on_row;   /**< NULL: discard rows as they come, never buffer them */
    void               *on_row_user;
    migrate_data_fn     data;     /**< set: the statement is followed by in-line data (COPY) */
    void               *data_user;
} migrate_stmt;

/** What one statement did. Zeroed, struct_size set, by who allocates it: library, or driver for done(). */
typedef struct migrate_result {
    size_t      struct_size;
    uint32_t    outcome;     /**< MIGRATE_OUTCOME_*; must be set */
    uint32_t    tx;          /**< MIGRATE_TX_* after the statement */
    uint32_t    lex;         /**< MIGRATE_LEX_* after the statement */
    uint32_t    round_trips; /**< waits on the network caused by this call or group */
    int64_t     affected;    /**< rows, -1 unknown */
    const char *tag;         /**< command tag ("COMMIT", "ROLLBACK", "INSERT 0 1") or NULL */
} migrate_result;

#define MIGRATE_BATCH_RUN_AHEAD (1u << 0) /**< groups guard themselves on the server: the driver may send
                                               the next group before it knows the end of this one */

/**
 * A stream of statements. The driver pulls with next(), sends as it sees fit, and reports
 * every pulled statement exactly once, in order, with done(). Text of a pulled statement stays
 * valid until its done() returns. A driver holds at most `max_ahead` bytes of statements
 * that are sent and not yet answered (one statement may exceed it). Before it waits for an answer
 * it makes the server answer what it has: a Flush after each statement that may take long, and
 * always when the window is full in the middle of a group, else both sides wait for ever.
 *
 * Order: statements take effect in the order pulled. After one fails, no later one of the
 * same group has an effect. Whether later groups may already be under way is said by `flags`.
 */
typedef struct migrate_batch {
    size_t   struct_size;
    uint32_t flags;
    uint32_t reserved;
    uint64_t max_ahead;
    void    *user;
    /** MIGRATE_OK and *out filled; MIGRATE_DONE: nothing more for now (also: asked to stop);
     *  a failure: stop sending, collect what is under way, return that status. */
    migrate_status (*next)(void *user, migrate_stmt *out);
    /** @p fault is NULL unless outcome is FAILED or UNKNOWN. Non-zero: stop sending. */
    migrate_status (*done)(void *user, uint64_t index, const migrate_result *result,
                           const migrate_fault *fault);
} migrate_batch;

/* ------------------------------------------------------------------ facts */

/** Facts about a connection and its server. Out-struct; strings as rule 4. */
typedef struct migrate_info {
    size_t      struct_size;
    uint64_t    caps;           /**< MIGRATE_CAP_* of *this* server */
    uint64_t    flags;          /**< MIGRATE_INFO_* */
    uint32_t    version;        /**< major*10000 + minor*100 + patch */
    uint32_t    lex;            /**< MIGRATE_LEX_* now */
    uint64_t    max_statement;  /**< bytes, 0 no known limit */
    uint64_t    max_call_ms;    /**< a statement is cut off after this, 0 never (Data API 45000) */
    const char *product;        /**< "PostgreSQL" */
    const char *flavour;        /**< "postgres" "aurora" "cockroach" "dsql" "mysql" "mariadb" … */
    const char *version_text;   /**< as the server says it */
    const char *database;       /**< current database or file */
    const char *schema;         /**< where unqualified objects go, or NULL */
    const char *session_id;     /**< identity no later session can have (pid + start), or NULL */
    const char *address;        /**< host:port or file actually connected to, no secrets */
} migrate_info;

#define MIGRATE_OBJECT_TABLE    1u
#define MIGRATE_OBJECT_VIEW     2u
#define MIGRATE_OBJECT_INDEX    3u
#define MIGRATE_OBJECT_ROUTINE  4u
#define MIGRATE_OBJECT_TRIGGER  5u
#define MIGRATE_OBJECT_EVENT    6u
#define MIGRATE_OBJECT_SEQUENCE 7u
#define MIGRATE_OBJECT_DATABASE 8u
#define MIGRATE_OBJECT_TABLESPACE   9u
#define MIGRATE_OBJECT_SUBSCRIPTION 10u

/** An object a DDL statement names. Names are unquoted. */
typedef struct migrate_object {
    size_t       struct_size;
    uint32_t     kind;
    uint32_t     reserved;
    migrate_text schema; /**< data NULL: the current one */
    migrate_text name;
    migrate_text parent; /**< table of an index or trigger, if the statement says it */
} migrate_object;

#define MIGRATE_PROVES_DEFINITION (1u << 0) /**< changes when the definition does */
#define MIGRATE_PROVES_IDENTITY   (1u << 1) /**< changes when the object is swapped or rebuilt */
#define MIGRATE_PROVES_REBUILD    (1u << 2) /**< changes when the definition is written anew, even to what it
                                                 was (told in whole seconds) */
#define MIGRATE_PROVES_ABSENCE    (1u << 3) /**< asked alone, and cheap: whether the object is there, no more; before
                                                 a CREATE that fails where it is */

#define MIGRATE_SESSION_GONE    0u
#define MIGRATE_SESSION_ALIVE   1u
#define MIGRATE_SESSION_UNKNOWN 2u

/** Who holds a lock. Out-struct; strings as rule 4. */
typedef struct migrate_holder {
    size_t      struct_size;
    int64_t     since_ms;    /**< Unix time, 0 unknown */
    const char *session_id;  /**< as in migrate_info, or NULL */
    const char *application; /**< NULL unknown, likewise below */
    const char *host;
    const char *user;
    const char *doing;       /**< statement it runs, shortened */
} migrate_holder;

/* ------------------------------------------------------------------ the vtable */

/** What a driver is: a static object that outlives every context it was added to. */
struct migrate_driver {
    size_t             struct_size; /**< sizeof(migrate_driver) */
    uint32_t           api;         /**< MIGRATE_DRIVER_API */
    uint32_t           dialect;     /**< MIGRATE_DIALECT_* */
    const char        *name;        /**< "postgres"; prefix of its option keys */
    const char *const *schemes;     /**< { "postgres", "postgresql", NULL } */
    const char *const *options;     /**< keys it understands, NULL-terminated; taken out of the URL */

    /** Connects once, to a server or file as @p url says (own and the library's keys already
     *  removed; may hold a password: never log it). Waits by the host's rules. */
    migrate_status (*open)(const migrate_host *host, const char *url, void **out_conn, migrate_error **err);
    /** Closes at once, without waiting for a running statement. NULL is allowed. */
    void (*close)(void *conn);
    /** Runs one statement to its end and drains every result it has. @p out tells the outcome
     *  also on failure; on a lost connection or a cancel that got no answer it is UNKNOWN, and
     *  every later call on the connection fails with CONN_LOST. */
    migrate_status (*exec)(void *conn, const migrate_stmt *stmt, migrate_result *out, migrate_error **err);

    /* ---- optional: NULL when absent ------------------------------------ */

    /** Facts about this connection. One round trip at most; callable again after a failover. */
    migrate_status (*info)(void *conn, migrate_info *out, migrate_error **err);

    /** Wraps a connection the application already has (sqlite3*, PGconn*, MYSQL*), which stays the
     *  application's: close() gives it back in the state it came. The only way to an in-memory
     *  SQLite database. E_MISUSE inside a transaction. */
    migrate_status (*adopt)(const migrate_host *host, void *native, void **out_conn, migrate_error **err);

    /** Where transactions are not SQL text (Data API). Else the library sends BEGIN, COMMIT… */
    migrate_status (*begin)(void *conn, migrate_result *out, migrate_error **err);
    migrate_status (*commit)(void *conn, migrate_result *out, migrate_error **err);
    migrate_status (*rollback)(void *conn, migrate_result *out, migrate_error **err);

    /** See migrate_batch. Absent: the library calls exec for each. */
    migrate_status (*exec_batch)(void *conn, const migrate_batch *batch, migrate_error **err);

    /** Session lock. Never waits for the lock: MIGRATE_OK got it, MIGRATE_BUSY (2) another has it
     *  and @p holder, if not NULL, is filled as far as known. Leaves no transaction or snapshot
     *  open. Not re-entrant: locking twice on one connection is MIGRATE_BUSY. */
    migrate_status (*try_lock)(void *conn, const char *key, migrate_holder *holder, migrate_error **err);
    /** Fails with E_LOCK_LOST if it was not held. */
    migrate_status (*unlock)(void *conn, const char *key, migrate_error **err);
    /** Fills @p holder: MIGRATE_OK somebody holds @p key, MIGRATE_DONE nobody. */
    migrate_status (*lock_holder)(void *conn, const char *key, migrate_holder *holder, migrate_error **err);

    /** Is the session still there? / Ends it. For lease takeover and `lock --break`. */
    migrate_status (*session_state)(void *conn, const char *session_id, uint32_t *out, migrate_error **err);
    migrate_status (*session_end)(void *conn, const char *session_id, migrate_error **err);

    /** Writes a scalar SQL expression that yields a digest of @p object as it is now, and a fixed
     *  text when it does not exist; usable inside INSERT … VALUES. *proves: MIGRATE_PROVES_*, going in what
     *  the caller wants beyond DEFINITION (IDENTITY and REBUILD cost more), coming out what it gets.
     *  The text is DIGEST, or DIGEST:MORE where more was asked for and given: DIGEST alone says whether the
     *  definition is the same. One taken *before* a statement that ends in '?' proves nothing (an engine
     *  without atomic DDL, a definition this user may not see, an object made within the same second); later a
     *  '?' at the end means nothing. Where it does not exist the text is the same fixed one on every question.
     *  E_UNSUPPORTED: cannot tell for this kind or without a privilege.
     *  It sends nothing, and is the one member that may be called from within next(). */
    migrate_status (*fingerprint)(void *conn, const migrate_object *object, const char **out_sql,
                                  uint32_t *proves, migrate_error **err);
    /** The object's definition for people (SHOW CREATE …); NULL text when it does not exist. */
    migrate_status (*describe)(void *conn, const migrate_object *object, const char **out_text,
                               migrate_error **err);

    /** Puts session settings, role and temp objects back as open() made them, keeps the session
     *  lock. Absent: the library reconnects between migrations that changed the session. */
    migrate_status (*reset)(void *conn, migrate_result *out, migrate_error **err);

    /** Cuts text the driver's own way: length of the first statement incl. terminator in *used,
     *  of the text to run in *stmt_len from *stmt_at. For dialects the library does not lex. *used 0
     *  asks for more text, never with @p at_end; *stmt_len 0: nothing to run in these bytes. */
    migrate_status (*split)(void *conn, const char *text, size_t len, uint32_t at_end, size_t *used,
                            size_t *stmt_at, size_t *stmt_len, migrate_error **err);

    /* ---- API 1 ends here; append below --------------------------------- */

    /** MIGRATE_DIALECT_* of this connection, for a driver that reaches servers of several; asked once after
     *  open() or adopt(). It sends nothing and cannot fail. Absent: `dialect`. */
    uint32_t (*dialect_of)(void *conn);
};

/** Type of a driver's one exported function. */
typedef const migrate_driver *(*migrate_driver_fn)(void);

MIGRATE_END_DECLS

#endif /* MIGRATE_DRIVER_H */
