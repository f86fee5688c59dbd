/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#include "cli.h"

/* The only mutable static data of the program: a signal handler has no other way to the context. The pointer
 * is published before the handlers are installed and withdrawn before the context is freed. */
static _Atomic(migrate_ctx *) the_context;
static atomic_int received;

static void on_signal(int number)
{
    int saved = errno;
    migrate_ctx *ctx = atomic_load(&the_context);
    (void)number;
    if (ctx) {
        if (atomic_fetch_add(&received, 1) == 0)
            migrate_ctx_stop(ctx);
        else
            migrate_ctx_cancel(ctx);
    }
    errno = saved;
}

static void install(int number)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

void cli_signals_install(migrate_ctx *ctx)
{
    struct sigaction old;
    atomic_store(&the_context, ctx);
    install(SIGINT);
    install(SIGTERM);
    if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN) /* nohup ignores it */
        install(SIGHUP);
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away must not end a run in the middle */
}

void cli_signals_withdraw(void)
{
    atomic_store(&the_context, NULL);
}
