/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ALLOC_FAIL_H
#define ALLOC_FAIL_H

/* Makes the n-th allocation fail, for every n, and finds what is not given back.
 *
 * A test program that has `alloc_fail_dep` among its dependencies, and our libraries as static archives, has
 * its malloc, calloc, realloc and free replaced by the linker (--wrap): those of our own objects and of the
 * test, and not those of shared libraries: what libc and client libraries allocate is neither counted nor
 * failed. What our hashing asks of libcrypto counts too. Any number of threads may allocate. Check is a static
 * archive on some systems, and its assertions allocate: inside a body use alloc_fail_require() instead.
 *
 *     static int32_t body(void *user)      // one complete use: makes, uses and frees
 *     {
 *         struct migrate_ctx *ctx = NULL;
 *         migrate_status status = migrate_ctx_new(&ctx, NULL);
 *         alloc_fail_require((ctx != NULL) == (status == MIGRATE_OK));
 *         migrate_ctx_free(ctx);
 *         return status;
 *     }
 *     …
 *     struct alloc_fail_report report;
 *     ck_assert_msg(alloc_fail_each(body, NULL, MIGRATE_E_NOMEM, &report), "%s", report.text);
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The n-th allocation from now on (from 1) fails; 0: none does. The count starts over. */
void alloc_fail_once(uint64_t n);
/* Likewise, and so do all after it. */
void alloc_fail_from(uint64_t n);
/* Nothing fails any more, and nothing is counted. */
void alloc_fail_off(void);

/* Allocations asked for since it was set. */
uint64_t alloc_fail_count(void);
/* Has one been refused? */
bool alloc_fail_hit(void);

/* Blocks allocated and not freed. */
size_t alloc_fail_live(void);

struct alloc_fail_report {
    uint64_t tried;     /* how many n were tried */
    uint64_t succeeded; /* where the body succeeded all the same */
    uint64_t refused;   /* where it said that memory is out */
    char text[512];     /* what was wrong, "" nothing */
};

/* Runs @p body with no allocation failing, which has to return 0; then with the first, second … allocation
 * failing alone, and once more with all from the n-th on failing, until none is reached. Each time it has to
 * return 0 or
 * @p nomem, and to leave no block behind. false: it did not, @p report says at which n, and where the block
 * that was left behind was allocated. */
bool alloc_fail_each(int32_t (*body)(void *user), void *user, int32_t nomem,
                     struct alloc_fail_report *report);

/* An assertion that allocates nothing. Where it does not hold, it says so and ends the process. */
#define alloc_fail_require(condition)                                                                        \
    ((condition) ? (void)0 : alloc_fail_broken(#condition, __FILE__, __LINE__))
_Noreturn void alloc_fail_broken(const char *condition, const char *file, int line);

#endif
