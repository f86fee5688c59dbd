/* SPDX-License-Identifier: Apache-2.0 */

/* One statement. */

#include <stdlib.h>
#include <string.h>

#include "drivers/mysql/conn.h"
#include "util/mem.h"

void mig_my_result(struct mig_my *c, size_t slot, migrate_result *out)
{
    const struct mig_my_answer *a = mig_my_answer_of(c, slot);
    out->outcome = a->outcome;
    out->affected = a->affected;
    out->tx = a->outcome == MIGRATE_OUTCOME_UNKNOWN ? MIGRATE_TX_UNKNOWN : c->tx;
    out->lex = c->lex;
    out->round_trips = c->trips;
    c->trips = 0;
}

/* ---- warnings ---------------------------------------------------------------------- */

static int32_t tell_warning(void *user, uint32_t n, const migrate_text *cols)
{
    const migrate_host *host = user;
    if (n >= 3 && cols[0].data && cols[1].data && cols[2].data) {
        char *text = mig_sprintf("%s (%s)", cols[2].data, cols[1].data);
        if (text)
            host->notice(host, cols[0].data, NULL, text);
        free(text);
    }
    return 0;
}

void mig_my_tell_warnings(struct mig_my *c, size_t slot)
{
    static const char sql[] = "SHOW WARNINGS LIMIT 20";
    const struct mig_my_slot *s = &mig_my_link_packet(c->link)->slots[slot];
    const migrate_host *host = c->host;
    if (s->flags & MIGRATE_STMT_BOOKKEEPING || mig_my_answer_of(c, slot)->warnings == 0 || c->lost)
        return;
    if (MIGRATE_HAS(migrate_host, host, notice) && host->notice)
        (void)mig_my_query(c, sql, sizeof sql - 1, tell_warning, (void *)(uintptr_t)host, NULL);
}

/* ---- exec ---------------------------------------------------------------------------- */

/* A read of our own: sent alone, before any setting. */
static bool only_reads(const migrate_stmt *stmt)
{
    char word[16];
    mig_my_first_word(stmt->sql, stmt->sql_len, word, sizeof word);
    return (stmt->flags & MIGRATE_STMT_BOOKKEEPING) && (strcmp(word, "SELECT") == 0 || strcmp(word, "SHOW") == 0);
}

/* What may have to be asked after a statement of the user; its own answer stands. */
static migrate_status after_users(struct mig_my *c, const migrate_stmt *stmt, migrate_result *out, size_t slot,
                                  migrate_error **err)
{
    migrate_status status = MIGRATE_OK;
    mig_my_tell_warnings(c, slot);
    if (!c->lost && mig_my_changes_lexing(stmt->sql, stmt->sql_len))
        status = mig_my_reread(c, err);
    out->lex = c->lex;
    out->round_trips += c->trips;
    c->trips = 0;
    return status;
}

static migrate_status exec(struct mig_my *c, const migrate_stmt *stmt, migrate_result *out, migrate_error **err)
{
    struct mig_my_packet *p = mig_my_packet_new(c);
    if (!(stmt->flags & MIGRATE_STMT_BOOKKEEPING))
        mig_my_note_ddl(c, stmt->sql, stmt->sql_len);
    mig_my_preamble(c, only_reads(stmt));
    if (!mig_my_packet_add(p, stmt) || p->oom) {
        mig_my_preamble_settle(c);
        return mig_my_nomem(c->host, err);
    }
    size_t slot = p->n - 1;
    (void)mig_my_run(c, NULL, NULL);
    mig_my_result(c, slot, out);
    size_t bad = mig_my_first_bad(c);
    if (bad < p->n)
        return mig_my_fail_slot(c, bad, err);
    if (mig_my_answer_of(c, slot)->rows_lost)
        return mig_my_nomem(c->host, err);
    return stmt->flags & MIGRATE_STMT_BOOKKEEPING ? MIGRATE_OK : after_users(c, stmt, out, slot, err);
}

migrate_status mig_my_exec(void *conn, const migrate_stmt *stmt, migrate_result *out, migrate_error **err)
{
    struct mig_my *c = conn;
    migrate_stmt own;
    migrate_result result = { .struct_size = sizeof result, .outcome = MIGRATE_OUTCOME_NONE, .affected = -1 };
    mig_my_take(&own, sizeof own, stmt);
    migrate_status status = mig_my_enter(c, err);
    if (!status)
        status = exec(c, &own, &result, err);
    mig_my_give(out, &result, sizeof result);
    return status;
}
