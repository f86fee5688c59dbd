/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli.h"
#include "fail.h"
#include "help.h"

/* "-d, --database URL". */
static void flag_head(const struct cli_flag *flag, char *buf, size_t cap)
{
    char letter[5] = "    ";
    if (flag->letter)
        snprintf(letter, sizeof letter, "-%c, ", flag->letter);
    snprintf(buf, cap, "%s--%s%s%s", letter, flag->name, flag->value ? " " : "",
             flag->value ? flag->value : "");
}

static void print_flags(uint32_t which, bool global)
{
    char head[64];
    for (int i = 0; i < FLAG_COUNT; i++) {
        const struct cli_flag *flag = &cli_flags[i];
        if (flag->hidden || (global ? !flag->global : !(which & FLAG_BIT(i))))
            continue;
        flag_head(flag, head, sizeof head);
        cli_out("  %-24s %s\n", head, flag->summary);
    }
}

static void print_overview(void)
{
    cli_out("migrate [-d URL] [-s DIR] [-o KEY=VALUE]... [--json] [-q|-v] COMMAND [ARGUMENTS]\n\n");
    print_flags(0, true);
    cli_out("\n");
    for (const struct cli_command *c = cli_commands; c->name; c++)
        cli_out("  %-11s %s\n", c->name, c->summary);
    cli_out(
        "\n`migrate help COMMAND` says more, `migrate help options` lists the options.\n"
        "Exit code: 0 done, 1 usage, 2 this process, 3 migrations, 4 history and files disagree, 5 lock,\n"
        "6 database, 7 stopped with work left, 9 a bug.\n");
}

static void print_command(const struct cli_command *c)
{
    cli_out("migrate %s%s%s\n\n", c->name, *c->arguments ? " " : "", c->arguments);
    if (*c->text)
        cli_out("%s\n", c->text);
    else
        cli_out("%s\n", c->summary);
    if (c->flags) {
        cli_out("\n");
        print_flags(c->flags, false);
    }
    cli_out("\nand the options of every command (`migrate help`).\n");
}

static void print_option(const migrate_option *row)
{
    const char *key = migrate_option_key(row), *preset = migrate_option_default(row);
    const char *values = migrate_option_values(row);
    bool prefix = *key && key[strlen(key) - 1] == '.';
    cli_out("  %s%s=%s", key, prefix ? "NAME" : "", *values ? values : migrate_option_type(row));
    if (preset && *preset)
        cli_out("   (%s)", preset);
    cli_out("\n      %s\n", migrate_option_doc(row));
}

static void print_options(void)
{
    const migrate_option *row;
    cli_out("Options: -o KEY=VALUE, or $MIGRATE_<KEY> (placeholder.NAME is MIGRATE_PLACEHOLDER__NAME).\n"
            "Durations are 500ms, 2s, 5m, 0; lists are separated by commas. In brackets what holds "
            "otherwise.\n\n");
    for (size_t i = 0; (row = migrate_option_at(i)); i++)
        print_option(row);
}

migrate_status cli_help(struct cli *cli, migrate_error **err)
{
    const char *topic = cli->n_args ? cli->args[0] : NULL;
    const struct cli_command *command = topic ? cli_command_find(topic) : NULL;
    if (topic && !command && strcmp(topic, "options") != 0)
        return cli_fail(err, MIGRATE_E_ARGUMENT, "`migrate help` lists the commands", "no help on `%s`",
                        topic);
    if (cli_has(cli, FLAG_OPTIONS_MARKDOWN))
        cli_options_markdown();
    else if (cli_has(cli, FLAG_JSON))
        cli_help_json(cli);
    else if (command)
        print_command(command);
    else if (topic)
        print_options();
    else
        print_overview();
    return MIGRATE_OK;
}
