/* SPDX-License-Identifier: Apache-2.0 */
#include "core/report.h"

#include <stdlib.h>

#include <migrate/error.h>

#include "layouts/migrations.h"

struct migrate_report *mig_report_new(enum mig_report_kind kind, struct mig_set *set)
{
    struct migrate_report *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->kind = kind;
    r->set = set ? mig_set_ref(set) : NULL;
    r->version = r->database = r->server = "";
    return r;
}

struct migrate_item *mig_report_add(struct migrate_report *r)
{
    if (!mig_grow(&r->items, &r->cap, r->count + 1, sizeof *r->items))
        return NULL;
    struct migrate_item *item = &r->items[r->count++];
    *item = (struct migrate_item){ .arena = &r->arena };
    return item;
}

const char *mig_report_text(struct migrate_report *r, const char *text)
{
    const char *copy = mig_arena_strdup(&r->arena, text);
    return copy ? copy : "";
}

void migrate_report_free(migrate_report *report)
{
    if (!report)
        return;
    if (report->set)
        mig_set_unref(report->set);
    migrate_error_free(report->error);
    mig_buf_free(&report->json);
    mig_buf_free(&report->summary);
    mig_arena_free(&report->arena);
    free(report->items);
    free(report);
}

uint32_t migrate_report_state(const migrate_report *report)
{
    return report ? report->state : 0;
}

const char *migrate_report_version(const migrate_report *report)
{
    return report && report->version ? report->version : "";
}

uint64_t migrate_report_pending(const migrate_report *report)
{
    return report ? report->pending : 0;
}

uint64_t migrate_report_applied(const migrate_report *report)
{
    return report ? report->applied : 0;
}

uint64_t migrate_report_reverted(const migrate_report *report)
{
    return report ? report->reverted : 0;
}

int64_t migrate_report_elapsed_ms(const migrate_report *report)
{
    return report ? report->elapsed_ms : 0;
}

size_t migrate_report_count(const migrate_report *report)
{
    return report ? report->count : 0;
}

const migrate_item *migrate_report_item(const migrate_report *report, size_t index)
{
    return report && index < report->count ? &report->items[index] : NULL;
}
