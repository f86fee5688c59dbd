/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_SCRIPTING_H
#define MIG_CORE_SCRIPTING_H

/* What the makers of migrate_plan_script()'s text share. */

#include "core/books.h"
#include "core/journal.h"
#include "core/running.h"

struct mig_scripting {
    struct mig_run run; /* its view, plan and applied list only */
    struct mig_books books;
    migrate_write_fn fn;
    void *user;
    struct mig_buf out;
    const struct mig_step *step;
    struct mig_op op;
    char digest[MIG_SHA256_HEX + 1];
    char checksum[MIG_CHECKSUM_TEXT];
    bool in_lock; /* between LOCK TABLES and UNLOCK TABLES */
    bool in_run; /* statements that share a transaction with their mark, as a run would make them */
    uint64_t run_idx;
    struct mig_unit_sha run_sha;
};

/* One of our statements, with its terminator; @p sql is emptied. */
void mig_scripting_book(struct mig_scripting *s, struct mig_buf *sql);
void mig_scripting_text(struct mig_scripting *s, const char *sql);
/* All statements that @p what writes. */
void mig_scripting_close_books(struct mig_scripting *s,
                               bool (*what)(const struct mig_books *, const struct mig_op *, size_t, struct mig_buf *));
/* One of the user's, handed on at once. */
migrate_status mig_scripting_user_statement(struct mig_scripting *s, struct mig_script *script, const struct mig_cut *cut,
                                            migrate_error **err);
/* A journalled migration. */
migrate_status mig_scripting_journalled(struct mig_scripting *s, struct mig_script *script, migrate_error **err);

#endif
