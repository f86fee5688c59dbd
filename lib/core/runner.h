/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_RUNNER_H
#define MIG_CORE_RUNNER_H

/* A run under way: plan, place in it, fence, report. */

#include "core/applied.h"
#include "core/report.h"

struct mig_run {
    migrate_ctx *ctx;
    struct mig_view view;
    struct migrate_plan *plan;
    struct migrate_report *report;
    struct mig_applied applied;
    size_t   next;          /* first step of the plan that is not done */
    size_t failed;          /* transaction=all: the step that failed, which may be behind `next` */
    uint64_t epoch, seq;    /* the fence: what the head row holds now */
    uint32_t attempt;       /* of the step `next`, after lock time-outs and the like */
    int64_t  step_began_ms; /* monotonic */
    char     run_id[33];
    const char *client;
    bool     locked;
    bool     step_open;     /* MIGRATION_BEGIN was told, its end not */
    bool     close_failed;  /* the last feed failed in what ends a migration */
    bool     conflict;      /* the last feed met a journal row of another run */
    bool     progressed;    /* something got in since the last trouble */
    bool     half;          /* step `next` cannot be rolled back, and was begun */
    bool     half_known;    /* its first `half_done` statements are executed; else nobody can say how many */
    bool     half_partial;  /* and the one behind them may have committed a part of what it does */
    uint64_t half_done;
};

/* What stopped a feed. */
enum mig_end {
    MIG_END_DONE,   /* all it was to run is in */
    MIG_END_ASKED,  /* stop, cancel, deadline, callback */
    MIG_END_RETRY,  /* lock time-out, deadlock, conflict: rolled back, may be tried again */
    MIG_END_LOST,   /* connection gone, or no longer the writer */
    MIG_END_FENCED, /* the fence refused us */
    MIG_END_FAILED, /* a statement failed */
};

/* The operation of step @p index, its digest included (the applied list is moved on). */
bool mig_run_op(struct mig_run *run, const struct mig_step *step, uint64_t seq, struct mig_op *op,
                char digest[MIG_SHA256_HEX + 1], char checksum[MIG_CHECKSUM_TEXT]);
/* Step `next` is in: report, events, place. */
void mig_run_done(struct mig_run *run);
/* Emits MIGRATION_BEGIN / END for the step. */
void mig_run_begin_event(struct mig_run *run, size_t index);
void mig_run_end_event(struct mig_run *run, size_t index, migrate_status status, int64_t elapsed_ms);
/* Does step @p index change the session, so that it is put back before the next? */
bool mig_step_leaves_session(const struct mig_run *run, size_t index);
/* Sets the time-outs that a step's directives ask for. */
void mig_run_timeouts(struct mig_run *run, const struct mig_step *step);
uint32_t mig_run_retries(const struct mig_run *run, const struct mig_step *step);
/* Remembers a failure in the history, guarded by epoch, as well as it can be done. */
void mig_run_remember(struct mig_run *run, size_t index, migrate_error *error);

/* Is there work that no fence can take back: journalled steps, or a half-done one? */
bool mig_run_journals(const struct mig_run *run);
/* Reads head and history again, and what follows from them. */
migrate_status mig_run_refresh(struct mig_run *run, migrate_error **err);
/* Likewise, but that the run still expects the head it expected: if another run has moved that in the meantime, and no
 * lock kept it from doing so, the fence refuses what was planned before, and all is planned again. */
migrate_status mig_run_reread(struct mig_run *run, migrate_error **err);

/* Transactional SQL migrations from `next` on, sent ahead as far as allowed, up to the first step of another kind. */
enum mig_end mig_apply_window(struct mig_run *run, migrate_error **err);
/* Step `next`, a code migration: in a transaction of its own, or journalled. */
enum mig_end mig_apply_code(struct mig_run *run, migrate_error **err);
/* Code step @p index within a transaction that is open. */
enum mig_end mig_code_inside(struct mig_run *run, size_t index, uint64_t seq, uint64_t token, migrate_error **err);
/* Marks a transaction on engines that have no number for it. */
uint64_t mig_run_token(struct mig_run *run);
/* All steps in one transaction. */
enum mig_end mig_apply_all(struct mig_run *run, migrate_error **err);
/* Journalled steps from `next` on. */
enum mig_end mig_apply_journal(struct mig_run *run, migrate_error **err);

/* How a failure of the kind @p error ends a feed, unless it was asked for. */
enum mig_end mig_end_of(const migrate_ctx *ctx, const migrate_error *error, uint32_t outcome);

#endif
