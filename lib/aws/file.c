/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <migrate/status.h>

#include "util/diag.h"
#include "util/mem.h"

enum { CHUNK = 16 * 1024 };

static migrate_status failed(const char *path, int number, struct mig_diag *diag)
{
    return mig_diag_set(diag, MIGRATE_E_IO, "cannot read %s: %s", path, strerror(number));
}

static migrate_status read_all(int fd, const char *path, size_t most, struct mig_buf *out, struct mig_diag *diag)
{
    if (!mig_buf_reserve(out, most + 1)) /* at once: growing would leave parts behind */
        return mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
    for (;;) {
        size_t room = most + 1 - out->len;
        ssize_t n = read(fd, out->data + out->len, room < CHUNK ? room : CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(path, errno, diag);
        out->len += (size_t)n;
        out->data[out->len] = '\0';
        if (n == 0)
            return MIGRATE_OK;
        if (out->len > most)
            return mig_diag_set(diag, MIGRATE_E_TOO_LARGE, "%s is larger than %zu bytes", path, most);
    }
}

migrate_status mig_aws_file_read(const char *path, size_t most, struct mig_buf *out, struct mig_diag *diag)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return MIGRATE_DONE;
    if (fd < 0)
        return failed(path, errno, diag);
    migrate_status status = read_all(fd, path, most, out, diag);
    (void)close(fd);
    return status;
}

migrate_status mig_aws_file_token(const char *path, size_t most, char **out, struct mig_diag *diag)
{
    static const char blank[] = " \t\r\n";
    struct mig_buf text = MIG_BUF_INIT;
    migrate_status status = mig_aws_file_read(path, most, &text, diag);
    *out = NULL;
    if (status == MIGRATE_DONE)
        status = failed(path, ENOENT, diag);
    if (!status) {
        const char *begin = mig_buf_text(&text) + strspn(mig_buf_text(&text), blank);
        size_t len = strlen(begin);
        while (len && strchr(blank, begin[len - 1]))
            len--;
        *out = mig_strndup(begin, len);
        if (!*out)
            status = mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
        else if (!len)
            status = mig_diag_set(diag, MIGRATE_E_IO, "%s is empty", path);
    }
    mig_buf_wipe(&text);
    return status;
}
