/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli.h"
#include "fail.h"

/* Completion scripts, made from the tables of commands, flags and options. */

static void bars_as_spaces(const char *words)
{
    for (const char *p = words; *p; p++)
        putchar(*p == '|' ? ' ' : *p);
}

static void command_names(void)
{
    for (const struct cli_command *c = cli_commands; c->name; c++)
        cli_out("%s%s", c == cli_commands ? "" : " ", c->name);
}

static void flag_names(uint32_t which, bool global)
{
    for (int i = 0; i < FLAG_COUNT; i++) {
        const struct cli_flag *flag = &cli_flags[i];
        if (!flag->hidden && (global ? flag->global : (which & FLAG_BIT(i)) != 0))
            cli_out(" --%s", flag->name);
    }
}

static void option_keys(const char *between, const char *after)
{
    const migrate_option *row;
    for (size_t i = 0; (row = migrate_option_at(i)); i++) {
        const char *key = migrate_option_key(row);
        bool prefix = *key && key[strlen(key) - 1] == '.';
        cli_out("%s%s%s", i ? between : "", key, prefix ? "" : after);
    }
}

/* ---- bash */

static void bash_cases(void)
{
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        cli_out("        %s) words=\"", c->name);
        if (strcmp(c->name, "help") == 0) {
            command_names();
            cli_out(" options");
        } else if (c->words) {
            bars_as_spaces(c->words);
        }
        flag_names(c->flags, false);
        cli_out("\" ;;\n");
    }
}

static void bash(void)
{
    cli_out("# bash completion for migrate\n"
            "_migrate()\n{\n"
            "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= words= i\n"
            "    case $prev in\n"
            "        -s|--source) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n"
            "        --driver) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
            "        -o|--option) compopt -o nospace; COMPREPLY=($(compgen -W '");
    option_keys(" ", "=");
    cli_out("' -- \"$cur\")); return ;;\n"
            "        --dialect) COMPREPLY=($(compgen -W 'postgres mysql mariadb sqlite' -- \"$cur\")); "
            "return ;;\n"
            "        -d|--database|--to|--steps|--timeout) return ;;\n"
            "    esac\n"
            "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
            "        case ${COMP_WORDS[i]} in\n"
            "            -d|--database|-s|--source|-o|--option|--driver) ((i++)) ;;\n"
            "            -*) ;;\n"
            "            *) command=${COMP_WORDS[i]}; break ;;\n"
            "        esac\n"
            "    done\n"
            "    case $command in\n"
            "        '') words=\"");
    command_names();
    cli_out("\" ;;\n");
    bash_cases();
    cli_out("    esac\n    words+=\"");
    flag_names(0, true);
    cli_out("\"\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -F _migrate migrate\n");
}

/* ---- zsh */

/* Between single quotes and brackets. */
static void zsh_text(const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\'')
            cli_out("'\\''");
        else if (strchr("[]:\\", *p))
            cli_out("\\%c", *p);
        else
            putchar(*p);
    }
}

static const char *zsh_action(int id)
{
    switch (id) {
    case FLAG_SOURCE:
        return ":directory:_files -/";
    case FLAG_DRIVER:
        return ":file:_files";
    case FLAG_OPTION:
        return ":option:->option";
    case FLAG_DIALECT:
        return ":dialect:(postgres mysql mariadb sqlite)";
    default:
        return cli_flags[id].value ? ":value: " : "";
    }
}

static void zsh_flags(uint32_t which, bool global)
{
    for (int i = 0; i < FLAG_COUNT; i++) {
        const struct cli_flag *flag = &cli_flags[i];
        if (flag->hidden || (global ? !flag->global : !(which & FLAG_BIT(i))))
            continue;
        if (flag->letter) {
            cli_out("        '*-%c[", flag->letter);
            zsh_text(flag->summary);
            cli_out("]%s' \\\n", zsh_action(i));
        }
        cli_out("        '*--%s[", flag->name);
        zsh_text(flag->summary);
        cli_out("]%s' \\\n", zsh_action(i));
    }
}

static void zsh_words(const struct cli_command *c)
{
    if (strcmp(c->name, "help") == 0) {
        cli_out("        ':topic:(");
        command_names();
        cli_out(" options)'\n");
    } else if (c->words) {
        cli_out("        ':argument:(");
        bars_as_spaces(c->words);
        cli_out(")'\n");
    } else {
        cli_out("        '*:argument: '\n");
    }
}

static void zsh(void)
{
    cli_out("#compdef migrate\n# zsh completion for migrate\n"
            "_migrate() {\n    local context state state_descr line\n    typeset -A opt_args\n"
            "    local -a global commands\n    global=( \\\n");
    zsh_flags(0, true);
    cli_out("    )\n    commands=(\n");
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        cli_out("        '%s:", c->name);
        zsh_text(c->summary);
        cli_out("'\n");
    }
    cli_out("    )\n    _arguments -C $global ':command:->command' '*::argument:->argument'\n"
            "    case $state in\n    command) _describe command commands ;;\n"
            "    option) compadd -S '' -- ");
    option_keys(" ", "=");
    cli_out(" ;;\n    argument) case $line[1] in\n");
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        cli_out("    %s) _arguments $global \\\n", c->name);
        zsh_flags(c->flags, false);
        zsh_words(c);
        cli_out("        ;;\n");
    }
    cli_out("    esac ;;\n    esac\n}\nif [ \"$funcstack[1]\" = _migrate ]; then\n    _migrate \"$@\"\n"
            "else\n    compdef _migrate migrate\nfi\n");
}

/* ---- fish */

static void fish_text(const char *text)
{
    putchar('\'');
    for (const char *p = text; *p; p++) {
        if (*p == '\'' || *p == '\\')
            putchar('\\');
        putchar(*p);
    }
    putchar('\'');
}

static void fish_flag(const struct cli_command *c, int id)
{
    const struct cli_flag *flag = &cli_flags[id];
    cli_out("complete -c migrate");
    if (c)
        cli_out(" -n '__fish_seen_subcommand_from %s'", c->name);
    if (flag->letter)
        cli_out(" -s %c", flag->letter);
    cli_out(" -l %s", flag->name);
    if (id == FLAG_OPTION) {
        cli_out(" -x -a '");
        option_keys(" ", "=");
        cli_out("'");
    } else if (id == FLAG_SOURCE) {
        cli_out(" -x -a '(__fish_complete_directories)'");
    } else if (id == FLAG_DIALECT) {
        cli_out(" -x -a 'postgres mysql mariadb sqlite'");
    } else if (flag->value) {
        cli_out(id == FLAG_DRIVER ? " -r -F" : " -x");
    }
    cli_out(" -d ");
    fish_text(flag->summary);
    putchar('\n');
}

static void fish_command(const struct cli_command *c)
{
    cli_out("complete -c migrate -n __fish_use_subcommand -a %s -d ", c->name);
    fish_text(c->summary);
    cli_out("\n");
    if (c->words) {
        cli_out("complete -c migrate -n '__fish_seen_subcommand_from %s' -a '", c->name);
        bars_as_spaces(c->words);
        cli_out("'\n");
    }
    for (int i = 0; i < FLAG_COUNT; i++) {
        if (!cli_flags[i].hidden && (c->flags & FLAG_BIT(i)))
            fish_flag(c, i);
    }
}

static void fish(void)
{
    cli_out("# fish completion for migrate\ncomplete -c migrate -f\n");
    for (int i = 0; i < FLAG_COUNT; i++) {
        if (cli_flags[i].global)
            fish_flag(NULL, i);
    }
    for (const struct cli_command *c = cli_commands; c->name; c++)
        fish_command(c);
    cli_out("complete -c migrate -n '__fish_seen_subcommand_from help' -a '");
    command_names();
    cli_out(" options'\n");
}

migrate_status cli_completion(struct cli *cli, migrate_error **err)
{
    if (cli_has(cli, FLAG_JSON))
        return cli_fail_usage(err, cli->command, "a completion script has no JSON form");
    if (strcmp(cli->args[0], "bash") == 0)
        bash();
    else if (strcmp(cli->args[0], "zsh") == 0)
        zsh();
    else
        fish();
    return MIGRATE_OK;
}
