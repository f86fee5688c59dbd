/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_SCRIPT_H
#define MIG_CORE_SCRIPT_H

/* The statements of one migration in one direction, cut one by one, each with what it is. */

#include "core/ctx.h"

struct mig_script;

struct mig_cut {
    const char *text;   /* until the next call */
    size_t   len;
    size_t   sent_len;  /* as it is sent: SQLite gets the blanks before the terminator too, as from its own shell, for
                           it keeps them in its schema */
    uint64_t number;    /* from 1 */
    uint64_t line;      /* of its file */
    uint64_t column;
    bool     whole;     /* cannot share a packet or a pipeline: several commands at once, or its own ';' at the end */
    bool     copy_data; /* COPY FROM STDIN: mig_script_copy() reads what follows */
    const struct mig_sql_facts *facts;
};

/* Everything borrowed outlives the script. */
struct mig_script_of {
    const struct mig_set *set;
    const struct mig_migration *migration;
    const struct mig_layout_options *layout;
    uint32_t direction;
};

migrate_status mig_script_open(migrate_ctx *ctx, const struct mig_script_of *of, struct mig_script **out,
                               migrate_error **err);
/* MIGRATE_OK, MIGRATE_DONE, or a failure with its place in *@p err. At the end the text is compared with what was
 * hashed: E_SOURCE_MOVED. */
migrate_status mig_script_next(struct mig_script *s, struct mig_cut *out, migrate_error **err);
/* The session reads text otherwise from the next statement on. */
void mig_script_set_lex(struct mig_script *s, uint32_t lex);
/* A migrate_data_fn for the statement just cut. */
migrate_status mig_script_copy(void *script, const char **chunk, size_t *len);
void mig_script_close(struct mig_script *s);

/* The part (text) of a direction. */
const struct mig_part *mig_script_part(const struct mig_script_of *of);

#endif
