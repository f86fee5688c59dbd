/* SPDX-License-Identifier: Apache-2.0 */

/* Expressions that tell whether a statement outside of a transaction has taken effect. PostgreSQL needs them for indexes
 * and tables only: all else runs inside. */

#include <string.h>

#include "drivers/rds_data/rds.h"

static bool supported(const struct mig_rds *c, const migrate_object *o)
{
    return mig_rds_postgres(c) && o->name.data && c->facts.version >= 110000 &&
           (o->kind == MIGRATE_OBJECT_INDEX || o->kind == MIGRATE_OBJECT_TABLE);
}

static void add_oid(const struct mig_rds *c, const migrate_object *o, const char *kinds, struct mig_buf *out)
{
    mig_buf_fmt(out, "(SELECT oid FROM pg_catalog.pg_class WHERE relkind IN (%s) AND relname = ", kinds);
    mig_rds_literal(c, out, o->name.data, o->name.len);
    if (o->schema.data && o->schema.len) {
        mig_buf_str(out, " AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = ");
        mig_rds_literal(c, out, o->schema.data, o->schema.len);
        mig_buf_char(out, ')');
    } else {
        mig_buf_str(out, " AND pg_catalog.pg_table_is_visible(oid)");
    }
    mig_buf_str(out, " LIMIT 1)");
}

/* `::` is no placeholder, but CAST is beyond doubt. */
static const char index_text[] =
    "pg_catalog.concat_ws('/', pg_catalog.pg_get_indexdef(c.oid), c.reltablespace, CAST(c.reloptions AS text))";
static const char table_text[] =
    "pg_catalog.concat_ws('/', c.relkind, c.relpersistence, c.reltablespace, c.relispartition, CAST(c.reloptions AS text), "
    "pg_catalog.pg_get_expr(c.relpartbound, c.oid), "
    "(SELECT pg_catalog.string_agg(pg_catalog.concat_ws('|', a.attnum, a.attname, "
    "pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, "
    "pg_catalog.pg_get_expr(d.adbin, d.adrelid)), ',' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a LEFT JOIN "
    "pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = c.oid AND a.attnum > 0 "
    "AND NOT a.attisdropped), "
    "(SELECT pg_catalog.string_agg(pg_catalog.concat_ws('|', k.conname, pg_catalog.pg_get_constraintdef(k.oid), "
    "k.convalidated), ',' ORDER BY k.conname) FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid), "
    "(SELECT pg_catalog.string_agg(pg_catalog.concat_ws('|', pg_catalog.pg_get_indexdef(i.indexrelid), i.indisvalid), ',' "
    "ORDER BY i.indexrelid) FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid), "
    "(SELECT pg_catalog.string_agg(CAST(h.inhparent AS text), ',' ORDER BY h.inhseqno) FROM pg_catalog.pg_inherits h WHERE "
    "h.inhrelid = c.oid))";
static const char invalid_index[] = "NOT (SELECT i.indisvalid AND i.indisready FROM pg_catalog.pg_index i WHERE "
                                    "i.indexrelid = c.oid)";
static const char invalid_table[] = "EXISTS (SELECT 1 FROM pg_catalog.pg_inherits h WHERE (h.inhparent = c.oid OR "
                                    "h.inhrelid = c.oid) AND h.inhdetachpending)";

static void probe_postgres(struct mig_rds *c, const migrate_object *o, bool identity)
{
    bool index = o->kind == MIGRATE_OBJECT_INDEX;
    const char *invalid = index ? invalid_index : c->facts.version >= 140000 ? invalid_table : "false";
    mig_buf_fmt(&c->out, "COALESCE((SELECT CASE WHEN %s THEN 'invalid' ELSE pg_catalog.encode(pg_catalog.sha256("
                         "pg_catalog.convert_to(COALESCE(%s, ''), 'UTF8')), 'hex')%s END FROM pg_catalog.pg_class c WHERE c.oid = ",
                invalid, index ? index_text : table_text,
                identity ? " || pg_catalog.concat(E'\\x3a', c.oid, '.', c.relfilenode)" : "");
    add_oid(c, o, index ? "'i','I'" : "'r','p','f'", &c->out);
    mig_buf_str(&c->out, "), 'absent')");
}

migrate_status mig_rds_fingerprint(void *conn, const migrate_object *given, const char **out_sql, uint32_t *proves,
                                   migrate_error **err)
{
    struct mig_rds *c = conn;
    migrate_object object;
    mig_rds_take(&object, sizeof object, given);
    mig_buf_reset(&c->out);
    bool identity = (*proves & MIGRATE_PROVES_IDENTITY) != 0;
    bool known = mig_rds_postgres(c) ? supported(c, &object) : mig_rds_probe_mysql(c, &object, &c->out, proves);
    if (!known)
        return mig_rds_refuse(c->host, err, MIGRATE_E_UNSUPPORTED, MIGRATE_FAULT_OTHER,
                              "what became of such an object cannot be told here", NULL);
    if (mig_rds_postgres(c)) {
        probe_postgres(c, &object, identity);
        *proves = MIGRATE_PROVES_DEFINITION | (identity ? MIGRATE_PROVES_IDENTITY : 0);
    }
    if (c->out.oom)
        return mig_rds_nomem(c->host, err);
    *out_sql = mig_buf_text(&c->out);
    return MIGRATE_OK;
}
