/* SPDX-License-Identifier: Apache-2.0 */

/* Waiting: tick(), cancel_fd, and connections that break. */

#include "probe.h"

#include <stdio.h>
#include <string.h>

/* What holds after a cancelled statement: either the connection is as good as new and no late cancel hits a
 * later statement, or nobody knows what became of it and it is of no more use. */
static void after_cancel(struct mig_cf_db *db)
{
    struct mig_cf_conn *c = &db->a;
    uint32_t outcome = c->last.r.outcome;
    c->host.stop_at = 0;
    for (int i = 0; i < 5; i++) {
        migrate_status status = mig_cf_sql(c, "SELECT 1");
        if (outcome == MIGRATE_OUTCOME_UNKNOWN) {
            CF_CHECK(db->suite, c->host.fault.klass == MIGRATE_FAULT_CONN_LOST,
                     "after outcome UNKNOWN a call ended with %s, class %u, not CONN_LOST",
                     migrate_status_name(status), c->host.fault.klass);
        } else {
            CF_CHECK(db->suite, status == MIGRATE_OK, "a statement after the cancelled one: %s",
                     migrate_error_message(c->err));
        }
    }
}

static void check_cancelled(struct mig_cf_db *db, migrate_status status, migrate_status want)
{
    const struct mig_cf_host *h = &db->a.host;
    CF_CHECK(db->suite, status == want, "tick() said %s, exec() returned %s", migrate_status_name(want),
             migrate_status_name(status));
    CF_CHECK(db->suite, h->fault.klass == MIGRATE_FAULT_CANCELLED, "the fault's class is %u, not CANCELLED",
             h->fault.klass);
    CF_CHECK(db->suite, db->a.last.r.outcome >= MIGRATE_OUTCOME_FAILED, "outcome %u of a cancelled statement",
             db->a.last.r.outcome);
}

static void cancel_tick(struct mig_cf_db *db)
{
    mig_cf_stop_after(&db->a.host, 1500, MIGRATE_E_CANCELLED);
    int64_t begin = mig_cf_now_ms();
    migrate_status status = mig_cf_sql(&db->a, db->quirks->sql_slow);
    int64_t took = mig_cf_now_ms() - begin;
    int64_t gap = db->a.host.longest_gap;
    check_cancelled(db, status, MIGRATE_E_CANCELLED);
    CF_CHECK(db->suite, took < 7000, "stopped after 1500 ms, exec() returned after %lld", (long long)took);
    /* The contract says 250; the machine may be busy. */
    CF_CHECK(db->suite, gap <= 500, "tick() was not called for %lld ms", (long long)gap);
    CF_CHECK(db->suite, db->a.host.ticks >= 3, "tick() was called %u times in 1500 ms", db->a.host.ticks);
    after_cancel(db);
}

static void cancel_exact_status(struct mig_cf_db *db)
{
    static const migrate_status statuses[] = { MIGRATE_E_DEADLINE, MIGRATE_E_TIMEOUT, MIGRATE_E_LOCK_LOST };
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        mig_cf_stop_after(&db->a.host, 300, statuses[i]);
        migrate_status status = mig_cf_sql(&db->a, db->quirks->sql_slow);
        check_cancelled(db, status, statuses[i]);
        if (db->a.last.r.outcome == MIGRATE_OUTCOME_UNKNOWN) {
            mig_cf_close(&db->a);
            if (!mig_cf_open(&db->a)) {
                return;
            }
        }
        db->a.host.stop_at = 0;
    }
}

static void *write_later(void *user)
{
    struct mig_cf_host *h = user;
    mig_cf_pause_ms(330);
    h->stop_status = MIGRATE_E_CANCELLED;
    h->stop_at = mig_cf_now_ms();
    mig_cf_make_readable(h);
    return NULL;
}

/* "right after cancel_fd became readable" */
static void cancel_fd(struct mig_cf_db *db)
{
    pthread_t thread;
    CF_CHECK(db->suite, pthread_create(&thread, NULL, write_later, &db->a.host) == 0,
             "no thread for the suite");
    migrate_status status = mig_cf_sql(&db->a, db->quirks->sql_slow);
    pthread_join(thread, NULL);
    check_cancelled(db, status, MIGRATE_E_CANCELLED);
    CF_CHECK(db->suite, db->a.host.noticed_after >= 0 && db->a.host.noticed_after <= 200,
             "cancel_fd became readable and tick() was called %lld ms later",
             (long long)db->a.host.noticed_after);
}

/* Readable is only a question: what tick() says counts. */
static void cancel_not_meant(struct mig_cf_db *db)
{
    mig_cf_make_readable(&db->a.host);
    for (int i = 0; i < 3; i++) {
        if (!mig_cf_expect(&db->a, "SELECT 1", "1\n")) {
            return;
        }
    }
}

/* Waiting for another connection's lock is waiting as well. */
static void cancel_lock_wait(struct mig_cf_db *db)
{
    static const char update[] = "UPDATE conformance_a SET v = 'w' WHERE id = 1";
    if (!mig_cf_must(&db->a, "INSERT INTO conformance_a VALUES (1, 'a')") || !mig_cf_open(&db->b)) {
        return;
    }
    CF_CHECK(db->suite, mig_cf_begin_tx(&db->b) == MIGRATE_OK, "BEGIN: %s", migrate_error_message(db->b.err));
    if (!mig_cf_must(&db->b, update)) {
        return;
    }
    mig_cf_stop_after(&db->a.host, 400, MIGRATE_E_DEADLINE);
    int64_t begin = mig_cf_now_ms();
    migrate_status status = mig_cf_sql(&db->a, update);
    int64_t took = mig_cf_now_ms() - begin;
    if (status >= 100 && status != MIGRATE_E_DEADLINE && took < 400) {
        mig_cf_skip(db->suite, "the database's own lock time-out is shorter than the test waits");
        return;
    }
    check_cancelled(db, status, MIGRATE_E_DEADLINE);
    CF_CHECK(db->suite, took < 6000, "stopped after 400 ms, exec() returned after %lld", (long long)took);
    CF_CHECK(db->suite, db->a.host.longest_gap <= 500, "tick() was not called for %lld ms",
             (long long)db->a.host.longest_gap);
    after_cancel(db);
}

/* Inside of a transaction: what is told of it is true. */
static void cancel_in_tx(struct mig_cf_db *db)
{
    struct mig_cf_conn *c = &db->a;
    CF_CHECK(db->suite, mig_cf_begin_tx(c) == MIGRATE_OK, "BEGIN: %s", migrate_error_message(c->err));
    if (!mig_cf_must(c, "INSERT INTO conformance_a VALUES (1, 'a')")) {
        return;
    }
    mig_cf_stop_after(&c->host, 300, MIGRATE_E_CANCELLED);
    check_cancelled(db, mig_cf_sql(c, db->quirks->sql_slow), MIGRATE_E_CANCELLED);
    c->host.stop_at = 0;
    uint32_t tx = c->last.r.tx;
    if (c->last.r.outcome == MIGRATE_OUTCOME_UNKNOWN) {
        mig_cf_close(c);
        if (!mig_cf_open(c)) {
            return;
        }
    } else {
        CF_CHECK(db->suite, tx != MIGRATE_TX_UNKNOWN, "the transaction state is UNKNOWN after a cancel");
        if (tx != MIGRATE_TX_NONE && mig_cf_rollback(c) != MIGRATE_OK) {
            mig_cf_fail(db->suite, "ROLLBACK after a cancel: %s", migrate_error_message(c->err));
            return;
        }
    }
    mig_cf_expect(c, "SELECT COUNT(*) FROM conformance_a", "0\n");
}

const struct mig_cf_case mig_cf_cancel_cases[] = {
    { .name = "driver/cancel/tick",
      .body = cancel_tick,
      .quirks = MIGRATE_QUIRK_NO_CANCEL,
      .flags = CF_SLOW_SQL },
    { .name = "driver/cancel/exact-status",
      .body = cancel_exact_status,
      .quirks = MIGRATE_QUIRK_NO_CANCEL,
      .flags = CF_SLOW_SQL },
    { .name = "driver/cancel/fd",
      .body = cancel_fd,
      .quirks = MIGRATE_QUIRK_NO_CANCEL,
      .flags = CF_SLOW_SQL },
    { .name = "driver/cancel/not-meant", .body = cancel_not_meant },
    { .name = "driver/cancel/while-waiting",
      .body = cancel_lock_wait,
      .caps = MIGRATE_CAP_TRANSACTION,
      .quirks = MIGRATE_QUIRK_NO_CANCEL,
      .flags = CF_TABLE | CF_SECOND },
    { .name = "driver/cancel/in-transaction",
      .body = cancel_in_tx,
      .caps = MIGRATE_CAP_TRANSACTION,
      .quirks = MIGRATE_QUIRK_NO_CANCEL,
      .flags = CF_TABLE | CF_SLOW_SQL },
};
CF_CASES(cancel);

/* ---- severed --------------------------------------------------------------- */

struct axe {
    struct mig_cf_db *db;
    char session[CF_TEXT];
    int64_t at; /* monotonic ms */
    bool fallen;
};

static bool sharpen(struct mig_cf_db *db, struct axe *axe)
{
    *axe = (struct axe){ .db = db };
    mig_cf_session_id(&db->a, axe->session, sizeof(axe->session));
    if (!axe->session[0]) {
        mig_cf_skip(db->suite, "info() tells no session_id");
        return false;
    }
    return true;
}

static void fall(struct axe *axe)
{
    axe->fallen = true;
    if (axe->db->quirks->sever(axe->db->quirks->user, axe->session) != MIGRATE_OK) {
        mig_cf_fail(axe->db->suite, "quirks.sever could not end session %s", axe->session);
    }
}

static void fall_in_tick(void *user)
{
    struct axe *axe = user;
    if (!axe->fallen && mig_cf_now_ms() >= axe->at) {
        fall(axe);
    }
}

/* "…every later call on the connection fails with CONN_LOST." */
static void stays_lost(struct mig_cf_db *db)
{
    struct mig_cf_conn *c = &db->a;
    for (int i = 0; i < 3; i++) {
        migrate_status status = mig_cf_sql(c, "SELECT 1");
        CF_CHECK(db->suite, status == MIGRATE_E_CONN_LOST && c->host.fault.klass == MIGRATE_FAULT_CONN_LOST,
                 "a call on a lost connection ended with %s", migrate_status_name(status));
        CF_CHECK(db->suite,
                 c->last.r.outcome != MIGRATE_OUTCOME_DONE && c->last.r.outcome != MIGRATE_OUTCOME_FAILED,
                 "outcome %u on a lost connection", c->last.r.outcome);
    }
}

static void sever_idle(struct mig_cf_db *db)
{
    struct axe axe;
    if (!sharpen(db, &axe)) {
        return;
    }
    fall(&axe);
    mig_cf_pause_ms(200);
    migrate_status status = mig_cf_sql(&db->a, "SELECT 1");
    CF_CHECK(db->suite, status == MIGRATE_E_CONN_LOST, "the first call on a severed connection ended with %s",
             migrate_status_name(status));
    stays_lost(db);
}

static void sever_running(struct mig_cf_db *db)
{
    struct axe axe;
    if (!sharpen(db, &axe)) {
        return;
    }
    axe.at = mig_cf_now_ms() + 500;
    db->a.host.on_tick = fall_in_tick;
    db->a.host.on_tick_user = &axe;
    migrate_status status = mig_cf_sql(&db->a, db->quirks->sql_slow);
    db->a.host.on_tick = NULL;
    CF_CHECK(db->suite, axe.fallen, "the statement ended before it could be severed: %s",
             migrate_status_name(status));
    CF_CHECK(db->suite, status == MIGRATE_E_CONN_LOST, "a statement whose session was ended returned %s",
             migrate_status_name(status));
    CF_CHECK(db->suite, db->a.last.r.outcome == MIGRATE_OUTCOME_UNKNOWN,
             "a statement whose answer was lost: outcome %u, not UNKNOWN", db->a.last.r.outcome);
    stays_lost(db);
}

static void sever_before_commit(struct mig_cf_db *db)
{
    struct axe axe;
    if (!sharpen(db, &axe)) {
        return;
    }
    CF_CHECK(db->suite, mig_cf_begin_tx(&db->a) == MIGRATE_OK, "BEGIN: %s", migrate_error_message(db->a.err));
    if (!mig_cf_must(&db->a, "INSERT INTO conformance_a VALUES (1, 'a')")) {
        return;
    }
    fall(&axe);
    mig_cf_pause_ms(200);
    migrate_status status = mig_cf_commit(&db->a);
    CF_CHECK(db->suite, status == MIGRATE_E_CONN_LOST, "COMMIT on a severed connection ended with %s",
             migrate_status_name(status));
    stays_lost(db);
    mig_cf_close(&db->a);
    if (mig_cf_open(&db->a)) {
        mig_cf_expect(&db->a, "SELECT COUNT(*) FROM conformance_a", "0\n");
    }
}

const struct mig_cf_case mig_cf_sever_cases[] = {
    { .name = "driver/sever/idle", .body = sever_idle, .flags = CF_SEVER },
    { .name = "driver/sever/running", .body = sever_running, .flags = CF_SEVER | CF_SLOW_SQL },
    { .name = "driver/sever/before-commit",
      .body = sever_before_commit,
      .caps = MIGRATE_CAP_TRANSACTION,
      .flags = CF_SEVER | CF_TABLE },
};
CF_CASES(sever);
