/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SQL_ONLINE_H
#define MIG_SQL_ONLINE_H

/* What a MySQL or MariaDB server does to an existing InnoDB table for ALTER TABLE, CREATE INDEX, DROP INDEX:
 * change its dictionary, work beside the writers, or copy the table. From a table measured on MySQL 9.7 and
 * MariaDB 10.11 and 11.8; the servers say the algorithm themselves only by refusing one. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sql/classify.h"
#include "util/buf.h"

/* From the lightest to the heaviest. */
enum mig_sql_algorithm {
    MIG_SQL_ALGORITHM_NONE, /* not such a statement */
    MIG_SQL_ALGORITHM_INSTANT,
    MIG_SQL_ALGORITHM_NOCOPY, /* MariaDB: in place, without rebuilding the rows */
    MIG_SQL_ALGORITHM_INPLACE,
    MIG_SQL_ALGORITHM_COPY,
};

/* What others may not do while the table is worked on. */
enum mig_sql_lock {
    MIG_SQL_LOCK_NONE,
    MIG_SQL_LOCK_SHARED,    /* write */
    MIG_SQL_LOCK_EXCLUSIVE, /* read and write */
};

struct mig_sql_online {
    bool known; /* the outcome does not hang on what the table is like now, and no clause is unheard of */
    enum mig_sql_algorithm algorithm; /* what the server does; not known: the worst it may do */
    enum mig_sql_algorithm best;      /* the best it may do; the same as `algorithm` when known */
    enum mig_sql_lock lock;           /* beside `algorithm` */
    bool asked;                       /* the statement says ALGORITHM or LOCK itself */
    bool clause_refused;              /* the server takes no ALGORITHM clause beside this */
    const char *clause;               /* the clause that decides, a slice of the text */
    size_t clause_len;
    const char *reason; /* what that clause is, and what its outcome hangs on; static text or NULL */
};

void mig_sql_online(const struct mig_sql_dialect_info *di, const char *text, size_t len,
                    struct mig_sql_online *out);

const char *mig_sql_algorithm_name(enum mig_sql_algorithm algorithm);
const char *mig_sql_lock_name(enum mig_sql_lock lock);

/* For people: "INSTANT", "COPY, lock SHARED: adding a CHECK constraint". Nothing for ALGORITHM_NONE. */
void mig_sql_online_text(const struct mig_sql_online *o, struct mig_buf *out);

/* Appends the statement with ALGORITHM and LOCK clauses that make the server refuse a copy of the table
 * (1845, 1846, before anything is done). false, and nothing appended, when it is no such statement, says such
 * a clause itself, or holds what no such clause is accepted beside. */
bool mig_sql_online_require(const struct mig_sql_dialect_info *di, const char *text, size_t len,
                            struct mig_buf *out);

#endif
