/* SPDX-License-Identifier: Apache-2.0 */

/* The C API from a command line, for what the program cannot do: one context, words carried out one after the other.
 *
 *   api URL SOURCE WORD...
 *     set KEY=VALUE      an option
 *     open               connects
 *     plan up|down|redo  makes a plan and keeps it; prints it
 *     apply              carries the kept plan out; prints the report
 *     run up|down|redo   prints the report
 *     status             prints the report
 *     sh COMMAND         runs a command
 *     at N COMMAND       runs it at event N of the calls that follow, counted from here
 *     on NAME COMMAND    runs it at the first event of that name ("migration_begin")
 *     code PATH SQL      adds a code migration that executes the statements of SQL, separated by ";;", one by one; going
 *                        down those behind ";;;". A statement "!fail" fails, "!ignore SQL" passes over its failure
 *     events             prints every event from here on
 *     stop               asks to stop
 *
 * Each document is one line on standard output; the exit code is the class of the last failure. */

#include <migrate/drivers.h>
#include <migrate/migrate.h>
#include <migrate/source.h>
#include <migrate/source.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hook {
    unsigned long at; /* 0: by name */
    const char *name, *command;
};

struct api {
    migrate_ctx *ctx;
    migrate_plan *plan;
    unsigned long events;
    struct hook hook;
    int print;
    int class;
};

static void shell(const char *command)
{
    fflush(stdout);
    if (system(command) != 0)
        fprintf(stderr, "failed: %s\n", command);
}

static int is_named(const migrate_event *event, const char *name)
{
    char wanted[80];
    snprintf(wanted, sizeof wanted, "\"event\":\"%s\"", name);
    return strstr(migrate_event_json(event), wanted) != NULL;
}

static migrate_status on_event(void *user, const migrate_event *event)
{
    struct api *a = user;
    if (migrate_event_type(event) == MIGRATE_EVENT_TICK)
        return MIGRATE_OK;
    a->events++;
    if (a->print)
        printf("%s\n", migrate_event_json(event));
    if (a->hook.command && (a->hook.at ? a->events == a->hook.at : is_named(event, a->hook.name))) {
        const char *command = a->hook.command;
        a->hook.command = NULL;
        shell(command);
    }
    return MIGRATE_OK;
}

static void failed(struct api *a, migrate_error *err, migrate_report *report)
{
    a->class = MIGRATE_STATUS_CLASS(migrate_error_status(err));
    printf("%s\n", report ? migrate_report_json(report) : migrate_error_json(err));
    migrate_error_free(err);
}

static void tell(struct api *a, migrate_status status, migrate_report *report, migrate_error *err)
{
    if (status)
        failed(a, err, report);
    else
        printf("%s\n", migrate_report_json(report));
    migrate_report_free(report);
}

/* ---- code migrations ---------------------------------------------------------- */

static migrate_status exec(migrate_executor *x, const char *sql, size_t len, migrate_error **err)
{
    if (len == 5 && memcmp(sql, "!fail", 5) == 0)
        return migrate_error_make(err, MIGRATE_E_CALLBACK, "the code failed", NULL);
    if (len > 8 && memcmp(sql, "!ignore ", 8) == 0) {
        migrate_error *ignored = NULL;
        if (x->exec(x, sql + 8, len - 8, NULL, 0, NULL, NULL, &ignored))
            migrate_error_free(ignored);
        return MIGRATE_OK;
    }
    return x->exec(x, sql, len, NULL, 0, NULL, NULL, err);
}

static migrate_status code(void *user, uint32_t direction, migrate_executor *x, migrate_error **err)
{
    const char *sql = user, *down = strstr(sql, ";;;");
    const char *end = down ? down : sql + strlen(sql);
    if (direction == MIGRATE_DIRECTION_DOWN) {
        sql = down ? down + 3 : end;
        end = sql + strlen(sql);
    }
    while (sql < end) {
        const char *cut = strstr(sql, ";;");
        if (!cut || cut > end)
            cut = end;
        migrate_status status = exec(x, sql, (size_t)(cut - sql), err);
        if (status)
            return status;
        sql = cut + (cut < end ? 2 : 0);
    }
    return MIGRATE_OK;
}

/* ---- words -------------------------------------------------------------------- */

static migrate_run_options options_of(const char *direction)
{
    migrate_run_options o = MIGRATE_RUN_OPTIONS_INIT;
    o.direction = strcmp(direction, "down") == 0   ? MIGRATE_DIRECTION_DOWN
                  : strcmp(direction, "redo") == 0 ? MIGRATE_DIRECTION_REDO
                                                   : MIGRATE_DIRECTION_UP;
    return o;
}

static migrate_status plan(struct api *a, const char *direction, migrate_error **err)
{
    migrate_run_options o = options_of(direction);
    migrate_plan_free(a->plan);
    a->plan = NULL;
    migrate_status status = migrate_plan_make(a->ctx, &o, &a->plan, err);
    if (!status)
        printf("%s\n", migrate_plan_json(a->plan));
    return status;
}

static migrate_status set(struct api *a, char *pair, migrate_error **err)
{
    char *eq = strchr(pair, '=');
    if (!eq)
        return migrate_error_make(err, MIGRATE_E_ARGUMENT, "no = in it", NULL);
    *eq = '\0';
    return migrate_ctx_set(a->ctx, pair, eq + 1, err);
}

static void hook(struct api *a, unsigned long at, const char *name, const char *command)
{
    a->events = 0;
    a->hook = (struct hook){ at, name, command };
}

/* How many words were taken; 0: unknown. */
static int word(struct api *a, char **w, int left, const char *url)
{
    migrate_error *err = NULL;
    migrate_report *report = NULL;
    migrate_status status = MIGRATE_OK;
    int taken = 2;
    if (strcmp(w[0], "open") == 0) {
        status = migrate_ctx_open(a->ctx, url, &err);
        taken = 1;
    } else if (strcmp(w[0], "events") == 0) {
        a->print = taken = 1;
    } else if (strcmp(w[0], "stop") == 0) {
        migrate_ctx_stop(a->ctx);
        taken = 1;
    } else if (strcmp(w[0], "apply") == 0) {
        status = migrate_plan_apply(a->ctx, a->plan, &report, &err);
        tell(a, status, report, err);
        return 1;
    } else if (strcmp(w[0], "status") == 0) {
        status = migrate_inspect(a->ctx, &report, &err);
        tell(a, status, report, err);
        return 1;
    } else if (left < 2) {
        return 0;
    } else if (strcmp(w[0], "set") == 0) {
        status = set(a, w[1], &err);
    } else if (strcmp(w[0], "plan") == 0) {
        status = plan(a, w[1], &err);
    } else if (strcmp(w[0], "run") == 0) {
        migrate_run_options o = options_of(w[1]);
        status = migrate_run(a->ctx, &o, &report, &err);
        tell(a, status, report, err);
        return taken;
    } else if (strcmp(w[0], "sh") == 0) {
        shell(w[1]);
    } else if (left < 3) {
        return 0;
    } else if (strcmp(w[0], "at") == 0 || strcmp(w[0], "on") == 0) {
        hook(a, w[0][0] == 'a' ? strtoul(w[1], NULL, 10) : 0, w[1], w[2]);
        taken = 3;
    } else if (strcmp(w[0], "code") == 0) {
        status = migrate_ctx_add_code(a->ctx, w[1], NULL, strstr(w[2], ";;;") ? MIGRATE_CODE_REVERSIBLE : 0, code, w[2], NULL,
                                      &err);
        taken = 3;
    } else {
        return 0;
    }
    if (status)
        failed(a, err, NULL);
    return taken;
}

static migrate_status prepare(struct api *a, const char *source, migrate_error **err)
{
    migrate_status status = migrate_ctx_new(&a->ctx, err);
#ifdef HAVE_SQLITE
    if (!status)
        status = migrate_ctx_add_driver(a->ctx, migrate_sqlite_driver(), err);
#endif
#ifdef HAVE_POSTGRES
    if (!status)
        status = migrate_ctx_add_driver(a->ctx, migrate_postgres_driver(), err);
#endif
#ifdef HAVE_MYSQL
    if (!status)
        status = migrate_ctx_add_driver(a->ctx, migrate_mysql_driver(), err);
#endif
    return status ? status : migrate_ctx_use_dir(a->ctx, source, err);
}

int main(int argc, char **argv)
{
    struct api a = { 0 };
    migrate_error *err = NULL;
    if (argc < 3)
        return 1;
    if (prepare(&a, argv[2], &err)) {
        failed(&a, err, NULL);
        return a.class;
    }
    migrate_ctx_on_event(a.ctx, on_event, &a, NULL);
    for (int i = 3; i < argc;) {
        int taken = word(&a, argv + i, argc - i, argv[1]);
        if (!taken) {
            fprintf(stderr, "what is %s?\n", argv[i]);
            return 1;
        }
        i += taken;
    }
    migrate_plan_free(a.plan);
    migrate_ctx_free(a.ctx);
    return a.class;
}
