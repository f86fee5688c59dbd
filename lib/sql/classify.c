/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/classify.h"

#include <string.h>

#include "sql/classifier.h"
#include "util/text.h"

/* ------------------------------------------------------------------ facts */

void mig_facts_verb(struct mig_sql_facts *f, const char *verb)
{
    mig_facts_verb2(f, verb, NULL);
}

void mig_facts_verb2(struct mig_sql_facts *f, const char *verb, const char *kind)
{
    const char *parts[] = { verb, kind != NULL ? " " : "", kind != NULL ? kind : "" };
    size_t n = 0;

    for (size_t i = 0; i < MIG_COUNT(parts); i++) {
        for (const char *p = parts[i]; *p != '\0' && n + 1 < sizeof f->verb; p++) {
            f->verb[n++] = *p;
        }
    }
    f->verb[n] = '\0';
}

void mig_facts_destroys(struct mig_sql_facts *f, const char *how)
{
    if ((f->flags & MIG_SQL_DESTRUCTIVE) == 0) {
        f->flags |= MIG_SQL_DESTRUCTIVE;
        f->note = how;
    }
}

void mig_facts_doubt(struct mig_sql_facts *f, enum mig_sql_settle settle, const char *why)
{
    f->settle = settle;
    f->doubt = why;
}

void mig_facts_alone(struct mig_sql_facts *f, enum mig_sql_settle settle, const char *why)
{
    f->flags |= MIG_SQL_ALONE;
    f->settle = settle;
    if (f->note == NULL) {
        f->note = why;
    }
}

/* The statement's first keywords, for those that no table names. */
static void default_verb(struct mig_classifier *k)
{
    size_t n = 0;

    if (k->c.tok.kind != MIG_TOKEN_WORD) {
        return;
    }
    for (; n < k->c.tok.len && n + 1 < sizeof k->f->verb; n++) {
        char ch = k->c.tok.text[n];
        k->f->verb[n] = ch >= 'a' && ch <= 'z' ? (char)(ch - 32) : ch;
    }
    k->f->verb[n] = '\0';
}

/* ------------------------------------------------------------------ shared grammar */

bool mig_classify_verbs(struct mig_classifier *k, const struct mig_verb *verbs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (mig_cur_take(&k->c, verbs[i].words)) {
            mig_facts_verb(k->f, verbs[i].words);
            verbs[i].read(k);
            return true;
        }
    }
    return false;
}

struct mig_sql_object *mig_take_object(struct mig_classifier *k, uint32_t kind)
{
    struct mig_sql_object *o;

    if (k->f->n_objects == MIG_SQL_OBJECTS_MAX) {
        char schema[MIG_SQL_NAME_MAX];
        char name[MIG_SQL_NAME_MAX];
        mig_cur_name(&k->c, schema, name, sizeof name);
        k->f->more_objects = true;
        return NULL;
    }
    o = &k->f->objects[k->f->n_objects];
    if (!mig_cur_name(&k->c, o->schema, o->name, sizeof o->name)) {
        k->f->more_objects = true;
        k->unread = true;
        return NULL;
    }
    o->kind = kind;
    k->f->n_objects++;
    return o;
}

void mig_take_objects(struct mig_classifier *k, uint32_t kind)
{
    do {
        mig_take_object(k, kind);
        while (!mig_cur_end(&k->c) && !mig_cur_at_punct(&k->c, ',') &&
               !mig_cur_at_any(&k->c, "CASCADE RESTRICT ON")) {
            mig_cur_skip(&k->c);
        }
    } while (mig_cur_take_punct(&k->c, ','));
}

bool mig_take_if(struct mig_classifier *k)
{
    if (mig_cur_take(&k->c, "IF NOT EXISTS") || mig_cur_take(&k->c, "IF EXISTS")) {
        k->f->flags |= MIG_SQL_IF_EXISTS;
        return true;
    }
    return false;
}

const struct mig_kind *mig_take_kind(struct mig_classifier *k, const struct mig_kind *kinds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (mig_cur_take(&k->c, kinds[i].words)) {
            return &kinds[i];
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------ transactions */

static void tx_begin(struct mig_classifier *k)
{
    k->f->tx = MIG_SQL_TX_BEGIN;
}

static void tx_commit(struct mig_classifier *k)
{
    k->f->tx = mig_cur_at(&k->c, "PREPARED") ? MIG_SQL_TX_PREPARE : MIG_SQL_TX_COMMIT;
}

static void tx_rollback(struct mig_classifier *k)
{
    mig_cur_take_any(&k->c, "WORK TRANSACTION");
    k->f->tx = mig_cur_at(&k->c, "TO")         ? MIG_SQL_TX_SAVEPOINT
               : mig_cur_at(&k->c, "PREPARED") ? MIG_SQL_TX_PREPARE
                                               : MIG_SQL_TX_ROLLBACK;
}

static void tx_savepoint(struct mig_classifier *k)
{
    k->f->tx = MIG_SQL_TX_SAVEPOINT;
}

static void tx_prepare(struct mig_classifier *k)
{
    k->f->tx = MIG_SQL_TX_PREPARE;
}

bool mig_classify_tx(struct mig_classifier *k)
{
    static const struct mig_verb common[] = {
        { "START TRANSACTION", tx_begin }, { "COMMIT", tx_commit },     { "ROLLBACK", tx_rollback },
        { "SAVEPOINT", tx_savepoint },     { "RELEASE", tx_savepoint },
    };
    static const struct mig_verb not_mysql[] = {
        { "BEGIN", tx_begin },
        { "END", tx_commit },
        { "ABORT", tx_rollback },
        { "PREPARE TRANSACTION", tx_prepare },
    };

    if (mig_classify_verbs(k, common, MIG_COUNT(common))) {
        return true;
    }
    return k->di->dialect != MIGRATE_DIALECT_MYSQL && mig_classify_verbs(k, not_mysql, MIG_COUNT(not_mysql));
}

/* ------------------------------------------------------------------ queries and DML */

/* Functions and keywords that may stand before '(' in a statement that only reads. Whatever else is called
 * may write: a query of a function of the user's own is how many extensions are set up. */
static const char READING[] =
    "SELECT FROM WHERE AND OR NOT IN EXISTS ANY ALL SOME AS ON USING OVER PARTITION BY UNION EXCEPT "
    "INTERSECT "
    "DISTINCT VALUES ROW CASE WHEN THEN ELSE HAVING JOIN LATERAL FILTER WITHIN BETWEEN LIKE IS MATERIALIZED "
    "COUNT SUM MIN MAX AVG COALESCE NULLIF GREATEST LEAST CAST CONVERT EXTRACT LOWER UPPER LENGTH "
    "CHAR_LENGTH "
    "OCTET_LENGTH CONCAT CONCAT_WS SUBSTRING SUBSTR TRIM LTRIM RTRIM REPLACE POSITION LEFT RIGHT LPAD RPAD "
    "ABS ROUND FLOOR CEIL CEILING MOD POWER SQRT NOW CURRENT_TIMESTAMP CURRENT_DATE DATE TIME TIMESTAMP "
    "VERSION "
    "CURRENT_SETTING IF IFNULL ISNULL HEX UNHEX CHAR ARRAY TO_CHAR TO_REGCLASS DATABASE SCHEMA USER "
    "CURRENT_USER "
    "ROW_NUMBER RANK DENSE_RANK GROUP_CONCAT STRING_AGG ARRAY_AGG TYPEOF INSTR VARCHAR NUMERIC DECIMAL";

/* A statement longer than this many tokens is not looked through to the end for what it calls. */
#define QUERY_TOKENS 2000

/* May this WORD be called without changing anything? */
static bool reads_only(const struct mig_cursor *c, bool *pg_catalog)
{
    bool ours = *pg_catalog;
    struct mig_cursor word = *c;

    *pg_catalog = mig_cur_at(c, "PG_CATALOG");
    word.tok.dotted = word.tok.dotted && !ours;
    return mig_cur_at_any(&word, READING);
}

/* INTO TEMP t, INTO @a, INTO t: a new table, variables, a file. */
static bool into(struct mig_classifier *k)
{
    struct mig_cursor c = k->c;

    if (mig_cur_sees(&c, "INTO TEMP") || mig_cur_sees(&c, "INTO TEMPORARY")) {
        k->f->flags |= MIG_SQL_SESSION | MIG_SQL_TEMPORARY;
        return true;
    }
    mig_cur_next(&c);
    if (c.tok.kind == MIG_TOKEN_VAR) {
        k->f->flags |= MIG_SQL_SESSION;
        return false;
    }
    return true;
}

/* set_config() changes the session, wherever it is called. */
static bool sets_config(struct mig_classifier *k)
{
    const struct mig_token *t = &k->c.tok;

    if (t->len != 10 || !mig_ieqn(t->text, t->len, "set_config")) {
        return false;
    }
    k->f->flags |= MIG_SQL_SESSION | MIG_SQL_SETS_LEX;
    return true;
}

/* At a word: does it mean that the query writes? */
static bool writes(struct mig_classifier *k)
{
    return mig_cur_at(&k->c, "INTO") ? into(k) : mig_cur_at_any(&k->c, "INSERT MERGE");
}

/* MySQL: @a := 1 */
static void variable(struct mig_classifier *k)
{
    struct mig_cursor c = k->c;

    mig_cur_next(&c);
    if (mig_cur_at_punct(&c, ':')) {
        k->f->flags |= MIG_SQL_SESSION;
    }
}

/* Is there a WHERE at the depth of the cursor, before that depth is left? */
static bool has_where(struct mig_classifier *k)
{
    uint32_t depth = k->c.tok.depth;

    while (!mig_cur_end(&k->c) && k->c.tok.depth >= depth) {
        if (k->c.tok.depth == depth && mig_cur_at(&k->c, "WHERE")) {
            return true;
        }
        mig_cur_next(&k->c);
    }
    return false;
}

void mig_classify_update(struct mig_classifier *k)
{
    if (!has_where(k)) {
        mig_facts_destroys(k->f, "UPDATE without WHERE changes every row");
    }
}

void mig_classify_delete(struct mig_classifier *k)
{
    if (!has_where(k)) {
        mig_facts_destroys(k->f, "DELETE without WHERE removes every row");
    }
}

/* A query may be looked through for this many UPDATE and DELETE inside of WITH. */
#define QUERY_DML 16

/* At UPDATE or DELETE right behind a parenthesis: a part of WITH, or what WITH leads to. */
static void query_dml(struct mig_classifier *k, unsigned *budget)
{
    struct mig_cursor here = k->c;
    bool is_update = mig_cur_at(&k->c, "UPDATE");

    mig_cur_next(&k->c);
    if (*budget > 0 && (is_update ? k->c.tok.kind != MIG_TOKEN_PUNCT : mig_cur_at(&k->c, "FROM"))) {
        (*budget)--;
        (is_update ? mig_classify_update : mig_classify_delete)(k);
    }
    k->c = here;
}

void mig_classify_query(struct mig_classifier *k)
{
    bool reads = true;
    bool catalog = false;
    bool paren = false;
    unsigned budget = QUERY_DML;

    for (unsigned tokens = 0; !mig_cur_end(&k->c) && tokens < QUERY_TOKENS; tokens++) {
        bool known = true;

        if (k->c.tok.kind == MIG_TOKEN_VAR) {
            variable(k);
        } else if (paren && mig_cur_at_any(&k->c, "UPDATE DELETE")) {
            query_dml(k, &budget);
            reads = false;
        } else if (k->c.tok.kind == MIG_TOKEN_WORD || k->c.tok.kind == MIG_TOKEN_QUOTED) {
            reads = !writes(k) && reads;
            known = reads_only(&k->c, &catalog) || sets_config(k);
        }
        paren = mig_cur_at_punct(&k->c, '(') || mig_cur_at_punct(&k->c, ')');
        mig_cur_next(&k->c);
        reads = reads && (known || !mig_cur_at_punct(&k->c, '('));
    }
    if (!reads || !mig_cur_end(&k->c)) {
        return;
    }
    if ((k->f->flags & MIG_SQL_SESSION) != 0) {
        k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
    } else {
        k->f->flags |= MIG_SQL_READ_ONLY;
    }
}

/* What is decided by looking at objects needs all of them named. */
static void check_objects(struct mig_sql_facts *f)
{
    bool looks = f->settle == MIG_SQL_SETTLE_CHANGING || f->settle == MIG_SQL_SETTLE_NEUTRAL ||
                 f->settle == MIG_SQL_SETTLE_PROBE;

    if (looks && (f->n_objects == 0 || f->more_objects)) {
        mig_facts_doubt(f, MIG_SQL_SETTLE_DOUBT, "the names in it could not all be read");
    }
}

void mig_sql_classify(const struct mig_sql_dialect_info *di, const char *text, size_t len,
                      struct mig_sql_facts *out)
{
    struct mig_classifier k;

    memset(out, 0, sizeof *out);
    k = (struct mig_classifier){ .f = out, .di = di };
    mig_cur_init(&k.c, di, text, len);
    default_verb(&k);
    switch (di->dialect) {
    case MIGRATE_DIALECT_POSTGRES:
        mig_classify_postgres(&k);
        break;
    case MIGRATE_DIALECT_MYSQL:
        mig_classify_mysql(&k);
        break;
    case MIGRATE_DIALECT_SQLITE:
        mig_classify_sqlite(&k);
        break;
    default:
        mig_classify_other(&k);
    }
    check_objects(out);
    if (out->note == NULL) {
        out->note = out->doubt;
    }
}
