/* SPDX-License-Identifier: Apache-2.0 */

/* Are the objects that journalled migrations made still as they left them? Their fingerprints were kept in the journal,
 * direction 'K'. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/books.h"
#include "core/looking.h"

/* The newest mark of an object, in the order they were made. */
struct kept {
    char *object, *fp, *version;
};

struct keeping {
    struct kept *list;
    size_t n, cap;
    bool oom;
};

static char *text_of(const migrate_text *t, bool *oom)
{
    char *copy = mig_strndup(t->data ? t->data : "", t->data ? t->len : 0);
    *oom |= !copy;
    return copy;
}

static void kept_free(struct kept *k)
{
    free(k->object);
    free(k->fp);
    free(k->version);
}

static int32_t on_kept(void *user, uint32_t n, const migrate_text *c)
{
    struct keeping *k = user;
    if (n < 3 || k->oom)
        return 1;
    struct kept one = { text_of(&c[0], &k->oom), text_of(&c[1], &k->oom), text_of(&c[2], &k->oom) };
    if (k->oom) {
        kept_free(&one);
        return 1;
    }
    for (size_t i = 0; i < k->n; i++) {
        if (strcmp(k->list[i].object, one.object) == 0) {
            kept_free(&k->list[i]);
            k->list[i] = one; /* a later one of the same object */
            return 0;
        }
    }
    if (!mig_grow(&k->list, &k->cap, k->n + 1, sizeof *k->list)) {
        kept_free(&one);
        k->oom = true;
        return 1;
    }
    k->list[k->n++] = one;
    return 0;
}

static uint32_t kind_of(const char *name, size_t len)
{
    static const char *const names[] = { "", "table", "view", "index", "routine", "trigger", "event", "sequence", "database",
                                        "tablespace", "subscription" };
    for (uint32_t i = 1; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
            return i;
    }
    return 0;
}

/* "table:schema.name" back into facts; several objects, or names with dots of their own, are passed over. */
static bool facts_of(const char *object, struct mig_sql_facts *f)
{
    const char *colon = strchr(object, ':');
    memset(f, 0, sizeof *f);
    if (!colon || strchr(object, ';'))
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
    if (n && !v->text)
        v->text = text_of(&c[0], &v->oom);
    return 0;
}

static migrate_status differs(migrate_ctx *ctx, const struct kept *k, struct mig_sql_facts *facts, bool *out,
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
        size_t before = strcspn(k->fp, ":?"), then = now.text ? strcspn(now.text, ":?") : 0;
        *out = !status && now.text && (before != then || memcmp(k->fp, now.text, before) != 0);
    }
    free(now.text);
    mig_buf_free(&object);
    mig_buf_free(&fp);
    mig_buf_free(&sql);
    return status;
}

static int32_t on_seen(void *user, uint32_t n, const migrate_text *c)
{
    *(bool *)user = n && c[0].data && !(c[0].len == 1 && c[0].data[0] == '0');
    return 0;
}

/* MariaDB shows only part of a table's definition to somebody who has no right on it but SELECT: what he sees is no
 * proof of a change. */
static migrate_status sees_whole(migrate_ctx *ctx, const struct mig_sql_facts *facts, bool *whole, migrate_error **err)
{
    const struct mig_sql_object *o = &facts->objects[0];
    struct mig_buf sql = MIG_BUF_INIT;
    *whole = true;
    if (ctx->db.dialect != MIGRATE_DIALECT_MYSQL || o->kind != MIGRATE_OBJECT_TABLE)
        return MIGRATE_OK;
    mig_buf_str(&sql, "SELECT COUNT(*) = 0 OR MAX(privileges LIKE '%,%') FROM information_schema.columns WHERE table_schema = ");
    if (o->schema[0])
        mig_literal(&sql, ctx->db.dialect, o->schema);
    else
        mig_buf_str(&sql, "DATABASE()");
    mig_buf_str(&sql, " AND table_name = ");
    mig_literal(&sql, ctx->db.dialect, o->name);
    migrate_status status = mig_exec_buf(ctx, &sql, on_seen, whole, NULL, err);
    mig_buf_free(&sql);
    return status;
}

static void note(struct migrate_report *r, const struct kept *k)
{
    r->state = MIGRATE_STATE_DRIFT;
    for (size_t i = 0; i < r->count; i++) {
        struct migrate_item *item = &r->items[i];
        if (strcmp(item->version, k->version) != 0)
            continue;
        char *text = mig_sprintf("%s is no longer as this migration left it", k->object);
        if (text)
            item->note = mig_report_text(r, text);
        free(text);
    }
}

migrate_status mig_look_for_drift(migrate_ctx *ctx, const struct mig_view *view, struct migrate_report *r,
                                  migrate_error **err)
{
    const migrate_driver *d = ctx->db.driver;
    if (!view->head.present || !MIGRATE_HAS(migrate_driver, d, fingerprint) || !d->fingerprint)
        return MIGRATE_OK;
    struct keeping k = { 0 };
    struct mig_buf sql = MIG_BUF_INIT;
    struct mig_sql_facts *facts = malloc(sizeof *facts);
    mig_buf_fmt(&sql, "SELECT object, fp, version FROM %s WHERE direction = 'K' ORDER BY seq, idx",
                ctx->db.names.journal);
    migrate_status status = facts ? mig_exec_buf(ctx, &sql, on_kept, &k, NULL, err) : mig_fail_nomem(err);
    if (!status && k.oom)
        status = mig_fail_nomem(err);
    migrate_status found = MIGRATE_OK;
    for (size_t i = 0; i < k.n && !status; i++) {
        bool other = false;
        status = differs(ctx, &k.list[i], facts, &other, found ? NULL : err);
        if (!status && other)
            status = sees_whole(ctx, facts, &other, found ? NULL : err);
        if (!other)
            continue;
        note(r, &k.list[i]);
        if (found)
            continue;
        found = mig_fail(err, MIGRATE_E_DRIFT, "%s is no longer as migration %s left it", k.list[i].object,
                         k.list[i].version);
        mig_error_version(err, k.list[i].version);
        mig_error_hint(err, "somebody changed it by hand: put the change in a migration, or undo it");
    }
    for (size_t i = 0; i < k.n; i++)
        kept_free(&k.list[i]);
    free(k.list);
    free(facts);
    mig_buf_free(&sql);
    return status ? status : found;
}
