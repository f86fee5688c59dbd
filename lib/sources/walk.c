/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sources/fault.h"
#include "util/mem.h"
#include "util/text.h"

static int32_t walk_errno(const struct mig_walk *w, const migrate_host *host, migrate_error **err, int number,
                          const char *what)
{
    struct mig_buf name = MIG_BUF_INIT;
    mig_buf_fmt(&name, "%s/%s", w->root, mig_buf_text(&w->path));
    int32_t status = mig_source_fail_errno(host, err, name.oom ? ENOMEM : number, what, mig_buf_text(&name));
    mig_buf_free(&name);
    return status;
}

/* An open directory that is this one already: a link leads back. */
static bool is_open(const struct mig_walk *w, const struct stat *st)
{
    for (uint32_t i = 0; i < w->depth; i++)
        if (w->levels[i].dev == st->st_dev && w->levels[i].ino == st->st_ino)
            return true;
    return false;
}

static int32_t check_level(const struct mig_walk *w, const struct stat *st, const migrate_host *host,
                           migrate_error **err)
{
    if (is_open(w, st))
        return mig_source_fail(host, err, MIGRATE_E_SOURCE,
                               "remove the link, or let its name begin with \"_\"",
                               "%s/%s is a link that leads back to a directory above it: a loop", w->root,
                               mig_buf_text(&w->path));
    if (w->depth > MIG_WALK_LEVELS)
        return mig_source_fail(
            host, err, MIGRATE_E_SOURCE, "move the migrations up, or name a directory nearer to them",
            "%s/%s is more than %d directories deep", w->root, mig_buf_text(&w->path), (int)MIG_WALK_LEVELS);
    return MIGRATE_OK;
}

/* Takes @p fd over. */
static int32_t push(struct mig_walk *w, int fd, const migrate_host *host, migrate_error **err)
{
    struct stat st;
    int32_t status =
        fstat(fd, &st) ? walk_errno(w, host, err, errno, "look at") : check_level(w, &st, host, err);
    DIR *dir = status ? NULL : fdopendir(fd);
    if (!dir) {
        if (!status)
            status = walk_errno(w, host, err, errno, "list");
        (void)close(fd);
        return status;
    }
    if (w->depth > 0)
        mig_buf_char(&w->path, '/');
    w->levels[w->depth++] = (struct mig_walk_level){ dir, w->path.len, st.st_dev, st.st_ino };
    return w->path.oom ? walk_errno(w, host, err, ENOMEM, "list") : MIGRATE_OK;
}

int32_t mig_walk_start(struct mig_walk *w, int fd, const migrate_host *host, migrate_error **err)
{
    mig_walk_stop(w);
    mig_buf_reset(&w->path);
    /* a descriptor of its own: the position in a directory is shared by duplicates */
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return own < 0 ? walk_errno(w, host, err, errno, "list") : push(w, own, host, err);
}

static int32_t enter(struct mig_walk *w, int parent, const char *name, const migrate_host *host,
                     migrate_error **err)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? walk_errno(w, host, err, errno, "open the directory") : push(w, fd, host, err);
}

/* What layouts read: SQL, and what stands beside it. */
static bool is_wanted(const char *name)
{
    return mig_ends(name, ".sql") || mig_ends(name, ".sql.conf") || strcmp(name, "metadata.toml") == 0;
}

enum kind { PASS_OVER, A_FILE, A_DIRECTORY, BROKEN };

/* Links are followed; a broken one, or a pipe, is told where it poses as a migration. */
static enum kind kind_of(int parent, const struct dirent *entry, int *number)
{
    *number = 0;
    if (entry->d_type == DT_DIR)
        return A_DIRECTORY;
    if (entry->d_type == DT_REG)
        return is_wanted(entry->d_name) ? A_FILE : PASS_OVER;
    struct stat st;
    if (fstatat(parent, entry->d_name, &st, 0)) {
        *number = errno;
        return is_wanted(entry->d_name) || errno == ELOOP || errno == EACCES ? BROKEN : PASS_OVER;
    }
    if (S_ISDIR(st.st_mode))
        return A_DIRECTORY;
    if (!is_wanted(entry->d_name))
        return PASS_OVER;
    return S_ISREG(st.st_mode) ? A_FILE : BROKEN;
}

static int32_t fail_broken(const struct mig_walk *w, int number, const migrate_host *host,
                           migrate_error **err)
{
    if (number == ENOENT)
        return mig_source_fail(
            host, err, MIGRATE_E_SOURCE, "restore the file it points to, or remove the link",
            "%s/%s is a link to a file that is not there", w->root, mig_buf_text(&w->path));
    if (number)
        return walk_errno(w, host, err, number, "look at");
    return mig_source_fail(host, err, MIGRATE_E_SOURCE, "a migration is a plain file",
                           "%s/%s is neither a file nor a directory", w->root, mig_buf_text(&w->path));
}

/* The undecodable bytes are shown as \xNN. */
static int32_t fail_name(const struct mig_walk *w, size_t bad, const migrate_host *host, migrate_error **err)
{
    struct mig_buf shown = MIG_BUF_INIT;
    const char *path = mig_buf_text(&w->path);
    for (size_t i = 0; i < w->path.len; i++) {
        if ((unsigned char)path[i] < 0x80)
            mig_buf_char(&shown, path[i]);
        else
            mig_buf_fmt(&shown, "\\x%02x", (unsigned char)path[i]);
    }
    int32_t status = mig_source_fail(host, err, MIGRATE_E_NAME, "rename the file",
                                     "the file name %s/%s is not in UTF-8 (byte %zu)", w->root,
                                     mig_buf_text(&shown), bad + 1);
    mig_buf_free(&shown);
    return status;
}

/* One entry of the innermost directory. MIGRATE_DONE: nothing to give, go on. */
static int32_t take(struct mig_walk *w, const struct dirent *entry, const migrate_host *host,
                    migrate_error **err)
{
    struct mig_walk_level *top = &w->levels[w->depth - 1];
    int number, fd = dirfd(top->dir);
    enum kind kind = kind_of(fd, entry, &number);
    if (kind == PASS_OVER)
        return MIGRATE_DONE;
    mig_buf_str(&w->path, entry->d_name);
    if (w->path.oom)
        return walk_errno(w, host, err, ENOMEM, "list");
    if (kind == BROKEN)
        return fail_broken(w, number, host, err);
    if (kind == A_DIRECTORY) {
        int32_t status = enter(w, fd, entry->d_name, host, err);
        return status ? status : MIGRATE_DONE;
    }
    size_t bad;
    return mig_utf8_valid(w->path.data, w->path.len, &bad) ? MIGRATE_OK : fail_name(w, bad, host, err);
}

static void cut_path(struct mig_walk *w)
{
    size_t len = w->depth > 0 ? w->levels[w->depth - 1].path_len : 0;
    if (w->path.data && len <= w->path.len) {
        w->path.len = len;
        w->path.data[len] = '\0';
    }
}

int32_t mig_walk_next(struct mig_walk *w, const migrate_host *host, migrate_error **err)
{
    while (w->depth > 0) {
        struct mig_walk_level *top = &w->levels[w->depth - 1];
        cut_path(w);
        errno = 0;
        const struct dirent *entry = readdir(top->dir);
        if (!entry && errno)
            return walk_errno(w, host, err, errno, "list");
        if (!entry) {
            (void)closedir(top->dir);
            w->depth--;
            continue;
        }
        if (entry->d_name[0] == '.' || entry->d_name[0] == '_')
            continue;
        int32_t status = take(w, entry, host, err);
        if (status != MIGRATE_DONE)
            return status;
    }
    return MIGRATE_DONE;
}

void mig_walk_stop(struct mig_walk *w)
{
    while (w->depth > 0)
        (void)closedir(w->levels[--w->depth].dir);
}
