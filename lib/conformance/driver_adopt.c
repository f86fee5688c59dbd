/* SPDX-License-Identifier: Apache-2.0 */

/* adopt(), reset(). */

#include "probe.h"

#include <string.h>

static bool take(struct mig_cf_db *db, struct mig_cf_conn *c)
{
    c->native = db->quirks->native_open(db->quirks->user);
    if (!c->native) {
        mig_cf_fail(db->suite, "quirks.native_open gave no connection");
        return false;
    }
    return mig_cf_adopt(c, c->native);
}

/* Gives it back and keeps the application's connection open, to adopt it again. */
static void *give_back(struct mig_cf_conn *c)
{
    void *native = c->native;
    c->native = NULL;
    mig_cf_close(c);
    c->native = native;
    return native;
}

static void adopt_works(struct mig_cf_db *db)
{
    for (int i = 0; i < 2; i++) {
        if (!take(db, &db->a) || !mig_cf_expect(&db->a, "SELECT 1", "1\n")) {
            return;
        }
        CF_CHECK(db->suite, db->a.last.r.tx == MIGRATE_TX_NONE,
                 "an adopted connection is told to be in a transaction");
        mig_cf_close(&db->a);
    }
}

/* close() leaves the connection open and as it was: it can be adopted again. */
static void adopt_again(struct mig_cf_db *db)
{
    struct mig_cf_conn *c = &db->a;
    if (!take(db, c)) {
        return;
    }
    for (int i = 0; i < 3; i++) {
        if (!mig_cf_expect(c, "SELECT 1", "1\n")) {
            return;
        }
        void *native = give_back(c);
        if (!mig_cf_adopt(c, native)) {
            return;
        }
    }
}

static void adopt_in_transaction(struct mig_cf_db *db)
{
    struct mig_cf_conn *c = &db->a;
    char untouched;
    void *conn = &untouched;
    migrate_error *err = NULL;
    if (!take(db, c)) {
        return;
    }
    CF_CHECK(db->suite, mig_cf_begin_tx(c) == MIGRATE_OK, "BEGIN: %s", migrate_error_message(c->err));
    mig_cf_must(c, "SELECT 1");
    mig_cf_enter(&c->host);
    migrate_status status = db->driver->adopt(&c->host.vt, c->native, &conn, &err);
    mig_cf_watch(c, "adopt()", status, err);
    CF_CHECK(db->suite, status == MIGRATE_E_MISUSE, "adopt() inside a transaction: %s, not E_MISUSE",
             migrate_status_name(status));
    CF_CHECK(db->suite, conn == &untouched, "a failed adopt() touched *out_conn");
}

/* "close() gives it back in the state it came": without our transaction. */
static void adopt_rolled_back(struct mig_cf_db *db)
{
    struct mig_cf_conn *c = &db->a;
    if (!take(db, c)) {
        return;
    }
    if (!mig_cf_must(c, "DROP TABLE IF EXISTS conformance_b") ||
        !mig_cf_must(c, "CREATE TABLE conformance_b (id INTEGER)")) {
        return;
    }
    CF_CHECK(db->suite, mig_cf_begin_tx(c) == MIGRATE_OK, "BEGIN: %s", migrate_error_message(c->err));
    if (!mig_cf_must(c, "INSERT INTO conformance_b VALUES (1)")) {
        return;
    }
    void *native = give_back(c);
    if (mig_cf_adopt(c, native) && mig_cf_expect(c, "SELECT COUNT(*) FROM conformance_b", "0\n")) {
        mig_cf_must(c, "DROP TABLE conformance_b");
    }
}

#define ADOPT .member = CF_MEMBER(adopt)
const struct mig_cf_case mig_cf_adopt_cases[] = {
    { .name = "driver/adopt/works", .body = adopt_works, ADOPT, .flags = CF_NATIVE | CF_CLOSED },
    { .name = "driver/adopt/again", .body = adopt_again, ADOPT, .flags = CF_NATIVE | CF_CLOSED },
    { .name = "driver/adopt/in-transaction",
      .body = adopt_in_transaction,
      ADOPT,
      .caps = MIGRATE_CAP_TRANSACTION,
      .flags = CF_NATIVE | CF_CLOSED },
    { .name = "driver/adopt/given-back-without-transaction",
      .body = adopt_rolled_back,
      ADOPT,
      .caps = MIGRATE_CAP_TRANSACTION,
      .flags = CF_NATIVE | CF_CLOSED },
};
CF_CASES(adopt);

/* ---- reset ----------------------------------------------------------------- */

static bool reset(struct mig_cf_conn *c)
{
    migrate_error *err = NULL;
    memset(&c->last.r, 0, sizeof(c->last.r));
    c->last.r.struct_size = sizeof(c->last.r);
    mig_cf_poison(c->last.behind, sizeof(c->last.behind));
    mig_cf_enter(&c->host);
    migrate_status status = c->db->driver->reset(c->conn, &c->last.r, &err);
    mig_cf_watch(c, "reset()", status, err);
    if (status != MIGRATE_OK) {
        mig_cf_fail(c->db->suite, "reset(): %s", migrate_error_message(c->err));
    } else if (c->last.r.outcome != MIGRATE_OUTCOME_DONE || !mig_cf_poisoned(c->last.behind, CF_CANARY)) {
        mig_cf_fail(c->db->suite, "reset() succeeded with outcome %u", c->last.r.outcome);
    }
    return c->db->suite->result == MIGRATE_CASE_PASSED;
}

static void reset_nothing(struct mig_cf_db *db)
{
    if (reset(&db->a) && reset(&db->a)) {
        mig_cf_expect(&db->a, "SELECT 1", "1\n");
    }
}

static void reset_temp(struct mig_cf_db *db)
{
    for (int i = 0; i < 2; i++) {
        if (!mig_cf_must(&db->a, "CREATE TEMPORARY TABLE conformance_t (id INTEGER)") || !reset(&db->a)) {
            return;
        }
        CF_CHECK(db->suite, mig_cf_sql(&db->a, "SELECT * FROM conformance_t") >= 100,
                 "a temporary table outlived reset()");
    }
}

static void reset_keeps_lock(struct mig_cf_db *db)
{
    migrate_error *err = NULL;
    mig_cf_enter(&db->a.host);
    migrate_status status = db->driver->try_lock(db->a.conn, "conformance", NULL, &err);
    mig_cf_watch(&db->a, "try_lock()", status, err);
    CF_CHECK(db->suite, status == MIGRATE_OK, "try_lock of a free lock: %s", migrate_status_name(status));
    if (!mig_cf_open(&db->b) || !reset(&db->a)) {
        return;
    }
    err = NULL;
    mig_cf_enter(&db->b.host);
    status = db->driver->try_lock(db->b.conn, "conformance", NULL, &err);
    mig_cf_watch(&db->b, "try_lock()", status, err);
    CF_CHECK(db->suite, status == MIGRATE_BUSY, "reset() gave the session lock up");
}

/* What is in the database is no session state. */
static void reset_keeps_data(struct mig_cf_db *db)
{
    if (mig_cf_must(&db->a, "INSERT INTO conformance_a VALUES (1, 'a')") && reset(&db->a)) {
        mig_cf_expect(&db->a, "SELECT v FROM conformance_a", "a\n");
    }
}

#define RESET .member = CF_MEMBER(reset)
const struct mig_cf_case mig_cf_reset_cases[] = {
    { .name = "driver/reset/nothing", .body = reset_nothing, RESET },
    { .name = "driver/reset/temporary-table",
      .body = reset_temp,
      RESET,
      .quirks = MIGRATE_QUIRK_NO_TEMP_TABLES },
    { .name = "driver/reset/keeps-lock",
      .body = reset_keeps_lock,
      RESET,
      .caps = MIGRATE_CAP_SESSION_LOCK,
      .flags = CF_SECOND },
    { .name = "driver/reset/keeps-data", .body = reset_keeps_data, RESET, .flags = CF_TABLE },
};
CF_CASES(reset);
