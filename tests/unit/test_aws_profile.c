/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include <migrate/status.h>

#include "aws/credentials.h"
#include "aws/profile.h"
#include "aws/source.h"
#include "util/diag.h"

#define CONFIG UNIT_TMP_DIR "/aws_config"
#define CREDENTIALS UNIT_TMP_DIR "/aws_credentials"

static void file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert(fputs(text, f) >= 0);
    ck_assert_int_eq(fclose(f), 0);
}

static void home(const char *config, const char *credentials)
{
    static const char *const unset[] = { "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION",
                                         "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN" };
    for (size_t i = 0; i < sizeof unset / sizeof *unset; i++)
        unsetenv(unset[i]);
    setenv("AWS_CONFIG_FILE", CONFIG, 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", CREDENTIALS, 1);
    file(CONFIG, config);
    file(CREDENTIALS, credentials);
}

static struct mig_aws_profile read_profile(const char *name)
{
    struct mig_aws_profile p = MIG_AWS_PROFILE_INIT;
    struct mig_diag diag = MIG_DIAG_INIT;
    ck_assert_int_eq(mig_aws_profile_read(name, &p, &diag), MIGRATE_OK);
    return p;
}

START_TEST(both_files)
{
    home("[default]\nregion=eu-west-1\n\n[profile  dev ]\r\nregion = us-west-2 ; there\r\nAWS_ACCESS_KEY_ID=old\n"
         "s3 =\n  region = nowhere\n[dev]\nregion = wrong\n[sso-session dev]\nregion=wrong\n",
         "# comment\n[dev]\naws_access_key_id = AKID\naws_secret_access_key=a=b#c\n\n[other]\naws_access_key_id=x");
    struct mig_aws_profile p = read_profile("dev");
    ck_assert(p.found);
    ck_assert_pstr_eq(p.values[MIG_PROFILE_REGION], "us-west-2");
    ck_assert_pstr_eq(p.values[MIG_PROFILE_ACCESS_KEY], "AKID");
    ck_assert_pstr_eq(p.values[MIG_PROFILE_SECRET_KEY], "a=b#c");
    mig_aws_profile_free(&p);
    p = read_profile("other");
    ck_assert_pstr_eq(p.values[MIG_PROFILE_ACCESS_KEY], "x");
    ck_assert_ptr_null(p.values[MIG_PROFILE_SECRET_KEY]);
    mig_aws_profile_free(&p);
    p = read_profile("none");
    ck_assert(!p.found);
    mig_aws_profile_free(&p);
}
END_TEST

START_TEST(regions)
{
    char *region = NULL;
    struct mig_diag diag = MIG_DIAG_INIT;
    home("[default]\nregion=eu-west-1\n[profile p]\nregion=eu-west-2", "");
    ck_assert_int_eq(mig_aws_find_region(&region, &diag), MIGRATE_OK);
    ck_assert_pstr_eq(region, "eu-west-1");
    free(region);
    setenv("AWS_PROFILE", "p", 1);
    ck_assert_int_eq(mig_aws_find_region(&region, &diag), MIGRATE_OK);
    ck_assert_pstr_eq(region, "eu-west-2");
    free(region);
    setenv("AWS_DEFAULT_REGION", "eu-west-3", 1);
    ck_assert_int_eq(mig_aws_find_region(&region, &diag), MIGRATE_OK);
    ck_assert_pstr_eq(region, "eu-west-3");
    free(region);
    setenv("AWS_REGION", "eu-west-4", 1);
    ck_assert_int_eq(mig_aws_find_region(&region, &diag), MIGRATE_OK);
    ck_assert_pstr_eq(region, "eu-west-4");
    free(region);
}
END_TEST

static migrate_status find(struct mig_aws_identity *out, struct mig_diag *diag)
{
    struct mig_aws_finder f = { .diag = diag };
    migrate_status status = mig_aws_from_environment(&f, out);
    return status == MIGRATE_DONE ? mig_aws_from_profile(&f, out) : status;
}

static void expect_refusal(const char *profile, migrate_status expected, const char *said)
{
    struct mig_aws_identity identity = MIG_AWS_IDENTITY_INIT;
    struct mig_diag diag = MIG_DIAG_INIT;
    setenv("AWS_PROFILE", profile, 1);
    ck_assert_int_eq(find(&identity, &diag), expected);
    ck_assert_msg(strstr(diag.message, said) != NULL, "%s", diag.message);
    ck_assert_ptr_null(identity.access_key);
    mig_diag_free(&diag);
}

START_TEST(keys_of_profiles)
{
    struct mig_aws_identity identity = MIG_AWS_IDENTITY_INIT;
    struct mig_diag diag = MIG_DIAG_INIT;
    home("[profile a]\naws_access_key_id=A\naws_secret_access_key=B\naws_session_token=C", "[default]\n"
         "aws_access_key_id=D\naws_secret_access_key=E\n");
    ck_assert_int_eq(find(&identity, &diag), MIGRATE_OK);
    ck_assert_str_eq(identity.access_key, "D");
    ck_assert_ptr_null(identity.session_token);
    setenv("AWS_PROFILE", "a", 1);
    ck_assert_int_eq(find(&identity, &diag), MIGRATE_OK);
    ck_assert_str_eq(identity.access_key, "A");
    ck_assert_str_eq(identity.session_token, "C");
    setenv("AWS_ACCESS_KEY_ID", "env", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    ck_assert_int_eq(find(&identity, &diag), MIGRATE_OK);
    ck_assert_str_eq(identity.access_key, "env");
    mig_aws_identity_free(&identity);
    mig_diag_free(&diag);
}
END_TEST

/* What is there and cannot be used is told: nobody acts by accident as somebody else. */
START_TEST(refusals)
{
    home("[profile sso]\nsso_session=x\n[profile process]\ncredential_process=/bin/x\n[profile half]\n"
         "aws_access_key_id=A\n[profile circle]\nrole_arn=r\nsource_profile=circle2\n[profile circle2]\nrole_arn=r\n"
         "source_profile=circle\n[profile bare]\nrole_arn=r\n[profile mfa]\nrole_arn=r\nsource_profile=half\n"
         "mfa_serial=m\n[profile odd]\nrole_arn=r\ncredential_source=Moon\n[profile lost]\nrole_arn=r\nsource_profile=gone\n"
         "[profile dirty]\naws_access_key_id=A\naws_secret_access_key=B C\n", "");
    expect_refusal("sso", MIGRATE_E_UNSUPPORTED, "single sign-on");
    expect_refusal("process", MIGRATE_E_UNSUPPORTED, "credential_process");
    expect_refusal("half", MIGRATE_E_AUTH, "no whole pair");
    expect_refusal("circle", MIGRATE_E_OPTION, "in a circle");
    expect_refusal("bare", MIGRATE_E_OPTION, "nothing to assume it with");
    expect_refusal("mfa", MIGRATE_E_UNSUPPORTED, "a code of a device");
    expect_refusal("odd", MIGRATE_E_OPTION, "Moon is no credential_source");
    expect_refusal("lost", MIGRATE_E_AUTH, "gone has no keys");
    expect_refusal("dirty", MIGRATE_E_AUTH, "characters that no key has");
    expect_refusal("absent", MIGRATE_E_OPTION, "there is no AWS profile absent");
    setenv("AWS_ACCESS_KEY_ID", "A", 1);
    expect_refusal("sso", MIGRATE_E_AUTH, "only one is set");
}
END_TEST

START_TEST(no_files)
{
    struct mig_aws_identity identity = MIG_AWS_IDENTITY_INIT;
    struct mig_diag diag = MIG_DIAG_INIT;
    home("", "");
    unlink(CONFIG);
    unlink(CREDENTIALS);
    ck_assert_int_eq(find(&identity, &diag), MIGRATE_DONE);
    setenv("AWS_CONFIG_FILE", "~/nowhere", 1);
    unsetenv("AWS_SHARED_CREDENTIALS_FILE");
    unsetenv("HOME");
    ck_assert_int_eq(find(&identity, &diag), MIGRATE_DONE);
    setenv("AWS_CONFIG_FILE", UNIT_TMP_DIR, 1); /* a directory */
    ck_assert_int_eq(find(&identity, &diag), MIGRATE_E_IO);
    mig_diag_free(&diag);
}
END_TEST

UNIT_MAIN("aws_profile", both_files, regions, keys_of_profiles, refusals, no_files)
