/* SPDX-License-Identifier: Apache-2.0 */

/* What failed, as a fault: the database's own words, or the Data API's. */

#include <string.h>

#include "drivers/rds_data/rds.h"
#include "util/text.h"

static bool is(const char *error, const char *name)
{
    return error && strcmp(error, name) == 0;
}

/* ---- the database's ---------------------------------------------------------------- */

static uint64_t offset_of(const migrate_stmt *stmt, size_t shift, uint64_t position)
{
    if (!stmt || shift == SIZE_MAX || position <= shift)
        return 0;
    return mig_utf8_offset(stmt->sql, stmt->sql_len, (size_t)position - shift - 1) + 1;
}

static uint32_t class_of(const struct mig_rds *c, const struct mig_rds_said *said)
{
    uint32_t klass = said->code ? mig_rds_code_class(said->code, said->message) : MIGRATE_FAULT_OTHER;
    if (!klass && said->sqlstate[0])
        klass = mig_rds_state_class(said->sqlstate, mig_rds_postgres(c));
    if (!klass && strcmp(said->sqlstate, "54000") == 0)
        klass = MIGRATE_FAULT_TOO_LARGE;
    return klass || said->code || (said->sqlstate[0] && mig_rds_postgres(c)) ? klass : mig_rds_words_class(said->message);
}

/* 57014, or MySQL's 1317: by us, or by somebody else. */
static void cancelled(const struct mig_rds *c, const struct mig_rds_said *said, migrate_fault *f)
{
    if (strcmp(said->sqlstate, "57014") != 0 && said->code != 1317)
        return;
    if (c->stop) {
        f->klass = MIGRATE_FAULT_CANCELLED;
        f->status = c->stop;
    } else if (strstr(said->message, "statement timeout")) {
        f->status = MIGRATE_E_TIMEOUT;
    }
}

static void of_database(struct mig_rds *c, const struct mig_rds_reply *r, const migrate_stmt *stmt, size_t shift,
                        migrate_fault *f)
{
    struct mig_rds_said said;
    mig_buf_reset(&c->fault_text);
    mig_buf_str(&c->fault_text, r->message ? r->message : "the database refused the statement");
    if (c->fault_text.oom || !c->fault_text.data)
        return;
    mig_rds_said_read(c->fault_text.data, &said);
    f->klass = class_of(c, &said);
    f->native_code = said.code;
    f->message = said.message;
    f->detail = said.detail;
    f->hint = said.hint;
    f->offset = offset_of(stmt, shift, said.position);
    cancelled(c, &said, f);
    memcpy(c->sqlstate, said.sqlstate, sizeof c->sqlstate);
    f->sqlstate = c->sqlstate[0] ? c->sqlstate : NULL;
}

/* ---- the Data API's ------------------------------------------------------------------ */

static const struct {
    const char *error;
    migrate_status status;
    uint32_t klass;
    const char *hint;
} refusals[] = {
    { "DatabaseNotFoundException", 0, MIGRATE_FAULT_NO_DB, "the URL names a cluster or database that is not there" },
    { "NotFoundException", MIGRATE_E_CONNECT, MIGRATE_FAULT_OTHER, "check the ARNs of cluster and secret" },
    { "HttpEndpointNotEnabledException", MIGRATE_E_CONNECT, MIGRATE_FAULT_OTHER,
      "enable the Data API of the cluster: aws rds enable-http-endpoint" },
    { "InvalidResourceStateException", MIGRATE_E_UNAVAILABLE, MIGRATE_FAULT_UNAVAILABLE, NULL },
    { "InvalidSecretException", MIGRATE_E_AUTH, MIGRATE_FAULT_AUTH,
      "the secret must hold username and password as RDS writes them" },
    { "SecretsErrorException", MIGRATE_E_AUTH, MIGRATE_FAULT_AUTH,
      "the identity that AWS names needs secretsmanager:GetSecretValue on the secret, and the use of its key" },
    { "ForbiddenException", 0, MIGRATE_FAULT_DENIED,
      "allow rds-data:ExecuteStatement, BeginTransaction, CommitTransaction and RollbackTransaction" },
    { "AccessDeniedException", 0, MIGRATE_FAULT_DENIED,
      "allow rds-data:ExecuteStatement, BeginTransaction, CommitTransaction and RollbackTransaction" },
    { "UnsupportedResultException", MIGRATE_E_UNSUPPORTED, MIGRATE_FAULT_OTHER, "cast the column to text, or select less" },
};

static void of_api(const struct mig_rds_reply *r, migrate_fault *f)
{
    f->message = r->message ? r->message : r->error ? r->error : "the Data API refused the request";
    f->status = r->status == MIGRATE_E_OPTION ? MIGRATE_E_SQL : r->status;
    f->hint = r->hint;
    if (f->status == MIGRATE_E_AUTH)
        f->klass = MIGRATE_FAULT_AUTH;
    if (f->status == MIGRATE_E_DENIED)
        f->klass = MIGRATE_FAULT_DENIED;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (is(r->error, refusals[i].error)) {
            f->status = refusals[i].status;
            f->klass = refusals[i].klass;
            f->hint = refusals[i].hint ? refusals[i].hint : r->hint;
        }
    }
}

static void said_by_us(struct mig_rds *c, const struct mig_rds_reply *r, migrate_fault *f)
{
    f->message = r->message ? r->message : "no answer from the Data API";
    f->hint = r->hint;
    switch (r->end) {
    case MIG_RDS_TIMEOUT:
        f->status = MIGRATE_E_TIMEOUT;
        f->message = "the Data API ended the statement, which took longer than 45 s";
        f->hint = "make it do less at a time, or run this migration over a database connection";
        break;
    case MIG_RDS_NO_TX:
        f->klass = MIGRATE_FAULT_CONN_LOST;
        f->message = "the transaction is lost: it was idle for 3 minutes, open for 24 hours, or ended by a failover";
        break;
    case MIG_RDS_NOT_NOW:
        f->klass = MIGRATE_FAULT_UNAVAILABLE;
        if (c->opening && r->status == MIGRATE_E_CONNECT) { /* nobody there: waiting does not help */
            f->klass = MIGRATE_FAULT_OTHER;
            f->status = MIGRATE_E_CONNECT;
        }
        break;
    case MIG_RDS_STOPPED:
        f->klass = MIGRATE_FAULT_CANCELLED;
        f->status = c->stop;
        f->message = mig_rds_detached(c) ? "time is over before the statement, which goes on in the database"
                                         : "asked to stop; the Data API did not answer in time";
        f->hint = mig_rds_detached(c) ? "run again: that run waits for the statement's end and goes on from there" : NULL;
        break;
    case MIG_RDS_NOMEM:
        f->status = MIGRATE_E_NOMEM;
        f->message = "out of memory";
        break;
    default:
        f->klass = c->opening ? MIGRATE_FAULT_UNAVAILABLE : MIGRATE_FAULT_CONN_LOST;
    }
}

void mig_rds_fault(struct mig_rds *c, const struct mig_rds_reply *r, const migrate_stmt *stmt, size_t shift,
                   migrate_fault *out)
{
    migrate_fault f = { .struct_size = sizeof f };
    if (r->end == MIG_RDS_SQL || r->end == MIG_RDS_BUSY_TX)
        of_database(c, r, stmt, shift, &f);
    else if (r->end == MIG_RDS_REFUSED)
        of_api(r, &f);
    else
        said_by_us(c, r, &f);
    if (!f.message)
        f.message = "the statement failed";
    *out = f;
}
