/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sql/classifier.h"
#include "util/text.h"

/* MySQL and MariaDB: SET, as far as it matters who is changed by it: the session, the server, how text is
 * read, whether statements commit. */

/* A character set in which 0x5c may be a second byte changes how text is cut. */
static bool safe_charset(const struct mig_token *tok)
{
    static const char *const safe[] = { "utf8",   "utf8mb3", "utf8mb4", "latin1",
                                        "latin2", "ascii",   "binary",  "default" };
    char name[MIG_SQL_NAME_MAX];

    if (!mig_token_name(tok, MIGRATE_DIALECT_MYSQL, name, sizeof name)) {
        return false;
    }
    for (size_t i = 0; i < MIG_COUNT(safe); i++) {
        if (mig_ieq(name, safe[i])) {
            return true;
        }
    }
    return false;
}

/* A new session has to have it again. */
static void session(struct mig_classifier *k)
{
    k->f->flags |= MIG_SQL_SESSION;
    k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
}

static void set_charset(struct mig_classifier *k)
{
    session(k);
    if (!safe_charset(&k->c.tok)) {
        k->f->flags |= MIG_SQL_SETS_LEX | MIG_SQL_PACKET_END;
    }
}

/* At the name of a variable of the session. */
static void session_variable(struct mig_classifier *k, const char *name)
{
    session(k);
    if (mig_ieq(name, "sql_mode")) {
        k->f->flags |= MIG_SQL_SETS_LEX | MIG_SQL_PACKET_END;
    } else if (mig_ieq(name, "character_set_client")) {
        struct mig_cursor c = k->c;
        mig_cur_take_punct(&c, ':');
        mig_cur_take_punct(&c, '=');
        if (!safe_charset(&c.tok)) {
            k->f->flags |= MIG_SQL_SETS_LEX | MIG_SQL_PACKET_END;
        }
    } else if (mig_ieq(name, "autocommit")) {
        k->f->flags |= MIG_SQL_PACKET_END | MIG_SQL_IMPLICIT_COMMIT;
    }
}

static void global_variable(struct mig_classifier *k)
{
    k->f->settle = MIG_SQL_SETTLE_REPEATABLE;
}

static bool begins(const char *name, const char *prefix)
{
    size_t n = strlen(prefix);

    return strlen(name) >= n && mig_ieqn(name, n, prefix);
}

/* @@global.x, @@session.x, @@x; @x is the user's own. */
static void at_variable(struct mig_classifier *k)
{
    char name[MIG_SQL_NAME_MAX];
    struct mig_token t = k->c.tok;
    size_t at = t.len > 1 && t.text[1] == '@' ? 2 : 1;

    mig_cur_next(&k->c);
    t.kind = MIG_TOKEN_WORD;
    t.text += at;
    t.len -= at;
    if (at == 1 || !mig_token_name(&t, MIGRATE_DIALECT_MYSQL, name, sizeof name)) {
        session(k);
    } else if (begins(name, "global.") || begins(name, "persist.") || begins(name, "persist_only.")) {
        global_variable(k);
    } else {
        const char *dot = NULL;
        for (const char *p = name; *p != '\0'; p++) {
            dot = *p == '.' ? p : dot;
        }
        session_variable(k, dot != NULL ? dot + 1 : name);
    }
}

static void set_transaction(struct mig_classifier *k, bool global, bool of_session)
{
    if (global) {
        global_variable(k);
    } else if (of_session) {
        session(k);
    } else {
        k->f->tx = MIG_SQL_TX_SET_TRANSACTION;
    }
}

/* PASSWORD, ROLE and DEFAULT ROLE are no variables; true when it was one of them. */
static bool set_account(struct mig_classifier *k)
{
    if (mig_cur_sees(&k->c, "DEFAULT ROLE") || mig_cur_at(&k->c, "PASSWORD")) {
        k->f->flags |= MIG_SQL_DDL | MIG_SQL_IMPLICIT_COMMIT;
        mig_facts_doubt(k->f, MIG_SQL_SETTLE_DOUBT,
                        "accounts and rights have no definition that could be compared");
        return true;
    }
    if (mig_cur_at_any(&k->c, "ROLE RESOURCE")) {
        session(k);
        return true;
    }
    return false;
}

static void assignment(struct mig_classifier *k)
{
    char schema[MIG_SQL_NAME_MAX];
    char name[MIG_SQL_NAME_MAX];
    bool global = mig_cur_take_any(&k->c, "GLOBAL PERSIST PERSIST_ONLY");
    bool of_session = !global && mig_cur_take_any(&k->c, "SESSION LOCAL");

    if (mig_cur_at(&k->c, "TRANSACTION")) {
        set_transaction(k, global, of_session);
    } else if (mig_cur_take(&k->c, "NAMES") || mig_cur_take(&k->c, "CHARACTER SET") ||
               mig_cur_take(&k->c, "CHARSET")) {
        set_charset(k);
    } else if (k->c.tok.kind == MIG_TOKEN_VAR) {
        at_variable(k);
    } else if (global) {
        global_variable(k);
    } else if (mig_cur_name(&k->c, schema, name, sizeof name)) {
        session_variable(k, name);
    }
}

/* MariaDB: SET STATEMENT a = 1, b = 2 FOR statement */
static void set_statement(struct mig_classifier *k)
{
    const char *end = k->c.ts.end;

    if (!mig_cur_find(&k->c, "FOR", 0)) {
        return;
    }
    mig_cur_next(&k->c);
    if (k->c.tok.text < end && !mig_cur_sees(&k->c, "SET STATEMENT")) {
        mig_classify_mysql(k);
    }
}

void mig_mysql_set(struct mig_classifier *k)
{
    if (mig_cur_take(&k->c, "STATEMENT")) {
        set_statement(k);
        return;
    }
    if (set_account(k)) {
        return;
    }
    do {
        assignment(k);
    } while (mig_cur_next_clause(&k->c, 0));
}
