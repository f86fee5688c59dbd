/* SPDX-License-Identifier: Apache-2.0 */

/* The vtable, and the host's services as this driver uses them. */

#include <migrate/drivers.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/mysql/conn.h"
#include "util/clock.h"
#include "util/mem.h"

static const char *const schemes[] = { "mysql", "mariadb", NULL };

static const migrate_driver driver = {
    .struct_size = sizeof(migrate_driver),
    .api = MIGRATE_DRIVER_API,
    .dialect = MIGRATE_DIALECT_MYSQL,
    .name = "mysql",
    .schemes = schemes,
    .options = mig_my_option_keys,
    .open = mig_my_open,
    .close = mig_my_close,
    .exec = mig_my_exec,
    .info = mig_my_info,
    .adopt = mig_my_adopt,
    .exec_batch = mig_my_exec_batch,
    .try_lock = mig_my_try_lock,
    .unlock = mig_my_unlock,
    .lock_holder = mig_my_lock_holder,
    .session_state = mig_my_session_state,
    .session_end = mig_my_session_end,
    .fingerprint = mig_my_fingerprint,
    .describe = mig_my_describe,
};

const migrate_driver *migrate_mysql_driver(void)
{
    return &driver;
}

/* ---- the host ------------------------------------------------------------------ */

const char *mig_my_option(const migrate_host *host, const char *key)
{
    return MIGRATE_HAS(migrate_host, host, option) && host->option ? host->option(host, key) : NULL;
}

migrate_status mig_my_tick(const struct mig_my *c)
{
    const migrate_host *h = c->host;
    return MIGRATE_HAS(migrate_host, h, tick) && h->tick ? h->tick(h) : MIGRATE_OK;
}

int32_t mig_my_cancel_fd(const struct mig_my *c)
{
    const migrate_host *h = c->host;
    return MIGRATE_HAS(migrate_host, h, cancel_fd) && h->cancel_fd ? h->cancel_fd(h) : -1;
}

void mig_my_log(const migrate_host *host, uint32_t level, const char *fmt, ...)
{
    if (!MIGRATE_HAS(migrate_host, host, log) || !host->log)
        return;
    va_list args;
    va_start(args, fmt);
    char *text = mig_vsprintf(fmt, args);
    va_end(args);
    if (text)
        host->log(host, level, text);
    free(text);
}

void mig_my_take(void *to, size_t size, const void *from)
{
    size_t own;
    memcpy(&own, from, sizeof own);
    memset(to, 0, size);
    memcpy(to, from, own < size ? own : size);
}

void mig_my_give(void *to, const void *from, size_t size)
{
    size_t own;
    memcpy(&own, to, sizeof own);
    if (own > size)
        own = size;
    if (own > sizeof own)
        memcpy((char *)to + sizeof own, (const char *)from + sizeof own, own - sizeof own);
}

migrate_status mig_my_enter(struct mig_my *c, migrate_error **err)
{
    if (c->lost)
        return mig_my_refuse(c->host, err, 0, MIGRATE_FAULT_CONN_LOST, "the connection is lost", NULL);
    c->cancel = (struct mig_my_cancel){ 0 };
    c->watch = (struct mig_my_watch){ 0 };
    c->trips = 0;
    return MIGRATE_OK;
}
