/* SPDX-License-Identifier: Apache-2.0 */
/* An application as pkg-config's users write it. With a third argument it loads its driver from that file. */
#include <stdio.h>

#include <migrate/drivers.h>
#include <migrate/migrate.h>

static migrate_status add_driver(migrate_ctx *ctx, const char *file, migrate_error **err)
{
#ifndef LOAD_ONLY
    if (!file)
        return migrate_ctx_add_driver(ctx, migrate_sqlite_driver(), err);
#endif
    return migrate_ctx_load_driver(ctx, file, NULL, 0, err);
}

int main(int argc, char **argv)
{
    migrate_ctx *ctx = NULL;
    migrate_error *err = NULL;
    migrate_report *report = NULL;
    migrate_status s = migrate_ctx_new(&ctx, &err);
    if (s == MIGRATE_OK)
        s = add_driver(ctx, argc > 3 ? argv[3] : NULL, &err);
    if (s == MIGRATE_OK)
        s = migrate_ctx_use_dir(ctx, argv[2], &err);
    if (s == MIGRATE_OK)
        s = migrate_ctx_open(ctx, argv[1], &err);
    if (s == MIGRATE_OK)
        s = migrate_run(ctx, NULL, &report, &err);
    if (s != MIGRATE_OK)
        fprintf(stderr, "%s\n", migrate_error_text(err));
    else
        printf("%s %s\n", migrate_version_string(), migrate_report_version(report));
    migrate_report_free(report);
    migrate_error_free(err);
    migrate_ctx_free(ctx);
    return MIGRATE_STATUS_CLASS(s);
}
