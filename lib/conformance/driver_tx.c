/* SPDX-License-Identifier: Apache-2.0 */

/* Transactions: what is told of their state, and what COMMIT and ROLLBACK do. */

#include "probe.h"

#include <string.h>

static bool state_is(struct mig_cf_conn *c, uint32_t want, const char *after)
{
    static const char *const names[] = { "UNKNOWN", "NONE", "OPEN", "FAILED" };
    uint32_t tx = c->last.r.tx;
    if (tx != want) {
        mig_cf_fail(c->db->suite, "after %s the transaction state is %s, not %s", after, names[tx & 3],
                    names[want]);
        return false;
    }
    return true;
}

static bool begun(struct mig_cf_conn *c)
{
    if (mig_cf_begin_tx(c) != MIGRATE_OK) {
        mig_cf_fail(c->db->suite, "BEGIN: %s", migrate_error_message(c->err));
        return false;
    }
    return state_is(c, MIGRATE_TX_OPEN, "BEGIN");
}

static bool committed(struct mig_cf_conn *c)
{
    if (mig_cf_commit(c) != MIGRATE_OK) {
        mig_cf_fail(c->db->suite, "COMMIT: %s", migrate_error_message(c->err));
        return false;
    }
    return state_is(c, MIGRATE_TX_NONE, "COMMIT");
}

static bool rolled_back(struct mig_cf_conn *c)
{
    if (mig_cf_rollback(c) != MIGRATE_OK) {
        mig_cf_fail(c->db->suite, "ROLLBACK: %s", migrate_error_message(c->err));
        return false;
    }
    return state_is(c, MIGRATE_TX_NONE, "ROLLBACK");
}

static bool in_tx(struct mig_cf_conn *c, const char *sql)
{
    return mig_cf_must(c, sql) && state_is(c, MIGRATE_TX_OPEN, sql);
}

static void tx_commit(struct mig_cf_db *db)
{
    if (begun(&db->a) && in_tx(&db->a, "INSERT INTO conformance_a VALUES (1, 'a')") &&
        in_tx(&db->a, "SELECT 1") && committed(&db->a)) {
        mig_cf_expect(&db->a, "SELECT id FROM conformance_a", "1\n");
    }
}

static void tx_rollback(struct mig_cf_db *db)
{
    if (begun(&db->a) && in_tx(&db->a, "INSERT INTO conformance_a VALUES (1, 'a')") && rolled_back(&db->a)) {
        mig_cf_expect(&db->a, "SELECT id FROM conformance_a", "");
    }
}

static void tx_isolated(struct mig_cf_db *db)
{
    if (!mig_cf_open(&db->b) || !begun(&db->a) ||
        !in_tx(&db->a, "INSERT INTO conformance_a VALUES (1, 'a')")) {
        return;
    }
    if (mig_cf_expect(&db->b, "SELECT COUNT(*) FROM conformance_a", "0\n") && committed(&db->a)) {
        mig_cf_expect(&db->b, "SELECT COUNT(*) FROM conformance_a", "1\n");
    }
}

static void tx_commit_tag(struct mig_cf_db *db)
{
    if (!begun(&db->a) || !in_tx(&db->a, "INSERT INTO conformance_a VALUES (1, 'a')") || !committed(&db->a)) {
        return;
    }
    const char *tag = db->a.last.r.tag;
    CF_CHECK(db->suite, !tag || strcmp(tag, "ROLLBACK") != 0, "a COMMIT that committed has the tag ROLLBACK");
}

/* A statement fails inside a transaction: told is whether it is still of use, and that is true. */
static void tx_failed_statement(struct mig_cf_db *db)
{
    struct mig_cf_conn *c = &db->a;
    if (!begun(c) || !in_tx(c, "INSERT INTO conformance_a VALUES (1, 'a')")) {
        return;
    }
    CF_CHECK(db->suite, mig_cf_sql(c, "INSERT INTO conformance_a VALUES (1, 'b')") >= 100,
             "a duplicate key was taken");
    uint32_t state = c->last.r.tx;
    CF_CHECK(db->suite, state != MIGRATE_TX_UNKNOWN, "after a failure the transaction state is UNKNOWN");
    migrate_status status = mig_cf_sql(c, "INSERT INTO conformance_a VALUES (2, 'c')");
    if (state == MIGRATE_TX_OPEN) {
        CF_CHECK(db->suite, status == MIGRATE_OK,
                 "the transaction was told to be open and takes no statement");
    } else if (state == MIGRATE_TX_FAILED) {
        CF_CHECK(db->suite, status >= 100, "the transaction was told to have failed and takes statements");
        status = mig_cf_commit(c);
        const char *tag = c->last.r.tag;
        CF_CHECK(db->suite, status >= 100 || (tag && strcmp(tag, "ROLLBACK") == 0),
                 "COMMIT of a failed transaction succeeded without the tag ROLLBACK");
    }
    if (state != MIGRATE_TX_NONE && (c->last.r.tx == MIGRATE_TX_NONE || rolled_back(c))) {
        mig_cf_expect(c, "SELECT COUNT(*) FROM conformance_a", "0\n");
    }
}

static void tx_ddl_rollback(struct mig_cf_db *db)
{
    if (!begun(&db->a) || !in_tx(&db->a, "CREATE TABLE conformance_b (id INTEGER)") ||
        !in_tx(&db->a, "INSERT INTO conformance_a VALUES (1, 'a')") || !rolled_back(&db->a)) {
        return;
    }
    mig_cf_expect(&db->a, "SELECT id FROM conformance_a", "");
    CF_CHECK(db->suite, mig_cf_sql(&db->a, "SELECT * FROM conformance_b") >= 100,
             "a table whose CREATE was rolled back is there");
}

static void tx_two_ddl(struct mig_cf_db *db)
{
    if (!begun(&db->a) || !in_tx(&db->a, "CREATE TABLE conformance_b (id INTEGER)") ||
        !in_tx(&db->a, "CREATE INDEX conformance_i ON conformance_b (id)") || !committed(&db->a)) {
        return;
    }
    mig_cf_expect(&db->a, "SELECT COUNT(*) FROM conformance_b", "0\n");
}

/* Where DDL commits by itself, that is told at once. */
static void tx_implicit_commit(struct mig_cf_db *db)
{
    if (db->caps & MIGRATE_CAP_DDL_ROLLBACK) {
        mig_cf_skip(db->suite, "info() claims MIGRATE_CAP_DDL_ROLLBACK");
        return;
    }
    if (begun(&db->a) && mig_cf_must(&db->a, "CREATE TABLE conformance_b (id INTEGER)")) {
        uint32_t tx = db->a.last.r.tx;
        migrate_status status = mig_cf_rollback(&db->a);
        (void)status;
        migrate_status there = mig_cf_sql(&db->a, "SELECT * FROM conformance_b");
        CF_CHECK(db->suite, there >= 100 || tx != MIGRATE_TX_OPEN,
                 "CREATE TABLE ended the transaction, which was told to be open");
    }
}

static void tx_savepoint(struct mig_cf_db *db)
{
    if (begun(&db->a) && in_tx(&db->a, "INSERT INTO conformance_a VALUES (1, 'a')") &&
        in_tx(&db->a, "SAVEPOINT conformance_s") &&
        in_tx(&db->a, "INSERT INTO conformance_a VALUES (2, 'b')") &&
        in_tx(&db->a, "ROLLBACK TO SAVEPOINT conformance_s") && committed(&db->a)) {
        mig_cf_expect(&db->a, "SELECT id FROM conformance_a", "1\n");
    }
}

const struct mig_cf_case mig_cf_tx_cases[] = {
    { .name = "driver/tx/commit", .body = tx_commit, .caps = MIGRATE_CAP_TRANSACTION, .flags = CF_TABLE },
    { .name = "driver/tx/rollback", .body = tx_rollback, .caps = MIGRATE_CAP_TRANSACTION, .flags = CF_TABLE },
    { .name = "driver/tx/isolated",
      .body = tx_isolated,
      .caps = MIGRATE_CAP_TRANSACTION,
      .flags = CF_TABLE | CF_SECOND },
    { .name = "driver/tx/commit-tag",
      .body = tx_commit_tag,
      .caps = MIGRATE_CAP_TRANSACTION,
      .flags = CF_TABLE },
    { .name = "driver/tx/failed-statement",
      .body = tx_failed_statement,
      .caps = MIGRATE_CAP_TRANSACTION,
      .flags = CF_TABLE },
    { .name = "driver/tx/ddl-rollback",
      .body = tx_ddl_rollback,
      .caps = MIGRATE_CAP_DDL_ROLLBACK,
      .flags = CF_TABLE },
    { .name = "driver/tx/two-ddl",
      .body = tx_two_ddl,
      .caps = MIGRATE_CAP_DDL_ROLLBACK,
      .quirks = MIGRATE_QUIRK_ONE_DDL_PER_TX,
      .flags = CF_TABLE },
    { .name = "driver/tx/implicit-commit",
      .body = tx_implicit_commit,
      .caps = MIGRATE_CAP_TRANSACTION,
      .flags = CF_TABLE },
    { .name = "driver/tx/savepoint",
      .body = tx_savepoint,
      .caps = MIGRATE_CAP_TRANSACTION,
      .quirks = MIGRATE_QUIRK_NO_SAVEPOINTS,
      .flags = CF_TABLE },
};
CF_CASES(tx);
