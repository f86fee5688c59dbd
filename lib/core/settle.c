/* SPDX-License-Identifier: Apache-2.0 */

/* An intent without its done mark: did the statement take effect? Asked only under the lock, when the session that sent
 * it is gone. */

#include <stdlib.h>
#include <string.h>

#include "core/books.h"
#include "core/journal.h"
#include "util/text.h"

/* ---- the statement ---------------------------------------------------------- */

static migrate_status find_statement(migrate_ctx *ctx, const struct mig_script_of *of, uint64_t number,
                                     const char *sha, struct mig_settled *out, struct mig_sql_facts *facts,
                                     migrate_error **err)
{
    struct mig_script *script = NULL;
    struct mig_cut cut;
    migrate_status status = mig_script_open(ctx, of, &script, err);
    while (!status) {
        status = mig_script_next(script, &cut, err);
        if (status || cut.number == number)
            break;
    }
    if (status == MIGRATE_OK) {
        char hex[MIG_SHA256_HEX + 1];
        mig_unit_sha_of(cut.text, cut.len, hex);
        *facts = *cut.facts;
        out->edited = strcmp(hex, sha) != 0;
        out->text = mig_strndup(cut.text, cut.len);
        out->number = number;
        out->line = cut.line;
        out->column = cut.column;
        memcpy(out->verb, cut.facts->verb, sizeof out->verb);
        if (!out->text)
            status = mig_fail_nomem(err);
    } else if (status == MIGRATE_DONE) {
        out->edited = true; /* the file is shorter now */
        memset(facts, 0, sizeof *facts);
        status = MIGRATE_OK;
    }
    mig_script_close(script);
    return status;
}

/* ---- the object ------------------------------------------------------------- */

struct value {
    char *text;
    bool oom;
};

static int32_t on_value(void *user, uint32_t n, const migrate_text *cols)
{
    struct value *v = user;
    if (!n || v->text)
        return 0;
    v->text = mig_strndup(cols[0].data ? cols[0].data : "", cols[0].data ? cols[0].len : 0);
    v->oom = !v->text;
    return 0;
}

static migrate_status fingerprint_now(migrate_ctx *ctx, const char *fp_sql, char **out, migrate_error **err)
{
    struct mig_buf sql = MIG_BUF_INIT;
    struct value v = { NULL, false };
    mig_buf_fmt(&sql, "SELECT (%s)", fp_sql);
    migrate_status status = mig_exec_buf(ctx, &sql, on_value, &v, NULL, err);
    mig_buf_free(&sql);
    if (!status && !v.text)
        status = mig_fail_nomem(err);
    if (status)
        free(v.text);
    else
        *out = v.text;
    return status;
}

/* ---- the session that sent it ------------------------------------------------- */

enum { STILL_RUNNING_PAUSE_MS = 500, COMPARED_CHARS = 500 };

static int32_t on_count(void *user, uint32_t n, const migrate_text *cols)
{
    bool *any = user;
    *any = n && cols[0].data && !(cols[0].len == 1 && cols[0].data[0] == '0');
    return 0;
}

/* A session lock proves that its session is gone. Behind a pooler nothing does: a client may be dead and the backend
 * still at work on what it sent. PostgreSQL shows what its backends run. */
static migrate_status await_end(migrate_ctx *ctx, const char *text, migrate_error **err)
{
    if (ctx->db.dialect != MIGRATE_DIALECT_POSTGRES || !text)
        return MIGRATE_OK;
    struct mig_buf sql = MIG_BUF_INIT;
    mig_buf_fmt(&sql,
                "SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE state = 'active' AND pid <> "
                "pg_catalog.pg_backend_pid() AND datname = pg_catalog.current_database() AND pg_catalog.left(query, %d) = "
                "pg_catalog.left(",
                COMPARED_CHARS);
    size_t len = strlen(text);
    mig_literaln(&sql, ctx->db.dialect, text, mig_utf8_cut(text, len, 4 * COMPARED_CHARS));
    mig_buf_fmt(&sql, ", %d)", COMPARED_CHARS);
    migrate_status status;
    for (;;) {
        bool any = false;
        status = mig_exec_buf(ctx, &sql, on_count, &any, NULL, err);
        if (status || !any)
            break;
        mig_log(ctx, MIGRATE_LOG_WARN, "waiting for the end of a statement that an earlier run has sent");
        status = mig_wait(ctx, STILL_RUNNING_PAUSE_MS, err);
        if (status)
            break;
    }
    mig_buf_free(&sql);
    return status;
}

/* ---- the verdict ------------------------------------------------------------ */

/* Taken before the statement, a value that ends in '?' proves nothing. */
static bool proves_nothing(const char *before)
{
    return strchr(before, '?') != NULL;
}

/* An object's value is "definition:more": the driver writes the second part where it was asked for and can. */
static bool same_value(const char *a, const char *b, const char *ends)
{
    size_t na = strcspn(a, ends), nb = strcspn(b, ends);
    return na == nb && memcmp(a, b, na) == 0;
}

/* Values of several objects are joined by ';'. */
static const char *next_value(const char *values)
{
    values += strcspn(values, ";");
    return values + (*values == ';');
}

/* Counts those that are as before, and those that are not. */
static void compare_all(const char *before, const char *now, bool identity, size_t *same, size_t *other)
{
    *same = *other = 0;
    while (*before || *now) {
        *(same_value(before, now, identity ? "?;" : ":?;") ? same : other) += 1;
        before = next_value(before);
        now = next_value(now);
    }
}

static void judge_by_comparison(const char *before, const char *now, bool identity, struct mig_settled *out)
{
    size_t same, other;
    if (proves_nothing(before)) {
        out->verdict = MIG_VERDICT_DOUBT;
        out->why = "what its object was like before could not be told";
        return;
    }
    compare_all(before, now, identity, &same, &other);
    if (!other) {
        out->verdict = MIG_VERDICT_NOT_APPLIED;
    } else if (!same) {
        out->verdict = MIG_VERDICT_APPLIED;
    } else {
        out->verdict = MIG_VERDICT_DOUBT;
        out->why = "some of its objects have changed and some have not";
    }
}

static void qualified(struct mig_buf *sql, uint32_t dialect, const char *schema, const char *name)
{
    if (schema[0]) {
        mig_ident(sql, dialect, schema);
        mig_buf_char(sql, '.');
    }
    mig_ident(sql, dialect, name);
}

/* These return false where there is no memory: a verdict without what makes up for it would be wrong. */

static bool drop_index(const migrate_ctx *ctx, const struct mig_sql_object *o, struct mig_settled *out)
{
    struct mig_buf sql = MIG_BUF_INIT;
    mig_buf_str(&sql, "DROP INDEX CONCURRENTLY IF EXISTS ");
    qualified(&sql, ctx->db.dialect, o->schema, o->name);
    out->mend = mig_buf_steal(&sql);
    out->verdict = MIG_VERDICT_REDO;
    return out->mend != NULL;
}

/* DETACH PARTITION CONCURRENTLY in two transactions: the first is in, the second is made up for. */
static bool finalize_detach(const migrate_ctx *ctx, const struct mig_sql_object *o, struct mig_settled *out)
{
    struct mig_buf sql = MIG_BUF_INIT;
    mig_buf_str(&sql, "ALTER TABLE ");
    qualified(&sql, ctx->db.dialect, o->schema, o->parent);
    mig_buf_str(&sql, " DETACH PARTITION ");
    qualified(&sql, ctx->db.dialect, o->schema, o->name);
    mig_buf_str(&sql, " FINALIZE");
    out->mend = mig_buf_steal(&sql);
    out->verdict = MIG_VERDICT_APPLIED;
    return out->mend != NULL;
}

static int32_t on_leftover(void *user, uint32_t n, const migrate_text *cols)
{
    struct mig_buf *drops = user;
    if (n < 1 || !cols[0].data)
        return 0;
    if (drops->len)
        mig_buf_char(drops, '\n');
    mig_buf_add(drops, cols[0].data, cols[0].len);
    return 0;
}

/* REINDEX CONCURRENTLY that broke off leaves its new index behind, invalid and named …_ccnew. */
static migrate_status leftovers_of_reindex(migrate_ctx *ctx, struct mig_settled *out, migrate_error **err)
{
    static const char sql[] =
        "SELECT pg_catalog.format('DROP INDEX CONCURRENTLY IF EXISTS %I.%I', n.nspname, c.relname) FROM "
        "pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON "
        "n.oid = c.relnamespace WHERE NOT i.indisvalid AND c.relname ~ '_ccnew[0-9]*$' ORDER BY 1";
    struct mig_buf drops = MIG_BUF_INIT;
    migrate_status status = mig_exec(ctx, sql, sizeof sql - 1, on_leftover, &drops, NULL, err);
    if (!status && drops.oom)
        status = mig_fail_nomem(err);
    else if (!status && drops.len)
        out->mend = mig_buf_steal(&drops);
    mig_buf_free(&drops);
    return status;
}

/* PostgreSQL: 'absent', 'invalid', or a digest of what is there. */
static bool judge_by_probe(const migrate_ctx *ctx, const struct mig_sql_facts *f, const char *before, const char *now,
                           struct mig_settled *out)
{
    bool was = strcmp(before, "absent") != 0, is = strcmp(now, "absent") != 0;
    if (f->flags & MIG_SQL_DROP) {
        out->verdict = is ? MIG_VERDICT_NOT_APPLIED : MIG_VERDICT_APPLIED;
    } else if (f->flags & MIG_SQL_CREATE) {
        if (!is) {
            out->verdict = MIG_VERDICT_NOT_APPLIED;
        } else if (strcmp(now, "invalid") == 0 && f->n_objects) {
            return drop_index(ctx, &f->objects[0], out);
        } else {
            out->verdict = was && strcmp(before, "invalid") != 0 ? MIG_VERDICT_NOT_APPLIED : MIG_VERDICT_APPLIED;
        }
    } else if (strcmp(now, "invalid") == 0 && f->n_objects) {
        return finalize_detach(ctx, &f->objects[0], out);
    } else {
        judge_by_comparison(before, now, false, out);
    }
    return true;
}

/* ---- for people ------------------------------------------------------------- */

static char *definition_of(migrate_ctx *ctx, const struct mig_sql_object *o)
{
    const migrate_driver *d = ctx->db.driver;
    if (!MIGRATE_HAS(migrate_driver, d, describe) || !d->describe || !o->kind)
        return NULL;
    migrate_object object = { .struct_size = sizeof object,
                              .kind = o->kind,
                              .schema = { o->schema[0] ? o->schema : NULL, strlen(o->schema) },
                              .name = { o->name, strlen(o->name) },
                              .parent = { o->parent[0] ? o->parent : NULL, strlen(o->parent) } };
    const char *text = NULL;
    migrate_error *ignored = NULL;
    bool ok = !d->describe(ctx->db.conn, &object, &text, &ignored);
    migrate_error_free(ignored);
    return ok ? mig_strdup(text ? text : "(does not exist)") : NULL;
}

/* The definition before is not kept, only what tells it from others: docs/adr/0007. @p before and @p now begin at the
 * values of one object. */
static const char *since(const char *before, const char *now)
{
    size_t nb = strcspn(before, ";"), nn = strcspn(now, ";");
    if (!nb || !nn || memchr(before, '?', nb))
        return "";
    if (*before == '-' && *now != '-')
        return " (did not exist before the statement)";
    return same_value(before, now, ":?;") ? " (defined as before the statement)" : " (not as it was before the statement)";
}

/* What its objects are now, and whether that is what they were. */
static void describe_now(migrate_ctx *ctx, const struct mig_sql_facts *f, const struct mig_journal_row *intent,
                         struct mig_settled *out)
{
    struct mig_buf text = MIG_BUF_INIT;
    char *now = NULL;
    migrate_error *ignored = NULL;
    bool comparable = out->object && out->fp_sql && intent->fp && intent->fp[0] && strcmp(out->object, intent->object) == 0;
    if (comparable && fingerprint_now(ctx, out->fp_sql, &now, &ignored))
        migrate_error_free(ignored);
    const char *before = now ? intent->fp : "", *after = now ? now : "";
    for (uint32_t i = 0; i < f->n_objects; i++, before = next_value(before), after = next_value(after)) {
        char *definition = definition_of(ctx, &f->objects[i]);
        if (definition)
            mig_buf_fmt(&text, "%s%s%s: %s", text.len ? "\n" : "", f->objects[i].name, since(before, after), definition);
        free(definition);
    }
    free(now);
    out->now = text.len ? mig_buf_steal(&text) : NULL;
    mig_buf_free(&text);
}

/* MariaDB's DROP TABLE a, b may stop half-way: doubt, but where all of them are gone, or none is. */
static bool drops_one_by_one(const struct mig_sql_facts *f)
{
    return (f->flags & MIG_SQL_DROP) && f->n_objects > 1;
}

static migrate_status judge(migrate_ctx *ctx, const struct mig_sql_facts *f, const struct mig_journal_row *intent,
                            uint32_t proves, struct mig_settled *out, migrate_error **err)
{
    bool known = out->fp_sql && intent->fp && intent->fp[0];
    enum mig_sql_settle how = mig_settle_class(ctx, f, known, proves);
    if (how == MIG_SQL_SETTLE_REPEATABLE) {
        bool reindex = (f->flags & MIG_SQL_CONCURRENTLY) && ctx->db.dialect == MIGRATE_DIALECT_POSTGRES;
        out->verdict = MIG_VERDICT_NOT_APPLIED;
        return reindex ? leftovers_of_reindex(ctx, out, err) : MIGRATE_OK;
    }
    if (how == MIG_SQL_SETTLE_TX || (how == MIG_SQL_SETTLE_DOUBT && !(known && drops_one_by_one(f)))) {
        out->verdict = MIG_VERDICT_DOUBT;
        out->why = how == MIG_SQL_SETTLE_TX ? "something in its transaction committed by itself"
                   : f->doubt               ? f->doubt
                   : f->note                ? f->note
                                            : "its effect leaves no trace that could be looked at";
        return MIGRATE_OK;
    }
    char *now = NULL;
    migrate_status status = fingerprint_now(ctx, out->fp_sql, &now, err);
    if (status)
        return status;
    if (how == MIG_SQL_SETTLE_PROBE)
        status = judge_by_probe(ctx, f, intent->fp, now, out) ? MIGRATE_OK : mig_fail_nomem(err);
    else
        judge_by_comparison(intent->fp, now, how == MIG_SQL_SETTLE_NEUTRAL, out);
    free(now);
    return status;
}

migrate_status mig_settle_known(migrate_ctx *ctx, const struct mig_sql_facts *facts, const struct mig_journal_row *intent,
                                struct mig_settled *out, migrate_error **err)
{
    struct mig_buf object = MIG_BUF_INIT, sql = MIG_BUF_INIT;
    uint32_t proves = 0;
    migrate_status status = await_end(ctx, out->text, err);
    if (!status)
        status = mig_fingerprint_sql(ctx, facts, &object, &sql, &proves, err);
    if (!status && out->edited && strcmp(mig_buf_text(&object), intent->object) != 0) {
        out->verdict = MIG_VERDICT_DOUBT;
        out->why = "the statement was edited after it was sent, and names another object now";
    } else if (!status) {
        out->object = mig_strdup(mig_buf_text(&object));
        out->fp_sql = sql.len ? mig_strdup(mig_buf_text(&sql)) : NULL;
        if (!out->object || (sql.len && !out->fp_sql))
            status = mig_fail_nomem(err);
        else
            status = judge(ctx, facts, intent, proves, out, err);
        if (!status && out->edited && out->verdict == MIG_VERDICT_APPLIED) {
            out->verdict = MIG_VERDICT_DOUBT;
            out->why = "it took effect as it was sent, and its text was edited since";
        }
    }
    if (!status && out->verdict == MIG_VERDICT_DOUBT)
        describe_now(ctx, facts, intent, out);
    mig_buf_free(&object);
    mig_buf_free(&sql);
    return status;
}

migrate_status mig_settle(migrate_ctx *ctx, const struct mig_script_of *of, const struct mig_journal_row *intent,
                          struct mig_settled *out, migrate_error **err)
{
    *out = (struct mig_settled){ .number = intent->idx };
    struct mig_sql_facts *facts = malloc(sizeof *facts);
    if (!facts)
        return mig_fail_nomem(err);
    migrate_status status = find_statement(ctx, of, intent->idx, intent->sha, out, facts, err);
    if (!status)
        status = mig_settle_known(ctx, facts, intent, out, err);
    free(facts);
    if (status)
        mig_settled_free(out);
    return status;
}

void mig_settled_free(struct mig_settled *s)
{
    free(s->text);
    free(s->now);
    free(s->mend);
    free(s->object);
    free(s->fp_sql);
    *s = (struct mig_settled){ 0 };
}

/* ---- carrying it out -------------------------------------------------------- */

migrate_status mig_fail_doubt(const struct mig_migration *m, const char *path, const struct mig_settled *s,
                              migrate_error **err)
{
    const char *identity = mig_identity(m);
    mig_fail(err, MIGRATE_E_DOUBT, "whether statement %llu of migration %s (%s) took effect cannot be told: %s",
             (unsigned long long)s->number, identity, s->verb[0] ? s->verb : "gone from the file",
             s->why ? s->why : "it was interrupted");
    struct mig_place place = { .version = identity,
                               .path = path,
                               .line = s->line,
                               .column = s->column,
                               .statement = s->number,
                               .sql = s->text,
                               .sql_len = s->text ? strlen(s->text) : 0 };
    mig_error_place(err, &place);
    if (s->now)
        mig_error_state(err, "statements before it are executed, none after it; its object is now: %s", s->now);
    else
        mig_error_state(err, "statements before it are executed, none after it");
    mig_error_hint(err, "look at the database, then `migrate resolve %s --applied` if it took effect or `migrate resolve %s "
                        "--not-applied` if not; `migrate up` goes on from there",
                   identity, identity);
    return MIGRATE_E_DOUBT;
}

static void op_of(const struct mig_run *run, const struct mig_step *step, struct mig_op *op)
{
    *op = (struct mig_op){ .epoch = run->epoch,
                           .seq = run->seq + 1,
                           .kind = step->migration->kind,
                           .version = mig_identity(step->migration),
                           .direction = step->item.direction == MIGRATE_DIRECTION_DOWN ? 'D' : 'U' };
}

migrate_status mig_settle_carry_out(struct mig_run *run, const struct mig_step *step, const struct mig_journal_row *intent,
                                const struct mig_settled *s, migrate_error **err)
{
    migrate_ctx *ctx = run->ctx;
    struct mig_books b;
    struct mig_op op;
    struct mig_buf sql = MIG_BUF_INIT;
    mig_books_of(ctx, &b);
    op_of(run, step, &op);
    migrate_status status = MIGRATE_OK;
    for (const char *at = s->mend; at && *at && !status;) {
        size_t len = strcspn(at, "\n");
        status = mig_exec(ctx, at, len, NULL, NULL, NULL, err);
        at += len + (at[len] == '\n');
    }
    if (status)
        return status;
    if (s->verdict == MIG_VERDICT_APPLIED) {
        struct mig_mark mark = { intent->idx, intent->sha, s->object, s->fp_sql };
        mig_books_done(&b, &op, &mark, &sql);
    } else {
        mig_books_forget(&b, &op, intent->idx, &sql);
    }
    status = mig_exec_buf(ctx, &sql, NULL, NULL, NULL, err);
    mig_buf_free(&sql);
    return status;
}

migrate_status mig_journal_settle(struct mig_run *run, size_t index, migrate_error **err)
{
    const struct mig_step *step = &run->plan->steps[index];
    struct mig_progress p;
    mig_progress_of(&run->view.history, step->migration, step->item.direction, &p);
    const struct mig_journal_row *intent = mig_progress_intent(&p);
    if (!intent)
        return MIGRATE_OK;
    struct mig_script_of of = { .set = run->plan->set,
                                .migration = step->migration,
                                .layout = &run->view.layout,
                                .direction = step->item.direction };
    struct mig_settled s;
    migrate_status status = mig_settle(run->ctx, &of, intent, &s, err);
    if (status)
        return status;
    if (s.verdict == MIG_VERDICT_DOUBT)
        status = mig_fail_doubt(step->migration, step->item.path, &s, err);
    else
        status = mig_settle_carry_out(run, step, intent, &s, err);
    mig_settled_free(&s);
    if (!status)
        status = mig_run_reread(run, err);
    return status;
}
