/* SPDX-License-Identifier: Apache-2.0 */

/* The suite for sources: running it. */

#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every call that takes an error goes through here when it is done. */
migrate_status mig_cf_source_ended(struct mig_cf_source *t, const char *member, migrate_status status,
                                   migrate_error *err)
{
    mig_cf_leave(&t->host);
    t->status = status;
    if (status >= 100 && (!err || migrate_error_status(err) != status)) {
        mig_cf_breach(&t->host, "%s failed with %s and stored no error of that status", member,
                      migrate_status_name(status));
    } else if (status < 100 && err) {
        mig_cf_breach(&t->host, "%s succeeded and stored an error", member);
    }
    if (status >= 100) {
        mig_cf_fail(t->suite, "%s: %s", member,
                    err ? migrate_error_message(err) : migrate_status_name(status));
    }
    migrate_error_free(err);
    return status;
}

migrate_status mig_cf_source_rewind(struct mig_cf_source *t)
{
    migrate_error *err = NULL;
    mig_cf_enter(&t->host);
    return mig_cf_source_ended(t, "rewind()", t->ops->rewind(t->self, &t->host.vt, &err), err);
}

migrate_status mig_cf_source_next(struct mig_cf_source *t, migrate_entry *out)
{
    migrate_error *err = NULL;
    mig_cf_enter(&t->host);
    migrate_status status = t->ops->next(t->self, &t->host.vt, out, &err);
    return mig_cf_source_ended(t, "next()", status, err);
}

migrate_status mig_cf_source_read(struct mig_cf_source *t, const migrate_entry *e, uint64_t offset, char *buf,
                                  size_t cap, size_t *got)
{
    migrate_error *err = NULL;
    mig_cf_enter(&t->host);
    migrate_status status = t->ops->read(t->self, &t->host.vt, e, offset, buf, cap, got, &err);
    return mig_cf_source_ended(t, "read()", status, err);
}

/* ---- listing --------------------------------------------------------------- */

void mig_cf_source_copy(struct mig_cf_listed *to, const migrate_entry *from)
{
    to->entry = *from;
    snprintf(to->path, sizeof(to->path), "%.*s", (int)from->path.len, from->path.data ? from->path.data : "");
    to->entry.path.data = to->path;
    to->entry.path.len = strlen(to->path);
    if (from->checksum) {
        snprintf(to->checksum, sizeof(to->checksum), "%s", from->checksum);
        to->entry.checksum = to->checksum;
    }
}

/* Lists up to @p most entries into t->entries. */
bool mig_cf_source_list(struct mig_cf_source *t, size_t most)
{
    t->n = 0;
    if (mig_cf_source_rewind(t) != MIGRATE_OK) {
        return false;
    }
    while (t->n < most) {
        migrate_entry e = { .struct_size = sizeof(e) };
        migrate_status status = mig_cf_source_next(t, &e);
        if (status == MIGRATE_DONE) {
            return true;
        }
        if (status != MIGRATE_OK) {
            return false;
        }
        if (t->n == CF_MAX_ENTRIES) {
            mig_cf_fail(t->suite, "more than %d entries are listed", CF_MAX_ENTRIES);
            return false;
        }
        mig_cf_source_copy(&t->entries[t->n++], &e);
    }
    return true;
}

const struct mig_cf_listed *mig_cf_source_find(const struct mig_cf_source *t, const char *path)
{
    for (size_t i = 0; i < t->n; i++) {
        if (strcmp(t->entries[i].path, path) == 0) {
            return &t->entries[i];
        }
    }
    return NULL;
}

size_t mig_cf_source_n_files(void)
{
    size_t n = 0;
    while (migrate_conformance_file(n, NULL)) {
        n++;
    }
    return n;
}

/* Are exactly the files listed, and right? */
void mig_cf_source_check(struct mig_cf_source *t)
{
    CF_CHECK(t->suite, t->n == mig_cf_source_n_files(), "%zu entries are listed, there are %zu", t->n,
             mig_cf_source_n_files());
    for (size_t i = 0; i < mig_cf_source_n_files(); i++) {
        migrate_text text;
        const char *path = migrate_conformance_file(i, &text);
        const struct mig_cf_listed *l = mig_cf_source_find(t, path);
        CF_CHECK(t->suite, l, "'%s' is not listed", path);
        CF_CHECK(t->suite, l->entry.size == text.len || l->entry.size == UINT64_MAX,
                 "'%s' has size %llu, not %zu", path, (unsigned long long)l->entry.size, text.len);
        CF_CHECK(t->suite, l->entry.flags == 0, "'%s' has flags %u", path, l->entry.flags);
    }
}

/* ---- running --------------------------------------------------------------- */

static void run_case(struct mig_cf_source *t, mig_cf_source_fn body, uint32_t fixture)
{
    if (!mig_cf_host_init(&t->host, NULL, sizeof(migrate_host))) {
        mig_cf_fail(t->suite, "no descriptor left for the suite");
        return;
    }
    migrate_status status = t->make(t->user, fixture, &t->self);
    if (status == MIGRATE_E_UNSUPPORTED) {
        mig_cf_skip(t->suite, "the source cannot be made so");
    } else if (status != MIGRATE_OK) {
        mig_cf_fail(t->suite, "the source could not be made: %s", migrate_status_name(status));
    } else {
        body(t);
        t->ops->free(t->self);
    }
    if (t->host.breach[0]) {
        mig_cf_fail(t->suite, "%s", t->host.breach);
    }
    mig_cf_host_done(&t->host);
}

static bool usable(const migrate_source_ops *ops)
{
    return ops && ops->struct_size >= offsetof(migrate_source_ops, free) + sizeof(ops->free) &&
           ops->api == MIGRATE_SOURCE_API && ops->name && *ops->name && ops->rewind && ops->next &&
           ops->read && ops->free;
}

migrate_status migrate_conformance_source(const migrate_source_ops *ops, migrate_make_fn make,
                                          const char *only, migrate_case_fn fn, void *user,
                                          migrate_error **err)
{
    struct mig_cf_suite suite = { .only = only, .fn = fn, .user = user };
    if (!make) {
        return migrate_error_make(err, MIGRATE_E_ARGUMENT, "nothing makes the source under test", NULL);
    }
    bool fine = usable(ops);
    if (mig_cf_begin(&suite, "source/vtable")) {
        if (!fine) {
            mig_cf_fail(&suite, "struct_size, api, name, rewind, next, read or free is not set");
        }
        mig_cf_end(&suite, "source/vtable");
    }
    struct mig_cf_source *t = calloc(1, sizeof(*t));
    if (!t) {
        return migrate_error_make(err, MIGRATE_E_NOMEM, "out of memory", NULL);
    }
    *t = (struct mig_cf_source){ .suite = &suite, .ops = ops, .make = make, .user = user };
    for (size_t i = 0; fine && i < mig_cf_source_cases_n; i++) {
        if (mig_cf_begin(&suite, mig_cf_source_cases[i].name)) {
            run_case(t, mig_cf_source_cases[i].body, mig_cf_source_cases[i].fixture);
            mig_cf_end(&suite, mig_cf_source_cases[i].name);
        }
    }
    free(t);
    return fine ? mig_cf_verdict(&suite, err)
                : migrate_error_make(err, MIGRATE_E_CONTRACT, "the vtable is not usable", NULL);
}
