/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CONFORMANCE_HOST_H
#define MIG_CONFORMANCE_HOST_H

/* The host that code under test is given: it does as told, and writes down how it was used. */

#include <migrate/driver.h>

#include <pthread.h>
#include <stdbool.h>

#define CF_TEXT 400

struct mig_cf_host {
    migrate_host vt;
    const char *options;     /* "key=value" lines */
    const char *driver_name; /* options "<name>.key" must be in the driver's table; or NULL */
    const char *const *driver_options;
    const char *password; /* must not be logged; "" none */
    char value[CF_TEXT];  /* of the option asked for last */

    /* What tick() answers. */
    _Atomic int64_t stop_at; /* monotonic ms; 0 never */
    _Atomic migrate_status stop_status;
    void (*on_tick)(void *user); /* or NULL */
    void *on_tick_user;
    int pipe[2];                 /* cancel_fd; -1 none */
    _Atomic int64_t readable_at; /* when the pipe was written to, 0 not yet */

    /* The call under way. */
    bool inside;
    pthread_t thread;
    int64_t entered_at, last_tick, longest_gap;
    int64_t noticed_after; /* ms from readable pipe to the next tick; -1 not seen */
    uint32_t ticks;

    /* What was said. */
    uint32_t fails, notices, logs;
    migrate_status failed_with;
    migrate_fault fault; /* with its strings in the buffers below */
    char message[CF_TEXT], hint[CF_TEXT], detail[CF_TEXT], object[CF_TEXT], sqlstate[8];
    char notice[CF_TEXT];
    uint32_t asked_credentials, released_credentials, first_reason;
    bool refuse_credentials;

    char breach[CF_TEXT]; /* the first rule of driver.h that was broken, "" none */
};

/* @p size: how long the host says it is, sizeof(migrate_host) or shorter; members beyond it are traps. */
bool mig_cf_host_init(struct mig_cf_host *h, const char *options, size_t size);
void mig_cf_host_done(struct mig_cf_host *h);
/* Around each call of what is under test. */
void mig_cf_enter(struct mig_cf_host *h);
void mig_cf_leave(struct mig_cf_host *h);
void mig_cf_breach(struct mig_cf_host *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* tick() answers @p status from @p ms after now on. */
void mig_cf_stop_after(struct mig_cf_host *h, uint32_t ms, migrate_status status);
/* cancel_fd() becomes readable; may be called by another thread. */
void mig_cf_make_readable(struct mig_cf_host *h);

#endif
