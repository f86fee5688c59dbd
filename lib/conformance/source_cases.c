/* SPDX-License-Identifier: Apache-2.0 */

/* The suite for sources: its cases. */

#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void source_empty(struct mig_cf_source *t)
{
    for (int i = 0; i < 2; i++) {
        if (!mig_cf_source_list(t, CF_MAX_ENTRIES + 1)) {
            return;
        }
        CF_CHECK(t->suite, t->n == 0, "an empty source lists '%s'", t->entries[0].path);
    }
}

static void source_list(struct mig_cf_source *t)
{
    if (mig_cf_source_list(t, CF_MAX_ENTRIES + 1)) {
        mig_cf_source_check(t);
    }
}

static void source_done_again(struct mig_cf_source *t)
{
    migrate_entry e = { .struct_size = sizeof(e) };
    if (mig_cf_source_list(t, CF_MAX_ENTRIES + 1)) {
        CF_CHECK(t->suite, mig_cf_source_next(t, &e) == MIGRATE_DONE, "next() after DONE is not DONE");
    }
}

static void source_rewind(struct mig_cf_source *t)
{
    for (size_t most = 1; most <= 3; most++) {
        if (!mig_cf_source_list(t, most)) {
            return;
        }
    }
    if (mig_cf_source_list(t, CF_MAX_ENTRIES + 1)) {
        mig_cf_source_check(t);
    }
}

/* An entry as a library that knows less of it gives it. */
static void source_entry_size(struct mig_cf_source *t)
{
    struct {
        migrate_entry entry;
        unsigned char behind[32];
    } space;
    static const size_t sizes[] = { offsetof(migrate_entry, checksum), sizeof(migrate_entry),
                                    sizeof(migrate_entry) + 16 };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t kept = sizes[i] < sizeof(migrate_entry) ? sizes[i] : sizeof(migrate_entry);
        if (mig_cf_source_rewind(t) != MIGRATE_OK) {
            return;
        }
        memset(&space, 0xa5, sizeof(space));
        memset(&space, 0, kept);
        space.entry.struct_size = sizes[i];
        if (mig_cf_source_next(t, &space.entry) != MIGRATE_OK) {
            return;
        }
        for (size_t k = kept; k < sizeof(space); k++) {
            CF_CHECK(t->suite, ((unsigned char *)&space)[k] == 0xa5,
                     "an entry of struct_size %zu was written behind its end", sizes[i]);
        }
    }
}

/* ---- reading --------------------------------------------------------------- */

/* Reads @p l in pieces of @p piece and compares. */
static bool same_text(struct mig_cf_source *t, const struct mig_cf_listed *l, migrate_text want, size_t piece)
{
    char buf[8192 + 16];
    uint64_t at = 0;
    for (;;) {
        size_t got = 0;
        memset(buf, 0xa5, sizeof(buf));
        if (mig_cf_source_read(t, &l->entry, at, buf, piece, &got) != MIGRATE_OK) {
            return false;
        }
        if (got > piece || (unsigned char)buf[piece] != 0xa5) {
            mig_cf_fail(t->suite, "'%s': read() of %zu bytes gave %zu", l->path, piece, got);
            return false;
        }
        if (got == 0) {
            break;
        }
        if (at + got > want.len || memcmp(buf, want.data + at, got) != 0) {
            mig_cf_fail(t->suite, "'%s': other bytes between %llu and %llu", l->path, (unsigned long long)at,
                        (unsigned long long)(at + got));
            return false;
        }
        at += got;
    }
    if (at != want.len) {
        mig_cf_fail(t->suite, "'%s': the end came at %llu of %zu bytes", l->path, (unsigned long long)at,
                    want.len);
    }
    return at == want.len;
}

/* Every file, in an order that is not the listing's, after the listing has ended. */
static void read_all(struct mig_cf_source *t, size_t piece)
{
    if (!mig_cf_source_list(t, CF_MAX_ENTRIES + 1)) {
        return;
    }
    for (size_t i = mig_cf_source_n_files(); i-- > 0;) {
        migrate_text text;
        const struct mig_cf_listed *l = mig_cf_source_find(t, migrate_conformance_file(i, &text));
        CF_CHECK(t->suite, l, "'%s' is not listed", migrate_conformance_file(i, NULL));
        if (!same_text(t, l, text, piece)) {
            return;
        }
    }
}

static void source_read(struct mig_cf_source *t)
{
    read_all(t, 8192);
}

static void source_read_pieces(struct mig_cf_source *t)
{
    read_all(t, 997);
}

static void source_read_offsets(struct mig_cf_source *t)
{
    migrate_text text = { NULL, 0 };
    size_t largest = 0;
    for (size_t i = 0; migrate_conformance_file(i, &text); i++) {
        migrate_text l;
        migrate_conformance_file(largest, &l);
        largest = text.len > l.len ? i : largest;
    }
    if (!mig_cf_source_list(t, CF_MAX_ENTRIES + 1)) {
        return;
    }
    const struct mig_cf_listed *l = mig_cf_source_find(t, migrate_conformance_file(largest, &text));
    CF_CHECK(t->suite, l, "'%s' is not listed", migrate_conformance_file(largest, NULL));
    const uint64_t offsets[] = { text.len - 1, 5, text.len / 2, 0, text.len, text.len + 1000 };
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        char byte[16] = { 0 }; /* room for a source that writes past its end */
        size_t got = 99;
        if (mig_cf_source_read(t, &l->entry, offsets[i], byte, 1, &got) != MIGRATE_OK) {
            return;
        }
        size_t want = offsets[i] < text.len ? 1 : 0;
        CF_CHECK(t->suite, got == want && (!want || byte[0] == text.data[offsets[i]]),
                 "one byte at %llu of %zu: got %zu", (unsigned long long)offsets[i], text.len, got);
    }
}

/* Reading does not disturb a listing under way, and the other way round. */
static void source_interleaved(struct mig_cf_source *t)
{
    size_t seen = 0;
    if (mig_cf_source_rewind(t) != MIGRATE_OK) {
        return;
    }
    for (;;) {
        migrate_entry e = { .struct_size = sizeof(e) };
        char byte[16]; /* as above */
        size_t got;
        migrate_status status = mig_cf_source_next(t, &e);
        if (status != MIGRATE_OK) {
            break;
        }
        mig_cf_source_copy(&t->entries[0], &e);
        if (mig_cf_source_read(t, &t->entries[0].entry, 0, byte, 1, &got) != MIGRATE_OK) {
            return;
        }
        seen++;
    }
    CF_CHECK(t->suite, seen == mig_cf_source_n_files(), "with reads between, %zu of %zu entries were listed",
             seen, mig_cf_source_n_files());
}

static void source_borrow(struct mig_cf_source *t)
{
    if (!MIGRATE_HAS(migrate_source_ops, t->ops, borrow) || !t->ops->borrow) {
        mig_cf_skip(t->suite, "the source does not have borrow");
        return;
    }
    if (!mig_cf_source_list(t, CF_MAX_ENTRIES + 1)) {
        return;
    }
    for (size_t i = 0; i < t->n; i++) {
        migrate_text text = { NULL, 0 }, want = { NULL, 0 };
        migrate_error *err = NULL;
        mig_cf_enter(&t->host);
        migrate_status status = t->ops->borrow(t->self, &t->entries[i].entry, &text, &err);
        if (status == MIGRATE_E_UNSUPPORTED) {
            mig_cf_leave(&t->host);
            migrate_error_free(err);
            continue;
        }
        if (mig_cf_source_ended(t, "borrow()", status, err) != MIGRATE_OK) {
            return;
        }
        for (size_t k = 0; k < mig_cf_source_n_files(); k++) {
            const char *path = migrate_conformance_file(k, &want);
            if (strcmp(path, t->entries[i].path) == 0) {
                CF_CHECK(t->suite,
                         text.len == want.len && memcmp(text.data ? text.data : "", want.data, want.len) == 0,
                         "'%s': other text is lent than was given", path);
            }
        }
    }
}

/* How many entries a listing under way still has; SIZE_MAX on failure. */
static size_t rest_of(struct mig_cf_source *t)
{
    for (size_t n = 0;; n++) {
        migrate_entry e = { .struct_size = sizeof(e) };
        migrate_status status = mig_cf_source_next(t, &e);
        if (status != MIGRATE_OK) {
            return status == MIGRATE_DONE ? n : SIZE_MAX;
        }
    }
}

/* Two sources made alike do not disturb each other, also in the middle of a listing. */
static void source_two(struct mig_cf_source *t)
{
    struct mig_cf_source *other = calloc(1, sizeof(*other));
    if (!other || !mig_cf_host_init(&other->host, NULL, sizeof(migrate_host))) {
        free(other);
        mig_cf_fail(t->suite, "out of memory");
        return;
    }
    other->suite = t->suite;
    other->ops = t->ops;
    if (mig_cf_source_list(t, 2) && t->make(t->user, MIGRATE_FIXTURE_FILES, &other->self) == MIGRATE_OK) {
        if (mig_cf_source_list(other, CF_MAX_ENTRIES + 1)) {
            mig_cf_source_check(other);
        }
        size_t rest = rest_of(t);
        if (rest != mig_cf_source_n_files() - 2) {
            mig_cf_fail(t->suite,
                        "while another source was listed, this one's listing lost its place: %zu of %zu left",
                        rest, mig_cf_source_n_files() - 2);
        }
        t->ops->free(other->self);
    }
    mig_cf_host_done(&other->host);
    free(other);
    read_all(t, 4096);
}

/* ---- code and creation ----------------------------------------------------- */

struct recorder {
    migrate_executor x;
    char sql[200];
    uint32_t calls;
    migrate_status answer;
};

static migrate_status record(migrate_executor *x, const char *sql, size_t len, const migrate_text *params,
                             uint32_t n_params, migrate_row_fn on_row, void *user, migrate_error **err)
{
    struct recorder *r = x->self;
    (void)params;
    (void)n_params;
    (void)on_row;
    (void)user;
    r->calls++;
    snprintf(r->sql, sizeof(r->sql), "%.*s", (int)len, sql);
    return r->answer ? migrate_error_make(err, r->answer, "refused by the test", NULL) : MIGRATE_OK;
}

static migrate_status go_on(migrate_executor *x)
{
    (void)x;
    return MIGRATE_OK;
}

static void source_code(struct mig_cf_source *t)
{
    static const char sql[] = "INSERT INTO conformance_code VALUES (1)";
    if (!mig_cf_source_list(t, CF_MAX_ENTRIES + 1)) {
        return;
    }
    const struct mig_cf_listed *l = mig_cf_source_find(t, "9999_code.c");
    CF_CHECK(t->suite, l && (l->entry.flags & MIGRATE_ENTRY_CODE), "no code entry '9999_code.c' is listed");
    CF_CHECK(t->suite, MIGRATE_HAS(migrate_source_ops, t->ops, run) && t->ops->run,
             "a code entry, and run is NULL");
    for (int refused = 0; refused < 2; refused++) {
        struct recorder r = { .answer = refused ? MIGRATE_E_SQL : MIGRATE_OK };
        migrate_error *err = NULL;
        r.x = (migrate_executor){ .struct_size = sizeof(r.x), .self = &r, .exec = record, .tick = go_on };
        mig_cf_enter(&t->host);
        migrate_status status =
            t->ops->run(t->self, &t->host.vt, &l->entry, MIGRATE_DIRECTION_UP, &r.x, &err);
        mig_cf_leave(&t->host);
        migrate_error_free(err);
        CF_CHECK(t->suite, r.calls == 1 && strcmp(r.sql, sql) == 0,
                 "run() executed '%s' (%u calls), not '%s'", r.sql, r.calls, sql);
        CF_CHECK(t->suite, refused ? status >= 100 : status == MIGRATE_OK,
                 "run() returned %s when its SQL %s", migrate_status_name(status),
                 refused ? "failed" : "succeeded");
    }
}

static void source_create(struct mig_cf_source *t)
{
    static const char text[] = "SELECT 42;\n";
    migrate_error *err = NULL;
    if (!MIGRATE_HAS(migrate_source_ops, t->ops, create) || !t->ops->create) {
        mig_cf_skip(t->suite, "the source does not have create");
        return;
    }
    mig_cf_enter(&t->host);
    migrate_status status =
        t->ops->create(t->self, &t->host.vt, "0042_made.sql", text, sizeof(text) - 1, &err);
    if (status == MIGRATE_E_UNSUPPORTED) {
        mig_cf_leave(&t->host);
        migrate_error_free(err);
        mig_cf_skip(t->suite, "create() says E_UNSUPPORTED");
        return;
    }
    if (mig_cf_source_ended(t, "create()", status, err) != MIGRATE_OK ||
        !mig_cf_source_list(t, CF_MAX_ENTRIES + 1)) {
        return;
    }
    const struct mig_cf_listed *l = mig_cf_source_find(t, "0042_made.sql");
    CF_CHECK(t->suite, l, "what was created is not listed");
    same_text(t, l, (migrate_text){ text, sizeof(text) - 1 }, 100);
    err = NULL;
    mig_cf_enter(&t->host);
    status = t->ops->create(t->self, &t->host.vt, "0042_made.sql", "other", 5, &err);
    mig_cf_leave(&t->host);
    migrate_error_free(err);
    CF_CHECK(t->suite, status >= 100, "an entry was created over another");
    same_text(t, l, (migrate_text){ text, sizeof(text) - 1 }, 100);
}

const struct mig_cf_source_case mig_cf_source_cases[] = {
    { "source/empty", source_empty, MIGRATE_FIXTURE_EMPTY },
    { "source/list", source_list, MIGRATE_FIXTURE_FILES },
    { "source/done-again", source_done_again, MIGRATE_FIXTURE_FILES },
    { "source/rewind", source_rewind, MIGRATE_FIXTURE_FILES },
    { "source/entry-struct-size", source_entry_size, MIGRATE_FIXTURE_FILES },
    { "source/read", source_read, MIGRATE_FIXTURE_FILES },
    { "source/read-pieces", source_read_pieces, MIGRATE_FIXTURE_FILES },
    { "source/read-offsets", source_read_offsets, MIGRATE_FIXTURE_FILES },
    { "source/read-while-listing", source_interleaved, MIGRATE_FIXTURE_FILES },
    { "source/borrow", source_borrow, MIGRATE_FIXTURE_FILES },
    { "source/two", source_two, MIGRATE_FIXTURE_FILES },
    { "source/code", source_code, MIGRATE_FIXTURE_CODE },
    { "source/create", source_create, MIGRATE_FIXTURE_EMPTY },
};
const size_t mig_cf_source_cases_n = sizeof(mig_cf_source_cases) / sizeof(mig_cf_source_cases[0]);
