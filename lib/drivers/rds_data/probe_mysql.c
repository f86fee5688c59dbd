/* SPDX-License-Identifier: Apache-2.0 */

/* MySQL and MariaDB: a digest of what information_schema shows of an object, by the same columns as the MySQL driver's. */

#include <string.h>

/* As they are compiled for this driver (meson.build). */
#define mig_my_kinds_mysql mig_rds_kinds_mysql
#define mig_my_n_kinds_mysql mig_rds_n_kinds_mysql
#define mig_my_kinds_mariadb mig_rds_kinds_mariadb
#define mig_my_n_kinds_mariadb mig_rds_n_kinds_mariadb
#include "drivers/mysql/fingerprint.h"
#include "drivers/rds_data/rds.h"
#include "util/text.h"

struct names {
    struct mig_buf db, name; /* literals */
};

/* ':' stands before the names in a part's condition. */
static void add_named(struct mig_buf *out, const char *text, const struct names *n)
{
    for (const char *colon; (colon = strchr(text, ':')) != NULL;) {
        bool db = mig_starts(colon, ":db");
        mig_buf_add(out, text, (size_t)(colon - text));
        mig_buf_str(out, mig_buf_text(db ? &n->db : &n->name));
        text = colon + (db ? 3 : 5);
    }
    mig_buf_str(out, text);
}

/* Number of rows, and an XOR of their digests. A column that begins with '!' is printed by the session's sql_mode. */
static void add_digest(struct mig_buf *out, const char *columns)
{
    mig_buf_str(out, "CONCAT(COUNT(*),'.',COALESCE(BIT_XOR(CAST(CONV(LEFT(SHA2(CONCAT_WS('|'");
    while (*columns) {
        size_t len = strcspn(columns, ",");
        bool printed = *columns == '!';
        mig_buf_str(out, printed ? ",COALESCE(REPLACE(REPLACE(" : ",COALESCE(");
        mig_buf_add(out, columns + printed, len - printed);
        mig_buf_str(out, printed ? ",'`',''),'\"',''),'~')" : ",'~')");
        columns += len + (columns[len] == ',');
    }
    mig_buf_str(out, "),256),16),16,10) AS UNSIGNED)),0))");
}

static void add_from(struct mig_buf *out, const struct mig_my_part *part, const struct names *n)
{
    mig_buf_fmt(out, " FROM %s WHERE ", part->from);
    add_named(out, part->where, n);
}

/* '-' for an object that is not there; '?' behind one of which too little can be known. */
static void compose(const struct mig_rds *c, const struct mig_my_kind *kind, const struct names *n, bool rebuild,
                    struct mig_buf *out)
{
    const struct mig_my_part *own = &kind->parts[0];
    mig_buf_str(out, "(SELECT IF(b.n=0,'-',CONCAT(SHA2(CONCAT_WS('/',b.x");
    for (size_t i = 1; i < kind->n_parts; i++) {
        if (c->facts.version < kind->parts[i].since)
            continue;
        mig_buf_str(out, ",(SELECT ");
        add_digest(out, kind->parts[i].columns);
        add_from(out, &kind->parts[i], n);
        mig_buf_char(out, ')');
    }
    mig_buf_fmt(out, "),256)%s,IF(b.h%s,'?',''))) FROM (SELECT COUNT(*) n,", rebuild ? ",CHAR(58,64),b.ct" : "",
                rebuild ? " OR b.young" : "");
    add_digest(out, own->columns);
    mig_buf_fmt(out, " x,%s", own->tells);
    add_from(out, own, n);
    mig_buf_str(out, ") b)");
}

static void compose_absence(const struct mig_my_kind *kind, const struct names *n, struct mig_buf *out)
{
    mig_buf_str(out, "(SELECT IF(COUNT(*)=0,'-','+?')");
    add_from(out, &kind->parts[0], n);
    mig_buf_char(out, ')');
}

static const struct mig_my_kind *find_kind(const struct mig_rds *c, uint32_t number)
{
    const struct mig_my_kind *kinds = c->facts.mariadb ? mig_my_kinds_mariadb : mig_my_kinds_mysql;
    size_t n = c->facts.mariadb ? mig_my_n_kinds_mariadb : mig_my_n_kinds_mysql;
    for (size_t i = 0; i < n; i++) {
        if (kinds[i].kind == number)
            return &kinds[i];
    }
    return NULL;
}

static bool schema_of(const struct mig_rds *c, const migrate_object *o, migrate_text *out)
{
    *out = o->kind == MIGRATE_OBJECT_DATABASE ? o->name : o->schema;
    if (!out->data && c->facts.database)
        *out = (migrate_text){ c->facts.database, strlen(c->facts.database) };
    return out->data != NULL;
}

bool mig_rds_probe_mysql(const struct mig_rds *c, const migrate_object *o, struct mig_buf *out, uint32_t *proves)
{
    bool of_index = o->kind == MIGRATE_OBJECT_INDEX;
    const struct mig_my_kind *kind = find_kind(c, of_index ? MIGRATE_OBJECT_TABLE : o->kind);
    migrate_text db, name = of_index ? o->parent : o->name;
    if (!kind || !name.data || !schema_of(c, o, &db) || c->facts.version < (c->facts.mariadb ? 100600u : 80000u))
        return false;
    struct names n = { MIG_BUF_INIT, MIG_BUF_INIT };
    mig_rds_literal(c, &n.db, db.data, db.len);
    mig_rds_literal(c, &n.name, name.data, name.len);
    bool rebuild = kind->kind == MIGRATE_OBJECT_TABLE && (*proves & MIGRATE_PROVES_REBUILD);
    if (*proves == MIGRATE_PROVES_ABSENCE) {
        compose_absence(kind, &n, out);
    } else {
        compose(c, kind, &n, rebuild, out);
        *proves = MIGRATE_PROVES_DEFINITION | (rebuild ? MIGRATE_PROVES_REBUILD : 0);
    }
    out->oom |= n.db.oom || n.name.oom;
    mig_buf_free(&n.db);
    mig_buf_free(&n.name);
    return true;
}
