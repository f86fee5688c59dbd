/* SPDX-License-Identifier: Apache-2.0 */
/* The Lambda Runtime API: next, response, error, init error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bootstrap.h"

#define API "/2018-06-01/runtime"

enum { TRIES = 3, ANSWER_MS = 30000 };

static int64_t remaining(const char *deadline)
{
    struct timespec now;
    char *end;
    long long at = strtoll(deadline, &end, 10);
    if (end == deadline || *end)
        return INT64_C(900) * 1000; /* the most that Lambda knows */
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return at - ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

static void take(struct boot_response *response, struct boot_invocation *out)
{
    char deadline[32];
    boot_header(response, "Lambda-Runtime-Aws-Request-Id", out->request_id, sizeof out->request_id);
    boot_header(response, "Lambda-Runtime-Invocation-Id", out->invocation_id, sizeof out->invocation_id);
    boot_header(response, "Lambda-Runtime-Invoked-Function-Arn", out->function_arn, sizeof out->function_arn);
    boot_header(response, "Lambda-Runtime-Trace-Id", out->trace_id, sizeof out->trace_id);
    boot_header(response, "Lambda-Runtime-Deadline-Ms", deadline, sizeof deadline);
    out->remaining_ms = remaining(deadline);
    out->event = response->body;
    response->body = (struct boot_text){ .data = NULL };
}

/* A request id goes into paths: anything that is not plain would name something else. */
static bool is_plain(const char *id)
{
    return *id && strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == strlen(id);
}

enum boot_next boot_runtime_next(struct boot_http *http, struct boot_invocation *out)
{
    static const struct timespec pause = { 0, 50 * 1000000 };
    struct boot_response response;
    *out = (struct boot_invocation){ .remaining_ms = 0 };
    for (int i = 0; i < TRIES; i++) {
        bool answered = boot_http_do(http, "GET", API "/invocation/next", "", NULL, 0, -1, &response);
        if (boot_signalled() && !answered)
            return BOOT_STOPPED;
        if (!answered && response.begun)
            return BOOT_BROKEN; /* this invocation is ours and will not be given out again */
        bool good = answered && response.status == 200;
        if (good)
            take(&response, out);
        if (answered)
            boot_response_free(&response);
        if (good && is_plain(out->request_id))
            return BOOT_NEXT;
        boot_invocation_free(out);
        (void)nanosleep(&pause, NULL);
    }
    return BOOT_NO_API;
}

void boot_invocation_free(struct boot_invocation *invocation)
{
    boot_text_free(&invocation->event);
}

static void add_header(struct boot_text *headers, const char *name, const char *value)
{
    if (!*value)
        return;
    boot_text_str(headers, name);
    boot_text_str(headers, ": ");
    boot_text_str(headers, value);
    boot_text_str(headers, "\r\n");
}

static int post(struct boot_http *http, const char *path, const struct boot_text *headers, const char *body,
                size_t len)
{
    struct boot_response response;
    if (headers->oom || !boot_http_do(http, "POST", path, headers->data, body, len, ANSWER_MS, &response))
        return 0;
    int status = response.status;
    boot_response_free(&response);
    return status;
}

static void add_error_type(struct boot_text *headers, const char *family, const char *error_type)
{
    char type[96];
    (void)snprintf(type, sizeof type, "%s.%.64s", family, error_type);
    add_header(headers, "Lambda-Runtime-Function-Error-Type", type);
}

int boot_runtime_answer(struct boot_http *http, const struct boot_invocation *invocation, const char *error_type,
                        const char *body, size_t len)
{
    struct boot_text headers = { .data = NULL };
    char path[256];
    (void)snprintf(path, sizeof path, API "/invocation/%s/%s", invocation->request_id,
                   error_type ? "error" : "response");
    add_header(&headers, "Content-Type", "application/json");
    add_header(&headers, "Lambda-Runtime-Invocation-Id", invocation->invocation_id);
    if (error_type)
        add_error_type(&headers, "Function", error_type);
    int status = post(http, path, &headers, body, len);
    boot_text_free(&headers);
    return status;
}

void boot_runtime_init_error(struct boot_http *http, const char *error_type, const char *message)
{
    struct boot_text headers = { .data = NULL }, body = { .data = NULL };
    boot_text_str(&body, "{\"errorType\":");
    boot_text_json(&body, error_type);
    boot_text_str(&body, ",\"errorMessage\":");
    boot_text_json(&body, message);
    boot_text_str(&body, ",\"stackTrace\":[]}");
    add_header(&headers, "Content-Type", "application/json");
    add_error_type(&headers, "Runtime", error_type);
    if (!body.oom)
        (void)post(http, API "/init/error", &headers, body.data, body.len);
    boot_text_free(&headers);
    boot_text_free(&body);
}
