/* SPDX-License-Identifier: Apache-2.0 */

/* Calls that only look: status, verification, the source's hash. */

#include <stdlib.h>
#include <string.h>

#include "core/journal.h"
#include "core/looking.h"
#include "core/planner.h"
#include "core/report.h"

/* ---- items ---------------------------------------------------------------------- */

static void done_so_far(struct migrate_item *item, const struct mig_view *view, const struct mig_migration *m,
                        const struct mig_row *row)
{
    struct mig_progress p;
    item->statements = row ? row->statements : UINT64_MAX;
    item->done = row && mig_row_in(row) ? row->done : 0;
    mig_progress_of(&view->history, m, MIGRATE_DIRECTION_UP, &p);
    if (p.n)
        item->done = mig_progress_count(&p);
}

static bool add_migration(struct migrate_report *r, const struct mig_view *view, const struct mig_migration *m)
{
    struct migrate_item *item = mig_report_add(r);
    if (!item)
        return false;
    const struct mig_row *row = mig_history_find(&view->history, view->set, m->kind, mig_identity(m));
    mig_item_of_migration(item, view, m);
    done_so_far(item, view, m, row);
    if (mig_row_in(row)) { /* of what was applied, not of what is there now */
        item->has_checksum = row->has_checksum;
        memcpy(item->checksum, row->checksum, sizeof item->checksum);
        item->code_checksum = row->code_checksum ? mig_report_text(r, row->code_checksum) : NULL;
    }
    if (item->note)
        item->note = mig_report_text(r, item->note);
    if (m->directives->tx_up != MIG_TX_OFF)
        item->flags |= MIGRATE_ITEM_TRANSACTION;
    return true;
}

/* A row whose file is not there. */
static bool add_row(struct migrate_report *r, const struct mig_view *view, const struct mig_row *row)
{
    struct migrate_item *item = mig_report_add(r);
    if (!item)
        return false;
    bool repeatable = row->kind == MIGRATE_KIND_REPEATABLE;
    item->version = repeatable ? "" : mig_report_text(r, row->version);
    item->name = mig_report_text(r, row->name);
    item->kind = row->kind;
    item->state = (uint8_t)mig_state_of(view, NULL, row);
    item->has_checksum = row->has_checksum;
    memcpy(item->checksum, row->checksum, sizeof item->checksum);
    item->statements = row->statements;
    item->done = row->done;
    item->applied_at_ms = mig_row_in(row) ? row->applied_at_ms : 0;
    item->elapsed_ms = row->elapsed_ms;
    return true;
}

/* Source and history merged, in order: V and B first, then R. */
static bool add_all(struct migrate_report *r, const struct mig_view *view, migrate_ctx *ctx)
{
    const struct mig_set *set = view->set;
    const struct mig_history *h = &view->history;
    size_t row = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct mig_migration *m = &set->items[i];
        bool repeatable = m->kind == MIGRATE_KIND_REPEATABLE;
        for (; row < h->n_rows; row++) {
            const struct mig_row *other = &h->rows[row];
            bool other_repeats = other->kind == MIGRATE_KIND_REPEATABLE;
            if (other_repeats && !repeatable)
                break;
            int order = other_repeats != repeatable ? -1
                        : repeatable                ? strcmp(other->version, m->name)
                                                    : mig_set_compare(set, other->version, m->version);
            if (order > 0)
                break;
            if (!other->migration && !add_row(r, view, other))
                return false;
        }
        if (m->flags & MIG_MIGRATION_EXCLUDED)
            continue;
        if (!add_migration(r, view, m))
            return false;
        if (!mig_rolls_back(ctx))
            r->items[r->count - 1].flags &= ~MIGRATE_ITEM_TRANSACTION;
    }
    for (; row < h->n_rows; row++) {
        if (!h->rows[row].migration && !add_row(r, view, &h->rows[row]))
            return false;
    }
    return true;
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
    for (size_t i = 0; i < r->count; i++) {
        struct migrate_item *item = &r->items[i];
        if (item->kind != m->kind || strcmp(item->kind == MIGRATE_KIND_REPEATABLE ? item->name : item->version,
                                            mig_identity(m)) != 0)
            continue;
        item->state = MIGRATE_STATE_DOUBT;
        struct mig_buf note = MIG_BUF_INIT;
        mig_buf_fmt(&note, "statement %llu (%s) may or may not have taken effect: %s", (unsigned long long)s->number,
                    s->verb, s->why ? s->why : "it was interrupted");
        if (s->text)
            mig_buf_fmt(&note, "\nstatement: %s", s->text);
        if (s->now)
            mig_buf_fmt(&note, "\nobject now: %s", s->now);
        item->note = mig_report_text(r, mig_buf_text(&note));
        mig_buf_free(&note);
    }
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

/* Reads and judges; *@p report is NULL where nothing was learnt. */
static migrate_status look(migrate_ctx *ctx, struct mig_view *view, struct migrate_report **report,
                           struct mig_judgement *j, struct mig_settled *doubt, const struct mig_migration **doubted,
                           migrate_error **err)
{
    migrate_status status = mig_view_read(ctx, view, true, NULL, err);
    if (!status)
        status = mig_session_facts(ctx, err);
    if (status)
        return status;
    struct migrate_report *r = mig_report_new(MIG_REPORT_STATUS, view->set);
    if (!r)
        return mig_fail_nomem(err);
    fill(ctx, r, view, j);
    bool ok = add_all(r, view, ctx);
    status = ok ? mig_look_for_doubt(ctx, view, doubt, doubted, err) : mig_fail_nomem(err);
    if (!status && *doubted)
        mark_doubt(r, *doubted, doubt);
    r->elapsed_ms = mig_call_elapsed(ctx);
    *report = r;
    return status;
}

migrate_status migrate_inspect(migrate_ctx *ctx, migrate_report **out, migrate_error **err)
{
    migrate_status status = mig_call_begin(ctx, MIG_NEEDS_CONNECTION | MIG_NEEDS_SOURCE, 0, err);
    if (status)
        return status;
    struct mig_view view = { 0 };
    struct migrate_report *r = NULL;
    struct mig_judgement j;
    struct mig_settled doubt = { 0 };
    const struct mig_migration *doubted = NULL;
    status = look(ctx, &view, &r, &j, &doubt, &doubted, err);
    mig_settled_free(&doubt);
    mig_view_free(&view);
    if (!status && out)
        *out = r;
    else
        migrate_report_free(r);
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
        return finding(err, MIGRATE_E_CHANGED, j->changed_row->version, j->changed_row->migration,
                       "was edited after it was applied",
                       "restore the file as it was applied and put the change in a new migration");
    if (j->missing)
        return finding(err, MIGRATE_E_MISSING, j->missing_row->version, NULL, "is applied, but its file is gone",
                       "bring the file back");
    if (j->out_of_order)
        return finding(err, MIGRATE_E_OUT_OF_ORDER, j->older->version, j->older,
                       "is pending, but newer ones are applied",
                       "give it a version above the newest applied, or set out_of_order=allow");
    return MIGRATE_OK;
}

migrate_status migrate_verify(migrate_ctx *ctx, migrate_report **out, migrate_error **err)
{
    migrate_status status = mig_call_begin(ctx, MIG_NEEDS_CONNECTION | MIG_NEEDS_SOURCE, 0, err);
    if (status)
        return status;
    struct mig_view view = { 0 };
    struct migrate_report *r = NULL;
    struct mig_judgement j;
    struct mig_settled doubt = { 0 };
    const struct mig_migration *doubted = NULL;
    const struct mig_journal_row *open = NULL;
    migrate_error *failure = NULL;
    status = look(ctx, &view, &r, &j, &doubt, &doubted, &failure);
    if (!status && doubted)
        status = mig_fail_doubt(doubted, doubted->up.path, &doubt, &failure);
    if (!status && !mig_history_open(&view.history, &open))
        open = NULL;
    if (!status)
        status = first_finding(&j, open, &failure);
    if (!status)
        status = mig_look_for_drift(ctx, &view, r, &failure);
    if (r && status)
        r->error = mig_error_copy(failure);
    mig_settled_free(&doubt);
    mig_view_free(&view);
    if (out && r)
        *out = r;
    else
        migrate_report_free(r);
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
        r->text = mig_report_text(r, mig_checksum_text(true, set->hash, NULL, text));
        r->elapsed_ms = mig_call_elapsed(ctx);
    }
    mig_set_unref(set);
    if (!status && out)
        *out = r;
    else
        migrate_report_free(r);
    return mig_call_end(ctx, status, err);
}
