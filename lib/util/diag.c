/* SPDX-License-Identifier: Apache-2.0 */
#include "util/diag.h"

#include <stdarg.h>
#include <stdlib.h>

#include "util/mem.h"

int32_t mig_diag_set(struct mig_diag *d, int32_t status, const char *fmt, ...)
{
    if (!d || d->status)
        return status;
    d->status = status;
    va_list args;
    va_start(args, fmt);
    d->message = mig_vsprintf(fmt, args);
    va_end(args);
    return status;
}

void mig_diag_hint(struct mig_diag *d, const char *fmt, ...)
{
    if (!d || !d->status || d->hint)
        return;
    va_list args;
    va_start(args, fmt);
    d->hint = mig_vsprintf(fmt, args);
    va_end(args);
}

void mig_diag_path(struct mig_diag *d, const char *path)
{
    if (d && d->status && !d->path)
        d->path = mig_strdup(path);
}

void mig_diag_at(struct mig_diag *d, uint64_t line, uint64_t column)
{
    if (!d || !d->status || d->line)
        return;
    d->line = line;
    d->column = column;
}

void mig_diag_free(struct mig_diag *d)
{
    free(d->message);
    free(d->hint);
    free(d->path);
    *d = (struct mig_diag)MIG_DIAG_INIT;
}
