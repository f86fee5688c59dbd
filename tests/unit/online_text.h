/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_ONLINE_TEXT_H
#define UNIT_ONLINE_TEXT_H

/* What is said of an ALTER TABLE, and the statement that requires it, in one line. */

#include <stdio.h>
#include <string.h>

#include <migrate/driver.h>

#include "sql/online.h"

static void online_text(const struct mig_sql_dialect_info *di, const char *sql, size_t len, char *out,
                        size_t size)
{
    struct mig_sql_online o;
    struct mig_buf text = MIG_BUF_INIT;
    struct mig_buf required = MIG_BUF_INIT;

    mig_sql_online(di, sql, len, &o);
    mig_sql_online_text(&o, &text);
    const char *colon = strchr(mig_buf_text(&text), ':');
    int head = colon != NULL ? (int)(colon - mig_buf_text(&text)) : (int)text.len;
    bool can = mig_sql_online_require(di, sql, len, &required);
    snprintf(out, size, "%.*s%s%s%s%s", head, mig_buf_text(&text), o.known || head == 0 ? "" : "?",
             o.asked ? " (asked)" : "", can ? " => " : "", mig_buf_text(&required));
    for (char *p = out; *p != '\0'; p++) {
        *p = *p == '\n' ? ' ' : *p;
    }
    mig_buf_free(&text);
    mig_buf_free(&required);
}

#endif
