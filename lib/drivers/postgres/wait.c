/* SPDX-License-Identifier: Apache-2.0 */

/* Waiting: one poll loop over the socket, the host's cancel descriptor and the clock. */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "pg.h"
#include "util/clock.h"

/* ---- the host's services, whatever its size ---- */

static const char *option(const migrate_host *host, const char *key)
{
    return MIGRATE_HAS(migrate_host, host, option) && host->option ? host->option(host, key) : NULL;
}

const char *mig_pg_option(const migrate_host *host, const char *key)
{
    const char *value = option(host, key);
    for (size_t i = 0; !value && mig_pg_option_keys[i]; i++) {
        char full[40];
        snprintf(full, sizeof full, "postgres.%s", mig_pg_option_keys[i]);
        if (strcmp(mig_pg_option_keys[i], key) == 0)
            value = option(host, full);
    }
    return value;
}

int64_t mig_pg_option_ms(const migrate_host *host, const char *key, int64_t otherwise)
{
    const char *text = mig_pg_option(host, key);
    int64_t ms;
    return text && mig_duration_parse(text, &ms) ? ms : otherwise;
}

int64_t mig_pg_remaining(const migrate_host *host)
{
    return MIGRATE_HAS(migrate_host, host, remaining_ms) && host->remaining_ms ? host->remaining_ms(host)
                                                                               : INT64_MAX;
}

void mig_pg_log(const migrate_host *host, uint32_t level, const char *text)
{
    if (MIGRATE_HAS(migrate_host, host, log) && host->log)
        host->log(host, level, text);
}

static int cancel_descriptor(const struct mig_pg *c, int64_t now)
{
    const migrate_host *host = c->host;
    if (c->stop || now < c->cancel_fd_muted || !MIGRATE_HAS(migrate_host, host, cancel_fd) ||
        !host->cancel_fd)
        return -1;
    return host->cancel_fd(host);
}

/* ---- ticks ---- */

void mig_pg_enter(struct mig_pg *c)
{
    c->stop = MIGRATE_OK;
    c->stop_since = 0;
    c->started = c->answered = c->last_tick = mig_clock_mono_ms();
    c->rounds = 0;
    c->sent = false;
    c->quiet = false;
    c->patience = 0;
}

void mig_pg_tick(struct mig_pg *c, bool asked)
{
    int64_t now = mig_clock_mono_ms();
    if (!asked && now - c->last_tick < MIG_PG_TICK_MS)
        return;
    c->last_tick = now;
    const migrate_host *host = c->host;
    migrate_status status =
        MIGRATE_HAS(migrate_host, host, tick) && host->tick ? host->tick(host) : MIGRATE_OK;
    if (asked && !status) /* a stale signal: do not spin on it */
        c->cancel_fd_muted = now + MIG_PG_TICK_MS;
    if (status && !c->stop) {
        c->stop = status;
        c->stop_since = now;
    }
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void mig_pg_poll(struct mig_pg *c, struct pollfd *fds, nfds_t n, int64_t max_ms)
{
    int64_t now = mig_clock_mono_ms();
    struct pollfd all[4];
    for (nfds_t i = 0; i < n; i++)
        all[i] = fds[i];
    all[n] = (struct pollfd){ .fd = cancel_descriptor(c, now), .events = POLLIN };
    int64_t ms = least(max_ms, c->last_tick + MIG_PG_TICK_MS - now);
    if (!c->stop)
        ms = least(ms, mig_pg_remaining(c->host));
    int ready = poll(all, n + 1, ms > 0 ? (int)ms : 0);
    for (nfds_t i = 0; i < n; i++)
        fds[i].revents = ready > 0 ? all[i].revents : 0;
    bool asked = ready > 0 && all[n].revents;
    if (!asked && !c->stop && mig_pg_remaining(c->host) <= 0)
        asked = mig_clock_mono_ms() >= c->cancel_fd_muted;
    mig_pg_tick(c, asked);
}

/* ---- moving bytes ---- */

/* Ends a connection whose server does not answer a cancel. The descriptor stays libpq's. */
static void give_up(struct mig_pg *c)
{
    if (PQsocket(c->pg) >= 0)
        shutdown(PQsocket(c->pg), SHUT_RDWR);
    c->dead = true;
}

/* false: its time is over. */
static bool stop_step(struct mig_pg *c)
{
    int64_t now = mig_clock_mono_ms();
    bool over = c->stop && now - c->stop_since > MIG_PG_GRACE_MS;
    over |= c->patience && now - c->started > c->patience;
    if (over)
        give_up(c);
    else if (c->stop)
        mig_pg_cancel_step(c);
    return !over;
}

bool mig_pg_pump(struct mig_pg *c)
{
    if (c->dead || !stop_step(c))
        return false;
    int unsent = PQflush(c->pg);
    struct pollfd fds[3] = { { .fd = PQsocket(c->pg), .events = POLLIN } };
    if (fds[0].fd < 0)
        return false;
    if (unsent > 0)
        fds[0].events |= POLLOUT;
    fds[1].fd = mig_pg_cancel_poll(c, &fds[1].events);
    if (c->sent) {
        c->rounds++;
        c->sent = false;
    }
    fds[2].fd = mig_pg_watch_poll(c, &fds[2].events);
    mig_pg_poll(c, fds, 3, MIG_PG_TICK_MS);
    if (!c->stop)
        mig_pg_watch_step(c, mig_clock_mono_ms(), fds[2].revents != 0);
    if (fds[0].revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL))
        return PQconsumeInput(c->pg) == 1;
    return true;
}

bool mig_pg_settle(struct mig_pg *c)
{
    for (;;) {
        int unsent = PQflush(c->pg);
        if (unsent == 0)
            return true;
        if (unsent < 0 || !mig_pg_pump(c))
            return false;
    }
}
