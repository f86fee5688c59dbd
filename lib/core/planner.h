/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_PLANNER_H
#define MIG_CORE_PLANNER_H

/* History against source: what is pending, what is wrong, and what a run would do. */

#include "core/history.h"
#include "core/plan.h"

/* A database as it is, with the source it is compared with. */
struct mig_view {
    struct mig_set *set; /* a reference */
    struct mig_layout_options layout;
    struct mig_head head;
    struct mig_history history;
};

/* Reads set, head and history. @p want_history false: the history only if the digest does not say that all is applied;
 * then *@p current is set and the history is left empty. */
migrate_status mig_view_read(migrate_ctx *ctx, struct mig_view *view, bool want_history, bool *current,
                             migrate_error **err);
/* Head and history again, after they may have moved. */
migrate_status mig_view_refresh(migrate_ctx *ctx, struct mig_view *view, migrate_error **err);
void mig_view_free(struct mig_view *view);

/* Judgement of the whole: counts and the state of the database. */
struct mig_judgement {
    uint64_t pending;
    const char *version;  /* newest applied, "" none */
    bool changed, missing, out_of_order, ahead, half_done, doubt;
    uint32_t state;       /* MIGRATE_STATE_* */
    /* the first finding of each kind, for errors */
    const struct mig_row *changed_row, *missing_row, *ahead_row;
    const struct mig_migration *older; /* pending although newer ones are applied */
};
void mig_judge(const struct mig_view *view, struct mig_judgement *out);

/* State of one migration of the set, or of a row without one (migration NULL). */
uint32_t mig_state_of(const struct mig_view *view, const struct mig_migration *m, const struct mig_row *row);
/* Is it to be applied? */
bool mig_is_pending(const struct mig_view *view, const struct mig_migration *m);
/* Newest applied V or B row, or NULL. */
const struct mig_row *mig_newest(const struct mig_view *view);

/* Makes the steps of a run. Policies are judged. */
migrate_status mig_plan_build(migrate_ctx *ctx, const struct mig_view *view, const migrate_run_options *options,
                              struct migrate_plan **out, migrate_error **err);

/* Reads options of a caller, who may be older or newer. E_STRUCT_SIZE, E_TOO_NEW, E_ARGUMENT. */
migrate_status mig_run_options_read(const migrate_run_options *in, migrate_run_options *out, migrate_error **err);

/* What source and history say about a migration, as an item. */
void mig_item_of_migration(struct migrate_item *item, const struct mig_view *view, const struct mig_migration *m);
/* The version as source or history write it, for one that equals it; NULL when nobody knows it. */
const char *mig_known_version(const struct mig_view *view, const char *version);

#endif
