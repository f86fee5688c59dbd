/* SPDX-License-Identifier: Apache-2.0 */

/* A run has no session of its own, but its statements begin with a comment by which the server's list of sessions shows
 * whether one of them is still at work, also when its run is long dead. */

#include <stdlib.h>
#include <string.h>

#include "aws/json.h"
#include "drivers/rds_data/rds.h"
#include "util/text.h"

enum { SIDE_MS = 5000 };
static const char prefix[] = "data-api:";

static void add_where(const struct mig_rds *c, struct mig_buf *sql, const char *token)
{
    if (mig_rds_postgres(c))
        mig_buf_fmt(sql, " FROM pg_catalog.pg_stat_activity WHERE state = 'active' AND query LIKE '/* libmigrate %s */%%' "
                         "AND pid <> pg_catalog.pg_backend_pid()", token);
    else
        mig_buf_fmt(sql, " FROM information_schema.processlist WHERE info LIKE '/* libmigrate %s */%%' "
                         "AND id <> CONNECTION_ID()", token);
}

/* ---- asking ---------------------------------------------------------------------- */

struct numbers {
    size_t n;
    int64_t ids[16];
};

static int32_t take_number(void *user, uint32_t n, const migrate_text *cols)
{
    struct numbers *all = user;
    if (n && cols[0].data && all->n < sizeof all->ids / sizeof *all->ids)
        all->ids[all->n++] = strtoll(cols[0].data, NULL, 10);
    return 0;
}

/* false: no answer. */
static bool ask(struct mig_rds *c, struct mig_aws *by, const struct mig_buf *sql, struct numbers *out)
{
    struct mig_rds_reply reply;
    struct mig_buf body = MIG_BUF_INIT;
    *out = (struct numbers){ 0 };
    mig_rds_body_sql(c, &body, mig_buf_text(sql), sql->len, NULL, false);
    mig_buf_char(&body, '}');
    body.oom |= sql->oom;
    mig_rds_call(c, by, "/Execute", &body, SIDE_MS, &reply);
    bool good = reply.end == MIG_RDS_DONE && mig_rds_rows(reply.json, take_number, out);
    mig_rds_reply_free(&reply);
    mig_buf_free(&body);
    return good;
}

int mig_rds_runs(struct mig_rds *c, struct mig_aws *by, const char *token)
{
    struct mig_buf sql = MIG_BUF_INIT;
    struct numbers found;
    mig_buf_str(&sql, "SELECT COUNT(*)");
    add_where(c, &sql, token);
    bool good = ask(c, by, &sql, &found) && found.n == 1;
    mig_buf_free(&sql);
    return good ? found.ids[0] > 0 : -1;
}

/* ---- ending ------------------------------------------------------------------------ */

static bool end_each(struct mig_rds *c, struct mig_aws *by, const struct numbers *found)
{
    bool good = true;
    for (size_t i = 0; i < found->n; i++) {
        struct mig_buf sql = MIG_BUF_INIT;
        struct numbers ignored;
        mig_buf_fmt(&sql, "KILL QUERY %lld", (long long)found->ids[i]);
        good &= ask(c, by, &sql, &ignored);
        mig_buf_free(&sql);
    }
    return good;
}

static bool end_statements(struct mig_rds *c, struct mig_aws *by, const char *token)
{
    struct mig_buf sql = MIG_BUF_INIT;
    struct numbers found;
    mig_buf_str(&sql, mig_rds_postgres(c) ? "SELECT CASE WHEN pg_catalog.pg_cancel_backend(pid) THEN 1 ELSE 0 END" : "SELECT id");
    add_where(c, &sql, token);
    bool good = ask(c, by, &sql, &found);
    mig_buf_free(&sql);
    return good && (mig_rds_postgres(c) || end_each(c, by, &found));
}

/* The first client waits for the answer of the statement itself. */
void mig_rds_cancel(struct mig_rds *c)
{
    if (!c->side) {
        c->side = mig_aws_new();
        if (!c->side || !mig_aws_set_ca_file(c->side, mig_rds_option(c->host, "ca_file")))
            return;
    }
    (void)end_statements(c, c->side, c->token);
}

/* ---- members ------------------------------------------------------------------------- */

/* The token of a session's identity, NULL when it is not one of ours. */
static const char *token_of(const char *session_id)
{
    if (!mig_starts(session_id, prefix))
        return NULL;
    const char *token = session_id + sizeof prefix - 1;
    size_t n = strspn(token, "0123456789abcdef");
    return n && n < MIG_RDS_TOKEN_MAX && !token[n] ? token : NULL;
}

migrate_status mig_rds_session_state(void *conn, const char *session_id, uint32_t *out, migrate_error **err)
{
    struct mig_rds *c = conn;
    migrate_status status = mig_rds_enter(c, err);
    const char *token = token_of(session_id);
    *out = MIGRATE_SESSION_UNKNOWN;
    if (status || !token)
        return status;
    if (mig_rds_runs(c, c->aws, token) > 0)
        *out = MIGRATE_SESSION_ALIVE; /* one that runs nothing at the moment cannot be seen */
    return MIGRATE_OK;
}

migrate_status mig_rds_session_end(void *conn, const char *session_id, migrate_error **err)
{
    struct mig_rds *c = conn;
    migrate_status status = mig_rds_enter(c, err);
    const char *token = token_of(session_id);
    if (status)
        return status;
    if (token && end_statements(c, c->aws, token))
        return MIGRATE_OK;
    return mig_rds_refuse(c->host, err, MIGRATE_E_UNSUPPORTED, MIGRATE_FAULT_OTHER,
                          "the statements of that run could not be ended", NULL);
}
