/* SPDX-License-Identifier: Apache-2.0 */

/* The head row, and the names of our tables that follow from where it is. */

#include <stdlib.h>
#include <string.h>

#include "core/history.h"

static uint64_t number(const migrate_text *t)
{
    char text[24];
    if (!t->data || t->len >= sizeof text)
        return 0;
    memcpy(text, t->data, t->len);
    text[t->len] = '\0';
    return strtoull(text, NULL, 10);
}

struct reading {
    struct mig_head *head;
    size_t rows;
    char *found, *current; /* schema the row was in, schema meant */
    bool oom;
};

static char *copy(const migrate_text *t, bool *oom)
{
    char *text = t->data ? mig_strndup(t->data, t->len) : NULL;
    *oom |= t->data && !text;
    return text;
}

static int32_t on_row(void *user, uint32_t n, const migrate_text *cols)
{
    struct reading *r = user;
    if (n < 4 || ++r->rows > 1)
        return 0;
    r->head->present = true;
    r->head->format = (uint32_t)number(&cols[0]);
    r->head->epoch = number(&cols[1]);
    r->head->seq = number(&cols[2]);
    size_t len = cols[3].data && cols[3].len <= MIG_SHA256_HEX ? cols[3].len : 0;
    if (len)
        memcpy(r->head->digest, cols[3].data, len);
    r->head->digest[len] = '\0';
    if (n >= 6) {
        r->found = copy(&cols[4], &r->oom);
        r->current = copy(&cols[5], &r->oom);
    }
    return 0;
}

void mig_books_of(const migrate_ctx *ctx, struct mig_books *b)
{
    b->dialect = ctx->db.conn ? ctx->db.dialect : ctx->offline.dialect;
    b->names = &ctx->db.names;
}

static migrate_status set_names(migrate_ctx *ctx, const char *schema, migrate_error **err)
{
    uint32_t dialect = ctx->db.conn ? ctx->db.dialect : ctx->offline.dialect;
    if (!mig_names_make(&ctx->db.names, dialect, schema, ctx->set.table_prefix))
        return mig_fail_nomem(err);
    return MIGRATE_OK;
}

/* Names before anything is known: those of option `schema`, or unqualified ones. SQLite's are always qualified, since
 * a temporary table would win otherwise. */
static migrate_status first_names(migrate_ctx *ctx, migrate_error **err)
{
    const char *schema = ctx->set.schema;
    if (!schema && ctx->db.dialect == MIGRATE_DIALECT_SQLITE)
        schema = "main";
    return set_names(ctx, schema, err);
}

migrate_status mig_names_need(migrate_ctx *ctx, migrate_error **err)
{
    struct mig_session *db = &ctx->db;
    if (db->names.schema)
        return MIGRATE_OK;
    const char *schema = ctx->set.schema;
    if (!schema && ctx->db.dialect == MIGRATE_DIALECT_SQLITE)
        schema = "main";
    if (!schema && db->conn) {
        migrate_status status = mig_session_facts(ctx, err);
        if (status)
            return status;
        schema = db->facts.schema;
    }
    if (!schema && db->conn && db->dialect == MIGRATE_DIALECT_POSTGRES) {
        mig_fail(err, MIGRATE_E_OPTION, "there is no current schema for the tables of libmigrate");
        mig_error_hint(err, "search_path names no existing schema: create it, or set option schema=");
        return MIGRATE_E_OPTION;
    }
    return set_names(ctx, schema, err);
}

static migrate_status contradiction(migrate_ctx *ctx, const char *what, migrate_error **err)
{
    mig_fail(err, MIGRATE_E_HISTORY, "%s %s", ctx->db.names.head, what);
    mig_error_hint(err, "the table was edited by hand: it must hold exactly one row, id 1; restore it from a backup");
    return MIGRATE_E_HISTORY;
}

/* Is the row that was found the one meant? Keeps the schema where it says so. */
static migrate_status settle_schema(migrate_ctx *ctx, struct reading *r, migrate_error **err)
{
    bool elsewhere = r->found && r->current && strcmp(r->found, r->current) != 0;
    if (ctx->set.schema || ctx->db.names.schema)
        return MIGRATE_OK;
    if (r->head->present && elsewhere)
        *r->head = (struct mig_head){ 0 }; /* another application's, further down search_path */
    return r->current ? set_names(ctx, r->current, err) : MIGRATE_OK;
}

migrate_status mig_head_read(migrate_ctx *ctx, struct mig_head *out, migrate_error **err)
{
    *out = (struct mig_head){ 0 };
    migrate_status status = ctx->db.names.head ? MIGRATE_OK : first_names(ctx, err);
    if (status)
        return status;
    struct mig_books b;
    struct mig_buf sql = MIG_BUF_INIT;
    mig_books_of(ctx, &b);
    mig_books_read_head(&b, ctx->set.table_prefix, &sql);
    struct reading r = { .head = out };
    migrate_error *failure = NULL;
    status = mig_exec_buf(ctx, &sql, on_row, &r, NULL, &failure);
    mig_buf_free(&sql);
    if (status && mig_error_fault(failure) == MIGRATE_FAULT_MISSING) {
        migrate_error_free(failure);
        return MIGRATE_OK;
    }
    if (status && err)
        *err = failure;
    else
        migrate_error_free(failure);
    if (!status && r.oom)
        status = mig_fail_nomem(err);
    if (!status && r.rows > 1)
        status = contradiction(ctx, "holds more than one row", err);
    if (!status && r.rows == 0)
        status = contradiction(ctx, "is empty", err);
    if (!status)
        status = settle_schema(ctx, &r, err);
    free(r.found);
    free(r.current);
    return status;
}

migrate_status mig_head_writable(const struct mig_head *head, migrate_error **err)
{
    if (!head->present || head->format <= MIG_FORMAT)
        return MIGRATE_OK;
    mig_fail(err, MIGRATE_E_FORMAT, "the tables of libmigrate in this database are of format %u, this library writes format %d",
             head->format, MIG_FORMAT);
    mig_error_hint(err, "they were made by a newer libmigrate: use that one; this one may only read");
    return MIGRATE_E_FORMAT;
}
