/* SPDX-License-Identifier: Apache-2.0 */

/* exec_batch(): order, what is told, failures, stops. */

#include "feed.h"

#include <stdio.h>
#include <string.h>

static bool all_done(struct mig_cf_feed *f)
{
    struct mig_cf_suite *s = f->c->db->suite;
    if (f->c->status != MIGRATE_OK) {
        mig_cf_fail(s, "exec_batch() failed with %s: %s", migrate_status_name(f->c->status),
                    f->c->err ? migrate_error_message(f->c->err) : "no error");
        return false;
    }
    for (size_t i = 0; i < f->n; i++) {
        if (i >= f->told || f->outcome[i] != MIGRATE_OUTCOME_DONE) {
            mig_cf_fail(s, "statement %zu of %zu: outcome %u, not DONE (message: %.200s)", i, f->n,
                        i < f->told ? f->outcome[i] : 0, f->c->host.message);
            return false;
        }
    }
    return true;
}

static void batch_order(struct mig_cf_db *db)
{
    struct mig_cf_feed f = { .c = &db->a, .n = 50, .write = mig_cf_write_inserts };
    if (mig_cf_feed_run(&f) && all_done(&f)) {
        mig_cf_expect(&db->a, "SELECT COUNT(*), MIN(id), MAX(id) FROM conformance_a", "50|0|49\n");
        CF_CHECK(db->suite, db->a.last.r.tx == MIGRATE_TX_NONE, "a transaction is open after the batch");
    }
}

static void batch_empty(struct mig_cf_db *db)
{
    struct mig_cf_feed f = { .c = &db->a, .n = 0, .write = mig_cf_write_inserts };
    if (mig_cf_feed_run(&f) && all_done(&f)) {
        mig_cf_expect(&db->a, "SELECT 1", "1\n");
    }
}

/* One group: BEGIN, eight INSERTs of which number 4 has the key of number 1, COMMIT. */
static void write_bad_group(struct mig_cf_feed *f, size_t i, char *sql, size_t size, uint32_t *flags)
{
    if (i == 0) {
        snprintf(sql, size, "BEGIN");
    } else if (i == 9) {
        snprintf(sql, size, "COMMIT");
    } else {
        snprintf(sql, size, "INSERT INTO conformance_a VALUES (%zu, 'x')", i == 4 ? (size_t)1 : i);
    }
    *flags = i == 9 ? MIGRATE_STMT_GROUP_END | MIGRATE_STMT_TX_END : 0;
    (void)f;
}

/* "After one fails, no later one of the same group has an effect." */
static void batch_failure(struct mig_cf_db *db)
{
    struct mig_cf_feed f = { .c = &db->a, .n = 10, .write = write_bad_group };
    if (!mig_cf_feed_run(&f)) {
        return;
    }
    CF_CHECK(db->suite, f.told > 4, "only %zu statements were told", f.told);
    for (size_t i = 0; i < 4; i++) {
        CF_CHECK(db->suite, f.outcome[i] == MIGRATE_OUTCOME_DONE,
                 "statement %zu before the bad one: outcome %u", i, f.outcome[i]);
    }
    CF_CHECK(db->suite, f.outcome[4] == MIGRATE_OUTCOME_FAILED, "the bad statement: outcome %u, not FAILED",
             f.outcome[4]);
    CF_CHECK(db->suite, f.klass[4] == MIGRATE_FAULT_CONSTRAINT, "the bad statement: class %u, not CONSTRAINT",
             f.klass[4]);
    for (size_t i = 5; i < f.told; i++) {
        CF_CHECK(db->suite, f.outcome[i] == MIGRATE_OUTCOME_NONE || f.outcome[i] == MIGRATE_OUTCOME_FAILED,
                 "statement %zu behind the bad one: outcome %u", i, f.outcome[i]);
    }
    if (mig_cf_rollback(&db->a) >= 100) {
        mig_cf_sql(&db->a, "SELECT 1"); /* some servers mind a ROLLBACK without a transaction */
    }
    mig_cf_expect(&db->a, "SELECT COUNT(*) FROM conformance_a", "0\n");
}

static void write_missing(struct mig_cf_feed *f, size_t i, char *sql, size_t size, uint32_t *flags)
{
    (void)f;
    (void)i;
    snprintf(sql, size, "INSERT INTO conformance_none VALUES (1)");
    *flags = MIGRATE_STMT_GROUP_END;
}

static void batch_failure_alone(struct mig_cf_db *db)
{
    struct mig_cf_feed f = { .c = &db->a, .n = 1, .write = write_missing };
    if (!mig_cf_feed_run(&f)) {
        return;
    }
    CF_CHECK(db->suite, f.outcome[0] == MIGRATE_OUTCOME_FAILED && f.klass[0] == MIGRATE_FAULT_MISSING,
             "INSERT into a table that is not there: outcome %u, class %u", f.outcome[0], f.klass[0]);
    mig_cf_expect(&db->a, "SELECT 1", "1\n");
}

static void write_ok_bad_ok(struct mig_cf_feed *f, size_t i, char *sql, size_t size, uint32_t *flags)
{
    (void)f;
    snprintf(sql, size, "INSERT INTO conformance_a VALUES (%zu, 'x')", i == 1 ? (size_t)0 : i);
    *flags = MIGRATE_STMT_GROUP_END;
}

/* Without RUN_AHEAD the next group is not sent before the end of this one is known. */
static void batch_group_stop(struct mig_cf_db *db)
{
    struct mig_cf_feed f = {
        .c = &db->a, .n = 20, .write = write_ok_bad_ok, .done_stops_at = 1, .done_status = MIGRATE_E_SQL
    };
    if (!mig_cf_feed_run(&f)) {
        return;
    }
    CF_CHECK(db->suite, f.outcome[1] == MIGRATE_OUTCOME_FAILED, "a duplicate key: outcome %u", f.outcome[1]);
    mig_cf_expect(&db->a, "SELECT COUNT(*) FROM conformance_a", "1\n");
}

/* With RUN_AHEAD later groups may be under way: whatever was told DONE is in, and nothing else. */
static void batch_run_ahead(struct mig_cf_db *db)
{
    struct mig_cf_feed f = { .c = &db->a,
                             .n = 20,
                             .flags = MIGRATE_BATCH_RUN_AHEAD,
                             .write = write_ok_bad_ok,
                             .done_stops_at = 1,
                             .done_status = MIGRATE_E_SQL };
    char want[20];
    size_t in = 0;
    if (!mig_cf_feed_run(&f)) {
        return;
    }
    for (size_t i = 0; i < f.told; i++) {
        in += f.outcome[i] == MIGRATE_OUTCOME_DONE;
    }
    snprintf(want, sizeof(want), "%zu\n", in);
    mig_cf_expect(&db->a, "SELECT COUNT(*) FROM conformance_a", want);
}

static void batch_next_fails(struct mig_cf_db *db)
{
    struct mig_cf_feed f = { .c = &db->a,
                             .n = 50,
                             .write = mig_cf_write_inserts,
                             .next_fails_at = 7,
                             .next_status = MIGRATE_E_STOPPED };
    if (!mig_cf_feed_run(&f)) {
        return;
    }
    CF_CHECK(db->suite, db->a.status == MIGRATE_E_STOPPED,
             "next() failed with E_STOPPED, exec_batch() returned %s", migrate_status_name(db->a.status));
    mig_cf_expect(&db->a, "SELECT COUNT(*) FROM conformance_a", "7\n");
}

static void batch_done_stops(struct mig_cf_db *db)
{
    struct mig_cf_feed f = { .c = &db->a,
                             .n = 50,
                             .write = mig_cf_write_inserts,
                             .done_stops_at = 5,
                             .done_status = MIGRATE_E_CALLBACK };
    char want[20];
    size_t in = 0;
    if (!mig_cf_feed_run(&f)) {
        return;
    }
    CF_CHECK(db->suite, f.pulled < 50, "done() asked to stop and all 50 statements were pulled");
    for (size_t i = 0; i < f.told; i++) {
        in += f.outcome[i] == MIGRATE_OUTCOME_DONE;
    }
    snprintf(want, sizeof(want), "%zu\n", in);
    mig_cf_expect(&db->a, "SELECT COUNT(*) FROM conformance_a", want);
}

static void write_transaction(struct mig_cf_feed *f, size_t i, char *sql, size_t size, uint32_t *flags)
{
    *flags = i == 0 ? MIGRATE_STMT_BOOKKEEPING : 0;
    if (i == 0) {
        snprintf(sql, size, "BEGIN");
    } else if (i + 1 == f->n) {
        snprintf(sql, size, "COMMIT");
        *flags = MIGRATE_STMT_GROUP_END | MIGRATE_STMT_TX_END | MIGRATE_STMT_BOOKKEEPING;
    } else {
        snprintf(sql, size, "INSERT INTO conformance_a VALUES (%zu, 'x')", i);
    }
}

static void batch_transaction(struct mig_cf_db *db)
{
    struct mig_cf_feed f = { .c = &db->a, .n = 22, .write = write_transaction };
    if (mig_cf_feed_run(&f) && all_done(&f)) {
        mig_cf_expect(&db->a, "SELECT COUNT(*) FROM conformance_a", "20\n");
        CF_CHECK(db->suite, db->a.last.r.tx == MIGRATE_TX_NONE, "a transaction is open after COMMIT");
    }
}

static void write_alone(struct mig_cf_feed *f, size_t i, char *sql, size_t size, uint32_t *flags)
{
    mig_cf_write_inserts(f, i, sql, size, flags);
    if (i % 3 == 1) {
        *flags |= MIGRATE_STMT_ALONE;
    }
    if (i % 5 == 2) {
        *flags |= MIGRATE_STMT_BARRIER;
    }
}

static void batch_alone_and_barrier(struct mig_cf_db *db)
{
    struct mig_cf_feed f = { .c = &db->a, .n = 30, .flags = MIGRATE_BATCH_RUN_AHEAD, .write = write_alone };
    if (mig_cf_feed_run(&f) && all_done(&f)) {
        mig_cf_expect(&db->a, "SELECT COUNT(*) FROM conformance_a", "30\n");
    }
}

#define BATCH CF_MEMBER(exec_batch)
const struct mig_cf_case mig_cf_batch_cases[] = {
    { .name = "driver/batch/order", .body = batch_order, .member = BATCH, .flags = CF_TABLE },
    { .name = "driver/batch/empty", .body = batch_empty, .member = BATCH },
    { .name = "driver/batch/transaction",
      .body = batch_transaction,
      .member = BATCH,
      .caps = MIGRATE_CAP_TRANSACTION,
      .flags = CF_TABLE },
    { .name = "driver/batch/failure-in-group",
      .body = batch_failure,
      .member = BATCH,
      .caps = MIGRATE_CAP_TRANSACTION,
      .flags = CF_TABLE },
    { .name = "driver/batch/failure-alone", .body = batch_failure_alone, .member = BATCH, .flags = CF_TABLE },
    { .name = "driver/batch/group-waits", .body = batch_group_stop, .member = BATCH, .flags = CF_TABLE },
    { .name = "driver/batch/run-ahead",
      .body = batch_run_ahead,
      .member = BATCH,
      .caps = MIGRATE_CAP_BATCH_GROUPS,
      .flags = CF_TABLE },
    { .name = "driver/batch/next-fails", .body = batch_next_fails, .member = BATCH, .flags = CF_TABLE },
    { .name = "driver/batch/done-stops", .body = batch_done_stops, .member = BATCH, .flags = CF_TABLE },
    { .name = "driver/batch/alone-and-barrier",
      .body = batch_alone_and_barrier,
      .member = BATCH,
      .flags = CF_TABLE },
};
CF_CASES(batch);

/* ---- the window ------------------------------------------------------------ */

/* A window that is full in the middle of a group: without a Flush both sides would wait for ever. */
static void window_full_in_group(struct mig_cf_db *db)
{
    struct mig_cf_feed f = {
        .c = &db->a, .n = 202, .max_ahead = 512, .padding = 100, .write = write_transaction
    };
    if (mig_cf_feed_run(&f) && all_done(&f)) {
        mig_cf_expect(&db->a, "SELECT COUNT(*) FROM conformance_a", "200\n");
    }
}

static void window_larger_than_it(struct mig_cf_db *db)
{
    struct mig_cf_feed f = {
        .c = &db->a, .n = 5, .max_ahead = 1024, .padding = 64 * 1024, .write = mig_cf_write_inserts
    };
    if (mig_cf_feed_run(&f) && all_done(&f)) {
        mig_cf_expect(&db->a, "SELECT COUNT(*) FROM conformance_a", "5\n");
    }
}

static void window_of_one_byte(struct mig_cf_db *db)
{
    struct mig_cf_feed f = {
        .c = &db->a, .n = 20, .max_ahead = 1, .flags = MIGRATE_BATCH_RUN_AHEAD, .write = mig_cf_write_inserts
    };
    if (mig_cf_feed_run(&f) && all_done(&f)) {
        mig_cf_expect(&db->a, "SELECT COUNT(*) FROM conformance_a", "20\n");
    }
}

static void window_many(struct mig_cf_db *db)
{
    struct mig_cf_feed f = { .c = &db->a,
                             .n = CF_FEED_MAX,
                             .max_ahead = 1 << 20,
                             .padding = 2000,
                             .flags = MIGRATE_BATCH_RUN_AHEAD,
                             .write = mig_cf_write_inserts };
    if (mig_cf_feed_run(&f) && all_done(&f)) {
        mig_cf_expect(&db->a, "SELECT COUNT(*) FROM conformance_a", "400\n");
    }
}

static void write_slow(struct mig_cf_feed *f, size_t i, char *sql, size_t size, uint32_t *flags)
{
    if (i == 1) {
        snprintf(sql, size, "%s", f->c->db->quirks->sql_slow);
    } else {
        snprintf(sql, size, "INSERT INTO conformance_a VALUES (%zu, 'x')", i);
    }
    *flags = MIGRATE_STMT_GROUP_END;
}

static void window_cancel(struct mig_cf_db *db)
{
    struct mig_cf_feed f = { .c = &db->a, .n = 3, .write = write_slow };
    mig_cf_stop_after(&db->a.host, 700, MIGRATE_E_DEADLINE);
    int64_t begin = mig_cf_now_ms();
    if (!mig_cf_feed_run(&f)) {
        return;
    }
    int64_t took = mig_cf_now_ms() - begin;
    CF_CHECK(db->suite, took < 6000, "cancelled after 700 ms, the batch took %lld ms", (long long)took);
    CF_CHECK(db->suite, db->a.status == MIGRATE_E_DEADLINE,
             "tick() said E_DEADLINE, exec_batch() returned %s", migrate_status_name(db->a.status));
    CF_CHECK(db->suite,
             f.told > 1 &&
                 (f.outcome[1] == MIGRATE_OUTCOME_FAILED || f.outcome[1] == MIGRATE_OUTCOME_UNKNOWN),
             "the cancelled statement: outcome %u", f.told > 1 ? f.outcome[1] : 0);
    CF_CHECK(db->suite, f.outcome[0] == MIGRATE_OUTCOME_DONE, "the one before it: outcome %u", f.outcome[0]);
    CF_CHECK(db->suite, db->a.host.longest_gap <= 500, "tick() was not called for %lld ms",
             (long long)db->a.host.longest_gap);
}

const struct mig_cf_case mig_cf_window_cases[] = {
    { .name = "driver/batch/window-full-in-group",
      .body = window_full_in_group,
      .member = BATCH,
      .caps = MIGRATE_CAP_TRANSACTION,
      .flags = CF_TABLE },
    { .name = "driver/batch/larger-than-window",
      .body = window_larger_than_it,
      .member = BATCH,
      .flags = CF_TABLE },
    { .name = "driver/batch/window-of-one-byte",
      .body = window_of_one_byte,
      .member = BATCH,
      .flags = CF_TABLE },
    { .name = "driver/batch/many", .body = window_many, .member = BATCH, .flags = CF_TABLE },
    { .name = "driver/batch/cancel",
      .body = window_cancel,
      .member = BATCH,
      .quirks = MIGRATE_QUIRK_NO_CANCEL,
      .flags = CF_TABLE | CF_SLOW_SQL },
};
CF_CASES(window);
