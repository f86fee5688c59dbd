/* SPDX-License-Identifier: Apache-2.0 */

/* Our tables: how they are made and read. */

#include <stdio.h>

#include "core/books.h"

struct types {
    const char *key;     /* text of a key: compared by bytes */
    const char *letter;
    const char *word;    /* short text of a key */
    const char *text;    /* any text */
    const char *hash;
    const char *number;
    const char *instant;
    const char *tail;    /* after the closing parenthesis */
    const char *absent;  /* "IF NOT EXISTS " where the dialect has it */
};

static const struct types types_of[] = {
    [MIGRATE_DIALECT_OTHER] = { "varchar(512)", "char(1)", "varchar(16)", "varchar(4000)", "varchar(80)", "bigint",
                                "varchar(30)", "", "" },
    [MIGRATE_DIALECT_POSTGRES] = { "text COLLATE \"C\"", "text COLLATE \"C\"", "text COLLATE \"C\"", "text", "text",
                                   "bigint", "timestamptz", "", "IF NOT EXISTS " },
    [MIGRATE_DIALECT_MYSQL] = { "varchar(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
                                "char(1) CHARACTER SET ascii COLLATE ascii_bin",
                                "varchar(16) CHARACTER SET ascii COLLATE ascii_bin", "text",
                                "varchar(80) CHARACTER SET ascii COLLATE ascii_bin", "bigint", "datetime(3)",
                                " ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "IF NOT EXISTS " },
    [MIGRATE_DIALECT_SQLITE] = { "TEXT", "TEXT", "TEXT", "TEXT", "TEXT", "INTEGER", "TEXT", "", "IF NOT EXISTS " },
};

static const struct types *types(const struct mig_books *b)
{
    return &types_of[b->dialect < sizeof types_of / sizeof *types_of ? b->dialect : MIGRATE_DIALECT_OTHER];
}

static void create_history(const struct mig_books *b, struct mig_buf *out)
{
    const struct types *t = types(b);
    mig_buf_fmt(out,
                "CREATE TABLE %s%s (kind %s NOT NULL, version %s NOT NULL, name %s NOT NULL, state %s NOT NULL, "
                "checksum %s, statements %s, done %s, seq %s NOT NULL, epoch %s NOT NULL, started_at %s, "
                "finished_at %s, elapsed_ms %s, who %s, client %s, %s %s, run_id %s, error %s, "
                "PRIMARY KEY (kind, version))%s",
                t->absent, b->names->history, t->letter, t->key, t->text, t->word, t->hash, t->number, t->number,
                t->number, t->number, t->instant, t->instant, t->number, t->text, t->text,
                b->dialect == MIGRATE_DIALECT_MYSQL ? "`library`" : "library", t->word, t->hash, t->text, t->tail);
}

static void create_journal(const struct mig_books *b, struct mig_buf *out)
{
    const struct types *t = types(b);
    mig_buf_fmt(out,
                "CREATE TABLE %s%s (kind %s NOT NULL, version %s NOT NULL, direction %s NOT NULL, idx %s NOT NULL, "
                "state %s NOT NULL, seq %s NOT NULL, epoch %s NOT NULL, sha %s NOT NULL, object %s NOT NULL, "
                "fp %s NOT NULL, PRIMARY KEY (kind, version, direction, idx, state))%s",
                t->absent, b->names->journal, t->letter, t->key, t->letter, t->number, t->word, t->number, t->number,
                t->hash, t->text, t->text, t->tail);
}

static const char head_columns[] = "id, format, epoch, seq, tx, digest";
static const char head_row[] = "1, 1, 0, 0, NULL, ''";

/* Where DDL commits by itself the table comes with its row or not at all, so that nobody ever finds it empty. */
static void create_head_filled(const struct mig_books *b, struct mig_buf *out)
{
    const struct types *t = types(b);
    mig_buf_fmt(out,
                "CREATE TABLE %s (id %s NOT NULL PRIMARY KEY, format %s NOT NULL, epoch %s NOT NULL, seq %s NOT NULL, "
                "tx %s, digest %s NOT NULL)%s SELECT 1 AS id, 1 AS format, 0 AS epoch, 0 AS seq, NULL AS tx, '' AS digest",
                b->names->head, t->number, t->number, t->number, t->number, t->number, t->hash, t->tail);
}

static void create_head(const struct mig_books *b, struct mig_buf *out)
{
    const struct types *t = types(b);
    mig_buf_fmt(out,
                "CREATE TABLE %s%s (id %s NOT NULL PRIMARY KEY, format %s NOT NULL, epoch %s NOT NULL, "
                "seq %s NOT NULL, tx %s, digest %s NOT NULL)%s",
                t->absent, b->names->head, t->number, t->number, t->number, t->number, t->number, t->hash, t->tail);
}

static void create_lock(const struct mig_books *b, struct mig_buf *out)
{
    const struct types *t = types(b);
    mig_buf_fmt(out,
                "CREATE TABLE %s%s (id %s NOT NULL PRIMARY KEY, owner %s, session_id %s, client %s, host %s, "
                "since %s, expires_at %s, identity %s)%s",
                t->absent, b->names->lock, t->number, t->hash, t->text, t->text, t->text, t->instant, t->instant,
                t->text, t->tail);
}

static void first_row(const struct mig_books *b, const char *table, const char *columns, const char *values,
                      struct mig_buf *out)
{
    switch (b->dialect) {
    case MIGRATE_DIALECT_MYSQL:
        mig_buf_fmt(out, "INSERT IGNORE INTO %s (%s) VALUES (%s)", table, columns, values);
        break;
    case MIGRATE_DIALECT_POSTGRES:
    case MIGRATE_DIALECT_SQLITE:
        mig_buf_fmt(out, "INSERT INTO %s (%s) VALUES (%s) ON CONFLICT (id) DO NOTHING", table, columns, values);
        break;
    default:
        mig_buf_fmt(out, "INSERT INTO %s (%s) VALUES (%s)", table, columns, values);
    }
}

bool mig_books_create(const struct mig_books *b, size_t index, struct mig_buf *out)
{
    bool mysql = b->dialect == MIGRATE_DIALECT_MYSQL;
    switch (index) {
    case 0:
        create_history(b, out);
        return true;
    case 1:
        create_journal(b, out);
        return true;
    case 2:
        create_lock(b, out);
        return true;
    case 3:
        first_row(b, b->names->lock, "id", "1", out);
        return true;
    case 4:
        if (mysql)
            create_head_filled(b, out);
        else
            create_head(b, out);
        return true;
    case 5:
        if (!mysql)
            first_row(b, b->names->head, head_columns, head_row, out);
        return !mysql;
    default:
        return false;
    }
}

/* PostgreSQL finds unqualified names along search_path: the schema it was found in is told, so that a table of another
 * application behind ours in the path is not taken for ours. */
static void read_head_postgres(const struct mig_books *b, struct mig_buf *out)
{
    mig_buf_fmt(out,
                "SELECT h.format, h.epoch, h.seq, h.digest, n.nspname, pg_catalog.current_schema() FROM %s h "
                "JOIN pg_catalog.pg_class c ON c.oid = h.tableoid JOIN pg_catalog.pg_namespace n ON n.oid = "
                "c.relnamespace WHERE h.id = 1",
                b->names->head);
}

void mig_books_read_head(const struct mig_books *b, const char *prefix, struct mig_buf *out)
{
    (void)prefix;
    if (b->dialect == MIGRATE_DIALECT_POSTGRES) {
        read_head_postgres(b, out);
        return;
    }
    const char *where = b->dialect == MIGRATE_DIALECT_MYSQL    ? "DATABASE()"
                        : b->dialect == MIGRATE_DIALECT_SQLITE ? "'main'"
                                                               : "NULL";
    mig_buf_fmt(out, "SELECT format, epoch, seq, digest, %s, %s FROM %s WHERE id = 1", where, where, b->names->head);
}

static const char *instant_text(const struct mig_books *b, const char *column, char *out, size_t size)
{
    if (b->dialect == MIGRATE_DIALECT_POSTGRES)
        snprintf(out, size, "pg_catalog.to_char(%s AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')", column);
    else
        snprintf(out, size, "%s", column);
    return out;
}

void mig_books_read_history(const struct mig_books *b, struct mig_buf *out)
{
    char finished[128];
    mig_buf_fmt(out,
                "SELECT kind, version, name, state, checksum, statements, done, seq, %s, elapsed_ms, error FROM %s",
                instant_text(b, "finished_at", finished, sizeof finished), b->names->history);
}

void mig_books_read_journal(const struct mig_books *b, struct mig_buf *out)
{
    mig_buf_fmt(out,
                "SELECT kind, version, direction, idx, state, seq, epoch, sha, object, fp FROM %s "
                "WHERE direction <> 'K' ORDER BY kind, version, direction, idx, state",
                b->names->journal);
}

void mig_books_take_epoch(const struct mig_books *b, uint32_t by, struct mig_buf *out)
{
    mig_buf_fmt(out, "UPDATE %s SET epoch = epoch + %u WHERE id = 1", b->names->head, by);
    if (b->dialect == MIGRATE_DIALECT_POSTGRES)
        mig_buf_str(out, " RETURNING format, epoch, seq, digest");
}
