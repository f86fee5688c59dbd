/* SPDX-License-Identifier: Apache-2.0 */

/* The suite for locks kept outside of the database. */

#include "host.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "conformance"

/* Two contestants for one lock, each with a host of its own as in two processes. */
struct under_test {
    struct mig_cf_suite *suite;
    const migrate_lock_ops *ops;
    void *self[2];
    struct mig_cf_host host[2];
    uint64_t token; /* of the last acquire */
    migrate_status status;
};

typedef void (*case_fn)(struct under_test *t);

#define HAS(t, member) (MIGRATE_HAS(migrate_lock_ops, (t)->ops, member) && (t)->ops->member)

static migrate_status ended(struct under_test *t, int who, const char *member, migrate_status status,
                            migrate_error *err)
{
    mig_cf_leave(&t->host[who]);
    if (status >= 100 && (!err || migrate_error_status(err) != status)) {
        mig_cf_breach(&t->host[who], "%s failed with %s and stored no error of that status", member,
                      migrate_status_name(status));
    } else if (status < 100 && err) {
        mig_cf_breach(&t->host[who], "%s succeeded and stored an error", member);
    }
    migrate_error_free(err);
    t->status = status;
    return status;
}

static migrate_status acquire(struct under_test *t, int who, const char *key, migrate_holder *holder)
{
    migrate_holder own = { .struct_size = sizeof(own) };
    migrate_error *err = NULL;
    mig_cf_enter(&t->host[who]);
    t->token = 0;
    migrate_status status =
        t->ops->acquire(t->self[who], &t->host[who].vt, key, &t->token, holder ? holder : &own, &err);
    return ended(t, who, "acquire()", status, err);
}

static migrate_status release(struct under_test *t, int who, const char *key)
{
    migrate_error *err = NULL;
    mig_cf_enter(&t->host[who]);
    migrate_status status = t->ops->release(t->self[who], &t->host[who].vt, key, &err);
    return ended(t, who, "release()", status, err);
}

static migrate_status renew(struct under_test *t, int who)
{
    migrate_error *err = NULL;
    mig_cf_enter(&t->host[who]);
    migrate_status status = t->ops->renew(t->self[who], &t->host[who].vt, KEY, &err);
    return ended(t, who, "renew()", status, err);
}

static migrate_status verify(struct under_test *t, int who)
{
    migrate_error *err = NULL;
    mig_cf_enter(&t->host[who]);
    migrate_status status = t->ops->verify(t->self[who], &t->host[who].vt, KEY, &err);
    return ended(t, who, "verify()", status, err);
}

static migrate_status inspect(struct under_test *t, int who, migrate_holder *holder)
{
    migrate_error *err = NULL;
    mig_cf_enter(&t->host[who]);
    migrate_status status = t->ops->inspect(t->self[who], &t->host[who].vt, KEY, holder, &err);
    return ended(t, who, "inspect()", status, err);
}

#define EXPECT(t, call, want)                                                                                \
    do {                                                                                                     \
        migrate_status seen_ = (call);                                                                       \
        CF_CHECK((t)->suite, seen_ == (want), "%s: %s, expected %s", #call, migrate_status_name(seen_),      \
                 migrate_status_name(want));                                                                 \
    } while (0)

static void lock_excludes(struct under_test *t)
{
    EXPECT(t, acquire(t, 0, KEY, NULL), MIGRATE_OK);
    EXPECT(t, acquire(t, 1, KEY, NULL), MIGRATE_BUSY);
    EXPECT(t, release(t, 0, KEY), MIGRATE_OK);
    EXPECT(t, acquire(t, 1, KEY, NULL), MIGRATE_OK);
    EXPECT(t, acquire(t, 0, KEY, NULL), MIGRATE_BUSY);
    EXPECT(t, release(t, 1, KEY), MIGRATE_OK);
}

static void lock_never_waits(struct under_test *t)
{
    EXPECT(t, acquire(t, 0, KEY, NULL), MIGRATE_OK);
    int64_t begin = mig_cf_now_ms();
    EXPECT(t, acquire(t, 1, KEY, NULL), MIGRATE_BUSY);
    int64_t took = mig_cf_now_ms() - begin;
    CF_CHECK(t->suite, took < 5000, "acquire() waited %lld ms for the holder", (long long)took);
}

static void lock_tokens(struct under_test *t)
{
    uint64_t last = 0;
    for (int i = 0; i < 4; i++) {
        EXPECT(t, acquire(t, i % 2, KEY, NULL), MIGRATE_OK);
        if (i == 0 && t->token == 0) {
            mig_cf_skip(t->suite, "the service has no tokens");
            return;
        }
        CF_CHECK(t->suite, t->token > last, "token %llu comes after %llu", (unsigned long long)t->token,
                 (unsigned long long)last);
        last = t->token;
        EXPECT(t, release(t, i % 2, KEY), MIGRATE_OK);
    }
}

static void lock_not_held(struct under_test *t)
{
    EXPECT(t, release(t, 0, KEY), MIGRATE_E_LOCK_LOST);
    EXPECT(t, acquire(t, 0, KEY, NULL), MIGRATE_OK);
    EXPECT(t, release(t, 1, KEY), MIGRATE_E_LOCK_LOST);
    EXPECT(t, acquire(t, 1, KEY, NULL), MIGRATE_BUSY);
    EXPECT(t, release(t, 0, KEY), MIGRATE_OK);
    EXPECT(t, release(t, 0, KEY), MIGRATE_E_LOCK_LOST);
}

static void lock_keys(struct under_test *t)
{
    EXPECT(t, acquire(t, 0, KEY, NULL), MIGRATE_OK);
    EXPECT(t, acquire(t, 1, "conformance-2", NULL), MIGRATE_OK);
    EXPECT(t, acquire(t, 0, "conformance-2", NULL), MIGRATE_BUSY);
    EXPECT(t, release(t, 0, KEY), MIGRATE_OK);
    EXPECT(t, release(t, 1, "conformance-2"), MIGRATE_OK);
}

static void lock_holder_size(struct under_test *t)
{
    struct {
        migrate_holder holder;
        unsigned char behind[32];
    } space;
    static const size_t sizes[] = { offsetof(migrate_holder, session_id), sizeof(migrate_holder),
                                    sizeof(migrate_holder) + 16 };
    EXPECT(t, acquire(t, 0, KEY, NULL), MIGRATE_OK);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t kept = sizes[i] < sizeof(migrate_holder) ? sizes[i] : sizeof(migrate_holder);
        memset(&space, 0xa5, sizeof(space));
        memset(&space, 0, kept);
        space.holder.struct_size = sizes[i];
        EXPECT(t, acquire(t, 1, KEY, &space.holder), MIGRATE_BUSY);
        for (size_t k = kept; k < sizeof(space); k++) {
            CF_CHECK(t->suite, ((unsigned char *)&space)[k] == 0xa5,
                     "a holder of struct_size %zu was written behind its end", sizes[i]);
        }
    }
}

static void lock_renewed(struct under_test *t)
{
    if (!HAS(t, renew) || !t->ops->ttl_ms) {
        mig_cf_skip(t->suite, "the lock does not expire");
        return;
    }
    CF_CHECK(t->suite, t->ops->renew_every_ms && t->ops->renew_every_ms < t->ops->ttl_ms,
             "renew_every_ms %u leaves no time before ttl_ms %u", t->ops->renew_every_ms, t->ops->ttl_ms);
    EXPECT(t, acquire(t, 0, KEY, NULL), MIGRATE_OK);
    int64_t until = mig_cf_now_ms() + t->ops->ttl_ms + t->ops->ttl_ms / 2;
    while (mig_cf_now_ms() < until) {
        mig_cf_pause_ms(t->ops->ttl_ms / 4);
        int64_t begin = mig_cf_now_ms();
        EXPECT(t, renew(t, 0), MIGRATE_OK);
        CF_CHECK(t->suite, mig_cf_now_ms() - begin <= 200, "renew() took %lld ms, allowed are 100",
                 (long long)(mig_cf_now_ms() - begin));
        EXPECT(t, acquire(t, 1, KEY, NULL), MIGRATE_BUSY);
    }
    if (HAS(t, verify)) {
        EXPECT(t, verify(t, 0), MIGRATE_OK);
    }
    EXPECT(t, release(t, 0, KEY), MIGRATE_OK);
}

static void lock_expires(struct under_test *t)
{
    if (!t->ops->ttl_ms) {
        mig_cf_skip(t->suite, "the lock does not expire");
        return;
    }
    EXPECT(t, acquire(t, 0, KEY, NULL), MIGRATE_OK);
    int64_t until = mig_cf_now_ms() + 2 * (int64_t)t->ops->ttl_ms + 2000;
    while (acquire(t, 1, KEY, NULL) == MIGRATE_BUSY && mig_cf_now_ms() < until) {
        mig_cf_pause_ms(t->ops->ttl_ms / 10 + 1);
    }
    CF_CHECK(t->suite, t->status == MIGRATE_OK, "a silent holder keeps the lock for more than twice ttl_ms");
    if (HAS(t, renew)) {
        EXPECT(t, renew(t, 0), MIGRATE_E_LOCK_LOST);
    }
    if (HAS(t, verify)) {
        EXPECT(t, verify(t, 0), MIGRATE_E_LOCK_LOST);
        EXPECT(t, verify(t, 1), MIGRATE_OK);
    }
    EXPECT(t, release(t, 0, KEY), MIGRATE_E_LOCK_LOST);
    EXPECT(t, release(t, 1, KEY), MIGRATE_OK);
}

static void lock_verified(struct under_test *t)
{
    if (!HAS(t, verify)) {
        mig_cf_skip(t->suite, "the lock does not have verify");
        return;
    }
    EXPECT(t, acquire(t, 0, KEY, NULL), MIGRATE_OK);
    EXPECT(t, verify(t, 0), MIGRATE_OK);
    EXPECT(t, verify(t, 1), MIGRATE_E_LOCK_LOST);
    EXPECT(t, release(t, 0, KEY), MIGRATE_OK);
    EXPECT(t, verify(t, 0), MIGRATE_E_LOCK_LOST);
}

static void lock_inspected(struct under_test *t)
{
    migrate_holder holder = { .struct_size = sizeof(holder) };
    if (!HAS(t, inspect)) {
        mig_cf_skip(t->suite, "the lock does not have inspect");
        return;
    }
    EXPECT(t, inspect(t, 1, &holder), MIGRATE_DONE);
    EXPECT(t, acquire(t, 0, KEY, NULL), MIGRATE_OK);
    EXPECT(t, inspect(t, 1, &holder), MIGRATE_OK);
    EXPECT(t, inspect(t, 0, &holder), MIGRATE_OK);
    EXPECT(t, release(t, 0, KEY), MIGRATE_OK);
    EXPECT(t, inspect(t, 0, &holder), MIGRATE_DONE);
}

/* What inspect() told, kept while other calls are made. */
struct kept_holder {
    migrate_holder holder;
    char text[5][200];
};

static const char *keep(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
    return text ? to : NULL;
}

static void keep_holder(struct kept_holder *k, const migrate_holder *h)
{
    k->holder = *h;
    k->holder.session_id = keep(k->text[0], sizeof(k->text[0]), h->session_id);
    k->holder.application = keep(k->text[1], sizeof(k->text[1]), h->application);
    k->holder.host = keep(k->text[2], sizeof(k->text[2]), h->host);
    k->holder.user = keep(k->text[3], sizeof(k->text[3]), h->user);
    k->holder.doing = keep(k->text[4], sizeof(k->text[4]), h->doing);
}

static migrate_status break_it(struct under_test *t, int who, const migrate_holder *holder)
{
    migrate_error *err = NULL;
    mig_cf_enter(&t->host[who]);
    migrate_status status = t->ops->break_lock(t->self[who], &t->host[who].vt, KEY, holder, &err);
    return ended(t, who, "break_lock()", status, err);
}

/* "Takes it from whoever holder names, and only from him." */
static void lock_broken(struct under_test *t)
{
    migrate_holder seen = { .struct_size = sizeof(seen) };
    struct kept_holder first;
    if (!HAS(t, break_lock) || !HAS(t, inspect)) {
        mig_cf_skip(t->suite, "the lock does not have break_lock and inspect");
        return;
    }
    EXPECT(t, acquire(t, 0, KEY, NULL), MIGRATE_OK);
    EXPECT(t, inspect(t, 1, &seen), MIGRATE_OK);
    keep_holder(&first, &seen);
    EXPECT(t, break_it(t, 1, &first.holder), MIGRATE_OK);
    EXPECT(t, release(t, 0, KEY), MIGRATE_E_LOCK_LOST);
    EXPECT(t, acquire(t, 1, KEY, NULL), MIGRATE_OK);
    CF_CHECK(t->suite, break_it(t, 0, &first.holder) >= 100,
             "break_lock() took the lock from another than was named");
    EXPECT(t, release(t, 1, KEY), MIGRATE_OK);
}

static const struct {
    const char *name;
    case_fn body;
} cases[] = {
    { "lock/excludes", lock_excludes }, { "lock/never-waits", lock_never_waits },
    { "lock/tokens", lock_tokens },     { "lock/not-held", lock_not_held },
    { "lock/keys", lock_keys },         { "lock/holder-struct-size", lock_holder_size },
    { "lock/verified", lock_verified }, { "lock/inspected", lock_inspected },
    { "lock/broken", lock_broken },     { "lock/renewed", lock_renewed },
    { "lock/expires", lock_expires },
};

static bool make_both(struct under_test *t, migrate_make_fn make, void *user)
{
    for (uint32_t who = 0; who < 2; who++) {
        t->self[who] = NULL;
        if (!mig_cf_host_init(&t->host[who], NULL, sizeof(migrate_host))) {
            mig_cf_fail(t->suite, "no descriptor left for the suite");
            return false;
        }
        migrate_status status = make(user, who, &t->self[who]);
        if (status == MIGRATE_E_UNSUPPORTED) {
            mig_cf_skip(t->suite, "the lock cannot be made so");
            return false;
        }
        if (status != MIGRATE_OK) {
            mig_cf_fail(t->suite, "the lock could not be made: %s", migrate_status_name(status));
            return false;
        }
    }
    return true;
}

/* Whatever a failed case still holds is given up, so that the next one begins with a free lock. */
static void free_both(struct under_test *t)
{
    static const char *const keys[] = { KEY, "conformance-2" };
    for (int who = 0; who < 2; who++) {
        for (int k = 0; k < 2 && t->self[who]; k++) {
            release(t, who, keys[k]);
        }
    }
    for (int who = 0; who < 2; who++) {
        if (t->self[who]) {
            t->ops->free(t->self[who]);
        }
        if (t->host[who].breach[0]) {
            mig_cf_fail(t->suite, "%s", t->host[who].breach);
        }
        mig_cf_host_done(&t->host[who]);
    }
}

static bool usable(const migrate_lock_ops *ops)
{
    return ops && ops->struct_size >= offsetof(migrate_lock_ops, free) + sizeof(ops->free) &&
           ops->api == MIGRATE_LOCK_API && ops->name && *ops->name && ops->acquire && ops->release &&
           ops->free;
}

migrate_status migrate_conformance_lock(const migrate_lock_ops *ops, migrate_make_fn make, const char *only,
                                        migrate_case_fn fn, void *user, migrate_error **err)
{
    struct mig_cf_suite suite = { .only = only, .fn = fn, .user = user };
    if (!make) {
        return migrate_error_make(err, MIGRATE_E_ARGUMENT, "nothing makes the lock under test", NULL);
    }
    bool fine = usable(ops);
    if (mig_cf_begin(&suite, "lock/vtable")) {
        if (!fine) {
            mig_cf_fail(&suite, "struct_size, api, name, acquire, release or free is not set");
        }
        mig_cf_end(&suite, "lock/vtable");
    }
    struct under_test *t = calloc(1, sizeof(*t));
    if (!t) {
        return migrate_error_make(err, MIGRATE_E_NOMEM, "out of memory", NULL);
    }
    t->suite = &suite;
    t->ops = ops;
    for (size_t i = 0; fine && i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (!mig_cf_begin(&suite, cases[i].name)) {
            continue;
        }
        for (int who = 0; who < 2; who++) {
            t->self[who] = NULL;
            t->host[who] = (struct mig_cf_host){ .pipe = { -1, -1 } };
        }
        if (make_both(t, make, user)) {
            cases[i].body(t);
        }
        free_both(t);
        mig_cf_end(&suite, cases[i].name);
    }
    free(t);
    return fine ? mig_cf_verdict(&suite, err)
                : migrate_error_make(err, MIGRATE_E_CONTRACT, "the vtable is not usable", NULL);
}
