/* SPDX-License-Identifier: Apache-2.0 */

#include "feed.h"

#include <check.h>
#include <string.h>

#include "host.h"

static migrate_status next(void *user, migrate_stmt *out)
{
    struct feed *f = user;
    if (f->pulled == f->n * f->repeat)
        return f->next_fails ? f->next_fails : MIGRATE_DONE;
    const struct step *step = &f->steps[f->pulled % f->n];
    out->sql = step->sql;
    out->sql_len = strlen(step->sql);
    out->flags = step->flags;
    f->pulled++;
    if (f->pulled - f->told > f->most_ahead)
        f->most_ahead = f->pulled - f->told;
    return MIGRATE_OK;
}

static migrate_status done(void *user, uint64_t index, const migrate_result *r, const migrate_fault *fault)
{
    struct feed *f = user;
    ck_assert_uint_eq(index, f->told);
    bool bad = r->outcome == MIGRATE_OUTCOME_FAILED || r->outcome == MIGRATE_OUTCOME_UNKNOWN;
    ck_assert_msg(bad == (fault != NULL), "fault without failure, or the other way");
    f->seen[f->told % SEEN_MAX] = (struct seen){ .outcome = r->outcome, .tx = r->tx, .lex = r->lex,
                                                 .klass = fault ? fault->klass : 0,
                                                 .code = fault ? fault->native_code : 0,
                                                 .offset = fault ? fault->offset : 0, .affected = r->affected };
    f->rounds += r->round_trips;
    f->told++;
    return f->stop_after && f->told == f->stop_after ? MIGRATE_E_STOPPED : MIGRATE_OK;
}

migrate_status feed_run(struct feed *f, void *conn)
{
    migrate_batch b = { .struct_size = sizeof b, .flags = f->flags, .max_ahead = f->ahead, .user = f, .next = next,
                        .done = done };
    migrate_status status = my->exec_batch(conn, &b, NULL);
    ck_assert_uint_eq(f->told, f->pulled);
    return status;
}

const char *feed_outcomes(const struct feed *f)
{
    static const char letters[] = "-DFU";
    static char text[SEEN_MAX + 1];
    for (uint64_t i = 0; i < f->told; i++)
        text[i] = letters[f->seen[i].outcome];
    text[f->told] = '\0';
    return text;
}
