/* SPDX-License-Identifier: Apache-2.0 */

#include "core/replay.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/values.h"
#include "sql/cursor.h"
#include "sql/variables.h"
#include "util/mem.h"
#include "util/text.h"

/* A prepared statement that is there after the last statement that is executed. */
struct prepared {
    char name[MIG_SQL_NAME_MAX];
    uint64_t number;
    bool wanted; /* by an EXECUTE that is left to do */
};

struct looking {
    struct mig_sql_dialect_info di;
    struct mig_replay *out;
    uint64_t last_done;
    struct prepared *v;
    size_t n, cap;
    uint64_t use;    /* the last USE among what is executed */
    bool use_wanted; /* something that is sent again reads names in its database */
    bool oom;
};

static void idle(struct looking *l, uint64_t number)
{
    struct mig_replay *r = l->out;
    if (!mig_grow(&r->idle, &r->cap, r->n + 1, sizeof *r->idle)) {
        l->oom = true;
        return;
    }
    r->idle[r->n++] = number;
}

static struct prepared *find(struct looking *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++) {
        if (mig_ieq(l->v[i].name, name))
            return &l->v[i];
    }
    return NULL;
}

/* Prepared anew, or given up at @p number. */
static void forget(struct looking *l, struct prepared *p, uint64_t number)
{
    if (!p)
        return;
    if (!p->wanted) {
        idle(l, p->number);
        if (number)
            idle(l, number);
    }
    *p = l->v[--l->n];
}

static void at_prepare(struct looking *l, const char *name, uint64_t number)
{
    forget(l, find(l, name), 0);
    if (number > l->last_done)
        return;
    l->use_wanted = true;
    if (!mig_grow(&l->v, &l->cap, l->n + 1, sizeof *l->v)) {
        l->oom = true;
        return;
    }
    struct prepared *p = &l->v[l->n++];
    *p = (struct prepared){ .number = number };
    memcpy(p->name, name, sizeof p->name);
}

static void at_execute(struct looking *l, const char *name, uint64_t number)
{
    struct prepared *p = number > l->last_done ? find(l, name) : NULL;
    if (p)
        p->wanted = true;
}

static void at_use(struct looking *l, uint64_t number)
{
    if (number > l->last_done)
        return;
    if (l->use && !l->use_wanted)
        idle(l, l->use);
    l->use = number;
    l->use_wanted = false;
}

/* A value that is computed from tables would be another one now: whoever still needs it is told so (core/values.h). */
static void at_set(struct looking *l, const struct mig_cut *cut)
{
    if (cut->number > l->last_done)
        return;
    struct mig_cursor c;
    mig_cur_init(&c, &l->di, cut->text, cut->len);
    size_t clauses = 1, computed = 0;
    while (mig_cur_next_clause(&c, 0))
        clauses++;
    struct mig_sql_variables v;
    struct mig_sql_variable one;
    mig_sql_variables_init(&v, &l->di, cut->text, cut->len);
    while (mig_sql_variables_next(&v, &one))
        computed += one.given && !one.constant;
    mig_cur_init(&c, &l->di, cut->text, cut->len);
    bool reads = false;
    for (; !mig_cur_end(&c) && !reads; mig_cur_next(&c))
        reads = mig_cur_at(&c, "FROM");
    if (reads && computed == clauses)
        idle(l, cut->number);
    else if (memchr(cut->text, '(', cut->len))
        l->use_wanted = true;
}

static void look_at(struct looking *l, const struct mig_cut *cut)
{
    char name[MIG_SQL_NAME_MAX];
    struct mig_cursor c;
    mig_cur_init(&c, &l->di, cut->text, cut->len);
    if (mig_cur_take(&c, "USE"))
        at_use(l, cut->number);
    else if (mig_cur_take(&c, "PREPARE") && mig_cur_part(&c, name, sizeof name))
        at_prepare(l, name, cut->number);
    else if (mig_cur_take(&c, "EXECUTE") && mig_cur_part(&c, name, sizeof name))
        at_execute(l, name, cut->number);
    else if ((mig_cur_take(&c, "DEALLOCATE PREPARE") || mig_cur_take(&c, "DROP PREPARE")) &&
             mig_cur_part(&c, name, sizeof name))
        forget(l, find(l, name), cut->number);
    else if (mig_cur_at(&c, "SET") && mig_only_session(cut->facts))
        at_set(l, cut);
}

migrate_status mig_replay_look(migrate_ctx *ctx, const struct mig_script_of *of, uint64_t last_done,
                               struct mig_replay *out, migrate_error **err)
{
    struct looking l = { .out = out, .last_done = last_done };
    struct mig_script *script = NULL;
    struct mig_cut cut;
    out->n = 0;
    mig_ctx_dialect(ctx, &l.di);
    if (l.di.dialect != MIGRATE_DIALECT_MYSQL)
        return MIGRATE_OK;
    migrate_status status = mig_script_open(ctx, of, &script, err);
    while (!status && (status = mig_script_next(script, &cut, err)) == MIGRATE_OK) {
        look_at(&l, &cut);
        if (l.oom)
            status = mig_fail_nomem(err);
    }
    while (status == MIGRATE_DONE && l.n)
        forget(&l, &l.v[0], 0);
    if (status == MIGRATE_DONE)
        status = l.oom ? mig_fail_nomem(err) : MIGRATE_OK;
    mig_script_close(script);
    free(l.v);
    return status;
}

bool mig_replay_idle(const struct mig_replay *r, uint64_t number)
{
    for (size_t i = 0; i < r->n; i++) {
        if (r->idle[i] == number)
            return true;
    }
    return false;
}

void mig_replay_free(struct mig_replay *r)
{
    free(r->idle);
    *r = (struct mig_replay){ NULL, 0, 0 };
}
