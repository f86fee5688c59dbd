/* SPDX-License-Identifier: Apache-2.0 */
/* Many databases in one event: items, batches of a Distributed Map, messages of a queue. One failure stops no other. */
#include <stdlib.h>
#include <string.h>

#include "aws/lambda.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/text.h"

/* ---- which they are ---------------------------------------------------------------- */

static const json_t *items_of(const json_t *event)
{
    const json_t *items = json_object_get(event, "items");
    return json_is_array(items) ? items : json_object_get(event, "Items");
}

bool mig_lambda_is_batch(const json_t *event)
{
    return json_is_array(items_of(event));
}

bool mig_lambda_is_queue(const json_t *event)
{
    const json_t *first = json_array_get(json_object_get(event, "Records"), 0);
    const char *source = json_string_value(json_object_get(first, "eventSource"));
    return source && strcmp(source, "aws:sqs") == 0;
}

/* An item with what is said for all of them: BatchInput, or what stands beside "items". NULL: no memory. */
static json_t *with_common(const json_t *event, const json_t *item)
{
    const json_t *common = json_object_get(event, "Items") ? json_object_get(event, "BatchInput") : event;
    json_t *all = json_object();
    if (json_is_object(common) && json_object_update(all, (json_t *)(uintptr_t)common) != 0)
        goto fail;
    (void)json_object_del(all, "items");
    if (json_object_update(all, (json_t *)(uintptr_t)item) != 0)
        goto fail;
    return all;
fail:
    json_decref(all);
    return NULL;
}

/* ---- one of them ------------------------------------------------------------------- */

static void run_item(struct migrate_lambda *l, const json_t *event, const json_t *item,
                     const struct mig_lambda_times *times, struct mig_lambda_done *done)
{
    struct mig_lambda_ask ask;
    *done = (struct mig_lambda_done){ .report = NULL };
    if (!json_is_object(item)) {
        done->status = mig_lambda_fail(&done->err, MIGRATE_E_ARGUMENT, "write {\"database\":…} or {\"secret\":…}",
                                       "an item has to be an object");
        return;
    }
    if (mig_clock_mono_ms() >= times->stop_ms || atomic_load(&l->stop)) {
        done->status = mig_lambda_fail(&done->err, MIGRATE_E_MORE_WORK, "send the item again",
                                       "the function's time was over before this item's turn");
        return;
    }
    json_t *all = with_common(event, item);
    done->status = all ? mig_lambda_ask_read(l, all, true, &ask, &done->err) : mig_lambda_nomem(&done->err);
    if (done->status == MIGRATE_OK)
        mig_lambda_run(l, &ask, times, done);
    json_decref(all);
}

/* {"ok":true,…} or {"ok":false,"error":{…}} */
static void add_item(struct mig_buf *out, const json_t *item, const struct mig_lambda_done *d)
{
    const json_t *id = json_object_get(item, "id");
    mig_buf_fmt(out, "{\"ok\":%s", d->status == MIGRATE_OK ? "true" : "false");
    if (json_is_string(id)) {
        mig_buf_str(out, ",\"id\":");
        mig_json_str(out, json_string_value(id));
    } else if (json_is_integer(id)) {
        mig_buf_fmt(out, ",\"id\":%lld", (long long)json_integer_value(id));
    }
    if (mig_lambda_is_result(d)) {
        mig_buf_char(out, ',');
        mig_lambda_add_done(out, d);
    } else {
        mig_buf_str(out, MIGRATE_STATUS_CLASS(d->status) == MIGRATE_CLASS_STOPPED ? ",\"more\":true" : "");
        mig_buf_str(out, ",\"error\":");
        mig_lambda_add_error(out, d->err);
    }
    mig_buf_char(out, '}');
}

/* ---- all of them ------------------------------------------------------------------- */

struct batch {
    struct mig_buf results; /* [{…},{…}] */
    size_t count, failed, unfinished;
    migrate_error *first; /* what the first failed of */
};

static void account(struct batch *b, struct mig_lambda_done *d)
{
    b->count++;
    if (d->status == MIGRATE_OK)
        return;
    b->failed++;
    b->unfinished += MIGRATE_STATUS_CLASS(d->status) == MIGRATE_CLASS_STOPPED;
    if (!b->first) {
        b->first = d->err;
        d->err = NULL;
    }
}

/* A function error says that nothing at all succeeded, nor will by calling again. */
static struct migrate_lambda_reply *batch_fail(struct migrate_lambda *l, struct batch *b)
{
    struct mig_buf more = MIG_BUF_INIT;
    struct migrate_lambda_reply *r = NULL;
    mig_buf_fmt(&more, ",\"results\":%s,\"failed\":%zu", mig_buf_text(&b->results), b->failed);
    if (!more.oom)
        r = mig_lambda_reply_fail(l, b->first, mig_buf_text(&more));
    mig_buf_free(&more);
    return r;
}

static struct migrate_lambda_reply *batch_reply(struct migrate_lambda *l, struct batch *b)
{
    struct mig_buf body = MIG_BUF_INIT, text = MIG_BUF_INIT;
    struct migrate_lambda_reply *r = NULL;
    int code = b->unfinished ? 202 : b->failed ? 500 : 200;
    if (b->results.oom)
        return NULL;
    if (b->failed && b->failed == b->count && !b->unfinished)
        return batch_fail(l, b);
    mig_buf_fmt(&body, "{\"results\":%s,\"failed\":%zu%s", mig_buf_text(&b->results), b->failed,
                b->unfinished ? ",\"more\":true" : "");
    mig_lambda_add_status_code(l, &body, code);
    mig_buf_char(&body, '}');
    mig_buf_fmt(&text, "%zu of %zu databases done", b->count - b->failed, b->count);
    if (!text.oom)
        r = mig_lambda_reply_make(&body, NULL, mig_buf_text(&text),
                                  b->first ? migrate_error_status(b->first) : MIGRATE_OK);
    mig_buf_free(&body);
    mig_buf_free(&text);
    return r;
}

struct migrate_lambda_reply *mig_lambda_batch(struct migrate_lambda *l, const json_t *event,
                                              const struct mig_lambda_times *times)
{
    struct batch b = { .results = MIG_BUF_INIT };
    size_t i;
    json_t *item;
    mig_buf_char(&b.results, '[');
    json_array_foreach ((json_t *)(uintptr_t)items_of(event), i, item) {
        struct mig_lambda_done done;
        run_item(l, event, item, times, &done);
        if (i)
            mig_buf_char(&b.results, ',');
        add_item(&b.results, item, &done);
        account(&b, &done);
        mig_lambda_done_free(&done);
    }
    mig_buf_char(&b.results, ']');
    struct migrate_lambda_reply *r = batch_reply(l, &b);
    mig_buf_free(&b.results);
    migrate_error_free(b.first);
    return r;
}

/* ---- messages ---------------------------------------------------------------------- */

/* The body is an event by itself, with one database or many. */
static migrate_status run_message(struct migrate_lambda *l, const json_t *record, const struct mig_lambda_times *times,
                                  migrate_error **err)
{
    const json_t *text = json_object_get(record, "body");
    json_t *event = NULL;
    struct migrate_lambda_reply *r = NULL;
    migrate_status status = mig_lambda_json(json_string_value(text), json_string_length(text), &event, err);
    if (status == MIGRATE_OK && (mig_clock_mono_ms() >= times->stop_ms || atomic_load(&l->stop)))
        status = mig_lambda_fail(err, MIGRATE_E_MORE_WORK, NULL, "the function's time was over before this message's turn");
    if (status == MIGRATE_OK) {
        r = mig_lambda_is_batch(event) ? mig_lambda_batch(l, event, times) : mig_lambda_direct(l, event, times);
        status = r ? r->status : mig_lambda_nomem(err);
        if (r && status != MIGRATE_OK)
            (void)mig_lambda_fail(err, status, NULL, "%s", r->text);
    }
    migrate_lambda_reply_free(r);
    json_decref(event);
    return status;
}

/* An ordered queue gives the messages behind a failed one again as well, in their order. */
static bool is_ordered(const json_t *record)
{
    const char *arn = json_string_value(json_object_get(record, "eventSourceARN"));
    return arn && mig_ends(arn, ".fifo");
}

struct queue {
    struct mig_buf failures;
    size_t count, failed;
    migrate_status first;
    struct mig_buf text;
};

static void add_failure(struct queue *q, const json_t *record, const migrate_error *err)
{
    const char *id = json_string_value(json_object_get(record, "messageId"));
    mig_buf_str(&q->failures, q->failed ? ",{\"itemIdentifier\":" : "{\"itemIdentifier\":");
    mig_json_str(&q->failures, id ? id : "");
    mig_buf_char(&q->failures, '}');
    mig_buf_fmt(&q->text, "; %s: ", id ? id : "a message without an id");
    if (err)
        mig_lambda_add_reason(&q->text, err);
    else
        mig_buf_str(&q->text, "not begun");
    q->failed++;
}

static void run_record(struct migrate_lambda *l, const json_t *record, const struct mig_lambda_times *times,
                       struct queue *q)
{
    migrate_error *err = NULL;
    q->count++;
    if (q->failed && is_ordered(record)) {
        add_failure(q, record, NULL);
        return;
    }
    migrate_status status = run_message(l, record, times, &err);
    if (status != MIGRATE_OK) {
        q->first = q->first ? q->first : status;
        add_failure(q, record, err);
    }
    migrate_error_free(err);
}

static struct migrate_lambda_reply *queue_reply(struct migrate_lambda *l, struct queue *q)
{
    struct mig_buf body = MIG_BUF_INIT, text = MIG_BUF_INIT;
    struct migrate_lambda_reply *r = NULL;
    mig_buf_fmt(&body, "{\"batchItemFailures\":[%s]", mig_buf_text(&q->failures));
    mig_lambda_add_status_code(l, &body, q->failed ? 500 : 200);
    mig_buf_char(&body, '}');
    mig_buf_fmt(&text, "%zu of %zu messages done%s", q->count - q->failed, q->count, mig_buf_text(&q->text));
    if (!q->failures.oom && !q->text.oom && !text.oom)
        r = mig_lambda_reply_make(&body, NULL, mig_buf_text(&text), q->first);
    mig_buf_free(&body);
    mig_buf_free(&text);
    return r;
}

struct migrate_lambda_reply *mig_lambda_queue(struct migrate_lambda *l, const json_t *event,
                                              const struct mig_lambda_times *times)
{
    struct queue q = { .failures = MIG_BUF_INIT, .text = MIG_BUF_INIT };
    size_t i;
    json_t *record;
    json_array_foreach (json_object_get(event, "Records"), i, record)
        run_record(l, record, times, &q);
    struct migrate_lambda_reply *r = queue_reply(l, &q);
    mig_buf_free(&q.failures);
    mig_buf_free(&q.text);
    return r;
}
