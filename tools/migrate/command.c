/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli.h"

#define SELECT (FLAG_BIT(FLAG_TO) | FLAG_BIT(FLAG_STEPS))
#define SELECT_ALL (SELECT | FLAG_BIT(FLAG_ALL))
#define BOTH (NEEDS_SOURCE | NEEDS_DATABASE)

const struct cli_command cli_commands[] = {
    { "up", "[--to VERSION | --steps N]", "apply what is pending",
      "Applies all pending migrations in order, each in a transaction where the database can; nothing to do "
      "is\n"
      "success. One that was interrupted half-way is finished first. A database that is newer than every "
      "file is\n"
      "left alone, with a warning.",
      SELECT, BOTH, 0, 0, NULL, cli_check_select, cli_up },
    { "down", "[--to VERSION | --steps N | --all]", "revert; one step unless told otherwise",
      "Reverts applied migrations, newest first, by their down text. If one of those meant has none, nothing "
      "is run.\n"
      "--to keeps VERSION.",
      SELECT_ALL, BOTH, 0, 0, NULL, cli_check_select, cli_down },
    { "redo", "[--to VERSION | --steps N | --all]", "down, then up again",
      "Reverts as `down` does and then applies exactly those again, under one lock.", SELECT_ALL, BOTH, 0, 0,
      NULL, cli_check_select, cli_redo },
    { "plan", "[up|down|redo] [--to VERSION | --steps N | --all] [--sql | --script] [--dialect DIALECT]",
      "what would run, in order",
      "Shows what `up` (or `down`, `redo`) would do now: order, transaction mode, number of statements, what "
      "is\n"
      "destructive and what a crash could leave in doubt. Takes no lock and writes nothing. With --sql the "
      "statements\n"
      "as they go to the server; with --script one script that psql, mysql or sqlite3 can run by hand, our "
      "history\n"
      "included; with --dialect no database is needed.",
      SELECT_ALL | FLAG_BIT(FLAG_SQL) | FLAG_BIT(FLAG_SCRIPT) | FLAG_BIT(FLAG_DIALECT), BOTH | NEEDS_DIALECT,
      0, 1, "up|down|redo", cli_check_plan, cli_plan },
    { "init", "[--sql] [--dialect DIALECT]", "create our own tables beforehand, or print how",
      "Creates the tables migrate_history, migrate_journal, migrate_head and migrate_lock where they are "
      "absent. `up`\n"
      "does so by itself if it has the right; --sql prints the statements for an owner with more rights.",
      FLAG_BIT(FLAG_SQL) | FLAG_BIT(FLAG_DIALECT), NEEDS_DATABASE | NEEDS_DIALECT, 0, 0, NULL, cli_check_init,
      cli_init },
    { "status", "[--check]", "every migration and its state",
      "Lists source and history together and says in what state the database is. Reads only. With --check "
      "the exit\n"
      "code is 4 unless everything is applied and sound.",
      FLAG_BIT(FLAG_CHECK), BOTH, 0, 0, NULL, NULL, cli_status },
    { "verify", "", "history against source: edited, missing, out of order, doubt",
      "Checks that what is applied is as its files say. Pending migrations are sound. Exit code 4 with the "
      "findings.",
      0, BOTH, 0, 0, NULL, NULL, cli_verify },
    { "baseline", "VERSION", "record all up to VERSION as applied without running it",
      "For a database that was made by other means. Refused when the history already has entries.", 0, BOTH,
      1, 1, NULL, NULL, cli_baseline },
    { "resolve", "VERSION --applied | --not-applied [--all]", "settle the statement in doubt",
      "After a crash in a statement whose effect cannot be proved, `up` stops with both definitions shown. "
      "Look, then\n"
      "say whether it took effect; `up` goes on from there. --all settles the whole migration, not the "
      "statement.",
      FLAG_BIT(FLAG_APPLIED) | FLAG_BIT(FLAG_NOT_APPLIED) | FLAG_BIT(FLAG_ALL), BOTH, 1, 1, NULL,
      cli_check_resolve, cli_resolve },
    { "lock", "[--break]", "who holds the migration lock, since when; break it",
      "--break takes the lock from that holder and ends his session where the database can; his work is "
      "fenced off.",
      FLAG_BIT(FLAG_BREAK), NEEDS_DATABASE, 0, 0, NULL, NULL, cli_lock },
    { "new", "NAME [--pair]", "create the next file in the source's own convention",
      "The version is the next number in the width the source uses, else the UTC time. A missing directory "
      "is made.",
      FLAG_BIT(FLAG_PAIR), NEEDS_SOURCE, 1, 1, NULL, NULL, cli_new },
    { "hash", "", "one hash of the whole source", "The same on every machine and with every line end.", 0,
      NEEDS_SOURCE, 0, 0, NULL, NULL, cli_hash },
    { "wait", "[--timeout DURATION]", "until the database accepts connections and is writable",
      "Waits while the server is starting, resuming or has too many connections. What waiting does not mend "
      "(a\n"
      "refused log-in, no such database) fails at once; the time-out is exit code 7.",
      FLAG_BIT(FLAG_TIMEOUT), NEEDS_URL, 0, 0, NULL, NULL, cli_wait },
    { "version", "", "the version", "", 0, 0, 0, 0, NULL, NULL, cli_version },
    { "help", "[COMMAND | options]", "this, help on a command, or the table of options", "",
      FLAG_BIT(FLAG_OPTIONS_MARKDOWN), 0, 0, 1, NULL, NULL, cli_help },
    { "completion", "bash|zsh|fish", "completion script for a shell",
      "For one session: eval \"$(migrate completion bash)\".", 0, 0, 1, 1, "bash|zsh|fish", NULL,
      cli_completion },
    { NULL, NULL, NULL, NULL, 0, 0, 0, 0, NULL, NULL, NULL },
};

const struct cli_command *cli_command_find(const char *name)
{
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        if (strcmp(c->name, name) == 0)
            return c;
    }
    return NULL;
}
