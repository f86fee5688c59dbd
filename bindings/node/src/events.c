/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "binding.h"

/* Events are not waited for. Ticks go over even where nobody listens: a worker that was ended is noticed by
 * their failing to arrive. */
migrate_status on_event(void *user, const migrate_event *event)
{
    struct handle *handle = user;
    bool tick = migrate_event_type(event) == MIGRATE_EVENT_TICK;
    struct message *message;
    if (!handle->calling || (!tick && !handle->on_event))
        return MIGRATE_OK;
    message = message_new(handle->calling, handle->on_event ? MESSAGE_EVENT : MESSAGE_ALIVE, NULL);
    if (!message)
        return MIGRATE_OK;
    message->text = handle->on_event ? strdup(migrate_event_json(event)) : NULL;
    return message_send(message) ? MIGRATE_OK : MIGRATE_E_STOPPED;
}
