/* SPDX-License-Identifier: Apache-2.0 */

/* The second connection: opened in the background when the first statement of the user is sent, so that it is there
 * when something must be stopped, even if the server takes no more connections by then. */

#include <stdlib.h>
#include <string.h>

#include "drivers/mysql/conn.h"
#include "util/clock.h"

enum { RETRY_MS = 5000 };

uint64_t mig_my_session_number(const struct mig_my *c)
{
    if (c->pooled)
        return 0;
    return c->connection ? c->connection : mig_my_link_server(c->link)->thread_id;
}

void mig_my_side_start(struct mig_my *c)
{
    struct mig_my_side *s = &c->side;
    int64_t now = mig_clock_mono_ms();
    if (s->link || c->pooled || now < s->retry_at)
        return;
    s->retry_at = now + RETRY_MS;
    struct mig_my_login login;
    if (c->adopted ? !mig_my_native_login(c, &login) : mig_my_login_now(c->host, c->url, &login, NULL) != MIGRATE_OK)
        return;
    s->link = mig_my_link_new();
    if (s->link) {
        s->query = MIG_MY_SIDE_CONNECT;
        s->usable = s->failed = false;
        mig_my_link_connect(s->link, &login);
    }
    mig_my_login_free(&login);
}

void mig_my_side_stop(struct mig_my *c)
{
    mig_my_link_close(c->side.link);
    c->side.link = NULL;
    c->side.usable = false;
    c->side.query = MIG_MY_SIDE_IDLE;
}

/* ---- asking ----------------------------------------------------------------------------- */

static int32_t take_row(void *user, uint32_t n, const migrate_text *cols)
{
    struct mig_my_side *s = user;
    for (uint32_t i = 0; i < n; i++) {
        if (cols[i].data)
            mig_buf_add(&s->cells, cols[i].data, strlen(cols[i].data));
        mig_buf_add(&s->cells, "", 1);
    }
    s->n_cells = n;
    return 1;
}

bool mig_my_side_ask(struct mig_my *c, enum mig_my_side_query query, const char *sql)
{
    struct mig_my_side *s = &c->side;
    if (!s->link || !s->usable || s->query != MIG_MY_SIDE_IDLE)
        return false;
    struct mig_my_packet *p = mig_my_link_packet(s->link);
    mig_my_packet_reset(p);
    struct mig_my_slot *slot = mig_my_packet_add_text(p, sql, strlen(sql), MIGRATE_STMT_BOOKKEEPING);
    if (!slot)
        return false;
    slot->on_row = take_row;
    slot->on_row_user = s;
    mig_buf_reset(&s->cells);
    s->n_cells = 0;
    s->query = query;
    mig_my_link_send(s->link);
    return true;
}

const char *mig_my_side_cell(const struct mig_my *c, uint32_t i)
{
    const char *at = mig_buf_text(&c->side.cells);
    if (i >= c->side.n_cells || c->side.cells.oom)
        return "";
    while (i--)
        at += strlen(at) + 1;
    return at;
}

/* ---- what it said ------------------------------------------------------------------------- */

static void connected(struct mig_my *c)
{
    const struct mig_my_answer *a = mig_my_link_connected(c->side.link);
    if (a->code == 0) {
        c->side.usable = true;
        return;
    }
    mig_my_log(c->host, MIGRATE_LOG_DEBUG, "no second connection (to stop statements and watch them): %s",
               a->message ? a->message : "out of memory");
    c->side.failed = true;
    mig_my_side_stop(c);
}

bool mig_my_side_collect(struct mig_my *c, enum mig_my_side_query *was)
{
    struct mig_my_side *s = &c->side;
    struct mig_my_progress p;
    if (!s->link || s->query == MIG_MY_SIDE_IDLE)
        return false;
    mig_my_link_look(s->link, &p);
    if (p.rows)
        mig_my_link_take_rows(s->link);
    if (p.busy)
        return false;
    *was = s->query;
    s->query = MIG_MY_SIDE_IDLE;
    if (*was == MIG_MY_SIDE_CONNECT) {
        connected(c);
        return true;
    }
    const struct mig_my_answer *a = &mig_my_link_packet(s->link)->slots[0].answer;
    s->failed = a->outcome != MIGRATE_OUTCOME_DONE;
    if (a->outcome == MIGRATE_OUTCOME_UNKNOWN)
        mig_my_side_stop(c);
    return true;
}
