/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fail.h"

static uint32_t direction_of(const struct cli *cli)
{
    const char *word = cli->n_args ? cli->args[0] : "up";
    if (strcmp(word, "down") == 0)
        return MIGRATE_DIRECTION_DOWN;
    return strcmp(word, "redo") == 0 ? MIGRATE_DIRECTION_REDO : MIGRATE_DIRECTION_UP;
}

/* A terminator right behind a comment would be part of it. */
static const char *terminator(const char *text, size_t len)
{
    size_t line = len;
    while (line && text[line - 1] != '\n')
        line--;
    for (size_t i = line; i < len; i++) {
        if (text[i] == '#' || (text[i] == '-' && i + 1 < len && text[i + 1] == '-'))
            return "\n;\n";
    }
    return ";\n";
}

static migrate_status print_statement(void *user, const migrate_statement *statement)
{
    size_t len;
    const char *text = migrate_statement_text(statement, &len);
    const char *note = migrate_statement_note(statement);
    (void)user;
    if (note)
        cli_out("-- line %llu: %s\n", (unsigned long long)migrate_statement_line(statement), note);
    if (fwrite(text, 1, len, stdout) != len)
        return MIGRATE_E_IO;
    cli_out("%s", terminator(text, len));
    return MIGRATE_OK;
}

static migrate_status print_sql(struct cli *cli, const migrate_plan *plan, migrate_error **err)
{
    char label[256];
    migrate_status s = MIGRATE_OK;
    for (size_t i = 0; s == MIGRATE_OK && i < migrate_plan_count(plan); i++) {
        const migrate_item *item = migrate_plan_step(plan, i);
        cli_out("%s-- %s, %s, %s\n", i ? "\n" : "", cli_label(item, label, sizeof label),
                migrate_item_direction(item) == MIGRATE_DIRECTION_DOWN ? "down" : "up",
                migrate_item_flags(item) & MIGRATE_ITEM_TRANSACTION ? "in a transaction" : "no transaction");
        s = migrate_plan_statements(cli->ctx, plan, i, print_statement, NULL, err);
    }
    return s;
}

struct text {
    char *data;
    size_t len;
};

static migrate_status gather(void *user, const char *data, size_t len)
{
    struct text *text = user;
    char *grown = realloc(text->data, text->len + len + 1);
    if (!grown)
        return MIGRATE_E_NOMEM;
    text->data = grown;
    memcpy(grown + text->len, data, len);
    text->len += len;
    grown[text->len] = '\0';
    return MIGRATE_OK;
}

/* A script inside JSON is one string, so it has to be whole first. */
static migrate_status json_script(struct cli *cli, const migrate_plan *plan, migrate_error **err)
{
    struct text text = { NULL, 0 };
    migrate_status s = migrate_plan_script(cli->ctx, plan, gather, &text, err);
    if (s == MIGRATE_OK)
        cli_json_text(cli, "script", text.data ? text.data : "");
    free(text.data);
    return s;
}

static migrate_status print_script(struct cli *cli, const migrate_plan *plan, migrate_error **err)
{
    if (cli_has(cli, FLAG_JSON))
        return json_script(cli, plan, err);
    return migrate_plan_script(cli->ctx, plan, cli_write_stdout, NULL, err);
}

static migrate_status print(struct cli *cli, const migrate_plan *plan, migrate_error **err)
{
    if (cli_has(cli, FLAG_SCRIPT))
        return print_script(cli, plan, err);
    if (cli_has(cli, FLAG_JSON)) {
        cli_out_text(migrate_plan_json(plan));
        cli->printed = true;
        return MIGRATE_OK;
    }
    if (cli_has(cli, FLAG_SQL))
        return print_sql(cli, plan, err);
    cli_print_plan(plan);
    return MIGRATE_OK;
}

migrate_status cli_check_plan(const struct cli *cli, migrate_error **err)
{
    if (cli_has(cli, FLAG_SQL) && cli_has(cli, FLAG_SCRIPT))
        return cli_fail_usage(err, cli->command, "only one of --sql and --script can be given");
    return cli_check_select(cli, err);
}

migrate_status cli_plan(struct cli *cli, migrate_error **err)
{
    migrate_plan *plan = NULL;
    migrate_run_options options;
    migrate_status s = cli_run_options(cli, direction_of(cli), &options, err);
    if (s != MIGRATE_OK)
        return s;
    if (cli_has(cli, FLAG_SQL) && cli_has(cli, FLAG_JSON)) /* text output reads them one by one */
        options.flags |= MIGRATE_RUN_SQL;
    s = migrate_plan_make(cli->ctx, &options, &plan, err);
    if (s == MIGRATE_OK)
        s = print(cli, plan, err);
    migrate_plan_free(plan);
    return s;
}
