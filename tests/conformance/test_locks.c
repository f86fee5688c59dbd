/* SPDX-License-Identifier: Apache-2.0 */

/* The conformance suite over a lock in memory that expires, and over the same with one mistake at a time. */

#include "told.h"

#include <check.h>
#undef fail /* an old macro of Check, and a member of migrate_host */
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#define TTL_MS 400

enum mistake {
    NONE,
    NO_EXCLUSION,
    ONE_LOCK_FOR_ALL_KEYS,
    RELEASES_OTHERS,
    TOKEN_STANDS_STILL,
    NEVER_EXPIRES,
    EXPIRES_ANYWAY,
    RENEWS_LOST,
    VERIFY_LIES,
    INSPECT_SAYS_FREE,
    BREAKS_ANYONES,
    LONG_HOLDER,
    NO_ERROR,
    MISTAKES
};
static enum mistake mistake;

/* The service: two keys are enough. */
struct row {
    char key[40];
    char owner[24]; /* "" free */
    uint64_t token;
    int64_t expires;
};
static struct {
    struct row rows[4];
    uint64_t tokens;
    unsigned clients;
} service;

struct client {
    char name[24];
};

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct row *row_of(const char *key)
{
    for (size_t i = 0; i < 4; i++) {
        struct row *r = &service.rows[i];
        if (!r->key[0]) {
            snprintf(r->key, sizeof(r->key), "%s", key);
        }
        if (mistake == ONE_LOCK_FOR_ALL_KEYS || strcmp(r->key, key) == 0) {
            return r;
        }
    }
    abort();
}

static bool held(const struct row *r)
{
    return r->owner[0] && (mistake == NEVER_EXPIRES || now_ms() < r->expires);
}

static bool holds(const struct client *c, const struct row *r)
{
    return held(r) && strcmp(r->owner, c->name) == 0;
}

static void tell(migrate_holder *holder, const struct row *r)
{
    if (MIGRATE_HAS(migrate_holder, holder, session_id) || mistake == LONG_HOLDER) {
        holder->session_id = r->owner;
    }
}

static migrate_status lost(const migrate_host *host, migrate_error **err)
{
    migrate_fault fault = { .struct_size = sizeof(fault),
                            .status = MIGRATE_E_LOCK_LOST,
                            .message = "not ours" };
    return host->fail(host, mistake == NO_ERROR ? NULL : err, &fault);
}

static migrate_status acquire(void *self, const migrate_host *host, const char *key, uint64_t *token,
                              migrate_holder *holder, migrate_error **err)
{
    struct client *c = self;
    struct row *r = row_of(key);
    (void)host;
    (void)err;
    if (held(r) && mistake != NO_EXCLUSION) {
        tell(holder, r);
        return MIGRATE_BUSY;
    }
    snprintf(r->owner, sizeof(r->owner), "%s", c->name);
    r->expires = now_ms() + TTL_MS;
    r->token = mistake == TOKEN_STANDS_STILL ? 1 : ++service.tokens;
    *token = r->token;
    return MIGRATE_OK;
}

static migrate_status release(void *self, const migrate_host *host, const char *key, migrate_error **err)
{
    struct row *r = row_of(key);
    if (!holds(self, r) && mistake != RELEASES_OTHERS) {
        return lost(host, err);
    }
    r->owner[0] = '\0';
    return MIGRATE_OK;
}

static migrate_status renew(void *self, const migrate_host *host, const char *key, migrate_error **err)
{
    struct row *r = row_of(key);
    if (!holds(self, r)) {
        return mistake == RENEWS_LOST ? MIGRATE_OK : lost(host, err);
    }
    if (mistake != EXPIRES_ANYWAY) {
        r->expires = now_ms() + TTL_MS;
    }
    return MIGRATE_OK;
}

static migrate_status verify(void *self, const migrate_host *host, const char *key, migrate_error **err)
{
    return holds(self, row_of(key)) || mistake == VERIFY_LIES ? MIGRATE_OK : lost(host, err);
}

static migrate_status inspect(void *self, const migrate_host *host, const char *key, migrate_holder *holder,
                              migrate_error **err)
{
    const struct row *r = row_of(key);
    (void)self;
    (void)host;
    (void)err;
    if (!held(r) || mistake == INSPECT_SAYS_FREE) {
        return MIGRATE_DONE;
    }
    tell(holder, r);
    return MIGRATE_OK;
}

static migrate_status break_lock(void *self, const migrate_host *host, const char *key,
                                 const migrate_holder *holder, migrate_error **err)
{
    struct row *r = row_of(key);
    (void)self;
    if (mistake != BREAKS_ANYONES && (!held(r) || strcmp(r->owner, holder->session_id) != 0)) {
        return lost(host, err);
    }
    r->owner[0] = '\0';
    return MIGRATE_OK;
}

static const migrate_lock_ops ops = {
    .struct_size = sizeof(migrate_lock_ops),
    .api = MIGRATE_LOCK_API,
    .renew_every_ms = TTL_MS / 4,
    .ttl_ms = TTL_MS,
    .name = "test",
    .acquire = acquire,
    .release = release,
    .free = free,
    .renew = renew,
    .verify = verify,
    .inspect = inspect,
    .break_lock = break_lock,
};

static migrate_status make(void *user, uint32_t which, void **self)
{
    struct client *c = calloc(1, sizeof(*c));
    (void)user;
    if (!c) {
        return MIGRATE_E_NOMEM;
    }
    snprintf(c->name, sizeof(c->name), "client-%u-%u", which, service.clients++);
    *self = c;
    return MIGRATE_OK;
}

static const char *const seen_by[MISTAKES] = {
    [NO_EXCLUSION] = "lock/excludes",
    [ONE_LOCK_FOR_ALL_KEYS] = "lock/keys",
    [RELEASES_OTHERS] = "lock/not-held",
    [TOKEN_STANDS_STILL] = "lock/tokens",
    [NEVER_EXPIRES] = "lock/expires",
    [EXPIRES_ANYWAY] = "lock/renewed",
    [RENEWS_LOST] = "lock/expires",
    [VERIFY_LIES] = "lock/verified",
    [INSPECT_SAYS_FREE] = "lock/inspected",
    [BREAKS_ANYONES] = "lock/broken",
    [LONG_HOLDER] = "lock/holder-struct-size",
    [NO_ERROR] = "lock/not-held",
};

START_TEST(right_lock)
{
    struct told told = { .label = "lock" };
    migrate_error *err = NULL;
    mistake = NONE;
    migrate_status status = migrate_conformance_lock(&ops, make, NULL, told_case, &told, &err);
    ck_assert_msg(status == MIGRATE_OK, "%s: %s", told.first, told.first_detail);
    ck_assert_uint_eq(told.skipped, 0);
    migrate_error_free(err);
}
END_TEST

START_TEST(wrong_lock)
{
    struct told told = { .quiet = 1 };
    mistake = (enum mistake)_i;
    ck_assert_ptr_nonnull(seen_by[_i]);
    migrate_status status = migrate_conformance_lock(&ops, make, seen_by[_i], told_case, &told, NULL);
    ck_assert_msg(status == MIGRATE_E_CONTRACT, "mistake %d was not seen by %s", _i, seen_by[_i]);
    printf("lock mistake %d is seen: %s: %s\n", _i, told.first, told.first_detail);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conformance-locks");
    TCase *cases = tcase_create("lock");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, right_lock);
    tcase_add_loop_test(cases, wrong_lock, NONE + 1, MISTAKES);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
