/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

static const char *const heads[] = { "",           "VERSION", "NAME", "DIRECTION", "TRANSACTION",
                                     "STATEMENTS", "REMARKS" };

static const char *remarks(uint32_t flags)
{
    bool destructive = flags & MIGRATE_ITEM_DESTRUCTIVE, doubt = flags & MIGRATE_ITEM_MAY_DOUBT;
    if (destructive && doubt)
        return "destructive, may end in doubt";
    if (destructive)
        return "destructive";
    if (doubt)
        return "may end in doubt";
    return flags & MIGRATE_ITEM_CODE ? "code" : "";
}

static const char *count(uint64_t n, char *buf, size_t cap)
{
    if (n == UINT64_MAX)
        return "";
    snprintf(buf, cap, "%llu", (unsigned long long)n);
    return buf;
}

static const char *step_cell(const migrate_item *item, unsigned column, char *buf, size_t cap)
{
    switch (column) {
    case 1:
        return migrate_item_kind(item) == MIGRATE_KIND_REPEATABLE ? "R" : migrate_item_version(item);
    case 2:
        return migrate_item_name(item);
    case 3:
        return migrate_item_direction(item) == MIGRATE_DIRECTION_DOWN ? "down" : "up";
    case 4:
        return migrate_item_flags(item) & MIGRATE_ITEM_TRANSACTION ? "yes" : "no";
    case 5:
        return count(migrate_item_statements(item), buf, cap);
    default:
        return remarks(migrate_item_flags(item));
    }
}

static const char *plan_cell(const migrate_item *item, size_t row, unsigned column, char *buf, size_t cap)
{
    if (column)
        return step_cell(item, column, buf, cap);
    snprintf(buf, cap, "%zu", row + 1);
    return buf;
}

static migrate_status each_step(const void *plan, migrate_item_fn fn, void *user)
{
    migrate_status status = MIGRATE_OK;
    for (size_t i = 0; !status && i < migrate_plan_count(plan); i++)
        status = fn(user, migrate_plan_step(plan, i));
    return status;
}

void cli_print_plan(const migrate_plan *plan)
{
    size_t n = migrate_plan_count(plan);
    char label[256];
    if (!n) {
        cli_out("nothing to do\n");
        return;
    }
    cli_table(heads, sizeof heads / sizeof *heads, plan_cell, each_step, plan);
    for (size_t i = 0; i < n; i++) {
        const migrate_item *item = migrate_plan_step(plan, i);
        const char *note = migrate_item_note(item);
        if (note && *note)
            cli_out("\n%s:\n%s\n", cli_label(item, label, sizeof label), note);
    }
}
