/* SPDX-License-Identifier: Apache-2.0 */

/* What a long statement is doing: told by a second connection. */

#include "pg.h"

void mig_pg_watch_step(struct mig_pg *c, int64_t now)
{
    (void)c;
    (void)now;
}

void mig_pg_watch_free(struct mig_pg *c)
{
    (void)c;
}
