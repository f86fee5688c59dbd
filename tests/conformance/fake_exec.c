/* SPDX-License-Identifier: Apache-2.0 */

/* The fake driver: statements and batches. */

#include "fake_inner.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

migrate_status fake_inner_sql(struct fake *c, const char *sql)
{
    migrate_stmt stmt = { .struct_size = sizeof(stmt), .sql = sql, .sql_len = strlen(sql) };
    migrate_result result = { .struct_size = sizeof(result) };
    return inner_driver()->exec(c->inner, &stmt, &result, NULL);
}

/* ---- rows, as a wrong driver may give them ---------------------------------- */

struct rows {
    const migrate_stmt *stmt;
    bool no_more;
    char *kept; /* all of them */
    size_t kept_len;
};

static int32_t pass_row(void *user, uint32_t n, const migrate_text *cols)
{
    struct rows *r = user;
    migrate_text distorted[32];
    for (uint32_t i = 0; i < n && i < 32; i++) {
        distorted[i] = cols[i];
        if (!cols[i].data && fake_broken(FAKE_NULL_IS_EMPTY)) {
            distorted[i] = (migrate_text){ "", 0 };
        }
        if (fake_broken(FAKE_BUFFERS_ROWS)) {
            char *kept = realloc(r->kept, r->kept_len + cols[i].len + 1);
            if (kept) {
                memcpy(kept + r->kept_len, cols[i].data ? cols[i].data : "", cols[i].len);
                r->kept = kept;
                r->kept_len += cols[i].len;
            }
        }
    }
    if (fake_broken(FAKE_ROWS_LOST) && n == 2) {
        return 0;
    }
    if (r->no_more && !fake_broken(FAKE_ROWS_GO_ON)) {
        return 1;
    }
    r->no_more = r->stmt->on_row(r->stmt->on_row_user, n, distorted) != 0;
    return r->no_more && !fake_broken(FAKE_ROWS_GO_ON);
}

/* A copy of the values that a wrong driver would bind. */
static void distort_params(const migrate_stmt *stmt, migrate_text *params)
{
    for (uint32_t i = 0; i < stmt->n_params; i++) {
        params[i] = stmt->params[i];
        size_t len = params[i].len;
        if (fake_broken(FAKE_PARAM_TRIMMED) && len && params[i].data[len - 1] == '\\') {
            params[i].len--;
        }
        if (fake_broken(FAKE_PARAM_EMPTY_IS_NULL) && params[i].data && !len) {
            params[i].data = NULL;
        }
    }
}

static migrate_status run_inner(struct fake *c, const migrate_stmt *stmt, migrate_result *out)
{
    migrate_stmt own = { 0 };
    migrate_text params[16];
    memcpy(&own, stmt, stmt->struct_size < sizeof(own) ? stmt->struct_size : sizeof(own));
    own.struct_size = sizeof(own);
    migrate_stmt caller = own;
    struct rows rows = { .stmt = &caller };
    if (own.on_row) {
        own.on_row = pass_row;
        own.on_row_user = &rows;
    }
    if (own.n_params && own.n_params <= 16) {
        distort_params(&caller, params);
        own.params = params;
    }
    if (fake_broken(FAKE_NUL_TERMINATED)) {
        own.sql_len += 1; /* what a reader to the NUL would find is not ours to look for */
    }
    if (fake_broken(FAKE_COMMIT_ROLLS_BACK) && own.sql_len == 6 && memcmp(own.sql, "COMMIT", 6) == 0) {
        own.sql = "ROLLBACK";
        own.sql_len = 8;
    }
    migrate_status status = inner_driver()->exec(c->inner, &own, out, NULL);
    free(rows.kept);
    return status;
}

/* ---- statements ------------------------------------------------------------ */

static bool meets_fault(void)
{
    uint64_t n = ++fake_script.seen;
    bool meets = fake_script.fault != FAKE_NO_FAULT && fake_script.fault != FAKE_OPEN_REFUSED &&
                 fake_script.at && (n == fake_script.at || (fake_script.again && n >= fake_script.at));
    fake_script.met += meets;
    return meets;
}

static migrate_status lose(struct fake *c, migrate_result *out)
{
    fake_die(c);
    out->outcome = fake_broken(FAKE_LOST_IS_FAILED) ? MIGRATE_OUTCOME_FAILED : MIGRATE_OUTCOME_UNKNOWN;
    out->tx = MIGRATE_TX_UNKNOWN;
    out->tag = NULL;
    fake_fault_of(c, MIGRATE_FAULT_CONN_LOST, 0, "the server closed the connection");
    return MIGRATE_E_CONN_LOST;
}

static migrate_status scripted(struct fake *c, const migrate_stmt *stmt, migrate_result *out)
{
    if (fake_script.fault == FAKE_REFUSED) {
        fake_fault_of(c, fake_script.klass, 0, "refused on command");
        out->outcome = MIGRATE_OUTCOME_FAILED;
        out->affected = -1;
        return MIGRATE_E_SQL;
    }
    if (fake_script.fault == FAKE_LOST_AFTER) {
        run_inner(c, stmt, out);
    }
    return lose(c, out);
}

/* The server answers what was not asked when cancel_fd is readable. */
static bool cancels_unasked(struct fake *c)
{
    if (!fake_broken(FAKE_SPURIOUS_CANCEL) || !MIGRATE_HAS(migrate_host, c->host, cancel_fd)) {
        return false;
    }
    struct pollfd p = { .fd = c->host->cancel_fd(c->host), .events = POLLIN };
    return p.fd >= 0 && poll(&p, 1, 0) > 0;
}

migrate_status fake_run(struct fake *c, const migrate_stmt *stmt, migrate_result *out)
{
    migrate_status status;
    if (c->dead || c->severed) {
        fake_die(c);
        fake_fault_of(c, MIGRATE_FAULT_CONN_LOST, 0, "the server closed the connection");
        out->outcome = fake_broken(FAKE_RECONNECTS) ? MIGRATE_OUTCOME_DONE : MIGRATE_OUTCOME_NONE;
        return fake_broken(FAKE_RECONNECTS) ? MIGRATE_OK : MIGRATE_E_CONN_LOST;
    }
    if (cancels_unasked(c)) {
        fake_fault_of(c, MIGRATE_FAULT_CANCELLED, MIGRATE_E_CANCELLED, "cancelled");
        out->outcome = MIGRATE_OUTCOME_FAILED;
        return MIGRATE_E_CANCELLED;
    }
    if (meets_fault()) {
        return scripted(c, stmt, out);
    }
    status = run_inner(c, stmt, out);
    if (c->severed) {
        return lose(c, out);
    }
    if (status != MIGRATE_OK) {
        fake_distort(c, stmt->sql);
        out->outcome = fake_broken(FAKE_DONE_ON_FAILURE) ? MIGRATE_OUTCOME_DONE : out->outcome;
    }
    out->tx = fake_broken(FAKE_TX_ALWAYS_NONE) ? MIGRATE_TX_NONE : out->tx;
    out->affected += fake_broken(FAKE_WRONG_AFFECTED) && out->affected >= 0;
    out->round_trips = 1;
    return status;
}

migrate_status fake_exec(void *conn, const migrate_stmt *stmt, migrate_result *out, migrate_error **err)
{
    struct fake *c = conn;
    migrate_result own = { .struct_size = sizeof(own), .affected = -1 };
    size_t size = out->struct_size;
    migrate_status status = fake_run(c, stmt, &own);
    own.struct_size = size;
    if (size > sizeof(own) || fake_broken(FAKE_SHORT_RESULT)) {
        size = sizeof(own);
    }
    memcpy(out, &own, size);
    return status == MIGRATE_OK ? status : fake_fail(c, err);
}

/* ---- batches --------------------------------------------------------------- */

#define QUEUE 512

struct batch {
    struct fake *c;
    const migrate_batch *b;
    migrate_stmt queue[QUEUE]; /* sent, not yet answered */
    size_t n;
    uint64_t bytes;
    uint64_t told;
    bool ended, stopped, group_failed;
    migrate_stmt held; /* pulled, does not fit yet */
    bool holds;
    migrate_status status;
};

static void tell(struct batch *t, const migrate_result *result, const migrate_fault *fault)
{
    uint64_t index = t->told++;
    if (fake_broken(FAKE_BATCH_FORGETS) && index == 3) {
        return;
    }
    if (fake_broken(FAKE_BATCH_REORDERS) && index < 2) {
        index = 1 - index;
    }
    if (fake_broken(FAKE_BATCH_NO_FAULT)) {
        fault = NULL;
    }
    migrate_status status = t->b->done(t->b->user, index, result, fault);
    if (fake_broken(FAKE_BATCH_TWICE) && index == 1) {
        t->b->done(t->b->user, index, result, fault);
    }
    if (status != MIGRATE_OK && !fake_broken(FAKE_BATCH_DEAF)) {
        t->stopped = true;
    }
}

/* Answers the oldest statement. */
static void answer_first(struct batch *t)
{
    migrate_stmt stmt = t->queue[0];
    migrate_result result = { .struct_size = sizeof(result), .affected = -1 };
    bool skip = (t->group_failed && !fake_broken(FAKE_BATCH_GOES_ON)) ||
                (t->stopped && !fake_broken(FAKE_BATCH_AHEAD)) || t->c->dead;
    migrate_status status = MIGRATE_OK;
    t->n--;
    memmove(t->queue, t->queue + 1, t->n * sizeof(t->queue[0]));
    t->bytes -= stmt.sql_len;
    if (skip) {
        result.outcome = MIGRATE_OUTCOME_NONE;
    } else {
        status = fake_run(t->c, &stmt, &result);
    }
    if (status != MIGRATE_OK) {
        t->group_failed = true;
        if (t->c->fault.klass == MIGRATE_FAULT_CONN_LOST || t->c->fault.klass == MIGRATE_FAULT_CANCELLED) {
            t->status = status;
            t->stopped = true;
        }
    }
    bool faulty = result.outcome == MIGRATE_OUTCOME_FAILED || result.outcome == MIGRATE_OUTCOME_UNKNOWN;
    tell(t, &result, faulty ? &t->c->fault : NULL);
    if (stmt.flags & MIGRATE_STMT_GROUP_END) {
        t->group_failed = false;
    }
}

static bool must_drain(const struct batch *t)
{
    if (t->n == 0 || fake_broken(FAKE_BATCH_GREEDY)) {
        return false;
    }
    const migrate_stmt *last = &t->queue[t->n - 1];
    bool ahead = (t->b->flags & MIGRATE_BATCH_RUN_AHEAD) || fake_broken(FAKE_BATCH_AHEAD);
    return ((last->flags & MIGRATE_STMT_BARRIER) && !fake_broken(FAKE_BATCH_BARRIER)) ||
           ((last->flags & MIGRATE_STMT_GROUP_END) && !ahead);
}

static void pull(struct batch *t)
{
    memset(&t->held, 0, sizeof(t->held));
    t->held.struct_size = sizeof(t->held);
    migrate_status status = t->b->next(t->b->user, &t->held);
    t->holds = status == MIGRATE_OK;
    t->ended = status != MIGRATE_OK;
    if (status >= 100 && !fake_broken(FAKE_BATCH_STATUS)) {
        t->status = status;
    }
}

static bool fits(const struct batch *t)
{
    return t->n == 0 || fake_broken(FAKE_BATCH_GREEDY) || t->bytes + t->held.sql_len <= t->b->max_ahead;
}

static void fill(struct batch *t)
{
    while (t->n < QUEUE && !t->stopped && !t->ended && !must_drain(t)) {
        if (!t->holds) {
            pull(t);
        }
        if (!t->holds || !fits(t)) {
            return;
        }
        t->queue[t->n++] = t->held;
        t->bytes += t->held.sql_len;
        t->holds = false;
    }
}

migrate_status fake_exec_batch(void *conn, const migrate_batch *batch, migrate_error **err)
{
    struct batch *t = calloc(1, sizeof(*t));
    if (!t) {
        return MIGRATE_E_NOMEM;
    }
    t->c = conn;
    t->b = batch;
    fill(t);
    while (t->n || t->holds) {
        if (t->n) {
            answer_first(t);
        }
        if (t->stopped && t->holds) {
            t->queue[t->n++] = t->held;
            t->bytes += t->held.sql_len;
            t->holds = false;
        }
        fill(t);
    }
    migrate_status status = t->status;
    bool own = t->stopped && status != MIGRATE_OK;
    free(t);
    return own ? fake_fail(conn, err) : status;
}
