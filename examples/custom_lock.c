/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock of one's own: flock() on a file, for several programs on one machine. Whatever lock is used, the
 * fence in the database keeps two writers apart; a lock only saves them work.
 *
 *     custom_lock sqlite:app.db examples/migrations /run/lock/app-migrate
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <migrate/drivers.h>
#include <migrate/lock.h>
#include <migrate/migrate.h>

struct file_lock {
    const char *path;
    int fd;       /* -1: not held */
    char who[32]; /* what the holder wrote */
};

static migrate_status failed(const migrate_host *host, migrate_error **err, const char *what)
{
    char message[256];
    migrate_fault fault = { .struct_size = sizeof fault, .status = MIGRATE_E_LOCK, .message = message };
    snprintf(message, sizeof message, "lock file: %s: %s", what, strerror(errno));
    return host->fail(host, err, &fault);
}

/* The holder has written his process id into the file. */
static void read_holder(struct file_lock *lock, int fd, migrate_holder *holder)
{
    ssize_t n = pread(fd, lock->who, sizeof lock->who - 1, 0);
    lock->who[n > 0 ? n : 0] = '\0';
    if (holder && MIGRATE_HAS(migrate_holder, holder, session_id))
        holder->session_id = lock->who;
}

static migrate_status lock_acquire(void *self, const migrate_host *host, const char *key, uint64_t *token,
                                   migrate_holder *holder, migrate_error **err)
{
    struct file_lock *lock = self;
    int fd = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    (void)key; /* the file is for this database alone */
    if (fd < 0)
        return failed(host, err, "open");
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        migrate_status s = MIGRATE_BUSY;
        if (errno == EWOULDBLOCK)
            read_holder(lock, fd, holder);
        else
            s = failed(host, err, "flock");
        close(fd);
        return s;
    }
    if (ftruncate(fd, 0) != 0 || dprintf(fd, "pid %d", (int)getpid()) < 0) {
        migrate_status s = failed(host, err, "write");
        close(fd);
        return s;
    }
    lock->fd = fd;
    *token = 0; /* this service counts no holders */
    return MIGRATE_OK;
}

static migrate_status lock_release(void *self, const migrate_host *host, const char *key, migrate_error **err)
{
    struct file_lock *lock = self;
    (void)key;
    if (lock->fd < 0) {
        migrate_fault fault = { .struct_size = sizeof fault,
                                .status = MIGRATE_E_LOCK_LOST,
                                .message = "the lock file is not held" };
        return host->fail(host, err, &fault);
    }
    close(lock->fd); /* the kernel gives the lock back, as it does when we are killed */
    lock->fd = -1;
    return MIGRATE_OK;
}

static migrate_status lock_inspect(void *self, const migrate_host *host, const char *key,
                                   migrate_holder *holder, migrate_error **err)
{
    struct file_lock *lock = self;
    migrate_status s = MIGRATE_DONE;
    int fd = open(lock->path, O_RDWR | O_CLOEXEC);
    (void)key;
    if (fd < 0)
        return errno == ENOENT ? MIGRATE_DONE : failed(host, err, "open");
    if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
        s = MIGRATE_OK;
        read_holder(lock, fd, holder);
    }
    close(fd);
    return s;
}

static void lock_free(void *self)
{
    struct file_lock *lock = self;
    if (lock->fd >= 0)
        close(lock->fd);
    free(lock);
}

/* No renew: it does not expire while its holder lives. */
static const migrate_lock_ops lock_ops = {
    .struct_size = sizeof lock_ops,
    .api = MIGRATE_LOCK_API,
    .name = "file",
    .acquire = lock_acquire,
    .release = lock_release,
    .free = lock_free,
    .inspect = lock_inspect,
};

static migrate_status use_lock(migrate_ctx *ctx, const char *path, migrate_error **err)
{
    struct file_lock *lock = calloc(1, sizeof *lock);
    if (!lock)
        return migrate_error_make(err, MIGRATE_E_NOMEM, "out of memory", NULL);
    lock->path = path;
    lock->fd = -1;
    return migrate_ctx_use_lock(ctx, &lock_ops, lock, err); /* owns it from here on, also on failure */
}

static migrate_status run(char **argv, migrate_report **report, migrate_error **err)
{
    migrate_ctx *ctx = NULL;
    migrate_status s = migrate_ctx_new(&ctx, err);
    if (s == MIGRATE_OK)
        s = use_lock(ctx, argv[3], err);
    if (s == MIGRATE_OK)
        s = migrate_ctx_add_driver(ctx, migrate_sqlite_driver(), err);
    if (s == MIGRATE_OK)
        s = migrate_ctx_use_dir(ctx, argv[2], err);
    if (s == MIGRATE_OK)
        s = migrate_ctx_open(ctx, argv[1], err);
    if (s == MIGRATE_OK)
        s = migrate_run(ctx, NULL, report, err);
    migrate_ctx_free(ctx);
    return s;
}

int main(int argc, char **argv)
{
    migrate_report *report = NULL;
    migrate_error *err = NULL;
    migrate_status s;
    if (argc != 4) {
        fprintf(stderr, "usage: %s URL DIR LOCKFILE\n", argv[0]);
        return MIGRATE_CLASS_CALLER;
    }
    s = run(argv, &report, &err);
    if (s != MIGRATE_OK)
        fprintf(stderr, "error: %s\n", migrate_error_text(err));
    else
        printf("%s\n", migrate_report_json(report));
    migrate_report_free(report);
    migrate_error_free(err);
    return MIGRATE_STATUS_CLASS(s);
}
