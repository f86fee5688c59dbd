/* SPDX-License-Identifier: Apache-2.0 */

/* Quoting, and the names of our tables. */

#include <stdlib.h>
#include <string.h>

#include "core/books.h"
#include "core/session.h"

static bool plain_ascii(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == '\\' || c == 0x7f)
            return false;
    }
    return true;
}

static void quoted(struct mig_buf *out, const char *text, size_t len, char quote, bool backslash)
{
    mig_buf_char(out, quote);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == quote || (backslash && text[i] == '\\'))
            mig_buf_char(out, text[i]);
        mig_buf_char(out, text[i]);
    }
    mig_buf_char(out, quote);
}

static void hex_literal(struct mig_buf *out, const char *text, size_t len)
{
    mig_buf_str(out, "_utf8mb4 X'");
    for (size_t i = 0; i < len; i++)
        mig_buf_fmt(out, "%02X", (unsigned)(unsigned char)text[i]);
    mig_buf_char(out, '\'');
}

void mig_literaln(struct mig_buf *out, uint32_t dialect, const char *text, size_t len)
{
    bool plain = plain_ascii(text, len);
    if (dialect == MIGRATE_DIALECT_MYSQL && !plain) {
        hex_literal(out, text, len); /* a backslash means what sql_mode says */
    } else if (dialect == MIGRATE_DIALECT_POSTGRES && memchr(text, '\\', len)) {
        mig_buf_str(out, " E");
        quoted(out, text, len, '\'', true);
    } else {
        quoted(out, text, len, '\'', false);
    }
}

void mig_literal(struct mig_buf *out, uint32_t dialect, const char *text)
{
    if (text)
        mig_literaln(out, dialect, text, strlen(text));
    else
        mig_buf_str(out, "NULL");
}

void mig_ident(struct mig_buf *out, uint32_t dialect, const char *name)
{
    quoted(out, name, strlen(name), dialect == MIGRATE_DIALECT_MYSQL ? '`' : '"', false);
}

static char *table_name(uint32_t dialect, const char *schema, const char *prefix, const char *table)
{
    struct mig_buf name = MIG_BUF_INIT, whole = MIG_BUF_INIT;
    mig_buf_fmt(&name, "%s%s", prefix, table);
    if (schema) {
        mig_ident(&whole, dialect, schema);
        mig_buf_char(&whole, '.');
    }
    if (!name.oom)
        mig_ident(&whole, dialect, mig_buf_text(&name));
    else
        whole.oom = true;
    mig_buf_free(&name);
    return mig_buf_steal(&whole);
}

bool mig_names_lock_key(struct mig_names *names, const char *prefix, const char *database)
{
    free(names->lock_key);
    names->lock_key = mig_sprintf("libmigrate:%s:%s:%s", database ? database : "", names->schema ? names->schema : "",
                                  prefix);
    return names->lock_key != NULL;
}

bool mig_names_make(struct mig_names *names, uint32_t dialect, const char *schema, const char *prefix)
{
    mig_names_free(names);
    names->schema = mig_strdup(schema);
    names->head = table_name(dialect, schema, prefix, "head");
    names->history = table_name(dialect, schema, prefix, "history");
    names->journal = table_name(dialect, schema, prefix, "journal");
    names->lock = table_name(dialect, schema, prefix, "lock");
    return (names->schema || !schema) && names->head && names->history && names->journal && names->lock;
}

char mig_kind_letter(uint32_t kind)
{
    return kind == MIGRATE_KIND_REPEATABLE ? 'R' : kind == MIGRATE_KIND_BASELINE ? 'B' : 'V';
}
