/* SPDX-License-Identifier: Apache-2.0 */
/* What goes back to Lambda, as JSON. */
#include <stdlib.h>
#include <string.h>

#include "aws/lambda.h"
#include "util/mem.h"
#include "util/text.h"

enum { MESSAGE_MAX = 1500 };

/* ---- the object -------------------------------------------------------------------- */

struct migrate_lambda_reply *mig_lambda_reply_make(struct mig_buf *body, const char *error_type, const char *text,
                                                   migrate_status status)
{
    struct migrate_lambda_reply *r = calloc(1, sizeof *r);
    if (r) {
        r->len = body->len;
        r->body = mig_buf_steal(body);
        r->text = mig_strdup(text);
        r->error_type = mig_strdup(error_type);
        r->status = status;
    }
    mig_buf_free(body);
    if (r && (!r->body || !r->text || (error_type && !r->error_type))) {
        migrate_lambda_reply_free(r);
        return NULL;
    }
    return r;
}

struct migrate_lambda_reply *mig_lambda_reply_copy(const struct migrate_lambda_reply *reply)
{
    struct mig_buf body = MIG_BUF_INIT;
    mig_buf_add(&body, reply->body, reply->len);
    return mig_lambda_reply_make(&body, reply->error_type, reply->text, reply->status);
}

void migrate_lambda_reply_free(migrate_lambda_reply *reply)
{
    if (!reply)
        return;
    free(reply->body);
    free(reply->error_type);
    free(reply->text);
    free(reply);
}

const char *migrate_lambda_reply_body(const migrate_lambda_reply *reply, size_t *len)
{
    if (len)
        *len = reply ? reply->len : 0;
    return reply ? reply->body : "";
}

const char *migrate_lambda_reply_error_type(const migrate_lambda_reply *reply)
{
    return reply ? reply->error_type : NULL;
}

const char *migrate_lambda_reply_text(const migrate_lambda_reply *reply)
{
    return reply ? reply->text : "";
}

migrate_status migrate_lambda_reply_status(const migrate_lambda_reply *reply)
{
    return reply ? reply->status : MIGRATE_OK;
}

/* ---- errors ------------------------------------------------------------------------ */

void mig_lambda_add_error(struct mig_buf *out, const migrate_error *err)
{
    static const char head[] = "{\"schema\":1,\"error\":";
    const char *json = migrate_error_json(err);
    size_t len = strlen(json);
    if (mig_starts(json, head) && len > sizeof head)
        mig_buf_add(out, json + sizeof head - 1, len - sizeof head);
    else
        mig_buf_str(out, "null");
}

static void add_place(struct mig_buf *out, const migrate_error *err)
{
    if (!migrate_error_path(err))
        return;
    mig_buf_str(out, migrate_error_path(err));
    if (migrate_error_line(err))
        mig_buf_fmt(out, ":%llu", (unsigned long long)migrate_error_line(err));
}

static void end_sentence(struct mig_buf *out)
{
    if (out->len && !strchr(".!?", out->data[out->len - 1]))
        mig_buf_char(out, '.');
    if (out->len)
        mig_buf_char(out, ' ');
}

/* What a server says stays as it is. */
static void add_quoted(struct mig_buf *out, const char *text)
{
    if (!text || !*text)
        return;
    end_sentence(out);
    mig_buf_str(out, text);
}

static void add_sentence(struct mig_buf *out, const char *text)
{
    if (!text || !*text)
        return;
    end_sentence(out);
    mig_buf_char(out, *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text);
    mig_buf_str(out, text + 1);
}

void mig_lambda_add_reason(struct mig_buf *out, const migrate_error *err)
{
    add_place(out, err);
    if (out->len)
        mig_buf_str(out, ": ");
    mig_buf_str(out, migrate_error_message(err));
    if (migrate_error_sqlstate(err))
        mig_buf_fmt(out, " (SQLSTATE %s)", migrate_error_sqlstate(err));
    else if (migrate_error_code(err))
        mig_buf_fmt(out, " (code %d)", (int)migrate_error_code(err));
    for (const migrate_error *e = migrate_error_cause(err); e; e = migrate_error_cause(e))
        add_quoted(out, migrate_error_message(e));
    add_sentence(out, migrate_error_state(err));
    add_sentence(out, migrate_error_hint(err));
}

/* The CDK Provider framework shows the message, and the trace from its second line on. */
static void add_trace(struct mig_buf *out, const migrate_error *err)
{
    struct mig_buf line = MIG_BUF_INIT;
    mig_buf_fmt(&line, "%s: %s", migrate_status_name(migrate_error_status(err)), migrate_error_message(err));
    mig_buf_str(out, ",\"trace\":[");
    mig_json_str(out, mig_buf_text(&line));
    if (migrate_error_path(err)) {
        mig_buf_reset(&line);
        mig_buf_str(&line, "    at ");
        add_place(&line, err);
        mig_buf_char(out, ',');
        mig_json_str(out, mig_buf_text(&line));
    }
    mig_buf_char(out, ']');
    out->oom = out->oom || line.oom;
    mig_buf_free(&line);
}

struct migrate_lambda_reply *mig_lambda_reply_fail(const struct migrate_lambda *l, const migrate_error *err,
                                                   const char *more)
{
    const char *type = migrate_status_name(migrate_error_status(err));
    struct mig_buf body = MIG_BUF_INIT, reason = MIG_BUF_INIT;
    mig_lambda_add_reason(&reason, err);
    mig_buf_fmt(&body, "{\"errorType\":\"%s\",\"errorMessage\":", type);
    mig_json_strn(&body, mig_buf_text(&reason), mig_utf8_cut(mig_buf_text(&reason), reason.len, MESSAGE_MAX));
    add_trace(&body, err);
    mig_buf_str(&body, ",\"stackTrace\":[]");
    mig_lambda_add_status_code(l, &body, 500);
    mig_buf_str(&body, ",\"error\":");
    mig_lambda_add_error(&body, err);
    mig_buf_str(&body, more);
    mig_buf_char(&body, '}');
    struct migrate_lambda_reply *r = NULL;
    if (!reason.oom)
        r = mig_lambda_reply_make(&body, type, mig_buf_text(&reason), migrate_error_status(err));
    mig_buf_free(&body);
    mig_buf_free(&reason);
    return r;
}

/* ---- results ----------------------------------------------------------------------- */

void mig_lambda_add_status_code(const struct migrate_lambda *l, struct mig_buf *out, int code)
{
    if (l->status_code)
        mig_buf_fmt(out, ",\"StatusCode\":%d", code);
}

bool mig_lambda_is_result(const struct mig_lambda_done *d)
{
    return d->status == MIGRATE_OK || (MIGRATE_STATUS_CLASS(d->status) == MIGRATE_CLASS_STOPPED && d->report);
}

void mig_lambda_add_done(struct mig_buf *out, const struct mig_lambda_done *d)
{
    const char *json = d->plan ? migrate_plan_json(d->plan) : migrate_report_json(d->report);
    size_t len = strlen(json);
    if (len < 2)
        return;
    mig_buf_add(out, json + 1, len - 2); /* without its braces */
    if (d->status != MIGRATE_OK && !strstr(json, "\"more\":true"))
        mig_buf_str(out, ",\"more\":true");
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

void mig_lambda_add_sentence(struct mig_buf *out, const struct mig_lambda_done *d)
{
    const migrate_report *r = d->report;
    unsigned long long applied = migrate_report_applied(r), reverted = migrate_report_reverted(r);
    const char *version = migrate_report_version(r);
    if (d->plan)
        mig_buf_fmt(out, "%zu step%s to run", migrate_plan_count(d->plan), plural(migrate_plan_count(d->plan)));
    else if (applied || reverted)
        mig_buf_fmt(out, "%llu migration%s %s", applied ? applied : reverted, plural(applied ? applied : reverted),
                    applied ? "applied" : "reverted");
    else if (d->status != MIGRATE_OK && migrate_error_state(d->err))
        mig_buf_str(out, migrate_error_state(d->err)); /* half of a migration may be done */
    else
        mig_buf_str(out, d->status == MIGRATE_OK ? "nothing to do" : "nothing done yet");
    if (!d->plan && *version)
        mig_buf_fmt(out, "; the database is at %s", version);
    if (d->status != MIGRATE_OK)
        mig_buf_fmt(out, "; %llu left", (unsigned long long)migrate_report_pending(r));
}
