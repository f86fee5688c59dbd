/* SPDX-License-Identifier: Apache-2.0 */

/* The RDS Data API driver: its vtable, and the host's services as it uses them. */

#include <migrate/drivers.h>

#include <string.h>

#include "drivers/rds_data/rds.h"
#include "util/clock.h"

enum { TICK_MS = 200, HURRY_MS = 300 };

static const char *const schemes[] = { "rds-data", NULL };
const char *const mig_rds_option_keys[] = { "engine", "region", NULL };

static const migrate_driver driver = {
    .struct_size = sizeof(migrate_driver),
    .api = MIGRATE_DRIVER_API,
    .dialect = MIGRATE_DIALECT_OTHER, /* a connection tells */
    .name = "rds_data",
    .schemes = schemes,
    .options = mig_rds_option_keys,
    .open = mig_rds_open,
    .close = mig_rds_close,
    .exec = mig_rds_exec,
    .info = mig_rds_info,
    .begin = mig_rds_begin,
    .commit = mig_rds_commit,
    .rollback = mig_rds_rollback,
    .session_state = mig_rds_session_state,
    .session_end = mig_rds_session_end,
    .fingerprint = mig_rds_fingerprint,
    .dialect_of = mig_rds_dialect,
};

const migrate_driver *migrate_rds_data_driver(void)
{
    return &driver;
}

/* ---- failures ---------------------------------------------------------------- */

migrate_status mig_rds_fail(const migrate_host *host, migrate_error **err, const migrate_fault *fault)
{
    return host->fail(host, err, fault);
}

migrate_status mig_rds_refuse(const migrate_host *host, migrate_error **err, migrate_status status, uint32_t klass,
                              const char *message, const char *hint)
{
    migrate_fault f = { .struct_size = sizeof f, .status = status, .klass = klass, .message = message, .hint = hint };
    return mig_rds_fail(host, err, &f);
}

migrate_status mig_rds_nomem(const migrate_host *host, migrate_error **err)
{
    return mig_rds_refuse(host, err, MIGRATE_E_NOMEM, MIGRATE_FAULT_OTHER, "out of memory", NULL);
}

/* ---- the host ------------------------------------------------------------------ */

const char *mig_rds_option(const migrate_host *host, const char *key)
{
    const char *value = MIGRATE_HAS(migrate_host, host, option) && host->option ? host->option(host, key) : NULL;
    return value && *value ? value : NULL;
}

int64_t mig_rds_remaining(const struct mig_rds *c)
{
    const migrate_host *h = c->host;
    return MIGRATE_HAS(migrate_host, h, remaining_ms) && h->remaining_ms ? h->remaining_ms(h) : INT64_MAX;
}

migrate_status mig_rds_enter(struct mig_rds *c, migrate_error **err)
{
    c->stop = MIGRATE_OK;
    c->stop_since = 0;
    c->may_cancel = c->detaches = false;
    c->grace = MIG_RDS_GRACE_MS;
    c->trips = 0;
    if (c->dead)
        return mig_rds_refuse(c->host, err, 0, MIGRATE_FAULT_CONN_LOST, "the connection has been lost", NULL);
    return MIGRATE_OK;
}

/* The deadline was told, and now whoever set it wants us back at once: an answer that is on its way may come yet. */
static void hurry(struct mig_rds *c)
{
    int64_t grace = mig_clock_mono_ms() - c->stop_since + HURRY_MS;
    if (grace < c->grace)
        c->grace = grace;
}

migrate_status mig_rds_tick(struct mig_rds *c)
{
    const migrate_host *h = c->host;
    migrate_status said = MIGRATE_HAS(migrate_host, h, tick) && h->tick ? h->tick(h) : MIGRATE_OK;
    if (said == MIGRATE_E_CANCELLED && c->stop == MIGRATE_E_DEADLINE)
        hurry(c);
    if (!said || c->stop)
        return c->stop;
    c->stop = said;
    c->stop_since = mig_clock_mono_ms();
    if (mig_rds_detached(c))
        c->grace = 0;
    else if (c->may_cancel)
        mig_rds_cancel(c);
    return said;
}

bool mig_rds_detached(const struct mig_rds *c)
{
    return c->detaches && c->stop == MIGRATE_E_DEADLINE;
}

bool mig_rds_given_up(const struct mig_rds *c)
{
    return c->stop && (c->opening || mig_clock_mono_ms() - c->stop_since >= c->grace);
}

bool mig_rds_pause(struct mig_rds *c, int64_t ms)
{
    int64_t end = mig_clock_mono_ms() + ms;
    for (;;) {
        (void)mig_rds_tick(c);
        int64_t left = end - mig_clock_mono_ms();
        if (mig_rds_given_up(c))
            return false;
        if (left <= 0)
            return true;
        struct mig_aws_watch quiet = MIG_AWS_UNWATCHED;
        (void)mig_aws_watch_sleep(&quiet, left < TICK_MS ? left : TICK_MS);
    }
}

/* ---- structs ------------------------------------------------------------------- */

void mig_rds_take(void *to, size_t size, const void *from)
{
    size_t own;
    memcpy(&own, from, sizeof own);
    memset(to, 0, size);
    memcpy(to, from, own < size ? own : size);
}

void mig_rds_give(void *to, const void *from, size_t size)
{
    size_t own;
    memcpy(&own, to, sizeof own);
    if (own > size)
        own = size;
    if (own > sizeof own)
        memcpy((char *)to + sizeof own, (const char *)from + sizeof own, own - sizeof own);
}
