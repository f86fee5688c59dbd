/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_FAIL_H
#define CLI_FAIL_H

/* Failures of the command line itself; they look like the library's. */

#include <migrate/error.h>

struct cli_command;

/* Makes *@p err and returns @p status. @p hint may be NULL. */
migrate_status cli_fail(migrate_error **err, migrate_status status, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* E_ARGUMENT with the usage of @p command as hint. */
migrate_status cli_fail_usage(migrate_error **err, const struct cli_command *command, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
