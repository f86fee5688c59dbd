/* SPDX-License-Identifier: Apache-2.0 */

/* Reading migrate_history and migrate_journal. */

#include "core/history.h"

#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

struct loading {
    struct mig_history *history;
    const struct mig_set *set;
    bool oom;
    const char *bad; /* what contradicts itself */
};

static uint64_t number(const migrate_text *t, uint64_t absent)
{
    char text[24];
    if (!t->data || !t->len || t->len >= sizeof text)
        return absent;
    memcpy(text, t->data, t->len);
    text[t->len] = '\0';
    return strtoull(text, NULL, 10);
}

static const char *text_of(struct loading *l, const migrate_text *t)
{
    if (!t->data)
        return NULL;
    const char *copy = mig_arena_strndup(&l->history->arena, t->data, t->len);
    l->oom |= !copy;
    return copy;
}

static bool equals(const migrate_text *t, const char *text)
{
    return t->data && t->len == strlen(text) && memcmp(t->data, text, t->len) == 0;
}

static bool read_kind(const migrate_text *t, uint8_t *kind)
{
    *kind = equals(t, "V")   ? MIGRATE_KIND_VERSIONED
            : equals(t, "R") ? MIGRATE_KIND_REPEATABLE
            : equals(t, "B") ? MIGRATE_KIND_BASELINE
                             : 0;
    return *kind != 0;
}

static bool read_state(const migrate_text *t, uint8_t *state)
{
    if (equals(t, "applied"))
        *state = MIG_ROW_APPLIED;
    else if (equals(t, "baseline"))
        *state = MIG_ROW_BASELINE;
    else if (equals(t, "reverted"))
        *state = MIG_ROW_REVERTED;
    else if (equals(t, "pending") || equals(t, "failed"))
        *state = MIG_ROW_PENDING;
    else
        return false;
    return true;
}

static int64_t instant(const migrate_text *t)
{
    char text[40];
    int64_t ms = 0;
    if (!t->data || t->len >= sizeof text)
        return 0;
    memcpy(text, t->data, t->len);
    text[t->len] = '\0';
    return mig_clock_parse(text, &ms) ? ms : 0;
}

static uint32_t number32(const migrate_text *t, uint32_t absent)
{
    uint64_t n = number(t, UINT64_MAX);
    return n == UINT64_MAX ? absent : n < UINT32_MAX ? (uint32_t)n : UINT32_MAX - 1;
}

static const struct mig_migration *migration_of(const struct loading *l, uint8_t kind, const migrate_text *version)
{
    char small[256];
    if (!version->data || version->len >= sizeof small)
        return NULL;
    memcpy(small, version->data, version->len);
    small[version->len] = '\0';
    return mig_set_find(l->set, kind == MIGRATE_KIND_BASELINE ? MIGRATE_KIND_VERSIONED : kind, small);
}

/* A checksum that is the file's own is not kept twice. */
static void read_checksum(struct mig_row *row, struct mig_row_more *more, const migrate_text *t)
{
    if (!t->data || !t->len)
        return;
    row->sum = MIG_SUM_CODE;
    if (t->len != 7 + MIG_SHA256_HEX || memcmp(t->data, "sha256:", 7) != 0 ||
        !mig_unhex(t->data + 7, more->checksum, MIG_SHA256_LEN))
        return;
    const struct mig_migration *m = row->migration;
    bool same = m && m->has_checksum && memcmp(m->checksum, more->checksum, MIG_SHA256_LEN) == 0;
    row->sum = same ? MIG_SUM_SAME : MIG_SUM_OTHER;
}

/* What the file does not say itself: ten thousand rows cost little then. */
static void read_more(struct loading *l, struct mig_row *row, const migrate_text *c)
{
    struct mig_row_more more = { 0 };
    const struct mig_migration *m = row->migration;
    read_checksum(row, &more, &c[4]);
    bool version = !m, name = !m || !equals(&c[2], m->name), error = c[10].data != NULL;
    if (!version && !name && !error && (row->sum == MIG_SUM_NONE || row->sum == MIG_SUM_SAME))
        return;
    more.version = version ? text_of(l, &c[1]) : NULL;
    more.name = name ? text_of(l, &c[2]) : NULL;
    more.error = error ? text_of(l, &c[10]) : NULL;
    more.code_checksum = row->sum == MIG_SUM_CODE ? text_of(l, &c[4]) : NULL;
    struct mig_row_more *kept = mig_arena_alloc(&l->history->arena, sizeof *kept);
    l->oom |= !kept;
    if (kept)
        *kept = more;
    row->more = kept;
}

static int32_t on_history(void *user, uint32_t n, const migrate_text *c)
{
    struct loading *l = user;
    struct mig_history *h = l->history;
    if (n < 11 || l->oom)
        return 1;
    if (!mig_grow(&h->rows, &h->rows_cap, h->n_rows + 1, sizeof *h->rows)) {
        l->oom = true;
        return 1;
    }
    struct mig_row *row = &h->rows[h->n_rows];
    memset(row, 0, sizeof *row);
    if (!read_kind(&c[0], &row->kind))
        l->bad = "a row whose kind is none of V, R, B";
    else if (!read_state(&c[3], &row->state))
        l->bad = "a row whose state is unknown";
    if (l->bad)
        return 1;
    row->migration = migration_of(l, row->kind, &c[1]);
    row->statements = number32(&c[5], UINT32_MAX);
    row->done = number32(&c[6], 0);
    row->applied_at_ms = instant(&c[8]);
    row->elapsed_ms = number32(&c[9], 0);
    read_more(l, row, c);
    h->n_rows++;
    return l->oom;
}

static int32_t on_journal(void *user, uint32_t n, const migrate_text *c)
{
    struct loading *l = user;
    struct mig_history *h = l->history;
    if (n < 10 || l->oom)
        return 1;
    if (!mig_grow(&h->journal, &h->journal_cap, h->n_journal + 1, sizeof *h->journal)) {
        l->oom = true;
        return 1;
    }
    struct mig_journal_row *row = &h->journal[h->n_journal];
    memset(row, 0, sizeof *row);
    if (!read_kind(&c[0], &row->kind) || !c[2].len) {
        l->bad = "a journal row whose kind or direction is unknown";
        return 1;
    }
    row->version = text_of(l, &c[1]);
    row->direction = c[2].data[0];
    row->idx = number(&c[3], 0);
    row->is_done = equals(&c[4], "done");
    row->seq = number(&c[5], 0);
    row->epoch = number(&c[6], 0);
    row->sha = text_of(l, &c[7]);
    row->object = text_of(l, &c[8]);
    row->fp = text_of(l, &c[9]);
    h->n_journal++;
    return 0;
}

const char *mig_row_version(const struct mig_row *row)
{
    const char *own = row->more ? row->more->version : NULL;
    return own ? own : row->migration ? mig_identity(row->migration) : "";
}

const char *mig_row_name(const struct mig_row *row)
{
    const char *own = row->more ? row->more->name : NULL;
    return own ? own : row->migration ? row->migration->name : "";
}

const uint8_t *mig_row_sum(const struct mig_row *row)
{
    return row->sum == MIG_SUM_SAME ? row->migration->checksum : row->sum == MIG_SUM_OTHER ? row->more->checksum : NULL;
}

/* V and B before R; versions in the set's order, names by bytes. */
static int compare_rows(const struct mig_set *set, const struct mig_row *a, const struct mig_row *b)
{
    bool ra = a->kind == MIGRATE_KIND_REPEATABLE, rb = b->kind == MIGRATE_KIND_REPEATABLE;
    if (ra != rb)
        return ra ? 1 : -1;
    const char *va = mig_row_version(a), *vb = mig_row_version(b);
    int order = ra ? strcmp(va, vb) : mig_set_compare(set, va, vb);
    return order ? order : strcmp(va, vb);
}

/* Merge sort by hand: qsort has no user pointer in C11, and the order depends on the set. */
static void merge_sort(const struct mig_set *set, struct mig_row *rows, struct mig_row *spare, size_t n)
{
    if (n < 2)
        return;
    size_t half = n / 2;
    merge_sort(set, rows, spare, half);
    merge_sort(set, rows + half, spare, n - half);
    if (compare_rows(set, &rows[half - 1], &rows[half]) <= 0)
        return;
    memcpy(spare, rows, half * sizeof *rows);
    size_t i = 0, j = half, k = 0;
    while (i < half)
        rows[k++] = j < n && compare_rows(set, &rows[j], &spare[i]) < 0 ? rows[j++] : spare[i++];
}

static bool sort_rows(const struct mig_set *set, struct mig_history *h)
{
    bool sorted = true;
    for (size_t i = 1; i < h->n_rows && sorted; i++)
        sorted = compare_rows(set, &h->rows[i - 1], &h->rows[i]) <= 0;
    if (!sorted) {
        struct mig_row *spare = malloc((h->n_rows / 2 + 1) * sizeof *spare);
        if (!spare)
            return false;
        merge_sort(set, h->rows, spare, h->n_rows);
        free(spare);
    }
    while (h->n_versioned < h->n_rows && h->rows[h->n_versioned].kind != MIGRATE_KIND_REPEATABLE)
        h->n_versioned++;
    return true;
}

/* Every migration that was applied has moved seq. */
static bool head_was_lost(const struct mig_history *h, const struct mig_head *head)
{
    if (head->seq)
        return false;
    for (size_t i = 0; i < h->n_rows; i++) {
        if (mig_row_in(&h->rows[i]))
            return true;
    }
    return false;
}

static migrate_status load(migrate_ctx *ctx, struct loading *l, void (*query)(const struct mig_books *, struct mig_buf *),
                           migrate_row_fn on_row, migrate_error **err)
{
    struct mig_books b;
    struct mig_buf sql = MIG_BUF_INIT;
    mig_books_of(ctx, &b);
    query(&b, &sql);
    migrate_status status = mig_exec_buf(ctx, &sql, on_row, l, NULL, err);
    mig_buf_free(&sql);
    if (status && mig_error_fault(err ? *err : NULL) == MIGRATE_FAULT_MISSING) {
        mig_error_prefix(err, "the tables of libmigrate are not complete");
        mig_error_status(err, status = MIGRATE_E_HISTORY);
        mig_error_hint(err, "restore the one that is gone from a backup");
    }
    if (!status && l->oom)
        status = mig_fail_nomem(err);
    if (!status && l->bad) {
        status = mig_fail(err, MIGRATE_E_HISTORY, "the tables of libmigrate hold %s", l->bad);
        mig_error_hint(err, "they were edited by hand, or by a newer libmigrate");
    }
    return status;
}

/* Another run may have committed between the reading of the head and of the history. */
static migrate_status check_lost_head(migrate_ctx *ctx, const struct mig_history *h, const struct mig_head *head,
                                      migrate_error **err)
{
    struct mig_head now;
    if (!head_was_lost(h, head))
        return MIGRATE_OK;
    migrate_status status = mig_head_read(ctx, &now, err);
    if (status || !head_was_lost(h, &now))
        return status;
    mig_fail(err, MIGRATE_E_HISTORY, "%s says that nothing was ever applied, the history says otherwise",
             ctx->db.names.head);
    mig_error_hint(err, "the table was lost and made again: restore it from a backup, or set its seq to a number above 0");
    return MIGRATE_E_HISTORY;
}

migrate_status mig_history_read(migrate_ctx *ctx, const struct mig_set *set, const struct mig_head *head,
                                struct mig_history *out, migrate_error **err)
{
    *out = (struct mig_history){ 0 };
    if (!head->present)
        return MIGRATE_OK;
    struct loading l = { .history = out, .set = set };
    migrate_status status = load(ctx, &l, mig_books_read_history, on_history, err);
    if (!status)
        status = check_lost_head(ctx, out, head, err);
    /* A journal is open only while the digest is empty. */
    if (!status && head->digest[0] == '\0')
        status = load(ctx, &l, mig_books_read_journal, on_journal, err);
    if (!status && !sort_rows(set, out))
        status = mig_fail_nomem(err);
    if (status)
        mig_history_free(out);
    return status;
}

void mig_history_free(struct mig_history *h)
{
    mig_arena_free(&h->arena);
    free(h->rows);
    free(h->journal);
    *h = (struct mig_history){ 0 };
}

const struct mig_row *mig_history_find(const struct mig_history *h, const struct mig_set *set, uint32_t kind,
                                       const char *id)
{
    struct mig_row_more more = { .version = id };
    struct mig_row key = { .more = &more, .kind = (uint8_t)kind };
    size_t lo = 0, hi = h->n_rows;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = compare_rows(set, &h->rows[mid], &key);
        if (order == 0)
            return &h->rows[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

size_t mig_history_open(const struct mig_history *h, const struct mig_journal_row **first)
{
    if (!h->n_journal)
        return 0;
    const struct mig_journal_row *a = *first = h->journal;
    size_t n = 1;
    while (n < h->n_journal && a[n].kind == a->kind && a[n].direction == a->direction &&
           strcmp(a[n].version, a->version) == 0)
        n++;
    return n;
}
