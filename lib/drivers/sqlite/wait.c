/* SPDX-License-Identifier: Apache-2.0 */

/* Waiting and being interrupted. SQLite runs in our thread: it calls us while it computes (progress
 * handler) and while another connection has the lock (busy handler), and we ask the host whether to go
 * on. SQLite's own busy timeout is never used: nothing could end it early. */

#include "conn.h"

#include "util/clock.h"

#include <poll.h>
#include <time.h>

#define TICK_EVERY_MS 100 /* the contract says 250 at most */
#define POLL_EVERY_MS 10
#define PROGRESS_OPS 1000 /* some 20 microseconds of computing */
#define LOCK_TIMEOUT_DEFAULT_MS 2000

const char *mig_sqlite_option(const migrate_host *host, const char *key)
{
    return MIGRATE_HAS(migrate_host, host, option) && host->option ? host->option(host, key) : NULL;
}

static migrate_status tick(struct mig_sqlite *c)
{
    const migrate_host *host = c->host;
    c->last_tick = mig_clock_mono_ms();
    c->stop = MIGRATE_HAS(migrate_host, host, tick) && host->tick ? host->tick(host) : MIGRATE_OK;
    return c->stop;
}

static bool cancel_pending(const struct mig_sqlite *c, int timeout_ms)
{
    const migrate_host *host = c->host;
    int32_t fd = MIGRATE_HAS(migrate_host, host, cancel_fd) && host->cancel_fd ? host->cancel_fd(host) : -1;
    if (fd < 0) {
        if (timeout_ms > 0) {
            struct timespec ts = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };
            nanosleep(&ts, NULL);
        }
        return false;
    }
    struct pollfd p = { .fd = fd, .events = POLLIN };
    return poll(&p, 1, timeout_ms) > 0;
}

static migrate_status wait_ms(struct mig_sqlite *c, uint32_t ms)
{
    const migrate_host *host = c->host;
    if (MIGRATE_HAS(migrate_host, host, sleep) && host->sleep) {
        c->last_tick = mig_clock_mono_ms();
        c->stop = host->sleep(host, ms);
        return c->stop;
    }
    cancel_pending(c, (int)ms);
    return tick(c);
}

void mig_sqlite_enter(struct mig_sqlite *c)
{
    c->stop = MIGRATE_OK;
    c->last_tick = c->last_poll = mig_clock_mono_ms();
    c->wait_since = 0;
    c->waited = 0;
    c->wait_turn = 0;
}

/* 0: wait until the host says stop. Asked anew each time: the value may belong to one migration. */
static int64_t lock_timeout_ms(const struct mig_sqlite *c)
{
    const char *text = mig_sqlite_option(c->host, "lock_timeout");
    int64_t ms;
    return text && mig_duration_parse(text, &ms) ? ms : LOCK_TIMEOUT_DEFAULT_MS;
}

bool mig_sqlite_wait_turn(struct mig_sqlite *c)
{
    static const uint8_t delays[] = { 1, 2, 5, 10, 15, 20, 25, 25, 50, 50, 100 };
    size_t last = sizeof(delays) / sizeof(delays[0]) - 1;
    int64_t now = mig_clock_mono_ms();
    if (!c->wait_since) {
        c->wait_since = now;
    }
    /* The host's clock may not be ours: count what was asked for as well as what has passed. */
    int64_t passed = now - c->wait_since > c->waited ? now - c->wait_since : c->waited;
    int64_t limit = lock_timeout_ms(c);
    int64_t delay = delays[c->wait_turn < last ? c->wait_turn : last];
    if (limit > 0 && passed >= limit) {
        return false;
    }
    if (limit > 0 && delay > limit - passed) {
        delay = limit - passed;
    }
    c->wait_turn++;
    c->waited += delay;
    return wait_ms(c, (uint32_t)delay) == MIGRATE_OK;
}

static int on_busy(void *user, int turn)
{
    (void)turn;
    return mig_sqlite_wait_turn(user);
}

static int on_progress(void *user)
{
    struct mig_sqlite *c = user;
    int64_t now = mig_clock_mono_ms();
    if (now - c->last_tick >= TICK_EVERY_MS) {
        return tick(c) != MIGRATE_OK;
    }
    if (now - c->last_poll >= POLL_EVERY_MS) {
        c->last_poll = now;
        return cancel_pending(c, 0) && tick(c) != MIGRATE_OK;
    }
    return 0;
}

int mig_sqlite_busy_timeout(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    int ms = 0;
    if (sqlite3_prepare_v2(db, "PRAGMA busy_timeout", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW) {
        ms = sqlite3_column_int(stmt, 0);
    }
    sqlite3_finalize(stmt);
    return ms;
}

void mig_sqlite_install_handlers(struct mig_sqlite *c)
{
    sqlite3_progress_handler(c->db, PROGRESS_OPS, on_progress, c);
    /* An adopted connection may have a busy handler of its own, which stays; a timeout does not. */
    if (!c->our_busy_handler && mig_sqlite_busy_timeout(c->db) > 0) {
        c->our_busy_handler = true;
    }
    if (c->our_busy_handler) {
        sqlite3_busy_handler(c->db, on_busy, c);
    }
}
