/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* dladdr() */
#endif
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <migrate/drivers.h>

#include "binding.h"

/* The package's own libmigrate has every driver inside; an installed one keeps each in a library of its own. */

void *library_symbol(const char *name)
{
    Dl_info info;
    const char *(*known)(void) = migrate_version_string;
    void *address = NULL, *library, *found;
    memcpy(&address, &known, sizeof address);
    if (!dladdr(address, &info) || !info.dli_fname)
        return NULL;
    library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (!library)
        return NULL;
    found = dlsym(library, name);
    dlclose(library);
    return found;
}

migrate_status library_add_driver(migrate_ctx *ctx, const char *name, migrate_error **err)
{
    char symbol[64];
    const migrate_driver *(*driver)(void) = NULL;
    void *found;
    snprintf(symbol, sizeof symbol, "migrate_%s_driver", name);
    found = library_symbol(symbol);
    if (!found)
        return MIGRATE_E_LOAD;
    memcpy(&driver, &found, sizeof driver);
    return migrate_ctx_add_driver(ctx, driver(), err);
}
