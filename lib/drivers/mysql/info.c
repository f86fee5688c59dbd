/* SPDX-License-Identifier: Apache-2.0 */

/* Facts about the server, in one packet that also carries our settings. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/mysql/conn.h"
#include "util/mem.h"
#include "util/text.h"

void mig_my_facts_free(struct mig_my *c)
{
    struct mig_my_facts *f = c->facts;
    if (!f)
        return;
    char *texts[] = { f->version, f->comment, f->aurora, f->database, f->user, f->session_id };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    mig_buf_free(&f->unproved);
    free(f);
    c->facts = NULL;
}

/* ---- what the rows say ------------------------------------------------------------------- */

/* While facts are read. */
struct reading {
    struct mig_my       *c;
    struct mig_my_facts *f;
    char   *sql_mode, *charset;
    int64_t uptime, now;
    bool    wsrep, oom;
};

static void keep(struct reading *r, char **out, const char *value)
{
    free(*out);
    *out = mig_strdup(value);
    r->oom |= value && !*out;
}

static bool is_on(const char *value)
{
    return mig_ieq(value, "ON") || strcmp(value, "1") == 0;
}

/* SHOW VARIABLES never fails for one that this server does not have. */
static const char variables_sql[] =
    "SHOW VARIABLES WHERE variable_name IN ('version','version_comment','sql_mode','character_set_client',"
    "'max_allowed_packet','read_only','super_read_only','innodb_read_only','transaction_read_only','tx_read_only',"
    "'wsrep_on','aurora_version','lower_case_table_names','performance_schema',"
    "'group_replication_group_name','group_replication_single_primary_mode')";

static int32_t take_variable(void *user, uint32_t n, const migrate_text *cols)
{
    struct reading *r = user;
    struct mig_my_facts *f = r->f;
    if (n < 2 || !cols[0].data || !cols[1].data)
        return 0;
    const char *name = cols[0].data, *value = cols[1].data;
    const struct { const char *name; char **to; } texts[] = {
        { "version", &f->version }, { "version_comment", &f->comment }, { "aurora_version", &f->aurora },
        { "sql_mode", &r->sql_mode }, { "character_set_client", &r->charset },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (mig_ieq(name, texts[i].name))
            keep(r, texts[i].to, value);
    }
    if (mig_ends(name, "read_only"))
        f->read_only |= is_on(value);
    else if (mig_ieq(name, "max_allowed_packet"))
        f->max_packet = strtoull(value, NULL, 10);
    else if (mig_ieq(name, "wsrep_on"))
        f->galera = is_on(value);
    else if (mig_ieq(name, "lower_case_table_names"))
        f->lower_names = strcmp(value, "0") != 0;
    else if (mig_ieq(name, "performance_schema"))
        f->performance_schema = is_on(value);
    else if (mig_ieq(name, "group_replication_single_primary_mode"))
        f->group_multi = !is_on(value);
    return 0;
}

static int32_t take_uptime(void *user, uint32_t n, const migrate_text *cols)
{
    struct reading *r = user;
    if (n >= 2 && cols[1].data)
        r->uptime = strtoll(cols[1].data, NULL, 10);
    return 0;
}

static const char session_sql[] = "SELECT CONNECTION_ID(),DATABASE(),UNIX_TIMESTAMP(),CURRENT_USER()";

static int32_t take_session(void *user, uint32_t n, const migrate_text *cols)
{
    struct reading *r = user;
    if (n < 4 || !cols[0].data || !cols[2].data || !cols[3].data)
        return 0;
    r->c->connection = strtoull(cols[0].data, NULL, 10);
    keep(r, &r->f->database, cols[1].data);
    r->now = strtoll(cols[2].data, NULL, 10);
    keep(r, &r->f->user, cols[3].data);
    char *at = r->f->user ? strrchr(r->f->user, '@') : NULL;
    if (at)
        *at = '\0';
    return 0;
}

/* ---- what no fingerprint proves ---------------------------------------------------------------- */

/* Tables of an engine without atomic DDL, views and routines whose text this user may not see, tables that have more to
 * them than columns and indexes. Asked once, so that a run of many migrations does not pay for it, and a plan can tell. */
static void add_unproved(const struct mig_my *c, struct mig_buf *out)
{
    struct mig_buf db = MIG_BUF_INIT;
    if (c->database)
        mig_my_literal(&db, c->database, strlen(c->database));
    else
        mig_buf_str(&db, "DATABASE()");
    mig_buf_fmt(out, "SELECT 't',table_name FROM information_schema.tables WHERE table_schema=%s AND "
                     "table_type='BASE TABLE' AND engine<>'InnoDB'"
                     " UNION ALL SELECT 'v',table_name FROM information_schema.views WHERE table_schema=%s AND "
                     "COALESCE(view_definition,'')=''"
                     " UNION ALL SELECT 'r',routine_name FROM information_schema.routines WHERE routine_schema=%s AND "
                     "routine_definition IS NULL"
                     " UNION SELECT 'n',table_name FROM information_schema.tables WHERE table_schema=%s AND create_options "
                     "LIKE '%%partitioned%%'"
                     " UNION SELECT 'n',table_name FROM information_schema.table_constraints WHERE table_schema=%s AND "
                     "constraint_type IN ('CHECK','FOREIGN KEY')",
                mig_buf_text(&db), mig_buf_text(&db), mig_buf_text(&db), mig_buf_text(&db), mig_buf_text(&db));
    out->oom |= db.oom;
    mig_buf_free(&db);
}

static int32_t take_unproved(void *user, uint32_t n, const migrate_text *cols)
{
    struct reading *r = user;
    if (n >= 2 && cols[0].data && cols[1].data) {
        mig_buf_add(&r->f->unproved, cols[0].data, 1);
        mig_buf_add(&r->f->unproved, cols[1].data, cols[1].len + 1);
    }
    return 0;
}

/* PROCESS is asked for by trying, and last, because a refusal ends the packet. */
static const char *process_sql(const struct mig_my *c)
{
    return c->mariadb ? "SELECT COUNT(*) FROM information_schema.innodb_sys_tables WHERE name=''"
                      : "SELECT COUNT(*) FROM information_schema.innodb_tables WHERE name=''";
}

static migrate_status run(struct mig_my *c, struct mig_my_facts *f, migrate_error **err)
{
    enum { SPECIFIC_ACCESS_DENIED = 1227, UNKNOWN_TABLE = 1109 };
    struct mig_my_packet *p = mig_my_link_packet(c->link);
    if (p->oom)
        return mig_my_nomem(c->host, err);
    (void)mig_my_run(c, NULL, NULL);
    size_t bad = mig_my_first_bad(c);
    f->process = bad == p->n;
    if (bad + 1 == p->n) {
        int32_t code = mig_my_answer_of(c, bad)->code;
        if (code == SPECIFIC_ACCESS_DENIED || code == UNKNOWN_TABLE)
            bad = p->n;
    }
    return bad < p->n ? mig_my_fail_slot(c, bad, err) : MIGRATE_OK;
}

/* ---- asking --------------------------------------------------------------------------------- */

static void add_query(struct mig_my_packet *p, const char *sql, migrate_row_fn on_row, void *user)
{
    struct mig_my_slot *s = mig_my_packet_add_text(p, sql, strlen(sql), MIGRATE_STMT_BOOKKEEPING);
    if (s) {
        s->on_row = on_row;
        s->on_row_user = user;
    }
}

/* Number, start of the server and user: a number is given again after a restart, and another user's session is not
 * seen without PROCESS. */
static void conclude(struct reading *r)
{
    struct mig_my *c = r->c;
    struct mig_my_facts *f = r->f;
    const struct mig_my_server *server = mig_my_link_server(c->link);
    c->pooled = (uint32_t)c->connection != (uint32_t)server->thread_id;
    c->max_packet = f->max_packet;
    f->boot = r->now > r->uptime ? (uint64_t)(r->now - r->uptime) : 0;
    f->session_id = mig_sprintf("%llu@%llu/%s", (unsigned long long)c->connection, (unsigned long long)f->boot,
                                f->user ? f->user : "");
    r->oom |= !f->session_id;
    mig_my_note_modes(c, r->sql_mode, r->charset);
}

migrate_status mig_my_facts_load(struct mig_my *c, migrate_error **err)
{
    struct mig_my_facts *f = calloc(1, sizeof *f);
    if (!f)
        return mig_my_nomem(c->host, err);
    struct reading r = { .c = c, .f = f };
    struct mig_my_packet *p = mig_my_packet_new(c);
    mig_my_preamble(c, false);
    add_query(p, variables_sql, take_variable, &r);
    add_query(p, "SHOW GLOBAL STATUS LIKE 'Uptime'", take_uptime, &r);
    add_query(p, session_sql, take_session, &r);
    mig_buf_reset(&c->text);
    add_unproved(c, &c->text);
    p->oom |= c->text.oom;
    add_query(p, mig_buf_text(&c->text), take_unproved, &r);
    add_query(p, process_sql(c), NULL, NULL);
    migrate_status status = run(c, f, err);
    mig_my_facts_free(c);
    c->facts = f;
    if (!status)
        conclude(&r);
    free(r.sql_mode);
    free(r.charset);
    if (!status && (r.oom || f->unproved.oom))
        status = mig_my_nomem(c->host, err);
    if (status)
        mig_my_facts_free(c);
    return status;
}

/* ---- info() ------------------------------------------------------------------------------------ */

static const char *flavour(const struct mig_my *c)
{
    const struct mig_my_facts *f = c->facts;
    const char *version = f->version ? f->version : "", *comment = f->comment ? f->comment : "";
    if (strstr(version, "TiDB"))
        return "tidb";
    if (strstr(version, "Vitess") || strstr(comment, "Vitess"))
        return "vitess";
    if (f->aurora)
        return "aurora";
    return c->mariadb ? "mariadb" : "mysql";
}

static uint64_t caps(const struct mig_my *c, const char *kind)
{
    bool real = strcmp(kind, "tidb") != 0 && strcmp(kind, "vitess") != 0;
    uint64_t caps = MIGRATE_CAP_TRANSACTION | MIGRATE_CAP_BATCH_GROUPS;
    if (!c->pooled)
        caps |= MIGRATE_CAP_SESSION;
    /* With several writers GET_LOCK is one node's own affair. */
    if (real && !c->pooled && !c->facts->galera && !c->facts->group_multi)
        caps |= MIGRATE_CAP_SESSION_LOCK;
    if (real && c->version >= (c->mariadb ? 100600u : 80000u))
        caps |= MIGRATE_CAP_DDL_ATOMIC;
    return caps;
}

static void fill(const struct mig_my *c, migrate_info *out)
{
    const struct mig_my_facts *f = c->facts;
    const struct mig_my_server *server = mig_my_link_server(c->link);
    const char *kind = flavour(c);
    uint64_t flags = (c->pooled ? MIGRATE_INFO_POOLED : 0) | (f->read_only ? MIGRATE_INFO_READ_ONLY : 0) |
                     (server->verified ? MIGRATE_INFO_TLS : 0);
    const migrate_info info = {
        .struct_size = sizeof info,
        .caps = caps(c, kind),
        .flags = flags,
        .version = c->version,
        .lex = c->lex,
        .max_statement = f->max_packet > 1024 ? f->max_packet - 1024 : f->max_packet,
        .product = c->mariadb ? "MariaDB" : "MySQL",
        .flavour = kind,
        .version_text = f->version ? f->version : server->text,
        .database = f->database,
        .schema = f->database,
        .session_id = f->session_id,
        .address = server->address,
    };
    mig_my_give(out, &info, sizeof info);
}

migrate_status mig_my_info(void *conn, migrate_info *out, migrate_error **err)
{
    struct mig_my *c = conn;
    migrate_status status = mig_my_enter(c, err);
    if (!status)
        status = mig_my_facts_load(c, err);
    if (!status)
        fill(c, out);
    return status;
}
