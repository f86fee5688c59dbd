/* SPDX-License-Identifier: Apache-2.0 */

/* Runs `up` (or `down --all`) and kills itself with SIGKILL at event number N: the boundaries of statements, migrations,
 * lock and connection, one by one.
 *
 *   kill_at URL SOURCE N [up|down] [KEY=VALUE]...      N 0: never. Exit code: the status' class. */

#include <migrate/drivers.h>
#include <migrate/migrate.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned long kill_at, events;

static migrate_status on_event(void *user, const migrate_event *event)
{
    (void)user;
    if (migrate_event_type(event) == MIGRATE_EVENT_TICK)
        return MIGRATE_OK;
    if (++events == kill_at)
        kill(getpid(), SIGKILL);
    return MIGRATE_OK;
}

static int fail(migrate_error *err)
{
    fprintf(stderr, "%s\n", migrate_error_text(err));
    int class = MIGRATE_STATUS_CLASS(migrate_error_status(err));
    migrate_error_free(err);
    return class;
}

static migrate_status add_drivers(migrate_ctx *ctx, migrate_error **err)
{
    migrate_status status = MIGRATE_OK;
#ifdef HAVE_SQLITE
    if (!status)
        status = migrate_ctx_add_driver(ctx, migrate_sqlite_driver(), err);
#endif
#ifdef HAVE_POSTGRES
    if (!status)
        status = migrate_ctx_add_driver(ctx, migrate_postgres_driver(), err);
#endif
#ifdef HAVE_MYSQL
    if (!status)
        status = migrate_ctx_add_driver(ctx, migrate_mysql_driver(), err);
#endif
    return status;
}

static migrate_status set_options(migrate_ctx *ctx, int argc, char **argv, migrate_error **err)
{
    for (int i = 5; i < argc; i++) {
        char *eq = strchr(argv[i], '=');
        if (!eq)
            continue;
        *eq = '\0';
        migrate_status status = migrate_ctx_set(ctx, argv[i], eq + 1, err);
        if (status)
            return status;
    }
    return MIGRATE_OK;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: kill_at URL SOURCE N [up|down] [KEY=VALUE]...\n");
        return 1;
    }
    migrate_ctx *ctx = NULL;
    migrate_error *err = NULL;
    kill_at = strtoul(argv[3], NULL, 10);
    migrate_run_options options = MIGRATE_RUN_OPTIONS_INIT;
    if (argc > 4 && strcmp(argv[4], "down") == 0) {
        options.direction = MIGRATE_DIRECTION_DOWN;
        options.flags = MIGRATE_RUN_ALL;
    }
    if (migrate_ctx_new(&ctx, &err) || add_drivers(ctx, &err) || set_options(ctx, argc, argv, &err))
        return fail(err);
    migrate_ctx_on_event(ctx, on_event, NULL, NULL);
    if (migrate_ctx_use_dir(ctx, argv[2], &err) || migrate_ctx_open(ctx, argv[1], &err) ||
        migrate_run(ctx, &options, NULL, &err)) {
        migrate_ctx_free(ctx);
        return fail(err);
    }
    printf("%lu\n", events);
    migrate_ctx_free(ctx);
    return 0;
}
