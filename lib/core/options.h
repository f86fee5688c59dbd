/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_OPTIONS_H
#define MIG_CORE_OPTIONS_H

/* The values of a context's options: text by key as set, and the engine's reading of them. */

#include <stdbool.h>

#include <migrate/options.h>
#include <migrate/status.h>
#include <migrate/driver.h>

enum mig_transaction { MIG_TRANSACTION_EACH, MIG_TRANSACTION_ALL, MIG_TRANSACTION_NONE };
enum mig_lock_kind { MIG_LOCK_AUTO, MIG_LOCK_SESSION, MIG_LOCK_LEASE, MIG_LOCK_NONE };

/* Read anew by mig_options_read(); text is borrowed from the options. */
struct mig_settings {
    enum mig_transaction transaction;
    enum mig_lock_kind   lock;
    bool out_of_order, changed, missing; /* allow */
    bool ahead_denied;
    bool batch;               /* statements may be sent ahead */
    bool require_online;
    const char *layout, *order; /* order NULL when not set */
    const char *contexts, *labels, *tags;
    const char *schema;       /* NULL: the connection's own */
    const char *table_prefix;
    const char *client;       /* NULL when not set */
    const char *init_sql, *role;
    int64_t lock_wait_ms, lock_timeout_ms, statement_timeout_ms, deadline_ms;
    int64_t connect_timeout_ms, reconnect_timeout_ms, wait_timeout_ms;
    uint32_t retries;
    uint32_t log_level;       /* MIGRATE_LOG_* */
};

struct mig_options; /* keys and values as set */

struct mig_options *mig_options_new(void);
void mig_options_free(struct mig_options *o);
/* E_OPTION with the nearest known key as hint, a bad value with what it takes. Keys of drivers
 * ("sqlite.journal_mode") are known through @p drivers: the registered ones. NULL value: back to the default.
 * Values of secret-like keys are not quoted in errors. */
migrate_status mig_options_set(struct mig_options *o, const char *key, const char *value,
                               const migrate_driver *const *drivers, size_t n_drivers, migrate_error **err);
/* Value in force, default included, or NULL. */
const char *mig_options_get(const struct mig_options *o, const char *key);
/* As set, NULL when it was not. */
const char *mig_options_own(const struct mig_options *o, const char *key);
/* Iterates what was set: "placeholder.x" and so on. NULL past the end. */
const char *mig_options_key_at(const struct mig_options *o, size_t index, const char **value);
void mig_options_read(const struct mig_options *o, struct mig_settings *out);

#endif
