/* SPDX-License-Identifier: Apache-2.0 */

/* Messages of the server that belong to no result. */

#include "pg.h"

static const char *field(const PGresult *r, int code)
{
    const char *text = PQresultErrorField(r, code);
    return text ? text : "";
}

static void tell(struct mig_pg *c, const PGresult *r, const char *severity, const char *text)
{
    const migrate_host *host = c->host;
    if (c->quiet)
        mig_pg_log(host, MIGRATE_LOG_DEBUG, text);
    else if (MIGRATE_HAS(migrate_host, host, notice) && host->notice)
        host->notice(host, severity, field(r, PG_DIAG_SQLSTATE), text);
}

void mig_pg_notice(void *arg, const PGresult *r)
{
    struct mig_pg *c = arg;
    const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (!severity)
        severity = field(r, PG_DIAG_SEVERITY);
    const char *text = field(r, PG_DIAG_MESSAGE_PRIMARY), *detail = field(r, PG_DIAG_MESSAGE_DETAIL);
    struct mig_buf line = MIG_BUF_INIT;
    mig_buf_str(&line, text);
    if (*detail)
        mig_buf_fmt(&line, " (%s)", detail);
    tell(c, r, severity, line.oom ? text : mig_buf_text(&line));
    mig_buf_free(&line);
}
