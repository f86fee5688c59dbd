/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli.h"
#include "help.h"

/* The tables in forms that other programs read. */

static void member(const char *key, const char *text, bool more)
{
    cli_out("\"%s\":", key);
    if (text)
        cli_json_string(stdout, text);
    else
        cli_out("null");
    cli_out(more ? "," : "}");
}

static void flags_json(uint32_t which, bool global)
{
    bool first = true;
    cli_out("[");
    for (int i = 0; i < FLAG_COUNT; i++) {
        const struct cli_flag *flag = &cli_flags[i];
        if (flag->hidden || (global ? !flag->global : !(which & FLAG_BIT(i))))
            continue;
        cli_out(first ? "{" : ",{");
        first = false;
        member("name", flag->name, true);
        member("value", flag->value, true);
        member("summary", flag->summary, false);
    }
    cli_out("]");
}

static void commands_json(void)
{
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        cli_out(c == cli_commands ? "{" : ",{");
        member("name", c->name, true);
        member("arguments", c->arguments, true);
        member("summary", c->summary, true);
        cli_out("\"flags\":");
        flags_json(c->flags, false);
        cli_out("}");
    }
}

static void options_json(void)
{
    const migrate_option *row;
    for (size_t i = 0; (row = migrate_option_at(i)); i++) {
        cli_out(i ? ",{" : "{");
        member("key", migrate_option_key(row), true);
        member("type", migrate_option_type(row), true);
        member("values", migrate_option_values(row), true);
        member("default", migrate_option_default(row), true);
        member("doc", migrate_option_doc(row), false);
    }
}

void cli_help_json(struct cli *cli)
{
    cli_out("{\"schema\":1,\"flags\":");
    flags_json(0, true);
    cli_out(",\"commands\":[");
    commands_json();
    cli_out("],\"options\":[");
    options_json();
    cli_out("]}\n");
    cli->printed = true;
}

/* A '|' would end a cell of the table. */
static void cell(const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '|')
            putchar('\\');
        putchar(*p);
    }
}

static void markdown_row(const migrate_option *row)
{
    const char *key = migrate_option_key(row), *values = migrate_option_values(row);
    const char *preset = migrate_option_default(row);
    bool prefix = *key && key[strlen(key) - 1] == '.';
    cli_out("| `%s%s` | ", key, prefix ? "NAME" : "");
    if (*values) {
        cli_out("`");
        cell(values);
        cli_out("`");
    } else {
        cell(migrate_option_type(row));
    }
    if (preset && *preset)
        cli_out(" | `%s` | ", preset);
    else
        cli_out(" | | ");
    cell(migrate_option_doc(row));
    cli_out(" |\n");
}

void cli_options_markdown(void)
{
    const migrate_option *row;
    cli_out(
        "<!-- Made by `migrate help --options-markdown`; a test compares. -->\n\n# Options\n\n"
        "Set with `-o KEY=VALUE` on the command line, `MIGRATE_<KEY>` in its environment, or\n"
        "`migrate_ctx_set()` in a program. The flag beats the environment beats the default. In a "
        "variable's\n"
        "name a dot is written as two underscores, a dash as one: `MIGRATE_PLACEHOLDER__NAME`,\n"
        "`MIGRATE_MYSQL__SSL_MODE`. Keys with a dot belong to one driver.\n"
        "Unknown keys are errors; unknown `MIGRATE_` variables are warned of.\n\n"
        "Durations are written `500ms`, `2s`, `5m` or `0`; lists are separated by commas.\n\n"
        "| key | values | default | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; (row = migrate_option_at(i)); i++)
        markdown_row(row);
}
