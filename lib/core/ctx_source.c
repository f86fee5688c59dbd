/* SPDX-License-Identifier: Apache-2.0 */

/* The source of a context: what the application set, with what it added. */

#include <string.h>

#include "core/ctx.h"

migrate_status mig_ctx_source(migrate_ctx *ctx, const migrate_source_ops **ops, void **self, migrate_error **err)
{
    if (ctx->source_ops && ctx->memory) {
        ctx->joined.ops = ctx->source_ops;
        ctx->joined.self = ctx->source_self;
        ctx->joined.memory = ctx->memory;
        *ops = &mig_source_joined_ops;
        *self = &ctx->joined;
    } else if (ctx->source_ops) {
        *ops = ctx->source_ops;
        *self = ctx->source_self;
    } else if (ctx->memory) {
        *ops = &mig_source_memory_ops;
        *self = ctx->memory;
    } else {
        return mig_fail(err, MIGRATE_E_MISUSE, "no source of migrations is set");
    }
    return MIGRATE_OK;
}

static const char *placeholder(void *user, const char *name, size_t len)
{
    const migrate_ctx *ctx = user;
    char key[256];
    size_t prefix = strlen(MIGRATE_OPT_PLACEHOLDER);
    if (prefix + len >= sizeof key)
        return NULL;
    memcpy(key, MIGRATE_OPT_PLACEHOLDER, prefix);
    memcpy(key + prefix, name, len);
    key[prefix + len] = '\0';
    return mig_options_own(ctx->options, key);
}

static bool any_placeholder(const migrate_ctx *ctx)
{
    const char *value;
    for (size_t i = 0;; i++) {
        const char *key = mig_options_key_at(ctx->options, i, &value);
        if (!key)
            return false;
        if (strncmp(key, MIGRATE_OPT_PLACEHOLDER, strlen(MIGRATE_OPT_PLACEHOLDER)) == 0)
            return true;
    }
}

void mig_ctx_layout_options(migrate_ctx *ctx, struct mig_layout_options *out)
{
    struct mig_sql_dialect_info di;
    mig_ctx_dialect(ctx, &di);
    *out = (struct mig_layout_options){ .layout = ctx->set.layout,
                                        .order = ctx->set.order,
                                        .contexts = ctx->set.contexts,
                                        .labels = ctx->set.labels,
                                        .tags = ctx->set.tags,
                                        .dialect = di.dialect,
                                        .mariadb = di.mariadb,
                                        .any_placeholder = any_placeholder(ctx),
                                        .placeholder = placeholder,
                                        .placeholder_user = ctx };
}

migrate_status mig_ctx_set_read(migrate_ctx *ctx, struct mig_layout_options *options, struct mig_set **out,
                                migrate_error **err)
{
    const migrate_source_ops *ops = NULL;
    void *self = NULL;
    migrate_status status = mig_ctx_source(ctx, &ops, &self, err);
    if (status)
        return status;
    mig_ctx_layout_options(ctx, options);
    struct mig_diag diag = MIG_DIAG_INIT;
    migrate_error *own = NULL;
    status = mig_set_read(ops, self, &ctx->host, options, out, &diag, &own);
    if (!status)
        return MIGRATE_OK;
    if (own && err)
        *err = own;
    else
        migrate_error_free(own);
    if (!own)
        mig_fail_diag(err, &diag);
    mig_diag_free(&diag);
    return status;
}
