/* SPDX-License-Identifier: Apache-2.0 */

/* An object's definition, for people. */

#include <string.h>

#include "pg.h"

static const char table_sql[] =
    "(SELECT 'CREATE TABLE ' || o.oid::pg_catalog.regclass || E' (\\n' || pg_catalog.string_agg(line, "
    "E',\\n' "
    "ORDER BY part, n) || E'\\n)' FROM (SELECT 1 AS part, a.attnum::int AS n, '    ' || "
    "pg_catalog.quote_ident(a.attname) "
    "|| ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' "
    "ELSE '' END "
    "|| COALESCE(' DEFAULT ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') AS line "
    "FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND "
    "d.adnum = a.attnum WHERE a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped "
    "UNION ALL SELECT 2, k.oid::int8::int, '    CONSTRAINT ' || pg_catalog.quote_ident(k.conname) || ' ' || "
    "pg_catalog.pg_get_constraintdef(k.oid) FROM pg_catalog.pg_constraint k WHERE k.conrelid = o.oid) lines)";

static const char *definition(uint32_t kind)
{
    switch (kind) {
    case MIGRATE_OBJECT_TABLE:
        return table_sql;
    case MIGRATE_OBJECT_VIEW:
        return "'CREATE VIEW ' || o.oid::pg_catalog.regclass || ' AS ' || pg_catalog.pg_get_viewdef(o.oid, "
               "true)";
    case MIGRATE_OBJECT_INDEX:
        return "pg_catalog.pg_get_indexdef(o.oid) || CASE WHEN (SELECT i.indisvalid FROM pg_catalog.pg_index "
               "i "
               "WHERE i.indexrelid = o.oid) THEN '' ELSE ' -- INVALID' END";
    case MIGRATE_OBJECT_ROUTINE:
        return "(SELECT CASE WHEN p.prokind = 'a' THEN 'aggregate ' || p.oid::pg_catalog.regprocedure ELSE "
               "pg_catalog.pg_get_functiondef(p.oid) END FROM pg_catalog.pg_proc p WHERE p.oid = o.oid)";
    case MIGRATE_OBJECT_TRIGGER:
        return "pg_catalog.pg_get_triggerdef(o.oid, true)";
    case MIGRATE_OBJECT_SEQUENCE:
        return "'CREATE SEQUENCE ' || o.oid::pg_catalog.regclass";
    case MIGRATE_OBJECT_EVENT:
        return "(SELECT 'CREATE EVENT TRIGGER ' || evtname || ' ON ' || evtevent FROM "
               "pg_catalog.pg_event_trigger e "
               "WHERE e.oid = o.oid)";
    case MIGRATE_OBJECT_DATABASE:
        return "(SELECT 'CREATE DATABASE ' || pg_catalog.quote_ident(datname) FROM pg_catalog.pg_database d "
               "WHERE d.oid = o.oid)";
    case MIGRATE_OBJECT_TABLESPACE:
        return "(SELECT 'CREATE TABLESPACE ' || pg_catalog.quote_ident(spcname) FROM "
               "pg_catalog.pg_tablespace s "
               "WHERE s.oid = o.oid)";
    case MIGRATE_OBJECT_SUBSCRIPTION:
        return "(SELECT 'CREATE SUBSCRIPTION ' || pg_catalog.quote_ident(subname) FROM "
               "pg_catalog.pg_subscription s "
               "WHERE s.oid = o.oid)";
    default:
        return NULL;
    }
}

struct taken {
    struct mig_buf *out;
    bool            found;
};

static int32_t take_text(void *user, uint32_t n, const migrate_text *cols)
{
    struct taken *t = user;
    if (n && cols[0].data) {
        t->found = true;
        mig_buf_add(t->out, cols[0].data, cols[0].len);
    }
    return 0;
}

migrate_status mig_pg_describe(void *conn, const migrate_object *object, const char **out_text,
                               migrate_error **err)
{
    struct mig_pg *c = conn;
    const char *text = definition(object->kind);
    mig_pg_enter(c);
    if (!text || !mig_pg_genuine(c))
        return mig_pg_refuse(c->host, err, MIGRATE_E_UNSUPPORTED, 0,
                             "such an object cannot be described here", NULL);
    struct mig_buf sql = MIG_BUF_INIT;
    mig_buf_fmt(&sql, "SELECT %s FROM (SELECT ", text);
    mig_pg_object_oid(&sql, object);
    mig_buf_str(&sql, " AS oid) o WHERE o.oid IS NOT NULL");
    mig_buf_reset(&c->out);
    struct taken t = { .out = &c->out };
    migrate_status status =
        sql.oom ? mig_pg_nomem(c->host, err) : mig_pg_query(c, mig_buf_text(&sql), take_text, &t, err);
    mig_buf_free(&sql);
    if (!status && c->out.oom)
        status = mig_pg_nomem(c->host, err);
    if (!status)
        *out_text = t.found ? mig_buf_text(&c->out) : NULL;
    return status;
}
