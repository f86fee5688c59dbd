/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_FAULT_H
#define MIG_AWS_FAULT_H

/* What the answer of a service says went wrong. */

#include "aws/http.h"
#include "aws/service.h"

/* Fills error, message and request id of @p out from an answer that is not 200; @p keys are kept out of the message.
 * What memory does not suffice for is left out. */
void mig_aws_fault_read(const struct mig_http_response *response, const struct mig_aws_keys *keys,
                        struct mig_aws_answer *out);

/* Of a fault with error name @p error (or NULL) and HTTP status @p http. */
enum mig_aws_class mig_aws_fault_class(const char *error, long http);
/* The status of one that is REFUSED. */
migrate_status mig_aws_fault_status(const char *error, long http);

#endif
