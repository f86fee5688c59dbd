/* SPDX-License-Identifier: Apache-2.0 */
/* The n-th allocation fails in the middle of everything that an application calls; then the same is done
 * again with memory enough, and the database ends as if nothing had happened. */
#include "unit.h"

#include <sqlite3.h>
#include <stdio.h>

#include <migrate/drivers.h>
#include <migrate/migrate.h>
#include <migrate/source.h>

#include "alloc_fail.h"

static const char *const files[][2] = {
    { "1_users.up.sql", "CREATE TABLE users (id INTEGER PRIMARY KEY, n INT NOT NULL);\n"
                        "INSERT INTO users VALUES (1, 0);\n" },
    { "1_users.down.sql", "DROP TABLE users;\n" },
    { "2_count.up.sql", "UPDATE users SET n = n + 1;\nCREATE INDEX users_n ON users (n);\n" },
    { "2_count.down.sql", "DROP INDEX users_n;\nUPDATE users SET n = n - 1;\n" },
    { "3_vacuum.up.sql", "-- migrate: no-transaction\nVACUUM;\nUPDATE users SET n = n + 10;\n" },
    { "3_vacuum.down.sql", "UPDATE users SET n = n - 10;\n" },
};

static migrate_status prepare(migrate_ctx *ctx, sqlite3 *db)
{
    migrate_status status = migrate_ctx_add_driver(ctx, migrate_sqlite_driver(), NULL);
    for (size_t i = 0; status == MIGRATE_OK && i < sizeof files / sizeof files[0]; i++)
        status = migrate_ctx_add_file(ctx, files[i][0], files[i][1], strlen(files[i][1]), NULL);
    return status ? status : migrate_ctx_adopt(ctx, "sqlite", db, NULL);
}

/* What a call gave: report and error are looked at and freed. */
static migrate_status seen(migrate_status status, migrate_report *report, migrate_error *err)
{
    alloc_fail_require((status != MIGRATE_OK) == (err != NULL));
    if (err)
        alloc_fail_require(migrate_error_status(err) == status);
    if (report) {
        alloc_fail_require(migrate_report_json(report)[0] == '{');
        alloc_fail_require(migrate_report_text(report) != NULL);
    }
    migrate_report_free(report);
    migrate_error_free(err);
    return status;
}

static migrate_status up(migrate_ctx *ctx)
{
    migrate_report *report = NULL;
    migrate_error *err = NULL;
    migrate_status status = migrate_run(ctx, NULL, &report, &err);
    return seen(status, report, err);
}

static migrate_status down(migrate_ctx *ctx)
{
    migrate_run_options options = MIGRATE_RUN_OPTIONS_INIT;
    migrate_report *report = NULL;
    migrate_error *err = NULL;
    options.direction = MIGRATE_DIRECTION_DOWN;
    options.flags = MIGRATE_RUN_ALL;
    migrate_status status = migrate_run(ctx, &options, &report, &err);
    return seen(status, report, err);
}

static migrate_status look(migrate_ctx *ctx)
{
    migrate_report *report = NULL;
    migrate_error *err = NULL;
    migrate_status status = migrate_inspect(ctx, &report, &err);
    status = seen(status, report, err);
    if (status)
        return status;
    report = NULL;
    err = NULL;
    status = migrate_verify(ctx, &report, &err);
    return seen(status, report, err);
}

static migrate_status plan(migrate_ctx *ctx)
{
    migrate_run_options options = MIGRATE_RUN_OPTIONS_INIT;
    migrate_plan *made = NULL;
    migrate_error *err = NULL;
    options.flags = MIGRATE_RUN_SQL;
    migrate_status status = migrate_plan_make(ctx, &options, &made, &err);
    if (status == MIGRATE_OK)
        alloc_fail_require(migrate_plan_json(made)[0] == '{');
    migrate_plan_free(made);
    return seen(status, NULL, err);
}

static int with_count(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    int n = -1;
    if (sqlite3_prepare_v2(db, "SELECT n FROM users", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        n = sqlite3_column_int(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return n;
}

static migrate_status swallow(void *user, const char *data, size_t len)
{
    (void)data;
    *(size_t *)user += len;
    return MIGRATE_OK;
}

static migrate_status script(migrate_ctx *ctx)
{
    migrate_plan *made = NULL;
    migrate_error *err = NULL;
    size_t len = 0;
    migrate_status status = migrate_plan_make(ctx, NULL, &made, &err);
    if (status == MIGRATE_OK)
        status = migrate_plan_script(ctx, made, swallow, &len, &err);
    migrate_plan_free(made);
    return seen(status, NULL, err);
}

static migrate_status baseline(migrate_ctx *ctx)
{
    migrate_report *report = NULL;
    migrate_error *err = NULL;
    migrate_status status = migrate_baseline(ctx, "2", &report, &err);
    return seen(status, report, err);
}

static migrate_status init(migrate_ctx *ctx)
{
    migrate_report *report = NULL;
    migrate_error *err = NULL;
    migrate_status status = migrate_init(ctx, MIGRATE_INIT_SQL, &report, &err);
    status = seen(status, report, err);
    if (status)
        return status;
    report = NULL;
    err = NULL;
    status = migrate_init(ctx, 0, &report, &err);
    return seen(status, report, err);
}

static migrate_status hash(migrate_ctx *ctx)
{
    migrate_report *report = NULL;
    migrate_error *err = NULL;
    migrate_status status = migrate_hash(ctx, &report, &err);
    status = seen(status, report, err);
    if (status)
        return status;
    report = NULL;
    err = NULL;
    status = migrate_lock_inspect(ctx, &report, &err);
    return seen(status, report, err);
}

/* A migration that the server refuses: its error is complete, or there was no memory for it. */
static migrate_status refused(migrate_ctx *ctx)
{
    static const char bad[] = "INSERT INTO users VALUES (2, 0);\nINSERT INTO nowhere VALUES (1);\n";
    migrate_status status = migrate_ctx_add_file(ctx, "4_bad.up.sql", bad, sizeof bad - 1, NULL);
    if (status == MIGRATE_E_DUPLICATE)
        status = MIGRATE_OK; /* added before */
    if (status == MIGRATE_OK)
        status = up(ctx);
    return status == MIGRATE_E_SQL ? MIGRATE_OK : status;
}

static migrate_status by_code(void *user, uint32_t direction, migrate_executor *x, migrate_error **err)
{
    static const char sql[] = "UPDATE users SET n = n + ?";
    migrate_text value = { "100", 3 };
    (void)user;
    return direction == MIGRATE_DIRECTION_UP ? x->exec(x, sql, sizeof sql - 1, &value, 1, NULL, NULL, err)
                                             : MIGRATE_OK;
}

static migrate_status code(migrate_ctx *ctx)
{
    migrate_status status = migrate_ctx_add_code(ctx, "4_code.c", "v1", 0, by_code, NULL, NULL, NULL);
    if (status == MIGRATE_E_DUPLICATE)
        status = MIGRATE_OK;
    return status ? status : up(ctx);
}

/* A context, a database, and what is done with them. @p rest comes first where it needs applied migrations.
 */
struct use {
    migrate_status (*first)(migrate_ctx *ctx); /* with memory enough, or NULL */
    migrate_status (*call)(migrate_ctx *ctx);
    int count; /* users.n after it, -1 no such table */
};

static int32_t use_body(void *user)
{
    const struct use *use = user;
    migrate_ctx *ctx = NULL;
    sqlite3 *db = NULL;
    alloc_fail_require(sqlite3_open(":memory:", &db) == SQLITE_OK);
    migrate_status status = migrate_ctx_new(&ctx, NULL);
    if (status == MIGRATE_OK)
        status = prepare(ctx, db);
    if (status == MIGRATE_OK && use->first)
        status = use->first(ctx);
    if (status == MIGRATE_OK)
        status = use->call(ctx);
    migrate_ctx_free(ctx);
    bool again = alloc_fail_hit();
    alloc_fail_off();
    if (again) {
        ctx = NULL;
        alloc_fail_require(migrate_ctx_new(&ctx, NULL) == MIGRATE_OK);
        alloc_fail_require(prepare(ctx, db) == MIGRATE_OK);
        alloc_fail_require(!use->first || use->first(ctx) == MIGRATE_OK);
        alloc_fail_require(use->call(ctx) == MIGRATE_OK);
        migrate_ctx_free(ctx);
    }
    alloc_fail_require(with_count(db) == use->count);
    alloc_fail_require(sqlite3_close(db) == SQLITE_OK);
    return status;
}

static void check(struct use use)
{
    struct alloc_fail_report report;
    ck_assert_msg(alloc_fail_each(use_body, &use, MIGRATE_E_NOMEM, &report), "%s", report.text);
    printf("%llu allocations failed, %llu times out of memory, %llu times done all the same\n",
           (unsigned long long)report.tried, (unsigned long long)report.refused,
           (unsigned long long)report.succeeded);
    ck_assert_uint_gt(report.tried, 50);
}

START_TEST(ups)
{
    check((struct use){ .call = up, .count = 11 });
}
END_TEST

START_TEST(downs)
{
    check((struct use){ .first = up, .call = down, .count = -1 });
}
END_TEST

START_TEST(looks)
{
    check((struct use){ .first = up, .call = look, .count = 11 });
}
END_TEST

START_TEST(plans)
{
    check((struct use){ .call = plan, .count = -1 });
    check((struct use){ .call = script, .count = -1 });
}
END_TEST

START_TEST(tables)
{
    check((struct use){ .call = init, .count = -1 });
    check((struct use){ .call = hash, .count = -1 });
}
END_TEST

START_TEST(baselines)
{
    check((struct use){ .call = baseline, .count = -1 });
}
END_TEST

START_TEST(refusals)
{
    check((struct use){ .call = refused, .count = 11 });
}
END_TEST

START_TEST(code_migrations)
{
    check((struct use){ .call = code, .count = 111 });
}
END_TEST

UNIT_MAIN("alloc_run", ups, downs, looks, plans, tables, baselines, refusals, code_migrations)
