/* SPDX-License-Identifier: Apache-2.0 */

#include "suite.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

bool mig_cf_begin(struct mig_cf_suite *s, const char *name)
{
    if (s->told || (s->only && strncmp(name, s->only, strlen(s->only)) != 0)) {
        return false;
    }
    s->result = MIGRATE_CASE_PASSED;
    s->detail[0] = '\0';
    return true;
}

void mig_cf_fail(struct mig_cf_suite *s, const char *fmt, ...)
{
    if (s->result == MIGRATE_CASE_FAILED) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    vsnprintf(s->detail, sizeof(s->detail), fmt, args);
    va_end(args);
    s->result = MIGRATE_CASE_FAILED;
}

void mig_cf_skip(struct mig_cf_suite *s, const char *why)
{
    if (s->result == MIGRATE_CASE_PASSED) {
        snprintf(s->detail, sizeof(s->detail), "%s", why);
        s->result = MIGRATE_CASE_SKIPPED;
    }
}

void mig_cf_end(struct mig_cf_suite *s, const char *name)
{
    if (s->result == MIGRATE_CASE_FAILED) {
        s->failed++;
    }
    if (s->fn) {
        s->told = s->fn(s->user, name, s->result, s->detail);
    }
}

migrate_status mig_cf_verdict(const struct mig_cf_suite *s, migrate_error **err)
{
    char message[80];
    if (s->told) {
        return migrate_error_make(err, s->told, "the receiver of results ended the suite", NULL);
    }
    if (!s->failed) {
        return MIGRATE_OK;
    }
    snprintf(message, sizeof(message), "%u case%s of the conformance suite failed", s->failed,
             s->failed == 1 ? "" : "s");
    return migrate_error_make(err, MIGRATE_E_CONTRACT, message,
                              "the receiver of results was told which and why");
}

int64_t mig_cf_now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void mig_cf_pause_ms(uint32_t ms)
{
    struct timespec ts = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000L };
    nanosleep(&ts, NULL);
}
