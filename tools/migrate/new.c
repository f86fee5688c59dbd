/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli.h"

/* Paths as the shell takes them: below the directory that was given. */
static void print_created(const struct cli *cli, const migrate_report *report)
{
    size_t len = strlen(cli->source);
    const char *slash = len && cli->source[len - 1] == '/' ? "" : "/";
    for (size_t i = 0; i < migrate_report_count(report); i++) {
        const char *path = migrate_item_path(migrate_report_item(report, i));
        if (path)
            cli_out("%s%s%s\n", cli->source, slash, path);
    }
}

migrate_status cli_new(struct cli *cli, migrate_error **err)
{
    migrate_report *report = NULL;
    uint32_t flags = cli_has(cli, FLAG_PAIR) ? MIGRATE_CREATE_PAIR : 0;
    migrate_status s = migrate_create(cli->ctx, cli->args[0], flags, &report, err);
    if (s == MIGRATE_OK && cli_has(cli, FLAG_JSON))
        s = cli_json_report(cli, report, err);
    else if (s == MIGRATE_OK)
        print_created(cli, report);
    migrate_report_free(report);
    return s;
}
