/* SPDX-License-Identifier: Apache-2.0 */

#include "core/scan.h"

#include <string.h>

#include "core/lex_guess.h"
#include "core/session.h"
#include "core/values.h"
#include "sql/online.h"
#include "sql/session_needs.h"
#include "util/text.h"

enum { LARGE_STATEMENT = 4096, QUOTE_MAX = 60 };

/* Where the scan stands in a file that wraps itself: pragmas, BEGIN, statements, COMMIT, pragmas. */
enum wrap { WRAP_BEFORE, WRAP_INSIDE, WRAP_AFTER, WRAP_NO };

struct scanning {
    migrate_ctx *ctx;
    struct migrate_plan *plan;
    struct mig_step *step;
    struct mig_sql_dialect_info dialect;
    bool keep_sql;
    bool rolls_back;        /* the engine takes DDL back */
    enum mig_tx_mode asked; /* by directive or option */
    enum wrap wrap;
    size_t sql_cap;
    /* the first statement that cannot be in a transaction, that controls one, that has no place in a migration */
    struct first { uint64_t number, line, column; char verb[40]; const char *note; } alone, control, never;
    /* the first that needs a session, where there is none */
    struct { uint64_t number, line, column; const char *what; } session;
    bool opened;     /* by the file's own BEGIN */
    uint64_t others; /* statements that could be in a transaction */
    struct mig_units units;
    struct mig_values values; /* given to the session, by the number of units that had ended */
};

/* ---- remarks ---------------------------------------------------------------- */

static const char *remark_text(struct migrate_plan *plan, const struct mig_cut *cut, const char *why)
{
    const struct mig_sql_facts *f = cut->facts;
    struct mig_buf text = MIG_BUF_INIT;
    mig_buf_str(&text, f->verb);
    for (uint32_t i = 0; i < f->n_objects; i++) {
        const struct mig_sql_object *o = &f->objects[i];
        mig_buf_fmt(&text, "%s%s%s%s", i ? ", " : " ", o->schema, o->schema[0] ? "." : "", o->name);
    }
    size_t verb = why && mig_starts(why, f->verb) ? strlen(f->verb) : 0;
    if (verb && why[verb] == ' ') /* "DROP TABLE t removes …": the reason goes on from there */
        mig_buf_str(&text, why + verb);
    else
        mig_buf_fmt(&text, "%s%s", why ? ": " : "", why ? why : "");
    const char *kept = text.oom ? NULL : mig_arena_strndup(&plan->arena, mig_buf_text(&text), text.len);
    mig_buf_free(&text);
    return kept;
}

/* Remarks are few; the array grows by copying within the arena. */
static bool add_remark(struct scanning *s, struct mig_remark **list, uint32_t *n, const struct mig_cut *cut,
                       const char *why)
{
    if ((*n & (*n - 1)) == 0) { /* a power of two, or none yet */
        struct mig_remark *more = mig_arena_alloc(&s->plan->arena, (*n ? 2 * (size_t)*n : 1) * sizeof *more);
        if (!more)
            return false;
        if (*n)
            memcpy(more, *list, *n * sizeof *more);
        *list = more;
    }
    struct mig_remark *r = &(*list)[*n];
    *r = (struct mig_remark){ cut->number, cut->line, remark_text(s->plan, cut, why) };
    *n += r->text != NULL;
    return r->text != NULL;
}

static bool may_doubt(const struct scanning *s, const struct mig_sql_facts *f)
{
    if (s->step->scan.transactional)
        return false;
    if (f->settle == MIG_SQL_SETTLE_DOUBT || f->settle == MIG_SQL_SETTLE_NEUTRAL || (f->flags & MIG_SQL_TEMPORARY))
        return true;
    return (f->flags & MIG_SQL_MAY_COMMIT) != 0 && f->settle != MIG_SQL_SETTLE_REPEATABLE;
}

static bool add_online(struct scanning *s, const struct mig_cut *cut)
{
    if (!(cut->facts->flags & MIG_SQL_ALTER_TABLE) || s->dialect.dialect != MIGRATE_DIALECT_MYSQL)
        return true;
    struct mig_sql_online online;
    mig_sql_online(&s->dialect, cut->text, cut->len, &online);
    if (online.algorithm == MIG_SQL_ALGORITHM_NONE)
        return true;
    struct mig_buf text = MIG_BUF_INIT;
    mig_sql_online_text(&online, &text);
    bool ok = !text.oom && add_remark(s, &s->step->online, &s->step->n_online, cut, mig_buf_text(&text));
    mig_buf_free(&text);
    return ok;
}

static bool remark(struct scanning *s, const struct mig_cut *cut)
{
    const struct mig_sql_facts *f = cut->facts;
    struct mig_step *step = s->step;
    bool ok = true;
    if (f->flags & MIG_SQL_DESTRUCTIVE)
        ok &= add_remark(s, &step->destructive, &step->n_destructive, cut, f->note);
    if (may_doubt(s, f))
        ok &= add_remark(s, &step->may_doubt, &step->n_may_doubt, cut, f->doubt ? f->doubt : f->note);
    return ok && add_online(s, cut);
}

/* What needs a value of the session that an interruption would take away. */
static bool remark_values(struct scanning *s, const struct mig_cut *cut)
{
    char name[MIG_SQL_NAME_MAX];
    bool each = (s->step->scan.flags & MIG_SCAN_EACH) != 0, ok = true;
    if (s->step->scan.transactional)
        return true;
    mig_units_before(&s->units, &s->dialect, cut);
    if (mig_values_stale(&s->values, &s->dialect, cut, s->units.ends, name)) {
        struct mig_buf why = MIG_BUF_INIT;
        mig_buf_fmt(&why, "it needs %s, which is gone when the run is interrupted before it", name);
        ok = !why.oom && add_remark(s, &s->step->may_doubt, &s->step->n_may_doubt, cut, mig_buf_text(&why));
        mig_buf_free(&why);
    }
    ok = ok && mig_values_note(&s->values, &s->dialect, cut, s->units.ends);
    mig_units_after(&s->units, cut, each);
    return ok;
}

/* ---- modes ------------------------------------------------------------------ */

static void note_first(struct first *first, const struct mig_cut *cut)
{
    if (first->number)
        return;
    *first = (struct first){ .number = cut->number, .line = cut->line, .column = cut->column, .note = cut->facts->note };
    memcpy(first->verb, cut->facts->verb, sizeof first->verb);
}

static void note_statement(struct scanning *s, const struct mig_cut *cut)
{
    const struct mig_sql_facts *f = cut->facts;
    struct mig_scan *scan = &s->step->scan;
    if (f->flags & MIG_SQL_SESSION)
        scan->flags |= MIG_SCAN_SESSION;
    if (cut->len > LARGE_STATEMENT)
        scan->flags |= MIG_SCAN_LARGE;
    if (cut->copy_data)
        scan->flags |= MIG_SCAN_ALONE;
    if (f->flags & MIG_SQL_ALONE)
        note_first(&s->alone, cut);
    else
        s->others += !(f->flags & MIG_SQL_PRAGMA_OUTSIDE);
}

static void note_control(struct scanning *s, const struct mig_cut *cut)
{
    if (cut->facts->tx == MIG_SQL_TX_ROLLBACK || cut->facts->tx == MIG_SQL_TX_PREPARE)
        note_first(&s->never, cut);
    note_first(&s->control, cut);
}

static bool controls(enum mig_sql_tx tx)
{
    return tx != MIG_SQL_TX_NONE && tx != MIG_SQL_TX_SAVEPOINT && tx != MIG_SQL_TX_SET_TRANSACTION;
}

/* Each call may go over another connection, unless a transaction holds one. */
static bool sessionless(const migrate_ctx *ctx)
{
    const struct mig_facts *f = &ctx->db.facts;
    return ctx->db.conn && f->known && f->max_call_ms && !(f->caps & MIGRATE_CAP_SESSION);
}

static void note_session(struct scanning *s, const struct mig_cut *cut)
{
    const char *what = NULL;
    if (!sessionless(s->ctx) || s->session.number)
        return;
    s->opened = cut->facts->tx == MIG_SQL_TX_BEGIN || (s->opened && !controls(cut->facts->tx));
    if (!s->step->scan.transactional && !s->opened)
        what = mig_sql_session_need(&s->dialect, cut->facts, cut->text, cut->len);
    if (!what && mig_sql_takes_session_lock(&s->dialect, cut->text, cut->len))
        what = "a lock of the session";
    if (!what)
        return;
    s->session.number = cut->number;
    s->session.line = cut->line;
    s->session.column = cut->column;
    s->session.what = what;
}

/* Follows whether the file is exactly BEGIN; … COMMIT; (pragmas around it do not count). */
static void note_wrap(struct scanning *s, const struct mig_cut *cut)
{
    const struct mig_sql_facts *f = cut->facts;
    bool around = (f->flags & (MIG_SQL_FOREIGN_KEYS | MIG_SQL_PRAGMA_OUTSIDE)) != 0 || f->tx == MIG_SQL_TX_SET_TRANSACTION;
    switch (s->wrap) {
    case WRAP_BEFORE:
        if (f->tx == MIG_SQL_TX_BEGIN)
            s->wrap = WRAP_INSIDE;
        else if (!around)
            s->wrap = WRAP_NO;
        break;
    case WRAP_INSIDE:
        if (f->tx == MIG_SQL_TX_COMMIT)
            s->wrap = WRAP_AFTER;
        else if (controls(f->tx))
            s->wrap = WRAP_NO;
        break;
    case WRAP_AFTER:
        if (!around)
            s->wrap = WRAP_NO;
        break;
    case WRAP_NO:
        break;
    }
}

static void note_foreign_keys(struct scanning *s, const struct mig_cut *cut)
{
    if (!(cut->facts->flags & MIG_SQL_FOREIGN_KEYS) || (s->step->scan.flags & MIG_SCAN_FOREIGN_KEYS))
        return;
    s->step->scan.flags |= MIG_SCAN_FOREIGN_KEYS;
    if (mig_pragma_off(cut->text, cut->len))
        s->step->scan.flags |= MIG_SCAN_FK_OFF;
}

/* SQLite: what fails or does nothing inside a transaction is sent before it. */
static bool note_lifted(struct scanning *s, const struct mig_cut *cut)
{
    if (!(cut->facts->flags & MIG_SQL_PRAGMA_OUTSIDE))
        return true;
    const char *old = s->step->lifted;
    size_t n = 0;
    while (old && old[n])
        n += strlen(old + n) + 1;
    char *list = mig_arena_alloc(&s->plan->arena, n + cut->len + 2);
    if (!list)
        return false;
    if (n)
        memcpy(list, old, n);
    memcpy(list + n, cut->text, cut->len);
    list[n + cut->len] = list[n + cut->len + 1] = '\0';
    s->step->lifted = list;
    return true;
}

static bool keep(struct scanning *s, const struct mig_cut *cut)
{
    if (!s->keep_sql)
        return true;
    struct mig_step *step = s->step;
    if (step->n_sql == s->sql_cap) {
        size_t cap = s->sql_cap ? 2 * s->sql_cap : 8;
        const char **sql = mig_arena_alloc(&s->plan->arena, cap * sizeof *sql);
        size_t *len = mig_arena_alloc(&s->plan->arena, cap * sizeof *len);
        if (!sql || !len)
            return false;
        if (step->n_sql) {
            memcpy(sql, step->sql, step->n_sql * sizeof *sql);
            memcpy(len, step->sql_len, step->n_sql * sizeof *len);
        }
        step->sql = sql;
        step->sql_len = len;
        s->sql_cap = cap;
    }
    char *text = mig_arena_strndup(&s->plan->arena, cut->text, cut->len);
    if (!text)
        return false;
    step->sql[step->n_sql] = text;
    step->sql_len[step->n_sql++] = cut->len;
    return true;
}

/* BEGIN and COMMIT of a file that wraps itself are not sent; they were kept before that was known. */
static void unwrap_sql(struct mig_step *step, uint32_t dialect)
{
    struct mig_sql_dialect_info di = { .dialect = dialect };
    struct mig_sql_facts f;
    uint64_t n = 0;
    for (uint64_t i = 0; i < step->n_sql; i++) {
        mig_sql_classify(&di, step->sql[i], step->sql_len[i], &f);
        if (controls(f.tx))
            continue;
        step->sql[n] = step->sql[i];
        step->sql_len[n++] = step->sql_len[i];
    }
    step->n_sql = n;
}

static migrate_status refuse(struct scanning *s, uint64_t number, uint64_t line, uint64_t column, migrate_error **err)
{
    const struct mig_script_of of = { .migration = s->step->migration, .direction = s->step->item.direction };
    struct mig_place place = { .version = s->step->item.version,
                               .path = mig_script_part(&of)->path,
                               .line = line,
                               .column = column,
                               .statement = number };
    mig_error_place(err, &place);
    return MIGRATE_E_TRANSACTION;
}

static migrate_status refuse_alone(struct scanning *s, migrate_error **err)
{
    mig_fail(err, MIGRATE_E_TRANSACTION, "%s cannot run inside a transaction, and this migration runs in one",
             s->alone.verb);
    mig_error_hint(err, "put it in a migration of its own, or begin the file with \"-- migrate: no-transaction\"");
    return refuse(s, s->alone.number, s->alone.line, s->alone.column, err);
}

static migrate_status refuse_control(struct scanning *s, migrate_error **err)
{
    mig_fail(err, MIGRATE_E_TRANSACTION, "%s in a migration that runs in a transaction of libmigrate's",
             s->control.verb);
    mig_error_hint(err, "leave out BEGIN, COMMIT and ROLLBACK: the migration is wrapped in a transaction already; or begin "
                        "the file with \"-- migrate: no-transaction\"");
    return refuse(s, s->control.number, s->control.line, s->control.column, err);
}

/* Sent unit by unit nothing could be taken back. */
static migrate_status refuse_never(struct scanning *s, migrate_error **err)
{
    mig_fail(err, MIGRATE_E_TRANSACTION, "%s cannot be used in a migration", s->never.verb);
    mig_error_hint(err, "leave it out: what must not be kept should not be in the file");
    return refuse(s, s->never.number, s->never.line, s->never.column, err);
}

static migrate_status refuse_all(struct scanning *s, migrate_error **err)
{
    mig_fail(err, MIGRATE_E_TRANSACTION, "transaction=all, but %s cannot run inside a transaction",
             s->rolls_back ? s->step->item.name : "on this database DDL");
    mig_error_hint(err, "use transaction=each");
    return refuse(s, s->alone.number, s->alone.line, s->alone.column, err);
}

static migrate_status refuse_session(struct scanning *s, migrate_error **err)
{
    mig_fail(err, MIGRATE_E_UNSUPPORTED, "the statement needs a session (%s), and here each may go over another connection",
             s->session.what);
    mig_error_hint(err, "leave it out, put what needs it into a transaction (a lock: of the transaction), or run this "
                        "migration over a connection");
    mig_error_state(err, "nothing was changed");
    (void)refuse(s, s->session.number, s->session.line, s->session.column, err);
    return MIGRATE_E_UNSUPPORTED;
}

/* Before the text is read: what directive, option and engine say. */
static void first_mode(struct scanning *s)
{
    const struct mig_directives *d = s->step->migration->directives;
    int8_t told = s->step->item.direction == MIGRATE_DIRECTION_DOWN ? d->tx_down : d->tx_up;
    s->asked = told != MIG_TX_DEFAULT                                  ? (enum mig_tx_mode)told
               : s->ctx->set.transaction == MIG_TRANSACTION_NONE ? MIG_TX_OFF
                                                                       : MIG_TX_DEFAULT;
    s->step->scan.transactional = s->rolls_back && s->asked != MIG_TX_OFF;
    if (s->asked == MIG_TX_OFF)
        s->step->scan.flags |= MIG_SCAN_EACH;
}

static migrate_status last_mode(struct scanning *s, migrate_error **err)
{
    struct mig_scan *scan = &s->step->scan;
    bool wrapped = s->wrap == WRAP_AFTER;
    if (s->session.number)
        return refuse_session(s, err);
    if (scan->transactional && s->alone.number && !s->others && s->asked == MIG_TX_DEFAULT)
        scan->transactional = false; /* nothing in it can be in a transaction: no need to be told */
    if (!scan->transactional) {
        if (s->ctx->set.transaction == MIG_TRANSACTION_ALL && scan->statements)
            return refuse_all(s, err);
        return s->never.number ? refuse_never(s, err) : MIGRATE_OK;
    }
    if (s->alone.number)
        return refuse_alone(s, err);
    if (s->control.number && !wrapped)
        return refuse_control(s, err);
    if (wrapped) {
        scan->flags |= MIG_SCAN_WRAPPED;
        unwrap_sql(s->step, s->dialect.dialect);
    }
    return MIGRATE_OK;
}

static migrate_status scan_text(struct scanning *s, struct mig_script *script, migrate_error **err)
{
    struct mig_cut cut;
    migrate_status status;
    while ((status = mig_script_next(script, &cut, err)) == MIGRATE_OK) {
        s->step->scan.statements++;
        note_wrap(s, &cut);
        note_session(s, &cut);
        if (controls(cut.facts->tx))
            note_control(s, &cut);
        else
            note_statement(s, &cut);
        note_foreign_keys(s, &cut);
        if (!keep(s, &cut) || !note_lifted(s, &cut) || !remark(s, &cut) || !remark_values(s, &cut))
            return mig_fail_nomem(err);
    }
    return status == MIGRATE_DONE ? MIGRATE_OK : status;
}

static void fill_item(struct mig_step *step)
{
    struct migrate_item *item = &step->item;
    item->statements = step->scan.statements;
    if (step->scan.flags & MIG_SCAN_WRAPPED)
        item->statements -= 2;
    item->flags |= (step->scan.transactional ? MIGRATE_ITEM_TRANSACTION : 0) |
                   (step->n_destructive ? MIGRATE_ITEM_DESTRUCTIVE : 0) |
                   (step->n_may_doubt ? MIGRATE_ITEM_MAY_DOUBT : 0);
}

static bool engine_rolls_back(const migrate_ctx *ctx, uint32_t dialect)
{
    if (ctx->db.conn && ctx->db.facts.known)
        return (ctx->db.facts.caps & MIGRATE_CAP_DDL_ROLLBACK) != 0;
    return dialect == MIGRATE_DIALECT_POSTGRES || dialect == MIGRATE_DIALECT_SQLITE;
}

static migrate_status scan_code(struct scanning *s, migrate_error **err)
{
    struct mig_step *step = s->step;
    step->scan.statements = 0;
    step->scan.flags |= MIG_SCAN_SESSION | MIG_SCAN_ALONE;
    fill_item(step);
    step->item.statements = UINT64_MAX;
    if (!step->scan.transactional && s->ctx->set.transaction == MIG_TRANSACTION_ALL)
        return refuse_all(s, err);
    return MIGRATE_OK;
}

migrate_status mig_scan_step(migrate_ctx *ctx, struct migrate_plan *plan, struct mig_step *step,
                             const struct mig_layout_options *layout, bool keep_sql, migrate_error **err)
{
    struct scanning s = { .ctx = ctx, .plan = plan, .step = step, .keep_sql = keep_sql };
    mig_ctx_dialect(ctx, &s.dialect);
    s.rolls_back = engine_rolls_back(ctx, s.dialect.dialect);
    first_mode(&s);
    if (step->migration->flags & MIG_MIGRATION_CODE)
        return scan_code(&s, err);
    struct mig_script_of of = { .set = plan->set,
                                .migration = step->migration,
                                .layout = layout,
                                .direction = step->item.direction };
    struct mig_script *script = NULL;
    migrate_status status = mig_script_open(ctx, &of, &script, err);
    if (!status)
        status = scan_text(&s, script, err);
    mig_script_close(script);
    mig_values_free(&s.values);
    if (!status)
        status = last_mode(&s, err);
    if (!status)
        fill_item(step);
    return status;
}
