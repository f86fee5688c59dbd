/* SPDX-License-Identifier: Apache-2.0 */

/* COPY: data from the file to the server, in pieces, so that a file of any size needs little memory. */

#include <string.h>

#include "pg.h"
#include "util/text.h"

enum { PIECE = 64 * 1024 };

/* Sends @p len bytes, waiting until libpq's buffer is empty after each piece. */
static bool send_chunk(struct mig_pg *c, const char *chunk, size_t len)
{
    while (len && !c->stop) {
        size_t piece = len < PIECE ? len : PIECE;
        int taken = PQputCopyData(c->pg, chunk, (int)piece);
        if (taken < 0)
            return false;
        if (taken > 0) {
            chunk += piece;
            len -= piece;
        }
        c->sent = true;
        if (!mig_pg_settle(c))
            return false;
        mig_pg_tick(c, false);
    }
    return true;
}

/* Ends the data. @p refusal: why it is incomplete, or NULL. */
static void end_data(struct mig_pg *c, const char *refusal, struct mig_pg_answer *a)
{
    int ended;
    while ((ended = PQputCopyEnd(c->pg, refusal)) == 0) {
        if (!mig_pg_pump(c))
            break;
    }
    c->sent = true;
    if (ended < 0 && PQstatus(c->pg) == CONNECTION_BAD)
        a->lost = true;
}

void mig_pg_copy_in(struct mig_pg *c, const migrate_stmt *stmt, struct mig_pg_answer *a)
{
    if (!stmt || !stmt->data) {
        end_data(c, "the statement comes without data", a);
        return;
    }
    const char *chunk;
    size_t len;
    while (!(a->own = stmt->data(stmt->data_user, &chunk, &len)) && len) {
        if (!send_chunk(c, chunk, len))
            break;
        if (c->stop)
            break;
    }
    end_data(c, a->own ? "the data could not be read" : c->stop ? "cancelled" : NULL, a);
}

void mig_pg_copy_out(struct mig_pg *c)
{
    for (;;) {
        char *row = NULL;
        int len = PQgetCopyData(c->pg, &row, 1);
        PQfreemem(row);
        if (len < 0 || (len == 0 && !mig_pg_pump(c)))
            return;
    }
}

static const char *skip_comment(const char *at, const char *end)
{
    if (at[1] == '-') {
        while (at < end && *at != '\n' && *at != '\r')
            at++;
        return at;
    }
    unsigned depth = 0;
    while (at + 1 < end) {
        if (at[0] == '/' && at[1] == '*') {
            depth++;
            at += 2;
        } else if (at[0] == '*' && at[1] == '/') {
            at += 2;
            if (--depth == 0)
                return at;
        } else {
            at++;
        }
    }
    return end;
}

bool mig_pg_is_copy(const char *sql, size_t len)
{
    const char *at = sql, *end = sql + len;
    while (at < end) {
        bool comment = at + 1 < end && ((at[0] == '-' && at[1] == '-') || (at[0] == '/' && at[1] == '*'));
        if (comment)
            at = skip_comment(at, end);
        else if (strchr(" \t\r\n\f\v", *at) && *at)
            at++;
        else
            break;
    }
    return end - at > 4 && mig_ieqn(at, 4, "copy") && !mig_is_alpha(at[4]) && !mig_is_digit(at[4]) &&
           at[4] != '_';
}
