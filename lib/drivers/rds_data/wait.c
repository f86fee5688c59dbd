/* SPDX-License-Identifier: Apache-2.0 */

/* Statements that take longer than a call. In a transaction of PostgreSQL the next statement tells how it went: it is
 * refused while the transaction is at work, and for good when the transaction has failed. Elsewhere the server's list of
 * sessions tells when it has ended, and what it left behind must be looked at. */

#include <stdlib.h>
#include <string.h>

#include "drivers/rds_data/rds.h"
#include "util/mem.h"

enum { FIRST_PAUSE_MS = 250, LAST_PAUSE_MS = 3000, MOST_MISSES = 20 };

static void turn_into(struct mig_rds_reply *r, enum mig_rds_end end, const char *message)
{
    mig_rds_reply_free(r);
    r->end = end;
    r->message = message ? mig_strdup(message) : NULL;
}

/* MIG_RDS_DONE: it is done. MIG_RDS_BUSY_TX: not yet. */
static enum mig_rds_end ask_tx(struct mig_rds *c)
{
    static const char sql[] = "SELECT 1";
    struct mig_rds_reply r;
    struct mig_rds_said said = { .message = NULL };
    mig_rds_body_sql(c, &c->body, sql, sizeof sql - 1, c->tx, true);
    mig_buf_char(&c->body, '}');
    mig_rds_call(c, c->aws, "/Execute", &c->body, MIG_RDS_ANSWER_MS, &r);
    enum mig_rds_end end = r.end;
    if (end == MIG_RDS_SQL && r.message)
        mig_rds_said_read(r.message, &said);
    if (end == MIG_RDS_SQL && strcmp(said.sqlstate, "25P02") != 0)
        end = MIG_RDS_LOST;
    mig_rds_reply_free(&r);
    return end;
}

static int misses_of(enum mig_rds_end end, int before)
{
    return end == MIG_RDS_BUSY_TX || end == MIG_RDS_TIMEOUT ? 0 : before + 1;
}

static void await_tx(struct mig_rds *c, struct mig_rds_reply *reply)
{
    enum mig_rds_end end = MIG_RDS_BUSY_TX;
    int64_t pause = FIRST_PAUSE_MS;
    int misses = 0;
    while (misses < MOST_MISSES) {
        if (!mig_rds_pause(c, pause)) {
            turn_into(reply, MIG_RDS_STOPPED, NULL);
            return;
        }
        end = ask_tx(c);
        if (end == MIG_RDS_DONE || end == MIG_RDS_SQL || end == MIG_RDS_NO_TX)
            break;
        misses = misses_of(end, misses);
        pause = pause * 2 < LAST_PAUSE_MS ? pause * 2 : LAST_PAUSE_MS;
    }
    if (end == MIG_RDS_SQL && c->stop)
        turn_into(reply, end, "ERROR: canceling statement due to user request; SQLState: 57014");
    else if (end == MIG_RDS_SQL)
        turn_into(reply, end, "the statement failed after more than 45 s, and the Data API does not tell why");
    else
        turn_into(reply, end == MIG_RDS_DONE || end == MIG_RDS_NO_TX ? end : MIG_RDS_LOST, NULL);
}

static void await_session(struct mig_rds *c, struct mig_rds_reply *reply)
{
    int64_t pause = FIRST_PAUSE_MS;
    int misses = 0;
    for (;;) {
        if (!mig_rds_pause(c, pause)) {
            turn_into(reply, MIG_RDS_STOPPED, NULL);
            return;
        }
        int runs = mig_rds_runs(c, c->aws, c->token);
        misses = runs < 0 ? misses + 1 : 0;
        if (runs == 0 || misses == MOST_MISSES)
            break;
        pause = pause * 2 < LAST_PAUSE_MS ? pause * 2 : LAST_PAUSE_MS;
    }
    turn_into(reply, MIG_RDS_LOST, "the statement took longer than the 45 s of a call and has ended since: "
                                   "what it did is looked at");
}

void mig_rds_await(struct mig_rds *c, struct mig_rds_reply *reply)
{
    if (c->tx && mig_rds_postgres(c))
        await_tx(c, reply);
    else
        await_session(c, reply);
}
