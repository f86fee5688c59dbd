/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COURSE_H
#define COURSE_H

/* A course of migrations that shows each way of running twice or by half, and what a database looks like
 * after it: counters that are counted up, a table that is built anew, statements outside of transactions,
 * code. */

#include <migrate/migrate.h>
#include <migrate/source.h>

#include <stddef.h>
#include <stdint.h>

#define COURSE_NO_TEMP                                                                                       \
    1u /* without the temporary table, which a statement by statement run cannot take up again */

/* A context with the course in it and nothing open; NULL: memory. */
migrate_ctx *course_new(const migrate_driver *driver, uint32_t flags);
/* Applies what is pending to @p url; @p text gets what went wrong. */
migrate_status course_up(migrate_ctx *ctx, const char *url, char *text, size_t size);
/* Opens, applies, closes, frees. */
migrate_status course_once(const migrate_driver *driver, const char *url, char *text, size_t size);

/* Schema and rows, ours and the course's, of the file at @p path as text; what may differ from run to run
 * (times, epoch) left out. Freed by the caller. Ends the test on a damaged file. */
char *course_dump(const char *path);
/* Ends the test unless whatever is in the file at @p path is whole: no migration by half. */
void course_check_whole(const char *path);

/* Ends the test, showing the first line that differs, unless @p seen is @p want; frees @p seen. */
void course_compare(const char *want, char *seen, const char *what);

/* Removes the file and all that SQLite keeps beside it. */
void course_unlink(const char *path);

#endif
