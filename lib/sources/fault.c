/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

static int32_t fail_with(const migrate_host *host, migrate_error **err, int32_t status, const char *hint,
                         const char *message)
{
    migrate_fault fault = { .struct_size = sizeof fault, .status = message ? status : MIGRATE_E_NOMEM };
    fault.message = message ? message : "out of memory";
    fault.hint = message ? hint : NULL;
    return host->fail(host, err, &fault);
}

int32_t mig_source_fail(const migrate_host *host, migrate_error **err, int32_t status, const char *hint,
                        const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *message = mig_vsprintf(fmt, args);
    va_end(args);
    int32_t result = fail_with(host, err, status, hint, message);
    free(message);
    return result;
}

bool mig_source_path_inside(const char *path)
{
    for (const char *part = path;; part++) {
        size_t len = strcspn(part, "/");
        if (len == 0 || (len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        part += len;
        if (*part == '\0')
            return true;
    }
}

static const char *hint_for(int number)
{
    switch (number) {
    case EACCES:
    case EPERM:
        return "give the user that runs this the right to read it";
    case ELOOP:
        return "remove the link that leads back to itself";
    case EMFILE:
    case ENFILE:
        return "raise the limit of open files";
    case EROFS:
        return "the file system is mounted read-only";
    case ENOSPC:
    case EDQUOT:
        return "make room on the disk";
    default:
        return NULL;
    }
}

int32_t mig_source_fail_errno(const migrate_host *host, migrate_error **err, int number, const char *what,
                              const char *name)
{
    if (number == ENOMEM)
        return mig_source_fail(host, err, MIGRATE_E_NOMEM, NULL, "out of memory");
    return mig_source_fail(host, err, MIGRATE_E_SOURCE, hint_for(number), "cannot %s %s: %s", what, name,
                           strerror(number));
}
