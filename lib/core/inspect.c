/* SPDX-License-Identifier: Apache-2.0 */

/* Calls that only look: status, verification, the source's hash. */

#include <stdlib.h>
#include <string.h>

#include "core/journal.h"
#include "core/looking.h"
#include "core/planner.h"
#include "core/report.h"

/* ---- items ---------------------------------------------------------------------- */

/* What a status lists: source and history merged. */
struct listing {
    struct mig_view view;
    bool rolls_back; /* the engine takes DDL back */
};

static uint64_t count_of(uint32_t n)
{
    return n == UINT32_MAX ? UINT64_MAX : n;
}

/* A reverted row counts the way down; an item, the way up. */
static uint64_t statements_of(const struct mig_row *row)
{
    return row && row->state != MIG_ROW_REVERTED ? count_of(row->statements) : UINT64_MAX;
}

static void done_so_far(struct migrate_item *item, const struct mig_view *view, const struct mig_migration *m,
                        const struct mig_row *row)
{
    struct mig_progress p;
    item->statements = statements_of(row);
    item->done = row && mig_row_in(row) ? row->done : 0;
    mig_progress_of(&view->history, m, MIGRATE_DIRECTION_UP, &p);
    if (p.n)
        item->done = mig_progress_count(&p);
}

/* Of what was applied, not of what is there now. */
static void checksum_of_row(struct migrate_item *item, const struct mig_row *row)
{
    const uint8_t *sum = mig_row_sum(row);
    item->has_checksum = sum != NULL;
    if (sum)
        memcpy(item->checksum, sum, sizeof item->checksum);
    item->code_checksum = row->sum == MIG_SUM_CODE ? row->more->code_checksum : NULL;
}

static void item_of_file(const struct listing *l, const struct mig_migration *m, struct migrate_item *item)
{
    const struct mig_view *view = &l->view;
    const struct mig_row *row = mig_history_find(&view->history, view->set, m->kind, mig_identity(m));
    mig_item_of_migration(item, view, m);
    done_so_far(item, view, m, row);
    if (mig_row_in(row))
        checksum_of_row(item, row);
    if (m->directives->tx_up != MIG_TX_OFF && l->rolls_back)
        item->flags |= MIGRATE_ITEM_TRANSACTION;
}

/* A row whose file is not there. */
static void item_of_row(const struct listing *l, const struct mig_row *row, struct migrate_item *item)
{
    item->version = row->kind == MIGRATE_KIND_REPEATABLE ? "" : mig_row_version(row);
    item->name = mig_row_name(row);
    item->kind = row->kind;
    item->state = (uint8_t)mig_state_of(&l->view, NULL, row);
    checksum_of_row(item, row);
    item->statements = statements_of(row);
    item->done = row->state != MIG_ROW_REVERTED ? row->done : 0;
    item->applied_at_ms = mig_row_in(row) ? row->applied_at_ms : 0;
    item->elapsed_ms = row->state != MIG_ROW_REVERTED ? row->elapsed_ms : 0;
}

/* Does a row stand before a migration? V and B first, then R. */
static bool stands_before(const struct mig_set *set, const struct mig_row *row, const struct mig_migration *m)
{
    bool rr = row->kind == MIGRATE_KIND_REPEATABLE, mr = m->kind == MIGRATE_KIND_REPEATABLE;
    if (rr != mr)
        return mr;
    return (rr ? strcmp(mig_row_version(row), m->name) : mig_set_compare(set, mig_row_version(row), m->version)) <= 0;
}

/* The rows from *@p at on that stand before @p m, all of them where it is NULL; those with a file come with that. */
static migrate_status rows_before(const struct listing *l, struct migrate_report *r, const struct mig_migration *m,
                                  size_t *at, migrate_item_fn fn, void *user)
{
    const struct mig_history *h = &l->view.history;
    migrate_status status = MIGRATE_OK;
    for (; *at < h->n_rows && !status; (*at)++) {
        const struct mig_row *row = &h->rows[*at];
        if (m && !stands_before(l->view.set, row, m))
            break;
        if (row->migration)
            continue;
        struct migrate_item item = { .arena = &r->arena };
        item_of_row(l, row, &item);
        status = fn(user, &item);
    }
    return status;
}

static migrate_status each(void *self, struct migrate_report *r, migrate_item_fn fn, void *user)
{
    const struct listing *l = self;
    const struct mig_set *set = l->view.set;
    migrate_status status = MIGRATE_OK;
    size_t row = 0;
    for (size_t i = 0; i < set->count && !status; i++) {
        const struct mig_migration *m = &set->items[i];
        status = rows_before(l, r, m, &row, fn, user);
        if (status || (m->flags & MIG_MIGRATION_EXCLUDED))
            continue;
        struct migrate_item item = { .arena = &r->arena };
        item_of_file(l, m, &item);
        status = fn(user, &item);
    }
    return status ? status : rows_before(l, r, NULL, &row, fn, user);
}

static migrate_status count(void *user, const migrate_item *item)
{
    size_t *n = user;
    (void)item;
    (*n)++;
    return MIGRATE_OK;
}

static void free_listing(void *self)
{
    struct listing *l = self;
    mig_view_free(&l->view);
    free(l);
}

/* ---- doubt ---------------------------------------------------------------------- */

/* A half-done migration may hold a statement that nobody can decide: asked of the database, nothing is written. */
migrate_status mig_look_for_doubt(migrate_ctx *ctx, const struct mig_view *view, struct mig_settled *out,
                                  const struct mig_migration **m, migrate_error **err)
{
    const struct mig_journal_row *first;
    *m = NULL;
    if (!mig_history_open(&view->history, &first) || !ctx->db.conn)
        return MIGRATE_OK;
    const struct mig_migration *found = mig_set_find(view->set, first->kind, first->version);
    if (!found || (found->flags & MIG_MIGRATION_CODE))
        return MIGRATE_OK;
    uint32_t direction = first->direction == 'D' ? MIGRATE_DIRECTION_DOWN : MIGRATE_DIRECTION_UP;
    struct mig_progress p;
    mig_progress_of(&view->history, found, direction, &p);
    const struct mig_journal_row *intent = mig_progress_intent(&p);
    if (!intent)
        return MIGRATE_OK;
    migrate_status status = mig_session_facts(ctx, err);
    struct mig_script_of of = { .set = view->set, .migration = found, .layout = &view->layout, .direction = direction };
    if (!status)
        status = mig_settle(ctx, &of, intent, out, err);
    if (!status && out->verdict == MIG_VERDICT_DOUBT)
        *m = found;
    else if (!status)
        mig_settled_free(out);
    return status;
}

static void mark_doubt(struct migrate_report *r, const struct mig_migration *m, const struct mig_settled *s)
{
    struct mig_buf note = MIG_BUF_INIT;
    mig_buf_fmt(&note, "statement %llu (%s) may or may not have taken effect: %s", (unsigned long long)s->number, s->verb,
                s->why ? s->why : "it was interrupted");
    if (s->text)
        mig_buf_fmt(&note, "\nstatement: %s", s->text);
    if (s->now)
        mig_buf_fmt(&note, "\nobject now: %s", s->now);
    mig_report_note(r, mig_identity(m), m->kind == MIGRATE_KIND_REPEATABLE, MIGRATE_STATE_DOUBT, mig_buf_text(&note));
    mig_buf_free(&note);
    r->state = MIGRATE_STATE_DOUBT;
}

/* ---- calls ---------------------------------------------------------------------- */

bool mig_rolls_back(const migrate_ctx *ctx)
{
    uint32_t dialect = ctx->db.conn ? ctx->db.dialect : ctx->offline.dialect;
    if (ctx->db.conn && ctx->db.facts.known)
        return (ctx->db.facts.caps & MIGRATE_CAP_DDL_ROLLBACK) != 0;
    return dialect == MIGRATE_DIALECT_POSTGRES || dialect == MIGRATE_DIALECT_SQLITE;
}

static void fill(migrate_ctx *ctx, struct migrate_report *r, const struct mig_view *view, struct mig_judgement *j)
{
    mig_judge(view, j);
    r->state = j->state;
    r->version = mig_report_text(r, j->version);
    r->pending = j->pending;
    r->database = ctx->db.driver ? ctx->db.driver->name : "";
    mig_report_server(r, &ctx->db.facts);
}

/* What a look has found; the view is the report's. */
struct looked {
    struct migrate_report *report; /* NULL where nothing was learnt */
    const struct mig_view *view;
    struct mig_judgement judged;
    struct mig_settled doubt;
    const struct mig_migration *doubted;
};

static migrate_status make_report(migrate_ctx *ctx, struct listing *l, struct looked *out, migrate_error **err)
{
    struct migrate_report *r = mig_report_new(MIG_REPORT_STATUS, l->view.set);
    if (!r) {
        free_listing(l);
        return mig_fail_nomem(err);
    }
    l->rolls_back = mig_rolls_back(ctx);
    r->listing.self = l;
    r->listing.each = each;
    r->listing.free = free_listing;
    (void)each(l, r, count, &r->count);
    out->report = r;
    out->view = &l->view;
    fill(ctx, r, out->view, &out->judged);
    return MIGRATE_OK;
}

static migrate_status look(migrate_ctx *ctx, struct looked *out, migrate_error **err)
{
    *out = (struct looked){ 0 };
    struct listing *l = calloc(1, sizeof *l);
    if (!l)
        return mig_fail_nomem(err);
    migrate_status status = mig_view_read(ctx, &l->view, true, NULL, err);
    if (!status)
        status = mig_session_facts(ctx, err);
    if (status) {
        free_listing(l);
        return status;
    }
    status = make_report(ctx, l, out, err);
    if (!status)
        status = mig_look_for_doubt(ctx, out->view, &out->doubt, &out->doubted, err);
    if (!status && out->doubted)
        mark_doubt(out->report, out->doubted, &out->doubt);
    if (out->report)
        out->report->elapsed_ms = mig_call_elapsed(ctx);
    return status;
}

migrate_status migrate_inspect(migrate_ctx *ctx, migrate_report **out, migrate_error **err)
{
    migrate_status status = mig_call_begin(ctx, MIG_NEEDS_CONNECTION | MIG_NEEDS_SOURCE, 0, err);
    if (status)
        return status;
    struct looked l;
    status = look(ctx, &l, err);
    mig_settled_free(&l.doubt);
    if (!status && out)
        *out = l.report;
    else
        migrate_report_free(l.report);
    return mig_call_end(ctx, status, err);
}

/* ---- verify --------------------------------------------------------------------- */

static migrate_status finding(migrate_error **err, migrate_status status, const char *version,
                              const struct mig_migration *m, const char *what, const char *hint)
{
    mig_fail(err, status, "migration %s %s", version, what);
    mig_error_version(err, version);
    if (m)
        mig_error_path(err, m->up.path);
    mig_error_hint(err, "%s", hint);
    return status;
}

static migrate_status first_finding(const struct mig_judgement *j, const struct mig_journal_row *open,
                                    migrate_error **err)
{
    if (open) {
        return finding(err, MIGRATE_E_DRIFT, open->version, NULL, "stopped half-way",
                       "`migrate up` goes on where it stopped");
    }
    if (j->changed)
        return finding(err, MIGRATE_E_CHANGED, mig_row_version(j->changed_row), j->changed_row->migration,
                       "was edited after it was applied",
                       "restore the file as it was applied and put the change in a new migration");
    if (j->missing)
        return finding(err, MIGRATE_E_MISSING, mig_row_version(j->missing_row), NULL, "is applied, but its file is gone",
                       "bring the file back");
    if (j->out_of_order)
        return finding(err, MIGRATE_E_OUT_OF_ORDER, j->older->version, j->older,
                       "is pending, but newer ones are applied",
                       "give it a version above the newest applied, or set out_of_order=allow");
    return MIGRATE_OK;
}

static migrate_status find(migrate_ctx *ctx, const struct looked *l, migrate_error **err)
{
    const struct mig_journal_row *open = NULL;
    if (l->doubted)
        return mig_fail_doubt(l->doubted, l->doubted->up.path, &l->doubt, err);
    if (!mig_history_open(&l->view->history, &open))
        open = NULL;
    migrate_status status = first_finding(&l->judged, open, err);
    return status ? status : mig_look_for_drift(ctx, l->view, l->report, err);
}

migrate_status migrate_verify(migrate_ctx *ctx, migrate_report **out, migrate_error **err)
{
    migrate_status status = mig_call_begin(ctx, MIG_NEEDS_CONNECTION | MIG_NEEDS_SOURCE, 0, err);
    if (status)
        return status;
    struct looked l;
    migrate_error *failure = NULL;
    status = look(ctx, &l, &failure);
    if (!status)
        status = find(ctx, &l, &failure);
    if (l.report && status)
        l.report->error = mig_error_copy(failure);
    mig_settled_free(&l.doubt);
    if (out && l.report)
        *out = l.report;
    else
        migrate_report_free(l.report);
    if (status && err)
        *err = failure;
    else
        migrate_error_free(failure);
    return mig_call_end(ctx, status, err);
}

/* ---- hash ----------------------------------------------------------------------- */

migrate_status migrate_hash(migrate_ctx *ctx, migrate_report **out, migrate_error **err)
{
    migrate_status status = mig_call_begin(ctx, MIG_NEEDS_SOURCE, 0, err);
    if (status)
        return status;
    struct mig_layout_options layout;
    struct mig_set *set = NULL;
    status = mig_ctx_set_read(ctx, &layout, &set, err);
    struct migrate_report *r = status ? NULL : mig_report_new(MIG_REPORT_TEXT, set);
    if (!status && !r)
        status = mig_fail_nomem(err);
    if (!status) {
        char text[MIG_CHECKSUM_TEXT];
        r->text_key = "hash";
        r->text = mig_report_text(r, mig_checksum_text(set->hash, NULL, text));
        r->elapsed_ms = mig_call_elapsed(ctx);
    }
    mig_set_unref(set);
    if (!status && out)
        *out = r;
    else
        migrate_report_free(r);
    return mig_call_end(ctx, status, err);
}
