/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_VALUES_H
#define MIG_CORE_VALUES_H

/* Values that statements leave in their session for later ones (MySQL's user variables, LAST_INSERT_ID()), and where they
 * came from. A new session has none of them; what is computed again may be another value. */

#include "core/script.h"

struct mig_values {
    struct mig_value { uint64_t name, at; } *v; /* by a hash of the name */
    size_t n, cap;
};

/* Writes down what @p cut gives a value, at @p at, and forgets what it makes a constant. */
bool mig_values_note(struct mig_values *values, const struct mig_sql_dialect_info *di, const struct mig_cut *cut, uint64_t at);
/* Does @p cut read one that was given before @p limit? @p name is then it. */
bool mig_values_stale(const struct mig_values *values, const struct mig_sql_dialect_info *di, const struct mig_cut *cut,
                      uint64_t limit, char name[MIG_SQL_NAME_MAX]);
void mig_values_free(struct mig_values *values);

/* Session settings leave nothing behind; after a crash they are sent again, whatever has been executed. */
static inline bool mig_only_session(const struct mig_sql_facts *f)
{
    return (f->flags & MIG_SQL_SESSION) && f->settle == MIG_SQL_SETTLE_REPEATABLE;
}

/* SET @id = LAST_INSERT_ID() and its like tell of the statement before, and nothing of ours may come between: one stays in
 * the run of that statement. */
bool mig_stays_in_run(const struct mig_sql_dialect_info *di, const struct mig_cut *cut);

enum { MIG_RUN_MAX = 500 }; /* statements in one run of DML */

/* Where the units of a journalled migration end. */
struct mig_units {
    uint64_t ends; /* so far */
    uint64_t n;    /* statements in the run */
    bool in_run;   /* the statement shares a transaction with the next */
    bool begun;    /* by the file's own BEGIN */
};
/* At a statement, and behind it; @p each: every one is in a transaction of its own. */
void mig_units_before(struct mig_units *u, const struct mig_sql_dialect_info *di, const struct mig_cut *cut);
void mig_units_after(struct mig_units *u, const struct mig_cut *cut, bool each);

#endif
