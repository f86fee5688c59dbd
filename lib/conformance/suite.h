/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CONFORMANCE_SUITE_H
#define MIG_CONFORMANCE_SUITE_H

/* Running cases and telling their results, whatever is under test. */

#include <migrate/conformance.h>
#include <migrate/error.h>

#include <stdbool.h>

struct mig_cf_suite {
    const char *only; /* prefix of the names wanted, or NULL */
    migrate_case_fn fn;
    void *user;
    migrate_status told; /* what fn said that ends the suite */
    uint32_t failed;     /* cases */
    uint32_t result;     /* of the running case */
    char detail[600];
};

/* Is @p name among those wanted, and is the suite still on? Begins the case. */
bool mig_cf_begin(struct mig_cf_suite *s, const char *name);
/* The first of these in a case counts, but a failure outweighs a skip. */
void mig_cf_fail(struct mig_cf_suite *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mig_cf_skip(struct mig_cf_suite *s, const char *why);
/* Tells the result. */
void mig_cf_end(struct mig_cf_suite *s, const char *name);
migrate_status mig_cf_verdict(const struct mig_cf_suite *s, migrate_error **err);

int64_t mig_cf_now_ms(void);
void mig_cf_pause_ms(uint32_t ms);

/* Ends the case function when @p condition does not hold. */
#define CF_CHECK(suite, condition, ...)                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            mig_cf_fail(suite, __VA_ARGS__);                                                                 \
            return;                                                                                          \
        }                                                                                                    \
    } while (0)

#endif
