/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

/* The one table of flags: the parser, help, the completions and the manual's test are made from it. */
const struct cli_flag cli_flags[FLAG_COUNT] = {
    [FLAG_DATABASE] = { "database", "URL", "the database; else $MIGRATE_DATABASE_URL, else $DATABASE_URL",
                        'd', true, false },
    [FLAG_SOURCE] = { "source", "DIR", "the migrations; else $MIGRATE_SOURCE, else ./migrations", 's', true,
                      false },
    [FLAG_OPTION] = { "option", "KEY=VALUE",
                      "an option of the library; else $MIGRATE_<KEY> (see `migrate help options`)", 'o', true,
                      false },
    [FLAG_DRIVER] = { "driver", "FILE", "load a driver of your own from a shared library", 0, true, false },
    [FLAG_JSON] = { "json", NULL, "one JSON object on stdout, nothing else there", 0, true, false },
    [FLAG_QUIET] = { "quiet", NULL, "only errors on stderr, no progress bar", 'q', true, false },
    [FLAG_VERBOSE] = { "verbose", NULL, "more log lines on stderr; twice: all of them", 'v', true, false },
    [FLAG_HELP] = { "help", NULL, "help on the command", 'h', true, false },
    [FLAG_VERSION] = { "version", NULL, "the version", 0, true, false },
    [FLAG_TO] = { "to", "VERSION", "up: last version to apply; down and redo: last version to keep", 0, false,
                  false },
    [FLAG_STEPS] = { "steps", "N", "how many migrations", 0, false, false },
    [FLAG_ALL] = { "all", NULL, "everything, however many", 0, false, false },
    [FLAG_SQL] = { "sql", NULL, "print the SQL", 0, false, false },
    [FLAG_SCRIPT] = { "script", NULL, "print one script, history included, for psql, mysql or sqlite3", 0,
                      false, false },
    [FLAG_DIALECT] = { "dialect", "DIALECT",
                       "without a database, as on an empty one: postgres, mysql, mariadb or sqlite, "
                       "with :VERSION if it matters",
                       0, false, false },
    [FLAG_CHECK] = { "check", NULL, "exit 4 unless everything is applied and sound", 0, false, false },
    [FLAG_APPLIED] = { "applied", NULL, "the statement took effect", 0, false, false },
    [FLAG_NOT_APPLIED] = { "not-applied", NULL, "it did not: the next run executes it", 0, false, false },
    [FLAG_BREAK] = { "break", NULL, "take the lock from its holder", 0, false, false },
    [FLAG_PAIR] = { "pair", NULL, "one file to apply and one to revert", 0, false, false },
    [FLAG_TIMEOUT] = { "timeout", "DURATION", "how long to wait (60s)", 0, false, false },
    [FLAG_OPTIONS_MARKDOWN] = { "options-markdown", NULL, "the table of options as Markdown", 0, false,
                                true },
};
