/* SPDX-License-Identifier: Apache-2.0 */

/* A database URL: which driver it is for, and which of its parameters are ours. */

#include "core/session_url.h"

#include <stdlib.h>
#include <string.h>

#include "util/text.h"

/* Parameters of ours that a client library knows by the same name and in its own units. */
static bool left_to_client(const char *key)
{
    return strcmp(key, MIGRATE_OPT_CONNECT_TIMEOUT) == 0 || strcmp(key, "role") == 0;
}

static bool is_library_key(const char *key)
{
    for (size_t i = 0; migrate_option_at(i); i++) {
        const char *known = migrate_option_key(migrate_option_at(i));
        size_t len = strlen(known);
        bool prefix = known[len - 1] == '.';
        if (prefix ? strncmp(key, known, len) == 0 && key[len] : strcmp(key, known) == 0)
            return !left_to_client(key);
    }
    return false;
}

static bool is_driver_key(const migrate_driver *d, const char *key)
{
    if (!MIGRATE_HAS(migrate_driver, d, options) || !d->options)
        return false;
    size_t own = strlen(d->name);
    for (const char *const *o = d->options; *o; o++) {
        const char *bare = strncmp(*o, d->name, own) == 0 && (*o)[own] == '.' ? *o + own + 1 : *o;
        if (strcmp(bare, key) == 0 || strcmp(*o, key) == 0)
            return true;
    }
    return false;
}

struct taking {
    migrate_ctx *ctx;
    migrate_error **err;
    migrate_status status;
};

static migrate_status keep_param(struct mig_session *db, const char *key, const char *value, migrate_error **err)
{
    if (!mig_grow(&db->params, &db->params_cap, db->n_params + 1, sizeof *db->params))
        return mig_fail_nomem(err);
    struct mig_url_param p = { mig_strdup(key), mig_strdup(value ? value : "") };
    if (!p.key || !p.value) {
        free(p.key);
        free(p.value);
        return mig_fail_nomem(err);
    }
    db->params[db->n_params++] = p;
    return MIGRATE_OK;
}

static bool take(void *user, const char *key, const char *value)
{
    struct taking *t = user;
    migrate_ctx *ctx = t->ctx;
    if (t->status)
        return false;
    if (is_driver_key(ctx->db.driver, key)) {
        t->status = keep_param(&ctx->db, key, value, t->err);
        return true;
    }
    if (!is_library_key(key))
        return false;
    if (!mig_options_own(ctx->options, key))
        t->status = mig_options_set(ctx->options, key, value, ctx->drivers, ctx->n_drivers, t->err);
    return true;
}

void mig_session_url_clear(struct mig_session *db)
{
    for (size_t i = 0; i < db->n_params; i++) {
        free(db->params[i].key);
        free(db->params[i].value);
    }
    free(db->params);
    db->params = NULL;
    db->n_params = db->params_cap = 0;
    mig_wipe_free(db->url);
    free(db->shown_url);
    db->url = db->shown_url = NULL;
}

static const migrate_driver *find_driver(const migrate_ctx *ctx, const char *scheme)
{
    for (size_t i = 0; i < ctx->n_drivers; i++) {
        for (const char *const *s = ctx->drivers[i]->schemes; *s; s++) {
            if (strcmp(*s, scheme) == 0)
                return ctx->drivers[i];
        }
    }
    return NULL;
}

static migrate_status no_driver(const migrate_ctx *ctx, const char *scheme, migrate_error **err)
{
    struct mig_buf known = MIG_BUF_INIT;
    for (size_t i = 0; i < ctx->n_drivers; i++) {
        for (const char *const *s = ctx->drivers[i]->schemes; *s; s++)
            mig_buf_fmt(&known, "%s%s:", known.len ? ", " : "", *s);
    }
    if (*scheme)
        mig_fail(err, MIGRATE_E_NO_DRIVER, "no driver is registered for URLs that begin with %s:", scheme);
    else
        mig_fail(err, MIGRATE_E_URL, "the database URL has no scheme");
    mig_error_hint(err, known.len ? "known are: %s" : "add a driver to the context first%s", mig_buf_text(&known));
    mig_buf_free(&known);
    return *scheme ? MIGRATE_E_NO_DRIVER : MIGRATE_E_URL;
}

/* The password of the URL must never be shown, whatever the client library says about it. */
static migrate_status remember_password(migrate_ctx *ctx, const char *url, migrate_error **err)
{
    struct mig_url parts = { 0 };
    struct mig_diag diag = MIG_DIAG_INIT;
    bool ok = true;
    if (mig_url_parse(&parts, url, &diag) == MIGRATE_OK) {
        ok = mig_secrets_add(&ctx->secrets, parts.password) && mig_secrets_add(&ctx->secrets, mig_url_param(&parts, "password"));
        mig_url_free(&parts);
    }
    mig_diag_free(&diag);
    return ok ? MIGRATE_OK : mig_fail_nomem(err);
}

migrate_status mig_session_url_set(migrate_ctx *ctx, const char *url, migrate_error **err)
{
    struct mig_session *db = &ctx->db;
    mig_session_url_clear(db);
    char scheme[32];
    mig_url_scheme(url, scheme, sizeof scheme);
    const migrate_driver *driver = find_driver(ctx, scheme);
    if (!driver)
        return no_driver(ctx, scheme, err);
    migrate_status status = remember_password(ctx, url, err);
    if (status)
        return status;
    db->driver = driver;
    struct taking t = { ctx, err, MIGRATE_OK };
    db->url = mig_url_strip(url, take, &t);
    db->shown_url = mig_url_redact(url);
    if (!t.status && (!db->url || !db->shown_url))
        t.status = mig_fail_nomem(err);
    return t.status;
}
