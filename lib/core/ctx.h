/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_CTX_H
#define MIG_CORE_CTX_H

/* The context: what an application has set, the open connection, and the call under way. */

#include <stdatomic.h>

#include <migrate/context.h>
#include <migrate/lock.h>
#include <migrate/source.h>

#include "core/error.h"
#include "core/event.h"
#include "core/item.h"
#include "core/options.h"
#include "core/secrets.h"
#include "layouts/migrations.h"
#include "sources/sources.h"
#include "sql/classify.h"
#include "util/buf.h"
#include "util/mem.h"
#include "util/url.h"

/* A callback with its user pointer. */
struct mig_hook {
    void              *user;
    migrate_release_fn release;
};

/* What a connection is like, copied out of the driver's migrate_info. */
struct mig_facts {
    uint64_t caps, flags;
    uint32_t version, lex;
    uint64_t max_statement, max_call_ms;
    char *product, *flavour, *version_text, *database, *schema, *session_id, *address;
    bool known;   /* info() has been asked */
    bool mariadb;
};

/* Names of our tables, quoted and qualified, as they go into SQL. */
struct mig_names {
    char *schema;  /* unquoted; NULL not known yet */
    char *head, *history, *journal, *lock;
    char *lock_key; /* for session locks */
};

/* The database: a driver and a connection of it. */
struct mig_session {
    const migrate_driver *driver;
    void   *conn;
    char   *url;       /* own parameters taken out; may hold a password */
    char   *shown_url; /* without */
    struct mig_url_param *params; /* what was taken out of the URL for the driver */
    size_t  n_params, params_cap;
    void   *native;    /* adopted: the application's connection */
    bool    adopted;
    bool    lost;      /* a call said so: nothing more is sent on it */
    bool    changed;   /* a migration has changed the session: reset before the next */
    uint32_t lex;      /* lexical switches after the last statement */
    uint32_t tx;       /* MIGRATE_TX_* after the last statement */
    uint32_t dialect;
    struct mig_facts facts;
    struct mig_names names;
    uint64_t round_trips;
};

/* The call under way. */
struct mig_call {
    bool    active;
    bool    in_callback;
    int64_t started_ms;   /* monotonic */
    int64_t deadline_ms;  /* monotonic; INT64_MAX none */
    int64_t margin_ms;    /* kept back for unlocking */
    int64_t last_tick_ms;
    int64_t stop_seen_ms; /* when a stop was first noticed, 0 not */
    bool    ahead;        /* statements are under way beyond the running one */
    int64_t unlocking_since_ms; /* monotonic, 0 not yet seen */
    bool    unlocking;    /* past the deadline or cancelled, but cleaning up must go on */
    bool    lock_lost;    /* a renewal said so */
    struct mig_lock *lock; /* that expires, while it is held */
    void  (*renew)(migrate_ctx *ctx); /* keeps an expiring lock; called from every tick */
    migrate_status fault; /* what an event callback returned */
    const struct migrate_item *item; /* the migration running */
    int64_t lock_timeout_ms; /* of that migration, -1: the option's */
    int64_t statement_timeout_ms;
    int64_t statement_started_ms;
    char    option_text[2][32]; /* values lent by host->option */
};

struct migrate_ctx {
    struct mig_options *options;
    struct mig_settings set; /* read at the start of a call */
    const migrate_driver **drivers;
    size_t n_drivers, drivers_cap;

    const migrate_source_ops *source_ops; /* the application's or a directory; NULL none */
    void *source_self;
    void *memory;       /* files and code added one by one, or NULL */
    struct mig_source_joined joined;
    const migrate_lock_ops *lock_ops; /* outside the database, or NULL */
    void *lock_self;

    migrate_event_fn event_fn;
    struct mig_hook  event_hook;
    migrate_credentials_fn cred_fn;
    struct mig_hook  cred_hook;
    uint32_t cred_reason;
    bool cred_again; /* the last answer said that there may be another */
    bool     reconnecting; /* a refused connection is waited for too */

    struct mig_secrets secrets;
    migrate_host       host;
    struct mig_session db;
    struct mig_sql_dialect_info offline; /* use_dialect(); dialect 0 and !offline_set: none */
    bool  offline_set;
    char *offline_name;

    int wake[2];   /* pipe: readable after stop or cancel */
    int cancel[2]; /* pipe: readable after cancel */
    atomic_int stop_asked, cancel_asked;

    struct mig_call call;
    uint64_t random_state;
};

/* ---- calls ------------------------------------------------------------------ */

#define MIG_NEEDS_CONNECTION (1u << 0)
#define MIG_NEEDS_SOURCE     (1u << 1)
#define MIG_TAKES_DIALECT    (1u << 2) /* a dialect will do instead of a connection */

/* Enters a public call: checks re-entrancy and needs, reads the options, starts the clock. Every success is paired
 * with mig_call_end(). @p deadline_ms 0: the option's. */
migrate_status mig_call_begin(migrate_ctx *ctx, uint32_t needs, int64_t deadline_ms, migrate_error **err);
/* Masks *@p err and returns @p status. */
migrate_status mig_call_end(migrate_ctx *ctx, migrate_status status, migrate_error **err);

/* Between statements: stop, cancel, a callback's failure, or a deadline that is too near. 0: go on. Sets @p err. */
migrate_status mig_call_check(migrate_ctx *ctx, migrate_error **err);
/* Milliseconds since the call began. */
int64_t mig_call_elapsed(const migrate_ctx *ctx);

/* Emits an event; its `level` and text defaults apply. A failure of the callback is kept in call.fault. */
void mig_emit(migrate_ctx *ctx, struct migrate_event *event);
void mig_log(migrate_ctx *ctx, uint32_t level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Waits up to @p ms, ends early at stop or cancel: what tick() says, or E_STOPPED. */
migrate_status mig_wait(migrate_ctx *ctx, int64_t ms, migrate_error **err);
/* As @p status, an error that says which of stop, cancel, deadline it was. */
migrate_status mig_fail_asked(migrate_error **err, migrate_status status);
/* Random number below @p bound, for jitter and tokens that need no secrecy. */
uint64_t mig_random(migrate_ctx *ctx, uint64_t bound);

/* What follows goes on past stop, cancel and deadline, for a bounded time; gives what call.unlocking is to be set back
 * to. */
static inline bool mig_clean_up_begin(migrate_ctx *ctx)
{
    bool kept = ctx->call.unlocking;
    if (!kept)
        ctx->call.unlocking_since_ms = 0;
    ctx->call.unlocking = true;
    return kept;
}

/* ---- host ------------------------------------------------------------------- */

void mig_host_init(migrate_ctx *ctx);

/* ---- source ----------------------------------------------------------------- */

/* The vtable and self to read migrations from: the application's source and the added files joined. */
migrate_status mig_ctx_source(migrate_ctx *ctx, const migrate_source_ops **ops, void **self, migrate_error **err);
/* Reads the set. @p options is filled for mig_text_open(). */
migrate_status mig_ctx_set_read(migrate_ctx *ctx, struct mig_layout_options *options, struct mig_set **out,
                                migrate_error **err);
void mig_ctx_layout_options(migrate_ctx *ctx, struct mig_layout_options *out);

/* ---- dialect ---------------------------------------------------------------- */

/* Of the connection, or the offline one. */
void mig_ctx_dialect(const migrate_ctx *ctx, struct mig_sql_dialect_info *out);

#endif
