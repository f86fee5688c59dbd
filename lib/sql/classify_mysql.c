/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/classifier.h"

/* MySQL and MariaDB. What commits by itself is told here as a hint; the session's in-transaction bit has the
 * last word. */

static void my_plain(struct mig_classifier *k)
{
    (void)k;
}

static void my_reads(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_READ_ONLY;
}

/* A new session has to have it again. */
static void my_session(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_SESSION;
    k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
}

static void my_begin(struct mig_classifier *k)
{
    k->f->tx = MIG_SQL_TX_BEGIN;
    k->f->flags |= MIG_SQL_IMPLICIT_COMMIT;
}

static void my_xa(struct mig_classifier *k)
{
    k->f->tx = MIG_SQL_TX_PREPARE;
    k->f->flags |= MIG_SQL_PACKET_END;
    mig_facts_doubt(k->f, MIG_SQL_SETTLE_DOUBT, "an XA transaction is outside of the migration's own");
}

static void repeatable(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_IMPLICIT_COMMIT;
    k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
}

/* These commit on Oracle's servers only. */
static void administers(struct mig_classifier *k)
{
    k->f->flags |= k->di->mariadb ? 0 : MIG_SQL_IMPLICIT_COMMIT;
    k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
}

static void no_trace(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_IMPLICIT_COMMIT;
    mig_facts_doubt(k->f, MIG_SQL_SETTLE_DOUBT, "nothing the server shows tells whether it was done");
}

static void my_maintain(struct mig_classifier *k)
{
    bool on_table;

    mig_cur_take_any(&k->c, "NO_WRITE_TO_BINLOG LOCAL");
    on_table = mig_cur_take_any(&k->c, "TABLE TABLES");
    if (!on_table) {
        /* MariaDB's ANALYZE of a statement runs it; CHECK VIEW, REPAIR VIEW. */
        k->f->flags |= mig_cur_at(&k->c, "VIEW") ? MIG_SQL_IMPLICIT_COMMIT : 0;
        return;
    }
    repeatable(k);
    mig_take_objects(k, MIGRATE_OBJECT_TABLE);
}

static void my_grant(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_DDL | MIG_SQL_IMPLICIT_COMMIT;
    mig_facts_doubt(k->f, MIG_SQL_SETTLE_DOUBT,
                    "accounts and rights have no definition that could be compared");
}

static void runs_unknown(struct mig_classifier *k, const char *why)
{
    k->f->flags |= MIG_SQL_PACKET_END | MIG_SQL_MAY_COMMIT;
    mig_facts_doubt(k->f, MIG_SQL_SETTLE_DOUBT, why);
}

static void my_call(struct mig_classifier *k)
{
    runs_unknown(k, "what a procedure does is not seen from outside, and it may commit half-way");
}

static void my_compound(struct mig_classifier *k)
{
    runs_unknown(k, "a compound statement may commit half-way");
}

static void my_execute(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_SESSION;
    runs_unknown(k, "what a prepared statement does is not seen from its name");
}

static void my_load(struct mig_classifier *k)
{
    if (mig_cur_take(&k->c, "INDEX")) {
        administers(k);
    } else {
        k->f->flags |= MIG_SQL_PACKET_END;
    }
}

static void my_use(struct mig_classifier *k)
{
    my_session(k);
    k->f->flags |= MIG_SQL_PACKET_END;
}

/* FLUSH TABLES … WITH READ LOCK and FOR EXPORT lock our own tables too. */
static void my_flush(struct mig_classifier *k)
{
    repeatable(k);
    while (!mig_cur_end(&k->c)) {
        if (mig_cur_sees(&k->c, "WITH READ LOCK") || mig_cur_sees(&k->c, "FOR EXPORT")) {
            k->f->flags |= MIG_SQL_LOCK_TABLES | MIG_SQL_FREEZES | MIG_SQL_SESSION | MIG_SQL_PACKET_END;
        }
        mig_cur_next(&k->c);
    }
}

static void my_lock(struct mig_classifier *k)
{
    my_session(k); /* LOCK INSTANCE FOR BACKUP, LOCK TABLES */
    if (mig_cur_take_any(&k->c, "TABLES TABLE")) {
        mig_facts_verb(k->f, "LOCK TABLES");
        k->f->flags |= MIG_SQL_LOCK_TABLES | MIG_SQL_PACKET_END | MIG_SQL_IMPLICIT_COMMIT;
    }
}

static void my_unlock(struct mig_classifier *k)
{
    my_session(k);
    if (mig_cur_take_any(&k->c, "TABLES TABLE")) {
        mig_facts_verb(k->f, "UNLOCK TABLES");
        k->f->flags |= MIG_SQL_UNLOCK_TABLES | MIG_SQL_PACKET_END | MIG_SQL_IMPLICIT_COMMIT;
    }
}

/* MariaDB's BACKUP STAGE, BACKUP LOCK */
static void my_backup(struct mig_classifier *k)
{
    my_session(k);
    k->f->flags |= MIG_SQL_IMPLICIT_COMMIT;
}

static void my_install(struct mig_classifier *k)
{
    no_trace(k);
    mig_cur_next(&k->c);
    if (mig_take_if(k)) {
        repeatable(k);
        k->f->doubt = NULL;
    }
}

static void my_explain(struct mig_classifier *k)
{
    if (!mig_cur_at(&k->c, "ANALYZE")) {
        k->f->flags |= MIG_SQL_READ_ONLY;
    }
}

static void my_purge(struct mig_classifier *k)
{
    k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
}

static void my_binlog(struct mig_classifier *k)
{
    no_trace(k);
    k->f->flags &= ~(uint32_t)MIG_SQL_IMPLICIT_COMMIT;
}

/* Statements of an administrator of replication and of the server. */
static bool administration(struct mig_classifier *k)
{
    static const struct mig_verb verbs[] = {
        { "START", administers },  { "STOP", administers },   { "RESET", repeatable },
        { "CHANGE", administers }, { "PURGE", my_purge },     { "CACHE INDEX", administers },
        { "KILL", my_plain },      { "SHUTDOWN", no_trace },  { "RESTART", no_trace },
        { "CLONE", no_trace },     { "BINLOG", my_binlog },   { "IMPORT TABLE", no_trace },
        { "BACKUP", my_backup },   { "INSTALL", my_install }, { "UNINSTALL", my_install },
    };

    return mig_classify_verbs(k, verbs, MIG_COUNT(verbs));
}

static bool compound(struct mig_classifier *k)
{
    static const struct mig_verb verbs[] = {
        { "BEGIN NOT ATOMIC", my_compound },
        { "BEGIN", my_begin },
        { "IF", my_compound },
        { "CASE", my_compound },
        { "LOOP", my_compound },
        { "WHILE", my_compound },
        { "REPEAT", my_compound },
        { "FOR", my_compound },
        { "DECLARE", my_compound },
    };

    return mig_classify_verbs(k, verbs, MIG_COUNT(verbs));
}

void mig_classify_mysql(struct mig_classifier *k)
{
    static const struct mig_verb verbs[] = {
        { "INSERT", my_plain },
        { "REPLACE", my_plain },
        { "UPDATE", mig_classify_update },
        { "DELETE", mig_classify_delete },
        { "CREATE", mig_mysql_create },
        { "ALTER", mig_mysql_alter },
        { "DROP", mig_mysql_drop },
        { "SET", mig_mysql_set },
        { "RENAME", mig_mysql_rename },
        { "TRUNCATE", mig_mysql_truncate },
        { "LOCK", my_lock },
        { "UNLOCK", my_unlock },
        { "PREPARE", my_session },
        { "EXECUTE", my_execute },
        { "DEALLOCATE", my_session },
        { "CALL", my_call },
        { "USE", my_use },
        { "SHOW", my_reads },
        { "EXPLAIN", my_explain },
        { "DESCRIBE", my_explain },
        { "DESC", my_explain },
        { "HELP", my_reads },
        { "CHECKSUM", my_reads },
        { "ANALYZE", my_maintain },
        { "OPTIMIZE", my_maintain },
        { "CHECK", my_maintain },
        { "REPAIR", my_maintain },
        { "GRANT", my_grant },
        { "REVOKE", my_grant },
        { "FLUSH", my_flush },
        { "LOAD", my_load },
        { "XA", my_xa },
        { "DO", mig_classify_query },
        { "HANDLER", my_session },
    };

    if (mig_classify_tx(k)) {
        k->f->flags |= k->f->tx == MIG_SQL_TX_BEGIN ? MIG_SQL_IMPLICIT_COMMIT : 0;
    } else if (mig_cur_at_any(&k->c, "SELECT WITH VALUES TABLE") || mig_cur_at_punct(&k->c, '(')) {
        mig_classify_query(k);
    } else if (!mig_classify_verbs(k, verbs, MIG_COUNT(verbs)) && !compound(k)) {
        administration(k);
    }
}
