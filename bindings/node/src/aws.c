/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <string.h>

#include <migrate/aws.h>

#include "binding.h"

/* libmigrate-aws is loaded only when an option asks for it: nobody else's import waits for libcurl. It stays
 * loaded, for contexts call into it until their end. */
migrate_status aws_open(migrate_ctx *ctx, const char *path, const char *url, migrate_error **err)
{
    migrate_status (*open_fn)(migrate_ctx *, const char *, migrate_error **) = NULL;
    void *found = library_symbol("migrate_aws_open");
    void *library = found ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library)
        found = dlsym(library, "migrate_aws_open");
    if (!found)
        return migrate_error_make(err, MIGRATE_E_LOAD, "libmigrate-aws, which has the credentials from AWS, "
                                  "cannot be loaded", "install it beside libmigrate");
    memcpy(&open_fn, &found, sizeof found);
    return open_fn(ctx, url, err);
}
