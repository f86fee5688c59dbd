/* SPDX-License-Identifier: Apache-2.0 */

/* Several hosts: libpq goes on to the next one when a host refuses, but only its blocking calls know when one
 * has been silent for too long. */

#include <string.h>

#include "pg.h"

struct item {
    const char *at;
    size_t      len;
};

/* Element @p i of a comma-separated list; the only one of a list of one stands for all. */
static struct item item_at(const char *list, size_t i, size_t n)
{
    struct item it = { list ? list : "", 0 };
    bool single = !strchr(it.at, ',');
    for (size_t k = 0; k < i && !(single && n > 1); k++) {
        const char *comma = strchr(it.at, ',');
        it.at = comma ? comma + 1 : it.at + strlen(it.at);
    }
    it.len = strcspn(it.at, ",");
    return it;
}

static size_t count(const char *list)
{
    if (!list)
        return 0;
    size_t n = 1;
    for (; *list; list++)
        n += *list == ',';
    return n;
}

static bool is(struct item it, const char *text, const char *otherwise)
{
    if (!it.len)
        return text && otherwise && strcmp(text, otherwise) == 0;
    return text && strlen(text) == it.len && memcmp(text, it.at, it.len) == 0;
}

static void append(struct mig_buf *out, struct item it, bool first)
{
    if (!first)
        mig_buf_char(out, ',');
    mig_buf_add(out, it.at, it.len);
}

static const char *in_force(const struct mig_pg_params *p, const char *key)
{
    for (size_t i = 0; i < p->n; i++) {
        if (strcmp(p->keys[i], key) == 0)
            return p->values[i];
    }
    return NULL;
}

bool mig_pg_params_next_host(struct mig_pg_params *p, const PGconn *pg)
{
    const char *hosts = in_force(p, "host"), *ports = in_force(p, "port"),
               *addresses = in_force(p, "hostaddr");
    size_t n = count(hosts) > count(addresses) ? count(hosts) : count(addresses);
    struct mig_buf h = MIG_BUF_INIT, s = MIG_BUF_INIT, a = MIG_BUF_INIT;
    size_t kept = 0;
    bool dropped = false;
    for (size_t i = 0; i < n; i++) {
        struct item host = item_at(hosts, i, n), port = item_at(ports, i, n),
                    address = item_at(addresses, i, n);
        bool silent = is(host.len ? host : address, PQhost(pg), NULL) && is(port, PQport(pg), "5432");
        if (silent && !dropped) {
            dropped = true;
            continue;
        }
        append(&h, host, kept == 0);
        append(&s, port, kept == 0);
        append(&a, address, kept == 0);
        kept++;
    }
    bool more = dropped && kept && !h.oom && !s.oom && !a.oom;
    if (more) {
        mig_buf_free(&p->hosts);
        mig_buf_free(&p->ports);
        mig_buf_free(&p->addresses);
        p->hosts = h;
        p->ports = s;
        p->addresses = a;
        return true;
    }
    mig_buf_free(&h);
    mig_buf_free(&s);
    mig_buf_free(&a);
    return false;
}
