/* SPDX-License-Identifier: Apache-2.0 */
#include "core/login.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "util/mem.h"
#include "util/text.h"

uint32_t migrate_login_reason(const migrate_login *login)
{
    return login ? login->reason : 0;
}

const char *migrate_login_url(const migrate_login *login)
{
    return login && login->url ? login->url : "";
}

int64_t migrate_login_remaining_ms(const migrate_login *login)
{
    return login ? login->remaining_ms : 0;
}

static char **slot_of(struct migrate_login *login, const char *key)
{
    const struct {
        const char *key;
        char **slot;
    } slots[] = {
        { MIGRATE_LOGIN_USER, &login->user },         { MIGRATE_LOGIN_PASSWORD, &login->password },
        { MIGRATE_LOGIN_TOKEN, &login->token },       { MIGRATE_LOGIN_ROLE, &login->role },
        { MIGRATE_LOGIN_HOST, &login->host },         { MIGRATE_LOGIN_PORT, &login->port },
        { MIGRATE_LOGIN_DATABASE, &login->database }, { MIGRATE_LOGIN_AGAIN, &login->again },
    };
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
        if (strcmp(slots[i].key, key) == 0)
            return slots[i].slot;
    return NULL;
}

migrate_status migrate_login_set(migrate_login *login, const char *key, const char *value,
                                 migrate_error **err)
{
    if (!login || !key)
        return mig_fail(err, MIGRATE_E_ARGUMENT, "migrate_login_set: login or key is NULL");
    char **slot = slot_of(login, key);
    if (!slot) {
        migrate_status status = mig_fail(err, MIGRATE_E_OPTION, "no value of a log-in is called %s", key);
        mig_error_hint(err, "They are user, password, token, role, host, port, database and again.");
        return status;
    }
    char *copy = mig_strdup(value);
    if (value && !copy)
        return mig_fail_nomem(err);
    mig_wipe_free(*slot);
    *slot = copy;
    return MIGRATE_OK;
}

void mig_login_clear(struct migrate_login *login)
{
    char **all[] = { &login->user, &login->password, &login->token,   &login->role,
                     &login->host, &login->port,     &login->database, &login->again };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        mig_wipe_free(*all[i]);
        *all[i] = NULL;
    }
}

/* What a migrate_credentials lends, behind its `opaque`. */
static void release(struct migrate_credentials *c)
{
    struct migrate_login *kept = c->opaque;
    if (kept)
        mig_login_clear(kept);
    free(kept);
    c->user = c->password = c->role = c->host = NULL;
    if (MIGRATE_HAS(migrate_credentials, c, database))
        c->database = NULL;
    c->opaque = NULL;
    c->release = NULL;
}

static bool read_port(const char *text, uint32_t *port)
{
    *port = 0;
    if (!text || !*text)
        return true;
    for (; mig_is_digit(*text) && *port <= 65535; text++)
        *port = *port * 10 + (uint32_t)(*text - '0');
    return *text == '\0' && *port >= 1 && *port <= 65535;
}

migrate_status mig_login_to_credentials(struct migrate_login *login, migrate_credentials *out,
                                        migrate_error **err)
{
    uint32_t port;
    if (!MIGRATE_HAS(migrate_credentials, out, opaque))
        return mig_fail(err, MIGRATE_E_STRUCT_SIZE,
                        "the driver's migrate_credentials has no usable struct_size");
    if (!read_port(login->port, &port))
        return mig_fail(err, MIGRATE_E_OPTION,
                        "the port given with the credentials is not a number from 1 to 65535");
    struct migrate_login *kept = malloc(sizeof *kept);
    if (!kept)
        return mig_fail_nomem(err);
    *kept = *login;
    kept->url = NULL;
    login->user = login->password = login->token = login->role = login->host = login->port = login->database =
        login->again = NULL;
    out->user = kept->user;
    out->password = kept->token ? kept->token : kept->password;
    out->role = kept->role;
    out->host = kept->host;
    out->port = port;
    out->flags = kept->token ? 1u : 0u;
    if (MIGRATE_HAS(migrate_credentials, out, database))
        out->database = kept->database;
    out->release = release;
    out->opaque = kept;
    return MIGRATE_OK;
}
