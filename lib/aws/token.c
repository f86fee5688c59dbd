/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/token.h"

#include <string.h>

#include "aws/endpoint.h"
#include "util/text.h"

enum { EXPIRES_S = 900, LABELS = 16 };

struct label {
    const char *at;
    size_t len;
};

static size_t labels_of(const char *host, struct label out[LABELS])
{
    size_t n = 0;
    while (*host && n < LABELS) {
        size_t len = strcspn(host, ".");
        out[n++] = (struct label){ host, len };
        host += len + (host[len] == '.');
    }
    return n;
}

static bool is(const struct label *all, size_t n, size_t at, const char *text)
{
    return at < n && mig_ieqn(all[at].at, all[at].len, text);
}

/* "x.c1.us-east-1.rds.amazonaws.com", in China "x.c1.rds.cn-north-1.amazonaws.com.cn", and "x.dsql.us-east-1.on.aws",
 * by a private link "x.dsql-ab12.…". */
static const struct label *region_of(const struct label *all, size_t n, bool *dsql)
{
    for (size_t at = 1; at < n; at++) {
        *dsql = is(all, n, at + 2, "on") && is(all, n, at + 3, "aws") &&
                (is(all, n, at, "dsql") || mig_starts(all[at].at, "dsql-"));
        if (*dsql || (is(all, n, at, "rds") && is(all, n, at + 2, "amazonaws")))
            return &all[at + 1];
        if (is(all, n, at, "rds") && is(all, n, at + 1, "amazonaws"))
            return &all[at - 1];
    }
    return NULL;
}

static bool find(const char *host, bool *dsql, char region[64])
{
    struct label all[LABELS];
    size_t n = labels_of(host, all);
    const struct label *r = region_of(all, n, dsql);
    if (!r || r->len >= 64)
        return false;
    for (size_t i = 0; i < r->len; i++)
        region[i] = mig_lower(r->at[i]);
    region[r->len] = '\0';
    return mig_aws_region_valid(region);
}

bool mig_token_is_dsql(const char *host)
{
    char region[64];
    bool dsql = false;
    return find(host, &dsql, region) && dsql;
}

bool mig_token_region(const char *host, char out[64])
{
    bool dsql;
    return find(host, &dsql, out);
}

bool mig_token_write(const struct mig_token *token, struct mig_buf *out)
{
    bool dsql = mig_token_is_dsql(token->host);
    struct mig_buf host = MIG_BUF_INIT, query = MIG_BUF_INIT;
    mig_buf_str(&host, token->host);
    if (dsql) {
        mig_buf_fmt(&query, "Action=%s", strcmp(token->user, "admin") == 0 ? "DbConnectAdmin" : "DbConnect");
    } else {
        mig_buf_fmt(&host, ":%s", token->port);
        mig_buf_str(&query, "Action=connect&DBUser=");
        mig_sigv4_encode(&query, token->user, strlen(token->user), false);
    }
    struct mig_sigv4 s = { .keys = token->keys, .region = token->region, .service = dsql ? "dsql" : "rds-db",
                           .unix_ms = token->unix_ms, .method = "GET", .host = mig_buf_text(&host), .path = "/",
                           .query = mig_buf_text(&query) };
    (void)mig_buf_reserve(out, 8192); /* at once: growing would leave parts behind */
    mig_buf_fmt(out, "%s/?", mig_buf_text(&host));
    bool good = !host.oom && !query.oom && mig_sigv4_presign(&s, EXPIRES_S, out);
    mig_buf_free(&host);
    mig_buf_free(&query);
    return good && !out->oom;
}
