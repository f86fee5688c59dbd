/* SPDX-License-Identifier: Apache-2.0 */
/* A client of the first version: every call that an application makes, with events, code and credentials. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <migrate/drivers.h>
#include <migrate/migrate.h>
#include <migrate/source.h>

const migrate_driver *migrate_mini_driver(void); /* driver.c */

static int failures;

#define EXPECT(what)                                                                                         \
    do {                                                                                                     \
        if (!(what)) {                                                                                       \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                                       \
            failures++;                                                                                      \
        }                                                                                                    \
    } while (0)

static void ok(migrate_status s, migrate_error *err, int line)
{
    if (s == MIGRATE_OK)
        return;
    fprintf(stderr, "line %d: %s\n", line, migrate_error_text(err));
    migrate_error_free(err);
    exit(1);
}
#define OK(call)                                                                                             \
    do {                                                                                                     \
        migrate_error *err = NULL;                                                                           \
        migrate_status s_ = (call);                                                                          \
        ok(s_, err, __LINE__);                                                                               \
    } while (0)

struct seen {
    unsigned begun, ended, statements, logs;
};

static migrate_status on_event(void *user, const migrate_event *event)
{
    struct seen *seen = user;
    const migrate_item *item = migrate_event_item(event);
    switch (migrate_event_type(event)) {
    case MIGRATE_EVENT_MIGRATION_BEGIN:
        EXPECT(item && *migrate_item_version(item));
        seen->begun++;
        break;
    case MIGRATE_EVENT_MIGRATION_END:
        EXPECT(migrate_event_status(event) == MIGRATE_OK);
        seen->ended++;
        break;
    case MIGRATE_EVENT_STATEMENT:
        seen->statements++;
        break;
    default:
        break;
    }
    EXPECT(strncmp(migrate_event_json(event), "{\"schema\":1", 11) == 0);
    EXPECT(*migrate_event_text(event));
    return MIGRATE_OK;
}

static migrate_status code(void *user, uint32_t direction, migrate_executor *x, migrate_error **err)
{
    static const char sql[] = "INSERT INTO t VALUES (?)";
    migrate_text value = { "7", 1 };
    (void)user;
    EXPECT(direction == MIGRATE_DIRECTION_UP);
    return x->exec(x, sql, sizeof sql - 1, &value, 1, NULL, NULL, err);
}

static migrate_status count_statement(void *user, const migrate_statement *statement)
{
    size_t len = 0;
    unsigned *n = user;
    EXPECT(migrate_statement_text(statement, &len) && len > 0);
    EXPECT(migrate_statement_line(statement) >= 1);
    (*n)++;
    return MIGRATE_OK;
}

static void add(migrate_ctx *ctx, const char *path, const char *text)
{
    OK(migrate_ctx_add_file(ctx, path, text, strlen(text), &err));
}

static migrate_ctx *make(const migrate_driver *driver, struct seen *seen)
{
    migrate_ctx *ctx = NULL;
    OK(migrate_ctx_new(&ctx, &err));
    OK(migrate_ctx_add_driver(ctx, driver, &err));
    OK(migrate_ctx_set(ctx, MIGRATE_OPT_LOCK_WAIT, "3s", &err));
    EXPECT(strcmp(migrate_ctx_get(ctx, MIGRATE_OPT_LOCK_WAIT), "3s") == 0);
    EXPECT(migrate_ctx_set(ctx, "no_such_option", "1", NULL) == MIGRATE_E_OPTION);
    add(ctx, "1_t.up.sql", "CREATE TABLE t (n INTEGER);\nINSERT INTO t VALUES (1);\n");
    add(ctx, "1_t.down.sql", "DROP TABLE t;\n");
    add(ctx, "2_u.up.sql", "CREATE TABLE u (n INTEGER);\n");
    add(ctx, "2_u.down.sql", "DROP TABLE u;\n");
    migrate_ctx_on_event(ctx, on_event, seen, NULL);
    return ctx;
}

static void plan(migrate_ctx *ctx, uint32_t direction, size_t steps, unsigned statements)
{
    migrate_run_options options = MIGRATE_RUN_OPTIONS_INIT;
    migrate_plan *p = NULL;
    unsigned n = 0;
    options.direction = direction;
    OK(migrate_plan_make(ctx, &options, &p, &err));
    EXPECT(migrate_plan_count(p) == steps);
    for (size_t i = 0; i < steps; i++)
        OK(migrate_plan_statements(ctx, p, i, count_statement, &n, &err));
    EXPECT(n == statements);
    EXPECT(migrate_plan_step(p, steps) == NULL);
    EXPECT(strstr(migrate_plan_json(p), "\"steps\":["));
    migrate_plan_free(p);
}

static void run(migrate_ctx *ctx, uint32_t direction, uint32_t flags, uint64_t applied, uint64_t reverted)
{
    migrate_run_options options = MIGRATE_RUN_OPTIONS_INIT;
    migrate_report *report = NULL;
    options.direction = direction;
    options.flags = flags;
    OK(migrate_run(ctx, &options, &report, &err));
    EXPECT(migrate_report_applied(report) == applied);
    EXPECT(migrate_report_reverted(report) == reverted);
    EXPECT(migrate_report_count(report) >= (applied > reverted ? applied : reverted));
    EXPECT(strncmp(migrate_report_json(report), "{\"schema\":1", 11) == 0);
    migrate_report_free(report);
}

static void look(migrate_ctx *ctx, uint32_t state, const char *version)
{
    migrate_report *report = NULL;
    OK(migrate_inspect(ctx, &report, &err));
    EXPECT(migrate_report_state(report) == state);
    EXPECT(strcmp(migrate_report_version(report), version) == 0);
    EXPECT(migrate_item_kind(migrate_report_item(report, 0)) == MIGRATE_KIND_VERSIONED);
    migrate_report_free(report);
    OK(migrate_verify(ctx, NULL, &err));
}

static void stop(migrate_ctx *ctx)
{
    migrate_error *err = NULL;
    migrate_run_options options = MIGRATE_RUN_OPTIONS_INIT;
    options.direction = MIGRATE_DIRECTION_REDO;
    migrate_ctx_stop(ctx);
    EXPECT(migrate_run(ctx, &options, NULL, &err) == MIGRATE_E_STOPPED);
    EXPECT(err && migrate_error_status(err) == MIGRATE_E_STOPPED && *migrate_error_message(err));
    EXPECT(strncmp(migrate_error_json(err), "{\"schema\":1,\"error\":{", 21) == 0);
    migrate_error_free(err);
    migrate_ctx_resume(ctx);
}

static void drive(const migrate_driver *driver, const char *url)
{
    struct seen seen = { 0, 0, 0, 0 };
    migrate_ctx *ctx = make(driver, &seen);
    OK(migrate_ctx_open(ctx, url, &err));
    look(ctx, MIGRATE_STATE_PENDING, "");
    plan(ctx, MIGRATE_DIRECTION_UP, 2, 3);
    run(ctx, MIGRATE_DIRECTION_UP, 0, 2, 0);
    EXPECT(seen.begun == 2 && seen.ended == 2 && seen.statements == 3);
    run(ctx, MIGRATE_DIRECTION_UP, 0, 0, 0);
    look(ctx, MIGRATE_STATE_CURRENT, "2");
    stop(ctx);
    run(ctx, MIGRATE_DIRECTION_REDO, 0, 1, 1);
    OK(migrate_ctx_add_code(ctx, "3_code.c", NULL, 0, code, NULL, NULL, &err));
    run(ctx, MIGRATE_DIRECTION_UP, 0, 1, 0);
    look(ctx, MIGRATE_STATE_CURRENT, "3");
    EXPECT(migrate_run(ctx,
                       &(migrate_run_options){ sizeof(migrate_run_options), MIGRATE_DIRECTION_DOWN,
                                               MIGRATE_RUN_ALL, NULL, 0, 0 },
                       NULL, NULL) == MIGRATE_E_IRREVERSIBLE);
    migrate_ctx_close(ctx);
    migrate_ctx_free(ctx);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    EXPECT(migrate_version_number() >= MIGRATE_VERSION_NUMBER); /* the library may be newer */
    EXPECT(migrate_status_retryable(MIGRATE_E_STOPPED) == 1);
    EXPECT(strcmp(migrate_status_name(MIGRATE_E_SQL), "E_SQL") == 0);
    EXPECT(migrate_option_at(0) != NULL);
    drive(migrate_sqlite_driver(), argv[1]);
    drive(migrate_mini_driver(), argv[2]);
    return failures ? 1 : 0;
}
