/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "aws/token.h"

static void expect_region(const char *host, const char *region, bool dsql)
{
    char found[64] = "";
    ck_assert_msg(mig_token_region(host, found) == (region != NULL), "%s", host);
    if (region)
        ck_assert_str_eq(found, region);
    ck_assert_msg(mig_token_is_dsql(host) == dsql, "%s", host);
}

START_TEST(regions)
{
    expect_region("db.c1.us-east-1.rds.amazonaws.com", "us-east-1", false);
    expect_region("db.cluster-c1.eu-central-1.rds.amazonaws.com", "eu-central-1", false);
    expect_region("p.proxy-c1.ap-south-1.rds.amazonaws.com", "ap-south-1", false);
    expect_region("rds.c1.us-east-1.rds.amazonaws.com", "us-east-1", false);
    expect_region("db.c1.rds.cn-north-1.amazonaws.com.cn", "cn-north-1", false);
    expect_region("DB.C1.US-EAST-1.RDS.AMAZONAWS.COM", "us-east-1", false);
    expect_region("abc.dsql.us-east-2.on.aws", "us-east-2", true);
    expect_region("abc.dsql-fnh4.us-east-2.on.aws", "us-east-2", true);
    expect_region("localhost", NULL, false);
    expect_region("rds.internal.example.com", NULL, false);
    expect_region("my.rds.internal.example.com", NULL, false);
    expect_region("dsql.us-east-1.on.aws", NULL, false);
    expect_region("my.dsql.example.com", NULL, false);
    expect_region("", NULL, false);
    expect_region("....", NULL, false);
    expect_region("rds.amazonaws.com", NULL, false);
}
END_TEST

static void expect_token(const struct mig_token *t, const char *begin, const char *end)
{
    struct mig_buf out = MIG_BUF_INIT;
    ck_assert(mig_token_write(t, &out));
    const char *text = mig_buf_text(&out);
    ck_assert_int_eq(strncmp(text, begin, strlen(begin)), 0);
    ck_assert_str_eq(text + strlen(text) - strlen(end), end);
    mig_buf_free(&out);
}

START_TEST(of_rds)
{
    const struct mig_aws_keys keys = { "akid", "skid", "FwoG/abc+def==" };
    struct mig_token t = { .keys = &keys, .host = "prod-instance.us-east-1.rds.amazonaws.com", .port = "5432",
                           .user = "user+name@x", .region = "us-east-1", .unix_ms = 1478540373000 };
    expect_token(&t,
                 "prod-instance.us-east-1.rds.amazonaws.com:5432/?Action=connect&DBUser=user%2Bname%40x&X-Amz-Algorithm="
                 "AWS4-HMAC-SHA256&X-Amz-Credential=akid%2F20161107%2Fus-east-1%2Frds-db%2Faws4_request&X-Amz-Date="
                 "20161107T173933Z&X-Amz-Expires=900&X-Amz-Security-Token=FwoG%2Fabc%2Bdef%3D%3D&X-Amz-SignedHeaders=host",
                 "&X-Amz-Signature=2d234e1303a2ce89ce827bffb49930b9d55745e8ee55c79a113b42f077736553");
}
END_TEST

START_TEST(of_dsql)
{
    const struct mig_aws_keys keys = { "akid", "skid", "FwoG/abc+def==" };
    struct mig_token t = { .keys = &keys, .host = "test.dsql.us-east-1.on.aws", .port = "5432", .user = "someone",
                           .region = "us-east-1", .unix_ms = 1478540373000 };
    expect_token(&t, "test.dsql.us-east-1.on.aws/?Action=DbConnect&X-Amz-Algorithm=",
                 "b779643345e5a1fc59c0f2aca4192ac182d57327d3a9c7d4d6d0b081d3a2ec21");
    t.user = "admin";
    expect_token(&t, "test.dsql.us-east-1.on.aws/?Action=DbConnectAdmin&X-Amz-Algorithm=",
                 "b10622aa803b56b9cf26a8e766f6738260b4c64f243c84eaabe852f904fb25cb");
}
END_TEST

/* Session tokens have no limit anybody knows; passwords of ours have none. */
START_TEST(with_a_long_session_token)
{
    static char session[20001];
    memset(session, '/', 20000);
    const struct mig_aws_keys keys = { "akid", "skid", session };
    struct mig_token t = { .keys = &keys, .host = "x.us-east-1.rds.amazonaws.com", .port = "5432", .user = "u",
                           .region = "us-east-1", .unix_ms = 1478540373000 };
    struct mig_buf out = MIG_BUF_INIT;
    ck_assert(mig_token_write(&t, &out));
    ck_assert_uint_gt(out.len, 60000);
    mig_buf_free(&out);
}
END_TEST

UNIT_MAIN("aws_token", regions, of_rds, of_dsql, with_a_long_session_token)
