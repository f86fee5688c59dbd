/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_SESSION_H
#define MIG_CORE_SESSION_H

/* One connection: opening it again and again, and running statements on it. */

#include "core/ctx.h"

/* Connects (credentials asked, a server that starts is waited for up to `reconnect_timeout`) and runs init_sql. */
migrate_status mig_session_open(migrate_ctx *ctx, migrate_error **err);
void mig_session_close(migrate_ctx *ctx);
void mig_session_free(struct mig_session *db);

/* What the SQL of the connection that was just opened is like. */
void mig_session_dialect(struct mig_session *db);

/* Asks the driver for facts once a connection; then checks that we may write. */
migrate_status mig_session_facts(migrate_ctx *ctx, migrate_error **err);

/* Runs one bookkeeping statement of ours. @p out may be NULL. */
migrate_status mig_exec(migrate_ctx *ctx, const char *sql, size_t len, migrate_row_fn on_row, void *user,
                        migrate_result *out, migrate_error **err);
/* The same for a buffer that may have run out of memory. */
migrate_status mig_exec_buf(migrate_ctx *ctx, const struct mig_buf *sql, migrate_row_fn on_row, void *user,
                            migrate_result *out, migrate_error **err);
/* Runs @p stmt and keeps what it says about the session. */
migrate_status mig_exec_stmt(migrate_ctx *ctx, const migrate_stmt *stmt, migrate_result *out, migrate_error **err);

/* Are transactions members of the driver, and not SQL text? */
bool mig_tx_by_member(const migrate_ctx *ctx);
migrate_status mig_begin_result(migrate_ctx *ctx, migrate_result *result, migrate_error **err);
migrate_status mig_commit_result(migrate_ctx *ctx, migrate_result *result, migrate_error **err);
migrate_status mig_begin(migrate_ctx *ctx, migrate_error **err);
migrate_status mig_commit(migrate_ctx *ctx, migrate_error **err);
/* Rolls back if a transaction may be open; never fails for the caller (a lost connection is noticed later). */
void mig_rollback(migrate_ctx *ctx);

/* Puts session settings back if a migration changed them. MIGRATE_DONE: this driver cannot, a new session would. */
migrate_status mig_session_reset(migrate_ctx *ctx, migrate_error **err);

/* What a result says about the session. */
void mig_session_note(migrate_ctx *ctx, const migrate_result *result);

/* Is it a fault after which the connection must be opened anew? */
bool mig_fault_reconnects(uint32_t klass);
bool mig_fault_retries(uint32_t klass);

void mig_names_free(struct mig_names *n);
/* E_READ_ONLY when facts() said that we may not write. */
migrate_status mig_session_writable(migrate_ctx *ctx, migrate_error **err);

/* A mig_sql_read_fn over text in memory. */
struct mig_memory_text {
    const char *text;
    size_t      len;
    size_t      at;
};
int32_t mig_memory_text_read(void *user, char *buf, size_t cap, size_t *got);

#endif
