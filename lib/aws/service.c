/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/service.h"

#include <linux/random.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <migrate/status.h>

#include "aws/environment.h"
#include "aws/fault.h"
#include "aws/send.h"
#include "util/clock.h"
#include "util/diag.h"
#include "util/mem.h"

enum {
    ATTEMPTS = 4,
    ATTEMPT_MS = 10000,
    CONNECT_MS = 5000,
    RENEW_MS = 5 * 60 * 1000,
    SKEW_MS = 4 * 60 * 1000, /* signatures hold for 5 minutes either way */
    PAUSE_MS = 100,
    THROTTLE_PAUSE_MS = 500,
    MOST_PAUSE_MS = 5000,
};

struct mig_aws {
    struct mig_http *http;
    char *ca_file;
    char *region;
    bool region_known;
    struct mig_aws_identity identity;
    int64_t skew_ms; /* AWS's clock less ours */
};

/* ---- the client ---------------------------------------------------------------- */

struct mig_aws *mig_aws_new(void)
{
    struct mig_aws *aws = calloc(1, sizeof *aws);
    if (!aws)
        return NULL;
    aws->identity = (struct mig_aws_identity)MIG_AWS_IDENTITY_INIT;
    aws->http = mig_http_new();
    if (aws->http)
        return aws;
    free(aws);
    return NULL;
}

void mig_aws_free(struct mig_aws *aws)
{
    if (!aws)
        return;
    mig_http_free(aws->http);
    mig_aws_identity_free(&aws->identity);
    free(aws->ca_file);
    free(aws->region);
    free(aws);
}

static bool put(char **slot, const char *text)
{
    char *copy = mig_strdup(text);
    if (text && !copy)
        return false;
    free(*slot);
    *slot = copy;
    return true;
}

bool mig_aws_set_ca_file(struct mig_aws *aws, const char *path)
{
    return put(&aws->ca_file, path && *path ? path : NULL);
}

bool mig_aws_set_region(struct mig_aws *aws, const char *region)
{
    aws->region_known = region != NULL;
    return put(&aws->region, region);
}

migrate_status mig_aws_region(struct mig_aws *aws, const char **out, struct mig_diag *diag)
{
    if (!aws->region_known) {
        char *found = NULL;
        migrate_status status = mig_aws_find_region(&found, diag);
        if (status)
            return status;
        free(aws->region);
        aws->region = found;
        aws->region_known = true;
    }
    *out = aws->region;
    return MIGRATE_OK;
}

int64_t mig_aws_now(const struct mig_aws *aws)
{
    return mig_clock_unix_ms() + aws->skew_ms;
}

struct mig_http *mig_aws_http(struct mig_aws *aws)
{
    return aws->http;
}

const char *mig_aws_ca_file(const struct mig_aws *aws)
{
    const char *bundle = mig_aws_env("AWS_CA_BUNDLE");
    return bundle ? bundle : aws->ca_file;
}

static migrate_status renew(struct mig_aws *aws, const struct mig_aws_watch *watch, struct mig_diag *diag)
{
    struct mig_aws_identity fresh = MIG_AWS_IDENTITY_INIT;
    struct mig_diag why = MIG_DIAG_INIT;
    struct mig_aws_finder finder = { .http = aws->http, .watch = watch, .ca_file = mig_aws_ca_file(aws),
                                     .unix_ms = mig_aws_now(aws), .diag = &why };
    migrate_status status = mig_aws_region(aws, &finder.region, &why);
    if (!status)
        status = mig_aws_find_identity(&finder, &fresh);
    if (!status) {
        mig_aws_identity_free(&aws->identity);
        aws->identity = fresh;
    } else if (mig_aws_identity_lasts(&aws->identity, mig_aws_now(aws), 0) &&
               MIGRATE_STATUS_CLASS(status) != MIGRATE_CLASS_STOPPED) {
        status = MIGRATE_OK; /* what we have still holds */
    } else {
        mig_diag_set(diag, status, "%s", why.message ? why.message : "out of memory");
        if (why.hint)
            mig_diag_hint(diag, "%s", why.hint);
    }
    mig_diag_free(&why);
    return status;
}

migrate_status mig_aws_keys(struct mig_aws *aws, const struct mig_aws_watch *watch, struct mig_aws_keys *out,
                            struct mig_diag *diag)
{
    if (!mig_aws_identity_lasts(&aws->identity, mig_aws_now(aws), RENEW_MS)) {
        migrate_status status = renew(aws, watch, diag);
        if (status)
            return status;
    }
    *out = mig_aws_identity_keys(&aws->identity);
    return MIGRATE_OK;
}

void mig_aws_forget_keys(struct mig_aws *aws)
{
    mig_aws_identity_free(&aws->identity);
}

/* ---- one attempt --------------------------------------------------------------- */

void mig_aws_answer_free(struct mig_aws_answer *answer)
{
    mig_buf_wipe(&answer->body);
    free(answer->error);
    free(answer->message);
    free(answer->request_id);
    *answer = (struct mig_aws_answer)MIG_AWS_ANSWER_INIT;
}

/* Where a call goes; the same for all its attempts. */
struct route {
    char *base;
    const char *region;
};

static migrate_status find_route(struct mig_aws *aws, const struct mig_aws_call *call, struct route *out,
                                 struct mig_diag *diag)
{
    out->region = call->region;
    migrate_status status = out->region ? MIGRATE_OK : mig_aws_region(aws, &out->region, diag);
    if (!status)
        status = mig_aws_endpoint(call->service, out->region, &out->base, diag);
    if (!status && !out->region)
        out->region = "us-east-1"; /* an endpoint of one's own may have none */
    return status;
}

static enum mig_aws_class class_of_failure(enum mig_http_failure failure)
{
    if (failure == MIG_HTTP_NO_SERVER)
        return MIG_AWS_NO_SERVER;
    return failure == MIG_HTTP_LOST ? MIG_AWS_LOST : MIG_AWS_UNUSABLE;
}

/* A signature that was too early or too late: what is the time there? */
static bool learn_clock(struct mig_aws *aws, const struct mig_http_response *response)
{
    int64_t there = mig_http_date(response);
    int64_t off = there ? there - mig_aws_now(aws) : 0;
    if (off > -SKEW_MS && off < SKEW_MS)
        return false;
    aws->skew_ms = there - mig_clock_unix_ms();
    return true;
}

static void read_answer(struct mig_aws *aws, struct mig_http_response *response, const struct mig_aws_keys *keys,
                        struct mig_aws_answer *out)
{
    out->http = response->status;
    if (response->status == 200) {
        const char *id = mig_http_header(response, "x-amzn-requestid");
        out->request_id = mig_strdup(id);
        out->body = response->body;
        response->body = (struct mig_buf)MIG_BUF_INIT;
        return;
    }
    mig_aws_fault_read(response, keys, out);
    out->body = response->body;
    response->body = (struct mig_buf)MIG_BUF_INIT;
    out->klass = mig_aws_fault_class(out->error, response->status);
    /* Services tell a clock that is wrong by the name of a bad signature as well. */
    bool skewed = learn_clock(aws, response);
    if (skewed && (response->status == 400 || response->status == 403) && out->klass == MIG_AWS_REFUSED &&
        mig_aws_fault_status(out->error, response->status) == MIGRATE_E_AUTH)
        out->klass = MIG_AWS_SKEWED;
}

static migrate_status attempt(struct mig_aws *aws, const struct mig_aws_call *call, const struct route *route,
                              const struct mig_aws_watch *watch, struct mig_aws_answer *out, struct mig_diag *diag)
{
    struct mig_aws_keys keys;
    struct mig_http_response response = MIG_HTTP_RESPONSE_INIT;
    out->klass = MIG_AWS_UNUSABLE;
    migrate_status status = mig_aws_keys(aws, watch, &keys, diag);
    if (status)
        return status;
    struct mig_aws_send send = {
        .keys = &keys, .region = route->region, .signing = call->service->prefix, .unix_ms = mig_aws_now(aws),
        .base = route->base, .path = call->path, .target = call->target,
        .content_type = call->target ? "application/x-amz-json-1.1" : "application/json", .body = call->body,
        .body_len = call->body_len, .ca_file = mig_aws_ca_file(aws), .connect_ms = CONNECT_MS,
        .total_ms = call->attempt_ms ? call->attempt_ms : ATTEMPT_MS, .max_body = call->max_answer,
        .repeatable = call->repeatable,
    };
    status = mig_aws_send(aws->http, &send, watch, &response, diag);
    out->klass = status ? class_of_failure(response.failure) : MIG_AWS_DONE;
    if (!status)
        read_answer(aws, &response, &keys, out);
    mig_http_response_free(&response);
    return status;
}

/* ---- again --------------------------------------------------------------------- */

uint32_t mig_aws_random(uint32_t bound)
{
    uint32_t number = 0;
    /* C libraries from before 2017 have no function for it. */
    if (syscall(SYS_getrandom, &number, sizeof number, GRND_NONBLOCK) != (long)sizeof number)
        number = (uint32_t)mig_clock_mono_ms();
    return bound ? number % bound : 0;
}

static bool worth_again(struct mig_aws *aws, const struct mig_aws_call *call, enum mig_aws_class klass, unsigned n)
{
    switch (klass) {
    case MIG_AWS_NO_SERVER:
    case MIG_AWS_THROTTLED:
    case MIG_AWS_SKEWED:
        return true;
    case MIG_AWS_LOST:
    case MIG_AWS_BUSY:
        return call->repeatable;
    case MIG_AWS_EXPIRED:
        mig_aws_identity_free(&aws->identity); /* asked for anew */
        return n == 1;
    default:
        return false;
    }
}

static migrate_status pause_before(unsigned attempt, enum mig_aws_class klass, const struct mig_aws_watch *watch)
{
    uint32_t most = (klass == MIG_AWS_THROTTLED ? THROTTLE_PAUSE_MS : PAUSE_MS) << (attempt < 8 ? attempt : 8);
    if (klass == MIG_AWS_SKEWED || klass == MIG_AWS_EXPIRED)
        return MIGRATE_OK;
    if (most > MOST_PAUSE_MS)
        most = MOST_PAUSE_MS;
    return mig_aws_watch_sleep(watch, most / 2 + mig_aws_random(most / 2 + 1));
}

static migrate_status status_of(const struct mig_aws_answer *a)
{
    switch (a->klass) {
    case MIG_AWS_DONE:
        return MIGRATE_OK;
    case MIG_AWS_THROTTLED:
    case MIG_AWS_BUSY:
        return MIGRATE_E_UNAVAILABLE;
    case MIG_AWS_SKEWED:
    case MIG_AWS_EXPIRED:
        return MIGRATE_E_AUTH;
    default:
        return mig_aws_fault_status(a->error, a->http);
    }
}

static void give_hint(const struct mig_aws *aws, const struct mig_aws_call *call, migrate_status status,
                      enum mig_aws_class klass, struct mig_diag *diag)
{
    const char *from = aws->identity.from;
    if (klass == MIG_AWS_SKEWED)
        mig_diag_hint(diag, "set the clock of this machine");
    else if (klass == MIG_AWS_EXPIRED)
        mig_diag_hint(diag, "the AWS keys of %s have expired: renew them", from ? from : "this process");
    else if (klass == MIG_AWS_NO_SERVER)
        mig_diag_hint(diag, "check network, proxy and region; in a VPC without a way out, %s needs an endpoint there",
                      call->service->title);
    else if (status == MIGRATE_E_DENIED && call->action)
        mig_diag_hint(diag, "allow %s, and the use of its key, to the identity that AWS names", call->action);
    else if (status == MIGRATE_E_AUTH && from)
        mig_diag_hint(diag, "AWS does not take the keys of %s", from);
    else if (status == MIGRATE_E_OPTION && call->what)
        mig_diag_hint(diag, "check name, region and account");
}

/* The failure that is left, with what was asked for in front. */
static void tell(const struct mig_aws *aws, const struct mig_aws_call *call, const struct route *route,
                 migrate_status status, const struct mig_aws_answer *a, const struct mig_diag *why,
                 struct mig_diag *diag)
{
    const char *what = call->what ? call->what : "", *colon = call->what ? ": " : "";
    if (!a->http) {
        mig_diag_set(diag, status, "%s%s%s", what, colon, why->message ? why->message : "out of memory");
        if (why->hint)
            mig_diag_hint(diag, "%s", why->hint);
    } else {
        mig_diag_set(diag, status, "%s%s%s in %s answers %s (HTTP %ld)%s%s", what, colon, call->service->title,
                     route->region, a->error ? a->error : "without a reason", a->http, a->message ? ": " : "",
                     a->message ? a->message : "");
    }
    give_hint(aws, call, status, a->klass, diag);
}

migrate_status mig_aws_do(struct mig_aws *aws, const struct mig_aws_call *call, const struct mig_aws_watch *watch,
                          struct mig_aws_answer *out, struct mig_diag *diag)
{
    struct route route = { NULL, NULL };
    unsigned attempts = call->attempts ? call->attempts : ATTEMPTS;
    migrate_status status = find_route(aws, call, &route, diag);
    mig_aws_answer_free(out);
    out->klass = MIG_AWS_UNUSABLE;
    for (unsigned n = 1; !status; n++) {
        struct mig_diag why = MIG_DIAG_INIT;
        mig_aws_answer_free(out);
        status = attempt(aws, call, &route, watch, out, &why);
        if (!status)
            status = status_of(out);
        bool again = status && worth_again(aws, call, out->klass, n) && n < attempts;
        migrate_status paused = again ? pause_before(n, out->klass, watch) : MIGRATE_E_DEADLINE;
        if (paused && paused != MIGRATE_E_DEADLINE)
            status = mig_diag_set(diag, paused, "stopped waiting for %s", call->service->title);
        else if (paused && status)
            tell(aws, call, &route, status, out, &why, diag);
        mig_diag_free(&why);
        if (paused)
            break;
        status = MIGRATE_OK;
    }
    free(route.base);
    return status;
}
