/* SPDX-License-Identifier: Apache-2.0 */

/* One request to the Data API and what its answer means. */

#include <stdlib.h>
#include <string.h>

#include "aws/json.h"
#include "drivers/rds_data/rds.h"
#include "util/clock.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/text.h"

enum { ANSWER_MAX = 12 * 1024 * 1024 };

void mig_rds_reply_free(struct mig_rds_reply *r)
{
    json_decref(r->json);
    free(r->error);
    free(r->message);
    free(r->hint);
    *r = (struct mig_rds_reply){ 0 };
}

/* ---- bodies -------------------------------------------------------------------- */

static void member(struct mig_buf *body, const char *name, const char *value)
{
    mig_buf_fmt(body, "%s\"%s\":", body->len > 1 ? "," : "", name);
    mig_json_str(body, value);
}

void mig_rds_body(struct mig_rds *c, struct mig_buf *body, bool database, const char *tx)
{
    mig_buf_reset(body);
    mig_buf_char(body, '{');
    member(body, "resourceArn", c->place.cluster);
    member(body, "secretArn", c->place.secret);
    if (database && c->place.database)
        member(body, "database", c->place.database);
    if (tx)
        member(body, "transactionId", tx);
}

void mig_rds_body_sql(struct mig_rds *c, struct mig_buf *body, const char *sql, size_t len, const char *tx, bool go_on)
{
    mig_rds_body(c, body, true, tx);
    mig_buf_str(body, ",\"sql\":");
    mig_json_strn(body, sql, len);
    mig_buf_str(body, ",\"resultSetOptions\":{\"decimalReturnType\":\"STRING\",\"longReturnType\":\"LONG\"}");
    if (go_on)
        mig_buf_str(body, ",\"continueAfterTimeout\":true");
}

/* ---- faults ---------------------------------------------------------------------- */

static bool is(const char *error, const char *name)
{
    return error && strcmp(error, name) == 0;
}

static bool says(const char *message, const char *words)
{
    return message && strstr(message, words);
}

static enum mig_rds_end by_name(const char *error, const char *message)
{
    if (is(error, "DatabaseErrorException")) {
        if (says(message, "ransaction is still running a query"))
            return MIG_RDS_BUSY_TX;
        return MIG_RDS_SQL;
    }
    if (is(error, "BadRequestException")) /* the first Data API puts all faults of the database in it */
        return says(message, "ommunications link failure") ? MIG_RDS_NOT_NOW : MIG_RDS_SQL;
    if (is(error, "StatementTimeoutException"))
        return MIG_RDS_TIMEOUT;
    if (is(error, "TransactionNotFoundException"))
        return MIG_RDS_NO_TX;
    if (is(error, "DatabaseResumingException"))
        return MIG_RDS_NOT_NOW;
    return MIG_RDS_REFUSED;
}

static enum mig_rds_end end_of(const struct mig_aws_answer *a, const char *message)
{
    switch (a->klass) {
    case MIG_AWS_DONE:
        return MIG_RDS_DONE;
    case MIG_AWS_NO_SERVER:
    case MIG_AWS_THROTTLED:
        return MIG_RDS_NOT_NOW;
    case MIG_AWS_LOST:
    case MIG_AWS_BUSY: /* 500, 503, 504: it may have begun */
        return MIG_RDS_LOST;
    case MIG_AWS_REFUSED:
        return by_name(a->error, message);
    default:
        return MIG_RDS_REFUSED;
    }
}

/* The words as they came: aws/ keeps the first line only, and what matters stands at the end. */
static char *whole_message(const struct mig_aws_answer *a)
{
    json_t *json = mig_json_read(a->body.data, a->body.len);
    const char *text = mig_json_text(json, "message");
    if (!text)
        text = mig_json_text(json, "Message");
    char *copy = mig_strdup(text ? text : a->message);
    mig_json_drop(json);
    return copy;
}

/* ---- the call ---------------------------------------------------------------------- */

/* A watch's tick: a statement that has been cancelled is still waited for. */
static migrate_status look(void *user)
{
    struct mig_rds *c = user;
    migrate_status said = mig_rds_tick(c);
    return said && mig_rds_given_up(c) ? said : MIGRATE_OK;
}

static struct mig_aws_watch watch_of(struct mig_rds *c, bool side)
{
    struct mig_aws_watch w = MIG_AWS_UNWATCHED;
    const migrate_host *h = c->host;
    w.tick = look;
    w.user = c;
    if (!side && MIGRATE_HAS(migrate_host, h, cancel_fd) && h->cancel_fd)
        w.cancel_fd = h->cancel_fd(h);
    return w;
}

static void take_answer(struct mig_rds *c, migrate_status status, const struct mig_aws_answer *a, struct mig_diag *diag,
                        struct mig_rds_reply *out)
{
    out->status = status;
    out->message = a->http && a->http != 200 ? whole_message(a) : mig_strdup(diag->message);
    out->error = mig_strdup(a->error);
    out->hint = mig_strdup(diag->hint);
    out->end = end_of(a, out->message);
    if (out->end == MIG_RDS_DONE) {
        out->json = mig_json_read(a->body.data, a->body.len);
        if (!json_is_object(out->json))
            out->end = MIG_RDS_LOST; /* it was done, but what it gave cannot be read */
    } else if (c->stop && !a->http) {
        out->end = MIG_RDS_STOPPED;
    } else if (out->end == MIG_RDS_REFUSED && status == MIGRATE_E_NOMEM) {
        out->end = MIG_RDS_NOMEM;
    }
}

void mig_rds_call(struct mig_rds *c, struct mig_aws *by, const char *path, const struct mig_buf *body, int64_t ms,
                  struct mig_rds_reply *out)
{
    bool side = by != c->aws;
    struct mig_aws_watch watch = watch_of(c, side);
    struct mig_aws_answer answer = MIG_AWS_ANSWER_INIT;
    struct mig_diag diag = MIG_DIAG_INIT;
    struct mig_aws_call call = { .service = &mig_aws_rds_data, .region = c->place.region, .path = path,
                                 .action = "rds-data:*", .body = body->data, .body_len = body->len,
                                 .attempt_ms = ms, .max_answer = ANSWER_MAX };
    *out = (struct mig_rds_reply){ .end = MIG_RDS_NOMEM, .status = MIGRATE_E_NOMEM };
    if (body->oom)
        return;
    migrate_status status = mig_aws_do(by, &call, &watch, &answer, &diag);
    c->trips += !side;
    take_answer(c, status, &answer, &diag, out);
    mig_aws_answer_free(&answer);
    mig_diag_free(&diag);
}
