/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/watch.h"

#include <poll.h>

#include <migrate/status.h>

#include "util/clock.h"

enum { SLICE_MS = 200 };

int64_t mig_aws_watch_left(const struct mig_aws_watch *watch)
{
    if (!watch || watch->until_ms == INT64_MAX)
        return INT64_MAX;
    int64_t left = watch->until_ms - mig_clock_mono_ms();
    return left > 0 ? left : 0;
}

migrate_status mig_aws_watch_look(const struct mig_aws_watch *watch)
{
    migrate_status asked = watch && watch->tick ? watch->tick(watch->user) : MIGRATE_OK;
    if (asked)
        return asked;
    return mig_aws_watch_left(watch) == 0 ? MIGRATE_E_DEADLINE : MIGRATE_OK;
}

migrate_status mig_aws_watch_sleep(const struct mig_aws_watch *watch, int64_t ms)
{
    int64_t end = mig_clock_mono_ms() + ms;
    if (mig_aws_watch_left(watch) <= ms)
        return MIGRATE_E_DEADLINE;
    int fd = watch ? watch->cancel_fd : -1;
    for (;;) {
        int64_t left = end - mig_clock_mono_ms();
        if (left <= 0)
            return MIGRATE_OK;
        struct pollfd p = { .fd = fd, .events = POLLIN };
        (void)poll(&p, 1, left < SLICE_MS ? (int)left : SLICE_MS);
        migrate_status status = mig_aws_watch_look(watch);
        if (status)
            return status;
        if (p.revents)
            fd = -1; /* whoever asks does not mean us */
    }
}
