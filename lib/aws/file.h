/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_FILE_H
#define MIG_AWS_FILE_H

#include <stddef.h>

#include <migrate/types.h>

#include "util/buf.h"

struct mig_diag;

/* The whole of a file into @p out, which the caller wipes. MIGRATE_DONE: there is no such file. E_IO, E_TOO_LARGE. */
migrate_status mig_aws_file_read(const char *path, size_t most, struct mig_buf *out, struct mig_diag *diag);

/* A file that is one token, without the blanks around it; *@p out is owned. A missing file is E_IO. */
migrate_status mig_aws_file_token(const char *path, size_t most, char **out, struct mig_diag *diag);

#endif
