/* SPDX-License-Identifier: Apache-2.0 */

/* The URL: rds-data://CLUSTER-ARN/DATABASE?secret=ARN&region=REGION&engine=ENGINE. An ARN is full of colons, so the
 * authority is read here and not as host and port. */

#include <stdlib.h>
#include <string.h>

#include "drivers/rds_data/rds.h"
#include "util/mem.h"
#include "util/text.h"
#include "util/url.h"

static const char form[] = "write rds-data://arn:aws:rds:REGION:ACCOUNT:cluster:NAME/DATABASE?secret=SECRET-ARN";

void mig_rds_place_free(struct mig_rds_place *p)
{
    free(p->cluster);
    free(p->secret);
    free(p->database);
    free(p->region);
    *p = (struct mig_rds_place){ 0 };
}

static migrate_status bad(const migrate_host *host, migrate_error **err, const char *message)
{
    return mig_rds_refuse(host, err, MIGRATE_E_URL, MIGRATE_FAULT_OTHER, message, form);
}

/* Decodes @p len bytes into *@p out. */
static migrate_status part(char **out, const char *text, size_t len, const migrate_host *host, migrate_error **err)
{
    size_t at = 0;
    free(*out);
    *out = mig_url_decode(text, len, &at);
    if (*out)
        return MIGRATE_OK;
    return at == SIZE_MAX ? mig_rds_nomem(host, err) : bad(host, err, "a %XX escape in the URL is not valid");
}

/* One key=value of the query. */
static migrate_status parameter(struct mig_rds_place *p, char **engine, const char *at, size_t len,
                                const migrate_host *host, migrate_error **err)
{
    const char *equals = memchr(at, '=', len);
    size_t key = equals ? (size_t)(equals - at) : len;
    struct { const char *name; char **to; } known[] = {
        { "secret", &p->secret }, { "region", &p->region }, { "engine", engine },
    };
    for (size_t i = 0; equals && i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].name) == key && memcmp(known[i].name, at, key) == 0)
            return part(known[i].to, equals + 1, len - key - 1, host, err);
    }
    return bad(host, err, "the URL has a parameter that the Data API driver does not know");
}

static migrate_status query(struct mig_rds_place *p, char **engine, const char *at, const migrate_host *host,
                            migrate_error **err)
{
    migrate_status status = MIGRATE_OK;
    while (!status && *at) {
        size_t len = strcspn(at, "&");
        if (len)
            status = parameter(p, engine, at, len, host, err);
        at += len + (at[len] == '&');
    }
    return status;
}

static migrate_status split(struct mig_rds_place *p, char **engine, const char *url, const migrate_host *host,
                            migrate_error **err)
{
    const char *at = strstr(url, "://");
    if (!at)
        return bad(host, err, "the URL does not name a cluster");
    at += 3;
    size_t len = strcspn(at, "/?");
    migrate_status status = part(&p->cluster, at, len, host, err);
    at += len;
    if (!status && *at == '/') {
        len = strcspn(++at, "?");
        if (len)
            status = part(&p->database, at, len, host, err);
        at += len;
    }
    return status || *at != '?' ? status : query(p, engine, at + 1, host, err);
}

/* What the URL leaves out may be an option. */
static bool from_option(char **slot, const migrate_host *host, const char *key)
{
    const char *value = *slot ? NULL : mig_rds_option(host, key);
    if (value)
        *slot = mig_strdup(value);
    return !value || *slot;
}

static bool engine_of(const char *name, uint32_t *dialect)
{
    static const struct { const char *name; uint32_t dialect; } names[] = {
        { "postgres", MIGRATE_DIALECT_POSTGRES },          { "postgresql", MIGRATE_DIALECT_POSTGRES },
        { "aurora-postgresql", MIGRATE_DIALECT_POSTGRES }, { "mysql", MIGRATE_DIALECT_MYSQL },
        { "aurora-mysql", MIGRATE_DIALECT_MYSQL },         { "mariadb", MIGRATE_DIALECT_MYSQL },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i].name) == 0) {
            *dialect = names[i].dialect;
            return true;
        }
    }
    return false;
}

static migrate_status complete(struct mig_rds_place *p, const char *engine, const migrate_host *host, migrate_error **err)
{
    char region[64];
    if (!mig_starts(p->cluster, "arn:") || !strstr(p->cluster, ":rds:") || !mig_aws_arn_region(p->cluster, region))
        return bad(host, err, "the URL does not begin with the ARN of a cluster");
    if (!p->secret)
        return bad(host, err, "the Data API needs the ARN of the secret with the database's user and password");
    if (!p->region && !(p->region = mig_strdup(region)))
        return mig_rds_nomem(host, err);
    if (!mig_aws_region_valid(p->region))
        return bad(host, err, "the region of the URL, or of rds_data.region, is none");
    if (engine && !engine_of(engine, &p->dialect))
        return mig_rds_refuse(host, err, MIGRATE_E_URL, MIGRATE_FAULT_OTHER, "the engine of the URL, or of rds_data.engine, is not known",
                              "engine=postgres or engine=mysql; without it the server is asked");
    return MIGRATE_OK;
}

migrate_status mig_rds_place_read(struct mig_rds_place *p, const migrate_host *host, const char *url, migrate_error **err)
{
    char *engine = NULL;
    migrate_status status = split(p, &engine, url, host, err);
    if (!status && !(from_option(&p->secret, host, "secret") && from_option(&p->region, host, "rds_data.region") &&
                     from_option(&engine, host, "rds_data.engine")))
        status = mig_rds_nomem(host, err);
    if (!status)
        status = complete(p, engine, host, err);
    free(engine);
    return status;
}
