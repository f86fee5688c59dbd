/* SPDX-License-Identifier: Apache-2.0 */

#include "vfs_fail.h"

#include <sqlite3.h>
#include <string.h>

struct vfs_fail vfs_fail;

/* Ours, and behind it the real one. */
struct file {
    sqlite3_file base;
    sqlite3_file *real;
};

static sqlite3_vfs *real_vfs;

void vfs_fail_heal(void)
{
    vfs_fail.at = 0;
}

/* Counts an operation; true: it is to fail. */
static bool fails(unsigned op)
{
    if (!(vfs_fail.ops & op)) {
        return false;
    }
    uint64_t n = ++vfs_fail.count;
    bool failing = vfs_fail.at && (n == vfs_fail.at || (vfs_fail.on && n > vfs_fail.at));
    vfs_fail.hit += failing;
    return failing;
}

static int code(int usual)
{
    return vfs_fail.code ? vfs_fail.code : usual;
}

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((struct file *)f)->real;
}

#define REAL(f) real_of(f)->pMethods

/* Does @p call unless it is to fail; where it fails late, does it first. */
#define DO(op, usual, call)                                                                                  \
    do {                                                                                                     \
        if (fails(op)) {                                                                                     \
            if (vfs_fail.late) {                                                                             \
                (void)(call);                                                                                \
            }                                                                                                \
            return code(usual);                                                                              \
        }                                                                                                    \
        return call;                                                                                         \
    } while (0)

static int f_close(sqlite3_file *f)
{
    return REAL(f)->xClose(real_of(f));
}

static int f_read(sqlite3_file *f, void *buf, int n, sqlite3_int64 at)
{
    DO(VFS_READ, SQLITE_IOERR_READ, REAL(f)->xRead(real_of(f), buf, n, at));
}

static int f_write(sqlite3_file *f, const void *buf, int n, sqlite3_int64 at)
{
    if (!fails(VFS_WRITE)) {
        return REAL(f)->xWrite(real_of(f), buf, n, at);
    }
    if (vfs_fail.torn || vfs_fail.late) {
        REAL(f)->xWrite(real_of(f), buf, vfs_fail.late ? n : n / 2, at);
    }
    return code(SQLITE_IOERR_WRITE);
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    DO(VFS_TRUNCATE, SQLITE_IOERR_TRUNCATE, REAL(f)->xTruncate(real_of(f), size));
}

/* Nothing pulls the plug here: what the kernel has is written, and real syncs would only take time. */
static int f_sync(sqlite3_file *f, int flags)
{
    (void)f;
    (void)flags;
    return fails(VFS_SYNC) ? code(SQLITE_IOERR_FSYNC) : SQLITE_OK;
}

static int f_size(sqlite3_file *f, sqlite3_int64 *out)
{
    DO(VFS_SIZE, SQLITE_IOERR_FSTAT, REAL(f)->xFileSize(real_of(f), out));
}

/* A lock that fails is not got, whatever the script says of late failures: nobody would ever give it up. */
static int f_lock(sqlite3_file *f, int level)
{
    if (fails(VFS_LOCK)) {
        return code(SQLITE_BUSY);
    }
    return REAL(f)->xLock(real_of(f), level);
}

static int f_unlock(sqlite3_file *f, int level)
{
    return REAL(f)->xUnlock(real_of(f), level);
}

static int f_check_reserved(sqlite3_file *f, int *out)
{
    return REAL(f)->xCheckReservedLock(real_of(f), out);
}

static int f_control(sqlite3_file *f, int op, void *arg)
{
    return REAL(f)->xFileControl(real_of(f), op, arg);
}

static int f_sector(sqlite3_file *f)
{
    return REAL(f)->xSectorSize(real_of(f));
}

static int f_device(sqlite3_file *f)
{
    return REAL(f)->xDeviceCharacteristics(real_of(f));
}

static int f_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    DO(VFS_SHM_MAP, SQLITE_IOERR_SHMMAP, REAL(f)->xShmMap(real_of(f), page, size, extend, out));
}

static int f_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    if (!(flags & SQLITE_SHM_UNLOCK) && fails(VFS_SHM_LOCK)) {
        return code(SQLITE_BUSY);
    }
    return REAL(f)->xShmLock(real_of(f), at, n, flags);
}

static void f_shm_barrier(sqlite3_file *f)
{
    REAL(f)->xShmBarrier(real_of(f));
}

static int f_shm_unmap(sqlite3_file *f, int remove)
{
    return REAL(f)->xShmUnmap(real_of(f), remove);
}

/* Version 2: with WAL, without memory mapping, which would pass us by. */
static const sqlite3_io_methods methods = {
    2,          f_close,       f_read,           f_write,   f_truncate, f_sync,   f_size,
    f_lock,     f_unlock,      f_check_reserved, f_control, f_sector,   f_device, f_shm_map,
    f_shm_lock, f_shm_barrier, f_shm_unmap,      NULL,      NULL,
};

static int v_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *out, int flags, int *out_flags)
{
    struct file *f = (struct file *)out;
    (void)vfs;
    f->base.pMethods = NULL;
    f->real = (sqlite3_file *)(f + 1);
    if (fails(VFS_OPEN)) {
        return code(SQLITE_CANTOPEN);
    }
    int rc = real_vfs->xOpen(real_vfs, name, f->real, flags, out_flags);
    if (rc == SQLITE_OK) {
        f->base.pMethods = &methods;
    }
    return rc;
}

static int v_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    (void)sync;
    DO(VFS_DELETE, SQLITE_IOERR_DELETE, real_vfs->xDelete(real_vfs, name, 0));
}

static int v_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    (void)vfs;
    return real_vfs->xAccess(real_vfs, name, flags, out);
}

static int v_path(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
    (void)vfs;
    return real_vfs->xFullPathname(real_vfs, name, n, out);
}

static int v_randomness(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    return real_vfs->xRandomness(real_vfs, n, out);
}

static int v_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    (void)us;
    return 0; /* WAL sleeps while it waits for locks that we refuse: for nothing */
}

static int v_time(sqlite3_vfs *vfs, double *out)
{
    (void)vfs;
    return real_vfs->xCurrentTime(real_vfs, out);
}

static int v_error(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    return real_vfs->xGetLastError(real_vfs, n, out);
}

int vfs_fail_register(void)
{
    static sqlite3_vfs vfs;
    if (vfs.zName) {
        return SQLITE_OK;
    }
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile,
        .mxPathname = real_vfs->mxPathname,
        .zName = "fail",
        .xOpen = v_open,
        .xDelete = v_delete,
        .xAccess = v_access,
        .xFullPathname = v_path,
        .xRandomness = v_randomness,
        .xSleep = v_sleep,
        .xCurrentTime = v_time,
        .xGetLastError = v_error,
    };
    return sqlite3_vfs_register(&vfs, 0);
}
