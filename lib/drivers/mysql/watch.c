/* SPDX-License-Identifier: Apache-2.0 */

/* A statement that has been silent for a while is looked at from the second connection: how far it is, who blocks it,
 * and whether it runs at all. A KILL QUERY by somebody else can end a packet without an answer; the session then
 * sleeps while we wait, for ever if nobody looked. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/mysql/conn.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/text.h"

enum { SILENT_MS = 1000, EVERY_MS = 1000, AGAIN_MS = 500 };

enum { CELL_COMMAND, CELL_STATE, CELL_DONE, CELL_TOTAL };
enum { CELL_ID, CELL_USER, CELL_HOST, CELL_SECONDS, CELL_DOING };

/* ---- questions ------------------------------------------------------------------------- */

/* Stages of equal weight, as MariaDB counts them. MySQL tells stages where that consumer is on. */
#define MARIADB_PROGRESS "CAST(GREATEST(stage-1,0)*100+progress AS UNSIGNED),max_stage*100"
#define MYSQL_STAGE(column)                                                                                        \
    "COALESCE((SELECT MAX(s." column ") FROM performance_schema.events_stages_current s JOIN "                     \
    "performance_schema.threads t ON t.thread_id=s.thread_id WHERE t.processlist_id=p.id),0)"

static bool ask_state(struct mig_my *c, uint64_t id)
{
    char sql[900];
    const char *progress = c->mariadb                       ? MARIADB_PROGRESS
                           : c->deaf & MIG_MY_DEAF_STAGES ? "0,0"
                                                          : MYSQL_STAGE("work_completed") "," MYSQL_STAGE("work_estimated");
    snprintf(sql, sizeof sql, "SELECT command,COALESCE(state,''),%s FROM information_schema.processlist p WHERE id=%llu",
             progress, (unsigned long long)id);
    return mig_my_side_ask(c, MIG_MY_SIDE_WATCH, sql);
}

#define WHO "p.id,p.user,p.host"
#define DOING "COALESCE(LEFT(p.info,120),'idle in a transaction')"
#define SINCE "TIMESTAMPDIFF(SECOND,b.trx_started,NOW())"

/* MariaDB's plug-in METADATA_LOCK_INFO knows holders and not what is waited for: that is in the statement. */
static bool ask_holder(struct mig_my *c, uint64_t id)
{
    static const char mariadb[] =
        "SELECT " WHO ",p.time," DOING " FROM information_schema.metadata_lock_info m JOIN information_schema.processlist p "
        "ON p.id=m.thread_id WHERE p.id<>%llu AND m.table_name<>'' AND LOCATE(m.table_name,(SELECT w.info FROM "
        "information_schema.processlist w WHERE w.id=%llu))>0 LIMIT 1";
    static const char mysql[] =
        "SELECT p.processlist_id,p.processlist_user,p.processlist_host,p.processlist_time,"
        "COALESCE(LEFT(p.processlist_info,120),'idle in a transaction') FROM performance_schema.metadata_locks w JOIN "
        "performance_schema.threads me ON me.thread_id=w.owner_thread_id JOIN performance_schema.metadata_locks g ON "
        "g.object_type=w.object_type AND g.object_schema<=>w.object_schema AND g.object_name<=>w.object_name AND "
        "g.lock_status='GRANTED' AND g.owner_thread_id<>w.owner_thread_id JOIN performance_schema.threads p ON "
        "p.thread_id=g.owner_thread_id WHERE w.lock_status='PENDING' AND me.processlist_id IN (%llu,%llu) LIMIT 1";
    char sql[1000];
    unsigned long long n = id;
    if (c->mariadb)
        snprintf(sql, sizeof sql, mariadb, n, n);
    else
        snprintf(sql, sizeof sql, mysql, n, n);
    return mig_my_side_ask(c, MIG_MY_SIDE_HOLDER, sql);
}

/* Who holds the row; for a metadata lock the oldest transaction is the likeliest holder. */
static bool ask_trx(struct mig_my *c, uint64_t id, bool oldest)
{
    static const char mariadb[] =
        "SELECT " WHO "," SINCE "," DOING " FROM information_schema.innodb_trx r JOIN information_schema.innodb_lock_waits w ON "
        "w.requesting_trx_id=r.trx_id JOIN information_schema.innodb_trx b ON b.trx_id=w.blocking_trx_id JOIN "
        "information_schema.processlist p ON p.id=b.trx_mysql_thread_id WHERE r.trx_mysql_thread_id=%llu LIMIT 1";
    static const char mysql[] =
        "SELECT " WHO "," SINCE "," DOING " FROM information_schema.innodb_trx r JOIN performance_schema.data_lock_waits w ON "
        "w.requesting_engine_transaction_id=r.trx_id JOIN information_schema.innodb_trx b ON "
        "b.trx_id=w.blocking_engine_transaction_id JOIN information_schema.processlist p ON p.id=b.trx_mysql_thread_id "
        "WHERE r.trx_mysql_thread_id=%llu LIMIT 1";
    static const char any[] = "SELECT " WHO "," SINCE "," DOING " FROM information_schema.innodb_trx b JOIN "
                              "information_schema.processlist p ON p.id=b.trx_mysql_thread_id WHERE p.id<>%llu ORDER BY "
                              "b.trx_started LIMIT 1";
    char sql[900];
    unsigned long long n = id;
    if (oldest)
        snprintf(sql, sizeof sql, any, n);
    else if (c->mariadb)
        snprintf(sql, sizeof sql, mariadb, n);
    else
        snprintf(sql, sizeof sql, mysql, n);
    return mig_my_side_ask(c, MIG_MY_SIDE_TRX, sql);
}

void mig_my_watch_step(struct mig_my *c, int64_t now)
{
    uint64_t id = mig_my_session_number(c);
    if (!id || now - c->last_answer < SILENT_MS || now < c->watch.next)
        return;
    if (!c->side.link)
        mig_my_side_start(c);
    if (ask_state(c, id))
        c->watch.next = now + EVERY_MS;
}

/* ---- telling ------------------------------------------------------------------------------ */

static void tell(struct mig_my *c, const char *phase, uint64_t done, uint64_t total)
{
    const migrate_host *h = c->host;
    if (MIGRATE_HAS(migrate_host, h, progress) && h->progress)
        h->progress(h, phase, done < total ? done : total, total);
}

static void tell_state(struct mig_my *c)
{
    if (c->watch.state[0])
        tell(c, c->watch.state, c->watch.done, c->watch.total);
}

static void tell_blocker(struct mig_my *c, bool likely)
{
    char *text = mig_sprintf("blocked: %ssession %s of %s@%s, since %s s: %s", likely ? "perhaps by " : "",
                             mig_my_side_cell(c, CELL_ID), mig_my_side_cell(c, CELL_USER), mig_my_side_cell(c, CELL_HOST),
                             mig_my_side_cell(c, CELL_SECONDS), mig_my_side_cell(c, CELL_DOING));
    if (text)
        tell(c, text, 0, 0);
    free(text);
}

/* ---- answers ------------------------------------------------------------------------------- */

/* Asleep twice, and not one answer in between: nothing is going to come. */
static void note_asleep(struct mig_my *c)
{
    if (c->watch.asleep_at == c->answers + 1) {
        mig_my_cancel_begin(c, 0, "the server ended the packet without an answer, as a KILL QUERY can make it do");
        return;
    }
    c->watch.asleep_at = c->answers + 1;
    c->watch.next = mig_clock_mono_ms() + AGAIN_MS;
}

static bool waits_for_metadata(const struct mig_my *c)
{
    return mig_starts(c->watch.state, "Waiting for") && mig_ends(c->watch.state, "lock");
}

static void take_state(struct mig_my *c)
{
    struct mig_my_watch *w = &c->watch;
    uint64_t id = mig_my_session_number(c);
    if (c->side.failed) {
        c->deaf |= MIG_MY_DEAF_STAGES;
        return;
    }
    if (c->side.n_cells == 0)
        return;
    if (strcmp(mig_my_side_cell(c, CELL_COMMAND), "Sleep") == 0) {
        note_asleep(c);
        return;
    }
    snprintf(w->state, sizeof w->state, "%s", mig_my_side_cell(c, CELL_STATE));
    w->done = strtoull(mig_my_side_cell(c, CELL_DONE), NULL, 10);
    w->total = strtoull(mig_my_side_cell(c, CELL_TOTAL), NULL, 10);
    if (waits_for_metadata(c) && !(c->deaf & MIG_MY_DEAF_LOCKS) && ask_holder(c, id))
        return;
    if (w->total || (c->deaf & MIG_MY_DEAF_TRX) || !ask_trx(c, id, waits_for_metadata(c)))
        tell_state(c);
}

void mig_my_watch_answer(struct mig_my *c, enum mig_my_side_query query)
{
    if (c->cancel.step)
        return;
    switch (query) {
    case MIG_MY_SIDE_WATCH:
        take_state(c);
        break;
    case MIG_MY_SIDE_HOLDER:
        if (c->side.failed)
            c->deaf |= MIG_MY_DEAF_LOCKS;
        if (c->side.n_cells)
            tell_blocker(c, false);
        else if ((c->deaf & MIG_MY_DEAF_TRX) || !ask_trx(c, mig_my_session_number(c), true))
            tell_state(c);
        break;
    case MIG_MY_SIDE_TRX:
        if (c->side.failed)
            c->deaf |= MIG_MY_DEAF_TRX;
        if (c->side.n_cells)
            tell_blocker(c, waits_for_metadata(c));
        else
            tell_state(c);
        break;
    default:
        break;
    }
}
