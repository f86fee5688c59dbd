/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/canonical.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/sha256.h"
#include "util/text.h"

void mig_canonical_free(struct mig_canonical *c)
{
    mig_buf_wipe(&c->headers); /* the session token is among them */
    mig_buf_free(&c->signed_names);
    mig_buf_wipe(&c->request);
}

void mig_sigv4_encode(struct mig_buf *out, const char *text, size_t len, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool plain = mig_is_alpha((char)c) || mig_is_digit((char)c) || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain || (keep_slash && c == '/')) {
            mig_buf_char(out, (char)c);
        } else {
            char escape[3] = { '%', digits[c >> 4], digits[c & 15] };
            mig_buf_add(out, escape, 3);
        }
    }
}

/* ---- headers ------------------------------------------------------------------- */

/* Lower-case names; several of one name are joined in the order given. */
static int by_name(const void *a, const void *b)
{
    const struct mig_http_header *x = *(const struct mig_http_header *const *)a;
    const struct mig_http_header *y = *(const struct mig_http_header *const *)b;
    for (size_t i = 0;; i++) {
        char p = mig_lower(x->name[i]), q = mig_lower(y->name[i]);
        if (p != q)
            return (unsigned char)p < (unsigned char)q ? -1 : 1;
        if (!p)
            return x < y ? -1 : x > y;
    }
}

static void add_lower(struct mig_buf *out, const char *text)
{
    for (; *text; text++)
        mig_buf_char(out, mig_lower(*text));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Without blanks at the ends, runs of them as one. */
static void add_trimmed(struct mig_buf *out, const char *value)
{
    while (is_blank(*value))
        value++;
    size_t len = strlen(value);
    while (len && is_blank(value[len - 1]))
        len--;
    for (size_t i = 0; i < len; i++) {
        if (!is_blank(value[i]))
            mig_buf_char(out, value[i]);
        else if (!is_blank(value[i + 1]))
            mig_buf_char(out, ' ');
    }
}

static void write_headers(struct mig_canonical *c, const struct mig_http_header *const *sorted, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool again = i && mig_ieq(sorted[i]->name, sorted[i - 1]->name);
        if (again) {
            mig_buf_char(&c->headers, ',');
        } else {
            if (i) {
                mig_buf_char(&c->headers, '\n');
                mig_buf_char(&c->signed_names, ';');
            }
            add_lower(&c->headers, sorted[i]->name);
            mig_buf_char(&c->headers, ':');
            add_lower(&c->signed_names, sorted[i]->name);
        }
        add_trimmed(&c->headers, sorted[i]->value);
    }
    mig_buf_char(&c->headers, '\n');
}

bool mig_canonical_headers(struct mig_canonical *c, const struct mig_sigv4 *s, const char *date)
{
    const struct mig_http_header own[] = {
        { "host", s->host },
        { "x-amz-date", date },
        { "x-amz-security-token", s->keys->session_token },
    };
    size_t n_own = !date ? 1 : s->keys->session_token ? 3 : 2;
    const struct mig_http_header **sorted = malloc((s->n_headers + n_own) * sizeof *sorted);
    if (!sorted)
        return false;
    for (size_t i = 0; i < n_own; i++)
        sorted[i] = &own[i];
    for (size_t i = 0; i < s->n_headers; i++)
        sorted[n_own + i] = &s->headers[i];
    qsort(sorted, s->n_headers + n_own, sizeof *sorted, by_name);
    (void)mig_buf_reserve(&c->headers, 4096); /* tokens are long: no copies left behind by growing */
    write_headers(c, sorted, s->n_headers + n_own);
    free(sorted);
    return !c->headers.oom && !c->signed_names.oom;
}

/* ---- path ---------------------------------------------------------------------- */

/* Takes "." and ".." and doubled slashes out, then encodes what is encoded already once more. */
static void add_path(struct mig_buf *out, const char *path)
{
    size_t begin = out->len;
    for (const char *at = path; *at;) {
        size_t slashes = strspn(at, "/"), len = strcspn(at + slashes, "/");
        const char *part = at + slashes;
        at = part + len;
        if (len == 2 && part[0] == '.' && part[1] == '.') {
            bool inside = out->len > begin;
            while (inside && out->data[--out->len] != '/')
                ;
            if (inside)
                out->data[out->len] = '\0';
        } else if (len && !(len == 1 && part[0] == '.')) {
            mig_buf_char(out, '/');
            mig_sigv4_encode(out, part, len, false);
        }
    }
    size_t whole = strlen(path);
    if (out->len == begin || (whole && path[whole - 1] == '/'))
        mig_buf_char(out, '/');
}

/* ---- query --------------------------------------------------------------------- */

struct pair {
    struct mig_buf name, value;
};

static int by_pair(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int order = strcmp(mig_buf_text(&x->name), mig_buf_text(&y->name));
    return order ? order : strcmp(mig_buf_text(&x->value), mig_buf_text(&y->value));
}

static int hex_value(char c)
{
    if (mig_is_digit(c))
        return c - '0';
    c = mig_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* However the sender has encoded it, in the one way that counts. */
static void add_again(struct mig_buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int high = text[i] == '%' && i + 2 < len ? hex_value(text[i + 1]) : -1;
        int low = high < 0 ? -1 : hex_value(text[i + 2]);
        char c = low < 0 ? text[i] : (char)(high * 16 + low);
        if (low >= 0)
            i += 2;
        mig_sigv4_encode(out, &c, 1, false);
    }
}

static bool add_query(struct mig_buf *out, const char *query)
{
    size_t n = 0, most = 1;
    for (const char *at = query; *at; at++)
        most += *at == '&';
    struct pair *pairs = calloc(most, sizeof *pairs);
    if (!pairs)
        return false;
    for (const char *at = query; *at;) {
        size_t len = strcspn(at, "&"), name = 0;
        while (name < len && at[name] != '=')
            name++;
        if (len) {
            (void)mig_buf_reserve(&pairs[n].value, 3 * len); /* of the token too: no copies by growing */
            add_again(&pairs[n].name, at, name);
            add_again(&pairs[n].value, at + name + 1, name < len ? len - name - 1 : 0);
            n++;
        }
        at += len + (at[len] == '&');
    }
    bool good = true;
    qsort(pairs, n, sizeof *pairs, by_pair);
    for (size_t i = 0; i < n; i++) {
        good = good && !pairs[i].name.oom && !pairs[i].value.oom;
        mig_buf_fmt(out, "%s%s=", i ? "&" : "", mig_buf_text(&pairs[i].name));
        mig_buf_add(out, mig_buf_text(&pairs[i].value), pairs[i].value.len);
        mig_buf_free(&pairs[i].name);
        mig_buf_wipe(&pairs[i].value);
    }
    free(pairs);
    return good;
}

/* ---- the whole ----------------------------------------------------------------- */

bool mig_canonical_request(struct mig_canonical *c, const struct mig_sigv4 *s, const char *query)
{
    uint8_t digest[MIG_SHA256_LEN];
    char hex[MIG_SHA256_HEX + 1];
    struct mig_buf *out = &c->request;
    mig_sha256(s->body ? s->body : "", s->body_len, digest);
    mig_hex(digest, sizeof digest, hex);
    (void)mig_buf_reserve(out, c->headers.len + 3 * (query ? strlen(query) : 0) + 1024);
    mig_buf_fmt(out, "%s\n", s->method);
    add_path(out, s->path);
    mig_buf_char(out, '\n');
    if (query && *query && !add_query(out, query))
        return false;
    mig_buf_char(out, '\n');
    mig_buf_add(out, mig_buf_text(&c->headers), c->headers.len);
    mig_buf_fmt(out, "\n%s\n%s", mig_buf_text(&c->signed_names), hex);
    return !out->oom;
}
