/* SPDX-License-Identifier: Apache-2.0 */

/* There is nothing to connect to; the first question tells whether all of it can be used: keys, ARNs, secret, and a
 * cluster that is awake. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/rds_data/rds.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/text.h"

bool mig_rds_postgres(const struct mig_rds *c)
{
    return c->dialect == MIGRATE_DIALECT_POSTGRES;
}

uint32_t mig_rds_lex(const struct mig_rds *c)
{
    return mig_rds_postgres(c) ? MIGRATE_LEX_DOLLAR_QUOTES : MIGRATE_LEX_BACKSLASH_ESCAPES;
}

uint32_t mig_rds_dialect(void *conn)
{
    return ((struct mig_rds *)conn)->dialect;
}

/* ---- facts ---------------------------------------------------------------------- */

/* "PostgreSQL 15.20 (…)": 150020 as major*10000 + minor*100 + patch; "8.0.36", "10.11.6-MariaDB". */
static uint32_t version_of(const char *text, bool postgres)
{
    uint32_t part[3] = { 0, 0, 0 };
    while (*text && !mig_is_digit(*text))
        text++;
    for (int i = 0; i < 3 && mig_is_digit(*text); i++) {
        while (mig_is_digit(*text))
            part[i] = part[i] * 10 + (uint32_t)(*text++ - '0');
        text += *text == '.';
    }
    return part[0] * 10000 + part[1] * 100 + (postgres ? 0 : part[2]);
}

struct reading {
    struct mig_rds *c;
    uint32_t rows;
    bool oom;
};

static void keep(struct reading *r, char **slot, const migrate_text *col)
{
    free(*slot);
    *slot = col->data ? mig_strndup(col->data, col->len) : NULL;
    r->oom |= col->data && !*slot;
}

static bool yes(const migrate_text *t)
{
    return t->data && (strcmp(t->data, "on") == 0 || strcmp(t->data, "1") == 0);
}

static int32_t take_engine(void *user, uint32_t n, const migrate_text *cols)
{
    struct reading *r = user;
    if (n && cols[0].data)
        r->c->dialect = mig_starts(cols[0].data, "PostgreSQL") ? MIGRATE_DIALECT_POSTGRES : MIGRATE_DIALECT_MYSQL;
    return 0;
}

static int32_t take_facts(void *user, uint32_t n, const migrate_text *cols)
{
    struct reading *r = user;
    struct mig_rds_facts *f = &r->c->facts;
    if (n < 5 || !cols[0].data)
        return 0;
    r->rows++;
    keep(r, &f->version_text, &cols[0]);
    keep(r, &f->database, &cols[1]);
    keep(r, &f->schema, &cols[2]);
    f->read_only = yes(&cols[3]);
    f->aurora = cols[4].data && cols[4].len;
    f->version = version_of(cols[0].data, mig_rds_postgres(r->c));
    f->mariadb = strstr(cols[0].data, "MariaDB") != NULL;
    return 0;
}

static const char postgres_sql[] =
    "SELECT pg_catalog.version(), CAST(pg_catalog.current_database() AS text), CAST(pg_catalog.current_schema() AS text), "
    "CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'on' ELSE pg_catalog.current_setting('transaction_read_only') END, "
    "CAST(pg_catalog.to_regproc('pg_catalog.aurora_version') AS text)";
static const char mysql_sql[] =
    "SELECT VERSION(), DATABASE(), DATABASE(), IF(@@innodb_read_only OR @@read_only, 'on', 'off'), NULL";

static migrate_status ask_facts(struct mig_rds *c, migrate_error **err)
{
    struct reading r = { .c = c };
    migrate_status status = MIGRATE_OK;
    c->dialect = c->place.dialect;
    if (!c->dialect)
        status = mig_rds_query(c, "SELECT version()", take_engine, &r, err);
    if (!status)
        status = mig_rds_query(c, mig_rds_postgres(c) ? postgres_sql : mysql_sql, take_facts, &r, err);
    if (!status && r.oom)
        return mig_rds_nomem(c->host, err);
    if (!status && !r.rows)
        return mig_rds_refuse(c->host, err, MIGRATE_E_CONNECT, MIGRATE_FAULT_OTHER,
                              "the Data API did not answer what the database is", NULL);
    return status;
}

/* ---- open and close ---------------------------------------------------------------- */

static void make_token(struct mig_rds *c)
{
    snprintf(c->token, sizeof c->token, "%08x%08x", mig_aws_random(UINT32_MAX), mig_aws_random(UINT32_MAX));
}

static migrate_status prepare(struct mig_rds *c, const char *url, migrate_error **err)
{
    migrate_status status = mig_rds_place_read(&c->place, c->host, url, err);
    if (status)
        return status;
    make_token(c);
    c->aws = mig_aws_new();
    bool good = c->aws && mig_aws_set_ca_file(c->aws, mig_rds_option(c->host, "ca_file")) &&
                mig_aws_set_region(c->aws, c->place.region);
    return good ? MIGRATE_OK : mig_rds_nomem(c->host, err);
}

migrate_status mig_rds_open(const migrate_host *host, const char *url, void **out_conn, migrate_error **err)
{
    struct mig_rds *c = calloc(1, sizeof *c);
    if (!c)
        return mig_rds_nomem(host, err);
    c->host = host;
    c->opening = true;
    migrate_status status = prepare(c, url, err);
    if (!status)
        status = ask_facts(c, err);
    c->opening = false;
    if (status)
        mig_rds_close(c);
    else
        *out_conn = c;
    return status;
}

void mig_rds_close(void *conn)
{
    struct mig_rds *c = conn;
    if (!c)
        return;
    mig_rds_abandon(c); /* its locks would stay for three minutes */
    mig_aws_free(c->aws);
    mig_aws_free(c->side);
    mig_rds_place_free(&c->place);
    free(c->facts.version_text);
    free(c->facts.database);
    free(c->facts.schema);
    mig_buf_free(&c->sql);
    mig_buf_free(&c->body);
    mig_buf_free(&c->fault_text);
    mig_buf_free(&c->out);
    free(c);
}

/* ---- info --------------------------------------------------------------------------- */

static uint64_t caps_of(const struct mig_rds *c)
{
    uint64_t caps = MIGRATE_CAP_TRANSACTION;
    if (mig_rds_postgres(c))
        return caps | MIGRATE_CAP_DDL_ROLLBACK | MIGRATE_CAP_DDL_ATOMIC;
    return c->facts.version >= (c->facts.mariadb ? 100600u : 80000u) ? caps | MIGRATE_CAP_DDL_ATOMIC : caps;
}

static const char *flavour_of(const struct mig_rds *c)
{
    if (mig_rds_postgres(c))
        return c->facts.aurora ? "aurora" : "postgres";
    return c->facts.mariadb ? "mariadb" : "mysql";
}

static void fill(struct mig_rds *c, migrate_info *out)
{
    bool postgres = mig_rds_postgres(c);
    const migrate_info info = {
        .struct_size = sizeof info,
        .caps = caps_of(c),
        .flags = MIGRATE_INFO_POOLED | (c->facts.read_only ? MIGRATE_INFO_READ_ONLY : 0),
        .version = c->facts.version,
        .lex = mig_rds_lex(c),
        .max_statement = MIG_RDS_SQL_MAX,
        .max_call_ms = MIG_RDS_CALL_MS,
        .product = postgres ? "PostgreSQL" : c->facts.mariadb ? "MariaDB" : "MySQL",
        .flavour = flavour_of(c),
        .version_text = c->facts.version_text,
        .database = c->facts.database,
        .schema = c->facts.schema,
        .session_id = mig_buf_text(&c->out),
        .address = c->place.cluster,
    };
    mig_rds_give(out, &info, sizeof info);
}

migrate_status mig_rds_info(void *conn, migrate_info *out, migrate_error **err)
{
    struct mig_rds *c = conn;
    migrate_status status = mig_rds_enter(c, err);
    if (status)
        return status;
    mig_buf_reset(&c->out);
    mig_buf_fmt(&c->out, "data-api:%s", c->token);
    if (c->out.oom)
        return mig_rds_nomem(c->host, err);
    fill(c, out);
    return MIGRATE_OK;
}
