/* SPDX-License-Identifier: Apache-2.0 */

#include "core/values.h"

#include <stdlib.h>
#include <string.h>

#include "sql/variables.h"
#include "util/mem.h"

/* Long texts of data are not looked through: a mention far inside of one is not found. */
enum { LOOKED_THROUGH = 64 * 1024 };

static uint64_t hash(const char *name)
{
    uint64_t h = 14695981039346656037u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 1099511628211u;
    return h;
}

static struct mig_value *find(const struct mig_values *values, const char *name)
{
    uint64_t h = hash(name);
    for (size_t i = 0; i < values->n; i++) {
        if (values->v[i].name == h)
            return &values->v[i];
    }
    return NULL;
}

static bool begin(struct mig_sql_variables *v, const struct mig_sql_dialect_info *di, const struct mig_cut *cut)
{
    if (di->dialect != MIGRATE_DIALECT_MYSQL || !cut->text)
        return false;
    mig_sql_variables_init(v, di, cut->text, cut->len < LOOKED_THROUGH ? cut->len : LOOKED_THROUGH);
    return true;
}

static bool put(struct mig_values *values, const char *name, uint64_t at)
{
    struct mig_value *found = find(values, name);
    if (!found) {
        if (!mig_grow(&values->v, &values->cap, values->n + 1, sizeof *values->v))
            return false;
        found = &values->v[values->n++];
    }
    *found = (struct mig_value){ hash(name), at };
    return true;
}

bool mig_values_note(struct mig_values *values, const struct mig_sql_dialect_info *di, const struct mig_cut *cut, uint64_t at)
{
    struct mig_sql_variables v;
    struct mig_sql_variable one;
    bool ok = true;
    if (!begin(&v, di, cut))
        return true;
    while (ok && mig_sql_variables_next(&v, &one)) {
        struct mig_value *found = one.given && one.constant ? find(values, one.name) : NULL;
        if (found)
            *found = values->v[--values->n];
        else if (one.given && !one.constant)
            ok = put(values, one.name, at);
    }
    return ok;
}

bool mig_values_stale(const struct mig_values *values, const struct mig_sql_dialect_info *di, const struct mig_cut *cut,
                      uint64_t limit, char name[MIG_SQL_NAME_MAX])
{
    struct mig_sql_variables v;
    struct mig_sql_variable one;
    if (!values->n || !begin(&v, di, cut))
        return false;
    while (mig_sql_variables_next(&v, &one)) {
        const struct mig_value *found = one.read ? find(values, one.name) : NULL;
        if (found && found->at < limit) {
            memcpy(name, one.name, sizeof one.name);
            return true;
        }
    }
    return false;
}

void mig_values_free(struct mig_values *values)
{
    free(values->v);
    *values = (struct mig_values){ NULL, 0, 0 };
}

/* ---- units ---------------------------------------------------------------------- */

bool mig_stays_in_run(const struct mig_sql_dialect_info *di, const struct mig_cut *cut)
{
    const uint32_t alone = MIG_SQL_SETS_LEX | MIG_SQL_PACKET_END | MIG_SQL_IMPLICIT_COMMIT;
    struct mig_sql_variables v;
    struct mig_sql_variable one;
    bool asks = false;
    if (!mig_only_session(cut->facts) || (cut->facts->flags & alone) || !begin(&v, di, cut))
        return false;
    while (!asks && mig_sql_variables_next(&v, &one))
        asks = one.before;
    return asks;
}

static bool controls(const struct mig_sql_facts *f)
{
    return f->tx == MIG_SQL_TX_BEGIN || f->tx == MIG_SQL_TX_COMMIT;
}

static void end_run(struct mig_units *u)
{
    u->ends += u->in_run;
    u->in_run = false;
    u->n = 0;
}

void mig_units_before(struct mig_units *u, const struct mig_sql_dialect_info *di, const struct mig_cut *cut)
{
    const struct mig_sql_facts *f = cut->facts;
    if (controls(f)) {
        end_run(u);
        u->begun = f->tx == MIG_SQL_TX_BEGIN;
        return;
    }
    if (mig_only_session(f) && !u->in_run)
        return;
    bool member = f->settle == MIG_SQL_SETTLE_TX || (u->begun && !(f->flags & MIG_SQL_IMPLICIT_COMMIT)) ||
                  mig_stays_in_run(di, cut);
    if (!member) {
        end_run(u);
        return;
    }
    u->in_run = true;
    u->n++;
}

void mig_units_after(struct mig_units *u, const struct mig_cut *cut, bool each)
{
    if (!u->in_run)
        u->ends += !controls(cut->facts) && !mig_only_session(cut->facts);
    else if (!u->begun && (each || u->n >= MIG_RUN_MAX))
        end_run(u);
}
