/* SPDX-License-Identifier: Apache-2.0 */

/* From codes of server and client library to the classes of driver.h, with what to do about them. */

#include <errmsg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/mysql/conn.h"
#include "drivers/mysql/fault_codes.h"
#include "drivers/mysql/link_state.h"
#include "util/mem.h"
#include "util/text.h"

enum { QUERY_INTERRUPTED = 1317 };

static const struct mig_my_code *find(int32_t code)
{
    for (size_t i = 0; i < mig_my_n_codes; i++) {
        if (mig_my_codes[i].code == code)
            return &mig_my_codes[i];
    }
    return NULL;
}

bool mig_my_code_is_loss(int32_t code)
{
    const struct mig_my_code *known = find(code);
    if (known)
        return known->klass == MIGRATE_FAULT_CONN_LOST;
    return code >= CR_MIN_ERROR && code <= 2999;
}

/* 1290 says that an option of the server forbids the statement; only one of them means a demoted writer. */
uint32_t mig_my_klass(int32_t code, const char *message)
{
    const struct mig_my_code *known = find(code);
    if (code == 1290 && message && !strstr(message, "read-only") && !strstr(message, "read_only"))
        return MIGRATE_FAULT_OTHER;
    if (known)
        return known->klass;
    return mig_my_code_is_loss(code) ? MIGRATE_FAULT_CONN_LOST : MIGRATE_FAULT_OTHER;
}

/* What the server names first in quotes, for the codes that begin so: "Table 'a.b' already exists". */
static const char *named_object(struct mig_my *c, int32_t code, const char *message)
{
    const struct mig_my_code *known = find(code);
    if (!known || !known->names || !message)
        return NULL;
    const char *open = strchr(message, '\'');
    if (known->names > 1) /* the last quoted: "Duplicate entry '1' for key 'x'" */
        open = strstr(message, "key '") ? strstr(message, "key '") + 4 : NULL;
    const char *close = open ? strchr(open + 1, '\'') : NULL;
    if (!close || close == open + 1)
        return NULL;
    mig_buf_reset(&c->out2);
    mig_buf_add(&c->out2, open + 1, (size_t)(close - open - 1));
    return c->out2.oom ? NULL : mig_buf_text(&c->out2);
}

/* We ended the session: what the client library makes of that, a broken connection, would lead astray. */
static const char *ended_by_us(const struct mig_my *c)
{
    if (c->cancel.why)
        return c->cancel.why;
    switch (c->cancel.status) {
    case 0:
        return NULL;
    case MIGRATE_E_DEADLINE:
        return "the deadline passed while this statement ran; its session was ended";
    case MIGRATE_E_CANCELLED:
        return "cancelled, as asked, while this statement ran; its session was ended";
    default:
        return "this statement was stopped; its session was ended";
    }
}

void mig_my_fault(struct mig_my *c, size_t slot, migrate_fault *f)
{
    const struct mig_my_packet *p = mig_my_link_packet(c->link);
    const struct mig_my_slot *s = &p->slots[slot];
    const struct mig_my_answer *a = &s->answer;
    const struct mig_my_code *known = find(a->code);
    *f = (migrate_fault){ .struct_size = sizeof *f, .native_code = a->code };
    f->klass = a->code ? mig_my_klass(a->code, a->message) : MIGRATE_FAULT_CONN_LOST;
    /* Somebody ended a statement of ours: that is no fault of the migration. */
    if (a->code == QUERY_INTERRUPTED && (s->flags & MIGRATE_STMT_BOOKKEEPING))
        f->klass = MIGRATE_FAULT_RETRY_TX;
    f->status = known ? known->status : 0;
    f->hint = known ? known->hint : NULL;
    f->sqlstate = a->sqlstate[0] ? a->sqlstate : NULL;
    f->message = a->message && *a->message ? a->message
                 : a->code                 ? "the server gave no reason"
                                           : "the connection ended before the answer came";
    if (a->code == 1064 || a->code == 1149) {
        f->offset = mig_my_near(p->text.data + s->at, s->len, p->text.len - s->at, a->message);
        mig_buf_reset(&c->text);
        mig_my_near_only(&c->text, a->message);
        if (c->text.len && !c->text.oom)
            f->message = mig_buf_text(&c->text);
    }
    f->object = named_object(c, a->code, a->message);
    if (c->cancel.step && a->outcome == MIGRATE_OUTCOME_UNKNOWN && c->cancel.status) {
        f->klass = MIGRATE_FAULT_CANCELLED;
        f->status = c->cancel.status;
        f->hint = NULL;
    }
    const char *ended = c->cancel.step && a->outcome == MIGRATE_OUTCOME_UNKNOWN ? ended_by_us(c) : NULL;
    if (ended) {
        f->message = ended;
        f->native_code = 0;
        f->sqlstate = NULL;
    }
}

migrate_status mig_my_fail_slot(struct mig_my *c, size_t slot, migrate_error **err)
{
    migrate_fault f;
    mig_my_fault(c, slot, &f);
    return c->host->fail(c->host, err, &f);
}

migrate_status mig_my_refuse(const migrate_host *host, migrate_error **err, migrate_status status, uint32_t klass,
                             const char *message, const char *hint)
{
    migrate_fault f = { .struct_size = sizeof f, .status = status, .klass = klass,
                        .message = message ? message : "out of memory", .hint = hint };
    return host->fail(host, err, &f);
}

migrate_status mig_my_nomem(const migrate_host *host, migrate_error **err)
{
    return mig_my_refuse(host, err, MIGRATE_E_NOMEM, MIGRATE_FAULT_OTHER, "out of memory", NULL);
}

/* ---- connecting ---------------------------------------------------------------- */

static const char *connect_hint(const struct mig_my_answer *a, const struct mig_my_login *l)
{
    const struct mig_my_code *known = find(a->code);
    const char *said = a->message ? a->message : "";
    if (a->code == CR_SSL_CONNECTION_ERROR && l->tls >= MIG_MY_TLS_VERIFY_CA)
        return "The server's certificate is verified (ssl-mode): name the certificates to trust with ssl-ca=FILE, and "
               "connect by the host name that the certificate is for.";
    if (a->code == CR_SSL_CONNECTION_ERROR)
        return "The server offers no TLS that fits: set ssl-mode=DISABLED if the way to it is safe without.";
    if (strstr(said, "lugin") && (strstr(said, "loaded") || strstr(said, "load")))
        return "The client library has no plug-in for the way this account logs in: set plugin-dir=DIR in the URL, or "
               "let the account use caching_sha2_password.";
    return known ? known->hint : NULL;
}

/* TLS that ended without a word of TLS: the other side is gone, as a server that stops is. */
static bool hung_up(const char *said)
{
    static const char *const words[] = { "unexpected eof", "onnection reset", "roken pipe", "SSL_ERROR_SYSCALL" };
    for (size_t i = 0; said && i < sizeof words / sizeof *words; i++) {
        if (strstr(said, words[i]))
            return true;
    }
    return false;
}

/* What cannot change by waiting fails at once; a server that says it is not ready is waited for by the host. */
static void connect_class(const struct mig_my_answer *a, migrate_fault *f)
{
    f->klass = mig_my_klass(a->code, a->message);
    const struct mig_my_code *known = find(a->code);
    f->status = known ? known->status : 0;
    switch (a->code) {
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case CR_UNKNOWN_HOST:
        f->klass = MIGRATE_FAULT_CONN_LOST; /* may pass by itself, where a connection was there before */
        f->status = MIGRATE_E_CONNECT;
        break;
    case CR_SSL_CONNECTION_ERROR:
        f->klass = hung_up(a->message) ? MIGRATE_FAULT_UNAVAILABLE : MIGRATE_FAULT_OTHER;
        f->status = hung_up(a->message) ? MIGRATE_E_UNAVAILABLE : MIGRATE_E_CONNECT;
        break;
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_LOST:
    case CR_SERVER_LOST_EXTENDED:
        f->klass = MIGRATE_FAULT_UNAVAILABLE; /* closed in the middle of the greeting: starting, or a proxy without server */
        f->status = MIGRATE_E_UNAVAILABLE;
        break;
    default:
        if (f->klass == MIGRATE_FAULT_OTHER && !f->status)
            f->status = MIGRATE_E_CONNECT;
    }
}

migrate_status mig_my_connect_fault(const migrate_host *host, const struct mig_my_answer *a, const struct mig_my_login *login,
                                    migrate_error **err)
{
    if (a->code == CR_OUT_OF_MEMORY)
        return mig_my_nomem(host, err);
    migrate_fault f = { .struct_size = sizeof f, .native_code = a->code };
    connect_class(a, &f);
    f.message = a->message && *a->message ? a->message : "no connection to the server";
    f.sqlstate = a->sqlstate[0] ? a->sqlstate : NULL;
    f.hint = connect_hint(a, login);
    return host->fail(host, err, &f);
}
