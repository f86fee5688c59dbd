/* SPDX-License-Identifier: Apache-2.0 */

/* Settings a migration runs under. They are given as start-up options, because RESET in a migration
 * then goes back to them, and not to the role's. */

#include <string.h>

#include "pg.h"
#include "util/mem.h"

/* Known to every server since 9.6; an unknown one would be refused. */
static const char timeless[] = "idle_in_transaction_session_timeout";

static void startup_option(struct mig_buf *out, const char *name, const char *value)
{
    mig_buf_fmt(out, "%s-c %s=", out->len ? " " : "", name);
    for (const char *s = value; *s; s++) {
        if (*s == ' ' || *s == '\\' || *s == '\t' || *s == '\n')
            mig_buf_char(out, '\\');
        mig_buf_char(out, *s);
    }
}

static void startup_ms(struct mig_buf *out, const char *name, int64_t ms)
{
    char text[24];
    struct mig_buf number = MIG_BUF_INIT;
    mig_buf_fmt(&number, "%lld", (long long)ms);
    size_t len = number.len < sizeof text ? number.len : sizeof text - 1;
    memcpy(text, mig_buf_text(&number), len);
    text[len] = '\0';
    out->oom |= number.oom;
    mig_buf_free(&number);
    startup_option(out, name, text);
}

void mig_pg_startup_options(struct mig_buf *out, const migrate_host *host)
{
    startup_ms(out, "lock_timeout", mig_pg_option_ms(host, "lock_timeout", 0));
    startup_ms(out, "statement_timeout", mig_pg_option_ms(host, "statement_timeout", 0));
    startup_ms(out, timeless, 0);
    const char *role = mig_pg_option(host, "role"), *path = mig_pg_option(host, "search_path");
    if (role && *role)
        startup_option(out, "role", role);
    if (path && *path)
        startup_option(out, "search_path", path);
}

/* A string literal that is read the same whatever standard_conforming_strings says. */
void mig_pg_literal(struct mig_buf *out, const char *text, size_t len)
{
    bool escapes = memchr(text, '\\', len) != NULL;
    mig_buf_str(out, escapes ? " E'" : "'");
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\'' || text[i] == '\\')
            mig_buf_char(out, text[i]);
        mig_buf_char(out, text[i]);
    }
    mig_buf_char(out, '\'');
}

void mig_pg_identifier(struct mig_buf *out, const char *text, size_t len)
{
    mig_buf_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"')
            mig_buf_char(out, '"');
        mig_buf_char(out, text[i]);
    }
    mig_buf_char(out, '"');
}

void mig_pg_settings_sql(struct mig_buf *out, const struct mig_pg *c)
{
    mig_buf_fmt(out, "SET lock_timeout = %lld; SET statement_timeout = %lld; SET %s = 0",
                (long long)mig_pg_option_ms(c->host, "lock_timeout", 0),
                (long long)mig_pg_option_ms(c->host, "statement_timeout", 0), timeless);
    const char *path = mig_pg_option(c->host, "search_path");
    if (path && *path) {
        mig_buf_str(out, "; SELECT pg_catalog.set_config('search_path', ");
        mig_pg_literal(out, path, strlen(path));
        mig_buf_str(out, ", false)");
    }
    const char *role = mig_pg_option(c->host, "role");
    if (role && *role) {
        mig_buf_str(out, "; SET ROLE ");
        mig_pg_identifier(out, role, strlen(role));
    }
}

/* All that DISCARD ALL does but for the advisory locks. */
static const char reset_sql[] =
    "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; DEALLOCATE ALL; "
    "UNLISTEN *; DISCARD TEMP; DISCARD SEQUENCES";

migrate_status mig_pg_reset(void *conn, migrate_result *out, migrate_error **err)
{
    struct mig_pg *c = conn;
    mig_pg_enter(c);
    c->quiet = true;
    if (!mig_pg_genuine(c)) {
        return mig_pg_refuse(c->host, err, MIGRATE_E_UNSUPPORTED, MIGRATE_FAULT_OTHER,
                             "this server cannot put a session back: connect again", NULL);
    }
    struct mig_buf sql = MIG_BUF_INIT;
    mig_buf_str(&sql, reset_sql); /* behind a pooler it reaches the session we get, most likely the same */
    if (c->adopted) {
        mig_buf_str(&sql, "; ");
        mig_pg_settings_sql(&sql, c);
    }
    if (c->checks_client)
        mig_buf_str(&sql, "; SET client_connection_check_interval = '2s'");
    mig_pg_pooled_name_sql(&sql, c);
    migrate_stmt stmt = { .struct_size = sizeof stmt,
                          .flags = MIGRATE_STMT_BOOKKEEPING,
                          .sql = mig_buf_text(&sql),
                          .sql_len = sql.len };
    struct mig_pg_answer a = { .affected = -1 };
    migrate_status status = sql.oom ? mig_pg_nomem(c->host, err) : mig_pg_exec_inner(c, &stmt, &a, err);
    mig_pg_result(c, &a, out);
    mig_pg_answer_free(&a);
    mig_buf_free(&sql);
    return status;
}
