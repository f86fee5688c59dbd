/* SPDX-License-Identifier: Apache-2.0 */

/* A source with the added files and code beside it. An entry is told by its path, which is unique, so that
 * the cookies of the source stay its own. */

#include "sources/fault.h"
#include "sources/sources.h"

static migrate_status joined_rewind(void *self, const migrate_host *host, migrate_error **err)
{
    struct mig_source_joined *j = self;
    j->in_memory = false;
    int32_t status = j->ops->rewind(j->self, host, err);
    return status ? status : mig_source_memory_ops.rewind(j->memory, host, err);
}

static migrate_status joined_next(void *self, const migrate_host *host, migrate_entry *out,
                                  migrate_error **err)
{
    struct mig_source_joined *j = self;
    if (!j->in_memory) {
        int32_t status = j->ops->next(j->self, host, out, err);
        if (status != MIGRATE_DONE)
            return status;
        j->in_memory = true;
    }
    return mig_source_memory_ops.next(j->memory, host, out, err);
}

static bool is_added(const struct mig_source_joined *j, const migrate_entry *entry)
{
    return mig_source_memory_has(j->memory, entry->path.data, entry->path.len);
}

static migrate_status joined_read(void *self, const migrate_host *host, const migrate_entry *entry,
                                  uint64_t offset, char *buf, size_t cap, size_t *got, migrate_error **err)
{
    struct mig_source_joined *j = self;
    if (is_added(j, entry))
        return mig_source_memory_ops.read(j->memory, host, entry, offset, buf, cap, got, err);
    return j->ops->read(j->self, host, entry, offset, buf, cap, got, err);
}

static migrate_status joined_run(void *self, const migrate_host *host, const migrate_entry *entry,
                                 uint32_t direction, migrate_executor *x, migrate_error **err)
{
    struct mig_source_joined *j = self;
    if (is_added(j, entry))
        return mig_source_memory_ops.run(j->memory, host, entry, direction, x, err);
    if (MIGRATE_HAS(struct migrate_source_ops, j->ops, run) && j->ops->run)
        return j->ops->run(j->self, host, entry, direction, x, err);
    return mig_source_fail(host, err, MIGRATE_E_CONTRACT, NULL, "the source %s yields code but cannot run it",
                           j->ops->name);
}

static migrate_status joined_create(void *self, const migrate_host *host, const char *path, const char *text,
                                    size_t len, migrate_error **err)
{
    struct mig_source_joined *j = self;
    if (MIGRATE_HAS(struct migrate_source_ops, j->ops, create) && j->ops->create)
        return j->ops->create(j->self, host, path, text, len, err);
    return mig_source_fail(host, err, MIGRATE_E_UNSUPPORTED, NULL, "the source %s cannot create files",
                           j->ops->name);
}

static void joined_free(void *self)
{
    (void)self;
}

const struct migrate_source_ops mig_source_joined_ops = {
    .struct_size = sizeof(struct migrate_source_ops),
    .api = MIGRATE_SOURCE_API,
    .name = "joined",
    .rewind = joined_rewind,
    .next = joined_next,
    .read = joined_read,
    .free = joined_free,
    .run = joined_run,
    .create = joined_create,
};
