/* SPDX-License-Identifier: Apache-2.0 */

/* Makes a scalar expression that digests an object as information_schema shows it. Each part is a count and an XOR of
 * row digests: no order, and nothing is cut off as GROUP_CONCAT would. */

#include "drivers/mysql/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/mysql/conn.h"
#include "util/mem.h"
#include "util/text.h"

/* ---- names -------------------------------------------------------------------------- */

bool mig_my_schema(const struct mig_my *c, const migrate_object *object, migrate_text *out)
{
    *out = object->schema;
    if (object->kind == MIGRATE_OBJECT_DATABASE)
        *out = object->name;
    if (!out->data && c->facts && c->facts->database)
        *out = (migrate_text){ c->facts->database, strlen(c->facts->database) };
    return out->data != NULL;
}

struct names {
    struct mig_buf db, name; /* literals */
    bool           plain;    /* of a table that has nothing to show in the parts with a `given` */
};

static void add_literal(struct mig_buf *out, bool lower, migrate_text text)
{
    mig_buf_str(out, lower ? "LOWER(" : "");
    mig_my_literal(out, text.data, text.len);
    mig_buf_str(out, lower ? ")" : "");
}

/* Writes @p text with :db and :name replaced. */
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

/* ---- the expression ------------------------------------------------------------------ */

static void add_column(struct mig_buf *out, const char *at, size_t len)
{
    bool printed = *at == '!';
    mig_buf_str(out, printed ? ",COALESCE(REPLACE(REPLACE(" : ",COALESCE(");
    mig_buf_add(out, at + printed, len - printed);
    mig_buf_str(out, printed ? ",'`',''),'\"',''),'~')" : ",'~')");
}

/* Number of rows, and an XOR of their digests. */
static void add_digest(struct mig_buf *out, const struct mig_my_part *part)
{
    mig_buf_str(out, "CONCAT(COUNT(*),':',COALESCE(BIT_XOR(CAST(CONV(LEFT(SHA2(CONCAT_WS('|'");
    for (const char *at = part->columns; *at;) {
        size_t len = strcspn(at, ",");
        add_column(out, at, len);
        at += len + (at[len] == ',');
    }
    mig_buf_str(out, "),256),16),16,10) AS UNSIGNED)),0))");
}

static void add_rows(struct mig_buf *out, const struct mig_my_part *part, const struct names *n)
{
    mig_buf_fmt(out, " FROM %s WHERE ", part->from);
    add_named(out, part->where, n);
}

static void add_part(struct mig_buf *out, const struct mig_my_part *part, const struct names *n)
{
    if (part->given && n->plain) {
        mig_buf_str(out, ",''");
        return;
    }
    if (part->given)
        mig_buf_fmt(out, ",IF(%s,", part->given);
    else
        mig_buf_char(out, ',');
    mig_buf_str(out, "(SELECT ");
    add_digest(out, part);
    add_rows(out, part, n);
    mig_buf_str(out, part->given ? "),'')" : ")");
}

static bool given_by(const struct mig_my_part *part, char letter)
{
    return part->given && part->given[0] == letter;
}

/* The part that tells whether others are worth while is a derived table beside the first one. */
static const struct mig_my_part *teller(const struct mig_my_kind *kind)
{
    for (size_t i = 1; i < kind->n_parts; i++) {
        if (kind->parts[i].tells)
            return &kind->parts[i];
    }
    return NULL;
}

static void add_group(struct mig_buf *out, const struct mig_my_kind *kind, const struct names *n)
{
    mig_buf_str(out, ",CONCAT_WS('/',k.x");
    for (size_t i = 1; i < kind->n_parts; i++) {
        if (given_by(&kind->parts[i], 'k'))
            add_part(out, &kind->parts[i], n);
    }
    mig_buf_char(out, ')');
}

static void add_told(struct mig_buf *out, const struct mig_my_part *part, const struct names *n)
{
    mig_buf_str(out, "(SELECT COUNT(*) n,");
    add_digest(out, part);
    mig_buf_fmt(out, " x,%s", part->tells);
    add_rows(out, part, n);
    mig_buf_char(out, ')');
}

static void add_definition(struct mig_buf *out, const struct mig_my *c, const struct mig_my_kind *kind, const struct names *n)
{
    mig_buf_str(out, "SHA2(CONCAT_WS('/',b.x");
    for (size_t i = 1; i < kind->n_parts; i++) {
        const struct mig_my_part *part = &kind->parts[i];
        if (c->version < part->since || given_by(part, 'k'))
            continue;
        if (part->tells)
            add_group(out, kind, n);
        else
            add_part(out, part, n);
    }
    mig_buf_str(out, "),256)");
}

/* ---- identity: InnoDB's own number of the table ----------------------------------------- */

/* A name as InnoDB keeps it: what is no letter, digit or '_' is @ and four hex digits. false: it has letters that
 * are encoded by a table of the server's own. */
static bool add_file_name(struct mig_buf *out, migrate_text name, bool lower)
{
    for (size_t i = 0; i < name.len; i++) {
        char ch = lower ? mig_lower(name.data[i]) : name.data[i];
        if ((unsigned char)ch >= 0x80)
            return false;
        if (mig_is_alpha(ch) || mig_is_digit(ch) || ch == '_')
            mig_buf_char(out, ch);
        else
            mig_buf_fmt(out, "@%04x", (unsigned)(unsigned char)ch);
    }
    return true;
}

/* Partitions are tables of their own: NAME#p#PARTITION. */
static bool add_identity(struct mig_buf *out, const struct mig_my *c, migrate_text db, migrate_text name)
{
    struct mig_buf file = MIG_BUF_INIT;
    bool lower = c->facts && c->facts->lower_names;
    bool ok = add_file_name(&file, db, lower);
    mig_buf_char(&file, '/');
    ok = ok && add_file_name(&file, name, lower);
    if (ok) {
        mig_buf_str(out, "(SELECT CONCAT(COUNT(*),'.',COALESCE(BIT_XOR(table_id),0),'.',COALESCE(BIT_XOR(space),0)) FROM "
                         "information_schema.");
        mig_buf_str(out, c->mariadb ? "innodb_sys_tables" : "innodb_tables");
        mig_buf_str(out, " WHERE CAST(name AS BINARY)=");
        mig_my_literal(out, mig_buf_text(&file), file.len);
        mig_buf_char(&file, '#');
        mig_buf_fmt(out, " OR LEFT(CAST(name AS BINARY),%zu)=", file.len);
        mig_my_literal(out, mig_buf_text(&file), file.len);
        mig_buf_char(out, ')');
    }
    out->oom |= file.oom;
    mig_buf_free(&file);
    return ok;
}

static void add_more(struct mig_buf *out, struct mig_my *c, migrate_text db, migrate_text name, uint32_t *proves)
{
    if (*proves & (MIGRATE_PROVES_IDENTITY | MIGRATE_PROVES_REBUILD))
        mig_buf_str(out, ",':'");
    if (*proves & MIGRATE_PROVES_IDENTITY) {
        mig_buf_char(out, ',');
        if (!add_identity(out, c, db, name)) {
            mig_buf_str(out, "''");
            *proves &= ~MIGRATE_PROVES_IDENTITY;
        }
    }
    if (*proves & MIGRATE_PROVES_REBUILD)
        mig_buf_str(out, ",'@',b.ct");
}

/* ---- what cannot be proved ------------------------------------------------------------------ */

/* Known since info(); what came later is told by the '?' of the expression itself. */
static bool unproved(const struct mig_my *c, uint32_t kind, migrate_text db, migrate_text name)
{
    switch (kind) {
    case MIGRATE_OBJECT_TABLE:
        return mig_my_listed(c, MIG_MY_NO_ATOMIC, db, name);
    case MIGRATE_OBJECT_VIEW:
        return mig_my_listed(c, MIG_MY_HIDDEN_VIEW, db, name);
    case MIGRATE_OBJECT_ROUTINE:
        return mig_my_listed(c, MIG_MY_HIDDEN_BODY, db, name);
    default:
        return false;
    }
}

/* ---- the member -------------------------------------------------------------------------------- */

static migrate_status unsupported(struct mig_my *c, const char *message, const char *hint, migrate_error **err)
{
    return mig_my_refuse(c->host, err, MIGRATE_E_UNSUPPORTED, MIGRATE_FAULT_OTHER, message, hint);
}

static const struct mig_my_kind *find_kind(const struct mig_my *c, uint32_t kind)
{
    const struct mig_my_kind *kinds = c->mariadb ? mig_my_kinds_mariadb : mig_my_kinds_mysql;
    size_t n = c->mariadb ? mig_my_n_kinds_mariadb : mig_my_n_kinds_mysql;
    for (size_t i = 0; i < n; i++) {
        if (kinds[i].kind == kind)
            return &kinds[i];
    }
    return NULL;
}

static migrate_status not_seen(struct mig_my *c, uint32_t kind, migrate_error **err)
{
    switch (kind) {
    case MIGRATE_OBJECT_TABLE:
        return unsupported(c, "the table's storage engine has no atomic DDL",
                           "ALTER TABLE … ENGINE=InnoDB, or settle the statement with resolve after a crash.", err);
    case MIGRATE_OBJECT_VIEW:
        return unsupported(c, "the view's definition is not visible to this user", "GRANT SHOW VIEW, SELECT ON the database.",
                           err);
    default:
        return unsupported(c, "the routine's definition is not visible to this user",
                           "MySQL: GRANT SHOW_ROUTINE ON *.*; MariaDB 11.3 and newer: GRANT SHOW CREATE ROUTINE ON the "
                           "database; older: GRANT SELECT ON mysql.proc.", err);
    }
}

static void make_names(const struct mig_my *c, struct names *n, migrate_text db, migrate_text name)
{
    bool lower = c->facts->lower_names;
    add_literal(&n->db, lower, db);
    add_literal(&n->name, lower, name);
}

/* '-' for an object that is not there. Made within this very second: a later change could fall into the same one. */
static void compose(struct mig_my *c, const struct mig_my_kind *kind, const struct names *n, migrate_text db,
                    migrate_text name, uint32_t *proves)
{
    struct mig_buf *out = &c->out;
    const struct mig_my_part *k = teller(kind);
    mig_buf_reset(out);
    mig_buf_str(out, "(SELECT IF(b.n=0,'-',CONCAT(");
    add_definition(out, c, kind, n);
    add_more(out, c, db, name, proves);
    mig_buf_fmt(out, ",IF(b.h%s%s,'?',''))) FROM ", n->plain ? " OR b.pt OR k.fk OR k.ck" : "",
                *proves & MIGRATE_PROVES_REBUILD ? " OR b.young" : "");
    add_told(out, &kind->parts[0], n);
    mig_buf_str(out, " b");
    if (k) {
        mig_buf_char(out, ',');
        add_told(out, k, n);
        mig_buf_str(out, " k");
    }
    mig_buf_char(out, ')');
}

/* Whether it is there; what is there already proves nothing for a CREATE. */
static void compose_absence(struct mig_my *c, const struct mig_my_kind *kind, const struct names *n)
{
    mig_buf_reset(&c->out);
    mig_buf_str(&c->out, "(SELECT IF(COUNT(*)=0,'-','+?')");
    add_rows(&c->out, &kind->parts[0], n);
    mig_buf_char(&c->out, ')');
}

/* Only tables have more to them than a definition. */
static uint32_t wanted(const struct mig_my *c, uint32_t kind, uint32_t asked)
{
    uint32_t more = kind == MIGRATE_OBJECT_TABLE ? asked & (MIGRATE_PROVES_IDENTITY | MIGRATE_PROVES_REBUILD) : 0;
    if (!c->facts->process)
        more &= ~MIGRATE_PROVES_IDENTITY;
    return MIGRATE_PROVES_DEFINITION | more;
}

static migrate_status make(struct mig_my *c, const struct mig_my_kind *kind, migrate_text db, migrate_text name,
                           uint32_t *proves, migrate_error **err)
{
    struct names n = { MIG_BUF_INIT, MIG_BUF_INIT, false };
    if (unproved(c, kind->kind, db, name))
        return not_seen(c, kind->kind, err);
    uint32_t proved = *proves == MIGRATE_PROVES_ABSENCE ? *proves : wanted(c, kind->kind, *proves);
    make_names(c, &n, db, name);
    n.plain = kind->kind == MIGRATE_OBJECT_TABLE && mig_my_is_plain(c, db, name);
    if (proved == MIGRATE_PROVES_ABSENCE)
        compose_absence(c, kind, &n);
    else
        compose(c, kind, &n, db, name, &proved);
    bool oom = n.db.oom || n.name.oom || c->out.oom;
    mig_buf_free(&n.db);
    mig_buf_free(&n.name);
    if (oom)
        return mig_my_nomem(c->host, err);
    *proves = proved;
    return MIGRATE_OK;
}

/* Facts are there after info(). Without it they are asked for now, but never while a batch is fed. */
static migrate_status need_facts(struct mig_my *c, migrate_error **err)
{
    if (c->facts)
        return MIGRATE_OK;
    if (c->feeding)
        return unsupported(c, "the server's facts have not been asked for", NULL, err);
    migrate_status status = mig_my_enter(c, err);
    return status ? status : mig_my_facts_load(c, err);
}

migrate_status mig_my_fingerprint(void *conn, const migrate_object *given, const char **out_sql, uint32_t *proves,
                                  migrate_error **err)
{
    struct mig_my *c = conn;
    migrate_object object;
    mig_my_take(&object, sizeof object, given);
    migrate_text db, name = object.name;
    uint32_t kind_number = object.kind;
    migrate_status status = need_facts(c, err);
    if (status)
        return status;
    if (kind_number == MIGRATE_OBJECT_INDEX) {
        kind_number = MIGRATE_OBJECT_TABLE;
        name = object.parent;
    }
    const struct mig_my_kind *kind = find_kind(c, kind_number);
    if (!kind || !name.data)
        return unsupported(c, "objects of this kind have no fingerprint", NULL, err);
    if (c->version < (c->mariadb ? 100600u : 80000u))
        return unsupported(c, "DDL of this server is not atomic", "MySQL 8.0 and MariaDB 10.6 and newer are.", err);
    if (!mig_my_schema(c, &object, &db))
        return unsupported(c, "no database is selected, and the statement names none", "Name the database in the URL.", err);
    status = make(c, kind, db, name, proves, err);
    if (!status)
        *out_sql = mig_buf_text(&c->out);
    return status;
}
