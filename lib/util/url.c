/* SPDX-License-Identifier: Apache-2.0 */
#include "util/url.h"

#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/text.h"

/* Numbers of migrate/status.h, which never change; utilities see no header of the tree but their own. */
enum { STATUS_E_URL = 108, STATUS_E_NOMEM = 200 };

/* ---- percent-encoding ------------------------------------------------------ */

static int hex_value(char c)
{
    if (mig_is_digit(c))
        return c - '0';
    c = mig_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %00 is refused as well: no part of a URL may end early in the hands of a C library. */
static int escape_value(const char *at, size_t left)
{
    if (left < 3)
        return -1;
    int high = hex_value(at[1]), low = hex_value(at[2]);
    return high < 0 || low < 0 || (high == 0 && low == 0) ? -1 : high * 16 + low;
}

char *mig_url_decode(const char *text, size_t len, size_t *bad)
{
    char *out = malloc(len + 1);
    if (!out) {
        *bad = SIZE_MAX;
        return NULL;
    }
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '%') {
            out[n++] = text[i];
            continue;
        }
        int value = escape_value(text + i, len - i);
        if (value < 0) {
            mig_wipe(out, n);
            free(out);
            *bad = i;
            return NULL;
        }
        out[n++] = (char)value;
        i += 2;
    }
    out[n] = '\0';
    return out;
}

/* ---- reading --------------------------------------------------------------- */

/* Where the parts of a URL stand, before anything is decoded. Absent: begin NULL. */
struct span {
    const char *begin;
    size_t len;
};

struct reader {
    const char *text;
    struct mig_diag *diag;
};

static size_t scheme_length(const char *text)
{
    size_t n = 0;
    if (!mig_is_alpha(text[0]))
        return 0;
    while (mig_is_alpha(text[n]) || mig_is_digit(text[n]) || text[n] == '+' || text[n] == '-' ||
           text[n] == '.')
        n++;
    return text[n] == ':' ? n : 0;
}

static int32_t fail_at(const struct reader *r, const char *at, const char *what, const char *remedy)
{
    (void)mig_diag_set(r->diag, STATUS_E_URL, "the database URL cannot be read: %s", what);
    mig_diag_hint(r->diag, "At character %zu: %s.", mig_utf8_count(r->text, (size_t)(at - r->text)) + 1,
                  remedy);
    return STATUS_E_URL;
}

static int32_t take(const struct reader *r, struct span part, char **out)
{
    if (!part.begin)
        return 0;
    size_t bad;
    *out = mig_url_decode(part.begin, part.len, &bad);
    if (*out)
        return 0;
    if (bad == SIZE_MAX)
        return mig_diag_set(r->diag, STATUS_E_NOMEM, "out of memory");
    return fail_at(r, part.begin + bad, "a '%' is not followed by two hex digits",
                   "write a '%' that is meant literally as %25");
}

static bool port_valid(struct span port)
{
    unsigned value = 0;
    for (size_t i = 0; i < port.len; i++) {
        if (!mig_is_digit(port.begin[i]) || value > 65535)
            return false;
        value = value * 10 + (unsigned)(port.begin[i] - '0');
    }
    return value >= 1 && value <= 65535;
}

/* Cuts "host:port", "[v6]:port"; an empty port counts as none. */
static int32_t cut_host(const struct reader *r, struct span one, struct span *host, struct span *port)
{
    const char *end = one.begin + one.len;
    const char *colon = memchr(one.begin, ':', one.len);
    *host = one;
    if (one.len && one.begin[0] == '[') {
        const char *close = memchr(one.begin, ']', one.len);
        if (!close || (close + 1 < end && close[1] != ':'))
            return fail_at(r, one.begin, "the '[' of an IPv6 address is not closed", "write [ADDRESS]:PORT");
        *host = (struct span){ one.begin + 1, (size_t)(close - one.begin - 1) };
        colon = close + 1 < end ? close + 1 : NULL;
    } else if (colon) {
        host->len = (size_t)(colon - one.begin);
    }
    if (!colon || colon + 1 == end)
        return 0;
    *port = (struct span){ colon + 1, (size_t)(end - colon - 1) };
    if (port_valid(*port))
        return 0;
    return fail_at(r, port->begin, "the port is not a number from 1 to 65535",
                   "write HOST:PORT; in a user name or password write '/' as %2F, '?' as %3F, '#' as %23, "
                   "'@' as %40 and ':' as %3A");
}

/* Several hosts stay one text, each of them looked at. */
static int32_t read_hosts(struct mig_url *url, const struct reader *r, struct span hosts)
{
    struct span host, port = { NULL, 0 };
    if (!memchr(hosts.begin, ',', hosts.len)) {
        int32_t rc = cut_host(r, hosts, &host, &port);
        if (rc == 0 && host.len)
            rc = take(r, host, &url->host);
        return rc ? rc : take(r, port, &url->port);
    }
    for (const char *at = hosts.begin, *end = hosts.begin + hosts.len; at <= end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        size_t len = (size_t)((comma ? comma : end) - at);
        int32_t rc = cut_host(r, (struct span){ at, len }, &host, &port);
        if (rc)
            return rc;
        at += len + 1;
    }
    return take(r, hosts, &url->host);
}

static int32_t read_user(struct mig_url *url, const struct reader *r, struct span info)
{
    const char *colon = memchr(info.begin, ':', info.len);
    struct span user = info, password = { NULL, 0 };
    if (colon) {
        user.len = (size_t)(colon - info.begin);
        password = (struct span){ colon + 1, info.len - user.len - 1 };
    }
    int32_t rc = user.len ? take(r, user, &url->user) : 0;
    return rc ? rc : take(r, password, &url->password);
}

static int32_t read_authority(struct mig_url *url, const struct reader *r, struct span authority)
{
    const char *at = memchr(authority.begin, '@', authority.len);
    struct span hosts = authority;
    if (at) {
        struct span info = { authority.begin, (size_t)(at - authority.begin) };
        hosts = (struct span){ at + 1, authority.len - info.len - 1 };
        const char *second = memchr(hosts.begin, '@', hosts.len);
        if (second)
            return fail_at(r, at, "there is an unescaped '@' in the user name or password",
                           "write '@' in a user name or password as %40");
        int32_t rc = read_user(url, r, info);
        if (rc)
            return rc;
    }
    return read_hosts(url, r, hosts);
}

static int32_t read_param(struct mig_url *url, const struct reader *r, struct span one)
{
    const char *equals = memchr(one.begin, '=', one.len);
    struct span key = one, value = { one.begin + one.len, 0 };
    if (equals) {
        key.len = (size_t)(equals - one.begin);
        value = (struct span){ equals + 1, one.len - key.len - 1 };
    }
    struct mig_url_param *param = &url->params[url->n_params];
    *param = (struct mig_url_param){ NULL, NULL };
    url->n_params++;
    int32_t rc = take(r, key, &param->key);
    return rc ? rc : take(r, value, &param->value);
}

static int32_t read_query(struct mig_url *url, const struct reader *r, const char *query)
{
    size_t cap = 0;
    while (*query) {
        size_t len = strcspn(query, "&");
        if (len) {
            if (!mig_grow(&url->params, &cap, url->n_params + 1, sizeof *url->params))
                return mig_diag_set(r->diag, STATUS_E_NOMEM, "out of memory");
            int32_t rc = read_param(url, r, (struct span){ query, len });
            if (rc)
                return rc;
        }
        query += len + (query[len] == '&');
    }
    return 0;
}

/* Behind "scheme://": authority, then path. */
static int32_t read_net(struct mig_url *url, const struct reader *r, const char *at)
{
    struct span authority = { at, strcspn(at, "/?#") };
    struct span path = { NULL, 0 };
    const char *rest = at + authority.len;
    const char *hash = strchr(at, '#');
    url->authority = true;
    if (hash)
        return fail_at(r, hash, "there is an unescaped '#'", "write '#' as %23");
    int32_t rc = read_authority(url, r, authority);
    if (rc == 0 && *rest == '/') {
        path = (struct span){ rest + 1, strcspn(rest + 1, "?") };
        rest = path.begin + path.len;
        if (path.len)
            rc = take(r, path, &url->path);
    }
    return rc == 0 && *rest == '?' ? read_query(url, r, rest + 1) : rc;
}

/* Behind "scheme:": a path alone, in which '#' is a character like any other. */
static int32_t read_opaque(struct mig_url *url, const struct reader *r, const char *at)
{
    struct span path = { at, strcspn(at, "?") };
    int32_t rc = path.len ? take(r, path, &url->path) : 0;
    return rc == 0 && at[path.len] == '?' ? read_query(url, r, at + path.len + 1) : rc;
}

static int32_t read_url(struct mig_url *url, const struct reader *r)
{
    size_t n = scheme_length(r->text);
    if (n == 0)
        return fail_at(r, r->text, "it does not begin with a scheme",
                       "write sqlite:FILE, postgres://HOST/DATABASE or mysql://HOST/DATABASE");
    url->scheme = mig_strndup(r->text, n);
    if (!url->scheme)
        return mig_diag_set(r->diag, STATUS_E_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        url->scheme[i] = mig_lower(url->scheme[i]);
    const char *rest = r->text + n + 1;
    return mig_starts(rest, "//") ? read_net(url, r, rest + 2) : read_opaque(url, r, rest);
}

int32_t mig_url_parse(struct mig_url *url, const char *text, struct mig_diag *diag)
{
    struct reader r = { text, diag };
    *url = (struct mig_url){ 0 };
    int32_t rc = read_url(url, &r);
    if (rc)
        mig_url_free(url);
    return rc;
}

void mig_url_free(struct mig_url *url)
{
    free(url->scheme);
    free(url->user);
    mig_wipe_free(url->password);
    free(url->host);
    free(url->port);
    free(url->path);
    for (size_t i = 0; i < url->n_params; i++) {
        free(url->params[i].key);
        mig_wipe_free(url->params[i].value);
    }
    free(url->params);
    *url = (struct mig_url){ 0 };
}

const char *mig_url_param(const struct mig_url *url, const char *key)
{
    for (size_t i = 0; i < url->n_params; i++)
        if (strcmp(url->params[i].key, key) == 0)
            return url->params[i].value;
    return NULL;
}

void mig_url_scheme(const char *text, char *out, size_t size)
{
    size_t n = scheme_length(text);
    if (n >= size)
        n = 0;
    for (size_t i = 0; i < n; i++)
        out[i] = mig_lower(text[i]);
    out[n] = '\0';
}
