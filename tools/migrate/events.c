/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli.h"

/* A wait is told once a second; a log needs the line only when it says something new. */
static void log_wait(struct cli *cli, const char *text)
{
    if (strncmp(cli->last_wait, text, sizeof cli->last_wait - 1) == 0)
        return;
    snprintf(cli->last_wait, sizeof cli->last_wait, "%s", text);
    cli_log(cli, MIGRATE_LOG_WARN, "%s", text);
}

static void log_event(struct cli *cli, const migrate_event *event)
{
    uint32_t type = migrate_event_type(event);
    const char *text = migrate_event_text(event);
    switch (type) {
    case MIGRATE_EVENT_WAIT_LOCK:
    case MIGRATE_EVENT_BLOCKED:
        log_wait(cli, text);
        break;
    case MIGRATE_EVENT_TICK:
    case MIGRATE_EVENT_PROGRESS:
        break; /* for the bar alone */
    case MIGRATE_EVENT_MIGRATION_END:
    case MIGRATE_EVENT_RUN_END:
        cli_log(cli, MIGRATE_LOG_INFO, "%s", text); /* how it failed is told once, as the error */
        break;
    default:
        cli_log(cli, migrate_event_level(event), "%s", text);
    }
}

migrate_status cli_on_event(void *user, const migrate_event *event)
{
    struct cli *cli = user;
    log_event(cli, event);
    if (cli->stream_items && migrate_event_type(event) == MIGRATE_EVENT_MIGRATION_END) {
        cli_progress_clear(cli->progress);
        cli_print_ended(event);
    }
    if (cli->progress)
        cli_progress_event(cli->progress, event);
    return MIGRATE_OK;
}
