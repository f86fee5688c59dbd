/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/secret.h"

#include <stdlib.h>
#include <string.h>

#include <migrate/status.h>

#include "aws/json.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/text.h"
#include "util/url.h"

void mig_secret_free(struct mig_secret *secret)
{
    char *all[] = { secret->engine,   secret->host, secret->port,   secret->database,
                    secret->user, secret->password, secret->version };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mig_wipe_free(all[i]);
    *secret = (struct mig_secret)MIG_SECRET_INIT;
}

const char *mig_secret_scheme(const char *engine)
{
    static const struct { const char *engine, *scheme; } all[] = {
        { "postgres", "postgres" }, { "postgresql", "postgres" }, { "aurora-postgresql", "postgres" },
        { "mysql", "mysql" },       { "aurora", "mysql" },        { "aurora-mysql", "mysql" },
        { "mariadb", "mariadb" },
    };
    for (size_t i = 0; engine && i < sizeof all / sizeof *all; i++) {
        if (mig_ieq(engine, all[i].engine))
            return all[i].scheme;
    }
    return NULL;
}

/* ---- JSON ---------------------------------------------------------------------- */

/* false: no memory. */
static bool put(char **slot, const char *text)
{
    if (!text || !*text)
        return true;
    mig_wipe_free(*slot);
    *slot = mig_strdup(text);
    return *slot != NULL;
}

static bool put_port(char **slot, const json_t *value)
{
    if (!json_is_integer(value))
        return put(slot, json_string_value(value));
    *slot = mig_sprintf("%lld", (long long)json_integer_value(value));
    return *slot != NULL;
}

static const char *either(const json_t *o, const char *a, const char *b)
{
    const char *text = mig_json_text(o, a);
    return text && *text ? text : mig_json_text(o, b);
}

static migrate_status read_json(const json_t *o, const char *what, struct mig_secret *out, struct mig_diag *diag)
{
    bool good = put(&out->engine, mig_json_text(o, "engine")) && put(&out->host, mig_json_text(o, "host")) &&
                put_port(&out->port, json_object_get(o, "port")) &&
                put(&out->database, either(o, "dbname", "database")) &&
                put(&out->user, either(o, "username", "user")) && put(&out->password, mig_json_text(o, "password"));
    if (!good)
        return mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
    if (out->user || out->password || out->host)
        return MIGRATE_OK;
    mig_diag_set(diag, MIGRATE_E_OPTION, "%s holds JSON without username, password and host", what);
    mig_diag_hint(diag, "RDS writes {\"username\":…,\"password\":…} with engine, host, port and dbname where it knows them");
    return MIGRATE_E_OPTION;
}

/* ---- URL ----------------------------------------------------------------------- */

static migrate_status read_url(const char *text, const char *what, struct mig_secret *out, struct mig_diag *diag)
{
    struct mig_url url = { 0 };
    struct mig_diag why = MIG_DIAG_INIT;
    migrate_status status = mig_url_parse(&url, text, &why);
    if (status == MIGRATE_E_NOMEM) {
        mig_diag_set(diag, status, "out of memory");
    } else if (status) {
        mig_diag_set(diag, MIGRATE_E_OPTION, "%s holds a URL that cannot be read: %s", what, why.message ? why.message : "");
        status = MIGRATE_E_OPTION;
    } else if (!put(&out->engine, url.scheme) || !put(&out->host, url.host) || !put(&out->port, url.port) ||
               !put(&out->database, url.path) || !put(&out->user, url.user) || !put(&out->password, url.password)) {
        status = mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
    }
    mig_url_free(&url);
    mig_diag_free(&why);
    return status;
}

static bool is_url(const char *text)
{
    char scheme[32];
    mig_url_scheme(text, scheme, sizeof scheme);
    return mig_secret_scheme(scheme) && mig_starts(text + strlen(scheme), "://");
}

/* ---- any ----------------------------------------------------------------------- */

/* Nobody's password, but JSON that somebody broke by hand. */
static bool is_broken_json(const char *text, size_t len)
{
    return len > 1 && text[strspn(text, " \t\r\n")] == '{' && text[len - 1] == '}' && strchr(text, '"');
}

/* A line end that an editor left behind is no part of a password. */
static migrate_status read_bare(const char *text, const char *what, struct mig_secret *out, struct mig_diag *diag)
{
    size_t len = strlen(text);
    while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    if (!len)
        return mig_diag_set(diag, MIGRATE_E_OPTION, "%s is empty", what);
    if (is_broken_json(text, len))
        return mig_diag_set(diag, MIGRATE_E_OPTION, "%s holds JSON that cannot be read", what);
    char *plain = mig_strndup(text, len);
    migrate_status status = MIGRATE_OK;
    if (!plain)
        status = mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
    else if (is_url(plain))
        status = read_url(plain, what, out, diag);
    else if (!put(&out->password, plain))
        status = mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
    mig_wipe_free(plain);
    return status;
}

migrate_status mig_secret_read(const char *text, size_t len, const char *what, struct mig_secret *out,
                               struct mig_diag *diag)
{
    mig_secret_free(out);
    if (len != strlen(text))
        return mig_diag_set(diag, MIGRATE_E_OPTION, "%s holds a NUL byte", what);
    json_t *json = text[strspn(text, " \t\r\n")] == '{' ? mig_json_read(text, len) : NULL;
    migrate_status status =
        json_is_object(json) ? read_json(json, what, out, diag) : read_bare(text, what, out, diag);
    mig_json_drop(json);
    if (status)
        mig_secret_free(out);
    return status;
}
