/* SPDX-License-Identifier: Apache-2.0 */

/* Transactions, which are calls of the API. */

#include <stdlib.h>
#include <string.h>

#include "aws/json.h"
#include "drivers/rds_data/rds.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/text.h"

enum { ABANDON_MS = 2000, BUSY_PAUSE_MS = 200, BUSY_MS = 8000 };

static void forget(struct mig_rds *c)
{
    free(c->tx);
    c->tx = NULL;
    c->tx_failed = false;
}

static void call(struct mig_rds *c, const char *path, bool database, int64_t ms, struct mig_rds_reply *out)
{
    mig_rds_body(c, &c->body, database, c->tx);
    mig_buf_char(&c->body, '}');
    mig_rds_call(c, c->aws, path, &c->body, ms, out);
}

static migrate_status failed(struct mig_rds *c, const struct mig_rds_reply *r, uint32_t outcome, migrate_result *out,
                             migrate_error **err)
{
    migrate_fault fault;
    mig_rds_fault(c, r, NULL, SIZE_MAX, &fault);
    mig_rds_result(c, outcome, -1, NULL, out);
    return mig_rds_fail(c->host, err, &fault);
}

static bool unsure(const struct mig_rds_reply *r)
{
    return r->end == MIG_RDS_LOST || r->end == MIG_RDS_STOPPED || r->end == MIG_RDS_NOMEM || r->end == MIG_RDS_TIMEOUT;
}

/* ---- begin ------------------------------------------------------------------------ */

static migrate_status begun(struct mig_rds *c, const struct mig_rds_reply *r, migrate_result *out, migrate_error **err)
{
    const char *id = mig_json_text(r->json, "transactionId");
    c->tx = mig_strdup(id);
    c->tx_failed = false;
    mig_rds_result(c, c->tx ? MIGRATE_OUTCOME_DONE : MIGRATE_OUTCOME_FAILED, -1, NULL, out);
    if (c->tx)
        return MIGRATE_OK;
    return id ? mig_rds_nomem(c->host, err)
              : mig_rds_refuse(c->host, err, MIGRATE_E_SQL, MIGRATE_FAULT_OTHER, "the Data API gave no transaction id", NULL);
}

migrate_status mig_rds_begin(void *conn, migrate_result *out, migrate_error **err)
{
    struct mig_rds *c = conn;
    struct mig_rds_reply reply;
    migrate_status status = mig_rds_enter(c, err);
    if (!status && c->tx)
        status = mig_rds_refuse(c->host, err, MIGRATE_E_MISUSE, MIGRATE_FAULT_OTHER, "a transaction is open already", NULL);
    if (status) {
        mig_rds_result(c, MIGRATE_OUTCOME_NONE, -1, NULL, out);
        return status;
    }
    call(c, "/BeginTransaction", true, MIG_RDS_ANSWER_MS, &reply);
    if (reply.end == MIG_RDS_DONE) {
        status = begun(c, &reply, out, err);
    } else { /* one that was begun and that nobody knows of ends by being idle */
        c->dead = unsure(&reply);
        status = failed(c, &reply, c->dead ? MIGRATE_OUTCOME_UNKNOWN : MIGRATE_OUTCOME_FAILED, out, err);
    }
    mig_rds_reply_free(&reply);
    return status;
}

/* ---- commit ----------------------------------------------------------------------- */

static migrate_status rolled_back(struct mig_rds *c, migrate_result *out, migrate_error **err)
{
    mig_rds_result(c, MIGRATE_OUTCOME_FAILED, -1, "ROLLBACK", out);
    return mig_rds_refuse(c->host, err, MIGRATE_E_SQL, MIGRATE_FAULT_OTHER,
                          "COMMIT was answered by ROLLBACK: an earlier statement of the transaction had failed", NULL);
}

static migrate_status committed(struct mig_rds *c, const struct mig_rds_reply *r, migrate_result *out, migrate_error **err)
{
    const char *said = mig_json_text(r->json, "transactionStatus");
    forget(c);
    if (said && strstr(said, "ollback"))
        return rolled_back(c, out, err);
    mig_rds_result(c, MIGRATE_OUTCOME_DONE, -1, "COMMIT", out);
    return MIGRATE_OK;
}

static migrate_status not_committed(struct mig_rds *c, const struct mig_rds_reply *r, migrate_result *out,
                                    migrate_error **err)
{
    if (unsure(r) || r->end == MIG_RDS_NO_TX) {
        c->dead = true;
        return failed(c, r, MIGRATE_OUTCOME_UNKNOWN, out, err);
    }
    if (r->end == MIG_RDS_SQL)
        mig_rds_abandon(c); /* a constraint that was deferred */
    return failed(c, r, MIGRATE_OUTCOME_FAILED, out, err);
}

migrate_status mig_rds_commit(void *conn, migrate_result *out, migrate_error **err)
{
    struct mig_rds *c = conn;
    struct mig_rds_reply reply;
    migrate_status status = mig_rds_enter(c, err);
    if (status || !c->tx) { /* MySQL's DDL has ended it */
        mig_rds_result(c, status ? MIGRATE_OUTCOME_NONE : MIGRATE_OUTCOME_DONE, -1, status ? NULL : "COMMIT", out);
        return status;
    }
    if (c->tx_failed) {
        mig_rds_abandon(c);
        return rolled_back(c, out, err);
    }
    call(c, "/CommitTransaction", false, MIG_RDS_ANSWER_MS, &reply);
    status = reply.end == MIG_RDS_DONE ? committed(c, &reply, out, err) : not_committed(c, &reply, out, err);
    mig_rds_reply_free(&reply);
    return status;
}

/* ---- rollback ----------------------------------------------------------------------- */

/* A transaction that is at work yet cannot be rolled back: its statement is ended first. */
static void roll_back(struct mig_rds *c, int64_t ms, int64_t patience, struct mig_rds_reply *out)
{
    int64_t until = mig_clock_mono_ms() + patience;
    call(c, "/RollbackTransaction", false, ms, out);
    if (out->end != MIG_RDS_BUSY_TX)
        return;
    mig_rds_cancel(c);
    while (out->end == MIG_RDS_BUSY_TX && mig_clock_mono_ms() < until) {
        struct mig_aws_watch quiet = MIG_AWS_UNWATCHED;
        (void)mig_aws_watch_sleep(&quiet, BUSY_PAUSE_MS);
        mig_rds_reply_free(out);
        call(c, "/RollbackTransaction", false, ms, out);
    }
}

migrate_status mig_rds_rollback(void *conn, migrate_result *out, migrate_error **err)
{
    struct mig_rds *c = conn;
    struct mig_rds_reply reply;
    migrate_status status = mig_rds_enter(c, err);
    if (status || !c->tx) {
        mig_rds_result(c, status ? MIGRATE_OUTCOME_NONE : MIGRATE_OUTCOME_DONE, -1, status ? NULL : "ROLLBACK", out);
        return status;
    }
    roll_back(c, MIG_RDS_ANSWER_MS, BUSY_MS, &reply);
    if (reply.end == MIG_RDS_DONE || reply.end == MIG_RDS_NO_TX) { /* gone is rolled back */
        forget(c);
        mig_rds_result(c, MIGRATE_OUTCOME_DONE, -1, "ROLLBACK", out);
    } else {
        c->dead = true;
        status = failed(c, &reply, MIGRATE_OUTCOME_UNKNOWN, out, err);
    }
    mig_rds_reply_free(&reply);
    return status;
}

void mig_rds_abandon(struct mig_rds *c)
{
    struct mig_rds_reply reply;
    if (!c->tx)
        return;
    migrate_status kept = c->stop;
    c->grace = INT64_MAX; /* whatever the host says: it is short */
    roll_back(c, ABANDON_MS, ABANDON_MS, &reply);
    c->stop = kept;
    mig_rds_reply_free(&reply);
    forget(c);
}
