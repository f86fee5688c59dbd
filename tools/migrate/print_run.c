/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

void cli_print_ended(const migrate_event *event)
{
    const migrate_item *item = migrate_event_item(event);
    char label[256], time[32];
    if (!item || migrate_event_status(event) != MIGRATE_OK)
        return; /* why it failed is told as the error */
    cli_out("%-8s  %s  (%s)\n",
            migrate_item_direction(item) == MIGRATE_DIRECTION_DOWN ? "reverted" : "applied",
            cli_label(item, label, sizeof label),
            cli_duration(migrate_event_elapsed_ms(event), time, sizeof time));
    fflush(stdout); /* a pipeline's log shows it when it happens */
}

static void print_counts(uint64_t applied, uint64_t reverted)
{
    if (reverted)
        cli_out("%llu migration%s reverted", (unsigned long long)reverted, cli_plural(reverted));
    if (reverted && applied)
        cli_out(", ");
    if (applied)
        cli_out("%llu%s%s applied", (unsigned long long)applied, reverted ? "" : " migration",
                reverted ? "" : cli_plural(applied));
}

void cli_print_run(const migrate_report *report)
{
    uint64_t applied = migrate_report_applied(report), reverted = migrate_report_reverted(report);
    uint64_t pending = migrate_report_pending(report);
    const char *version = migrate_report_version(report);
    char time[32];
    if (applied || reverted) {
        print_counts(applied, reverted);
        cli_out(" in %s", cli_duration(migrate_report_elapsed_ms(report), time, sizeof time));
    } else {
        cli_out("nothing to do");
    }
    if (*version)
        cli_out("; the database is at %s", version);
    else
        cli_out("; nothing is applied");
    if (pending)
        cli_out(", %llu pending", (unsigned long long)pending);
    putchar('\n');
}
