/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_REPORT_H
#define MIG_CORE_REPORT_H

#include <migrate/report.h>

#include "core/item.h"
#include "util/buf.h"

struct mig_set;

/* What kind of document it is: which keys its JSON has. */
enum mig_report_kind {
    MIG_REPORT_STATUS,   /* status, verify */
    MIG_REPORT_RUN,      /* up, down, redo, baseline, resolve: with applied, reverted, elapsed, lock_wait, round_trips */
    MIG_REPORT_LOCK,     /* {"state":"free|locked","holder":{…}} */
    MIG_REPORT_TEXT,     /* init, hash, wait, create: {"text":…} under `text_key` */
};

/* Something to be said of one item. */
struct mig_report_note {
    struct mig_report_note *next;
    const char *identity; /* version, or name of a repeatable */
    bool        repeatable;
    uint8_t     state;    /* 0: stays */
    const char *text;
};

/* Items that are made when they are looked at: ten thousand of them are never in memory unless asked for one by one. */
struct mig_report_listing {
    void *self;
    /* Gives each item, lent; what @p fn returns ends it when that is a failure. */
    migrate_status (*each)(void *self, struct migrate_report *r, migrate_item_fn fn, void *user);
    void (*free)(void *self);
};

struct migrate_report {
    enum mig_report_kind kind;
    struct mig_report_listing listing; /* `each` NULL: the items are all in `items` */
    struct mig_report_note *notes;
    struct mig_arena arena;
    struct mig_set  *set;      /* a reference, or NULL */
    struct migrate_item *items;
    size_t   count, cap;       /* with a listing: how many it gives */
    uint32_t state;            /* MIGRATE_STATE_* */
    const char *version;       /* newest applied; "" none */
    const char *database;      /* driver's name */
    const char *server;        /* product and version */
    uint64_t pending, applied, reverted, round_trips;
    int64_t  elapsed_ms, lock_wait_ms;
    const char *text;          /* or NULL: a summary is made */
    const char *text_key;      /* MIG_REPORT_TEXT: "hash", "sql", … */
    /* the lock's holder, for MIG_REPORT_LOCK */
    struct { const char *session, *application, *host, *user, *doing, *kind; int64_t since_ms; uint64_t epoch; } holder;
    migrate_error *error;      /* a copy of the failure, or NULL */
    bool     more;             /* stopped with work left */
    struct mig_buf json;       /* made on demand */
    struct mig_buf summary;
};

/* NULL when memory is out. Takes a reference to @p set (may be NULL). */
struct migrate_report *mig_report_new(enum mig_report_kind kind, struct mig_set *set);
/* A zeroed item at the end whose arena is the report's, or NULL. */
struct migrate_item *mig_report_add(struct migrate_report *r);
/* Adds to what is said of an item, now or when it is made. */
void mig_report_note(struct migrate_report *r, const char *identity, bool repeatable, uint8_t state, const char *text);
/* Each item with its notes, lent. */
migrate_status mig_report_each(struct migrate_report *r, migrate_item_fn fn, void *user);
/* Copies into the report's arena; "" when memory is out. */
const char *mig_report_text(struct migrate_report *r, const char *text);

/* "SQLite 3.40.1": product and version as the server tells them. */
struct mig_facts;
void mig_report_server(struct migrate_report *r, const struct mig_facts *facts);

#endif
