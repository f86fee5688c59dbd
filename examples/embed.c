/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service that brings its database up to date before it starts: the whole of it is bring_up_to_date().
 *
 *     embed sqlite:app.db examples/migrations
 *
 * Start as many copies at once as you like: each migration runs once. Kill one at any moment: the next goes
 * on.
 */
#include <stdio.h>

#include <migrate/drivers.h>
#include <migrate/migrate.h>

#ifndef DRIVER
#define DRIVER migrate_sqlite_driver /* cc -DDRIVER=migrate_postgres_driver … for PostgreSQL */
#endif

static migrate_status bring_up_to_date(const char *url, const char *dir, migrate_report **report,
                                       migrate_error **err)
{
    migrate_ctx *ctx = NULL;
    migrate_status s = migrate_ctx_new(&ctx, err);
    if (s == MIGRATE_OK)
        s = migrate_ctx_add_driver(ctx, DRIVER(), err);
    if (s == MIGRATE_OK)
        s = migrate_ctx_use_dir(ctx, dir, err);
    if (s == MIGRATE_OK)
        s = migrate_ctx_open(ctx, url, err);
    if (s == MIGRATE_OK)
        s = migrate_run(ctx, NULL, report, err);
    migrate_ctx_free(ctx);
    return s;
}

int main(int argc, char **argv)
{
    migrate_report *report = NULL; /* both outlive the context */
    migrate_error *err = NULL;
    migrate_status s;
    if (argc != 3) {
        fprintf(stderr, "usage: %s URL DIR\n", argv[0]);
        return MIGRATE_CLASS_CALLER;
    }
    s = bring_up_to_date(argv[1], argv[2], &report, &err);
    if (s != MIGRATE_OK)
        fprintf(stderr, "error: %s\n", migrate_error_text(err)); /* with the remedy */
    else
        printf("%llu applied, database %s at version %s\n",
               (unsigned long long)migrate_report_applied(report),
               migrate_state_name(migrate_report_state(report)), migrate_report_version(report));
    migrate_error_free(err);
    migrate_report_free(report);
    return MIGRATE_STATUS_CLASS(s);
}
