/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fail.h"

static migrate_status read_steps(const char *text, uint64_t *out, migrate_error **err)
{
    char *end;
    unsigned long long n;
    errno = 0;
    n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || n == 0)
        return cli_fail(err, MIGRATE_E_ARGUMENT, "write a number from 1",
                        "--steps %s is no number of migrations", text);
    *out = n;
    return MIGRATE_OK;
}

migrate_status cli_run_options(const struct cli *cli, uint32_t direction, migrate_run_options *out,
                               migrate_error **err)
{
    migrate_run_options options = MIGRATE_RUN_OPTIONS_INIT;
    int said = cli_has(cli, FLAG_TO) + cli_has(cli, FLAG_STEPS) + cli_has(cli, FLAG_ALL);
    options.direction = direction;
    if (said > 1)
        return cli_fail_usage(err, cli->command, "only one of --to, --steps and --all can be given");
    if (cli_has(cli, FLAG_TO)) {
        options.target = cli->value[FLAG_TO];
        if (!*options.target)
            return cli_fail_usage(err, cli->command, "--to needs a version");
    }
    if (cli_has(cli, FLAG_STEPS)) {
        migrate_status s = read_steps(cli->value[FLAG_STEPS], &options.steps, err);
        if (s != MIGRATE_OK)
            return s;
    }
    if (cli_has(cli, FLAG_ALL) && direction != MIGRATE_DIRECTION_UP) /* up is all anyway */
        options.flags |= MIGRATE_RUN_ALL;
    *out = options;
    return MIGRATE_OK;
}

migrate_status cli_check_select(const struct cli *cli, migrate_error **err)
{
    migrate_run_options options;
    return cli_run_options(cli, MIGRATE_DIRECTION_UP, &options, err);
}

/* The report goes out also when the run failed: it says how far it got. */
static migrate_status give(struct cli *cli, const migrate_report *report, migrate_status s,
                           migrate_error **err)
{
    migrate_status written = MIGRATE_OK;
    if (!report)
        return s;
    if (cli_has(cli, FLAG_JSON))
        written = cli_json_report(cli, report, s == MIGRATE_OK ? err : NULL);
    else if (s == MIGRATE_OK)
        cli_print_run(report);
    return s != MIGRATE_OK ? s : written;
}

static migrate_status run(struct cli *cli, uint32_t direction, migrate_error **err)
{
    migrate_report *report = NULL;
    migrate_run_options options;
    migrate_status s = cli_run_options(cli, direction, &options, err);
    if (s != MIGRATE_OK)
        return s;
    cli->stream_items = !cli_has(cli, FLAG_JSON);
    s = migrate_run(cli->ctx, &options, &report, err);
    cli_progress_clear(cli->progress);
    s = give(cli, report, s, err);
    migrate_report_free(report);
    return s;
}

migrate_status cli_up(struct cli *cli, migrate_error **err)
{
    return run(cli, MIGRATE_DIRECTION_UP, err);
}

migrate_status cli_down(struct cli *cli, migrate_error **err)
{
    return run(cli, MIGRATE_DIRECTION_DOWN, err);
}

migrate_status cli_redo(struct cli *cli, migrate_error **err)
{
    return run(cli, MIGRATE_DIRECTION_REDO, err);
}
