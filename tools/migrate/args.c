/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fail.h"

/* Where the parser is. */
struct reader {
    int argc;
    char **argv;
    int at;
    bool only_args; /* after "--" */
};

static const char *command_name_at(size_t index)
{
    return cli_commands[index].name;
}

static const struct cli_flag *flag_by_name(const char *name, size_t len, int *id)
{
    for (int i = 0; i < FLAG_COUNT; i++) {
        if (strlen(cli_flags[i].name) == len && memcmp(cli_flags[i].name, name, len) == 0) {
            *id = i;
            return &cli_flags[i];
        }
    }
    return NULL;
}

static const struct cli_flag *flag_by_letter(char letter, int *id)
{
    for (int i = 0; i < FLAG_COUNT; i++) {
        if (cli_flags[i].letter && cli_flags[i].letter == letter) {
            *id = i;
            return &cli_flags[i];
        }
    }
    return NULL;
}

/* The argument is copied: splitting it where it stands would show in `ps`. */
static migrate_status add_setting(struct cli *cli, const char *arg, migrate_error **err)
{
    const char *equals = strchr(arg, '=');
    if (!equals || equals == arg)
        return cli_fail(err, MIGRATE_E_ARGUMENT, "write -o KEY=VALUE; `migrate help options` lists the keys",
                        "-o %.*s is not KEY=VALUE", (int)strcspn(arg, "="), arg);
    struct cli_setting *grown = realloc(cli->settings, (cli->n_settings + 1) * sizeof *grown);
    char *key = strndup(arg, (size_t)(equals - arg));
    if (grown)
        cli->settings = grown;
    if (!grown || !key) {
        free(key);
        return cli_fail(err, MIGRATE_E_NOMEM, NULL, "out of memory");
    }
    cli->settings[cli->n_settings++] = (struct cli_setting){ key, equals + 1 };
    return MIGRATE_OK;
}

static migrate_status take(struct cli *cli, int id, char *value, migrate_error **err)
{
    cli->given |= FLAG_BIT(id);
    cli->value[id] = value;
    switch (id) {
    case FLAG_OPTION:
        return add_setting(cli, value, err);
    case FLAG_QUIET:
        cli->verbosity = -1;
        break;
    case FLAG_VERBOSE:
        cli->verbosity = cli->verbosity < 1 ? 1 : 2;
        break;
    default:
        break;
    }
    return MIGRATE_OK;
}

static migrate_status missing_value(migrate_error **err, const struct cli_flag *flag)
{
    return cli_fail(err, MIGRATE_E_ARGUMENT, "`migrate help` lists what there is",
                    "--%s needs a value: --%s %s", flag->name, flag->name, flag->value);
}

static migrate_status long_flag(struct cli *cli, struct reader *r, char *arg, migrate_error **err)
{
    char *name = arg + 2;
    size_t len = strcspn(name, "=");
    char *value = name[len] == '=' ? name + len + 1 : NULL;
    int id;
    const struct cli_flag *flag = flag_by_name(name, len, &id);
    if (!flag)
        return cli_fail(err, MIGRATE_E_ARGUMENT, "`migrate help` lists what there is",
                        "unknown option --%.*s", (int)len, name);
    if (!flag->value && value)
        return cli_fail(err, MIGRATE_E_ARGUMENT, "leave the =VALUE out", "--%s takes no value", flag->name);
    if (flag->value && !value) {
        if (r->at >= r->argc)
            return missing_value(err, flag);
        value = r->argv[r->at++];
    }
    return take(cli, id, value, err);
}

/* "-qv", "-dURL", "-d URL". */
static migrate_status short_flags(struct cli *cli, struct reader *r, char *arg, migrate_error **err)
{
    for (char *p = arg + 1; *p; p++) {
        int id;
        const struct cli_flag *flag = flag_by_letter(*p, &id);
        if (!flag)
            return cli_fail(err, MIGRATE_E_ARGUMENT, "`migrate help` lists what there is",
                            "unknown option -%c", *p);
        if (!flag->value) {
            migrate_status s = take(cli, id, NULL, err);
            if (s != MIGRATE_OK)
                return s;
            continue;
        }
        if (p[1])
            return take(cli, id, p + 1, err);
        if (r->at >= r->argc)
            return missing_value(err, flag);
        return take(cli, id, r->argv[r->at++], err);
    }
    return MIGRATE_OK;
}

static migrate_status positional(struct cli *cli, const char *arg, migrate_error **err)
{
    if (!cli->command) {
        cli->command = cli_command_find(arg);
        if (cli->command)
            return MIGRATE_OK;
        const char *near = cli_nearest(arg, command_name_at);
        char hint[96] = "`migrate help` lists the commands";
        if (near)
            snprintf(hint, sizeof hint, "did you mean `%s`? `migrate help` lists the commands", near);
        return cli_fail(err, MIGRATE_E_ARGUMENT, hint, "unknown command `%s`", arg);
    }
    if (cli->n_args >= cli->command->max_args)
        return cli_fail_usage(err, cli->command, "%s: unexpected argument `%s`", cli->command->name, arg);
    cli->args[cli->n_args++] = arg;
    return MIGRATE_OK;
}

static bool word_allowed(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = words; p; p = strchr(p, '|'), p = p ? p + 1 : NULL) {
        if (strcspn(p, "|") == len && memcmp(p, word, len) == 0)
            return true;
    }
    return false;
}

/* What can only be judged when everything is read: flags may come before the command. */
static migrate_status check(const struct cli *cli, migrate_error **err)
{
    const struct cli_command *c = cli->command;
    for (int i = 0; i < FLAG_COUNT; i++) {
        if (cli_has(cli, i) && !cli_flags[i].global && !(c->flags & FLAG_BIT(i)))
            return cli_fail_usage(err, c, "%s does not take --%s", c->name, cli_flags[i].name);
    }
    if (cli->n_args < c->min_args)
        return cli_fail_usage(err, c, "%s: an argument is missing", c->name);
    if (c->words && cli->n_args && !word_allowed(c->words, cli->args[0]))
        return cli_fail_usage(err, c, "%s: `%s` is not one of %s", c->name, cli->args[0], c->words);
    return c->check ? c->check(cli, err) : MIGRATE_OK;
}

/* `migrate --help`, `migrate COMMAND --help`, `migrate --version`. */
static void redirect(struct cli *cli)
{
    if (cli_has(cli, FLAG_HELP)) {
        cli->args[0] = cli->command ? cli->command->name : NULL;
        cli->n_args = cli->command ? 1 : 0;
        cli->command = cli_command_find("help");
    } else if (cli_has(cli, FLAG_VERSION)) {
        cli->command = cli_command_find("version");
        cli->n_args = 0;
    }
}

/* --json is obeyed also by the error about what stands before it. */
static void see_json(struct cli *cli, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            cli->given |= FLAG_BIT(FLAG_JSON);
    }
}

static migrate_status read_all(struct cli *cli, struct reader *r, migrate_error **err)
{
    while (r->at < r->argc) {
        char *arg = r->argv[r->at++];
        migrate_status s;
        if (!r->only_args && strcmp(arg, "--") == 0) {
            r->only_args = true;
            continue;
        }
        if (r->only_args || arg[0] != '-' || !arg[1])
            s = positional(cli, arg, err);
        else if (arg[1] == '-')
            s = long_flag(cli, r, arg, err);
        else
            s = short_flags(cli, r, arg, err);
        if (s != MIGRATE_OK)
            return s;
    }
    return MIGRATE_OK;
}

migrate_status cli_args(struct cli *cli, int argc, char **argv, migrate_error **err)
{
    struct reader r = { argc, argv, 1, false };
    see_json(cli, argc, argv);
    migrate_status s = read_all(cli, &r, err);
    if (s != MIGRATE_OK)
        return s;
    redirect(cli);
    if (!cli->command)
        return cli_fail(err, MIGRATE_E_ARGUMENT, "`migrate help` lists the commands", "no command given");
    if (cli_has(cli, FLAG_HELP) || cli_has(cli, FLAG_VERSION))
        return MIGRATE_OK;
    return check(cli, err);
}
