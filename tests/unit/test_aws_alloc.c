/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation of libmigrate-aws fails once, those on the way of a whole question to a service included. */

#include "unit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <migrate/aws.h>

#include "alloc_fail.h"
#include "aws/credentials.h"
#include "aws/fetch.h"
#include "aws/source.h"
#include "aws/token.h"
#include "util/diag.h"

#define CONFIG UNIT_TMP_DIR "/aws_alloc_config"

static const struct mig_aws_keys keys = { "akid", "skid", "FwoG/abc+def==" };

static void each(int32_t (*body)(void *), void *user)
{
    struct alloc_fail_report report;
    ck_assert_msg(alloc_fail_each(body, user, MIGRATE_E_NOMEM, &report), "%s", report.text);
    ck_assert_uint_gt(report.refused, 0);
}

/* ---- what talks to nobody ------------------------------------------------------ */

static int32_t sign(void *user)
{
    static const struct mig_http_header headers[] = { { "Content-Type", "application/json" } };
    struct mig_sigv4 s = { .keys = &keys, .region = "us-east-1", .service = "ssm", .unix_ms = 1478540373000,
                           .method = "POST", .host = "h", .path = "/a/../b", .query = "b=2&a=1", .headers = headers,
                           .n_headers = 1, .body = "{}", .body_len = 2 };
    struct mig_sigv4_headers out;
    (void)user;
    bool good = mig_sigv4_sign(&s, &out);
    alloc_fail_require(good || !out.authorization.data);
    mig_buf_free(&out.authorization);
    return good ? MIGRATE_OK : MIGRATE_E_NOMEM;
}

static int32_t token(void *user)
{
    struct mig_token t = { .keys = &keys, .host = "x.us-east-1.rds.amazonaws.com", .port = "5432", .user = "u",
                           .region = "us-east-1", .unix_ms = 1478540373000 };
    struct mig_buf out = MIG_BUF_INIT;
    (void)user;
    bool good = mig_token_write(&t, &out);
    mig_buf_free(&out);
    return good ? MIGRATE_OK : MIGRATE_E_NOMEM;
}

static int32_t secret(void *user)
{
    struct mig_secret s = MIG_SECRET_INIT;
    migrate_status status = mig_secret_read(user, strlen(user), "secret s", &s, NULL);
    mig_secret_free(&s);
    return status;
}

static int32_t identity(void *user)
{
    struct mig_aws_identity out = MIG_AWS_IDENTITY_INIT;
    struct mig_diag diag = MIG_DIAG_INIT;
    struct mig_aws_finder f = { .diag = &diag };
    (void)user;
    migrate_status status = mig_aws_from_profile(&f, &out);
    mig_aws_identity_free(&out);
    mig_diag_free(&diag);
    return status;
}

START_TEST(parts)
{
    FILE *f = fopen(CONFIG, "w");
    ck_assert_ptr_nonnull(f);
    fputs("[profile p]\naws_access_key_id=A\naws_secret_access_key=B\naws_session_token=C\nregion=us-east-1\n", f);
    fclose(f);
    setenv("AWS_CONFIG_FILE", CONFIG, 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", CONFIG ".none", 1);
    setenv("AWS_PROFILE", "p", 1);
    each(sign, NULL);
    each(token, NULL);
    each(secret, (char *)(uintptr_t)"{\"engine\":\"postgres\",\"host\":\"h\",\"port\":5432,\"username\":\"u\","
                                    "\"password\":\"p\",\"dbname\":\"d\"}");
    each(secret, (char *)(uintptr_t)"postgres://u:p@h:1/d");
    each(identity, NULL);
}
END_TEST

/* ---- what asks a service ------------------------------------------------------- */

/* Answers every connection alike and closes it; allocates nothing. */
static void *serve(void *user)
{
    int listener = *(const int *)user;
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 89\r\nConnection: close\r\n\r\n"
        "{\"VersionId\":\"1\",\"SecretString\":\"{\\\"username\\\":\\\"u\\\",\\\"password\\\":\\\"p\\\",\\\"host\\\":\\\"h\\\"}\"}";
    for (;;) {
        static char request[8192];
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        if (recv(fd, request, sizeof request, 0) > 0)
            (void)send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        while (recv(fd, request, sizeof request, 0) > 0)
            ;
        close(fd);
    }
}

static int32_t ask(void *user)
{
    static const struct mig_fetch fetch = { .secret = "s" };
    struct mig_diag diag = MIG_DIAG_INIT;
    struct mig_secret s = MIG_SECRET_INIT;
    struct mig_aws *aws = mig_aws_new();
    (void)user;
    if (!aws)
        return MIGRATE_E_NOMEM;
    migrate_status status = mig_secret_fetch(aws, &fetch, NULL, &s, &diag);
    alloc_fail_require(status || (s.user && s.password && s.host && s.version));
    mig_secret_free(&s);
    mig_diag_free(&diag);
    mig_aws_free(aws);
    return status;
}

static int32_t attach(void *user)
{
    migrate_ctx *ctx = NULL;
    migrate_error *err = NULL;
    (void)user;
    migrate_status status = migrate_ctx_new(&ctx, &err);
    if (!status)
        status = migrate_aws_attach(ctx, &err);
    migrate_error_free(err);
    migrate_ctx_free(ctx);
    return status;
}

static bool is_reachable(const struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool good = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

START_TEST(whole)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    char url[64];
    pthread_t thread;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(listener, 16), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    if (!is_reachable(&at)) {
        printf("skipped: 127.0.0.1 cannot be reached\n");
        close(listener);
        return;
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%u", ntohs(at.sin_port));
    setenv("AWS_ENDPOINT_URL", url, 1);
    setenv("AWS_REGION", "us-east-1", 1);
    setenv("AWS_ACCESS_KEY_ID", "akid", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "skid", 1);
    setenv("AWS_SESSION_TOKEN", "token", 1);
    unsetenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT");
    unsetenv("AWS_LAMBDA_FUNCTION_NAME");
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, &listener), 0);
    each(ask, NULL);
    each(attach, NULL);
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listener);
}
END_TEST

UNIT_MAIN("aws_alloc", parts, whole)
