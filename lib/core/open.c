/* SPDX-License-Identifier: Apache-2.0 */

/* Connecting a context, by URL, by an open connection, or to nothing but a dialect. */

#include <stdlib.h>
#include <string.h>

#include "core/session.h"
#include "core/session_url.h"
#include "util/text.h"

static migrate_status not_open(const migrate_ctx *ctx, migrate_error **err)
{
    if (!ctx->db.conn)
        return MIGRATE_OK;
    mig_fail(err, MIGRATE_E_MISUSE, "a database is open already");
    mig_error_hint(err, "call migrate_ctx_close first");
    return MIGRATE_E_MISUSE;
}

static void forget_dialect(migrate_ctx *ctx)
{
    free(ctx->offline_name);
    ctx->offline_name = NULL;
    ctx->offline_set = false;
    ctx->offline = (struct mig_sql_dialect_info){ 0 };
}

migrate_status migrate_ctx_open(migrate_ctx *ctx, const char *url, migrate_error **err)
{
    if (!url || !*url)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_ctx_open: the URL is %s", url ? "empty" : "NULL");
    migrate_status status = mig_call_begin(ctx, 0, 0, err);
    if (status)
        return status;
    status = not_open(ctx, err);
    if (!status)
        status = mig_session_url_set(ctx, url, err);
    if (!status) {
        mig_options_read(ctx->options, &ctx->set); /* the URL may have set some */
        forget_dialect(ctx);
        status = mig_session_open(ctx, err);
    }
    return mig_call_end(ctx, status, err);
}

static const migrate_driver *driver_named(const migrate_ctx *ctx, const char *name)
{
    for (size_t i = 0; i < ctx->n_drivers; i++) {
        if (strcmp(ctx->drivers[i]->name, name) == 0)
            return ctx->drivers[i];
    }
    return NULL;
}

static migrate_status adopt(migrate_ctx *ctx, const char *name, void *native, migrate_error **err)
{
    const migrate_driver *d = driver_named(ctx, name);
    if (!d) {
        mig_fail(err, MIGRATE_E_NO_DRIVER, "no driver named %s is registered", name);
        mig_error_hint(err, "add it with migrate_ctx_add_driver first");
        return MIGRATE_E_NO_DRIVER;
    }
    if (!MIGRATE_HAS(migrate_driver, d, adopt) || !d->adopt)
        return mig_fail(err, MIGRATE_E_UNSUPPORTED, "the driver %s takes no connection of an application", name);
    mig_session_url_clear(&ctx->db);
    ctx->db.driver = d;
    ctx->db.dialect = d->dialect;
    ctx->db.lost = ctx->db.changed = false;
    ctx->db.tx = MIGRATE_TX_NONE;
    void *conn = NULL;
    migrate_status status = d->adopt(&ctx->host, native, &conn, err);
    if (status)
        return status;
    ctx->db.conn = conn;
    ctx->db.native = native;
    mig_session_dialect(&ctx->db);
    ctx->db.adopted = true;
    forget_dialect(ctx);
    return MIGRATE_OK;
}

migrate_status migrate_ctx_adopt(migrate_ctx *ctx, const char *driver, void *native, migrate_error **err)
{
    if (!driver || !native)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_ctx_adopt: driver or connection is NULL");
    migrate_status status = mig_call_begin(ctx, 0, 0, err);
    if (status)
        return status;
    status = not_open(ctx, err);
    if (!status)
        status = adopt(ctx, driver, native, err);
    return mig_call_end(ctx, status, err);
}

/* "8.0.36" gives 80036. */
static bool version_of(const char *text, uint32_t *out)
{
    uint32_t part[3] = { 0, 0, 0 };
    for (int i = 0; i < 3 && *text; i++) {
        if (!mig_is_digit(*text))
            return false;
        while (mig_is_digit(*text))
            part[i] = part[i] * 10 + (uint32_t)(*text++ - '0');
        if (*text == '.')
            text++;
    }
    *out = part[0] * 10000 + part[1] * 100 + part[2];
    return *text == '\0' && part[0];
}

static const struct {
    const char *name;
    uint32_t dialect, lex;
    bool mariadb;
} dialects[] = {
    { "postgres", MIGRATE_DIALECT_POSTGRES, MIGRATE_LEX_DOLLAR_QUOTES, false },
    { "postgresql", MIGRATE_DIALECT_POSTGRES, MIGRATE_LEX_DOLLAR_QUOTES, false },
    { "mysql", MIGRATE_DIALECT_MYSQL, MIGRATE_LEX_BACKSLASH_ESCAPES, false },
    { "mariadb", MIGRATE_DIALECT_MYSQL, MIGRATE_LEX_BACKSLASH_ESCAPES, true },
    { "sqlite", MIGRATE_DIALECT_SQLITE, 0, false },
};

static bool find_dialect(const char *text, struct mig_sql_dialect_info *out)
{
    size_t n = strcspn(text, ":");
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++) {
        if (!mig_ieqn(text, n, dialects[i].name))
            continue;
        *out = (struct mig_sql_dialect_info){ .dialect = dialects[i].dialect,
                                              .lex = dialects[i].lex,
                                              .mariadb = dialects[i].mariadb };
        return text[n] == '\0' || version_of(text + n + 1, &out->version);
    }
    return false;
}

migrate_status migrate_ctx_use_dialect(migrate_ctx *ctx, const char *dialect, migrate_error **err)
{
    if (!dialect)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_ctx_use_dialect: the dialect is NULL");
    migrate_status status = mig_call_begin(ctx, 0, 0, err);
    if (status)
        return status;
    struct mig_sql_dialect_info di;
    status = not_open(ctx, err);
    if (!status && !find_dialect(dialect, &di)) {
        status = mig_fail(err, MIGRATE_E_ARGUMENT, "unknown dialect %s", dialect);
        mig_error_hint(err, "one of postgres, mysql, mariadb, sqlite, with a version if need be: mysql:8.0.36");
    }
    char *name = status ? NULL : mig_strdup(dialect);
    if (!status && !name)
        status = mig_fail_nomem(err);
    if (!status) {
        mig_names_free(&ctx->db.names);
        forget_dialect(ctx);
        ctx->offline = di;
        ctx->offline_set = true;
        ctx->offline_name = name;
    }
    return mig_call_end(ctx, status, err);
}

void migrate_ctx_close(migrate_ctx *ctx)
{
    if (!ctx || ctx->call.active)
        return;
    mig_session_close(ctx);
    mig_session_url_clear(&ctx->db);
}
