/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_SEND_H
#define MIG_AWS_SEND_H

/* One request to a service, signed, sent once. */

#include "aws/http.h"
#include "aws/sigv4.h"

struct mig_aws_send {
    const struct mig_aws_keys *keys; /* NULL: not signed */
    const char *region;              /* of the signature */
    const char *signing;             /* name of the service in it */
    int64_t     unix_ms;
    const char *base;    /* "https://host", a path may follow */
    const char *path;    /* "/Execute" */
    const char *content_type;
    const char *target;  /* X-Amz-Target, or NULL */
    const void *body;
    size_t      body_len;
    const char *ca_file;
    int64_t     connect_ms, total_ms;
    size_t      max_body;
    bool        repeatable;
};

/* POST. As mig_http_do(). */
migrate_status mig_aws_send(struct mig_http *http, const struct mig_aws_send *send, const struct mig_aws_watch *watch,
                            struct mig_http_response *out, struct mig_diag *diag);

#endif
