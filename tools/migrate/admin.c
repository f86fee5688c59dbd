/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"
#include "fail.h"

/* Commands whose result for people is the report's own text. */
static migrate_status give(struct cli *cli, migrate_report *report, migrate_status s, migrate_error **err)
{
    migrate_status written = MIGRATE_OK;
    cli_progress_clear(cli->progress);
    if (report && cli_has(cli, FLAG_JSON))
        written = cli_json_report(cli, report, s == MIGRATE_OK ? err : NULL);
    else if (report && s == MIGRATE_OK)
        cli_out_text(migrate_report_text(report));
    migrate_report_free(report);
    return s != MIGRATE_OK ? s : written;
}

migrate_status cli_check_init(const struct cli *cli, migrate_error **err)
{
    if (cli_has(cli, FLAG_DIALECT) && !cli_has(cli, FLAG_SQL))
        return cli_fail_usage(err, cli->command,
                              "--dialect is for --sql: without a database nothing can be created");
    return MIGRATE_OK;
}

migrate_status cli_init(struct cli *cli, migrate_error **err)
{
    migrate_report *report = NULL;
    uint32_t flags = cli_has(cli, FLAG_SQL) ? MIGRATE_INIT_SQL : 0;
    migrate_status s = migrate_init(cli->ctx, flags, &report, err);
    return give(cli, report, s, err);
}

static void print_baseline(const migrate_report *report)
{
    size_t n = migrate_report_count(report);
    if (n)
        cli_out("%zu migration%s recorded as applied, none was run", n, cli_plural(n));
    else
        cli_out("nothing to do");
    cli_out("; the database is at %s\n", migrate_report_version(report));
}

migrate_status cli_baseline(struct cli *cli, migrate_error **err)
{
    migrate_report *report = NULL;
    migrate_status s = migrate_baseline(cli->ctx, cli->args[0], &report, err);
    if (s == MIGRATE_OK && !cli_has(cli, FLAG_JSON)) {
        print_baseline(report);
        migrate_report_free(report);
        return s;
    }
    return give(cli, report, s, err);
}

migrate_status cli_check_resolve(const struct cli *cli, migrate_error **err)
{
    if (cli_has(cli, FLAG_APPLIED) == cli_has(cli, FLAG_NOT_APPLIED))
        return cli_fail_usage(err, cli->command, "say one of --applied and --not-applied");
    return MIGRATE_OK;
}

migrate_status cli_resolve(struct cli *cli, migrate_error **err)
{
    migrate_report *report = NULL;
    migrate_status s;
    uint32_t flags = cli_has(cli, FLAG_ALL) ? MIGRATE_RESOLVE_ALL : 0;
    flags |= cli_has(cli, FLAG_APPLIED) ? MIGRATE_RESOLVE_APPLIED : MIGRATE_RESOLVE_NOT_APPLIED;
    s = migrate_resolve(cli->ctx, cli->args[0], flags, &report, err);
    return give(cli, report, s, err);
}

migrate_status cli_lock(struct cli *cli, migrate_error **err)
{
    migrate_report *seen = NULL, *report = NULL;
    migrate_status s = migrate_lock_inspect(cli->ctx, &seen, err);
    if (s != MIGRATE_OK || !cli_has(cli, FLAG_BREAK))
        return give(cli, seen, s, err);
    s = migrate_lock_break(cli->ctx, seen, &report, err); /* only the holder that was seen */
    migrate_report_free(seen);
    return give(cli, report, s, err);
}

migrate_status cli_wait(struct cli *cli, migrate_error **err)
{
    migrate_report *report = NULL;
    migrate_status s = MIGRATE_OK;
    if (cli_has(cli, FLAG_TIMEOUT))
        s = migrate_ctx_set(cli->ctx, MIGRATE_OPT_WAIT_TIMEOUT, cli->value[FLAG_TIMEOUT], err);
    if (s == MIGRATE_OK)
        s = migrate_wait(cli->ctx, cli->url, &report, err);
    return give(cli, report, s, err);
}

migrate_status cli_hash(struct cli *cli, migrate_error **err)
{
    migrate_report *report = NULL;
    migrate_status s = migrate_hash(cli->ctx, &report, err);
    return give(cli, report, s, err);
}
