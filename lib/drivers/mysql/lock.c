/* SPDX-License-Identifier: Apache-2.0 */

/* GET_LOCK. Its name has room for 64 characters and its case counts on one server and not on the other, so it is a
 * hash of the key, made by the server. */

#include <stdlib.h>
#include <string.h>

#include "drivers/mysql/conn.h"
#include "util/mem.h"

static void add_name(struct mig_buf *out, const char *key)
{
    mig_buf_str(out, "CONCAT('lm:',LEFT(SHA2(");
    mig_my_literal(out, key, strlen(key));
    mig_buf_str(out, ",256),40))");
}

static int32_t take_int(void *user, uint32_t n, const migrate_text *cols)
{
    int64_t *out = user;
    *out = n && cols[0].data ? strtoll(cols[0].data, NULL, 10) : -1;
    return 0;
}

/* Runs what is in c->text, which yields one number; -1 for NULL or no row. */
static migrate_status ask_int(struct mig_my *c, int64_t *out, migrate_error **err)
{
    *out = -1;
    if (c->text.oom)
        return mig_my_nomem(c->host, err);
    return mig_my_query(c, mig_buf_text(&c->text), c->text.len, take_int, out, err);
}

/* ---- who holds it --------------------------------------------------------------------------- */

struct holding {
    struct mig_my *c;
    bool           somebody, oom;
    char          *texts[4]; /* id, user, host, doing */
};

static int32_t take_holder(void *user, uint32_t n, const migrate_text *cols)
{
    struct holding *h = user;
    h->somebody = n >= 4 && cols[0].data;
    for (uint32_t i = 0; h->somebody && i < 4; i++) {
        free(h->texts[i]);
        h->texts[i] = cols[i].data && cols[i].len ? mig_strdup(cols[i].data) : NULL;
        h->oom |= cols[i].data && cols[i].len && !h->texts[i];
    }
    return 0;
}

static int32_t take_program(void *user, uint32_t n, const migrate_text *cols)
{
    struct mig_buf *out = user;
    if (n && cols[0].data)
        mig_buf_str(out, cols[0].data);
    return 0;
}

/* What the client said when it connected; needs a right on performance_schema, so no answer is no failure. */
static void ask_program(struct mig_my *c, const char *id, struct mig_buf *out)
{
    if (c->mariadb || !c->facts || !c->facts->performance_schema || c->lost)
        return;
    mig_buf_reset(&c->text);
    mig_buf_fmt(&c->text, "SELECT attr_value FROM performance_schema.session_connect_attrs WHERE processlist_id=%llu "
                          "AND attr_name='program_name'", strtoull(id, NULL, 10));
    if (!c->text.oom)
        (void)mig_my_query(c, mig_buf_text(&c->text), c->text.len, take_program, out, NULL);
}

/* Texts go one after another into c->out, which nothing else touches until the next call. */
static size_t place(struct mig_buf *out, const char *text)
{
    if (!text)
        return SIZE_MAX;
    size_t at = out->len;
    mig_buf_add(out, text, strlen(text) + 1);
    return at;
}

static const char *placed(const struct mig_buf *out, size_t at)
{
    return at == SIZE_MAX || out->oom ? NULL : mig_buf_text(out) + at;
}

static void fill_holder(struct mig_my *c, const struct holding *h, migrate_holder *out)
{
    struct mig_buf program = MIG_BUF_INIT;
    ask_program(c, h->texts[0], &program);
    mig_buf_reset(&c->out);
    char *id = mig_sprintf("%s@%llu/%s", h->texts[0], (unsigned long long)c->facts->boot,
                           h->texts[1] ? h->texts[1] : "");
    size_t at[5] = { place(&c->out, id), place(&c->out, program.len ? mig_buf_text(&program) : NULL),
                     place(&c->out, h->texts[2]), place(&c->out, h->texts[1]), place(&c->out, h->texts[3]) };
    free(id);
    mig_buf_free(&program);
    const migrate_holder holder = { .struct_size = sizeof holder, .session_id = placed(&c->out, at[0]),
                                    .application = placed(&c->out, at[1]), .host = placed(&c->out, at[2]),
                                    .user = placed(&c->out, at[3]), .doing = placed(&c->out, at[4]) };
    mig_my_give(out, &holder, sizeof holder);
}

static migrate_status holder_of(struct mig_my *c, const char *key, migrate_holder *out, bool *somebody, migrate_error **err)
{
    struct holding h = { .c = c };
    migrate_status status = c->facts ? MIGRATE_OK : mig_my_facts_load(c, err);
    if (status)
        return status;
    mig_buf_reset(&c->text);
    mig_buf_str(&c->text, "SELECT l.id,p.user,p.host,COALESCE(LEFT(p.info,200),p.command) FROM (SELECT IS_USED_LOCK(");
    add_name(&c->text, key);
    mig_buf_str(&c->text, ") AS id) l LEFT JOIN information_schema.processlist p ON p.id=l.id");
    status = c->text.oom ? mig_my_nomem(c->host, err)
                         : mig_my_query(c, mig_buf_text(&c->text), c->text.len, take_holder, &h, err);
    if (!status && h.oom)
        status = mig_my_nomem(c->host, err);
    *somebody = h.somebody;
    if (!status && h.somebody && out)
        fill_holder(c, &h, out);
    for (size_t i = 0; i < 4; i++)
        free(h.texts[i]);
    return status;
}

/* ---- the members -------------------------------------------------------------------------------- */

migrate_status mig_my_try_lock(void *conn, const char *key, migrate_holder *holder, migrate_error **err)
{
    struct mig_my *c = conn;
    int64_t got;
    bool somebody;
    migrate_status status = mig_my_enter(c, err);
    if (status)
        return status;
    mig_buf_reset(&c->text);
    mig_buf_str(&c->text, "SELECT IF(IS_USED_LOCK(");
    add_name(&c->text, key);
    mig_buf_str(&c->text, ")<=>CONNECTION_ID(),0,GET_LOCK(");
    add_name(&c->text, key);
    mig_buf_str(&c->text, ",0))");
    status = ask_int(c, &got, err);
    if (!status && got == 1)
        mig_my_link_holds(c->link, !c->adopted);
    if (status || got == 1)
        return status;
    if (holder)
        status = holder_of(c, key, holder, &somebody, err);
    return status ? status : MIGRATE_BUSY;
}

migrate_status mig_my_unlock(void *conn, const char *key, migrate_error **err)
{
    struct mig_my *c = conn;
    int64_t got;
    migrate_status status = mig_my_enter(c, err);
    if (status)
        return status;
    mig_buf_reset(&c->text);
    mig_buf_str(&c->text, "SELECT RELEASE_LOCK(");
    add_name(&c->text, key);
    mig_buf_char(&c->text, ')');
    status = ask_int(c, &got, err);
    if (!status && got != 1)
        status = mig_my_refuse(c->host, err, MIGRATE_E_LOCK_LOST, MIGRATE_FAULT_OTHER,
                               "the migration lock was not held by this session any more", NULL);
    return status;
}

migrate_status mig_my_lock_holder(void *conn, const char *key, migrate_holder *holder, migrate_error **err)
{
    struct mig_my *c = conn;
    bool somebody = false;
    migrate_status status = mig_my_enter(c, err);
    if (!status)
        status = holder_of(c, key, holder, &somebody, err);
    return status ? status : somebody ? MIGRATE_OK : MIGRATE_DONE;
}
