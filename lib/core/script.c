/* SPDX-License-Identifier: Apache-2.0 */

#include "core/script.h"

#include <stdlib.h>
#include <string.h>

#include "core/lex_guess.h"
#include "sql/cursor.h"
#include "sql/lexer.h"

struct mig_script {
    migrate_ctx *ctx;
    struct mig_script_of of;
    struct mig_text *text;
    struct mig_sql_lexer *lexer;
    struct mig_sql_dialect_info dialect;
    struct mig_sql_facts facts;
    struct mig_diag copy_diag; /* why the data of a COPY could not be read */
    uint64_t number;
    char used[MIG_SQL_NAME_MAX]; /* another database that USE has chosen, or "" */
};

const struct mig_part *mig_script_part(const struct mig_script_of *of)
{
    return of->direction == MIGRATE_DIRECTION_DOWN ? of->migration->down : &of->migration->up;
}

static bool down(const struct mig_script *s)
{
    return s->of.direction == MIGRATE_DIRECTION_DOWN;
}

static migrate_status open_text(struct mig_script *s, migrate_error **err)
{
    const migrate_source_ops *ops;
    void *self;
    migrate_status status = mig_ctx_source(s->ctx, &ops, &self, err);
    if (status)
        return status;
    struct mig_diag diag = MIG_DIAG_INIT;
    status = mig_text_open(s->of.set, s->of.migration, s->of.direction, ops, self, &s->ctx->host, s->of.layout, &s->text,
                           &diag, err);
    if (status && diag.status)
        mig_fail_diag(err, &diag);
    mig_diag_free(&diag);
    return status;
}

static migrate_status open_lexer(struct mig_script *s, migrate_error **err)
{
    const struct mig_migration *m = s->of.migration;
    const struct mig_part *part = mig_script_part(&s->of);
    struct mig_sql_config config = {
        .dialect = s->dialect.dialect,
        .lex = s->dialect.lex,
        .version = s->dialect.version,
        .mariadb = s->dialect.mariadb,
        .goose = (m->flags & MIG_MIGRATION_GOOSE) != 0,
        .terminator = down(s) ? m->directives->terminator_down : m->directives->terminator_up,
        .whole = (m->flags & (down(s) ? MIG_MIGRATION_WHOLE_DOWN : MIG_MIGRATION_WHOLE)) != 0,
        .max_statement = s->ctx->db.conn ? s->ctx->db.facts.max_statement : 0,
        .line = part->n_ranges ? part->ranges[0].line : 1,
        .read = mig_text_read,
        .read_user = s->text,
    };
    s->lexer = mig_sql_open(&config);
    return s->lexer ? MIGRATE_OK : mig_fail_nomem(err);
}

migrate_status mig_script_open(migrate_ctx *ctx, const struct mig_script_of *of, struct mig_script **out,
                               migrate_error **err)
{
    struct mig_script *s = calloc(1, sizeof *s);
    if (!s)
        return mig_fail_nomem(err);
    s->ctx = ctx;
    s->of = *of;
    mig_ctx_dialect(ctx, &s->dialect);
    migrate_status status = open_text(s, err);
    if (!status)
        status = open_lexer(s, err);
    if (status) {
        mig_script_close(s);
        return status;
    }
    *out = s;
    return MIGRATE_OK;
}

/* A failure of the lexer, of the text behind it, or of the source behind that. */
static migrate_status failed(struct mig_script *s, migrate_status status, struct mig_diag *diag, migrate_error **err)
{
    struct mig_diag below = MIG_DIAG_INIT;
    migrate_error *own = NULL;
    mig_text_fault(s->text, &below, &own);
    if (own) {
        if (err)
            *err = own;
        else
            migrate_error_free(own);
    } else if (below.status) {
        mig_fail_diag(err, &below);
    } else if (diag->status) {
        diag->line = diag->line ? mig_text_line(s->text, UINT64_MAX, diag->line) : 0;
        mig_fail_diag(err, diag);
    } else {
        mig_fail(err, status, "the text of the migration cannot be read");
    }
    mig_diag_free(&below);
    mig_diag_free(diag);
    mig_error_path(err, mig_script_part(&s->of)->path);
    mig_error_version(err, s->of.migration->version);
    return status;
}

/* Of several commands kept together only the first was classified: the others may be anything. */
static void mistrust(struct mig_script *s)
{
    if (s->facts.settle == MIG_SQL_SETTLE_TX && s->dialect.dialect != MIGRATE_DIALECT_MYSQL)
        return;
    s->facts.settle = MIG_SQL_SETTLE_DOUBT;
    s->facts.note = "several commands are sent as one statement";
}

/* After USE a name alone is one of that database. It is written down with it: who looks later, in this session or
 * another, need not have run the USE. */
static void place_objects(struct mig_script *s, const char *text, size_t len)
{
    if (s->dialect.dialect != MIGRATE_DIALECT_MYSQL)
        return;
    for (uint32_t i = 0; s->used[0] && i < s->facts.n_objects; i++) {
        struct mig_sql_object *o = &s->facts.objects[i];
        if (o->name[0] && !o->schema[0] && o->kind != MIGRATE_OBJECT_DATABASE && o->kind != MIGRATE_OBJECT_TABLESPACE)
            memcpy(o->schema, s->used, sizeof o->schema);
    }
    struct mig_cursor c;
    mig_cur_init(&c, &s->dialect, text, len);
    if (!mig_cur_take(&c, "USE"))
        return;
    const char *own = s->ctx->db.facts.database;
    if (!mig_cur_part(&c, s->used, sizeof s->used) || (own && strcmp(s->used, own) == 0))
        s->used[0] = '\0';
}

migrate_status mig_script_next(struct mig_script *s, struct mig_cut *out, migrate_error **err)
{
    struct mig_diag diag = MIG_DIAG_INIT;
    struct mig_sql_statement cut;
    migrate_status status = mig_sql_next(s->lexer, &cut, &diag);
    if (status == MIGRATE_DONE) {
        migrate_status moved = mig_text_verify(s->text, &diag);
        return moved ? failed(s, moved, &diag, err) : MIGRATE_DONE;
    }
    if (status)
        return failed(s, status, &diag, err);
    mig_sql_classify(&s->dialect, cut.text, cut.len, &s->facts);
    place_objects(s, cut.text, cut.len);
    if (s->facts.flags & MIG_SQL_SETS_LEX) /* a guess, until the server's answer says it */
        mig_script_set_lex(s, mig_lex_guess(s->dialect.dialect, s->dialect.lex, cut.text, cut.len));
    if (cut.flags & MIG_SQL_STATEMENT_MULTI)
        mistrust(s);
    *out = (struct mig_cut){ .text = cut.text,
                             .len = cut.len,
                             .sent_len = s->dialect.dialect == MIGRATE_DIALECT_SQLITE ? cut.reach : cut.len,
                             .number = ++s->number,
                             .line = mig_text_line(s->text, cut.offset, cut.line),
                             .column = cut.column,
                             .whole = (cut.flags & (MIG_SQL_STATEMENT_MULTI | MIG_SQL_STATEMENT_SEMICOLON)) != 0,
                             .copy_data = (cut.flags & MIG_SQL_STATEMENT_COPY) != 0,
                             .facts = &s->facts };
    return MIGRATE_OK;
}

void mig_script_set_lex(struct mig_script *s, uint32_t lex)
{
    if (lex == s->dialect.lex)
        return;
    s->dialect.lex = lex;
    mig_sql_set_lex(s->lexer, lex);
}

migrate_status mig_script_copy(void *script, const char **chunk, size_t *len)
{
    struct mig_script *s = script;
    mig_diag_free(&s->copy_diag);
    return mig_sql_copy_read(s->lexer, chunk, len, &s->copy_diag);
}

void mig_script_close(struct mig_script *s)
{
    if (!s)
        return;
    mig_sql_close(s->lexer);
    mig_text_close(s->text);
    mig_diag_free(&s->copy_diag);
    free(s);
}
