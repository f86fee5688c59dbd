/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>

#include "aws/canonical.h"
#include "aws/sigv4.h"
#include "util/sha256.h"

static const struct mig_aws_keys temporary = { "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                               "FwoG/abc+def==" };
static const struct mig_aws_keys lasting = { "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL };

enum { NOV_2026 = 1793491200 }; /* 20261101T000000Z */

static void expect_signature(const struct mig_sigv4 *s, const char *names, const char *signature)
{
    struct mig_sigv4_headers out;
    char end[256];
    ck_assert(mig_sigv4_sign(s, &out));
    ck_assert_str_eq(out.date, "20261101T000000Z");
    snprintf(end, sizeof end, "SignedHeaders=%s, Signature=%s", names, signature);
    ck_assert_ptr_nonnull(strstr(mig_buf_text(&out.authorization), end));
    mig_buf_free(&out.authorization);
}

START_TEST(hmac)
{
    /* RFC 4231: test cases 1, 2, 3, 4, 6 and 7 */
    uint8_t key[131], data[50], digest[32];
    char hex[65];
    static const char hard[] = "This is a test using a larger than block-size key and a larger than block-size data. The "
                               "key needs to be hashed before being used by the HMAC algorithm.";
    memset(key, 0x0b, 20);
    mig_hmac_sha256(key, 20, "Hi There", 8, digest);
    mig_hex(digest, 32, hex);
    ck_assert_str_eq(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    mig_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, digest);
    mig_hex(digest, 32, hex);
    ck_assert_str_eq(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    memset(data, 0xdd, sizeof data);
    mig_hmac_sha256(key, 20, data, sizeof data, digest);
    mig_hex(digest, 32, hex);
    ck_assert_str_eq(hex, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    mig_hmac_sha256(key, 131, "Test Using Larger Than Block-Size Key - Hash Key First", 54, digest);
    mig_hex(digest, 32, hex);
    ck_assert_str_eq(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    mig_hmac_sha256(key, 131, hard, sizeof hard - 1, digest);
    mig_hex(digest, 32, hex);
    ck_assert_str_eq(hex, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
    for (uint8_t i = 0; i < 25; i++)
        key[i] = (uint8_t)(i + 1);
    memset(data, 0xcd, sizeof data);
    mig_hmac_sha256(key, 25, data, sizeof data, digest);
    mig_hex(digest, 32, hex);
    ck_assert_str_eq(hex, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
}
END_TEST

START_TEST(json_1_1)
{
    static const struct mig_http_header headers[] = {
        { "Content-Type", "application/x-amz-json-1.1" },
        { "X-Amz-Target", "secretsmanager.GetSecretValue" },
    };
    struct mig_sigv4 s = { .keys = &temporary, .region = "us-east-1", .service = "secretsmanager",
                           .unix_ms = (int64_t)NOV_2026 * 1000, .method = "POST",
                           .host = "secretsmanager.us-east-1.amazonaws.com", .path = "/", .headers = headers,
                           .n_headers = 2, .body = "{\"SecretId\":\"prod/db\"}", .body_len = 22 };
    expect_signature(&s, "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
                     "ab28b515c294914b37ae8b5adee8c46339bd257d8c6bfefb2ba5cc5c4d314f3f");
}
END_TEST

START_TEST(rest_json)
{
    static const struct mig_http_header headers[] = { { "content-type", "application/json" } };
    static const char body[] =
        "{\"resourceArn\":\"arn:aws:rds:eu-west-1:123456789012:cluster:c\",\"secretArn\":"
        "\"arn:aws:secretsmanager:eu-west-1:123456789012:secret:s-AbCdEf\",\"database\":\"app\",\"sql\":\"select 1\"}";
    ck_assert_uint_eq(sizeof body - 1, 172);
    struct mig_sigv4 s = { .keys = &temporary, .region = "eu-west-1", .service = "rds-data",
                           .unix_ms = (int64_t)NOV_2026 * 1000, .method = "POST",
                           .host = "rds-data.eu-west-1.amazonaws.com", .path = "/Execute", .headers = headers,
                           .n_headers = 1, .body = body, .body_len = sizeof body - 1 };
    expect_signature(&s, "content-type;host;x-amz-date;x-amz-security-token",
                     "4a22c6fbce7e398da66575d3078bd9e26239258602a628039056d7b23006fd7d");
}
END_TEST

static void expect_presigned(const char *host, const char *service, const char *query, const char *token,
                             const char *signature)
{
    const struct mig_aws_keys keys = { "akid", "skid", token };
    struct mig_sigv4 s = { .keys = &keys, .region = "us-east-1", .service = service, .unix_ms = 1478540373000,
                           .method = "GET", .host = host, .path = "/", .query = query };
    struct mig_buf out = MIG_BUF_INIT;
    char end[128];
    ck_assert(mig_sigv4_presign(&s, 900, &out));
    snprintf(end, sizeof end, "&X-Amz-SignedHeaders=host&X-Amz-Signature=%s", signature);
    ck_assert_ptr_nonnull(strstr(mig_buf_text(&out), end));
    mig_buf_free(&out);
}

START_TEST(presigned)
{
    static const char rds[] = "prod-instance.us-east-1.rds.amazonaws.com";
    char host[128];
    snprintf(host, sizeof host, "%s:3306", rds);
    expect_presigned(host, "rds-db", "Action=connect&DBUser=someusername", NULL,
                     "d1138cdbc0ca63eec012ec0fc6c2267e03642168f5884a7795320d4c18374c61");
    snprintf(host, sizeof host, "%s:5432", rds);
    expect_presigned(host, "rds-db", "Action=connect&DBUser=user%2Bname%40x", "FwoG/abc+def==",
                     "2d234e1303a2ce89ce827bffb49930b9d55745e8ee55c79a113b42f077736553");
    expect_presigned("test.dsql.us-east-1.on.aws", "dsql", "Action=DbConnect", "FwoG/abc+def==",
                     "b779643345e5a1fc59c0f2aca4192ac182d57327d3a9c7d4d6d0b081d3a2ec21");
    expect_presigned("test.dsql.us-east-1.on.aws", "dsql", "Action=DbConnectAdmin", "FwoG/abc+def==",
                     "b10622aa803b56b9cf26a8e766f6738260b4c64f243c84eaabe852f904fb25cb");
}
END_TEST

/* The canonical request of GET @p path?@p query, up to its headers. */
static void expect_canonical(const char *path, const char *query, const char *expected)
{
    struct mig_canonical c = MIG_CANONICAL_INIT;
    struct mig_sigv4 s = { .keys = &lasting, .region = "r", .service = "s", .method = "GET", .host = "h",
                           .path = path, .query = query };
    ck_assert(mig_canonical_headers(&c, &s, NULL));
    ck_assert(mig_canonical_request(&c, &s, query));
    ck_assert_int_eq(strncmp(mig_buf_text(&c.request), expected, strlen(expected)), 0);
    mig_canonical_free(&c);
}

START_TEST(paths_and_queries)
{
    expect_canonical("/", NULL, "GET\n/\n\nhost:h\n\nhost\n");
    expect_canonical("/a/./b/../c/", "", "GET\n/a/c/\n\n");
    expect_canonical("//a//b", "", "GET\n/a/b\n\n");
    expect_canonical("/../..", "", "GET\n/\n\n");
    expect_canonical("/a%20b", "", "GET\n/a%2520b\n\n");
    expect_canonical("/", "b=2&a=1", "GET\n/\na=1&b=2\n");
    expect_canonical("/", "a=2&a=1&A=3", "GET\n/\nA=3&a=1&a=2\n");
    expect_canonical("/", "flag&x=", "GET\n/\nflag=&x=\n");
    expect_canonical("/", "x=a/b:c%2fd", "GET\n/\nx=a%2Fb%3Ac%2Fd\n");
    expect_canonical("/", "&&a=b=c&", "GET\n/\na=b%3Dc\n");
    expect_canonical("/", "a=%2&b=%", "GET\n/\na=%252&b=%25\n");
}
END_TEST

START_TEST(header_values)
{
    static const struct mig_http_header headers[] = {
        { "X-B", "  two   blanks \t here  " },
        { "x-a", "first" },
        { "X-A", "second" },
        { "X-Empty", "" },
    };
    struct mig_canonical c = MIG_CANONICAL_INIT;
    struct mig_sigv4 s = { .keys = &lasting, .host = "h", .headers = headers, .n_headers = 4 };
    ck_assert(mig_canonical_headers(&c, &s, "D"));
    ck_assert_str_eq(mig_buf_text(&c.headers), "host:h\nx-a:first,second\nx-amz-date:D\nx-b:two blanks here\nx-empty:\n");
    ck_assert_str_eq(mig_buf_text(&c.signed_names), "host;x-a;x-amz-date;x-b;x-empty");
    mig_canonical_free(&c);
}
END_TEST

UNIT_MAIN("aws_sigv4", hmac, json_1_1, rest_json, presigned, paths_and_queries, header_values)
