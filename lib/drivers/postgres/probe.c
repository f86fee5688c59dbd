/* SPDX-License-Identifier: Apache-2.0 */

/* Did a statement that cannot share a transaction with its mark take effect? SQL that tells what the object
 * it names is like: 'absent', 'invalid' (an index whose building failed, a partition whose detaching did), or
 * a digest of its definition. */

#include <string.h>

#include "pg.h"

/* ---- finding it ---- */

/* The schema as an expression of type oid. */
static void schema_oid(struct mig_buf *out, const migrate_object *o)
{
    if (!o->schema.data || !o->schema.len) {
        mig_buf_str(out, "NULL");
        return;
    }
    mig_buf_str(out, "(SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = ");
    mig_pg_literal(out, o->schema.data, o->schema.len);
    mig_buf_char(out, ')');
}

/* "name = 'x' AND visible": without a schema the one that search_path finds. */
static void named(struct mig_buf *out, const migrate_object *o, const char *name, const char *schema,
                  const char *visible)
{
    mig_buf_fmt(out, "%s = ", name);
    mig_pg_literal(out, o->name.data, o->name.len);
    if (o->schema.data && o->schema.len) {
        mig_buf_fmt(out, " AND %s = ", schema);
        schema_oid(out, o);
    } else {
        mig_buf_fmt(out, " AND %s", visible);
    }
}

static void relation_oid(struct mig_buf *out, const migrate_object *o, const char *kinds)
{
    mig_buf_fmt(out, "(SELECT oid FROM pg_catalog.pg_class WHERE relkind IN (%s) AND ", kinds);
    named(out, o, "relname", "relnamespace", "pg_catalog.pg_table_is_visible(oid)");
    mig_buf_str(out, " LIMIT 1)");
}

static void trigger_oid(struct mig_buf *out, const migrate_object *o)
{
    mig_buf_str(out,
                "(SELECT t.oid FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid "
                "WHERE t.tgname = ");
    mig_pg_literal(out, o->name.data, o->name.len);
    if (o->parent.data && o->parent.len) {
        mig_buf_str(out, " AND c.relname = ");
        mig_pg_literal(out, o->parent.data, o->parent.len);
    }
    if (o->schema.data && o->schema.len) {
        mig_buf_str(out, " AND c.relnamespace = ");
        schema_oid(out, o);
    } else {
        mig_buf_str(out, " AND pg_catalog.pg_table_is_visible(c.oid)");
    }
    mig_buf_str(out, " LIMIT 1)");
}

static void plain_oid(struct mig_buf *out, const migrate_object *o, const char *table, const char *column,
                      const char *more)
{
    mig_buf_fmt(out, "(SELECT oid FROM pg_catalog.%s WHERE %s = ", table, column);
    mig_pg_literal(out, o->name.data, o->name.len);
    mig_buf_fmt(out, "%s LIMIT 1)", more);
}

bool mig_pg_object_oid(struct mig_buf *out, const migrate_object *o)
{
    switch (o->kind) {
    case MIGRATE_OBJECT_TABLE:
        relation_oid(out, o, "'r','p','f'");
        return true;
    case MIGRATE_OBJECT_VIEW:
        relation_oid(out, o, "'v','m'");
        return true;
    case MIGRATE_OBJECT_INDEX:
        relation_oid(out, o, "'i','I'");
        return true;
    case MIGRATE_OBJECT_SEQUENCE:
        relation_oid(out, o, "'S'");
        return true;
    case MIGRATE_OBJECT_ROUTINE:
        mig_buf_str(out, "(SELECT oid FROM pg_catalog.pg_proc WHERE ");
        named(out, o, "proname", "pronamespace", "pg_catalog.pg_function_is_visible(oid)");
        mig_buf_str(out, " ORDER BY oid LIMIT 1)");
        return true;
    case MIGRATE_OBJECT_TRIGGER:
        trigger_oid(out, o);
        return true;
    case MIGRATE_OBJECT_EVENT:
        plain_oid(out, o, "pg_event_trigger", "evtname", "");
        return true;
    case MIGRATE_OBJECT_DATABASE:
        plain_oid(out, o, "pg_database", "datname", "");
        return true;
    case MIGRATE_OBJECT_TABLESPACE:
        plain_oid(out, o, "pg_tablespace", "spcname", "");
        return true;
    case MIGRATE_OBJECT_SUBSCRIPTION:
        plain_oid(out, o, "pg_subscription", "subname",
                  " AND subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = "
                  "pg_catalog.current_database())");
        return true;
    default:
        return false;
    }
}

/* ---- its definition as text ---- */

static const char of_table[] =
    "pg_catalog.concat_ws('/', c.relkind, c.relpersistence, c.reltablespace, c.relispartition, "
    "c.reloptions::text, "
    "pg_catalog.pg_get_expr(c.relpartbound, c.oid), "
    "(SELECT pg_catalog.string_agg(pg_catalog.concat_ws('|', a.attnum, a.attname, "
    "pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, "
    "a.attcollation, "
    "a.attstattarget, a.attstorage, pg_catalog.pg_get_expr(d.adbin, d.adrelid)), ',' ORDER BY a.attnum) "
    "FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND "
    "d.adnum = a.attnum WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), "
    "(SELECT pg_catalog.string_agg(pg_catalog.concat_ws('|', k.conname, "
    "pg_catalog.pg_get_constraintdef(k.oid), "
    "k.convalidated), ',' ORDER BY k.conname) FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid), "
    "(SELECT pg_catalog.string_agg(pg_catalog.concat_ws('|', pg_catalog.pg_get_indexdef(i.indexrelid), "
    "i.indisvalid, "
    "i.indisclustered, i.indisreplident), ',' ORDER BY i.indexrelid) FROM pg_catalog.pg_index i "
    "WHERE i.indrelid = c.oid), "
    "(SELECT pg_catalog.string_agg(pg_catalog.to_jsonb(h)::text, ',' ORDER BY h.inhrelid) "
    "FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid OR h.inhrelid = c.oid))";

static const char of_index[] =
    "pg_catalog.concat_ws('/', pg_catalog.pg_get_indexdef(c.oid), c.reltablespace, "
    "c.reloptions::text)";
static const char of_view[] = "pg_catalog.concat_ws('/', c.relkind, c.reloptions::text, "
                              "pg_catalog.pg_get_viewdef(c.oid))";

static const char *relation_text(uint32_t kind)
{
    switch (kind) {
    case MIGRATE_OBJECT_TABLE:
        return of_table;
    case MIGRATE_OBJECT_VIEW:
        return of_view;
    case MIGRATE_OBJECT_INDEX:
        return of_index;
    default:
        return NULL;
    }
}

/* Text of objects that are no relations, over the oid `o.oid`. */
static const char *other_text(uint32_t kind)
{
    switch (kind) {
    case MIGRATE_OBJECT_SEQUENCE:
        return "(SELECT pg_catalog.to_jsonb(s)::text FROM pg_catalog.pg_sequence s WHERE s.seqrelid = o.oid)";
    case MIGRATE_OBJECT_ROUTINE:
        return "(SELECT (pg_catalog.to_jsonb(p) - 'proacl')::text FROM pg_catalog.pg_proc p WHERE p.oid = "
               "o.oid)";
    case MIGRATE_OBJECT_TRIGGER:
        return "(SELECT pg_catalog.concat_ws('/', pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled) "
               "FROM pg_catalog.pg_trigger t WHERE t.oid = o.oid)";
    case MIGRATE_OBJECT_EVENT:
        return "(SELECT pg_catalog.to_jsonb(e)::text FROM pg_catalog.pg_event_trigger e WHERE e.oid = o.oid)";
    case MIGRATE_OBJECT_DATABASE:
        return "(SELECT pg_catalog.concat_ws('/', b.datname, b.datdba, b.encoding, b.datcollate, b.datctype, "
               "b.datistemplate, b.datallowconn, b.datconnlimit, b.dattablespace) "
               "FROM pg_catalog.pg_database b WHERE b.oid = o.oid)";
    case MIGRATE_OBJECT_TABLESPACE:
        return "(SELECT pg_catalog.concat_ws('/', s.spcname, s.spcowner, s.spcoptions::text) "
               "FROM pg_catalog.pg_tablespace s WHERE s.oid = o.oid)";
    case MIGRATE_OBJECT_SUBSCRIPTION: /* its connection string is not for everybody's eyes */
        return "(SELECT pg_catalog.concat_ws('/', s.subname, s.subenabled, s.subpublications::text) "
               "FROM pg_catalog.pg_subscription s WHERE s.oid = o.oid)";
    default:
        return NULL;
    }
}

/* ---- the expression ---- */

static void digest(struct mig_buf *out, const char *text)
{
    mig_buf_fmt(
        out, "pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(%s, ''), 'UTF8')), 'hex')",
        text);
}

static const char invalid_index[] =
    "CASE WHEN NOT (SELECT i.indisvalid AND i.indisready FROM pg_catalog.pg_index i "
    "WHERE i.indexrelid = c.oid) THEN 'invalid' ELSE ";
/* DETACH PARTITION … CONCURRENTLY that was interrupted wants to be finalized. */
static const char invalid_table[] = "CASE WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_inherits h "
                                    "WHERE (h.inhparent = c.oid OR h.inhrelid = c.oid) AND "
                                    "h.inhdetachpending) THEN 'invalid' ELSE ";

static const char *invalid_case(const struct mig_pg *c, uint32_t kind)
{
    if (kind == MIGRATE_OBJECT_INDEX)
        return invalid_index;
    return kind == MIGRATE_OBJECT_TABLE && PQserverVersion(c->pg) >= 140000 ? invalid_table : NULL;
}

/* The oid changes when it is dropped and made again, the file when its rows are written anew. */
static void of_relation(struct mig_buf *out, const struct mig_pg *c, const migrate_object *o, bool identity)
{
    const char *invalid = invalid_case(c, o->kind);
    mig_buf_fmt(out, "COALESCE((SELECT %s", invalid ? invalid : "");
    digest(out, relation_text(o->kind));
    if (identity)
        mig_buf_str(out, " || pg_catalog.concat(':', c.oid, '.', c.relfilenode)");
    mig_buf_fmt(out, "%s FROM pg_catalog.pg_class c WHERE c.oid = ", invalid ? " END" : "");
    mig_pg_object_oid(out, o);
    mig_buf_str(out, "), 'absent')");
}

static void of_other(struct mig_buf *out, const migrate_object *o, bool identity)
{
    mig_buf_str(out, "(SELECT CASE WHEN o.oid IS NULL THEN 'absent' ELSE ");
    digest(out, other_text(o->kind));
    if (identity)
        mig_buf_str(out, " || pg_catalog.concat(':', o.oid)");
    mig_buf_str(out, " END FROM (SELECT ");
    mig_pg_object_oid(out, o);
    mig_buf_str(out, " AS oid) o)");
}

migrate_status mig_pg_fingerprint(void *conn, const migrate_object *object, const char **out_sql,
                                  uint32_t *proves, migrate_error **err)
{
    struct mig_pg *c = conn;
    bool relation = relation_text(object->kind) != NULL;
    if (!mig_pg_genuine(c) || (!relation && !other_text(object->kind)) || PQserverVersion(c->pg) < 110000) {
        return mig_pg_refuse(c->host, err, MIGRATE_E_UNSUPPORTED, 0,
                             "what became of such an object cannot be told on this server", NULL);
    }
    bool identity = *proves & MIGRATE_PROVES_IDENTITY;
    mig_buf_reset(&c->probe);
    if (relation)
        of_relation(&c->probe, c, object, identity);
    else
        of_other(&c->probe, object, identity);
    if (c->probe.oom)
        return mig_pg_nomem(c->host, err);
    *out_sql = mig_buf_text(&c->probe);
    *proves = MIGRATE_PROVES_DEFINITION | (identity ? MIGRATE_PROVES_IDENTITY : 0);
    return MIGRATE_OK;
}
