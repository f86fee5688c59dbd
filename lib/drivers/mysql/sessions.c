/* SPDX-License-Identifier: Apache-2.0 */

/* Other sessions of the server, named as info() names them: NUMBER@START/USER. */

#include <stdlib.h>
#include <string.h>

#include "drivers/mysql/conn.h"
#include "util/mem.h"

enum { BOOT_SLACK_S = 2 }; /* uptime and clock are read a moment apart */

struct session {
    uint64_t    id, boot;
    const char *user;
};

static bool parse(const char *text, struct session *out)
{
    char *end;
    out->id = strtoull(text, &end, 10);
    if (end == text || *end != '@')
        return false;
    const char *boot = end + 1;
    out->boot = strtoull(boot, &end, 10);
    if (end == boot || *end != '/')
        return false;
    out->user = end + 1;
    return true;
}

struct seen {
    bool    there, all;
    int64_t boot;
};

static int32_t take_seen(void *user, uint32_t n, const migrate_text *cols)
{
    struct seen *s = user;
    if (n >= 1 && cols[0].data)
        s->there = strcmp(cols[0].data, "0") != 0;
    return 0;
}

static int32_t take_privilege(void *user, uint32_t n, const migrate_text *cols)
{
    struct seen *s = user;
    s->all = n >= 1 && cols[0].data && strcmp(cols[0].data, "0") != 0;
    return 0;
}

static bool same_boot(uint64_t a, uint64_t b)
{
    return (a > b ? a - b : b - a) <= BOOT_SLACK_S;
}

static migrate_status look(struct mig_my *c, const struct session *s, struct seen *seen, migrate_error **err)
{
    migrate_status status = mig_my_facts_load(c, err);
    if (status)
        return status;
    mig_buf_reset(&c->text);
    mig_buf_fmt(&c->text, "SELECT COUNT(*) FROM information_schema.processlist WHERE id=%llu", (unsigned long long)s->id);
    if (c->text.oom)
        return mig_my_nomem(c->host, err);
    status = mig_my_query(c, mig_buf_text(&c->text), c->text.len, take_seen, seen, err);
    if (status || seen->there || (c->facts->user && strcmp(s->user, c->facts->user) == 0)) {
        seen->all = true;
        return status;
    }
    static const char sql[] = "SELECT COUNT(*) FROM information_schema.user_privileges WHERE privilege_type='PROCESS'";
    return mig_my_query(c, sql, sizeof sql - 1, take_privilege, seen, err);
}

static migrate_status not_ours(struct mig_my *c, const char *session_id, migrate_error **err)
{
    char *message = mig_sprintf("'%s' names no session of a MySQL server", session_id);
    migrate_status status = mig_my_refuse(c->host, err, MIGRATE_E_ARGUMENT, MIGRATE_FAULT_OTHER, message, NULL);
    free(message);
    return status;
}

migrate_status mig_my_session_state(void *conn, const char *session_id, uint32_t *out, migrate_error **err)
{
    struct mig_my *c = conn;
    struct session s;
    struct seen seen = { 0 };
    migrate_status status = mig_my_enter(c, err);
    if (status)
        return status;
    if (!parse(session_id, &s))
        return not_ours(c, session_id, err);
    status = look(c, &s, &seen, err);
    if (status)
        return status;
    if (!same_boot(s.boot, c->facts->boot))
        *out = MIGRATE_SESSION_GONE;
    else if (seen.there)
        *out = MIGRATE_SESSION_ALIVE;
    else
        *out = seen.all ? MIGRATE_SESSION_GONE : MIGRATE_SESSION_UNKNOWN;
    return MIGRATE_OK;
}

migrate_status mig_my_session_end(void *conn, const char *session_id, migrate_error **err)
{
    enum { NO_SUCH_THREAD = 1094 };
    struct mig_my *c = conn;
    struct session s;
    migrate_status status = mig_my_enter(c, err);
    if (status)
        return status;
    if (!parse(session_id, &s))
        return not_ours(c, session_id, err);
    status = mig_my_facts_load(c, err);
    if (status || !same_boot(s.boot, c->facts->boot))
        return status;
    mig_buf_reset(&c->text);
    mig_buf_fmt(&c->text, "KILL %llu", (unsigned long long)s.id);
    struct mig_my_packet *p = mig_my_packet_new(c);
    if (c->text.oom || !mig_my_packet_add_text(p, mig_buf_text(&c->text), c->text.len, MIGRATE_STMT_BOOKKEEPING))
        return mig_my_nomem(c->host, err);
    (void)mig_my_run(c, NULL, NULL);
    size_t bad = mig_my_first_bad(c);
    if (bad == p->n || mig_my_answer_of(c, bad)->code == NO_SUCH_THREAD)
        return MIGRATE_OK;
    return mig_my_fail_slot(c, bad, err);
}
