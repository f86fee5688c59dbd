/* SPDX-License-Identifier: Apache-2.0 */

/* SHOW CREATE, for people. */

#include <stdlib.h>
#include <string.h>

#include "drivers/mysql/conn.h"

struct shape {
    const char *word;
    uint32_t    kind;
    uint32_t    column; /* which holds the text */
};

static const struct shape shapes[] = {
    { "TABLE", MIGRATE_OBJECT_TABLE, 1 },       { "VIEW", MIGRATE_OBJECT_VIEW, 1 },
    { "PROCEDURE", MIGRATE_OBJECT_ROUTINE, 2 }, { "FUNCTION", MIGRATE_OBJECT_ROUTINE, 2 },
    { "TRIGGER", MIGRATE_OBJECT_TRIGGER, 2 },   { "EVENT", MIGRATE_OBJECT_EVENT, 3 },
    { "DATABASE", MIGRATE_OBJECT_DATABASE, 1 }, { "SEQUENCE", MIGRATE_OBJECT_SEQUENCE, 1 },
    { "TABLE", MIGRATE_OBJECT_INDEX, 1 },
};

struct text {
    struct mig_buf *out;
    uint32_t        column;
    bool            found;
};

static int32_t take_text(void *user, uint32_t n, const migrate_text *cols)
{
    struct text *t = user;
    if (n <= t->column)
        return 0;
    t->found = true;
    mig_buf_reset(t->out);
    if (cols[t->column].data)
        mig_buf_add(t->out, cols[t->column].data, cols[t->column].len);
    else
        mig_buf_str(t->out, "(this user may not see the definition)");
    return 0;
}

static bool is_missing(int32_t code)
{
    return code == 1146 || code == 1305 || code == 1360 || code == 1539 || code == 1049 || code == 1051 || code == 1347 ||
           code == 4089 || code == 4091 || code == 4092;
}

static migrate_status show(struct mig_my *c, const struct shape *shape, const migrate_object *o, struct text *t,
                           migrate_error **err)
{
    migrate_text name = o->kind == MIGRATE_OBJECT_INDEX ? o->parent : o->name;
    mig_buf_reset(&c->text);
    mig_buf_fmt(&c->text, "SHOW CREATE %s ", shape->word);
    if (o->schema.data && o->kind != MIGRATE_OBJECT_DATABASE) {
        mig_my_identifier(&c->text, o->schema.data, o->schema.len);
        mig_buf_char(&c->text, '.');
    }
    mig_my_identifier(&c->text, name.data, name.len);
    t->column = shape->column;
    struct mig_my_packet *p = mig_my_packet_new(c);
    mig_my_preamble(c, true);
    migrate_stmt stmt = { .struct_size = sizeof stmt, .flags = MIGRATE_STMT_BOOKKEEPING, .sql = mig_buf_text(&c->text),
                          .sql_len = c->text.len, .on_row = take_text, .on_row_user = t };
    if (c->text.oom || !mig_my_packet_add(p, &stmt))
        return mig_my_nomem(c->host, err);
    (void)mig_my_run(c, NULL, NULL);
    size_t bad = mig_my_first_bad(c);
    if (bad < p->n && !is_missing(mig_my_answer_of(c, bad)->code))
        return mig_my_fail_slot(c, bad, err);
    return MIGRATE_OK;
}

migrate_status mig_my_describe(void *conn, const migrate_object *given, const char **out_text, migrate_error **err)
{
    struct mig_my *c = conn;
    migrate_object object;
    mig_my_take(&object, sizeof object, given);
    migrate_status status = mig_my_enter(c, err);
    struct text t = { .out = &c->out };
    bool tried = false;
    for (size_t i = 0; !status && !t.found && i < sizeof shapes / sizeof *shapes; i++) {
        if (shapes[i].kind != object.kind || (object.kind == MIGRATE_OBJECT_INDEX && !object.parent.data))
            continue;
        if (shapes[i].kind == MIGRATE_OBJECT_SEQUENCE && !c->mariadb)
            continue;
        tried = true;
        status = show(c, &shapes[i], &object, &t, err);
    }
    if (status)
        return status;
    if (!tried)
        return mig_my_refuse(c->host, err, MIGRATE_E_UNSUPPORTED, MIGRATE_FAULT_OTHER,
                             "this kind of object has no definition to show", NULL);
    if (c->out.oom)
        return mig_my_nomem(c->host, err);
    *out_text = t.found ? mig_buf_text(&c->out) : NULL;
    return MIGRATE_OK;
}
