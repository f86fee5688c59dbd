/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_SERVICE_H
#define MIG_AWS_SERVICE_H

/* A client of AWS's services: who we are, where, on whose clock; calls with retries. JSON 1.1 (with a target) and
 * REST-JSON (without). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/watch.h"
#include "util/buf.h"

struct mig_diag;
struct mig_aws; /* one thread at a time */

/* Connects nowhere. NULL: no memory. */
struct mig_aws *mig_aws_new(void);
void mig_aws_free(struct mig_aws *aws);

/* Certificates to trust, NULL the system's; AWS_CA_BUNDLE has the last word. false: no memory. */
bool mig_aws_set_ca_file(struct mig_aws *aws, const char *path);
/* Instead of what environment and profile say; NULL: as they say. false: no memory. */
bool mig_aws_set_region(struct mig_aws *aws, const char *region);

/* The region in force, NULL when nobody says one; lives until it is set anew. */
migrate_status mig_aws_region(struct mig_aws *aws, const char **out, struct mig_diag *diag);
/* Unix time in ms on AWS's clock, as far as it is known to differ from ours. */
int64_t mig_aws_now(const struct mig_aws *aws);
/* Our identity, renewed 5 minutes before it ends; valid until the next call on @p aws. */
migrate_status mig_aws_keys(struct mig_aws *aws, const struct mig_aws_watch *watch, struct mig_aws_keys *out,
                            struct mig_diag *diag);

/* They were refused somewhere else: the next call finds them anew. */
void mig_aws_forget_keys(struct mig_aws *aws);

/* The connections of this client, for other questions by HTTP. */
struct mig_http *mig_aws_http(struct mig_aws *aws);
/* As set, or AWS_CA_BUNDLE; NULL: the system's. */
const char *mig_aws_ca_file(const struct mig_aws *aws);

/* ---- calls --------------------------------------------------------------------- */

enum mig_aws_class {
    MIG_AWS_DONE,      /* HTTP 200 */
    MIG_AWS_NO_SERVER, /* not reached: had no effect */
    MIG_AWS_LOST,      /* no whole answer: may have had its effect */
    MIG_AWS_THROTTLED, /* too many requests: had no effect */
    MIG_AWS_BUSY,      /* HTTP 5xx, or a name that means as much */
    MIG_AWS_SKEWED,    /* our clock and AWS's differ */
    MIG_AWS_EXPIRED,   /* our keys do not hold any more */
    MIG_AWS_REFUSED,   /* all else that the service answered */
    MIG_AWS_UNUSABLE,  /* no identity, no region, no memory, stopped, answer too large */
};

struct mig_aws_call {
    const struct mig_aws_service *service;
    const char *region; /* NULL: the client's */
    const char *path;   /* "/Execute" */
    const char *target; /* "secretsmanager.GetSecretValue", or NULL for REST-JSON */
    const char *action; /* the permission it takes, for a hint; or NULL */
    const char *what;   /* "secret prod/db": what the messages begin with; or NULL */
    const char *body;
    size_t      body_len;
    int64_t     attempt_ms; /* how long an answer may take; 0: 10 s */
    size_t      max_answer; /* bytes; 0: 1 MiB */
    unsigned    attempts;   /* 0: 4 */
    /* Doing it twice is as doing it once. Otherwise it is sent again only after answers that say that nothing was
     * done: no connection, throttled, our clock, our keys. */
    bool        repeatable;
};

struct mig_aws_answer {
    enum mig_aws_class klass;
    long  http;          /* 0: no answer */
    struct mig_buf body; /* may hold secrets: mig_aws_answer_free() wipes it */
    char *error;         /* "ThrottlingException", without namespace; NULL when there is none */
    char *message;       /* the service's words, without keys and tokens; NULL */
    char *request_id;    /* NULL when there is none */
};

#define MIG_AWS_ANSWER_INIT { MIG_AWS_DONE, 0, MIG_BUF_INIT, NULL, NULL, NULL }

/* MIGRATE_OK for HTTP 200. Otherwise E_CONNECT, E_CONN_LOST, E_UNAVAILABLE (throttled, busy), E_AUTH, E_DENIED,
 * E_OPTION (refused for another reason), E_DEADLINE, or what the watch said; the answer tells more. */
migrate_status mig_aws_do(struct mig_aws *aws, const struct mig_aws_call *call, const struct mig_aws_watch *watch,
                          struct mig_aws_answer *out, struct mig_diag *diag);
void mig_aws_answer_free(struct mig_aws_answer *answer);

/* A random number below @p bound, for pauses. */
uint32_t mig_aws_random(uint32_t bound);

#endif
