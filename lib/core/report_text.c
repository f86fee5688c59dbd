/* SPDX-License-Identifier: Apache-2.0 */
/* A report as a summary for people. */
#include <string.h>

#include <migrate/error.h>

#include "core/report.h"
#include "util/clock.h"

enum { STATES = MIGRATE_STATE_LOCKED + 1 };

static void add_count(struct mig_buf *out, uint64_t n, const char *what, const char **joint)
{
    if (n == 0)
        return;
    mig_buf_fmt(out, "%s%llu %s", *joint, (unsigned long long)n, what);
    *joint = ", ";
}

static migrate_status count_state(void *user, const migrate_item *item)
{
    uint64_t *counts = user;
    counts[item->state < STATES ? item->state : 0]++;
    return MIGRATE_OK;
}

/* "12 applied, 3 pending, 1 changed" */
static void add_states(struct mig_buf *out, const struct migrate_report *r)
{
    uint64_t counts[STATES] = { 0 };
    const char *joint = "";
    if (migrate_report_each(r, count_state, counts))
        return;
    for (uint32_t state = 1; state < STATES; state++)
        add_count(out, counts[state], migrate_state_name(state), &joint);
    if (*joint == '\0')
        mig_buf_str(out, "no migrations");
}

static void add_version(struct mig_buf *out, const struct migrate_report *r)
{
    if (r->version && *r->version)
        mig_buf_fmt(out, "; at version %s", r->version);
    else
        mig_buf_str(out, "; no version applied");
}

static void add_standing(struct mig_buf *out, const struct migrate_report *r)
{
    switch (r->state) {
    case MIGRATE_STATE_PENDING:
        if (r->kind == MIG_REPORT_RUN) /* a status has counted them already */
            mig_buf_fmt(out, "; %llu pending", (unsigned long long)r->pending);
        break;
    case MIGRATE_STATE_AHEAD:
        mig_buf_str(out, "; the database is newer than the source");
        break;
    case MIGRATE_STATE_FAILED:
        mig_buf_str(out, "; a migration stopped half-way, the next run goes on");
        break;
    case MIGRATE_STATE_DOUBT:
        mig_buf_str(out, "; a statement is in doubt and has to be resolved");
        break;
    case MIGRATE_STATE_DRIFT:
        mig_buf_str(out, "; history and source disagree");
        break;
    default:
        break;
    }
}

static void add_run(struct mig_buf *out, const struct migrate_report *r)
{
    const char *joint = "";
    add_count(out, r->applied, "applied", &joint);
    add_count(out, r->reverted, "reverted", &joint);
    if (*joint == '\0')
        mig_buf_str(out, r->error ? "nothing done" : r->more ? "nothing done yet" : "nothing to do");
    else if (r->elapsed_ms > 0) {
        mig_buf_str(out, " in ");
        mig_duration_write(out, r->elapsed_ms);
    }
    add_version(out, r);
    add_standing(out, r);
}

/* "held by session 42 (app on web1, user deploy), since …" */
static void add_holder(struct mig_buf *out, const struct migrate_report *r)
{
    const char *joint = " (";
    const struct {
        const char *front, *text;
    } parts[] = { { "", r->holder.application },
                  { "on ", r->holder.host },
                  { "user ", r->holder.user },
                  { "running ", r->holder.doing } };
    mig_buf_fmt(out, "held by %s", r->holder.session ? r->holder.session : "another session");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!parts[i].text || !*parts[i].text)
            continue;
        mig_buf_fmt(out, "%s%s%s", joint, parts[i].front, parts[i].text);
        joint = ", ";
    }
    mig_buf_str(out, *joint == ',' ? ")" : "");
    if (r->holder.since_ms) {
        mig_buf_str(out, ", since ");
        mig_clock_rfc3339(out, r->holder.since_ms);
    }
}

static void add_lock(struct mig_buf *out, const struct migrate_report *r)
{
    mig_buf_str(out, "the migration lock is ");
    if (r->state == MIGRATE_STATE_LOCKED)
        add_holder(out, r);
    else
        mig_buf_str(out, migrate_state_name(r->state));
}

static void add_files(struct mig_buf *out, const struct migrate_report *r)
{
    for (size_t i = 0; i < r->count; i++)
        mig_buf_fmt(out, "%s%s", i ? "\n" : "",
                    r->items[i].path ? r->items[i].path : migrate_item_version(&r->items[i]));
}

static void add_summary(struct mig_buf *out, const struct migrate_report *r)
{
    switch (r->kind) {
    case MIG_REPORT_STATUS:
        add_states(out, r);
        add_version(out, r);
        add_standing(out, r);
        break;
    case MIG_REPORT_RUN:
        add_run(out, r);
        break;
    case MIG_REPORT_LOCK:
        add_lock(out, r);
        break;
    case MIG_REPORT_TEXT:
        add_files(out, r);
        break;
    }
}

const char *migrate_report_text(const migrate_report *report)
{
    if (!report)
        return "";
    if (report->text)
        return report->text;
    /* Made on demand; it is never really const. */
    struct migrate_report *r = (struct migrate_report *)(uintptr_t)report;
    if (r->summary.len == 0)
        add_summary(&r->summary, r);
    if (!r->summary.oom)
        return mig_buf_text(&r->summary);
    mig_buf_free(&r->summary);
    return "out of memory";
}
