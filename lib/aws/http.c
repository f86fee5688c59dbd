/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <migrate/status.h>
#include <migrate/version.h>

#include "util/clock.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/text.h"

enum { CONNECT_MS = 5000, TOTAL_MS = 30000, POLL_MS = 200, KEPT = 4 };
#define MAX_BODY (1024u * 1024u)
#define MAX_HEAD (64u * 1024u)

struct mig_http {
    CURLM *multi;
    CURL *easy;
};

/* One request and what comes of it. */
struct exchange {
    const struct mig_http_request *request;
    struct mig_http_response *out;
    size_t max_body;
    unsigned sends;
    bool too_large;
    struct curl_slist *headers;
    char why[CURL_ERROR_SIZE];
};

/* ---- life ---------------------------------------------------------------------- */

static void init_curl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct mig_http *mig_http_new(void)
{
    return calloc(1, sizeof(struct mig_http));
}

/* Not before the first request: starting libcurl and TLS takes time and memory that a run without any need not spend. */
static bool ready(struct mig_http *http)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (pthread_once(&once, init_curl) != 0)
        return false;
    if (!http->multi) {
        http->multi = curl_multi_init();
        if (http->multi)
            (void)curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)KEPT);
    }
    if (!http->easy)
        http->easy = curl_easy_init();
    return http->multi && http->easy;
}

/* libcurl is asked not to touch signals, so it is up to us that a closed connection raises none. */
struct sigpipe {
    sigset_t before;
    bool was_pending;
    bool held;
};

static struct sigpipe hold_sigpipe(void)
{
    struct sigpipe s = { .held = false };
    sigset_t pipe, pending;
    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    s.was_pending = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
    s.held = pthread_sigmask(SIG_BLOCK, &pipe, &s.before) == 0;
    return s;
}

static void release_sigpipe(const struct sigpipe *s)
{
    static const struct timespec now = { 0, 0 };
    sigset_t pipe, pending;
    if (!s->held)
        return;
    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    if (!s->was_pending && sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1)
        (void)sigtimedwait(&pipe, NULL, &now);
    (void)pthread_sigmask(SIG_SETMASK, &s->before, NULL);
}

void mig_http_free(struct mig_http *http)
{
    if (!http)
        return;
    struct sigpipe held = hold_sigpipe(); /* TLS says good-bye */
    if (http->easy)
        curl_easy_cleanup(http->easy);
    if (http->multi)
        (void)curl_multi_cleanup(http->multi);
    release_sigpipe(&held);
    free(http);
}

/* ---- what comes in ------------------------------------------------------------- */

/* Growing leaves no copy of a secret in freed memory. */
static bool add_wiping(struct mig_buf *b, const char *data, size_t len)
{
    if (b->len + len + 1 > b->cap) {
        struct mig_buf wider = MIG_BUF_INIT;
        if (!mig_buf_reserve(&wider, (b->len + len) * 2 + 256))
            return false;
        mig_buf_add(&wider, b->data, b->len);
        mig_buf_wipe(b);
        *b = wider;
    }
    mig_buf_add(b, data, len);
    return !b->oom;
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    struct exchange *x = user;
    size_t len = size * n;
    if (len > x->max_body - x->out->body.len) {
        x->too_large = true;
        return 0;
    }
    return add_wiping(&x->out->body, data, len) ? len : 0;
}

static size_t on_head(char *data, size_t size, size_t n, void *user)
{
    struct exchange *x = user;
    size_t len = size * n, kept = len;
    if (len > 5 && memcmp(data, "HTTP/", 5) == 0)
        mig_buf_reset(&x->out->head); /* an answer before the answer, 100 Continue, counts for nothing */
    while (kept && (data[kept - 1] == '\r' || data[kept - 1] == '\n'))
        kept--;
    if (!kept)
        return len;
    if (kept + 1 > MAX_HEAD - x->out->head.len) {
        x->too_large = true;
        return 0;
    }
    mig_buf_add(&x->out->head, data, kept);
    mig_buf_add(&x->out->head, "", 1);
    return x->out->head.oom ? 0 : len;
}

/* Asked each time the request is about to be sent: libcurl by itself repeats one whose kept connection has died,
 * which must not happen to a statement. */
static int on_send(void *user, char *peer, char *own, int peer_port, int own_port)
{
    struct exchange *x = user;
    (void)peer, (void)own, (void)peer_port, (void)own_port;
    if (x->sends++ && !x->request->repeatable)
        return CURL_PREREQFUNC_ABORT;
    return CURL_PREREQFUNC_OK;
}

/* ---- what goes out ------------------------------------------------------------- */

static bool add_line(struct exchange *x, const char *name, const char *value)
{
    char *line = !value ? mig_sprintf("%s:", name) : *value ? mig_sprintf("%s: %s", name, value) : mig_sprintf("%s;", name);
    struct curl_slist *longer = line ? curl_slist_append(x->headers, line) : NULL;
    mig_wipe_free(line);
    if (!longer)
        return false;
    x->headers = longer;
    return true;
}

static bool add_headers(struct exchange *x)
{
    const struct mig_http_request *r = x->request;
    bool typed = false, agent = false;
    for (size_t i = 0; i < r->n_headers; i++) {
        typed = typed || mig_ieq(r->headers[i].name, "content-type");
        agent = agent || mig_ieq(r->headers[i].name, "user-agent");
        if (!add_line(x, r->headers[i].name, r->headers[i].value))
            return false;
    }
    /* libcurl's own additions: a type of form data, and a question before a large body that nobody answers. */
    return add_line(x, "Expect", NULL) && (typed || add_line(x, "Content-Type", NULL)) &&
           (agent || add_line(x, "User-Agent", "libmigrate/" MIGRATE_VERSION_STRING));
}

static void free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *h = headers; h; h = h->next)
        mig_wipe(h->data, strlen(h->data));
    curl_slist_free_all(headers);
}

static long milliseconds(int64_t ms, int64_t usual)
{
    if (ms == 0)
        ms = usual;
    return ms == INT64_MAX ? 0 : ms > INT32_MAX ? INT32_MAX : (long)ms;
}

/* Each option that fails would change what the request means. */
#define SET(option, value) (good = good && curl_easy_setopt(c, option, value) == CURLE_OK)

/* libcurl knows the place of the certificates to trust of the system it was built for; one that is linked into a program
 * or a package runs on others too. NULL: its own is there. */
static const char *other_ca(CURL *c)
{
    static const char *const known[] = { "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt",
                                         "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem" };
    const char *own = NULL;
#if LIBCURL_VERSION_NUM >= 0x075400
    (void)curl_easy_getinfo(c, CURLINFO_CAINFO, &own);
#endif
    if (!own || access(own, R_OK) == 0)
        return NULL;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (access(known[i], R_OK) == 0)
            return known[i];
    }
    return NULL;
}

static bool set_transport(CURL *c, const struct mig_http_request *r)
{
    const char *ca = r->ca_file ? r->ca_file : other_ca(c);
    bool good = true;
#if LIBCURL_VERSION_NUM >= 0x075500
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
#else
    SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    SET(CURLOPT_QUICK_EXIT, 1L); /* a look-up of a name that hangs holds nobody up */
#endif
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(r->connect_ms, CONNECT_MS));
    SET(CURLOPT_TIMEOUT_MS, milliseconds(r->total_ms, TOTAL_MS));
    if (ca)
        SET(CURLOPT_CAINFO, ca);
    if (r->direct)
        SET(CURLOPT_PROXY, "");
    return good;
}

static bool set_request(CURL *c, struct exchange *x)
{
    const struct mig_http_request *r = x->request;
    bool good = true;
    SET(CURLOPT_URL, r->url);
    if (r->body || strcmp(r->method, "GET") != 0) {
        SET(CURLOPT_POSTFIELDS, r->body ? r->body : "");
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
    }
    SET(CURLOPT_CUSTOMREQUEST, r->method);
    SET(CURLOPT_HTTPHEADER, x->headers);
    SET(CURLOPT_ERRORBUFFER, x->why);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, x);
    SET(CURLOPT_HEADERFUNCTION, on_head);
    SET(CURLOPT_HEADERDATA, x);
    SET(CURLOPT_PREREQFUNCTION, on_send);
    SET(CURLOPT_PREREQDATA, x);
    return good;
}

/* ---- the exchange -------------------------------------------------------------- */

/* Until the transfer is over (then *@p result is libcurl's) or the watch has ended it. */
static migrate_status drive(struct mig_http *http, const struct mig_aws_watch *watch, CURLcode *result)
{
    struct curl_waitfd extra = { .fd = watch ? watch->cancel_fd : -1, .events = CURL_WAIT_POLLIN };
    for (;;) {
        int running = 0, left = 0;
        CURLMcode code = curl_multi_perform(http->multi, &running);
        CURLMsg *message = curl_multi_info_read(http->multi, &left);
        if (message && message->msg == CURLMSG_DONE) {
            *result = message->data.result;
            return MIGRATE_OK;
        }
        if (code != CURLM_OK || !running)
            return MIGRATE_OK; /* the result stays that of a failed attempt */
        migrate_status status = mig_aws_watch_look(watch);
        if (status)
            return status;
        int64_t until = mig_aws_watch_left(watch);
        extra.revents = 0;
        (void)curl_multi_poll(http->multi, &extra, extra.fd >= 0 ? 1 : 0, until < POLL_MS ? (int)until : POLL_MS, NULL);
        if (extra.revents && (status = mig_aws_watch_look(watch)) != MIGRATE_OK)
            return status;
        if (extra.revents)
            extra.fd = -1; /* whoever asks does not mean us */
    }
}

/* "host" or "host:port" of a URL: all of it that may be shown. */
static char *host_of(const char *url)
{
    const char *at = strstr(url, "://");
    at = at ? at + 3 : url;
    size_t len = strcspn(at, "/?#");
    for (size_t i = 0; i < len; i++) {
        if (at[i] == '@')
            return mig_strdup("the server");
    }
    return mig_strndup(at, len);
}

static bool is_trust(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
}

static migrate_status tell(struct exchange *x, CURLcode code, struct mig_diag *diag)
{
    char *host = host_of(x->request->url);
    const char *who = host ? host : "the server";
    const char *why = x->why[0] ? x->why : curl_easy_strerror(code);
    migrate_status status;
    if (code == CURLE_OUT_OF_MEMORY || x->out->head.oom || x->out->body.oom) {
        x->out->failure = MIG_HTTP_UNUSABLE;
        status = mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
    } else if (x->too_large) {
        x->out->failure = MIG_HTTP_UNUSABLE;
        status = mig_diag_set(diag, MIGRATE_E_TOO_LARGE, "the answer of %s is larger than %zu bytes", who, x->max_body);
    } else if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_BAD_FUNCTION_ARGUMENT) {
        x->out->failure = MIG_HTTP_UNUSABLE;
        status = mig_diag_set(diag, MIGRATE_E_OPTION, "a URL to ask at %s cannot be used: %s", who, why);
    } else if (!x->sends) {
        x->out->failure = MIG_HTTP_NO_SERVER;
        status = mig_diag_set(diag, MIGRATE_E_CONNECT, "no connection to %s: %s", who, why);
        if (is_trust(code))
            mig_diag_hint(diag, "ca_file, or AWS_CA_BUNDLE, names the certificates to trust");
    } else {
        x->out->failure = MIG_HTTP_LOST;
        status = mig_diag_set(diag, MIGRATE_E_CONN_LOST, "no whole answer from %s: %s", who,
                              code == CURLE_ABORTED_BY_CALLBACK ? "the connection was closed" : why);
    }
    free(host);
    return status;
}

static migrate_status stopped(struct exchange *x, migrate_status status, struct mig_diag *diag)
{
    char *host = host_of(x->request->url);
    x->out->failure = MIG_HTTP_STOPPED;
    mig_diag_set(diag, status, "stopped waiting for %s", host ? host : "the server");
    free(host);
    return status;
}

static migrate_status exchange(struct mig_http *http, struct exchange *x, const struct mig_aws_watch *watch,
                               struct mig_diag *diag)
{
    CURLcode result = CURLE_FAILED_INIT;
    if (!ready(http))
        return tell(x, CURLE_OUT_OF_MEMORY, diag);
    curl_easy_reset(http->easy);
    if (!add_headers(x) || !set_transport(http->easy, x->request) || !set_request(http->easy, x))
        return tell(x, CURLE_OUT_OF_MEMORY, diag);
    if (curl_multi_add_handle(http->multi, http->easy) != CURLM_OK)
        return tell(x, CURLE_OUT_OF_MEMORY, diag);
    migrate_status status = drive(http, watch, &result);
    x->out->sent = x->sends > 0;
    if (!status && result == CURLE_OK)
        (void)curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &x->out->status);
    (void)curl_multi_remove_handle(http->multi, http->easy);
    if (status)
        return stopped(x, status, diag);
    return result == CURLE_OK ? MIGRATE_OK : tell(x, result, diag);
}

migrate_status mig_http_do(struct mig_http *http, const struct mig_http_request *request,
                           const struct mig_aws_watch *watch, struct mig_http_response *out, struct mig_diag *diag)
{
    struct exchange x = { .request = request, .out = out, .max_body = request->max_body ? request->max_body : MAX_BODY };
    mig_http_response_free(out);
    migrate_status asked = mig_aws_watch_look(watch);
    if (asked)
        return stopped(&x, asked, diag);
    struct sigpipe held = hold_sigpipe();
    migrate_status status = exchange(http, &x, watch, diag);
    if (http->easy)
        curl_easy_reset(http->easy); /* nothing of this request is kept but its connection */
    release_sigpipe(&held);
    free_headers(x.headers);
    return status;
}

/* ---- answers ------------------------------------------------------------------- */

const char *mig_http_header(const struct mig_http_response *response, const char *name)
{
    const char *at = response->head.data;
    size_t left = response->head.len;
    while (at && left) {
        size_t len = strlen(at), n = strcspn(at, ":");
        if (at[n] && mig_ieqn(at, n, name)) {
            const char *value = at + n + 1;
            return value + strspn(value, " \t");
        }
        at += len + 1;
        left -= len + 1;
    }
    return NULL;
}

int64_t mig_http_date(const struct mig_http_response *response)
{
    const char *date = mig_http_header(response, "date");
    time_t at = date ? curl_getdate(date, NULL) : -1;
    return at > 0 ? (int64_t)at * 1000 : 0;
}

void mig_http_response_free(struct mig_http_response *response)
{
    mig_buf_wipe(&response->head);
    mig_buf_wipe(&response->body);
    *response = (struct mig_http_response)MIG_HTTP_RESPONSE_INIT;
}
