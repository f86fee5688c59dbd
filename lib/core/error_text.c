/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as text for people and as JSON. */
#include <string.h>

#include "core/error_object.h"
#include "util/text.h"

const char mig_error_nomem_json[] =
    "{\"schema\":1,\"error\":{\"status\":\"E_NOMEM\",\"class\":2,\"message\":\"out of memory\","
    "\"hint\":\"Give the process more memory and run again.\",\"state\":null,\"sqlstate\":null,\"code\":0,"
    "\"version\":\"\",\"path\":null,\"line\":0,\"column\":0,\"statement\":0,\"cause\":null}}";

static unsigned long long ull(uint64_t n)
{
    return n;
}

/* "path:line:column: message" */
static void add_headline(struct mig_buf *out, const migrate_error *e)
{
    /* A message about two files names both. */
    if (e->path && (e->line || !strstr(migrate_error_message(e), e->path))) {
        mig_buf_str(out, e->path);
        if (e->line)
            mig_buf_fmt(out, ":%llu", ull(e->line));
        if (e->line && e->column)
            mig_buf_fmt(out, ":%llu", ull(e->column));
        mig_buf_str(out, ": ");
    }
    mig_buf_str(out, migrate_error_message(e));
}

/* "statement 3 of migration 0007; SQLSTATE 42P01; code 1146" */
static void add_facts(struct mig_buf *out, const migrate_error *e)
{
    const char *joint = "\n  ";
    if (e->statement) {
        mig_buf_fmt(out, "%sstatement %llu", joint, ull(e->statement));
        joint = " of ";
    }
    if (e->version && *e->version)
        mig_buf_fmt(out, "%smigration %s", joint, e->version);
    joint = e->statement || (e->version && *e->version) ? "; " : joint;
    if (e->sqlstate[0]) {
        mig_buf_fmt(out, "%sSQLSTATE %s", joint, e->sqlstate);
        joint = "; ";
    }
    if (e->code)
        mig_buf_fmt(out, "%scode %d", joint, (int)e->code);
}

static void add_lines(struct mig_buf *out, const migrate_error *e)
{
    for (uint32_t i = 0; i < e->n_lines; i++)
        mig_buf_fmt(out, "\n  %5llu | %s", ull(e->lines[i].number), e->lines[i].text);
    if (!e->n_lines || !e->caret) {
        if (e->n_lines && e->lines[e->n_lines - 1].cut)
            mig_buf_str(out, " \xe2\x80\xa6");
        return;
    }
    mig_buf_str(out, "\n        | ");
    for (uint64_t i = 1; i < e->caret; i++)
        mig_buf_char(out, ' ');
    mig_buf_char(out, '^');
}

static void add_text(struct mig_buf *out, const migrate_error *err)
{
    add_headline(out, err);
    add_facts(out, err);
    add_lines(out, err);
    if (err->state)
        mig_buf_fmt(out, "\n  now: %s", err->state);
    for (const migrate_error *e = err->cause; e; e = e->cause) {
        mig_buf_str(out, "\n  caused by: ");
        add_headline(out, e);
        add_facts(out, e);
    }
    const char *hint = migrate_error_hint(err);
    if (hint)
        mig_buf_fmt(out, "\nhint: %s", hint);
}

const char *migrate_error_text(const migrate_error *err)
{
    if (!err)
        return "";
    if (err->fixed)
        return "out of memory\nhint: Give the process more memory and run again.";
    struct mig_buf *made = &err->made->text;
    if (made->len == 0)
        add_text(made, err);
    if (!made->oom)
        return mig_buf_text(made);
    mig_buf_free(made);
    return err->message;
}

static void add_key(struct mig_buf *out, const char *key, const char *text)
{
    mig_buf_fmt(out, ",\"%s\":", key);
    mig_json_str(out, text);
}

void mig_error_json_object(const migrate_error *err, struct mig_buf *out)
{
    mig_buf_str(out, "{\"status\":");
    mig_json_str(out, migrate_status_name(err->status));
    mig_buf_fmt(out, ",\"class\":%d", (int)MIGRATE_STATUS_CLASS(err->status));
    add_key(out, "message", migrate_error_message(err));
    add_key(out, "hint", migrate_error_hint(err));
    add_key(out, "state", err->state);
    add_key(out, "sqlstate", migrate_error_sqlstate(err));
    mig_buf_fmt(out, ",\"code\":%d", (int)err->code);
    add_key(out, "version", err->version ? err->version : "");
    add_key(out, "path", err->path);
    mig_buf_fmt(out, ",\"line\":%llu,\"column\":%llu,\"statement\":%llu,\"cause\":", ull(err->line),
                ull(err->column), ull(err->statement));
    if (err->cause)
        mig_error_json_object(err->cause, out);
    else
        mig_buf_str(out, "null");
    mig_buf_char(out, '}');
}

const char *migrate_error_json(const migrate_error *err)
{
    if (!err)
        return "";
    if (err->fixed)
        return mig_error_nomem_json;
    struct mig_buf *made = &err->made->json;
    if (made->len == 0) {
        mig_buf_str(made, "{\"schema\":1,\"error\":");
        mig_error_json_object(err, made);
        mig_buf_char(made, '}');
    }
    if (!made->oom)
        return mig_buf_text(made);
    mig_buf_free(made);
    return mig_error_nomem_json;
}
