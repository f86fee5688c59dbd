/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan shows: steps, statements, JSON. */
#include <stdlib.h>

#include "core/error_object.h"
#include "core/plan.h"
#include "layouts/migrations.h"
#include "util/text.h"

struct migrate_plan *mig_plan_new(struct mig_set *set)
{
    struct migrate_plan *plan = calloc(1, sizeof *plan);
    if (plan)
        plan->set = set ? mig_set_ref(set) : NULL;
    return plan;
}

struct mig_step *mig_plan_add(struct migrate_plan *plan)
{
    if (!mig_grow(&plan->steps, &plan->cap, plan->count + 1, sizeof *plan->steps))
        return NULL;
    struct mig_step *step = &plan->steps[plan->count++];
    *step = (struct mig_step){ .item = { .arena = &plan->arena } };
    return step;
}

void migrate_plan_free(migrate_plan *plan)
{
    if (!plan)
        return;
    if (plan->set)
        mig_set_unref(plan->set);
    mig_buf_free(&plan->json);
    mig_arena_free(&plan->arena);
    free(plan->steps);
    free(plan);
}

size_t migrate_plan_count(const migrate_plan *plan)
{
    return plan ? plan->count : 0;
}

const migrate_item *migrate_plan_step(const migrate_plan *plan, size_t index)
{
    return plan && index < plan->count ? &plan->steps[index].item : NULL;
}

/* ---- statements ------------------------------------------------------------ */

const char *migrate_statement_text(const migrate_statement *statement, size_t *len)
{
    if (len)
        *len = statement ? statement->len : 0;
    return statement ? statement->text : "";
}

uint64_t migrate_statement_line(const migrate_statement *statement)
{
    return statement ? statement->line : 0;
}

uint32_t migrate_statement_flags(const migrate_statement *statement)
{
    return statement ? statement->flags : 0;
}

const char *migrate_statement_note(const migrate_statement *statement)
{
    return statement ? statement->note : NULL;
}

/* ---- JSON ------------------------------------------------------------------ */

/* ["statement 2, line 14: DROP TABLE users: drops the table and its rows"] */
static void add_remarks(struct mig_buf *out, const char *key, const struct mig_remark *remarks, uint32_t n)
{
    struct mig_buf text = MIG_BUF_INIT;
    mig_buf_fmt(out, ",\"%s\":[", key);
    for (uint32_t i = 0; i < n; i++) {
        mig_buf_reset(&text);
        if (remarks[i].statement)
            mig_buf_fmt(&text, "statement %llu", (unsigned long long)remarks[i].statement);
        if (remarks[i].line)
            mig_buf_fmt(&text, "%sline %llu", text.len ? ", " : "", (unsigned long long)remarks[i].line);
        mig_buf_fmt(&text, "%s%s", text.len ? ": " : "", remarks[i].text ? remarks[i].text : "");
        mig_buf_str(out, i ? "," : "");
        mig_json_str(out, mig_buf_text(&text));
        out->oom = out->oom || text.oom;
    }
    mig_buf_char(out, ']');
    mig_buf_free(&text);
}

static void add_sql(struct mig_buf *out, const struct mig_step *step)
{
    mig_buf_str(out, ",\"sql\":[");
    for (uint64_t i = 0; i < step->n_sql; i++) {
        mig_buf_str(out, i ? "," : "");
        mig_json_strn(out, step->sql[i], step->sql_len[i]);
    }
    mig_buf_char(out, ']');
}

static void add_step(struct mig_buf *out, const struct mig_step *step, bool sql)
{
    mig_item_json_head(&step->item, out);
    mig_buf_fmt(out, ",\"direction\":\"%s\",\"transaction\":%s", mig_direction_name(step->item.direction),
                mig_item_transaction(&step->item) ? "true" : "false");
    mig_item_json_count(&step->item, out);
    add_remarks(out, "destructive", step->destructive, step->n_destructive);
    add_remarks(out, "may_doubt", step->may_doubt, step->n_may_doubt);
    mig_item_json_rest(&step->item, out);
    if (step->resume)
        mig_buf_fmt(out, ",\"resume\":true,\"done\":%llu", (unsigned long long)step->item.done);
    if (step->n_online)
        add_remarks(out, "online", step->online, step->n_online);
    if (sql)
        add_sql(out, step);
    mig_buf_char(out, '}');
}

static void add_plan(struct mig_buf *out, const struct migrate_plan *plan)
{
    mig_buf_fmt(out, "{\"schema\":1,\"state\":\"%s\",\"steps\":[", migrate_state_name(plan->state));
    for (size_t i = 0; i < plan->count; i++) {
        mig_buf_str(out, i ? "," : "");
        add_step(out, &plan->steps[i], (plan->options.flags & MIGRATE_RUN_SQL) != 0);
    }
    mig_buf_str(out, "]}");
}

const char *migrate_plan_json(const migrate_plan *plan)
{
    if (!plan)
        return "";
    /* Made on demand; it is never really const. */
    struct migrate_plan *p = (struct migrate_plan *)(uintptr_t)plan;
    if (p->json.len == 0)
        add_plan(&p->json, p);
    if (!p->json.oom)
        return mig_buf_text(&p->json);
    mig_buf_free(&p->json);
    return mig_error_nomem_json;
}
