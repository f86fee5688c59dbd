/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_JOURNAL_FEED_H
#define MIG_CORE_JOURNAL_FEED_H

/* The feed of journalled migrations: its state, and the units it is made of. */

#include "core/books.h"
#include "core/feed.h"
#include "core/journal.h"
#include "core/replay.h"
#include "core/values.h"

enum mig_journal_phase { MIG_JOURNAL_STEP, MIG_JOURNAL_UNITS, MIG_JOURNAL_END };

struct mig_journal {
    struct mig_feed feed;
    size_t   first, step, last;
    enum mig_journal_phase phase;
    uint64_t seq;
    bool     mysql;
    bool     opened;      /* the head's digest is emptied: an intent may follow */
    bool     in_run;      /* a transaction with DML is open */
    bool     explicit_run; /* begun by the file's own BEGIN */
    bool     in_lock;     /* between LOCK TABLES and UNLOCK TABLES */
    bool     locked;      /* …or was, in this feed */
    struct mig_buf held;  /* a LOCK TABLES of what is executed, until something is left to do under it */
    uint64_t held_number, held_line, held_column;
    bool     frozen;      /* between FLUSH TABLES WITH READ LOCK and UNLOCK TABLES */
    uint64_t run_idx;
    uint64_t outside;     /* this statement has shown that it commits by itself: it runs alone */
    struct mig_unit_sha run_sha;
    uint64_t skip_until;  /* statements up to this one are executed already */
    struct mig_unit skipping;
    struct mig_unit_sha skip_sha;
    struct mig_progress progress;
    uint64_t last_done;   /* the last statement that an earlier run has executed */
    struct mig_values values; /* given to the session, by the number of the statement that gave them */
    struct mig_replay replay; /* of what is executed, what the session need not have again */
    struct mig_op op;
    char     digest[MIG_SHA256_HEX + 1];
    char     checksum[MIG_CHECKSUM_TEXT];
    int64_t  began_ms, began_unix_ms;
    uint32_t burst;       /* migrations that may share a packet: doubles while they are quick */
    uint32_t in_burst;
    int64_t  answered_ms; /* when the last migration was in */
    struct mig_buf object, fp, sql;
};

static inline struct mig_run *mig_journal_run(const struct mig_journal *j)
{
    return j->feed.run;
}

static inline const struct mig_step *mig_journal_step(const struct mig_journal *j)
{
    return &j->feed.run->plan->steps[j->step];
}

/* Pushes what `sql` holds, or @p text. */
migrate_status mig_journal_push(struct mig_journal *j, enum mig_sent_kind kind, uint32_t flags);
migrate_status mig_journal_push_text(struct mig_journal *j, const char *text, enum mig_sent_kind kind, uint32_t flags);
const char *mig_journal_begin_text(const struct mig_journal *j);
const char *mig_journal_commit_text(const struct mig_journal *j);

/* Before the first intent of an operation: once. */
migrate_status mig_journal_open(struct mig_journal *j);
/* A statement as it is, outside of any unit or inside the run that is open. */
migrate_status mig_journal_statement(struct mig_journal *j, const struct mig_cut *cut);
/* A statement that shares a transaction with its mark: begins a run where none is open. */
migrate_status mig_journal_dml(struct mig_journal *j, const struct mig_cut *cut);
/* Ends the run that is open, if one is. */
migrate_status mig_journal_end_run(struct mig_journal *j);
/* A statement with an intent before and a mark after it. */
migrate_status mig_journal_unit(struct mig_journal *j, const struct mig_cut *cut, migrate_error **err);
/* LOCK TABLES, which must name our tables too if anything is to be written under it. */
migrate_status mig_journal_lock(struct mig_journal *j, const struct mig_cut *cut);
/* One of a range that is partly executed is held back, and sent when something is left to do under it. */
migrate_status mig_journal_hold_lock(struct mig_journal *j, const struct mig_cut *cut);
migrate_status mig_journal_lock_held(struct mig_journal *j);
/* FLUSH TABLES WITH READ LOCK, and what follows up to UNLOCK TABLES. */
migrate_status mig_journal_frozen(struct mig_journal *j, const struct mig_cut *cut);
/* Gives back what an unfinished feed holds. */
void mig_journal_free(struct mig_journal *j);

#endif
