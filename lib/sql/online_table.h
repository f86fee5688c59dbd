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
    enum mig_sql_lock      lock;
    bool                   known;
    bool                   refused;  /* no ALGORITHM clause beside it */
    bool                   new_rows; /* INSTANT, but the rows get another layout: not beside an index build */
    const char            *reason;
};

struct mig_online_cost mig_online_clause_cost(const struct mig_sql_dialect_info *di,
                                              const struct mig_alter_clause *clause);

#endif
