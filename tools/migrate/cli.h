/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_H
#define CLI_H

/* What the files of the command line share. The program is a thin client of include/migrate: whatever it can
 * do, an application can do with the same calls. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <migrate/migrate.h>

/* Every flag there is, of all commands; flags.c describes them. */
enum cli_flag_id {
    FLAG_DATABASE,
    FLAG_SOURCE,
    FLAG_OPTION,
    FLAG_DRIVER,
    FLAG_JSON,
    FLAG_QUIET,
    FLAG_VERBOSE,
    FLAG_HELP,
    FLAG_VERSION,
    FLAG_TO,
    FLAG_STEPS,
    FLAG_ALL,
    FLAG_SQL,
    FLAG_SCRIPT,
    FLAG_DIALECT,
    FLAG_CHECK,
    FLAG_APPLIED,
    FLAG_NOT_APPLIED,
    FLAG_BREAK,
    FLAG_PAIR,
    FLAG_TIMEOUT,
    FLAG_OPTIONS_MARKDOWN,
    FLAG_COUNT
};
#define FLAG_BIT(id) (UINT32_C(1) << (id))

struct cli_flag {
    const char *name;  /* without the dashes */
    const char *value; /* name of its value in usage texts, or NULL: it has none */
    const char *summary;
    char letter; /* short form, or 0 */
    bool global; /* every command takes it */
    bool hidden; /* neither in help nor in completions */
};
extern const struct cli_flag cli_flags[FLAG_COUNT];

#define CLI_MAX_ARGS 2 /* no command takes more */

/* One `-o KEY=VALUE`. */
struct cli_setting {
    char *key;         /* a copy */
    const char *value; /* in argv */
};

struct cli_command;
struct cli_progress;

struct cli {
    const struct cli_command *command;
    uint32_t given;               /* FLAG_BIT of what was said */
    char *value[FLAG_COUNT];      /* the last one, in argv; NULL for a flag without */
    struct cli_setting *settings; /* of -o, in order; later ones win */
    size_t n_settings;
    const char *args[CLI_MAX_ARGS];
    int n_args;
    int verbosity; /* -1 quiet, 0, 1 verbose, 2 debug */

    char *url; /* a copy of flag, else environment, else NULL */
    const char *source;
    migrate_ctx *ctx;
    struct cli_progress *progress; /* NULL: none wanted */
    char *const *environ;
    uint32_t log_level;  /* MIGRATE_LOG_* that goes to stderr */
    char last_wait[256]; /* the last line about waiting, which comes once a second */
    bool stream_items;   /* print a line as each migration ends */
    bool printed;        /* stdout has its JSON document */
    bool unhappy;        /* `status --check` found something */
};

static inline bool cli_has(const struct cli *cli, enum cli_flag_id id)
{
    return (cli->given & FLAG_BIT(id)) != 0;
}

/* ---- commands (command.c and one file per family) */

typedef migrate_status (*cli_run_fn)(struct cli *cli, migrate_error **err);
typedef migrate_status (*cli_check_fn)(const struct cli *cli, migrate_error **err);

#define NEEDS_SOURCE 1u
#define NEEDS_DATABASE 2u /* opened before the command runs */
#define NEEDS_URL 4u      /* opened by the command itself */
#define NEEDS_DIALECT 8u  /* --dialect stands in for the database */

struct cli_command {
    const char *name;
    const char *arguments; /* for the usage line */
    const char *summary;   /* one line */
    const char *text;      /* paragraphs of its help */
    uint32_t flags;        /* FLAG_BIT of its own flags */
    uint32_t needs;
    int min_args, max_args;
    const char *words;  /* what its first argument may be, "a|b|c", or NULL: anything */
    cli_check_fn check; /* of its flags together, before anything is opened; or NULL */
    cli_run_fn run;
};
extern const struct cli_command cli_commands[]; /* ends with a NULL name */

const struct cli_command *cli_command_find(const char *name);

migrate_status cli_up(struct cli *cli, migrate_error **err);
migrate_status cli_down(struct cli *cli, migrate_error **err);
migrate_status cli_redo(struct cli *cli, migrate_error **err);
migrate_status cli_plan(struct cli *cli, migrate_error **err);
migrate_status cli_init(struct cli *cli, migrate_error **err);
migrate_status cli_status(struct cli *cli, migrate_error **err);
migrate_status cli_verify(struct cli *cli, migrate_error **err);
migrate_status cli_baseline(struct cli *cli, migrate_error **err);
migrate_status cli_resolve(struct cli *cli, migrate_error **err);
migrate_status cli_lock(struct cli *cli, migrate_error **err);
migrate_status cli_new(struct cli *cli, migrate_error **err);
migrate_status cli_hash(struct cli *cli, migrate_error **err);
migrate_status cli_wait(struct cli *cli, migrate_error **err);
migrate_status cli_version(struct cli *cli, migrate_error **err);
migrate_status cli_help(struct cli *cli, migrate_error **err);
migrate_status cli_completion(struct cli *cli, migrate_error **err);

migrate_status cli_check_select(const struct cli *cli, migrate_error **err); /* up, down, redo */
migrate_status cli_check_plan(const struct cli *cli, migrate_error **err);
migrate_status cli_check_init(const struct cli *cli, migrate_error **err);
migrate_status cli_check_resolve(const struct cli *cli, migrate_error **err);

/* What to run, from --to, --steps and --all. */
migrate_status cli_run_options(const struct cli *cli, uint32_t direction, migrate_run_options *out,
                               migrate_error **err);

/* ---- arguments and environment */

/* Reads the command line. E_ARGUMENT with a hint for whatever is not as help says. */
migrate_status cli_args(struct cli *cli, int argc, char **argv, migrate_error **err);
/* Nearest of the words that @p next yields until NULL, or NULL if none is near. */
const char *cli_nearest(const char *word, const char *(*next)(size_t index));
/* Fills url and source from flags, else the environment. A URL in the arguments is overwritten there, so that
 * `ps` shows no password. */
migrate_status cli_places(struct cli *cli, migrate_error **err);
/* Options from the environment, where no flag says otherwise; warns of variables that mean nothing. */
migrate_status cli_environment(struct cli *cli, migrate_error **err);
/* Value of a variable; NULL when it is absent or empty. */
const char *cli_getenv(const struct cli *cli, const char *name);

/* ---- context */

/* Makes the context with its options, and the source and database that the command needs. */
migrate_status cli_setup(struct cli *cli, migrate_error **err);
void cli_teardown(struct cli *cli);
/* Registers the driver that @p url's scheme asks for. */
migrate_status cli_load_for_url(struct cli *cli, const char *url, migrate_error **err);
/* Registers driver @p name ("postgres") if it is one of the project's own and installed; silent if it is not.
 */
void cli_load_if_there(struct cli *cli, const char *name);
/* True if the project has a driver of that name. */
bool cli_driver_known(const char *name, size_t len);
/* True if @p url's scheme is that driver's. */
bool cli_url_is_for(const char *url, const char *name, size_t len);
/* True when an option asks for credentials from AWS; attaches them. */
bool cli_aws_wanted(const struct cli *cli);
migrate_status cli_aws_attach(struct cli *cli, migrate_error **err);
migrate_status cli_aws_open(struct cli *cli, migrate_error **err);
/* Path of the library file @p name among the places where drivers are kept, or NULL. Freed by the caller.
 * *@p looked_in tells where it looked, likewise; it may be NULL. */
char *cli_library(const char *name, char **looked_in);

/* ---- signals */

void cli_signals_install(migrate_ctx *ctx);
void cli_signals_withdraw(void);

/* ---- output */

/* Writes to stdout; failures are noticed by cli_finish_output(). Control characters become '?'. */
void cli_out(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cli_out_text(const char *text); /* as it is, and a newline unless it ends with one */
migrate_status cli_write_stdout(void *user, const char *data, size_t len);
migrate_status cli_finish_output(migrate_error **err);
/* {"schema":1,"KEY":"TEXT"} */
void cli_json_text(struct cli *cli, const char *key, const char *text);
void cli_json_string(FILE *to, const char *text);
/* The report as JSON. A failed write is the status. */
migrate_status cli_json_report(struct cli *cli, const migrate_report *report, migrate_error **err);
/* A line of ours on stderr, below the progress bar's rule. */
void cli_log(struct cli *cli, uint32_t level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Replaces control characters, so that no name plays with the terminal. */
void cli_clean(char *text);
/* "12 ms", "3.4 s", "2 min 05 s". */
const char *cli_duration(int64_t ms, char *buf, size_t cap);
/* "2024-01-31 12:00:00Z"; "" for 0. */
const char *cli_instant(int64_t ms, char *buf, size_t cap);
/* "" or "s". */
const char *cli_plural(uint64_t n);
/* "0003 add users"; a repeatable one is "R:name". */
const char *cli_label(const migrate_item *item, char *buf, size_t cap);

void cli_print_status(const migrate_report *report);
void cli_print_verify(const migrate_report *report);
void cli_print_plan(const migrate_plan *plan);
void cli_print_ended(const migrate_event *event);
void cli_print_run(const migrate_report *report);

/* A table of left-aligned columns, a row for each item that @p each gives: twice, the same both times. The cell
 * function gives what stands in column @p column of row @p row. */
typedef const char *(*cli_cell_fn)(const migrate_item *item, size_t row, unsigned column, char *buf, size_t cap);
typedef migrate_status (*cli_each_fn)(const void *source, migrate_item_fn fn, void *user);
void cli_table(const char *const *heads, unsigned n, cli_cell_fn cell, cli_each_fn each, const void *source);

/* ---- events and the progress bar */

migrate_status cli_on_event(void *user, const migrate_event *event);
struct cli_progress *cli_progress_new(void); /* NULL when stderr is no terminal */
void cli_progress_free(struct cli_progress *p);
void cli_progress_event(struct cli_progress *p, const migrate_event *event);
void cli_progress_clear(struct cli_progress *p); /* before anything else is written */

#endif
