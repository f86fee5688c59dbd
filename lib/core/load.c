/* SPDX-License-Identifier: Apache-2.0 */

/* Drivers loaded at run time. They are never unloaded: client libraries do not survive that. */

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "core/ctx.h"
#include "util/text.h"

/* "libmigrate-my-db.so.0" gives "my_db"; false when the name does not have that shape. */
static bool name_from_file(const char *file, char *out, size_t size)
{
    const char *base = strrchr(file, '/');
    base = base ? base + 1 : file;
    static const char prefix[] = "libmigrate-";
    if (!mig_starts(base, prefix))
        return false;
    base += sizeof prefix - 1;
    size_t len = strcspn(base, ".");
    if (len == 0 || len >= size)
        return false;
    for (size_t i = 0; i < len; i++)
        out[i] = base[i] == '-' ? '_' : base[i];
    out[len] = '\0';
    return true;
}

static migrate_status load_failed(migrate_error **err, const char *file, const char *why)
{
    mig_fail(err, MIGRATE_E_LOAD, "cannot load the driver %s: %s", file, why ? why : "unknown reason");
    mig_error_hint(err, "install the library of that driver, or give its path");
    return MIGRATE_E_LOAD;
}

static migrate_status find_function(void *handle, const char *file, const char *name, migrate_driver_fn *out,
                                    migrate_error **err)
{
    char symbol[128];
    int n = snprintf(symbol, sizeof symbol, "migrate_%s_driver", name);
    if (n < 0 || (size_t)n >= sizeof symbol)
        return load_failed(err, file, "its name is too long");
    void *address = dlsym(handle, symbol);
    if (!address) {
        mig_fail(err, MIGRATE_E_LOAD, "%s is not a driver: it has no function %s", file, symbol);
        mig_error_hint(err, "give the driver's name if it differs from the file's");
        return MIGRATE_E_LOAD;
    }
    memcpy(out, &address, sizeof address); /* ISO C has no conversion from object to function pointer */
    return MIGRATE_OK;
}

migrate_status migrate_ctx_load_driver(migrate_ctx *ctx, const char *file, const char *name, uint32_t flags,
                                       migrate_error **err)
{
    if (!ctx || !file || !*file)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_ctx_load_driver: context or file is missing");
    if (ctx->call.active)
        return mig_fail(err, MIGRATE_E_MISUSE, "migrate_ctx_load_driver was called while another call runs");
    if (flags & ~MIGRATE_LOAD_SEARCH)
        return mig_fail(err, MIGRATE_E_TOO_NEW, "migrate_ctx_load_driver: unknown flags 0x%x", flags);
    char own[64];
    if (!name) {
        if (!name_from_file(file, own, sizeof own))
            return load_failed(err, file, "its file name does not say the driver's name (libmigrate-NAME.so)");
        name = own;
    }
    if (!strchr(file, '/') && !(flags & MIGRATE_LOAD_SEARCH))
        return load_failed(err, file, "a name without '/' is looked up only with MIGRATE_LOAD_SEARCH");
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return load_failed(err, file, dlerror());
    migrate_driver_fn fn = NULL;
    migrate_status status = find_function(handle, file, name, &fn, err);
    return status ? status : migrate_ctx_add_driver(ctx, fn(), err);
}
