/* SPDX-License-Identifier: Apache-2.0 */
#include "fail.h"

#include <stdarg.h>
#include <stdio.h>

#include "cli.h"

/* Cut where it is longer: our own messages are one line. */
#define MESSAGE_MAX 1024

migrate_status cli_fail(migrate_error **err, migrate_status status, const char *hint, const char *fmt, ...)
{
    char message[MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    cli_clean(message);
    return migrate_error_make(err, status, message, hint);
}

migrate_status cli_fail_usage(migrate_error **err, const struct cli_command *command, const char *fmt, ...)
{
    char message[MESSAGE_MAX];
    char hint[MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    cli_clean(message);
    snprintf(hint, sizeof hint, "usage: migrate %s%s%s", command->name, *command->arguments ? " " : "",
             command->arguments);
    return migrate_error_make(err, MIGRATE_E_ARGUMENT, message, hint);
}
