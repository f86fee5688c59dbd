/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_FEED_H
#define MIG_CORE_FEED_H

/* A stream of statements that the driver pulls: sent ahead where it can, one by one where not, with the same results
 * reported in the same order. What the statements are is the maker's affair. */

#include "core/runner.h"
#include "core/script.h"

/* What a pulled statement is to the maker of the feed. */
enum mig_sent_kind {
    MIG_SENT_BOOK,    /* ours, nothing to be learnt from it */
    MIG_SENT_BEGIN,
    MIG_SENT_FENCE,   /* fails, or touches no row, when we are fenced off */
    MIG_SENT_USER,
    MIG_SENT_CLOSE,   /* head and history: fails when the transaction is not ours any more */
    MIG_SENT_COMMIT,
    MIG_SENT_CHECK,   /* must give no row */
    MIG_SENT_INTENT,  /* journal */
    MIG_SENT_MARK,
};

struct mig_sent {
    enum mig_sent_kind kind;
    size_t   step;
    uint64_t number, line, column;
    char    *own;       /* text owned by the entry */
    const char *text;
    size_t   len;
    uint32_t stmt_flags;
    bool     needs_row; /* `affected` must be 1 */
    bool     session;   /* changes the session */
    bool     sets_lex;
    bool     copy;      /* data follows */
    uint64_t unit;      /* journal: the unit's idx */
    bool     remains;   /* journal: leaves something behind when it fails (an INVALID index) */
    bool     partial;   /* journal: may commit half-way */
    bool     last;      /* the step is in when this is */
};

struct mig_feed;

struct mig_feed_ops {
    /* Pushes one or more statements with mig_feed_push(); MIGRATE_DONE: nothing more. */
    migrate_status (*more)(struct mig_feed *feed, migrate_error **err);
    /* A statement is in. */
    migrate_status (*in)(struct mig_feed *feed, const struct mig_sent *sent, const migrate_result *result);
};

struct mig_feed {
    struct mig_run *run;
    const struct mig_feed_ops *ops;
    void *user;
    /* pushed and not yet reported; the first `pulled` of them have been pulled */
    struct mig_sent *queue;
    size_t head, n, cap, pulled;
    struct mig_script *script; /* of the step being generated: for COPY data and lexical switches */
    migrate_status status;     /* first failure */
    migrate_error *error;
    struct mig_sent failed;    /* what failed; text cleared */
    uint32_t outcome;
    uint32_t rows;             /* of the statement running */
    bool     singly;           /* not through exec_batch */
    bool     dry;              /* the next statement could not be made: what was sent ahead still counts */
    bool     asked;            /* ended by stop, cancel, deadline or a callback */
};

/* Takes @p own over (NULL: @p sent->text is stable until reported). */
migrate_status mig_feed_push(struct mig_feed *feed, const struct mig_sent *sent, char *own);
/* Pushes what @p sql holds and empties it. */
migrate_status mig_feed_push_sql(struct mig_feed *feed, struct mig_buf *sql, enum mig_sent_kind kind, size_t step,
                                 uint32_t stmt_flags, bool needs_row);
/* Runs to the end or the first failure. */
enum mig_end mig_feed_run(struct mig_feed *feed, bool ahead, migrate_error **err);
void mig_feed_free(struct mig_feed *feed);

#endif
