/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SQL_ONLINE_TABLE_H
#define MIG_SQL_ONLINE_TABLE_H

#include "sql/alter.h"
#include "sql/online.h"

/* What one clause costs on one server. */
struct mig_online_cost {
    enum mig_sql_algorithm algorithm;
    enum mig_sql_algorithm best;
    enum mig_sql_algorithm asks; /* what to ask for: heavier than `algorithm` where a table may need it */
    enum mig_sql_lock lock;
    bool known;
    bool refused; /* no ALGORITHM clause beside it */
    /* What matters for clauses side by side, on MariaDB. */
    bool new_rows; /* the rows get another layout */
    bool builds;   /* an index */
    bool adds_virtual;
    const char *reason;
};

struct mig_online_cost mig_online_clause_cost(const struct mig_sql_dialect_info *di,
                                              const struct mig_alter_clause *clause);
/* A copy of the table. */
struct mig_online_cost mig_online_copy_cost(const struct mig_sql_dialect_info *di);

#endif
