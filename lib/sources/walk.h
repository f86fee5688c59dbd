/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_SOURCES_WALK_H
#define MIG_SOURCES_WALK_H

/* Walks a directory and those in it, one file at a time, following links. */

#include <dirent.h>
#include <stdbool.h>
#include <sys/types.h>

#include <migrate/source.h>

#include "util/buf.h"

enum { MIG_WALK_LEVELS = 16 }; /* directories below the root */

struct mig_walk_level {
    DIR *dir;
    size_t path_len; /* of the path up to this directory, '/' included */
    dev_t dev;
    ino_t ino;
};

struct mig_walk {
    const char *root;    /* borrowed, for messages */
    struct mig_buf path; /* of the entry last given, relative */
    uint32_t depth;
    struct mig_walk_level levels[MIG_WALK_LEVELS + 1];
};

/* Starts over in the directory @p fd, which stays the caller's. */
int32_t mig_walk_start(struct mig_walk *w, int fd, const migrate_host *host, migrate_error **err);
/* MIGRATE_OK: w->path is the next file a layout may want; MIGRATE_DONE; or E_SOURCE, E_NAME, E_NOMEM. */
int32_t mig_walk_next(struct mig_walk *w, const migrate_host *host, migrate_error **err);
/* Closes what is open; the walk may be started again. */
void mig_walk_stop(struct mig_walk *w);

#endif
