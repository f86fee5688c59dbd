/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_UTIL_DIAG_H
#define MIG_UTIL_DIAG_H

/* What went wrong, as the parts below the engine say it: text, lexers, layouts, sources' helpers. The
 * engine makes a migrate_error of it. The first one set stays; everything is owned by the diag. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mig_diag {
    int32_t  status;  /* migrate_status; 0 nothing went wrong */
    char    *message; /* one line; NULL when memory was out */
    char    *hint;    /* what to do, or NULL */
    char    *path;    /* file concerned as its source names it, or NULL */
    uint64_t line;    /* from 1; 0 unknown */
    uint64_t column;  /* in characters from 1; 0 unknown */
    uint64_t statement; /* from 1; 0 unknown */
};

#define MIG_DIAG_INIT { 0, NULL, NULL, NULL, 0, 0, 0 }

/* Sets status and message and returns the status, so that `return mig_diag_set(d, …)` works. @p d may
 * be NULL. */
int32_t mig_diag_set(struct mig_diag *d, int32_t status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds to a diag that is set; they do nothing on NULL or on one that is not. */
void mig_diag_hint(struct mig_diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mig_diag_path(struct mig_diag *d, const char *path);
void mig_diag_at(struct mig_diag *d, uint64_t line, uint64_t column);
void mig_diag_free(struct mig_diag *d);

#endif
