/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of a URL with something left out: parameters that are ours, and what must not be shown. */
#include "util/url.h"

#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/text.h"

/* One `key=value` of a query, decoded where it can be. */
struct param {
    char *key;
    char *value;
};

/* What cannot be decoded is kept as it is written. */
static char *decode(const char *text, size_t len)
{
    size_t bad;
    char *out = mig_url_decode(text, len, &bad);
    return out || bad == SIZE_MAX ? out : mig_strndup(text, len);
}

static bool param_open(struct param *p, const char *text, size_t len)
{
    const char *equals = memchr(text, '=', len);
    size_t key = equals ? (size_t)(equals - text) : len;
    p->key = decode(text, key);
    p->value = equals ? decode(equals + 1, len - key - 1) : mig_strdup("");
    return p->key && p->value;
}

static void param_close(struct param *p)
{
    free(p->key);
    mig_wipe_free(p->value);
}

char *mig_url_strip(const char *text, bool (*take)(void *user, const char *key, const char *value),
                    void *user)
{
    struct mig_buf out = MIG_BUF_INIT;
    const char *at = text + strcspn(text, "?");
    char joint = '?';
    mig_buf_add(&out, text, (size_t)(at - text));
    if (*at)
        at++;
    while (*at) {
        size_t len = strcspn(at, "&");
        struct param p;
        bool opened = param_open(&p, at, len);
        if (!opened) {
            out.oom = true;
        } else if (!take(user, p.key, p.value)) {
            mig_buf_char(&out, joint);
            mig_buf_add(&out, at, len);
            joint = '&';
        }
        param_close(&p);
        at += len + (at[len] == '&');
    }
    return mig_buf_steal(&out);
}

/* ---- what may be shown ----------------------------------------------------- */

static bool contains(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (; *text; text++)
        if (mig_ieqn(text, strnlen(text, n), word))
            return true;
    return false;
}

static bool secret_key(const char *key)
{
    static const char *const words[] = {
        "passw", "pwd", "token", "signature", "client_secret", "credential"
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (contains(key, words[i]))
            return true;
    return false;
}

/* "?a=b&password=c" with the values of secret keys left out. */
static void redact_query(struct mig_buf *out, const char *query)
{
    while (*query) {
        size_t len = 1 + strcspn(query + 1, "&");
        struct param p;
        bool opened = param_open(&p, query + 1, len - 1);
        if (!opened)
            out->oom = true;
        else if (secret_key(p.key) && memchr(query, '=', len)) {
            mig_buf_add(out, query, (size_t)((const char *)memchr(query, '=', len) - query) + 1);
            mig_buf_str(out, "***");
        } else {
            mig_buf_add(out, query, len);
        }
        param_close(&p);
        query += len;
    }
}

/* Is every '@' of a query inside a value? Else it may be one of a password with a '?' in it. */
static bool query_plain(const char *query)
{
    for (const char *at = strchr(query, '@'); at; at = strchr(at + 1, '@')) {
        const char *back = at;
        while (back > query && *back != '=' && *back != '&')
            back--;
        if (*back != '=')
            return false;
    }
    return true;
}

/* The '@' that ends the user's part: by the grammar where the text follows it, else the very last one, so
 * that a password with '@', '/', '?' or '#' in it is never shown in part. NULL: no such part. */
static const char *user_end(const char *text, const char *authority)
{
    struct mig_url url;
    const char *last = strrchr(authority, '@');
    int32_t rc = mig_url_parse(&url, text, NULL);
    bool clean = rc == 0 && url.authority && (!url.path || !strchr(url.path, '@'));
    if (rc == 0)
        mig_url_free(&url);
    size_t path = strcspn(authority, "?");
    if (clean && query_plain(authority + path))
        return memchr(authority, '@', strcspn(authority, "/?"));
    return last;
}

char *mig_url_redact(const char *text)
{
    struct mig_buf out = MIG_BUF_INIT;
    char scheme[64];
    mig_url_scheme(text, scheme, sizeof scheme);
    const char *rest = text + strlen(scheme) + (scheme[0] != '\0');
    if (scheme[0] == '\0' && secret_key(text))
        return mig_strdup("***"); /* "host=… password=…" is no URL, but somebody will try */
    bool net = mig_starts(rest, "//");
    rest += net ? 2 : 0;
    const char *end = user_end(text, rest);
    const char *secret = end ? memchr(rest, ':', (size_t)(end - rest)) : NULL;
    if (secret)
        secret++;
    else if (end && !net)
        secret = rest; /* "user:password@host" without a scheme */
    if (secret) {
        mig_buf_add(&out, text, (size_t)(secret - text));
        mig_buf_str(&out, "***");
        rest = end;
    } else {
        mig_buf_add(&out, text, (size_t)(rest - text));
    }
    size_t path = strcspn(rest, "?");
    mig_buf_add(&out, rest, path);
    redact_query(&out, rest + path);
    return mig_buf_steal(&out);
}
