/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SOURCES_SOURCES_H
#define MIG_SOURCES_SOURCES_H

/* The library's own sources. Each is a vtable of source.h and a maker of its `self`; makers return
 * MIGRATE_OK or E_NOMEM, everything else is said when the source is listed or read. */

#include <migrate/context.h>
#include <migrate/source.h>

#include "util/diag.h"

/* Files of a directory and of the directories in it. */
extern const struct migrate_source_ops mig_source_directory_ops;
int32_t mig_source_directory(const char *path, void **self);
/* Makes the directory, and those above it, if it is missing: before the first file is created in it. */
int32_t mig_source_directory_make(void *self, const migrate_host *host, migrate_error **err);

/* Files and code that were added one by one. Text, paths and checksums are copied; E_DUPLICATE for a path
 * that is there, E_ARGUMENT for one that is not relative. `release` is called when the source is freed, never
 * when adding fails. */
extern const struct migrate_source_ops mig_source_memory_ops;
int32_t mig_source_memory(void **self);
int32_t mig_source_memory_add_file(void *self, const char *path, const char *text, size_t len,
                                   struct mig_diag *diag);
int32_t mig_source_memory_add_code(void *self, const char *path, const char *checksum, uint32_t flags,
                                   migrate_code_fn fn, void *user, migrate_release_fn release,
                                   struct mig_diag *diag);
/* Is there an entry of this path? */
bool mig_source_memory_has(const void *self, const char *path, size_t len);

/* Another source and the memory one as one. `self` is a struct mig_source_joined, which owns neither and
 * lives wherever its maker wants; free() does nothing. */
struct mig_source_joined {
    const struct migrate_source_ops *ops;
    void *self;
    void *memory;
    bool in_memory; /* listing has come to the second */
};
extern const struct migrate_source_ops mig_source_joined_ops;

#endif
