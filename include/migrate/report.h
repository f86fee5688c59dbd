/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_REPORT_H
#define MIGRATE_REPORT_H

/**
 * @file
 * What a call did or found, and the calls that only look. A report holds no handle of its context
 * and outlives it; one thread at a time uses it. The JSON has everything; the accessors the main facts.
 * Since 0.1.
 */

#include <migrate/context.h>
#include <migrate/item.h>

MIGRATE_BEGIN_DECLS

/** Status of every migration: history against source. Takes no lock, writes nothing. A database that
 *  is not as it should be is no failure here: see migrate_report_state(). Classes 1, 2, 3, 6, 7. */
MIGRATE_API MIGRATE_NODISCARD migrate_status
migrate_inspect(migrate_ctx *ctx, migrate_report **out, migrate_error **err);

/** Checks that what is applied is sound: checksums, missing files, order, doubt and, where they were
 *  stored, the definitions of objects in the database. Pending migrations are sound. The first
 *  finding is the failure (class 4), the report has them all. */
MIGRATE_API MIGRATE_NODISCARD migrate_status
migrate_verify(migrate_ctx *ctx, migrate_report **out, migrate_error **err);

/** One hash over the whole source, the same on every machine and with every line end: the report's
 *  text, "sha256:…". Needs no connection. */
MIGRATE_API MIGRATE_NODISCARD migrate_status
migrate_hash(migrate_ctx *ctx, migrate_report **out, migrate_error **err);

/** State of the database as the call left it: MIGRATE_STATE_* (item.h), 0 unknown.
 *  #MIGRATE_STATE_CURRENT is what an application wants to see at start-up. */
MIGRATE_API uint32_t migrate_report_state(const migrate_report *report);

/** Newest applied version, "" for none. */
MIGRATE_API const char *migrate_report_version(const migrate_report *report);

/** How many are left to apply. */
MIGRATE_API uint64_t migrate_report_pending(const migrate_report *report);

/** How many this call applied. */
MIGRATE_API uint64_t migrate_report_applied(const migrate_report *report);

/** How many this call reverted. */
MIGRATE_API uint64_t migrate_report_reverted(const migrate_report *report);

/** How long the call took, waiting included. */
MIGRATE_API int64_t migrate_report_elapsed_ms(const migrate_report *report);

/** Number of items: of a status or verification all migrations, otherwise those the call
 *  touched. */
MIGRATE_API size_t migrate_report_count(const migrate_report *report);

/** Item @p index, in order, or NULL past the end. */
MIGRATE_API const migrate_item *migrate_report_item(const migrate_report *report, size_t index);

/** Receives an item, lent until it returns. A failure ends migrate_report_each(), which returns it. */
typedef migrate_status (*migrate_item_fn)(void *user, const migrate_item *item);

/** Gives each item to @p fn, in order, and keeps none of them in memory: for reports of many thousand
 *  migrations. Returns what @p fn returned when that was a failure. */
MIGRATE_API MIGRATE_NODISCARD migrate_status
migrate_report_each(const migrate_report *report, migrate_item_fn fn, void *user);

/** The result as text, without final newline: SQL of migrate_init(), hash of migrate_hash(), holder
 *  of the lock; otherwise a summary for people. */
MIGRATE_API const char *migrate_report_text(const migrate_report *report);

/** The result as JSON, `{"schema":1,…}`, one line, with `"error"` if the call failed. Keys are only
 *  ever added. */
MIGRATE_API const char *migrate_report_json(const migrate_report *report);

/** The same document as migrate_report_json(), given to @p fn piece by piece and never whole in memory: for
 *  reports of many thousand migrations. Returns what @p fn returned when that was a failure. */
MIGRATE_API MIGRATE_NODISCARD migrate_status
migrate_report_json_write(const migrate_report *report, migrate_write_fn fn, void *user);

/** Frees a report. */
MIGRATE_API void migrate_report_free(migrate_report *report);

MIGRATE_END_DECLS

#endif /* MIGRATE_REPORT_H */
