/* SPDX-License-Identifier: Apache-2.0 */

/* What our session needs, sent together with the first statement that needs it, so that a start with nothing to do
 * costs one query; and what the status flags of every answer say about the session. */

#include <migrate/options.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/mysql/conn.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/text.h"

/* Of the protocol; the two client libraries name them differently. */
enum {
    STATUS_IN_TRANS = 1,
    STATUS_NO_BACKSLASH = 1 << 9,
    STATUS_IN_TRANS_READONLY = 1 << 13,
    STATUS_ANSI_QUOTES = 1 << 15, /* MariaDB only */
};

enum { NO_LIMIT_S = 31536000 };

/* ---- before a packet ----------------------------------------------------------------- */

static void hide(struct mig_my_packet *p, const char *sql, size_t len)
{
    struct mig_my_slot *s = mig_my_packet_add_text(p, sql, len, MIGRATE_STMT_BOOKKEEPING);
    if (s)
        s->hidden = true;
}

static bool is_keyword(const char *role)
{
    return mig_ieq(role, "ALL") || mig_ieq(role, "NONE") || mig_ieq(role, "DEFAULT");
}

static void add_names(struct mig_my *c, struct mig_my_packet *p)
{
    static const char names[] = "SET NAMES utf8mb4";
    if (!mig_my_link_server(c->link)->names_sent || c->adopted)
        hide(p, names, sizeof names - 1);
    if (!c->role || !*c->role)
        return;
    mig_buf_reset(&c->text);
    mig_buf_str(&c->text, "SET ROLE ");
    if (is_keyword(c->role))
        mig_buf_str(&c->text, c->role);
    else
        mig_my_identifier(&c->text, c->role, strlen(c->role));
    p->oom |= c->text.oom;
    hide(p, mig_buf_text(&c->text), c->text.len);
}

/* Whole seconds, at least one; 0 of the option is no limit. */
static int64_t lock_timeout(const struct mig_my *c)
{
    const char *text = mig_my_option(c->host, MIGRATE_OPT_LOCK_TIMEOUT);
    int64_t ms = 2000;
    if (text && *text && !mig_duration_parse(text, &ms))
        ms = 2000;
    if (ms <= 0)
        return NO_LIMIT_S;
    int64_t s = (ms + 999) / 1000;
    return s > NO_LIMIT_S ? NO_LIMIT_S : s;
}

/* init_connect may have set another character set, and then our text would be misread; a collation it chose stays. */
static void add_charset(const struct mig_my *c, struct mig_buf *out)
{
    if (c->charset) {
        static const char *const names[] = { "client", "results", "connection" };
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            mig_buf_fmt(out, ",character_set_%s=", names[i]);
            mig_my_literal(out, c->charset, strlen(c->charset));
        }
        return;
    }
    /* Connector/C asks for utf8mb4_general_ci, which is not what MySQL's own tools work with. */
    bool own = !c->mariadb && c->version >= 80011;
    mig_buf_fmt(out, ",character_set_client=utf8mb4,character_set_results=utf8mb4,collation_connection="
                     "IF(@@character_set_connection='utf8mb4'%s,@@collation_connection,%s)",
                own ? " AND @@collation_connection<>'utf8mb4_general_ci'" : "",
                own ? "@@default_collation_for_utf8mb4" : "'utf8mb4_general_ci'");
}

/* The whole of it: what could make our own statements go wrong, and how long a dead client may hold the lock. */
static void add_settings(struct mig_my *c, struct mig_my_packet *p)
{
    int64_t s = lock_timeout(c);
    if (c->settled && s == c->lock_timeout_s)
        return;
    mig_buf_reset(&c->text);
    mig_buf_fmt(&c->text, "SET SESSION lock_wait_timeout=%lld,innodb_lock_wait_timeout=%lld", (long long)s, (long long)s);
    if (!c->settled) {
        mig_buf_str(&c->text, ",autocommit=1,completion_type=0,sql_select_limit=DEFAULT,sql_big_selects=1,"
                              "wait_timeout=CAST(LEAST(@@wait_timeout,300) AS UNSIGNED)");
        add_charset(c, &c->text);
        if (c->mariadb && c->version >= 100101)
            mig_buf_str(&c->text, ",max_statement_time=0");
        else if (!c->mariadb && c->version >= 50708)
            mig_buf_str(&c->text, ",max_execution_time=0");
    }
    p->oom |= c->text.oom;
    hide(p, mig_buf_text(&c->text), c->text.len);
    c->lock_timeout_s = s;
    c->settled = true;
}

void mig_my_preamble(struct mig_my *c, bool only_reads)
{
    struct mig_my_packet *p = mig_my_link_packet(c->link);
    if (!c->named)
        add_names(c, p);
    c->named = true;
    if (!only_reads)
        add_settings(c, p);
}

void mig_my_preamble_settle(struct mig_my *c)
{
    const struct mig_my_packet *p = mig_my_link_packet(c->link);
    for (size_t i = 0; i < p->n; i++) {
        if (p->slots[i].hidden && mig_my_answer_of(c, i)->outcome != MIGRATE_OUTCOME_DONE)
            c->named = c->settled = false;
    }
}

/* ---- after an answer -------------------------------------------------------------------- */

static void note_lex(struct mig_my *c, bool backslash)
{
    c->lex = (backslash ? MIGRATE_LEX_BACKSLASH_ESCAPES : 0) | (c->ansi_quotes ? MIGRATE_LEX_ANSI_QUOTES : 0) |
             (c->unsafe_encoding ? MIGRATE_LEX_UNSAFE_ENCODING : 0);
}

void mig_my_note_status(struct mig_my *c, unsigned status)
{
    c->tx = status & (STATUS_IN_TRANS | STATUS_IN_TRANS_READONLY) ? MIGRATE_TX_OPEN : MIGRATE_TX_NONE;
    if (c->mariadb)
        c->ansi_quotes = (status & STATUS_ANSI_QUOTES) != 0;
    note_lex(c, !(status & STATUS_NO_BACKSLASH));
}

static bool has_mode(const char *modes, const char *mode)
{
    size_t n = strlen(mode);
    for (const char *at = modes; at; at = strchr(at, ',')) {
        at += *at == ',';
        size_t len = strcspn(at, ",");
        if (mig_ieqn(at, len, mode) && len == n)
            return true;
    }
    return false;
}

void mig_my_note_modes(struct mig_my *c, const char *sql_mode, const char *charset)
{
    static const char *const unsafe[] = { "big5", "cp932", "gbk", "gb18030", "sjis" };
    if (sql_mode)
        c->ansi_quotes = has_mode(sql_mode, "ANSI_QUOTES");
    if (charset) {
        c->unsafe_encoding = false;
        for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++)
            c->unsafe_encoding |= mig_ieq(charset, unsafe[i]);
    }
    note_lex(c, (c->lex & MIGRATE_LEX_BACKSLASH_ESCAPES) != 0);
}

static int32_t take_modes(void *user, uint32_t n, const migrate_text *cols)
{
    struct mig_my *c = user;
    if (n < 3)
        return 0;
    mig_my_note_modes(c, cols[0].data, cols[1].data);
    char *database = mig_strdup(cols[2].data);
    if (c->facts && (database || !cols[2].data)) {
        free(c->facts->database);
        c->facts->database = database;
    } else {
        free(database);
    }
    return 0;
}

migrate_status mig_my_reread(struct mig_my *c, migrate_error **err)
{
    static const char sql[] = "SELECT @@sql_mode,@@character_set_client,DATABASE()";
    return mig_my_query(c, sql, sizeof sql - 1, take_modes, c, err);
}
