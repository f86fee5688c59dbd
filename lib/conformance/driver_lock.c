/* SPDX-License-Identifier: Apache-2.0 */

/* Session locks, and looking at other sessions. */

#include "probe.h"

#include <stdio.h>
#include <string.h>

#define KEY "conformance"

static migrate_status try_key(struct mig_cf_conn *c, const char *key, migrate_holder *holder)
{
    migrate_error *err = NULL;
    mig_cf_enter(&c->host);
    migrate_status status = c->db->driver->try_lock(c->conn, key, holder, &err);
    mig_cf_watch(c, "try_lock()", status, err);
    return status;
}

static migrate_status unlock_key(struct mig_cf_conn *c, const char *key)
{
    migrate_error *err = NULL;
    mig_cf_enter(&c->host);
    migrate_status status = c->db->driver->unlock(c->conn, key, &err);
    mig_cf_watch(c, "unlock()", status, err);
    return status;
}

static bool got(struct mig_cf_conn *c, const char *key)
{
    migrate_status status = try_key(c, key, NULL);
    if (status != MIGRATE_OK) {
        mig_cf_fail(c->db->suite, "try_lock of a free lock: %s",
                    status == MIGRATE_BUSY ? "BUSY" : migrate_error_message(c->err));
        return false;
    }
    return true;
}

static bool busy(struct mig_cf_conn *c, const char *key)
{
    int64_t begin = mig_cf_now_ms();
    migrate_status status = try_key(c, key, NULL);
    if (status != MIGRATE_BUSY) {
        mig_cf_fail(c->db->suite, "try_lock of a lock that another has: %s", migrate_status_name(status));
        return false;
    }
    if (mig_cf_now_ms() - begin > 1500) {
        mig_cf_fail(c->db->suite, "try_lock waited %lld ms for the lock",
                    (long long)(mig_cf_now_ms() - begin));
        return false;
    }
    return true;
}

static bool given_up(struct mig_cf_conn *c, const char *key)
{
    migrate_status status = unlock_key(c, key);
    if (status != MIGRATE_OK) {
        mig_cf_fail(c->db->suite, "unlock: %s", migrate_error_message(c->err));
    }
    return status == MIGRATE_OK;
}

static void lock_excludes(struct mig_cf_db *db)
{
    if (mig_cf_open(&db->b) && got(&db->a, KEY) && busy(&db->b, KEY) && given_up(&db->a, KEY) &&
        got(&db->b, KEY)) {
        busy(&db->a, KEY);
    }
}

static void lock_not_reentrant(struct mig_cf_db *db)
{
    if (got(&db->a, KEY) && busy(&db->a, KEY) && given_up(&db->a, KEY)) {
        CF_CHECK(db->suite, unlock_key(&db->a, KEY) == MIGRATE_E_LOCK_LOST,
                 "the second unlock of a lock that was got once: %s", migrate_status_name(db->a.status));
    }
}

static void lock_not_held(struct mig_cf_db *db)
{
    CF_CHECK(db->suite, unlock_key(&db->a, KEY) == MIGRATE_E_LOCK_LOST,
             "unlock of a lock not held: %s, not E_LOCK_LOST", migrate_status_name(db->a.status));
    if (mig_cf_open(&db->b) && got(&db->b, KEY)) {
        CF_CHECK(db->suite, unlock_key(&db->a, KEY) == MIGRATE_E_LOCK_LOST,
                 "unlock of a lock that another has: %s, not E_LOCK_LOST", migrate_status_name(db->a.status));
        busy(&db->a, KEY);
    }
}

static void lock_keys(struct mig_cf_db *db)
{
    char longer[300], other[300];
    memset(longer, 'k', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    memcpy(other, longer, sizeof(other));
    other[sizeof(other) - 2] = 'j';
    const char *const keys[] = { "conformance", "Conformance", "it's; \"quoted\" \\",
                                 longer,        other,         "\xc3\xa4\xe2\x82\xac" };
    if (!mig_cf_open(&db->b)) {
        return;
    }
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (!got(i % 2 ? &db->b : &db->a, keys[i])) {
            return;
        }
    }
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (!busy(i % 2 ? &db->a : &db->b, keys[i]) || !given_up(i % 2 ? &db->b : &db->a, keys[i])) {
            return;
        }
    }
}

static bool nothing_open(struct mig_cf_conn *c, const char *after)
{
    if (!mig_cf_must(c, "SELECT 1")) {
        return false;
    }
    if (c->last.r.tx != MIGRATE_TX_NONE) {
        mig_cf_fail(c->db->suite, "%s left a transaction open", after);
    }
    return c->last.r.tx == MIGRATE_TX_NONE;
}

static void lock_leaves_nothing_open(struct mig_cf_db *db)
{
    if (mig_cf_open(&db->b) && got(&db->a, KEY) && nothing_open(&db->a, "try_lock") && busy(&db->b, KEY) &&
        nothing_open(&db->b, "try_lock that answered BUSY") && given_up(&db->a, KEY)) {
        nothing_open(&db->a, "unlock");
    }
}

static void lock_survives(struct mig_cf_db *db)
{
    if (!mig_cf_open(&db->b) || !got(&db->a, KEY)) {
        return;
    }
    for (int commit = 0; commit < 2; commit++) {
        mig_cf_begin_tx(&db->a);
        if (!mig_cf_must(&db->a, "INSERT INTO conformance_a VALUES (1, 'a')")) {
            return;
        }
        migrate_status status = commit ? mig_cf_commit(&db->a) : mig_cf_rollback(&db->a);
        CF_CHECK(db->suite, status == MIGRATE_OK, "%s", migrate_error_message(db->a.err));
        if (!busy(&db->b, KEY)) {
            return;
        }
    }
    if (mig_cf_must(&db->a, "CREATE TABLE conformance_b (id INTEGER)") && busy(&db->b, KEY)) {
        given_up(&db->a, KEY);
    }
}

/* A session's end is noticed when the server notices it. */
static bool comes_free(struct mig_cf_conn *c, const char *key)
{
    for (int i = 0; i < 100; i++) {
        migrate_status status = try_key(c, key, NULL);
        if (status != MIGRATE_BUSY) {
            return status == MIGRATE_OK;
        }
        mig_cf_pause_ms(50);
    }
    return false;
}

static void lock_freed_by_close(struct mig_cf_db *db)
{
    if (!mig_cf_open(&db->b) || !got(&db->a, KEY)) {
        return;
    }
    mig_cf_close(&db->a);
    CF_CHECK(db->suite, comes_free(&db->b, KEY), "5 s after close() the lock is still held");
}

static void lock_freed_by_sever(struct mig_cf_db *db)
{
    char session[CF_TEXT];
    mig_cf_session_id(&db->a, session, sizeof(session));
    if (!session[0]) {
        mig_cf_skip(db->suite, "info() tells no session_id");
        return;
    }
    if (!mig_cf_open(&db->b) || !got(&db->a, KEY)) {
        return;
    }
    CF_CHECK(db->suite, db->quirks->sever(db->quirks->user, session) == MIGRATE_OK, "quirks.sever failed");
    CF_CHECK(db->suite, comes_free(&db->b, KEY), "5 s after the session's end the lock is still held");
}

static void lock_holder_told(struct mig_cf_db *db)
{
    migrate_holder holder = { .struct_size = sizeof(holder) };
    char session[CF_TEXT];
    mig_cf_session_id(&db->a, session, sizeof(session));
    if (!mig_cf_open(&db->b) || !got(&db->a, KEY)) {
        return;
    }
    CF_CHECK(db->suite, try_key(&db->b, KEY, &holder) == MIGRATE_BUSY,
             "try_lock of a lock that another has: %s", migrate_status_name(db->b.status));
    CF_CHECK(db->suite, holder.session_id, "the holder's session_id is not told");
    CF_CHECK(db->suite, !session[0] || strcmp(holder.session_id, session) == 0,
             "the holder is session %s, told is %s", session, holder.session_id);
}

static migrate_status inspect(struct mig_cf_conn *c, migrate_holder *holder)
{
    migrate_error *err = NULL;
    mig_cf_enter(&c->host);
    migrate_status status = c->db->driver->lock_holder(c->conn, KEY, holder, &err);
    mig_cf_watch(c, "lock_holder()", status, err);
    return status;
}

static void lock_inspected(struct mig_cf_db *db)
{
    migrate_holder holder = { .struct_size = sizeof(holder) };
    CF_CHECK(db->suite, inspect(&db->a, &holder) == MIGRATE_DONE, "lock_holder of a free lock: %s, not DONE",
             migrate_status_name(db->a.status));
    if (!mig_cf_open(&db->b) || !got(&db->b, KEY)) {
        return;
    }
    CF_CHECK(db->suite, inspect(&db->a, &holder) == MIGRATE_OK, "lock_holder of a held lock: %s",
             migrate_status_name(db->a.status));
    nothing_open(&db->a, "lock_holder");
}

/* A holder as short as it can be: nothing behind it is written. */
static void lock_holder_sizes(struct mig_cf_db *db)
{
    struct {
        migrate_holder holder;
        unsigned char behind[16];
    } space;
    size_t kept = offsetof(migrate_holder, session_id);
    if (!mig_cf_open(&db->b) || !got(&db->a, KEY)) {
        return;
    }
    mig_cf_poison(&space, sizeof(space));
    memset(&space, 0, kept);
    space.holder.struct_size = kept;
    CF_CHECK(db->suite, try_key(&db->b, KEY, &space.holder) == MIGRATE_BUSY, "try_lock: %s",
             migrate_status_name(db->b.status));
    CF_CHECK(db->suite, mig_cf_poisoned((char *)&space + kept, sizeof(space) - kept),
             "a holder of struct_size %zu was written behind its end", kept);
}

static migrate_status state_of(struct mig_cf_conn *c, const char *session, uint32_t *state)
{
    migrate_error *err = NULL;
    mig_cf_enter(&c->host);
    migrate_status status = c->db->driver->session_state(c->conn, session, state, &err);
    mig_cf_watch(c, "session_state()", status, err);
    return status;
}

static void session_state(struct mig_cf_db *db)
{
    char session[CF_TEXT];
    uint32_t state = 99;
    if (!mig_cf_open(&db->b)) {
        return;
    }
    mig_cf_session_id(&db->b, session, sizeof(session));
    CF_CHECK(db->suite, session[0], "session_state is there and info() tells no session_id");
    CF_CHECK(db->suite, state_of(&db->a, session, &state) == MIGRATE_OK && state != MIGRATE_SESSION_GONE,
             "a session that is open: %s, state %u", migrate_status_name(db->a.status), state);
    bool sure = state == MIGRATE_SESSION_ALIVE;
    mig_cf_close(&db->b);
    for (int i = 0; i < 100 && state != MIGRATE_SESSION_GONE && sure; i++) {
        CF_CHECK(db->suite, state_of(&db->a, session, &state) == MIGRATE_OK, "session_state: %s",
                 migrate_error_message(db->a.err));
        mig_cf_pause_ms(state == MIGRATE_SESSION_GONE ? 0 : 50);
    }
    CF_CHECK(db->suite, !sure || state == MIGRATE_SESSION_GONE,
             "5 s after close() the session is told to be there");
}

static void session_end(struct mig_cf_db *db)
{
    char session[CF_TEXT];
    migrate_error *err = NULL;
    if (!mig_cf_open(&db->b)) {
        return;
    }
    mig_cf_session_id(&db->b, session, sizeof(session));
    mig_cf_enter(&db->a.host);
    migrate_status status = db->driver->session_end(db->a.conn, session, &err);
    mig_cf_watch(&db->a, "session_end()", status, err);
    if (status == MIGRATE_E_DENIED || status == MIGRATE_E_UNSUPPORTED) {
        mig_cf_skip(db->suite, "the user may not end sessions");
        return;
    }
    CF_CHECK(db->suite, status == MIGRATE_OK, "session_end: %s", migrate_error_message(db->a.err));
    mig_cf_pause_ms(200);
    CF_CHECK(db->suite, mig_cf_sql(&db->b, "SELECT 1") == MIGRATE_E_CONN_LOST,
             "a session that was ended still answers");
}

#define LOCK .member = CF_MEMBER(try_lock), .caps = MIGRATE_CAP_SESSION_LOCK
const struct mig_cf_case mig_cf_lock_cases[] = {
    { .name = "driver/lock/excludes", .body = lock_excludes, LOCK, .flags = CF_SECOND },
    { .name = "driver/lock/not-reentrant", .body = lock_not_reentrant, LOCK },
    { .name = "driver/lock/not-held", .body = lock_not_held, LOCK, .flags = CF_SECOND },
    { .name = "driver/lock/keys", .body = lock_keys, LOCK, .flags = CF_SECOND },
    { .name = "driver/lock/leaves-nothing-open", .body = lock_leaves_nothing_open, LOCK, .flags = CF_SECOND },
    { .name = "driver/lock/survives-transactions",
      .body = lock_survives,
      LOCK,
      .flags = CF_SECOND | CF_TABLE },
    { .name = "driver/lock/freed-by-close", .body = lock_freed_by_close, LOCK, .flags = CF_SECOND },
    { .name = "driver/lock/freed-by-sever",
      .body = lock_freed_by_sever,
      LOCK,
      .flags = CF_SECOND | CF_SEVER },
    { .name = "driver/lock/holder",
      .body = lock_holder_told,
      LOCK,
      .quirks = MIGRATE_QUIRK_NO_LOCK_HOLDER,
      .flags = CF_SECOND },
    { .name = "driver/lock/holder-struct-size", .body = lock_holder_sizes, LOCK, .flags = CF_SECOND },
    { .name = "driver/lock/inspected",
      .body = lock_inspected,
      .member = CF_MEMBER(lock_holder),
      .caps = MIGRATE_CAP_SESSION_LOCK,
      .quirks = MIGRATE_QUIRK_NO_LOCK_HOLDER,
      .flags = CF_SECOND },
    { .name = "driver/session/state",
      .body = session_state,
      .member = CF_MEMBER(session_state),
      .caps = MIGRATE_CAP_SESSION,
      .flags = CF_SECOND },
    { .name = "driver/session/end",
      .body = session_end,
      .member = CF_MEMBER(session_end),
      .caps = MIGRATE_CAP_SESSION,
      .flags = CF_SECOND },
};
CF_CASES(lock);
