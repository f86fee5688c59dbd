/* SPDX-License-Identifier: Apache-2.0 */
/* Mode direct, one database: whoever invokes the function gets the command's own JSON. */
#include "aws/lambda.h"

enum { BODY_MAX = 6 * 1024 * 1024 };

static struct migrate_lambda_reply *result(const struct migrate_lambda *l, const struct mig_lambda_done *d)
{
    struct mig_buf body = MIG_BUF_INIT, text = MIG_BUF_INIT;
    struct migrate_lambda_reply *r = NULL;
    mig_buf_char(&body, '{');
    mig_lambda_add_done(&body, d);
    mig_lambda_add_status_code(l, &body, d->status == MIGRATE_OK ? 200 : 202);
    mig_buf_char(&body, '}');
    mig_lambda_add_sentence(&text, d);
    if (body.len > BODY_MAX) {
        migrate_error *err = NULL;
        (void)mig_lambda_fail(&err, MIGRATE_E_UNSUPPORTED, "ask for less, or ask the command line",
                              "the answer has %zu bytes, more than the 6 MB that Lambda returns", body.len);
        r = mig_lambda_reply_fail(l, err, "");
        migrate_error_free(err);
    } else if (!text.oom) {
        r = mig_lambda_reply_make(&body, NULL, mig_buf_text(&text), d->status);
    }
    mig_buf_free(&body);
    mig_buf_free(&text);
    return r;
}

struct migrate_lambda_reply *mig_lambda_direct(struct migrate_lambda *l, const json_t *event,
                                               const struct mig_lambda_times *times)
{
    struct mig_lambda_ask ask;
    struct mig_lambda_done done = { .report = NULL };
    done.status = mig_lambda_ask_read(l, event, false, &ask, &done.err);
    if (done.status == MIGRATE_OK)
        mig_lambda_run(l, &ask, times, &done);
    struct migrate_lambda_reply *r = mig_lambda_is_result(&done) ? result(l, &done)
                                                                 : mig_lambda_reply_fail(l, done.err, "");
    mig_lambda_done_free(&done);
    return r;
}
