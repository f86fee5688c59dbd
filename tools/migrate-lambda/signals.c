/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "bootstrap.h"

/* A handler has no other way to tell. */
static volatile sig_atomic_t received;

static void on_signal(int number)
{
    (void)number;
    received = 1;
}

static void endings(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
}

void boot_signals_init(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigset_t set;
    endings(&set);
    (void)sigprocmask(SIG_BLOCK, &set, NULL); /* threads inherit it: the main one alone is ever told */
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

bool boot_signalled(void)
{
    return received != 0;
}

int boot_wait(int fd, short events, int64_t ms)
{
    struct pollfd poll = { .fd = fd, .events = events };
    struct timespec limit = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
    sigset_t mask;
    (void)sigprocmask(SIG_BLOCK, NULL, &mask);
    (void)sigdelset(&mask, SIGTERM);
    (void)sigdelset(&mask, SIGINT);
    int n = ppoll(&poll, 1, ms < 0 ? NULL : &limit, &mask);
    if (n < 0)
        return -1;
    return n > 0;
}
