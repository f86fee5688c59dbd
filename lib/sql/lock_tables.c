/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/lock_tables.h"

#include "sql/cursor.h"

size_t mig_sql_lock_tables_at(const struct mig_sql_dialect_info *di, const char *text, size_t len)
{
    struct mig_cursor c;
    mig_cur_init(&c, di, text, len);
    if (!mig_cur_take(&c, "LOCK") || !mig_cur_take_any(&c, "TABLES TABLE") || mig_cur_end(&c)) {
        return 0;
    }
    return (size_t)(c.tok.text - text);
}
