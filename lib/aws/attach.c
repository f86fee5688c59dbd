/* SPDX-License-Identifier: Apache-2.0 */

/* migrate_aws_attach() and migrate_aws_open(). */

#include <migrate/aws.h>
#include <migrate/status.h>

#include <string.h>

#include "aws/login.h"
#include "util/buf.h"
#include "util/diag.h"

static migrate_status nomem(migrate_error **err)
{
    return migrate_error_make(err, MIGRATE_E_NOMEM, "out of memory", NULL);
}

static migrate_status attach(migrate_ctx *ctx, struct mig_aws_login **out, migrate_error **err)
{
    struct mig_aws_login *login = mig_aws_login_new(ctx);
    if (!login)
        return nomem(err);
    login->holders++;
    migrate_ctx_on_credentials(ctx, mig_aws_login_answer, login, mig_aws_login_free);
    bool taken = login->holders == 2;
    mig_aws_login_free(login);
    if (!taken)
        return migrate_error_make(err, MIGRATE_E_MISUSE, "credentials from AWS cannot be set up from within a callback",
                                  NULL);
    *out = login;
    return MIGRATE_OK;
}

migrate_status migrate_aws_attach(migrate_ctx *ctx, migrate_error **err)
{
    struct mig_aws_login *ignored = NULL;
    if (!ctx)
        return migrate_error_make(err, MIGRATE_E_ARGUMENT, "migrate_aws_attach: the context is NULL", NULL);
    return attach(ctx, &ignored, err);
}

/* "postgres://host:5432/app": no user, that is asked for at each connect. */
static void write_url(struct mig_buf *url, const char *scheme, const struct mig_secret *s)
{
    bool literal = strchr(s->host, ':') != NULL; /* IPv6 */
    mig_buf_fmt(url, "%s://%s", scheme, literal ? "[" : "");
    if (literal)
        mig_buf_str(url, s->host);
    else
        mig_sigv4_encode(url, s->host, strlen(s->host), false);
    mig_buf_str(url, literal ? "]" : "");
    if (s->port)
        mig_buf_fmt(url, ":%s", s->port);
    mig_buf_char(url, '/');
    if (s->database)
        mig_sigv4_encode(url, s->database, strlen(s->database), false);
}

static migrate_status incomplete(const struct mig_fetch *fetch, const struct mig_secret *s, migrate_error **err)
{
    struct mig_diag diag = MIG_DIAG_INIT;
    const char *kind = fetch->secret ? "secret" : "parameter";
    const char *name = fetch->secret ? fetch->secret : fetch->parameter;
    if (!s->engine)
        mig_diag_set(&diag, MIGRATE_E_OPTION, "%s %s does not say which engine its database has", kind, name);
    else if (!mig_secret_scheme(s->engine))
        mig_diag_set(&diag, MIGRATE_E_NO_DRIVER, "%s %s is of an engine there is no driver for", kind, name);
    else
        mig_diag_set(&diag, MIGRATE_E_OPTION, "%s %s does not name the host of its database", kind, name);
    mig_diag_hint(&diag, "give the database's URL too, without user and password: postgres://HOST/DATABASE");
    return mig_aws_fail(err, MIGRATE_E_OPTION, &diag);
}

static migrate_status open_by_secret(migrate_ctx *ctx, struct mig_aws_login *login, migrate_error **err)
{
    struct mig_aws_watch watch = MIG_AWS_UNWATCHED;
    struct mig_fetch fetch;
    struct mig_diag diag = MIG_DIAG_INIT;
    struct mig_buf url = MIG_BUF_INIT;
    if (!mig_aws_login_source(login, &fetch))
        return migrate_error_make(err, MIGRATE_E_ARGUMENT, "no database URL, and no secret to tell one",
                                  "give a URL, or set option secret or ssm_parameter");
    if (!mig_aws_set_ca_file(login->aws, migrate_ctx_get(ctx, MIGRATE_OPT_CA_FILE)))
        return nomem(err);
    watch.tick = mig_aws_login_tick;
    watch.user = login;
    migrate_status status = mig_aws_login_fetch(login, &fetch, &watch, &diag);
    if (status)
        return mig_aws_fail(err, status, &diag);
    const char *scheme = mig_secret_scheme(login->secret.engine);
    if (!scheme || !login->secret.host)
        return incomplete(&fetch, &login->secret, err);
    write_url(&url, scheme, &login->secret);
    status = url.oom ? nomem(err) : migrate_ctx_open(ctx, mig_buf_text(&url), err);
    mig_buf_free(&url);
    return status;
}

migrate_status migrate_aws_open(migrate_ctx *ctx, const char *url, migrate_error **err)
{
    struct mig_aws_login *login = NULL;
    if (!ctx)
        return migrate_error_make(err, MIGRATE_E_ARGUMENT, "migrate_aws_open: the context is NULL", NULL);
    migrate_status status = attach(ctx, &login, err);
    if (status)
        return status;
    return url ? migrate_ctx_open(ctx, url, err) : open_by_secret(ctx, login, err);
}
