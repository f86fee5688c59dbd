/* SPDX-License-Identifier: Apache-2.0 */

/* Fingerprints of the objects that a statement names. */

#include <string.h>

#include "core/journal.h"

static const char *kind_name(uint32_t kind)
{
    static const char *const names[] = { "", "table", "view", "index", "routine", "trigger", "event", "sequence", "database",
                                        "tablespace", "subscription" };
    return kind < sizeof names / sizeof *names ? names[kind] : "";
}

static migrate_text text_of(const char *s)
{
    return (migrate_text){ s[0] ? s : NULL, strlen(s) };
}

static void object_of(const struct mig_sql_object *o, migrate_object *out)
{
    *out = (migrate_object){ .struct_size = sizeof *out,
                             .kind = o->kind,
                             .schema = text_of(o->schema),
                             .name = text_of(o->name),
                             .parent = text_of(o->parent) };
}

/* An index of MySQL is part of its table, whose fingerprint it changes. */
static void write_object(const struct mig_sql_object *o, uint32_t dialect, struct mig_buf *out)
{
    bool part = dialect == MIGRATE_DIALECT_MYSQL && o->kind == MIGRATE_OBJECT_INDEX && o->parent[0];
    mig_buf_fmt(out, "%s%s:%s%s%s", out->len ? ";" : "", kind_name(part ? MIGRATE_OBJECT_TABLE : o->kind), o->schema,
                o->schema[0] ? "." : "", part ? o->parent : o->name);
}

/* Rights have no definition, and change none. */
static bool about_accounts(const char *verb)
{
    static const char *const ends[] = { "GRANT", "REVOKE", " USER", " ROLE" };
    size_t len = strlen(verb);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t n = strlen(ends[i]);
        if (len >= n && strcmp(verb + len - n, ends[i]) == 0)
            return true;
    }
    return false;
}

/* They are written as "kind:schema.name;…": a name that holds ';' or '.' would be read as another. */
static void write_objects(const struct mig_sql_facts *f, uint32_t dialect, struct mig_buf *out)
{
    bool more = f->more_objects;
    for (uint32_t i = 0; i < f->n_objects; i++) {
        write_object(&f->objects[i], dialect, out);
        more = more || strpbrk(f->objects[i].name, ";.") || strpbrk(f->objects[i].schema, ";.");
    }
    if (more)
        mig_buf_str(out, out->len ? ";more" : "more");
    else if (!f->n_objects && about_accounts(f->verb))
        mig_buf_str(out, "account:");
}

static bool can_fingerprint(const migrate_ctx *ctx, const struct mig_sql_facts *f)
{
    const migrate_driver *d = ctx->db.driver;
    if (!d || !MIGRATE_HAS(migrate_driver, d, fingerprint) || !d->fingerprint || !ctx->db.conn)
        return false;
    if (!f->n_objects || f->more_objects)
        return false;
    for (uint32_t i = 0; i < f->n_objects; i++) {
        if (!f->objects[i].kind || !f->objects[i].name[0])
            return false;
    }
    return true;
}

/* Several objects give one text, their values one after the other. */
static void join(struct mig_buf *sql, const struct mig_sql_facts *f, uint32_t index, const char *one, uint32_t dialect)
{
    bool mysql = dialect == MIGRATE_DIALECT_MYSQL;
    if (f->n_objects == 1) {
        mig_buf_str(sql, one);
        return;
    }
    if (mysql)
        mig_buf_fmt(sql, "%s(%s)", index ? ", " : "CONCAT_WS(';', ", one);
    else
        mig_buf_fmt(sql, "%s(%s)", index ? " || ';' || " : "", one);
    if (mysql && index + 1 == f->n_objects)
        mig_buf_char(sql, ')');
}

/* A swap changes identities. DROP and ADD of one column do not, but are seen as a definition written anew: by a time, which
 * tells nothing of an object that is younger than a second. */
static uint32_t beyond_definition(const struct mig_sql_facts *f)
{
    return MIGRATE_PROVES_IDENTITY | (strcmp(f->verb, "ALTER TABLE") == 0 ? MIGRATE_PROVES_REBUILD : 0);
}

migrate_status mig_fingerprint_sql(migrate_ctx *ctx, const struct mig_sql_facts *f, struct mig_buf *object,
                                   struct mig_buf *sql, uint32_t *proves, migrate_error **err)
{
    mig_buf_reset(object);
    mig_buf_reset(sql);
    *proves = 0;
    write_objects(f, ctx->db.dialect, object);
    if (!can_fingerprint(ctx, f))
        return object->oom ? mig_fail_nomem(err) : MIGRATE_OK;
    const uint32_t want = MIGRATE_PROVES_DEFINITION | (f->settle == MIG_SQL_SETTLE_NEUTRAL ? beyond_definition(f) : 0);
    uint32_t all = UINT32_MAX;
    for (uint32_t i = 0; i < f->n_objects; i++) {
        migrate_object o;
        object_of(&f->objects[i], &o);
        const char *one = NULL;
        uint32_t of_one = want;
        migrate_error *why = NULL;
        migrate_status status = ctx->db.driver->fingerprint(ctx->db.conn, &o, &one, &of_one, &why);
        migrate_error_free(why);
        if (status == MIGRATE_E_NOMEM)
            return mig_fail_nomem(err);
        if (status || !one) {
            mig_buf_reset(sql);
            return MIGRATE_OK; /* cannot be told: doubt */
        }
        all &= of_one;
        join(sql, f, i, one, ctx->db.dialect);
    }
    *proves = all;
    return object->oom || sql->oom ? mig_fail_nomem(err) : MIGRATE_OK;
}

enum mig_sql_settle mig_settle_class(const migrate_ctx *ctx, const struct mig_sql_facts *f, bool has_fp,
                                     uint32_t proves)
{
    enum mig_sql_settle own = f->settle;
    if (own == MIG_SQL_SETTLE_TX || own == MIG_SQL_SETTLE_REPEATABLE || own == MIG_SQL_SETTLE_DOUBT)
        return own;
    bool mysql = ctx->db.dialect == MIGRATE_DIALECT_MYSQL;
    if (mysql && ctx->db.facts.known && !(ctx->db.facts.caps & MIGRATE_CAP_DDL_ATOMIC))
        return MIG_SQL_SETTLE_DOUBT;
    if (!has_fp)
        return MIG_SQL_SETTLE_DOUBT;
    uint32_t needs = beyond_definition(f);
    if (own == MIG_SQL_SETTLE_NEUTRAL && (proves & needs) != needs)
        return MIG_SQL_SETTLE_DOUBT;
    if (own == MIG_SQL_SETTLE_CHANGING && !(proves & MIGRATE_PROVES_DEFINITION))
        return MIG_SQL_SETTLE_DOUBT;
    return own;
}
