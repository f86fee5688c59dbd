/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOLD_H
#define TOLD_H

/* Receives what the conformance suite tells, prints a line for each case, and keeps what failed. */

#include <migrate/conformance.h>
#include <migrate/error.h>

#include <stdio.h>
#include <string.h>

struct told {
    unsigned passed, failed, skipped;
    char first[200]; /* name of the first case that failed */
    char first_detail[700];
    int quiet; /* failures are wanted: print nothing */
    const char *label;
};

static migrate_status told_case(void *user, const char *name, uint32_t result, const char *detail)
{
    struct told *t = user;
    const char *word = result == MIGRATE_CASE_PASSED   ? "ok"
                       : result == MIGRATE_CASE_FAILED ? "FAILED"
                                                       : "skipped";
    t->passed += result == MIGRATE_CASE_PASSED;
    t->skipped += result == MIGRATE_CASE_SKIPPED;
    if (result == MIGRATE_CASE_FAILED && t->failed++ == 0) {
        snprintf(t->first, sizeof(t->first), "%s", name);
        snprintf(t->first_detail, sizeof(t->first_detail), "%s", detail);
    }
    if (!t->quiet) {
        printf("%s: %s %s%s%s\n", t->label ? t->label : "conformance", name, word, *detail ? ": " : "",
               detail);
        fflush(stdout);
    }
    return MIGRATE_OK;
}

#endif
