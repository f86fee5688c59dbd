/* SPDX-License-Identifier: Apache-2.0 */

/* The text of a statement as it is sent. Values become literals, which take the type of where they stand; a bound text is
 * a text to PostgreSQL, and fits no other column. Only long ones are bound. */

#include <string.h>

#include "drivers/rds_data/rds.h"
#include "util/text.h"

enum { BOUND_FROM = 4096 };

/* ---- literals ------------------------------------------------------------------ */

static void add_hex(struct mig_buf *out, const char *text, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    mig_buf_str(out, "_utf8mb4 X'");
    for (size_t i = 0; i < len; i++) {
        mig_buf_char(out, digits[(unsigned char)text[i] >> 4]);
        mig_buf_char(out, digits[(unsigned char)text[i] & 15]);
    }
    mig_buf_char(out, '\'');
}

static bool plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c > 0x7e || c == '\\' || c == ':')
            return false;
    }
    return true;
}

void mig_rds_literal(const struct mig_rds *c, struct mig_buf *out, const char *text, size_t len)
{
    bool easy = plain(text, len);
    if (!easy && !mig_rds_postgres(c)) {
        add_hex(out, text, len);
        return;
    }
    mig_buf_str(out, easy ? "'" : "E'");
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\'' || text[i] == '\\')
            mig_buf_char(out, text[i]);
        if (text[i] == ':')
            mig_buf_str(out, "\\x3a");
        else
            mig_buf_char(out, text[i]);
    }
    mig_buf_char(out, '\'');
}

/* ---- values ---------------------------------------------------------------------- */

static void bind(struct mig_buf *out, struct mig_buf *values, uint32_t i, const migrate_text *p)
{
    mig_buf_fmt(out, ":p%u", i + 1);
    mig_buf_fmt(values, "%s{\"name\":\"p%u\",\"value\":{\"stringValue\":", values->len ? "," : "", i + 1);
    mig_json_strn(values, p->data, p->len);
    mig_buf_str(values, "}}");
}

/* false: they do not fit. */
static bool with_values(const struct mig_rds *c, const migrate_stmt *stmt, struct mig_buf *values, struct mig_buf *out)
{
    const char *at = stmt->sql, *end = at + stmt->sql_len;
    for (uint32_t i = 0; i < stmt->n_params; i++) {
        const migrate_text *p = &stmt->params[i];
        const char *mark = memchr(at, '?', (size_t)(end - at));
        if (!mark || (p->data && (memchr(p->data, '\0', p->len) || !mig_utf8_valid(p->data, p->len, NULL))))
            return false;
        mig_buf_add(out, at, (size_t)(mark - at));
        if (!p->data)
            mig_buf_str(out, "NULL");
        else if (p->len >= BOUND_FROM)
            bind(out, values, i, p);
        else
            mig_rds_literal(c, out, p->data, p->len);
        at = mark + 1;
    }
    mig_buf_add(out, at, (size_t)(end - at));
    return true;
}

static migrate_status check(struct mig_rds *c, const migrate_stmt *stmt, migrate_error **err)
{
    if (stmt->data)
        return mig_rds_refuse(c->host, err, MIGRATE_E_UNSUPPORTED, MIGRATE_FAULT_OTHER,
                              "the Data API takes no data behind a COPY",
                              "use INSERT, or the database's own import from S3 (aws_s3, LOAD DATA FROM S3)");
    if (memchr(stmt->sql, '\0', stmt->sql_len) || !mig_utf8_valid(stmt->sql, stmt->sql_len, NULL))
        return mig_rds_refuse(c->host, err, 0, MIGRATE_FAULT_SYNTAX,
                              "the statement is not valid UTF-8, which is all that the Data API takes", NULL);
    return MIGRATE_OK;
}

static migrate_status too_long(struct mig_rds *c, migrate_error **err)
{
    return mig_rds_refuse(c->host, err, 0, MIGRATE_FAULT_TOO_LARGE,
                          "the statement is longer than the 65,536 characters that the Data API takes",
                          "cut it into several");
}

migrate_status mig_rds_text(struct mig_rds *c, const migrate_stmt *stmt, bool tagged, struct mig_buf *values,
                            size_t *shift, migrate_error **err)
{
    migrate_status status = check(c, stmt, err);
    if (status)
        return status;
    mig_buf_reset(&c->sql);
    if (tagged)
        mig_buf_fmt(&c->sql, "/* libmigrate %s */ ", c->token);
    *shift = c->sql.len;
    if (stmt->n_params) {
        *shift = SIZE_MAX;
        if (!with_values(c, stmt, values, &c->sql))
            return mig_rds_refuse(c->host, err, MIGRATE_E_ARGUMENT, MIGRATE_FAULT_OTHER,
                                  "the parameters do not fit the statement, or one is no text", NULL);
    } else if (mig_rds_guard(&c->sql, mig_rds_postgres(c), mig_rds_lex(c), stmt->sql, stmt->sql_len)) {
        *shift = SIZE_MAX;
    }
    if (c->sql.oom || values->oom)
        return mig_rds_nomem(c->host, err);
    /* Without the tag rather than not at all. */
    if (tagged && c->sql.len > MIG_RDS_SQL_MAX && mig_utf8_count(c->sql.data, c->sql.len) > MIG_RDS_SQL_MAX)
        return mig_rds_text(c, stmt, false, values, shift, err);
    if (c->sql.len > MIG_RDS_SQL_MAX && mig_utf8_count(c->sql.data, c->sql.len) > MIG_RDS_SQL_MAX)
        return too_long(c, err);
    return MIGRATE_OK;
}
