/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SQL_LOCK_TABLES_H
#define MIG_SQL_LOCK_TABLES_H

/* LOCK TABLES of MySQL and MariaDB: under it a session may touch the tables it names and no other. */

#include <stddef.h>

#include "sql/classify.h"

/* Where the list of tables begins, as an offset into @p text; 0 when this is no LOCK TABLES. */
size_t mig_sql_lock_tables_at(const struct mig_sql_dialect_info *di, const char *text, size_t len);

#endif
