/* SPDX-License-Identifier: Apache-2.0 */
/* The accessors of an error. */
#include "core/error_object.h"
#include "core/status.h"

migrate_status migrate_error_status(const migrate_error *err)
{
    return err ? err->status : MIGRATE_OK;
}

const char *migrate_error_message(const migrate_error *err)
{
    if (!err)
        return "";
    return err->message ? err->message : "out of memory";
}

const char *migrate_error_hint(const migrate_error *err)
{
    if (!err)
        return NULL;
    /* What is at the bottom of it knows better than what can be said of any such failure. */
    for (const migrate_error *e = err; e; e = e->cause)
        if (e->hint)
            return e->hint;
    return mig_status_remedy(err->status);
}

const char *migrate_error_state(const migrate_error *err)
{
    return err ? err->state : NULL;
}

const char *migrate_error_sqlstate(const migrate_error *err)
{
    return err && err->sqlstate[0] ? err->sqlstate : NULL;
}

int32_t migrate_error_code(const migrate_error *err)
{
    return err ? err->code : 0;
}

const char *migrate_error_version(const migrate_error *err)
{
    return err ? err->version : NULL;
}

const char *migrate_error_path(const migrate_error *err)
{
    return err ? err->path : NULL;
}

uint64_t migrate_error_line(const migrate_error *err)
{
    return err ? err->line : 0;
}

uint64_t migrate_error_column(const migrate_error *err)
{
    return err ? err->column : 0;
}

uint64_t migrate_error_statement(const migrate_error *err)
{
    return err ? err->statement : 0;
}

const migrate_error *migrate_error_cause(const migrate_error *err)
{
    return err ? err->cause : NULL;
}

uint32_t mig_error_fault(const migrate_error *err)
{
    return err ? err->fault : MIGRATE_FAULT_OTHER;
}

uint64_t mig_error_offset(const migrate_error *err)
{
    return err ? err->offset : 0;
}
