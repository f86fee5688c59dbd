/* SPDX-License-Identifier: Apache-2.0 */
#include "core/report.h"

#include <stdlib.h>
#include <string.h>

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

void mig_report_note(struct migrate_report *r, const char *identity, bool repeatable, uint8_t state, const char *text)
{
    struct mig_report_note *n = mig_arena_alloc(&r->arena, sizeof *n);
    if (!n)
        return; /* the report says less, nothing wrong */
    *n = (struct mig_report_note){ r->notes, mig_report_text(r, identity), repeatable, state, mig_report_text(r, text) };
    r->notes = n;
}

/* ---- items ------------------------------------------------------------------ */

static void apply_notes(const struct migrate_report *r, struct migrate_item *item)
{
    bool repeatable = item->kind == MIGRATE_KIND_REPEATABLE;
    const char *identity = repeatable ? item->name : item->version;
    for (const struct mig_report_note *n = r->notes; n; n = n->next) {
        if (n->repeatable != repeatable || strcmp(n->identity, identity) != 0)
            continue;
        item->note = n->text;
        if (n->state)
            item->state = n->state;
    }
}

struct giving {
    struct migrate_report *r;
    migrate_item_fn fn;
    void *user;
};

static migrate_status give(void *user, const migrate_item *item)
{
    const struct giving *g = user;
    struct migrate_item noted = *item;
    apply_notes(g->r, &noted);
    return g->fn(g->user, &noted);
}

migrate_status mig_report_each(struct migrate_report *r, migrate_item_fn fn, void *user)
{
    struct giving g = { r, fn, user };
    if (r->listing.each && !r->items)
        return r->listing.each(r->listing.self, r, give, &g);
    migrate_status status = MIGRATE_OK;
    for (size_t i = 0; i < r->count && !status; i++)
        status = fn(user, &r->items[i]);
    return status;
}

migrate_status migrate_report_each(const migrate_report *report, migrate_item_fn fn, void *user)
{
    if (!report || !fn)
        return MIGRATE_E_ARGUMENT;
    return mig_report_each((struct migrate_report *)(uintptr_t)report, fn, user); /* it was allocated: never really const */
}

static migrate_status keep(void *user, const migrate_item *item)
{
    struct migrate_item **next = user;
    *(*next)++ = *item;
    return MIGRATE_OK;
}

/* All of a listing, because one is asked for by number. */
static bool make_items(struct migrate_report *r)
{
    struct migrate_item *items = calloc(r->count, sizeof *items), *next = items;
    if (!items)
        return false;
    if (mig_report_each(r, keep, &next)) {
        free(items);
        return false;
    }
    r->items = items;
    return true;
}

void migrate_report_free(migrate_report *report)
{
    if (!report)
        return;
    if (report->listing.free)
        report->listing.free(report->listing.self);
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
    if (!report || index >= report->count)
        return NULL;
    struct migrate_report *r = (struct migrate_report *)(uintptr_t)report;
    return r->items || make_items(r) ? &r->items[index] : NULL;
}
