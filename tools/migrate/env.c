/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fail.h"

#define PREFIX "MIGRATE_"
#define KEY_MAX_LEN 128

const char *cli_getenv(const struct cli *cli, const char *name)
{
    size_t len = strlen(name);
    for (char *const *e = cli->environ; *e; e++) {
        if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
            return (*e)[len + 1] ? *e + len + 1 : NULL;
    }
    return NULL;
}

/* A password may stand before the last '@' or in a parameter: all behind "://" goes. */
static void hide_url(char *arg)
{
    char *at = strstr(arg, "://");
    if (at)
        memset(at + 3, 'x', strlen(at + 3));
}

migrate_status cli_places(struct cli *cli, migrate_error **err)
{
    const char *url = cli->value[FLAG_DATABASE];
    cli->source = cli->value[FLAG_SOURCE];
    if (!cli->source)
        cli->source = cli_getenv(cli, "MIGRATE_SOURCE");
    if (!cli->source)
        cli->source = "migrations";
    if (!url)
        url = cli_getenv(cli, "MIGRATE_DATABASE_URL");
    if (!url)
        url = cli_getenv(cli, "DATABASE_URL");
    if (!url)
        return MIGRATE_OK;
    cli->url = strdup(url);
    if (!cli->url)
        return cli_fail(err, MIGRATE_E_NOMEM, NULL, "out of memory");
    if (cli->value[FLAG_DATABASE])
        hide_url(cli->value[FLAG_DATABASE]);
    return MIGRATE_OK;
}

/* The row whose key is @p key; a prefix row ("placeholder.") matches what begins with it. */
static const migrate_option *option_row(const char *key)
{
    const migrate_option *row;
    for (size_t i = 0; (row = migrate_option_at(i)); i++) {
        const char *known = migrate_option_key(row);
        size_t len = strlen(known);
        bool prefix = len && known[len - 1] == '.';
        if (prefix ? strncmp(key, known, len) == 0 && key[len] : strcmp(key, known) == 0)
            return row;
    }
    return NULL;
}

/* LOCK_WAIT -> lock_wait, PLACEHOLDER__Name -> placeholder.Name, POSTGRES__KEY -> postgres.key. False: too
 * long. */
static bool to_key(const char *name, size_t len, char *key)
{
    const char *dot = NULL;
    bool placeholder;
    size_t n = 0;
    if (len >= KEY_MAX_LEN)
        return false;
    for (size_t i = 1; i + 2 < len && !dot; i++) {
        if (name[i] == '_' && name[i + 1] == '_')
            dot = name + i;
    }
    placeholder = dot && (size_t)(dot - name) == strlen("PLACEHOLDER") &&
                  strncmp(name, "PLACEHOLDER", strlen("PLACEHOLDER")) == 0;
    for (const char *p = name; p < name + len; p++) {
        bool as_is = placeholder && p > dot; /* a placeholder's name has upper and lower case */
        if (p == dot) {
            key[n++] = '.';
            p++;
        } else {
            key[n++] = as_is ? *p : (char)tolower((unsigned char)*p);
        }
    }
    key[n] = '\0';
    return true;
}

static bool set_by_flag(const struct cli *cli, const char *key)
{
    for (size_t i = 0; i < cli->n_settings; i++) {
        if (strcmp(cli->settings[i].key, key) == 0)
            return true;
    }
    return strcmp(key, MIGRATE_OPT_LOG_LEVEL) == 0 && cli->verbosity != 0;
}

static migrate_status from_variable(struct cli *cli, const char *name, size_t len, const char *key,
                                    const char *value, migrate_error **err)
{
    migrate_error *why = NULL;
    migrate_status s = migrate_ctx_set(cli->ctx, key, value, &why);
    if (s == MIGRATE_OK)
        return s;
    s = cli_fail(err, s, migrate_error_hint(why), "environment variable " PREFIX "%.*s: %s", (int)len, name,
                 migrate_error_message(why));
    migrate_error_free(why);
    return s;
}

static bool ours_already(const char *name, size_t len)
{
    static const char *const places[] = { "DATABASE_URL", "SOURCE" };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (strlen(places[i]) == len && memcmp(places[i], name, len) == 0)
            return true;
    }
    return false;
}

/* @p name is without the prefix and @p len long; @p value follows its '='. */
static migrate_status variable(struct cli *cli, const char *name, size_t len, const char *value,
                               migrate_error **err)
{
    char key[KEY_MAX_LEN + 1];
    bool known = to_key(name, len, key);
    const char *dot = known ? strchr(key, '.') : NULL;
    bool row = known && option_row(key);
    if (ours_already(name, len))
        return MIGRATE_OK;
    if (dot && cli_driver_known(key, (size_t)(dot - key))) {
        /* Meant for one driver: of no concern to a run on another database. */
        if (!cli->url || !cli_url_is_for(cli->url, key, (size_t)(dot - key)))
            return MIGRATE_OK;
        row = true;
    }
    if (!row) {
        cli_log(cli, MIGRATE_LOG_WARN, "environment variable " PREFIX "%.*s is no option of ours; ignored",
                (int)len, name);
        return MIGRATE_OK;
    }
    if (set_by_flag(cli, key) || (!*value && !dot))
        return MIGRATE_OK;
    return from_variable(cli, name, len, key, value, err);
}

migrate_status cli_environment(struct cli *cli, migrate_error **err)
{
    for (char *const *e = cli->environ; *e; e++) {
        const char *name = *e + strlen(PREFIX);
        if (strncmp(*e, PREFIX, strlen(PREFIX)) != 0 || !strchr(*e, '='))
            continue;
        migrate_status s = variable(cli, name, strcspn(name, "="), strchr(*e, '=') + 1, err);
        if (s != MIGRATE_OK)
            return s;
    }
    return MIGRATE_OK;
}
