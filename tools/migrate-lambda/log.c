/* SPDX-License-Identifier: Apache-2.0 */
/* Lines for CloudWatch: text, or JSON objects as AWS_LAMBDA_LOG_FORMAT asks. Events and configuration are never logged:
 * they hold signed URLs and passwords. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "bootstrap.h"

static const char *const level_names[] = { "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL" };

void boot_log_init(struct boot_log *log)
{
    const char *format = getenv("AWS_LAMBDA_LOG_FORMAT"), *level = getenv("AWS_LAMBDA_LOG_LEVEL");
    *log = (struct boot_log){ .level = BOOT_INFO };
    log->json = format && strcasecmp(format, "JSON") == 0;
    for (unsigned i = 0; level && i < sizeof level_names / sizeof *level_names; i++) {
        if (strcasecmp(level, level_names[i]) == 0)
            log->level = (enum boot_level)i;
    }
}

static void stamp(char *to, size_t cap)
{
    struct timeval now;
    struct tm tm;
    char seconds[32];
    (void)gettimeofday(&now, NULL);
    (void)gmtime_r(&now.tv_sec, &tm);
    (void)strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(to, cap, "%s.%03dZ", seconds, (int)(now.tv_usec / 1000));
}

static void add_json(struct boot_text *line, const struct boot_log *log, enum boot_level level, const char *when,
                     const char *text)
{
    boot_text_str(line, "{\"timestamp\":\"");
    boot_text_str(line, when);
    boot_text_str(line, "\",\"level\":\"");
    boot_text_str(line, level_names[level]);
    boot_text_str(line, "\",\"message\":");
    boot_text_json(line, text);
    if (*log->request_id) {
        boot_text_str(line, ",\"requestId\":");
        boot_text_json(line, log->request_id);
    }
    boot_text_str(line, "}\n");
}

/* A line of the log is one line, whatever the server says. */
static void add_plain(struct boot_text *line, const struct boot_log *log, enum boot_level level, const char *when,
                      const char *text)
{
    size_t at;
    boot_text_str(line, when);
    boot_text_str(line, " ");
    boot_text_str(line, level_names[level]);
    if (*log->request_id) {
        boot_text_str(line, " RequestId: ");
        boot_text_str(line, log->request_id);
    }
    boot_text_str(line, " ");
    at = line->len;
    boot_text_str(line, text);
    for (; line->data && at < line->len; at++) {
        if ((unsigned char)line->data[at] < ' ')
            line->data[at] = ' ';
    }
    boot_text_str(line, "\n");
}

void boot_log(const struct boot_log *log, enum boot_level level, const char *text)
{
    struct boot_text line = { .data = NULL };
    char when[48];
    if (level < log->level)
        return;
    stamp(when, sizeof when);
    if (log->json)
        add_json(&line, log, level, when, text);
    else
        add_plain(&line, log, level, when, text);
    for (size_t done = 0; !line.oom && done < line.len;) {
        ssize_t n = write(STDERR_FILENO, line.data + done, line.len - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    boot_text_free(&line);
}

static enum boot_level level_of(const migrate_event *event)
{
    switch (migrate_event_type(event)) {
    case MIGRATE_EVENT_STATEMENT:
    case MIGRATE_EVENT_PROGRESS:
    case MIGRATE_EVENT_MIGRATION_BEGIN:
        return BOOT_DEBUG;
    default:
        break;
    }
    switch (migrate_event_level(event)) {
    case MIGRATE_LOG_ERROR:
        return BOOT_ERROR;
    case MIGRATE_LOG_WARN:
        return BOOT_WARN;
    case MIGRATE_LOG_INFO:
        return BOOT_INFO;
    default:
        return BOOT_DEBUG;
    }
}

migrate_status boot_on_event(void *user, const migrate_event *event)
{
    if (migrate_event_type(event) != MIGRATE_EVENT_TICK)
        boot_log(user, level_of(event), migrate_event_text(event));
    return MIGRATE_OK;
}
