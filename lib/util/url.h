/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_UTIL_URL_H
#define MIG_UTIL_URL_H

/* URLs by RFC 3986, as far as database URLs need it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mig_diag;

/* One `key=value` of the query, decoded. */
struct mig_url_param {
    char *key;
    char *value;
};

/* Parts, decoded; NULL where absent. "sqlite:FILE" has a path only. */
struct mig_url {
    char *scheme; /* lower case */
    char *user;
    char *password;
    char *host; /* without [] of an IPv6 address; several hosts stay one string */
    char *port; /* as written */
    char *path; /* without the leading '/' after an authority */
    bool  authority; /* "//" follows the scheme */
    struct mig_url_param *params;
    size_t n_params;
};

/* E_URL with a hint that says where: bad escape, bad port, an unescaped '@' in the password (the host
 * part then holds an '@'). The message never quotes user, password or the whole URL. */
int32_t mig_url_parse(struct mig_url *url, const char *text, struct mig_diag *diag);
void mig_url_free(struct mig_url *url); /* wipes the password */
const char *mig_url_param(const struct mig_url *url, const char *key); /* NULL if absent */

/* The scheme of @p text in lower case into @p out, "" if there is none or it does not fit. */
void mig_url_scheme(const char *text, char *out, size_t size);

/* Copy of @p text with every query parameter removed for which @p take says true (it gets key and
 * decoded value); everything else stays byte for byte, so that a client library reads its own URL.
 * NULL when memory is out. */
char *mig_url_strip(const char *text, bool (*take)(void *user, const char *key, const char *value), void *user);

/* Copy of @p text with the password (also password= in the query) replaced by "***"; safe to print. */
char *mig_url_redact(const char *text);

/* Copy with %XX decoded; NULL and *@p bad set to the offset of a bad escape (SIZE_MAX: memory). */
char *mig_url_decode(const char *text, size_t len, size_t *bad);

#endif
