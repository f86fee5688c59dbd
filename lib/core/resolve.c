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
    const struct mig_migration *m; /* NULL: its file is gone */
    const struct mig_journal_row *first;
    struct mig_progress progress;
    const struct mig_journal_row *intent;
};

/* Is it the version meant, as users write it? A repeatable is R:name. */
static bool is_meant(const struct resolving *r, const struct mig_journal_row *row)
{
    if (row->kind == MIGRATE_KIND_REPEATABLE)
        return strncmp(r->version, "R:", 2) == 0 && strcmp(r->version + 2, row->version) == 0;
    return mig_set_compare(r->a.view.set, r->version, row->version) == 0;
}

static migrate_status unknown_version(const struct resolving *r, migrate_error **err)
{
    mig_fail(err, MIGRATE_E_NO_VERSION, "no migration has version %s", r->version);
    mig_error_hint(err, "a repeatable one is named R:name; `migrate status` lists them");
    return MIGRATE_E_NO_VERSION;
}

static bool is_known(const struct resolving *r)
{
    if (strncmp(r->version, "R:", 2) == 0)
        return mig_set_find(r->a.view.set, MIGRATE_KIND_REPEATABLE, r->version + 2) != NULL;
    return mig_known_version(&r->a.view, r->version) != NULL;
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
    *op = (struct mig_op){ .epoch = r->a.head.epoch,
                           .seq = r->a.head.seq + 1,
                           .token = r->a.token,
                           .kind = r->first->kind,
                           .version = r->first->version,
                           .name = r->m ? r->m->name : r->first->version,
                           .client = r->a.ctx->set.client,
                           .run_id = r->a.run_id,
                           .direction = r->first->direction };
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
    struct migrate_item *item = r->m ? mig_report_add(r->a.report) : NULL;
    if (!item)
        return;
    mig_item_of_migration(item, &r->a.view, r->m);
    item->note = NULL;
    item->state = strcmp(state, "applied") == 0    ? MIGRATE_STATE_APPLIED
                  : strcmp(state, "reverted") == 0 ? MIGRATE_STATE_REVERTED
                                                   : MIGRATE_STATE_PENDING;
}

/* The digest once the whole migration counts as applied, or not. Without a file nobody knows its checksum: the digest
 * then stays empty, so that the history is read until the next operation. */
static migrate_status digest_after(struct resolving *r, bool in, char digest[MIG_SHA256_HEX + 1], migrate_error **err)
{
    struct mig_applied applied = { 0 };
    bool ok = mig_applied_build(&applied, &r->a.view);
    digest[0] = '\0';
    if (ok && in && r->m)
        ok = mig_applied_put(&applied, r->m);
    else if (ok && !in)
        mig_applied_remove(&applied, r->first->kind, r->first->version);
    if (ok && (r->m || !in))
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
    op.checksum = r->m ? mig_migration_checksum(r->m, sum) : NULL;
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

static migrate_status check(struct mig_acting *a, void *user, migrate_error **err)
{
    struct resolving *r = user;
    r->progress.n = mig_history_open(&a->view.history, &r->first);
    if (!r->progress.n || !is_meant(r, r->first))
        return is_known(r) ? nothing_in_doubt(r, err) : unknown_version(r, err);
    r->m = mig_set_find(a->view.set, r->first->kind, r->first->version);
    if (!r->m && !(r->flags & MIGRATE_RESOLVE_ALL)) {
        mig_fail(err, MIGRATE_E_MISSING, "migration %s stopped half-way, and its file is gone", r->version);
        mig_error_hint(err, "bring the file back, or settle the whole migration with --all");
        return MIGRATE_E_MISSING;
    }
    r->progress.rows = r->first;
    r->intent = mig_progress_intent(&r->progress);
    return r->intent || (r->flags & MIGRATE_RESOLVE_ALL) ? MIGRATE_OK : nothing_in_doubt(r, err);
}

/* The report's text; without memory its summary has to do. */
static void say(struct resolving *r)
{
    const char *what = r->flags & MIGRATE_RESOLVE_APPLIED ? "executed" : "not executed";
    struct mig_buf text = MIG_BUF_INIT;
    if (r->flags & MIGRATE_RESOLVE_ALL)
        mig_buf_fmt(&text, "all of migration %s is recorded as %s", r->version, what);
    else
        mig_buf_fmt(&text, "statement %llu of migration %s is recorded as %s; the next run goes on from there",
                    (unsigned long long)r->intent->idx, r->version, what);
    if (!text.oom)
        r->a.report->text = mig_report_text(r->a.report, mig_buf_text(&text));
    mig_buf_free(&text);
}

static migrate_status work(struct mig_acting *a, void *user, migrate_error **err)
{
    struct resolving *r = user;
    (void)a;
    migrate_status status = r->flags & MIGRATE_RESOLVE_ALL ? settle_all(r, err) : settle_statement(r, err);
    if (!status)
        say(r);
    return status;
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
    return mig_acting_run(&r.a, ctx, check, work, &r, out, err);
}
