/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"
#include "fail.h"
#ifdef MIGRATE_STATIC_DRIVERS
#include <migrate/drivers.h>
#endif

/* The project's own drivers: which URL scheme belongs to which, and where it lives. */
struct driver_row {
    const char *scheme;
    const char *name;    /* of the driver: migrate_<name>_driver */
    const char *library; /* its file */
    const char *build;   /* the build option that makes it */
};
static const struct driver_row rows[] = {
    { "sqlite", "sqlite", "libmigrate-sqlite.so." MIGRATE_SOVERSION, "sqlite" },
    { "postgres", "postgres", "libmigrate-postgres.so." MIGRATE_SOVERSION, "postgres" },
    { "postgresql", "postgres", "libmigrate-postgres.so." MIGRATE_SOVERSION, "postgres" },
    { "mysql", "mysql", "libmigrate-mysql.so." MIGRATE_SOVERSION, "mysql" },
    { "mariadb", "mysql", "libmigrate-mysql.so." MIGRATE_SOVERSION, "mysql" },
    { "rds-data", "rds_data", "libmigrate-aws.so." MIGRATE_SOVERSION, "aws" },
};
#define N_ROWS (sizeof rows / sizeof *rows)

static const struct driver_row *row_by_scheme(const char *url)
{
    size_t len = strcspn(url, ":");
    for (size_t i = 0; url[len] && i < N_ROWS; i++) {
        if (strlen(rows[i].scheme) == len && strncasecmp(rows[i].scheme, url, len) == 0)
            return &rows[i];
    }
    return NULL;
}

static const struct driver_row *row_by_name(const char *name, size_t len)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
            return &rows[i];
    }
    return NULL;
}

bool cli_driver_known(const char *name, size_t len)
{
    return row_by_name(name, len) != NULL;
}

bool cli_url_is_for(const char *url, const char *name, size_t len)
{
    const struct driver_row *row = row_by_scheme(url);
    return row && strlen(row->name) == len && memcmp(row->name, name, len) == 0;
}

#ifdef MIGRATE_STATIC_DRIVERS

static const migrate_driver *linked(const char *name)
{
#ifdef MIGRATE_WITH_SQLITE
    if (strcmp(name, "sqlite") == 0)
        return migrate_sqlite_driver();
#endif
#ifdef MIGRATE_WITH_POSTGRES
    if (strcmp(name, "postgres") == 0)
        return migrate_postgres_driver();
#endif
#ifdef MIGRATE_WITH_MYSQL
    if (strcmp(name, "mysql") == 0)
        return migrate_mysql_driver();
#endif
#ifdef MIGRATE_WITH_AWS
    if (strcmp(name, "rds_data") == 0)
        return migrate_rds_data_driver();
#endif
    (void)name;
    return NULL;
}

static migrate_status load(struct cli *cli, const struct driver_row *row, migrate_error **err)
{
    const migrate_driver *driver = linked(row->name);
    char hint[128];
    if (driver)
        return migrate_ctx_add_driver(cli->ctx, driver, err);
    snprintf(hint, sizeof hint, "build with -D%s=enabled", row->build);
    return cli_fail(err, MIGRATE_E_NO_DRIVER, hint, "this build has no driver for %s: URLs", row->scheme);
}

#else

static migrate_status not_installed(const struct driver_row *row, const char *looked_in, migrate_error **err)
{
    char hint[2048];
    snprintf(hint, sizeof hint, "looked in %s; install the package that holds it, or build with -D%s=enabled",
             looked_in ? looked_in : "the library directory", row->build);
    return cli_fail(err, MIGRATE_E_LOAD, hint, "%s, the driver for %s: URLs, is not installed", row->library,
                    row->scheme);
}

static migrate_status load(struct cli *cli, const struct driver_row *row, migrate_error **err)
{
    char *looked_in = NULL;
    char *path = cli_library(row->library, &looked_in);
    migrate_status s;
    if (path)
        s = migrate_ctx_load_driver(cli->ctx, path, row->name, 0, err);
    else
        s = not_installed(row, looked_in, err);
    free(path);
    free(looked_in);
    return s;
}

#endif

void cli_load_if_there(struct cli *cli, const char *name)
{
    const struct driver_row *row = row_by_name(name, strlen(name));
    migrate_error *err = NULL;
    if (row && load(cli, row, &err) != MIGRATE_OK)
        migrate_error_free(err);
}

migrate_status cli_load_for_url(struct cli *cli, const char *url, migrate_error **err)
{
    const struct driver_row *row = row_by_scheme(url);
    if (row)
        return load(cli, row, err);
    if (cli_has(cli, FLAG_DRIVER))
        return MIGRATE_OK; /* the scheme of that one */
    if (!strchr(url, ':'))
        return cli_fail(err, MIGRATE_E_URL,
                        "write sqlite:FILE, postgres://…, mysql://…, mariadb://… or rds-data://…",
                        "the database URL has no scheme");
    return cli_fail(
        err, MIGRATE_E_NO_DRIVER,
        "known are sqlite, postgres, postgresql, mysql, mariadb and rds-data; --driver FILE loads another",
        "no driver for %.*s: URLs", (int)strcspn(url, ":@/?"), url);
}
