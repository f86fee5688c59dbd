/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SQL_CLASSIFY_H
#define MIG_SQL_CLASSIFY_H

/* What one statement is, told from its tokens (never from text inside quotes or comments): may it run in
 * a transaction, does it end one, what object does a DDL name, can a crash in it be decided afterwards. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Transaction control at top level. */
enum mig_sql_tx {
    MIG_SQL_TX_NONE,
    MIG_SQL_TX_BEGIN,           /* BEGIN, START TRANSACTION */
    MIG_SQL_TX_COMMIT,          /* COMMIT, END */
    MIG_SQL_TX_ROLLBACK,        /* ROLLBACK, ABORT; not ROLLBACK TO */
    MIG_SQL_TX_PREPARE,         /* PREPARE TRANSACTION, COMMIT/ROLLBACK PREPARED, XA … */
    MIG_SQL_TX_SAVEPOINT,       /* SAVEPOINT, RELEASE, ROLLBACK TO */
    MIG_SQL_TX_SET_TRANSACTION, /* SET TRANSACTION …: belongs between BEGIN and the fence */
};

/* How a crash around the statement is decided, where it cannot share a transaction with its mark. */
enum mig_sql_settle {
    MIG_SQL_SETTLE_TX,         /* rolls back with its transaction: no question arises */
    MIG_SQL_SETTLE_CHANGING,   /* DDL that changes the definition: unchanged = not applied */
    MIG_SQL_SETTLE_REPEATABLE, /* running it again does no harm */
    MIG_SQL_SETTLE_NEUTRAL,    /* may leave the definition: changed = applied, else identity tells */
    MIG_SQL_SETTLE_PROBE,      /* PostgreSQL: existence or validity of `objects` decides */
    MIG_SQL_SETTLE_DOUBT,      /* cannot be told */
};

/* What a statement does besides. */
#define MIG_SQL_ALONE           (1u << 0)  /* refuses a transaction: VACUUM, CONCURRENTLY, ALTER SYSTEM */
#define MIG_SQL_PACKET_END      (1u << 1)  /* last of a MySQL packet: CALL, compound, USE, SET sql_mode */
#define MIG_SQL_IMPLICIT_COMMIT (1u << 2)  /* MySQL family: commits before and after */
#define MIG_SQL_SESSION         (1u << 3)  /* changes the session: SET, set_config, USE, temporary objects */
#define MIG_SQL_NO_LOCK_TIMEOUT (1u << 4)  /* CONCURRENTLY, VALIDATE CONSTRAINT: lock_timeout must be 0 */
#define MIG_SQL_DDL             (1u << 5)
#define MIG_SQL_DESTRUCTIVE     (1u << 6)  /* drops data; `note` says how */
#define MIG_SQL_READ_ONLY       (1u << 7)  /* SELECT, SHOW, EXPLAIN without effect as far as seen */
#define MIG_SQL_COPY_STDIN      (1u << 8)
#define MIG_SQL_LOCK_TABLES     (1u << 9)  /* MySQL LOCK TABLES; FLUSH TABLES WITH READ LOCK, FOR EXPORT */
#define MIG_SQL_UNLOCK_TABLES   (1u << 10)
#define MIG_SQL_CREATE          (1u << 11) /* brings `objects` into being */
#define MIG_SQL_DROP            (1u << 12) /* removes them */
#define MIG_SQL_IF_EXISTS       (1u << 13) /* IF EXISTS, IF NOT EXISTS, OR REPLACE */
#define MIG_SQL_CONCURRENTLY    (1u << 14)
#define MIG_SQL_ALTER_TABLE     (1u << 15) /* MySQL ALTER TABLE, CREATE INDEX, DROP INDEX: see online.h */
#define MIG_SQL_MAY_COMMIT      (1u << 16) /* CALL, DO: may commit by itself */
#define MIG_SQL_FOREIGN_KEYS    (1u << 17) /* SQLite PRAGMA foreign_keys: lifted out of the transaction */
#define MIG_SQL_PRAGMA_OUTSIDE  (1u << 18) /* SQLite PRAGMA that fails or does nothing in one: journal_mode */
#define MIG_SQL_SETS_LEX        (1u << 19) /* may change how text is read: sql_mode */
#define MIG_SQL_TEMPORARY       (1u << 20) /* makes or drops what is gone with the session, rows and all */
#define MIG_SQL_FREEZES         (1u << 21) /* FLUSH TABLES …: nothing at all can be written until UNLOCK TABLES */

#define MIG_SQL_NAME_MAX 320 /* bytes of a name part, NUL included; longer ones leave `kind` 0 */
#define MIG_SQL_OBJECTS_MAX 8

/* An object a DDL names, unquoted and, for unquoted PostgreSQL names, folded to lower case. */
struct mig_sql_object {
    uint32_t kind; /* MIGRATE_OBJECT_*; 0 of a kind that has no number */
    char schema[MIG_SQL_NAME_MAX];
    char name[MIG_SQL_NAME_MAX];
    char parent[MIG_SQL_NAME_MAX]; /* table of an index or trigger, if said */
};

struct mig_sql_facts {
    uint32_t flags;
    enum mig_sql_tx tx;
    enum mig_sql_settle settle;
    char verb[40];      /* "CREATE INDEX", "ALTER TABLE", upper case, for people */
    const char *note;   /* why it is destructive, alone or may end in doubt; static text or NULL */
    const char *doubt;  /* settle NEUTRAL or DOUBT: why a crash in it may not be told; static text or NULL */
    uint32_t n_objects; /* how many of `objects` are filled; several for DROP TABLE a, b and RENAME */
    bool more_objects;  /* there were more than fit */
    struct mig_sql_object objects[MIG_SQL_OBJECTS_MAX];
};

struct mig_sql_dialect_info {
    uint32_t dialect; /* MIGRATE_DIALECT_* */
    uint32_t lex;     /* MIGRATE_LEX_* */
    uint32_t version; /* 0 newest */
    bool mariadb;
};

/* Never fails: what it cannot read it calls nothing special. In SQLite and PostgreSQL `settle` is TX unless
 * ALONE. In all of them a statement that only sets up the session (SESSION, not TEMPORARY) is REPEATABLE: a
 * new session has to have it again.
 *
 * `objects` are what decides: all of them change if the statement is applied, and none if it is not. So a
 * RENAME gives the names that vanish and appear (or change hands, where no other do), not those passed
 * through; an ALTER TABLE … RENAME the old and the new one; DROP TABLE a, b both. MariaDB drops several one
 * by one: DOUBT, though a look at each settles it where all agree. An index has its table as `parent`, which
 * on MySQL is what has a fingerprint; a partition being detached has the table it leaves. An object whose
 * name does not fit, or that is one too many, sets more_objects. */
void mig_sql_classify(const struct mig_sql_dialect_info *di, const char *text, size_t len,
                      struct mig_sql_facts *out);

#endif
