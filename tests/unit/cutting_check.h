/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CUTTING_CHECK_H
#define CUTTING_CHECK_H

/* Tables of scripts and the statements wanted. */

#include "unit.h"

#include "cutting.h"

struct cut_case {
    const char *sql;
    const char *want[8]; /* up to NULL */
};

struct fault_case {
    const char *sql;
    size_t before; /* statements given out before it */
    uint64_t line, column;
    const char *message; /* a part of it */
};

static inline void check_cuts(const struct mig_sql_config *config, const struct cut_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t chunk = 0; chunk < 4; chunk++) {
            struct cutting c = cut(config, cases[i].sql, strlen(cases[i].sql), chunk);
            ck_assert_msg(c.status == MIGRATE_DONE, "%s: status %d: %s", cases[i].sql, c.status,
                          c.diag.message ? c.diag.message : "");
            size_t k = 0;
            for (; k < 8 && cases[i].want[k]; k++)
                ck_assert_msg(k < c.n && !strcmp(c.pieces[k].text, cases[i].want[k]), "%s\n got %s\nwant %s",
                              cases[i].sql, k < c.n ? c.pieces[k].text : "(none)", cases[i].want[k]);
            ck_assert_msg(k == c.n, "%s: also %s", cases[i].sql, k < c.n ? c.pieces[k].text : "");
            cutting_free(&c);
        }
    }
}

static inline void check_faults(const struct mig_sql_config *config, const struct fault_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t chunk = 0; chunk < 4; chunk++) {
            struct cutting c = cut(config, cases[i].sql, strlen(cases[i].sql), chunk);
            const char *message = c.diag.message ? c.diag.message : "(none)";
            ck_assert_msg(c.status == MIGRATE_E_PARSE, "%s: status %d", cases[i].sql, c.status);
            ck_assert_msg(c.n == cases[i].before, "%s: %zu statements", cases[i].sql, c.n);
            ck_assert_msg(c.diag.line == cases[i].line && c.diag.column == cases[i].column, "%s: at %d:%d",
                          cases[i].sql, (int)c.diag.line, (int)c.diag.column);
            ck_assert_msg(strstr(message, cases[i].message) != NULL, "%s: %s", cases[i].sql, message);
            ck_assert_msg(c.diag.hint && *c.diag.hint, "%s: no hint", cases[i].sql);
            cutting_free(&c);
        }
    }
}

#define CHECK_CUTS(config, cases) check_cuts(config, cases, sizeof(cases) / sizeof *(cases))
#define CHECK_FAULTS(config, cases) check_faults(config, cases, sizeof(cases) / sizeof *(cases))

#endif
