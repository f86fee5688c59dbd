/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VFS_FAIL_H
#define VFS_FAIL_H

/* An SQLite VFS named "fail" that hands everything to the default one, and makes the n-th operation of a kind
 * fail: "sqlite:FILE?vfs=fail". One script for the process; not for several threads at once. */

#include <stdbool.h>
#include <stdint.h>

#define VFS_READ (1u << 0)
#define VFS_WRITE (1u << 1)
#define VFS_SYNC (1u << 2)
#define VFS_TRUNCATE (1u << 3)
#define VFS_LOCK (1u << 4)     /* of the file */
#define VFS_SHM_LOCK (1u << 5) /* of the WAL index */
#define VFS_SHM_MAP (1u << 6)
#define VFS_DELETE (1u << 7) /* of a journal */
#define VFS_OPEN (1u << 8)
#define VFS_SIZE (1u << 9)
#define VFS_ALL ((1u << 10) - 1)

struct vfs_fail {
    unsigned ops;   /* VFS_* that are counted */
    uint64_t at;    /* which of them fails, from 1; 0 none */
    int code;       /* SQLite's result code; 0: the one that suits the operation */
    bool on;        /* all after it fail as well: the disk is gone */
    bool torn;      /* a write that fails has written half */
    bool late;      /* the operation has been done, and is said to have failed */
    uint64_t count; /* operations so far */
    uint64_t hit;   /* failures so far */
};
extern struct vfs_fail vfs_fail;

/* Registers it; once is enough. An SQLite result code. */
int vfs_fail_register(void);
/* Nothing fails any more; `count` and `hit` stay. */
void vfs_fail_heal(void);

#endif
