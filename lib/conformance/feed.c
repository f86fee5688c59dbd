/* SPDX-License-Identifier: Apache-2.0 */

#include "feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text of statement @p i in memory of its exact size, so that reading past it is seen by tools. */
static bool make_text(struct mig_cf_feed *f, size_t i, uint32_t *flags)
{
    char sql[300];
    f->write(f, i, sql, sizeof(sql), flags);
    size_t len = strlen(sql);
    size_t word = strcspn(sql, " ");
    f->len[i] = len + f->padding;
    f->text[i] = malloc(f->len[i]);
    if (!f->text[i]) {
        return false;
    }
    memcpy(f->text[i], sql, word);
    memset(f->text[i] + word, ' ', f->padding);
    memcpy(f->text[i] + word + f->padding, sql + word, len - word);
    return true;
}

static void watch_pull(struct mig_cf_feed *f)
{
    struct mig_cf_host *h = &f->c->host;
    if (!h->inside || !pthread_equal(h->thread, pthread_self())) {
        mig_cf_breach(h, "next() was called outside of exec_batch() or on another thread");
    }
    if (f->ended) {
        mig_cf_breach(h, "next() was called again after it had failed");
    }
    if (f->asked_to_stop) {
        mig_cf_breach(h, "next() was called after done() had asked to stop sending");
    }
    if (f->barrier) {
        mig_cf_breach(h, "next() was called before the BARRIER statement %zu was answered", f->barrier - 1);
    }
}

static migrate_status next(void *user, migrate_stmt *out)
{
    struct mig_cf_feed *f = user;
    uint32_t flags = 0;
    size_t i = f->pulled;
    watch_pull(f);
    if (f->next_fails_at && i == f->next_fails_at) {
        f->ended = true;
        return f->next_status;
    }
    if (i >= f->n || i >= CF_FEED_MAX) {
        return MIGRATE_DONE;
    }
    if (out->struct_size < offsetof(migrate_stmt, data_user) + sizeof(out->data_user)) {
        mig_cf_breach(&f->c->host, "next() was given a statement without struct_size");
        return MIGRATE_DONE;
    }
    if (!make_text(f, i, &flags)) {
        return MIGRATE_E_NOMEM;
    }
    out->sql = f->text[i];
    out->sql_len = f->len[i];
    out->flags = flags;
    f->pulled++;
    f->barrier = flags & MIGRATE_STMT_BARRIER ? i + 1 : 0;
    f->under_way += f->len[i];
    f->largest = f->len[i] > f->largest ? f->len[i] : f->largest;
    f->most_under_way = f->under_way > f->most_under_way ? f->under_way : f->most_under_way;
    return MIGRATE_OK;
}

static void watch_done(struct mig_cf_feed *f, uint64_t index, const migrate_result *result,
                       const migrate_fault *fault)
{
    struct mig_cf_host *h = &f->c->host;
    if (!h->inside || !pthread_equal(h->thread, pthread_self())) {
        mig_cf_breach(h, "done() was called outside of exec_batch() or on another thread");
    }
    if (index != f->told) {
        mig_cf_breach(h, "done() told statement %llu where %zu was due", (unsigned long long)index, f->told);
    } else if (f->told >= f->pulled) {
        mig_cf_breach(h, "done() told statement %llu, which was not pulled", (unsigned long long)index);
    }
    if (result->struct_size < offsetof(migrate_result, outcome) + sizeof(result->outcome) ||
        result->outcome > MIGRATE_OUTCOME_UNKNOWN) {
        mig_cf_breach(h, "done() got a result without struct_size, or with an outcome that does not exist");
    } else if (fault && result->outcome != MIGRATE_OUTCOME_FAILED &&
               result->outcome != MIGRATE_OUTCOME_UNKNOWN) {
        mig_cf_breach(h, "done() got a fault with outcome %u", result->outcome);
    } else if (!fault && result->outcome == MIGRATE_OUTCOME_FAILED) {
        mig_cf_breach(h, "done() got outcome FAILED without a fault");
    } else if (fault && !fault->struct_size) {
        mig_cf_breach(h, "done() got a fault without struct_size");
    }
}

static migrate_status done(void *user, uint64_t index, const migrate_result *result,
                           const migrate_fault *fault)
{
    struct mig_cf_feed *f = user;
    watch_done(f, index, result, fault);
    if (f->told >= f->pulled) {
        return MIGRATE_OK;
    }
    size_t i = f->told++;
    f->outcome[i] = result->outcome;
    f->klass[i] = fault ? fault->klass : 0;
    f->tx = result->tx;
    f->under_way -= f->len[i];
    if (f->barrier == i + 1) {
        f->barrier = 0;
    }
    memset(f->text[i], '#', f->len[i]); /* "valid until its done() returns" and not longer */
    free(f->text[i]);
    f->text[i] = NULL;
    if (f->done_stops_at && i == f->done_stops_at) {
        f->asked_to_stop = true;
        return f->done_status;
    }
    return MIGRATE_OK;
}

static void run(struct mig_cf_feed *f)
{
    struct mig_cf_conn *c = f->c;
    migrate_batch batch = {
        .struct_size = sizeof(batch),
        .flags = f->flags,
        .max_ahead = f->max_ahead ? f->max_ahead : 8192,
        .user = f,
        .next = next,
        .done = done,
    };
    migrate_error *err = NULL;
    mig_cf_enter(&c->host);
    migrate_status status = c->db->driver->exec_batch(c->conn, &batch, &err);
    /* What next() or done() said comes back as it was said, and then there is no error to it. */
    if (status >= 100 && !err && (status == f->next_status || status == f->done_status)) {
        mig_cf_leave(&c->host);
        c->status = status;
        return;
    }
    mig_cf_watch(c, "exec_batch()", status, err);
}

bool mig_cf_feed_run(struct mig_cf_feed *f)
{
    struct mig_cf_suite *s = f->c->db->suite;
    uint64_t max = f->max_ahead ? f->max_ahead : 8192;
    /* One statement may exceed the window, and one may be pulled that is not sent yet. */
    uint64_t most;
    run(f);
    for (size_t i = 0; i < CF_FEED_MAX; i++) {
        free(f->text[i]);
        f->text[i] = NULL;
    }
    most = (f->largest > max ? f->largest : max) + f->largest;
    if (f->c->host.breach[0]) {
        mig_cf_fail(s, "%s", f->c->host.breach);
    } else if (f->told != f->pulled) {
        mig_cf_fail(s, "%zu statements were pulled and %zu told by done()", f->pulled, f->told);
    } else if (f->most_under_way > most) {
        mig_cf_fail(s, "%llu bytes were pulled and not answered, with max_ahead %llu",
                    (unsigned long long)f->most_under_way, (unsigned long long)max);
    }
    return s->result == MIGRATE_CASE_PASSED;
}

void mig_cf_write_inserts(struct mig_cf_feed *f, size_t i, char *sql, size_t size, uint32_t *flags)
{
    (void)f;
    snprintf(sql, size, "INSERT INTO conformance_a VALUES (%zu, 'row %zu')", i, i);
    *flags = MIGRATE_STMT_GROUP_END;
}
