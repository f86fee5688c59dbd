/* SPDX-License-Identifier: Apache-2.0 */

/* What a run would do: the steps, and the policies that may forbid it. */

#include "core/planner.h"

#include <string.h>

#include "core/scan.h"

struct building {
    migrate_ctx *ctx;
    const struct mig_view *view;
    struct migrate_plan *plan;
    migrate_error **err;
};

/* ---- options ---------------------------------------------------------------- */

migrate_status mig_run_options_read(const migrate_run_options *in, migrate_run_options *out, migrate_error **err)
{
    *out = (migrate_run_options)MIGRATE_RUN_OPTIONS_INIT;
    if (!in)
        return MIGRATE_OK;
    size_t size = in->struct_size;
    if (size < offsetof(migrate_run_options, direction) + sizeof in->direction)
        return mig_fail(err, MIGRATE_E_STRUCT_SIZE, "migrate_run_options.struct_size is %zu: begin with MIGRATE_RUN_OPTIONS_INIT", size);
    for (size_t i = sizeof *out; i < size; i++) {
        if (((const unsigned char *)in)[i])
            return mig_fail(err, MIGRATE_E_TOO_NEW, "migrate_run_options sets a member that this library does not know");
    }
    memcpy(out, in, size < sizeof *out ? size : sizeof *out);
    out->struct_size = sizeof *out;
    if (!out->direction)
        out->direction = MIGRATE_DIRECTION_UP;
    if (out->direction > MIGRATE_DIRECTION_REDO)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "unknown direction %u", out->direction);
    if (out->flags & ~(MIGRATE_RUN_ALL | MIGRATE_RUN_SQL))
        return mig_fail(err, MIGRATE_E_TOO_NEW, "unknown flags 0x%x in migrate_run_options", out->flags);
    bool all = (out->flags & MIGRATE_RUN_ALL) != 0;
    if ((out->target && out->steps) || (all && (out->target || out->steps)))
        return mig_fail(err, MIGRATE_E_ARGUMENT, "only one of target, steps and all can be given");
    return MIGRATE_OK;
}

/* ---- policies --------------------------------------------------------------- */

static migrate_status on_migration(struct building *b, migrate_status status, const char *version, const char *path,
                                   const char *hint)
{
    mig_error_version(b->err, version);
    if (path)
        mig_error_path(b->err, path);
    mig_error_hint(b->err, "%s", hint);
    return status;
}

static migrate_status judge_changed(struct building *b, const struct mig_judgement *j)
{
    if (!j->changed)
        return MIGRATE_OK;
    const struct mig_row *row = j->changed_row;
    if (b->ctx->set.changed) {
        mig_log(b->ctx, MIGRATE_LOG_WARN, "migration %s was edited after it was applied", mig_row_version(row));
        return MIGRATE_OK;
    }
    mig_fail(b->err, MIGRATE_E_CHANGED, "migration %s was edited after it was applied", mig_row_version(row));
    return on_migration(b, MIGRATE_E_CHANGED, mig_row_version(row), row->migration->up.path,
                        "restore the file as it was applied and put the change in a new migration, or set changed=allow");
}

static migrate_status judge_missing(struct building *b, const struct mig_judgement *j)
{
    bool empty = b->view->set->count == 0;
    const struct mig_row *row = j->missing_row ? j->missing_row : NULL;
    if (!row)
        return MIGRATE_OK;
    if (b->ctx->set.missing) {
        mig_log(b->ctx, MIGRATE_LOG_WARN, "the file of applied migration %s is missing", mig_row_version(row));
        return MIGRATE_OK;
    }
    if (empty)
        mig_fail(b->err, MIGRATE_E_MISSING, "the source holds no migrations, but %s is applied", mig_row_version(row));
    else
        mig_fail(b->err, MIGRATE_E_MISSING, "migration %s is applied, but its file is gone", mig_row_version(row));
    return on_migration(b, MIGRATE_E_MISSING, mig_row_version(row), NULL,
                        empty ? "is it the right directory? to go on without these files, set missing=allow"
                              : "bring the file back, or set missing=allow");
}

static migrate_status judge_ahead(struct building *b, const struct mig_judgement *j)
{
    if (!j->ahead)
        return MIGRATE_OK;
    const struct mig_row *row = j->ahead_row;
    if (!b->ctx->set.ahead_denied) {
        mig_log(b->ctx, MIGRATE_LOG_WARN, "the database is newer than every file: %s is applied", j->version);
        return MIGRATE_OK;
    }
    mig_fail(b->err, MIGRATE_E_AHEAD, "the database is newer than every file: %s is applied", j->version);
    return on_migration(b, MIGRATE_E_AHEAD, mig_row_version(row), NULL,
                        "deploy the version of the application that has this migration, or set ahead=allow");
}

static migrate_status judge_order(struct building *b, const struct mig_judgement *j)
{
    if (!j->out_of_order)
        return MIGRATE_OK;
    if (b->ctx->set.out_of_order) {
        mig_log(b->ctx, MIGRATE_LOG_INFO, "migration %s is applied out of order", j->older->version);
        return MIGRATE_OK;
    }
    mig_fail(b->err, MIGRATE_E_OUT_OF_ORDER, "migration %s is pending, but %s, which is newer, is applied",
             j->older->version, j->version);
    return on_migration(b, MIGRATE_E_OUT_OF_ORDER, j->older->version, j->older->up.path,
                        "give it a version above the newest applied, or set out_of_order=allow");
}

static bool is_pending(void *user, const struct mig_migration *m)
{
    return mig_is_pending(user, m);
}

/* Would the convention's own tool run the pending files in another order? */
static migrate_status judge_sorting(struct building *b)
{
    struct mig_diag diag = MIG_DIAG_INIT;
    migrate_status status =
        mig_set_check_order(b->view->set, is_pending, (void *)(uintptr_t)b->view, &diag);
    if (status)
        mig_fail_diag(b->err, &diag);
    mig_diag_free(&diag);
    return status;
}

static migrate_status judge_up(struct building *b)
{
    struct mig_judgement j;
    mig_judge(b->view, &j);
    migrate_status status = judge_changed(b, &j);
    if (!status)
        status = judge_missing(b, &j);
    if (!status)
        status = judge_ahead(b, &j);
    if (!status)
        status = judge_order(b, &j);
    return status ? status : judge_sorting(b);
}

/* ---- steps ------------------------------------------------------------------ */

static void item_of_row(struct migrate_item *item, const struct mig_row *row)
{
    if (!row)
        return;
    item->applied_at_ms = mig_row_in(row) ? row->applied_at_ms : 0;
    item->elapsed_ms = mig_row_in(row) ? row->elapsed_ms : 0;
    if (row->more && row->more->error && !mig_row_in(row))
        item->note = row->more->error;
}

void mig_item_of_migration(struct migrate_item *item, const struct mig_view *view, const struct mig_migration *m)
{
    const struct mig_row *row = mig_history_find(&view->history, view->set, m->kind, mig_identity(m));
    item->version = m->kind == MIGRATE_KIND_REPEATABLE ? "" : m->version;
    item->name = m->name;
    item->path = m->up.path ? m->up.path : m->down->path;
    item->has_checksum = m->has_checksum;
    if (m->has_checksum)
        memcpy(item->checksum, m->checksum, sizeof item->checksum);
    else
        item->code_checksum = m->code_checksum;
    item->kind = m->kind;
    item->state = (uint8_t)mig_state_of(view, m, row);
    item->flags |= (m->flags & MIG_MIGRATION_REVERSIBLE ? MIGRATE_ITEM_REVERSIBLE : 0) |
                   (m->flags & MIG_MIGRATION_CODE ? MIGRATE_ITEM_CODE : 0);
    item->statements = UINT64_MAX;
    item_of_row(item, row);
}

static migrate_status add_step(struct building *b, const struct mig_migration *m, uint32_t direction, bool resume)
{
    struct mig_step *step = mig_plan_add(b->plan);
    if (!step)
        return mig_fail_nomem(b->err);
    step->migration = m;
    step->resume = resume;
    mig_item_of_migration(&step->item, b->view, m);
    step->item.direction = (uint8_t)direction;
    if (direction == MIGRATE_DIRECTION_DOWN && m->down->path)
        step->item.path = m->down->path;
    if (step->item.note && !(step->item.note = mig_arena_strdup(&b->plan->arena, step->item.note)))
        return mig_fail_nomem(b->err);
    bool keep = (b->plan->options.flags & MIGRATE_RUN_SQL) != 0;
    return mig_scan_step(b->ctx, b->plan, step, &b->view->layout, keep, b->err);
}

static migrate_status no_version(struct building *b, const char *version)
{
    mig_fail(b->err, MIGRATE_E_NO_VERSION, "no migration has version %s", version);
    mig_error_hint(b->err, "`migrate status` lists the versions there are");
    return MIGRATE_E_NO_VERSION;
}

/* A version that source or history knows, by its exact text or as an equal number ("1" for "01"). */
const char *mig_known_version(const struct mig_view *view, const char *version)
{
    if (mig_set_find(view->set, MIGRATE_KIND_VERSIONED, version))
        return version;
    for (size_t i = 0; i < view->set->n_versioned; i++) {
        if (mig_set_compare(view->set, view->set->items[i].version, version) == 0)
            return view->set->items[i].version;
    }
    for (size_t i = 0; i < view->history.n_versioned; i++) {
        if (mig_set_compare(view->set, mig_row_version(&view->history.rows[i]), version) == 0)
            return mig_row_version(&view->history.rows[i]);
    }
    return NULL;
}

/* What was left half-done is finished first, whatever is asked for. */
static migrate_status plan_half_done(struct building *b, const struct mig_migration **finished)
{
    const struct mig_journal_row *first;
    if (!mig_history_open(&b->view->history, &first))
        return MIGRATE_OK;
    const struct mig_migration *m = mig_set_find(b->view->set, first->kind, first->version);
    if (!m) {
        mig_fail(b->err, MIGRATE_E_MISSING, "migration %s stopped half-way, and its file is gone", first->version);
        return on_migration(b, MIGRATE_E_MISSING, first->version, NULL,
                            "bring the file back so that it can be finished, or settle it with resolve --all");
    }
    *finished = m;
    return add_step(b, m, first->direction == 'D' ? MIGRATE_DIRECTION_DOWN : MIGRATE_DIRECTION_UP, true);
}

static migrate_status plan_up(struct building *b, const struct mig_migration *finished)
{
    const migrate_run_options *o = &b->plan->options;
    const struct mig_set *set = b->view->set;
    uint64_t left = o->steps ? o->steps : UINT64_MAX;
    if (finished && b->plan->steps[0].item.direction == MIGRATE_DIRECTION_UP && left != UINT64_MAX)
        left--;
    migrate_status status = MIGRATE_OK;
    for (size_t i = 0; i < set->count && left && !status; i++) {
        const struct mig_migration *m = &set->items[i];
        bool repeatable = m->kind == MIGRATE_KIND_REPEATABLE;
        if (repeatable && (o->target || o->steps))
            break;
        bool finishing = m == finished && b->plan->steps[0].item.direction == MIGRATE_DIRECTION_UP;
        if (finishing || (!mig_is_pending(b->view, m) &&
                          !(m == finished && b->plan->steps[0].item.direction == MIGRATE_DIRECTION_DOWN)))
            continue;
        if (o->target && mig_set_compare(set, m->version, o->target) > 0)
            break;
        status = add_step(b, m, MIGRATE_DIRECTION_UP, false);
        left -= left != UINT64_MAX;
    }
    return status;
}

static migrate_status irreversible(struct building *b, const struct mig_row *row)
{
    const char *why = row->kind == MIGRATE_KIND_BASELINE || row->state == MIG_ROW_BASELINE
                          ? "it was recorded by baseline and never run here"
                      : !row->migration ? "its file is gone"
                                        : "it has no text that reverts it";
    mig_fail(b->err, MIGRATE_E_IRREVERSIBLE, "migration %s cannot be reverted: %s", mig_row_version(row), why);
    return on_migration(b, MIGRATE_E_IRREVERSIBLE, mig_row_version(row), row->migration ? row->migration->up.path : NULL,
                        "nothing was run; write what reverts it, or name a target above it");
}

/* What is applied once the half-done one is finished, newest first: rows of the history with that one in its place. */
struct applied_walk {
    const struct mig_view *view;
    const struct mig_migration *finished; /* up and not yet met, or NULL */
    const struct mig_migration *reverted; /* down: no more to be reverted, or NULL */
    size_t row;
};

static void walk_begin(const struct building *b, const struct mig_migration *finished, struct applied_walk *w)
{
    bool up = finished && b->plan->steps[0].item.direction == MIGRATE_DIRECTION_UP;
    *w = (struct applied_walk){ .view = b->view, .row = b->view->history.n_versioned };
    if (up && finished->kind != MIGRATE_KIND_REPEATABLE)
        w->finished = finished;
    else if (!up)
        w->reverted = finished;
}

/* The next one: @p out is its row, zeroed but for the migration where it is the one being finished. */
static bool walk_next(struct applied_walk *w, struct mig_row *out)
{
    const struct mig_history *h = &w->view->history;
    for (; w->row; w->row--) {
        const struct mig_row *row = &h->rows[w->row - 1];
        if (w->finished && mig_set_compare(w->view->set, mig_row_version(row), w->finished->version) < 0)
            break;
        bool in = mig_row_in(row) && !(w->reverted && row->migration == w->reverted) &&
                  !(w->finished && row->migration == w->finished);
        if (!in)
            continue;
        *out = *row;
        w->row--;
        return true;
    }
    if (!w->finished)
        return false;
    *out = (struct mig_row){ .migration = w->finished, .kind = w->finished->kind };
    w->finished = NULL;
    return true;
}

static migrate_status plan_down(struct building *b, const struct mig_migration *finished)
{
    const migrate_run_options *o = &b->plan->options;
    uint64_t left = o->steps ? o->steps : (o->target || (o->flags & MIGRATE_RUN_ALL)) ? UINT64_MAX : 1;
    if (finished && b->plan->steps[0].item.direction == MIGRATE_DIRECTION_DOWN && left != UINT64_MAX)
        left--;
    struct applied_walk walk;
    struct mig_row row;
    walk_begin(b, finished, &walk);
    while (left && walk_next(&walk, &row)) {
        if (o->target && mig_set_compare(b->view->set, mig_row_version(&row), o->target) <= 0)
            break;
        if (!row.migration || row.state == MIG_ROW_BASELINE || row.kind == MIGRATE_KIND_BASELINE ||
            !(row.migration->flags & MIG_MIGRATION_REVERSIBLE))
            return irreversible(b, &row);
        migrate_status status = add_step(b, row.migration, MIGRATE_DIRECTION_DOWN, false);
        if (status)
            return status;
        left -= left != UINT64_MAX;
    }
    return MIGRATE_OK;
}

/* Exactly what was reverted is applied again, oldest first. */
static migrate_status plan_redo(struct building *b, const struct mig_migration *finished)
{
    size_t before = b->plan->count;
    migrate_status status = plan_down(b, finished);
    size_t downs = b->plan->count;
    for (size_t i = downs; i-- > before && !status;)
        status = add_step(b, b->plan->steps[i].migration, MIGRATE_DIRECTION_UP, false);
    return status;
}

static migrate_status check_target(struct building *b)
{
    migrate_run_options *o = &b->plan->options;
    if (!o->target)
        return MIGRATE_OK;
    const char *known = mig_known_version(b->view, o->target);
    if (!known)
        return no_version(b, o->target);
    o->target = mig_arena_strdup(&b->plan->arena, known);
    return o->target ? MIGRATE_OK : mig_fail_nomem(b->err);
}

static migrate_status build(struct building *b)
{
    migrate_status status = check_target(b);
    const struct mig_migration *finished = NULL;
    uint32_t direction = b->plan->options.direction;
    if (!status && direction == MIGRATE_DIRECTION_UP)
        status = judge_up(b);
    if (!status)
        status = plan_half_done(b, &finished);
    if (status)
        return status;
    switch (direction) {
    case MIGRATE_DIRECTION_DOWN:
        return plan_down(b, finished);
    case MIGRATE_DIRECTION_REDO:
        return plan_redo(b, finished);
    default:
        return plan_up(b, finished);
    }
}

static void fill_head(struct migrate_plan *plan, const struct mig_view *view, uint32_t dialect)
{
    struct mig_judgement j;
    mig_judge(view, &j);
    plan->epoch = view->head.epoch;
    plan->seq = view->head.seq;
    plan->tables_absent = !view->head.present;
    memcpy(plan->digest, view->head.digest, sizeof plan->digest);
    plan->dialect = dialect;
    plan->state = j.state;
}

migrate_status mig_plan_build(migrate_ctx *ctx, const struct mig_view *view, const migrate_run_options *options,
                              struct migrate_plan **out, migrate_error **err)
{
    struct migrate_plan *plan = mig_plan_new(view->set);
    if (!plan)
        return mig_fail_nomem(err);
    plan->options = *options;
    struct mig_sql_dialect_info di;
    mig_ctx_dialect(ctx, &di);
    fill_head(plan, view, di.dialect);
    struct building b = { ctx, view, plan, err };
    migrate_status status = build(&b);
    if (status) {
        migrate_plan_free(plan);
        return status;
    }
    *out = plan;
    return MIGRATE_OK;
}
