/* SPDX-License-Identifier: Apache-2.0 */

/* Which version of a secret to log in with. */

#include <stdlib.h>
#include <string.h>

#include <migrate/status.h>

#include "aws/login.h"
#include "util/clock.h"
#include "util/diag.h"
#include "util/mem.h"

enum { KEPT_MS = 5 * 60 * 1000 };

enum { LOOK_AT_CURRENT, LOOK_AT_PENDING, LOOK_AT_PREVIOUS, LOOK_NO_MORE };

static bool is_set(const char *text)
{
    return text && *text;
}

bool mig_aws_login_source(const struct mig_aws_login *login, struct mig_fetch *out)
{
    const char *secret = migrate_ctx_get(login->ctx, MIGRATE_OPT_SECRET);
    const char *parameter = migrate_ctx_get(login->ctx, MIGRATE_OPT_SSM_PARAMETER);
    *out = (struct mig_fetch){ .secret = is_set(secret) ? secret : NULL };
    if (!out->secret && is_set(parameter))
        out->parameter = parameter;
    return out->secret || out->parameter;
}

static void forget(struct mig_aws_login *login)
{
    free(login->kept_for);
    login->kept_for = NULL;
}

static migrate_status take(struct mig_aws_login *login, const struct mig_fetch *fetch, struct mig_secret *fresh,
                           bool keep, struct mig_diag *diag)
{
    forget(login);
    mig_secret_free(&login->secret);
    login->secret = *fresh;
    *fresh = (struct mig_secret)MIG_SECRET_INIT;
    if (!keep)
        return MIGRATE_OK;
    login->kept_for = mig_strdup(fetch->secret ? fetch->secret : fetch->parameter);
    login->kept_until_ms = mig_clock_mono_ms() + KEPT_MS;
    return login->kept_for ? MIGRATE_OK : mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
}

/* Two versions that log in alike are the same to us. */
static bool same(const struct mig_secret *a, const struct mig_secret *b)
{
    const char *user_a = a->user ? a->user : "", *user_b = b->user ? b->user : "";
    const char *password_a = a->password ? a->password : "", *password_b = b->password ? b->password : "";
    return strcmp(user_a, user_b) == 0 && strcmp(password_a, password_b) == 0;
}

migrate_status mig_aws_login_fetch(struct mig_aws_login *login, const struct mig_fetch *fetch,
                                   const struct mig_aws_watch *watch, struct mig_diag *diag)
{
    const char *name = fetch->secret ? fetch->secret : fetch->parameter;
    struct mig_secret fresh = MIG_SECRET_INIT;
    login->stage = LOOK_AT_CURRENT;
    if (login->kept_for && strcmp(login->kept_for, name) == 0 && mig_clock_mono_ms() < login->kept_until_ms)
        return MIGRATE_OK;
    migrate_status status = mig_secret_fetch(login->aws, fetch, watch, &fresh, diag);
    return status ? status : take(login, fetch, &fresh, true, diag);
}

/* Stage @p stage, if there is one that logs in otherwise than the last; else MIGRATE_DONE. */
static migrate_status look(struct mig_aws_login *login, const struct mig_fetch *fetch, const char *stage,
                           const struct mig_aws_watch *watch, struct mig_diag *diag)
{
    struct mig_secret fresh = MIG_SECRET_INIT;
    struct mig_fetch past = *fetch;
    past.stage = stage;
    past.fresh = true;
    migrate_status status = mig_secret_fetch(login->aws, &past, watch, &fresh, diag);
    if (!status && same(&fresh, &login->secret))
        status = MIGRATE_DONE;
    else if (!status)
        status = take(login, fetch, &fresh, stage == NULL, diag);
    mig_secret_free(&fresh);
    return status;
}

migrate_status mig_aws_login_fetch_other(struct mig_aws_login *login, const struct mig_fetch *fetch,
                                         const struct mig_aws_watch *watch, bool *more, struct mig_diag *diag)
{
    static const char *const stages[] = { NULL, "AWSPENDING", "AWSPREVIOUS" };
    unsigned most = fetch->secret ? LOOK_NO_MORE : LOOK_AT_PENDING;
    migrate_status status = MIGRATE_DONE;
    forget(login);
    while (status == MIGRATE_DONE && login->stage < most) {
        unsigned at = login->stage++;
        status = look(login, fetch, stages[at], watch, diag);
        if (!status && at == LOOK_AT_CURRENT)
            login->stage = LOOK_NO_MORE; /* the secret has moved on: what was before it counts no more */
    }
    *more = !status && login->stage < most;
    return status == MIGRATE_DONE ? MIGRATE_OK : status;
}
