/* SPDX-License-Identifier: Apache-2.0 */

/* One operation in our tables: fence, close, end, failure, and the journal's marks. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <migrate/version.h>

#include "core/books.h"
#include "util/clock.h"
#include "util/text.h"

enum { ERROR_MAX = 2048 };

static bool is(const struct mig_books *b, uint32_t dialect)
{
    return b->dialect == dialect;
}

/* ---- the fence -------------------------------------------------------------- */

static void head_is(const struct mig_op *op, uint64_t seq, struct mig_buf *out)
{
    mig_buf_fmt(out, "id = 1 AND epoch = %" PRIu64 " AND seq = %" PRIu64, op->epoch, seq);
}

void mig_books_tx(const struct mig_books *b, const struct mig_op *op, struct mig_buf *out)
{
    if (is(b, MIGRATE_DIALECT_MYSQL))
        mig_buf_str(out, "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000");
    else
        mig_buf_fmt(out, "%" PRIu64, op->token);
}

void mig_books_fence(const struct mig_books *b, const struct mig_op *op, struct mig_buf *out)
{
    if (is(b, MIGRATE_DIALECT_POSTGRES)) {
        mig_buf_fmt(out, "WITH g AS (UPDATE %s SET tx = pg_catalog.txid_current() WHERE ", b->names->head);
        head_is(op, op->seq - 1, out);
        mig_buf_str(out, " RETURNING 1) SELECT (CASE WHEN pg_catalog.count(*) = 1 THEN '1' ELSE 'migrate: fenced' "
                         "END)::pg_catalog.int4 FROM g");
        return;
    }
    mig_buf_fmt(out, "UPDATE %s SET tx = ", b->names->head);
    mig_books_tx(b, op, out);
    mig_buf_str(out, " WHERE ");
    head_is(op, op->seq - 1, out);
}

/* ---- history ---------------------------------------------------------------- */

/* LIBRARY is a reserved word of MySQL 9. */
static const char *history_columns(const struct mig_books *b)
{
#define COLUMNS(library)                                                                                          \
    "kind, version, name, state, checksum, statements, done, seq, epoch, started_at, finished_at, elapsed_ms, who, " \
    "client, " library ", run_id, error"
    return is(b, MIGRATE_DIALECT_MYSQL) ? COLUMNS("`library`") : COLUMNS("library");
#undef COLUMNS
}

static void sqlite_instant(struct mig_buf *out, int64_t unix_ms)
{
    if (unix_ms == MIG_OP_NOW) {
        mig_buf_str(out, "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')");
        return;
    }
    struct mig_buf text = MIG_BUF_INIT;
    mig_clock_rfc3339(&text, unix_ms);
    mig_literal(out, MIGRATE_DIALECT_SQLITE, unix_ms ? mig_buf_text(&text) : NULL);
    out->oom |= text.oom;
    mig_buf_free(&text);
}

/* started_at, finished_at, elapsed_ms, who: by the database's clock where it has one. On MySQL the head's tx holds
 * when the operation began, because only the server knows when a packet's statements run. */
static void when_and_who(const struct mig_books *b, const struct mig_op *op, bool in_tx, struct mig_buf *out)
{
    switch (b->dialect) {
    case MIGRATE_DIALECT_POSTGRES:
        if (in_tx)
            mig_buf_str(out, "pg_catalog.now(), pg_catalog.clock_timestamp(), (EXTRACT(epoch FROM "
                             "pg_catalog.clock_timestamp() - pg_catalog.now()) * 1000)::pg_catalog.int8, session_user");
        else
            mig_buf_fmt(out,
                        "pg_catalog.clock_timestamp() - '%" PRId64 " milliseconds'::pg_catalog.interval, "
                        "pg_catalog.clock_timestamp(), %" PRId64 ", session_user",
                        op->elapsed_ms, op->elapsed_ms);
        break;
    case MIGRATE_DIALECT_MYSQL:
        mig_buf_fmt(out,
                    "(SELECT '1970-01-01' + INTERVAL tx * 1000 MICROSECOND FROM %s WHERE id = 1), UTC_TIMESTAMP(3), "
                    "(SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01' + INTERVAL tx * 1000 MICROSECOND, "
                    "UTC_TIMESTAMP(3)) DIV 1000 FROM %s WHERE id = 1), CURRENT_USER()",
                    b->names->head, b->names->head);
        break;
    default:
        sqlite_instant(out, op->started_unix_ms);
        mig_buf_str(out, ", ");
        sqlite_instant(out, op->started_unix_ms > 0 ? op->started_unix_ms + op->elapsed_ms : op->started_unix_ms);
        mig_buf_fmt(out, ", %" PRId64 ", NULL", op->elapsed_ms);
    }
}

static void values(const struct mig_books *b, const struct mig_op *op, const char *epoch, bool in_tx,
                   struct mig_buf *out)
{
    mig_buf_fmt(out, "'%c', ", mig_kind_letter(op->kind));
    mig_literal(out, b->dialect, op->version);
    mig_buf_str(out, ", ");
    mig_literal(out, b->dialect, op->name);
    mig_buf_fmt(out, ", '%s', ", op->state);
    mig_literal(out, b->dialect, op->checksum);
    mig_buf_fmt(out, ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %s, ", op->statements, op->done, op->seq, epoch);
    when_and_who(b, op, in_tx, out);
    mig_buf_str(out, ", ");
    mig_literal(out, b->dialect, op->client);
    mig_buf_fmt(out, ", '%s', ", MIGRATE_VERSION_STRING);
    mig_literal(out, b->dialect, op->run_id);
    mig_buf_str(out, ", ");
    if (op->error) {
        size_t len = strlen(op->error);
        mig_literaln(out, b->dialect, op->error, mig_utf8_cut(op->error, len, ERROR_MAX));
    } else {
        mig_buf_str(out, "NULL");
    }
}

/* Every column but the key, taken from the row that could not be inserted. */
static void on_conflict(const struct mig_books *b, struct mig_buf *out)
{
    static const char *const columns[] = { "name", "state", "checksum", "statements", "done", "seq", "epoch",
                                           "started_at", "finished_at", "elapsed_ms", "who", "client", "run_id",
                                           "error" };
    bool mysql = is(b, MIGRATE_DIALECT_MYSQL);
    if (is(b, MIGRATE_DIALECT_OTHER))
        return;
    mig_buf_str(out, mysql ? " ON DUPLICATE KEY UPDATE " : " ON CONFLICT (kind, version) DO UPDATE SET ");
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        mig_buf_fmt(out, mysql ? "%s%s = VALUES(%s)" : "%s%s = excluded.%s", i ? ", " : "", columns[i], columns[i]);
    mig_buf_str(out, mysql ? ", `library` = VALUES(`library`)" : ", library = excluded.library");
}

static void move_head(const struct mig_books *b, const struct mig_op *op, const char *and, struct mig_buf *out)
{
    mig_buf_fmt(out, "UPDATE %s SET seq = %" PRIu64 ", digest = '%s' WHERE ", b->names->head, op->seq, op->digest);
    head_is(op, op->seq - 1, out);
    mig_buf_str(out, and);
}

static void close_postgres(const struct mig_books *b, const struct mig_op *op, struct mig_buf *out)
{
    char epoch[24];
    snprintf(epoch, sizeof epoch, "%" PRIu64, op->epoch);
    mig_buf_str(out, "WITH g AS (");
    move_head(b, op, " AND tx = pg_catalog.txid_current() RETURNING 1", out);
    mig_buf_fmt(out, "), h AS (INSERT INTO %s (%s) SELECT ", b->names->history, history_columns(b));
    values(b, op, epoch, true, out);
    mig_buf_str(out, " FROM g");
    on_conflict(b, out);
    mig_buf_str(out, " RETURNING 1) SELECT (CASE WHEN pg_catalog.count(*) = 1 THEN '1' ELSE "
                     "'migrate: not the transaction that began' END)::pg_catalog.int4 FROM h");
}

/* The row's epoch is read from the head as it was just moved: had the UPDATE moved nothing, it is NULL, which the
 * column refuses, and COMMIT is not reached. */
static void insert_history(const struct mig_books *b, const struct mig_op *op, const char *and, struct mig_buf *out)
{
    struct mig_buf epoch = MIG_BUF_INIT;
    mig_buf_fmt(&epoch, "(SELECT epoch FROM %s WHERE ", b->names->head);
    head_is(op, op->seq, &epoch);
    mig_buf_fmt(&epoch, "%s)", and);
    mig_buf_fmt(out, "INSERT INTO %s (%s) VALUES (", b->names->history, history_columns(b));
    values(b, op, mig_buf_text(&epoch), false, out);
    mig_buf_char(out, ')');
    on_conflict(b, out);
    out->oom |= epoch.oom;
    mig_buf_free(&epoch);
}

static void delete_history(const struct mig_books *b, const struct mig_op *op, struct mig_buf *out)
{
    mig_buf_fmt(out, "DELETE FROM %s WHERE kind = '%c' AND version = ", b->names->history, mig_kind_letter(op->kind));
    mig_literal(out, b->dialect, op->version);
}

/* A dialect without an upsert deletes first. */
static bool move_and_write(const struct mig_books *b, const struct mig_op *op, const char *and, size_t index,
                           struct mig_buf *out)
{
    if (index == 0) {
        move_head(b, op, and, out);
        return true;
    }
    if (is(b, MIGRATE_DIALECT_OTHER) && index == 1) {
        delete_history(b, op, out);
        return true;
    }
    if (index == (is(b, MIGRATE_DIALECT_OTHER) ? 2 : 1)) {
        insert_history(b, op, and, out);
        return true;
    }
    return false;
}

bool mig_books_close(const struct mig_books *b, const struct mig_op *op, size_t index, struct mig_buf *out)
{
    if (is(b, MIGRATE_DIALECT_POSTGRES)) {
        if (index == 0)
            close_postgres(b, op, out);
        return index == 0;
    }
    char and[48] = "";
    if (!is(b, MIGRATE_DIALECT_MYSQL))
        snprintf(and, sizeof and, " AND tx = %" PRIu64, op->token);
    return move_and_write(b, op, and, index, out);
}

static void journal_where(const struct mig_books *b, const struct mig_op *op, char direction, struct mig_buf *out)
{
    mig_buf_fmt(out, " WHERE kind = '%c' AND direction = '%c' AND version = ", mig_kind_letter(op->kind), direction);
    mig_literal(out, b->dialect, op->version);
}

/* MySQL, where every DDL is journalled: what the migration touched is kept, direction 'K', so that drift can be seen
 * later. Of statements that change rows only ("+3") nothing is. */
static void drop_kept(const struct mig_books *b, const struct mig_op *op, struct mig_buf *out)
{
    mig_buf_fmt(out, "DELETE FROM %s", b->names->journal);
    journal_where(b, op, 'K', out);
}

static void keep_marks(const struct mig_books *b, const struct mig_op *op, struct mig_buf *out)
{
    mig_buf_fmt(out, "UPDATE %s SET direction = 'K'", b->names->journal);
    journal_where(b, op, op->direction, out);
    mig_buf_str(out, " AND state = 'done' AND object NOT LIKE '+%'");
}

bool mig_books_end(const struct mig_books *b, const struct mig_op *op, size_t index, struct mig_buf *out)
{
    if (move_and_write(b, op, "", index, out))
        return true;
    size_t more = index - (is(b, MIGRATE_DIALECT_OTHER) ? 3 : 2);
    switch (is(b, MIGRATE_DIALECT_MYSQL) ? more : more + 2) {
    case 0:
        drop_kept(b, op, out);
        return true;
    case 1:
        keep_marks(b, op, out);
        return true;
    case 2:
        mig_books_prune(b, op, out);
        return true;
    default:
        return false;
    }
}

void mig_books_row(const struct mig_books *b, const struct mig_op *op, struct mig_buf *out)
{
    char epoch[24];
    snprintf(epoch, sizeof epoch, "%" PRIu64, op->epoch);
    mig_buf_fmt(out, "INSERT INTO %s (%s) VALUES (", b->names->history, history_columns(b));
    values(b, op, epoch, false, out);
    mig_buf_char(out, ')');
    on_conflict(b, out);
}

void mig_books_failure(const struct mig_books *b, const struct mig_op *op, struct mig_buf *out)
{
    char epoch[24];
    snprintf(epoch, sizeof epoch, "%" PRIu64, op->epoch);
    mig_buf_fmt(out, "INSERT INTO %s (%s) SELECT ", b->names->history, history_columns(b));
    values(b, op, epoch, false, out);
    mig_buf_fmt(out, " FROM %s WHERE id = 1 AND epoch = %s", b->names->head, epoch);
    if (is(b, MIGRATE_DIALECT_MYSQL))
        mig_buf_str(out, " ON DUPLICATE KEY UPDATE error = VALUES(error)");
    else if (!is(b, MIGRATE_DIALECT_OTHER))
        mig_buf_str(out, " ON CONFLICT (kind, version) DO UPDATE SET error = excluded.error");
}

/* ---- the journal ------------------------------------------------------------ */

void mig_books_open(const struct mig_books *b, const struct mig_op *op, struct mig_buf *out)
{
    mig_buf_fmt(out, "UPDATE %s SET digest = ''", b->names->head);
    if (is(b, MIGRATE_DIALECT_MYSQL)) {
        mig_buf_str(out, ", tx = ");
        mig_books_tx(b, op, out);
    }
    mig_buf_str(out, " WHERE ");
    head_is(op, op->seq - 1, out);
}

static void journal_row(const struct mig_books *b, const struct mig_op *op, const struct mig_mark *m,
                        const char *state, const char *epoch, struct mig_buf *out)
{
    mig_buf_fmt(out,
                "INSERT INTO %s (kind, version, direction, idx, state, seq, epoch, sha, object, fp) VALUES ('%c', ",
                b->names->journal, mig_kind_letter(op->kind));
    mig_literal(out, b->dialect, op->version);
    mig_buf_fmt(out, ", '%c', %" PRIu64 ", '%s', %" PRIu64 ", %s, '%s', ", op->direction, m->idx, state, op->seq,
                epoch, m->sha);
    mig_literal(out, b->dialect, m->object ? m->object : "");
    mig_buf_fmt(out, ", %s%s%s)", m->fp_sql ? "(SELECT " : "", m->fp_sql ? m->fp_sql : "''", m->fp_sql ? ")" : "");
}

void mig_books_intent(const struct mig_books *b, const struct mig_op *op, const struct mig_mark *m, bool locks,
                      struct mig_buf *out)
{
    struct mig_buf epoch = MIG_BUF_INIT;
    mig_buf_fmt(&epoch, "(SELECT epoch FROM %s WHERE ", b->names->head);
    head_is(op, op->seq - 1, &epoch);
    bool can_lock = is(b, MIGRATE_DIALECT_POSTGRES) || is(b, MIGRATE_DIALECT_MYSQL);
    mig_buf_str(&epoch, locks && can_lock ? " FOR UPDATE)" : ")");
    journal_row(b, op, m, "intent", mig_buf_text(&epoch), out);
    out->oom |= epoch.oom;
    mig_buf_free(&epoch);
}

/* Where nobody holds a lock (SQLite) another run may have brought the migration to its end and pruned its rows. */
void mig_books_done(const struct mig_books *b, const struct mig_op *op, const struct mig_mark *m, struct mig_buf *out)
{
    struct mig_buf epoch = MIG_BUF_INIT;
    if (is(b, MIGRATE_DIALECT_SQLITE)) {
        mig_buf_fmt(&epoch, "(SELECT epoch FROM %s WHERE ", b->names->head);
        head_is(op, op->seq - 1, &epoch);
        mig_buf_char(&epoch, ')');
    } else {
        mig_buf_fmt(&epoch, "%" PRIu64, op->epoch);
    }
    journal_row(b, op, m, "done", mig_buf_text(&epoch), out);
    out->oom |= epoch.oom;
    mig_buf_free(&epoch);
}

static void journal_key(const struct mig_books *b, const struct mig_op *op, struct mig_buf *out)
{
    mig_buf_fmt(out, "DELETE FROM %s", b->names->journal);
    journal_where(b, op, op->direction, out);
}

void mig_books_forget(const struct mig_books *b, const struct mig_op *op, uint64_t idx, struct mig_buf *out)
{
    journal_key(b, op, out);
    mig_buf_fmt(out, " AND idx = %" PRIu64 " AND state = 'intent'", idx);
}

void mig_books_prune(const struct mig_books *b, const struct mig_op *op, struct mig_buf *out)
{
    journal_key(b, op, out);
}
