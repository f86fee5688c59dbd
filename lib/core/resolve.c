/* SPDX-License-Identifier: Apache-2.0 */

/* migrate_resolve(): a human says whether the statement in doubt took effect. */

#include <migrate/run.h>

#include <string.h>

#include "core/acting.h"
#include "core/applied.h"
#include "core/books.h"
#include "core/looking.h"

struct resolving {
    struct mig_acting a;
    const char *version;
    uint32_t flags;
    const struct mig_migration *m;
    struct mig_progress progress;
    const struct mig_journal_row *intent;
};

/* The version as users write it; a repeatable is R:name. */
static const struct mig_migration *find(const struct mig_view *view, const char *version)
{
    if (strncmp(version, "R:", 2) == 0)
        return mig_set_find(view->set, MIGRATE_KIND_REPEATABLE, version + 2);
    const char *known = mig_known_version(view, version);
    return known ? mig_set_find(view->set, MIGRATE_KIND_VERSIONED, known) : NULL;
}

static migrate_status nothing_in_doubt(const struct resolving *r, migrate_error **err)
{
    mig_fail(err, MIGRATE_E_MISUSE, "nothing of migration %s is in doubt", r->version);
    mig_error_hint(err, "`migrate status` shows what is");
    mig_error_state(err, "nothing was changed");
    return MIGRATE_E_MISUSE;
}

static void op_of(const struct resolving *r, struct mig_op *op)
{
    const struct mig_journal_row *any = r->progress.n ? &r->progress.rows[0] : NULL;
    *op = (struct mig_op){ .epoch = r->a.head.epoch,
                           .seq = r->a.head.seq + 1,
                           .token = r->a.token,
                           .kind = r->m->kind,
                           .version = mig_identity(r->m),
                           .name = r->m->name,
                           .client = r->a.ctx->set.client,
                           .run_id = r->a.run_id,
                           .direction = any ? any->direction : 'U' };
}

static migrate_status exec(struct resolving *r, struct mig_buf *sql, migrate_error **err)
{
    migrate_status status = mig_exec_buf(r->a.ctx, sql, NULL, NULL, NULL, err);
    mig_buf_free(sql);
    return status;
}

/* One statement: its done mark, or its intent taken back. The epoch moves, seq does not. */
static migrate_status settle_statement(struct resolving *r, migrate_error **err)
{
    struct mig_books b;
    struct mig_op op;
    struct mig_buf sql = MIG_BUF_INIT;
    if (!r->intent)
        return nothing_in_doubt(r, err);
    mig_books_of(r->a.ctx, &b);
    op_of(r, &op);
    migrate_status status = mig_acting_begin(&r->a, err);
    if (status)
        return status;
    if (r->flags & MIGRATE_RESOLVE_APPLIED) {
        struct mig_mark mark = { r->intent->idx, r->intent->sha, r->intent->object, NULL };
        mig_books_done(&b, &op, &mark, &sql);
    } else {
        mig_books_forget(&b, &op, r->intent->idx, &sql);
    }
    status = exec(r, &sql, err);
    if (!status)
        status = mig_acting_move_epoch(&r->a, err);
    return status ? status : mig_acting_commit(&r->a, err);
}

static void note_item(struct resolving *r, const char *state)
{
    struct migrate_item *item = mig_report_add(r->a.report);
    if (!item)
        return;
    mig_item_of_migration(item, &r->a.view, r->m);
    item->note = NULL;
    item->state = strcmp(state, "applied") == 0    ? MIGRATE_STATE_APPLIED
                  : strcmp(state, "reverted") == 0 ? MIGRATE_STATE_REVERTED
                                                   : MIGRATE_STATE_PENDING;
}

/* The digest once the whole migration counts as applied, or not. */
static migrate_status digest_after(struct resolving *r, bool in, char digest[MIG_SHA256_HEX + 1], migrate_error **err)
{
    struct mig_applied applied = { 0 };
    bool ok = mig_applied_build(&applied, &r->a.view);
    if (ok && in)
        ok = mig_applied_put(&applied, r->m);
    else if (ok)
        mig_applied_remove(&applied, r->m->kind, mig_identity(r->m));
    if (ok)
        mig_applied_digest(&applied, digest);
    mig_applied_free(&applied);
    return ok ? MIGRATE_OK : mig_fail_nomem(err);
}

static migrate_status settle_all(struct resolving *r, migrate_error **err)
{
    char digest[MIG_SHA256_HEX + 1], sum[MIG_CHECKSUM_TEXT];
    struct mig_books b;
    struct mig_op op;
    struct mig_buf sql = MIG_BUF_INIT;
    mig_books_of(r->a.ctx, &b);
    op_of(r, &op);
    bool applied = (r->flags & MIGRATE_RESOLVE_APPLIED) != 0;
    bool in = applied == (op.direction == 'U'); /* a down that took effect leaves it reverted */
    migrate_status status = digest_after(r, in, digest, err);
    if (!status)
        status = mig_acting_begin(&r->a, err);
    if (status)
        return status;
    op.state = in ? "applied" : op.direction == 'D' ? "reverted" : "pending";
    op.checksum = mig_migration_checksum(r->m, sum);
    mig_books_row(&b, &op, &sql);
    status = exec(r, &sql, err);
    if (!status) {
        mig_books_prune(&b, &op, &sql);
        status = exec(r, &sql, err);
    }
    if (!status)
        status = mig_acting_move(&r->a, digest, err);
    if (!status)
        status = mig_acting_commit(&r->a, err);
    if (!status)
        note_item(r, op.state);
    return status;
}

static migrate_status work(struct mig_acting *a, void *user, migrate_error **err)
{
    struct resolving *r = user;
    r->m = find(&a->view, r->version);
    if (!r->m) {
        mig_fail(err, MIGRATE_E_NO_VERSION, "no migration has version %s", r->version);
        mig_error_hint(err, "a repeatable one is named R:name; `migrate status` lists them");
        return MIGRATE_E_NO_VERSION;
    }
    const struct mig_journal_row *first;
    if (!mig_history_open(&a->view.history, &first) || first->kind != r->m->kind ||
        strcmp(first->version, mig_identity(r->m)) != 0)
        return nothing_in_doubt(r, err);
    mig_progress_of(&a->view.history, r->m, first->direction == 'D' ? MIGRATE_DIRECTION_DOWN : MIGRATE_DIRECTION_UP,
                    &r->progress);
    r->intent = mig_progress_intent(&r->progress);
    return r->flags & MIGRATE_RESOLVE_ALL ? settle_all(r, err) : settle_statement(r, err);
}

migrate_status migrate_resolve(migrate_ctx *ctx, const char *version, uint32_t flags, migrate_report **out,
                               migrate_error **err)
{
    uint32_t both = MIGRATE_RESOLVE_APPLIED | MIGRATE_RESOLVE_NOT_APPLIED;
    if (!version || !*version)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_resolve: no version is given");
    if (flags & ~(both | MIGRATE_RESOLVE_ALL))
        return mig_fail(err, MIGRATE_E_TOO_NEW, "migrate_resolve: unknown flags 0x%x", flags);
    if (!(flags & both) || (flags & both) == both)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_resolve: say either applied or not applied");
    struct resolving r = { .version = version, .flags = flags };
    return mig_acting_run(&r.a, ctx, work, &r, out, err);
}
