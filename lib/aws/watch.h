/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_WATCH_H
#define MIG_AWS_WATCH_H

/* How a wait is watched: it ends at an instant, when asked, or when a descriptor says so. */

#include <migrate/types.h>

struct mig_aws_watch {
    /* Asked at least every 200 ms. Not 0 ends the wait with that status. NULL: nobody asks. */
    migrate_status (*tick)(void *user);
    void   *user;
    int     cancel_fd; /* when it becomes readable tick() is asked at once; -1 none */
    int64_t until_ms;  /* mig_clock_mono_ms() of the end: E_DEADLINE then; INT64_MAX none */
};

#define MIG_AWS_UNWATCHED { NULL, NULL, -1, INT64_MAX }

/* What is left, never below 0; INT64_MAX no limit. @p watch may be NULL, here and below. */
int64_t mig_aws_watch_left(const struct mig_aws_watch *watch);

/* MIGRATE_OK: go on waiting. */
migrate_status mig_aws_watch_look(const struct mig_aws_watch *watch);

/* Waits @p ms. E_DEADLINE at once when there is less time than that: what is to come after it would be too late. */
migrate_status mig_aws_watch_sleep(const struct mig_aws_watch *watch, int64_t ms);

#endif
