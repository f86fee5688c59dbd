/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CONFORMANCE_SOURCE_H
#define MIG_CONFORMANCE_SOURCE_H

/* A source under test, and calls to it that watch the rules which hold for every call. */

#include "host.h"
#include "suite.h"

#define CF_MAX_ENTRIES 32

/* What was listed, copied as the library does: text of an entry lives until the next call. */
struct mig_cf_listed {
    migrate_entry entry;
    char path[200];
    char checksum[200];
};

struct mig_cf_source {
    struct mig_cf_suite *suite;
    const migrate_source_ops *ops;
    migrate_make_fn make;
    void *user;
    void *self;
    struct mig_cf_host host;
    migrate_status status;
    struct mig_cf_listed entries[CF_MAX_ENTRIES];
    size_t n;
};

typedef void (*mig_cf_source_fn)(struct mig_cf_source *t);

struct mig_cf_source_case {
    const char *name;
    mig_cf_source_fn body;
    uint32_t fixture; /* MIGRATE_FIXTURE_* */
};
extern const struct mig_cf_source_case mig_cf_source_cases[];
extern const size_t mig_cf_source_cases_n;

/* Every call that takes an error goes through here when it is done. */
migrate_status mig_cf_source_ended(struct mig_cf_source *t, const char *member, migrate_status status,
                                   migrate_error *err);
migrate_status mig_cf_source_rewind(struct mig_cf_source *t);
migrate_status mig_cf_source_next(struct mig_cf_source *t, migrate_entry *out);
migrate_status mig_cf_source_read(struct mig_cf_source *t, const migrate_entry *e, uint64_t offset, char *buf,
                                  size_t cap, size_t *got);
void mig_cf_source_copy(struct mig_cf_listed *to, const migrate_entry *from);
/* Lists up to @p most entries into t->entries. */
bool mig_cf_source_list(struct mig_cf_source *t, size_t most);
/* Among those listed, or NULL. */
const struct mig_cf_listed *mig_cf_source_find(const struct mig_cf_source *t, const char *path);
/* How many files a source under test holds. */
size_t mig_cf_source_n_files(void);
/* Are exactly these files listed, and right? */
void mig_cf_source_check(struct mig_cf_source *t);

#endif
