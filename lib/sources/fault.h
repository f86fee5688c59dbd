/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SOURCES_FAULT_H
#define MIG_SOURCES_FAULT_H

#include <stdbool.h>

#include <migrate/source.h>

/* Makes *@p err through the host and returns @p status. @p hint may be NULL. */
int32_t mig_source_fail(const migrate_host *host, migrate_error **err, int32_t status, const char *hint,
                        const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Likewise from errno: "cannot <what> <name>: <the system's words>", with a hint where there is one. */
int32_t mig_source_fail_errno(const migrate_host *host, migrate_error **err, int number, const char *what,
                              const char *name);

/* Relative, without empty parts, "." and "..": it names something inside. */
bool mig_source_path_inside(const char *path);

#endif
