/* SPDX-License-Identifier: Apache-2.0 */

/* What a statement did, told from the results of the server. */

#include <stdlib.h>
#include <string.h>

#include "pg.h"
#include "util/text.h"

/* ---- one result ---- */

static void deliver_rows(const migrate_stmt *stmt, const PGresult *r, struct mig_pg_answer *a)
{
    enum { FEW = 16 };
    int rows = PQntuples(r), n = PQnfields(r);
    if (!stmt || !stmt->on_row || a->rows_off || a->own)
        return;
    migrate_text few[FEW], *cols = n <= FEW ? few : malloc((size_t)n * sizeof *cols);
    if (!cols) {
        a->own = MIGRATE_E_NOMEM;
        return;
    }
    for (int i = 0; i < rows && !a->rows_off; i++) {
        for (int k = 0; k < n; k++) {
            cols[k].data = PQgetisnull(r, i, k) ? NULL : PQgetvalue(r, i, k);
            cols[k].len = (size_t)PQgetlength(r, i, k);
        }
        a->rows_off = stmt->on_row(stmt->on_row_user, (uint32_t)n, cols) != 0;
    }
    if (cols != few)
        free(cols);
}

static void keep_tag(const PGresult *r, struct mig_pg_answer *a)
{
    const char *tag = PQcmdStatus((PGresult *)(uintptr_t)r);
    size_t len = strlen(tag);
    if (len >= sizeof a->tag)
        len = sizeof a->tag - 1;
    memcpy(a->tag, tag, len);
    a->tag[len] = '\0';
    const char *rows = PQcmdTuples((PGresult *)(uintptr_t)r);
    a->affected = *rows ? strtoll(rows, NULL, 10) : -1;
}

/* libpq made it itself when it lost the connection, or the server ended the session with it. */
static bool ends_connection(const struct mig_pg *c, const PGresult *r)
{
    const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (!severity)
        severity = PQresultErrorField(r, PG_DIAG_SEVERITY);
    if (severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
        return true;
    return PQstatus(c->pg) == CONNECTION_BAD && !PQresultErrorField(r, PG_DIAG_SQLSTATE);
}

static bool take_error(struct mig_pg *c, PGresult *r, struct mig_pg_answer *a)
{
    a->outcome = MIGRATE_OUTCOME_FAILED;
    if (ends_connection(c, r)) {
        a->lost = c->dead = true;
        a->outcome = MIGRATE_OUTCOME_UNKNOWN;
    }
    if (a->error)
        return false;
    a->error = r;
    return true;
}

void mig_pg_answer_take(struct mig_pg *c, const migrate_stmt *stmt, PGresult *r, struct mig_pg_answer *a)
{
    switch (PQresultStatus(r)) {
    case PGRES_SINGLE_TUPLE:
        deliver_rows(stmt, r, a);
        break;
    case PGRES_TUPLES_OK:
        deliver_rows(stmt, r, a);
        keep_tag(r, a);
        break;
    case PGRES_COMMAND_OK:
        keep_tag(r, a);
        break;
    case PGRES_BAD_RESPONSE:
    case PGRES_FATAL_ERROR:
        if (take_error(c, r, a))
            return;
        break;
    default: /* an empty statement; COPY is led by who runs it */
        break;
    }
    PQclear(r);
}

/* ---- all of them ---- */

static bool is_rollback(const migrate_stmt *stmt)
{
    return stmt && ((stmt->sql_len >= 8 && mig_ieqn(stmt->sql, 8, "rollback")) ||
                    (stmt->sql_len >= 5 && mig_ieqn(stmt->sql, 5, "abort")));
}

void mig_pg_answer_close(struct mig_pg *c, const migrate_stmt *stmt, struct mig_pg_answer *a)
{
    if (a->outcome == MIGRATE_OUTCOME_NONE)
        a->outcome = a->lost ? MIGRATE_OUTCOME_UNKNOWN : MIGRATE_OUTCOME_DONE;
    if (a->lost)
        c->dead = true;
    /* COMMIT of a failed transaction succeeds, and says ROLLBACK. */
    bool ends = stmt && stmt->flags & MIGRATE_STMT_TX_END && !is_rollback(stmt);
    if (ends && a->outcome == MIGRATE_OUTCOME_DONE && strcmp(a->tag, "ROLLBACK") == 0)
        a->outcome = MIGRATE_OUTCOME_FAILED;
}

void mig_pg_answer_free(struct mig_pg_answer *a)
{
    PQclear(a->error);
    a->error = NULL;
}

/* ---- the session ---- */

uint32_t mig_pg_tx(const struct mig_pg *c)
{
    switch (PQtransactionStatus(c->pg)) {
    case PQTRANS_IDLE:
        return MIGRATE_TX_NONE;
    case PQTRANS_INTRANS:
        return MIGRATE_TX_OPEN;
    case PQTRANS_INERROR:
        return MIGRATE_TX_FAILED;
    default:
        return MIGRATE_TX_UNKNOWN;
    }
}

/* Encodings in which a byte that looks like a quote or backslash may be half of a character. */
static bool unsafe_encoding(const char *name)
{
    static const char *const unsafe[] = {
        "SJIS", "BIG5", "GBK", "UHC", "GB18030", "JOHAB", "SHIFT_JIS_2004"
    };
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++) {
        if (mig_ieq(name, unsafe[i]))
            return true;
    }
    return false;
}

uint32_t mig_pg_lex(const struct mig_pg *c)
{
    const char *conforming = PQparameterStatus(c->pg, "standard_conforming_strings");
    const char *encoding = PQparameterStatus(c->pg, "client_encoding");
    uint32_t lex = MIGRATE_LEX_DOLLAR_QUOTES;
    if (conforming && strcmp(conforming, "off") == 0)
        lex |= MIGRATE_LEX_BACKSLASH_ESCAPES;
    if (encoding && unsafe_encoding(encoding))
        lex |= MIGRATE_LEX_UNSAFE_ENCODING;
    return lex;
}

#define PUT(out, member, value)                      \
    do {                                             \
        if (MIGRATE_HAS(migrate_result, out, member)) \
            (out)->member = (value);                 \
    } while (0)

void mig_pg_result(struct mig_pg *c, const struct mig_pg_answer *a, migrate_result *out)
{
    if (!out)
        return;
    memcpy(c->tag, a->tag, sizeof c->tag);
    PUT(out, outcome, a->outcome);
    PUT(out, tx, mig_pg_tx(c));
    PUT(out, lex, mig_pg_lex(c));
    PUT(out, round_trips, c->rounds);
    PUT(out, affected, a->affected);
    PUT(out, tag, *c->tag ? c->tag : NULL);
}
