/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_JOURNAL_H
#define MIG_CORE_JOURNAL_H

/* What the journal says about a half-done operation, and how an open intent is decided. */

#include "core/history.h"
#include "core/runner.h"
#include "core/script.h"

/* One settled unit: statements `idx` to `idx + count - 1` are executed. */
struct mig_unit {
    uint64_t idx, count;
    const char *sha; /* over the texts */
};

struct mig_progress {
    const struct mig_journal_row *rows; /* of one operation */
    size_t n;
};

/* Rows of (kind, identity, direction) in @p history. */
void mig_progress_of(const struct mig_history *history, const struct mig_migration *m, uint32_t direction,
                     struct mig_progress *out);
/* The done unit that begins at statement @p idx, or false. */
bool mig_progress_done(const struct mig_progress *p, uint64_t idx, struct mig_unit *out);
/* Statements executed in all. */
uint64_t mig_progress_count(const struct mig_progress *p);
/* The intent without a done mark, or NULL. */
const struct mig_journal_row *mig_progress_intent(const struct mig_progress *p);

/* LOCK TABLES as it is sent: our tables are locked too, so that marks can be written under it. false: it is none, or
 * memory (`oom` of @p out). */
bool mig_journal_lock_text(const struct mig_books *b, const struct mig_sql_dialect_info *di, const struct mig_cut *cut,
                           struct mig_buf *out);

/* Hash over the texts of a unit. */
struct mig_unit_sha {
    struct mig_sha256 h;
    uint64_t count;
};
void mig_unit_sha_begin(struct mig_unit_sha *u);
void mig_unit_sha_add(struct mig_unit_sha *u, const char *text, size_t len);
void mig_unit_sha_end(struct mig_unit_sha *u, char out[MIG_SHA256_HEX + 1]);
/* Of a unit of one statement. */
void mig_unit_sha_of(const char *text, size_t len, char out[MIG_SHA256_HEX + 1]);

/* The object column of a statement: "table:schema.name;table:other", "" for none. And the SQL of the fingerprint of all
 * of them, NULL where it cannot be told; *@p proves is what all of them prove. The driver sends nothing for it. */
migrate_status mig_fingerprint_sql(migrate_ctx *ctx, const struct mig_sql_facts *facts, struct mig_buf *object,
                                   struct mig_buf *sql, uint32_t *proves, migrate_error **err);

/* How a statement is settled here: its own class, made worse by what the server cannot do. */
enum mig_sql_settle mig_settle_class(const migrate_ctx *ctx, const struct mig_sql_facts *facts, bool has_fp,
                                     uint32_t proves);

/* What is known about an open intent. */
enum mig_verdict { MIG_VERDICT_NOT_APPLIED, MIG_VERDICT_APPLIED, MIG_VERDICT_REDO, MIG_VERDICT_DOUBT };
struct mig_settled {
    enum mig_verdict verdict;
    bool     edited;        /* the text is not the one that was sent */
    uint64_t number, line, column;
    char     verb[40];
    char    *text;          /* of the statement */
    char    *now;           /* definition of its object now, or NULL */
    char    *mend;          /* statements, a line each, that remove or finish what a broken-off one left */
    char    *object;        /* the object column and the SQL of its fingerprint */
    char    *fp_sql;
    const char *why;        /* static, for DOUBT */
};
/* Decides the open intent of @p intent. Sends queries, writes nothing. */
migrate_status mig_settle(migrate_ctx *ctx, const struct mig_script_of *of, const struct mig_journal_row *intent,
                          struct mig_settled *out, migrate_error **err);
/* The same for a statement at hand: @p out is zeroed but for `edited` and its place. */
migrate_status mig_settle_known(migrate_ctx *ctx, const struct mig_sql_facts *facts, const struct mig_journal_row *intent,
                                struct mig_settled *out, migrate_error **err);
/* Writes the verdict down: the done mark, or the intent taken back and its remains removed. */
migrate_status mig_settle_carry_out(struct mig_run *run, const struct mig_step *step, const struct mig_journal_row *intent,
                                    const struct mig_settled *s, migrate_error **err);
void mig_settled_free(struct mig_settled *s);

/* Settles what the step's journal leaves open, so that its next statement can be sent: E_DOUBT when nobody can tell. */
migrate_status mig_journal_settle(struct mig_run *run, size_t step, migrate_error **err);
/* E_DOUBT with the whole story. */
migrate_status mig_fail_doubt(const struct mig_migration *m, const char *path, const struct mig_settled *s,
                              migrate_error **err);

#endif
