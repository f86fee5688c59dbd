/* SPDX-License-Identifier: Apache-2.0 */

/* A directory as a source. Files are read by offset, never mapped: a mapped file that shrinks is a signal
 * that a library cannot survive. The directory is held open from one listing to the next, so that a
 * deployment that swaps it does not mix two of them. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sources/fault.h"
#include "sources/sources.h"
#include "sources/walk.h"
#include "util/mem.h"
#include "util/text.h"

struct directory {
    char *root;
    int fd; /* of the root, -1 not listed yet */
    struct mig_walk walk;
    int file; /* the file read last stays open, -1 none */
    struct mig_buf file_path;
};

int32_t mig_source_directory(const char *path, void **self)
{
    struct directory *d = calloc(1, sizeof *d);
    char *root = mig_strdup(path);
    if (!d || !root) {
        free(d);
        free(root);
        return MIGRATE_E_NOMEM;
    }
    size_t len = strlen(root);
    while (len > 1 && root[len - 1] == '/')
        root[--len] = '\0';
    d->root = root;
    d->walk.root = root;
    d->fd = d->file = -1;
    *self = d;
    return MIGRATE_OK;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void directory_free(void *self)
{
    struct directory *d = self;
    if (!d)
        return;
    mig_walk_stop(&d->walk);
    mig_buf_free(&d->walk.path);
    mig_buf_free(&d->file_path);
    close_fd(&d->file);
    close_fd(&d->fd);
    free(d->root);
    free(d);
}

static int32_t open_root(struct directory *d, const migrate_host *host, migrate_error **err)
{
    close_fd(&d->file);
    close_fd(&d->fd);
    d->fd = open(d->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->fd >= 0)
        return MIGRATE_OK;
    if (errno == ENOENT)
        return mig_source_fail(host, err, MIGRATE_E_SOURCE,
                               "create it, or name the directory of the migrations",
                               "the directory %s does not exist", d->root);
    if (errno == ENOTDIR)
        return mig_source_fail(host, err, MIGRATE_E_SOURCE, "name the directory that holds the migrations",
                               "%s is a file, not a directory", d->root);
    return mig_source_fail_errno(host, err, errno, "open the directory", d->root);
}

static migrate_status directory_rewind(void *self, const migrate_host *host, migrate_error **err)
{
    struct directory *d = self;
    mig_walk_stop(&d->walk);
    int32_t status = open_root(d, host, err);
    return status ? status : mig_walk_start(&d->walk, d->fd, host, err);
}

static migrate_status directory_next(void *self, const migrate_host *host, migrate_entry *out,
                                     migrate_error **err)
{
    struct directory *d = self;
    int32_t status = mig_walk_next(&d->walk, host, err);
    if (status)
        return status;
    out->path = (migrate_text){ mig_buf_text(&d->walk.path), d->walk.path.len };
    out->size = UINT64_MAX;
    return MIGRATE_OK;
}

static int32_t file_failed(struct directory *d, const char *what, int number, const migrate_host *host,
                           migrate_error **err)
{
    struct mig_buf name = MIG_BUF_INIT;
    mig_buf_fmt(&name, "%s/%s", d->root, mig_buf_text(&d->file_path));
    close_fd(&d->file);
    int32_t status = mig_source_fail_errno(host, err, name.oom ? ENOMEM : number, what, mig_buf_text(&name));
    mig_buf_free(&name);
    return status;
}

static int32_t open_file(struct directory *d, const migrate_text *path, const migrate_host *host,
                         migrate_error **err)
{
    if (d->file >= 0 && d->file_path.len == path->len &&
        memcmp(d->file_path.data, path->data, path->len) == 0)
        return MIGRATE_OK;
    close_fd(&d->file);
    mig_buf_reset(&d->file_path);
    mig_buf_add(&d->file_path, path->data, path->len);
    if (d->file_path.oom)
        return mig_source_fail_errno(host, err, ENOMEM, "open", d->root);
    if (d->fd < 0) {
        int32_t status = open_root(d, host, err);
        if (status)
            return status;
    }
    /* O_NONBLOCK: a pipe that took the file's place must not hang us */
    d->file = openat(d->fd, d->file_path.data, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return d->file < 0 ? file_failed(d, "open", errno, host, err) : MIGRATE_OK;
}

static migrate_status directory_read(void *self, const migrate_host *host, const migrate_entry *entry,
                                     uint64_t offset, char *buf, size_t cap, size_t *got, migrate_error **err)
{
    struct directory *d = self;
    int32_t status = open_file(d, &entry->path, host, err);
    if (status)
        return status;
    if (offset > INT64_MAX - cap) {
        *got = 0;
        return MIGRATE_OK;
    }
    ssize_t n;
    do {
        n = pread(d->file, buf, cap, (off_t)offset);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return file_failed(d, "read", errno, host, err);
    *got = (size_t)n;
    return MIGRATE_OK;
}

/* mkdir -p of what stands before each '/' of @p path from byte @p from on. */
static int make_parents(int at, char *path, size_t from)
{
    for (char *slash = strchr(path + from, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int failed = mkdirat(at, path, 0777) && errno != EEXIST;
        *slash = '/';
        if (failed)
            return errno;
    }
    return 0;
}

int32_t mig_source_directory_make(void *self, const migrate_host *host, migrate_error **err)
{
    struct directory *d = self;
    char *path = mig_sprintf("%s/", d->root);
    if (!path)
        return mig_source_fail_errno(host, err, ENOMEM, "create", d->root);
    int number = make_parents(AT_FDCWD, path, 1);
    free(path);
    return number ? mig_source_fail_errno(host, err, number, "create the directory", d->root) : MIGRATE_OK;
}

static int write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

/* A new file, whole or not at all. */
static int create_file(struct directory *d, char *path, const char *text, size_t len)
{
    int number = make_parents(d->fd, path, 0);
    if (number)
        return number;
    int fd = openat(d->fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return errno;
    number = write_all(fd, text, len);
    if (close(fd) && !number)
        number = errno;
    if (number)
        (void)unlinkat(d->fd, path, 0);
    return number;
}

static migrate_status directory_create(void *self, const migrate_host *host, const char *path,
                                       const char *text, size_t len, migrate_error **err)
{
    struct directory *d = self;
    if (!mig_source_path_inside(path))
        return mig_source_fail(host, err, MIGRATE_E_NAME, "a name without \"..\" and without a leading \"/\"",
                               "%s would not be in %s", path, d->root);
    int32_t status = mig_source_directory_make(self, host, err);
    if (!status && d->fd < 0)
        status = open_root(d, host, err);
    char *copy = status ? NULL : mig_strdup(path);
    if (status)
        return status;
    int number = copy ? create_file(d, copy, text, len) : ENOMEM;
    char *shown = mig_sprintf("%s/%s", d->root, path);
    if (number == EEXIST)
        status = mig_source_fail(host, err, MIGRATE_E_DUPLICATE, "choose another name",
                                 "%s/%s exists already", d->root, path);
    else if (number)
        status = mig_source_fail_errno(host, err, shown ? number : ENOMEM, "create", shown ? shown : "");
    free(shown);
    free(copy);
    return status;
}

const struct migrate_source_ops mig_source_directory_ops = {
    .struct_size = sizeof(struct migrate_source_ops),
    .api = MIGRATE_SOURCE_API,
    .name = "directory",
    .rewind = directory_rewind,
    .next = directory_next,
    .read = directory_read,
    .free = directory_free,
    .create = directory_create,
};
