/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <migrate/aws.h>

#include "cli.h"
#include "fail.h"

/* Credentials from AWS live in libmigrate-aws, which is loaded only when an option asks for them: nobody
 * else's start waits for libcurl. */

typedef migrate_status (*attach_fn)(migrate_ctx *ctx, migrate_error **err);
typedef migrate_status (*open_fn)(migrate_ctx *ctx, const char *url, migrate_error **err);

static bool says_yes(const char *value, size_t len)
{
    return len && !(len == 1 && *value == '0');
}

/* "?key=value" in a URL, which becomes an option when that is opened. */
static bool in_query(const char *url, const char *key)
{
    size_t n = strlen(key);
    const char *at = strchr(url, '?');
    while (at) {
        at++;
        if (strncmp(at, key, n) == 0 && at[n] == '=' && says_yes(at + n + 1, strcspn(at + n + 1, "&#")))
            return true;
        at = strchr(at, '&');
    }
    return false;
}

/* The Data API logs in by itself: it is given the secret's name. */
bool cli_aws_wanted(const struct cli *cli)
{
    static const char *const keys[] = { MIGRATE_OPT_SECRET, MIGRATE_OPT_SSM_PARAMETER, MIGRATE_OPT_IAM };
    if (cli->url && cli_url_is_for(cli->url, "rds_data", strlen("rds_data")))
        return false;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *value = migrate_ctx_get(cli->ctx, keys[i]);
        if ((value && says_yes(value, strlen(value))) || (cli->url && in_query(cli->url, keys[i])))
            return true;
    }
    return false;
}

#ifdef MIGRATE_STATIC_DRIVERS

#ifdef MIGRATE_WITH_AWS
static attach_fn find_attach(migrate_error **err)
{
    (void)err;
    return migrate_aws_attach;
}

static open_fn find_open(migrate_error **err)
{
    (void)err;
    return migrate_aws_open;
}
#else
static attach_fn find_attach(migrate_error **err)
{
    cli_fail(err, MIGRATE_E_UNSUPPORTED, "build with -Daws=enabled",
             "this build has no credentials from AWS");
    return NULL;
}

static open_fn find_open(migrate_error **err)
{
    (void)find_attach(err);
    return NULL;
}
#endif

#else

/* The library stays loaded: the context calls into it until the end. */
static void *symbol(const char *name, migrate_error **err)
{
    char *path = cli_library("libmigrate-aws.so." MIGRATE_SOVERSION, NULL);
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    void *found = library ? dlsym(library, name) : NULL;
    if (!path)
        cli_fail(err, MIGRATE_E_LOAD, "install the package that holds it, or build with -Daws=enabled",
                 "credentials from AWS need libmigrate-aws, which is not installed");
    else if (!found)
        cli_fail(err, MIGRATE_E_LOAD, NULL, "libmigrate-aws cannot be used: %s", dlerror());
    free(path);
    return found;
}

static attach_fn find_attach(migrate_error **err)
{
    void *found = symbol("migrate_aws_attach", err);
    attach_fn fn;
    memcpy(&fn, &found, sizeof fn); /* ISO C has no cast from data to function */
    return fn;
}

static open_fn find_open(migrate_error **err)
{
    void *found = symbol("migrate_aws_open", err);
    open_fn fn;
    memcpy(&fn, &found, sizeof fn);
    return fn;
}

#endif

migrate_status cli_aws_attach(struct cli *cli, migrate_error **err)
{
    attach_fn attach = find_attach(err);
    return attach ? attach(cli->ctx, err) : migrate_error_status(*err);
}

/* No URL: the secret says which engine it is, so every driver that is installed may be the one. */
migrate_status cli_aws_open(struct cli *cli, migrate_error **err)
{
    open_fn open = find_open(err);
    if (!open)
        return migrate_error_status(*err);
    cli_load_if_there(cli, "postgres");
    cli_load_if_there(cli, "mysql");
    return open(cli->ctx, NULL, err);
}
