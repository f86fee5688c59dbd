/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_BASE64_H
#define MIG_AWS_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "util/buf.h"

/* Appends what @p text means; false when it is no base64 (RFC 4648, padded) or memory is out. */
bool mig_base64_decode(const char *text, size_t len, struct mig_buf *out);

#endif
