/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SQL_VARIABLES_H
#define MIG_SQL_VARIABLES_H

/* What a statement of MySQL and MariaDB takes from its session and leaves in it: user variables, and what
 * LAST_INSERT_ID(), ROW_COUNT() and FOUND_ROWS() tell of the statement before. All of it is gone with the session. */

#include "sql/cursor.h"

struct mig_sql_variable {
    char name[MIG_SQL_NAME_MAX]; /* "@x" in lower case, "last_insert_id()" */
    bool read;
    bool given;    /* a value */
    bool constant; /* which is the same whenever the statement runs */
    bool before;   /* one of the functions above: tells of the statement before */
};

struct mig_sql_variables {
    struct mig_cursor c;
    bool set, call, inserts, none; /* the statement is SET, CALL, INSERT; or says nothing by running */
    bool into, target;             /* in a list behind INTO; at what is given a value */
};

void mig_sql_variables_init(struct mig_sql_variables *v, const struct mig_sql_dialect_info *di, const char *text,
                            size_t len);
/* Each mention, in the order of the text; false at the end. */
bool mig_sql_variables_next(struct mig_sql_variables *v, struct mig_sql_variable *out);

#endif
