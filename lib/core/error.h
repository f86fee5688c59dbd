/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_ERROR_H
#define MIG_CORE_ERROR_H

/* The error object behind error.h. Every function takes an `err` that may be NULL, and does nothing to
 * the static out-of-memory object. */

#include <stdarg.h>

#include <migrate/driver.h>
#include <migrate/error.h>

#include "util/diag.h"

/* Makes *@p err (overwriting, never freeing) and returns @p status: `return mig_fail(err, E, "…", …)`. The
 * message becomes one line. Where there is no memory for it *@p err is the static object, and E_NOMEM is what
 * is returned, here and below: an error and the status it came with never disagree. */
migrate_status mig_fail(migrate_error **err, migrate_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
migrate_status mig_fail_nomem(migrate_error **err);
/* From a diag, which is emptied. */
migrate_status mig_fail_diag(migrate_error **err, struct mig_diag *diag);
/* From a driver's fault; status by migrate_fault.status or its class. `offset` is kept for mig_error_place().
 */
migrate_status mig_fail_fault(migrate_error **err, const migrate_fault *fault);

/* Add to an error just made; an earlier value stays unless said. */
void mig_error_hint(migrate_error **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What state the database is in now; replaces an earlier one. */
void mig_error_state(migrate_error **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts "@p fmt: " in front of the message. */
void mig_error_prefix(migrate_error **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mig_error_version(migrate_error **err, const char *version);
void mig_error_path(migrate_error **err, const char *path);
/* Replaces the status (RETRY given up: E_LOCKED and so on). */
void mig_error_status(migrate_error **err, migrate_status status);

/* Where in its file a statement stands. Line and column of the error follow from the fault's offset into the
 * statement; without one they are the statement's own. The statement's text is kept, cut, for the caret. */
struct mig_place {
    const char *version;
    const char *path;
    uint64_t line; /* of the statement's first character */
    uint64_t column;
    uint64_t statement; /* from 1 */
    const char *sql;
    size_t sql_len;
};
void mig_error_place(migrate_error **err, const struct mig_place *place);

/* Appends @p cause (taken over, may be NULL) to the end of the chain of *@p err, or frees it. */
void mig_error_add_cause(migrate_error **err, migrate_error *cause);

/* Facts of the driver's fault behind it. */
uint32_t mig_error_fault(const migrate_error *err); /* MIGRATE_FAULT_*, OTHER if none */
uint64_t mig_error_offset(const migrate_error *err);

/* Replaces every occurrence of the texts in @p secrets by "***" in all strings, causes included. */
struct mig_secrets;
void mig_error_mask(migrate_error *err, const struct mig_secrets *secrets);

/* {"status":…} as in cli.md, without the envelope. */
struct mig_buf;
void mig_error_json_object(const migrate_error *err, struct mig_buf *out);

/* Deep copy, NULL for NULL; the static object when memory is out. */
migrate_error *mig_error_copy(const migrate_error *err);

/* Status of a fault's class, as headers/README.md says. */
migrate_status mig_fault_status(uint32_t klass);

#endif
