/* SPDX-License-Identifier: Apache-2.0 */

/* A connection that the application has open. It comes back with the session settings it came with. */

#include <mysql.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/mysql/conn.h"
#include "util/mem.h"

/* What we or a migration may change. */
static const char *const kept_both[] = {
    "autocommit", "completion_type", "sql_select_limit", "sql_big_selects", "wait_timeout", "lock_wait_timeout",
    "innodb_lock_wait_timeout", "sql_mode", "foreign_key_checks", "unique_checks", "time_zone", "character_set_client",
    "character_set_connection", "character_set_results", "collation_connection",
};

enum { N_BOTH = sizeof kept_both / sizeof *kept_both, N_KEPT = N_BOTH + 1, AUTOCOMMIT = 0 };

struct mig_my_native {
    MYSQL *mysql;
    char  *values[N_KEPT];
    char  *database;
    bool   oom;
};

static const char *kept_name(const struct mig_my *c, size_t i)
{
    return i < N_BOTH ? kept_both[i] : c->mariadb ? "max_statement_time" : "max_execution_time";
}

void mig_my_native_free(struct mig_my *c)
{
    if (!c->native)
        return;
    for (size_t i = 0; i < N_KEPT; i++)
        free(c->native->values[i]);
    free(c->native->database);
    free(c->native);
    c->native = NULL;
}

bool mig_my_native_login(const struct mig_my *c, struct mig_my_login *out)
{
    const MYSQL *m = c->native->mysql;
    *out = (struct mig_my_login){ .port = m->port, .tls = MIG_MY_TLS_PREFERRED, .get_public_key = true,
                                  .connect_seconds = 10, .connect_ms = 10000 };
    out->host = mig_strdup(m->host);
    out->user = mig_strdup(m->user);
    out->password = mig_strdup(m->passwd);
    out->socket = mig_strdup(m->unix_socket);
    out->force_tcp = !m->unix_socket && m->port != 0;
    if ((m->host && !out->host) || (m->user && !out->user) || (m->passwd && !out->password) ||
        (m->unix_socket && !out->socket)) {
        mig_my_login_free(out);
        return false;
    }
    return true;
}

/* ---- taking --------------------------------------------------------------------------- */

static int32_t take_values(void *user, uint32_t n, const migrate_text *cols)
{
    struct mig_my_native *native = user;
    for (uint32_t i = 0; i < n && i <= N_KEPT; i++) {
        char **to = i < N_KEPT ? &native->values[i] : &native->database;
        *to = mig_strdup(cols[i].data);
        native->oom |= cols[i].data && !*to;
    }
    return 0;
}

static migrate_status remember(struct mig_my *c, migrate_error **err)
{
    mig_buf_reset(&c->text);
    for (size_t i = 0; i < N_KEPT; i++)
        mig_buf_fmt(&c->text, "%s@@SESSION.%s", i ? "," : "SELECT ", kept_name(c, i));
    mig_buf_str(&c->text, ",DATABASE()");
    if (c->text.oom)
        return mig_my_nomem(c->host, err);
    c->named = true; /* nothing is to be changed yet */
    migrate_status status = mig_my_query(c, mig_buf_text(&c->text), c->text.len, take_values, c->native, err);
    c->named = false;
    if (!status && c->native->oom)
        status = mig_my_nomem(c->host, err);
    if (!status && c->tx != MIGRATE_TX_NONE)
        status = mig_my_refuse(c->host, err, MIGRATE_E_MISUSE, MIGRATE_FAULT_OTHER,
                               "the connection is inside a transaction", "COMMIT or ROLLBACK before handing it over.");
    return status;
}

migrate_status mig_my_adopt(const migrate_host *host, void *native, void **out_conn, migrate_error **err)
{
    struct mig_my_login none = { 0 };
    struct mig_my *c = native ? mig_my_new(host) : NULL;
    if (!native)
        return mig_my_refuse(host, err, MIGRATE_E_ARGUMENT, MIGRATE_FAULT_OTHER, "no MYSQL to adopt", NULL);
    if (!c)
        return mig_my_nomem(host, err);
    c->adopted = true;
    c->native = calloc(1, sizeof *c->native);
    migrate_status status = c->native ? MIGRATE_OK : mig_my_nomem(host, err);
    if (!status) {
        c->native->mysql = native;
        status = mig_my_connect(c, &none, native, err);
    }
    if (!status)
        status = remember(c, err);
    if (status)
        mig_my_free(c);
    else
        *out_conn = c;
    return status;
}

/* ---- giving back -------------------------------------------------------------------------- */

static bool is_number(const char *text)
{
    return *text && text[strspn(text, "0123456789.")] == '\0';
}

static void add_value(struct mig_buf *out, const char *value)
{
    if (value && is_number(value))
        mig_buf_str(out, value);
    else
        mig_my_literal(out, value, value ? strlen(value) : 0);
}

/* What was open is rolled back first: with autocommit=1 the SET would commit it. */
void mig_my_give_back(struct mig_my *c)
{
    const struct mig_my_native *n = c->native;
    struct mig_my_packet *p = mig_my_packet_new(c);
    if (!n->values[AUTOCOMMIT])
        return;
    (void)mig_my_packet_add_text(p, "ROLLBACK", 8, MIGRATE_STMT_BOOKKEEPING);
    mig_buf_reset(&c->text);
    if (n->database) {
        mig_buf_str(&c->text, "USE ");
        mig_my_identifier(&c->text, n->database, strlen(n->database));
        (void)mig_my_packet_add_text(p, mig_buf_text(&c->text), c->text.len, MIGRATE_STMT_BOOKKEEPING);
        mig_buf_reset(&c->text);
    }
    for (size_t i = 0; i < N_KEPT; i++) {
        mig_buf_fmt(&c->text, "%s%s=", i ? "," : "SET SESSION ", kept_name(c, i));
        add_value(&c->text, n->values[i]);
    }
    (void)mig_my_packet_add_text(p, mig_buf_text(&c->text), c->text.len, MIGRATE_STMT_BOOKKEEPING);
    if (!p->oom && !c->text.oom && !mig_my_enter(c, NULL))
        (void)mig_my_run(c, NULL, NULL);
}
