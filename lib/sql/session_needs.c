/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/session_needs.h"

#include <string.h>

#include <migrate/driver.h>

#include "sql/cursor.h"
#include "util/text.h"

bool mig_sql_sets_names_utf8(const char *text, size_t len)
{
    return len > 10 && mig_ieqn(text, 9, "set names") && memchr(text, '8', len) != NULL;
}

/* One that a routine's text takes is taken when somebody calls it. */
bool mig_sql_takes_session_lock(const struct mig_sql_dialect_info *di, const char *text, size_t len)
{
    static const char postgres[] = "PG_ADVISORY_LOCK PG_ADVISORY_LOCK_SHARED PG_TRY_ADVISORY_LOCK PG_TRY_ADVISORY_LOCK_SHARED";
    const char *words = di->dialect == MIGRATE_DIALECT_POSTGRES ? postgres : "GET_LOCK";
    struct mig_cursor c;
    mig_cur_init(&c, di, text, len);
    if (mig_cur_at_any(&c, "CREATE ALTER COMMENT"))
        return false;
    while (!mig_cur_end(&c)) {
        /* pg_catalog.pg_advisory_lock(1) is no keyword, and is the function all the same. */
        c.tok.dotted = false;
        bool named = mig_cur_at_any(&c, words);
        mig_cur_next(&c);
        if (named && mig_cur_at_punct(&c, '('))
            return true;
    }
    return false;
}

const char *mig_sql_session_need(const struct mig_sql_dialect_info *di, const struct mig_sql_facts *facts,
                                 const char *text, size_t len)
{
    if (di->dialect == MIGRATE_DIALECT_MYSQL && mig_sql_sets_names_utf8(text, len))
        return NULL;
    if (facts->flags & MIG_SQL_TEMPORARY)
        return "a temporary table";
    if (facts->flags & MIG_SQL_LOCK_TABLES)
        return "a lock on tables";
    return facts->flags & MIG_SQL_SESSION ? "a setting of the session" : NULL;
}
