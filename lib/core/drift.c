/* SPDX-License-Identifier: Apache-2.0 */

/* Are the objects that migrations made on MySQL still as they left them? Every DDL there is journalled, and its mark is
 * kept, direction 'K': which objects it touched, and their fingerprints afterwards. An object is compared with its newest
 * mark, unless something later may have changed it in passing: then nobody knows what it should be like. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/books.h"
#include "core/looking.h"
#include "util/text.h"

/* An object, and the newest mark that names it. */
struct kept {
    char *object, *version;
    char *fp;     /* NULL: not known what it should be */
    size_t order; /* of the mark */
    bool gone;    /* was there, and is not there now as far as this user sees */
};

struct keeping {
    struct kept *list;
    size_t n, cap, order;
    const char *database; /* the session's, or NULL */
    bool oom;
};

static void kept_free(struct kept *k)
{
    free(k->object);
    free(k->version);
    free(k->fp);
}

static void forget_fp(struct kept *k)
{
    free(k->fp);
    k->fp = NULL;
}

static bool is_kind(const char *object, const char *kind)
{
    size_t n = strlen(kind);
    return strncmp(object, kind, n) == 0 && object[n] == ':';
}

/* ---- reading the marks ---------------------------------------------------------- */

/* A table's columns are shown in its views, and its triggers go with it. */
static void touch_dependents(struct keeping *k)
{
    for (size_t i = 0; i < k->n; i++) {
        if (is_kind(k->list[i].object, "view") || is_kind(k->list[i].object, "trigger"))
            forget_fp(&k->list[i]);
    }
}

static void forget_all(struct keeping *k)
{
    for (size_t i = 0; i < k->n; i++)
        forget_fp(&k->list[i]);
}

/* "table:app.t" is "table:t" to a session in app. */
static char *short_name(const struct keeping *k, const char *object, size_t len)
{
    char *copy = mig_strndup(object, len);
    char *name = copy ? strchr(copy, ':') : NULL;
    size_t n = k->database ? strlen(k->database) : 0;
    if (name && n && strncmp(name + 1, k->database, n) == 0 && name[1 + n] == '.')
        memmove(name + 1, name + n + 2, strlen(name + n + 2) + 1);
    return copy;
}

/* The entry of an object. Names that differ in case alone may be one object or two: the older one is no longer known. */
static struct kept *entry(struct keeping *k, const char *object, size_t len)
{
    char *copy = short_name(k, object, len);
    for (size_t i = 0; copy && i < k->n; i++) {
        if (strcmp(k->list[i].object, copy) == 0) {
            free(copy);
            return &k->list[i];
        }
        if (mig_ieq(k->list[i].object, copy))
            forget_fp(&k->list[i]);
    }
    if (!copy || !mig_grow(&k->list, &k->cap, k->n + 1, sizeof *k->list)) {
        free(copy);
        k->oom = true;
        return NULL;
    }
    k->list[k->n] = (struct kept){ .object = copy };
    return &k->list[k->n++];
}

static void note_object(struct keeping *k, const char *object, size_t len, const char *fp, size_t fp_len,
                        const migrate_text *version)
{
    struct kept *e = entry(k, object, len);
    if (!e)
        return;
    forget_fp(e);
    free(e->version);
    e->version = mig_strndup(version->data ? version->data : "", version->len);
    e->order = k->order;
    bool proves = fp_len && !memchr(fp, '?', fp_len); /* else its driver would not compare it either */
    if (proves && !(e->fp = mig_strndup(fp, fp_len)))
        k->oom = true;
    k->oom |= !e->version;
}

/* "table:a;table:b" and its values, one after the other. */
static void note_objects(struct keeping *k, const char *object, const char *fp, const migrate_text *version)
{
    bool known = *fp != '\0';
    while (*object) {
        size_t n = strcspn(object, ";"), nf = known ? strcspn(fp, ";") : 0;
        note_object(k, object, n, fp, nf, version);
        object += n + (object[n] == ';');
        fp += nf + (known && fp[nf] == ';');
    }
}

static void take_mark(struct keeping *k, const char *object, const char *fp, const migrate_text *version)
{
    k->order++;
    bool opaque = !*object || *object == '+' || strstr(object, "more") == object || strstr(object, ";more") ||
                  strstr(object, "database:");
    if (opaque) {
        forget_all(k); /* CALL, or more than could be named: it may have changed anything */
        return;
    }
    if (is_kind(object, "account"))
        return;
    touch_dependents(k);
    note_objects(k, object, fp, version);
}

static int32_t on_kept(void *user, uint32_t n, const migrate_text *c)
{
    struct keeping *k = user;
    if (n < 3 || k->oom)
        return 1;
    char *object = mig_strndup(c[0].data ? c[0].data : "", c[0].data ? c[0].len : 0);
    char *fp = mig_strndup(c[1].data ? c[1].data : "", c[1].data ? c[1].len : 0);
    if (object && fp)
        take_mark(k, object, fp, &c[2]);
    else
        k->oom = true;
    free(object);
    free(fp);
    return k->oom;
}

/* ---- comparing ------------------------------------------------------------------ */

static uint32_t kind_of(const char *name, size_t len)
{
    static const char *const names[] = { "", "table", "view", "index", "routine", "trigger", "event", "sequence", "database" };
    for (uint32_t i = 1; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
            return i;
    }
    return 0;
}

/* "table:schema.name" back into facts; names with dots of their own are passed over. */
static bool facts_of(const char *object, struct mig_sql_facts *f)
{
    const char *colon = strchr(object, ':');
    memset(f, 0, sizeof *f);
    if (!colon)
        return false;
    const char *name = colon + 1, *dot = strchr(name, '.');
    struct mig_sql_object *o = &f->objects[0];
    size_t schema = dot ? (size_t)(dot - name) : 0;
    if (dot && strchr(dot + 1, '.'))
        return false;
    if (schema >= sizeof o->schema || strlen(name) >= sizeof o->name)
        return false;
    memcpy(o->schema, name, schema);
    strncpy(o->name, dot ? dot + 1 : name, sizeof o->name - 1);
    o->kind = kind_of(object, (size_t)(colon - object));
    f->n_objects = 1;
    f->settle = MIG_SQL_SETTLE_CHANGING;
    return o->kind != 0;
}

struct current {
    char *text;
    bool oom;
};

static int32_t on_current(void *user, uint32_t n, const migrate_text *c)
{
    struct current *v = user;
    if (n && !v->text && c[0].data) {
        v->text = mig_strndup(c[0].data, c[0].len);
        v->oom = !v->text;
    }
    return 0;
}

static migrate_status differs(migrate_ctx *ctx, struct kept *k, struct mig_sql_facts *facts, bool *out,
                              migrate_error **err)
{
    struct mig_buf object = MIG_BUF_INIT, fp = MIG_BUF_INIT, sql = MIG_BUF_INIT;
    struct current now = { NULL, false };
    uint32_t proves = 0;
    *out = false;
    migrate_status status =
        facts_of(k->object, facts) ? mig_fingerprint_sql(ctx, facts, &object, &fp, &proves, err) : MIGRATE_OK;
    if (!status && fp.len) {
        mig_buf_fmt(&sql, "SELECT (%s)", mig_buf_text(&fp));
        status = mig_exec_buf(ctx, &sql, on_current, &now, NULL, err);
        size_t before = strcspn(k->fp, ":"), then = now.text ? strcspn(now.text, ":") : 0;
        bool hidden = !now.text || strchr(now.text, '?');
        *out = !status && !hidden && (before != then || memcmp(k->fp, now.text, before) != 0);
        k->gone = *out && strcmp(now.text, "-") == 0;
        if (!status && now.oom)
            status = mig_fail_nomem(err);
    }
    free(now.text);
    mig_buf_free(&object);
    mig_buf_free(&fp);
    mig_buf_free(&sql);
    return status;
}

/* ---- what else may be why ------------------------------------------------------- */

static void where_table(struct mig_buf *sql, const char *schema_column, const struct mig_sql_object *o)
{
    mig_buf_fmt(sql, " WHERE %s = ", schema_column);
    if (o->schema[0])
        mig_literal(sql, MIGRATE_DIALECT_MYSQL, o->schema);
    else
        mig_buf_str(sql, "DATABASE()");
    mig_buf_str(sql, " AND table_name = ");
    mig_literal(sql, MIGRATE_DIALECT_MYSQL, o->name);
}

static int32_t on_seen(void *user, uint32_t n, const migrate_text *c)
{
    *(bool *)user = n && c[0].data && !(c[0].len == 1 && c[0].data[0] == '0');
    return 0;
}

/* MariaDB shows only part of a table's definition to somebody who has no right on it but SELECT: what he sees is no
 * proof of a change. */
static migrate_status sees_whole(migrate_ctx *ctx, const struct mig_sql_object *o, bool *whole, migrate_error **err)
{
    struct mig_buf sql = MIG_BUF_INIT;
    mig_buf_str(&sql, "SELECT COUNT(*) = 0 OR MAX(privileges LIKE '%,%') FROM information_schema.columns");
    where_table(&sql, "table_schema", o);
    migrate_status status = mig_exec_buf(ctx, &sql, on_seen, whole, NULL, err);
    mig_buf_free(&sql);
    return status;
}

struct referenced {
    const struct keeping *k;
    size_t since;
    bool touched;
};

static int32_t on_referenced(void *user, uint32_t n, const migrate_text *c)
{
    struct referenced *r = user;
    for (size_t i = 0; n && c[0].data && i < r->k->n; i++) {
        const char *object = r->k->list[i].object;
        size_t len = strlen(object);
        r->touched |= r->k->list[i].order > r->since && len > c[0].len &&
                      memcmp(object + len - c[0].len, c[0].data, c[0].len) == 0 && strchr(":.", object[len - c[0].len - 1]);
    }
    return 0;
}

/* A foreign key shows the names of the table and the columns it refers to, which later ones may have renamed. */
static migrate_status touched_by_reference(migrate_ctx *ctx, const struct keeping *k, const struct kept *one,
                                           const struct mig_sql_object *o, bool *touched, migrate_error **err)
{
    struct mig_buf sql = MIG_BUF_INIT;
    struct referenced r = { k, one->order, false };
    mig_buf_str(&sql, "SELECT DISTINCT referenced_table_name FROM information_schema.referential_constraints");
    where_table(&sql, "constraint_schema", o);
    migrate_status status = mig_exec_buf(ctx, &sql, on_referenced, &r, NULL, err);
    mig_buf_free(&sql);
    *touched = r.touched;
    return status;
}

/* Has the object been changed by hand? */
static migrate_status is_drift(migrate_ctx *ctx, const struct keeping *k, struct kept *one,
                               struct mig_sql_facts *facts, bool *out, migrate_error **err)
{
    migrate_status status = differs(ctx, one, facts, out, err);
    if (status || !*out || facts->objects[0].kind != MIGRATE_OBJECT_TABLE)
        return status;
    bool touched = false;
    status = sees_whole(ctx, &facts->objects[0], out, err);
    if (!status && *out)
        status = touched_by_reference(ctx, k, one, &facts->objects[0], &touched, err);
    *out &= !touched;
    return status;
}

/* ---- the whole ------------------------------------------------------------------ */

static void note(struct migrate_report *r, const struct kept *k)
{
    char *text = mig_sprintf("%s is no longer as this migration left it", k->object);
    r->state = MIGRATE_STATE_DRIFT;
    if (text)
        mig_report_note(r, k->version, false, 0, text);
    free(text);
}

static migrate_status compare_all(migrate_ctx *ctx, const struct keeping *k, struct migrate_report *r, migrate_error **err)
{
    struct mig_sql_facts *facts = malloc(sizeof *facts);
    migrate_status status = facts ? MIGRATE_OK : mig_fail_nomem(err), found = MIGRATE_OK;
    for (size_t i = 0; i < k->n && !status; i++) {
        struct kept *one = &k->list[i];
        bool drift = false;
        if (one->fp)
            status = is_drift(ctx, k, one, facts, &drift, found ? NULL : err);
        if (status || !drift)
            continue;
        note(r, one);
        if (found)
            continue;
        found = mig_fail(err, MIGRATE_E_DRIFT, "%s is no longer as migration %s left it", one->object, one->version);
        mig_error_version(err, one->version);
        mig_error_hint(err, "somebody %s it by hand%s: put the change in a migration, or undo it", one->gone ? "dropped" : "changed",
                       one->gone ? ", or this user has no right to see it" : "");
    }
    free(facts);
    return status ? status : found;
}

migrate_status mig_look_for_drift(migrate_ctx *ctx, const struct mig_view *view, struct migrate_report *r,
                                  migrate_error **err)
{
    const migrate_driver *d = ctx->db.driver;
    if (!view->head.present || ctx->db.dialect != MIGRATE_DIALECT_MYSQL ||
        !MIGRATE_HAS(migrate_driver, d, fingerprint) || !d->fingerprint)
        return MIGRATE_OK;
    struct keeping k = { .database = ctx->db.facts.database };
    struct mig_buf sql = MIG_BUF_INIT;
    mig_buf_fmt(&sql, "SELECT object, fp, version FROM %s WHERE direction = 'K' ORDER BY seq, idx",
                ctx->db.names.journal);
    migrate_status status = mig_exec_buf(ctx, &sql, on_kept, &k, NULL, err);
    if (k.oom)
        status = mig_fail_nomem(err);
    if (!status)
        status = compare_all(ctx, &k, r, err);
    for (size_t i = 0; i < k.n; i++)
        kept_free(&k.list[i]);
    free(k.list);
    mig_buf_free(&sql);
    return status;
}
