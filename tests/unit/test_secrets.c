/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <migrate/status.h>

#include "core/login.h"
#include "core/secrets.h"

static void check_mask(const struct mig_secrets *s, const char *text, const char *want)
{
    bool oom = true;
    char *have = mig_secrets_mask(s, text, &oom);
    ck_assert(!oom);
    if (want)
        ck_assert_str_eq(have, want);
    else
        ck_assert_ptr_null(have);
    free(have);
}

START_TEST(masking)
{
    struct mig_secrets s = { NULL, 0, 0 };
    check_mask(&s, "anything", NULL);
    ck_assert(mig_secrets_add(&s, "p@ss"));
    ck_assert(mig_secrets_add(&s, "p@ssword"));
    ck_assert(mig_secrets_add(&s, "p@ss"));
    ck_assert(mig_secrets_add(&s, "ab"));
    ck_assert(mig_secrets_add(&s, NULL));
    ck_assert(mig_secrets_add(&s, ""));
    check_mask(&s, "nothing here, ab", NULL);
    check_mask(&s, NULL, NULL);
    check_mask(&s, "p@ss", "***");
    check_mask(&s, "<p@ssword>", "<***>"); /* the longer one first, nothing of it is left */
    check_mask(&s, "p@ssp@ss p%40ssword.", "****** ***.");
    check_mask(&s, "p@s", NULL);
    char text[] = "in place: p@ssword, p@ss";
    mig_secrets_hide(&s, text);
    ck_assert_str_eq(text, "in place: ***, ***");
    mig_secrets_hide(NULL, text);
    mig_secrets_hide(&s, NULL);
    mig_secrets_free(&s);
    ck_assert_uint_eq(s.n, 0);
}
END_TEST

START_TEST(answers_reach_the_driver)
{
    struct migrate_login login = { .reason = MIGRATE_CRED_REJECTED,
                                   .url = "postgres://h/db",
                                   .remaining_ms = 5 };
    migrate_credentials out = { .struct_size = sizeof out };
    ck_assert_uint_eq(migrate_login_reason(&login), MIGRATE_CRED_REJECTED);
    ck_assert_str_eq(migrate_login_url(&login), "postgres://h/db");
    ck_assert_int_eq(migrate_login_remaining_ms(&login), 5);
    ck_assert_int_eq(migrate_login_set(&login, MIGRATE_LOGIN_USER, "first", NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_login_set(&login, MIGRATE_LOGIN_USER, "u", NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_login_set(&login, MIGRATE_LOGIN_PASSWORD, "p", NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_login_set(&login, MIGRATE_LOGIN_ROLE, "r", NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_login_set(&login, MIGRATE_LOGIN_HOST, "h", NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_login_set(&login, MIGRATE_LOGIN_PORT, "5433", NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_login_set(&login, MIGRATE_LOGIN_DATABASE, "d", NULL), MIGRATE_OK);
    ck_assert_int_eq(mig_login_to_credentials(&login, &out, NULL), MIGRATE_OK);
    ck_assert_str_eq(out.user, "u");
    ck_assert_str_eq(out.password, "p");
    ck_assert_str_eq(out.role, "r");
    ck_assert_str_eq(out.host, "h");
    ck_assert_str_eq(out.database, "d");
    ck_assert_uint_eq(out.port, 5433);
    ck_assert_uint_eq(out.flags, 0);
    ck_assert_ptr_null(login.password);
    out.release(&out);
    ck_assert_ptr_null(out.password);
    ck_assert_ptr_null(out.release);
    mig_login_clear(&login);
}
END_TEST

START_TEST(a_token_wins)
{
    struct migrate_login login = { 0 };
    /* An older driver, whose struct ends before `database`. */
    struct {
        migrate_credentials c;
    } out = { { .struct_size = offsetof(migrate_credentials, database), .database = "untouched" } };
    ck_assert_int_eq(migrate_login_set(&login, MIGRATE_LOGIN_PASSWORD, "p", NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_login_set(&login, MIGRATE_LOGIN_TOKEN, "t", NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_login_set(&login, MIGRATE_LOGIN_DATABASE, "d", NULL), MIGRATE_OK);
    ck_assert_int_eq(mig_login_to_credentials(&login, &out.c, NULL), MIGRATE_OK);
    ck_assert_str_eq(out.c.password, "t");
    ck_assert_uint_eq(out.c.flags, 1);
    ck_assert_str_eq(out.c.database, "untouched");
    out.c.release(&out.c);
    ck_assert_str_eq(out.c.database, "untouched");
}
END_TEST

START_TEST(bad_answers)
{
    struct migrate_login login = { 0 };
    migrate_credentials out = { .struct_size = sizeof out };
    migrate_error *err = NULL;
    ck_assert_int_eq(migrate_login_set(NULL, "user", "x", NULL), MIGRATE_E_ARGUMENT);
    ck_assert_int_eq(migrate_login_set(&login, NULL, "x", NULL), MIGRATE_E_ARGUMENT);
    ck_assert_int_eq(migrate_login_set(&login, "passwd", "hunter2", &err), MIGRATE_E_OPTION);
    ck_assert_ptr_nonnull(strstr(migrate_error_text(err), "passwd"));
    ck_assert_ptr_null(strstr(migrate_error_text(err), "hunter2"));
    migrate_error_free(err);
    static const char *const ports[] = { "0", "65536", "x", "1x", "-1", "99999999999999999999" };
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        ck_assert_int_eq(migrate_login_set(&login, "port", ports[i], NULL), MIGRATE_OK);
        ck_assert_int_eq(mig_login_to_credentials(&login, &out, NULL), MIGRATE_E_OPTION);
    }
    ck_assert_int_eq(migrate_login_set(&login, "port", NULL, NULL), MIGRATE_OK);
    ck_assert_ptr_null(login.port);
    out.struct_size = 0;
    ck_assert_int_eq(mig_login_to_credentials(&login, &out, NULL), MIGRATE_E_STRUCT_SIZE);
    mig_login_clear(&login);
    ck_assert_str_eq(migrate_login_url(NULL), "");
}
END_TEST

UNIT_MAIN("secrets", masking, answers_reach_the_driver, a_token_wins, bad_answers)
