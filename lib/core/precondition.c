/* SPDX-License-Identifier: Apache-2.0 */

/* Preconditions of change sets: a query whose answer decides whether the change set runs. */

#include "core/precondition.h"

#include <stdlib.h>
#include <string.h>

struct answer {
    char *text;
    bool seen, oom;
};

static int32_t on_row(void *user, uint32_t n, const migrate_text *cols)
{
    struct answer *a = user;
    if (a->seen || !n)
        return 0;
    a->seen = true;
    a->text = mig_strndup(cols[0].data ? cols[0].data : "", cols[0].data ? cols[0].len : 0);
    a->oom = !a->text;
    return 0;
}

static migrate_status halt(const struct mig_step *step, const char *got, migrate_error **err)
{
    const struct mig_directives *d = step->migration->directives;
    mig_fail(err, MIGRATE_E_SQL, "the precondition of %s does not hold: expected %s, got %s",
             mig_identity(step->migration), d->precondition_expect ? d->precondition_expect : "", got);
    mig_error_version(err, mig_identity(step->migration));
    mig_error_path(err, step->item.path);
    mig_error_hint(err, "bring the database into the state it asks for, or say onFail:MARK_RAN or onFail:CONTINUE");
    mig_error_state(err, "those before it are applied; nothing of it is");
    return MIGRATE_E_SQL;
}

static migrate_status decide(struct mig_run *run, struct mig_step *step, const char *got, migrate_error **err)
{
    const char *then = step->migration->directives->precondition_on_fail;
    if (strcmp(then, "MARK_RAN") == 0) {
        mig_log(run->ctx, MIGRATE_LOG_INFO, "%s is marked as run: its precondition does not hold",
                mig_identity(step->migration));
        step->mark_ran = true;
        return MIGRATE_OK;
    }
    if (strcmp(then, "CONTINUE") == 0) {
        mig_log(run->ctx, MIGRATE_LOG_INFO, "%s is left pending: its precondition does not hold",
                mig_identity(step->migration));
        step->left_out = true;
        return MIGRATE_OK;
    }
    if (strcmp(then, "WARN") == 0) {
        mig_log(run->ctx, MIGRATE_LOG_WARN, "%s runs although its precondition does not hold",
                mig_identity(step->migration));
        return MIGRATE_OK;
    }
    return halt(step, got, err);
}

bool mig_has_precondition(const struct mig_step *step)
{
    return step->item.direction == MIGRATE_DIRECTION_UP && !step->resume && step->migration->directives->precondition_sql;
}

migrate_status mig_precondition(struct mig_run *run, struct mig_step *step, migrate_error **err)
{
    const struct mig_directives *d = step->migration->directives;
    if (step->checked || !mig_has_precondition(step))
        return MIGRATE_OK;
    struct answer a = { NULL, false, false };
    migrate_status status =
        mig_exec(run->ctx, d->precondition_sql, strlen(d->precondition_sql), on_row, &a, NULL, err);
    if (status) {
        mig_error_prefix(err, "precondition of %s", mig_identity(step->migration));
        mig_error_path(err, step->item.path);
    } else if (a.oom) {
        status = mig_fail_nomem(err);
    } else {
        step->checked = true;
        const char *got = a.text ? a.text : "no row";
        if (strcmp(got, d->precondition_expect ? d->precondition_expect : "") != 0)
            status = decide(run, step, got, err);
    }
    free(a.text);
    return status;
}
