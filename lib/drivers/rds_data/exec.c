/* SPDX-License-Identifier: Apache-2.0 */

/* One statement, one ExecuteStatement. */

#include <string.h>

#include "drivers/rds_data/rds.h"
#include "sql/session_needs.h"

/* A statement on its way. */
struct job {
    const migrate_stmt *stmt;
    struct mig_sql_facts facts; /* of the user's */
    bool user, go_on;
    size_t shift;
    struct mig_buf values;
    struct mig_rds_reply reply;
};

/* ---- results --------------------------------------------------------------------- */

static uint32_t tx_of(const struct mig_rds *c)
{
    if (c->dead)
        return MIGRATE_TX_UNKNOWN;
    return !c->tx ? MIGRATE_TX_NONE : c->tx_failed ? MIGRATE_TX_FAILED : MIGRATE_TX_OPEN;
}

void mig_rds_result(const struct mig_rds *c, uint32_t outcome, int64_t affected, const char *tag, migrate_result *out)
{
    const migrate_result result = { .struct_size = sizeof result, .outcome = outcome, .tx = tx_of(c),
                                    .lex = mig_rds_lex(c), .round_trips = c->trips, .affected = affected, .tag = tag };
    mig_rds_give(out, &result, sizeof result);
}

static int64_t affected_by(const struct mig_rds_reply *r)
{
    const json_t *n = json_object_get(r->json, "numberOfRecordsUpdated");
    return json_is_integer(n) ? (int64_t)json_integer_value(n) : -1;
}

/* ---- what cannot be done without a session ------------------------------------------- */

/* MIGRATE_OK: run it. MIGRATE_DONE: it is as good as done. */
static migrate_status sessionless(struct mig_rds *c, const struct job *j, migrate_error **err)
{
    const uint32_t needs = MIG_SQL_SESSION | MIG_SQL_TEMPORARY | MIG_SQL_LOCK_TABLES;
    if (c->tx)
        return MIGRATE_OK;
    if (!j->user) /* time-outs that would stay with a connection of the API's pool */
        return j->stmt->sql_len > 4 && memcmp(j->stmt->sql, "SET ", 4) == 0 ? MIGRATE_DONE : MIGRATE_OK;
    if (!mig_rds_postgres(c) && mig_sql_sets_names_utf8(j->stmt->sql, j->stmt->sql_len))
        return MIGRATE_DONE; /* all text is UTF-8 here */
    if (!(j->facts.flags & needs))
        return MIGRATE_OK;
    return mig_rds_refuse(c->host, err, MIGRATE_E_UNSUPPORTED, MIGRATE_FAULT_OTHER,
                          "the statement sets up a session, and outside of a transaction the Data API has none",
                          "leave it out, put what needs it into a transaction, or run this migration over a connection");
}

/* ---- sending ------------------------------------------------------------------------- */

static void look_at(struct mig_rds *c, struct job *j)
{
    j->user = !(j->stmt->flags & MIGRATE_STMT_BOOKKEEPING);
    if (!j->user)
        return;
    struct mig_sql_dialect_info di = { .dialect = c->dialect, .lex = mig_rds_lex(c), .version = c->facts.version,
                                       .mariadb = c->facts.mariadb };
    mig_sql_classify(&di, j->stmt->sql, j->stmt->sql_len, &j->facts);
    /* What is ended in the middle of a DDL may leave a mess. In a transaction of MySQL's nobody could tell later how a
     * statement went on. */
    const uint32_t ddl = MIG_SQL_DDL | MIG_SQL_IMPLICIT_COMMIT;
    j->go_on = !c->tx || mig_rds_postgres(c) || (j->facts.flags & ddl) != 0;
}

/* A statement that no invocation of ours lives long enough for must not be ended by each of them: it is left to the
 * database where its effect can be looked up later. Its session then counts as the holder of the lease. */
static bool may_detach(const struct mig_rds *c, const struct job *j)
{
    switch (j->facts.settle) {
    case MIG_SQL_SETTLE_CHANGING:
    case MIG_SQL_SETTLE_NEUTRAL:
    case MIG_SQL_SETTLE_PROBE:
        return j->user && j->go_on && !c->tx;
    default:
        return false;
    }
}

static migrate_status send(struct mig_rds *c, struct job *j, migrate_error **err)
{
    migrate_status status = mig_rds_text(c, j->stmt, j->user, &j->values, &j->shift, err);
    if (status)
        return status;
    mig_rds_body_sql(c, &c->body, c->sql.data, c->sql.len, c->tx, j->go_on);
    if (j->values.len)
        mig_buf_fmt(&c->body, ",\"parameters\":[%s]", mig_buf_text(&j->values));
    mig_buf_char(&c->body, '}');
    if (c->body.oom)
        return mig_rds_nomem(c->host, err);
    if (c->body.len > MIG_RDS_BODY_MAX)
        return mig_rds_refuse(c->host, err, 0, MIGRATE_FAULT_TOO_LARGE,
                              "statement and values are larger than the 4 MiB that the Data API takes", "cut it into several");
    c->may_cancel = j->user;
    c->detaches = may_detach(c, j);
    c->grace = j->user ? MIG_RDS_CANCEL_MS : MIG_RDS_GRACE_MS;
    mig_rds_call(c, c->aws, "/Execute", &c->body, MIG_RDS_ANSWER_MS, &j->reply);
    if (j->reply.end == MIG_RDS_TIMEOUT && j->go_on)
        mig_rds_await(c, &j->reply);
    c->may_cancel = false;
    return MIGRATE_OK;
}

/* ---- what became of it ------------------------------------------------------------------ */

static uint32_t outcome_of(const struct mig_rds_reply *r, uint32_t klass)
{
    switch (r->end) {
    case MIG_RDS_DONE:
        return MIGRATE_OUTCOME_DONE;
    case MIG_RDS_SQL:
        return klass == MIGRATE_FAULT_CONN_LOST ? MIGRATE_OUTCOME_UNKNOWN : MIGRATE_OUTCOME_FAILED;
    case MIG_RDS_NOT_NOW:
        return MIGRATE_OUTCOME_NONE;
    case MIG_RDS_LOST:
    case MIG_RDS_STOPPED:
    case MIG_RDS_NOMEM:
        return MIGRATE_OUTCOME_UNKNOWN;
    default:
        return MIGRATE_OUTCOME_FAILED;
    }
}

/* The state of the transaction after @p j has ended. */
static void settle_tx(struct mig_rds *c, const struct job *j, uint32_t outcome, uint32_t klass)
{
    bool failed = outcome == MIGRATE_OUTCOME_FAILED;
    if (outcome == MIGRATE_OUTCOME_UNKNOWN || j->reply.end == MIG_RDS_NO_TX)
        c->dead = true;
    if (!c->tx || c->dead)
        return;
    if (mig_rds_postgres(c)) {
        c->tx_failed |= failed;
    } else if ((j->facts.flags & MIG_SQL_IMPLICIT_COMMIT) || (failed && klass == MIGRATE_FAULT_RETRY_TX)) {
        mig_rds_abandon(c); /* it has ended by itself */
    } else if (failed && j->reply.end == MIG_RDS_TIMEOUT) {
        c->tx_failed = true;
    }
}

static migrate_status conclude(struct mig_rds *c, struct job *j, migrate_result *out, migrate_error **err)
{
    migrate_fault fault = { .struct_size = sizeof fault };
    if (j->reply.end != MIG_RDS_DONE)
        mig_rds_fault(c, &j->reply, j->stmt, j->shift, &fault);
    uint32_t outcome = outcome_of(&j->reply, fault.klass);
    if (j->reply.end == MIG_RDS_TIMEOUT && !j->user)
        fault.klass = MIGRATE_FAULT_LOCK_TIMEOUT; /* ours are quick: it has waited for a lock */
    settle_tx(c, j, outcome, fault.klass);
    mig_rds_result(c, outcome, affected_by(&j->reply), NULL, out);
    if (outcome != MIGRATE_OUTCOME_DONE)
        return mig_rds_fail(c->host, err, &fault);
    if (!mig_rds_rows(j->reply.json, j->stmt->on_row, j->stmt->on_row_user))
        return mig_rds_nomem(c->host, err);
    return MIGRATE_OK;
}

migrate_status mig_rds_exec(void *conn, const migrate_stmt *given, migrate_result *out, migrate_error **err)
{
    struct mig_rds *c = conn;
    migrate_stmt stmt;
    mig_rds_take(&stmt, sizeof stmt, given);
    struct job j = { .stmt = &stmt, .values = MIG_BUF_INIT };
    migrate_status status = mig_rds_enter(c, err);
    if (!status) {
        look_at(c, &j);
        status = sessionless(c, &j, err);
    }
    if (!status)
        status = send(c, &j, err);
    if (status)
        mig_rds_result(c, status == MIGRATE_DONE ? MIGRATE_OUTCOME_DONE : MIGRATE_OUTCOME_NONE, -1, NULL, out);
    else
        status = conclude(c, &j, out, err);
    mig_buf_free(&j.values);
    mig_rds_reply_free(&j.reply);
    return status == MIGRATE_DONE ? MIGRATE_OK : status;
}

/* ---- our own queries ----------------------------------------------------------------------- */

migrate_status mig_rds_query(struct mig_rds *c, const char *sql, migrate_row_fn on_row, void *user, migrate_error **err)
{
    struct mig_rds_reply reply;
    migrate_fault fault;
    mig_rds_body_sql(c, &c->body, sql, strlen(sql), NULL, false);
    mig_buf_char(&c->body, '}');
    mig_rds_call(c, c->aws, "/Execute", &c->body, MIG_RDS_ANSWER_MS, &reply);
    migrate_status status = MIGRATE_OK;
    if (reply.end != MIG_RDS_DONE) {
        mig_rds_fault(c, &reply, NULL, SIZE_MAX, &fault);
        status = mig_rds_fail(c->host, err, &fault);
    } else if (!mig_rds_rows(reply.json, on_row, user)) {
        status = mig_rds_nomem(c->host, err);
    }
    mig_rds_reply_free(&reply);
    return status;
}
