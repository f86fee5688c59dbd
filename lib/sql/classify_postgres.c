/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/classifier.h"
#include "util/text.h"

/* PostgreSQL: everything but CREATE, DROP, ALTER. */

/* A parenthesised option list, "(VERBOSE, CONCURRENTLY off)": taken; is @p name on in it? */
static bool take_options(struct mig_classifier *k, const char *name)
{
    bool on = false;

    if (!mig_cur_take_punct(&k->c, '(')) {
        return false;
    }
    while (!mig_cur_end(&k->c) && !mig_cur_at_punct(&k->c, ')')) {
        if (mig_cur_take(&k->c, name)) {
            mig_cur_take_punct(&k->c, '=');
            on = !mig_cur_at_any(&k->c, "FALSE OFF") && !(k->c.tok.len == 1 && *k->c.tok.text == '0');
        } else {
            mig_cur_skip(&k->c);
        }
    }
    mig_cur_take_punct(&k->c, ')');
    return on;
}

void mig_postgres_concurrently(struct mig_classifier *k, enum mig_sql_settle settle, const char *why)
{
    k->f->flags |= MIG_SQL_CONCURRENTLY | MIG_SQL_NO_LOCK_TIMEOUT;
    mig_facts_alone(k->f, settle, why);
}

/* ------------------------------------------------------------------ maintenance */

static void pg_vacuum(struct mig_classifier *k)
{
    mig_facts_alone(k->f, MIG_SQL_SETTLE_REPEATABLE, "VACUUM refuses a transaction");
}

/* CLUSTER and REPACK of one table may be in a transaction, of all tables not. */
static void cluster(struct mig_classifier *k)
{
    bool conc = take_options(k, "CONCURRENTLY");

    mig_cur_take(&k->c, "VERBOSE");
    if (conc) {
        mig_postgres_concurrently(k, MIG_SQL_SETTLE_REPEATABLE, "with CONCURRENTLY it refuses a transaction");
    } else if (mig_cur_end(&k->c)) {
        mig_facts_alone(k->f, MIG_SQL_SETTLE_REPEATABLE, "without a table it refuses a transaction");
    }
}

static void pg_reindex(struct mig_classifier *k)
{
    bool conc = take_options(k, "CONCURRENTLY");
    bool index = mig_cur_at(&k->c, "INDEX");
    bool table = mig_cur_at(&k->c, "TABLE");

    k->f->flags |= MIG_SQL_DDL;
    mig_cur_next(&k->c);
    conc = mig_cur_take(&k->c, "CONCURRENTLY") || conc;
    if (index || table) {
        mig_take_object(k, index ? MIGRATE_OBJECT_INDEX : MIGRATE_OBJECT_TABLE);
    }
    if (conc) {
        mig_postgres_concurrently(
            k, MIG_SQL_SETTLE_REPEATABLE,
            "REINDEX CONCURRENTLY refuses a transaction; broken off it leaves an invalid index …_ccnew");
    } else if (!index && !table) {
        mig_facts_alone(k->f, MIG_SQL_SETTLE_REPEATABLE,
                        "REINDEX of a whole schema or database refuses a transaction");
    }
}

static void pg_truncate(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_DDL;
    mig_cur_take(&k->c, "TABLE");
    mig_cur_take(&k->c, "ONLY");
    mig_facts_destroys(k->f, "TRUNCATE removes every row");
    mig_take_objects(k, MIGRATE_OBJECT_TABLE);
}

static void pg_ddl(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_DDL;
}

static void pg_may_commit(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_MAY_COMMIT;
}

/* COPY t FROM STDIN, COPY (query) TO … */
static void pg_copy(struct mig_classifier *k)
{
    while (!mig_cur_end(&k->c)) {
        if (mig_cur_sees(&k->c, "FROM STDIN")) {
            k->f->flags |= MIG_SQL_COPY_STDIN;
            return;
        }
        if (mig_cur_at(&k->c, "TO")) {
            return;
        }
        mig_cur_skip(&k->c);
    }
}

/* ------------------------------------------------------------------ the session */

static bool lexical(const struct mig_cursor *c)
{
    return mig_cur_at_any(c, "STANDARD_CONFORMING_STRINGS CLIENT_ENCODING NAMES ALL");
}

/* Nothing of it outlives the session, nothing in the database changes. */
static void pg_session(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_SESSION;
    k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
}

static void pg_set(struct mig_classifier *k)
{
    bool local = mig_cur_take(&k->c, "LOCAL");

    if (!local && mig_cur_sees(&k->c, "SESSION CHARACTERISTICS")) {
        pg_session(k);
        return;
    }
    if (!local && !mig_cur_sees(&k->c, "SESSION AUTHORIZATION")) {
        mig_cur_take(&k->c, "SESSION");
    }
    if (mig_cur_at_any(&k->c,
                       "TRANSACTION TRANSACTION_ISOLATION TRANSACTION_READ_ONLY TRANSACTION_DEFERRABLE")) {
        k->f->tx = MIG_SQL_TX_SET_TRANSACTION;
        return;
    }
    if (mig_cur_at(&k->c, "CONSTRAINTS")) {
        return;
    }
    if (lexical(&k->c)) {
        k->f->flags |= MIG_SQL_SETS_LEX;
    }
    if (!local) {
        pg_session(k);
    }
}

static void pg_reset(struct mig_classifier *k)
{
    pg_session(k);
    if (lexical(&k->c)) {
        k->f->flags |= MIG_SQL_SETS_LEX;
    }
}

static void pg_discard(struct mig_classifier *k)
{
    pg_session(k);
    if (mig_cur_at(&k->c, "ALL")) {
        k->f->flags |= MIG_SQL_SETS_LEX;
        mig_facts_alone(k->f, MIG_SQL_SETTLE_REPEATABLE, "DISCARD ALL refuses a transaction");
    }
}

static void pg_reads(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_READ_ONLY;
}

static void pg_explain(struct mig_classifier *k)
{
    bool runs = take_options(k, "ANALYZE");

    if (!mig_cur_at_any(&k->c, "ANALYZE ANALYSE") && !runs) {
        k->f->flags |= MIG_SQL_READ_ONLY;
    }
}

static void pg_insert(struct mig_classifier *k)
{
    (void)k;
}

void mig_classify_postgres(struct mig_classifier *k)
{
    static const struct mig_verb verbs[] = {
        { "INSERT", pg_insert },
        { "CREATE", mig_postgres_create },
        { "ALTER", mig_postgres_alter },
        { "DROP", mig_postgres_drop },
        { "UPDATE", mig_classify_update },
        { "DELETE", mig_classify_delete },
        { "SET", pg_set },
        { "COMMENT", pg_ddl },
        { "GRANT", pg_ddl },
        { "REVOKE", pg_ddl },
        { "COPY", pg_copy },
        { "DO", pg_may_commit },
        { "CALL", pg_may_commit },
        { "TRUNCATE", pg_truncate },
        { "VACUUM", pg_vacuum },
        { "REINDEX", pg_reindex },
        { "CLUSTER", cluster },
        { "REPACK", cluster },
        { "REFRESH MATERIALIZED VIEW", pg_ddl },
        { "RESET", pg_reset },
        { "DISCARD", pg_discard },
        { "LISTEN", pg_session },
        { "UNLISTEN", pg_session },
        { "PREPARE", pg_session },
        { "DEALLOCATE", pg_session },
        { "LOAD", pg_session },
        { "SHOW", pg_reads },
        { "EXPLAIN", pg_explain },
        { "SECURITY LABEL", pg_ddl },
        { "IMPORT FOREIGN SCHEMA", pg_ddl },
        { "REASSIGN OWNED", pg_ddl },
    };

    if (mig_classify_tx(k)) {
        if (k->f->tx == MIG_SQL_TX_PREPARE && !mig_ieq(k->f->verb, "PREPARE TRANSACTION")) {
            mig_facts_alone(k->f, MIG_SQL_SETTLE_DOUBT, "COMMIT and ROLLBACK PREPARED refuse a transaction");
        }
        return;
    }
    if (mig_cur_at_any(&k->c, "SELECT WITH VALUES TABLE") || mig_cur_at_punct(&k->c, '(')) {
        mig_classify_query(k);
    } else {
        mig_classify_verbs(k, verbs, MIG_COUNT(verbs));
    }
}
