/* SPDX-License-Identifier: Apache-2.0 */

/* How often credentials are asked for, and what becomes of the answers. */

#include "unit.h"

#include <stdbool.h>

#include <migrate/context.h>
#include <migrate/driver.h>

#undef fail /* of Check; a member here */

/* A server that lets in whoever has the password "right". */
static migrate_status server_open(const migrate_host *host, const char *url, void **out_conn, migrate_error **err)
{
    migrate_credentials cred = { .struct_size = sizeof cred };
    migrate_status status = host->credentials(host, MIGRATE_CRED_FIRST, &cred, err);
    (void)url;
    if (status)
        return status;
    bool in = cred.password && strcmp(cred.password, "right") == 0;
    if (cred.release)
        cred.release(&cred);
    if (!in) {
        migrate_fault fault = { .struct_size = sizeof fault, .klass = MIGRATE_FAULT_AUTH, .message = "go away" };
        return host->fail(host, err, &fault);
    }
    *out_conn = (void *)(uintptr_t)host;
    return MIGRATE_OK;
}

static void server_close(void *conn)
{
    (void)conn;
}

static migrate_status server_exec(void *conn, const migrate_stmt *stmt, migrate_result *out, migrate_error **err)
{
    (void)stmt;
    out->outcome = MIGRATE_OUTCOME_NONE;
    migrate_fault fault = { .struct_size = sizeof fault, .message = "no" };
    return ((const migrate_host *)conn)->fail(conn, err, &fault);
}

static const char *const schemes[] = { "door", NULL };
static const migrate_driver door = { .struct_size = sizeof door, .api = MIGRATE_DRIVER_API, .name = "door",
                                     .schemes = schemes, .open = server_open, .close = server_close,
                                     .exec = server_exec };

/* What the callback does at each question, and what it saw. */
struct script {
    migrate_ctx *ctx;
    const char *const *passwords; /* one for each question */
    unsigned more;                /* so many of the answers say that there is another */
    unsigned asked;
    uint32_t reasons[16];
    bool misuse, stop;
    int released;
    migrate_status seen;
};

static void released(void *user)
{
    ((struct script *)user)->released++;
}

static migrate_status answer(void *user, migrate_login *login, migrate_error **err)
{
    struct script *s = user;
    unsigned n = s->asked++;
    s->reasons[n] = migrate_login_reason(login);
    if (s->misuse)
        migrate_ctx_on_credentials(s->ctx, answer, s, released);
    if (s->stop)
        migrate_ctx_stop(s->ctx);
    s->seen = migrate_ctx_asked(s->ctx);
    if (s->seen)
        return s->seen;
    if (!s->passwords)
        return migrate_error_make(err, MIGRATE_E_CALLBACK, "the vault is sealed", "unseal it");
    migrate_status status = migrate_login_set(login, MIGRATE_LOGIN_PASSWORD, s->passwords[n], err);
    if (!status && n < s->more)
        status = migrate_login_set(login, MIGRATE_LOGIN_AGAIN, "1", err);
    return status;
}

static migrate_status knock(struct script *s, migrate_error **err)
{
    ck_assert_int_eq(migrate_ctx_new(&s->ctx, NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_ctx_add_driver(s->ctx, &door, NULL), MIGRATE_OK);
    migrate_ctx_on_credentials(s->ctx, answer, s, released);
    migrate_status status = migrate_ctx_open(s->ctx, "door://h", err);
    migrate_ctx_free(s->ctx);
    return status;
}

static const char *const wrong[] = { "a1a", "b2b", "c3c", "d4d", "e5e", "f6f", "g7g" };

START_TEST(once_more)
{
    static const char *const second[] = { "a1a", "right" };
    struct script s = { .passwords = second };
    ck_assert_int_eq(knock(&s, NULL), MIGRATE_OK);
    ck_assert_uint_eq(s.asked, 2);
    ck_assert_uint_eq(s.reasons[0], MIGRATE_CRED_FIRST);
    ck_assert_uint_eq(s.reasons[1], MIGRATE_CRED_REJECTED);
    ck_assert_int_eq(s.released, 1);
}
END_TEST

START_TEST(no_more_than_once_unless_told)
{
    migrate_error *err = NULL;
    struct script s = { .passwords = wrong };
    ck_assert_int_eq(knock(&s, &err), MIGRATE_E_AUTH);
    ck_assert_uint_eq(s.asked, 2);
    ck_assert_str_eq(migrate_error_message(err), "go away");
    migrate_error_free(err);
}
END_TEST

START_TEST(while_there_are_others)
{
    static const char *const fourth[] = { "a1a", "b2b", "c3c", "right" };
    struct script s = { .passwords = fourth, .more = 3 };
    ck_assert_int_eq(knock(&s, NULL), MIGRATE_OK);
    ck_assert_uint_eq(s.asked, 4);
    s = (struct script){ .passwords = wrong, .more = 3 };
    ck_assert_int_eq(knock(&s, NULL), MIGRATE_E_AUTH);
    ck_assert_uint_eq(s.asked, 4);
}
END_TEST

START_TEST(not_for_ever)
{
    struct script s = { .passwords = wrong, .more = 100 };
    ck_assert_int_eq(knock(&s, NULL), MIGRATE_E_AUTH);
    ck_assert_uint_eq(s.asked, 6);
}
END_TEST

START_TEST(a_failure_is_the_cause)
{
    migrate_error *err = NULL;
    struct script s = { .passwords = NULL };
    ck_assert_int_eq(knock(&s, &err), MIGRATE_E_CALLBACK);
    ck_assert_uint_eq(s.asked, 1);
    ck_assert_str_eq(migrate_error_message(err), "no credentials for the database");
    ck_assert_str_eq(migrate_error_hint(err), "unseal it");
    ck_assert_str_eq(migrate_error_message(migrate_error_cause(err)), "the vault is sealed");
    migrate_error_free(err);
}
END_TEST

START_TEST(asked_to_stop)
{
    migrate_error *err = NULL;
    struct script s = { .passwords = wrong, .stop = true };
    ck_assert_int_eq(knock(&s, &err), MIGRATE_E_STOPPED);
    ck_assert_int_eq(s.seen, MIGRATE_E_STOPPED);
    ck_assert_int_eq(migrate_error_status(err), MIGRATE_E_STOPPED);
    migrate_error_free(err);
}
END_TEST

START_TEST(what_was_asked_for)
{
    migrate_ctx *ctx = NULL;
    ck_assert_int_eq(migrate_ctx_asked(NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_ctx_new(&ctx, NULL), MIGRATE_OK);
    ck_assert_int_eq(migrate_ctx_asked(ctx), MIGRATE_OK);
    migrate_ctx_stop(ctx);
    ck_assert_int_eq(migrate_ctx_asked(ctx), MIGRATE_E_STOPPED);
    migrate_ctx_cancel(ctx);
    ck_assert_int_eq(migrate_ctx_asked(ctx), MIGRATE_E_CANCELLED);
    migrate_ctx_resume(ctx);
    ck_assert_int_eq(migrate_ctx_asked(ctx), MIGRATE_OK);
    migrate_ctx_free(ctx);
}
END_TEST

/* What is set from within a call is not taken, and given back. */
START_TEST(set_from_within)
{
    static const char *const right[] = { "right" };
    struct script s = { .passwords = right, .misuse = true };
    ck_assert_int_eq(knock(&s, NULL), MIGRATE_OK);
    ck_assert_int_eq(s.released, 2);
}
END_TEST

UNIT_MAIN("login", once_more, no_more_than_once_unless_told, while_there_are_others, not_for_ever, a_failure_is_the_cause,
          asked_to_stop, what_was_asked_for, set_from_within)
