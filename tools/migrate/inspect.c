/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

static migrate_status give(struct cli *cli, const migrate_report *report,
                           void (*print)(const migrate_report *), migrate_status s, migrate_error **err)
{
    migrate_status written = MIGRATE_OK;
    if (!report)
        return s;
    if (cli_has(cli, FLAG_JSON))
        written = cli_json_report(cli, report, s == MIGRATE_OK ? err : NULL);
    else
        print(report);
    return s != MIGRATE_OK ? s : written;
}

migrate_status cli_status(struct cli *cli, migrate_error **err)
{
    migrate_report *report = NULL;
    migrate_status s = migrate_inspect(cli->ctx, &report, err);
    s = give(cli, report, cli_print_status, s, err);
    if (s == MIGRATE_OK && cli_has(cli, FLAG_CHECK))
        cli->unhappy = migrate_report_state(report) != MIGRATE_STATE_CURRENT;
    migrate_report_free(report);
    return s;
}

migrate_status cli_verify(struct cli *cli, migrate_error **err)
{
    migrate_report *report = NULL;
    migrate_status s = migrate_verify(cli->ctx, &report, err);
    s = give(cli, report, cli_print_verify, s, err);
    migrate_report_free(report);
    return s;
}
