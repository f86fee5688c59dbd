/* SPDX-License-Identifier: Apache-2.0 */

/* History against source. */

#include <string.h>

#include "core/planner.h"

static bool same_checksum(const struct mig_migration *m, const struct mig_row *row)
{
    char a[MIG_CHECKSUM_TEXT], b[MIG_CHECKSUM_TEXT];
    if (row->sum == MIG_SUM_SAME && row->migration == m)
        return true;
    const char *of_file = mig_migration_checksum(m, a);
    const char *of_row = mig_row_checksum(row, b);
    return !*of_file || !*of_row || strcmp(of_file, of_row) == 0;
}

static const struct mig_row *row_of(const struct mig_view *view, const struct mig_migration *m)
{
    return mig_history_find(&view->history, view->set, m->kind, mig_identity(m));
}

/* A baseline row stands for every version up to its own. */
static const struct mig_row *baseline_row(const struct mig_view *view)
{
    for (size_t i = view->history.n_versioned; i-- > 0;) {
        const struct mig_row *row = &view->history.rows[i];
        if (row->kind == MIGRATE_KIND_BASELINE && mig_row_in(row))
            return row;
    }
    return NULL;
}

static bool below_baseline(const struct mig_view *view, const struct mig_migration *m)
{
    const struct mig_row *base = baseline_row(view);
    return base && m->kind == MIGRATE_KIND_VERSIONED && mig_set_compare(view->set, m->version, mig_row_version(base)) <= 0;
}

const struct mig_row *mig_newest(const struct mig_view *view)
{
    for (size_t i = view->history.n_versioned; i-- > 0;) {
        if (mig_row_in(&view->history.rows[i]))
            return &view->history.rows[i];
    }
    return NULL;
}

static bool any_applied(const struct mig_view *view)
{
    return mig_newest(view) != NULL;
}

/* A baseline script replaces everything up to its version, on an empty database only: the newest one counts. */
static bool baseline_script_pending(const struct mig_view *view, const struct mig_migration *m)
{
    if (any_applied(view))
        return false;
    for (size_t i = 0; i < view->set->n_versioned; i++) {
        const struct mig_migration *other = &view->set->items[i];
        if (other->kind == MIGRATE_KIND_BASELINE && mig_set_compare(view->set, other->version, m->version) > 0)
            return false;
    }
    return true;
}

static bool replaced_by_script(const struct mig_view *view, const struct mig_migration *m)
{
    if (any_applied(view))
        return false;
    for (size_t i = 0; i < view->set->n_versioned; i++) {
        const struct mig_migration *other = &view->set->items[i];
        if (other->kind == MIGRATE_KIND_BASELINE && mig_set_compare(view->set, m->version, other->version) <= 0)
            return true;
    }
    return false;
}

bool mig_is_pending(const struct mig_view *view, const struct mig_migration *m)
{
    const struct mig_row *row = row_of(view, m);
    if (m->flags & MIG_MIGRATION_EXCLUDED)
        return false;
    if (m->kind == MIGRATE_KIND_BASELINE)
        return !mig_row_in(row) && baseline_script_pending(view, m);
    if (m->kind == MIGRATE_KIND_REPEATABLE || (m->flags & (MIG_MIGRATION_RUN_ALWAYS | MIG_MIGRATION_RUN_ON_CHANGE))) {
        bool again = m->kind == MIGRATE_KIND_REPEATABLE || (m->flags & MIG_MIGRATION_RUN_ON_CHANGE);
        return !mig_row_in(row) || (again && !same_checksum(m, row)) || (m->flags & MIG_MIGRATION_RUN_ALWAYS);
    }
    return !mig_row_in(row) && !below_baseline(view, m) && !replaced_by_script(view, m);
}

/* Changed, for those that are not simply run again. */
static bool is_changed(const struct mig_migration *m, const struct mig_row *row)
{
    if (m->kind == MIGRATE_KIND_REPEATABLE ||
        (m->flags & (MIG_MIGRATION_RUN_ALWAYS | MIG_MIGRATION_RUN_ON_CHANGE | MIG_MIGRATION_EXCLUDED)))
        return false;
    return mig_row_in(row) && !same_checksum(m, row);
}

static bool half_done(const struct mig_view *view, uint32_t kind, const char *identity)
{
    const struct mig_journal_row *first;
    return mig_history_open(&view->history, &first) && first->kind == kind && strcmp(first->version, identity) == 0;
}

uint32_t mig_state_of(const struct mig_view *view, const struct mig_migration *m, const struct mig_row *row)
{
    uint32_t kind = m ? m->kind : row->kind;
    if (half_done(view, kind, m ? mig_identity(m) : mig_row_version(row)))
        return MIGRATE_STATE_FAILED;
    if (!m)
        return !mig_row_in(row)                          ? MIGRATE_STATE_REVERTED
               : row->kind == MIGRATE_KIND_BASELINE   ? MIGRATE_STATE_BASELINE
               : row->kind == MIGRATE_KIND_REPEATABLE ? MIGRATE_STATE_APPLIED
                                                         : MIGRATE_STATE_MISSING;
    if (mig_row_in(row)) {
        if (is_changed(m, row))
            return MIGRATE_STATE_CHANGED;
        if (mig_is_pending(view, m))
            return MIGRATE_STATE_PENDING;
        return row->state == MIG_ROW_BASELINE ? MIGRATE_STATE_BASELINE : MIGRATE_STATE_APPLIED;
    }
    if (!mig_is_pending(view, m))
        return MIGRATE_STATE_BASELINE;
    return row && row->state == MIG_ROW_REVERTED ? MIGRATE_STATE_REVERTED : MIGRATE_STATE_PENDING;
}

/* Newest V of the source that counts. */
static const struct mig_migration *newest_file(const struct mig_view *view)
{
    for (size_t i = view->set->n_versioned; i-- > 0;) {
        if (!(view->set->items[i].flags & MIG_MIGRATION_EXCLUDED))
            return &view->set->items[i];
    }
    return NULL;
}

static void judge_rows(const struct mig_view *view, struct mig_judgement *j)
{
    const struct mig_migration *last = newest_file(view);
    for (size_t i = 0; i < view->history.n_rows; i++) {
        const struct mig_row *row = &view->history.rows[i];
        if (!mig_row_in(row))
            continue;
        if (row->migration && is_changed(row->migration, row) && !j->changed_row)
            j->changed_row = row;
        if (row->migration || row->kind != MIGRATE_KIND_VERSIONED)
            continue;
        bool above = last && mig_set_compare(view->set, mig_row_version(row), last->version) > 0;
        if (above && !j->ahead_row)
            j->ahead_row = row;
        if (!above && !j->missing_row)
            j->missing_row = row;
    }
    j->changed = j->changed_row != NULL;
    j->missing = j->missing_row != NULL;
    j->ahead = j->ahead_row != NULL;
}

static void judge_pending(const struct mig_view *view, struct mig_judgement *j)
{
    const struct mig_row *newest = mig_newest(view);
    for (size_t i = 0; i < view->set->count; i++) {
        const struct mig_migration *m = &view->set->items[i];
        if (!mig_is_pending(view, m))
            continue;
        j->pending++;
        bool runs_again = mig_row_in(row_of(view, m));
        if (m->kind == MIGRATE_KIND_VERSIONED && newest && !runs_again && !j->older &&
            mig_set_compare(view->set, m->version, mig_row_version(newest)) < 0)
            j->older = m;
    }
    j->out_of_order = j->older != NULL;
    j->version = newest ? mig_row_version(newest) : "";
}

void mig_judge(const struct mig_view *view, struct mig_judgement *out)
{
    *out = (struct mig_judgement){ 0 };
    judge_rows(view, out);
    judge_pending(view, out);
    out->half_done = view->history.n_journal != 0;
    out->state = out->half_done                                           ? MIGRATE_STATE_FAILED
                 : out->changed || out->missing || out->out_of_order ? MIGRATE_STATE_DRIFT
                 : out->pending                                           ? MIGRATE_STATE_PENDING
                 : out->ahead                                             ? MIGRATE_STATE_AHEAD
                                                                          : MIGRATE_STATE_CURRENT;
}
