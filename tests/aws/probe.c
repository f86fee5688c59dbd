/* SPDX-License-Identifier: Apache-2.0 */

/* What is inside libmigrate-aws, for tests in other languages: one JSON object a line in, one out. "do" says what. */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <migrate/status.h>

#include "aws/credentials.h"
#include "aws/fetch.h"
#include "aws/service.h"
#include "aws/sigv4.h"
#include "aws/token.h"
#include "util/clock.h"
#include "util/diag.h"

enum { HEADERS = 32 };

static const char *text(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static json_int_t number(const json_t *o, const char *key, json_int_t usual)
{
    const json_t *value = json_object_get(o, key);
    return json_is_integer(value) ? json_integer_value(value) : usual;
}

static void put(json_t *o, const char *key, const char *value)
{
    json_object_set_new(o, key, value ? json_string(value) : json_null());
}

static json_t *outcome(migrate_status status, struct mig_diag *diag)
{
    json_t *out = json_object();
    json_object_set_new(out, "status", json_integer(status));
    put(out, "message", diag->message);
    put(out, "hint", diag->hint);
    mig_diag_free(diag);
    return out;
}

/* ---- signing ------------------------------------------------------------------- */

static struct mig_aws_keys keys_of(const json_t *in)
{
    return (struct mig_aws_keys){ text(in, "access_key"), text(in, "secret_key"), text(in, "session_token") };
}

static struct mig_sigv4 request_of(const json_t *in, const struct mig_aws_keys *keys, struct mig_http_header *headers)
{
    const char *body = text(in, "body");
    struct mig_sigv4 s = { .keys = keys, .region = text(in, "region"), .service = text(in, "service"),
                           .unix_ms = number(in, "ms", 0), .method = text(in, "method"), .host = text(in, "host"),
                           .path = text(in, "path"), .query = text(in, "query"), .headers = headers, .body = body,
                           .body_len = body ? strlen(body) : 0 };
    size_t i;
    json_t *pair;
    json_array_foreach (json_object_get(in, "headers"), i, pair) {
        headers[s.n_headers].name = json_string_value(json_array_get(pair, 0));
        headers[s.n_headers++].value = json_string_value(json_array_get(pair, 1));
    }
    return s;
}

static json_t *sign(const json_t *in)
{
    struct mig_http_header headers[HEADERS];
    struct mig_aws_keys keys = keys_of(in);
    struct mig_sigv4 s = request_of(in, &keys, headers);
    struct mig_sigv4_headers out;
    json_t *answer = json_object();
    if (mig_sigv4_sign(&s, &out))
        put(answer, "authorization", mig_buf_text(&out.authorization));
    mig_buf_free(&out.authorization);
    return answer;
}

static json_t *presign(const json_t *in)
{
    struct mig_http_header headers[HEADERS];
    struct mig_aws_keys keys = keys_of(in);
    struct mig_sigv4 s = request_of(in, &keys, headers);
    struct mig_buf out = MIG_BUF_INIT;
    json_t *answer = json_object();
    if (mig_sigv4_presign(&s, (unsigned)number(in, "expires", 900), &out))
        put(answer, "query", mig_buf_text(&out));
    mig_buf_wipe(&out);
    return answer;
}

static json_t *token(const json_t *in)
{
    struct mig_aws_keys keys = keys_of(in);
    struct mig_token t = { .keys = &keys, .host = text(in, "host"), .port = text(in, "port"), .user = text(in, "user"),
                           .region = text(in, "region"), .unix_ms = number(in, "ms", 0) };
    struct mig_buf out = MIG_BUF_INIT;
    json_t *answer = json_object();
    if (mig_token_write(&t, &out))
        put(answer, "token", mig_buf_text(&out));
    mig_buf_wipe(&out);
    return answer;
}

/* ---- asking -------------------------------------------------------------------- */

/* "deadline": ms from now; "stop_after": after that many looks the watch says "stop_status". */
struct looks {
    json_int_t left;
    migrate_status status;
};

static migrate_status look(void *user)
{
    struct looks *l = user;
    if (l->left < 0)
        return MIGRATE_OK;
    return l->left-- > 0 ? MIGRATE_OK : l->status;
}

static struct mig_aws_watch watch_of(const json_t *in, struct looks *looks)
{
    struct mig_aws_watch watch = MIG_AWS_UNWATCHED;
    json_int_t deadline = number(in, "deadline", -1);
    *looks = (struct looks){ number(in, "stop_after", -1), 701 };
    watch.tick = look;
    watch.user = looks;
    if (deadline >= 0)
        watch.until_ms = mig_clock_mono_ms() + deadline;
    return watch;
}

static json_t *identity(const json_t *in)
{
    struct looks looks;
    struct mig_aws_watch watch = watch_of(in, &looks);
    struct mig_diag diag = MIG_DIAG_INIT;
    struct mig_aws_identity found = MIG_AWS_IDENTITY_INIT;
    struct mig_aws_finder f = { .http = mig_http_new(), .watch = &watch, .unix_ms = mig_clock_unix_ms(),
                                .ca_file = text(in, "ca_file"), .diag = &diag };
    char *region = NULL;
    int64_t begun = mig_clock_mono_ms();
    migrate_status status = mig_aws_find_region(&region, &diag);
    f.region = region;
    if (!status)
        status = mig_aws_find_identity(&f, &found);
    json_t *out = outcome(status, &diag);
    json_object_set_new(out, "ms", json_integer(mig_clock_mono_ms() - begun));
    put(out, "access_key", found.access_key);
    put(out, "secret_key", found.secret_key);
    put(out, "session_token", found.session_token);
    put(out, "region", region);
    if (found.access_key && found.expires_ms != INT64_MAX)
        json_object_set_new(out, "expires_ms", json_integer(found.expires_ms));
    mig_aws_identity_free(&found);
    mig_http_free(f.http);
    free(region);
    return out;
}

static const struct mig_aws_service *service_of(const char *name)
{
    static const struct mig_aws_service *const all[] = { &mig_aws_secrets_manager, &mig_aws_ssm, &mig_aws_rds_data };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (name && strcmp(all[i]->prefix, name) == 0)
            return all[i];
    }
    return all[0];
}

static json_t *call(struct mig_aws *aws, const json_t *in)
{
    struct looks looks;
    struct mig_aws_watch watch = watch_of(in, &looks);
    struct mig_diag diag = MIG_DIAG_INIT;
    struct mig_aws_answer answer = MIG_AWS_ANSWER_INIT;
    const char *body = text(in, "body");
    struct mig_aws_call c = { .service = service_of(text(in, "service")), .path = text(in, "path"),
                              .target = text(in, "target"), .what = text(in, "what"), .action = text(in, "action"),
                              .body = body, .body_len = body ? strlen(body) : 0,
                              .attempt_ms = number(in, "attempt_ms", 0),
                              .max_answer = (size_t)number(in, "max_answer", 0),
                              .attempts = (unsigned)number(in, "attempts", 0),
                              .repeatable = json_is_true(json_object_get(in, "repeatable")) };
    int64_t begun = mig_clock_mono_ms();
    mig_aws_set_ca_file(aws, text(in, "ca_file"));
    migrate_status status = mig_aws_do(aws, &c, &watch, &answer, &diag);
    json_t *out = outcome(status, &diag);
    json_object_set_new(out, "ms", json_integer(mig_clock_mono_ms() - begun));
    json_object_set_new(out, "class", json_integer(answer.klass));
    json_object_set_new(out, "http", json_integer(answer.http));
    put(out, "error", answer.error);
    put(out, "words", answer.message);
    put(out, "request_id", answer.request_id);
    put(out, "body", mig_buf_text(&answer.body));
    mig_aws_answer_free(&answer);
    return out;
}

static json_t *fetch(struct mig_aws *aws, const json_t *in)
{
    struct looks looks;
    struct mig_aws_watch watch = watch_of(in, &looks);
    struct mig_diag diag = MIG_DIAG_INIT;
    struct mig_secret s = MIG_SECRET_INIT;
    struct mig_fetch f = { .secret = text(in, "secret"), .parameter = text(in, "parameter"),
                           .stage = text(in, "stage"), .fresh = json_is_true(json_object_get(in, "fresh")) };
    migrate_status status = mig_secret_fetch(aws, &f, &watch, &s, &diag);
    json_t *out = outcome(status, &diag);
    put(out, "engine", s.engine);
    put(out, "host", s.host);
    put(out, "port", s.port);
    put(out, "database", s.database);
    put(out, "user", s.user);
    put(out, "password", s.password);
    put(out, "version", s.version);
    mig_secret_free(&s);
    return out;
}

/* ---- lines --------------------------------------------------------------------- */

static json_t *act(struct mig_aws *aws, const json_t *in)
{
    const char *what = text(in, "do");
    if (!what)
        return NULL;
    if (strcmp(what, "sign") == 0)
        return sign(in);
    if (strcmp(what, "presign") == 0)
        return presign(in);
    if (strcmp(what, "token") == 0)
        return token(in);
    if (strcmp(what, "identity") == 0)
        return identity(in);
    if (strcmp(what, "call") == 0)
        return call(aws, in);
    return strcmp(what, "fetch") == 0 ? fetch(aws, in) : NULL;
}

int main(void)
{
    struct mig_aws *aws = mig_aws_new();
    char *line = NULL;
    size_t size = 0;
    int failed = 0;
    while (!failed && getline(&line, &size, stdin) > 0) {
        json_t *in = json_loads(line, 0, NULL), *out = act(aws, in);
        failed = !out || json_dumpf(out, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) != 0 || putchar('\n') == EOF ||
                 fflush(stdout) != 0;
        json_decref(in);
        json_decref(out);
    }
    free(line);
    mig_aws_free(aws);
    return failed;
}
