/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fail.h"

static const char *level_name(int verbosity)
{
    if (verbosity < 0)
        return "error";
    return verbosity > 1 ? "debug" : "info";
}

static uint32_t level_number(const char *name)
{
    static const char *const names[] = { "error", "warn", "info", "debug" };
    for (uint32_t i = 0; name && i < 4; i++) {
        if (strcmp(name, names[i]) == 0)
            return MIGRATE_LOG_ERROR + i;
    }
    return MIGRATE_LOG_WARN;
}

/* -o keys of a driver are known when it is registered. */
static void load_named_in_settings(struct cli *cli)
{
    for (size_t i = 0; i < cli->n_settings; i++) {
        const char *key = cli->settings[i].key;
        size_t len = strcspn(key, ".");
        char name[32];
        if (!key[len] || len >= sizeof name || !cli_driver_known(key, len))
            continue;
        if (cli->url && cli_url_is_for(cli->url, key, len))
            continue; /* registered already */
        memcpy(name, key, len);
        name[len] = '\0';
        cli_load_if_there(cli, name);
    }
}

static migrate_status set_options(struct cli *cli, migrate_error **err)
{
    migrate_status s = migrate_ctx_set(cli->ctx, MIGRATE_OPT_CLIENT, "migrate", err);
    if (s == MIGRATE_OK && cli->verbosity != 0)
        s = migrate_ctx_set(cli->ctx, MIGRATE_OPT_LOG_LEVEL, level_name(cli->verbosity), err);
    for (size_t i = 0; s == MIGRATE_OK && i < cli->n_settings; i++)
        s = migrate_ctx_set(cli->ctx, cli->settings[i].key, cli->settings[i].value, err);
    if (s == MIGRATE_OK)
        s = cli_environment(cli, err);
    if (s == MIGRATE_OK)
        cli->log_level = level_number(migrate_ctx_get(cli->ctx, MIGRATE_OPT_LOG_LEVEL));
    return s;
}

static migrate_status load_drivers(struct cli *cli, migrate_error **err)
{
    migrate_status s = MIGRATE_OK;
    if (cli_has(cli, FLAG_DRIVER))
        s = migrate_ctx_load_driver(cli->ctx, cli->value[FLAG_DRIVER], NULL, 0, err);
    if (s == MIGRATE_OK && cli->url)
        s = cli_load_for_url(cli, cli->url, err);
    if (s == MIGRATE_OK)
        load_named_in_settings(cli);
    return s;
}

static migrate_status no_database(migrate_error **err)
{
    return cli_fail(err, MIGRATE_E_ARGUMENT,
                    "pass -d URL (sqlite:FILE, postgres://…, mysql://…) or set MIGRATE_DATABASE_URL",
                    "no database given");
}

static migrate_status open_database(struct cli *cli, migrate_error **err)
{
    migrate_status s = MIGRATE_OK;
    if (cli_aws_wanted(cli)) {
        s = cli_aws_attach(cli, err);
        if (s == MIGRATE_OK && !cli->url && (cli->command->needs & NEEDS_DATABASE))
            return cli_aws_open(cli, err);
    }
    if (s == MIGRATE_OK && !cli->url)
        return no_database(err);
    if (s == MIGRATE_OK && (cli->command->needs & NEEDS_DATABASE))
        s = migrate_ctx_open(cli->ctx, cli->url, err);
    return s;
}

/* A dialect instead of a database: the URL, and a driver, are not needed. */
static migrate_status use_places(struct cli *cli, migrate_error **err)
{
    uint32_t needs = cli->command->needs;
    if (needs & NEEDS_SOURCE) {
        migrate_status s = migrate_ctx_use_dir(cli->ctx, cli->source, err);
        if (s != MIGRATE_OK)
            return s;
    }
    if (cli_has(cli, FLAG_DIALECT))
        return migrate_ctx_use_dialect(cli->ctx, cli->value[FLAG_DIALECT], err);
    if (needs & (NEEDS_DATABASE | NEEDS_URL))
        return open_database(cli, err);
    return MIGRATE_OK;
}

migrate_status cli_setup(struct cli *cli, migrate_error **err)
{
    bool database = (cli->command->needs & (NEEDS_DATABASE | NEEDS_URL)) && !cli_has(cli, FLAG_DIALECT);
    migrate_status s = cli_places(cli, err);
    if (s == MIGRATE_OK)
        s = migrate_ctx_new(&cli->ctx, err);
    if (s != MIGRATE_OK)
        return s;
    cli_signals_install(cli->ctx);
    if (!database) {
        free(cli->url);
        cli->url = NULL;
    }
    migrate_ctx_on_event(cli->ctx, cli_on_event, cli, NULL);
    s = load_drivers(cli, err);
    if (s == MIGRATE_OK)
        s = set_options(cli, err);
    if (s != MIGRATE_OK)
        return s;
    if (cli->verbosity >= 0)
        cli->progress = cli_progress_new();
    return use_places(cli, err);
}

void cli_teardown(struct cli *cli)
{
    cli_progress_free(cli->progress);
    cli->progress = NULL;
    cli_signals_withdraw();
    migrate_ctx_free(cli->ctx);
    free(cli->url);
    for (size_t i = 0; i < cli->n_settings; i++)
        free(cli->settings[i].key);
    free(cli->settings);
}
