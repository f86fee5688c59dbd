/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SQL_SESSION_NEEDS_H
#define MIG_SQL_SESSION_NEEDS_H

/* What a statement needs of a session, told for servers that have none: each call may go over another connection. */

#include "sql/classify.h"

/* "SET NAMES utf8…": as good as done where all text is UTF-8 anyway. */
bool mig_sql_sets_names_utf8(const char *text, size_t len);

/* A lock that a function takes for the session, not for its transaction: it would stay with somebody else's connection. */
bool mig_sql_takes_session_lock(const struct mig_sql_dialect_info *di, const char *text, size_t len);

/* What would be without effect for the next statement: settings, temporary tables, LOCK TABLES. NULL: nothing of it; else
 * what it is, for people. @p facts are those of the statement. */
const char *mig_sql_session_need(const struct mig_sql_dialect_info *di, const struct mig_sql_facts *facts,
                                 const char *text, size_t len);

#endif
