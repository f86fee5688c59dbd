/* SPDX-License-Identifier: Apache-2.0 */

/* migrate_baseline(): a database that was made otherwise. */

#include <migrate/run.h>

#include <string.h>

#include "core/acting.h"
#include "core/books.h"
#include "core/planner.h"

struct baseline {
    struct mig_acting a;
    const char *version;
    bool done;      /* there is this very baseline already */
    bool in_source; /* a file has the version */
};

/* The same baseline again is no failure; any other row is. */
static migrate_status look(struct baseline *b, migrate_error **err)
{
    const struct mig_history *h = &b->a.view.history;
    const struct mig_set *set = b->a.view.set;
    b->done = false;
    if (h->n_journal)
        return mig_fail(err, MIGRATE_E_NOT_EMPTY, "a migration stopped half-way: finish it first");
    size_t in = 0;
    const char *newest = NULL;
    bool other = false;
    for (size_t i = 0; i < h->n_rows; i++) {
        const struct mig_row *row = &h->rows[i];
        if (!mig_row_in(row))
            continue;
        in++;
        other |= row->state != MIG_ROW_BASELINE;
        newest = mig_row_version(row);
    }
    if (!in)
        return MIGRATE_OK;
    if (!other && mig_set_compare(set, newest, b->version) == 0) {
        b->done = true;
        return MIGRATE_OK;
    }
    mig_fail(err, MIGRATE_E_NOT_EMPTY, "the history has entries already: %s is applied", newest);
    mig_error_hint(err, "a baseline is for a database without history; pending migrations are applied with `migrate up`");
    return MIGRATE_E_NOT_EMPTY;
}

/* V in the source: a row for it and each before it. V in no file, and all files newer: one row of kind B. */
static migrate_status check_version(struct baseline *b, migrate_error **err)
{
    const struct mig_set *set = b->a.view.set;
    bool older = false;
    b->in_source = false;
    for (size_t i = 0; i < set->n_versioned; i++) {
        int order = mig_set_compare(set, set->items[i].version, b->version);
        b->in_source |= order == 0;
        older |= order < 0;
    }
    if (b->in_source || (!older && set->n_versioned))
        return MIGRATE_OK;
    mig_fail(err, MIGRATE_E_NO_VERSION, "no migration has version %s", b->version);
    mig_error_hint(err, "name the version of the last migration whose effect the database has already");
    return MIGRATE_E_NO_VERSION;
}

static void op_common(struct baseline *b, struct mig_op *op, char *digest)
{
    *op = (struct mig_op){ .epoch = b->a.head.epoch,
                           .seq = b->a.head.seq + 1,
                           .token = b->a.token,
                           .digest = digest,
                           .kind = MIGRATE_KIND_VERSIONED,
                           .state = "baseline",
                           .client = b->a.ctx->set.client,
                           .run_id = b->a.run_id };
}

static migrate_status add_row(struct baseline *b, const struct mig_op *op, migrate_error **err)
{
    struct mig_books books;
    struct mig_buf sql = MIG_BUF_INIT;
    mig_books_of(b->a.ctx, &books);
    mig_books_row(&books, op, &sql);
    migrate_status status = mig_exec_buf(b->a.ctx, &sql, NULL, NULL, NULL, err);
    mig_buf_free(&sql);
    return status;
}

static migrate_status add_item(struct baseline *b, const struct mig_migration *m, migrate_error **err)
{
    struct migrate_item *item = mig_report_add(b->a.report);
    if (!item)
        return mig_fail_nomem(err);
    mig_item_of_migration(item, &b->a.view, m);
    item->state = MIGRATE_STATE_BASELINE;
    item->note = NULL;
    return MIGRATE_OK;
}

static migrate_status write_rows(struct baseline *b, migrate_error **err)
{
    const struct mig_set *set = b->a.view.set;
    struct mig_digest d;
    char digest[MIG_SHA256_HEX + 1] = "", sum[MIG_CHECKSUM_TEXT];
    struct mig_op op;
    mig_digest_init(&d);
    op_common(b, &op, digest);
    migrate_status status = MIGRATE_OK;
    for (size_t i = 0; i < set->n_versioned && b->in_source && !status; i++) {
        const struct mig_migration *m = &set->items[i];
        if (m->kind != MIGRATE_KIND_VERSIONED || mig_set_compare(set, m->version, b->version) > 0)
            continue;
        op.version = m->version;
        op.name = m->name;
        op.checksum = mig_migration_checksum(m, sum);
        mig_digest_add(&d, m->kind, m->version, op.checksum);
        status = add_row(b, &op, err);
        if (!status)
            status = add_item(b, m, err);
    }
    if (!b->in_source && !status) {
        op.kind = MIGRATE_KIND_BASELINE;
        op.version = b->version;
        op.name = "baseline";
        mig_digest_add(&d, op.kind, op.version, "");
        status = add_row(b, &op, err);
    }
    mig_digest_text(&d, digest);
    return status ? status : mig_acting_move(&b->a, digest, err);
}

static migrate_status check(struct mig_acting *a, void *user, migrate_error **err)
{
    struct baseline *b = user;
    (void)a;
    migrate_status status = look(b, err);
    return status || b->done ? status : check_version(b, err);
}

static migrate_status work(struct mig_acting *a, void *user, migrate_error **err)
{
    struct baseline *b = user;
    if (b->done)
        return MIGRATE_OK;
    migrate_status status = mig_acting_begin(a, err);
    if (!status)
        status = write_rows(b, err);
    return status ? status : mig_acting_commit(a, err);
}

migrate_status migrate_baseline(migrate_ctx *ctx, const char *version, migrate_report **out, migrate_error **err)
{
    if (!version || !*version)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_baseline: no version is given");
    struct baseline b = { .version = version };
    return mig_acting_run(&b.a, ctx, check, work, &b, out, err);
}
