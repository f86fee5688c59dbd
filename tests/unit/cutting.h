/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CUTTING_H
#define CUTTING_H

/* Cuts a script in memory into statements, fed to the lexer in pieces of a size, and keeps all it said. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <migrate/driver.h>
#include <migrate/status.h>

#include "sql/lexer.h"

struct cutting_piece {
    char *text;
    size_t len;
    uint64_t offset, line, column;
    uint32_t flags;
    uint32_t lex; /* in force */
    char *data;   /* of a COPY */
};

struct cutting {
    struct cutting_piece *pieces;
    size_t n;
    int32_t status; /* DONE or the failure */
    struct mig_diag diag;
    struct mig_buf comments; /* "LINE TEXT\n" each */
};

struct cutting_source {
    const char *text;
    size_t len, pos, chunk;
};

static int32_t cutting_read(void *user, char *buf, size_t cap, size_t *got)
{
    struct cutting_source *s = user;
    size_t n = s->len - s->pos;
    n = n < cap ? n : cap;
    n = s->chunk && n > s->chunk ? s->chunk : n;
    if (n)
        memcpy(buf, s->text + s->pos, n);
    s->pos += n;
    *got = n;
    return MIGRATE_OK;
}

static inline void cutting_comment(void *user, const char *text, size_t len, uint64_t offset, uint64_t line)
{
    struct mig_buf *b = user;
    (void)offset;
    mig_buf_fmt(b, "%llu ", (unsigned long long)line);
    mig_buf_add(b, text, len);
    mig_buf_char(b, '\n');
}

/* What a MySQL session would report after the statement. */
static inline uint32_t cutting_lex_after(uint32_t dialect, uint32_t lex, const char *text, size_t len)
{
    if (dialect != MIGRATE_DIALECT_MYSQL || len < 12 || strncasecmp(text, "SET sql_mode", 12) != 0)
        return lex;
    lex |= MIGRATE_LEX_BACKSLASH_ESCAPES;
    lex &= ~(uint32_t)MIGRATE_LEX_ANSI_QUOTES;
    if (memmem(text, len, "NO_BACKSLASH_ESCAPES", 20))
        lex &= ~(uint32_t)MIGRATE_LEX_BACKSLASH_ESCAPES;
    if (memmem(text, len, "ANSI_QUOTES", 11))
        lex |= MIGRATE_LEX_ANSI_QUOTES;
    return lex;
}

static inline char *cutting_data(struct mig_sql_lexer *lx, struct cutting *c)
{
    struct mig_buf data = MIG_BUF_INIT;
    for (;;) {
        const char *chunk;
        size_t len;
        c->status = mig_sql_copy_read(lx, &chunk, &len, &c->diag);
        if (c->status || !len)
            break;
        mig_buf_add(&data, chunk, len);
    }
    return mig_buf_steal(&data);
}

/* @p base says dialect and what else is to differ from the default. */
static inline struct cutting cut(const struct mig_sql_config *base, const char *text, size_t len,
                                 size_t chunk)
{
    struct cutting c = { 0 };
    struct cutting_source source = { .text = text, .len = len, .chunk = chunk };
    struct mig_sql_config config = *base;
    config.read = cutting_read;
    config.read_user = &source;
    config.on_comment = cutting_comment;
    config.comment_user = &c.comments;
    struct mig_sql_lexer *lx = mig_sql_open(&config);
    struct mig_sql_statement st;
    if (!lx)
        abort();
    while ((c.status = mig_sql_next(lx, &st, &c.diag)) == MIGRATE_OK) {
        c.pieces = realloc(c.pieces, (c.n + 1) * sizeof *c.pieces);
        struct cutting_piece *p = c.pieces ? &c.pieces[c.n++] : NULL;
        if (!p)
            abort();
        *p = (struct cutting_piece){ .text = strndup(st.text, st.len),
                                     .len = st.len,
                                     .offset = st.offset,
                                     .line = st.line,
                                     .column = st.column,
                                     .flags = st.flags,
                                     .lex = config.lex };
        if (st.flags & MIG_SQL_STATEMENT_COPY)
            p->data = cutting_data(lx, &c);
        if (c.status)
            break;
        config.lex = cutting_lex_after(config.dialect, config.lex, p->text, p->len);
        mig_sql_set_lex(lx, config.lex);
    }
    mig_sql_close(lx);
    return c;
}

static inline void cutting_free(struct cutting *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free(c->pieces[i].text);
        free(c->pieces[i].data);
    }
    free(c->pieces);
    mig_buf_free(&c->comments);
    mig_diag_free(&c->diag);
    memset(c, 0, sizeof *c);
}

static inline struct mig_sql_config cutting_config(const char *dialect)
{
    struct mig_sql_config config = { .dialect = MIGRATE_DIALECT_OTHER };
    if (!strcmp(dialect, "postgresql") || !strcmp(dialect, "postgres"))
        config.dialect = MIGRATE_DIALECT_POSTGRES;
    else if (!strcmp(dialect, "mysql") || !strcmp(dialect, "mariadb"))
        config.dialect = MIGRATE_DIALECT_MYSQL;
    else if (!strcmp(dialect, "sqlite"))
        config.dialect = MIGRATE_DIALECT_SQLITE;
    config.mariadb = !strcmp(dialect, "mariadb");
    config.lex = mig_sql_default_lex(config.dialect, 0, config.mariadb);
    return config;
}

#endif
