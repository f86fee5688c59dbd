/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAKE_DRIVER_H
#define FAKE_DRIVER_H

/* A driver for tests: a server that is not there, played by SQLite. It has every member of the vtable
 * (batches, session locks, sessions that can be ended from outside, fingerprints), asks for credentials, and
 * fails on command. "fake:FILE", "fake://user:password@/FILE".
 *
 * Two kinds of commands. A *fault* is what a server, a network or a disk may do: engine tests use them. A
 * *breach* is what a wrong driver does: each shows that the conformance suite sees it. */

#include <migrate/driver.h>

#include <stdbool.h>

enum fake_fault {
    FAKE_NO_FAULT,
    FAKE_REFUSED,      /* the statement fails with `klass`, without effect */
    FAKE_LOST_BEFORE,  /* the connection breaks, the statement has not run */
    FAKE_LOST_AFTER,   /* the statement has run, its answer is lost */
    FAKE_OPEN_REFUSED, /* open() fails with `klass`: counted in opens */
};

/* Deliberate mistakes. */
enum fake_breach {
    FAKE_NO_BREACH,
    FAKE_DONE_ON_FAILURE,     /* outcome DONE with a failure */
    FAKE_NO_ERROR,            /* fails and stores no error */
    FAKE_OTHER_STATUS,        /* returns another status than fail() gave */
    FAKE_NO_TICK,             /* never calls tick() or looks at cancel_fd */
    FAKE_CANCEL_STATUS,       /* cancelled with a status of its own */
    FAKE_SPURIOUS_CANCEL,     /* a readable cancel_fd ends the statement unasked */
    FAKE_NULL_IS_EMPTY,       /* NULL comes as "" */
    FAKE_ROWS_GO_ON,          /* on_row wanted no more and gets more */
    FAKE_ROWS_LOST,           /* the last row is not given */
    FAKE_BUFFERS_ROWS,        /* keeps the whole result in memory first */
    FAKE_NUL_TERMINATED,      /* reads the statement to its NUL */
    FAKE_PARAM_TRIMMED,       /* a value loses its last backslash */
    FAKE_PARAM_EMPTY_IS_NULL, /* '' is bound as NULL */
    FAKE_WRONG_AFFECTED,      /* one more */
    FAKE_WRONG_CLASS,         /* all faults are OTHER */
    FAKE_WRONG_OFFSET,        /* one too far */
    FAKE_CHARACTER_OFFSET,    /* counts characters, not bytes */
    FAKE_NEWLINE,             /* the message ends in a newline */
    FAKE_SHORT_RESULT,        /* writes a result to our size, whatever the caller's */
    FAKE_SHORT_INFO,          /* likewise of info() */
    FAKE_TX_ALWAYS_NONE,
    FAKE_COMMIT_ROLLS_BACK,
    FAKE_CLOSE_COMMITS,
    FAKE_RECONNECTS,     /* by itself after a loss */
    FAKE_LOST_IS_FAILED, /* a lost answer is told as FAILED */
    FAKE_LOCK_REENTRANT,
    FAKE_LOCK_CASE_FOLDED, /* keys that differ in case are one */
    FAKE_UNLOCK_LIES,      /* OK for a lock not held */
    FAKE_LOCK_IN_TX,       /* leaves a transaction open */
    FAKE_LOCK_WAITS,       /* for the holder */
    FAKE_LOCK_OUTLIVES,    /* the session */
    FAKE_HOLDER_WRONG,
    FAKE_BATCH_TWICE,         /* done() twice for one */
    FAKE_BATCH_FORGETS,       /* done() not at all for the last */
    FAKE_BATCH_REORDERS,      /* done() of the second before the first */
    FAKE_BATCH_GREEDY,        /* pulls everything first */
    FAKE_BATCH_GOES_ON,       /* in the group after a failure */
    FAKE_BATCH_DEAF,          /* goes on after done() said stop */
    FAKE_BATCH_BARRIER,       /* pulls over a BARRIER */
    FAKE_BATCH_AHEAD,         /* pulls the next group without RUN_AHEAD; runs it too */
    FAKE_BATCH_STATUS,        /* next() failed and exec_batch() succeeds */
    FAKE_BATCH_NO_FAULT,      /* done() FAILED without a fault */
    FAKE_CREDENTIALS_KEPT,    /* not released */
    FAKE_CREDENTIALS_IGNORED, /* opens although they were refused */
    FAKE_PASSWORD_LOGGED,
    FAKE_OUT_TOUCHED,    /* a failed open() stores something */
    FAKE_UNKNOWN_OPTION, /* asks for one that is not in its list */
    FAKE_OTHER_THREAD,   /* calls the host from another thread */
    FAKE_ADOPT_IN_TX,
    FAKE_ADOPT_KEEPS_TX, /* gives it back with our transaction open */
    FAKE_RESET_KEEPS_TEMP,
    FAKE_RESET_UNLOCKS,
    FAKE_SPLIT_NAIVE, /* at every ';' */
    FAKE_FINGERPRINT_CONSTANT,
    FAKE_FINGERPRINT_OF_ROWS, /* changes with the data */
    FAKE_DESCRIBE_GUESSES,    /* a definition of what is not there */
    FAKE_SESSION_ALWAYS_ALIVE,
    FAKE_CLAIMS, /* a capability without its member */
    FAKE_BREACHES
};

/* Set before use, by one thread. */
struct fake_script {
    enum fake_fault fault;
    uint64_t at;    /* the statement that meets it, from 1; 0 none */
    uint32_t klass; /* MIGRATE_FAULT_* of FAKE_REFUSED */
    uint64_t seen;  /* statements so far */
    uint64_t opens; /* connections so far */
    uint64_t met;   /* how often the fault was met */
    bool again;     /* every statement from `at` on, not that one alone */
    enum fake_breach breach;
    uint64_t caps_without; /* MIGRATE_CAP_* that info() shall not claim */
};
extern struct fake_script fake_script;

const migrate_driver *fake_driver(void);
/* Ends a session from outside: for quirks.sever. */
migrate_status fake_sever(void *user, const char *session_id);
/* An sqlite3 * of the application's, for adopt(). @p user: path of the file. */
void *fake_native_open(void *user);
void fake_native_close(void *user, void *native);

#endif
