/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/login.h"

#include <stdlib.h>
#include <string.h>

#include <migrate/status.h>

#include "aws/token.h"
#include "util/clock.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/text.h"
#include "util/url.h"

struct mig_aws_login *mig_aws_login_new(migrate_ctx *ctx)
{
    struct mig_aws_login *login = calloc(1, sizeof *login);
    if (!login)
        return NULL;
    login->ctx = ctx;
    login->holders = 1;
    login->aws = mig_aws_new();
    if (login->aws)
        return login;
    free(login);
    return NULL;
}

void mig_aws_login_free(void *user)
{
    struct mig_aws_login *login = user;
    if (!login || --login->holders)
        return;
    mig_aws_free(login->aws);
    mig_secret_free(&login->secret);
    free(login->kept_for);
    free(login);
}

bool mig_aws_login_by_token(const struct mig_aws_login *login)
{
    const char *value = migrate_ctx_get(login->ctx, MIGRATE_OPT_IAM);
    return value && *value && strcmp(value, "0") != 0;
}

migrate_status mig_aws_fail(migrate_error **err, migrate_status status, struct mig_diag *diag)
{
    if (diag->status)
        status = diag->status;
    status = migrate_error_make(err, status, diag->message ? diag->message : "out of memory", diag->hint);
    mig_diag_free(diag);
    return status;
}

/* ---- what the URL says --------------------------------------------------------- */

/* libpq takes these from the query as well. */
static bool has_host(const struct mig_url *u)
{
    static const char *const keys[] = { "host", "hostaddr", "service", "socket" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (mig_url_param(u, keys[i]))
            return true;
    }
    return u->host && *u->host;
}

static bool has_database(const struct mig_url *u)
{
    return (u->path && *u->path) || mig_url_param(u, "dbname") || mig_url_param(u, "service");
}

/* One question and all it takes to answer it. */
struct answer {
    struct mig_aws_login *own;
    migrate_login *login;
    migrate_error **err;
    struct mig_aws_watch watch;
    struct mig_url url;
    bool from_secret; /* own->secret is to be used */
};

static migrate_status set(struct answer *a, const char *key, const char *value)
{
    return value && *value ? migrate_login_set(a->login, key, value, a->err) : MIGRATE_OK;
}

/* Where to, as far as the URL leaves it open. */
static migrate_status answer_place(struct answer *a)
{
    const struct mig_secret *s = &a->own->secret;
    migrate_status status = MIGRATE_OK;
    if (!has_host(&a->url) && s->host) {
        status = set(a, MIGRATE_LOGIN_HOST, s->host);
        if (!status && !a->url.port)
            status = set(a, MIGRATE_LOGIN_PORT, s->port);
    }
    if (!status && !has_database(&a->url))
        status = set(a, MIGRATE_LOGIN_DATABASE, s->database);
    return status;
}

/* ---- tokens -------------------------------------------------------------------- */

static const char *first(const char *a, const char *b)
{
    return a && *a ? a : b && *b ? b : NULL;
}

static const char *usual_port(const char *scheme)
{
    return scheme && (strcmp(scheme, "mysql") == 0 || strcmp(scheme, "mariadb") == 0) ? "3306" : "5432";
}

static migrate_status refuse(struct answer *a, const char *message, const char *hint)
{
    return migrate_error_make(a->err, MIGRATE_E_OPTION, message, hint);
}

static migrate_status token_for(struct answer *a, struct mig_token *t)
{
    const struct mig_secret *s = &a->own->secret;
    bool secret_host = a->from_secret && !has_host(&a->url);
    const char *host = has_host(&a->url) ? first(a->url.host, mig_url_param(&a->url, "host")) : NULL;
    t->host = secret_host ? s->host : host;
    t->port = first(a->url.port, secret_host ? s->port : mig_url_param(&a->url, "port"));
    if (!t->port)
        t->port = usual_port(a->url.scheme);
    t->user = first(first(a->url.user, mig_url_param(&a->url, "user")), a->from_secret ? s->user : NULL);
    if (!t->host || *t->host == '/' || strchr(t->host, ',') || strchr(t->port, ','))
        return refuse(a, "a token by IAM is for one server, which the URL does not name",
                      "name the endpoint of the instance, cluster or proxy itself, no alias");
    if (!t->user)
        return refuse(a, "a token by IAM is for a user, and the URL names none",
                      "put the user before the host: postgres://USER@HOST/DATABASE");
    return MIGRATE_OK;
}

static migrate_status answer_token(struct answer *a)
{
    char region[64];
    struct mig_aws_keys keys;
    struct mig_token token = { .keys = &keys };
    struct mig_diag diag = MIG_DIAG_INIT;
    struct mig_buf text = MIG_BUF_INIT;
    migrate_status status = token_for(a, &token);
    if (!status)
        status = mig_aws_keys(a->own->aws, &a->watch, &keys, &diag);
    if (!status && mig_token_region(token.host, region))
        token.region = region;
    else if (!status)
        status = mig_aws_region(a->own->aws, &token.region, &diag);
    if (status)
        return diag.status ? mig_aws_fail(a->err, status, &diag) : status;
    if (!token.region)
        return refuse(a, "no AWS region is known for a token by IAM", "set AWS_REGION");
    token.unix_ms = mig_aws_now(a->own->aws);
    if (mig_token_write(&token, &text))
        status = set(a, MIGRATE_LOGIN_USER, token.user);
    else
        status = migrate_error_make(a->err, MIGRATE_E_NOMEM, "out of memory", NULL);
    if (!status)
        status = set(a, MIGRATE_LOGIN_TOKEN, mig_buf_text(&text));
    mig_buf_wipe(&text);
    return status;
}

/* ---- the answer ---------------------------------------------------------------- */

static migrate_status fetch(struct answer *a, bool *more)
{
    struct mig_fetch what;
    struct mig_diag diag = MIG_DIAG_INIT;
    bool refused = migrate_login_reason(a->login) == MIGRATE_CRED_REJECTED && !mig_aws_login_by_token(a->own);
    if (!mig_aws_login_source(a->own, &what))
        return MIGRATE_OK;
    migrate_status status = refused ? mig_aws_login_fetch_other(a->own, &what, &a->watch, more, &diag)
                                    : mig_aws_login_fetch(a->own, &what, &a->watch, &diag);
    if (status)
        return mig_aws_fail(a->err, status, &diag);
    a->from_secret = true;
    return answer_place(a);
}

static migrate_status answer_user(struct answer *a)
{
    if (mig_aws_login_by_token(a->own))
        return answer_token(a);
    if (!a->from_secret)
        return MIGRATE_OK;
    migrate_status status = set(a, MIGRATE_LOGIN_USER, a->own->secret.user);
    return status ? status : set(a, MIGRATE_LOGIN_PASSWORD, a->own->secret.password);
}

static migrate_status answer(struct answer *a)
{
    bool more = false;
    struct mig_diag diag = MIG_DIAG_INIT;
    if (!mig_aws_set_ca_file(a->own->aws, migrate_ctx_get(a->own->ctx, MIGRATE_OPT_CA_FILE)))
        return migrate_error_make(a->err, MIGRATE_E_NOMEM, "out of memory", NULL);
    migrate_status status = mig_url_parse(&a->url, migrate_login_url(a->login), &diag);
    if (status)
        return mig_aws_fail(a->err, status, &diag);
    if (migrate_login_reason(a->login) == MIGRATE_CRED_REJECTED && mig_aws_login_by_token(a->own))
        mig_aws_forget_keys(a->own->aws);
    status = fetch(a, &more);
    if (!status)
        status = answer_user(a);
    if (!status && more)
        status = set(a, MIGRATE_LOGIN_AGAIN, "1");
    mig_url_free(&a->url);
    return status;
}

migrate_status mig_aws_login_tick(void *user)
{
    const struct mig_aws_login *login = user;
    return migrate_ctx_asked(login->ctx);
}

migrate_status mig_aws_login_answer(void *user, migrate_login *login, migrate_error **err)
{
    struct answer a = { .own = user, .login = login, .err = err, .watch = MIG_AWS_UNWATCHED };
    struct mig_fetch ignored;
    a.watch.tick = mig_aws_login_tick;
    a.watch.user = a.own;
    if (!mig_aws_login_source(a.own, &ignored) && !mig_aws_login_by_token(a.own))
        return MIGRATE_OK;
    int64_t left = migrate_login_remaining_ms(login);
    if (left != INT64_MAX)
        a.watch.until_ms = mig_clock_mono_ms() + left;
    return answer(&a);
}
