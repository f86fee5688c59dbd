/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_MYSQL_FEED_H
#define TEST_MYSQL_FEED_H

/* A batch from an array, and what was told about it. */

#include <migrate/driver.h>

struct step {
    const char *sql;
    uint32_t    flags;
};

enum { SEEN_MAX = 20000 };

struct seen {
    uint32_t outcome, tx, lex, klass;
    int32_t  code;
    uint64_t offset;
    int64_t  affected;
};

struct feed {
    const struct step *steps;
    size_t   n, repeat;      /* the steps, that many times */
    uint64_t ahead;          /* max_ahead */
    uint32_t flags;
    migrate_status next_fails; /* instead of DONE at the end */
    uint64_t stop_after;       /* done() refuses at that one + 1 */
    uint64_t pulled, told;
    uint64_t most_ahead;       /* statements pulled and not told */
    uint32_t rounds;
    struct seen seen[SEEN_MAX];
};

/* Runs it; asserts that everything pulled was told once and in order. */
migrate_status feed_run(struct feed *f, void *conn);
/* "DDF-U" for done, done, failed, none, unknown. Static until the next call. */
const char *feed_outcomes(const struct feed *f);

#define STEPS(array) .steps = (array), .n = sizeof(array) / sizeof *(array), .repeat = 1, .ahead = 1 << 20
#define OURS MIGRATE_STMT_BOOKKEEPING
#define END MIGRATE_STMT_GROUP_END

#endif
