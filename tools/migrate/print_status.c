/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli.h"

static const char *const heads[] = { "VERSION", "NAME", "STATE", "STATEMENTS", "APPLIED AT", "TIME" };

static const char *statements(const migrate_item *item, char *buf, size_t cap)
{
    uint64_t total = migrate_item_statements(item), done = migrate_item_done(item);
    uint32_t state = migrate_item_state(item);
    if (total == UINT64_MAX)
        return "";
    if (state == MIGRATE_STATE_FAILED || state == MIGRATE_STATE_DOUBT)
        snprintf(buf, cap, "%llu of %llu", (unsigned long long)done, (unsigned long long)total);
    else
        snprintf(buf, cap, "%llu", (unsigned long long)total);
    return buf;
}

static const char *status_cell(const migrate_item *item, size_t row, unsigned column, char *buf, size_t cap)
{
    (void)row;
    bool applied = migrate_item_applied_at_ms(item) > 0;
    switch (column) {
    case 0:
        return migrate_item_kind(item) == MIGRATE_KIND_REPEATABLE ? "R" : migrate_item_version(item);
    case 1:
        return migrate_item_name(item);
    case 2:
        return migrate_state_name(migrate_item_state(item));
    case 3:
        return statements(item, buf, cap);
    case 4:
        return cli_instant(migrate_item_applied_at_ms(item), buf, cap);
    default:
        return applied ? cli_duration(migrate_item_elapsed_ms(item), buf, cap) : "";
    }
}

static migrate_status each_item(const void *report, migrate_item_fn fn, void *user)
{
    return migrate_report_each(report, fn, user);
}

/* Notes are several lines: below the table, each under its migration. */
static migrate_status print_note(void *user, const migrate_item *item)
{
    char label[256];
    const char *note = migrate_item_note(item);
    (void)user;
    if (note && *note)
        cli_out("\n%s (%s):\n%s\n", cli_label(item, label, sizeof label),
                migrate_state_name(migrate_item_state(item)), note);
    return MIGRATE_OK;
}

static void print_state(const migrate_report *report)
{
    uint64_t pending = migrate_report_pending(report);
    const char *version = migrate_report_version(report);
    cli_out("state    %s", migrate_state_name(migrate_report_state(report)));
    if (pending)
        cli_out(", %llu pending", (unsigned long long)pending);
    cli_out("\nversion  %s\n", *version ? version : "none");
}

void cli_print_status(const migrate_report *report)
{
    print_state(report);
    if (!migrate_report_count(report))
        return;
    putchar('\n');
    cli_table(heads, sizeof heads / sizeof *heads, status_cell, each_item, report);
    (void)!migrate_report_each(report, print_note, NULL);
}

static bool sound(const migrate_item *item)
{
    switch (migrate_item_state(item)) {
    case MIGRATE_STATE_CHANGED:
    case MIGRATE_STATE_MISSING:
    case MIGRATE_STATE_FAILED:
    case MIGRATE_STATE_DOUBT:
        return false;
    default:
        return true;
    }
}

static migrate_status print_finding(void *user, const migrate_item *item)
{
    size_t *findings = user;
    char label[256];
    const char *note = migrate_item_note(item);
    if (sound(item))
        return MIGRATE_OK;
    (*findings)++;
    cli_out("%-8s %s\n", migrate_state_name(migrate_item_state(item)), cli_label(item, label, sizeof label));
    if (note && *note)
        cli_out("%s\n", note);
    return MIGRATE_OK;
}

void cli_print_verify(const migrate_report *report)
{
    size_t findings = 0;
    print_state(report);
    (void)!migrate_report_each(report, print_finding, &findings);
    if (!findings && migrate_report_state(report) != MIGRATE_STATE_DRIFT)
        cli_out("what is applied is as its files say\n");
}
