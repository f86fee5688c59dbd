/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_PLAN_H
#define MIG_CORE_PLAN_H

#include <migrate/plan.h>

#include "core/item.h"
#include "util/buf.h"

struct mig_set;
struct mig_migration;

/* Why a statement is flagged. */
struct mig_remark {
    uint64_t statement; /* from 1 */
    uint64_t line;
    const char *text;   /* "DROP TABLE users: drops the table and its rows" */
};

/* What a look through the statements found (scan.h). */
struct mig_scan {
    uint64_t statements;
    uint32_t flags;         /* MIG_SCAN_* */
    bool     transactional; /* runs in one transaction with its history row */
};

struct mig_step {
    struct migrate_item item;              /* direction, flags, statements, note filled */
    const struct mig_migration *migration; /* in the plan's set */
    struct mig_remark *destructive; uint32_t n_destructive;
    struct mig_remark *may_doubt;   uint32_t n_may_doubt;
    struct mig_remark *online;      uint32_t n_online; /* MySQL: what ALTER will do */
    const char **sql; size_t *sql_len; uint64_t n_sql; /* with MIGRATE_RUN_SQL */
    const char *lifted;                    /* SQLite: sent before BEGIN; NUL behind each, an empty one last */
    struct mig_scan scan;                  /* what a look through its text found */
    bool resume;                           /* half-done: goes on from its journal */
    bool checked, mark_ran, left_out;      /* what its precondition said (precondition.h) */
};

struct migrate_plan {
    struct mig_arena arena;
    struct mig_set *set;
    struct mig_step *steps;
    size_t   count, cap;
    /* what it was made from */
    migrate_run_options options; /* `target` points into the arena */
    uint64_t epoch, seq;
    bool     tables_absent;      /* no head row yet */
    char     digest[MIG_SHA256_HEX + 1];
    uint32_t dialect;            /* of the statements */
    uint32_t state;              /* of the database, MIGRATE_STATE_* */
    struct mig_buf json;
};

/* NULL when memory is out. Takes a reference. */
struct migrate_plan *mig_plan_new(struct mig_set *set);
struct mig_step *mig_plan_add(struct migrate_plan *plan);

struct migrate_statement {
    const char *text;
    size_t      len;
    uint64_t    line;
    uint32_t    flags;
    const char *note;
};

#endif
