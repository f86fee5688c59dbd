/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_EVENT_H
#define MIG_CORE_EVENT_H

#include <migrate/event.h>

#include "util/buf.h"

/* Zero-initialise, fill what the type has, emit with mig_event_emit(). `text` of LOG, NOTICE and PROGRESS is
 * given out as it is; of CONNECTED (the address), WAIT_LOCK (who holds it), BLOCKED (by whom) and RETRY (why)
 * it ends the sentence that is made of the event; NULL says "another session" and the like; the other types
 * need none. */
struct migrate_event {
    uint32_t type;
    uint32_t level; /* 0: the type's own */
    const char *text;
    migrate_status status;
    const migrate_item *item;
    uint64_t index, total;
    int64_t elapsed_ms;
    int64_t at_ms;       /* wall clock, set by emit */
    struct mig_buf made; /* text made on demand */
    struct mig_buf json;
};

/* Calls @p fn with the event and frees what was made. MIGRATE_OK when fn is NULL. */
migrate_status mig_event_emit(migrate_event_fn fn, void *user, struct migrate_event *event);

#endif
