/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <migrate/status.h>

#include "aws/base64.h"
#include "aws/endpoint.h"
#include "aws/fault.h"
#include "aws/xml.h"
#include "util/diag.h"

/* ---- base64, XML --------------------------------------------------------------- */

static void expect_decoded(const char *base64, const char *text)
{
    struct mig_buf out = MIG_BUF_INIT;
    ck_assert_msg(mig_base64_decode(base64, strlen(base64), &out) == (text != NULL), "%s", base64);
    if (text)
        ck_assert_str_eq(mig_buf_text(&out), text);
    mig_buf_free(&out);
}

START_TEST(base64)
{
    /* RFC 4648 */
    expect_decoded("", "");
    expect_decoded("Zg==", "f");
    expect_decoded("Zm8=", "fo");
    expect_decoded("Zm9v", "foo");
    expect_decoded("Zm9vYg==", "foob");
    expect_decoded("Zm9vYmE=", "fooba");
    expect_decoded("Zm9vYmFy", "foobar");
    expect_decoded("Zg", NULL);
    expect_decoded("Zg=a", NULL);
    expect_decoded("=Zg=", NULL);
    expect_decoded("Zg==Zg==", NULL);
    expect_decoded("Z-==", NULL);
    expect_decoded("====", NULL);
}
END_TEST

static void expect_xml(const char *xml, const char *tag, const char *text)
{
    char *found = mig_xml_text(xml, strlen(xml), tag);
    ck_assert_pstr_eq(found, text);
    free(found);
}

START_TEST(xml)
{
    expect_xml("<R><AccessKeyId>a</AccessKeyId><B x=\"1\">b &amp; &lt;c&gt; &#39;&quot;&apos;</B></R>", "AccessKeyId", "a");
    expect_xml("<R><B x=\"1\">b &amp; &lt;c&gt; &#39;&quot;&apos;</B></R>", "B", "b & <c> '\"'");
    expect_xml("<R><Bb>x</Bb><B>y</B></R>", "B", "y");
    expect_xml("<R><B/><C></C></R>", "B", NULL);
    expect_xml("<R><B/><C></C></R>", "C", "");
    expect_xml("<R>&amp", "R", "");
    expect_xml("<R>a &bogus; &#xe9; &#999; &#0;</R>", "R", "a &bogus; &#xe9; &#999; &#0;");
    expect_xml("", "R", NULL);
    expect_xml("<R", "R", NULL);
    expect_xml("<R a", "R", NULL);
}
END_TEST

/* ---- endpoints ----------------------------------------------------------------- */

static void expect_endpoint(const struct mig_aws_service *service, const char *region, const char *url)
{
    char *found = NULL;
    struct mig_diag diag = MIG_DIAG_INIT;
    migrate_status status = mig_aws_endpoint(service, region, &found, &diag);
    ck_assert_int_eq(status, url ? MIGRATE_OK : MIGRATE_E_OPTION);
    ck_assert_pstr_eq(found, url);
    free(found);
    mig_diag_free(&diag);
}

START_TEST(endpoints)
{
    unsetenv("AWS_ENDPOINT_URL");
    unsetenv("AWS_ENDPOINT_URL_SSM");
    expect_endpoint(&mig_aws_secrets_manager, "us-east-1", "https://secretsmanager.us-east-1.amazonaws.com");
    expect_endpoint(&mig_aws_rds_data, "cn-north-1", "https://rds-data.cn-north-1.amazonaws.com.cn");
    expect_endpoint(&mig_aws_ssm, "us-isob-east-1", "https://ssm.us-isob-east-1.sc2s.sgov.gov");
    expect_endpoint(&mig_aws_ssm, "eusc-de-east-1", "https://ssm.eusc-de-east-1.amazonaws.eu");
    expect_endpoint(&mig_aws_sts, NULL, "https://sts.amazonaws.com");
    expect_endpoint(&mig_aws_ssm, NULL, NULL);
    expect_endpoint(&mig_aws_ssm, "evil.example.com/", NULL);
    expect_endpoint(&mig_aws_ssm, "a@b", NULL);
    setenv("AWS_USE_DUALSTACK_ENDPOINT", "true", 1);
    expect_endpoint(&mig_aws_rds_data, "eu-west-1", "https://rds-data.eu-west-1.api.aws");
    setenv("AWS_USE_FIPS_ENDPOINT", "TRUE", 1);
    expect_endpoint(&mig_aws_rds_data, "us-east-1", "https://rds-data-fips.us-east-1.api.aws");
    unsetenv("AWS_USE_DUALSTACK_ENDPOINT");
    unsetenv("AWS_USE_FIPS_ENDPOINT");
}
END_TEST

START_TEST(endpoints_of_ones_own)
{
    setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000//", 1);
    setenv("AWS_ENDPOINT_URL_SSM", "https://ssm.test/base/", 1);
    expect_endpoint(&mig_aws_secrets_manager, NULL, "http://127.0.0.1:5000");
    expect_endpoint(&mig_aws_ssm, "us-east-1", "https://ssm.test/base");
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
    expect_endpoint(&mig_aws_ssm, "us-east-1", "https://ssm.us-east-1.amazonaws.com");
    unsetenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    setenv("AWS_ENDPOINT_URL_SSM", "ftp://x", 1);
    expect_endpoint(&mig_aws_ssm, "us-east-1", NULL);
    unsetenv("AWS_ENDPOINT_URL");
    unsetenv("AWS_ENDPOINT_URL_SSM");
}
END_TEST

START_TEST(regions_of_arns)
{
    char region[64];
    ck_assert(mig_aws_arn_region("arn:aws:secretsmanager:eu-west-3:123456789012:secret:x-AbCdEf", region));
    ck_assert_str_eq(region, "eu-west-3");
    ck_assert(mig_aws_arn_region("arn:aws-cn:ssm:cn-north-1:1:parameter/x", region));
    ck_assert(!mig_aws_arn_region("prod/db", region));
    ck_assert(!mig_aws_arn_region("arn:aws:iam::123456789012:role/x", region));
    ck_assert(!mig_aws_arn_region("arn:aws:x", region));
    ck_assert(!mig_aws_arn_region("arn:aws:x:us-east-1", region));
    ck_assert(!mig_aws_arn_region("arn:aws:x:e.v:1", region));
}
END_TEST

/* ---- faults -------------------------------------------------------------------- */

static const struct mig_aws_keys keys = { "AKID", "secretsecret", "tokentokentoken" };

static struct mig_aws_answer fault(const char *headers, size_t headers_len, const char *body, long http)
{
    struct mig_http_response r = MIG_HTTP_RESPONSE_INIT;
    struct mig_aws_answer a = MIG_AWS_ANSWER_INIT;
    r.status = http;
    mig_buf_add(&r.head, headers, headers_len);
    mig_buf_str(&r.body, body);
    mig_aws_fault_read(&r, &keys, &a);
    mig_http_response_free(&r);
    return a;
}

static void expect_fault(const char *header, const char *body, long http, const char *error, const char *message)
{
    struct mig_aws_answer a = fault(header, *header ? strlen(header) + 1 : 0, body, http);
    ck_assert_int_eq(a.http, http);
    ck_assert_pstr_eq(a.error, error);
    ck_assert_pstr_eq(a.message, message);
    mig_aws_answer_free(&a);
}

START_TEST(faults)
{
    expect_fault("", "{\"__type\":\"com.amazonaws.secretsmanager#ResourceNotFoundException\",\"Message\":\"no\"}", 400,
                 "ResourceNotFoundException", "no");
    expect_fault("x-amzn-ErrorType: BadRequestException:http://internal.amazon.com/coral/", "{\"message\":\"m\"}", 400,
                 "BadRequestException", "m");
    expect_fault("", "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>a &amp; b</Message></Error>", 403,
                 "SignatureDoesNotMatch", "a & b");
    expect_fault("", "{\"code\":\"X\",\"errorMessage\":\"e\"}", 500, "X", "e");
    expect_fault("", "plain text", 502, NULL, NULL);
    expect_fault("", "", 503, NULL, NULL);
    expect_fault("", "[]", 503, NULL, NULL);
}
END_TEST

/* A service that takes a signature for wrong tells what it would have signed, the session token included. */
START_TEST(faults_quote_no_secrets)
{
    expect_fault("", "{\"__type\":\"InvalidSignatureException\",\"message\":\"The request signature we calculated does not "
                     "match. The Canonical String for this request should have been 'POST\\n/\\n\\nx-amz-security-token:"
                     "tokentokentoken\\n'\"}", 403, "InvalidSignatureException",
                 "The request signature we calculated does not match.");
    expect_fault("", "{\"__type\":\"X\",\"message\":\"bad tokentokentoken or secretsecret, tokentokentoken\\nmore\"}", 403,
                 "X", "bad *************** or ************, ***************");
}
END_TEST

START_TEST(classes)
{
    ck_assert_int_eq(mig_aws_fault_class(NULL, 200), MIG_AWS_DONE);
    ck_assert_int_eq(mig_aws_fault_class("ThrottlingException", 400), MIG_AWS_THROTTLED);
    ck_assert_int_eq(mig_aws_fault_class(NULL, 429), MIG_AWS_THROTTLED);
    ck_assert_int_eq(mig_aws_fault_class("RequestTimeTooSkewed", 403), MIG_AWS_SKEWED);
    ck_assert_int_eq(mig_aws_fault_class("ExpiredTokenException", 400), MIG_AWS_EXPIRED);
    ck_assert_int_eq(mig_aws_fault_class("InternalServiceError", 500), MIG_AWS_BUSY);
    ck_assert_int_eq(mig_aws_fault_class(NULL, 504), MIG_AWS_BUSY);
    ck_assert_int_eq(mig_aws_fault_class("ResourceNotFoundException", 400), MIG_AWS_REFUSED);
    ck_assert_int_eq(mig_aws_fault_status("AccessDeniedException", 400), MIGRATE_E_DENIED);
    ck_assert_int_eq(mig_aws_fault_status("DecryptionFailure", 400), MIGRATE_E_DENIED);
    ck_assert_int_eq(mig_aws_fault_status("UnrecognizedClientException", 400), MIGRATE_E_AUTH);
    ck_assert_int_eq(mig_aws_fault_status("SignatureDoesNotMatch", 403), MIGRATE_E_AUTH);
    ck_assert_int_eq(mig_aws_fault_status(NULL, 403), MIGRATE_E_DENIED);
    ck_assert_int_eq(mig_aws_fault_status("ResourceNotFoundException", 400), MIGRATE_E_OPTION);
}
END_TEST

UNIT_MAIN("aws_parts", base64, xml, endpoints, endpoints_of_ones_own, regions_of_arns, faults, faults_quote_no_secrets,
          classes)
